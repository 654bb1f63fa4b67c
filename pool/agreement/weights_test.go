package agreement_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/pool/job"
	"hearth/pool/split"
	"hearth/units"
)

// TestWeights splits the work of some days share by share, as the proxy
// does, by weights that are worked out anew each quarter of an hour: a rebate in
// euros for heat, a fee, and a share each. The heater throttles, stops and starts
// again, meters fail, and the price of a bitcoin moves. What a party was given
// never differs from what is its own by more than the work of one interval at
// full power and one share.
func TestWeights(t *testing.T) {
	a := parse(t, `agreement: 1
name: farm
mode: per-share
currency: EUR
time_zone: Europe/Oslo
start: 2026-10-01
parties:
  host: {name: Anna, paid: {account: anna}}
  operator: {name: Fjell, paid: {account: fjell}}
  financier: {name: Bank, paid: {account: bank}}
meters: {electricity: [miner], heat: [tank], workers: [cellar], income: [pool], complete: 90%}
bitcoin_price: {source: kraken, max_age: 6h}
waterfall:
  - electricity: {to: host, price: 0.02 EUR/kWh}
  - heat_rebate: {to: host, price: 0.01 EUR/kWh, monthly_cap: 9 EUR}
  - fee: {to: operator, monthly: 3 EUR}
shares: {operator: 45%, financier: 55%}
monthly_caps: {operator: 12 EUR}
arrears: carried
unknown: hold
`)
	loc := zone(t, a.Zone)
	b := newBook(t)
	b.unsigned = true
	e := evidence(t, a, loc, false, b.records)
	random := rand.New(rand.NewPCG(1, 2))
	var deficit *split.Deficit
	owed, given := make([]int64, 3), make([]int64, 3)
	var peak, most, total, largest int64
	from := a.Start.In(loc)
	power := 1.0
	const days = 5 // in a month it is off by no more
	for i := range days * 96 {
		x := from.Add(time.Duration(i) * 15 * time.Minute)
		y := x.Add(15 * time.Minute)
		weights, err := e.Weights(x)
		if err != nil {
			t.Fatal(err)
		}
		parts := make([]split.Part, len(weights))
		for p, w := range weights {
			parts[p] = split.Part{Name: a.Parties[p].ID, Weight: uint64(w)}
		}
		if deficit == nil {
			deficit, err = split.NewDeficit(parts)
		} else {
			_, err = deficit.Change(parts)
		}
		if err != nil {
			t.Fatal(err)
		}
		// The weather decides: off, throttled, full.
		switch random.IntN(12) {
		case 0:
			power = 0
		case 1:
			power = 0.2
		case 2, 3:
			power = 1
		}
		credited := map[string]int64{}
		for range int(90 * power) {
			share := job.Work(1024 * (1 + random.Int64N(4)))
			largest = max(largest, int64(share))
			credited[deficit.Assign(share)] += int64(share)
		}
		var work int64
		for id, w := range credited {
			b.shares("cellar", "pool", id, x, y, w)
			given[a.Party(id)] += w
			work += w
		}
		peak = max(peak, work)
		total += work
		if i%8 == 0 && random.IntN(10) > 0 {
			b.add(x, "EUR", ledger.Rate{Micros: 50_000e6 + random.Int64N(20_000e6), Source: "kraken"})
		}
		if i%96 == 0 {
			b.add(x, "pool", ledger.Yield{Work: 90 * 2560, Millisats: 51_000, Source: "template"})
		}
		if random.IntN(30) > 0 {
			b.electricity("miner", x, y, 0.8*power+0.01, units.Meter)
		}
		if random.IntN(30) > 0 {
			b.heat("tank", x, y, 0.7*power, units.Meter)
		}
		feed(t, e, b.records[e.Last():])
		if i%16 != 15 {
			continue
		}
		clear(owed)
		for iv, err := range e.Intervals(y) {
			if err != nil {
				t.Fatal(err)
			}
			for p, w := range iv.Owed {
				owed[p] += w
			}
		}
		var sum int64
		for p := range owed {
			off := owed[p] - given[p]
			sum += off
			most = max(most, off, -off)
			if off > peak+largest || -off > peak+largest {
				t.Fatalf("interval %d: %s was given %d of work and %d is its own: more than %d apart", i, a.Parties[p].ID, given[p], owed[p], peak+largest)
			}
		}
		if sum != 0 {
			t.Fatalf("%d of work is nobody's", sum)
		}
	}
	t.Logf("of %d of work, %d at most in an interval, a party was off by %d at most: %.2f of an interval", total, peak, most, float64(most)/float64(peak))
}
