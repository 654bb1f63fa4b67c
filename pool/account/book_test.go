package account_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/ledger"
	"hearth/pool/account"
	"hearth/pool/split"
)

// TestFarm is a small history by hand.
func TestFarm(t *testing.T) {
	c := newChain(t)
	b := account.New(false)
	apply := func(entries ...ledger.Entry) {
		t.Helper()
		for _, r := range c.append(entries...) {
			if err := b.Apply(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	share, err := account.Share("farm/1", account.Revenue("pool"), 10_001, parties, "shares", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Check(share); !errors.Is(err, account.ErrOverdrawn) {
		t.Errorf("shared out before it came in: %v", err)
	}
	apply(entry("pool", ledger.Earning{Millisats: 14_250}))
	if err := b.Check(share); err != nil {
		t.Error(err)
	}
	apply(entry("farm", share))
	p := ledger.Payout{ID: "x", Rail: "lnd", To: "host", Millisats: 7_002, State: ledger.PayoutBegun}
	move, _ := p.Transfer(host)
	if err := b.Check(move); !errors.Is(err, account.ErrOverdrawn) {
		t.Errorf("more paid out than there is: %v", err)
	}
	p.Millisats = 7_000
	move, _ = p.Transfer(host)
	if err := b.Check(move); err != nil {
		t.Error(err)
	}
	apply(pay(p, host)...)
	want := []account.Balance{{host, 1}, {operator, 3_000}, {"payout:x", 7_000}, {"revenue:pool", -10_001}}
	if diff := cmp.Diff(want, b.Balances()); diff != "" {
		t.Error(diff)
	}
	p.State, p.Fee = ledger.PayoutPaid, 3
	apply(pay(p, host)...)
	want = []account.Balance{{"fees:lnd", 3}, {host, -2}, {operator, 3_000}, {"revenue:pool", -10_001}}
	if diff := cmp.Diff(want, b.Balances()); diff != "" {
		t.Error(diff)
	}
	totals := account.Totals{Received: 14_250, Revenue: 10_001, Parties: 2_998, Payouts: 7_000, Fees: 3}
	if diff := cmp.Diff(totals, b.Totals()); diff != "" || b.Totals().Off() != 0 {
		t.Error(diff)
	}
	if got := b.Unshared("pool"); got != 4_249 {
		t.Errorf("%d not shared out", got)
	}
	q := ledger.Payout{ID: "y", Rail: "lnd", To: "operator", Millisats: 2_000, State: ledger.PayoutBegun}
	apply(pay(q, operator)...)
	q.State = ledger.PayoutUnknown
	apply(pay(q, operator)...)
	if got := b.Balance(operator); got != 1_000 {
		t.Errorf("%d left while it is unknown", got)
	}
	q.State = ledger.PayoutFailed
	apply(pay(q, operator)...)
	if diff := cmp.Diff(want, b.Balances()); diff != "" {
		t.Error(diff)
	}
}

// TestRepeated: a transfer counts once, and whoever asks is told.
func TestRepeated(t *testing.T) {
	c := newChain(t)
	b := account.New(false)
	tr := ledger.Transfer{ID: "1", Entries: []ledger.Posting{{Account: host, Millisats: -5}, {Account: operator, Millisats: 5}}}
	for i, r := range c.append(entry("farm", tr), entry("farm", tr)) {
		if err := b.Apply(r); errors.Is(err, account.ErrRepeated) != (i == 1) {
			t.Errorf("time %d: %v", i+1, err)
		}
		if err := b.Apply(r); (err != nil) != (i == 1) { // the same record again
			t.Errorf("time %d, repeated: %v", i+1, err)
		}
	}
	if got := b.Balance(operator); got != 5 {
		t.Errorf("balance %d", got)
	}
	if err := b.Check(tr); !errors.Is(err, account.ErrRepeated) {
		t.Error(err)
	}
	if _, err := account.Replay(false, c.each()); !errors.Is(err, account.ErrRepeated) {
		t.Error(err)
	}
}

func TestCheckRefuses(t *testing.T) {
	b := account.New(false)
	for _, name := range []string{"host", "party:", ":x", "bank:x", "rounding:x", ""} {
		if _, ok := account.ClassOf(name); ok {
			t.Errorf("%q is an account", name)
		}
		tr := ledger.Transfer{ID: "1", Entries: []ledger.Posting{{Account: name, Millisats: 5}, {Account: host, Millisats: -5}}}
		if err := b.Check(tr); err == nil {
			t.Errorf("a transfer to %q", name)
		}
	}
	// Parties may owe each other, but nobody is paid out of nothing.
	for to, want := range map[string]error{
		operator: nil, account.Rounding: nil, account.Held("farm"): nil,
		account.Fees("lnd"): nil, account.Payout("x"): account.ErrOverdrawn,
	} {
		tr := ledger.Transfer{ID: "1", Entries: []ledger.Posting{{Account: host, Millisats: -5}, {Account: to, Millisats: 5}}}
		if err := b.Check(tr); !errors.Is(err, want) {
			t.Errorf("to %s: %v, want %v", to, err, want)
		}
	}
	back := ledger.Transfer{ID: "1", Entries: []ledger.Posting{{Account: host, Millisats: 5}, {Account: account.Payout("x"), Millisats: -5}}}
	if err := b.Check(back); !errors.Is(err, account.ErrOverdrawn) {
		t.Errorf("given back what was not set aside: %v", err)
	}
}

func TestShare(t *testing.T) {
	got, err := account.Share("1", "revenue:pool", 3, []split.Part{{Name: "a", Weight: 1}, {Name: "b", Weight: 0}, {Name: "c", Weight: 1}}, "for", "proof")
	want := ledger.Transfer{ID: "1", Entries: []ledger.Posting{{Account: "revenue:pool", Millisats: -3}, {Account: "a", Millisats: 2}, {Account: "c", Millisats: 1}}, For: "for", Proof: "proof"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if got, err := account.Share("1", "revenue:pool", 3, nil, "", ""); err == nil {
		t.Errorf("shared with nobody: %+v", got)
	}
}

// TestOverflow: sums beyond what can be are refused, and nothing is moved.
func TestOverflow(t *testing.T) {
	c := newChain(t)
	b := account.New(false)
	var err error
	for i := 0; err == nil && i < 2000; i++ {
		const most = 1<<53 - 1
		tr := ledger.Transfer{ID: fmt.Sprint(i), Entries: []ledger.Posting{{Account: operator, Millisats: 1}, {Account: host, Millisats: most}, {Account: account.Rounding, Millisats: -most}, {Account: "fees:x", Millisats: -1}}}
		for _, r := range c.append(entry("farm", tr)) {
			err = b.Apply(r)
		}
	}
	if err == nil || b.Totals().Off() != 0 || b.Balance(host) < math.MaxInt64/2 {
		t.Errorf("%v, %+v", err, b.Totals())
	}
}

// history draws what may happen to money, step by step, and keeps account of
// it in the plainest way.
type history struct {
	c    *chain
	open []ledger.Payout
	n    int
	// What came in, is owed, was paid, is on its way, and cost.
	received map[string]int64
	shared   map[string]int64
	owed     map[string]int64
	paid     int64
	pending  map[string]int64
	fees     int64
}

func (h *history) step(r *rapid.T) {
	h.n++
	who := rapid.SampledFrom([]string{"pool", "node"}).Draw(r, "source")
	party := rapid.SampledFrom([]string{host, operator}).Draw(r, "party")
	switch rapid.IntRange(0, 5).Draw(r, "step") {
	case 0:
		msat := rapid.Int64Range(-1000, 1e9).Draw(r, "earned")
		h.c.append(entry(who, ledger.Earning{Millisats: msat}))
		h.received[who] += msat
	case 1, 2:
		msat := h.received[who] - h.shared[who]
		if msat <= 0 {
			return
		}
		msat = rapid.Int64Range(1, msat).Draw(r, "shared")
		t, err := account.Share(fmt.Sprint("share/", h.n), account.Revenue(who), msat, parties, "", "")
		if err != nil {
			r.Fatal(err)
		}
		h.c.append(entry("farm", t))
		h.shared[who] += msat
		for _, e := range t.Entries[1:] {
			h.owed[e.Account] += e.Millisats
		}
	case 3:
		if h.owed[party] <= 0 {
			return
		}
		p := ledger.Payout{
			ID: fmt.Sprint(h.n), Rail: "lnd", To: party,
			Millisats: rapid.Int64Range(1, h.owed[party]).Draw(r, "paid"), State: ledger.PayoutBegun,
		}
		h.c.append(pay(p, party)...)
		h.open = append(h.open, p)
		h.owed[party] -= p.Millisats
		h.pending[p.ID] = p.Millisats
	default:
		if len(h.open) == 0 {
			return
		}
		i := rapid.IntRange(0, len(h.open)-1).Draw(r, "which")
		p := h.open[i]
		p.State = rapid.SampledFrom([]ledger.PayoutState{ledger.PayoutPaid, ledger.PayoutFailed, ledger.PayoutUnknown}).Draw(r, "outcome")
		switch p.State {
		case ledger.PayoutPaid:
			p.Fee = rapid.Int64Range(0, 20).Draw(r, "fee")
			h.owed[p.To] -= p.Fee
			h.fees += p.Fee
			h.paid += p.Millisats
		case ledger.PayoutFailed:
			h.owed[p.To] += p.Millisats
		default:
			h.c.append(pay(p, p.To)...)
			return
		}
		h.open = slices.Delete(h.open, i, i+1)
		delete(h.pending, p.ID)
		h.c.append(pay(p, p.To)...)
	}
}

func (h *history) totals() account.Totals {
	t := account.Totals{Payouts: h.paid, Fees: h.fees}
	for _, x := range h.received {
		t.Received += x
	}
	for _, x := range h.shared {
		t.Revenue += x
	}
	for _, x := range h.owed {
		t.Parties += x
	}
	for _, x := range h.pending {
		t.Payouts += x
	}
	return t
}

// TestEveryMillisatIsConserved: over random histories the book agrees with the
// plain account, at every record money is neither made nor lost, and a crash
// at any record, with a replay from the start or from where it was, also of a
// ledger of which the old records were removed, ends in the same book.
func TestEveryMillisatIsConserved(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := &history{
			c: newChain(t), received: map[string]int64{}, shared: map[string]int64{},
			owed: map[string]int64{}, pending: map[string]int64{},
		}
		live := account.New(false)
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			h.step(r)
			for _, x := range h.c.records {
				if err := live.Apply(x); err != nil {
					r.Fatal(err)
				}
				if off := live.Totals().Off(); off != 0 {
					r.Fatalf("after record %d the book is off by %d", x.Seq, off)
				}
			}
			if rapid.IntRange(0, 9).Draw(r, "prune") == 0 && len(h.c.records) > 1 {
				last := h.c.records[len(h.c.records)-1].Seq
				h.c.prune(r, rapid.Uint64Range(2, last).Draw(r, "last"))
			}
			if diff := cmp.Diff(h.totals(), live.Totals()); diff != "" {
				r.Fatal(diff)
			}
		}
		crash := rapid.IntRange(0, len(h.c.records)).Draw(r, "crash")
		again, err := account.Replay(false, each(h.c.records[:crash]))
		if err != nil {
			r.Fatal(err)
		}
		from := rapid.IntRange(0, crash).Draw(r, "from")
		for _, x := range h.c.records[from:] {
			if err := again.Apply(x); err != nil {
				r.Fatal(err)
			}
		}
		if diff := cmp.Diff(live.Totals(), again.Totals()); diff != "" {
			r.Fatal(diff)
		}
		for _, a := range append([]string{host, operator}, account.Revenue("pool"), account.Revenue("node"), account.Fees("lnd")) {
			if live.Balance(a) != again.Balance(a) {
				r.Fatalf("%s has %d, and %d after the crash", a, live.Balance(a), again.Balance(a))
			}
		}
		if live.Unshared("pool") != again.Unshared("pool") {
			r.Fatalf("%d not shared out, and %d after the crash", live.Unshared("pool"), again.Unshared("pool"))
		}
	})
}

// TestSimulated: what was simulated is no money.
func TestSimulated(t *testing.T) {
	c := newChain(t)
	e, err := ledger.NewEntry(noon, "pool", true, ledger.Earning{Millisats: 5})
	if err != nil {
		t.Fatal(err)
	}
	c.append(e, entry("pool", ledger.Earning{Millisats: 7}))
	for _, step := range []string{"whole", "pruned"} {
		for simulated, want := range map[bool]int64{false: 7, true: 5} {
			b, err := account.Replay(simulated, c.each())
			if err != nil {
				t.Fatal(err)
			}
			if got := b.Received("pool"); got != want {
				t.Errorf("%s: received %d, want %d (simulated: %t)", step, got, want, simulated)
			}
		}
		c.prune(t, 3)
	}
}
