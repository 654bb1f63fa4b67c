package homeassistant

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"hearth/site"
	"hearth/units"
)

// Home is what Home Assistant may ask of a home. Its methods are those of
// [site.Site] and may be called from any goroutine.
type Home interface {
	// State returns the home as it is now.
	State() site.State
	// Watch returns a channel that receives after changes, until ctx ends.
	Watch(ctx context.Context) <-chan struct{}
	// SetPoint asks a zone for a temperature; a zero until lasts until the
	// schedule's next change.
	SetPoint(ctx context.Context, zone string, to units.Celsius, until time.Time, by string) error
	// SetMode switches a zone's heating on or off; frost protection stays.
	SetMode(ctx context.Context, zone string, mode site.Mode, by string) error
	// SetPreset overrides a zone's schedule; "" follows it again.
	SetPreset(ctx context.Context, zone, preset string, set *units.Celsius, until time.Time, by string) error
	// ClearTrip resets a latched trip.
	ClearTrip(ctx context.Context, id, by string) error
	// AllowCompute gives or withdraws the consent to heat with this computer.
	AllowCompute(ctx context.Context, allow bool, by string) error
}

const (
	by = "Home Assistant"
	// longest is the most bytes of a command; none needs more.
	longest = 64
)

// obey carries out one command.
func obey(ctx context.Context, home Home, n names, topic string, payload []byte) error {
	kind, object, value, ok := n.parse(topic)
	if !ok {
		return fmt.Errorf("%w: no such command", site.ErrNotFound)
	}
	if len(payload) > longest {
		return fmt.Errorf("%w: a command of %d bytes, longer than any", site.ErrInvalid, len(payload))
	}
	text := strings.TrimSpace(string(payload))
	st := home.State()
	switch kind {
	case "home":
		switch value {
		case "compute":
			on, err := parseOnOff(text)
			if err != nil {
				return err
			}
			return home.AllowCompute(ctx, on, by)
		case "clear":
			return clearTrips(ctx, home, st, text, nil)
		}
	case "zone":
		for _, z := range st.Zones {
			if slug(z.ID) == object {
				return obeyZone(ctx, home, st, z, value, text)
			}
		}
	case "device":
		for _, d := range st.Devices {
			if slug(d.ID) == object && value == "clear" {
				return clearTrips(ctx, home, st, text, &d.ID)
			}
		}
	}
	return fmt.Errorf("%w: no such command", site.ErrNotFound)
}

func obeyZone(ctx context.Context, home Home, st site.State, z site.ZoneState, value, text string) error {
	switch value {
	case "setpoint":
		to, err := parseTemperature(text)
		if err != nil {
			return err
		}
		if to < z.Min || to > z.Max {
			return fmt.Errorf("%w: %v is outside the %v to %v of %s", site.ErrInvalid, to, z.Min, z.Max, z.Name)
		}
		return home.SetPoint(ctx, z.ID, to, time.Time{}, by)
	case "mode":
		return setMode(ctx, home, z, text)
	case "preset":
		switch text {
		case "none":
			return home.SetPreset(ctx, z.ID, "", nil, time.Time{}, by)
		case "away", "boost", "holiday":
			return home.SetPreset(ctx, z.ID, text, nil, time.Time{}, by)
		}
		return fmt.Errorf("%w: preset %q is not away, boost, holiday or none", site.ErrInvalid, text)
	case "boost":
		minutes, err := parseMinutes(text)
		if err != nil {
			return err
		}
		if minutes > 0 {
			return home.SetPreset(ctx, z.ID, "boost", nil, st.At.Add(minutes), by)
		}
		if z.Preset != "boost" {
			return nil // there is no boost to end, and other presets stay
		}
		return home.SetPreset(ctx, z.ID, "", nil, time.Time{}, by)
	case "clear":
		return clearTrips(ctx, home, st, text, &z.ID)
	}
	return fmt.Errorf("%w: no such command", site.ErrNotFound)
}

// setMode takes the modes of thermostats and of water heaters.
func setMode(ctx context.Context, home Home, z site.ZoneState, text string) error {
	preset := z.Preset
	switch text {
	case "off":
		return home.SetMode(ctx, z.ID, site.ModeOff, by)
	case "heat", "performance":
		if text == "performance" && (preset == "away" || preset == "holiday") {
			preset = ""
		}
	case "eco":
		preset = "away"
	default:
		return fmt.Errorf("%w: mode %q is not off, heat, eco or performance", site.ErrInvalid, text)
	}
	if z.Mode == site.ModeOff {
		if err := home.SetMode(ctx, z.ID, site.ModeHeat, by); err != nil {
			return err
		}
	}
	if preset == z.Preset {
		return nil
	}
	return home.SetPreset(ctx, z.ID, preset, nil, time.Time{}, by)
}

// clearTrips resets every latched trip, or those of one subject.
func clearTrips(ctx context.Context, home Home, st site.State, text string, subject *string) error {
	if text != "PRESS" {
		return fmt.Errorf("%w: a button takes PRESS, not %q", site.ErrInvalid, text)
	}
	for _, t := range st.Trips {
		if t.Latched && (subject == nil || t.Subject == *subject) {
			if err := home.ClearTrip(ctx, t.ID, by); err != nil {
				return fmt.Errorf("clear %s: %w", t.ID, err)
			}
		}
	}
	return nil
}

func parseOnOff(text string) (bool, error) {
	switch text {
	case "ON":
		return true, nil
	case "OFF":
		return false, nil
	}
	return false, fmt.Errorf("%w: a switch takes ON or OFF, not %q", site.ErrInvalid, text)
}

// parseTemperature reads a temperature. Home Assistant sends a bare number,
// counted in the °C that the discovery message declares; a person at another
// program may write the unit.
func parseTemperature(text string) (units.Celsius, error) {
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return 0, fmt.Errorf("%w: %q is not a temperature", site.ErrInvalid, text)
		}
		return units.Celsius(f), nil
	}
	var t units.Celsius
	if err := t.UnmarshalText([]byte(text)); err != nil {
		return 0, fmt.Errorf("%w: %w", site.ErrInvalid, err)
	}
	return t, nil
}

func parseMinutes(text string) (time.Duration, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !(f >= 0 && f <= longestBoost) {
		return 0, fmt.Errorf("%w: a boost takes 0 to %d minutes, not %q", site.ErrInvalid, longestBoost, text)
	}
	return time.Duration(f * float64(time.Minute)), nil
}
