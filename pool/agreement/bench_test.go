package agreement_test

import (
	"testing"
	"time"

	"hearth/ledger"
	"hearth/units"
)

// year is a year of a farmhouse: a record of everything each quarter of an hour.
func year(b *testing.B) *book {
	loc := zone(b, "Europe/Oslo")
	k := newBook(b)
	k.unsigned = true
	a := parse(b, example(b, "farmhouse"))
	k.add(time.Date(2026, 9, 1, 0, 0, 0, 0, loc), a.Name, a.Record())
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, loc)
	for i := range 365 * 96 {
		a := from.Add(time.Duration(i) * 15 * time.Minute)
		z := a.Add(15 * time.Minute)
		if i%4 == 0 {
			k.add(a, "EUR", ledger.Rate{Micros: 60_000e6, Source: "kraken"})
			k.add(a, "home", ledger.Price{From: a.UTC(), To: a.Add(time.Hour).UTC(), Micros: 160_000, Currency: "EUR", Source: "s"})
		}
		k.electricity("miner-cellar", a, z, 0.8, units.Meter)
		k.electricity("miner-barn", a, z, 0.8, units.Meter)
		k.heat("living", a, z, 0.7, units.Meter)
		k.heat("tank", a, z, 0.7, units.Meter)
		k.shares("cellar", "braiins", "", a, z, 100_000)
		k.shares("barn", "braiins", "", a, z, 100_000)
		if i%96 == 95 {
			k.add(z, "braiins", ledger.Earning{Millisats: 10_000_000})
		}
	}
	return k
}

func BenchmarkYear(b *testing.B) {
	k := year(b)
	a := parse(b, example(b, "farmhouse"))
	loc := zone(b, a.Zone)
	asOf := k.records[len(k.records)-1].At.Add(time.Hour)
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			evidence(b, a, loc, false, k.records)
		}
		b.ReportMetric(float64(len(k.records))*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	})
	e := evidence(b, a, loc, false, k.records)
	b.Run("work out", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n = 0
			for _, err := range e.Intervals(asOf) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
		}
		b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "intervals/s")
	})
	b.Run("transfer", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := e.Transfer(asOf); err != nil {
				b.Fatal(err)
			}
		}
	})
}
