package axeos

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// The firmware keeps a row of statistics every 30 s, the last 720.
const (
	every = 30 * time.Second
	keep  = 720
)

// sample is a row of statistics.
type sample struct {
	uptime                              time.Duration
	rate, chip, watts, mv, rpm, percent float64
}

// column is one column of statistics.
type column struct {
	name string
	of   func(sample) float64
}

func columns() []column {
	return []column{
		{"hashrate", func(s sample) float64 { return s.rate }},
		{"asicTemp", func(s sample) float64 { return s.chip }},
		{"asicVoltage", func(s sample) float64 { return s.mv }},
		{"power", func(s sample) float64 { return s.watts }},
		{"fanSpeed", func(s sample) float64 { return s.percent }},
		{"fanRpm", func(s sample) float64 { return s.rpm }},
	}
}

// sample takes a row. e.mu is held.
func (e *Emulator) sample() {
	m := &e.m
	chip := -1.0
	if m.started {
		chip = tenth(m.chip)
	}
	e.samples = append(e.samples, sample{
		uptime: m.at.Sub(m.booted), rate: m.rate, chip: chip, watts: float64(m.power()) * e.faults.LyingWatts(),
		mv: m.wantMV, rpm: m.rpm(), percent: m.duty * 100,
	})
	if len(e.samples) > keep {
		e.samples = slices.Delete(e.samples, 0, len(e.samples)-keep)
	}
}

// getStatistics answers the rows of the last six hours, in the columns asked
// for, with the uptime of each row in milliseconds last.
func (e *Emulator) getStatistics(w http.ResponseWriter, r *http.Request) {
	wanted := columns()
	if q := r.URL.Query().Get("columns"); q != "" {
		names := strings.Split(q, ",")
		wanted = slices.DeleteFunc(wanted, func(c column) bool { return !slices.Contains(names, c.name) })
	}
	labels := make([]string, 0, len(wanted)+1)
	for _, c := range wanted {
		labels = append(labels, c.name)
	}
	e.mu.Lock()
	e.advance(e.m.ambient)
	rows := make([][]float64, 0, len(e.samples))
	for _, s := range e.samples {
		row := make([]float64, 0, len(labels)+1)
		for _, c := range wanted {
			row = append(row, c.of(s))
		}
		rows = append(rows, append(row, float64(s.uptime.Milliseconds())))
	}
	uptime := e.m.at.Sub(e.m.booted).Milliseconds()
	e.mu.Unlock()
	answer(w, map[string]any{"currentTimestamp": uptime, "labels": append(labels, "timestamp"), "statistics": rows})
}
