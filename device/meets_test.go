package device_test

import (
	"strings"
	"testing"
	"time"

	"hearth/device"
	"hearth/units"
)

func noon() time.Time { return time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) }

// A miner with levels that draws 850 W at most and 14 W paused, unless a case
// says otherwise.
func TestMeets(t *testing.T) {
	const (
		off, pause, run  = device.Off, device.Pause, device.Run
		heating, paused  = device.StateHeating, device.StatePaused
		starting, isOff  = device.StateStarting, device.StateOff
		unknown, blind   = units.Watts(-1), "?"
		noIdle, withIdle = false, true
	)
	for _, c := range []struct {
		name  string
		idle  bool // the idle draw is known
		a     device.Applied
		state device.State
		power units.Watts
		level string
		why   string // empty: met; else a part of the reason
	}{
		{"paused as told", withIdle, device.Applied{Verb: pause}, paused, 14, "eco", ""},
		{"paused a little above idle", withIdle, device.Applied{Verb: pause}, paused, 39, "eco", ""},
		{"paused and drawing", withIdle, device.Applied{Verb: pause}, paused, 450, "eco", "draws 450 W"},
		{"paused, the draw unknown", withIdle, device.Applied{Verb: pause}, paused, unknown, "eco", ""},
		{"paused, idle unknown", noIdle, device.Applied{Verb: pause}, paused, 150, "eco", ""},
		{"paused and drawing, idle unknown", noIdle, device.Applied{Verb: pause}, paused, 450, "eco", "draws 450 W"},
		{"off is a pause and more", withIdle, device.Applied{Verb: pause}, isOff, 0, "eco", ""},
		{"told to pause and heating", withIdle, device.Applied{Verb: pause}, heating, 14, "eco", "still heating"},
		{"told to pause and unknown", withIdle, device.Applied{Verb: pause}, device.StateUnknown, 14, "eco", "still unknown"},
		{"told to go off and paused", withIdle, device.Applied{Verb: off}, paused, 14, "eco", "paused, not off"},
		{"off as told", withIdle, device.Applied{Verb: off}, isOff, 0, "", ""},
		{"off and drawing", withIdle, device.Applied{Verb: off}, isOff, 850, "", "draws 850 W"},

		{"running as told", withIdle, device.Applied{Verb: run}, heating, 850, "super", ""},
		{"running, the draw unknown", withIdle, device.Applied{Verb: run}, heating, unknown, "super", ""},
		{"told to run and starting", withIdle, device.Applied{Verb: run}, starting, 14, "super", "starting, not heating"},
		{"told to run and limping", withIdle, device.Applied{Verb: run}, device.StateLimp, 14, "super", "limp, not heating"},

		{"at the level told", withIdle, device.Applied{Verb: device.SetLevel, Level: "eco"}, heating, 450, "eco", ""},
		{"at another level", withIdle, device.Applied{Verb: device.SetLevel, Level: "eco"}, heating, 850, "super", "level super, not eco"},
		{"level unknown", withIdle, device.Applied{Verb: device.SetLevel, Level: "eco"}, heating, 450, blind, "does not tell its level"},
		{"right level and paused", withIdle, device.Applied{Verb: device.SetLevel, Level: "eco"}, paused, 14, "eco", "paused, not heating"},

		{"at the power told", withIdle, device.Applied{Verb: device.SetPower, Power: 600}, heating, 600, "", ""},
		{"10 % more", withIdle, device.Applied{Verb: device.SetPower, Power: 600}, heating, 660, "", ""},
		{"more than 10 % more", withIdle, device.Applied{Verb: device.SetPower, Power: 600}, heating, 661, "", "draws 661 W"},
		{"10 % less", withIdle, device.Applied{Verb: device.SetPower, Power: 600}, heating, 540, "", ""},
		{"more than 10 % less", withIdle, device.Applied{Verb: device.SetPower, Power: 600}, heating, 539, "", "draws 539 W"},
		{"25 W are always granted", withIdle, device.Applied{Verb: device.SetPower, Power: 20}, heating, 45, "", ""},
		{"and no more", withIdle, device.Applied{Verb: device.SetPower, Power: 20}, heating, 46, "", "draws 46 W"},
		{"the power unknown", withIdle, device.Applied{Verb: device.SetPower, Power: 600}, heating, unknown, "", "does not tell its power"},
		{"retuned", withIdle, device.Applied{Verb: device.Retune, Power: 600}, heating, 610, "", ""},
		{"told to retune and tuning", withIdle, device.Applied{Verb: device.Retune, Power: 600}, device.StateTuning, 610, "", "tuning, not heating"},

		{"no verb", withIdle, device.Applied{}, heating, 600, "", "not a verb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			caps := device.Capabilities{
				Verbs: map[device.Verb]device.Cost{off: {}, pause: {}, run: {}, device.SetLevel: {}, device.SetPower: {}},
				Max:   850, Idle: units.Unknown[units.Watts]("not measured", noon()),
			}
			if c.idle {
				caps.Idle = units.Know(units.Watts(14), noon(), units.PSU)
			}
			r := device.Reading{
				At: noon(), State: c.state,
				Power: units.Know(c.power, noon(), units.PSU), Level: units.Know(c.level, noon(), units.Estimate),
			}
			if c.power == unknown {
				r.Power = units.Unknown[units.Watts]("no meter", noon())
			}
			if c.level == blind {
				r.Level = units.Unknown[string]("no mode told", noon())
			}
			ok, why := device.Meets(caps, c.a, r)
			if ok != (c.why == "") || !strings.Contains(why, c.why) || ok && why != "" {
				t.Errorf("%v %q; want %q", ok, why, c.why)
			}
		})
	}
}

// A device without the verb Off is as off as it gets when it is paused.
func TestPauseIsOffWhereThereIsNoOff(t *testing.T) {
	c := device.Capabilities{Verbs: map[device.Verb]device.Cost{device.Pause: {}}, Max: 850}
	r := device.Reading{State: device.StatePaused}
	if ok, why := device.Meets(c, device.Applied{Verb: device.Off}, r); !ok {
		t.Error(why)
	}
}

func TestIdleCeiling(t *testing.T) {
	for _, c := range []struct {
		idle units.Known[units.Watts]
		max  units.Watts
		want units.Watts
	}{
		{units.Know(units.Watts(146), noon(), units.PSU), 1800, 292},
		{units.Know(units.Watts(0), noon(), units.Meter), 2000, 25},
		{units.Know(units.Watts(14), noon(), units.PSU), 900, 39},
		{units.Known[units.Watts]{}, 900, 225},
		{units.Known[units.Watts]{}, 40, 25},
	} {
		if got := (device.Capabilities{Idle: c.idle, Max: c.max}).IdleCeiling(); got != c.want {
			t.Errorf("idle %v of %v: %v, want %v", c.idle, c.max, got, c.want)
		}
	}
}
