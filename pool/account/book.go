package account

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"

	"hearth/ledger"
)

// Errors that a caller branches on.
var (
	// ErrRepeated: a transfer of that id is in the book already. Whoever works
	// a transfer out again after a crash may ignore it.
	ErrRepeated = errors.New("this transfer was made already")
	// ErrOverdrawn: a transfer takes out more than there is.
	ErrOverdrawn = errors.New("there is not so much")
)

// Book has the balance of every account.
type Book struct {
	simulated bool
	balances  map[string]int64 // of accounts that are not at zero
	settled   int64            // in accounts of payouts that are done
	received  map[string]int64 // by who paid it
	ids       map[string]struct{}
	first     uint64 // number of the first record that counted, 0 if none did
	last      uint64 // and of the last seen
	carried   []ledger.Sum
}

// New returns an empty book, of what happened in the world or of what was
// simulated. Records of the other kind are passed over.
func New(simulated bool) *Book {
	return &Book{
		simulated: simulated,
		balances:  map[string]int64{}, received: map[string]int64{}, ids: map[string]struct{}{},
	}
}

// Replay returns the book of a ledger. Of its records the earnings, transfers,
// payouts and checkpoints are needed, in order; others may be among them.
func Replay(simulated bool, records iter.Seq2[ledger.Record, error]) (*Book, error) {
	b := New(simulated)
	for r, err := range records {
		if err == nil {
			err = b.Apply(r)
		}
		if err != nil {
			return nil, fmt.Errorf("replay the book of accounts: %w", err)
		}
	}
	return b, nil
}

// Apply takes a record in. One that comes not after the last is passed over,
// so that a replay may begin too early. An error leaves the book as it was; it
// wraps [ErrRepeated] for a transfer whose id was there before.
func (b *Book) Apply(r ledger.Record) error {
	if r.Seq <= b.last {
		return nil
	}
	if err := b.apply(r); err != nil {
		return fmt.Errorf("record %d: %w", r.Seq, err)
	}
	b.last = r.Seq
	return nil
}

func (b *Book) apply(r ledger.Record) error {
	if r.Simulated != b.simulated && r.Kind != ledger.KindCheckpoint {
		return nil
	}
	body, err := r.Decode()
	if err != nil {
		return err
	}
	switch body := body.(type) {
	case ledger.Earning:
		sum, err := add(b.received[r.Subject], body.Millisats)
		if err != nil {
			return fmt.Errorf("what came from %q: %w", r.Subject, err)
		}
		b.received[r.Subject] = sum
	case ledger.Transfer:
		if err := b.post(body); err != nil {
			return err
		}
	case ledger.Payout:
		b.settle(body)
	case ledger.Checkpoint:
		return b.checkpoint(body)
	default:
		return nil
	}
	if b.first == 0 {
		b.first = r.Seq
	}
	return nil
}

// post moves the money.
func (b *Book) post(t ledger.Transfer) error {
	if b.Has(t.ID) {
		return fmt.Errorf("transfer %q: %w", t.ID, ErrRepeated)
	}
	after := make([]int64, len(t.Entries))
	var err error
	for i, e := range t.Entries {
		if after[i], err = add(b.balances[e.Account], e.Millisats); err != nil {
			return fmt.Errorf("transfer %q: account %q: %w", t.ID, e.Account, err)
		}
	}
	b.ids[t.ID] = struct{}{}
	for i, e := range t.Entries {
		b.set(e.Account, after[i])
	}
	return nil
}

func (b *Book) set(account string, msat int64) {
	if msat == 0 {
		delete(b.balances, account)
	} else {
		b.balances[account] = msat
	}
}

// settle closes the account of a payout that was paid: there is no end of
// them. The account of one that failed is empty and gone.
func (b *Book) settle(p ledger.Payout) {
	account := Payout(p.ID)
	if sum, err := add(b.settled, b.balances[account]); p.State == ledger.PayoutPaid && err == nil {
		b.settled = sum
		delete(b.balances, account)
	}
}

// checkpoint takes in what records that are gone added up to, unless they were
// taken in one by one before they went. A later checkpoint stands for all that
// an earlier one stands for.
func (b *Book) checkpoint(c ledger.Checkpoint) error {
	if b.first > 0 && c.Last >= b.first {
		return nil
	}
	if err := b.carry(c.Sums, b.carried); err != nil {
		return err
	}
	b.carried = c.Sums
	return nil
}

// carry adds sums in place of others.
func (b *Book) carry(sums, instead []ledger.Sum) error {
	was := *b
	b.received, b.balances = maps.Clone(b.received), maps.Clone(b.balances)
	change := func(s ledger.Sum, msat int64) error {
		if s.Simulated != b.simulated {
			return nil
		}
		var err error
		switch s.Kind {
		case ledger.KindEarning:
			b.received[s.Subject], err = add(b.received[s.Subject], msat)
		case ledger.KindTransfer:
			if s.Subject == Payout("") {
				b.settled, err = add(b.settled, msat)
				break
			}
			var sum int64
			sum, err = add(b.balances[s.Subject], msat)
			b.set(s.Subject, sum)
		default:
		}
		if err != nil {
			return fmt.Errorf("carry the sum of %q: %w", s.Subject, err)
		}
		return nil
	}
	for _, s := range instead {
		if err := change(s, -s.Total); err != nil {
			*b = was
			return err
		}
	}
	for _, s := range sums {
		if err := change(s, s.Total); err != nil {
			*b = was
			return err
		}
	}
	return nil
}

// Check reports whether a transfer may be written: its accounts are accounts,
// its id is new (else [ErrRepeated]), it pays out no more than the accounts it
// takes from have, and shares out no more than came in (else [ErrOverdrawn]).
// Parties may owe each other: an account of theirs may be below zero for other
// reasons.
func (b *Book) Check(t ledger.Transfer) error {
	if b.Has(t.ID) {
		return fmt.Errorf("transfer %q: %w", t.ID, ErrRepeated)
	}
	pays := slices.ContainsFunc(t.Entries, func(e ledger.Posting) bool {
		class, _ := ClassOf(e.Account)
		return class == PayoutClass && e.Millisats > 0
	})
	for _, e := range t.Entries {
		class, ok := ClassOf(e.Account)
		if !ok {
			return fmt.Errorf("transfer %q: %q is not the name of an account", t.ID, e.Account)
		}
		after, err := add(b.balances[e.Account], e.Millisats)
		if err != nil {
			return fmt.Errorf("transfer %q: account %q: %w", t.ID, e.Account, err)
		}
		if e.Millisats > 0 {
			continue
		}
		if who, ok := strings.CutPrefix(e.Account, Revenue("")); ok {
			after += b.received[who]
		} else if class == PayoutClass {
			after += b.settled // a checkpoint may stand for its beginning
		} else if !pays {
			continue
		}
		if after < 0 {
			return fmt.Errorf("transfer %q takes %d msat out of %q, %d more than are there: %w", t.ID, -e.Millisats, e.Account, -after, ErrOverdrawn)
		}
	}
	return nil
}

// Has reports whether a transfer of that id was made. Those that a checkpoint
// stands for are forgotten: an id must say of which time it is, and no old
// period may be worked out again.
func (b *Book) Has(id string) bool {
	_, ok := b.ids[id]
	return ok
}

// Last is the number of the last record taken in.
func (b *Book) Last() uint64 { return b.last }

// Balance is what an account has. For [Payout] accounts it is 0 once they were
// paid.
func (b *Book) Balance(account string) int64 { return b.balances[account] }

// Received is all that came from a source.
func (b *Book) Received(who string) int64 { return b.received[who] }

// Unshared is what came from a source and was not shared out yet.
func (b *Book) Unshared(who string) int64 { return b.received[who] + b.balances[Revenue(who)] }

// Balance is an account and what it has.
type Balance struct {
	Account   string
	Millisats int64
}

// Balances returns the accounts that are not at zero, in order of name, but
// payouts that were paid.
func (b *Book) Balances() []Balance {
	list := make([]Balance, 0, len(b.balances))
	for account, msat := range b.balances {
		list = append(list, Balance{account, msat})
	}
	slices.SortFunc(list, func(x, y Balance) int { return strings.Compare(x.Account, y.Account) })
	return list
}

// Totals are the sums of all accounts by class, in millisats:
// Revenue = Parties + Held + Payouts + Fees + Rounding.
type Totals struct {
	Received int64 // what came in
	Revenue  int64 // of it, what was shared out
	Parties  int64 // owed to parties
	Held     int64 // set aside
	Payouts  int64 // paid to parties, or on its way
	Fees     int64 // what paying cost
	Rounding int64
}

// Totals adds the accounts up by class.
func (b *Book) Totals() Totals {
	t := Totals{Payouts: b.settled}
	for _, msat := range b.received {
		t.Received += msat
	}
	for account, msat := range b.balances {
		class, _ := ClassOf(account)
		switch class {
		case RevenueClass:
			t.Revenue -= msat
		case HeldClass:
			t.Held += msat
		case PayoutClass:
			t.Payouts += msat
		case FeesClass:
			t.Fees += msat
		case RoundingClass:
			t.Rounding += msat
		default: // a name that is no account's belongs to whoever it is
			t.Parties += msat
		}
	}
	return t
}

// Off is by how much the sides of the book differ: always 0.
func (t Totals) Off() int64 {
	return t.Revenue - t.Parties - t.Held - t.Payouts - t.Fees - t.Rounding
}

func add(a, b int64) (int64, error) {
	if b > 0 && a > math.MaxInt64-b || b < 0 && a < math.MinInt64-b {
		return 0, errors.New("more than 2^63 msat")
	}
	return a + b, nil
}
