package shelly_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/device"
	"hearth/device/devicetest"
	"hearth/drivers/shelly"
	"hearth/emulate"
	fake "hearth/emulate/shelly"
	"hearth/units"
)

// bench is a driver and the emulated Shelly it drives, over a real socket, in
// a world whose clock the test moves.
type bench struct {
	*shelly.Switch
	t     *testing.T
	emu   *fake.Emulator
	clock *emulate.Manual
	env   device.Env
	addr  string
}

func start(t *testing.T, f fake.Config, c shelly.Config) bench {
	t.Helper()
	clock := emulate.NewManual(time.Date(2026, 1, 12, 6, 0, 0, 0, time.UTC))
	f.Clock = clock.Now
	emu := fake.New(f)
	c.Address, c.User = devicetest.Serve(t, emu), "admin"
	if c.DeadMan == 0 {
		c.DeadMan = 5 * time.Minute
	}
	env := device.Env{Now: clock.Now, Secret: func(ref string) (string, error) { return strings.TrimPrefix(ref, "file:"), nil }}
	s, err := shelly.Open(c, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return bench{s, t, emu, clock, env, c.Address}
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

func (b bench) do(v device.Verb) {
	b.t.Helper()
	a, err := b.Apply(b.t.Context(), device.Demand{Verb: v})
	if err != nil {
		b.t.Fatal(err)
	}
	if ok, why := device.Meets(b.caps(), a, b.read()); !ok {
		b.t.Errorf("%s was not met: %s", v, why)
	}
}

func codes(fs []device.Fault) string {
	var cs []string
	for _, f := range fs {
		cs = append(cs, f.Code)
	}
	return strings.Join(cs, " ")
}

func TestIdentity(t *testing.T) {
	for model, want := range map[fake.Model]string{
		fake.PlugS: "PlusPlugS SNPL-00112EU", fake.Plus1PM: "Plus1PM SNSW-001P16EU",
		fake.Pro1PM: "Pro1PM SPSW-201PE16EU", fake.Plus1: "Plus1 SNSW-001X16EU",
	} {
		b := start(t, fake.Config{Model: model, MAC: "A8032AB12345", Password: "secret"}, shelly.Config{})
		got, err := shelly.Probe(t.Context(), b.addr)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(device.Identity{Vendor: "Shelly", Model: want, Firmware: "1.7.0", Serial: "a8032ab12345", Simulated: true}, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestProbeRefusesTheFirstGeneration(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/shelly" {
			_, _ = w.Write([]byte(`{"type":"SHSW-PM","mac":"A8032AB12345","auth":false}`))
			return
		}
		http.NotFound(w, r)
	}))
	defer s.Close()
	if id, err := shelly.Probe(t.Context(), s.URL); err == nil {
		t.Errorf("a Gen1 device was taken for %+v", id)
	}
}

func TestCapabilities(t *testing.T) {
	for _, c := range []struct {
		name   string
		fake   fake.Config
		config shelly.Config
		want   device.Capabilities
	}{
		{
			"heater on a relay with a meter",
			fake.Config{Load: 1000},
			shelly.Config{Load: 1000},
			device.Capabilities{Work: device.Resistive, Max: 1000, WattSource: units.Meter},
		},
		{
			"heater on a relay without a meter",
			fake.Config{Model: fake.Plus1, Load: 1000},
			shelly.Config{Load: 1000},
			device.Capabilities{Work: device.Resistive, Max: 1000, WattSource: units.Nameplate},
		},
		{
			"relay for another device",
			fake.Config{},
			shelly.Config{},
			device.Capabilities{Work: device.NoWork, Max: 3680, WattSource: units.Meter},
		},
		{
			"plug",
			fake.Config{Model: fake.PlugS},
			shelly.Config{},
			device.Capabilities{Work: device.NoWork, Max: 2500, WattSource: units.Meter},
		},
		{
			"relay for another device, no meter",
			fake.Config{Model: fake.Plus1},
			shelly.Config{},
			device.Capabilities{Work: device.NoWork, Max: 3680, WattSource: units.None},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.config.DeadMan = 2 * time.Minute
			got := start(t, c.fake, c.config).caps()
			if got.Work != c.want.Work || got.Max != c.want.Max || got.WattSource != c.want.WattSource {
				t.Errorf("work %v, max %v, watts from %v; want %v, %v, %v", got.Work, got.Max, got.WattSource, c.want.Work, c.want.Max, c.want.WattSource)
			}
			if !got.Can(device.Run) || !got.Can(device.Off) || len(got.Verbs) != 2 || got.DeadMan != 2*time.Minute || got.Limp != device.LimpNone || got.WriteGate != "" {
				t.Errorf("verbs %v, dead-man %v, limp %v, gate %q", got.Verbs, got.DeadMan, got.Limp, got.WriteGate)
			}
		})
	}
}

func TestTheRelayIsADeadMan(t *testing.T) {
	b := start(t, fake.Config{Load: 1000}, shelly.Config{Load: 1000, DeadMan: 3 * time.Minute})
	b.do(device.Run)
	for range 10 { // renewed, it stays closed
		b.clock.Advance(2 * time.Minute)
		b.do(device.Run)
	}
	if end, ok := b.emu.Timer(); !ok || end.Sub(b.clock.Now()) != 3*time.Minute {
		t.Errorf("the timer ends at %v, %v", end, ok)
	}
	if f := b.read().Faults; len(f) != 0 {
		t.Errorf("faults %v", f)
	}
	b.clock.Advance(3*time.Minute + time.Second) // Hearth is dead
	if b.emu.Closed() {
		t.Error("the relay stayed closed")
	}
	if s := b.read().State; s != device.StateOff {
		t.Errorf("state %s", s)
	}
	b.do(device.Run)
	b.do(device.Off)
	b.clock.Advance(time.Hour)
	if b.emu.Closed() {
		t.Error("a timer closed a relay that was switched off")
	}
}

func TestReading(t *testing.T) {
	b := start(t, fake.Config{Load: 1000}, shelly.Config{Load: 1000})
	b.do(device.Run)
	b.clock.Advance(3 * time.Minute)
	r := b.read()
	if w, ok := r.Power.Get(); !ok || w != 1000 || r.Power.From() != units.Meter {
		t.Errorf("power %v from %v", r.Power, r.Power.From())
	}
	if e, ok := r.Energy.Get(); !ok || e.KilowattHours() < 0.0499 || e.KilowattHours() > 0.0501 || r.Energy.From() != units.Meter {
		t.Errorf("energy %v from %v", r.Energy, r.Energy.From())
	}
	if up, _ := r.Uptime.Get(); up != time.Hour+3*time.Minute {
		t.Errorf("uptime %v", up)
	}
	if len(r.Temps) != 0 {
		t.Errorf("its own temperature is shown as one of the room: %v", r.Temps)
	}
	b.emu.Faults().Reboot()
	b.clock.Advance(10 * time.Second)
	r = b.read()
	if e, ok := r.Energy.Get(); r.State != device.StateOff || !ok || e != 0 {
		t.Errorf("after a restart: state %s, energy %v", r.State, r.Energy)
	}
}

func TestWithoutAMeterTheNameplateSpeaks(t *testing.T) {
	b := start(t, fake.Config{Model: fake.Plus1, Load: 1000}, shelly.Config{Load: 900})
	b.do(device.Run)
	if r := b.read(); r.Power != units.Know[units.Watts](900, r.At, units.Nameplate) || r.Energy.IsKnown() {
		t.Errorf("on: power %v from %v, energy %v", r.Power, r.Power.From(), r.Energy)
	}
	b.do(device.Off)
	if r := b.read(); r.Power != units.Know[units.Watts](0, r.At, units.Nameplate) {
		t.Errorf("off: power %v from %v", r.Power, r.Power.From())
	}
	b = start(t, fake.Config{Model: fake.Plus1, Load: 1000}, shelly.Config{})
	b.do(device.Run)
	if r := b.read(); r.Power.IsKnown() {
		t.Errorf("power %v, although nothing tells it", r.Power)
	}
}

func TestThermometers(t *testing.T) {
	b := start(t, fake.Config{Model: fake.Plus1, Sensors: []func() units.Celsius{
		func() units.Celsius { return 20.6 }, func() units.Celsius { return -12.5 },
	}}, shelly.Config{})
	want := []device.Channel{{Name: "sensor 100", Kind: device.Room}, {Name: "sensor 101", Kind: device.Room}}
	if diff := cmp.Diff(want, b.caps().Temps); diff != "" {
		t.Error(diff)
	}
	for state, why := range map[fake.Sensor]string{
		fake.Fine: "", fake.PowerOn: "has not measured", fake.NoAnswer: "does not answer",
		fake.ReadError: `"read"`, fake.OutOfRange: `"out_of_range"`,
	} {
		b.emu.SetSensor(0, state)
		r := b.read()
		got := r.Temps[0].Value
		if got.IsKnown() != (why == "") || !strings.Contains(got.Why(), why) {
			t.Errorf("%q: %v (%s), want %q", state, got, got.Why(), why)
		}
		if v, _ := r.Temps[1].Value.Get(); v != -12.5 || r.Temps[1].Value.From() != units.Meter {
			t.Errorf("%q: the other sensor is %v", state, r.Temps[1].Value)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Run("somebody pressed the button", func(t *testing.T) {
		b := start(t, fake.Config{Load: 1000}, shelly.Config{Load: 1000})
		b.emu.Press()
		if r := b.read(); r.State != device.StateHeating || codes(r.Faults) != "no_dead_man" {
			t.Errorf("state %s, faults %v", r.State, r.Faults)
		}
		b.do(device.Run)
		if f := b.read().Faults; len(f) != 0 {
			t.Errorf("faults %v after the timer was set", f)
		}
	})
	t.Run("the heater's own thermostat is open", func(t *testing.T) {
		b := start(t, fake.Config{Load: 0}, shelly.Config{Load: 1000})
		b.do(device.Run)
		if r := b.read(); codes(r.Faults) != "no_load" {
			t.Errorf("faults %v", r.Faults)
		}
	})
	t.Run("too much load", func(t *testing.T) {
		b := start(t, fake.Config{Model: fake.PlugS, Load: 3000}, shelly.Config{Load: 2000})
		b.do(device.Run)
		b.clock.Advance(10 * time.Second)
		if r := b.read(); r.State != device.StateFault || codes(r.Faults) != "overpower" {
			t.Errorf("state %s, faults %v", r.State, r.Faults)
		}
	})
	t.Run("too hot", func(t *testing.T) {
		b := start(t, fake.Config{Load: 1000}, shelly.Config{Load: 1000})
		b.do(device.Run)
		b.emu.Overheat()
		if r := b.read(); r.State != device.StateFault || codes(r.Faults) != "overtemp" {
			t.Errorf("state %s, faults %v", r.State, r.Faults)
		}
	})
	t.Run("a heater too big for the relay", func(t *testing.T) {
		b := start(t, fake.Config{Model: fake.PlugS}, shelly.Config{Load: 3000})
		if g := b.caps().WriteGate; !strings.Contains(g, "3 kW") || !strings.Contains(g, "2.5 kW") {
			t.Errorf("gate %q", g)
		}
		if _, err := b.Apply(t.Context(), device.Demand{Verb: device.Run}); !errors.Is(err, device.ErrRefused) || b.emu.Closed() {
			t.Errorf("error %v, closed %v", err, b.emu.Closed())
		}
		if _, err := b.Apply(t.Context(), device.Demand{Verb: device.Off}); err != nil {
			t.Errorf("off: %v, but stopping must always work", err)
		}
	})
	t.Run("no such channel", func(t *testing.T) {
		b := start(t, fake.Config{}, shelly.Config{Channel: 3})
		if c := b.caps(); len(c.Verbs) != 0 {
			t.Errorf("verbs %v", c.Verbs)
		}
		if _, err := b.Apply(t.Context(), device.Demand{Verb: device.Run}); !errors.Is(err, device.ErrUnsupported) {
			t.Errorf("error %v, want unsupported", err)
		}
	})
}

func TestLogin(t *testing.T) {
	t.Run("right", func(t *testing.T) {
		b := start(t, fake.Config{Password: "warm house", Load: 1000}, shelly.Config{Password: "file:warm house"})
		b.do(device.Run)
		b.clock.Advance(10 * time.Minute) // the nonce is stale
		b.do(device.Run)
		b.emu.Faults().Reboot() // and forgotten
		b.clock.Advance(10 * time.Second)
		b.do(device.Run)
	})
	t.Run("wrong", func(t *testing.T) {
		b := start(t, fake.Config{Password: "warm house"}, shelly.Config{Password: "file:cold house"})
		if _, err := b.Read(t.Context()); !errors.Is(err, device.ErrRefused) || !strings.Contains(err.Error(), "password is wrong") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("missing", func(t *testing.T) {
		b := start(t, fake.Config{Password: "warm house"}, shelly.Config{})
		if _, err := b.Read(t.Context()); !errors.Is(err, device.ErrRefused) || !strings.Contains(err.Error(), "password: file:") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("a challenge it cannot answer", func(t *testing.T) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		}))
		defer s.Close()
		b := start(t, fake.Config{}, shelly.Config{})
		d, err := shelly.Open(shelly.Config{Address: s.URL, User: "admin", Password: "file:x", DeadMan: time.Minute}, b.env)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Read(t.Context()); !errors.Is(err, device.ErrRefused) || !strings.Contains(err.Error(), "offers Basic") {
			t.Errorf("error %v", err)
		}
	})
}

func TestKindOpensFromConfiguration(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*shelly.Config)
		err  string
	}{
		{"defaults and an address", func(*shelly.Config) {}, ""},
		{"no address", func(c *shelly.Config) { c.Address = "" }, "address is missing"},
		{"dead-man too short", func(c *shelly.Config) { c.DeadMan = time.Second }, "between 30s and 1h"},
		{"dead-man too long", func(c *shelly.Config) { c.DeadMan = 2 * time.Hour }, "between 30s and 1h"},
		{"no such channel", func(c *shelly.Config) { c.Channel = -1 }, "numbered from 0"},
		{"absurd load", func(c *shelly.Config) { c.Load = 1e6 }, "not the power of a heater"},
		{"password in the open", func(c *shelly.Config) { c.Password = "hunter2" }, `write "file:"`},
		{"password not there", func(c *shelly.Config) { c.Password = "file:nowhere" }, "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := device.Env{Name: "bath", Now: time.Now, Secret: func(string) (string, error) { return "", errors.New("no such file") }}
			d, err := shelly.Kind().Open(t.Context(), func(v any) error {
				config := v.(*shelly.Config)
				if config.User != "admin" || config.DeadMan != 5*time.Minute {
					t.Errorf("defaults %+v", config)
				}
				config.Address = "192.0.2.1"
				c.set(config)
				return nil
			}, env)
			switch {
			case c.err == "" && err != nil:
				t.Error(err)
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "hunter2")):
				t.Errorf("error %v, want %q", err, c.err)
			case err == nil:
				_ = d.Close()
			}
		})
	}
}
