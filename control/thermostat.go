package control

import (
	"math"
	"time"

	"hearth/units"
)

const (
	// resetTime is the integral time of the room thermostat. It is long
	// against the room's fast answer, so that the feed-forward does the work
	// and the integral only what the feed-forward does not know.
	resetTime = 2 * time.Hour
	// smoothing is the time over which the room's temperature is averaged for
	// the regulation. Air follows each step of a heater within minutes by half
	// a kelvin and more; regulated on that, level and pause would chase each
	// other all day.
	smoothing = 25 * time.Minute
	// backupPatience is how long a room must lie below its band, its primary
	// heaters doing what they can, before the backup helps.
	backupPatience = 15 * time.Minute
	// again is the patience of a room that the backup has lately helped: what
	// lacked an hour ago still lacks, and the room need not get cold to show it.
	again = 3 * time.Minute
	// lately is how long the backup's help is remembered for that.
	lately = 2 * time.Hour
	// absentPatience is how long the primaries may be unavailable before the
	// backup stands in for them.
	absentPatience = 5 * time.Minute
	// tankPatience is the backupPatience of a tank, which takes hours to charge.
	tankPatience = 2 * time.Hour
	// releaseAfter is how long the primaries must suffice before the backup is
	// let go.
	releaseAfter = 10 * time.Minute
	// warmUpMost bounds how early a room is warmed for its next set-point.
	warmUpMost = 6 * time.Hour
	// warmUpRate is assumed until a warm-up has been seen, in K/h.
	warmUpRate = 1.0
	// comfortMargin is how far below the set-point a room may fall before
	// the backup is called.
	comfortMargin units.Kelvin = 0.25
)

// thermostat turns a temperature into a wish for heat.
type thermostat struct {
	integral units.Watts
	slow     units.Celsius // the temperature, smoothed; valid once set
	smooth   bool          // slow is set
	charging bool          // a tank is being charged
	speed    float64       // learned warm-up in K/h; 0 if none was seen
	climb    climb         // the warm-up that is being watched
	short    time.Duration // for how long the primaries did not suffice
	enough   time.Duration // for how long they have
	helped   time.Duration // what is left of lately
	backup   bool          // the backup is engaged
	load     units.Watts   // of a room, as reckoned: without what corrects its temperature
}

// climb is a spell of full power of the primaries.
type climb struct {
	began time.Time
	from  units.Celsius
}

func (t *thermostat) rate() float64 {
	if t.speed > 0 {
		return t.speed
	}
	return warmUpRate
}

// watch learns how fast the room warms at full power.
func (t *thermostat) watch(full bool, temp units.Celsius, now time.Time) {
	if !full {
		t.climb = climb{}
		return
	}
	if t.climb.began.IsZero() {
		t.climb = climb{now, temp}
		return
	}
	if spell := now.Sub(t.climb.began); spell >= 40*time.Minute {
		seen := float64(temp.Sub(t.climb.from)) / spell.Hours()
		if seen > 0.1 {
			t.speed = min(5, max(0.2, 0.7*t.rate()+0.3*seen))
		}
		t.climb = climb{now, temp}
	}
}

// room returns the power wanted for a room at temp, of which primary and
// backup watts can be had. The law is feed-forward, proportional and
// integral; far outside the band it is all or nothing.
func (t *thermostat) room(z *zone, temp units.Celsius, outdoor units.Known[units.Celsius], primary, backup units.Watts, dt time.Duration) units.Watts {
	most := primary
	if t.backup {
		most += backup
	}
	if primary+backup <= 0 {
		t.integral = 0
		return 0
	}
	low := z.aim.Sub(temp) // how far the room is below what is aimed at
	mean := z.aim.Sub(t.settle(temp, dt))
	var ahead units.Watts
	scale := primary + backup
	if z.Load > 0 {
		scale = max(scale/2, z.Load)
		if out, ok := outdoor.Get(); ok {
			ahead = z.Load * units.Watts((z.aim-out)/(20-z.DesignOutdoor))
		} else {
			// A mild day's load, so that the integral has less to find.
			ahead = z.Load / 3
		}
		ahead = max(0, ahead)
	}
	// Full power one kelvin below, whatever the size of the heaters.
	gain := float64(scale)
	t.load = max(0, ahead+t.integral)
	want := ahead + units.Watts(gain*float64(mean)) + t.integral

	saturated := want >= most && mean > 0 || want <= 0 && mean < 0
	if !saturated && math.Abs(float64(mean)) < 2 {
		t.integral += units.Watts(gain * float64(mean) * min(dt, 10*time.Minute).Hours() / resetTime.Hours())
		t.integral = max(-ahead-scale/2, min(scale, t.integral))
	}
	switch {
	case low <= -2*z.Band:
		want = 0
	case low >= z.Band:
		want = max(want, primary)
	}
	return max(0, want)
}

// settle follows the temperature with a lag, never further off than a kelvin.
func (t *thermostat) settle(temp units.Celsius, dt time.Duration) units.Celsius {
	if !t.smooth {
		t.slow, t.smooth = temp, true
	}
	t.slow += (temp - t.slow) * units.Celsius(dt.Seconds()/(smoothing+dt).Seconds())
	t.slow = min(max(t.slow, temp-1), temp+1)
	return t.slow
}

// tank returns the power wanted for a tank: all or nothing, from top below
// the band to bottom at the set-point. With one sensor the top stands for
// both.
func (t *thermostat) tank(z *zone, top units.Celsius, low units.Known[units.Celsius], most units.Watts) units.Watts {
	bottom, two := low.Get()
	full := top >= z.aim
	if two {
		// A stratified tank is full when its bottom is warm. Near the limit the
		// top decides, so that charging ends before the trip.
		full = bottom > z.aim || top >= z.Limit-2
	}
	switch {
	case full:
		t.charging = false
	case top.Sub(z.aim) < -z.Band:
		t.charging = true
	}
	if !t.charging {
		return 0
	}
	return most
}

// engage decides whether the backup helps: called when the primaries at full
// cannot hold the temperature for a while, released as soon as they can.
func (t *thermostat) engage(z *zone, temp units.Celsius, want, primary units.Watts, dt time.Duration) {
	patience, below := backupPatience, min(z.Band/2, comfortMargin)
	t.helped = max(0, t.helped-dt)
	switch {
	case z.Kind == Tank:
		patience, below = tankPatience, z.Band
	case t.helped > 0:
		patience = again
	}
	lacking := want >= 0.98*primary && want > 0
	// While it warms up ahead of time, only what is due counts as lacking.
	due := min(z.aim, z.floor)
	switch {
	case z.unassisted():
		t.backup, t.short, t.enough = true, 0, 0
	case primary <= 0:
		// It may be back soon.
		t.short, t.enough = 0, 0
	case t.backup:
		if lacking {
			t.enough = 0
		} else {
			t.enough += dt
		}
		// What a plan stores above that is not worth the backup's power.
		stored := z.floor < z.set && temp.Sub(due) > below
		if t.enough >= releaseAfter || stored || temp.Sub(z.aim) > z.Band/2 {
			t.backup, t.short, t.helped = false, 0, lately
		}
	case lacking && temp.Sub(due) < -below:
		t.short += dt
		t.backup, t.enough = t.short >= patience, 0
	default:
		t.short = 0
	}
}

// rest forgets what belongs to a spell of heating, when a zone is not heated
// by its thermostat.
func (t *thermostat) rest() {
	t.short, t.enough, t.backup, t.charging, t.load = 0, 0, false, false, 0
	t.climb = climb{}
	t.smooth = false
}
