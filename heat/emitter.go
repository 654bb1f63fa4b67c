package heat

import (
	"fmt"
	"math"

	"hearth/units"
)

// Radiator is a radiator as its data sheet has it.
type Radiator struct {
	// Nominal is the output at the design temperatures. EN 442 states it for
	// 75/65/20 °C.
	Nominal                units.Watts
	Supply, Return, Indoor units.Celsius
	// Exponent of the excess temperature; 0: 1.3, that of most radiators.
	Exponent float64
}

// Output returns the heat given off when water enters at supply and leaves at
// back, by the exponent law of EN 442-2 with the logarithmic mean excess. It
// is zero where the water is not warmer than the room, and for a radiator
// whose design temperatures are no use.
func (r Radiator) Output(supply, back, indoor units.Celsius) units.Watts {
	nominal := logMean(r.Supply.Sub(r.Indoor), r.Return.Sub(r.Indoor))
	if !(nominal > 0) {
		return 0
	}
	n := r.Exponent
	if n == 0 {
		n = 1.3
	}
	excess := logMean(supply.Sub(indoor), back.Sub(indoor))
	return units.Watts(float64(r.Nominal) * math.Pow(excess/nominal, n))
}

// Supplied returns the heat given off, and the temperature of the water that
// leaves, when water enters at supply with the given flow: the point where
// the radiator gives off just what the water loses.
func (r Radiator) Supplied(supply, indoor units.Celsius, flow units.LitresPerMinute) (units.Watts, units.Celsius) {
	carries := float64(flow) / 60 * waterHeat // W/K
	if !(carries > 0) || supply <= indoor {
		return 0, supply
	}
	// Output falls and the water's loss grows as the water leaves colder, so
	// halving finds the one point where they meet.
	low, high := float64(indoor), float64(supply)
	for range 60 {
		back := (low + high) / 2
		if carries*(float64(supply)-back) > float64(r.Output(supply, units.Celsius(back), indoor)) {
			low = back
		} else {
			high = back
		}
	}
	back := units.Celsius((low + high) / 2)
	return units.Watts(carries * float64(supply-back)), back
}

// logMean returns the logarithmic mean of the excess of the water over the
// room as it comes and as it goes: zero unless both are above zero.
func logMean(in, out units.Kelvin) float64 {
	a, b := float64(in), float64(out)
	if !(a > 0 && b > 0) {
		return 0
	}
	if math.Abs(a-b) < 1e-6*a {
		return (a + b) / 2
	}
	return (a - b) / math.Log(a/b)
}

// HeatedFloor is the m² of a floor that heats.
type HeatedFloor float64

// Output returns the heat given off by a floor whose surface is at the given
// temperature, by the basic characteristic of EN 1264-2: 8.92·ΔT^1.1 W/m². It
// is zero where the floor is not warmer than the room.
func (f HeatedFloor) Output(surface, indoor units.Celsius) units.Watts {
	excess := float64(surface - indoor)
	if !(excess > 0) {
		return 0
	}
	return units.Watts(float64(f) * 8.92 * math.Pow(excess, 1.1))
}

// Surface returns how warm the floor has to be to give the heat off.
func (f HeatedFloor) Surface(heat units.Watts, indoor units.Celsius) units.Celsius {
	if !(heat > 0) || !(f > 0) {
		return indoor
	}
	return indoor + units.Celsius(math.Pow(float64(heat)/float64(f)/8.92, 1/1.1))
}

// Curve is a heat curve: how warm the heating water is to be in which weather,
// as a person sets it on a boiler.
type Curve struct {
	// Base is the supply at 20 °C outdoors, Slope the kelvin by which it
	// rises for each kelvin less.
	Base  units.Celsius
	Slope float64
	// Offset shifts the curve up or down as a whole.
	Offset units.Kelvin
	// Least and Most bound the supply, Most being what floor or boiler can
	// bear; 0: no upper bound.
	Least, Most units.Celsius
}

// CurveThrough returns the curve that gives design at the outdoor temperature
// coldest and the room's 20 °C at 20 °C outdoors, bounded by these two. It
// refuses temperatures that make no curve.
func CurveThrough(coldest, design units.Celsius) (Curve, error) {
	if !(coldest < 20 && coldest > -70) {
		return Curve{}, fmt.Errorf("heat curve: coldest outdoors is %v, must be below 20 °C", coldest)
	}
	if !(design > 20 && design <= 90) {
		return Curve{}, fmt.Errorf("heat curve: supply at the coldest is %v, must be above 20 °C and at most 90 °C", design)
	}
	return Curve{Base: 20, Slope: float64(design-20) / float64(20-coldest), Least: 20, Most: design}, nil
}

// Supply returns the temperature of the heating water in the given weather.
func (c Curve) Supply(outdoor units.Celsius) units.Celsius {
	t := c.Base + units.Celsius(c.Slope*float64(20-outdoor)) + units.Celsius(c.Offset)
	t = max(t, c.Least)
	if c.Most != 0 {
		t = min(t, c.Most)
	}
	return t
}
