package avalon_test

import (
	"testing"
	"time"

	"hearth/device"
	"hearth/device/devicetest"
	"hearth/drivers/avalon"
	"hearth/emulate"
	emulated "hearth/emulate/avalon"
)

func start() time.Time { return time.Date(2026, 1, 15, 6, 0, 0, 0, time.UTC) }

// miner is a driver on an emulated miner.
type miner struct {
	*avalon.Miner
	*emulated.Emulator
	clock   *emulate.Manual
	address string
}

func open(t *testing.T, address string, now func() time.Time) *avalon.Miner {
	t.Helper()
	m, err := avalon.Open(avalon.Config{Address: address}, device.Env{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newMiner(t *testing.T, c emulated.Config) miner {
	t.Helper()
	clock := emulate.NewManual(start())
	c.Clock = clock.Now
	e := emulated.New(c)
	address := devicetest.Serve(t, e)
	return miner{open(t, address, clock.Now), e, clock, address}
}

// pass lets d of emulated time pass.
func (m miner) pass(d time.Duration) { m.Advance(m.clock.Advance(d), 20) }

func TestConformance(t *testing.T) {
	for _, c := range []struct {
		name   string
		config emulated.Config
	}{
		{"nano3", emulated.Config{Model: emulated.Nano3}},
		{"nano3s", emulated.Config{Model: emulated.Nano3s}},
		{"mini3", emulated.Config{Model: emulated.Mini3}},
		{"q", emulated.Config{Model: emulated.Q}},
		{"a Q whose clock is two hours behind", emulated.Config{Model: emulated.Q, ClockOff: -2 * time.Hour}},
		{"a Q whose clock is a day ahead", emulated.Config{Model: emulated.Q, ClockOff: 24 * time.Hour}},
		{"a Mini 3 that answers softon with silence", emulated.Config{Model: emulated.Mini3, SilentSoftOn: true}},
		{"a Mini 3 that knows no JSON", emulated.Config{Model: emulated.Mini3, TextOnly: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			devicetest.Run(t, func(t *testing.T) devicetest.Bench {
				m := newMiner(t, c.config)
				return devicetest.Bench{
					Device:      m.Miner,
					Faults:      m.Faults(),
					Advance:     m.pass,
					Now:         m.clock.Now,
					Settings:    m.Settings,
					Elsewhere:   func() device.Device { return open(t, devicetest.Serve(t, m.Emulator), m.clock.Now) },
					FlashWrites: m.FlashWrites,
					Blind:       m.Blind,
					Pool:        m.SetPool,
					Mines:       m.Pool,
					Busy:        func() { m.Calibrate(time.Hour) },
				}
			})
		})
	}
}
