package server

import "time"

// pace says how long a connection is not to be read from, so that it brings no
// more messages than it may. It belongs to the reading goroutine.
type pace struct {
	perSecond float64
	left      float64
	last      time.Time
}

func newPace(perSecond int) pace {
	return pace{perSecond: float64(perSecond), left: 2 * float64(perSecond)}
}

// take counts n messages and returns how long to wait.
func (p *pace) take(n int, now time.Time) time.Duration {
	if !p.last.IsZero() {
		p.left = min(p.left+now.Sub(p.last).Seconds()*p.perSecond, 2*p.perSecond)
	}
	p.last = now
	if p.left -= float64(n); p.left >= 0 {
		return 0
	}
	return time.Duration(-p.left / p.perSecond * float64(time.Second))
}
