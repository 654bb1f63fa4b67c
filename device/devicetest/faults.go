package devicetest

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"hearth/device"
)

// heating brings the device to its full heat, where it has any.
func (b Bench) heating(t T) device.Capabilities {
	t.Helper()
	c := b.capable(t)
	if top, ok := full(c); ok {
		b.command(t, top)
	}
	return c
}

// calls are the ways to ask a device that must reach it.
func (b Bench) calls(c device.Capabilities) map[string]func(context.Context) error {
	m := map[string]func(context.Context) error{
		"identify": func(ctx context.Context) error { _, err := b.Device.Identify(ctx); return err },
		"read":     func(ctx context.Context) error { _, err := b.Device.Read(ctx); return err },
	}
	if top, ok := full(c); ok {
		m[say(top)] = func(ctx context.Context) error { _, err := b.Device.Apply(ctx, top); return err }
	}
	if stop, ok := none(c); ok {
		m[say(stop)] = func(ctx context.Context) error { _, err := b.Device.Apply(ctx, stop); return err }
	}
	return m
}

func unplugged(t T, b Bench) {
	c := b.heating(t)
	for range 2 {
		b.Faults.Unplug()
		for name, call := range b.calls(c) {
			_, err := ask(t, func(ctx context.Context) (struct{}, error) { return struct{}{}, call(ctx) })
			if !errors.Is(err, device.ErrUnreachable) {
				t.Errorf("%s of an unplugged device: %v; want %v", name, err, device.ErrUnreachable)
			}
		}
		b.Faults.Plug()
		b.read(t)
		if _, err := b.identify(t); err != nil {
			t.Errorf("plugged in again: %v", err)
		}
	}
}

// slow lets the device hang for an hour: calls must end with their context,
// and leave nothing behind.
func slow(t T, b Bench) {
	c := b.heating(t)
	before := runtime.NumGoroutine()
	b.Faults.SetSlow(time.Hour)
	for name, call := range b.calls(c) {
		for _, end := range []func() (context.Context, context.CancelFunc){
			func() (context.Context, context.CancelFunc) {
				return context.WithTimeout(t.Context(), 30*time.Millisecond)
			},
			func() (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(10*time.Millisecond, cancel)
				return ctx, cancel
			},
		} {
			ctx, cancel := end()
			done := make(chan error, 1)
			go func() { done <- call(ctx) }()
			select {
			case err := <-done:
				if err == nil {
					t.Errorf("%s of a device that hangs succeeds", name)
				} else if !errors.Is(err, ctx.Err()) && !errors.Is(err, device.ErrUnreachable) {
					t.Errorf("%s of a device that hangs: %v; want the end of the context or %v", name, err, device.ErrUnreachable)
				}
			case <-time.After(patience):
				t.Fatalf("%s does not return when its context ends", name)
			}
			cancel()
		}
	}
	b.Faults.SetSlow(0)
	b.read(t)
	// What the calls started must end soon; so must the emulator's side.
	var after int
	for range 200 {
		runtime.Gosched()
		if after = runtime.NumGoroutine(); after <= before+1 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines before the device hung, %d after", before, after)
}

// spoilt asks a device whose answers are spoilt: it must say garbage.
func (b Bench) spoilt(t T, times int, what string) {
	t.Helper()
	for i := range times {
		r, err := ask(t, b.Device.Read)
		switch {
		case err == nil:
			t.Errorf("%s, time %d: a reading %+v", what, i+1, r)
		case !errors.Is(err, device.ErrGarbage):
			t.Errorf("%s, time %d: %v; want %v", what, i+1, err, device.ErrGarbage)
		}
	}
	for i := range times {
		if id, err := b.identify(t); !errors.Is(err, device.ErrGarbage) {
			t.Errorf("identify, %s, time %d: %+v, %v; want %v", what, i+1, id, err, device.ErrGarbage)
		}
	}
	if _, err := ask(t, b.Device.Capabilities); err != nil && !errors.Is(err, device.ErrGarbage) {
		t.Errorf("capabilities, %s: %v; want %v", what, err, device.ErrGarbage)
	}
}

func garbage(t T, b Bench) {
	b.heating(t)
	b.Faults.SetGarbage(true)
	b.spoilt(t, 8, "garbage")
	b.Faults.SetGarbage(false)
	b.read(t)
}

func partial(t T, b Bench) {
	b.heating(t)
	b.Faults.SetPartial(true)
	b.spoilt(t, 2, "half an answer")
	b.Faults.SetPartial(false)
	b.read(t)
}

// lyingOK lets the device acknowledge what it does not do. The driver may
// find out by itself; if not, the reading must show it.
func lyingOK(t T, b Bench) {
	c := b.capable(t)
	top, heats := full(c)
	if !heats {
		t.Skipf("it takes no commands")
	}
	others := demands(c)
	for _, d := range others {
		if device.Demand.Same(d, top) || d.Verb == device.Run {
			continue
		}
		b.command(t, top)
		b.ignored(t, c, d)
		if d.Verb == device.SetLevel || d.Verb == device.Pause || d.Verb == device.Off {
			b.command(t, d)
			b.ignored(t, c, top)
		}
	}
}

func (b Bench) ignored(t T, c device.Capabilities, d device.Demand) {
	t.Helper()
	b.Faults.SetLyingOK(true)
	defer b.Faults.SetLyingOK(false)
	a, err := b.apply(t, d)
	if err != nil {
		return
	}
	b.Advance(2 * c.Verbs[d.Verb].Latency)
	if ok, _ := device.Meets(c, a, b.read(t)); ok {
		t.Errorf("%s was acknowledged and not done, and the reading meets it", say(d))
	}
}

func lyingWatts(t T, b Bench) {
	b.heating(t)
	for _, factor := range []float64{0.5, 0.9, 1.2} {
		b.Faults.SetLyingWatts(factor)
		b.read(t) // honest compares the sources
	}
}

// restart lets the device restart by itself in the middle of heating. The
// first answer after it must not be heat with numbers from before.
func restart(t T, b Bench) {
	c := b.heating(t)
	top, heats := full(c)
	if !heats {
		t.Skipf("it takes no commands")
	}
	b.Advance(10 * time.Minute)
	began := b.Now()
	b.Faults.Reboot()
	var r device.Reading
	var err error
	for range 600 {
		r, err = ask(t, b.Device.Read)
		if err == nil {
			break
		}
		if !errors.Is(err, device.ErrUnreachable) && !isBusy(err) {
			t.Fatalf("while it restarts: %v", err)
		}
		b.Advance(time.Second)
	}
	if err != nil {
		t.Fatalf("ten minutes after a restart: %v", err)
	}
	b.honest(t, c, r)
	if up, known := r.Uptime.Get(); known && up > b.Now().Sub(began)+time.Minute {
		t.Errorf("%v after a restart it says it is up for %v", b.Now().Sub(began), up)
	}
	computes := c.Work == device.Hashing || c.Work == device.Computing || c.Work == device.Burning
	if r.State == device.StateHeating && computes {
		t.Errorf("the first answer after a restart says it is heating: %+v", r)
	}
	if h, known := r.HashRate.Get(); known && h > 0 && r.State != device.StateHeating {
		t.Errorf("%s after a restart, it says it hashes %v", r.State, h)
	}
	// It may still be starting: the command has the time of a command.
	b.command(t, top)
}

func sentinels(t T, b Bench) {
	wanted(t, b.Blind != nil, "way to blind the sensors")
	c := b.heating(t)
	seen := 0
	for _, x := range b.read(t).Temps {
		if x.Value.IsKnown() {
			seen++
		}
	}
	if len(c.Temps) > 0 && seen == 0 {
		t.Errorf("no temperature is known although all sensors work")
	}
	b.Blind()
	for _, x := range b.read(t).Temps {
		if v, known := x.Value.Get(); known {
			t.Errorf("%s has no sensor and is told as %v", x.Name, v)
		}
	}
}

func limp(t T, b Bench) {
	wanted(t, b.Pool != nil, "pool")
	c := b.heating(t)
	b.Pool(false)
	b.Advance(30 * time.Minute)
	r := b.read(t)
	switch c.Limp {
	case device.LimpUnknown: // nothing was promised
	case device.LimpStops:
		if r.State == device.StateHeating {
			t.Errorf("it stops without a pool, and says it is heating: %+v", r)
		}
	case device.LimpHeats, device.LimpNone:
		if r.State != device.StateHeating {
			t.Errorf("it heats without a pool, and says it is %s", r.State)
		}
	}
	if ok, known := r.Pool.Get(); known && ok {
		t.Errorf("it says that it has a pool")
	}
	b.Pool(true)
	b.Advance(30 * time.Minute)
	b.heating(t)
}

func busy(t T, b Bench) {
	wanted(t, b.Busy != nil, "way to be busy")
	c := b.heating(t)
	b.Busy()
	refused := 0
	for _, d := range demands(c) {
		switch _, err := b.apply(t, d); {
		case isBusy(err):
			refused++
		case err != nil:
			t.Errorf("%s of a busy device: %v; want %v", say(d), err, device.ErrBusy)
		}
	}
	if refused == 0 {
		t.Errorf("the device refuses everything, the driver reports nothing as %v", device.ErrBusy)
	}
}

func concurrency(t T, b Bench) {
	wanted(t, b.Elsewhere != nil, "second address")
	b.capable(t)
	other := b.Elsewhere()
	defer func() { _ = other.Close() }()
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i, d := range []device.Device{b.Device, other} {
		wg.Go(func() {
			for range 5 {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				_, err := d.Read(ctx)
				cancel()
				errs[i] = errors.Join(errs[i], err)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Errorf("two devices at once: %v", err)
	}
}
