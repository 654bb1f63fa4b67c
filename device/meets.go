package device

import (
	"fmt"

	"hearth/units"
)

// Meets decides whether the reading r, taken after the command a was given,
// shows that the device does as told. It returns false with a reason in plain
// words when the reading contradicts the command or does not tell: unknown is
// not success.
//
// For SetPower and Retune the draw must be within 10 % or 25 W of the demand,
// whichever is more. Of a device that is shared with others, a higher draw
// proves nothing and is let pass.
func Meets(c Capabilities, a Applied, r Reading) (ok bool, why string) {
	switch a.Verb {
	case Off, Pause:
		return stopped(c, a.Verb, r)
	case Run:
		return running(r)
	case SetLevel:
		if ok, why := running(r); !ok {
			return false, why
		}
		got, known := r.Level.Get()
		if !known {
			return false, "the device does not tell its level: " + r.Level.Why()
		}
		if got != a.Level {
			return false, fmt.Sprintf("the device is at level %s, not %s", got, a.Level)
		}
		return true, ""
	case SetPower, Retune:
		if ok, why := running(r); !ok {
			return false, why
		}
		got, known := r.Power.Get()
		if !known {
			return false, "the device does not tell its power: " + r.Power.Why()
		}
		if slack := max(a.Power/10, 25); (got > a.Power+slack && !c.Shared) || got < a.Power-slack {
			return false, fmt.Sprintf("the device draws %v, not %v", got, a.Power)
		}
		return true, ""
	}
	return false, fmt.Sprintf("%q is not a verb", a.Verb)
}

// stopped wants a state that says stopped, and a draw, where known, that does
// not contradict it: an "OK" while the heater goes on is the worst lie.
func stopped(c Capabilities, v Verb, r Reading) (bool, string) {
	switch r.State {
	case StateOff:
	case StatePaused:
		if v == Off && c.Can(Off) && c.Can(Pause) {
			return false, "the device is paused, not off"
		}
	default:
		return false, fmt.Sprintf("the device is still %s", r.State)
	}
	if p, known := r.Power.Get(); known && !c.Shared {
		if most := c.IdleCeiling(); p > most {
			return false, fmt.Sprintf("the device says it is %s but draws %v", r.State, p)
		}
	}
	return true, ""
}

// IdleCeiling returns the most a stopped device may draw: twice its idle
// watts, or a quarter of its maximum where the idle draw is not known.
func (c Capabilities) IdleCeiling() units.Watts {
	if idle, known := c.Idle.Get(); known {
		return max(2*idle, idle+25)
	}
	return max(c.Max/4, 25)
}

func running(r Reading) (bool, string) {
	if r.State != StateHeating {
		return false, fmt.Sprintf("the device is %s, not heating", r.State)
	}
	return true, ""
}
