package site

import (
	"context"
	"time"

	"hearth/control"
	"hearth/units"
)

// How far control is told ahead, and how much of the past it learns from.
const (
	aheadFor = 24 * time.Hour
	pastFor  = 16 * 24 * time.Hour
)

// planned reports whether a zone is planned ahead.
func (s *Site) planned() bool {
	for _, z := range s.zones {
		if z.Shift > 0 {
			return true
		}
	}
	return false
}

// foresee tells control of the day to come, as each quarter-hour begins. The
// caller holds mu.
func (s *Site) foresee(now time.Time) {
	quarter := now.Truncate(quarterHour)
	if !s.planned() || quarter.Equal(s.foreseen) {
		return
	}
	s.foreseen = quarter
	ahead := make([]control.Foreseen, 0, int(aheadFor/quarterHour))
	for at := quarter; at.Before(quarter.Add(aheadFor)); at = at.Add(quarterHour) {
		f := control.Foreseen{
			At:      at,
			Price:   units.Unknown[units.Price]("no tariff is configured", at),
			Outdoor: units.Unknown[units.Celsius]("no weather forecast is configured", at),
		}
		if s.opt.Price != nil {
			f.Price = s.opt.Price(at)
		}
		if s.opt.Forecast != nil {
			f.Outdoor = s.opt.Forecast(at, now)
		}
		ahead = append(ahead, f)
	}
	s.home.Foresee(ahead)
}

// remember gives control what history holds of the rooms that are planned
// ahead. What cannot be read is as good as not recorded: planning waits.
func (s *Site) remember(ctx context.Context) {
	if !s.planned() {
		return
	}
	to := s.clock().Truncate(quarterHour)
	read := func(subject string, m Metric) map[int64]Point {
		out := map[int64]Point{}
		points, span, err := s.opt.Book.History(ctx, HistoryQuery{Subject: subject, Metric: m, From: to.Add(-pastFor), To: to, Points: int(pastFor / quarterHour)})
		switch {
		case err != nil:
			s.log.Warn("the past of a room that is planned ahead cannot be read", "subject", subject, "error", err)
		case span == quarterHour:
			for _, p := range points {
				if p.Mean != nil {
					out[p.At.Unix()] = p
				}
			}
		}
		return out
	}
	outdoor := read("home", MetricOutdoor)
	for _, z := range s.zones {
		if z.Shift <= 0 {
			continue
		}
		temp, power := read(z.ID, MetricTemp), read(z.ID, MetricPower)
		var past []control.Past
		for at := to.Add(-pastFor); at.Before(to); at = at.Add(quarterHour) {
			key := at.Unix()
			past = append(past, control.Past{
				At: at, Temp: meanOf[units.Celsius](temp[key], at), Outdoor: meanOf[units.Celsius](outdoor[key], at), Heat: meanOf[units.Watts](power[key], at),
			})
		}
		s.home.Remember(z.ID, past)
	}
}

// meanOf is the mean of a point of history.
func meanOf[T units.Celsius | units.Watts](p Point, at time.Time) units.Known[T] {
	if p.Mean == nil || p.Provenance == units.None {
		return units.Unknown[T]("history holds nothing", at)
	}
	return units.Know(T(*p.Mean), at, p.Provenance)
}
