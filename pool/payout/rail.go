package payout

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// Intent is the will to pay one party once.
//
// It is paid under one ticket or under none: whoever wants to pay again after
// it failed makes another intent with another ID.
type Intent struct {
	// ID is unique for ever, and the same when the same intent is worked out
	// again. Rails may show it to the wallet as a label.
	ID string
	// Party is whom it pays, as the ledger's records name the party.
	Party string
	// Rail is the name of the rail, To the destination in that rail's own
	// notation: an address, an invoice, a Lightning address.
	Rail, To string
	// Millisats arrive at the party: all of them, the fee comes on top.
	Millisats int64
	// MaxFee is the most, in millisats, that paying may cost besides.
	MaxFee int64
}

// Ticket identifies one payment before anything moves. It is stored, synced,
// between Prepare and Pay, and is all that a rail gets to see afterwards: what
// it must know it puts into Data.
//
// A ticket is not a secret and cannot move money in the hands of whoever reads
// the ledger: no preimage, no signed transaction.
type Ticket struct {
	// Key is what the network or the wallet knows the payment by: payment
	// hash, transaction id, external id. At most [MaxKey] bytes, printable.
	Key string
	// Data is what the rail needs to go on after a restart; at most [MaxData]
	// bytes.
	Data []byte
}

// The bounds of a ticket.
const (
	MaxKey  = 128
	MaxData = 32 << 10
)

// Check reports what is wrong with a ticket that a rail made.
func (t Ticket) Check() error {
	if t.Key == "" || len(t.Key) > MaxKey {
		return fmt.Errorf("a ticket's key of %d bytes: want 1 to %d", len(t.Key), MaxKey)
	}
	for _, r := range t.Key {
		if !strconv.IsPrint(r) {
			return fmt.Errorf("the ticket's key %q is not printable", t.Key)
		}
	}
	if len(t.Data) > MaxData {
		return fmt.Errorf("a ticket's data of %d bytes: want %d at most", len(t.Data), MaxData)
	}
	return nil
}

// State is what a rail knows of a ticket.
type State uint8

// What a rail may say. Only Paid and Failed are for ever.
const (
	// Unknown: it cannot be told now. The money stays blocked; Look later.
	Unknown State = iota
	// Unsent: nothing is under way, and Pay may be called again with this
	// ticket. The wallet has never heard of it, or an attempt came back while
	// the ticket could still be paid.
	Unsent
	// Pending: it is under way. Look later.
	Pending
	// Paid: the money arrived, for good.
	Paid
	// Failed: no request that was made so far, and none that is still on its
	// way to the wallet, can ever move money under this ticket. A rail that
	// is not sure of that says Unsent or Unknown. (An invoice that the wallet
	// itself refuses as expired has failed; one without a route has not.)
	Failed
)

// String implements [fmt.Stringer].
func (s State) String() string {
	switch s {
	case Unsent:
		return "unsent"
	case Pending:
		return "pending"
	case Paid:
		return "paid"
	case Failed:
		return "failed"
	case Unknown:
	}
	return "unknown"
}

// Outcome is what became of a ticket.
type Outcome struct {
	State State
	// Fee is what it cost in millisats besides what arrived, for the whole
	// ticket. It counts when State is Paid.
	Fee int64
	// Proof is what shows that it was paid: preimage, transaction id.
	Proof string
	// Why says, for a person, why it is not paid.
	Why string
}

// ErrRefused is wrapped by an error of Prepare that no second try would mend:
// the address is of another network, the amount is dust.
var ErrRefused = errors.New("cannot be paid this way")

// Refusal is an [ErrRefused] about one intent of a batch: the others may be
// prepared without it.
type Refusal struct {
	ID  string // of the intent
	Why string
}

// Error implements error.
func (r *Refusal) Error() string { return "cannot be paid this way: " + r.Why }

// Unwrap makes every refusal an [ErrRefused].
func (r *Refusal) Unwrap() error { return ErrRefused }

// Rail is a way to pay. Its methods may be called from several goroutines, but
// for one ticket one at a time.
//
// An error means that nothing is known: of Prepare, that there is no ticket and
// nothing moved; of Pay and Look the same as an outcome that is Unknown.
type Rail interface {
	// Name is short and the same for ever: "lnd", "onchain".
	Name() string
	// Prepare makes the ticket. It moves nothing, and may be called again
	// when its answer was lost. An error that wraps [ErrRefused] says that
	// this intent can never be paid on this rail.
	Prepare(ctx context.Context, in Intent) (Ticket, error)
	// Pay sends the money. It may be called any number of times with one
	// ticket, also at the same time by a process that died since: all of them
	// together move the money once at most.
	Pay(ctx context.Context, t Ticket) (Outcome, error)
	// Look asks what became of the ticket and moves nothing.
	Look(ctx context.Context, t Ticket) (Outcome, error)
}

// Batcher is a rail that pays several intents under one ticket. The outcome
// is that of all of them; the fee is shared.
type Batcher interface {
	Rail
	// PrepareBatch is Prepare for several intents, one or more. The ticket is
	// for all of them; a [Refusal] names the one that cannot be among them.
	PrepareBatch(ctx context.Context, batch []Intent) (Ticket, error)
}
