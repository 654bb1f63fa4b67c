package control_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/control"
	"hearth/device"
	"hearth/heat"
	"hearth/units"
)

func TestNewHomeRefuses(t *testing.T) {
	room := func(change func(*control.Zone)) control.Config {
		z := control.Zone{ID: "living", Kind: control.Room, SetPoint: 21}
		change(&z)
		return control.Config{Zones: []control.Zone{z}}
	}
	tank := func(change func(*control.Zone)) control.Config {
		z := control.Zone{ID: "tank", Kind: control.Tank, SetPoint: 50}
		change(&z)
		return control.Config{Zones: []control.Zone{z}}
	}
	heater := func(hs ...control.Heater) control.Config {
		c := room(func(*control.Zone) {})
		c.Heaters = hs
		return c
	}
	mini := control.Heater{ID: "mini", Zone: "living", Role: control.Primary}
	with := func(change func(*control.Heater)) control.Heater {
		h := mini
		change(&h)
		return h
	}
	for _, test := range []struct {
		name string
		cfg  control.Config
		want string // empty: accepted
	}{
		{"nothing at all", control.Config{}, ""},
		{"a plain room", room(func(*control.Zone) {}), ""},
		{"a plain tank", tank(func(*control.Zone) {}), ""},
		{"a zone without id", room(func(z *control.Zone) { z.ID = "" }), "a zone has no id"},
		{"two zones of one id", control.Config{Zones: []control.Zone{{ID: "a", Kind: control.Manual}, {ID: "a", Kind: control.Manual}}}, `two zones have the id "a"`},
		{"an odd kind", room(func(z *control.Zone) { z.Kind = "pool" }), `"pool" is not a kind of zone`},
		{"a sauna", room(func(z *control.Zone) { z.SetPoint = 60 }), "the set-point of 60.0 °C must lie between 5.0 °C and 30.0 °C"},
		{"an ice box", room(func(z *control.Zone) { z.SetPoint = 2 }), "must lie between"},
		{"a set-point that is not a number", room(func(z *control.Zone) { z.SetPoint /= 0 * z.SetPoint }), "not a number"},
		{"boiling water", tank(func(z *control.Zone) { z.SetPoint = 90 }), "must lie between 10.0 °C and 75.0 °C"},
		{"a tank's limit above the hardware's", tank(func(z *control.Zone) { z.Limit = 95 }), "must lie between 15.0 °C and 85.0 °C"},
		{"a limit at the set-point", room(func(z *control.Zone) { z.Limit = 21 }), "must lie between 5.0 °C and 20.0 °C"},
		{"a frost floor above the set-point", room(func(z *control.Zone) { z.Frost, z.SetPoint = 15, 12 }), "frost floor"},
		{"a band of nothing", room(func(z *control.Zone) { z.Band = -1 }), "the band"},
		{"an empty sensor range", room(func(z *control.Zone) { z.Sensor.Min, z.Sensor.Max = 10, 5 }), "is empty"},
		{"an odd loss action", room(func(z *control.Zone) { z.Sensor.OnLoss = "pray" }), `"pray" is not something to do`},
		{"a blind tank", tank(func(z *control.Zone) { z.Sensor.OnLoss = control.LossLow }), "a tank without its sensor must go off"},
		{"a legionella cycle for a room", room(func(z *control.Zone) { z.Legionella = &control.Legionella{} }), "only a tank"},
		{"a lukewarm cycle", tank(func(z *control.Zone) {
			z.Legionella = &control.Legionella{Every: 168 * time.Hour, Reach: 55, Hold: time.Hour, Within: 8 * time.Hour}
		}), "must reach at least 60.0 °C"},
		{"a cycle up to the limit", tank(func(z *control.Zone) {
			z.Limit = 62
			z.Legionella = &control.Legionella{Every: 168 * time.Hour, Reach: 60, Hold: time.Hour, Within: 8 * time.Hour}
		}), "leaves no room"},
		{"a cycle without end", tank(func(z *control.Zone) {
			z.Legionella = &control.Legionella{Every: 168 * time.Hour, Reach: 60, Hold: time.Hour, Within: 200 * time.Hour}
		}), "want every"},
		{"a schedule out of range", room(func(z *control.Zone) { z.Schedule.Slots = []heat.Slot{{Set: 40}} }), "schedule: slot 1 (00:00): 40.0 °C is outside"},
		{"quiet for no time", room(func(z *control.Zone) { z.Quiet = []control.Quiet{{From: 60, To: 60}} }), "quiet hours 1"},
		{"a heater in no zone", heater(with(func(h *control.Heater) { h.Zone = "moon" })), `heater mini: there is no zone "moon"`},
		{"two heaters of one id", heater(mini, mini), `two heaters have the id "mini"`},
		{"a heater without a role", heater(with(func(h *control.Heater) { h.Role = "" })), `"" is not a role`},
		{"a negative limit", heater(with(func(h *control.Heater) { h.Limit = -1 })), "power limit"},
		{"a chip limit beyond sense", heater(with(func(h *control.Heater) { h.ChipLimit = 400 })), "chip limit"},
		{"its own relay", heater(with(func(h *control.Heater) { h.Relay = "mini" })), "own relay"},
		{"a heater for a relay", heater(with(func(h *control.Heater) { h.Relay = "wire" }), control.Heater{ID: "wire", Zone: "living", Role: control.Backup}), "is a heater itself"},
		{"a negative cap", control.Config{MaxPower: -1}, "greatest power"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := control.NewHome(test.cfg)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestWishes(t *testing.T) {
	r := newRig(t, manor(), manorMachines()...)
	r.zones["living"].temp = 21
	r.run(time.Hour)
	set := func() (units.Celsius, string, string) {
		d := r.step().Zones["living"]
		s, _ := d.SetPoint.Get()
		return s, d.Why, d.Preset
	}
	check := func(step string, wantSet units.Celsius, wantWhy, wantPreset string) {
		t.Helper()
		if s, why, preset := set(); s != wantSet || why != wantWhy || preset != wantPreset {
			t.Errorf("%s: %v, %q, %q; want %v, %q, %q", step, s, why, preset, wantSet, wantWhy, wantPreset)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	check("at 01:00", 18, "night, until 06:00", "")
	must(r.home.SetPoint("living", 19.5, time.Time{}, r.now))
	check("the dial holds until the next slot", 19.5, "set by hand, until 06:00", "")
	must(r.home.SetPoint("living", 20, r.now.Add(30*time.Minute), r.now))
	check("or until a time", 20, "set by hand, until 01:32", "")
	must(r.home.Except("living", heat.Exception{Kind: heat.Boost, From: r.now, Until: r.now.Add(time.Hour), Set: 23}))
	check("the last word wins", 23, "boost, until 02:03", "boost")
	must(r.home.Resume("living"))
	check("and is taken back", 18, "night, until 06:00", "")
	must(r.home.Except("living", heat.Exception{Kind: heat.Holiday, From: r.now.Add(24 * time.Hour), Until: r.now.Add(96 * time.Hour), Set: 12}))
	must(r.home.Resume("living"))
	if m := r.home.Memory(); len(m.Zones[0].Exceptions) != 1 {
		t.Errorf("a holiday that has yet to begin is gone: %v", m.Zones[0].Exceptions)
	}
	must(r.home.SetMode("living", true, r.now))
	if d := r.step().Zones["living"]; d.Activity != control.Off || d.SetPoint.IsKnown() {
		t.Errorf("switched off: %+v", d)
	}

	for name, refusal := range map[string]struct {
		err  error
		is   error
		text string
	}{
		"absurd":         {r.home.SetPoint("living", 99, time.Time{}, r.now), control.ErrRefused, "99.0 °C is outside 5.0 °C to 29.0 °C"},
		"nowhere":        {r.home.SetPoint("moon", 20, time.Time{}, r.now), control.ErrUnknown, "set moon"},
		"no thermometer": {r.home.SetPoint("shed", 20, time.Time{}, r.now), control.ErrRefused, "has no thermometer"},
		"past":           {r.home.SetPoint("living", 20, r.now.Add(-time.Hour), r.now), control.ErrRefused, "ends before it begins"},
		"odd":            {r.home.Except("living", heat.Exception{Kind: "party", Set: 20}), control.ErrRefused, "party"},
		"resume":         {r.home.Resume("shed"), control.ErrRefused, "no thermometer"},
		"mode":           {r.home.SetMode("moon", true, r.now), control.ErrUnknown, "moon"},
		"a timed level in a room": {
			r.home.Manual("living", "mini", "eco", r.now.Add(time.Hour), r.now), control.ErrRefused,
			"set its temperature instead",
		},
		"for ever":     {r.home.Manual("shed", "spare", "eco", r.now.Add(48*time.Hour), r.now), control.ErrRefused, "at most 24 h"},
		"without end":  {r.home.Manual("shed", "spare", "eco", time.Time{}, r.now), control.ErrRefused, "a time to end"},
		"odd level":    {r.home.Manual("shed", "spare", "warp", r.now.Add(time.Hour), r.now), control.ErrRefused, "use off, eco, super"},
		"other heater": {r.home.Manual("shed", "mini", "eco", r.now.Add(time.Hour), r.now), control.ErrUnknown, "has no heater mini"},
		"no such trip": {r.home.Clear("frost/living", r.now), control.ErrUnknown, "no such trip"},
	} {
		if refusal.err == nil || !errors.Is(refusal.err, refusal.is) || !strings.Contains(refusal.err.Error(), refusal.text) {
			t.Errorf("%s: got %v, want %v: %q", name, refusal.err, refusal.is, refusal.text)
		}
	}
}

// A heater that follows any power gets small corrections seldom, and its
// dead-man timer is renewed in time but not too often.
func TestModulation(t *testing.T) {
	g := gpu("gpu")
	r := newRig(t, control.Config{
		Zones:   []control.Zone{{ID: "attic", Kind: control.Room, SetPoint: 20, Load: 500, DesignOutdoor: -10}},
		Heaters: []control.Heater{{ID: "gpu", Zone: "attic", Role: control.Primary, Limit: 450}},
	}, g)
	r.outdoor = units.Know(units.Celsius(2), r.now, units.Meter)
	r.tick = 10 * time.Second
	var last time.Time
	var stood device.Demand
	changes := 0
	for i := range 6 * 360 {
		r.zones["attic"].temp = 19.9 + 0.1*float64(i/180%2) // flickers by a tenth twice an hour
		for _, c := range r.step().Commands {
			gap := r.seen.Now.Sub(last)
			if !last.IsZero() && c.Demand.Same(stood) && gap < g.caps.DeadMan/3 {
				t.Fatalf("renewed after %v, at most every %v is needed", gap, g.caps.DeadMan/3)
			}
			if !c.Demand.Same(stood) {
				changes++
			}
			if c.Demand.Power > 450 {
				t.Fatalf("told %v, its limit is 450 W", c.Demand.Power)
			}
			stood, last = c.Demand, r.seen.Now
		}
		if !last.IsZero() && r.seen.Now.Sub(last) > g.caps.DeadMan/2 {
			t.Fatalf("%v without renewal, the dead-man timer is %v", r.seen.Now.Sub(last), g.caps.DeadMan)
		}
	}
	if changes > 60 {
		t.Errorf("%d changes in six hours", changes)
	}
	if len(g.starts) != 1 {
		t.Errorf("started %d times, want once: a heater that modulates need not stop", len(g.starts))
	}
}

// A miner that can only be retuned is pulsed, and retuned seldom: within its
// flash budget, and towards what it is used for.
func TestRetuning(t *testing.T) {
	m := tuned("tuned")
	cfg := control.Config{
		Zones:   []control.Zone{{ID: "living", Kind: control.Room, SetPoint: 21, Load: 1200, DesignOutdoor: -20}},
		Heaters: []control.Heater{{ID: "tuned", Zone: "living", Role: control.Primary, FlashPerDay: 1, StartsPerDay: 24, MinOn: 10 * time.Minute, MinOff: 10 * time.Minute}},
	}
	h := newHouse(newRig(t, cfg, m), 21, func(time.Time) heat.Inputs { return heat.Inputs{Outdoor: 7, Internal: 20} })
	for range 4 * 24 * 60 {
		h.minute()
		if b := h.last.Budgets["tuned"]; b.Flash > b.FlashLimit || b.Starts > b.StartsLimit {
			t.Fatalf("%v: over budget: %+v", h.now, b)
		}
	}
	t.Logf("retuned %d times to %v, started %d times, cold %v", m.flashed, m.aim, len(m.starts), h.coldShare())
	if m.flashed == 0 || m.flashed > 4 {
		t.Errorf("retuned %d times in four days, want once or twice", m.flashed)
	}
	if m.aim < 400 || m.aim > 700 {
		t.Errorf("retuned to %v for a load of some 400 W", m.aim)
	}
	if h.coldShare() > 0.02 {
		t.Errorf("cold for %v of the time", h.coldShare())
	}
}

// A verb with bounds of its own is not used beyond them.
func TestVerbBounds(t *testing.T) {
	m := avalon("mini")
	m.caps.Verbs[device.SetLevel] = device.Cost{Latency: time.Minute, Flash: true, PerHour: 2, PerDay: 10}
	cfg := livingRoom()
	cfg.Heaters = cfg.Heaters[:1]
	cfg.Heaters[0].FlashPerDay = 8
	h := newHouse(newRig(t, cfg, m), 21, january)
	for i := range 3 * 24 * 60 {
		_ = h.home.SetPoint("living", units.Celsius(18+i/20%2*6), time.Time{}, h.now) // somebody plays with the dial
		h.minute()
		if b := h.last.Budgets["mini"]; b.Flash > 8 || b.Starts > 12 {
			t.Fatalf("%v: over budget: %+v", h.now, b)
		}
	}
	if b := h.last.Budgets["mini"]; b.Flash < 4 {
		t.Errorf("only %d writes: the bound was never felt", b.Flash)
	}
}

// Nobody is told what is already so.
func TestNoNeedlessCommand(t *testing.T) {
	r := newRig(t, livingRoom(), avalon("mini"), bitaxe("axe"), resistive("wire", 1000))
	r.zones["living"].temp = 24
	for range 120 {
		if d := r.step(); len(d.Commands) > 0 {
			t.Fatalf("it is warm, everything is off, and yet: %+v", d.Commands)
		}
	}
}

// A miner that Hearth could not stop if it stopped itself is capped.
func TestUnguardedCap(t *testing.T) {
	m := avalon("mini")
	m.caps.Levels = append(m.caps.Levels, device.Level{ID: "mad", Power: known(1500)})
	r := newRig(t, control.Config{
		Zones:   []control.Zone{{ID: "living", Kind: control.Room, SetPoint: 21}},
		Heaters: []control.Heater{{ID: "mini", Zone: "living", Role: control.Primary}},
	}, m)
	r.zones["living"].temp = 15
	r.run(time.Hour)
	if m.level != "super" {
		t.Errorf("runs at %s, want super: the most below %v", m.level, control.UnguardedCap)
	}
}

// Wear and obligations survive a restart.
func TestMemory(t *testing.T) {
	cfg := manor()
	machines := manorMachines()
	r := newRig(t, cfg, machines...)
	r.zones["living"].temp, r.zones["attic"].temp = 17, 12
	tank := r.zones["tank"]
	tank.temp, tank.low, tank.twoNode, tank.metered, tank.flow = 63, 62, true, true, 5
	r.run(90 * time.Minute)
	r.zones["living"].temp = 31
	r.run(10 * time.Minute)
	if err := r.home.SetMode("attic", true, r.now); err != nil {
		t.Fatal(err)
	}
	if err := r.home.SetPoint("tank", 48, time.Time{}, r.now); err != nil {
		t.Fatal(err)
	}
	r.step()
	before, trips := r.last.Budgets, r.last.Trips
	b, err := json.Marshal(r.home.Memory())
	if err != nil {
		t.Fatal(err)
	}
	r.home = restarted(t, cfg, r.home)
	again, err := json.Marshal(r.home.Memory())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(b), string(again)); diff != "" {
		t.Errorf("remembering what was remembered differs: %s", diff)
	}
	r.run(2 * time.Minute)
	for id, was := range before {
		if now := r.last.Budgets[id]; now.Starts < was.Starts || now.Flash < was.Flash {
			t.Errorf("%s: %+v before, %+v after", id, was, now)
		}
	}
	if before["mini"].Starts == 0 {
		t.Error("nothing started: the test shows nothing")
	}
	found := false
	for _, tr := range r.last.Trips {
		found = found || tr.ID == "room_over_temperature/living" && tr.Since.Equal(trips[len(trips)-1].Since)
	}
	if !found {
		t.Errorf("the latched trip is forgotten: %+v", r.last.Trips)
	}
	if r.last.Zones["attic"].Activity != control.Off {
		t.Errorf("the attic is %s, it was switched off", r.last.Zones["attic"].Activity)
	}
	if s, _ := r.last.Zones["tank"].SetPoint.Get(); s != 48 {
		t.Errorf("the tank is to be at %v, it was set to 48 °C", s)
	}
	if m := r.home.Memory(); m.Zones[2].Legionella.Done.IsZero() || m.Zones[2].Legionella.Active {
		t.Errorf("the legionella cycle is forgotten: %+v", m.Zones[2].Legionella)
	}
}

// Whatever a file holds, a home that recalls it stays within its envelope.
func FuzzRecall(f *testing.F) {
	r := newRig(f, manor(), manorMachines()...)
	r.zones["living"].temp = 17
	r.run(3 * time.Hour)
	seed, err := json.Marshal(r.home.Memory())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"zones":[{"id":"living","integral_w":1e308,"mean_w":-5,"mean_seconds":1e300,"exceptions":[{"Kind":"set","Set":400}]}]}`))
	f.Add([]byte(`{"heaters":[{"id":"mini","on":true,"since":"9999-01-01T00:00:00Z","starts":["0001-01-01T00:00:00Z","9999-01-01T00:00:00Z"],"manual_level":"super"}]}`))
	f.Add([]byte(`{"trips":[{"rule":"room_over_temperature","subject":"living"},{"rule":"frost","subject":"moon"}]}`))
	f.Add([]byte(`{"zones":[{"id":"tank","legionella":{"active":true,"began":"9999-01-01T00:00:00Z","done":"9999-01-01T00:00:00Z"}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m control.Memory
		if json.Unmarshal(b, &m) != nil {
			return
		}
		cfg, machines := manor(), manorMachines()
		r := newRig(t, cfg, machines...)
		a := newAuditor(cfg, machines)
		r.home.Recall(m)
		r.zones["living"].temp, r.zones["attic"].temp, r.zones["tank"].temp = 18, 15, 45
		for range 30 {
			r.step()
			if err := a.audit(r.seen, r.last); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := json.Marshal(r.home.Memory()); err != nil {
			t.Fatal(err)
		}
	})
}

// When Hearth stops, every heater is stopped, and told why.
func TestSafe(t *testing.T) {
	r := newRig(t, livingRoom(), avalon("mini"), bitaxe("axe"), resistive("wire", 1000))
	r.zones["living"].temp = 15
	r.run(time.Hour)
	if r.heat() < 1500 {
		t.Fatalf("only %v: the test shows nothing", r.heat())
	}
	for _, c := range r.home.Safe(r.now, "Hearth was stopped") {
		if !c.Urgent || c.Demand.Why != "Hearth was stopped" {
			t.Errorf("%+v", c)
		}
		r.machine(c.Device).apply(c.Demand, r.now)
	}
	if r.heat() > 50 {
		t.Errorf("still %v", r.heat())
	}
}
