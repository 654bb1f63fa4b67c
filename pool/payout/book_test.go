package payout_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/pool/payout"
)

var noon = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

// step is a record of a payout of 1000 msat.
func step(t *testing.T, party, id string, state ledger.PayoutState, more func(*ledger.Payout)) ledger.Record {
	t.Helper()
	p := ledger.Payout{ID: id, Rail: "fast", To: "to " + party, Millisats: 1000, State: state}
	if state == ledger.PayoutBegun {
		p.MaxFee = 50
	}
	if state == ledger.PayoutPrepared {
		p.Ticket, p.Of = "t-"+id, 1
	}
	if more != nil {
		more(&p)
	}
	e, err := ledger.NewEntry(noon, party, false, p)
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Record{At: e.At, Kind: e.Kind, Subject: e.Subject, Body: e.Body}
}

// TestBookTakesNothingOutOfOrder: a ledger that says such things was not
// written by a payer, or by two.
func TestBookTakesNothingOutOfOrder(t *testing.T) {
	const (
		begun, prepared, sent         = ledger.PayoutBegun, ledger.PayoutPrepared, ledger.PayoutSent
		paid, failed, unknown         = ledger.PayoutPaid, ledger.PayoutFailed, ledger.PayoutUnknown
		order, open, differs, tickets = "does not follow", "is still open", "something else than", "its ticket is that of a"
	)
	type line struct {
		party, id string
		state     ledger.PayoutState
		more      func(*ledger.Payout)
	}
	ab := func(p *ledger.Payout) { p.Ticket, p.Of = "both", 2 }
	for _, c := range []struct {
		name  string
		lines []line
		want  string // of the last line
	}{
		{"a whole life", []line{{"x", "a", begun, nil}, {"x", "a", prepared, nil}, {"x", "a", sent, nil}, {"x", "a", unknown, nil}, {"x", "a", unknown, nil}, {"x", "a", paid, nil}}, ""},
		{"one after another", []line{{"x", "a", begun, nil}, {"x", "a", failed, nil}, {"x", "b", begun, nil}}, ""},
		{"two parties", []line{{"x", "a", begun, nil}, {"y", "b", begun, nil}}, ""},
		{"two under one ticket", []line{{"x", "a", begun, nil}, {"y", "b", begun, nil}, {"x", "a", prepared, ab}, {"y", "b", prepared, ab}, {"x", "a", sent, nil}}, ""},

		{"two at once", []line{{"x", "a", begun, nil}, {"x", "b", begun, nil}}, open},
		{"begun twice", []line{{"x", "a", begun, nil}, {"x", "a", begun, nil}}, order},
		{"never begun", []line{{"x", "a", paid, nil}}, order},
		{"sent without a ticket", []line{{"x", "a", begun, nil}, {"x", "a", sent, nil}}, order},
		{"paid without being sent", []line{{"x", "a", begun, nil}, {"x", "a", prepared, nil}, {"x", "a", paid, nil}}, order},
		{"prepared twice", []line{{"x", "a", begun, nil}, {"x", "a", prepared, nil}, {"x", "a", prepared, nil}}, order},
		{"alive after the end", []line{{"x", "a", begun, nil}, {"x", "a", failed, nil}, {"x", "a", paid, nil}}, order},
		{"half a ticket is sent", []line{{"x", "a", begun, nil}, {"x", "a", prepared, ab}, {"x", "a", sent, nil}}, order},
		{"a ticket of another", []line{{"x", "a", begun, nil}, {"y", "b", begun, nil}, {"x", "a", prepared, nil}, {"y", "b", prepared, func(p *ledger.Payout) { p.Ticket = "t-a" }}}, tickets},
		{"a third under a ticket for two", []line{{"x", "a", begun, nil}, {"y", "b", begun, nil}, {"z", "c", begun, nil}, {"x", "a", prepared, ab}, {"y", "b", prepared, ab}, {"z", "c", prepared, ab}}, tickets},
		{"a ticket that was paid", []line{{"x", "a", begun, nil}, {"x", "a", prepared, nil}, {"x", "a", sent, nil}, {"x", "a", paid, nil}, {"y", "b", begun, nil}, {"y", "b", prepared, func(p *ledger.Payout) { p.Ticket = "t-a" }}}, tickets},
		{"another amount", []line{{"x", "a", begun, nil}, {"x", "a", failed, func(p *ledger.Payout) { p.Millisats = 2 }}}, differs},
		{"another party", []line{{"x", "a", begun, nil}, {"y", "a", failed, nil}}, differs},
		{"another ticket in the end", []line{{"x", "a", begun, nil}, {"x", "a", prepared, nil}, {"x", "a", failed, func(p *ledger.Payout) { p.Ticket = "t-b" }}}, "another ticket"},
	} {
		b := payout.NewBook("test")
		for i, l := range c.lines {
			last := i == len(c.lines)-1
			before := fmt.Sprint(b.Open(), b.Out())
			err := b.Apply(step(t, l.party, l.id, l.state, l.more))
			if !last && err != nil || last && (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, line %d: %v, want %q", c.name, i+1, err, c.want)
			}
			if err != nil && fmt.Sprint(b.Open(), b.Out()) != before {
				t.Errorf("%s: a record that was not taken changed something", c.name)
			}
		}
	}
}

// TestBookAfterPruning: what a checkpoint stands for still counts towards the
// limit of all payments, and what is open must not be pruned.
func TestBookAfterPruning(t *testing.T) {
	b := payout.NewBook("test")
	sums := make(ledger.Sums)
	old := step(t, "x", "a", ledger.PayoutPaid, func(p *ledger.Payout) { p.Millisats, p.Fee = 700_000, 30 })
	fee := ledger.Transfer{ID: "f", Entries: []ledger.Posting{{Account: "party:x", Millisats: -30}, {Account: "fees:fast", Millisats: 30}}}
	e, err := ledger.NewEntry(noon, "x", false, fee)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []ledger.Record{old, {At: e.At, Kind: e.Kind, Subject: e.Subject, Body: e.Body}} {
		if err := sums.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Carry(sums.List()); err != nil {
		t.Fatal(err)
	}
	if got := b.Out(); got != 700_030 {
		t.Errorf("%d msat went out before", got)
	}

	if since, ok := b.Keep(); ok {
		t.Errorf("nothing is open, and everything since %s is kept", since)
	}
	for i, id := range []string{"a", "b"} {
		r := step(t, "p"+id, id, ledger.PayoutBegun, nil)
		r.At = noon.Add(time.Duration(i) * time.Hour)
		if err := b.Apply(r); err != nil {
			t.Fatal(err)
		}
	}
	if since, ok := b.Keep(); !ok || !since.Equal(noon) {
		t.Errorf("records since %s are kept, %t", since, ok)
	}
	if err := b.Apply(step(t, "pa", "a", ledger.PayoutFailed, nil)); err != nil {
		t.Fatal(err)
	}
	if since, ok := b.Keep(); !ok || !since.Equal(noon.Add(time.Hour)) {
		t.Errorf("records since %s are kept, %t", since, ok)
	}
}

// TestNamesOfIntents: the same plan has the same names, and no other has.
func TestNamesOfIntents(t *testing.T) {
	policy := payout.Policy{
		Rails:  map[string]payout.Terms{"fast": {}},
		Limits: payout.Limits{Intent: 1e9, Day: 1e9, Total: 1e9},
	}
	seen := make(map[string]string)
	name := func(scope, party string, at time.Time) string {
		in, held := payout.NewBook(scope).Plan(policy, []payout.Due{{Party: party, Rail: "fast", To: "x", Millisats: 5000}}, at)
		if len(in) != 1 {
			t.Fatal(held)
		}
		return in[0].ID
	}
	for _, c := range []struct {
		scope, party string
		at           time.Time
	}{
		{"a", "b", noon}, {"ab", "", noon}, {"", "ab", noon}, {"a", "c", noon}, {"b", "b", noon}, {"a", "b", noon.Add(1)},
	} {
		id := name(c.scope, c.party, c.at)
		if other := seen[id]; other != "" || id != name(c.scope, c.party, c.at) {
			t.Errorf("%+v is called %s, as is %s", c, id, other)
		}
		seen[id] = fmt.Sprint(c)
	}
}

func TestPolicyIsChecked(t *testing.T) {
	for _, c := range []struct {
		name   string
		policy payout.Policy
		want   string
	}{
		{"nothing", payout.Policy{}, ""},
		{"a negative limit", payout.Policy{Limits: payout.Limits{Day: -1}}, "below zero"},
		{"a fee of all", payout.Policy{Rails: map[string]payout.Terms{"x": {FeePPM: 1_000_001}}}, "more than what is paid"},
		{"a huge batch", payout.Policy{Rails: map[string]payout.Terms{"x": {Batch: 101}}}, "want 100 at most"},
		{"a negative fee", payout.Policy{Rails: map[string]payout.Terms{"x": {FeeBase: -1}}}, "terms of x: -1"},
	} {
		err := c.policy.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
