package axeos

import (
	"context"
	"encoding/json"
	"net"
	"sync"
	"time"

	"hearth/emulate"
	"hearth/units"
)

// Config is a miner to emulate.
type Config struct {
	// Clock is the miner's time. Nil is the real time.
	Clock emulate.Clock
	// Model is the board; empty is Gamma.
	Model Model
	// Firmware is the version it says it runs; empty is v2.14.0. Before 2.14
	// there is no pause. A NerdQAxe has none in any version. Since 2.15 a Bitaxe
	// keeps eight pools and takes new ones without a restart.
	Firmware string
	// MAC and Hostname are made from the model when empty.
	MAC, Hostname string
	// Frequency (MHz) and CoreVoltage (mV) are the settings in its flash; 0 is
	// the board's default.
	Frequency, CoreVoltage float64
	// Ambient is the air around it until a house says otherwise; 0 is 20 °C.
	Ambient units.Celsius
	// Unplugged leaves the mains off at the start; otherwise it has long been
	// running and is warm.
	Unplugged bool
	// OTP makes a NerdQAxe say that it asks for one-time passwords.
	OTP bool
	// Dual makes a NerdQAxe divide its work between both of its pools.
	Dual bool
}

// Emulator is one emulated miner. It is safe for concurrent use.
type Emulator struct {
	config Config
	clock  emulate.Clock
	faults *emulate.Faults

	mu        sync.Mutex
	m         machine
	samples   []sample
	sampled   time.Time
	greetings int
	foreign   map[string]any // settings that have nothing to do with heat
	pools     pools
	bootSeen  time.Time // the boot whose pools are in force
	blind     bool
}

// New makes a miner. It panics on a model that [Models] does not list.
func New(c Config) *Emulator {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Model == "" {
		c.Model = Gamma
	}
	b := c.Model.board()
	if c.Firmware == "" {
		c.Firmware = "v2.14.0"
		if b.nerd {
			c.Firmware = "v1.0.36"
		}
	}
	if c.MAC == "" {
		// Locally administered, a number per model.
		sum := byte(0)
		for _, ch := range []byte(c.Model) {
			sum = sum*31 + ch
		}
		c.MAC = "02:AE:05:00:00:" + hex(sum)
	}
	if c.Hostname == "" {
		c.Hostname = "emulated-" + string(c.Model)
	}
	if c.Frequency == 0 {
		c.Frequency = b.usualMHz
	}
	if c.CoreVoltage == 0 {
		c.CoreVoltage = b.usualMV
	}
	if c.Ambient == 0 {
		c.Ambient = 20
	}
	now := c.Clock()
	e := &Emulator{config: c, clock: c.Clock, sampled: now, m: machine{
		board: b, at: now, booted: now, ambient: c.Ambient, poolOK: true,
		wantMHz: c.Frequency, wantMV: c.CoreVoltage, chip: float64(c.Ambient),
	}, pools: factory(), bootSeen: now, foreign: map[string]any{
		"temptarget": fanTarget, "autofanspeed": 1.0, "manualFanSpeed": 100.0, "minFanSpeed": 25.0, "overclockEnabled": 0.0,
	}}
	e.faults = emulate.NewFaults(e.Reboot)
	if !c.Unplugged {
		e.m.mains = true
		e.m.at, e.m.booted, e.bootSeen = now.Add(-time.Hour), now.Add(-time.Hour), now.Add(-time.Hour)
		e.m.advance(now, c.Ambient)
		e.m.joules = 0
	}
	return e
}

func hex(b byte) string {
	const digits = "0123456789ABCDEF"
	return string([]byte{digits[b>>4], digits[b&15]})
}

// Serve answers on l until ctx ends, and closes l.
func (e *Emulator) Serve(ctx context.Context, l net.Listener) error {
	return e.faults.Serve(ctx, l, e.alive, e.handler())
}

// alive reports whether the firmware is up.
func (e *Emulator) alive() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.advance(e.m.ambient)
	return e.m.answers()
}

// Faults returns the levers by which it misbehaves.
func (e *Emulator) Faults() *emulate.Faults { return e.faults }

// Advance implements [emulate.Machine].
func (e *Emulator) Advance(now time.Time, ambient units.Celsius) units.Joules {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.advanceTo(now, ambient)
	j := e.m.joules
	e.m.joules = 0
	return j
}

// advance moves the machine to the clock's time. e.mu is held.
func (e *Emulator) advance(ambient units.Celsius) { e.advanceTo(e.clock(), ambient) }

func (e *Emulator) advanceTo(now time.Time, ambient units.Celsius) {
	e.m.advance(now, ambient)
	e.booted(e.m.booted)
	for e.m.at.Sub(e.sampled) >= every {
		// A long gap leaves one row: the firmware would have many, but nobody
		// looked.
		e.sampled = e.sampled.Add(e.m.at.Sub(e.sampled).Truncate(every))
		if e.m.answers() {
			e.sample()
		}
	}
}

// SetMains implements [emulate.Powered]. Power that comes back boots it.
func (e *Emulator) SetMains(on bool, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.advanceTo(now, e.m.ambient)
	if on && !e.m.mains {
		e.restarted()
	}
	e.m.mains = on
	if !on {
		e.m.mhz, e.m.rate = 0, 0
	}
}

// Reboot restarts the firmware, which forgets a pause.
func (e *Emulator) Reboot() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.advance(e.m.ambient)
	e.restarted()
}

func (e *Emulator) restarted() {
	e.m.restart(e.m.at)
	e.booted(e.m.booted)
	e.samples = nil
}

// update changes the machine at this instant.
func (e *Emulator) update(f func(*machine)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.advance(e.m.ambient)
	f(&e.m)
}

// hasPause reports whether the firmware has pause and resume.
func (e *Emulator) hasPause() bool {
	major, minor := version(e.config.Firmware)
	return !e.m.nerd && (major > 2 || major == 2 && minor >= 14)
}

// SetPool makes its pools reachable or not. Without one it does not hash.
func (e *Emulator) SetPool(ok bool) { e.update(func(m *machine) { m.poolOK = ok }) }

// BlockFan stops the fan, or frees it. A miner at work then overheats.
func (e *Emulator) BlockFan(blocked bool) { e.update(func(m *machine) { m.blocked = blocked }) }

// Blind makes its thermometers tell -1, as if they were gone, or ends that.
func (e *Emulator) Blind(blind bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.blind = blind
}

// SetPowerFault makes the regulator report a fault and stop the chip; empty
// ends that.
func (e *Emulator) SetPowerFault(text string) { e.update(func(m *machine) { m.fault = text }) }

// Power returns the true draw from the wall.
func (e *Emulator) Power() units.Watts {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.advance(e.m.ambient)
	return e.m.power()
}

// FlashWrites returns how often settings were written to flash.
func (e *Emulator) FlashWrites() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.m.flash
}

// Settings returns all that it keeps in flash but the frequency, as JSON: what
// a controller of heat must leave alone.
func (e *Emulator) Settings() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.pools
	b, _ := json.Marshal(map[string]any{
		"coreVoltage": e.m.wantMV, "overheat_mode": e.m.overheat, "other": e.foreign,
		"pools": p.slot, "selected": [2]int{p.first, p.next}, "swapped": p.swapped,
	})
	return string(b)
}

// Greetings returns how often it was asked to show itself.
func (e *Emulator) Greetings() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.greetings
}
