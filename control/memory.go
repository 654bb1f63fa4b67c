package control

import (
	"slices"
	"time"

	"hearth/device"
	"hearth/heat"
	"hearth/units"
)

// Memory is what a home must not forget when Hearth restarts. It is plain
// data for JSON; times are wall times.
type Memory struct {
	Zones   []ZoneMemory   `json:"zones"`
	Heaters []HeaterMemory `json:"heaters"`
	// Trips are the latched ones: only a person clears them.
	Trips []Trip `json:"trips"`
}

// ZoneMemory is what is remembered of a zone.
type ZoneMemory struct {
	ID         string           `json:"id"`
	Off        bool             `json:"off,omitempty"`
	Exceptions []heat.Exception `json:"exceptions,omitempty"`
	// Integral is what the thermostat has learned of the load beyond its
	// feed-forward, WarmUp how fast the room warms at full power, in K/h.
	Integral units.Watts `json:"integral_w,omitempty"`
	WarmUp   float64     `json:"warm_up_k_per_h,omitempty"`
	Charging bool        `json:"charging,omitempty"`
	Backup   bool        `json:"backup,omitempty"`
	// Mean is the mean power of the last day, over Seconds.
	Mean    units.Watts `json:"mean_w,omitempty"`
	Seconds float64     `json:"mean_seconds,omitempty"`
	// Legionella is the state of the cycle; nil where there is none.
	Legionella *LegionellaMemory `json:"legionella,omitempty"`
}

// LegionellaMemory is what is remembered of a legionella cycle.
type LegionellaMemory struct {
	Done   time.Time `json:"done"` // zero: never
	Active bool      `json:"active,omitempty"`
	Began  time.Time `json:"began"`
	Backup bool      `json:"backup,omitempty"`
}

// HeaterMemory is what is remembered of a heater's wear.
type HeaterMemory struct {
	ID     string                      `json:"id"`
	On     bool                        `json:"on,omitempty"`
	Since  time.Time                   `json:"since"`
	Starts []time.Time                 `json:"starts,omitempty"`
	Flash  []time.Time                 `json:"flash,omitempty"`
	Uses   map[device.Verb][]time.Time `json:"uses,omitempty"`
	// Baseline is the slow mean of the power wanted of it.
	Baseline units.Watts `json:"baseline_w,omitempty"`
	Level    string      `json:"manual_level,omitempty"`
	Until    time.Time   `json:"manual_until"`
}

// Memory returns what must survive a restart. It shares nothing with the home.
func (h *Home) Memory() Memory {
	m := Memory{Trips: []Trip{}}
	for _, g := range h.super.zones {
		z := g.zone
		zm := ZoneMemory{
			ID: z.ID, Off: z.off, Exceptions: slices.Clone(z.Schedule.Exceptions),
			Integral: z.thermo.integral, WarmUp: z.thermo.speed, Charging: z.thermo.charging, Backup: z.thermo.backup,
		}
		zm.Mean, zm.Seconds = z.delivery.sum()
		if g.Legionella != nil {
			l := g.legion
			zm.Legionella = &LegionellaMemory{Done: l.done, Active: l.active, Began: l.began, Backup: l.backup}
		}
		m.Zones = append(m.Zones, zm)
	}
	for _, w := range h.heaters {
		hm := HeaterMemory{
			ID: w.ID, On: w.book.on, Since: h.clock.shown(w.book.since),
			Starts: h.shown(w.book.starts), Flash: h.shown(w.book.flash),
			Baseline: w.baseline, Level: w.manual.level, Until: w.manual.until,
		}
		for v, l := range w.book.uses {
			if len(l) == 0 {
				continue
			}
			if hm.Uses == nil {
				hm.Uses = map[device.Verb][]time.Time{}
			}
			hm.Uses[v] = h.shown(l)
		}
		m.Heaters = append(m.Heaters, hm)
	}
	for _, t := range h.super.trips {
		if t.Latched {
			m.Trips = append(m.Trips, t)
		}
	}
	return m
}

func (h *Home) shown(l []time.Time) []time.Time {
	out := make([]time.Time, len(l))
	for i, t := range l {
		out[i] = h.clock.shown(t)
	}
	return out
}

// Recall brings back what was remembered, before the first Step. What does
// not fit the configuration any more, or makes no sense, is left out: a
// memory may lose comfort but never safety.
func (h *Home) Recall(m Memory) {
	for _, zm := range m.Zones {
		for _, g := range h.super.zones {
			if g.ID == zm.ID {
				g.recall(zm)
			}
		}
	}
	for _, hm := range m.Heaters {
		for _, w := range h.heaters {
			if w.ID == hm.ID {
				w.recall(hm)
			}
		}
	}
	for _, t := range m.Trips {
		h.super.recall(t)
	}
}

func (g *guard) recall(m ZoneMemory) {
	g.off = m.Off
	if g.Kind != Manual {
		lowest, highest := g.SetPointRange()
		for _, e := range m.Exceptions {
			if e.Validate(lowest, highest) == nil && len(g.Schedule.Exceptions) < 100 {
				g.Schedule.Exceptions = append(g.Schedule.Exceptions, e)
			}
		}
	}
	g.forget()
	const most = 100e3 // W: more than any home's heater
	g.thermo.integral = max(-most, min(most, m.Integral))
	g.thermo.charging, g.thermo.backup = m.Charging, m.Backup
	if m.WarmUp > 0 {
		g.thermo.speed = min(5, max(0.2, m.WarmUp))
	}
	if m.Mean >= 0 && m.Mean <= most && m.Seconds > 0 && m.Seconds <= day.Seconds()*1.1 {
		g.delivery.recalled = hour{float64(m.Mean) * m.Seconds, m.Seconds}
	}
	if l := m.Legionella; l != nil && g.Legionella != nil {
		g.legion = legion{done: l.Done, active: l.Active, began: l.Began, backup: l.Backup}
	}
}

func (h *heater) recall(m HeaterMemory) {
	const most = 10000 // entries: far more than wear allows in a day
	sorted := func(l []time.Time) []time.Time {
		l = slices.Clone(l[max(0, len(l)-most):])
		slices.SortFunc(l, time.Time.Compare)
		return l
	}
	h.book.on, h.book.since = m.On, m.Since
	h.book.starts, h.book.flash = sorted(m.Starts), sorted(m.Flash)
	for v, l := range m.Uses {
		if h.book.uses == nil {
			h.book.uses = map[device.Verb][]time.Time{}
		}
		h.book.uses[v] = sorted(l)
	}
	if m.Baseline > 0 && m.Baseline < 100e3 {
		h.baseline = m.Baseline
	}
	if h.zone.Kind == Manual {
		h.manual = manual{m.Level, m.Until}
	}
}

// recall restores a latched trip of a zone or heater that still exists.
func (s *Supervisor) recall(t Trip) {
	known := false
	switch t.Rule {
	case RuleRoomHot, RuleTankHot, RuleFlow:
		known = s.guard(t.Subject) != nil
	case RuleFluidHot, RuleChipHot, RuleDisobeys, RuleOverPower:
		known = slices.ContainsFunc(s.heaters, func(w *watch) bool { return w.ID == t.Subject })
	}
	if _, twice := s.trip(t.Rule, t.Subject); !known || twice {
		return
	}
	t.ID, t.Latched, t.Ready = t.Rule+"/"+t.Subject, true, false
	if t.Cause == "" || t.Did == "" || t.Clears == "" {
		t.Cause, t.Did, t.Clears = "Safety stopped "+t.Subject+" before a restart.", "Keeps it stopped.", "Clears when a person resets it, once its cause is gone."
	}
	s.add(t)
	s.hold()
}
