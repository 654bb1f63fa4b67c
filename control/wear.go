package control

import (
	"slices"
	"time"

	"hearth/device"
)

const day = 24 * time.Hour

// book counts what wears a heater out. All times are monotonic.
type book struct {
	on     bool      // as last commanded, or as seen where nothing was
	since  time.Time // of on
	starts []time.Time
	flash  []time.Time
	uses   map[device.Verb][]time.Time // only of verbs with a bound
}

// prune forgets what is more than a day old, and moves to now what a clock
// set back left in the future.
func (b *book) prune(now time.Time) {
	b.starts = recent(b.starts, now)
	b.flash = recent(b.flash, now)
	for v, l := range b.uses {
		b.uses[v] = recent(l, now)
	}
	if b.since.After(now) {
		b.since = now
	}
}

func recent(l []time.Time, now time.Time) []time.Time {
	for i := range l {
		if l[i].After(now) {
			l[i] = now
		}
	}
	n := 0
	for n < len(l) && now.Sub(l[n]) >= day {
		n++
	}
	return l[n:]
}

// turn notes that the heater is now on or off.
func (b *book) turn(on bool, now time.Time) {
	if on == b.on {
		return
	}
	b.on, b.since = on, now
	if on {
		b.starts = append(b.starts, now)
	}
}

// use notes one use of a verb.
func (b *book) use(v device.Verb, c device.Cost, now time.Time) {
	if c.Flash {
		b.flash = append(b.flash, now)
	}
	if c.PerHour > 0 || c.PerDay > 0 {
		if b.uses == nil {
			b.uses = map[device.Verb][]time.Time{}
		}
		b.uses[v] = append(b.uses[v], now)
	}
}

// affords reports whether one more use of a verb stays within the verb's own
// bounds and the heater's budget of persisted writes.
func (b *book) affords(v device.Verb, c device.Cost, flashPerDay int, now time.Time) (ok bool, why string) {
	if c.Flash && flashPerDay > 0 && len(b.flash) >= flashPerDay {
		return false, "its budget of persisted writes is spent"
	}
	l := b.uses[v]
	if c.PerDay > 0 && len(l) >= c.PerDay {
		return false, "it has been changed as often as it may be in a day"
	}
	if c.PerHour > 0 {
		i, _ := slices.BinarySearchFunc(l, now.Add(-time.Hour), time.Time.Compare)
		if len(l)-i >= c.PerHour {
			return false, "it has been changed as often as it may be in an hour"
		}
	}
	return true, ""
}

// spent returns the share of a verb's daily budget that the last 24 hours
// used, of its own bound or of that of persisted writes, whichever is more; 0
// where there is none.
func (b *book) spent(v device.Verb, c device.Cost, flashPerDay int) float64 {
	used := 0.0
	if c.PerDay > 0 {
		used = float64(len(b.uses[v])) / float64(c.PerDay)
	}
	if c.Flash && flashPerDay > 0 {
		used = max(used, float64(len(b.flash))/float64(flashPerDay))
	}
	return min(used, 1)
}

// mayStart reports whether a start is left.
func (b *book) mayStart(perDay int) bool { return perDay == 0 || len(b.starts) < perDay }

// nextStart returns when the next start is free, which is now if one is left.
func (b *book) nextStart(perDay int, now time.Time) time.Time {
	if b.mayStart(perDay) {
		return now
	}
	return b.starts[len(b.starts)-perDay].Add(day)
}
