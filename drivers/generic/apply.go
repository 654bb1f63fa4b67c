package generic

import (
	"context"
	"errors"
	"fmt"
	"math"

	"hearth/device"
	"hearth/internal/mqtt"
	"hearth/units"
)

// Apply implements [device.Device].
func (h *Heater) Apply(ctx context.Context, d device.Demand) (device.Applied, error) {
	a, o, err := h.plan(d)
	if err != nil {
		return device.Applied{}, fmt.Errorf("%s %s: %w", d.Verb, h.cfg.Model, err)
	}
	if err := h.carryOut(ctx, &a, o); err != nil {
		return device.Applied{}, fmt.Errorf("%s %s: %w", d.Verb, h.cfg.Model, err)
	}
	return a, nil
}

// plan rounds a demand to what the description allows.
func (h *Heater) plan(d device.Demand) (device.Applied, order, error) {
	if _, ok := h.cfg.Commands[string(d.Verb)]; !ok {
		return device.Applied{}, order{}, device.ErrUnsupported
	}
	a := device.Applied{Verb: d.Verb}
	o := order{max: h.cfg.Range.Max}
	switch d.Verb {
	case device.SetPower:
		r, p := h.cfg.Range, float64(d.Power)
		if math.IsNaN(p) || d.Power < r.Min || d.Power > r.Max {
			return a, o, fmt.Errorf("%w: %v is outside of %v to %v", device.ErrUnsupported, d.Power, r.Min, r.Max)
		}
		if r.Step > 0 {
			steps := math.Round(float64((d.Power - r.Min) / r.Step))
			d.Power = min(r.Min+units.Watts(steps)*r.Step, r.Max)
		}
		a.Power, o.power = d.Power, d.Power
	case device.SetLevel:
		for _, l := range h.cfg.Levels {
			if l.ID == d.Level {
				a.Level, o.level = l.ID, l.Value
			}
		}
		if a.Level == "" {
			return a, o, fmt.Errorf("%w: there is no level %q", device.ErrUnsupported, d.Level)
		}
	}
	return a, o, nil
}

// carryOut sends what a takes: nothing where each use wears the device out and
// it is already as demanded, and a run besides where a level or wattage alone
// would not start it.
func (h *Heater) carryOut(ctx context.Context, a *device.Applied, o order) error {
	cmd := h.cfg.Commands[string(a.Verb)]
	run, runs := h.cfg.Commands[string(device.Run)]
	sets := a.Verb == device.SetLevel || a.Verb == device.SetPower
	if h.broker != nil {
		if err := h.present(); err != nil {
			return err
		}
	}
	stopped := false
	if cmd.Flash || sets && runs {
		r, err := h.Read(ctx)
		if err != nil {
			return err
		}
		caps, err := h.Capabilities(ctx)
		if err != nil {
			return err
		}
		if ok, _ := device.Meets(caps, *a, r); ok && cmd.Flash {
			return nil
		}
		stopped = r.State == device.StatePaused || r.State == device.StateOff
	}
	a.Flash = cmd.Flash
	if err := h.send(ctx, cmd, o); err != nil {
		return err
	}
	if sets && runs && stopped {
		return h.send(ctx, run, order{})
	}
	return nil
}

func (h *Heater) send(ctx context.Context, cmd Command, o order) error {
	if cmd.Topic != "" {
		payload := cmd.Payload.fill(o, cmd.Payload.escapeFor())
		err := h.broker.Publish(ctx, cmd.Topic, []byte(payload), 1, false)
		if errors.Is(err, mqtt.ErrDown) {
			return fmt.Errorf("%w: %w", device.ErrUnreachable, err)
		}
		return err
	}
	body := cmd.Body.fill(o, cmd.Body.escapeFor())
	if _, err := h.http.Do(ctx, cmd.Method, cmd.Path.fill(o, inURL), []byte(body)); err != nil {
		return classify(err)
	}
	return nil
}
