package plan_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"hearth/plan"
	"hearth/plan/atlas"
	"hearth/plan/market"
	"hearth/units"
)

// world is the atlas under the default outlook.
func world(t testing.TB) *plan.Map {
	t.Helper()
	s, err := market.Default(market.Latest(), market.ConsumerGPU)
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Outlook(epoch(), 15)
	if err != nil {
		t.Fatal(err)
	}
	m, err := plan.Everywhere(plan.World{
		Market: o, Class: market.ConsumerGPU, Seed: 1,
		Money: plan.Finance{Currency: "USD", PerDollar: 1, Years: 10, Rate: 0.04},
		Rates: map[string]float64{"EUR": 0.92},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// part is a corner of the world: a few regions, the homes of some names and
// the machines whose price is known.
func part(t testing.TB, regions, homes, machines string) *plan.Map {
	m := world(t)
	small := *m
	small.Regions, small.Homes, small.Machines = nil, nil, nil
	for _, r := range m.Regions {
		if strings.Contains(regions, r.Name) {
			small.Regions = append(small.Regions, r)
		}
	}
	for _, h := range m.Homes {
		if strings.Contains(homes, h.Name) {
			small.Homes = append(small.Homes, h)
		}
	}
	for _, k := range m.Machines {
		if strings.Contains(machines, k.Name) {
			small.Machines = append(small.Machines, k)
		}
	}
	return &small
}

func run(t testing.TB, m *plan.Map, threads int) *plan.Niches {
	t.Helper()
	n, err := m.Run(t.Context(), threads, nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A cell says what the whole answer to its question says.
func TestACellIsItsAnswer(t *testing.T) {
	m := part(t, "Maine Germany", "mid house, laundry of 200 kg a day", "Antminer S19j Pro, Antminer S21+ Hydro, Heatbit Trio")
	n := run(t, m, 2)
	for _, i := range n.Ranked {
		c := n.Cells[i]
		answer := prepare(t, m.Question(c)).Answer()
		if answer.Smart.Value != c.Value || answer.Smart.Yearly != c.Yearly || answer.Smart.PerKWh != c.PerKWh {
			t.Errorf("cell %d says %+v, its answer %+v", i, c, answer.Smart)
		}
	}
	if len(n.Ranked) == 0 {
		t.Fatal("nothing is known")
	}
}

// Each flip alone makes the value nought when the question is asked anew.
func TestFlips(t *testing.T) {
	m := part(t, "Maine, Washington, Louisiana", "poor flat, mid house, laundry of 200 kg a day",
		"Antminer S19j Pro, Antminer S19 XP, Antminer S21+ Hydro, Heatbit Trio, Workstation with an RTX 4090 class card")
	m.Money.Drift = 0.01
	// A tariff with a shape, so that some hours pay and others do not.
	for i := range m.Regions {
		hourly := make([]plan.PerKWh, plan.Hours)
		for h := range hourly {
			hourly[h] = m.Regions[i].Power.Hourly[h] * plan.PerKWh(1+0.4*math.Sin(float64(h)/24*2*math.Pi))
		}
		m.Regions[i].Power.Hourly = hourly
	}
	// One that only heats with a part of what it draws.
	m.Machines[0].Plain = 300
	n := run(t, m, 2)
	sites := map[[2]int]*plan.Site{}
	var found [3]int
	for _, i := range n.Ranked {
		c := n.Cells[i]
		scale := math.Abs(c.Value.Mid) + 1
		again := func(what string, change func(*plan.Question)) {
			q := m.Question(c)
			change(&q)
			home := [2]int{c.Region, c.Home}
			if sites[home] == nil {
				sites[home] = prepare(t, q)
			}
			site, err := sites[home].With(q)
			if err != nil {
				t.Fatal(err)
			}
			got := site.Answer().Smart.Value.Mid
			if math.Abs(got) > 1e-9*scale {
				t.Errorf("%s, %s, %s, %s is worth %.4f; at its flip of %s %.6f, want nought", m.Regions[c.Region].Name, m.Homes[c.Home].Name,
					m.Heaters[c.Heater].Kind, m.Machines[c.Machine].Name, c.Value.Mid, what, got)
			}
		}
		if k, ok := c.Flip.Revenue.Get(); ok {
			found[0]++
			again("what computing earns", func(q *plan.Question) {
				for c := range q.Market {
					months := make([]market.Month, len(q.Market[c]))
					for i, m := range q.Market[c] {
						m.HashPrice *= market.HashPrice(k)
						m.Inference *= market.DollarsPerKWh(k)
						months[i] = m
					}
					q.Market[c] = months
				}
			})
		}
		if p, ok := c.Flip.Power.Get(); ok {
			found[1]++
			again("power", func(q *plan.Question) {
				var mean plan.PerKWh
				for _, v := range q.Power.Hourly {
					mean += v / plan.Hours
				}
				hourly := make([]plan.PerKWh, plan.Hours)
				for h, v := range q.Power.Hourly {
					hourly[h] = v * p / mean
				}
				q.Power.Hourly = hourly
			})
		}
		if p, ok := c.Flip.Price.Get(); ok {
			found[2]++
			again("the machine's price", func(q *plan.Question) { q.Machine.Price = known(p) })
		}
	}
	for i, what := range []string{"what computing earns", "power", "the machine's price"} {
		if found[i] < len(n.Ranked)/4 {
			t.Errorf("only %d of %d cells have a flip of %s", found[i], len(n.Ranked), what)
		}
	}
}

// The flip of the hash price is the first month's, times the factor.
func TestFlipOfTheHashPrice(t *testing.T) {
	n := run(t, part(t, "Maine", "mid house", "Antminer S19j Pro, Workstation with an RTX 4090 class card"), 1)
	for _, i := range n.Ranked {
		c := n.Cells[i]
		factor, _ := c.Flip.Revenue.Get()
		price, ok := c.Flip.HashPrice.Get()
		if n.Map.Machines[c.Machine].Kind == plan.Inference {
			if ok {
				t.Errorf("what does not mine flips at a hash price of %g", float64(price))
			}
			continue
		}
		if ok {
			near(t, "hash price", float64(price), factor*float64(n.Map.Market[market.Middle][0].HashPrice), 1e-12)
		}
	}
}

func TestRanking(t *testing.T) {
	n := run(t, part(t, "Maine, Georgia, Iceland, Norway", "mid house, good flat", "Antminer S19j Pro, Avalon Q, Workstation with 16 cores"), 2)
	if len(n.Ranked)+len(n.Unknown) != len(n.Cells) {
		t.Errorf("%d cells are ranked and %d unknown, of %d", len(n.Ranked), len(n.Unknown), len(n.Cells))
	}
	for k, i := range n.Ranked {
		if n.Cells[i].Unknown != "" {
			t.Errorf("cell %d is ranked although %s", i, n.Cells[i].Unknown)
		}
		if k > 0 && n.Cells[n.Ranked[k-1]].Gain.Mid < n.Cells[i].Gain.Mid-0.001 {
			t.Errorf("cell %d comes after one that gains less", i)
		}
	}
	for _, i := range n.Unknown {
		if c := n.Cells[i]; c.Unknown == "" || c.Value != (plan.Band{}) {
			t.Errorf("cell %d is not known but says %+v", i, c)
		}
	}
	for i, c := range n.Cells {
		if got := ((c.Region*len(n.Map.Homes)+c.Home)*len(n.Map.Heaters)+c.Heater)*len(n.Map.Machines) + c.Machine; got != i {
			t.Errorf("cell %d says it is %d", i, got)
		}
		if name := n.Map.Machines[c.Machine].Name; (name == "Avalon Q" || name == "Workstation with 16 cores") && c.Unknown == "" {
			t.Errorf("%s is ranked, though its price or what it earns is not known", name)
		}
	}
}

// Homes are counted once for each region and heater in which any machine wins.
func TestReach(t *testing.T) {
	m := part(t, "Maine, Louisiana", "mid house, pool of 30 m²", "Antminer S19j Pro, Antminer S21+ Hydro, Heatbit Trio")
	for i := range m.Regions {
		for k := range m.Regions[i].Count {
			m.Regions[i].Count[k] = known(1000.0)
		}
		delete(m.Regions[i].Count, plan.HeatPump)
	}
	n := run(t, m, 1)
	wins := map[[2]int]bool{}
	for _, c := range n.Cells {
		if c.Unknown == "" && c.Value.Mid > 0 && c.Home == 0 {
			wins[[2]int{c.Region, c.Heater}] = true
		}
	}
	var want plan.Reach
	for at := range wins {
		switch m.Heaters[at[1]].Kind {
		case plan.HeatPump:
			want.Uncounted++
		case plan.Resistive: // with heat pumps among them
			want.Electric += 1000
		default:
			want.Homes += 1000
		}
	}
	if got := n.Reach(0); got != want || want.Homes == 0 || want.Electric == 0 {
		t.Errorf("smart heat reaches %+v, want %+v", got, want)
	}
	// Nobody counts pools.
	if got := n.Reach(1); got.Homes != 0 || got.Uncounted == 0 {
		t.Errorf("smart heat reaches pools in %+v", got)
	}
}

// The result does not depend on the number of threads, nor does progress, which
// comes one at a time and ends with all.
func TestThreadsDoNotMatter(t *testing.T) {
	m := part(t, "Maine, Louisiana, Germany, Norway, Iceland", "mid house, pool of 30 m²", "Antminer S19j Pro, Heatbit Trio, Avalon Q")
	var mu sync.Mutex
	last := 0
	eight, err := m.Run(t.Context(), 8, func(done, all int) {
		if !mu.TryLock() {
			t.Error("progress was told twice at once")
			return
		}
		defer mu.Unlock()
		if done <= last || all != m.Size() {
			t.Errorf("progress went from %d to %d of %d", last, done, all)
		}
		last = done
	})
	if err != nil {
		t.Fatal(err)
	}
	if last != m.Size() {
		t.Errorf("progress ended with %d of %d", last, m.Size())
	}
	if one := run(t, m, 1); !reflect.DeepEqual(one, eight) {
		t.Error("eight threads gave another result than one")
	}
}

// Every region of the atlas is on the map, and what cannot be reckoned there
// says why.
func TestEverywhere(t *testing.T) {
	m := world(t)
	regions := atlas.Regions()
	if len(m.Regions) != len(regions) || len(m.Heaters) != len(atlas.Heaters()) || len(m.Machines) != len(atlas.Devices()) {
		t.Fatalf("the map has %d regions, %d heaters and %d machines, the atlas %d, %d and %d", len(m.Regions), len(m.Heaters), len(m.Machines),
			len(regions), len(atlas.Heaters()), len(atlas.Devices()))
	}
	if m.Size() < 30_000 {
		t.Errorf("the map has %d cells, want 30,000 and more", m.Size())
	}
	for i, r := range m.Regions {
		if (r.Year == nil) != (regions[i].Climate == "") {
			t.Errorf("%s: the atlas says its weather is that of %q", r.Name, regions[i].Climate)
		}
		power, known := regions[i].Prices.Electricity.Get()
		switch regions[i].Currency {
		case "USD":
		case "EUR": // in dollars
			power /= 0.92
		default:
			known = false
		}
		if known != (r.Unknown == "") {
			t.Errorf("%s: %q, but the price of power is known: %v", r.Name, r.Unknown, known)
		}
		if known {
			near(t, "power in "+r.Name, float64(r.Power.Hourly[4000]), power, 1e-12)
		}
		if r.Count[plan.HeatPump].IsKnown() {
			t.Errorf("%s counts heat pumps, which censuses do not", r.Name)
		}
	}
	if _, err := plan.Everywhere(plan.World{}); err == nil {
		t.Error("a map without a market was drawn up")
	}
}

func TestMapThatIsStopped(t *testing.T) {
	ctx, stop := context.WithCancelCause(t.Context())
	late := errors.New("it took too long")
	stop(late)
	if _, err := part(t, "Maine", "mid house", "Heatbit Trio").Run(ctx, 2, nil); !errors.Is(err, late) {
		t.Errorf("want %v, got %v", late, err)
	}
}

func TestMapThatCannotBe(t *testing.T) {
	for want, spoil := range map[string]func(*plan.Map){
		"at least one of each": func(m *plan.Map) { m.Homes = nil },
		"Maine":                func(m *plan.Map) { m.Regions[0].Power.Hourly = m.Regions[0].Power.Hourly[:8000] },
		"Efficiency":           func(m *plan.Map) { m.Heaters[1].Efficiency = units.Fraction(math.NaN()) },
		"Market":               func(m *plan.Map) { m.Money.Years = 40 },
		"mid house":            func(m *plan.Map) { m.Homes[0].Setpoint[5] = 90 },
	} {
		m := part(t, "Maine", "mid house", "Heatbit Trio")
		spoil(m)
		if _, err := m.Run(t.Context(), 2, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

// The map of the world without the machines that nothing is known of: cells a
// second that are ranked, on two threads, and beside it the same questions
// through the whole answer, on one.
func BenchmarkMap(b *testing.B) {
	m := world(b)
	m.Machines = slices.DeleteFunc(m.Machines, func(c plan.Candidate) bool { return c.Unknown != "" || !c.Price.IsKnown() })
	b.Run("map", func(b *testing.B) {
		ranked := 0
		for b.Loop() {
			ranked += len(run(b, m, 2).Ranked)
		}
		b.ReportMetric(float64(ranked)/b.Elapsed().Seconds(), "cells/s")
		b.ReportMetric(float64(ranked)/float64(b.N), "cells")
	})
	small := part(b, "Maine", "mid house", "Antminer S19j Pro, Antminer S21+ Hydro, Heatbit Trio")
	n := run(b, small, 2)
	b.Run("answers", func(b *testing.B) {
		site := prepare(b, small.Question(n.Cells[n.Ranked[0]]))
		for b.Loop() {
			for _, i := range n.Ranked {
				other, err := site.With(small.Question(n.Cells[i]))
				if err != nil {
					b.Fatal(err)
				}
				other.Answer()
			}
		}
		b.ReportMetric(float64(len(n.Ranked))*float64(b.N)/b.Elapsed().Seconds(), "cells/s")
	})
}
