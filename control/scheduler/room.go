package scheduler

import (
	"errors"
	"fmt"
	"math"
	"time"

	"hearth/units"
)

// Errors of a fit that a caller branches on.
var (
	// ErrTooLittle: the record says too little.
	ErrTooLittle = errors.New("too little is recorded")
	// ErrNoRoom: what is recorded is not a room.
	ErrNoRoom = errors.New("more heat does not make it warmer")
)

// Sample is one slot of what was recorded of a room: means over the slot.
type Sample struct {
	Temp, Outdoor units.Celsius
	Heat          units.Watts
	// Known is false where any of these is not known.
	Known bool
}

// Record is what was recorded of a room, slot by slot.
type Record struct {
	Step    time.Duration
	Samples []Sample // oldest first
	// First is the number in its day of the first sample's slot.
	First int
}

// day is how many slots a day has.
func (rec Record) day() int { return int(24 * time.Hour / rec.Step) }

// Room is a room as a record shows it: one slow temperature, that of walls and
// furniture, which the outdoors pulls down and heat and gains push up, and air
// that stands above it while the heater runs.
//
//	slow' = Keep·slow + (1−Keep)·(outdoor + Resistance·heat + gains)
//	air   = slow + Lift·heat
type Room struct {
	Step time.Duration
	// Keep is the share of its distance from balance that the slow temperature
	// keeps in a step.
	Keep float64
	// Resistance is how far a watt holds the room above the outdoors in the
	// end, K/W; Lift how far it lifts the air at once.
	Resistance, Lift float64
	// Gains are what sun and people add, in kelvin, at midnight, six, noon and
	// six by the clock of the record, and on straight lines between.
	Gains [4]float64
}

// Constant is the room's time constant.
func (r Room) Constant() time.Duration {
	if r.Keep >= 1 {
		return 0
	}
	return time.Duration(float64(r.Step) / (1 - r.Keep))
}

// Lines returns how the slow temperature goes on and what the air is
// meanwhile, for a [Problem].
func (r Room) Lines() (next, felt Line) {
	next = Line{Keep: r.Keep, PerWatt: float64((1 - r.Keep) * r.Resistance)}
	return next, Line{Keep: r.Keep, PerWatt: next.PerWatt + r.Lift}
}

// Drift returns what outdoors and gains add in the slot of that number in the
// day.
func (r Room) Drift(outdoor units.Celsius, slot int) units.Celsius {
	day := Record{Step: r.Step}.day()
	knot, share := knots(slot, day)
	gain := r.Gains[knot] + float64(share*(r.Gains[(knot+1)%4]-r.Gains[knot]))
	return units.Celsius((1 - r.Keep) * (float64(outdoor) + gain))
}

// Slow returns the slow temperature behind air at temp under heat.
func (r Room) Slow(temp units.Celsius, heat units.Watts) units.Celsius {
	return temp - units.Celsius(r.Lift*float64(heat))
}

// knots returns between which two of a day's four gains the middle of a slot
// lies, and how far.
func knots(slot, day int) (int, float64) {
	slot = (slot%day + day) % day
	x := float64(8*slot+4) / float64(2*day)
	return int(x), x - float64(int(x))
}

// Bounds of what a room can be.
const (
	shortest      = 3.0   // h: below, a room is a box of air
	longest       = 400.0 // h
	mostResist    = 0.5   // K/W: a litre box in foam
	leastResist   = 0.001 // K/W: a hall without a roof
	leastDays     = 2
	runsPerDay    = 4 // a day's run begins at each quarter of it
	shortestRun   = 8 // slots
	leastSpread   = 20.0
	searchSteps   = 24
	unknowns      = 6 // resistance, lift, four gains
	gainPrior     = 1e-7
	swingPrior    = 3e-5
	mostSlotsKept = 96 * 60
)

// Fit learns a room from a record: the room whose days, begun at the
// temperature that was and run with the heat and weather that were, stay
// closest to what was. It needs two days in which everything is known.
func Fit(rec Record) (Room, error) {
	if err := rec.check(); err != nil {
		return Room{}, fmt.Errorf("fit a room: %w", err)
	}
	runs := rec.runs()
	slots := 0
	for _, r := range runs {
		slots += r.to - r.from - 1
	}
	if slots < leastDays*rec.day()*runsPerDay*3/4 {
		return Room{}, fmt.Errorf("fit a room: %w: two whole days are needed", ErrTooLittle)
	}
	if spread := rec.spread(); spread < leastSpread {
		return Room{}, fmt.Errorf("fit a room: %w: the heat hardly ever changed", ErrTooLittle)
	}
	best, least := Room{}, -1.0
	try := func(hours float64) {
		keep := 1 - rec.Step.Hours()/hours
		if room, miss, ok := rec.fit(runs, keep); ok && (least < 0 || miss < least) {
			best, least = room, miss
		}
	}
	ratio := 1.2371 // (longest/shortest)^(1/23)
	for i, h := 0, shortest; i < searchSteps; i, h = i+1, h*ratio {
		try(h)
	}
	if least < 0 {
		return Room{}, fmt.Errorf("fit a room: %w", ErrNoRoom)
	}
	for width := 0.12; width > 0.005; width /= 2 {
		hours := best.Constant().Hours()
		try(hours * (1 - width))
		try(hours * (1 + width))
	}
	return best, nil
}

func (rec Record) check() error {
	switch {
	case rec.Step < time.Minute || rec.Step > 2*time.Hour || (24*time.Hour)%rec.Step != 0:
		return fmt.Errorf("a record in steps of %v: want a part of a day, from a minute to two hours", rec.Step)
	case len(rec.Samples) > mostSlotsKept:
		return fmt.Errorf("a record of %d slots: want at most %d", len(rec.Samples), mostSlotsKept)
	}
	for i, s := range rec.Samples {
		if s.Known && (!sound(float64(s.Temp)) || !sound(float64(s.Outdoor)) || !sound(float64(s.Heat))) {
			return fmt.Errorf("sample %d: %v, %v outdoors, %v", i, float64(s.Temp), float64(s.Outdoor), float64(s.Heat))
		}
	}
	return nil
}

// spread is how far the heat strays from its mean, in watts.
func (rec Record) spread() float64 {
	sum, n := 0.0, 0.0
	for _, s := range rec.Samples {
		if s.Known {
			sum, n = sum+float64(s.Heat), n+1
		}
	}
	stray := 0.0
	for _, s := range rec.Samples {
		if s.Known {
			stray += max(float64(s.Heat)-sum/n, sum/n-float64(s.Heat)) / n
		}
	}
	return stray
}

// run is a stretch of samples that are all known, at most a day and one.
type run struct{ from, to int }

// runs cuts the record into days that begin at each quarter of a day.
func (rec Record) runs() []run {
	var out []run
	day := rec.day()
	for from := 0; from < len(rec.Samples); from += max(1, day/runsPerDay) {
		r := run{from, from}
		for r.to < len(rec.Samples) && r.to-r.from <= day && rec.Samples[r.to].Known {
			r.to++
		}
		if r.to-r.from > shortestRun {
			out = append(out, r)
		}
	}
	return out
}

// basis runs a room without knowing its figures: each is a factor of one of
// the courses.
type basis struct {
	keep    float64
	start   float64 // what is left of the beginning
	outdoor float64
	course  [unknowns]float64
	first   Sample
}

// next goes on by a slot. Means over slots are what is compared, so what
// drives a mean to the next is the mean of both.
func (b *basis) next(was, now Sample, slot, day int) {
	fresh := 1 - b.keep
	b.start *= b.keep
	b.outdoor = b.keep*b.outdoor + fresh*float64(was.Outdoor+now.Outdoor)/2
	b.course[0] = b.keep*b.course[0] + fresh*float64(was.Heat+now.Heat)/2
	b.course[1] = float64(now.Heat) - b.start*float64(b.first.Heat)
	for i := range 4 {
		b.course[2+i] *= b.keep
	}
	knot, share := knots(slot, day)
	b.course[2+knot] += fresh * (1 - share)
	b.course[2+(knot+1)%4] += fresh * share
}

// rest is what the unknowns have to explain of a temperature.
func (b *basis) rest(temp units.Celsius) float64 {
	return float64(temp) - b.start*float64(b.first.Temp) - b.outdoor
}

// fit finds the room of a time constant by least squares, and how far it
// misses: the mean square.
func (rec Record) fit(runs []run, keep float64) (Room, float64, bool) {
	var (
		m     [unknowns][unknowns]float64
		v     [unknowns]float64
		sum   float64
		count float64
	)
	day := rec.day()
	for _, r := range runs {
		b := basis{keep: keep, start: 1, first: rec.Samples[r.from]}
		for i := r.from + 1; i < r.to; i++ {
			b.next(rec.Samples[i-1], rec.Samples[i], rec.First+i, day)
			y := b.rest(rec.Samples[i].Temp)
			for j := range unknowns {
				v[j] += b.course[j] * y
				for k := 0; k <= j; k++ {
					m[j][k] += b.course[j] * b.course[k]
				}
			}
			sum, count = sum+y*y, count+1
		}
	}
	// What nothing tells of is small, and the same all day. A heater that runs
	// by the clock would else be taken for the sun.
	for j := 2; j < unknowns; j++ {
		m[j][j] += (gainPrior + swingPrior) * count
		for k := 2; k <= j; k++ {
			m[j][k] -= swingPrior / 4 * count
		}
	}
	for j := range unknowns {
		for k := range j {
			m[k][j] = m[j][k]
		}
	}
	x, ok := solve(m, v, false)
	if ok && x[1] < 0 {
		x, ok = solve(m, v, true) // air is not cooled by heat
	}
	if !ok || x[0] < leastResist || x[0] > mostResist || x[1] > mostResist {
		return Room{}, 0, false
	}
	miss := sum
	for j := range unknowns {
		miss -= 2 * x[j] * v[j]
		for k := range unknowns {
			miss += x[j] * x[k] * m[j][k]
		}
	}
	return Room{Step: rec.Step, Keep: keep, Resistance: x[0], Lift: x[1], Gains: [4]float64(x[2:])}, miss / count, true
}

// solve solves m·x = v for a positive definite m by Cholesky's factors, with
// the second unknown held at zero if so asked.
func solve(m [unknowns][unknowns]float64, v [unknowns]float64, calm bool) (x [unknowns]float64, ok bool) {
	if calm {
		for j := range unknowns {
			m[1][j], m[j][1] = 0, 0
		}
		m[1][1], v[1] = 1, 0
	}
	// Unlike units would make the factors lose digits.
	var scale [unknowns]float64
	for j := range unknowns {
		if m[j][j] <= 0 {
			return x, false
		}
		scale[j] = 1 / math.Sqrt(m[j][j])
	}
	var l [unknowns][unknowns]float64
	for j := range unknowns {
		for k := 0; k <= j; k++ {
			sum := m[j][k] * scale[j] * scale[k]
			for i := range k {
				sum -= l[j][i] * l[k][i]
			}
			if j != k {
				l[j][k] = sum / l[k][k]
				continue
			}
			if sum < 1e-12 {
				return x, false
			}
			l[j][j] = math.Sqrt(sum)
		}
	}
	for j := range unknowns {
		x[j] = v[j] * scale[j]
		for i := range j {
			x[j] -= l[j][i] * x[i]
		}
		x[j] /= l[j][j]
	}
	for j := unknowns - 1; j >= 0; j-- {
		for i := j + 1; i < unknowns; i++ {
			x[j] -= l[i][j] * x[i]
		}
		x[j] /= l[j][j]
	}
	for j := range unknowns {
		x[j] *= scale[j]
	}
	return x, true
}
