package heat_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hearth/heat"
	"hearth/units"
)

// A course is the stepper multiplied out: the same temperatures and needs.
func TestCourseIsTheStepper(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := anyBuilding(t)
		b.AirCapacity = 0
		m, err := b.Model()
		if err != nil {
			t.Skip(err)
		}
		s := m.Every(anyStep(t))
		inputs := rapid.SliceOfN(rapid.Custom(anyInputs), 1, 48).Draw(t, "inputs")
		c, err := s.Course(inputs)
		if err != nil {
			t.Fatal(err)
		}
		n := anyNodes(t)
		mass := n.Mass
		same := func(what string, got, want, scale float64) {
			if math.Abs(got-want) > 1e-9*(1+scale) {
				t.Fatalf("%s is %.12g in the course, %.12g by the stepper", what, got, want)
			}
		}
		for i, in := range inputs {
			set := units.Celsius(rapid.Float64Range(5, 30).Draw(t, "set"))
			heat := units.Watts(rapid.Float64Range(0, 20_000).Draw(t, "heat"))
			need := s.Need(n, in, set)
			same("need", float64(c.Need(i, mass, set)), float64(need), math.Abs(float64(need))+math.Abs(float64(in.Heat)))
			in.Heat += heat
			end, mean := s.Advance(n, in)
			same("air", float64(c.Air(i, mass, heat)), float64(mean.Air), math.Abs(float64(mean.Air)))
			mass = c.Step(i, mass, heat)
			same("mass", float64(mass), float64(end.Mass), math.Abs(float64(end.Mass)))
			n = end
		}
	})
}

// Run is Need, a bound, airing and Step in a row.
func TestCourseRunsAsStepByStep(t *testing.T) {
	b := heat.WellInsulatedRoom()
	b.AirCapacity = 0
	m := modelOf(t, b)
	s := m.Every(time.Hour)
	inputs := yearOfInputs()
	c, err := s.Course(inputs)
	if err != nil {
		t.Fatal(err)
	}
	const airing = 26
	set, most, got := make([]units.Celsius, len(inputs)), make([]units.Watts, len(inputs)), make([]units.Watts, len(inputs))
	for i := range set {
		set[i], most[i] = units.Celsius(18+i%24/8), units.Watts(600+i%5*100)
	}
	air := make([]units.Celsius, len(inputs))
	end := c.Run(20, heat.Keeping{Set: set, Airing: airing, Most: most}, got, air)

	n := heat.Uniform(20)
	var bound, aired, idle int
	for i, in := range inputs {
		in.Heat = max(0, s.Need(n, in, set[i]))
		if in.Heat > most[i] {
			in.Heat = most[i]
			bound++
		}
		near(t, "heat in W", float64(got[i]), float64(in.Heat), 1e-7)
		if in.Heat == 0 {
			idle++
			if in.Heat = min(0, s.Need(n, in, airing)); in.Heat < 0 {
				aired++
			}
		}
		var mean heat.Nodes
		n, mean = s.Advance(n, in)
		near(t, "air in °C", float64(air[i]), float64(mean.Air), 1e-9)
	}
	near(t, "mass in °C at the end", float64(end), float64(n.Mass), 1e-9)
	if bound == 0 || aired == 0 || idle == aired {
		t.Errorf("of all steps %d were bound, %d aired and %d idle: the test should see each", bound, aired, idle)
	}
}

func TestCourseRefusesWhatIsNotOneState(t *testing.T) {
	m := modelOf(t, heat.WellInsulatedRoom())
	s := m.Every(time.Hour)
	if _, err := s.Course(nil); err == nil {
		t.Error("a building whose air has a capacity was taken")
	}
	b := heat.WellInsulatedRoom()
	b.AirCapacity = 0
	m = modelOf(t, b)
	s = m.Every(0)
	if _, err := s.Course(nil); err == nil {
		t.Error("steps of no length were taken")
	}
}

func TestCourseDoesNotAllocate(t *testing.T) {
	c, set, got := courseOfYear(t)
	if n := testing.AllocsPerRun(10, func() { c.Run(20, heat.Keeping{Set: set, Airing: 26}, got, nil) }); n != 0 {
		t.Errorf("a year allocates %g times", n)
	}
}

// yearOfInputs is a made-up year: winter at both ends, sun at noon.
func yearOfInputs() []heat.Inputs {
	inputs := make([]heat.Inputs, 8760)
	for i := range inputs {
		season := math.Cos(2 * math.Pi * float64(i) / 8760)
		day := max(0, math.Cos(2*math.Pi*float64(i%24-13)/24))
		inputs[i] = heat.Inputs{
			Outdoor:  units.Celsius(8 - 14*season + 5*day),
			Solar:    units.Watts(1500*day*(1-0.6*season) - 30),
			Internal: 120,
		}
	}
	return inputs
}

func courseOfYear(t testing.TB) (*heat.Course, []units.Celsius, []units.Watts) {
	b := heat.WellInsulatedRoom()
	b.AirCapacity = 0
	m := modelOf(t, b)
	s := m.Every(time.Hour)
	c, err := s.Course(yearOfInputs())
	if err != nil {
		t.Fatal(err)
	}
	set := make([]units.Celsius, c.Steps())
	for i := range set {
		set[i] = 20
	}
	return c, set, make([]units.Watts, c.Steps())
}

// BenchmarkCourseYear is a year of hours; its control is
// BenchmarkStepperYear, the same year by the stepper.
func BenchmarkCourseYear(b *testing.B) {
	c, set, got := courseOfYear(b)
	b.ReportAllocs()
	for b.Loop() {
		c.Run(20, heat.Keeping{Set: set, Airing: 26}, got, nil)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "years/s")
}

func BenchmarkStepperYear(b *testing.B) {
	building := heat.WellInsulatedRoom()
	building.AirCapacity = 0
	m := modelOf(b, building)
	s := m.Every(time.Hour)
	inputs := yearOfInputs()
	b.ReportAllocs()
	for b.Loop() {
		n := heat.Uniform(20)
		for _, in := range inputs {
			if in.Heat = s.Need(n, in, 20); in.Heat < 0 {
				in.Heat = min(0, s.Need(n, in, 26))
			}
			n = s.Step(n, in)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "years/s")
}
