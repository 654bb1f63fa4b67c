// Package storybook is a home told in situations: heating, idle, a lost
// sensor, a trip, everything simulated. Tests of the API and the pages open
// it at each page. It is a home in memory with a clock that stands still;
// what is set is remembered and shown, as a real home would.
package storybook

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"hearth/control"
	"hearth/device"
	"hearth/discovery"
	"hearth/ledger"
	"hearth/pool"
	"hearth/site"
	"hearth/units"
)

// Zone is where the home stands: an hour ahead of UTC.
func Zone() *time.Location { return time.FixedZone("CET", 3600) }

// Now returns the time at which every situation stands: a Wednesday evening
// in January.
func Now() time.Time { return time.Date(2026, 1, 14, 18, 30, 0, 0, Zone()) }

// Situation is a home at one moment.
type Situation struct {
	// Name is short and fit for a file name.
	Name string
	// Open makes the home afresh.
	Open func() *Home
}

// Situations returns all situations.
func Situations() []Situation {
	return []Situation{
		{"heating", Heating},
		{"idle", Idle},
		{"sensor-lost", SensorLost},
		{"tripped", Tripped},
		{"simulated", Simulated},
		{"unplugged", Unplugged},
		{"off", Off},
		{"tank-and-room", TankAndRoom},
		{"manual", Manual},
		{"no-consent", NoConsent},
		{"ledger-paused", LedgerPaused},
		{"answering", Answering},
		{"sats", Sats},
		{"sats-unpaid", SatsUnpaid},
		{"sats-stopped", SatsStopped},
		{"sats-drift", SatsDrift},
		{"sats-test", SatsTest},
		{"sats-begun", SatsBegun},
	}
}

// Home is a home in memory. It is safe for concurrent use.
type Home struct {
	mu       sync.Mutex
	state    site.State
	log      []site.Event
	calls    []string
	ledger   []ledger.Record
	watchers map[chan struct{}]bool
	source   units.Provenance
	// lost is a span of the last day of which nothing is known.
	lost [2]time.Duration
	// checks and sheets are those of a commissioning, by device.
	checks map[string][]site.Check
	sheets map[string]site.SignedSheet
	// pool is the home's own pool, nil if it has none; kept are the devices that
	// were pointed at it.
	pool *pool.State
	kept map[string]bool
}

// State implements the home.
func (h *Home) State() site.State {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.state
	s.Zones, s.Devices = slices.Clone(s.Zones), slices.Clone(s.Devices)
	s.Sensors, s.Trips = slices.Clone(s.Sensors), slices.Clone(s.Trips)
	return s
}

// Events implements the home.
func (h *Home) Events(after uint64, limit int) []site.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []site.Event
	for _, e := range h.log {
		if e.Seq > after {
			out = append(out, e)
		}
	}
	return out[max(0, len(out)-limit):]
}

// Watch implements the home.
func (h *Home) Watch(ctx context.Context) <-chan struct{} {
	c := make(chan struct{}, 1)
	h.mu.Lock()
	h.watchers[c] = true
	h.mu.Unlock()
	context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers, c)
		close(c)
	})
	return c
}

// Watchers returns how many watch the home now.
func (h *Home) Watchers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.watchers)
}

// Change lets f change the state, and tells those who watch.
func (h *Home) Change(f func(*site.State)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.change(f)
}

func (h *Home) change(f func(*site.State)) {
	s := h.state
	s.Zones, s.Devices = slices.Clone(s.Zones), slices.Clone(s.Devices)
	f(&s)
	h.state = s
	for c := range h.watchers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Note adds an entry to the log.
func (h *Home) Note(sev control.Severity, subject, code, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.note(h.state.At, sev, subject, code, text)
	h.change(func(*site.State) {})
}

func (h *Home) note(at time.Time, sev control.Severity, subject, code, text string) {
	h.log = append(h.log, site.Event{
		Seq: uint64(len(h.log) + 1), At: at, Severity: sev, Subject: subject, Code: code, Text: text,
		Simulated: h.source == units.Simulated,
	})
}

// Calls returns what was asked of the home, one line each.
func (h *Home) Calls() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.calls)
}

// act notes a call and lets f change the zone, which must exist.
func (h *Home) act(zone, call string, f func(*site.State, *site.ZoneState) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, call)
	i := slices.IndexFunc(h.state.Zones, func(z site.ZoneState) bool { return z.ID == zone })
	if i < 0 {
		return fmt.Errorf("zone %q: %w", zone, site.ErrNotFound)
	}
	var err error
	h.change(func(s *site.State) { err = f(s, &s.Zones[i]) })
	return err
}

// SetPoint implements the home.
func (h *Home) SetPoint(_ context.Context, zone string, to units.Celsius, until time.Time, by string) error {
	call := fmt.Sprintf("setpoint %s %v by %s", zone, to, by)
	if !until.IsZero() {
		call = fmt.Sprintf("setpoint %s %v until %s by %s", zone, to, until.UTC().Format(time.RFC3339), by)
	}
	return h.act(zone, call, func(s *site.State, z *site.ZoneState) error {
		if z.Kind == control.Manual {
			return fmt.Errorf("%s has no thermometer, so it has no set-point: %w", z.Name, site.ErrInvalid)
		}
		z.SetPoint = units.Know(to, s.At, units.Chosen)
		z.SetWhy = "set by hand, until 22:00"
		h.note(s.At, control.Info, zone, "setpoint", fmt.Sprintf("%s set to %v by %s.", z.Name, to, by))
		return nil
	})
}

// SetMode implements the home.
func (h *Home) SetMode(_ context.Context, zone string, mode site.Mode, by string) error {
	return h.act(zone, fmt.Sprintf("mode %s %s by %s", zone, mode, by), func(s *site.State, z *site.ZoneState) error {
		z.Mode = mode
		if mode == site.ModeOff {
			z.Activity = control.Off
			z.Sentence = "Off. Frost protection stays on."
			z.SetPoint = units.Unknown[units.Celsius]("the zone is off", s.At)
			s.Sentence = "Off. " + z.Name + " " + z.Temp.String() + "; frost protection stays on."
		}
		return nil
	})
}

// SetPreset implements the home.
func (h *Home) SetPreset(_ context.Context, zone, preset string, set *units.Celsius, until time.Time, by string) error {
	call := fmt.Sprintf("preset %s %q by %s", zone, preset, by)
	if set != nil {
		call = fmt.Sprintf("preset %s %q at %v until %s by %s", zone, preset, *set, until.UTC().Format(time.RFC3339), by)
	}
	return h.act(zone, call, func(s *site.State, z *site.ZoneState) error {
		z.Preset, z.Until = preset, nil
		if !until.IsZero() {
			z.Until = &until
		}
		if set != nil {
			z.SetPoint = units.Know(*set, s.At, units.Chosen)
		}
		return nil
	})
}

// Manual implements the home.
func (h *Home) Manual(_ context.Context, zone, dev, level string, d time.Duration, by string) error {
	return h.act(zone, fmt.Sprintf("manual %s %s %s %v by %s", zone, dev, level, d, by), func(_ *site.State, z *site.ZoneState) error {
		if !slices.Contains(z.Heaters, dev) {
			return fmt.Errorf("heater %q of %s: %w", dev, z.Name, site.ErrNotFound)
		}
		return nil
	})
}

// ClearTrip implements the home.
func (h *Home) ClearTrip(_ context.Context, id, by string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, fmt.Sprintf("clear %s by %s", id, by))
	i := slices.IndexFunc(h.state.Trips, func(t control.Trip) bool { return t.ID == id })
	if i < 0 {
		return fmt.Errorf("trip %q: %w", id, site.ErrNotFound)
	}
	if !h.state.Trips[i].Ready {
		return fmt.Errorf("%s %w", h.state.Trips[i].Clears, site.ErrInvalid)
	}
	h.change(func(s *site.State) { s.Trips = slices.Delete(slices.Clone(s.Trips), i, i+1) })
	return nil
}

// AllowCompute implements the home.
func (h *Home) AllowCompute(_ context.Context, allow bool, by string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, fmt.Sprintf("compute %v by %s", allow, by))
	if !h.state.Compute.Present {
		return fmt.Errorf("this home does not use its own computer: %w", site.ErrUnavailable)
	}
	h.change(func(s *site.State) {
		s.Compute.Allowed = allow
		s.Compute.Note = "Metered; it may compute for heat on 4 of its 8 threads while its room wants heat."
	})
	return nil
}

// Blink implements the home.
func (h *Home) Blink(_ context.Context, dev string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, "blink "+dev)
	i := slices.IndexFunc(h.state.Devices, func(d site.DeviceState) bool { return d.ID == dev })
	switch {
	case i < 0:
		return fmt.Errorf("device %q: %w", dev, site.ErrNotFound)
	case !h.state.Devices[i].Online:
		return fmt.Errorf("%s does not answer: %w", h.state.Devices[i].Name, site.ErrUnavailable)
	}
	return nil
}

// Discover implements the home: it finds a miner that announces itself, and
// by a scan an emulated one.
func (h *Home) Discover(_ context.Context, scan string) ([]discovery.Finding, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, strings.TrimSpace("discover "+scan))
	found := []discovery.Finding{{
		Kind: "axeos", Address: "192.168.1.41",
		Identity: device.Identity{Vendor: "Bitaxe", Model: "Gamma 601", Firmware: "v2.9.0", Serial: "F0F5BD4A1C22"},
	}}
	if scan != "" {
		found = append(found, discovery.Finding{
			Kind: "avalon", Address: "192.168.1.52:4028",
			Identity: device.Identity{Vendor: "Canaan", Model: "Avalon Nano 3s", Serial: "E1A0", Simulated: true},
		})
	}
	return found, nil
}

// History implements the home with a day that repeats: a room that is let
// down at night, heaters that follow, a cold night outside.
func (h *Home) History(_ context.Context, q site.HistoryQuery) (site.History, error) {
	s := h.State()
	known := q.Subject == "home" ||
		slices.ContainsFunc(s.Zones, func(z site.ZoneState) bool { return z.ID == q.Subject }) ||
		slices.ContainsFunc(s.Devices, func(d site.DeviceState) bool { return d.ID == q.Subject })
	if !known {
		return site.History{}, fmt.Errorf("history of %q: %w", q.Subject, site.ErrNotFound)
	}
	unit := map[site.Metric]string{
		site.MetricTemp: "°C", site.MetricSetPoint: "°C", site.MetricOutdoor: "°C",
		site.MetricPower: "W", site.MetricElectricity: "Wh", site.MetricHeat: "Wh",
	}[q.Metric]
	span := 24 * time.Hour
	for _, minutes := range []int{1, 5, 15, 30, 60, 180, 360} {
		d := time.Duration(minutes) * time.Minute
		if int(q.To.Sub(q.From)/d)+2 <= q.Points {
			span = d
			break
		}
	}
	out := site.History{Subject: q.Subject, Metric: q.Metric, Unit: unit, Span: span}
	share := 1.0
	if q.Subject != "home" && !slices.ContainsFunc(s.Zones, func(z site.ZoneState) bool { return z.ID == q.Subject }) {
		share = 0.6
	}
	for t := q.From.Truncate(span); t.Before(q.To); t = t.Add(span) {
		p := site.Point{At: t}
		if v, ok := h.sample(q.Metric, q.Subject, t, s.At, span); ok {
			v *= share
			lo, hi := v-0.1, v+0.1
			if unit != "°C" {
				lo, hi = v*0.9, v*1.1
			}
			p.Mean, p.Min, p.Max, p.Provenance = &v, &lo, &hi, h.source
			if q.Metric == site.MetricSetPoint {
				p.Provenance = units.Chosen
			}
		}
		out.Points = append(out.Points, p)
	}
	return out, nil
}

func (h *Home) sample(m site.Metric, subject string, t, now time.Time, span time.Duration) (float64, bool) {
	ago := now.Sub(t)
	if ago < 0 || (h.lost != [2]time.Duration{} && ago < h.lost[0] && ago > h.lost[1] && m != site.MetricSetPoint) {
		return 0, false
	}
	hour := float64(t.In(Zone()).Hour()) + float64(t.In(Zone()).Minute())/60
	tank := subject == "tank"
	set := 18.0
	if hour >= 6.5 && hour < 22 {
		set = 21
	}
	if tank {
		set = 55
	}
	var room float64
	switch {
	case hour >= 22:
		room = 18 + 2.9*math.Exp(-(hour-22)/5)
	case hour < 6.5:
		room = 18 + 2.9*math.Exp(-(hour+2)/5)
	default:
		room = 21 - 2.5*math.Exp(-(hour-6.5)/0.9) + 0.12*math.Sin(hour*5)
	}
	power := 300 + 120*math.Sin(hour*2)
	switch {
	case hour >= 6.5 && hour < 9:
		power = 1350 - 200*(hour-6.5)
	case hour >= 9 && hour < 22:
		power = 760 + 90*math.Sin(hour*1.7)
	}
	switch m {
	case site.MetricTemp:
		if tank {
			return 52 + 5*math.Sin(hour/3), true
		}
		return room, true
	case site.MetricSetPoint:
		return set, true
	case site.MetricOutdoor:
		return -4 + 4*math.Sin((hour-9)/24*2*math.Pi), true
	case site.MetricPower:
		return power, true
	case site.MetricElectricity:
		return power * span.Hours(), true
	case site.MetricHeat:
		return power * span.Hours() * 0.98, true
	}
	return 0, false
}
