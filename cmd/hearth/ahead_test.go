package main

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"hearth/config"
)

// The simulated home planned ahead through all its layers: a tariff of the
// configuration, the weather of the simulation, emulated heaters; and after a
// restart it knows the room from its history. Whether the room is planned with
// is for its trial to say: the sun of the simulation shines in at whim.
func TestPlannedHome(t *testing.T) {
	dir := t.TempDir()
	open := func() *winter {
		sim, err := newSimulation(t.Context(), "Duluth", 1000, "2027-01-11", dir)
		if err != nil {
			t.Fatal(err)
		}
		tariff, err := config.Parse([]byte(`
tariff:
  kind: time_of_use
  price: 0.32 EUR/kWh
  periods: [{name: night, from: "00:00", to: "06:00", price: 0.14 EUR/kWh}]
`))
		if err != nil {
			t.Fatal(err)
		}
		sim.file.Tariff = tariff.Tariff
		sim.file.Period = time.Minute
		room := sim.file.Rooms["living"]
		room.PlanAhead = true
		sim.file.Rooms["living"] = room
		h, err := assemble(t.Context(), sim.file, deps{data: dir, sim: sim, log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return &winter{household: h, sim: sim, t: t}
	}
	shut := func(w *winter) {
		if err := w.site.Stop(t.Context(), "the test ends"); err != nil {
			t.Error(err)
		}
		w.close(t.Context())
	}
	plan := func(w *winter) string { return w.site.State().Zones[0].Plan }

	w := open()
	w.run(time.Hour, nil)
	if got := plan(w); !strings.HasPrefix(got, "Planning ahead is off: the room is not known well enough yet") {
		t.Errorf("in its first hour: %q", got)
	}
	w.run(3*24*time.Hour, nil)
	if got := plan(w); strings.HasPrefix(got, "Planning ahead is off: the room is not known") || got == "" {
		t.Errorf("after three days: %q", got)
	}
	t.Log(plan(w))
	shut(w)

	w = open()
	defer shut(w)
	w.run(20*time.Minute, nil)
	if got := plan(w); strings.HasPrefix(got, "Planning ahead is off: the room is not known") || got == "" {
		t.Errorf("after a restart, with three days of history: %q", got)
	}
}
