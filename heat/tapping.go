package heat

import (
	"cmp"
	"slices"
	"time"

	"hearth/units"
)

// Draw is one use of hot water.
type Draw struct {
	At     TimeOfDay
	Energy units.KilowattHours // useful, above the cold water
	Flow   units.LitresPerMinute
	Rise   units.Kelvin // of the water at the tap above the cold water
}

// Lasts returns how long the tap is open.
func (d Draw) Lasts() time.Duration {
	seconds := float64(d.Energy.Joules()) / (float64(d.Flow) / 60 * waterHeat * float64(d.Rise))
	return time.Duration(seconds * float64(time.Second))
}

// Tapping is a day's use of hot water by a household: a load profile of
// Regulation (EU) 812/2013, annex VII, as EN 16147 measures it.
type Tapping string

// The load profiles.
const (
	TappingM   Tapping = "M"   // 5.845 kWh a day: showers
	TappingL   Tapping = "L"   // 11.655 kWh: showers and baths
	TappingXL  Tapping = "XL"  // 19.07 kWh
	TappingXXL Tapping = "XXL" // 24.53 kWh
)

// Draws returns the draws of a day in their order, none of them overlapping;
// nil for a profile that is not one.
func (p Tapping) Draws() []Draw {
	var draws []Draw
	add := func(energy units.KilowattHours, flow units.LitresPerMinute, rise units.Kelvin, at ...TimeOfDay) {
		for _, t := range at {
			draws = append(draws, Draw{At: t/100*60 + t%100, Energy: energy, Flow: flow, Rise: rise})
		}
	}
	// Times are written as on a clock: 730 is 07:30.
	hands := func(at ...TimeOfDay) { add(0.105, 3, 30, at...) }
	dishes := func(energy units.KilowattHours, at ...TimeOfDay) { add(energy, 4, 45, at...) }
	shower := func(energy units.KilowattHours, at ...TimeOfDay) { add(energy, 6, 30, at...) }
	bath := func(energy units.KilowattHours, flow units.LitresPerMinute, at ...TimeOfDay) {
		add(energy, flow, 30, at...)
	}
	switch p {
	case TappingM:
		hands(700, 730, 801, 815, 830, 845, 900, 930, 1030, 1130, 1145, 1430, 1530, 1630, 1800, 1815, 1830, 1900, 2115)
		shower(1.4, 705, 2130)
		dishes(0.315, 1245)
		dishes(0.735, 2030)
	case TappingL:
		hands(700, 730, 745, 825, 830, 845, 900, 930, 1030, 1130, 1145, 1430, 1530, 1630, 1800, 1815, 1830, 1900, 2130)
		shower(1.4, 705)
		bath(3.605, 10, 805, 2100)
		dishes(0.315, 1245)
		dishes(0.735, 2030)
	case TappingXL, TappingXXL:
		hands(700, 726, 801, 815, 830, 845, 900, 930, 1000, 1030, 1100, 1130, 1145, 1430, 1500, 1530, 1600, 1630, 1700, 1800, 1815, 1830, 1900, 2115)
		shower(1.82, 715)
		if p == TappingXL {
			bath(4.42, 10, 745, 2046, 2130)
		} else {
			bath(6.24, 16, 745, 2046, 2130)
		}
		dishes(0.735, 1245, 2030)
	}
	slices.SortFunc(draws, func(a, b Draw) int { return cmp.Compare(a.At, b.At) })
	return draws
}

// MixedFlow returns how much hot water a mixing tap takes from the tank to
// give flow at the temperature want: all of it where the hot water is no
// hotter than wanted.
func MixedFlow(flow units.LitresPerMinute, want, hot, cold units.Celsius) units.LitresPerMinute {
	if hot <= want || hot <= cold {
		return flow
	}
	return flow * units.LitresPerMinute(max(0, want-cold)/(hot-cold))
}
