package shelly_test

import (
	"testing"
	"time"

	"hearth/device"
	"hearth/device/devicetest"
	"hearth/drivers/shelly"
	fake "hearth/emulate/shelly"
	"hearth/units"
)

func TestConformance(t *testing.T) {
	thermometer := []func() units.Celsius{func() units.Celsius { return 20.6 }}
	for name, c := range map[string]struct {
		fake   fake.Config
		config shelly.Config
	}{
		"plug with a heater":             {fake.Config{Model: fake.PlugS, Load: 1500}, shelly.Config{Load: 1500}},
		"relay with meter and add-on":    {fake.Config{Model: fake.Plus1PM, Load: 1000, Sensors: thermometer}, shelly.Config{Load: 1000}},
		"relay on a rail, with password": {fake.Config{Model: fake.Pro1PM, Load: 1000, Password: "warm"}, shelly.Config{Load: 1000, Password: "file:warm"}},
		"relay without meter":            {fake.Config{Model: fake.Plus1, Load: 1000}, shelly.Config{Load: 1000}},
		"relay for another device":       {fake.Config{Model: fake.Plus1, Load: 1000}, shelly.Config{}},
	} {
		t.Run(name, func(t *testing.T) {
			devicetest.Run(t, func(t *testing.T) devicetest.Bench {
				b := start(t, c.fake, c.config)
				bench := devicetest.Bench{
					Device:   b.Switch,
					Faults:   b.emu.Faults(),
					Advance:  func(d time.Duration) { b.clock.Advance(d) },
					Now:      b.clock.Now,
					Settings: b.emu.Settings,
					Elsewhere: func() device.Device {
						config := c.config
						config.Address, config.User, config.DeadMan = devicetest.Serve(t, b.emu), "admin", 5*time.Minute
						s, err := shelly.Open(config, b.env)
						if err != nil {
							t.Fatal(err)
						}
						return s
					},
				}
				if len(c.fake.Sensors) > 0 {
					bench.Blind = func() { b.emu.SetSensor(0, fake.PowerOn) }
				}
				return bench
			})
		})
	}
}
