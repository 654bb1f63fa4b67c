package main

import (
	"math"
	"testing"
	"time"

	"hearth/heat"
	"hearth/plan"
	"hearth/units"
)

// checkPlan holds what the home's ledger tells against the plan of the same
// room: the home lives by the minute, under a thermostat, with real drivers,
// and the plan reckons by the hour.
func (w *winter) checkPlan(days int) {
	t := w.t
	t.Helper()
	if err := w.store.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	lived, err := livedIn(t.Context(), w.store, nil, days)
	if err != nil {
		t.Fatal(err)
	}
	if len(lived.rooms) != 1 || !lived.simulated {
		t.Errorf("rooms %q, simulated %v", lived.rooms, lived.simulated)
	}
	room := heat.WellInsulatedRoom()
	a, err := plan.Agree(plan.Home{Rooms: &room, Internal: occupant}, w.sim.year, lived.hours)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(a)
	if want := (days - 2) * 24; a.Hours < want || a.Worst != units.Simulated {
		t.Errorf("%d hours counted, want %d and more; %d left, %s", a.Hours, want, a.Left, a.Worst)
	}
	if off, ok := a.Off.Get(); !ok || math.Abs(float64(off)) > 0.04 {
		t.Errorf("the plan is off by %v, want at most 4 %%", a.Off)
	}
}

// TestHeatsWithoutRecords: hours from before the home was there are unknown.
func TestHeatsWithoutRecords(t *testing.T) {
	from := time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)
	for _, rooms := range [][]string{nil, {"living"}} {
		heats, err := (&lived{rooms: rooms}).heats(nil, from, from.Add(3*time.Hour))
		if err != nil || len(heats) != 3 {
			t.Fatalf("%d hours, %v", len(heats), err)
		}
		for _, h := range heats {
			if h.IsKnown() {
				t.Errorf("%v is known, with rooms %q and no record", h, rooms)
			}
		}
	}
}
