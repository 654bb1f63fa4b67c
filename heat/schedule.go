package heat

import (
	"fmt"
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
	Kind        string    // "away", "boost", "holiday", "set" (a person turned the dial)
	From, Until time.Time // Until zero: until cancelled
	Set         units.Celsius
}

// Schedule is what temperature a person wants, when. The zero Schedule wants
// nothing of its own.
type Schedule struct {
	Slots      []Slot
	Exceptions []Exception // later ones win
}
