package control_test

import (
	"math"
	"testing"
	"time"

	"hearth/heat"
	"hearth/units"
)

// One decision for one home with three devices.
func BenchmarkHomeStep(b *testing.B) {
	r := newRig(b, livingRoom(), avalon("mini"), bitaxe("axe"), resistive("wire", 1000))
	r.zones["living"].temp = 20.7
	r.outdoor = units.Know(units.Celsius(-5), r.now, units.Meter)
	r.run(3 * time.Hour)
	obs := r.observe()
	b.ReportAllocs()
	for b.Loop() {
		obs.Now = obs.Now.Add(10 * time.Second)
		z := obs.Zones["living"]
		z.Temp = units.Know[units.Celsius](20.7, obs.Now, units.Meter)
		obs.Zones["living"] = z
		r.home.Step(obs)
	}
}

// A year of one home at minute steps: the building, its devices and every
// decision.
func BenchmarkYear(b *testing.B) {
	for b.Loop() {
		h := newHouse(newRig(b, livingRoom(), avalon("mini"), bitaxe("axe"), resistive("wire", 1000)), 21, year)
		for range 365 * 24 * 60 {
			h.minute()
		}
		b.ReportMetric(float64(h.coldShare())*100, "%cold")
	}
}

// year is a continental year: the coldest weeks in January, when the rig's
// clock starts.
func year(t time.Time) heat.Inputs {
	days := float64(t.YearDay()) + float64(t.Hour())/24
	season := -math.Cos((days - 20) / 365 * 2 * math.Pi)
	day := math.Sin((float64(t.Hour()) - 9) / 24 * 2 * math.Pi)
	in := heat.Inputs{Outdoor: units.Celsius(7 + 13*season + 4*day), Internal: 40}
	if day > 0 {
		in.Solar = units.Watts((250 + 100*season) * day)
	}
	return in
}
