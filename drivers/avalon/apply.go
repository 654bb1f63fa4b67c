package avalon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hearth/device"
	"hearth/drivers/internal/cgminer"
)

// lead is how far ahead of the miner's clock a soft off or on is set: the
// firmware takes instants to come.
const lead = 5 * time.Second

// soft is the last soft off or on that this driver sent, which the miner may
// not have done yet.
type soft struct {
	off  bool
	when time.Time // by the miner's clock; zero: none
}

// pending reports whether the command still lies ahead, or so short a time
// back that the miner may not tell it yet.
func (s soft) pending(clock time.Time) bool {
	return !s.when.IsZero() && clock.Before(s.when.Add(lead)) && s.when.Before(clock.Add(time.Hour))
}

// Apply implements [device.Device]. It looks first and sends nothing to a
// miner that is as demanded.
func (m *Miner) Apply(ctx context.Context, d device.Demand) (device.Applied, error) {
	a, err := m.apply(ctx, d)
	if err != nil {
		return device.Applied{}, fmt.Errorf("tell the miner to %s: %w", strings.TrimSpace(strings.ReplaceAll(string(d.Verb), "_", " ")+" "+d.Level), err)
	}
	return a, nil
}

func (m *Miner) apply(ctx context.Context, d device.Demand) (device.Applied, error) {
	who, err := m.known(ctx)
	if err != nil {
		return device.Applied{}, err
	}
	if err := who.takes(d); err != nil {
		return device.Applied{}, err
	}
	who, s, clock, err := m.look(ctx)
	if err != nil {
		return device.Applied{}, err
	}
	if err := who.takes(d); err != nil { // another miner may have answered
		return device.Applied{}, err
	}
	a := device.Applied{Verb: d.Verb}
	if d.Verb == device.SetLevel {
		want, _ := who.step(d.Level)
		a.Level = want.id
		if got, ok := who.level(s, clock).Get(); !ok || got != want.id {
			if err := m.command(ctx, who.command(want)); err != nil {
				return device.Applied{}, err
			}
			a.Flash = true
			m.woken = m.now()
		}
	}
	if who.pauses() {
		err = m.sleep(ctx, s, clock, d.Verb == device.Pause)
	}
	return a, err
}

// takes refuses what the miner cannot do.
func (i *identity) takes(d device.Demand) error {
	switch d.Verb {
	case device.SetLevel:
		if !i.steers() {
			return fmt.Errorf("%w: the %s has no levels that can be set", device.ErrUnsupported, i.name)
		}
		if _, ok := i.step(d.Level); ok {
			return nil
		}
		var ids []string
		for _, s := range i.steps {
			ids = append(ids, s.id)
		}
		return fmt.Errorf("%w: there is no level %q: the %s has %s", device.ErrUnsupported, d.Level, i.name, strings.Join(ids, ", "))
	case device.Run, device.Pause:
		if i.pauses() {
			return nil
		}
		return fmt.Errorf("%w: the %s knows no soft off: put it behind a relay to switch it off", device.ErrUnsupported, i.name)
	case device.Off, device.SetPower, device.Retune:
	}
	return fmt.Errorf("%w: the %s can be set to a level, run and paused", device.ErrUnsupported, i.name)
}

// sleep puts the miner to sleep or wakes it, at an instant of its own clock.
func (m *Miner) sleep(ctx context.Context, s stats, clock time.Time, off bool) error {
	asleep := s.work() == "In Idle"
	pending := m.soft.pending(clock)
	if pending {
		asleep = m.soft.off
	} else if asleep && s.instant("SoftOnTime").After(clock) || !asleep && s.instant("SoftOffTime").After(clock) {
		// Somebody else has set an instant to come: make sure of ours.
		asleep = !off
	}
	if asleep == off {
		return nil
	}
	if clock.IsZero() {
		return fmt.Errorf("%w: the miner does not tell its clock, without which it cannot be told when", device.ErrGarbage)
	}
	name, when := "softon", clock.Add(lead)
	if off {
		name = "softoff"
	}
	if pending && !when.After(m.soft.when) {
		when = m.soft.when.Add(time.Second) // after the one before
	}
	if err := m.command(ctx, fmt.Sprintf("0,%s,1:%d", name, when.Unix())); err != nil {
		return err
	}
	m.soft = soft{off, when}
	if !off {
		m.woken = m.now()
	}
	return nil
}

// command sends one ascset. Some firmware closes the connection instead of an
// answer; the next reading shows what came of it.
func (m *Miner) command(ctx context.Context, parameter string) error {
	r, err := m.ask(ctx, "ascset", parameter)
	if errors.Is(err, cgminer.ErrNoReply) {
		return nil
	}
	if err != nil {
		return err
	}
	return refusal(r.Status)
}

// refusal reads what the miner answers to ascset. It says in words what is
// wrong, in a failure or, on some firmware, as mere information.
func refusal(s cgminer.Status) error {
	msg := strings.ToLower(s.Msg)
	says := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(msg, w) })
	}
	switch {
	case s.Severity == cgminer.Success, says("success"):
		return nil
	case says("caling", "permit switch"):
		return fmt.Errorf("%w calibrating its mode: try again in some minutes (it says %.200q)", device.ErrBusy, s.Msg)
	case says("unknown", "not support", "parameter error", "wrong", "invalid"):
		return fmt.Errorf("%w: it says %.200q", device.ErrUnsupported, s.Msg)
	}
	return s.Err()
}

// show is how long a blink lasts, unless its context ends before.
const show = 10 * time.Second

// Blink implements [device.Blinker]: the light ring of a Nano 3s flashes white
// until ctx ends or ten seconds have passed, and is then as it was. Other
// models have no light that can be read and put back: [device.ErrUnsupported].
func (m *Miner) Blink(ctx context.Context) error {
	if err := m.blink(ctx); err != nil {
		return fmt.Errorf("make the miner blink: %w", err)
	}
	return nil
}

func (m *Miner) blink(ctx context.Context) error {
	who, s, _, err := m.look(ctx)
	if err != nil {
		return err
	}
	before, tells := s["LEDUser"]
	if !who.can("ledset") || !tells || strings.Count(before, "-") != 5 {
		return fmt.Errorf("%w: the %s has no light that Hearth could put back", device.ErrUnsupported, who.name)
	}
	if mode, _, _ := strings.Cut(s["LED"], "-"); mode != "0" {
		return fmt.Errorf("%w: its light is in night mode; set it to day in Canaan's app", device.ErrRefused)
	}
	// The two commands are never cut short: a miner may have obeyed one whose
	// answer nobody waited for, and would flash for ever.
	whole := context.WithoutCancel(ctx)
	const flashWhite = "2-100-100-255-255-255"
	flash, cancel := context.WithTimeout(whole, 5*time.Second)
	defer cancel()
	flashing := m.command(flash, "0,ledset,"+flashWhite)
	if flashing == nil {
		timer := time.NewTimer(show)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	back, cancel := context.WithTimeout(whole, 5*time.Second)
	defer cancel()
	return errors.Join(flashing, m.command(back, "0,ledset,"+before))
}
