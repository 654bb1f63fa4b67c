package heat

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Sets of days that have a name.
const (
	EveryDay    Weekdays = 0
	WorkingDays Weekdays = 0b0111110 // Monday to Friday
	Weekend     Weekdays = 0b1000001
)

// String prints "weekdays", "weekend", "every day" or "mon wed fri".
func (w Weekdays) String() string {
	switch w {
	case EveryDay, 0b1111111:
		return "every day"
	case WorkingDays:
		return "weekdays"
	case Weekend:
		return "weekend"
	}
	var names []string
	for _, d := range [...]time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday} {
		if w.Has(d) {
			names = append(names, strings.ToLower(d.String()[:3]))
		}
	}
	return strings.Join(names, " ")
}

// MarshalText writes what String prints.
func (w Weekdays) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText reads "weekdays", "weekend", "every day", or names of days
// such as "mon wed fri" and "Saturday, Sunday".
func (w *Weekdays) UnmarshalText(b []byte) error {
	switch strings.ToLower(strings.TrimSpace(string(b))) {
	case "", "every day":
		*w = EveryDay
		return nil
	case "weekdays":
		*w = WorkingDays
		return nil
	case "weekend":
		*w = Weekend
		return nil
	}
	var set Weekdays
	for _, name := range strings.FieldsFunc(strings.ToLower(string(b)), func(r rune) bool { return r == ' ' || r == ',' }) {
		days := [...]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
		day := slices.IndexFunc(days[:], func(d string) bool { return len(name) >= 3 && strings.HasPrefix(d, name) })
		if day < 0 {
			return fmt.Errorf("%q is not a day: write \"weekdays\", \"weekend\", \"every day\" or a list such as \"mon wed fri\"", name)
		}
		set |= 1 << day
	}
	*w = set
	return nil
}
