package plan_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"hearth/heat"
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

// The schedule's heat, given to the live home's own model, makes the rooms as
// warm as the schedule says.
func TestTheHomeFollowsTheSchedule(t *testing.T) {
	q := question(t)
	q.Power.Hourly = nights(0.30, 0.10)
	s, err := prepare(t, q).Optimal()
	if err != nil {
		t.Fatal(err)
	}
	building := *q.Home.Rooms
	building.AirCapacity = 0
	model, err := building.Model()
	if err != nil {
		t.Fatal(err)
	}
	step := model.Every(time.Hour)
	start := time.Date(2025, time.January, 1, 0, 30, 0, 0, time.UTC).Add(-q.Year.Place().Offset)
	input := func(i int) heat.Inputs {
		w, sun := q.Year.At(start.Add(time.Duration(i)*time.Hour)), q.Year.Sun(start.Add(time.Duration(i)*time.Hour))
		return heat.Inputs{Outdoor: w.Outdoor, Solar: model.Solar(w, sun), Internal: q.Home.Internal}
	}
	n := heat.Uniform(20)
	for i := -744; i < 0; i++ { // a December by thermostat
		in := input(i)
		in.Heat = max(0, step.Need(n, in, 20))
		n = step.Step(n, in)
	}
	for i := range 59 * 24 { // until windows are opened
		in := input(i)
		in.Heat = s.Heat[i]
		end, mean := step.Advance(n, in)
		near(t, fmt.Sprintf("air in hour %d", i), float64(s.Air[i]), float64(mean.Air), 1e-3)
		n = end
	}
}

// Whatever the tariff, planning ahead never costs more.
func TestPlanningAheadNeverCosts(t *testing.T) {
	q := question(t)
	for _, hourly := range [][]plan.PerKWh{flat(0.15), flat(-0.01), nights(0.05, 0.25), nights(0.4, -0.1)} {
		q.Power.Hourly = hourly
		s, err := prepare(t, q).Optimal()
		if err != nil {
			t.Fatal(err)
		}
		if s.Gains < -0.002*max(s.Rule.Running, -s.Rule.Running) {
			t.Errorf("at %v by day and %v by night it costs %.2f instead of %.2f", hourly[12], hourly[0], s.Best.Running, s.Rule.Running)
		}
		if s.Best.Cold > 0.03*plan.Hours {
			t.Errorf("at %v by day and %v by night rooms are %.0f K·h too cold", hourly[12], hourly[0], s.Best.Cold)
		}
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
