package axeos_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/device"
	"hearth/device/devicetest"
	"hearth/drivers/axeos"
	"hearth/emulate"
	fake "hearth/emulate/axeos"
	"hearth/units"
)

// bench is a driver and the emulated miner it drives, over a real socket, in a
// world whose clock the test moves.
type bench struct {
	*axeos.Miner
	t     *testing.T
	emu   *fake.Emulator
	clock *emulate.Manual
	addr  string
}

func start(t *testing.T, c fake.Config) bench {
	t.Helper()
	clock := emulate.NewManual(time.Date(2026, 1, 12, 6, 0, 0, 0, time.UTC))
	c.Clock = clock.Now
	emu := fake.New(c)
	addr := devicetest.Serve(t, emu)
	m, err := axeos.Open(axeos.Config{Address: addr}, device.Env{Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return bench{m, t, emu, clock, addr}
}

func (b bench) read() device.Reading {
	b.t.Helper()
	r, err := b.Read(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b bench) caps() device.Capabilities {
	b.t.Helper()
	c, err := b.Capabilities(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// do applies a demand, lets the given time pass and holds the reading against
// the demand.
func (b bench) do(d device.Demand, wait time.Duration) device.Applied {
	b.t.Helper()
	a, err := b.Apply(b.t.Context(), d)
	if err != nil {
		b.t.Fatal(err)
	}
	b.clock.Advance(wait)
	if ok, why := device.Meets(b.caps(), a, b.read()); !ok {
		b.t.Errorf("%v was not met: %s", d, why)
	}
	return a
}

func TestIdentity(t *testing.T) {
	for model, want := range map[fake.Model]device.Identity{
		fake.Gamma:    {Vendor: "Bitaxe", Model: "Gamma 601", Firmware: "v2.14.0", Serial: "02:ae:05:00:00:01", Simulated: true},
		fake.NerdQAxe: {Vendor: "NerdAxe", Model: "NerdQAxe+", Firmware: "v1.0.36", Serial: "02:ae:05:00:00:01", Simulated: true},
	} {
		b := start(t, fake.Config{Model: model, MAC: "02:AE:05:00:00:01"})
		got, err := axeos.Probe(t.Context(), b.addr)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestCapabilities(t *testing.T) {
	for _, c := range []struct {
		name   string
		config fake.Config
		verbs  []device.Verb
		levels string
		max    units.Watts
	}{
		{"Max", fake.Config{Model: fake.Max}, []device.Verb{device.SetLevel, device.Run, device.Pause}, "f400 f425", 25},
		{"Ultra", fake.Config{Model: fake.Ultra}, []device.Verb{device.SetLevel, device.Run, device.Pause}, "f400 f425 f450 f475 f485", 25},
		{"Supra", fake.Config{Model: fake.Supra}, []device.Verb{device.SetLevel, device.Run, device.Pause}, "f400 f425 f450 f475 f485 f490", 40},
		{"Gamma", fake.Config{Model: fake.Gamma}, []device.Verb{device.SetLevel, device.Run, device.Pause}, "f400 f490 f525", 40},
		{"GammaTurbo", fake.Config{Model: fake.GammaTurbo}, []device.Verb{device.SetLevel, device.Run, device.Pause}, "f400 f490 f525", 60},
		{"NerdQAxe+", fake.Config{Model: fake.NerdQAxe}, []device.Verb{device.SetLevel, device.Run, device.Off}, "f400 f425 f450 f475 f485 f490", 100},
		{"firmware without pause", fake.Config{Firmware: "v2.9.21"}, []device.Verb{device.SetLevel}, "f400 f490 f525", 40},
		{"its owner runs it fast", fake.Config{Frequency: 612.5, CoreVoltage: 1200}, []device.Verb{device.SetLevel, device.Run, device.Pause}, "f400 f490 f525 f550 f600 f612.5", 40},
		{"single precision", fake.Config{Frequency: 524.99994}, []device.Verb{device.SetLevel, device.Run, device.Pause}, "f400 f490 f525", 40},
		{"its owner runs it slowly", fake.Config{Frequency: 350}, []device.Verb{device.SetLevel, device.Run, device.Pause}, "f350 f400 f490 f525", 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := start(t, c.config).caps()
			for _, v := range c.verbs {
				if !got.Can(v) {
					t.Errorf("it cannot %s", v)
				}
			}
			if len(got.Verbs) != len(c.verbs) {
				t.Errorf("verbs %v, want %v", got.Verbs, c.verbs)
			}
			var ids []string
			before := units.Watts(0)
			for _, l := range got.Levels {
				ids = append(ids, l.ID)
				w, known := l.Power.Get()
				if !known || w <= before || w > got.Max || l.Power.From() < units.Estimate {
					t.Errorf("level %s: %v (%v) after %v", l.ID, l.Power, l.Power.From(), before)
				}
				before = w
			}
			if s := strings.Join(ids, " "); s != c.levels {
				t.Errorf("levels %s, want %s", s, c.levels)
			}
			if got.Max != c.max || got.Limp != device.LimpStops || got.DeadMan != 0 || got.WattSource != units.Estimate || got.Work != device.Hashing {
				t.Errorf("max %v, limp %v, dead-man %v, watts from %v, work %v", got.Max, got.Limp, got.DeadMan, got.WattSource, got.Work)
			}
			if cost := got.Verbs[device.SetLevel]; !cost.Flash || cost.PerHour == 0 || cost.PerHour > 6 {
				t.Errorf("cost of a level: %+v", cost)
			}
		})
	}
}

func TestReadingOfAMinerAtWork(t *testing.T) {
	r := start(t, fake.Config{Model: fake.GammaTurbo}).read()
	if r.State != device.StateHeating || len(r.Faults) != 0 {
		t.Errorf("state %s, faults %v", r.State, r.Faults)
	}
	if w, ok := r.Power.Get(); !ok || w < 45 || w > 47 || r.Power.From() != units.Estimate {
		t.Errorf("power %v, %v", r.Power, r.Power.From())
	}
	if h, ok := r.HashRate.Get(); !ok || h < 2e12 || h > 2.3e12 {
		t.Errorf("hash rate %v", r.HashRate)
	}
	if l, _ := r.Level.Get(); l != "f525" {
		t.Errorf("level %v", r.Level)
	}
	if p, ok := r.Pool.Get(); !p || !ok {
		t.Errorf("pool %v", r.Pool)
	}
	if up, _ := r.Uptime.Get(); up != time.Hour {
		t.Errorf("uptime %v", r.Uptime)
	}
	if len(r.Temps) != 3 || !r.Temps[0].Value.IsKnown() || !r.Temps[1].Value.IsKnown() || r.Temps[2].Kind != device.Regulator {
		t.Errorf("temperatures %v", r.Temps)
	}
	if len(r.Fans) != 1 || !r.Fans[0].Speed.IsKnown() {
		t.Errorf("fans %v", r.Fans)
	}
	for name, known := range map[string]bool{"energy": r.Energy.IsKnown(), "target": r.Target.IsKnown(), "flow": r.Flow.IsKnown()} {
		if known {
			t.Errorf("%s is known, although the miner does not tell it", name)
		}
	}
}

func TestADayOfABitaxe(t *testing.T) {
	b := start(t, fake.Config{Model: fake.Gamma})

	// Paused, it draws its idle watts, and asking again sends nothing.
	for range 4 {
		b.do(device.Demand{Verb: device.Pause}, time.Minute)
	}
	if r := b.read(); r.State != device.StatePaused {
		t.Errorf("state %s after a pause", r.State)
	}
	if idle, ok := b.caps().Idle.Get(); !ok || idle < 6 || idle > 8 || b.caps().Idle.From() != units.Estimate {
		t.Errorf("idle %v, %v", b.caps().Idle, b.caps().Idle.From())
	}

	// Resumed, it starts: it is not taken for one without a pool.
	if _, err := b.Apply(t.Context(), device.Demand{Verb: device.Run}); err != nil {
		t.Fatal(err)
	}
	if s := b.read().State; s != device.StateStarting {
		t.Errorf("state %s just after it resumed", s)
	}
	b.clock.Advance(time.Minute)
	b.do(device.Demand{Verb: device.Run}, 0)
	if b.emu.FlashWrites() != 0 {
		t.Errorf("pause and run wrote flash %d times", b.emu.FlashWrites())
	}

	// A level is written once, and starts a miner that is paused.
	b.do(device.Demand{Verb: device.Pause}, time.Minute)
	if a := b.do(device.Demand{Verb: device.SetLevel, Level: "f400"}, time.Minute); !a.Flash || a.Level != "f400" {
		t.Errorf("applied %+v", a)
	}
	if a := b.do(device.Demand{Verb: device.SetLevel, Level: "f400"}, time.Minute); a.Flash {
		t.Error("the same level again is said to have written flash")
	}
	if n := b.emu.FlashWrites(); n != 1 {
		t.Errorf("%d writes to flash, want 1", n)
	}

	// A restart forgets the pause, and the reading says so.
	b.do(device.Demand{Verb: device.Pause}, time.Minute)
	b.emu.Faults().Reboot()
	b.clock.Advance(11 * time.Second)
	r := b.read()
	if r.State != device.StateStarting {
		t.Errorf("state %s while it boots", r.State)
	}
	for _, temp := range r.Temps {
		if temp.Value.IsKnown() {
			t.Errorf("%s is %v although the chip is not started", temp.Name, temp.Value)
		}
	}
	b.clock.Advance(2 * time.Minute)
	if s := b.read().State; s != device.StateHeating {
		t.Errorf("state %s after a restart, want heating: the pause is forgotten", s)
	}
}

func TestADayOfANerdQAxe(t *testing.T) {
	b := start(t, fake.Config{Model: fake.NerdQAxe})
	b.do(device.Demand{Verb: device.Off}, time.Minute)
	b.do(device.Demand{Verb: device.Off}, 0)
	if r := b.read(); r.State != device.StateOff {
		t.Errorf("state %s", r.State)
	}
	b.do(device.Demand{Verb: device.Run}, 2*time.Minute)
	up, _ := b.read().Uptime.Get()
	b.do(device.Demand{Verb: device.Run}, time.Minute)
	if now, _ := b.read().Uptime.Get(); now < up {
		t.Error("Run restarted a miner that was running")
	}
	b.do(device.Demand{Verb: device.Off}, time.Minute)
	b.do(device.Demand{Verb: device.SetLevel, Level: "f400"}, 2*time.Minute)
	if _, err := b.Apply(t.Context(), device.Demand{Verb: device.Pause}); !errors.Is(err, device.ErrUnsupported) {
		t.Errorf("pause: error %v, want unsupported", err)
	}
	if err := b.Blink(t.Context()); !errors.Is(err, device.ErrUnsupported) {
		t.Errorf("blink: error %v, want unsupported", err)
	}
}

func TestPowerIsLearned(t *testing.T) {
	b := start(t, fake.Config{Model: fake.Gamma})
	level := func(id string) units.Known[units.Watts] {
		l, ok := b.caps().Level(id)
		if !ok {
			t.Fatalf("no level %s", id)
		}
		return l.Power
	}
	if p := level("f400"); p.From() != units.Nameplate {
		t.Errorf("before it was watched, f400 is %v by %v, want the nameplate", p, p.From())
	}
	b.emu.Faults().SetLyingWatts(1.2) // a board that draws more than its kind
	for range 8 {
		b.read()
		b.clock.Advance(time.Minute)
	}
	at525, at400 := level("f525"), level("f400")
	if w, _ := at525.Get(); at525.From() != units.Estimate || w < 28 || w > 29.5 {
		t.Errorf("f525 is %v by %v, want what was read", at525, at525.From())
	}
	if w, _ := at400.Get(); at400.From() != units.Estimate || w < 22 || w > 24 {
		t.Errorf("f400 is %v by %v, want it scaled from f525", at400, at400.From())
	}
	if e := b.caps().Efficient; e != "f525" {
		t.Errorf("efficient at %s: at one voltage the fastest makes most work of its fixed watts", e)
	}
}

func TestFaults(t *testing.T) {
	t.Run("no pool", func(t *testing.T) {
		b := start(t, fake.Config{})
		b.emu.SetPool(false)
		b.clock.Advance(5 * time.Minute)
		r := b.read()
		if p, known := r.Pool.Get(); r.State != device.StateLimp || p || !known {
			t.Errorf("state %s, pool %v", r.State, r.Pool)
		}
	})
	t.Run("overheated", func(t *testing.T) {
		b := start(t, fake.Config{})
		b.emu.BlockFan(true)
		for range 120 {
			b.clock.Advance(2 * time.Second)
			if b.read().State == device.StateFault {
				break
			}
		}
		r := b.read()
		if r.State != device.StateFault || len(r.Faults) != 1 || r.Faults[0].Code != "overheat" {
			t.Fatalf("state %s, faults %v", r.State, r.Faults)
		}
		if _, err := b.Apply(t.Context(), device.Demand{Verb: device.Run}); !errors.Is(err, device.ErrRefused) {
			t.Errorf("run: error %v, want refused", err)
		}
		writes := b.emu.FlashWrites()
		if _, err := b.Apply(t.Context(), device.Demand{Verb: device.SetLevel, Level: "f400"}); !errors.Is(err, device.ErrRefused) {
			t.Errorf("level: error %v, want refused", err)
		}
		if b.emu.FlashWrites() != writes {
			t.Error("a refused level was written")
		}
		if _, err := b.Apply(t.Context(), device.Demand{Verb: device.Pause}); err != nil {
			t.Errorf("pause: %v, but stopping must always work", err)
		}
		b.emu.BlockFan(false)
		b.clock.Advance(3 * time.Minute)
		b.do(device.Demand{Verb: device.Pause}, 0)
	})
	t.Run("a NerdQAxe overheated", func(t *testing.T) {
		b := start(t, fake.Config{Model: fake.NerdQAxe})
		b.do(device.Demand{Verb: device.Run}, 0)
		b.emu.BlockFan(true)
		b.clock.Advance(10 * time.Minute)
		if r := b.read(); r.State != device.StateOff || len(r.Faults) != 1 || r.Faults[0].Code != "self_shutdown" {
			t.Errorf("state %s, faults %v", r.State, r.Faults)
		}
		for _, d := range []device.Demand{{Verb: device.Run}, {Verb: device.SetLevel, Level: "f400"}} {
			if _, err := b.Apply(t.Context(), d); !errors.Is(err, device.ErrRefused) {
				t.Errorf("%s: error %v, want refused", d.Verb, err)
			}
		}
		b.do(device.Demand{Verb: device.Off}, 0)
		b.emu.BlockFan(false)
		b.emu.Reboot() // on its own page
		b.clock.Advance(2 * time.Minute)
		if r := b.read(); r.State != device.StateHeating || len(r.Faults) != 0 {
			t.Errorf("state %s, faults %v", r.State, r.Faults)
		}
		b.do(device.Demand{Verb: device.Off}, time.Minute)
		if r := b.read(); len(r.Faults) != 0 {
			t.Errorf("faults %v after an order", r.Faults)
		}
		b.do(device.Demand{Verb: device.Run}, 2*time.Minute)
	})
	t.Run("regulator", func(t *testing.T) {
		b := start(t, fake.Config{})
		b.emu.SetPowerFault("VIN undervoltage")
		b.clock.Advance(5 * time.Minute)
		r := b.read()
		if r.State != device.StateFault || len(r.Faults) != 1 || !strings.Contains(r.Faults[0].Text, "VIN undervoltage") {
			t.Errorf("state %s, faults %v", r.State, r.Faults)
		}
	})
	t.Run("says OK and does nothing", func(t *testing.T) {
		b := start(t, fake.Config{})
		b.emu.Faults().SetLyingOK(true)
		a, err := b.Apply(t.Context(), device.Demand{Verb: device.Pause})
		if err != nil {
			t.Fatal(err)
		}
		b.clock.Advance(time.Minute)
		if ok, _ := device.Meets(b.caps(), a, b.read()); ok {
			t.Error("a pause that did nothing counts as met")
		}
	})
	t.Run("one-time password", func(t *testing.T) {
		b := start(t, fake.Config{Model: fake.NerdQAxe, OTP: true})
		if b.caps().WriteGate == "" {
			t.Error("nothing tells a person what to do")
		}
		if _, err := b.Apply(t.Context(), device.Demand{Verb: device.Off}); !errors.Is(err, device.ErrRefused) {
			t.Errorf("off: error %v, want refused", err)
		}
		b.clock.Advance(time.Minute)
		if s := b.read().State; s != device.StateHeating {
			t.Errorf("state %s", s)
		}
	})
	t.Run("unplugged", func(t *testing.T) {
		b := start(t, fake.Config{})
		b.emu.Faults().Unplug()
		if _, err := b.Read(t.Context()); !errors.Is(err, device.ErrUnreachable) {
			t.Errorf("error %v, want unreachable", err)
		}
	})
}

func TestUnknownDemandsAreRefusedBeforeAnythingIsSent(t *testing.T) {
	b := start(t, fake.Config{})
	for _, d := range []device.Demand{
		{Verb: device.SetLevel, Level: "f625"}, // not stable at this voltage
		{Verb: device.SetLevel, Level: "f9000"},
		{Verb: device.SetLevel, Level: "eco"},
		{Verb: device.SetLevel},
		{Verb: device.SetPower, Power: 20},
		{Verb: device.Retune, Power: 20},
		{Verb: device.Off},
		{Verb: "explode"},
	} {
		if _, err := b.Apply(t.Context(), d); !errors.Is(err, device.ErrUnsupported) {
			t.Errorf("%+v: error %v, want unsupported", d, err)
		}
	}
	if b.emu.FlashWrites() != 0 {
		t.Error("something was written")
	}
}

func TestBlink(t *testing.T) {
	b := start(t, fake.Config{})
	if err := b.Blink(t.Context()); err != nil || b.emu.Greetings() != 1 {
		t.Errorf("error %v, greeted %d times", err, b.emu.Greetings())
	}
}

func TestKindOpensFromConfiguration(t *testing.T) {
	env := device.Env{Name: "desk", Now: time.Now}
	if _, err := axeos.Kind().Open(t.Context(), nil, env); err == nil || !strings.Contains(err.Error(), "address is missing") {
		t.Errorf("without address: error %v", err)
	}
	d, err := axeos.Kind().Open(t.Context(), func(c any) error {
		c.(*axeos.Config).Address = "192.0.2.1"
		return nil
	}, env)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
