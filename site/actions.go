package site

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hearth/control"
	"hearth/device"
	"hearth/heat"
	"hearth/ledger"
	"hearth/units"
)

// State returns the home as it is now.
func (s *Site) State() State { return *s.state.Load() }

// Events returns at most limit entries of the log with a number above after,
// oldest first.
func (s *Site) Events(after uint64, limit int) []Event { return s.journal.after(after, limit) }

// Watch returns a channel that gets a tick after each change, until ctx ends.
func (s *Site) Watch(ctx context.Context) <-chan struct{} { return s.journal.watch(ctx) }

// act does what a person asked, writes it down and shows it at once.
func (s *Site) act(ctx context.Context, subject, name, to, by string, f func(now time.Time) error) error {
	now := s.clock()
	s.mu.Lock()
	err := f(now)
	if err == nil {
		s.book.setting(now, subject, name, "", to, by, s.subjectSimulated(subject))
		s.journal.add(Event{
			At: now, Severity: control.Info, Subject: subject, Code: name,
			Text: fmt.Sprintf("%s: %s (%s).", name, to, by), Simulated: s.subjectSimulated(subject),
		})
		s.book.flush(ctx)
		s.persist(ctx, now) // what a person chose outlives a power cut at once
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	s.publish(now)
	s.nudge()
	return nil
}

// Note writes down what somebody did to the home from outside of it, such as
// a change of its description.
func (s *Site) Note(ctx context.Context, subject, name, to, by string) error {
	return s.act(ctx, subject, name, to, by, func(time.Time) error { return nil })
}

// zone returns the zone with the given id.
func (s *Site) zone(id string) (*zone, error) {
	for _, z := range s.zones {
		if z.ID == id {
			return z, nil
		}
	}
	return nil, fmt.Errorf("zone %q: %w", id, ErrNotFound)
}

func invalid(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrInvalid, err)
}

// SetPoint asks a zone for a temperature until the given time, or until the
// schedule's next change if until is zero. by says who asks.
func (s *Site) SetPoint(ctx context.Context, id string, to units.Celsius, until time.Time, by string) error {
	if _, err := s.zone(id); err != nil {
		return err
	}
	return s.act(ctx, id, "set-point", to.String(), by, func(now time.Time) error {
		return invalid(s.home.SetPoint(id, to, until, now))
	})
}

// SetMode switches a zone's heating on or off; frost protection stays.
func (s *Site) SetMode(ctx context.Context, id string, mode Mode, by string) error {
	z, err := s.zone(id)
	if err != nil {
		return err
	}
	if mode != ModeHeat && mode != ModeOff {
		return fmt.Errorf("%w: mode %q is not %s or %s", ErrInvalid, mode, ModeHeat, ModeOff)
	}
	return s.act(ctx, id, "mode", string(mode), by, func(now time.Time) error {
		if err := s.home.SetMode(id, mode == ModeOff, now); err != nil {
			return invalid(err)
		}
		z.mode = mode
		return nil
	})
}

// The temperatures of presets that say none of their own.
const (
	awaySet    units.Celsius = 16
	holidaySet units.Celsius = 12
	boostBy    units.Kelvin  = 2
	boostFor                 = 2 * time.Hour
)

// SetPreset overrides the schedule of a zone: "away", "boost", "holiday", or
// "" to follow the schedule again. A nil set takes the preset's own
// temperature; a zero until lasts until cancelled, for a boost two hours.
func (s *Site) SetPreset(ctx context.Context, id, preset string, set *units.Celsius, until time.Time, by string) error {
	z, err := s.zone(id)
	if err != nil {
		return err
	}
	if z.Kind == control.Manual {
		return fmt.Errorf("%w: %s has no thermometer and so no preset", ErrInvalid, z.Name)
	}
	return s.act(ctx, id, "preset", preset, by, func(now time.Time) error {
		if preset == "" {
			return invalid(s.home.Resume(id))
		}
		e := heat.Exception{Kind: preset, From: now, Until: until}
		switch {
		case set != nil:
			e.Set = *set
		case preset == "away" && z.Kind == control.Room:
			e.Set = awaySet
		case preset == "holiday" && z.Kind == control.Room:
			e.Set = holidaySet
		case preset == "boost":
			base, ok := s.decision.Zones[id].SetPoint.Get()
			if !ok {
				base = z.Zone.SetPoint
			}
			lo, hi := limits(z.Kind)
			e.Set = min(max(base.Add(boostBy), lo), hi)
			if until.IsZero() {
				e.Until = now.Add(boostFor)
			}
		case preset == "away" || preset == "holiday":
			e.Set, _ = limits(z.Kind) // a tank nobody draws from; its legionella cycle goes on
		default:
			return fmt.Errorf("%w: there is no preset %q: use away, boost or holiday", ErrInvalid, preset)
		}
		return invalid(s.home.Except(id, e))
	})
}

// limits are the set-points a person may choose.
func limits(k control.ZoneKind) (lo, hi units.Celsius) {
	if k == control.Tank {
		return 10, 75
	}
	return 5, 30
}

// longestManual bounds a timed level: nobody leaves a heater on blindly.
const longestManual = 24 * time.Hour

// Manual runs a heater of a zone without a thermometer at a level for a
// time. An empty level stops it.
func (s *Site) Manual(ctx context.Context, id, dev, level string, d time.Duration, by string) error {
	if _, err := s.zone(id); err != nil {
		return err
	}
	if d < 0 || d > longestManual {
		return fmt.Errorf("%w: a heater without a thermometer runs for at most %v at a time", ErrInvalid, longestManual)
	}
	return s.act(ctx, id, "level", fmt.Sprintf("%s for %v", level, d), by, func(now time.Time) error {
		until := now.Add(d)
		if err := s.home.Manual(id, dev, level, until, now); err != nil {
			return invalid(err)
		}
		s.manualUntil[id] = until
		return nil
	})
}

// ClearTrip resets a latched trip, if its cause is gone.
func (s *Site) ClearTrip(ctx context.Context, id, by string) error {
	known := false
	for _, t := range s.State().Trips {
		known = known || t.ID == id
	}
	if !known {
		return fmt.Errorf("trip %q: %w", id, ErrNotFound)
	}
	return s.act(ctx, id, "reset", id, by, func(now time.Time) error { return invalid(s.home.Clear(id, now)) })
}

// AllowCompute gives or withdraws the consent to use this computer as a
// heater.
func (s *Site) AllowCompute(ctx context.Context, allow bool, by string) error {
	c := s.opt.Compute
	if c == nil {
		return fmt.Errorf("%w: this home does not use its own computer", ErrNotFound)
	}
	to := "withdrawn"
	if allow {
		to = "given for " + c.For.String()
	}
	return s.act(ctx, c.Device, "consent", to, by, func(now time.Time) error {
		c.Allowed.Store(allow)
		until := now
		if allow {
			until = now.Add(c.For)
		}
		s.manualUntil[c.Zone] = until
		return nil // the level follows once the computer says that it may
	})
}

// followConsent runs this computer while a consent lasts, and ends it when
// its time is over.
func (s *Site) followConsent(now time.Time) {
	c := s.opt.Compute
	if c == nil {
		return
	}
	if z, err := s.zone(c.Zone); err == nil && z.Kind != control.Manual {
		s.followThermostat(now)
		return
	}
	u := s.units[c.Device]
	until := s.manualUntil[c.Zone]
	switch {
	case !c.Allowed.Load():
		if s.consented && u != nil {
			s.consented = false
			u.capsAt = time.Time{} // it says now that it takes no commands
			if err := s.home.Manual(c.Zone, c.Device, "", now, now); err != nil {
				s.log.Warn("this computer cannot be stopped by hand", "error", err)
			}
		}
	case !now.Before(until):
		c.Allowed.Store(false)
		s.tell(consentOver(now, c.Device))
	case !s.consented && u != nil && u.online && u.caps.Power.Max > 0:
		level := fmt.Sprintf("%g W", float64(u.caps.Power.Max))
		if err := s.home.Manual(c.Zone, c.Device, level, until, now); err != nil {
			// At first control has not seen yet what the computer can do.
			if s.consentTries++; s.consentTries < patienceSteps {
				return
			}
			c.Allowed.Store(false)
			s.tell(control.Event{At: now, Severity: control.Warning, Subject: c.Device, Code: "consent", Text: "This computer cannot heat: " + plain(err) + "."})
			return
		}
		s.consented, s.consentTries = true, 0
	}
}

// patienceSteps is for how many steps a consent waits for control.
const patienceSteps = 6

// followThermostat ends a consent in a place with a thermometer: there the
// thermostat alone decides when the permitted computer works.
func (s *Site) followThermostat(now time.Time) {
	c := s.opt.Compute
	if c.Allowed.Load() && !now.Before(s.manualUntil[c.Zone]) {
		c.Allowed.Store(false)
		s.tell(consentOver(now, c.Device))
	}
}

// consentOver is the event of a consent whose time has passed.
func consentOver(now time.Time, device string) control.Event {
	return control.Event{
		At: now, Severity: control.Info, Subject: device, Code: "consent",
		Text: "The time for which this computer may heat is over.",
	}
}

// Blink makes a device show itself.
func (s *Site) Blink(ctx context.Context, id string) error {
	u, ok := s.units[id]
	if !ok {
		return fmt.Errorf("device %q: %w", id, ErrNotFound)
	}
	b, ok := u.Driver.(device.Blinker)
	if !ok {
		return fmt.Errorf("%w: %s cannot show itself", ErrInvalid, u.Name)
	}
	if err := u.worker.do(ctx, callLimit, b.Blink); err != nil {
		if errors.Is(err, device.ErrUnsupported) {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// History returns one metric over time.
func (s *Site) History(ctx context.Context, q HistoryQuery) (History, error) {
	unit, ok := q.Metric.unit()
	if !ok {
		return History{}, fmt.Errorf("%w: there is no metric %q", ErrInvalid, q.Metric)
	}
	if !q.From.Before(q.To) {
		return History{}, fmt.Errorf("%w: the span ends before it begins", ErrInvalid)
	}
	if q.Points <= 0 || q.Points > 2000 {
		q.Points = 500
	}
	points, span, err := s.opt.Book.History(ctx, q)
	if err != nil {
		return History{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return History{Subject: q.Subject, Metric: q.Metric, Unit: unit, Span: span, Points: points}, nil
}

// unit is what a metric counts in; false if there is no such metric.
func (m Metric) unit() (string, bool) {
	switch m {
	case MetricTemp, MetricSetPoint, MetricOutdoor:
		return "°C", true
	case MetricPower:
		return "W", true
	case MetricElectricity, MetricHeat:
		return "Wh", true
	}
	return "", false
}

// LedgerRecords returns at most limit records from the number from on.
func (s *Site) LedgerRecords(ctx context.Context, from uint64, limit int) ([]ledger.Record, error) {
	return s.opt.Book.Records(ctx, from, limit)
}

// LedgerVerify checks the whole chain.
func (s *Site) LedgerVerify(ctx context.Context) (ledger.Report, error) {
	return s.opt.Book.Verify(ctx)
}
