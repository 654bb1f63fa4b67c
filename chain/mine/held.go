package mine

import (
	"errors"

	"hearth/chain/mine/record"
	"hearth/infer/model"
)

// Held is a claim that a worker has asked for, from before the transaction is
// sent to the end that the chain gives it.
type Held struct {
	Claim      model.Hash   `json:"claim"` // its name; see [record.ClaimName]
	Job        model.Hash   `json:"job"`
	Class      record.Class `json:"class"`
	Model      model.Hash   `json:"model"`
	Assignment uint64       `json:"assignment,omitempty"`
	Tip        uint64       `json:"tip,omitempty"` // uhth
	Encoding   []byte       `json:"encoding"`
	// Until is the last block that may hold the transaction that was sent last: the
	// claim's own, and later those that deliver.
	Until int64 `json:"until"`
	// Tries counts the transactions that were to deliver.
	Tries int `json:"tries,omitempty"`
	// Last is the newest record of the claim that was proven, nil before the chain
	// had one.
	Last *record.Claim `json:"last,omitempty"`
	// Beacon is what Receipt and Tickets were made with.
	Beacon  model.Hash `json:"beacon"`
	Receipt []byte     `json:"receipt,omitempty"`
	Tickets [][]byte   `json:"tickets,omitempty"`
}

// A Step is what is to be done about a claim now.
type Step int

const (
	// Wait for the chain, or for a transaction that is under way.
	Wait Step = iota
	// Lapse says that the claim was never made, and can no longer be.
	Lapse
	// Run the job.
	Run
	// Send tickets and receipt.
	Send
	// End says that nothing more becomes of the claim.
	End
)

// String is the step in a word.
func (s Step) String() string { return [...]string{"wait", "lapse", "run", "send", "end"}[s] }

// ErrTwoBeacons says that the chain gave a claim another beacon than before. A
// receipt for it exists; there must be no second.
var ErrTwoBeacons = errors.New("the chain has given the claim another beacon than the one its receipt was made with: nothing more is sent for it")

// ahead is how many blocks after a state the next one comes that can still take a
// transaction: the block that proves the state is made already.
const ahead = 2

// Next decides what to do about a claim, given the chain's record of it, nil if it
// has none, after the block at. It depends on nothing else.
func (h *Held) Next(c *record.Claim, at int64) (Step, error) {
	if c == nil {
		switch {
		case at < h.Until:
			return Wait, nil
		case h.Last == nil:
			return Lapse, nil
		}
		return End, nil // the chain has forgotten it
	}
	switch c.Status {
	case record.Settled, record.Lost, record.Returned:
		return End, nil
	case record.Open:
	default:
		return Wait, nil
	}
	switch {
	case at+ahead > c.Closes:
		return Wait, nil // too late: the chain will say so
	case h.Receipt == nil:
		return Run, nil
	case h.Beacon != c.Beacon:
		return Wait, ErrTwoBeacons
	case at < h.Until:
		return Wait, nil
	}
	return Send, nil
}

// patience is for how many blocks a transaction may be under way before it is
// sent again.
const patience = 4

// Deadline is the last block that may hold a transaction sent after the block at:
// until then it is not sent again.
func Deadline(at int64) int64 { return at + ahead + patience }

// A Parcel is what one transaction hands in.
type Parcel struct {
	Tickets [][]byte
	Receipt []byte // nil if it is for a later one
}

const (
	// parcelBytes is about how many bytes of tickets go into one transaction, well
	// below what nodes take.
	parcelBytes = 256 << 10
	// togetherTries is how often the last tickets are sent in one transaction with
	// the receipt: then either both are in, or neither, and no ticket comes too late
	// because the receipt was faster. After that the receipt goes alone, so that it
	// cannot fail for what the chain has against a ticket.
	togetherTries = 2
)

// Parcels divides what is to be handed in among transactions, to be sent in their
// order: so many tickets in each at most, and the receipt last.
func (h *Held) Parcels(tickets [][]byte, most int) []Parcel {
	var all []Parcel
	var p Parcel
	size := 0
	for _, t := range tickets {
		if len(p.Tickets) > 0 && (len(p.Tickets) >= most || size+len(t) > parcelBytes) {
			all, p, size = append(all, p), Parcel{}, 0
		}
		p.Tickets = append(p.Tickets, t)
		size += len(t)
	}
	if len(p.Tickets) > 0 && h.Tries >= togetherTries {
		all, p = append(all, p), Parcel{}
	}
	p.Receipt = h.Receipt
	return append(all, p)
}

// Unfinished tells whether the job of a claim has still to be run.
func (h *Held) Unfinished() bool { return h.Receipt == nil }

// closes is when a claim has to be delivered, for sorting: those that are not open
// yet come last.
func (h *Held) closes() int64 {
	if h.Last == nil || h.Last.Closes == 0 {
		return 1<<63 - 1
	}
	return h.Last.Closes
}

// Undelivered tells whether a claim still needs its worker after the block at: it
// is not delivered, or not known to be, and can be.
func (h *Held) Undelivered(at int64) bool {
	switch {
	case h.Last == nil: // it may come into being
		return true
	case h.Last.Status == record.Open:
		return at+ahead <= h.Last.Closes
	}
	return h.Last.Status == record.Waiting
}
