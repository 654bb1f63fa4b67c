package axeos

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"hearth/device"
	"hearth/drivers/internal/httpjson"
	"hearth/units"
)

// Times from a command to its heat. The firmware steps the frequency within
// seconds; the rest is the chip warming and the hash rate averaging. A start
// after shutdown is a whole boot.
const (
	stepLatency  = 30 * time.Second
	pauseLatency = 20 * time.Second
	runLatency   = 60 * time.Second
	bootLatency  = 120 * time.Second
)

// Limits at which the firmware itself stops the miner (power_management_task.c
// of ESP-Miner): chip and voltage regulator.
const (
	chipLimit      units.Celsius = 75
	regulatorLimit units.Celsius = 105
)

// Capabilities implements [device.Device]. The levels are the frequencies that
// the miner offers, up to what is stable at its core voltage.
func (m *Miner) Capabilities(ctx context.Context) (device.Capabilities, error) {
	info, err := m.info(ctx)
	if err != nil {
		return device.Capabilities{}, fmt.Errorf("ask the miner what it can do: %w", err)
	}
	asic, err := m.asic(ctx)
	if err != nil {
		return device.Capabilities{}, fmt.Errorf("ask the miner what it can do: %w", err)
	}
	m.learn(info, m.now())
	return m.capabilities(info, asic), nil
}

func (m *Miner) capabilities(info, asic httpjson.Object) device.Capabilities {
	now := m.now()
	c := device.Capabilities{
		Verbs:      map[device.Verb]device.Cost{},
		Levels:     m.levels(info, asic, now),
		Idle:       m.idle(asic, now),
		WattSource: units.Estimate,
		Work:       device.Hashing,
		Limp:       device.LimpStops,
		LimpHow:    "It stops hashing when no pool answers. Set a fallback pool on the miner's own page, best one on your own network.",
		Temps:      channels(info),
		Notes: []string{
			"The wattage is the firmware's estimate of the draw from the wall.",
			"Each change of frequency is written to flash, so it is done rarely.",
		},
	}
	if len(c.Levels) > 0 {
		c.Verbs[device.SetLevel] = device.Cost{Latency: stepLatency, Flash: true, PerHour: 4, PerDay: 24}
	}
	switch {
	case isNerd(info):
		c.Verbs[device.Off] = device.Cost{Latency: pauseLatency}
		c.Verbs[device.Run] = device.Cost{Latency: bootLatency, Restarts: true, PerHour: 6}
		c.Notes = append(c.Notes, "It has no pause: it is shut down, and restarts to heat again.")
	case hasPause(info):
		c.Verbs[device.Pause] = device.Cost{Latency: pauseLatency}
		c.Verbs[device.Run] = device.Cost{Latency: runLatency}
		c.Notes = append(c.Notes, "It forgets a pause when it restarts, and heats again until it is paused anew.")
	default:
		c.Notes = append(c.Notes, "This firmware cannot be paused: update it to 2.14 or later, or feed the miner through a relay. Until then its lowest level is the least it does.")
	}
	if otp, _ := info.Truth("otp"); otp {
		c.WriteGate = "The miner asks for a one-time password with every change. Turn that off on its settings page, or Hearth can only watch it."
	}
	if most, ok := info.Float("maxPower"); ok && most > 0 && most < 10_000 {
		c.Max = units.Watts(most)
	}
	best := 0.0
	for _, l := range c.Levels {
		p, known := l.Power.Get()
		if !known {
			continue
		}
		c.Max = max(c.Max, p)
		if perWatt := megahertz(l.ID) / float64(p); perWatt > best {
			best, c.Efficient = perWatt, l.ID
		}
	}
	return c
}

// levels lists the frequencies offered, by rising power: the maker's options
// and the present one, none above the higher of the maker's default and what
// the owner ran when the miner was first seen.
func (m *Miner) levels(info, asic httpjson.Object, now time.Time) []device.Level {
	present, _ := megahertzOf(info, "frequency")
	usual, _ := megahertzOf(asic, "defaultFrequency")
	ceiling := max(usual, m.ceiling)
	var fs []float64
	for _, f := range append(asic.Floats("frequencyOptions"), usual, present, m.ceiling) {
		if validMHz(f) && (f <= ceiling || f == present) {
			fs = append(fs, math.Round(f*100)/100)
		}
	}
	slices.Sort(fs)
	var levels []device.Level
	for _, f := range slices.Compact(fs) {
		levels = append(levels, device.Level{
			ID:    levelID(f),
			Name:  strconv.FormatFloat(f, 'f', -1, 64) + " MHz",
			Power: m.expect(f, info, asic, now),
		})
	}
	return levels
}

// levelID names a frequency: "f490", "f487.5".
func levelID(mhz float64) string { return "f" + strconv.FormatFloat(mhz, 'f', -1, 64) }

// megahertz is the frequency that a level's id names, 0 if it names none.
func megahertz(id string) float64 {
	if len(id) < 2 || id[0] != 'f' {
		return 0
	}
	f, err := strconv.ParseFloat(id[1:], 64)
	if err != nil || !validMHz(f) {
		return 0
	}
	return f
}

func channels(info httpjson.Object) []device.Channel {
	limit := chipLimit
	if t, ok := info.Float("overheat_temp"); ok && t > 40 && t < 110 {
		limit = units.Celsius(t) // NerdQAxe: a setting
	}
	cs := []device.Channel{{Name: "chip", Kind: device.Chip, Limit: limit}}
	if info.Has("temp2") {
		cs = append(cs, device.Channel{Name: "chip 2", Kind: device.Chip, Limit: limit})
	}
	return append(cs, device.Channel{Name: "regulator", Kind: device.Regulator, Limit: regulatorLimit})
}
