package heat

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The sets of days that have a name.
const (
	EveryDay Weekdays = 0b1111111
	Workdays Weekdays = 0b0111110
	Weekend  Weekdays = 0b1000001
)

func dayNames() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// String prints "every day", "weekdays", "weekend" or a list such as
// "mon wed fri".
func (w Weekdays) String() string {
	switch w {
	case 0, EveryDay:
		return "every day"
	case Workdays:
		return "weekdays"
	case Weekend:
		return "weekend"
	}
	var days []string
	for d, name := range dayNames() {
		if w.Has(time.Weekday(d)) {
			days = append(days, name)
		}
	}
	return strings.Join(days, " ")
}

// UnmarshalText reads what String prints; names of days may be written out
// and parted by commas.
func (w *Weekdays) UnmarshalText(b []byte) error {
	switch s := strings.ToLower(strings.TrimSpace(string(b))); s {
	case "", "every day":
		*w = 0
	case "weekdays":
		*w = Workdays
	case "weekend":
		*w = Weekend
	default:
		var set Weekdays
		for _, name := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' }) {
			i := slices.IndexFunc(dayNames(), func(day string) bool { return strings.HasPrefix(name, day) })
			if i < 0 || !strings.HasPrefix(strings.ToLower(time.Weekday(i).String()), name) {
				return fmt.Errorf("%q is not a day: write \"weekdays\", \"weekend\", \"every day\" or a list such as \"mon wed fri\"", name)
			}
			set |= 1 << i
		}
		*w = set
	}
	return nil
}
