package control

import (
	"fmt"
	"slices"
	"time"

	"hearth/units"
)

// The set-points a person may ask for. Below, pipes freeze; above, people and
// tanks come to harm.
const (
	RoomMin units.Celsius = 5
	RoomMax units.Celsius = 30
	TankMin units.Celsius = 10
	TankMax units.Celsius = 75
)

// TankBound is the temperature of stored water at which every heater stops,
// whatever is configured: the safety valve of a cylinder opens at 90 to 95 °C.
const TankBound units.Celsius = 85

// What stands in for a field of [Zone] that is zero.
const (
	defaultBand       units.Kelvin  = 0.5
	defaultFrost      units.Celsius = 5
	defaultRoomLimit  units.Celsius = 35
	defaultTankLimit  units.Celsius = 80
	defaultStaleAfter               = 10 * time.Minute
)

// legionellaKill is the least temperature of a legionella cycle: HSE ACoP L8
// asks for stored water at 60 °C.
const legionellaKill units.Celsius = 60

// SetPointRange returns the set-points that are possible in the zone.
func (z Zone) SetPointRange() (lowest, highest units.Celsius) {
	if z.Kind == Tank {
		return TankMin, min(TankMax, z.Limit-1)
	}
	return RoomMin, min(RoomMax, z.Limit-1)
}

// withDefaults fills in what may be left out.
func (z Zone) withDefaults() Zone {
	if z.Name == "" {
		z.Name = z.ID
	}
	if z.Kind == Manual {
		return z
	}
	if z.Band == 0 {
		z.Band = defaultBand
		if z.Kind == Tank {
			z.Band = 5
		}
	}
	if z.Frost == 0 {
		z.Frost = defaultFrost
	}
	if z.Limit == 0 {
		z.Limit = defaultRoomLimit
		if z.Kind == Tank {
			z.Limit = defaultTankLimit
		}
	}
	if z.Sensor.StaleAfter == 0 {
		z.Sensor.StaleAfter = defaultStaleAfter
	}
	if z.Sensor.Min == 0 && z.Sensor.Max == 0 {
		z.Sensor.Min, z.Sensor.Max = -30, 60
		if z.Kind == Tank {
			z.Sensor.Min, z.Sensor.Max = 0, 110
		}
	}
	if z.Sensor.OnLoss == "" {
		z.Sensor.OnLoss = LossOff
	}
	return z
}

// validate says what is wrong with a configuration, defaults filled in.
func (c Config) validate() error {
	zones := map[string]Zone{}
	for _, z := range c.Zones {
		if z.ID == "" {
			return fmt.Errorf("a zone has no id")
		}
		if _, twice := zones[z.ID]; twice {
			return fmt.Errorf("two zones have the id %q", z.ID)
		}
		zones[z.ID] = z
		if err := z.validate(); err != nil {
			return fmt.Errorf("zone %s: %w", z.ID, err)
		}
	}
	heaters := map[string]bool{}
	for _, h := range c.Heaters {
		if h.ID == "" {
			return fmt.Errorf("a heater has no id")
		}
		if heaters[h.ID] {
			return fmt.Errorf("two heaters have the id %q", h.ID)
		}
		heaters[h.ID] = true
		if _, ok := zones[h.Zone]; !ok {
			return fmt.Errorf("heater %s: there is no zone %q", h.ID, h.Zone)
		}
		if err := h.validate(); err != nil {
			return fmt.Errorf("heater %s: %w", h.ID, err)
		}
	}
	for _, h := range c.Heaters {
		if h.Relay != "" && heaters[h.Relay] {
			return fmt.Errorf("heater %s: its relay %s is a heater itself: a relay feeds one heater or is one", h.ID, h.Relay)
		}
	}
	if c.MaxPower < 0 || !finite(float64(c.MaxPower)) {
		return fmt.Errorf("the greatest power of the home cannot be %v", c.MaxPower)
	}
	return nil
}

func (z Zone) validate() error {
	switch z.Kind {
	case Room, Tank:
	case Manual:
		return nil
	default:
		return fmt.Errorf("%q is not a kind of zone: use room, tank or manual", z.Kind)
	}
	for _, f := range []float64{
		float64(z.SetPoint), float64(z.Band), float64(z.Frost), float64(z.Limit), float64(z.Load),
		float64(z.DesignOutdoor), float64(z.Shift), float64(z.Sensor.Min), float64(z.Sensor.Max), float64(z.FlowMin),
	} {
		if !finite(f) {
			return fmt.Errorf("a figure is not a number")
		}
	}
	lowest, highest := z.SetPointRange()
	hardLimit := units.Celsius(50)
	if z.Kind == Tank {
		hardLimit = TankBound
	}
	switch {
	case z.Limit > hardLimit || z.Limit < lowest+5:
		return fmt.Errorf("the limit of %v must lie between %v and %v", z.Limit, lowest+5, hardLimit)
	case z.SetPoint < lowest || z.SetPoint > highest:
		return fmt.Errorf("the set-point of %v must lie between %v and %v", z.SetPoint, lowest, highest)
	case z.Band < 0.1 || z.Band > 20:
		return fmt.Errorf("the band of %v must lie between 0.1 K and 20 K", z.Band)
	case z.Frost < 1 || z.Frost > 15 || z.Frost > z.SetPoint:
		return fmt.Errorf("the frost floor of %v must lie between 1 °C and 15 °C, and not above the set-point", z.Frost)
	case z.Load < 0 || z.Load > 100e3:
		return fmt.Errorf("the design load of %v must lie between 0 and 100 kW", z.Load)
	case z.Load > 0 && (z.DesignOutdoor > 15 || z.DesignOutdoor < -60):
		return fmt.Errorf("the design outdoor temperature of %v must lie between -60 °C and 15 °C", z.DesignOutdoor)
	case z.Shift < 0 || z.Shift > ShiftMost:
		return fmt.Errorf("planning ahead may move the set-point by 0 to %v, not %v", ShiftMost, z.Shift)
	case z.Shift > 0 && z.Kind != Room:
		return fmt.Errorf("only a room is planned ahead")
	case z.FlowMin < 0:
		return fmt.Errorf("the least flow cannot be negative")
	case z.Sensor.StaleAfter < 0 || z.Sensor.FrozenAfter < 0:
		return fmt.Errorf("the sensor's times cannot be negative")
	case z.Sensor.Min >= z.Sensor.Max:
		return fmt.Errorf("the sensor's range of %v to %v is empty", z.Sensor.Min, z.Sensor.Max)
	case !slices.Contains([]LossAction{LossOff, LossLow, LossLastSafe}, z.Sensor.OnLoss):
		return fmt.Errorf("%q is not something to do without a sensor: use off, low or last_safe", z.Sensor.OnLoss)
	case z.Kind == Tank && z.Sensor.OnLoss != LossOff:
		return fmt.Errorf("a tank without its sensor must go off: water heated blindly boils")
	case z.Legionella != nil && z.Kind != Tank:
		return fmt.Errorf("only a tank has a legionella cycle")
	}
	if err := z.Schedule.Validate(lowest, highest); err != nil {
		return fmt.Errorf("schedule: %w", err)
	}
	for i, q := range z.Quiet {
		if q.From < 0 || q.From > 24*60 || q.To < 0 || q.To > 24*60 || q.From == q.To || q.MaxLoud < 0 || q.MaxPower < 0 {
			return fmt.Errorf("quiet hours %d: %v to %v make no sense", i+1, q.From, q.To)
		}
	}
	if l := z.Legionella; l != nil {
		switch {
		case l.Reach < legionellaKill:
			return fmt.Errorf("a legionella cycle must reach at least %v, not %v", legionellaKill, l.Reach)
		case l.Reach+legionellaAbove >= z.Limit:
			return fmt.Errorf("the limit of %v leaves no room for the legionella cycle, which heats to %v", z.Limit, l.Reach+legionellaAbove)
		case l.Every < time.Hour || l.Within <= 0 || l.Within >= l.Every || l.Hold < 2*time.Minute || l.Hold >= l.Within:
			return fmt.Errorf("legionella: want every (at least 1 h) > within > hold (at least 2 min), not %v, %v, %v", l.Every, l.Within, l.Hold)
		}
	}
	return nil
}

func (h Heater) validate() error {
	switch {
	case h.Role != Primary && h.Role != Backup:
		return fmt.Errorf("%q is not a role: use primary or backup", h.Role)
	case h.Limit < 0 || !finite(float64(h.Limit)):
		return fmt.Errorf("the power limit cannot be %v", h.Limit)
	case h.MinOn < 0 || h.MinOff < 0 || h.MinOn > 6*time.Hour || h.MinOff > 6*time.Hour:
		return fmt.Errorf("minimum times on and off must lie between 0 and 6 h")
	case h.StartsPerDay < 0 || h.FlashPerDay < 0:
		return fmt.Errorf("budgets per day cannot be negative")
	case h.ChipLimit < 0 || h.ChipLimit > 150 || !finite(float64(h.ChipLimit)):
		return fmt.Errorf("the chip limit of %v must lie between 0 °C and 150 °C", h.ChipLimit)
	case h.Relay == h.ID:
		return fmt.Errorf("it cannot be its own relay")
	}
	return nil
}

func finite(f float64) bool { return f-f == 0 }
