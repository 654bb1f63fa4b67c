package scheduler

import (
	"errors"
	"fmt"
	"math"

	"hearth/units"
)

// Trial is how well a room's days are foretold: how far off, on average over
// each day, the temperature was from what was foretold at its beginning.
type Trial struct {
	// Days is how many were foretold, each by what was known before it.
	Days int
	// Model is how far the fitted room missed, given the heat and the weather
	// that came; Rule how far off it was to say that all stays as it is.
	Model, Rule units.Kelvin
}

// Try foretells each of the last days of a record by a room fitted to what
// came before that day. A day of which less than half is known does not count,
// nor one before which nothing is recorded that a room could be fitted to.
// Where no day can be foretold the error says why: [ErrTooLittle], [ErrNoRoom].
func Try(rec Record, days int) (Trial, error) {
	if err := rec.check(); err != nil {
		return Trial{}, fmt.Errorf("try a room: %w", err)
	}
	var t Trial
	var model, rule float64
	day, why := rec.day(), fmt.Errorf("%w: no day has two whole days before it", ErrTooLittle)
	for d := 1; d <= days && len(rec.Samples) > d*day; d++ {
		from := len(rec.Samples) - d*day
		past := Record{Step: rec.Step, Samples: rec.Samples[:from], First: rec.First}
		room, err := Fit(past)
		if errors.Is(err, ErrNoRoom) {
			why = err
			continue
		}
		if err != nil {
			break // there is only less before
		}
		m, r, ok := rec.foretell(room, from-1, from+day)
		if !ok {
			continue
		}
		t.Days, model, rule = t.Days+1, model+m, rule+r
	}
	if t.Days == 0 {
		return Trial{}, fmt.Errorf("try a room: %w", why)
	}
	t.Model, t.Rule = units.Kelvin(model/float64(t.Days)), units.Kelvin(rule/float64(t.Days))
	return t, nil
}

// foretell returns the mean miss of the model and of the rule over the samples
// after the first, as far as all is known.
func (rec Record) foretell(room Room, from, to int) (model, rule float64, ok bool) {
	if !rec.Samples[from].Known {
		return 0, 0, false
	}
	first, count := rec.Samples[from], 0.0
	slow := float64(room.Slow(first.Temp, first.Heat))
	next, _ := room.Lines()
	for i := from + 1; i < to && rec.Samples[i].Known; i++ {
		was, now := rec.Samples[i-1], rec.Samples[i]
		slow = next.Keep*slow + next.PerWatt*float64(was.Heat+now.Heat)/2 + float64(room.Drift((was.Outdoor+now.Outdoor)/2, rec.First+i))
		model += math.Abs(slow + room.Lift*float64(now.Heat) - float64(now.Temp))
		rule += math.Abs(float64(now.Temp - first.Temp))
		count++
	}
	if count < float64(rec.day())/2 {
		return 0, 0, false
	}
	return model / count, rule / count, true
}
