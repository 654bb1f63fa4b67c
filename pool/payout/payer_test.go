package payout_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/pool/payout"
)

// slow is a rail whose payments take as long as the test wants.
type slow struct {
	asked   chan string
	answers chan payout.Outcome
}

func (slow) Name() string { return "slow" }

func (slow) Prepare(_ context.Context, in payout.Intent) (payout.Ticket, error) {
	return payout.Ticket{Key: "t-" + in.ID}, nil
}

func (s slow) Pay(ctx context.Context, t payout.Ticket) (payout.Outcome, error) {
	s.asked <- t.Key
	select {
	case o := <-s.answers:
		return o, nil
	case <-ctx.Done():
		return payout.Outcome{}, ctx.Err()
	}
}

func (s slow) Look(context.Context, payout.Ticket) (payout.Outcome, error) {
	return payout.Outcome{State: payout.Paid, Proof: "found"}, nil
}

// shelf is a ledger in memory that may be full.
type shelf struct {
	mu      sync.Mutex
	entries []ledger.Entry
	full    bool
	stop    bool
}

func (s *shelf) append(_ context.Context, entries ...ledger.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full {
		return errors.New("no space left on device")
	}
	s.entries = append(s.entries, entries...)
	return nil
}

func (s *shelf) set(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

func (s *shelf) policy() payout.Policy {
	s.mu.Lock()
	defer s.mu.Unlock()
	return payout.Policy{
		Stop: s.stop, Rails: map[string]payout.Terms{"slow": {}},
		Limits: payout.Limits{Intent: 1e9, Day: 1e9, Total: 1e9},
	}
}

func dues(parties ...string) []payout.Due {
	var list []payout.Due
	for _, p := range parties {
		list = append(list, payout.Due{Party: p, Rail: "slow", To: "to " + p, Millisats: 5000})
	}
	return list
}

func newPayer(t *testing.T, s *shelf, r payout.Rail) *payout.Payer {
	t.Helper()
	p, err := payout.NewPayer(payout.NewBook("test"), payout.Config{
		Rails: []payout.Rail{r}, Append: s.append, Policy: s.policy, Now: func() time.Time { return noon },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestOthersLookOnWhileItPays: a payment that takes its time holds up neither a
// page nor the kill switch.
func TestOthersLookOnWhileItPays(t *testing.T) {
	s, r := new(shelf), slow{make(chan string), make(chan payout.Outcome)}
	p := newPayer(t, s, r)
	if _, _, err := p.Begin(t.Context(), dues("x", "y")); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- p.Step(t.Context()) }()
	first := <-r.asked

	open := p.Open()
	if len(open) != 2 || open[0].State != ledger.PayoutSent || open[0].Ticket.Key != first || open[1].State != ledger.PayoutBegun {
		t.Errorf("while the first is paid: %+v", open)
	}
	hurried, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := p.Begin(hurried, dues("z")); !errors.Is(err, context.Canceled) {
		t.Errorf("begin without waiting: %v", err)
	}
	if err := p.Cancel(hurried, open[1].ID, "no"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancel without waiting: %v", err)
	}
	s.set(func() { s.stop = true })
	r.answers <- payout.Outcome{State: payout.Paid, Proof: "p"}
	if err := <-done; err != nil { // the second was not asked for
		t.Fatal(err)
	}
	if open := p.Open(); len(open) != 1 || open[0].State != ledger.PayoutBegun {
		t.Errorf("after the kill switch: %+v", open)
	}
	if _, ok := p.Next(); ok {
		t.Error("there is something to do while payments are stopped")
	}
}

// TestAnEndInTheMiddleIsWrittenDown: a program that is told to end does not
// forget that it asked.
func TestAnEndInTheMiddleIsWrittenDown(t *testing.T) {
	s, r := new(shelf), slow{make(chan string), make(chan payout.Outcome)}
	p := newPayer(t, s, r)
	if _, _, err := p.Begin(t.Context(), dues("x")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- p.Step(ctx) }()
	<-r.asked
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if open := replayed(t, s).Open(); len(open) != 1 || open[0].State != ledger.PayoutUnknown || open[0].Why != "context canceled" {
		t.Errorf("the ledger holds %+v", open)
	}
}

// TestStandsStillWhenTheLedgerFails: what is in the ledger is not known then.
func TestStandsStillWhenTheLedgerFails(t *testing.T) {
	s, r := new(shelf), slow{make(chan string), make(chan payout.Outcome)}
	p := newPayer(t, s, r)
	s.set(func() { s.full = true })
	_, _, first := p.Begin(t.Context(), dues("x"))
	s.set(func() { s.full = false })
	_, _, again := p.Begin(t.Context(), dues("x"))
	for _, err := range []error{first, again, p.Step(t.Context()), p.Cancel(t.Context(), "x", "no")} {
		if err == nil || !strings.Contains(err.Error(), "payments stand still") || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("after the ledger failed: %v", err)
		}
	}
	if len(s.entries) != 0 {
		t.Errorf("%d entries were written", len(s.entries))
	}
}

func TestTwoRailsOfOneName(t *testing.T) {
	r := slow{}
	_, err := payout.NewPayer(payout.NewBook(""), payout.Config{Rails: []payout.Rail{r, r}})
	if err == nil || !strings.Contains(err.Error(), "two rails are called slow") {
		t.Error(err)
	}
}

func TestTicketsAreChecked(t *testing.T) {
	for _, c := range []struct {
		name string
		t    payout.Ticket
		ok   bool
	}{
		{"a hash", payout.Ticket{Key: strings.Repeat("ab", 32)}, true},
		{"no key", payout.Ticket{}, false},
		{"a long key", payout.Ticket{Key: strings.Repeat("a", payout.MaxKey+1)}, false},
		{"a key of two lines", payout.Ticket{Key: "a\nb"}, false},
		{"much data", payout.Ticket{Key: "a", Data: make([]byte, payout.MaxData)}, true},
		{"too much data", payout.Ticket{Key: "a", Data: make([]byte, payout.MaxData+1)}, false},
	} {
		if err := c.t.Check(); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// chained is a rail on which one transaction may take the place of another, as
// on the chain.
type chained struct{ instead map[string]string } // the proof, by ticket; none: it is under way

func (chained) Name() string { return "slow" }

func (chained) Prepare(_ context.Context, in payout.Intent) (payout.Ticket, error) {
	return payout.Ticket{Key: "tx-" + in.Party}, nil
}

func (c chained) Pay(ctx context.Context, t payout.Ticket) (payout.Outcome, error) {
	return c.Look(ctx, t)
}

func (c chained) Look(_ context.Context, t payout.Ticket) (payout.Outcome, error) {
	if proof := c.instead[t.Key]; proof != "" {
		return payout.Outcome{State: payout.Paid, Proof: proof}, nil
	}
	return payout.Outcome{State: payout.Pending}, nil
}

// TestOneTransactionIsOnePayment: two parties may have one address. What spent
// the coins of one payment and pays that address as much may be the payment of
// the other party, which does not pay the first as well.
func TestOneTransactionIsOnePayment(t *testing.T) {
	s, r := new(shelf), chained{map[string]string{}}
	p := newPayer(t, s, r)
	list := dues("x", "y")
	list[0].To, list[1].To = "one address", "one address"
	if _, _, err := p.Begin(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	if err := p.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	for paid := range 2 { // while the other is open, and when it is over
		p, err := payout.NewPayer(replayed(t, s), payout.Config{
			Rails: []payout.Rail{r}, Append: s.append, Policy: s.policy, Now: func() time.Time { return noon.Add(time.Hour) },
		})
		if err != nil {
			t.Fatal(err)
		}
		r.instead["tx-x"] = "tx-y"
		if paid > 0 {
			r.instead["tx-y"] = "tx-y"
		}
		for range 2 {
			if err := p.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		open := p.Open()
		if len(open) != 2-paid || open[0].Party != "x" || open[0].State != ledger.PayoutUnknown || !strings.Contains(open[0].Why, "tx-y") {
			t.Fatalf("x is not paid by the payment of y: %+v", open)
		}
		if paid > 0 {
			if err := p.Settle(t.Context(), open[0].ID, payout.Outcome{State: payout.Failed, Why: "looked"}); err != nil || len(p.Open()) != 0 {
				t.Errorf("settled by hand: %v, %+v", err, p.Open())
			}
		}
	}
}

func replayed(t *testing.T, s *shelf) *payout.Book {
	t.Helper()
	book := payout.NewBook("test")
	for _, e := range s.entries {
		if err := book.Apply(ledger.Record{At: e.At, Kind: e.Kind, Subject: e.Subject, Body: e.Body}); err != nil {
			t.Fatal(err)
		}
	}
	return book
}
