package avalon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"hearth/emulate"
	"hearth/units"
)

// Config is one emulated miner.
type Config struct {
	// Clock is emulated time.
	Clock emulate.Clock
	// Model is what it is; empty: a Mini 3.
	Model Model
	// MAC, twelve hexadecimal digits, tells it apart from others; empty: the
	// model's.
	MAC string
	// ClockOff is how much the miner's own clock is ahead of the true time.
	ClockOff time.Duration
	// Idle is the draw while soft off; 0: the model's.
	Idle units.Watts
	// Cold starts the miner at the moment power comes, not in full work.
	Cold bool
	// SilentSoftOn closes the connection on softon, as some firmware does.
	SilentSoftOn bool
	// TextOnly knows nothing of JSON requests and answers "Invalid command".
	TextOnly bool
	// User and Password are the login of the miner's page, which setpool asks
	// for; empty: admin and admin.
	User, Password string
}

// Emulator is one miner. It is an [emulate.Machine] and [emulate.Powered], and
// safe for concurrent use.
type Emulator struct {
	config Config
	faults *emulate.Faults

	mu  sync.Mutex
	m   machine
	led led
	set settings

	pools    pools
	bootSeen time.Time // the boot whose pools are in use
}

// settings are what a power command must leave alone.
type settings struct {
	Fan  int // -1: automatic
	SSID string
}

// led is the light ring of a Nano 3s: LED[mode-…] LEDUser[effect-…].
type led struct{ Mode, Effect, Bright, Temper, R, G, B int }

// New makes a miner that works at full power, or starts if it is cold.
func New(c Config) *Emulator {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Model == "" {
		c.Model = Mini3
	}
	p := c.Model.product()
	if c.MAC == "" {
		c.MAC = p.mac
	}
	if c.User == "" {
		c.User = "admin"
	}
	if c.Password == "" {
		c.Password = "admin"
	}
	e := &Emulator{config: c, pools: usualPools()}
	e.faults = emulate.NewFaults(e.reboot)
	now := c.Clock()
	e.m = machine{product: p, at: now, ambient: 20, mains: true, poolOK: true, now: p.usual(), chip: 20, duty: 0.4, standing: p.idle}
	if c.Idle > 0 {
		e.m.standing = c.Idle
	}
	e.m.restart(now)
	if !c.Cold {
		e.m.booted, e.m.begun = now.Add(-time.Hour), now.Add(-time.Hour)
		e.m.dc, e.m.rate, e.m.chip, e.m.hashed = e.m.share(), e.m.now.rate, p.target, e.m.now.rate*3600
	}
	e.led = led{Effect: 1, Bright: 100, Temper: 100, R: 5, B: 255}
	e.set = settings{Fan: -1, SSID: "home"}
	e.bootSeen = e.m.booted
	return e
}

// Faults returns the levers.
func (e *Emulator) Faults() *emulate.Faults { return e.faults }

// Serve answers on l until ctx ends, which closes l. It returns nil then.
func (e *Emulator) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l = e.faults.Listener(l, e.answers)
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	var open sync.WaitGroup
	defer open.Wait()
	defer cancel()
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return fmt.Errorf("serve the emulated Avalon: %w", err)
		}
		open.Go(func() { e.serve(ctx, c) })
	}
}

// answers tells whether the firmware is up now.
func (e *Emulator) answers() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.catchUp()
	return e.m.answers()
}

// catchUp moves the machine to the clock's time. e.mu is held.
func (e *Emulator) catchUp() {
	e.m.advance(e.config.Clock(), e.m.ambient)
	e.booted()
}

// Advance implements [emulate.Machine].
func (e *Emulator) Advance(now time.Time, ambient units.Celsius) units.Joules {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.m.advance(now, ambient)
	e.booted()
	j := e.m.joules
	e.m.joules = 0
	return j
}

// SetMains implements [emulate.Powered]. Power that comes back boots the miner.
func (e *Emulator) SetMains(on bool, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.m.advance(now, e.m.ambient)
	if on && !e.m.mains {
		e.m.restart(e.m.at)
		e.booted()
	}
	e.m.mains = on
}

// change does f to the machine at the clock's time.
func (e *Emulator) change(f func(*machine)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.catchUp()
	f(&e.m)
}

func (e *Emulator) reboot() {
	e.change(func(m *machine) {
		m.restart(m.at)
		e.booted()
	})
}

// SetPool gives the miner a working pool or takes it away. Without one it
// stops hashing.
func (e *Emulator) SetPool(ok bool) { e.change(func(m *machine) { m.poolOK = ok }) }

// Blind makes every thermometer tell -273.
func (e *Emulator) Blind() { e.change(func(m *machine) { m.blind = true }) }

// Calibrate makes the miner tune itself for d, during which its modes cannot
// be switched.
func (e *Emulator) Calibrate(d time.Duration) {
	e.change(func(m *machine) { m.busyUntil = m.at.Add(d) })
}

// Power returns the true draw from the wall.
func (e *Emulator) Power() units.Watts {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.catchUp()
	return e.m.power()
}

// FlashWrites returns how often the mode was written to flash.
func (e *Emulator) FlashWrites() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.m.flash
}

// Settings returns a fingerprint of all that has nothing to do with power:
// pools, fans, light, network.
func (e *Emulator) Settings() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return fmt.Sprintf("%+v %+v %+v", e.set, e.led, e.pools.stored)
}
