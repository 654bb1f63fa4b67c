package ledger

import (
	"math"
	"time"

	"hearth/units"
)

// Sample is what is known of one metric of one subject over a span of time.
// Its numbers are in the metric's own unit.
type Sample struct {
	// At is the start of the span: a minute, an hour or a day.
	At      time.Time
	Subject string
	Metric  string
	// Mean is over the time that something is known of, Min and Max within it.
	Mean, Min, Max float64
	// Sum is what came together in the span, for metrics that add up.
	Sum float64
	// Provenance is the worst that went in.
	Provenance units.Provenance
	// Known is how much of the span something is known of. A sample of which
	// nothing is known is no sample: it is left out, never zero.
	Known time.Duration
}

// IsKnown reports whether the sample says anything. One with a number that is
// none (infinite, or not a number) says nothing.
func (s Sample) IsKnown() bool {
	for _, x := range []float64{s.Mean, s.Min, s.Max, s.Sum} {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return s.Known > 0 && s.Provenance != units.None
}

// Merge returns what two samples of the same metric say together, beginning
// with the earlier: the mean weighted by the time known, the least and the
// most, the sum, the worst provenance. An unknown sample adds nothing.
func (s Sample) Merge(t Sample) Sample {
	switch {
	case !t.IsKnown():
		return s
	case !s.IsKnown():
		return t
	}
	known := s.Known + t.Known
	out := s
	if t.At.Before(s.At) {
		out.At = t.At
	}
	out.Mean = (s.Mean*s.Known.Seconds() + t.Mean*t.Known.Seconds()) / known.Seconds()
	out.Min, out.Max = min(s.Min, t.Min), max(s.Max, t.Max)
	out.Sum = s.Sum + t.Sum
	out.Provenance = units.Worst(s.Provenance, t.Provenance)
	out.Known = known
	return out
}

// Hour returns the start of the hour of t, in UTC.
func Hour(t time.Time) time.Time { return t.UTC().Truncate(time.Hour) }

// Day returns the start of the day of t at the place loc.
func Day(t time.Time, loc *time.Location) time.Time {
	y, m, d := t.In(loc).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, loc).UTC()
}

// RollUp merges samples of one metric into spans, each beginning where start
// puts the samples in it. Spans of which nothing is known are left out. The
// samples must be in order of time, and so is the result.
func RollUp(samples []Sample, start func(time.Time) time.Time) []Sample {
	var out []Sample
	for _, s := range samples {
		if !s.IsKnown() {
			continue
		}
		s.At = start(s.At)
		if n := len(out); n > 0 && out[n-1].At.Equal(s.At) {
			out[n-1] = out[n-1].Merge(s)
		} else {
			out = append(out, s)
		}
	}
	return out
}
