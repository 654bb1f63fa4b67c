package mine

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"hearth/chain/keys"
	"hearth/chain/mine/record"
	"hearth/infer/model"
)

// View is how a worker is, for people.
type View struct {
	Chain string
	// Test says that the coins are test coins, worth nothing.
	Test   bool
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

// Summary is what a worker last wrote down of how it is, for whoever asks while it
// runs, or after.
type Summary struct {
	Chain    string    `json:"chain"`
	Test     bool      `json:"test_coins"`
	Height   int64     `json:"height"`
	Time     time.Time `json:"time"`
	Owner    string    `json:"owner"`
	Account  string    `json:"hot_account"`
	Executor string    `json:"executor"`
	Bond     uint64    `json:"bond_uhth"`
	Locked   uint64    `json:"locked_uhth"`
	Mega     uint64    `json:"credited_mega"` // millions of MACs
	PaidOut  uint64    `json:"paid_out_uhth"`
	Vesting  uint64    `json:"vesting_uhth"`
	Trouble  string    `json:"trouble,omitempty"`
	Idle     string    `json:"idle,omitempty"`
}

// Summary is the view in short.
func (v View) Summary() Summary {
	return Summary{
		Chain: v.Chain, Test: v.Test, Height: v.Height, Time: v.Time,
		Owner: v.Public.Owner.String(), Account: v.Public.Account.String(), Executor: hex.EncodeToString(v.Public.Executor[:]),
		Bond: v.Miner.Bond, Locked: v.Miner.Locked, Mega: v.Miner.Mega(), PaidOut: v.Earned.PaidOut, Vesting: v.Earned.Vesting,
		Trouble: v.Trouble, Idle: v.Idle,
	}
}

// summaryFile is where a worker keeps its summary.
const summaryFile = "summary.json"

// ReadJournal reads a worker's folder without taking it, while a worker may have
// it: its summary, the claims it holds, and the events, the oldest first.
func ReadJournal(dir string) (Summary, []*Held, []Event, error) {
	j := &Journal{dir: dir, held: map[model.Hash]*Held{}}
	if err := j.load(); err != nil {
		return Summary{}, nil, nil, err
	}
	var s Summary
	b, err := os.ReadFile(filepath.Join(dir, summaryFile))
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Summary{}, nil, nil, fmt.Errorf("read the worker's summary: %w", err)
	}
	return s, j.Held(), j.Events(), nil
}
