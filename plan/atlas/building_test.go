package atlas_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"hearth/heat"
	"hearth/heat/climate"
	"hearth/plan/atlas"
)

// yearOfHeat returns what keeps an archetype at 20 °C through a typical year
// of a place, in kWh for each square metre of floor.
func yearOfHeat(t *testing.T, a atlas.Archetype, p climate.Place) float64 {
	t.Helper()
	y, err := p.Typical(1)
	if err != nil {
		t.Fatal(err)
	}
	b := a.Building(p.Location)
	m, err := b.Model()
	if err != nil {
		t.Fatalf("%v: %v", a, err)
	}
	s, n := m.Every(time.Hour), heat.Uniform(20)
	start := time.Date(2025, time.January, 1, 0, 30, 0, 0, time.UTC).Add(-p.Offset)
	kWh := 0.0
	for i := -31 * 24; i < 8760; i++ { // with a December to warm up
		at := start.Add(time.Duration(i) * time.Hour)
		w := y.At(at)
		in := heat.Inputs{Outdoor: w.Outdoor, Solar: m.Solar(w, y.Sun(at)), Internal: a.Internal()}
		if in.Heat = s.Need(n, in, 20); in.Heat < 0 {
			in.Heat = min(0, s.Need(n, in, 26))
		}
		n = s.Step(n, in)
		if i >= 0 && in.Heat > 0 {
			kWh += float64(in.Heat) / 1000
		}
	}
	return kWh / b.FloorArea
}

// The standards of insulation are named by the heat that a house wants.
func TestInsulationIsWhatItSays(t *testing.T) {
	potsdam, err := climate.PlaceByName("Potsdam")
	if err != nil {
		t.Fatal(err)
	}
	for insulation, want := range map[atlas.Insulation]float64{atlas.Poor: 250, atlas.Mid: 140, atlas.Good: 60} {
		a := atlas.Archetype{Shape: atlas.House, Insulation: insulation, Mass: heat.Medium}
		if got := yearOfHeat(t, a, potsdam); math.Abs(got/want-1) > 0.02 {
			t.Errorf("a %v wants %.1f kWh/m² in a year, and should want %.0f within 2 %%", a, got, want)
		}
	}
}

func TestArchetypes(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range atlas.Archetypes() {
		if seen[a.String()] {
			t.Errorf("%v is there twice", a)
		}
		seen[a.String()] = true
		if got, err := atlas.ArchetypeByName(a.String()); err != nil || got != a {
			t.Errorf("%q is read as %v (%v)", a.String(), got, err)
		}
		for _, latitude := range []float64{52, -43} {
			m, err := a.Building(heat.Location{Latitude: latitude}).Model()
			if err != nil {
				t.Fatalf("%v: %v", a, err)
			}
			// A noon sun in the north or the south shines into most glass on
			// the side of the equator.
			place := heat.Location{Latitude: latitude}
			noon := time.Date(2025, time.March, 21, 12, 0, 0, 0, time.UTC)
			if got := m.Solar(heat.Weather{Direct: 800}, place.Sun(noon)); got < 1000 {
				t.Errorf("%v at latitude %g: the sun of noon gives %v", a, latitude, got)
			}
		}
		if a.Internal() < 100 || a.Internal() > 1000 || a.Supply() < 30 || a.Supply() > 70 {
			t.Errorf("%v: %v of gains, supply at %v", a, a.Internal(), a.Supply())
		}
	}
	if len(seen) != 27 {
		t.Errorf("%d archetypes, want 27", len(seen))
	}
}

func TestBetterInsulationLosesLess(t *testing.T) {
	for _, s := range atlas.Shapes() {
		before := math.Inf(1)
		for _, i := range atlas.Insulations() {
			m, err := atlas.Archetype{Shape: s, Insulation: i, Mass: heat.Heavy}.Building(heat.Location{Latitude: 50}).Model()
			if err != nil {
				t.Fatal(err)
			}
			load := float64(m.Load(20, -10))
			if load >= before {
				t.Errorf("a %s %s loses %.0f W, more than a worse one", i, s, load)
			}
			before = load
		}
	}
}

func TestArchetypeByName(t *testing.T) {
	for give, want := range map[string]atlas.Archetype{
		"house":              {Shape: atlas.House, Insulation: atlas.Mid, Mass: heat.Medium},
		"Poor Farmhouse":     {Shape: atlas.Farmhouse, Insulation: atlas.Poor, Mass: heat.Medium},
		"flat, good, heavy":  {Shape: atlas.Flat, Insulation: atlas.Good, Mass: heat.Heavy},
		"light-good":         {Shape: atlas.House, Insulation: atlas.Good, Mass: heat.Light},
		"medium mid   house": {Shape: atlas.House, Insulation: atlas.Mid, Mass: heat.Medium},
	} {
		if got, err := atlas.ArchetypeByName(give); err != nil || got != want {
			t.Errorf("%q is %v (%v), want %v", give, got, err, want)
		}
	}
	for give, want := range map[string]string{
		"": "write words", "castle": `"castle" is none of`, "poor good house": "contradicts", "house flat": "contradicts", "7": "write words",
	} {
		if _, err := atlas.ArchetypeByName(give); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want %q in it", give, err, want)
		}
	}
}

func TestHabits(t *testing.T) {
	for _, h := range atlas.Habits() {
		for i, set := range h.Setpoint {
			if set < 15 || set > 22 {
				t.Errorf("%s wants %v at %d:00", h.Name, set, i)
			}
		}
	}
}
