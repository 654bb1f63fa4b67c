package devicetest

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"hearth/device"
	"hearth/units"
)

func isBusy(err error) bool { return errors.Is(err, device.ErrBusy) }

// between returns the wattage at share p of the range, on its grain.
func between(r device.Range, p float64) units.Watts {
	w := r.Min + units.Watts(p)*(r.Max-r.Min)
	if r.Step > 0 {
		w = r.Min + units.Watts(math.Floor(float64((w-r.Min)/r.Step)+1e-9))*r.Step
	}
	return w
}

func identity(t T, b Bench) {
	id, err := b.identify(t)
	if err != nil {
		t.Fatalf("identify: %v", err)
	}
	if id.Vendor == "" || id.Model == "" || id.Serial == "" {
		t.Errorf("vendor, model and serial must be told: %+v", id)
	}
	if !id.Simulated {
		t.Errorf("the emulator says what it is, the identity does not: %+v", id)
	}
	again, err := b.identify(t)
	if err != nil || again != id {
		t.Errorf("asked again it is %+v, %v; was %+v", again, err, id)
	}
	if b.Elsewhere == nil {
		return
	}
	other := b
	other.Device = b.Elsewhere()
	defer func() { _ = other.Device.Close() }()
	moved, err := other.identify(t)
	if err != nil || moved != id {
		t.Errorf("at another address it is %+v, %v; was %+v", moved, err, id)
	}
}

func capabilities(t T, b Bench) {
	c := b.capable(t)
	all := []device.Verb{device.SetPower, device.SetLevel, device.Run, device.Pause, device.Off, device.Retune}
	for v, cost := range c.Verbs {
		if !slices.Contains(all, v) {
			t.Errorf("%q is not a verb", v)
		}
		if cost.Latency <= 0 {
			t.Errorf("%s has no latency", v)
		}
		if cost.PerHour < 0 || cost.PerDay < 0 {
			t.Errorf("%s is bounded by %d an hour and %d a day", v, cost.PerHour, cost.PerDay)
		}
		if cost.Flash && cost.PerHour == 0 && cost.PerDay == 0 {
			t.Errorf("%s wears flash and is not bounded", v)
		}
	}
	if c.Can(device.SetLevel) != (len(c.Levels) > 0) {
		t.Errorf("set_level is %v with %d levels", c.Can(device.SetLevel), len(c.Levels))
	}
	if (c.Can(device.SetPower) || c.Can(device.Retune)) != (c.Power.Max > 0) {
		t.Errorf("the range of power is %+v, the verbs are %v", c.Power, c.Verbs)
	}
	if c.Power.Min < 0 || c.Power.Min > c.Power.Max || c.Power.Step < 0 || c.Power.Max > c.Max {
		t.Errorf("the range of power is %+v, the maximum %v", c.Power, c.Max)
	}
	if len(c.Verbs) > 0 && !(c.Max > 0) {
		t.Errorf("the maximum is %v", c.Max)
	}
	_, starts := full(c)
	if _, stops := none(c); stops && !starts {
		t.Errorf("it can be stopped and not started: %v", c.Verbs)
	}
	levels(t, c)
	if p, known := c.Idle.Get(); known && !(p >= 0 && (c.Max == 0 || p <= c.Max)) {
		t.Errorf("idle draws %v of at most %v", p, c.Max)
	}
	if !c.Idle.IsKnown() && c.Idle.Why() == "no reading yet" {
		t.Errorf("idle is unknown and not said why")
	}
	if !slices.Contains([]device.Limp{device.LimpUnknown, device.LimpHeats, device.LimpStops, device.LimpNone}, c.Limp) {
		t.Errorf("limp is %q", c.Limp)
	}
	if c.Limp == device.LimpNone && c.Work == device.Hashing {
		t.Errorf("a miner without need of a pool")
	}
	if !slices.Contains([]device.Work{device.Hashing, device.Computing, device.Burning, device.Resistive, device.NoWork}, c.Work) {
		t.Errorf("work is %q", c.Work)
	}
	if c.DeadMan < 0 {
		t.Errorf("the dead-man time is %v", c.DeadMan)
	}
	var names []string
	for _, ch := range c.Temps {
		if ch.Name == "" || ch.Kind == "" || slices.Contains(names, ch.Name) {
			t.Errorf("temperature channel %+v", ch)
		}
		names = append(names, ch.Name)
	}
}

func levels(t T, c device.Capabilities) {
	var ids []string
	var last units.Watts
	for _, l := range c.Levels {
		if l.ID == "" || l.ID != strings.ToLower(l.ID) || l.Name == "" || slices.Contains(ids, l.ID) {
			t.Errorf("level %+v", l)
		}
		ids = append(ids, l.ID)
		p, known := l.Power.Get()
		switch {
		case !known && l.Power.Why() == "no reading yet":
			t.Errorf("the power of level %s is unknown and not said why", l.ID)
		case known && (p <= last || p > c.Max):
			t.Errorf("level %s draws %v after %v, at most %v", l.ID, p, last, c.Max)
		case known:
			last = p
		}
	}
	if c.Efficient != "" && !slices.Contains(ids, c.Efficient) {
		t.Errorf("the efficient level %q is none of %v", c.Efficient, ids)
	}
}

// honest is what holds for every reading.
func (b Bench) honest(t T, c device.Capabilities, r device.Reading) {
	t.Helper()
	if now := b.Now(); r.At.After(now) || now.Sub(r.At) > time.Second {
		t.Errorf("a reading of %v at %v", r.At, now)
	}
	if r.State == "" {
		t.Errorf("a reading without a state")
	}
	if p, known := r.Power.Get(); known {
		if p < 0 || c.Max > 0 && !c.Shared && p > 1.5*c.Max {
			t.Errorf("it draws %v of at most %v", p, c.Max)
		}
		if c.WattSource == units.None {
			t.Errorf("it tells its power, and the capabilities do not say by what")
		} else if r.Power.From() < c.WattSource {
			t.Errorf("power from %v, the capabilities promise %v", r.Power.From(), c.WattSource)
		}
	}
	unknownWithReason(t, "power", r.Power.IsKnown(), r.Power.Why())
	unknownWithReason(t, "energy", r.Energy.IsKnown(), r.Energy.Why())
	unknownWithReason(t, "hash rate", r.HashRate.IsKnown(), r.HashRate.Why())
	unknownWithReason(t, "level", r.Level.IsKnown(), r.Level.Why())
	unknownWithReason(t, "target", r.Target.IsKnown(), r.Target.Why())
	unknownWithReason(t, "flow", r.Flow.IsKnown(), r.Flow.Why())
	unknownWithReason(t, "pool", r.Pool.IsKnown(), r.Pool.Why())
	unknownWithReason(t, "uptime", r.Uptime.IsKnown(), r.Uptime.Why())
	for _, x := range r.Temps {
		unknownWithReason(t, x.Name, x.Value.IsKnown(), x.Value.Why())
		if v, known := x.Value.Get(); known && sentinel(v) {
			t.Errorf("%s is told as %v, which is a sentinel", x.Name, v)
		}
		if !slices.ContainsFunc(c.Temps, func(ch device.Channel) bool { return ch.Name == x.Name && ch.Kind == x.Kind }) {
			t.Errorf("temperature %s (%s) is not among the capabilities", x.Name, x.Kind)
		}
	}
	if l, known := r.Level.Get(); known && len(c.Levels) > 0 {
		if _, ok := c.Level(l); !ok {
			t.Errorf("level %q is not among the capabilities", l)
		}
	}
}

// sentinel tells figures that firmware gives for "no sensor".
func sentinel(v units.Celsius) bool {
	return v <= -40 || v == -1 || v >= 200
}

func unknownWithReason(t T, what string, known bool, why string) {
	t.Helper()
	if !known && why == "no reading yet" {
		t.Errorf("%s is unknown and the reading does not say why", what)
	}
}

func readings(t T, b Bench) {
	c := b.capable(t)
	if _, heats := full(c); !heats {
		b.read(t)
		return
	}
	var last units.Watts
	for _, d := range demands(c) {
		b.command(t, d)
		b.Advance(2 * c.Verbs[d.Verb].Latency)
		r := b.read(t)
		l, isLevel := c.Level(d.Level)
		if !isLevel {
			continue
		}
		got, known := r.Power.Get()
		want, told := l.Power.Get()
		if !known || !told {
			continue
		}
		if math.Abs(float64(got-want)) > max(25, float64(want)/4) {
			t.Errorf("level %s draws %v, promised %v", l.ID, got, want)
		}
		if got < last-10 {
			t.Errorf("level %s draws %v, the one below %v", l.ID, got, last)
		}
		last = got
	}
}

func commands(t T, b Bench) {
	c := b.capable(t)
	for _, d := range demands(c) {
		b.command(t, d)
	}
	// Down and up again between levels that are far apart.
	for i, l := range c.Levels {
		b.command(t, device.Demand{Verb: device.SetLevel, Level: c.Levels[len(c.Levels)-1-i].ID})
		b.command(t, device.Demand{Verb: device.SetLevel, Level: l.ID})
	}
	stop, stops := none(c)
	if !stops || len(c.Levels) == 0 {
		return
	}
	if c.Can(device.Run) {
		low := c.Levels[0].ID
		b.command(t, device.Demand{Verb: device.SetLevel, Level: low})
		b.command(t, stop)
		b.command(t, device.Demand{Verb: device.Run})
		if got, known := b.read(t).Level.Get(); known && got != low {
			t.Errorf("run after %s went on at level %s, was %s", stop.Verb, got, low)
		}
	}
	b.command(t, stop)
	b.command(t, device.Demand{Verb: device.SetLevel, Level: c.Levels[0].ID})
}

func idempotence(t T, b Bench) {
	c := b.capable(t)
	for _, d := range demands(c) {
		b.command(t, d)
		writes := 0
		if b.FlashWrites != nil {
			writes = b.FlashWrites()
		}
		a, err := b.apply(t, d)
		if err != nil {
			t.Fatalf("%s again: %v", say(d), err)
		}
		if a.Flash {
			t.Errorf("%s again writes flash", say(d))
		}
		if b.FlashWrites != nil && b.FlashWrites() != writes {
			t.Errorf("%s again wrote flash %d times", say(d), b.FlashWrites()-writes)
		}
		for range 3 {
			if ok, why := device.Meets(c, a, b.read(t)); !ok {
				t.Fatalf("%s again undid it: %s", say(d), why)
			}
			b.Advance(tick(c.Verbs[d.Verb].Latency))
		}
	}
}

func unsupported(t T, b Bench) {
	c := b.capable(t)
	refused := func(d device.Demand) {
		t.Helper()
		if a, err := b.apply(t, d); !errors.Is(err, device.ErrUnsupported) {
			t.Errorf("%s: %+v, %v; want %v", say(d), a, err, device.ErrUnsupported)
		}
	}
	before := b.Settings()
	refused(device.Demand{Verb: "dance"})
	refused(device.Demand{})
	refused(device.Demand{Verb: device.SetLevel, Level: "no such level"})
	refused(device.Demand{Verb: device.SetLevel})
	for _, v := range []device.Verb{device.Run, device.Pause, device.Off} {
		if !c.Can(v) {
			refused(device.Demand{Verb: v})
		}
	}
	for _, v := range []device.Verb{device.SetPower, device.Retune} {
		if !c.Can(v) {
			refused(device.Demand{Verb: v, Power: 100})
			continue
		}
		for _, p := range []units.Watts{-1, c.Power.Max*1.01 + 1, units.Watts(math.NaN()), units.Watts(math.Inf(1))} {
			refused(device.Demand{Verb: v, Power: p})
		}
	}
	if b.Settings() != before {
		t.Errorf("a refused command changed %s to %s", before, b.Settings())
	}
}

func settings(t T, b Bench) {
	c := b.capable(t)
	before := b.Settings()
	if before == "" {
		t.Fatalf("the bench tells no settings")
	}
	for _, d := range demands(c) {
		b.command(t, d)
		if got := b.Settings(); got != before {
			t.Fatalf("%s changed %s to %s", say(d), before, got)
		}
	}
	if s, ok := b.Device.(device.Blinker); ok {
		// The end of the context ends the show, and is no failure of it.
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if err := s.Blink(ctx); err != nil && !errors.Is(err, device.ErrUnsupported) {
			t.Errorf("blink: %v", err)
		}
		b.Advance(time.Minute)
		if got := b.Settings(); got != before {
			t.Errorf("a blink changed %s to %s", before, got)
		}
	}
}

func flash(t T, b Bench) {
	wanted(t, b.FlashWrites != nil, "count of flash writes")
	c := b.capable(t)
	for _, d := range demands(c) {
		before := b.FlashWrites()
		b.command(t, d)
		if wrote := b.FlashWrites() > before; wrote && !c.Verbs[d.Verb].Flash {
			t.Errorf("%s wrote flash, its cost does not say so", say(d))
		}
	}
}

func idle(t T, b Bench) {
	c := b.capable(t)
	if !c.Can(device.Pause) {
		t.Skipf("it cannot be paused")
	}
	b.command(t, device.Demand{Verb: device.Pause})
	b.Advance(10 * time.Minute)
	r := b.read(t)
	p, known := r.Power.Get()
	switch {
	case !known:
		t.Logf("the idle draw is unknown: %s", r.Power.Why())
	case p <= 0:
		t.Errorf("paused and still on the network, it says it draws %v", p)
	case p > c.IdleCeiling():
		t.Errorf("paused it draws %v, more than %v", p, c.IdleCeiling())
	}
	if h, known := r.HashRate.Get(); known && h > 0 {
		t.Errorf("paused it hashes %v", h)
	}
}

func deadMan(t T, b Bench) {
	c := b.capable(t)
	if c.DeadMan == 0 {
		t.Skipf("it keeps its last level if Hearth stops")
	}
	top, ok := full(c)
	if !ok {
		t.Fatalf("a dead-man timer on a device without verbs")
	}
	b.command(t, top)
	for range 4 { // renewed, it goes on
		b.Advance(c.DeadMan / 2)
		a, err := b.apply(t, top)
		if err != nil {
			t.Fatalf("%s again: %v", say(top), err)
		}
		if ok, why := device.Meets(c, a, b.read(t)); !ok {
			t.Fatalf("renewed in time it stopped: %s", why)
		}
	}
	b.Advance(c.DeadMan + c.DeadMan/4)
	if r := b.read(t); r.State == device.StateHeating {
		t.Errorf("not renewed for %v it still heats", c.DeadMan+c.DeadMan/4)
	}
}

func closing(t T, b Bench) {
	b.read(t)
	for i := range 2 {
		if err := b.Device.Close(); err != nil {
			t.Errorf("close %d: %v", i+1, err)
		}
	}
}
