package devicetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"hearth/device"
	"hearth/emulate"
)

// Bench is a driver's device with its emulator. Device, Faults, Advance, Now
// and Settings are needed; a check whose optional lever is nil is skipped.
type Bench struct {
	// Device is the driver's, opened on the emulator's address. It has not
	// been used yet, and runs or is ready to run.
	Device device.Device
	// Faults are the emulator's levers.
	Faults *emulate.Faults
	// Advance lets d of emulated time pass.
	Advance func(d time.Duration)
	// Now tells emulated time, as the driver's Env does.
	Now func() time.Time
	// Settings returns a fingerprint of everything in the emulated device that
	// a power command must leave alone: pools, network, limits, passwords.
	Settings func() string

	// Elsewhere opens another device of the driver on a second address of the
	// same emulator.
	Elsewhere func() device.Device
	// FlashWrites counts the writes to memory that wears out.
	FlashWrites func() int
	// Blind makes every sensor that can fail tell its sentinel.
	Blind func()
	// Pool gives the miner a pool or takes it away.
	Pool func(ok bool)
	// Mines tells where the emulated miner mines now, with the password that it
	// gives there.
	Mines func() device.Pool
	// Busy makes the device refuse commands for a while, as during a
	// calibration.
	Busy func()
}

// T is what a check needs of a [testing.T].
type T interface {
	Helper()
	Context() context.Context
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
}

// Check is one promise of a driver.
type Check struct {
	// Name says what is promised, in words.
	Name string
	// Run holds a fresh bench to it.
	Run func(t T, b Bench)
}

// Checks returns the whole suite.
func Checks() []Check {
	return []Check{
		{"identity is stable and free of addresses", identity},
		{"capabilities make sense", capabilities},
		{"readings keep to the capabilities", readings},
		{"every command is read back", commands},
		{"a command given twice does nothing twice", idempotence},
		{"what the device cannot do is refused", unsupported},
		{"nothing but power is touched", settings},
		{"flash is written only where that is said", flash},
		{"paused is not zero", idle},
		{"the dead man's handle works", deadMan},
		{"unplugged is unreachable, plugged is well", unplugged},
		{"a device that hangs holds nobody", slow},
		{"garbage is no reading", garbage},
		{"half an answer is no reading", partial},
		{"OK is not success", lyingOK},
		{"watts claim no better source than they have", lyingWatts},
		{"a restart is not heat", restart},
		{"sentinels are unknown", sentinels},
		{"without a pool it is as said", limp},
		{"busy is said", busy},
		{"pools that are set are read back and put back", pools},
		{"pools that cannot be are refused", badPools},
		{"a switch of pools that is cut leaves old or new", cutPools},
		{"two devices share nothing", concurrency},
		{"closing twice is fine", closing},
	}
}

// Run holds a driver to every check. bench is called for each with the check's
// own test, and registers its cleanups there.
func Run(t *testing.T, bench func(t *testing.T) Bench) {
	for _, c := range Checks() {
		t.Run(c.Name, func(t *testing.T) {
			b := bench(t)
			t.Cleanup(func() { _ = b.Device.Close() })
			c.Run(t, b)
		})
	}
}

// patience bounds each call in real time: no answer of an emulator takes so
// long, however busy the machine.
const patience = 20 * time.Second

// wanted stops a check whose optional lever is missing.
func wanted(t T, there bool, what string) {
	t.Helper()
	if !there {
		t.Skipf("the bench has no %s", what)
	}
}

// ask gives a call its context.
func ask[V any](t T, call func(context.Context) (V, error)) (V, error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return call(ctx)
}

func (b Bench) identify(t T) (device.Identity, error) { return ask(t, b.Device.Identify) }

func (b Bench) capable(t T) device.Capabilities {
	t.Helper()
	c, err := ask(t, b.Device.Capabilities)
	if err != nil {
		t.Fatalf("capabilities: %v", err)
	}
	return c
}

// read takes a reading that must come and must be honest.
func (b Bench) read(t T) device.Reading {
	t.Helper()
	r, err := ask(t, b.Device.Read)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	b.honest(t, b.capable(t), r)
	return r
}

func (b Bench) apply(t T, d device.Demand) (device.Applied, error) {
	d.Why = "conformance suite"
	return ask(t, func(ctx context.Context) (device.Applied, error) { return b.Device.Apply(ctx, d) })
}

// tick is how much emulated time passes between two looks at a change that
// may take the latency.
func tick(latency time.Duration) time.Duration { return max(latency/20, 100*time.Millisecond) }

// command gives d until the device is free to take it, and waits until the
// reading meets it: at most twice its latency in all, as the runtime does. A
// device that restarts to run may be gone meanwhile.
func (b Bench) command(t T, d device.Demand) {
	t.Helper()
	c := b.capable(t)
	latency := c.Verbs[d.Verb].Latency
	deadline := b.Now().Add(2 * latency)
	a, err := b.apply(t, d)
	for isBusy(err) && b.Now().Before(deadline) {
		b.Advance(tick(latency))
		a, err = b.apply(t, d)
	}
	if err != nil {
		t.Fatalf("%s: %v", say(d), err)
	}
	if a.Verb != d.Verb {
		t.Fatalf("%s: the driver says it applied %s", say(d), a.Verb)
	}
	var why string
	restarts := c.Verbs[d.Verb].Restarts || c.Verbs[device.Run].Restarts
	for ok := false; !ok; {
		if _, err := ask(t, b.Device.Read); restarts && errors.Is(err, device.ErrUnreachable) {
			why = err.Error()
		} else {
			ok, why = device.Meets(c, a, b.read(t))
		}
		if ok {
			return
		}
		if !b.Now().Before(deadline) {
			break
		}
		b.Advance(tick(latency))
	}
	t.Fatalf("%s: not met within twice the latency of %v: %s", say(d), latency, why)
}

// full is a demand for all the heat there is.
func full(c device.Capabilities) (device.Demand, bool) {
	switch {
	case c.Can(device.SetLevel) && len(c.Levels) > 0:
		return device.Demand{Verb: device.SetLevel, Level: c.Levels[len(c.Levels)-1].ID}, true
	case c.Can(device.SetPower):
		return device.Demand{Verb: device.SetPower, Power: c.Power.Max}, true
	case c.Can(device.Run):
		return device.Demand{Verb: device.Run}, true
	}
	return device.Demand{}, false
}

// none is a demand for no heat.
func none(c device.Capabilities) (device.Demand, bool) {
	for _, v := range []device.Verb{device.Pause, device.Off} {
		if c.Can(v) {
			return device.Demand{Verb: v}, true
		}
	}
	return device.Demand{}, false
}

// demands lists what the device can be asked: every level, three wattages,
// and each way to stop followed by each way to go on.
func demands(c device.Capabilities) []device.Demand {
	var ds []device.Demand
	for _, l := range c.Levels {
		ds = append(ds, device.Demand{Verb: device.SetLevel, Level: l.ID})
	}
	for _, v := range []device.Verb{device.SetPower, device.Retune} {
		if c.Can(v) {
			for _, p := range []float64{0.5, 0, 1} {
				ds = append(ds, device.Demand{Verb: v, Power: between(c.Power, p)})
			}
		}
	}
	top, heats := full(c)
	for _, v := range []device.Verb{device.Pause, device.Off} {
		if !c.Can(v) {
			continue
		}
		ds = append(ds, device.Demand{Verb: v})
		if c.Can(device.Run) {
			ds = append(ds, device.Demand{Verb: device.Run}, device.Demand{Verb: v})
		}
		if heats {
			ds = append(ds, top)
		}
	}
	return ds
}

// say prints a demand.
func say(d device.Demand) string {
	s := string(d.Verb)
	if d.Level != "" {
		s += " " + d.Level
	}
	if d.Power != 0 {
		s += " " + d.Power.String()
	}
	return s
}
