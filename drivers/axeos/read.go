package axeos

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hearth/device"
	"hearth/drivers/internal/httpjson"
	"hearth/units"
)

// startup is how long a miner that was started may hash nothing before it is
// taken for one without a pool: boot, pool login and the first averages.
const startup = 2 * time.Minute

// Read implements [device.Device].
func (m *Miner) Read(ctx context.Context) (device.Reading, error) {
	info, err := m.info(ctx)
	if err != nil {
		return device.Reading{}, fmt.Errorf("read the miner: %w", err)
	}
	m.learn(info, m.now())
	return m.reading(info, m.now()), nil
}

func (m *Miner) reading(info httpjson.Object, now time.Time) device.Reading {
	r := device.Reading{
		At:       now,
		State:    m.state(info, now),
		Power:    watts(info, now),
		Energy:   unknown[units.Joules]("the miner does not count energy", now),
		HashRate: hashRate(info, now),
		Level:    unknown[string]("the miner does not tell its frequency", now),
		Target:   unknown[units.Watts]("the miner has no watt target", now),
		Temps:    temps(info, now),
		Fans:     fans(info, now),
		Flow:     unknown[units.LitresPerMinute]("the miner has no flow meter", now),
		Pool:     pool(info, now),
		Uptime:   unknown[time.Duration]("the miner does not tell", now),
		Faults:   m.faults(info),
	}
	if f, ok := megahertzOf(info, "frequency"); ok {
		r.Level = units.Know(levelID(f), now, units.Estimate)
	}
	if s, ok := info.Float("uptimeSeconds"); ok && s >= 0 && s < 1e9 {
		r.Uptime = units.Know(time.Duration(s*float64(time.Second)), now, units.Estimate)
	}
	return r
}

// state tells what the miner does. It says nothing of its pools but "Not
// Connected", so a miner that hashes nothing although it is up, not paused and
// not at fault is taken to lack a pool.
func (m *Miner) state(info httpjson.Object, now time.Time) device.State {
	if off, _ := info.Truth("shutdown"); off {
		return device.StateOff
	}
	if paused, _ := info.Truth("miningPaused"); paused {
		return device.StatePaused
	}
	rate, known := hashRate(info, now).Get()
	up, upKnown := info.Float("uptimeSeconds")
	switch {
	case known && rate > 0 && !coolingDown(info, rate):
		return device.StateHeating
	case len(m.faults(info)) > 0:
		return device.StateFault
	case !known:
		return device.StateUnknown
	case upKnown && up < startup.Seconds(), now.Sub(m.woken) < startup && now.Sub(m.woken) >= 0:
		return device.StateStarting
	}
	return device.StateLimp
}

// coolingDown tells a miner that has stopped for heat, whose hash rate, an
// average, is falling, from one that has started again at a lower frequency.
func coolingDown(info httpjson.Object, rate units.HashRate) bool {
	hot, _ := info.Truth("overheat_mode")
	expected, ok := info.Float("expectedHashrate")
	return hot && ok && float64(rate) < expected*1e9/2
}

// watts is the firmware's estimate. A miner that answers draws something, so
// zero is no reading.
func watts(info httpjson.Object, now time.Time) units.Known[units.Watts] {
	p := httpjson.Known[units.Watts](info, "power", 0, 10_000, now, units.Estimate)
	if w, ok := p.Get(); ok && w == 0 {
		return unknown[units.Watts]("the miner tells 0 W although it is on", now)
	}
	return p
}

// hashRate converts the firmware's GH/s.
func hashRate(info httpjson.Object, now time.Time) units.Known[units.HashRate] {
	return units.Map(httpjson.Known(info, "hashRate", 0.0, 1e9, now, units.Estimate),
		func(g float64) units.HashRate { return units.HashRate(g * 1e9) })
}

// temps reads the thermometers. The firmware tells -1 while the chip is not
// started or where a board has no sensor, some boards tell 0.
func temps(info httpjson.Object, now time.Time) []device.Temp {
	var ts []device.Temp
	for _, c := range channels(info) {
		field := map[string]string{"chip": "temp", "chip 2": "temp2", "regulator": "vrTemp"}[c.Name]
		v := httpjson.Known[units.Celsius](info, field, -40, 200, now, units.PSU)
		switch t, ok := v.Get(); {
		case ok && t == -1:
			v = unknown[units.Celsius]("the chip is not started, or the board has no such sensor", now)
		case ok && t == 0:
			v = unknown[units.Celsius]("the board has no such sensor", now)
		}
		ts = append(ts, device.Temp{Name: c.Name, Kind: c.Kind, Value: v})
	}
	return ts
}

func fans(info httpjson.Object, now time.Time) []device.Fan {
	fan := func(o httpjson.Object, name, rpm, duty string) device.Fan {
		return device.Fan{
			Name:  name,
			Speed: httpjson.Known[units.RPM](o, rpm, 0, 50_000, now, units.PSU),
			Duty: units.Map(httpjson.Known(o, duty, 0.0, 100, now, units.Estimate),
				func(percent float64) units.Fraction { return units.Fraction(percent / 100) }),
		}
	}
	if list := info.Objects("fans"); len(list) > 0 { // NerdQAxe
		var fs []device.Fan
		for i, o := range list[:min(len(list), 8)] {
			fs = append(fs, fan(o, fmt.Sprintf("fan %d", i+1), "rpm", "speedPerc"))
		}
		return fs
	}
	fs := []device.Fan{fan(info, "fan", "fanrpm", "fanspeed")}
	if rpm, ok := info.Float("fan2rpm"); ok && rpm > 0 {
		fs = append(fs, fan(info, "fan 2", "fan2rpm", "fanspeed"))
	}
	return fs
}

// pool tells whether a pool works. "Not Connected" is what the firmware says
// before it has reached one; a pool lost later shows only in the hash rate.
func pool(info httpjson.Object, now time.Time) units.Known[bool] {
	if rate, ok := hashRate(info, now).Get(); ok && rate > 0 {
		return units.Know(true, now, units.Estimate)
	}
	if s, ok := info.Text("poolConnectionInfo"); ok && strings.EqualFold(s, "Not Connected") {
		return units.Know(false, now, units.Estimate)
	}
	if list := info.Object("stratum").Objects("pools"); len(list) > 0 { // NerdQAxe
		connected := false
		for _, p := range list {
			up, ok := p.Truth("connected")
			if !ok {
				return unknown[bool]("the miner does not tell", now)
			}
			connected = connected || up
		}
		return units.Know(connected, now, units.Estimate)
	}
	return unknown[bool]("the miner hashes nothing now and does not tell of its pool", now)
}

func (m *Miner) faults(info httpjson.Object) []device.Fault {
	var fs []device.Fault
	if m.nerd.itself {
		fs = append(fs, device.Fault{
			Code: "self_shutdown",
			Text: "The miner shut down without an order from Hearth, as it does when it gets too hot. See to its fan and dust, then restart it on its own page.",
		})
	}
	if hot, _ := info.Truth("overheat_mode"); hot {
		fs = append(fs, device.Fault{
			Code: "overheat",
			Text: "The miner overheated and turned itself down. See to its fan and dust, then clear the overheat mode on its own page.",
		})
	}
	for _, f := range []struct{ field, what string }{
		{"power_fault", "The miner reports a fault of its power supply"},
		{"hardware_fault", "The miner reports a fault of its hardware"},
	} {
		if s, ok := info.Text(f.field); ok && strings.TrimSpace(s) != "" {
			fs = append(fs, device.Fault{Code: f.field, Text: fmt.Sprintf("%s: %.200s", f.what, strings.ToValidUTF8(s, "?"))})
		}
	}
	return fs
}
