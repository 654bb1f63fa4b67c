package scheduler_test

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hearth/control/scheduler"
	"hearth/units"
)

func price(p float64) units.Known[float64] { return units.Know(p, time.Time{}, units.Chosen) }

// house is a room of 60 h time constant and 30 W/K, whose prices swing over
// the day as in the measurements behind the design.
func house(slots int, step time.Duration) *scheduler.Problem {
	keep := math.Exp(-step.Hours() / 60)
	p := &scheduler.Problem{
		Step: step, Next: scheduler.Line{Keep: keep, PerWatt: (1 - keep) / 30},
		Comfort: scheduler.Comfort{Outside: 1, Away: 0.002},
		Grid:    scheduler.Grid{Low: 15, High: 27, Points: 121},
		From:    scheduler.State{Temp: 21},
		Start:   0.01,
	}
	for k := range 5 {
		p.Tiers = append(p.Tiers, scheduler.Tier{Heat: units.Watts(300 * k), Draw: units.Watts(300 * k)})
	}
	for t := range slots {
		hour := float64(t) * step.Hours()
		outdoor := 2 + 4*math.Sin((hour-9)/24*2*math.Pi) - 3*math.Sin(hour/800)
		p.Slots = append(p.Slots, scheduler.Slot{
			Next:  units.Celsius((1 - keep) * outdoor),
			Price: price(0.20 + 0.12*math.Sin((hour-12)/24*4*math.Pi)),
			Set:   21, Low: 20, High: 22.5,
		})
	}
	return p
}

// obeys fails the test where a schedule breaks the heater's rules or its bill
// does not add up.
func obeys(t rapid.TB, p *scheduler.Problem, s scheduler.Schedule) {
	t.Helper()
	if len(s.Tiers) != len(p.Slots) || len(s.Temps) != len(p.Slots) {
		t.Fatalf("%d tiers and %d temperatures for %d slots", len(s.Tiers), len(s.Temps), len(p.Slots))
	}
	h, temp, total, mean, starts := initial(p), float64(p.From.Temp), 0.0, meanPrice(p), 0
	for i, tier := range s.Tiers {
		next, ok := follows(p, h, tier)
		if !ok {
			t.Fatalf("slot %d: from tier %d, kept for %d slots, to tier %d: on %d, off %d, ramp %d", i, h.tier, h.since, tier, p.MinOn, p.MinOff, p.Ramp)
		}
		if h.tier == 0 && tier > 0 {
			starts++
		}
		cost, to := slotCost(p, i, temp, h, tier, mean)
		if !near(to, float64(s.Temps[i])) {
			t.Fatalf("slot %d ends at %v, the schedule says %v", i, to, s.Temps[i])
		}
		total, temp, h = total+cost, to, next
	}
	if total -= p.End * temp; !near(total, s.Bill.Total()) {
		t.Fatalf("it costs %v, the bill says %v", total, s.Bill.Total())
	}
	if starts != s.Starts {
		t.Fatalf("%d starts, the schedule says %d", starts, s.Starts)
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*(1+math.Abs(a)+math.Abs(b)) }

// small draws a problem whose temperatures all fall on the grid, where the
// value is not an approximation.
func small(t *rapid.T) *scheduler.Problem {
	n := func(name string, from, to int) int { return rapid.IntRange(from, to).Draw(t, name) }
	tiers := n("tiers", 2, 4)
	p := &scheduler.Problem{
		Step: 15 * time.Minute, Next: scheduler.Line{Keep: 1, PerWatt: 1.0 / 1024},
		MinOn: n("on", 0, 4), MinOff: n("off", 0, 4), Ramp: n("ramp", 0, 3),
		Start:       float64(n("start", 0, 20)) / 100,
		CarbonPrice: float64(n("carbon price", 0, 100)),
		End:         float64(n("end", 0, 30)) / 100,
		Grid:        scheduler.Grid{Low: -16, High: 48, Points: 257},
		Comfort:     scheduler.Comfort{Outside: float64(n("outside", 0, 40)) / 10, Away: float64(n("away", 0, 10)) / 10, Warmth: float64(n("warmth", -5, 5)) / 10},
	}
	for k := range tiers {
		p.Tiers = append(p.Tiers, scheduler.Tier{Heat: units.Watts(256 * k), Draw: units.Watts(n("draw", 0, 1000))})
	}
	p.From = scheduler.State{Temp: 16 + units.Celsius(n("temp", -4, 4))/4, Tier: n("tier", 0, tiers-1), Since: n("since", 0, 4)}
	felt := n("felt", 0, 1) == 1
	if felt {
		p.Felt = scheduler.Line{Keep: 0.75, PerWatt: 0.002}
	}
	for i := range n("slots", 1, 7) {
		s := scheduler.Slot{
			Next:   units.Celsius(n("drift", -4, 2)) / 4,
			Felt:   units.Celsius(n("felt share", 0, 8)),
			Carbon: units.Grams(n("carbon", 0, 800)),
			Set:    16, Low: 16 - units.Celsius(n("below", 0, 4))/2, High: 16 + units.Celsius(n("above", 0, 4))/2,
			Price: units.Unknown[float64]("tomorrow's prices are not out", time.Time{}),
		}
		if i == 0 || n("priced", 0, 4) > 0 {
			s.Price = price(float64(n("price", -50, 100)) / 100)
		}
		if n("works", 0, 1) == 1 {
			for range tiers {
				s.Worth = append(s.Worth, float64(n("worth", -20, 20))/100)
			}
		}
		if n("asked", 0, 3) == 0 {
			s.Offer = scheduler.Offer{Most: units.Watts(n("most", 0, 1000)), Pays: float64(n("pays", 0, 100)) / 100}
		}
		p.Slots = append(p.Slots, s)
	}
	return p
}

func TestSolveIsTheBestOfAllSchedules(t *testing.T) {
	var solver scheduler.Solver
	rapid.Check(t, func(t *rapid.T) {
		p := small(t)
		s, err := solver.Solve(p)
		if err != nil {
			t.Fatal(err)
		}
		obeys(t, p, s)
		if best := enumerate(p); !near(s.Bill.Total(), best) {
			t.Fatalf("it costs %v, the best of all schedules %v: %v", s.Bill.Total(), best, s.Tiers)
		}
		tiers, total := recursion(p)
		if !near(total, s.Bill.Total()) {
			t.Fatalf("it costs %v with %v, the plain recursion %v with %v", s.Bill.Total(), s.Tiers, total, tiers)
		}
	})
}

// Off the grid the value is read between its points: the schedule is then one
// of the best, not always the best.
func TestSolveComesCloseOffTheGrid(t *testing.T) {
	var solver scheduler.Solver
	rapid.Check(t, func(t *rapid.T) {
		p := small(t)
		p.Next.Keep = rapid.Float64Range(0.9, 1).Draw(t, "keep")
		p.Next.PerWatt = rapid.Float64Range(0.0001, 0.002).Draw(t, "per watt")
		for i := range p.Slots {
			p.Slots[i].Next = units.Celsius(rapid.Float64Range(0, 16*(1-p.Next.Keep)+0.1).Draw(t, "drift"))
		}
		p.Grid = scheduler.Grid{Low: 0, High: 32, Points: 641} // 0.05 K
		s, err := solver.Solve(p)
		if err != nil {
			t.Fatal(err)
		}
		obeys(t, p, s)
		best := enumerate(p)
		// Between two points the value bends by no more than the penalties do,
		// once in each slot.
		bend := 0.05 * 0.05 / 4 * p.Step.Hours() * (p.Comfort.Outside + p.Comfort.Away)
		kink := 0.05 * p.Step.Hours() * math.Abs(p.Comfort.Warmth)
		if got := s.Bill.Total(); got < best-1e-9 || got > best+1e-9+float64(len(p.Slots))*(bend+kink)*2+0.02 {
			t.Fatalf("it costs %v, the best of all schedules %v", got, best)
		}
	})
}

func TestSolveEqualsThePlainRecursion(t *testing.T) {
	var solver scheduler.Solver
	for _, test := range []struct {
		name   string
		change func(p *scheduler.Problem)
	}{
		{"nothing asked", func(*scheduler.Problem) {}},
		{"least times", func(p *scheduler.Problem) { p.MinOn, p.MinOff = 4, 3 }},
		{"least times and a ramp", func(p *scheduler.Problem) { p.MinOn, p.MinOff, p.Ramp = 4, 4, 1 }},
		{"a cold start while on", func(p *scheduler.Problem) {
			p.MinOn, p.Ramp, p.From = 6, 2, scheduler.State{Temp: 17, Tier: 3, Since: 2}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := house(60, 15*time.Minute)
			test.change(p)
			s, err := solver.Solve(p)
			if err != nil {
				t.Fatal(err)
			}
			obeys(t, p, s)
			tiers, total := recursion(p)
			if !slices.Equal(tiers, s.Tiers) || !near(total, s.Bill.Total()) {
				t.Errorf("%v for %v, the plain recursion %v for %v", s.Tiers, s.Bill.Total(), tiers, total)
			}
		})
	}
}

// A long horizon is solved in blocks. That must not show.
func TestBlocksDoNotShow(t *testing.T) {
	p := house(700, time.Hour)
	p.MinOn, p.MinOff, p.Ramp = 4, 4, 1 // 20 states of 121 temperatures: in blocks
	var solver scheduler.Solver
	s, err := solver.Solve(p)
	if err != nil {
		t.Fatal(err)
	}
	obeys(t, p, s)
	if _, total := recursion(p); !near(total, s.Bill.Total()) {
		t.Errorf("in blocks it costs %v, in one piece %v", s.Bill.Total(), total)
	}
}

// What a heater must not do can only cost.
func TestFreedomNeverCosts(t *testing.T) {
	var solver scheduler.Solver
	rapid.Check(t, func(t *rapid.T) {
		p := small(t)
		total := func() float64 {
			s, err := solver.Solve(p)
			if err != nil {
				t.Fatal(err)
			}
			return s.Bill.Total()
		}
		bound := total()
		for _, loosen := range []func(){
			func() { p.MinOn = max(0, p.MinOn-1) },
			func() { p.MinOff = max(0, p.MinOff-1) },
			func() {
				if p.Ramp++; p.Ramp == 1 {
					p.Ramp = 0
				}
			},
			func() { p.Start /= 2 },
			func() { p.Comfort.Outside /= 2 },
		} {
			loosen()
			free := total()
			if free > bound+1e-9 {
				t.Fatalf("with more freedom it costs %v, with less %v", free, bound)
			}
			bound = free
		}
	})
}

func TestForesightIsWorthSomething(t *testing.T) {
	var solver scheduler.Solver
	for _, step := range []time.Duration{15 * time.Minute, time.Hour} {
		p := house(int(7*24*time.Hour/step), step)
		best, err := solver.Solve(p)
		if err != nil {
			t.Fatal(err)
		}
		obeys(t, p, best)
		ahead := best.Bill
		rule, err := solver.Thermostat(p)
		if err != nil {
			t.Fatal(err)
		}
		obeys(t, p, rule)
		t.Logf("%v: planned %.2f for %v, thermostat %.2f for %v", step, ahead.Energy, ahead.Drawn, rule.Bill.Energy, rule.Bill.Drawn)
		if ahead.Total() > rule.Bill.Total()+1e-9 {
			t.Errorf("%v: planned it costs %v, by thermostat %v", step, ahead.Total(), rule.Bill.Total())
		}
		if ahead.Energy > 0.95*rule.Bill.Energy {
			t.Errorf("%v: prices that swing by a half save less than a twentieth: %v of %v", step, ahead.Energy, rule.Bill.Energy)
		}
	}
}

// With warmth at its price a plan moves heat in time; it does not make people
// colder on the sly.
func TestWarmthAtItsPriceKeepsTheMean(t *testing.T) {
	p := house(7*96, 15*time.Minute)
	p.Comfort.Warmth = meanPrice(p) * 30 / 1000
	p.End = meanPrice(p) * 30 * 60 / 1000
	var solver scheduler.Solver
	s, err := solver.Solve(p)
	if err != nil {
		t.Fatal(err)
	}
	mean := 0.0
	for _, felt := range s.Felt {
		mean += float64(felt) / float64(len(s.Felt))
	}
	t.Logf("mean %.2f °C", mean)
	if math.Abs(mean-21) > 0.2 {
		t.Errorf("the mean is %.2f °C where 21 °C was asked for", mean)
	}
}

func TestNegativePricesHeatToTheTop(t *testing.T) {
	p := house(96, 15*time.Minute)
	for i := range p.Slots {
		p.Slots[i].Price = price(0.30)
		if i >= 40 && i < 56 {
			p.Slots[i].Price = price(-0.20)
		}
	}
	var solver scheduler.Solver
	s, err := solver.Solve(p)
	if err != nil {
		t.Fatal(err)
	}
	obeys(t, p, s)
	for i := 40; i < 52; i++ {
		if s.Tiers[i] == 0 && s.Temps[i] < 22 {
			t.Errorf("slot %d: off at %v though power is paid for", i, s.Temps[i])
		}
	}
}

// An unknown price stands for the mean of the known ones.
func TestUnknownPricesCountAsTheMean(t *testing.T) {
	p, filled := house(96, 15*time.Minute), house(96, 15*time.Minute)
	for i := 60; i < 96; i++ {
		p.Slots[i].Price = units.Unknown[float64]("tomorrow's prices are not out yet", time.Time{})
	}
	for i := 60; i < 96; i++ {
		filled.Slots[i].Price = price(meanPrice(p))
	}
	var one, other scheduler.Solver
	a, err := one.Solve(p)
	if err != nil {
		t.Fatal(err)
	}
	b, err := other.Solve(filled)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a.Tiers, b.Tiers) {
		t.Errorf("%v\nwith the mean filled in\n%v", a.Tiers, b.Tiers)
	}
	if a.Guessed != 36 || b.Guessed != 0 {
		t.Errorf("%d and %d slots count as guessed, want 36 and 0", a.Guessed, b.Guessed)
	}
	for i := range p.Slots {
		p.Slots[i].Price = units.Unknown[float64]("no tariff is configured", time.Time{})
	}
	if _, err := one.Solve(p); !errors.Is(err, scheduler.ErrNoPrice) || !strings.Contains(err.Error(), "no tariff is configured") {
		t.Errorf("without any price: %v", err)
	}
}

// The days on which the clocks change have 92 and 100 quarters.
func TestDaysOfOtherLengths(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("this computer knows no time zones:", err)
	}
	var solver scheduler.Solver
	for _, test := range []struct {
		day  time.Time
		want int
	}{
		{time.Date(2026, 3, 29, 0, 0, 0, 0, berlin), 92},
		{time.Date(2026, 6, 1, 0, 0, 0, 0, berlin), 96},
		{time.Date(2026, 10, 25, 0, 0, 0, 0, berlin), 100},
	} {
		p := house(0, 15*time.Minute)
		all := house(100, 15*time.Minute)
		y, m, d := test.day.Date()
		for at, i := test.day, 0; at.Before(time.Date(y, m, d+1, 0, 0, 0, 0, berlin)); at, i = at.Add(p.Step), i+1 {
			slot := all.Slots[i]
			slot.Price = price(0.35)
			if at.In(berlin).Hour() < 6 {
				slot.Price = price(0.15) // by the wall clock
			}
			p.Slots = append(p.Slots, slot)
		}
		s, err := solver.Solve(p)
		if err != nil {
			t.Fatal(err)
		}
		obeys(t, p, s)
		if len(s.Tiers) != test.want {
			t.Errorf("%v has %d slots, want %d", test.day.Format(time.DateOnly), len(s.Tiers), test.want)
		}
	}
}

func TestOffersAreTakenWhenTheyPay(t *testing.T) {
	p := house(96, 15*time.Minute)
	for i := 60; i < 68; i++ {
		p.Slots[i].Offer = scheduler.Offer{Most: 300, Pays: 1}
	}
	var solver scheduler.Solver
	s, err := solver.Solve(p)
	if err != nil {
		t.Fatal(err)
	}
	obeys(t, p, s)
	for i := 60; i < 68; i++ {
		if p.Tiers[s.Tiers[i]].Draw > 300 {
			t.Errorf("slot %d draws %v, and the grid pays for 300 W", i, p.Tiers[s.Tiers[i]].Draw)
		}
	}
	if s.Bill.Offers != 8 {
		t.Errorf("the grid pays %v, want 8", s.Bill.Offers)
	}
}

func TestCarbonHasItsPrice(t *testing.T) {
	p := house(96, 15*time.Minute)
	for i := range p.Slots {
		p.Slots[i].Price = price(0.25)
		p.Slots[i].Carbon = 100
		if i%48 >= 24 {
			p.Slots[i].Carbon = 700
		}
	}
	emitted := func(s scheduler.Schedule) (sum float64) {
		for i, k := range s.Tiers {
			sum += float64(p.Slots[i].Carbon) * float64(p.Tiers[k].Draw) / 4000
		}
		return sum
	}
	var solver scheduler.Solver
	before, err := solver.Solve(p)
	if err != nil {
		t.Fatal(err)
	}
	free := emitted(before)
	p.CarbonPrice = 300
	after, err := solver.Solve(p)
	if err != nil {
		t.Fatal(err)
	}
	if priced := emitted(after); priced > 0.95*free {
		t.Errorf("%.0f g of carbon dioxide at a price, %.0f g without", priced, free)
	}
	if want := emitted(after) * 300 / 1e6; !near(after.Bill.Carbon, want) {
		t.Errorf("carbon costs %v, the bill says %v", want, after.Bill.Carbon)
	}
}

func TestRefusals(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	var solver scheduler.Solver
	for _, test := range []struct {
		name   string
		change func(p *scheduler.Problem)
		want   string
	}{
		{"a price that is no number", func(p *scheduler.Problem) { p.Slots[17].Price = price(nan) }, "slot 17: the price is NaN"},
		{"weather without end", func(p *scheduler.Problem) { p.Slots[3].Next = units.Celsius(inf) }, "slot 3: what the weather adds is +Inf"},
		{"work that is worth NaN", func(p *scheduler.Problem) { p.Slots[9].Worth = []float64{0, 0, nan, 0, 0} }, "slot 9: work at tier 2 is worth NaN"},
		{"work at other tiers", func(p *scheduler.Problem) { p.Slots[9].Worth = []float64{1} }, "slot 9: work is worth something at 1 tiers: there are 5"},
		{"carbon", func(p *scheduler.Problem) { p.Slots[2].Carbon = units.Grams(nan) }, "slot 2: the carbon dioxide"},
		{"an offer", func(p *scheduler.Problem) { p.Slots[2].Offer.Pays = inf }, "slot 2: the offer"},
		{"an empty band", func(p *scheduler.Problem) { p.Slots[5].Low = 30 }, "slot 5: the band from 30.0 °C to 22.5 °C is empty"},
		{"a tier", func(p *scheduler.Problem) { p.Tiers[4].Draw = -1 }, "tier 4"},
		{"no tiers", func(p *scheduler.Problem) { p.Tiers = p.Tiers[:1] }, "1 tiers: want 2"},
		{"no slots", func(p *scheduler.Problem) { p.Slots = nil }, "0 slots"},
		{"slots of no time", func(p *scheduler.Problem) { p.Step = 0 }, "a slot of 0s"},
		{"a start outside the grid", func(p *scheduler.Problem) { p.From.Temp = 12 }, "outside the grid of 15.0 °C to 27.0 °C: widen it"},
		{"a tier that is not there", func(p *scheduler.Problem) { p.From.Tier = 5 }, "tier 5: there are 5"},
		{"a grid of one", func(p *scheduler.Problem) { p.Grid.Points = 1 }, "a grid of 1 temperatures"},
		{"a grid upside down", func(p *scheduler.Problem) { p.Grid.High = 10 }, "empty"},
		{"a house that cools the sun", func(p *scheduler.Problem) { p.Next.Keep = nan }, "the line to the next temperature is NaN"},
		{"a start that pays", func(p *scheduler.Problem) { p.Start = -1 }, "cannot be below zero"},
		{"a problem for a computing centre", func(p *scheduler.Problem) {
			p.Grid.Points, p.MinOn, p.Ramp = 10_000, 1000, 1
		}, "too many: use fewer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := house(96, 15*time.Minute)
			test.change(p)
			if _, err := solver.Solve(p); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestRulesAreHeldToTheHeater(t *testing.T) {
	p := house(8, 15*time.Minute)
	p.MinOn = 4
	var solver scheduler.Solver
	_, err := solver.Follow(p, func(slot int, _ units.Celsius, _ []bool) int { return (slot + 1) % 2 })
	if err == nil || !strings.Contains(err.Error(), "slot 1: it asks for tier 0") {
		t.Errorf("a rule that switches off too soon: %v", err)
	}
}

// After the first problem of a size nothing is allocated.
func TestSolveAllocatesNothing(t *testing.T) {
	p := house(96, 15*time.Minute)
	p.MinOn, p.MinOff, p.Ramp = 4, 4, 1
	var solver scheduler.Solver
	solve := func() {
		if _, err := solver.Solve(p); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(3, solve); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The same problem has the same schedule to the last bit on every processor:
// products are never fused with the sums that they go into. The problem is
// made of whole numbers, for functions such as the sine are not the same
// everywhere.
func TestSameOnEveryProcessor(t *testing.T) {
	p := &scheduler.Problem{
		Step: 15 * time.Minute, Next: scheduler.Line{Keep: 0.9957, PerWatt: 0.000143},
		Felt:    scheduler.Line{Keep: 0.97, PerWatt: 0.0007},
		Comfort: scheduler.Comfort{Outside: 1.1, Away: 0.0037, Warmth: 0.0091},
		Grid:    scheduler.Grid{Low: 14, High: 27, Points: 131},
		From:    scheduler.State{Temp: 20.3}, Start: 0.013, MinOn: 3, MinOff: 2, Ramp: 2, End: 0.3, CarbonPrice: 85,
	}
	for k := range 5 {
		p.Tiers = append(p.Tiers, scheduler.Tier{Heat: units.Watts(310 * k), Draw: units.Watts(290 * k)})
	}
	roll := uint32(1)
	dice := func(faces uint32) float64 {
		roll = roll*1664525 + 1013904223
		return float64((roll >> 16) % faces)
	}
	for range 500 {
		p.Slots = append(p.Slots, scheduler.Slot{
			Next: units.Celsius(dice(90) / 1000), Felt: units.Celsius(dice(90) / 100),
			Price: price(dice(400)/1000 - 0.05), Carbon: units.Grams(dice(700)),
			Set: 21, Low: 20, High: 22.3,
		})
	}
	var solver scheduler.Solver
	s, err := solver.Solve(p)
	if err != nil {
		t.Fatal(err)
	}
	obeys(t, p, s)
	h := fnv.New64a()
	for i := range s.Tiers {
		fmt.Fprintln(h, s.Tiers[i], math.Float64bits(float64(s.Temps[i])), math.Float64bits(float64(s.Felt[i])))
	}
	fmt.Fprintln(h, math.Float64bits(s.Bill.Total()))
	const want = 0x28ae353ba5b26de3
	if got := h.Sum64(); got != want {
		t.Errorf("the schedule is %#x, want %#x", got, uint64(want))
	}
}
