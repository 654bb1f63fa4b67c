package emulate

import (
	"iter"
	"math"
	"time"
)

// Steps cuts the time between two instants into steps of about a second, for
// the physics of a machine. A long gap, when nobody watched, is cut into 20,000
// steps at most. There are none when to is not after from.
func Steps(from, to time.Time) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		left := to.Sub(from)
		step := max(time.Second, left/20_000)
		for left > 0 {
			dt := min(step, left)
			if !yield(dt) {
				return
			}
			left -= dt
		}
	}
}

// Lag returns where a quantity is after dt on its way from one value to
// another with the time constant tau: the exact step of a first-order lag.
func Lag(from, to float64, dt, tau time.Duration) float64 {
	return to + (from-to)*math.Exp(-dt.Seconds()/tau.Seconds())
}
