package plan_test

import (
	"errors"
	"testing"

	"hearth/plan"
)

// nights are dear days and cheap nights.
func nights(day, night plan.PerKWh) []plan.PerKWh {
	prices := make([]plan.PerKWh, plan.Hours)
	for i := range prices {
		prices[i] = day
		if h := i % 24; h < 7 || h >= 22 {
			prices[i] = night
		}
	}
	return prices
}

func TestPlanningAheadUsesCheapHours(t *testing.T) {
	q := question(t)
	q.Today = plan.Heater{Kind: plan.Resistive, Efficiency: 1, Owned: true}
	q.Backup = q.Today
	q.Power.Hourly = nights(0.30, 0.10)
	tou, err := prepare(t, q).Optimal()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("rule %+v best %+v gains %.0f", tou.Rule, tou.Best, tou.Gains)
	if tou.Gains < 0.05*tou.Rule.Running {
		t.Errorf("planning ahead gains %.0f of %.0f, want a twentieth at the least where nights cost a third of days", tou.Gains, tou.Rule.Running)
	}
	if tou.Best.Cold > 0.03*plan.Hours || tou.Best.Coldest < 19.5 {
		t.Errorf("people are colder: %.1f K·h and %v at the coldest, by the rule %.1f K·h", tou.Best.Cold, tou.Best.Coldest, tou.Rule.Cold)
	}

	q.Power.Hourly = flat(0.20)
	even, err := prepare(t, q).Optimal()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("rule %+v best %+v gains %.0f", even.Rule, even.Best, even.Gains)
	if even.Gains > 0.03*even.Rule.Running {
		t.Errorf("planning ahead gains %.0f of %.0f where all hours cost the same", even.Gains, even.Rule.Running)
	}
}

func TestNothingToPlanAhead(t *testing.T) {
	q := question(t)
	q.Home.Rooms = nil
	if _, err := prepare(t, q).Optimal(); !errors.Is(err, plan.ErrNothingStored) {
		t.Errorf("without rooms the error is %v", err)
	}
	q = question(t)
	q.Machine.Count = 0
	if _, err := prepare(t, q).Optimal(); !errors.Is(err, plan.ErrNothingStored) {
		t.Errorf("without a machine the error is %v", err)
	}
}

func BenchmarkOptimal(b *testing.B) {
	s := prepare(b, question(b))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Optimal(); err != nil {
			b.Fatal(err)
		}
	}
}
