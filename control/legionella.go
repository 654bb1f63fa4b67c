package control

import (
	"fmt"
	"time"

	"hearth/units"
)

const (
	// legionellaAbove is how far above the temperature to reach the water is
	// heated, so that the coldest sensor gets there.
	legionellaAbove units.Celsius = 2
	// legionellaStall is how long the primaries may heat without a rise of
	// legionellaRise before the backup helps.
	legionellaStall = 45 * time.Minute
	legionellaRise  = units.Kelvin(1)
)

// legion is the state of the legionella cycle of one tank.
type legion struct {
	active  bool
	done    time.Time // wall time of the last completion; zero if never
	began   time.Time // wall time
	held    time.Duration
	backup  bool
	late    bool
	mark    units.Celsius // coldest temperature at markAt
	markAt  time.Time     // monotonic
	waiting string        // why the cycle does not go on
}

// legionella runs the cycle: due in time to be complete before the water is
// too old, complete when the coldest sensor has been hot enough for long
// enough without a break, late when that takes too long. A tank that happens
// to be hot for as long has completed it too.
func (s *Supervisor) legionella(g *guard, passed time.Duration) {
	l, rule := &g.legion, g.Legionella
	coldest, known := g.belief.coldest()
	if l.done.After(s.now) {
		l.done = s.now // the clock was wrong
	}
	if l.began.After(s.now) {
		l.began = s.now
	}

	switch {
	case known && coldest >= rule.Reach && passed <= maxStep:
		l.held += passed
	default:
		l.held = 0
	}
	if known && l.held >= rule.Hold {
		if l.active {
			s.event(Info, g.ID, "legionella", fmt.Sprintf("%s: the whole tank was at %v or more for %s. Next time in %s.",
				g.Name, rule.Reach, brief(rule.Hold), brief(rule.Every)))
		}
		*l = legion{done: s.now, held: rule.Hold}
	}

	l.waiting = ""
	switch {
	case g.off:
		l.waiting = "the tank is switched off"
	case g.tripped != "":
		l.waiting = "safety has stopped the tank"
	case !known:
		l.waiting = "the tank's temperature is not known"
	}
	due := l.done.IsZero() || s.now.Sub(l.done) >= rule.Every-rule.Within
	if !l.active && due && !g.off {
		l.active, l.began, l.backup, l.markAt = true, s.now, false, time.Time{}
		s.event(Info, g.ID, "legionella", fmt.Sprintf("%s: heating the whole tank to %v for %s against legionella.", g.Name, rule.Reach, brief(rule.Hold)))
	}
	if l.active && l.waiting == "" && !l.backup {
		switch {
		case l.markAt.IsZero() || coldest.Sub(l.mark) >= legionellaRise:
			l.mark, l.markAt = coldest, s.mono
		case coldest < rule.Reach && (s.mono.Sub(l.markAt) >= legionellaStall || s.now.Sub(l.began) >= rule.Within/2):
			l.backup = true
		}
	}
	l.late = l.active && s.now.Sub(l.began) > rule.Within
	s.judge(RuleLegionella, g.ID, verdict{holds: l.late}, func() (string, string, string) {
		at := "at an unknown temperature"
		if known {
			at = "at " + coldest.String()
		}
		return fmt.Sprintf("%s did not reach %v for %s within %s; its coldest sensor is %s.", g.Name, rule.Reach, brief(rule.Hold), brief(rule.Within), at),
			"Keeps heating it, with the backup.", "Clears by itself when the cycle is complete."
	})
}
