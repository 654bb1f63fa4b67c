package heat_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hearth/heat"
	"hearth/units"
)

func berlin(t testing.TB) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skipf("no time zone database: %v", err)
	}
	return loc
}

const (
	sunday  = heat.Weekdays(1 << time.Sunday)
	monday  = heat.Weekdays(1 << time.Monday)
	weekday = heat.Weekdays(1<<time.Monday | 1<<time.Tuesday | 1<<time.Wednesday | 1<<time.Thursday | 1<<time.Friday)
)

func TestScheduleAt(t *testing.T) {
	loc := berlin(t)
	const layout = "2006-01-02 15:04"
	at := func(s string) time.Time {
		d, err := time.ParseInLocation(layout, s, loc)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	home := []heat.Slot{
		{From: 6*60 + 30, Set: 21, Name: "morning"},
		{From: 22 * 60, Set: 17, Name: "night"},
	}
	away := heat.Exception{Kind: heat.Away, From: at("2026-01-12 12:00"), Until: at("2026-01-13 18:00"), Set: 12}
	for _, test := range []struct {
		name  string
		s     heat.Schedule
		at    string
		set   units.Celsius // -1: nothing is wanted
		why   string
		until string
	}{
		{"an empty schedule wants nothing", heat.Schedule{}, "2026-01-12 12:00", -1, "", ""},
		{"by day", heat.Schedule{Slots: home}, "2026-01-12 12:00", 21, "morning, until 22:00", "2026-01-12 22:00"},
		{"the slot's first instant belongs to it", heat.Schedule{Slots: home}, "2026-01-12 22:00", 17, "night, until 06:30", "2026-01-13 06:30"},
		{"night wraps midnight", heat.Schedule{Slots: home}, "2026-01-13 03:00", 17, "night, until 06:30", "2026-01-13 06:30"},
		{
			"a single slot a week holds all week",
			heat.Schedule{Slots: []heat.Slot{{Days: monday, From: 8 * 60, Set: 19}}},
			"2026-01-18 23:59", 19, "since 08:00, until 08:00", "2026-01-19 08:00",
		},
		{
			"and from its own day to the next week's",
			heat.Schedule{Slots: []heat.Slot{{Days: monday, From: 8 * 60, Set: 19}}},
			"2026-01-19 08:00", 19, "since 08:00, until 26 January 08:00", "2026-01-26 08:00",
		},
		{
			"the weekend keeps Friday's last slot",
			heat.Schedule{Slots: []heat.Slot{{Days: weekday, From: 7 * 60, Set: 20}, {Days: weekday, From: 20 * 60, Set: 16}}},
			"2026-01-17 12:00", 16, "since 20:00, until Monday 07:00", "2026-01-19 07:00",
		},
		{
			"the weekend wraps the week",
			heat.Schedule{Slots: []heat.Slot{{Days: weekday, From: 7 * 60, Set: 20}, {Days: sunday, From: 9 * 60, Set: 18}}},
			"2026-01-19 03:00", 18, "since 09:00, until 07:00", "2026-01-19 07:00",
		},
		{
			"of two slots at once the later in the list wins",
			heat.Schedule{Slots: []heat.Slot{{From: 60, Set: 19}, {From: 60, Set: 22}}},
			"2026-01-12 02:00", 22, "since 01:00, until 01:00", "2026-01-13 01:00",
		},

		{
			"before an exception, until it begins",
			heat.Schedule{Slots: home, Exceptions: []heat.Exception{away}},
			"2026-01-12 11:00", 21, "morning, until 12:00", "2026-01-12 12:00",
		},
		{
			"an exception wins over slots",
			heat.Schedule{Slots: home, Exceptions: []heat.Exception{away}},
			"2026-01-13 03:00", 12, "away, until 18:00", "2026-01-13 18:00",
		},
		{
			"its end belongs to the slots",
			heat.Schedule{Slots: home, Exceptions: []heat.Exception{away}},
			"2026-01-13 18:00", 21, "morning, until 22:00", "2026-01-13 22:00",
		},
		{
			"the later exception wins",
			heat.Schedule{Exceptions: []heat.Exception{
				away,
				{Kind: heat.Boost, From: at("2026-01-12 13:00"), Until: at("2026-01-12 14:00"), Set: 23},
			}},
			"2026-01-12 13:30", 23, "boost, until 14:00", "2026-01-12 14:00",
		},
		{
			"until a later exception begins",
			heat.Schedule{Exceptions: []heat.Exception{
				away,
				{Kind: heat.Boost, From: at("2026-01-12 13:00"), Until: at("2026-01-12 14:00"), Set: 23},
			}},
			"2026-01-12 12:30", 12, "away, until 13:00", "2026-01-12 13:00",
		},
		{
			"an earlier exception does not interrupt a later one",
			heat.Schedule{Exceptions: []heat.Exception{
				{Kind: heat.Boost, From: at("2026-01-12 13:00"), Until: at("2026-01-12 14:00"), Set: 23}, away,
			}},
			"2026-01-12 12:30", 12, "away, until Tuesday 18:00", "2026-01-13 18:00",
		},
		{
			"the dial, until turned again",
			heat.Schedule{Slots: home, Exceptions: []heat.Exception{{Kind: heat.Set, From: at("2026-01-12 12:00"), Set: 20.5}}},
			"2026-03-12 12:00", 20.5, "set by hand", "",
		},

		// The clock goes from 02:00 to 03:00 on 29 March 2026 in Berlin.
		{
			"a slot in the hour that is skipped begins at the change",
			heat.Schedule{Slots: []heat.Slot{{From: 0, Set: 16}, {From: 2*60 + 30, Set: 20}}},
			"2026-03-29 03:00", 20, "since 02:30, until 00:00", "2026-03-30 00:00",
		},
		{
			"and not before",
			heat.Schedule{Slots: []heat.Slot{{From: 0, Set: 16}, {From: 2*60 + 30, Set: 20}}},
			"2026-03-29 01:59", 16, "since 00:00, until 03:00", "2026-03-29 03:00",
		},
		{
			"the short day's other slots keep their wall time",
			heat.Schedule{Slots: home},
			"2026-03-29 06:30", 21, "morning, until 22:00", "2026-03-29 22:00",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			set, ok, why, until := test.s.At(at(test.at))
			if ok != (test.set >= 0) || ok && set != test.set {
				t.Errorf("set %v, %v; want %v", set, ok, test.set)
			}
			if why != test.why {
				t.Errorf("why %q, want %q", why, test.why)
			}
			got := ""
			if !until.IsZero() {
				got = until.In(loc).Format(layout)
			}
			if got != test.until {
				t.Errorf("until %q, want %q", got, test.until)
			}
		})
	}
}

// On 25 October 2026 the hour from 02:00 to 03:00 comes twice in Berlin.
func TestScheduleHourTwice(t *testing.T) {
	loc := berlin(t)
	s := heat.Schedule{Slots: []heat.Slot{{From: 0, Set: 16}, {From: 2*60 + 30, Set: 20}}}
	first := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC).In(loc) // 02:30 summer time
	for _, test := range []struct {
		after time.Duration
		want  units.Celsius
	}{{-time.Minute, 16}, {0, 20}, {30 * time.Minute, 20}, {time.Hour, 20}, {2 * time.Hour, 20}} {
		at := first.Add(test.after)
		if set, _, _, _ := s.At(at); set != test.want {
			t.Errorf("at %v: %v, want %v", at, set, test.want)
		}
	}
	if _, _, _, until := s.At(first.Add(-time.Minute)); !until.Equal(first) {
		t.Errorf("the slot begins at %v, want the first 02:30, %v", until, first)
	}
}

func TestSchedulePrune(t *testing.T) {
	now := time.Date(2026, 1, 12, 12, 0, 0, 0, time.UTC)
	s := heat.Schedule{Exceptions: []heat.Exception{
		{Kind: heat.Away, From: now.Add(-3 * time.Hour), Until: now, Set: 10},
		{Kind: heat.Set, From: now.Add(-2 * time.Hour), Set: 11},
		{Kind: heat.Holiday, From: now.Add(time.Hour), Until: now.Add(2 * time.Hour), Set: 12},
	}}
	s.Prune(now)
	if len(s.Exceptions) != 2 || s.Exceptions[0].Set != 11 || s.Exceptions[1].Set != 12 {
		t.Errorf("left are %v, want the dial and the holiday", s.Exceptions)
	}
}

func TestScheduleValidate(t *testing.T) {
	now := time.Date(2026, 1, 12, 12, 0, 0, 0, time.UTC)
	slot := func(s heat.Slot) heat.Schedule { return heat.Schedule{Slots: []heat.Slot{s}} }
	except := func(e heat.Exception) heat.Schedule { return heat.Schedule{Exceptions: []heat.Exception{e}} }
	for _, test := range []struct {
		name string
		s    heat.Schedule
		want string // empty: valid
	}{
		{"empty", heat.Schedule{}, ""},
		{"plain", slot(heat.Slot{From: 60, Set: 20}), ""},
		{"too hot", slot(heat.Slot{From: 60, Set: 99}), "slot 1 (01:00): 99.0 °C is outside 5.0 °C to 30.0 °C"},
		{"past midnight", slot(heat.Slot{From: 1440, Set: 20}), "slot 1: it begins at 24:00: want 00:00 to 23:59"},
		{"before midnight", slot(heat.Slot{From: -1, Set: 20}), "want 00:00 to 23:59"},
		{"eighth day", slot(heat.Slot{Days: 1 << 7, From: 60, Set: 20}), "a week has seven days"},
		{"odd kind", except(heat.Exception{Kind: "party", Set: 20}), `"party" is not a kind of exception`},
		{"backwards", except(heat.Exception{Kind: heat.Away, From: now, Until: now, Set: 20}), "away ends before it begins"},
		{"too cold", except(heat.Exception{Kind: heat.Away, Set: 1}), "away at 1.0 °C is outside"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.s.Validate(5, 30)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// What At says holds until when it says: nothing changes in between, in any
// time zone and on any day.
func TestScheduleHoldsUntil(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Africa/Cairo"}).Draw(t, "zone")
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Skip("no time zone database")
		}
		now := time.Unix(rapid.Int64Range(1767225600, 1767225600+366*86400).Draw(t, "now"), 0).In(loc)
		var s heat.Schedule
		for range rapid.IntRange(0, 6).Draw(t, "slots") {
			s.Slots = append(s.Slots, heat.Slot{
				Days: heat.Weekdays(rapid.IntRange(0, 127).Draw(t, "days")),
				From: heat.TimeOfDay(rapid.IntRange(0, 1439).Draw(t, "from")),
				Set:  units.Celsius(rapid.IntRange(5, 30).Draw(t, "set")),
			})
		}
		for range rapid.IntRange(0, 4).Draw(t, "exceptions") {
			from := now.Add(time.Duration(rapid.IntRange(-3000, 3000).Draw(t, "begins")) * time.Minute)
			e := heat.Exception{Kind: heat.Away, From: from, Set: units.Celsius(rapid.IntRange(5, 30).Draw(t, "exception"))}
			if rapid.Bool().Draw(t, "ends") {
				e.Until = from.Add(time.Duration(rapid.IntRange(1, 3000).Draw(t, "lasts")) * time.Minute)
			}
			s.Exceptions = append(s.Exceptions, e)
		}
		set, ok, _, until := s.At(now)
		if !until.IsZero() && !until.After(now) {
			t.Fatalf("holds until %v, which is not after %v", until, now)
		}
		end := until
		if end.IsZero() {
			end = now.Add(20 * 24 * time.Hour)
		}
		for range 20 {
			at := now.Add(time.Duration(rapid.Int64Range(0, int64(end.Sub(now))-1).Draw(t, "probe")))
			if got, gotOK, _, _ := s.At(at); got != set || gotOK != ok {
				t.Fatalf("at %v: %v, %v; at %v it was %v, %v until %v", at, got, gotOK, now, set, ok, end)
			}
		}
		pruned := heat.Schedule{Slots: s.Slots, Exceptions: append([]heat.Exception(nil), s.Exceptions...)}
		pruned.Prune(now)
		if got, gotOK, _, gotUntil := pruned.At(now); got != set || gotOK != ok || !gotUntil.Equal(until) {
			t.Fatalf("pruning changes the answer to %v, %v, %v", got, gotOK, gotUntil)
		}
	})
}
