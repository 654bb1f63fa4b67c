package shelly

import (
	"context"
	"fmt"
	"math"

	"hearth/device"
)

// Apply implements [device.Device]. Run closes the relay and starts its timer
// anew; Off opens it and stops the timer.
func (s *Switch) Apply(ctx context.Context, d device.Demand) (device.Applied, error) {
	if err := s.apply(ctx, d.Verb); err != nil {
		return device.Applied{}, fmt.Errorf("tell the Shelly to %s: %w", d.Verb, err)
	}
	return device.Applied{Verb: d.Verb}, nil
}

func (s *Switch) apply(ctx context.Context, v device.Verb) error {
	params := map[string]any{"id": s.config.Channel, "on": v == device.Run}
	switch v {
	case device.Off:
		// toggle_after on an open relay would close it.
	case device.Run:
		if s.model == "" {
			if _, err := s.info(ctx); err != nil {
				return err
			}
		}
		if why := s.overload(); why != "" {
			return fmt.Errorf("%w: %s", device.ErrRefused, why)
		}
		params["toggle_after"] = math.Ceil(s.config.DeadMan.Seconds())
	default:
		return fmt.Errorf("%w: a relay can only run and off", device.ErrUnsupported)
	}
	_, err := s.rpc.call(ctx, "Switch.Set", params)
	return err
}
