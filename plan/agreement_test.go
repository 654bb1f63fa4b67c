package plan_test

import (
	"math"
	"testing"
	"time"

	"hearth/heat"
	"hearth/heat/climate"
	"hearth/plan"
	"hearth/units"
)

// lived is a home under a thermostat that switches a heater on and off by the
// minute, written down by the hour. Its air and its walls are those that the
// live home's simulation has.
func lived(t *testing.T, home plan.Home, year *climate.Year, heater units.Watts, from time.Time, hours int) []plan.Measured {
	t.Helper()
	b := *home.Rooms
	b.AirCapacity = heat.AirAndFurniture * b.FloorArea
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	s := m.Every(time.Minute)
	n := m.Held(20, year.At(from).Outdoor)
	on := false
	out := make([]plan.Measured, hours)
	for i := range out {
		start := from.Add(time.Duration(i) * time.Hour)
		var outdoor, room units.Celsius
		var given units.Joules
		for k := range 60 {
			at := start.Add(time.Duration(k)*time.Minute + 30*time.Second)
			w := year.At(at)
			on = n.Air < 19.75 || on && n.Air < 20.25
			in := heat.Inputs{Outdoor: w.Outdoor, Solar: m.Solar(w, year.Sun(at)), Internal: home.Internal}
			if on {
				in.Heat = heater
			}
			given += in.Heat.Over(time.Minute)
			n = s.Step(n, in)
			outdoor += w.Outdoor / 60
			room += n.Air / 60
		}
		out[i] = plan.Measured{
			Start:   start,
			Outdoor: units.Know(outdoor, start, units.Meter),
			Room:    units.Know(room, start, units.Meter),
			Heat:    units.Know(given.KilowattHours(), start, units.Meter),
		}
	}
	return out
}

func homeInDenver(t *testing.T) (plan.Home, *climate.Year) {
	t.Helper()
	year, err := climate.Typical("Denver", 1)
	if err != nil {
		t.Fatal(err)
	}
	b := heat.Building{FloorArea: 140, Volume: 350, AirChanges: 0.5}
	for azimuth, glass := range map[float64]float64{0: 3, 90: 4.5, 180: 9, 270: 4.5} {
		f := heat.Facing{Azimuth: azimuth, Tilt: 90}
		b.Opaque = append(b.Opaque, heat.Opaque{Facing: f, Area: 143. / 4, U: 0.45})
		b.Windows = append(b.Windows, heat.Window{Facing: f, Area: glass, U: 2.6, G: 0.6})
	}
	b.Opaque = append(b.Opaque, heat.Opaque{Area: 75, U: 0.25}, heat.Opaque{Area: 75, U: 0.21, Sheltered: true})
	b.MassCapacity, b.MassArea = heat.Medium.Of(b.FloorArea)
	return plan.Home{Name: "house", Rooms: &b, Internal: 450}, year
}

// A plan reckons by the hour with air that has no inertia, and a home lives by
// the minute under a thermostat: they must agree all the same.
func TestAPlanAgreesWithTheHomeThatItDescribes(t *testing.T) {
	home, year := homeInDenver(t)
	january := time.Date(2027, time.January, 4, 7, 0, 0, 0, time.UTC)
	a, err := plan.Agree(home, year, lived(t, home, year, 12e3, january, 28*24))
	if err != nil {
		t.Fatal(err)
	}
	t.Log(a)
	if a.Hours != 27*24 || a.Left != 24 || a.Worst != units.Meter {
		t.Errorf("%d hours counted, %d left, %s", a.Hours, a.Left, a.Worst)
	}
	off, ok := a.Off.Get()
	if !ok || math.Abs(float64(off)) > 0.02 {
		t.Errorf("the plan is off by %v, want at most 2 %%", a.Off)
	}
	if perDay := a.Measured / 27; a.DayOff > perDay*0.1 {
		t.Errorf("a day is off by %v of %v", a.DayOff, perDay)
	}
}

// A home that loses more than its plan says is found out, by how much.
func TestALeakyHomeIsFoundOut(t *testing.T) {
	home, year := homeInDenver(t)
	leaky := *home.Rooms
	leaky.AirChanges *= 2
	january := time.Date(2027, time.January, 4, 7, 0, 0, 0, time.UTC)
	a, err := plan.Agree(home, year, lived(t, plan.Home{Rooms: &leaky, Internal: 450}, year, 12e3, january, 28*24))
	if err != nil {
		t.Fatal(err)
	}
	t.Log(a)
	if off, ok := a.Off.Get(); !ok || off > -0.15 {
		t.Errorf("the plan is off by %v, want much too little", a.Off)
	}
}

func TestWhatIsUnknownIsNotCompared(t *testing.T) {
	home, year := homeInDenver(t)
	january := time.Date(2027, time.January, 4, 7, 0, 0, 0, time.UTC)
	hours := lived(t, home, year, 12e3, january, 6*24)
	whole, err := plan.Agree(home, year, hours)
	if err != nil {
		t.Fatal(err)
	}
	hours[60].Room = units.Unknown[units.Celsius]("the sensor was lost", hours[60].Start)
	a, err := plan.Agree(home, year, hours)
	if err != nil {
		t.Fatal(err)
	}
	// The hour itself, and the day after it in which the walls settle.
	if a.Hours != whole.Hours-25 || a.Left != whole.Left+25 {
		t.Errorf("%d hours counted, %d left; without the gap %d and %d", a.Hours, a.Left, whole.Hours, whole.Left)
	}

	none, err := plan.Agree(home, year, hours[:12])
	if err != nil {
		t.Fatal(err)
	}
	if none.Off.IsKnown() || none.String() != "The plan cannot be compared with the home: no hour is known well enough." {
		t.Errorf("half a day says %q", none)
	}
	if _, err := plan.Agree(home, year, append(hours[:3:3], hours[5])); err == nil {
		t.Error("a hole between the hours was not noticed")
	}
	if _, err := plan.Agree(plan.Home{}, year, hours); err == nil {
		t.Error("a home without rooms was compared")
	}
}
