package site_test

import (
	"testing"

	"hearth/device"
	"hearth/ledger"
	"hearth/units"
)

// Useful work is followed by its counts: what was there before Hearth looked is
// nobody's, a restart loses nothing, and every token has its joules.
func TestUsefulWorkIsCountedAndRecorded(t *testing.T) {
	r := newRig(t)
	count := func(n int64) { r.a.set(func(h *heater) { h.computes, h.tokens = true, n }) }
	count(1000)
	r.steps(t, 3)
	if d := r.device("a"); d.Work != device.Computing || d.Output[0].Today.IsKnown() {
		t.Fatalf("before it did anything: %s, %v", d.Work, d.Output)
	}

	count(1600)
	r.steps(t, 1)
	before := r.device("a").Output[0]
	if n, _ := before.Today.Get(); n != 600 || before.Today.From() != units.Meter {
		t.Errorf("600 tokens are %v", before.Today)
	}
	// Ten seconds at 1,000 W for 600 tokens.
	if j, ok := before.Each.Get(); !ok || j < 16 || j > 17 {
		t.Errorf("each costs %v, want about 16.7 J", before.Each)
	}

	r.steps(t, 30) // idle: the electricity is not that of tokens
	count(150)     // restarted
	r.steps(t, 1)
	after := r.device("a").Output[0]
	if n, _ := after.Today.Get(); n != 750 {
		t.Errorf("after the restart: %v", after.Today)
	}
	if j, _ := after.Each.Get(); j < 26 || j > 27 {
		t.Errorf("each costs %v, want 20,000 J / 750", after.Each)
	}

	r.steps(t, 100) // past the quarter of an hour
	var tokens int64
	for _, e := range r.book.kept {
		if e.Kind != ledger.KindWork {
			continue
		}
		body, err := ledger.Record{Kind: e.Kind, Body: e.Body}.Decode()
		if err != nil {
			t.Fatal(err)
		}
		w := body.(ledger.Work)
		if w.Unit != "token" || w.Provenance != units.Meter || !w.To.After(w.From) {
			t.Errorf("recorded %+v", w)
		}
		tokens += w.Amount
	}
	if tokens != 750 {
		t.Errorf("the ledger has %d tokens, want 750", tokens)
	}
}
