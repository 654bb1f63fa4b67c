package mine

import (
	"time"

	"hearth/chain/keys"
	"hearth/chain/mine/record"
	"hearth/infer/model"
)

// View is how a worker is, for people.
type View struct {
	Chain  string
	Public keys.Public
	// Height and Time are those of the newest trusted block.
	Height int64
	Time   time.Time
	// Registered says that the chain has the miner with these keys; Miner is its
	// record.
	Registered bool
	Miner      record.Miner
	Earned     record.Earned
	// Held is what is under way, what must be delivered soonest first.
	Held []*Held
	// Running is the claim whose job is being run.
	Running *model.Hash
	// Jobs and Tickets were made since the worker began.
	Jobs, Tickets int
	// Idle is why nothing new is claimed, empty if it is.
	Idle string
	// Trouble is what keeps the worker from working, empty if nothing does.
	Trouble string
	// Events are what was done and earned, the oldest first.
	Events []Event
}

// View returns how the worker is now.
func (w *Worker) View() View {
	w.mu.Lock()
	v := w.view
	w.mu.Unlock()
	v.Held, v.Events = w.Journal.Held(), w.Journal.Events()
	return v
}
