package payout

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"hearth/ledger"
)

// Status is how far an intent has come.
type Status struct {
	Intent
	State ledger.PayoutState
	// Ticket is empty until the intent is prepared.
	Ticket Ticket
	// Begun is when it began, Changed when its last record was made.
	Begun, Changed time.Time
	// Fee, Proof and Why are of the last record.
	Fee   int64
	Proof string
	Why   string
	// Next is when it is looked after again, zero if at once. It is not in
	// the ledger: a new start looks after everything at once.
	Next time.Time
}

// Open tells whether the intent may still be paid.
func (s Status) Open() bool { return !over(s.State) }

func over(s ledger.PayoutState) bool {
	return s == ledger.PayoutPaid || s == ledger.PayoutFailed
}

// Book is what became of every intent: the ledger's records of payouts,
// replayed. It is not safe for concurrent use.
//
// The book keeps the whole of what is open, and of what is over only what
// decides later payments.
type Book struct {
	scope   string
	open    map[string]*payment
	tickets map[string][]*payment // those of open that share a ticket, by its key
	parties map[string]*history
	used    map[place]string // what was paid or is open, by ticket and destination: the intent
	begun   []spending       // of the last day, and of times that the clock says are to come
	out     int64            // paid with fees, and set aside with the most the fees may be
}

// payment is an open intent.
type payment struct {
	Status
	of    int // intents that the ticket pays, 0 before it is prepared
	tried time.Time
	wait  time.Duration
	tries int
}

// history is what a party's intents were.
type history struct {
	count  int       // intents begun
	open   string    // the one that is
	last   time.Time // begun
	fails  int       // in a row
	failed time.Time // the last
}

// place is something that may be used once: a ticket's key, or a destination
// of a rail that is good for one payment. Keys are the same for all rails, since
// two rails may pay from one wallet, or pay one invoice.
type place struct{ ticket, rail, to string }

type spending struct {
	at   time.Time
	msat int64
}

// NewBook returns an empty book. The scope makes its intents' IDs differ from
// those of every other book: a ledger's id.
func NewBook(scope string) *Book {
	return &Book{
		scope: scope, open: make(map[string]*payment), tickets: make(map[string][]*payment),
		parties: make(map[string]*history), used: make(map[place]string),
	}
}

// Apply takes in a record of the ledger; those that are not about payouts it
// passes over. An error says that the record cannot follow on those before: it
// changed nothing, and whoever keeps the book must not pay from it.
//
// Of records that were pruned the checkpoint's sum is taken in. Pruning must not
// reach beyond [Book.Keep].
func (b *Book) Apply(r ledger.Record) error { return b.apply(r.Entry()) }

func (b *Book) apply(e ledger.Entry) error {
	if e.Kind != ledger.KindPayout && e.Kind != ledger.KindCheckpoint {
		return nil
	}
	body, err := (ledger.Record{Kind: e.Kind, Body: e.Body}).Decode()
	if err != nil {
		return err
	}
	switch body := body.(type) {
	case ledger.Checkpoint:
		return b.Carry(body.Sums)
	case ledger.Payout:
		if err := b.step(e.At, e.Subject, body); err != nil {
			return fmt.Errorf("payout %s to %s, %s: %w", body.ID, e.Subject, body.State, err)
		}
	}
	return nil
}

// Carry takes in the sums of a checkpoint: what went out in the records that
// it stands for.
func (b *Book) Carry(sums []ledger.Sum) error {
	for _, s := range sums {
		if s.Kind != ledger.KindPayout && (s.Kind != ledger.KindTransfer || !strings.HasPrefix(s.Subject, "fees:")) {
			continue
		}
		if s.Total < 0 || b.out > math.MaxInt64-s.Total {
			return fmt.Errorf("a checkpoint says that %d msat were paid to %s", s.Total, s.Subject)
		}
		b.out += s.Total
	}
	return nil
}

var errOrder = errors.New("does not follow on the records before")

func (b *Book) step(at time.Time, party string, r ledger.Payout) error {
	p := b.open[r.ID]
	if r.State == ledger.PayoutBegun {
		if p != nil {
			return errOrder
		}
		return b.begin(at, party, r)
	}
	if p == nil {
		return errOrder
	}
	if p.Party != party || p.Rail != r.Rail || p.To != r.To || p.Millisats != r.Millisats {
		return errors.New("says something else than when it began")
	}
	switch r.State {
	case ledger.PayoutPrepared:
		key := place{ticket: r.Ticket}
		if p.State != ledger.PayoutBegun {
			return errOrder
		}
		if other, ok := b.used[key]; ok && !b.together(other, r) {
			return fmt.Errorf("its ticket is that of %s", other)
		}
		p.Ticket, p.of = Ticket{Key: r.Ticket, Data: r.Data}, r.Of
		if first := b.open[b.used[key]]; first != nil {
			p.Ticket = first.Ticket
		} else {
			b.used[key] = r.ID
		}
		b.tickets[r.Ticket] = append(b.tickets[r.Ticket], p)
	case ledger.PayoutSent:
		if p.State != ledger.PayoutPrepared || len(b.ticket(p)) != p.of {
			return errOrder
		}
	case ledger.PayoutUnknown, ledger.PayoutPaid:
		if p.State != ledger.PayoutSent && p.State != ledger.PayoutUnknown {
			return errOrder
		}
	case ledger.PayoutFailed, ledger.PayoutBegun:
	}
	if r.Ticket != "" && r.Ticket != p.Ticket.Key {
		return errors.New("has another ticket than before")
	}
	sent := p.State == ledger.PayoutSent || p.State == ledger.PayoutUnknown
	p.State, p.Changed, p.Fee, p.Proof, p.Why = r.State, at, r.Fee, r.Proof, r.Why
	p.tries, p.wait, p.Next = 0, 0, time.Time{}
	if over(r.State) {
		b.end(at, p, sent)
	}
	return nil
}

// together tells whether an intent may join those of a ticket: the ticket is
// for several, and still waits for some.
func (b *Book) together(other string, r ledger.Payout) bool {
	first := b.open[other]
	return first != nil && first.Rail == r.Rail && first.State == ledger.PayoutPrepared && first.of == r.Of && len(b.ticket(first)) < r.Of
}

func (b *Book) begin(at time.Time, party string, r ledger.Payout) error {
	h := b.parties[party]
	if h == nil {
		h = &history{}
		b.parties[party] = h
	}
	if h.open != "" {
		return fmt.Errorf("%s is still open", h.open)
	}
	h.count++
	h.open, h.last = r.ID, at
	b.open[r.ID] = &payment{Status: Status{
		Intent: Intent{ID: r.ID, Party: party, Rail: r.Rail, To: r.To, Millisats: r.Millisats, MaxFee: r.MaxFee},
		State:  r.State, Begun: at, Changed: at,
	}}
	b.used[place{rail: r.Rail, to: r.To}] = r.ID
	b.begun = append(b.begun, spending{at, r.Millisats + r.MaxFee})
	b.out += r.Millisats + r.MaxFee
	return nil
}

func (b *Book) end(at time.Time, p *payment, sent bool) {
	delete(b.open, p.ID)
	if key := p.Ticket.Key; key != "" {
		if b.tickets[key] = slices.DeleteFunc(b.tickets[key], func(o *payment) bool { return o == p }); len(b.tickets[key]) == 0 {
			delete(b.tickets, key)
		}
	}
	h := b.parties[p.Party]
	h.open = ""
	if p.State == ledger.PayoutPaid {
		b.out += p.Fee - p.MaxFee
		h.fails = 0
		return
	}
	b.out -= p.Millisats + p.MaxFee
	h.fails++
	h.failed = at
	// A destination that was not paid may be tried again, a ticket only if the
	// rail was never asked to pay it.
	delete(b.used, place{rail: p.Rail, to: p.To})
	if key := (place{ticket: p.Ticket.Key}); !sent && b.used[key] == p.ID {
		delete(b.used, key)
	}
}

// ticket returns the open intents that share one's ticket, in order.
func (b *Book) ticket(p *payment) []*payment {
	return inOrder(slices.Clone(b.tickets[p.Ticket.Key]))
}

func inOrder(list []*payment) []*payment {
	slices.SortFunc(list, func(x, y *payment) int {
		return cmp.Or(x.Begun.Compare(y.Begun), cmp.Compare(x.ID, y.ID))
	})
	return list
}

// Open returns what is open, in the order in which it began.
func (b *Book) Open() []Status {
	var list []Status
	for _, p := range inOrder(slices.Collect(maps.Values(b.open))) {
		list = append(list, p.Status)
	}
	return list
}

// Out returns how many millisats went out, with fees, or are set aside to.
func (b *Book) Out() int64 { return b.out }

// Keep returns since when the ledger's records must not be pruned: the oldest
// intent that is open began then.
func (b *Book) Keep() (since time.Time, ok bool) {
	for _, p := range b.open {
		if !ok || p.Begun.Before(since) {
			since, ok = p.Begun, true
		}
	}
	return since, ok
}

// id makes the name of the party's next intent. It depends on nothing but what
// the book and the arguments say, and on the time so that what was pruned does
// not come back.
func (b *Book) id(party string, now time.Time) string {
	n := 0
	if h := b.parties[party]; h != nil {
		n = h.count
	}
	h := sha256.New()
	h.Write([]byte("hearth/payout/1\n"))
	for _, s := range []string{b.scope, party} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(now.UnixNano())))
	return hex.EncodeToString(h.Sum(nil)[:16])
}
