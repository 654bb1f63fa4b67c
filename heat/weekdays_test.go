package heat_test

import (
	"testing"
	"time"

	"hearth/heat"
)

func TestWeekdays(t *testing.T) {
	for text, want := range map[string]heat.Weekdays{
		"weekdays": heat.WorkingDays, "Weekend": heat.Weekend, "every day": heat.EveryDay, "": heat.EveryDay,
		"mon wed fri": 0b0101010, "Saturday, Sunday": heat.Weekend, "thurs": 1 << time.Thursday,
	} {
		var got heat.Weekdays
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %07b (%v), want %07b", text, got, err, want)
		}
		again, _ := got.MarshalText()
		var back heat.Weekdays
		if err := back.UnmarshalText(again); err != nil || back != got {
			t.Errorf("%q is written %q, which reads as %07b (%v)", text, again, back, err)
		}
	}
	for _, text := range []string{"mo", "funday", "mon-fri", "montag"} {
		var got heat.Weekdays
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}
