package control

import "time"

// clock makes a time that never runs backwards from one that may. Budgets,
// minimum times and dead-man timers count on it; the calendar does not.
type clock struct {
	wall time.Time // as last observed
	mono time.Time // equal to wall until wall first jumps back
}

// advance takes the next observed time and returns how much time passed, zero
// after a jump back, and how far the clock jumped back.
func (c *clock) advance(now time.Time) (passed, back time.Duration) {
	if c.wall.IsZero() {
		c.wall, c.mono = now, now
		return 0, 0
	}
	// Subtraction saturates where the span does not fit a Duration.
	passed = now.Sub(c.wall)
	if passed < 0 {
		passed, back = 0, -passed
	}
	c.wall, c.mono = now, c.mono.Add(passed)
	return passed, back
}

// shown returns the wall time at which the instant m of the monotonic time
// was, as far as the clock is right now.
func (c *clock) shown(m time.Time) time.Time {
	if m.IsZero() {
		return m
	}
	return m.Add(c.wall.Sub(c.mono))
}
