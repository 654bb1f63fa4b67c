package plan_test

import (
	"math"
	"strings"
	"testing"

	"hearth/plan"
	"hearth/plan/market"
	"hearth/units"
)

// What a better backup gains is told apart from what the machine does: a
// machine that stands still beside it has gained nothing.
func TestMachineIsNotPraisedForItsBackup(t *testing.T) {
	q := question(t)
	gas := plan.Heater{Kind: plan.Gas, Efficiency: 0.92, Price: units.Know(plan.PerKWh(0.03), epoch(), units.Chosen), Owned: true}
	q.Today = plan.Heater{Kind: plan.Resistive, Efficiency: 1, Owned: true}
	q.Others, q.Backup = []plan.Heater{gas}, gas
	q.Machine.Price = units.Know(plan.Money(312), epoch(), units.Chosen)
	q.Machine.Efficiency = 60 // so bad that gas is always cheaper

	a := prepare(t, q).Answer()
	if !a.Smart.Wins {
		t.Fatalf("gas for electric heaters has to pay: %+v", a.Smart)
	}
	var byGas float64
	for _, o := range a.Options {
		if o.Kind == plan.OptionKind(plan.Gas) {
			byGas = o.Value.Mid
		}
	}
	if want := a.Smart.Value.Mid - byGas; math.Abs(a.Smart.Own.Mid-want) > 1e-6 || want >= 0 {
		t.Errorf("the machine itself adds %.2f, want %.2f, a loss", a.Smart.Own.Mid, want)
	}
	if s := a.Smart.Sentence; !strings.Contains(s, "the machine itself is a loss of") {
		t.Errorf("the sentence keeps to itself that the machine loses: %s", s)
	}

	// Where the heater of today stays behind it, all is the machine's.
	q.Backup = q.Today
	if a = prepare(t, q).Answer(); a.Smart.Own != a.Smart.Value {
		t.Errorf("the machine itself adds %v of %v", a.Smart.Own, a.Smart.Value)
	}
}

// A kWh whose heat is used may be the cheaper one, and the machine still be
// worth more where it runs all year: both are said.
func TestReuseOwnsToTheHoursItDoesWithout(t *testing.T) {
	q := question(t)
	q.Machine.Kind, q.Machine.Hottest = plan.Inference, 0
	for c := range q.Market {
		course := append([]market.Month(nil), q.Market[c]...)
		for i := range course {
			course[i].Inference = 0.30
		}
		q.Market[c] = course
	}
	q.Power.Industrial = units.Know(plan.PerKWh(0.06), epoch(), units.Chosen)
	a := prepare(t, q).Answer()
	var with, wasted float64
	for _, o := range a.Options {
		switch o.Kind {
		case plan.WithMachine:
			with = o.Value.Mid
		case plan.Wasting:
			wasted = o.Value.Mid
		}
	}
	if !a.Reuse.Wins || wasted <= with {
		t.Fatalf("the question is not one of this kind: here %.0f, there %.0f, %s", with, wasted, a.Reuse.Sentence)
	}
	if !strings.Contains(a.Reuse.Sentence, "the warehouse gains") {
		t.Errorf("nothing is said of the %.0f that the warehouse gains more: %s", wasted-with, a.Reuse.Sentence)
	}
}
