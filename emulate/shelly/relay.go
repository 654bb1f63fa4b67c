package shelly

import (
	"time"

	"hearth/units"
)

const (
	boot     = 4 * time.Second
	standby  = units.Watts(1)
	volts    = 230.0
	overload = time.Second // how long too much load is borne
)

// relay is the device as a physical thing. It knows nothing of HTTP.
type relay struct {
	product
	at     time.Time // state holds for this instant
	mains  bool
	booted time.Time
	// restartAt is when a restart asked for comes; zero if none is due.
	restartAt time.Time

	on        bool
	source    string    // of the last change
	timer     time.Time // when the timer was started; zero if none runs
	timerFor  time.Duration
	onSince   time.Time
	errors    []string
	autoOff   bool
	autoDelay time.Duration

	load   func() units.Watts // what the contact feeds, were it closed
	feed   func(on bool, now time.Time)
	lie    func() float64  // factor on the meter
	count  units.Joules    // of the meter, since the restart
	minute [3]units.Joules // the last three whole minutes, latest first
	bucket units.Joules    // this minute
	joules units.Joules    // heat not yet handed to the house
	heater bool            // the load is a resistance that heats here
}

// answers reports whether the firmware is up.
func (r *relay) answers() bool { return r.mains && r.at.Sub(r.booted) >= boot }

// draw is the power through the contact.
func (r *relay) draw() units.Watts {
	if !r.on || !r.mains {
		return 0
	}
	return r.load()
}

// power is the true draw from the wall of the device and a heater of its own.
func (r *relay) power() units.Watts {
	if !r.mains {
		return 0
	}
	if r.heater {
		return standby + r.draw()
	}
	return standby
}

// restart opens the relay and boots.
func (r *relay) restart(now time.Time) {
	r.turn(false, "init", now)
	r.booted, r.restartAt, r.errors = now, time.Time{}, nil
	r.count, r.bucket, r.minute = 0, 0, [3]units.Joules{}
}

// set is Switch.Set: a timer that runs is replaced, or stopped.
func (r *relay) set(on bool, after time.Duration, source string) {
	r.errors = nil
	r.turn(on, source, r.at)
	if after == 0 && on && r.autoOff {
		after = r.autoDelay
	}
	if after > 0 {
		r.timer, r.timerFor = r.at, after
	}
}

// turn moves the contact and stops the timer.
func (r *relay) turn(on bool, source string, now time.Time) {
	r.timer, r.timerFor, r.source = time.Time{}, 0, source
	if on && !r.on {
		r.onSince = now
	}
	if on != r.on && r.feed != nil {
		r.feed(on, now)
	}
	r.on = on
}

// protect opens the relay for a reason of its own.
func (r *relay) protect(why string) {
	r.turn(false, why, r.at)
	r.errors = []string{why}
}

// advance moves the relay to now, from one event to the next.
func (r *relay) advance(now time.Time) {
	for r.at.Before(now) {
		next := now
		minute := r.at.Truncate(time.Minute).Add(time.Minute)
		if minute.Before(next) {
			next = minute
		}
		if end := r.timer.Add(r.timerFor); !r.timer.IsZero() && end.After(r.at) && end.Before(next) {
			next = end
		}
		if end := r.onSince.Add(overload); r.draw() > r.rating && end.After(r.at) && end.Before(next) {
			next = end
		}
		if r.restartAt.After(r.at) && r.restartAt.Before(next) {
			next = r.restartAt
		}
		dt := next.Sub(r.at)
		r.joules += r.power().Over(dt)
		counted := units.Joules(r.lie()) * r.draw().Over(dt)
		r.count += counted
		r.bucket += counted
		r.at = next
		r.events(minute)
	}
}

// events does what is due at this instant.
func (r *relay) events(minute time.Time) {
	if !r.at.Before(minute) {
		r.minute = [3]units.Joules{r.bucket, r.minute[0], r.minute[1]}
		r.bucket = 0
	}
	if !r.restartAt.IsZero() && !r.at.Before(r.restartAt) {
		r.restart(r.at)
	}
	if !r.timer.IsZero() && !r.at.Before(r.timer.Add(r.timerFor)) {
		r.turn(!r.on, "timer", r.at)
	}
	if r.draw() > r.rating && !r.at.Before(r.onSince.Add(overload)) {
		r.protect("overpower")
	}
}
