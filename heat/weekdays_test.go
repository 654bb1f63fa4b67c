package heat_test

import (
	"testing"
	"time"

	"hearth/heat"
)

func TestWeekdaysReadAndPrint(t *testing.T) {
	f := func(text, want string, in, out time.Weekday) {
		t.Helper()
		var w heat.Weekdays
		if err := w.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
			return
		}
		if w.String() != want {
			t.Errorf("%q prints %q, want %q", text, w, want)
		}
		if !w.Has(in) || w != 0 && w.Has(out) {
			t.Errorf("%q: has %v %v, has %v %v", text, in, w.Has(in), out, w.Has(out))
		}
	}
	f("", "every day", time.Sunday, 0)
	f("every day", "every day", time.Saturday, 0)
	f("Weekdays", "weekdays", time.Friday, time.Saturday)
	f("weekend", "weekend", time.Sunday, time.Monday)
	f("wed, Monday fri", "mon wed fri", time.Wednesday, time.Tuesday)
	var w heat.Weekdays
	for _, bad := range []string{"someday", "mo", "mon-fri", "1"} {
		if err := w.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q reads as %v", bad, w)
		}
	}
}
