package plan

import (
	"hearth/units"
)

const (
	// fieldShare is how much of its laboratory curve a heat pump reaches in
	// the field (Ruhnau, Hirth and Praktiknjo, Scientific Data 6, 2019).
	fieldShare = 0.85
	// leastLift is the smallest lift that the curve is fitted to, K.
	leastLift = 15
)

// HeatPumpCOP returns the heat that an air-source heat pump makes from a kWh
// of electricity, from air at outdoor to a supply at sink, when it reaches
// share of its laboratory curve; 0 stands for 0.85. The curve is When2Heat's,
//
//	COP = share · (6.08 − 0.0941·ΔT + 0.000464·ΔT²), ΔT = max(15 K, sink − outdoor)
//
// and never less than 1: a heat pump has a heating rod for the rest.
func HeatPumpCOP(outdoor, sink units.Celsius, share units.Fraction) float64 {
	if share == 0 {
		share = fieldShare
	}
	lift := max(leastLift, float64(sink-outdoor))
	curve := 6.08 - lift*(0.0941-float64(0.000464*lift))
	// The parabola turns at a lift of 101 K, where no heat pump works.
	if lift > 100 {
		curve = 0
	}
	return max(1, float64(share)*curve)
}

const (
	// The heating curve: warm enough at mildDay is mildSupply.
	mildDay    units.Celsius = 15
	mildSupply units.Celsius = 28
	// returning is the share of the excess of the supply over the room that
	// the water still has when it returns: 25 of 45 K for radiators of
	// 65/45 °C, 8 of 15 K for floors of 35/28 °C.
	returning = 0.55
)

// supplyAt returns the supply temperature that the emitters need in the given
// weather: from full in the coldest hour down to 28 °C at 15 °C outdoors.
func supplyAt(outdoor, coldest, full units.Celsius) units.Celsius {
	if outdoor >= mildDay || full <= mildSupply {
		return min(full, mildSupply)
	}
	share := float64(mildDay-outdoor) / float64(mildDay-min(coldest, mildDay-1))
	return mildSupply + units.Celsius(min(1, share)*float64(full-mildSupply))
}

// reach returns the share of a heating that a source no hotter than hottest
// can do when water has to go from one temperature to another: all of it, or
// the lower part, and another source tops it up.
func reach(hottest, from, to units.Celsius) float64 {
	switch {
	case hottest >= to:
		return 1
	case hottest <= from:
		return 0
	}
	return float64(hottest-from) / float64(to-from)
}
