package axeos_test

import (
	"testing"
	"time"

	"hearth/device"
	"hearth/device/devicetest"
	"hearth/drivers/axeos"
	fake "hearth/emulate/axeos"
)

func TestConformance(t *testing.T) {
	configs := map[string]fake.Config{
		"firmware without pause":            {Firmware: "v2.9.21"},
		"firmware with a table of pools":    {Firmware: "v2.15.0"},
		"a NerdQAxe with two pools at once": {Model: fake.NerdQAxe, Dual: true},
	}
	for _, m := range fake.Models() {
		configs[string(m)] = fake.Config{Model: m}
	}
	for name, c := range configs {
		t.Run(name, func(t *testing.T) {
			devicetest.Run(t, func(t *testing.T) devicetest.Bench {
				b := start(t, c)
				return devicetest.Bench{
					Device:      b.Miner,
					Faults:      b.emu.Faults(),
					Advance:     func(d time.Duration) { b.clock.Advance(d) },
					Now:         b.clock.Now,
					Settings:    b.emu.Settings,
					FlashWrites: b.emu.FlashWrites,
					Blind:       func() { b.emu.Blind(true) },
					Pool:        b.emu.SetPool,
					Mines:       b.emu.Pool,
					Elsewhere: func() device.Device {
						m, err := axeos.Open(axeos.Config{Address: devicetest.Serve(t, b.emu)}, device.Env{Now: b.clock.Now})
						if err != nil {
							t.Fatal(err)
						}
						return m
					},
				}
			})
		})
	}
}
