package main

import (
	"context"
	"flag"
	"log/slog"
	"maps"
	"math"
	"testing"
	"time"

	"hearth/device"
	"hearth/ledger"
	"hearth/units"
)

// winter is a simulated home in a cold place, stepped by the test: real
// drivers, real sockets, emulated devices, a real ledger; only the wait between
// two steps is left out.
type winter struct {
	*household
	sim *simulation
	t   *testing.T
}

func newWinter(t *testing.T, place string) *winter {
	t.Helper()
	dir := t.TempDir()
	sim, err := newSimulation(t.Context(), place, 1000, "2027-01-11", dir)
	if err != nil {
		t.Fatal(err)
	}
	h, err := assemble(t.Context(), sim.file, deps{data: dir, sim: sim, log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		_ = h.site.Stop(ctx, "the test ends")
		h.close(ctx)
	})
	return &winter{household: h, sim: sim, t: t}
}

// run steps the home for d of its own time and calls each after every step.
func (w *winter) run(d time.Duration, each func()) {
	for end := w.sim.clock.Now().Add(d); w.sim.clock.Now().Before(end); {
		w.sim.clock.Set(w.sim.clock.Now().Add(w.sim.file.Period))
		w.site.Step(w.t.Context())
		if each != nil {
			each()
		}
	}
}

// A January week in a cold place: warm, few starts, and every joule accounted
// for.
func TestJanuaryWeek(t *testing.T) {
	w := newWinter(t, "Duluth")
	w.run(7*24*time.Hour, nil)
	s := w.site.Summary()
	t.Log(summary(s))
	if c, ok := s.Comfort.Get(); !ok || c < 0.98 {
		t.Errorf("comfort = %v: the room was more than 0.5 K below its set-point for over 2 %% of the time", s.Comfort)
	}
	for _, d := range s.Devices {
		limit := 0
		for _, x := range w.site.State().Devices {
			if x.ID == d.ID && x.Budget != nil {
				limit = x.Budget.StartsLimit
			}
		}
		if limit > 0 && d.MostStarts > limit {
			t.Errorf("%s started %d times in one day, its budget is %d", d.Name, d.MostStarts, limit)
		}
	}
	if b, ok := s.Backup.Get(); !ok || b > 0.5 {
		t.Errorf("backup's share = %v: the room is heated mostly without computing", s.Backup)
	}
	w.checkBalance()
	w.checkPlan(6)
}

// checkCold sees that, a while after the stop, the heaters give no more than
// their idle watts to the house.
func (w *winter) checkCold(t *testing.T) {
	t.Helper()
	pass := func(d time.Duration) map[string]units.Joules {
		w.sim.clock.Set(w.sim.clock.Now().Add(d))
		w.sim.house.AdvanceTo(w.sim.clock.Now())
		return w.sim.house.Balance().Heat
	}
	before := maps.Clone(pass(10 * time.Minute))
	for name, e := range pass(10 * time.Minute) {
		if p := (e - before[name]).Mean(10 * time.Minute); p > 60 {
			t.Errorf("%s gives %v to the house long after the stop", name, p)
		}
	}
}

// checkBalance holds the ledger's heat against what the model of the house
// says that it was given.
func (w *winter) checkBalance() {
	w.t.Helper()
	if err := w.site.Stop(w.t.Context(), "the books are closed"); err != nil {
		w.t.Error(err)
	}
	w.sim.house.AdvanceTo(w.sim.clock.Now())
	balance := w.sim.house.Balance()
	given := map[string]units.Joules{}
	var all units.Joules
	for name, e := range balance.Heat {
		given[name] = e
		if name != "sensor" { // a thermometer is no heater, its watt is not counted as heat
			all += e
		}
	}
	counted := map[string]units.Joules{}
	var heat units.Joules
	for from := uint64(1); ; {
		records, err := w.store.Records(w.t.Context(), from, 1000)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(records) == 0 {
			break
		}
		for _, r := range records {
			body, err := r.Decode()
			if err != nil {
				w.t.Fatal(err)
			}
			switch b := body.(type) {
			case ledger.Electricity:
				counted[r.Subject] += b.Joules
			case ledger.Heat:
				heat += b.Joules
			default:
				continue
			}
			if !r.Simulated {
				w.t.Fatalf("record %d of a simulated home is not marked simulated", r.Seq)
			}
		}
		from = records[len(records)-1].Seq + 1
	}
	for name, e := range given {
		w.t.Logf("%s: the house got %v, the ledger has %v", name, e.KilowattHours(), counted[name].KilowattHours())
	}
	if off := math.Abs(float64(heat-all)) / float64(all); off > 0.005 {
		w.t.Errorf("the ledger's heat %v and the house's %v differ by %.2f %%", heat.KilowattHours(), all.KilowattHours(), off*100)
	}
	report, err := w.store.Verify(w.t.Context())
	if err != nil || !report.OK() {
		w.t.Errorf("the ledger does not verify: %v, %v", report, err)
	}
}

// weeks makes every fault part of a whole week instead of a day.
var weeks = flag.Bool("weeks", false, "run each fault within a whole January week")

// Each fault lasts a third of the run: the home must stay within its envelope
// all the time, and be warm again when the fault is gone.
func TestFaultsEndSafe(t *testing.T) {
	faults := []struct {
		name       string
		begin, end func(*winter)
		// cold is set where the fault leaves nothing to heat with.
		cold bool
	}{
		{"mini3 unplugged", func(w *winter) { w.sim.mini.Faults().Unplug() }, func(w *winter) { w.sim.mini.Faults().Plug() }, false},
		{"mini3 garbage", func(w *winter) { w.sim.mini.Faults().SetGarbage(true) }, func(w *winter) { w.sim.mini.Faults().SetGarbage(false) }, false},
		{"mini3 half answers", func(w *winter) { w.sim.mini.Faults().SetPartial(true) }, func(w *winter) { w.sim.mini.Faults().SetPartial(false) }, false},
		{"mini3 OK and nothing done", func(w *winter) { w.sim.mini.Faults().SetLyingOK(true) }, func(w *winter) { w.sim.mini.Faults().SetLyingOK(false) }, false},
		{"mini3 lying watts", func(w *winter) { w.sim.mini.Faults().SetLyingWatts(3) }, func(w *winter) { w.sim.mini.Faults().SetLyingWatts(1) }, false},
		{"mini3 reboots", func(w *winter) { w.sim.mini.Faults().Reboot() }, func(*winter) {}, false},
		{"bitaxe unplugged", func(w *winter) { w.sim.bitaxe.Faults().Unplug() }, func(w *winter) { w.sim.bitaxe.Faults().Plug() }, false},
		{"backup unplugged", func(w *winter) { w.sim.backup.Faults().Unplug() }, func(w *winter) { w.sim.backup.Faults().Plug() }, true},
		{"thermometer unplugged", func(w *winter) { w.sim.sensor.Faults().Unplug() }, func(w *winter) { w.sim.sensor.Faults().Plug() }, true},
		{"thermometer garbage", func(w *winter) { w.sim.sensor.Faults().SetGarbage(true) }, func(w *winter) { w.sim.sensor.Faults().SetGarbage(false) }, true},
		{
			"everything unplugged",
			func(w *winter) {
				w.sim.mini.Faults().Unplug()
				w.sim.bitaxe.Faults().Unplug()
				w.sim.backup.Faults().Unplug()
				w.sim.sensor.Faults().Unplug()
			},
			func(w *winter) {
				w.sim.mini.Faults().Plug()
				w.sim.bitaxe.Faults().Plug()
				w.sim.backup.Faults().Plug()
				w.sim.sensor.Faults().Plug()
			},
			true,
		},
		{"clock jumps a day ahead", func(w *winter) { w.sim.clock.Set(w.sim.clock.Now().Add(24 * time.Hour)) }, func(*winter) {}, true},
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			third := 8 * time.Hour
			if *weeks {
				third = 56 * time.Hour
			}
			w := newWinter(t, "Duluth")
			hottest := units.Celsius(-100)
			safe := func() {
				hottest = max(hottest, w.sim.house.Air())
				for _, d := range w.site.State().Devices {
					if p, ok := d.Reading.Power.Get(); ok && p == 0 && d.Reading.State == device.StateUnknown {
						t.Fatalf("%s: an unknown device shows %v", d.ID, p)
					}
				}
			}
			w.run(third, safe)
			f.begin(w)
			w.run(third, safe)
			coldest := w.sim.house.Air()
			f.end(w)
			w.run(third, safe)
			if hottest > 28 {
				t.Errorf("the room reached %v", hottest)
			}
			if !f.cold && coldest < 17 {
				t.Errorf("the room fell to %v although there was something to heat with", coldest)
			}
			st := w.site.State()
			if temp, ok := st.Zones[0].Temp.Get(); !ok || temp < 19.5 {
				t.Errorf("%v after the fault the room is at %v: %s", third, st.Zones[0].Temp, st.Zones[0].Sentence)
			}
			if err := w.site.Stop(t.Context(), "the test ends"); err != nil {
				t.Error(err)
			}
			w.checkCold(t)
		})
	}
}
