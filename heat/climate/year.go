package climate

import (
	"time"

	"hearth/heat"
	"hearth/units"
)

// hoursInYear is the length of every [Year]: typical years have no leap day.
const hoursInYear = 8760

// Year is a typical year of weather at one place, hour by hour. It has no
// dates of its own and repeats for ever: 29 February gets the weather of the
// 28th. A Year never changes and may be shared between goroutines.
type Year struct {
	place    Place
	standard *time.Location
	hours    []hour // from 1 January 00:00, local standard time
	filled   int    // hours with a value that was made up
	made     bool   // from monthly normals
}

// hour is one record: the temperature at its end and the mean irradiance
// during it, as EPW has them.
type hour struct{ temperature, direct, diffuse float32 }

func newYear(p Place, hours []hour) *Year {
	return &Year{place: p, standard: time.FixedZone("LST", int(p.Offset.Seconds())), hours: hours}
}

// Place returns the place whose weather it is.
func (y *Year) Place() Place { return y.place }

// Filled returns how many of the 8760 hours had a value missing in the file
// that they were read from, which a straight line over the gap made up.
func (y *Year) Filled() int { return y.filled }

// Uncertainty is by how much the heat that a house wants in a year made up
// from monthly normals differs from that in the hourly year behind them.
type Uncertainty struct {
	Annual units.Fraction // of the heat of a year, on average
	Worst  units.Fraction // the same, at the worst of the sites
	Peak   units.Fraction // by which the greatest power comes out too low
}

// Uncertainty returns how far the year may be off, and whether it is made up
// at all: a year that was read has none of this kind. The figures were measured
// with a house of 140 m² at 46 sites that want heating, five years each.
func (y *Year) Uncertainty() (u Uncertainty, made bool) {
	if !y.made {
		return Uncertainty{}, false
	}
	return Uncertainty{Annual: 0.0102, Worst: 0.039, Peak: 0.07}, true
}

// At returns the weather at the instant t. The temperature runs straight
// between the full hours; the irradiance is the mean of the hour that t lies
// in, so that each hour's energy is kept. The middle of an hour therefore
// stands for the whole of it.
func (y *Year) At(t time.Time) heat.Weather {
	t = t.In(y.standard)
	day := t.YearDay() - 1
	if year := t.Year(); day >= 59 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		day--
	}
	i := day*24 + t.Hour()
	past := float64(t.Minute())/60 + float64(t.Second())/3600 + float64(t.Nanosecond())/3600e9
	now, before := &y.hours[i], &y.hours[(i+hoursInYear-1)%hoursInYear]
	return heat.Weather{
		Outdoor: units.Celsius(float64(before.temperature)*(1-past) + float64(now.temperature)*past),
		Direct:  float64(now.direct),
		Diffuse: float64(now.diffuse),
	}
}

// Sun returns where the sun stands at the year's place at the instant t.
func (y *Year) Sun(t time.Time) heat.Sun { return y.place.Sun(t) }
