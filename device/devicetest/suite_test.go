package devicetest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"testing"
	"time"

	"hearth/device"
	"hearth/device/devicetest"
	"hearth/drivers/avalon"
	"hearth/emulate"
	emulated "hearth/emulate/avalon"
	"hearth/units"
)

// record is a T that remembers what a check found.
type record struct {
	t       *testing.T
	found   []string
	skipped bool
}

func (r *record) Helper()                  {}
func (r *record) Context() context.Context { return r.t.Context() }
func (r *record) Logf(string, ...any)      {}
func (r *record) Errorf(format string, args ...any) {
	r.found = append(r.found, fmt.Sprintf(format, args...))
}
func (r *record) Fatalf(format string, args ...any) { r.Errorf(format, args...); runtime.Goexit() }
func (r *record) Skipf(string, ...any)              { r.skipped = true; runtime.Goexit() }

// faulty is a sound driver with one thing wrong.
type faulty struct {
	device.Device
	identify     func(device.Identity, error) (device.Identity, error)
	capabilities func(device.Capabilities) device.Capabilities
	read         func(device.Reading, error) (device.Reading, error)
	apply        func(context.Context, device.Demand) (device.Applied, error)
	close        func() error
	pools        func(device.Pools, error) (device.Pools, error)
	setPools     func(context.Context, []device.Pool) error
}

func (f faulty) Pools(ctx context.Context) (device.Pools, error) {
	p, err := f.Device.(device.Repointer).Pools(ctx)
	if f.pools != nil {
		return f.pools(p, err)
	}
	return p, err
}

func (f faulty) SetPools(ctx context.Context, order []device.Pool) error {
	if f.setPools != nil {
		return f.setPools(ctx, order)
	}
	return f.Device.(device.Repointer).SetPools(ctx, order)
}

func (f faulty) Identify(ctx context.Context) (device.Identity, error) {
	id, err := f.Device.Identify(ctx)
	if f.identify != nil {
		return f.identify(id, err)
	}
	return id, err
}

func (f faulty) Capabilities(ctx context.Context) (device.Capabilities, error) {
	c, err := f.Device.Capabilities(ctx)
	if f.capabilities != nil {
		return f.capabilities(c), err
	}
	return c, err
}

func (f faulty) Read(ctx context.Context) (device.Reading, error) {
	r, err := f.Device.Read(ctx)
	if f.read != nil {
		return f.read(r, err)
	}
	return r, err
}

func (f faulty) Apply(ctx context.Context, d device.Demand) (device.Applied, error) {
	if f.apply != nil {
		return f.apply(ctx, d)
	}
	return f.Device.Apply(ctx, d)
}

func (f faulty) Close() error {
	if f.close != nil {
		return f.close()
	}
	return f.Device.Close()
}

// bench is the Avalon driver on an emulated Mini 3, and the miner's address.
func bench(t *testing.T) (devicetest.Bench, string) {
	t.Helper()
	clock := emulate.NewManual(time.Date(2026, 1, 15, 6, 0, 0, 0, time.UTC))
	e := emulated.New(emulated.Config{Model: emulated.Mini3, Clock: clock.Now})
	open := func(address string) device.Device {
		d, err := avalon.Open(avalon.Config{Address: address}, device.Env{Now: clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	address := devicetest.Serve(t, e)
	return devicetest.Bench{
		Device: open(address), Faults: e.Faults(), Now: clock.Now, Settings: e.Settings,
		Elsewhere:   func() device.Device { return open(devicetest.Serve(t, e)) },
		Advance:     func(d time.Duration) { e.Advance(clock.Advance(d), 20) },
		FlashWrites: e.FlashWrites, Blind: e.Blind, Pool: e.SetPool, Mines: e.Pool,
		Busy: func() { e.Calibrate(time.Hour) },
	}, address
}

// Each way to write a bad driver is found by the check that is there for it.
func TestBadDriversAreFound(t *testing.T) {
	type env struct {
		device.Device
		Now     func() time.Time
		address string
	}
	for _, c := range []struct {
		name, check string
		spoil       func(e env) faulty
	}{
		{"its serial is its address", "identity is stable and free of addresses", func(e env) faulty {
			return faulty{identify: func(id device.Identity, err error) (device.Identity, error) {
				id.Serial = e.address
				return id, err
			}}
		}},
		{"it hides that it is an emulation", "identity is stable and free of addresses", func(env) faulty {
			return faulty{identify: func(id device.Identity, err error) (device.Identity, error) {
				id.Simulated = false
				return id, err
			}}
		}},
		{"it gives a verb no latency", "capabilities make sense", func(env) faulty {
			return faulty{capabilities: func(c device.Capabilities) device.Capabilities {
				c.Verbs[device.Run] = device.Cost{}
				return c
			}}
		}},
		{"its levels fall", "capabilities make sense", func(env) faulty {
			return faulty{capabilities: func(c device.Capabilities) device.Capabilities {
				c.Levels[0], c.Levels[1] = c.Levels[1], c.Levels[0]
				return c
			}}
		}},
		{"it promises twice the watts", "readings keep to the capabilities", func(env) faulty {
			return faulty{capabilities: func(c device.Capabilities) device.Capabilities {
				c.Max *= 2
				for i, l := range c.Levels {
					c.Levels[i].Power = units.Map(l.Power, func(p units.Watts) units.Watts { return 2 * p })
				}
				return c
			}}
		}},
		{"it obeys nothing", "every command is read back", func(env) faulty {
			return faulty{apply: func(_ context.Context, d device.Demand) (device.Applied, error) {
				return device.Applied{Verb: d.Verb, Level: d.Level}, nil
			}}
		}},
		{"it is too slow for its word", "every command is read back", func(env) faulty {
			return faulty{capabilities: func(c device.Capabilities) device.Capabilities {
				c.Verbs[device.SetLevel] = device.Cost{Latency: time.Second}
				return c
			}}
		}},
		{"it writes flash every time", "a command given twice does nothing twice", func(e env) faulty {
			return faulty{apply: func(ctx context.Context, d device.Demand) (device.Applied, error) {
				a, err := e.Apply(ctx, d)
				a.Flash = true
				return a, err
			}}
		}},
		{"it takes any level", "what the device cannot do is refused", func(e env) faulty {
			return faulty{apply: func(ctx context.Context, d device.Demand) (device.Applied, error) {
				if a, err := e.Apply(ctx, d); !errors.Is(err, device.ErrUnsupported) {
					return a, err
				}
				return device.Applied{Verb: d.Verb, Level: "eco"}, nil
			}}
		}},
		{"it sets the fans as well", "nothing but power is touched", func(e env) faulty {
			return faulty{apply: func(ctx context.Context, d device.Demand) (device.Applied, error) {
				c, err := new(net.Dialer).DialContext(ctx, "tcp", e.address)
				if err != nil {
					return device.Applied{}, err
				}
				defer c.Close()
				if _, err := io.WriteString(c, "ascset|0,fan-spd,100"); err != nil {
					return device.Applied{}, err
				}
				if _, err := io.ReadAll(c); err != nil {
					return device.Applied{}, err
				}
				return e.Apply(ctx, d)
			}}
		}},
		{"it wears flash in silence", "flash is written only where that is said", func(env) faulty {
			return faulty{capabilities: func(c device.Capabilities) device.Capabilities {
				cost := c.Verbs[device.SetLevel]
				cost.Flash = false
				c.Verbs[device.SetLevel] = cost
				return c
			}}
		}},
		{"paused is zero", "paused is not zero", func(env) faulty {
			return faulty{read: func(r device.Reading, err error) (device.Reading, error) {
				if r.State == device.StatePaused {
					r.Power = units.Know(units.Watts(0), r.At, units.PSU)
				}
				return r, err
			}}
		}},
		{"it claims a dead man's handle", "the dead man's handle works", func(env) faulty {
			return faulty{capabilities: func(c device.Capabilities) device.Capabilities {
				c.DeadMan = time.Minute
				return c
			}}
		}},
		{"it keeps the last reading", "unplugged is unreachable, plugged is well", func(env) faulty {
			var last device.Reading
			return faulty{read: func(r device.Reading, err error) (device.Reading, error) {
				if err == nil {
					last = r
				}
				return last, nil
			}}
		}},
		{"it leaves goroutines behind", "a device that hangs holds nobody", func(env) faulty {
			ever := make(chan struct{})
			t.Cleanup(func() { close(ever) })
			return faulty{identify: func(id device.Identity, err error) (device.Identity, error) {
				for range 3 {
					go func() { <-ever }()
				}
				return id, err
			}}
		}},
		{"it makes zeros of garbage", "garbage is no reading", func(e env) faulty {
			return faulty{read: func(r device.Reading, err error) (device.Reading, error) {
				if errors.Is(err, device.ErrGarbage) {
					return device.Reading{At: e.Now(), State: device.StateOff, Power: units.Know(units.Watts(0), e.Now(), units.PSU)}, nil
				}
				return r, err
			}}
		}},
		{"half an answer is good enough", "half an answer is no reading", func(env) faulty {
			return faulty{read: func(r device.Reading, _ error) (device.Reading, error) { return r, nil }}
		}},
		{"it believes its own commands", "OK is not success", func(e env) faulty {
			var told device.Demand
			return faulty{
				apply: func(ctx context.Context, d device.Demand) (device.Applied, error) {
					told = d
					return e.Apply(ctx, d)
				},
				read: func(r device.Reading, err error) (device.Reading, error) {
					if told.Level != "" {
						r.State, r.Level = device.StateHeating, units.Know(told.Level, r.At, units.Estimate)
					}
					return r, err
				},
			}
		}},
		{"it calls the firmware a meter", "watts claim no better source than they have", func(env) faulty {
			return faulty{read: func(r device.Reading, err error) (device.Reading, error) {
				if p, ok := r.Power.Get(); ok {
					r.Power = units.Know(p, r.At, units.Meter)
				}
				return r, err
			}}
		}},
		{"it heats while it starts", "a restart is not heat", func(env) faulty {
			return faulty{read: func(r device.Reading, err error) (device.Reading, error) {
				if r.State == device.StateStarting {
					r.State = device.StateHeating
				}
				return r, err
			}}
		}},
		{"it reads -273 as a temperature", "sentinels are unknown", func(env) faulty {
			return faulty{read: func(r device.Reading, err error) (device.Reading, error) {
				for i, x := range r.Temps {
					if !x.Value.IsKnown() {
						r.Temps[i].Value = units.Know(units.Celsius(-273), r.At, units.PSU)
					}
				}
				return r, err
			}}
		}},
		{"it says it heats without a pool", "without a pool it is as said", func(env) faulty {
			return faulty{read: func(r device.Reading, err error) (device.Reading, error) {
				if r.State == device.StateLimp {
					r.State = device.StateHeating
				}
				return r, err
			}}
		}},
		{"it hides that it is busy", "busy is said", func(e env) faulty {
			return faulty{apply: func(ctx context.Context, d device.Demand) (device.Applied, error) {
				a, err := e.Apply(ctx, d)
				if errors.Is(err, device.ErrBusy) {
					return device.Applied{Verb: d.Verb, Level: d.Level}, nil
				}
				return a, err
			}}
		}},
		{"it keeps new pools to itself", "pools that are set are read back and put back", func(e env) faulty {
			var told []device.Pool
			return faulty{
				setPools: func(_ context.Context, order []device.Pool) error { told = order; return nil },
				pools: func(p device.Pools, err error) (device.Pools, error) {
					if told != nil {
						p.Order = told
					}
					return p, err
				},
			}
		}},
		{"it turns the order round", "pools that are set are read back and put back", func(e env) faulty {
			return faulty{setPools: func(ctx context.Context, order []device.Pool) error {
				order = slices.Clone(order)
				slices.Reverse(order)
				return e.Device.(device.Repointer).SetPools(ctx, order)
			}}
		}},
		{"it hides that passwords are lost", "pools that are set are read back and put back", func(env) faulty {
			return faulty{pools: func(p device.Pools, err error) (device.Pools, error) {
				p.Notes = nil
				return p, err
			}}
		}},
		{"it takes any pool", "pools that cannot be are refused", func(e env) faulty {
			return faulty{setPools: func(ctx context.Context, order []device.Pool) error {
				if err := e.Device.(device.Repointer).SetPools(ctx, order); !errors.Is(err, device.ErrUnsupported) {
					return err
				}
				return nil
			}}
		}},
		{"it writes a pool in two steps", "a switch of pools that is cut leaves old or new", func(e env) faulty {
			return faulty{setPools: func(ctx context.Context, order []device.Pool) error {
				m := e.Device.(device.Repointer)
				p, err := m.Pools(ctx)
				if err != nil {
					return err
				}
				half := slices.Clone(order)
				half[0].User = p.Order[0].User
				if err := m.SetPools(ctx, half); err != nil {
					return err
				}
				return m.SetPools(ctx, order)
			}}
		}},
		{"it cannot be closed twice", "closing twice is fine", func(env) faulty {
			closed := false
			return faulty{close: func() error {
				if closed {
					return errors.New("closed already")
				}
				closed = true
				return nil
			}}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, address := bench(t)
			e := env{b.Device, b.Now, address}
			bad := c.spoil(e)
			bad.Device = e.Device
			b.Device = bad
			found := held(t, c.check, b)
			if len(found) == 0 {
				t.Errorf("%q finds nothing wrong", c.check)
			}
		})
	}
}

// held runs one check and returns what it found.
func held(t *testing.T, name string, b devicetest.Bench) []string {
	t.Helper()
	for _, check := range devicetest.Checks() {
		if check.Name != name {
			continue
		}
		r := &record{t: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			check.Run(r, b)
		}()
		<-done
		if r.skipped {
			t.Fatalf("%q was skipped", name)
		}
		return r.found
	}
	t.Fatalf("there is no check %q", name)
	return nil
}

// The sound driver passes each of them, so that it is the fault that is found.
func TestTheSoundDriverIsNot(t *testing.T) {
	devicetest.Run(t, func(t *testing.T) devicetest.Bench {
		b, _ := bench(t)
		return b
	})
}
