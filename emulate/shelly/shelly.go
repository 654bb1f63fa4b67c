package shelly

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"hearth/emulate"
	"hearth/units"
)

// Config is a Shelly to emulate.
type Config struct {
	// Clock is the device's time. Nil is the real time.
	Clock emulate.Clock
	// Model is the product; empty is Plus1PM.
	Model Model
	// Firmware is the version it says it runs; empty is 1.7.0.
	Firmware string
	// MAC is twelve hexadecimal digits in capitals; empty is made from the
	// model.
	MAC string
	// Password is what the user admin logs in with; empty is none.
	Password string
	// Load is the resistive heater behind the contact, which heats the house.
	Load units.Watts
	// Feeds is a machine behind the contact instead, which counts its own
	// heat. The meter sees its power if it has a method Power() units.Watts.
	Feeds emulate.Powered
	// Sensors are the thermometers of an Add-on, with ids from 100. Each is
	// asked from the goroutine that serves, without a lock.
	Sensors []func() units.Celsius
	// On closes the contact at the start, as by its button: without a timer.
	On bool
}

// Emulator is one emulated Shelly. It is safe for concurrent use.
type Emulator struct {
	config Config
	id     string
	clock  emulate.Clock
	faults *emulate.Faults

	mu         sync.Mutex
	relay      relay
	ambient    units.Celsius
	sensors    []Sensor
	overheated bool
	configured int // Switch.SetConfig that were obeyed
	nonces     nonces
}

// New makes a device. It panics on a model that [Models] does not list.
func New(c Config) *Emulator {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Model == "" {
		c.Model = Plus1PM
	}
	if c.Firmware == "" {
		c.Firmware = "1.7.0"
	}
	if c.MAC == "" {
		sum := byte(0)
		for _, ch := range []byte(c.Model) {
			sum = sum*31 + ch
		}
		c.MAC = fmt.Sprintf("025E110000%02X", sum)
	}
	p, now := c.Model.product(), c.Clock()
	e := &Emulator{
		config: c, clock: c.Clock, id: p.prefix + "-" + strings.ToLower(c.MAC),
		ambient: 20, sensors: make([]Sensor, len(c.Sensors)),
	}
	e.faults = emulate.NewFaults(e.Reboot)
	e.relay = relay{
		product: p, at: now, booted: now.Add(-time.Hour), mains: true, source: "init", autoDelay: time.Minute,
		load: func() units.Watts { return c.Load }, lie: e.faults.LyingWatts, heater: true,
	}
	if c.Feeds != nil {
		e.relay.heater = false
		e.relay.feed = c.Feeds.SetMains
		e.relay.load = func() units.Watts { return 0 }
		if m, ok := c.Feeds.(interface{ Power() units.Watts }); ok {
			e.relay.load = m.Power
		}
		c.Feeds.SetMains(c.On, now)
	}
	if c.On {
		e.relay.set(true, 0, "button")
	}
	return e
}

// Serve answers on l until ctx ends, and closes l.
func (e *Emulator) Serve(ctx context.Context, l net.Listener) error {
	return e.faults.Serve(ctx, l, e.alive, e.handler())
}

// alive reports whether the firmware is up.
func (e *Emulator) alive() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.relay.advance(e.clock())
	return e.relay.answers()
}

// Faults returns the levers by which it misbehaves.
func (e *Emulator) Faults() *emulate.Faults { return e.faults }

// Advance implements [emulate.Machine]. The heat is that of the device itself
// and of its resistive load; a machine it feeds counts its own.
func (e *Emulator) Advance(now time.Time, ambient units.Celsius) units.Joules {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ambient = ambient
	e.relay.advance(now)
	j := e.relay.joules
	e.relay.joules = 0
	return j
}

// SetMains implements [emulate.Powered]. Without mains the contact opens, and
// it stays open when power comes back.
func (e *Emulator) SetMains(on bool, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.relay.advance(now)
	if on != e.relay.mains {
		e.restarted()
	}
	e.relay.mains = on
}

// Reboot restarts the firmware: the contact opens, counters begin anew.
func (e *Emulator) Reboot() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.relay.advance(e.clock())
	e.restarted()
}

func (e *Emulator) restarted() {
	e.relay.restart(e.relay.at)
	e.nonces.given = nil
	e.overheated = false
}

// Press presses the button of the device: the contact turns, without a timer.
func (e *Emulator) Press() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.relay.advance(e.clock())
	e.relay.set(!e.relay.on, 0, "button")
}

// Overheat makes the device too hot: it opens its contact and says so.
func (e *Emulator) Overheat() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.relay.advance(e.clock())
	e.overheated = true
	e.relay.protect("overtemp")
}

// Closed reports whether the contact is closed.
func (e *Emulator) Closed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.relay.advance(e.clock())
	return e.relay.on
}

// Timer returns when the running timer turns the contact; false if none runs.
func (e *Emulator) Timer() (time.Time, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.relay.advance(e.clock())
	return e.relay.timer.Add(e.relay.timerFor), !e.relay.timer.IsZero()
}

// Settings returns the configuration that it keeps, as JSON: what a controller
// of heat must leave alone.
func (e *Emulator) Settings() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	b, _ := json.Marshal(map[string]any{"cfg_rev": e.configured, "switch:0": e.switchConfig(), "auth_en": e.config.Password != ""})
	return string(b)
}

// Sensor is the state of an Add-on's thermometer.
type Sensor string

// The states of a thermometer. A DS18B20 tells 85 °C before it has measured;
// -127 °C stands for one that does not answer.
const (
	Fine       Sensor = ""
	PowerOn    Sensor = "85"
	NoAnswer   Sensor = "-127"
	ReadError  Sensor = "read"
	OutOfRange Sensor = "out_of_range"
)

// SetSensor puts the thermometer with the given number, from 0, into a state.
func (e *Emulator) SetSensor(number int, s Sensor) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sensors[number] = s
}

// thermometers reads the Add-on. e.mu must not be held.
func (e *Emulator) thermometers() map[string]any {
	out := map[string]any{}
	for i, read := range e.config.Sensors {
		e.mu.Lock()
		state := e.sensors[i]
		e.mu.Unlock()
		t := map[string]any{"id": 100 + i}
		degrees := 0.0
		switch state {
		case Fine:
			degrees = tenth(float64(read()))
		case PowerOn:
			degrees = 85
		case NoAnswer:
			degrees = -127
		case ReadError, OutOfRange:
			t["tC"], t["tF"], t["errors"] = nil, nil, []string{string(state)}
		}
		if _, failed := t["errors"]; !failed {
			t["tC"], t["tF"] = degrees, tenth(degrees*1.8+32)
		}
		out[fmt.Sprintf("temperature:%d", 100+i)] = t
	}
	return out
}
