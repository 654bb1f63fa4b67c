package plan

import (
	"fmt"
	"math"
	"slices"
	"time"

	"hearth/heat"
	"hearth/heat/climate"
	"hearth/units"
)

const (
	// december is how long a building is run before the year begins, so that
	// its walls do not start from a guess.
	december = 31 * 24
	// airing is when people open the windows.
	airing units.Celsius = 26
)

// demand is the heat that a home wants in each hour of the year: all of a plan
// that depends neither on prices nor on machines. It never changes and is
// shared by every [Site] of one home.
type demand struct {
	year    *climate.Year
	outdoor []units.Celsius // mean of the hour
	coldest units.Celsius   // of the hours
	// parts are the rooms, if there are any, and the uses.
	parts []part
	rooms bool // parts[0] is the rooms
	total []float64
	// Rooms as a course, to ask again when less heat is to be had.
	before, through *heat.Course
	keep            heat.Keeping
	start           units.Celsius // of the mass, before December
	warmth          units.Celsius // lowest room temperature when nothing is lacking

	load   Load
	exergy float64 // kWh, of all the heat
	// quality is the share of the heat of each hour that is exergy.
	quality []float64
}

// part is heat that is wanted at one temperature: the rooms, or a use.
type part struct {
	name string
	heat []float64 // kWh in each hour
	// to is the supply temperature that it takes, one for the year or one for
	// each hour, and from that of what is to be warmed.
	to, from []units.Celsius
	// sink is what a heat pump has to reach.
	sink    []units.Celsius
	hottest units.Celsius // of to
	// air is set where warm air does as well as warm water.
	air bool
}

// at reads a series that may be one value for the whole year.
func at(series []units.Celsius, hour int) units.Celsius {
	if len(series) == 1 {
		return series[0]
	}
	return series[hour]
}

// newYear is when planned years begin, in local standard time written as UTC.
// 2025 is like any other, but says which days are Sundays.
func newYear() time.Time { return time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC) }

// months returns the first hour of each month, and the end of the year.
func months() [13]int {
	var first [13]int
	for m := range first {
		first[m] = int(newYear().AddDate(0, m, 0).Sub(newYear()) / time.Hour)
	}
	return first
}

func newDemand(sky *sky, home *Home) (*demand, error) {
	d := &demand{year: sky.year, outdoor: make([]units.Celsius, Hours), coldest: math.MaxFloat64, total: make([]float64, Hours)}
	for i := range d.outdoor {
		d.outdoor[i] = sky.weather[i].Outdoor
		d.coldest = min(d.coldest, d.outdoor[i])
	}
	if home.Rooms != nil {
		if err := d.addRooms(home, sky); err != nil {
			return nil, err
		}
	}
	for i, u := range home.Uses {
		p, err := u.part(sky)
		if err != nil {
			return nil, fmt.Errorf("plan: Home.Uses[%d]: %w", i, err)
		}
		d.parts = append(d.parts, p)
	}
	d.finish(home)
	return d, nil
}

// warmed returns the demand of the same home with other set-points. That is
// quick: what the weather and the sun do to the building is worked out.
func (d *demand) warmed(home *Home) *demand {
	if !d.rooms {
		return d
	}
	w := *d
	w.total, w.exergy, w.load = make([]float64, Hours), 0, Load{}
	year := warmYear{before: d.before, course: d.through}
	w.parts = slices.Clone(d.parts)
	w.parts[0] = w.warm(home, &year)
	w.finish(home)
	return &w
}

// roomModel returns the equations of the rooms. An hour is long, so the air
// has no capacity, as ISO 13790 has it.
func (d *demand) roomModel(home *Home) (heat.Model, error) {
	b := *home.Rooms
	b.AirCapacity = 0
	return b.Model()
}

// addRooms works out what keeps the rooms warm.
func (d *demand) addRooms(home *Home, sky *sky) error {
	model, err := d.roomModel(home)
	if err != nil {
		return fmt.Errorf("plan: Home.Rooms: %w", err)
	}
	h := house{model: model, internal: home.Internal}
	year, err := h.through(sky)
	if err != nil {
		return err
	}
	d.before, d.through, d.rooms = year.before, year.course, true
	d.parts = append(d.parts, d.warm(home, year))
	return nil
}

// warm keeps the rooms at their set-points through a year.
func (d *demand) warm(home *Home, year *warmYear) part {
	d.keep = heat.Keeping{Airing: airing, Set: make([]units.Celsius, Hours)}
	for i := range d.keep.Set {
		d.keep.Set[i] = home.Setpoint[i%24]
	}
	year.run(d.keep)
	d.start, d.warmth = year.start, math.MaxFloat64
	for _, t := range year.air {
		d.warmth = min(d.warmth, t)
	}
	p := part{name: "rooms", air: true, heat: year.heat, to: make([]units.Celsius, Hours), from: make([]units.Celsius, Hours)}
	for i, t := range d.outdoor {
		room := d.keep.Set[i]
		p.to[i] = max(room, supplyAt(t, min(d.year.Place().Design, d.coldest), home.Supply))
		p.from[i] = room + units.Celsius(returning*float64(p.to[i]-room))
	}
	p.sink = p.to
	return p
}

// finish sums up.
func (d *demand) finish(home *Home) {
	first := months()
	d.quality = make([]float64, Hours)
	for k := range d.parts {
		p := &d.parts[k]
		p.hottest = slices.Max(p.to)
		for i, q := range p.heat {
			d.total[i] += q
			d.quality[i] += float64(q * Exergy(d.outdoor[i], at(p.to, i)))
		}
	}
	for i, q := range d.total {
		d.exergy += d.quality[i]
		if q > 0 {
			d.quality[i] /= q
		}
	}
	l := &d.load
	uses := d.parts
	var design float64
	if d.rooms {
		l.Rooms, uses = units.KilowattHours(sum(uses[0].heat)), uses[1:]
		warmest := home.Setpoint[0]
		for _, t := range home.Setpoint {
			warmest = max(warmest, t)
		}
		model, _ := d.roomModel(home)
		design = float64(model.Load(warmest, min(d.year.Place().Design, warmest)))
	}
	l.Uses = make([]units.KilowattHours, len(uses))
	for i := range uses {
		l.Uses[i] = units.KilowattHours(sum(uses[i].heat))
		design += 1000 * greatestDay(uses[i].heat) / 24
	}
	for m := range l.Months {
		l.Months[m] = units.KilowattHours(sum(d.total[first[m]:first[m+1]]))
		l.Heat += l.Months[m]
	}
	for _, q := range d.total {
		l.Peak = max(l.Peak, units.Watts(1000*q))
	}
	l.Design = units.Watts(design)
	if design > 0 {
		l.Hours = 1000 * float64(l.Heat) / design
	}
}

// Exergy returns the share of heat at a supply temperature that could be work,
// 1 − T0/T in kelvin: nought where it is no warmer than the outdoors.
func Exergy(outdoor, supply units.Celsius) float64 {
	return max(0, 1-kelvin(outdoor)/kelvin(supply))
}

func kelvin(t units.Celsius) float64 { return float64(t) - float64(units.AbsoluteZero) }

func sum(x []float64) float64 {
	var s float64
	for _, v := range x {
		s += v
	}
	return s
}

// greatestDay returns the greatest sum over a day.
func greatestDay(hours []float64) float64 {
	var most float64
	for i := 0; i+24 <= len(hours); i += 24 {
		most = max(most, sum(hours[i:i+24]))
	}
	return most
}

// sky is the weather and the sun of each hour, December before and the year.
type sky struct {
	year    *climate.Year
	place   climate.Place
	weather []heat.Weather // of the year
	suns    []heat.Sun
}

func newSky(year *climate.Year) *sky {
	s := &sky{year: year, place: year.Place(), weather: make([]heat.Weather, Hours), suns: make([]heat.Sun, Hours)}
	start := newYear().Add(-s.place.Offset + 30*time.Minute)
	for i := range s.weather {
		mid := start.Add(time.Duration(i) * time.Hour)
		s.weather[i], s.suns[i] = year.At(mid), year.Sun(mid)
	}
	return s
}

// house is a building that is to be kept warm through the year.
type house struct {
	model    heat.Model
	internal units.Watts
}

// warmYear is a house through the year.
type warmYear struct {
	before, course *heat.Course
	start          units.Celsius
	heat           []float64 // kWh in the hour
	air            []units.Celsius
}

func (h *house) through(sky *sky) (*warmYear, error) {
	inputs := make([]heat.Inputs, Hours)
	for i := range inputs {
		inputs[i] = heat.Inputs{
			Outdoor:  sky.weather[i].Outdoor,
			Solar:    h.model.Solar(sky.weather[i], sky.suns[i]),
			Internal: h.internal,
		}
	}
	hourly := h.model.Every(time.Hour)
	course, err := hourly.Course(inputs)
	if err != nil {
		return nil, err
	}
	before, err := hourly.Course(inputs[Hours-december:])
	if err != nil {
		return nil, err
	}
	return &warmYear{before: before, course: course}, nil
}

// run keeps the house warm through the December before and the year.
func (w *warmYear) run(keep heat.Keeping) {
	w.start, w.heat, w.air = keep.Set[0], make([]float64, Hours), make([]units.Celsius, Hours)
	power := make([]units.Watts, Hours)
	mass := w.before.Run(w.start, lastMonth(keep), power[:december], nil)
	w.course.Run(mass, keep, power, w.air)
	for i, p := range power {
		w.heat[i] = float64(p) / 1000
	}
}

// lastMonth is how a house is kept warm in the December before.
func lastMonth(k heat.Keeping) heat.Keeping {
	k.Set = k.Set[Hours-december:]
	if k.Most != nil {
		k.Most = k.Most[Hours-december:]
	}
	return k
}
