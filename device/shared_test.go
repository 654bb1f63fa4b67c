package device_test

import (
	"testing"
	"time"

	"hearth/device"
	"hearth/units"
)

// A computer's meter also counts what other programs do: they must not make a
// true stop look like a lie.
func TestASharedDeviceMayDrawMoreThanItIsAsked(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	draws := func(s device.State, w units.Watts) device.Reading {
		return device.Reading{At: at, State: s, Power: units.Know(w, at, units.PSU)}
	}
	alone := device.Capabilities{Max: 200, Idle: units.Know(units.Watts(10), at, units.PSU)}
	shared := alone
	shared.Shared = true
	pause := device.Applied{Verb: device.Pause}
	power := device.Applied{Verb: device.SetPower, Power: 60}
	for _, c := range []struct {
		name          string
		a             device.Applied
		r             device.Reading
		alone, shared bool
	}{
		{"paused and quiet", pause, draws(device.StatePaused, 12), true, true},
		{"paused, others busy", pause, draws(device.StatePaused, 120), false, true},
		{"not paused", pause, draws(device.StateHeating, 12), false, false},
		{"as asked", power, draws(device.StateHeating, 61), true, true},
		{"more than asked", power, draws(device.StateHeating, 120), false, true},
		{"less than asked", power, draws(device.StateHeating, 20), false, false},
	} {
		if got, why := device.Meets(alone, c.a, c.r); got != c.alone {
			t.Errorf("%s, alone: %v %s", c.name, got, why)
		}
		if got, why := device.Meets(shared, c.a, c.r); got != c.shared {
			t.Errorf("%s, shared: %v %s", c.name, got, why)
		}
	}
}

func TestMarkedReachesTheParts(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r := device.Reading{Parts: []device.Part{{Name: "processor", Power: units.Know(units.Watts(5), at, units.PSU)}}}
	if got := r.Marked(units.Simulated).Parts[0].Power.From(); got != units.Simulated {
		t.Errorf("the part is marked %v", got)
	}
	if got := r.Parts[0].Power.From(); got != units.PSU {
		t.Errorf("marking a copy changed the reading: %v", got)
	}
}
