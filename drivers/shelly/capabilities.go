package shelly

import (
	"context"
	"fmt"
	"time"

	"hearth/device"
	"hearth/drivers/internal/httpjson"
	"hearth/units"
)

// switching is the time a relay and its meter take, with room for Wi-Fi.
const switching = 5 * time.Second

// Capabilities implements [device.Device].
func (s *Switch) Capabilities(ctx context.Context) (device.Capabilities, error) {
	info, err := s.info(ctx)
	if err != nil {
		return device.Capabilities{}, fmt.Errorf("ask the Shelly what it can do: %w", err)
	}
	status, err := s.status(ctx)
	if err != nil {
		return device.Capabilities{}, fmt.Errorf("ask the Shelly what it can do: %w", err)
	}
	return s.capabilities(info, status), nil
}

func (s *Switch) capabilities(info, status httpjson.Object) device.Capabilities {
	c := device.Capabilities{
		Verbs: map[device.Verb]device.Cost{},
		Work:  device.NoWork,
		Limp:  device.LimpNone,
		Idle:  units.Unknown[units.Watts]("the device switches nothing", s.now()),
	}
	for _, id := range thermometers(status) {
		c.Temps = append(c.Temps, device.Channel{Name: sensorName(id), Kind: device.Room})
	}
	if meters(s.meter(status)) {
		c.WattSource = units.Meter
	}
	if s.relay(status) == nil {
		return c
	}
	c.Verbs[device.Run] = device.Cost{Latency: switching}
	c.Verbs[device.Off] = device.Cost{Latency: switching}
	c.DeadMan = s.config.DeadMan
	c.Max = s.rating()
	// The supply of the device itself, by its data sheet less than 1.2 W. Its
	// meter does not see it.
	c.Idle = units.Know[units.Watts](1, s.now(), units.Nameplate)
	if s.config.Load > 0 {
		c.Work, c.Max = device.Resistive, s.config.Load
		if c.WattSource == units.None {
			c.WattSource = units.Nameplate
		}
	}
	if c.WattSource != units.Meter {
		c.Notes = append(c.Notes, "This model has no meter: what the heater draws is taken from its nameplate.")
	}
	c.WriteGate = s.overload()
	if needs, _ := info.Truth("auth_en"); needs && s.rpc.password == "" {
		c.WriteGate = "The Shelly has a password: put it in a file and name that in the configuration (password: file:…)."
	}
	return c
}

// rating is the most that the model's relay may carry at 230 V, by its data
// sheet: plugs 12 A (2.5 kW in Europe), the Mini family 8 A, the rest 16 A.
func (s *Switch) rating() units.Watts {
	switch s.model {
	case "PlusPlugS", "PlugS", "PlugSG3":
		return 2500
	case "Mini1", "Mini1PM", "Mini1G3", "Mini1PMG3", "Mini1G4", "Mini1PMG4":
		return 1840
	}
	return 3680
}

// overload tells a person that the heater is too big for the relay, empty if
// it is not.
func (s *Switch) overload() string {
	if most := s.rating(); s.config.Load > most {
		return fmt.Sprintf("The heater of %v is too much for this relay, which carries %v: put a contactor between them, or correct the load in the configuration.",
			s.config.Load, most)
	}
	return ""
}
