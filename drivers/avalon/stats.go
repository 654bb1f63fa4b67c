package avalon

import (
	"fmt"
	"strings"
	"time"

	"hearth/device"
	"hearth/drivers/internal/cgminer"
	"hearth/units"
)

// stats is the decoded string of keys and values of estats.
type stats map[string]string

// parseStats reads "Ver[Q-25052801] SYSTEMSTATU[Work: In Work, Hash Board: 1]
// PS[0 1221 2421 66 1598 2422 1670] …", with or without 'STATS':{…} around it.
// The first of two equal keys counts. A string that breaks off inside a value,
// or that has none of the keys that every miner tells, is garbage.
func parseStats(raw string) (stats, error) {
	s := stats{}
	rest := raw
	for {
		open := strings.IndexByte(rest, '[')
		if open < 0 {
			break
		}
		key := rest[:open]
		if i := strings.LastIndexAny(key, " \t\r\n{},'\":]"); i >= 0 {
			// "Nonce Mask[25]" is told as Mask: no key that matters has a space.
			key = key[i+1:]
		}
		rest = rest[open+1:]
		end := strings.IndexByte(rest, ']')
		if end < 0 {
			return nil, fmt.Errorf("%w: the statistics break off in %.20q", device.ErrGarbage, key)
		}
		if _, twice := s[key]; !twice && key != "" {
			s[key] = strings.TrimSpace(rest[:end])
		}
		rest = rest[end+1:]
	}
	for _, key := range []string{"Ver", "SYSTEMSTATU", "GHSspd", "PS"} {
		if _, ok := s[key]; !ok {
			return nil, fmt.Errorf("%w: the statistics have no %s: %.60q", device.ErrGarbage, key, raw)
		}
	}
	return s, nil
}

// number returns a key's value where it is a finite number.
func (s stats) number(key string) (float64, bool) {
	v, ok := s[key]
	if !ok {
		return 0, false
	}
	return cgminer.Float(strings.TrimSuffix(v, "%"))
}

// whole returns a key's value where it is a whole number of moderate size.
func (s stats) whole(key string) (int, bool) {
	f, ok := s.number(key)
	if !ok || f != float64(int(max(-1e9, min(1e9, f)))) {
		return 0, false
	}
	return int(f), true
}

// instant returns a key's value as an instant of the miner's clock, zero when
// there is none.
func (s stats) instant(key string) time.Time {
	if f, ok := s.number(key); ok && f > 0 && f < 1e11 {
		return time.Unix(int64(f), 0)
	}
	return time.Time{}
}

// work returns what the miner says it does: "In Work", "In Idle", "In Init".
func (s stats) work() string {
	for part := range strings.SplitSeq(s["SYSTEMSTATU"], ",") {
		if w, ok := strings.CutPrefix(strings.TrimSpace(part), "Work:"); ok {
			return strings.TrimSpace(w)
		}
	}
	return ""
}

// known returns a key's value between lo and hi, else an unknown that says why.
func known[Q ~float64](s stats, key string, lo, hi float64, at time.Time, from units.Provenance) units.Known[Q] {
	f, ok := s.number(key)
	switch {
	case !ok:
		return units.Unknown[Q](fmt.Sprintf("the miner does not tell %s", key), at)
	case f < lo || f > hi:
		return units.Unknown[Q](fmt.Sprintf("the miner tells %s as %g, which cannot be", key, f), at)
	}
	return units.Know(Q(f), at, from)
}

// watts is the power at the wall, the seventh figure of PS. most bounds what
// the model can draw: some firmware of the Nano 3 has another order of figures,
// and a guess would be worse than none.
func (s stats) watts(most units.Watts, at time.Time) units.Known[units.Watts] {
	figures := strings.Fields(s["PS"])
	if len(figures) != 7 {
		return units.Unknown[units.Watts](fmt.Sprintf("the miner tells %d figures of its power supply, not 7", len(figures)), at)
	}
	f, ok := cgminer.Float(figures[6])
	switch {
	case !ok:
		return units.Unknown[units.Watts]("the miner's power supply tells no number", at)
	case f <= 0:
		return units.Unknown[units.Watts](fmt.Sprintf("the miner tells %g W although it is on", f), at)
	case units.Watts(f) > most*3/2:
		return units.Unknown[units.Watts](fmt.Sprintf("the miner tells %g W, more than it can draw", f), at)
	}
	return units.Know(units.Watts(f), at, units.PSU)
}

// temperature reads a thermometer. -273 stands for one that is not there, and
// chips are told as 0 while they are off.
func (s stats) temperature(key string, kind device.TempKind, at time.Time) units.Known[units.Celsius] {
	f, ok := s.number(key)
	switch {
	case ok && f <= -273:
		return units.Unknown[units.Celsius]("the miner has no such sensor", at)
	case ok && f == 0 && kind == device.Chip:
		return units.Unknown[units.Celsius]("the chips are off", at)
	}
	return known[units.Celsius](s, key, -39, 150, at, units.PSU)
}
