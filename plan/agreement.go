package plan

import (
	"fmt"
	"math"
	"time"

	"hearth/heat"
	"hearth/heat/climate"
	"hearth/units"
)

// Measured is one hour of a home as it was.
type Measured struct {
	Start time.Time
	// Outdoor and Room are means of the hour.
	Outdoor, Room units.Known[units.Celsius]
	// Heat is what heaters gave to the rooms.
	Heat units.Known[units.KilowattHours]
}

// Day is a day of a home beside its plan.
type Day struct {
	Start             time.Time
	Measured, Planned units.KilowattHours
	Hours             int // of the day that are counted
}

// Agreement says how well a home's plan describes the home.
type Agreement struct {
	From, To time.Time
	// Hours that are counted, and Left those that are not: something of them
	// is unknown, or they follow on such a gap, when nobody knows how warm the
	// walls are.
	Hours, Left int
	// Measured and Planned are the heat of the hours counted.
	Measured, Planned units.KilowattHours
	// Off is what the plan has too much, as a share of what was measured; DayOff
	// is the root of the mean square of that of the days, in kWh.
	Off    units.Known[units.Fraction]
	DayOff units.KilowattHours
	Days   []Day
	// Worst is the worst provenance among the heat that was measured.
	Worst units.Provenance
}

// settling is how long after a gap the planned walls have not yet the warmth
// that the real ones have.
const settling = 24

// Agree sets the heat that a home was given beside what the plan's building
// needs to go through the same room temperatures in the same outdoor
// temperatures. Nobody measures the sun on a house, so that is the sun of the
// typical year, and a few dull or bright days may well be off. The hours must
// follow each other; where one is unknown the reckoning starts anew.
func Agree(home Home, year *climate.Year, hours []Measured) (Agreement, error) {
	if home.Rooms == nil {
		return Agreement{}, fmt.Errorf("compare a home with its plan: the plan has no rooms to heat")
	}
	building := *home.Rooms
	building.AirCapacity = 0 // an hour is long for air
	model, err := building.Model()
	if err != nil {
		return Agreement{}, fmt.Errorf("compare a home with its plan: %w", err)
	}
	a := Agreement{Worst: units.Chosen}
	step := model.Every(time.Hour)
	var nodes heat.Nodes
	run := 0 // hours since the last gap
	for i, h := range hours {
		if i > 0 && !h.Start.Equal(hours[i-1].Start.Add(time.Hour)) {
			return Agreement{}, fmt.Errorf("compare a home with its plan: the hour after %s is %s",
				hours[i-1].Start.Format(time.RFC3339), h.Start.Format(time.RFC3339))
		}
		outdoor, known := h.Outdoor.Get()
		room, warm := h.Room.Get()
		given, metered := h.Heat.Get()
		if !known || !warm || !metered {
			run = 0
			a.Left++
			continue
		}
		if run == 0 {
			nodes = model.Held(room, outdoor)
		}
		middle := h.Start.Add(30 * time.Minute)
		w := year.At(middle)
		w.Outdoor = outdoor
		in := heat.Inputs{Outdoor: outdoor, Solar: model.Solar(w, year.Sun(middle)), Internal: home.Internal}
		in.Heat = step.Need(nodes, in, room)
		nodes = step.Step(nodes, in)
		if run++; run <= settling {
			a.Left++
			continue
		}
		a.count(h.Start, given, in.Heat.Over(time.Hour).KilowattHours())
		a.Worst = units.Worst(a.Worst, h.Heat.From())
	}
	a.sum()
	return a, nil
}

func (a *Agreement) count(start time.Time, measured, planned units.KilowattHours) {
	if a.Hours == 0 {
		a.From = start
	}
	a.Hours++
	a.To = start.Add(time.Hour)
	date := time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, start.Location())
	if n := len(a.Days); n == 0 || !a.Days[n-1].Start.Equal(date) {
		a.Days = append(a.Days, Day{Start: date})
	}
	d := &a.Days[len(a.Days)-1]
	d.Hours++
	d.Measured += measured
	d.Planned += planned
}

func (a *Agreement) sum() {
	var squares float64
	for _, d := range a.Days {
		a.Measured += d.Measured
		a.Planned += d.Planned
		off := float64(d.Planned - d.Measured)
		squares += off * off
	}
	if len(a.Days) > 0 {
		a.DayOff = units.KilowattHours(math.Sqrt(squares / float64(len(a.Days))))
	}
	switch {
	case a.Hours == 0:
		a.Off = units.Unknown[units.Fraction]("no hour is known well enough", a.To)
	case a.Measured <= 0:
		a.Off = units.Unknown[units.Fraction]("the home was given no heat", a.To)
	default:
		a.Off = units.Know(units.Fraction((a.Planned-a.Measured)/a.Measured), a.To, a.Worst)
	}
}

// String says it in a sentence.
func (a Agreement) String() string {
	off, ok := a.Off.Get()
	if !ok {
		return fmt.Sprintf("The plan cannot be compared with the home: %s.", a.Off.Why())
	}
	days := float64(a.Hours) / 24
	more := "more"
	if off < 0 {
		more = "less"
	}
	return fmt.Sprintf("In %.1f days the home was given %v of heat (%s); its plan says %v, %v %s. A day is typically %v off.",
		days, a.Measured, a.Worst, a.Planned, units.Fraction(math.Abs(float64(off))), more, a.DayOff)
}
