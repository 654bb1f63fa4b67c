package heat

import (
	"fmt"
	"slices"
	"time"

	"hearth/units"
)

// TimeOfDay is minutes after local midnight, 0 to 1440.
type TimeOfDay int

// String prints "07:30".
func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", int(t)/60, int(t)%60) }

// UnmarshalText reads "07:30" or "24:00".
func (t *TimeOfDay) UnmarshalText(b []byte) error {
	var h, m int
	if n, err := fmt.Sscanf(string(b), "%2d:%2d", &h, &m); n != 2 || err != nil || len(b) != 5 ||
		h < 0 || m < 0 || m > 59 || h*60+m > 1440 {
		return fmt.Errorf("time of day %q: write it as \"07:30\"", b)
	}
	*t = TimeOfDay(h*60 + m)
	return nil
}

// Of returns the time of day of t, in t's own location.
func Of(t time.Time) TimeOfDay { return TimeOfDay(t.Hour()*60 + t.Minute()) }

// Weekdays is a set of days, bit 0 being Sunday as in [time.Weekday]. The
// empty set stands for every day.
type Weekdays uint8

// Has reports whether the set has the day.
func (w Weekdays) Has(d time.Weekday) bool { return w == 0 || w&(1<<d) != 0 }

// Slot sets a temperature from a time of day until the next slot.
type Slot struct {
	Days Weekdays
	From TimeOfDay
	Set  units.Celsius
	Name string // "evening"
}

// Exception overrides the slots for a while.
type Exception struct {
	Kind        string    // [Away], [Boost], [Holiday] or [Set]
	From, Until time.Time // Until zero: until cancelled
	Set         units.Celsius
}

// Schedule is what temperature a person wants, when. The zero Schedule wants
// nothing of its own.
type Schedule struct {
	Slots      []Slot
	Exceptions []Exception // later ones win
}

// The kinds of exception.
const (
	Away    = "away"
	Boost   = "boost"
	Holiday = "holiday"
	Set     = "set" // a person turned the dial
)

// At returns the temperature wanted at t, in t's own location, and until when
// that answer holds: zero if nothing that is known now ends it. ok is false
// when the schedule wants nothing of its own. why says in plain words where
// the temperature comes from, such as "evening, until 22:00".
//
// A slot that begins in the hour which a clock change skips begins at the
// change; one in the hour that comes twice begins the first time.
func (s Schedule) At(t time.Time) (set units.Celsius, ok bool, why string, until time.Time) {
	winner := -1
	for i, e := range s.Exceptions {
		if e.covers(t) {
			winner = i
		}
	}
	what := ""
	if winner >= 0 {
		e := s.Exceptions[winner]
		set, ok, what, until = e.Set, true, e.Kind, e.Until
		if e.Kind == Set {
			what = "set by hand"
		}
	} else if i, ok2 := s.slotAt(t); ok2 {
		slot := s.Slots[i]
		set, ok, what, until = slot.Set, true, slot.Name, s.nextSlot(t)
		if what == "" {
			what = "since " + slot.From.String()
		}
	}
	// An exception later in the list takes over when it begins.
	for _, e := range s.Exceptions[winner+1:] {
		if e.From.After(t) && (until.IsZero() || e.From.Before(until)) {
			until = e.From
		}
	}
	if !ok {
		return 0, false, "", until
	}
	return set, true, what + untilText(t, until), until
}

// Prune drops the exceptions that are over at now.
func (s *Schedule) Prune(now time.Time) {
	s.Exceptions = slices.DeleteFunc(s.Exceptions, func(e Exception) bool {
		return !e.Until.IsZero() && !e.Until.After(now)
	})
}

// Validate checks that every temperature lies within min and max and that
// times and kinds make sense.
func (s Schedule) Validate(lowest, highest units.Celsius) error {
	for i, slot := range s.Slots {
		switch {
		case slot.From < 0 || slot.From >= 24*60:
			return fmt.Errorf("slot %d: it begins at %v: want 00:00 to 23:59", i+1, slot.From)
		case slot.Days > 1<<7-1:
			return fmt.Errorf("slot %d: a week has seven days", i+1)
		case !(slot.Set >= lowest && slot.Set <= highest):
			return fmt.Errorf("slot %d (%v): %v is outside %v to %v", i+1, slot.From, slot.Set, lowest, highest)
		}
	}
	for i, e := range s.Exceptions {
		if err := e.Validate(lowest, highest); err != nil {
			return fmt.Errorf("exception %d: %w", i+1, err)
		}
	}
	return nil
}

// Validate checks one exception as [Schedule.Validate] does.
func (e Exception) Validate(lowest, highest units.Celsius) error {
	switch {
	case !slices.Contains([]string{Away, Boost, Holiday, Set}, e.Kind):
		return fmt.Errorf("%q is not a kind of exception: use away, boost, holiday or set", e.Kind)
	case !e.Until.IsZero() && !e.Until.After(e.From):
		return fmt.Errorf("%s ends before it begins", e.Kind)
	case !(e.Set >= lowest && e.Set <= highest):
		return fmt.Errorf("%s at %v is outside %v to %v", e.Kind, e.Set, lowest, highest)
	}
	return nil
}

func (e Exception) covers(t time.Time) bool {
	return !e.From.After(t) && (e.Until.IsZero() || e.Until.After(t))
}

// slotAt returns the slot in force at t: the one that began last.
func (s Schedule) slotAt(t time.Time) (int, bool) {
	for back := range 8 {
		best, found := 0, false
		var began time.Time
		for i, slot := range s.Slots {
			start, ok := slot.on(t, -back)
			if ok && !start.After(t) && (!found || !start.Before(began)) {
				best, began, found = i, start, true
			}
		}
		if found {
			return best, true
		}
	}
	return 0, false
}

// nextSlot returns when the next slot after t begins.
func (s Schedule) nextSlot(t time.Time) time.Time {
	for ahead := range 9 {
		var next time.Time
		for _, slot := range s.Slots {
			start, ok := slot.on(t, ahead)
			if ok && start.After(t) && (next.IsZero() || start.Before(next)) {
				next = start
			}
		}
		if !next.IsZero() {
			return next
		}
	}
	return time.Time{}
}

// on returns when the slot begins on the date that lies so many days from t,
// and whether it applies to that date.
func (slot Slot) on(t time.Time, days int) (time.Time, bool) {
	y, m, d := t.Date()
	noon := time.Date(y, m, d+days, 12, 0, 0, 0, t.Location())
	if !slot.Days.Has(noon.Weekday()) {
		return time.Time{}, false
	}
	y, m, d = noon.Date()
	start := time.Date(y, m, d, 0, int(slot.From), 0, 0, t.Location())
	zoneStart, zoneEnd := start.ZoneBounds()
	if Of(start) != slot.From {
		// The wall clock never shows this time. time.Date answers with one side
		// of the change or the other.
		if Of(start) > slot.From {
			return zoneStart, true
		}
		return zoneEnd, true
	}
	if !zoneStart.IsZero() {
		_, after := start.Zone()
		_, before := zoneStart.Add(-time.Second).Zone()
		first := start.Add(time.Duration(after-before) * time.Second)
		if first.Before(zoneStart) && first.Before(start) {
			return first, true
		}
	}
	return start, true
}

// untilText says until when, naming the day where the time alone would
// mislead.
func untilText(now, until time.Time) string {
	if until.IsZero() {
		return ""
	}
	until = until.In(now.Location())
	switch ahead := until.Sub(now); {
	case ahead < 24*time.Hour:
		return ", until " + until.Format("15:04")
	case ahead < 7*24*time.Hour:
		return ", until " + until.Format("Monday 15:04")
	}
	return ", until " + until.Format("2 January 15:04")
}
