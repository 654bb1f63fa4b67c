package axeos

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"hearth/device"
	"hearth/drivers/internal/httpjson"
)

// Apply implements [device.Device]. It first asks how the miner is and sends
// only what differs, so that repeating a demand wears no flash.
func (m *Miner) Apply(ctx context.Context, d device.Demand) (device.Applied, error) {
	applied, err := m.apply(ctx, d)
	if err != nil {
		return device.Applied{}, fmt.Errorf("tell the miner to %s: %w", d.Verb, err)
	}
	return applied, nil
}

func (m *Miner) apply(ctx context.Context, d device.Demand) (device.Applied, error) {
	info, err := m.info(ctx)
	if err != nil {
		return device.Applied{}, err
	}
	asic, err := m.asic(ctx)
	if err != nil {
		return device.Applied{}, err
	}
	c := m.capabilities(info, asic)
	if !c.Can(d.Verb) {
		return device.Applied{}, fmt.Errorf("%w: the firmware of this miner has no such command", device.ErrUnsupported)
	}
	if c.WriteGate != "" {
		return device.Applied{}, fmt.Errorf("%w: %s", device.ErrRefused, c.WriteGate)
	}
	applied := device.Applied{Verb: d.Verb}
	starts := d.Verb == device.Run || d.Verb == device.SetLevel
	// A miner that stopped itself for heat or a fault is left to a person.
	if fs := m.faults(info); starts && len(fs) > 0 && (m.nerd.itself || m.state(info, m.now()) == device.StateFault) {
		return device.Applied{}, fmt.Errorf("%w: %s", device.ErrRefused, fs[0].Text)
	}
	switch d.Verb {
	case device.Pause:
		if paused, _ := info.Truth("miningPaused"); !paused {
			err = m.post(ctx, "pause")
		}
	case device.Off:
		if off, _ := info.Truth("shutdown"); !off {
			m.nerd.ordered = true
			err = m.post(ctx, "shutdown")
		}
	case device.SetLevel:
		if _, ok := c.Level(d.Level); !ok {
			return device.Applied{}, fmt.Errorf("%w: it has no level %q", device.ErrUnsupported, d.Level)
		}
		applied.Level = d.Level
		if applied.Flash, err = m.tune(ctx, info, megahertz(d.Level)); err == nil {
			err = m.start(ctx, info)
		}
	case device.Run:
		err = m.start(ctx, info)
	case device.SetPower, device.Retune: // no capability of a miner, refused above
	}
	return applied, err
}

// tune writes the frequency if it is another than now. The firmware keeps it
// in flash.
func (m *Miner) tune(ctx context.Context, info httpjson.Object, mhz float64) (wrote bool, err error) {
	if now, ok := megahertzOf(info, "frequency"); ok && now == mhz {
		return false, nil
	}
	body := map[string]float64{"frequency": mhz}
	if err := m.http.Send(ctx, http.MethodPatch, "/api/system", body); err != nil {
		return false, err
	}
	return true, nil
}

// start ends a pause or shutdown.
func (m *Miner) start(ctx context.Context, info httpjson.Object) error {
	command := ""
	if off, _ := info.Truth("shutdown"); off {
		command = "restart"
	} else if paused, _ := info.Truth("miningPaused"); paused {
		command = "resume"
	}
	if command == "" {
		return nil
	}
	m.woken = m.now()
	return m.post(ctx, command)
}

func (m *Miner) post(ctx context.Context, command string) error {
	return m.http.Send(ctx, http.MethodPost, "/api/system/"+command, nil)
}

// Blink implements [device.Blinker]: the miner shows a greeting on its screen.
func (m *Miner) Blink(ctx context.Context) error {
	err := m.post(ctx, "identify")
	if errors.Is(err, device.ErrUnsupported) {
		return fmt.Errorf("make the miner show itself: %w: its firmware has no such command; watch its screen or fan instead", err)
	}
	if err != nil {
		return fmt.Errorf("make the miner show itself: %w", err)
	}
	return nil
}
