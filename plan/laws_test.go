package plan_test

import (
	"encoding/json"
	"math"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"hearth/plan"
	"hearth/plan/market"
	"hearth/units"
)

// anyQuestion draws questions about one home: heaters, machines, tariffs and
// markets of all kinds.
func anyQuestion(t *rapid.T, base plan.Question) plan.Question {
	f := func(least, most float64, name string) float64 { return rapid.Float64Range(least, most).Draw(t, name) }
	q := base
	q.Money.Years = rapid.IntRange(1, 12).Draw(t, "years")
	q.Money.Rate, q.Money.Drift = units.Fraction(f(0, 0.1, "rate")), units.Fraction(f(-0.02, 0.05, "drift"))
	heater := func(name string) plan.Heater {
		h := plan.Heater{
			Kind:       rapid.SampledFrom([]plan.HeaterKind{plan.Resistive, plan.Gas, plan.Propane, plan.Oil, plan.Wood, plan.HeatPump}).Draw(t, name),
			Efficiency: units.Fraction(f(0.6, 1, name+" efficiency")), Price: known(plan.PerKWh(f(0.02, 0.3, name+" price"))),
			Carbon: known(units.Grams(f(0, 300, name+" carbon"))), CapexPerKW: 100, Fixed: 500, Life: rapid.SampledFrom([]float64{0, 0.7, 5, 12, 25}).Draw(t, name+" life"), Upkeep: 50,
			Owned: rapid.Bool().Draw(t, name+" owned"),
		}
		return h
	}
	q.Today, q.Backup = heater("today"), heater("backup")
	q.Others = nil
	draw := f(200, 6000, "draw")
	q.Machine = plan.Machine{
		Kind:  rapid.SampledFrom([]plan.MachineKind{plan.Hash, plan.Inference}).Draw(t, "machine"),
		Count: rapid.IntRange(1, 3).Draw(t, "count"), Draw: units.Watts(draw), Least: units.Watts(draw * f(0, 1, "least")),
		Idle: units.Watts(f(0, 20, "idle")), Plain: units.Watts(draw * rapid.SampledFrom([]float64{0, 0, 0.6, 1}).Draw(t, "plain")),
		Efficiency: market.JoulesPerTerahash(f(12, 60, "J/TH")), Recovery: units.Fraction(f(0.5, 1, "recovery")),
		Hottest: units.Celsius(rapid.SampledFrom([]float64{0, 45, 60, 80}).Draw(t, "hottest")), Availability: units.Fraction(f(0.5, 1, "availability")),
		PoolFee: units.Fraction(f(0, 0.03, "fee")), Price: known(plan.Money(f(0, 4000, "price"))), Life: f(1, 8, "life"), Upkeep: 10,
	}
	day, night := f(-0.05, 0.4, "day"), f(-0.05, 0.4, "night")
	if rapid.Bool().Draw(t, "flat") {
		night = day
	}
	q.Power.Hourly = nights(plan.PerKWh(day), plan.PerKWh(night))
	low := f(0, 60, "hash price")
	q.Market = steady(q.Money.Years+rapid.IntRange(0, 4).Draw(t, "beyond"), market.HashPrice(low), market.HashPrice(low*1.5), market.HashPrice(low*3))
	return q
}

// forAnyQuestion holds a law for any question about the farmhouse.
func forAnyQuestion(t *testing.T, law func(t *rapid.T, s *plan.Site, q plan.Question)) {
	site := prepare(t, question(t))
	base := site.Question()
	rapid.Check(t, func(t *rapid.T) {
		q := anyQuestion(t, base)
		s, err := site.With(q)
		if err != nil {
			t.Fatal(err)
		}
		law(t, s, s.Question())
	})
}

func find(t *rapid.T, a *plan.Answer, kind plan.OptionKind) plan.Option {
	for _, o := range slices.Backward(a.Options) {
		if o.Kind == kind {
			return o
		}
	}
	t.Fatalf("no option %q", kind)
	return plan.Option{}
}

func same(t *rapid.T, what string, got, want float64) {
	if !(math.Abs(got-want) <= 1e-9*(1+math.Abs(want))) {
		t.Fatalf("%s is %.12g, want %.12g", what, got, want)
	}
}

// Heat delivered is the load less what is missing, and comes from what was
// bought.
func TestEnergyAddsUp(t *testing.T) {
	forAnyQuestion(t, func(t *rapid.T, s *plan.Site, q plan.Question) {
		a := s.Answer()
		if _, err := json.Marshal(a); err != nil { // as where something is not a number
			t.Fatal(err)
		}
		for _, o := range a.Options {
			same(t, o.ID+": heat", float64(o.Heat), float64(a.Load.Heat-o.Shortfall.Year))
			if o.Computed > o.Power+1e-6 || o.Covered < 0 || o.Covered > 1+1e-9 || o.Exergy > o.Heat {
				t.Fatalf("%s: computed %v of %v bought, covers %v, exergy %v of %v", o.ID, o.Computed, o.Power, o.Covered, o.Exergy, o.Heat)
			}
		}
		with := find(t, a, plan.WithMachine)
		var made units.KilowattHours
		for _, m := range with.Months {
			made += m
		}
		same(t, "heat of the machine by month", float64(made), float64(with.Covered)*float64(with.Heat))
		if q.Backup.Kind != plan.Resistive && q.Backup.Kind != plan.HeatPump {
			same(t, "heat of machine and backup", float64(made)+float64(with.Fuel)*float64(q.Backup.Efficiency), float64(with.Heat))
		}
		power := float64(q.Machine.Draw) * float64(q.Machine.Count) / 1000
		same(t, "heat by full-load hours", with.FullLoad*power*float64(q.Machine.Recovery), float64(made))
		alone := find(t, a, plan.AloneOption)
		if alone.Shortfall.Year < -1e-6*a.Load.Heat || alone.Shortfall.Day < -1e-9 || alone.Shortfall.Coldest > with.Shortfall.Coldest+1e-9 {
			t.Fatalf("alone: the shortfall is %+v", alone.Shortfall)
		}
	})
}

// The money of the machine with its backup, reckoned the long way: hour by
// hour and year by year, is what the thresholds of its months say.
func TestMoneyOfTheMachineTheLongWay(t *testing.T) {
	forAnyQuestion(t, func(t *rapid.T, s *plan.Site, q plan.Question) {
		q.Machine.Plain, q.Machine.Idle = 0, 0
		q.Machine.Hottest = 90 // within reach of all
		q.Machine.Life = 100   // one machine, whatever it earns
		s, err := s.With(q)
		if err != nil {
			t.Fatal(err)
		}
		a := s.Answer()
		with := find(t, a, plan.WithMachine)
		m := &q.Machine
		kept := float64(m.Availability) * (1 - float64(m.PoolFee))
		most := float64(m.Draw) * float64(m.Count) / 1000
		load := s.Demand()
		if q.Backup.Kind == plan.HeatPump {
			t.Skip("its COP by the hour is not the question here")
		}
		for _, c := range []struct {
			which   market.Case
			running float64
			earned  float64
		}{
			{market.Pessimistic, with.Running.Low, with.Earned.Low},
			{market.Middle, with.Running.Mid, with.Earned.Mid},
			{market.Optimistic, with.Running.High, with.Earned.High},
		} {
			now := q.Market[c.which][0]
			earns := float64(now.Inference) * kept
			if m.Kind == plan.Hash {
				earns = float64(now.HashPrice) / (24 * float64(m.Efficiency)) * kept
			}
			running := float64(q.Backup.Upkeep) + float64(m.Upkeep)*float64(m.Count)
			var earned float64
			for i, want := range load {
				price := q.Power.Hourly[i]
				source := price
				if q.Backup.Kind != plan.Resistive {
					source, _ = q.Backup.Price.Get()
				}
				hour := plan.Hour{Power: price, Earns: plan.PerKWh(earns), Worth: plan.FuelHeat(source, q.Backup.Efficiency), Useful: m.Recovery}
				if hour.Pays() {
					draw := min(most, want/float64(m.Recovery))
					running += draw * float64(price-hour.Earns)
					earned += draw * earns
					want -= draw * float64(m.Recovery)
				}
				running += want * float64(hour.Worth)
			}
			same(t, "running", c.running, running)
			same(t, "earned", c.earned, earned)
		}
	})
}

// What is better for the machine is never worse for its owner.
func TestValueRisesWithWhatIsGood(t *testing.T) {
	forAnyQuestion(t, func(t *rapid.T, s *plan.Site, q plan.Question) {
		value := func(change func(*plan.Question)) (with, wasted float64) {
			other := q
			for c := range other.Market {
				other.Market[c] = append([]market.Month(nil), q.Market[c]...)
			}
			change(&other)
			site, err := s.With(other)
			if err != nil {
				t.Fatal(err)
			}
			a := site.Answer()
			return find(t, a, plan.WithMachine).Value.Mid, find(t, a, plan.Wasting).Value.Mid
		}
		with, wasted := value(func(*plan.Question) {})
		slack := 1e-7 * (1 + math.Abs(with) + math.Abs(wasted))
		for _, better := range []struct {
			name   string
			change func(*plan.Question)
		}{
			{"a higher hash price and rent", func(q *plan.Question) {
				for i := range q.Market[market.Middle] {
					q.Market[market.Middle][i].HashPrice *= 1.3
					q.Market[market.Middle][i].Inference *= 1.3
				}
			}},
			{"a smaller fee", func(q *plan.Question) { q.Machine.PoolFee /= 2 }},
			{"less upkeep", func(q *plan.Question) { q.Machine.Upkeep /= 2 }},
		} {
			w, x := value(better.change)
			if w < with-slack || x < wasted-slack {
				t.Fatalf("%s: with a backup %.6f to %.6f, in a warehouse %.6f to %.6f", better.name, with, w, wasted, x)
			}
		}
		if _, x := value(func(q *plan.Question) { q.Power.Industrial = known(plan.PerKWh(0.03)) }); x < wasted-slack {
			t.Fatalf("cheaper power in the warehouse: %.6f to %.6f", wasted, x)
		}
	})
}

// A machine that costs what it saves, spread over its life at the rate of
// interest, is worth nothing: K · CRF = saved in a year.
func TestCapitalRecovery(t *testing.T) {
	q := question(t)
	q.Money.Years, q.Money.Rate = 8, 0.07
	q.Market = steady(8, 40, 40, 40)
	q.Machine.Life, q.Machine.Price = 8, known(plan.Money(0))
	free := option(t, prepare(t, q).Answer(), plan.WithMachine)
	today := option(t, prepare(t, q).Answer(), "propane")
	saved := today.Running.Mid - free.Running.Mid
	crf := 0.07 / (1 - math.Pow(1.07, -8))
	q.Machine.Price = known(plan.Money(saved / crf / 2)) // two machines
	with := option(t, prepare(t, q).Answer(), plan.WithMachine)
	near(t, "value of a machine at its break-even price", with.Value.Mid, 0, 1e-8)
	near(t, "cost of a useful kWh beside today's", with.Cost.Mid, today.Cost.Mid, 1e-12)
	years, ok := with.Payback.Get()
	near(t, "payback in years without interest", years, 1/crf, 1e-9)
	if !ok {
		t.Error("the payback is unknown")
	}
}

// At the price of power at which machine and heat pump tie, it runs; a hair
// above, it stands still. The heat pump is one whose COP is the same all year.
func TestTheMachineStopsWhereAHeatPumpTies(t *testing.T) {
	q := question(t)
	q.Home.Rooms, q.Home.Uses = nil, []plan.Use{{Kind: plan.District, Size: 1}}
	q.Machine.Hottest = 80
	q.Backup = plan.Heater{Kind: plan.HeatPump, Efficiency: 0.05, Owned: true} // COP 1 at any lift
	q.Market = steady(10, 28.7, 28.7, 28.7)
	q.Machine.Efficiency, q.Machine.Availability, q.Machine.PoolFee, q.Machine.Idle = 18.9, 1, 0, 0
	r := float64(market.HashPrice(28.7).PerKWh(18.9))
	for _, c := range []struct {
		name     string
		recovery units.Fraction // a machine that loses heat is as one beside a pump of COP 1/recovery
		price    float64
		runs     bool
	}{
		{"COP 2, at the tie", 0.5, r / 0.5 * (1 - 1e-12), true},
		{"COP 2, above", 0.5, r / 0.5 * (1 + 1e-12), false},
		{"COP 4, at the tie", 0.25, r / 0.75 * (1 - 1e-12), true},
		{"COP 4, above", 0.25, r / 0.75 * (1 + 1e-12), false},
	} {
		q.Machine.Recovery, q.Power.Hourly = c.recovery, flat(plan.PerKWh(c.price))
		o := option(t, prepare(t, q).Answer(), plan.WithMachine)
		if (o.Computed > 0) != c.runs {
			t.Errorf("%s: at %.6f $/kWh it computes %v", c.name, c.price, o.Computed)
		}
	}
}

// The same question has the same answer, to the last bit, however many ask.
func TestAnswersAreTheSameOnAnyNumberOfThreads(t *testing.T) {
	q := question(t)
	q.Power.Hourly = nights(0.2, 0.1)
	q.Home.Uses = everyUse()
	say := func(s *plan.Site) string {
		b, err := json.Marshal(s.Answer())
		if err != nil {
			t.Error(err)
		}
		z, err := json.Marshal(s.Size())
		if err != nil {
			t.Error(err)
		}
		return string(b) + string(z)
	}
	want := say(prepare(t, q))
	site := prepare(t, q)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if say(site) != want {
				t.Error("one of eight got another answer")
			}
			mine, err := plan.Prepare(q)
			if err != nil {
				t.Error(err)
				return
			}
			if say(mine) != want {
				t.Error("one of eight who prepared the home anew got another answer")
			}
		})
	}
	group.Wait()
}

// Power for nothing and less is handled: the machine runs while heat is wanted.
func TestNegativePrices(t *testing.T) {
	q := question(t)
	q.Power.Hourly = flat(-0.02)
	a := prepare(t, q).Answer()
	with, resistive := option(t, a, plan.WithMachine), option(t, a, "resistive")
	if resistive.Running.Mid >= 0 || with.Running.Mid >= resistive.Running.Mid {
		t.Errorf("at -2 cents heat costs %.2f by resistance and %.2f by the machine", resistive.Running.Mid, with.Running.Mid)
	}
}
