package control_test

import (
	"math"
	"testing"
	"time"

	"hearth/control"
	"hearth/device"
	"hearth/heat"
	"hearth/units"
)

// livingRoom is the home of the closed loops: a room with a design load of
// about 1.2 kW at -20 °C, a miner, a small one, and a resistive backup.
func livingRoom() control.Config {
	return control.Config{
		Zones: []control.Zone{{
			ID: "living", Name: "Living room", Kind: control.Room, SetPoint: 21,
			Load: 1200, DesignOutdoor: -20, Limit: 30,
			Sensor: control.SensorPolicy{StaleAfter: 5 * time.Minute, Min: -20, Max: 50, OnLoss: control.LossLow},
		}},
		Heaters: []control.Heater{
			{ID: "mini", Zone: "living", Role: control.Primary, MinOn: 10 * time.Minute, MinOff: 10 * time.Minute, StartsPerDay: 12},
			{ID: "axe", Zone: "living", Role: control.Primary, StartsPerDay: 24},
			{ID: "wire", Zone: "living", Role: control.Backup, MinOn: 5 * time.Minute, MinOff: 5 * time.Minute, StartsPerDay: 24},
		},
	}
}

// house couples a rig's room to a building.
type house struct {
	*rig
	stepper heat.Stepper
	nodes   heat.Nodes
	outside func(time.Time) heat.Inputs

	minutes, cold  int
	below, above   float64 // worst, K
	energy, backup units.Joules
}

func newHouse(r *rig, at units.Celsius, outside func(time.Time) heat.Inputs) *house {
	b := heat.WellInsulatedRoom()
	m, err := b.Model()
	if err != nil {
		r.t.Fatal(err)
	}
	return &house{rig: r, stepper: m.Every(r.tick), nodes: m.Held(at, outside(r.now).Outdoor), outside: outside}
}

func (h *house) minute() {
	in := h.outside(h.now)
	h.outdoor = units.Know(in.Outdoor, h.now, units.Meter)
	// A thermometer shows tenths.
	h.zones["living"].temp = math.Round(float64(h.nodes.Air)*10) / 10
	h.step()
	in.Heat = h.heat()
	h.nodes = h.stepper.Step(h.nodes, in)
	h.energy += in.Heat.Over(h.tick)
	for _, m := range h.machines {
		if m.caps.Work == device.Resistive {
			h.backup += m.draws().Over(h.tick)
		}
	}
	if set, ok := h.last.Zones["living"].SetPoint.Get(); ok {
		gap := float64(h.nodes.Air - set)
		h.minutes++
		h.below, h.above = min(h.below, gap), max(h.above, gap)
		if gap < -0.5 {
			h.cold++
		}
	}
}

func (h *house) coldShare() units.Fraction {
	return units.Fraction(float64(h.cold) / float64(h.minutes))
}

// january is a cold week: a mean of -8 °C with a swing by day, and a spell
// that falls to -20 °C.
func january(t time.Time) heat.Inputs {
	hours := t.Sub(time.Date(2026, 1, 12, 0, 0, 0, 0, time.UTC)).Hours()
	day := math.Sin((hours - 9) / 24 * 2 * math.Pi)
	spell := -9 * math.Exp(-math.Pow((hours-84)/20, 2))
	in := heat.Inputs{Outdoor: units.Celsius(-8 + 3*day + spell), Internal: 40}
	if day > 0 {
		in.Solar = units.Watts(150 * day)
	}
	return in
}

// The week that the whole is for: comfort kept, starts within their budgets,
// most of the heat computed.
func TestJanuaryWeek(t *testing.T) {
	mini, axe, wire := avalon("mini"), bitaxe("axe"), resistive("wire", 1000)
	h := newHouse(newRig(t, livingRoom(), mini, axe, wire), 21, january)
	worst := map[string]int{}
	for range 7 * 24 * 60 {
		h.minute()
		for id, b := range h.last.Budgets {
			worst[id] = max(worst[id], b.Starts)
			if b.StartsLimit > 0 && b.Starts > b.StartsLimit {
				t.Fatalf("%v: %s started %d times in a day, its budget is %d", h.now, id, b.Starts, b.StartsLimit)
			}
		}
	}
	share := units.Fraction(h.backup / h.energy)
	t.Logf("below the set-point by more than 0.5 K: %v of the time; worst %.2f K below, %.2f K above", h.coldShare(), -h.below, h.above)
	t.Logf("heat %v, backup's share %v", h.energy.KilowattHours(), share)
	t.Logf("most starts in 24 h: %v; commands: mini %d, axe %d, wire %d", worst, mini.commands, axe.commands, wire.commands)
	if h.coldShare() >= 0.02 {
		t.Errorf("too cold for %v of the time, want under 2 %%", h.coldShare())
	}
	if h.above > 1.5 {
		t.Errorf("%.2f K above the set-point, want at most 1.5 K", h.above)
	}
	if share > 0.10 {
		t.Errorf("the backup gave %v of the heat: the miners could have given more", share)
	}
	for _, m := range h.machines {
		if n := mostIn24h(m.starts); n != worst[m.id] && n > worst[m.id] {
			t.Errorf("%s really started %d times in a day, the books say %d", m.id, n, worst[m.id])
		}
	}
}

func mostIn24h(starts []time.Time) int {
	most := 0
	for i := range starts {
		n := 0
		for j := i; j < len(starts) && starts[j].Sub(starts[i]) < 24*time.Hour; j++ {
			n++
		}
		most = max(most, n)
	}
	return most
}

// The same cold days with every lever pulled for half of the second: the room
// never gets too hot, it is never left to freeze while anything can heat, no
// command leaves the envelope, and comfort comes back.
func TestJanuaryFaults(t *testing.T) {
	for _, fault := range []struct {
		name         string
		strike, mend func(h *house)
	}{
		{"miner unplugged", func(h *house) { h.machine("mini").unplugged = true }, func(h *house) { h.machine("mini").unplugged = false }},
		{"miner lies", func(h *house) { h.machine("mini").lying = true }, func(h *house) { h.machine("mini").lying = false }},
		{"miner draws though off", func(h *house) { h.machine("mini").stuck = true }, func(h *house) { h.machine("mini").stuck = false }},
		{"miner faulty", func(h *house) { h.machine("mini").fault = "fan" }, func(h *house) { h.machine("mini").fault = "" }},
		{
			"no pool", func(h *house) { h.machine("mini").poolless, h.machine("axe").poolless = true, true },
			func(h *house) { h.machine("mini").poolless, h.machine("axe").poolless = false, false },
		},
		{"backup lies", func(h *house) { h.machine("wire").lying = true }, func(h *house) { h.machine("wire").lying = false }},
		{"backup unplugged", func(h *house) { h.machine("wire").unplugged = true }, func(h *house) { h.machine("wire").unplugged = false }},
		{"chip hot", func(h *house) { h.machine("mini").chip = 99 }, func(h *house) { h.machine("mini").chip = 60 }},
		{"sensor lost", func(h *house) { h.zones["living"].why = "no answer" }, func(h *house) { h.zones["living"].why = "" }},
		{"sensor stale", func(h *house) { h.zones["living"].stuckAt = h.now }, func(h *house) { h.zones["living"].stuckAt = time.Time{} }},
		{"Hearth restarts", func(h *house) { h.home = restarted(t, livingRoom(), h.home) }, func(*house) {}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			cfg := livingRoom()
			machines := []*machine{avalon("mini"), bitaxe("axe"), resistive("wire", 1000)}
			h := newHouse(newRig(t, cfg, machines...), 21, january)
			a := newAuditor(cfg, machines)
			minutes := func(n int) {
				for range n {
					h.minute()
					if err := a.audit(h.seen, h.last); err != nil {
						t.Fatalf("%v: %v", h.now, err)
					}
				}
			}
			minutes(24 * 60)
			fault.strike(h)
			if fault.name == "Hearth restarts" {
				clear(a.standing)
			}
			minutes(12 * 60)
			fault.mend(h)
			minutes(10)
			for _, tr := range h.last.Trips {
				if tr.Latched && tr.Ready {
					if err := h.home.Clear(tr.ID, h.now); err != nil {
						t.Error(err)
					}
				}
			}
			during := h.below
			minutes(5 * 60)
			h.minutes, h.cold, h.below = 0, 0, 0
			minutes(12 * 60)
			t.Logf("at worst %.2f K below and %.2f K above; afterwards cold for %v of the time", -during, h.above, h.coldShare())
			if h.above > 8 {
				t.Errorf("%.1f K above the set-point", h.above)
			}
			if float64(h.nodes.Air) > 30 || during < -14 {
				t.Errorf("unsafe: %.1f K below, %v", -during, h.nodes.Air)
			}
			if h.coldShare() > 0.05 {
				t.Errorf("afterwards cold for %v of the time", h.coldShare())
			}
		})
	}
}

// A room that is let cool at night is warm in the morning: heating begins
// before the set-point does.
func TestWarmUp(t *testing.T) {
	cfg := livingRoom()
	cfg.Zones[0].Schedule.Slots = []heat.Slot{{From: 6 * 60, Set: 21, Name: "day"}, {From: 22 * 60, Set: 18.5, Name: "night"}}
	h := newHouse(newRig(t, cfg, avalon("mini"), bitaxe("axe"), resistive("wire", 1000)), 21, func(at time.Time) heat.Inputs {
		return heat.Inputs{Outdoor: 2, Internal: 40}
	})
	for range 5 * 24 * 60 {
		h.minute()
		if h.now.Hour() == 6 && h.now.Minute() == 1 && h.now.Day() > 13 && h.nodes.Air < 20.4 {
			t.Errorf("%v: %.1f °C at six in the morning", h.now, float64(h.nodes.Air))
		}
	}
	t.Logf("cold %v of the time, the backup's share %v", h.coldShare(), units.Fraction(h.backup/h.energy))
	if h.coldShare() > 0.02 {
		t.Errorf("cold for %v of the time", h.coldShare())
	}
	if h.backup > h.energy/20 {
		t.Errorf("the backup gave %v of the heat: warming up in time needs none", units.Fraction(h.backup/h.energy))
	}
}
