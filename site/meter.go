package site

import (
	"time"

	"hearth/units"
)

// meter turns readings of power into energy: the trapezoid between two known
// readings. Time for which the power is not known is counted as such and adds
// no energy: a gap is not zero.
type meter struct {
	last  units.Known[units.Watts]
	lastT time.Time
}

// slice is the energy of one step.
type slice struct {
	from, to time.Time
	energy   units.Joules
	power    units.Known[units.Watts]
	source   units.Provenance
	known    time.Duration // the part of the step whose energy is known
}

// longestGap is the longest time between two readings that the trapezoid
// bridges.
const longestGap = 3 * time.Minute

// step moves the meter to now with the power read there.
func (m *meter) step(now time.Time, power units.Known[units.Watts]) slice {
	s := slice{from: m.lastT, to: now, power: power}
	if m.lastT.IsZero() || now.Before(m.lastT) {
		s.from = now // first reading, or the clock went back: nothing to reckon
	}
	p, ok1 := m.last.Get()
	q, ok2 := power.Get()
	if d := now.Sub(s.from); ok1 && ok2 && d > 0 && d <= longestGap {
		s.energy = ((p + q) / 2).Over(d)
		s.known = d
		s.source = units.Worst(m.last.From(), power.From())
	}
	m.last, m.lastT = power, now
	return s
}

// sum adds energies over a span of time, with the worst provenance.
type sum struct {
	from    time.Time
	to      time.Time // end of the last step whose energy is known
	energy  units.Joules
	source  units.Provenance
	known   time.Duration
	unknown time.Duration
}

func (t *sum) add(s slice) {
	if t.from.IsZero() {
		t.from = s.from
	}
	t.energy += s.energy
	t.known += s.known
	t.unknown += s.to.Sub(s.from) - s.known
	if s.known > 0 {
		t.source, t.to = max(t.source, s.source), s.to
	}
}

// total returns what was summed, unknown if nothing was.
func (t sum) total(at time.Time) units.Known[units.KilowattHours] {
	if t.known == 0 {
		return units.Unknown[units.KilowattHours]("nothing measured yet", at)
	}
	return units.Know(t.energy.KilowattHours(), at, t.source)
}

// span is one minute of a quantity, for the history.
type span struct {
	n              int
	mean, min, max float64
	source         units.Provenance
	known          time.Duration
}

// add takes a value that held for d.
func (s *span) add(v float64, from units.Provenance, d time.Duration) {
	if s.n == 0 {
		s.min, s.max = v, v
	}
	s.n++
	s.mean += (v - s.mean) / float64(s.n)
	s.min, s.max = min(s.min, v), max(s.max, v)
	s.source = max(s.source, from)
	s.known += d
}
