package device_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/device"
	"hearth/units"
)

func TestMarkedReachesEveryValueAndCopies(t *testing.T) {
	at := noon()
	r := device.Reading{
		At: at, State: device.StateHeating,
		Power:    units.Know(units.Watts(850), at, units.Meter),
		Parts:    []device.Part{{Name: "board", Power: units.Know(units.Watts(800), at, units.PSU)}},
		Energy:   units.Know(units.Joules(1), at, units.Meter),
		HashRate: units.Know(units.HashRate(1), at, units.Estimate),
		Level:    units.Know("eco", at, units.Estimate),
		Target:   units.Know(units.Watts(800), at, units.Chosen),
		Temps:    []device.Temp{{Name: "chip", Kind: device.Chip, Value: units.Know(units.Celsius(60), at, units.PSU)}},
		Fans: []device.Fan{{
			Name: "fan", Speed: units.Know(units.RPM(900), at, units.PSU),
			Duty: units.Know(units.Fraction(.4), at, units.Estimate),
		}},
		Flow:   units.Know(units.LitresPerMinute(3), at, units.Meter),
		Pool:   units.Know(true, at, units.Estimate),
		Uptime: units.Unknown[time.Duration]("not told", at),
	}
	m := r.Marked(units.Simulated)
	for name, from := range map[string]units.Provenance{
		"power": m.Power.From(), "part": m.Parts[0].Power.From(), "energy": m.Energy.From(), "hash rate": m.HashRate.From(),
		"level": m.Level.From(), "target": m.Target.From(), "temp": m.Temps[0].Value.From(), "fan speed": m.Fans[0].Speed.From(),
		"fan duty": m.Fans[0].Duty.From(), "flow": m.Flow.From(), "pool": m.Pool.From(),
	} {
		if from != units.Simulated {
			t.Errorf("%s is from %v", name, from)
		}
	}
	if m.Uptime.IsKnown() || m.Uptime.Why() != "not told" {
		t.Errorf("an unknown became %v", m.Uptime)
	}
	m.Temps[0].Name, m.Fans[0].Name, m.Parts[0].Name = "x", "x", "x"
	if r.Temps[0].Name != "chip" || r.Fans[0].Name != "fan" || r.Parts[0].Name != "board" ||
		r.Power.From() != units.Meter || r.Temps[0].Value.From() != units.PSU {
		t.Errorf("marking changed the reading: %+v", r)
	}
	// A better mark makes nothing better.
	if got := m.Marked(units.Meter).Power.From(); got != units.Simulated {
		t.Errorf("marked as a meter it is from %v", got)
	}
}

func TestAReadingsTemperatures(t *testing.T) {
	at := noon()
	r := device.Reading{At: at, Temps: []device.Temp{
		{Name: "hottest", Kind: device.Chip, Value: units.Know(units.Celsius(80), at, units.PSU)},
		{Name: "average", Kind: device.Chip, Value: units.Know(units.Celsius(70), at, units.PSU)},
	}}
	if v, ok := r.Temp(device.Chip).Get(); !ok || v != 80 {
		t.Errorf("the chip is at %v", v)
	}
	if got := r.Temp(device.AirIn); got.IsKnown() || got.Why() == "" {
		t.Errorf("the air is at %v", got)
	}
}

func TestDemandsAreComparedWithoutTheirReasons(t *testing.T) {
	a := device.Demand{Verb: device.SetLevel, Level: "eco", Why: "cold"}
	b := a
	b.Why = "colder"
	if !a.Same(b) {
		t.Error("the reason makes a difference")
	}
	for _, other := range []device.Demand{
		{Verb: device.SetLevel, Level: "super"}, {Verb: device.SetPower, Level: "eco"}, {Verb: device.SetLevel, Level: "eco", Power: 1},
	} {
		if a.Same(other) {
			t.Errorf("%+v is the same as %+v", other, a)
		}
	}
}

func TestCapabilitiesAreAsked(t *testing.T) {
	c := device.Capabilities{
		Verbs:  map[device.Verb]device.Cost{device.Run: {}},
		Levels: []device.Level{{ID: "eco", Name: "Eco"}},
	}
	if !c.Can(device.Run) || c.Can(device.Pause) {
		t.Errorf("run %v, pause %v", c.Can(device.Run), c.Can(device.Pause))
	}
	if l, ok := c.Level("eco"); !ok || l.Name != "Eco" {
		t.Errorf("eco is %+v, %v", l, ok)
	}
	if l, ok := c.Level("Eco"); ok {
		t.Errorf("Eco is %+v", l)
	}
}

// stone is a device of a test: it does nothing.
type stone struct {
	device.Device
	config stoneConfig
	name   string
}

type stoneConfig struct{ Weight int }

func kind(name string) device.Kind {
	return device.Define(name, "A stone", stoneConfig{Weight: 7},
		func(_ context.Context, c stoneConfig, env device.Env) (device.Device, error) {
			if c.Weight < 0 {
				return nil, errors.New("a stone weighs something")
			}
			return stone{config: c, name: env.Name}, nil
		})
}

func TestAKindOpensItsConfiguration(t *testing.T) {
	k := kind("stone")
	if k.Name() != "stone" || k.Title() != "A stone" {
		t.Errorf("%s: %s", k.Name(), k.Title())
	}
	d, err := k.Open(t.Context(), nil, device.Env{Name: "doorstop"})
	if s, ok := d.(stone); err != nil || !ok || s.config.Weight != 7 || s.name != "doorstop" {
		t.Errorf("by default: %+v, %v", d, err)
	}
	d, err = k.Open(t.Context(), func(v any) error { v.(*stoneConfig).Weight = 9; return nil }, device.Env{})
	if s, ok := d.(stone); err != nil || !ok || s.config.Weight != 9 {
		t.Errorf("configured: %+v, %v", d, err)
	}
	// The default is not changed by what one device is configured to.
	d, err = k.Open(t.Context(), nil, device.Env{})
	if s, ok := d.(stone); err != nil || !ok || s.config.Weight != 7 {
		t.Errorf("afterwards: %+v, %v", d, err)
	}
	bad := errors.New("line 3: unknown key")
	for _, decode := range []func(any) error{
		func(any) error { return bad },
		func(v any) error { v.(*stoneConfig).Weight = -1; return nil },
	} {
		d, err := k.Open(t.Context(), decode, device.Env{Name: "doorstop"})
		if d != nil || err == nil || !strings.Contains(err.Error(), "doorstop") || !strings.Contains(err.Error(), "stone") {
			t.Errorf("%v, %v", d, err)
		}
	}
}

func TestTheRegistryKnowsItsKinds(t *testing.T) {
	r := device.NewRegistry(kind("stone"), kind("brick"))
	var names []string
	for _, k := range r.Kinds() {
		names = append(names, k.Name())
	}
	if d := cmp.Diff([]string{"brick", "stone"}, names); d != "" {
		t.Errorf("kinds (-want +got):\n%s", d)
	}
	r.Kinds()[0] = kind("mud")
	if k, err := r.Kind("brick"); err != nil || k.Name() != "brick" {
		t.Errorf("%s, %v", k.Name(), err)
	}
	if _, err := r.Kind("mud"); err == nil || !strings.Contains(err.Error(), "brick, stone") {
		t.Errorf("an unknown kind: %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("two kinds of one name")
		}
	}()
	device.NewRegistry(kind("stone"), kind("stone"))
}
