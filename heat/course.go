package heat

import (
	"fmt"

	"hearth/units"
)

// Course is a building through a series of steps whose weather, sun and inner
// gains are known beforehand, such as the hours of a year: what is left open
// is the heat. Its model is that of the [Stepper] it was made by, multiplied
// out. Without an air capacity a building has one state, its mass, and in each
// step both the mass at the end and the mean air are straight lines in the
// mass at the beginning and the heat:
//
//	mass' = a·mass + b·heat + c[i]
//	air   = α·mass + β·heat + γ[i]
//
// where only c and γ depend on the weather. A year of hours is thereby some
// ten multiplications a step, and no allocation. A Course never changes and
// may be shared between goroutines.
type Course struct {
	keep, warm         float64 // a, and b in K/W
	airKeep, airWarm   float64 // α, and β in K/W
	airNeeds, airFalls float64 // 1/β in W/K, α/β
	drift              []drift
}

// drift is what the known inputs of a step do, °C; need is the γ of the step
// in watts.
type drift struct{ mass, air, need float64 }

// Course returns the building through the given inputs, one for each step of
// s. What the inputs have as Heat is always there, and what [Course.Step] and
// the others take comes on top. It refuses a building with an air capacity,
// whose state is not one number, and steps of no length.
func (s *Stepper) Course(inputs []Inputs) (*Course, error) {
	if s.airCapacity != 0 {
		return nil, fmt.Errorf("course: the building has an AirCapacity of %g J/K: leave it out where steps are long", s.airCapacity)
	}
	if s.seconds == 0 {
		return nil, fmt.Errorf("course: the steps have no length")
	}
	c := &Course{
		keep: s.end.mm, warm: (1 - s.end.mm) * s.inverse.ma,
		airKeep: s.mean.am, airWarm: s.gain,
		airNeeds: 1 / s.gain, airFalls: s.mean.am / s.gain,
		drift: make([]drift, len(inputs)),
	}
	for i := range inputs {
		air, mass, _ := s.settled(&inputs[i])
		outdoor := float64(inputs[i].Outdoor)
		d := &c.drift[i]
		d.mass = (1 - s.end.mm) * (outdoor + mass)
		d.air = outdoor + air - s.mean.am*(outdoor+mass)
		d.need = d.air / s.gain
	}
	return c, nil
}

// Steps returns the number of steps.
func (c *Course) Steps() int { return len(c.drift) }

// Step returns the mass at the end of step i.
func (c *Course) Step(i int, mass units.Celsius, heat units.Watts) units.Celsius {
	return units.Celsius(c.keep*float64(mass) + c.warm*float64(heat) + c.drift[i].mass)
}

// Air returns the mean temperature of the air in step i.
func (c *Course) Air(i int, mass units.Celsius, heat units.Watts) units.Celsius {
	return units.Celsius(c.airKeep*float64(mass) + c.airWarm*float64(heat) + c.drift[i].air)
}

// Need returns the heat that keeps the air at set on the mean of step i. It is
// negative when heat would have to be taken away.
func (c *Course) Need(i int, mass, set units.Celsius) units.Watts {
	return units.Watts(c.airNeeds*float64(set) - c.airFalls*float64(mass) - c.drift[i].need)
}

// Mass returns the line by which step i takes the mass at its beginning and the
// heat to the mass at its end: keep·mass + warm·heat + drift, keep and warm
// being the same for all steps.
func (c *Course) Mass(i int) (keep, warm float64, drift units.Celsius) {
	return c.keep, c.warm, units.Celsius(c.drift[i].mass)
}

// MeanAir returns the line to the mean temperature of the air in step i.
func (c *Course) MeanAir(i int) (keep, warm float64, drift units.Celsius) {
	return c.airKeep, c.airWarm, units.Celsius(c.drift[i].air)
}

// Keeping is how a building is kept warm through a [Course].
type Keeping struct {
	// Set is the least temperature of the air in each step.
	Set []units.Celsius
	// Airing is the temperature above which windows are opened: the air gets
	// no warmer.
	Airing units.Celsius
	// Most bounds the heat of each step; nil is no bound.
	Most []units.Watts
}

// Run heats as much as k needs and no more: it writes to heat[i] the heat of
// step i and, unless air is nil, to air[i] the mean temperature, and returns
// the mass at the end. It takes as many steps as heat has, and panics where
// another slice or the course has fewer.
func (c *Course) Run(mass units.Celsius, k Keeping, heat []units.Watts, air []units.Celsius) units.Celsius {
	steps := c.drift[:len(heat)]
	set := k.Set[:len(heat)]
	t := float64(mass)
	vent := c.airNeeds * float64(k.Airing)
	for i := range steps {
		d := &steps[i]
		fall := c.airFalls*t + d.need
		want := c.airNeeds*float64(set[i]) - fall
		var open float64 // what airing takes away
		if want < 0 {
			want, open = 0, min(0, vent-fall)
		} else if k.Most != nil {
			want = min(want, float64(k.Most[i]))
		}
		heat[i] = units.Watts(want)
		if air != nil {
			air[i] = units.Celsius(c.airWarm * (fall + want + open))
		}
		t = c.keep*t + c.warm*(want+open) + d.mass
	}
	return units.Celsius(t)
}
