package control

import (
	"time"

	"hearth/heat"
	"hearth/units"
)

// zone is one zone as its thermostat sees it.
type zone struct {
	Zone
	heaters []*heater // primaries first, each kind in the order configured

	off      bool
	thermo   thermostat
	delivery delivery
	absent   time.Duration // for how long the primaries could not carry half of the load
	record   record        // what planning ahead learns from
	ahead    ahead

	// The schedule's answer, kept until it may change.
	asked asked

	// Of the present step.
	belief belief        // what is believed of the temperatures
	set    units.Celsius // in force
	setOK  bool
	why    string
	aim    units.Celsius // what the thermostat steers to: above set while warming up in time
	floor  units.Celsius // what the room is owed at least: set, less what planning may take
	// planned is what planning ahead says; acts is set while it moves the aim.
	planned string
	acts    bool
	want    units.Watts
	boost   bool        // everything that can heat shall, against frost
	power   units.Watts // of want, what the plan has found heaters for
	draw    units.Watts // what the heaters that the plan lets run will draw
}

// asked caches the schedule, which is costly to ask at every step.
type asked struct {
	at, until time.Time
	set       units.Celsius
	ok        bool
	why       string
	// The next change, for warming up in time.
	next   units.Celsius
	nextOK bool
}

// ask fills in the set-point in force at the wall time now.
func (z *zone) ask(now time.Time) {
	a := &z.asked
	if a.at.IsZero() || now.Before(a.at) || !a.until.IsZero() && !now.Before(a.until) || a.at.Location() != now.Location() {
		z.Schedule.Prune(now)
		a.set, a.ok, a.why, a.until = z.Schedule.At(now)
		if !a.ok {
			a.set, a.why = z.SetPoint, "the usual"
			a.ok = true
		}
		a.nextOK = false
		if !a.until.IsZero() {
			if next, ok, _, _ := z.Schedule.At(a.until); ok {
				a.next, a.nextOK = next, true
			} else {
				a.next, a.nextOK = z.SetPoint, true
			}
		}
		a.at = now
	}
	z.set, z.setOK, z.why = a.set, a.ok, a.why
	z.aim, z.floor, z.planned, z.acts = z.set, z.set, "", false
}

// unassisted reports whether there is no primary worth waiting for: the zone
// has none, or they have been unable to carry half of the load for a while.
func (z *zone) unassisted() bool {
	for _, h := range z.heaters {
		if h.Role == Primary {
			return z.absent >= absentPatience
		}
	}
	return true
}

// forget makes the next ask look at the schedule again.
func (z *zone) forget() { z.asked = asked{} }

// warmUp raises the aim so that the zone is warm when the next set-point
// begins, rather than beginning to be warmed then.
func (z *zone) warmUp(now time.Time) {
	a := z.asked
	if z.Kind != Room || !a.nextOK || a.next <= z.set {
		return
	}
	left := a.until.Sub(now)
	if left <= 0 || left > warmUpMost {
		return
	}
	if due := a.next - units.Celsius(z.thermo.rate()*left.Hours()); due > z.aim {
		z.aim = min(due, a.next)
		z.why = "warming up for " + a.next.String() + " at " + a.until.Format("15:04")
	}
}

// quiet returns the caps of the quiet hours at the wall time now: zero where
// there is none.
func (z *zone) quiet(now time.Time) (loud int, power units.Watts) {
	for _, q := range z.Quiet {
		if !q.covers(now) {
			continue
		}
		if q.MaxLoud > 0 && (loud == 0 || q.MaxLoud < loud) {
			loud = q.MaxLoud
		}
		if q.MaxPower > 0 && (power == 0 || q.MaxPower < power) {
			power = q.MaxPower
		}
	}
	return loud, power
}

// covers reports whether the quiet hours hold at t. Hours that wrap midnight
// belong to the day on which they begin.
func (q Quiet) covers(t time.Time) bool {
	at, today := heat.Of(t), t.Weekday()
	yesterday := (today + 6) % 7
	if q.From < q.To {
		return q.Days.Has(today) && at >= q.From && at < q.To
	}
	return q.Days.Has(today) && at >= q.From || q.Days.Has(yesterday) && at < q.To
}

// delivery remembers the mean power of the last day, by the hour.
type delivery struct {
	hours    [24]hour
	last     int64 // hour of the present bucket
	recalled hour  // from before a restart, forgotten after a day
}

type hour struct {
	joules  float64
	seconds float64
}

// add notes that the zone got so much power for dt up to the monotonic now.
func (d *delivery) add(p units.Watts, dt time.Duration, now time.Time) {
	h := now.Unix() / 3600
	switch gone := h - d.last; {
	case gone < 0 || gone >= 24:
		d.hours = [24]hour{}
	case gone > 0:
		for i := d.last + 1; i <= h; i++ {
			d.hours[mod24(i)] = hour{}
		}
	}
	d.last = h
	dt = min(dt, time.Hour)
	b := &d.hours[mod24(h)]
	b.joules += float64(p.Over(dt))
	b.seconds += dt.Seconds()
}

// mean returns the mean power, and false with less than an hour to go by.
func (d *delivery) mean() (units.Watts, bool) {
	w, seconds := d.sum()
	return w, seconds >= 3600
}

// sum returns the mean power and the time it is the mean of.
func (d *delivery) sum() (units.Watts, float64) {
	total := d.recalled
	for _, h := range d.hours {
		total.joules, total.seconds = total.joules+h.joules, total.seconds+h.seconds
	}
	if total.seconds <= 0 {
		return 0, 0
	}
	// The remembered day gives way as the new one fills.
	if over := total.seconds - day.Seconds(); over > 0 && d.recalled.seconds > 0 {
		cut := min(over, d.recalled.seconds)
		total.joules -= d.recalled.joules * cut / d.recalled.seconds
		total.seconds -= cut
	}
	return units.Watts(total.joules / total.seconds), total.seconds
}

func mod24(i int64) int { return int((i%24 + 24) % 24) }
