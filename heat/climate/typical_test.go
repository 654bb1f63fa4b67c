package climate_test

import (
	"math"
	"testing"
	"time"

	"hearth/heat"
	"hearth/heat/climate"
	"hearth/internal/reference"
	"hearth/units"
)

// referenceHouse is a house of 140 m² of the kind that many people live in.
func referenceHouse(t testing.TB) heat.Model {
	t.Helper()
	wall := func(azimuth, area, glass float64) (heat.Opaque, heat.Window) {
		f := heat.Facing{Azimuth: azimuth, Tilt: 90}
		return heat.Opaque{Facing: f, Area: area, U: 0.45}, heat.Window{Facing: f, Area: glass, U: 2.6, G: 0.6}
	}
	house := heat.Building{FloorArea: 140, Volume: 350, AirChanges: 0.5}
	for azimuth, glass := range map[float64]float64{0: 3, 90: 4.5, 180: 9, 270: 4.5} {
		o, w := wall(azimuth, 143./4, glass)
		house.Opaque, house.Windows = append(house.Opaque, o), append(house.Windows, w)
	}
	house.Opaque = append(house.Opaque, heat.Opaque{Area: 75, U: 0.25}, heat.Opaque{Area: 75, U: 0.35 * 0.6, Sheltered: true})
	house.MassCapacity, house.MassArea = heat.Medium.Of(140)
	m, err := house.Model()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// yearOfHeat returns the heat that keeps the house at 20 °C, by the hour, with
// cooling at 26 °C and 450 W of people and things; and the greatest power.
func yearOfHeat(m heat.Model, y *climate.Year) (kWh float64, peak units.Watts) {
	s := m.Every(time.Hour)
	n := heat.Uniform(20)
	start := time.Date(2025, time.January, 1, 0, 30, 0, 0, time.UTC).Add(-y.Place().Offset)
	for i := -31 * 24; i < 8760; i++ { // with a December to warm up
		at := start.Add(time.Duration(i) * time.Hour)
		w := y.At(at)
		in := heat.Inputs{Outdoor: w.Outdoor, Solar: m.Solar(w, y.Sun(at)), Internal: 450}
		if in.Heat = s.Need(n, in, 20); in.Heat < 0 {
			in.Heat = min(0, s.Need(n, in, 26))
		}
		n = s.Step(n, in)
		if i >= 0 && in.Heat > 0 {
			kWh += float64(in.Heat) / 1000
			peak = max(peak, in.Heat)
		}
	}
	return kWh, peak
}

// TestTypicalYearsHeatLikeTheirSources compares a year's heat in the hourly
// year and in years made up from its monthly normals.
func TestTypicalYearsHeatLikeTheirSources(t *testing.T) {
	house := referenceHouse(t)
	var meanError float64
	for _, c := range []struct{ file, place string }{
		{reference.Denver, "Denver"},
		{reference.Duluth, "Duluth"},
		{reference.Seattle, "Seattle"},
	} {
		hourly, err := climate.ReadEPW(reference.Weather(t, c.file))
		if err != nil {
			t.Fatal(err)
		}
		want, wantPeak := yearOfHeat(house, hourly)
		var got, gotPeak float64
		const seeds = 5
		for seed := range uint64(seeds) {
			y, err := climate.Typical(c.place, seed)
			if err != nil {
				t.Fatal(err)
			}
			kWh, peak := yearOfHeat(house, y)
			off, made := y.Uncertainty()
			if _, really := hourly.Uncertainty(); !made || really {
				t.Errorf("%s: made up %v, read from a file %v", c.place, made, really)
			}
			if units.Fraction(math.Abs(kWh/want-1)) > off.Worst {
				t.Errorf("%s, seed %d: %.0f kWh, want %.0f kWh within %v", c.place, seed, kWh, want, off.Worst)
			}
			got += kWh / seeds
			gotPeak += float64(peak) / seeds
		}
		t.Logf("%s: %.0f kWh of heat in the hourly year, %.0f kWh made up (%+.2f %%); peak %v against %v (%+.1f %%)",
			c.place, want, got, 100*(got/want-1), wantPeak, units.Watts(gotPeak), 100*(gotPeak/float64(wantPeak)-1))
		meanError += math.Abs(got/want-1) / 3
	}
	if meanError > 0.02 {
		t.Errorf("made-up years are %.1f %% off on average, want 2 %% at most", 100*meanError)
	}
}

// Every place has the means, the spread and the sunshine of its normals, and
// so has each place's mirror image south of the equator, half a year on.
func TestTypicalYearsKeepTheirNormals(t *testing.T) {
	places := climate.Places()
	for i := range len(places) / 4 {
		south := places[4*i]
		south.Name += " in the south"
		south.Latitude = -south.Latitude
		for m := range 12 {
			south.Months[m] = places[4*i].Months[(m+6)%12]
		}
		places = append(places, south)
	}
	for _, p := range places {
		y, err := p.Typical(7)
		if err != nil {
			t.Fatal(err)
		}
		for m := range 12 {
			var sum, squares, global, days float64
			first := time.Date(2025, time.Month(m+1), 1, 0, 0, 0, 0, time.UTC).Add(-p.Offset)
			for day := first; day.Before(time.Date(2025, time.Month(m+2), 1, 0, 0, 0, 0, time.UTC).Add(-p.Offset)); day = day.Add(24 * time.Hour) {
				var mean float64
				for h := range 24 {
					at := day.Add(time.Duration(h)*time.Hour + 30*time.Minute)
					w := y.At(at)
					mean += float64(w.Outdoor) / 24
					global += w.Global(y.Sun(at)) / 1000
				}
				sum, squares, days = sum+mean, squares+mean*mean, days+1
			}
			mean := sum / days
			spread := math.Sqrt(max(0, squares/days-mean*mean))
			normal := p.Months[m]
			if math.Abs(mean-float64(normal.Mean)) > 0.15 {
				t.Errorf("%s, month %d: mean %.2f °C, want %v", p.Name, m+1, mean, normal.Mean)
			}
			if math.Abs(spread-float64(normal.Spread)) > 0.15*float64(normal.Spread)+0.15 {
				t.Errorf("%s, month %d: days spread by %.2f K, want %v", p.Name, m+1, spread, normal.Spread)
			}
			if math.Abs(global/days-float64(normal.Global)) > 0.04*float64(normal.Global)+0.02 {
				t.Errorf("%s, month %d: %.2f kWh/m² of sun a day, want %v", p.Name, m+1, global/days, normal.Global)
			}
		}
	}
}

func TestTypicalYearIsOneValue(t *testing.T) {
	oslo, err := climate.Typical("oslo", 1)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := climate.Typical("Oslo, Norway", 1)
	other, _ := climate.Typical("Oslo", 2)
	at := time.Date(2026, time.January, 15, 12, 0, 0, 0, time.UTC)
	if oslo.At(at) != again.At(at) {
		t.Error("one seed gave two years")
	}
	if oslo.At(at) == other.At(at) {
		t.Error("two seeds gave one year")
	}
	if a, b := oslo.At(at), oslo.At(at.AddDate(11, 0, 0)); math.Abs(float64(a.Outdoor-b.Outdoor)) > 1e-9 {
		t.Errorf("the year does not repeat: %v, then %v", a.Outdoor, b.Outdoor)
	}
	leap := time.Date(2028, time.February, 29, 12, 0, 0, 0, time.UTC)
	if a, b := oslo.At(leap), oslo.At(leap.AddDate(0, 0, -1)); a != b {
		t.Errorf("29 February has %v, the 28th %v", a, b)
	}
	if a, b := oslo.At(time.Date(2028, time.March, 1, 12, 0, 0, 0, time.UTC)), oslo.At(time.Date(2027, time.March, 1, 12, 0, 0, 0, time.UTC)); a != b {
		t.Errorf("1 March of a leap year has %v, of another %v", a, b)
	}
	// The last instant of one year meets the first of the next.
	for minute := range 120 {
		at := time.Date(2026, time.December, 31, 22, minute, 0, 0, time.UTC)
		if d := oslo.At(at.Add(time.Minute)).Outdoor - oslo.At(at).Outdoor; math.Abs(float64(d)) > 0.1 {
			t.Fatalf("at %v the temperature jumps by %v", at, d)
		}
	}
}

// Days are counted in the local standard time of the place: the afternoon is
// warmest at 15:00 there, wherever the instant is written down.
func TestTypicalYearKeepsLocalTime(t *testing.T) {
	for _, name := range []string{"Seattle", "Athens", "Andersen"} {
		y, err := climate.Typical(name, 3)
		if err != nil {
			t.Fatal(err)
		}
		local := time.FixedZone("", int(y.Place().Offset.Seconds()))
		var byHour [24]float64
		var sunny [24]float64
		for d := range 365 {
			for h := range 24 {
				w := y.At(time.Date(2025, time.January, 1+d, h, 0, 0, 0, local).UTC())
				byHour[h] += float64(w.Outdoor)
				sunny[h] += w.Direct
			}
		}
		warmest, brightest := 0, 0
		for h := range 24 {
			if byHour[h] > byHour[warmest] {
				warmest = h
			}
			if sunny[h] > sunny[brightest] {
				brightest = h
			}
		}
		if warmest < 14 || warmest > 16 {
			t.Errorf("%s is warmest at %d:00", name, warmest)
		}
		if brightest < 9 || brightest > 14 {
			t.Errorf("%s is sunniest at %d:00", name, brightest)
		}
	}
}

func BenchmarkTypical(b *testing.B) {
	for b.Loop() {
		if _, err := climate.Typical("Oslo", 1); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkYearOfHeat(b *testing.B) {
	y, err := climate.Typical("Oslo", 1)
	if err != nil {
		b.Fatal(err)
	}
	m := referenceHouse(b)
	b.ReportAllocs()
	for b.Loop() {
		yearOfHeat(m, y)
	}
}

// BenchmarkYearOfMinutes is a year of the zero-configuration room by minute
// steps, weather and sun included.
func BenchmarkYearOfMinutes(b *testing.B) {
	y, err := climate.Typical("Oslo", 1)
	if err != nil {
		b.Fatal(err)
	}
	m, err := heat.WellInsulatedRoom().Model()
	if err != nil {
		b.Fatal(err)
	}
	s := m.Every(time.Minute)
	b.ReportAllocs()
	for b.Loop() {
		n := heat.Uniform(20)
		at := time.Date(2025, time.January, 1, 0, 0, 30, 0, time.UTC)
		for range 365 * 24 * 60 {
			w := y.At(at)
			in := heat.Inputs{Outdoor: w.Outdoor, Solar: m.Solar(w, y.Sun(at)), Internal: 100}
			in.Heat = max(0, s.Need(n, in, 20))
			n = s.Step(n, in)
			at = at.Add(time.Minute)
		}
	}
}
