package control

import (
	"time"

	"hearth/device"
)

// relay is a switch in front of one heater or more. It is kept closed, and
// its dead-man timer renewed, as long as every heater behind it may run; it is
// opened only in an emergency that a stop alone does not end.
type relay struct {
	id      string
	seen    DeviceSeen
	caps    device.Capabilities
	deadMan time.Duration // 0 also while not known
	sent    device.Verb
	sentAt  time.Time // monotonic
	open    bool
	why     string
}

// look takes in what is seen of the relay.
func (r *relay) look(seen DeviceSeen) {
	r.seen = seen
	if seen.HasCaps {
		r.caps, r.deadMan = seen.Caps, seen.Caps.DeadMan
	}
}

// emergency decides which relays must be open: a heater that disobeys, and
// one that safety has stopped and that is not seen to have stopped soon.
func (s *Supervisor) emergency() {
	for _, r := range s.relays {
		r.open, r.why = false, ""
	}
	for _, w := range s.heaters {
		r := s.relay(w.Relay)
		if r == nil {
			continue
		}
		stubborn := !w.urgent.IsZero() && s.mono.Sub(w.urgent) >= openGrace
		if w.tripped == RuleFault {
			continue // the device itself knows best whether it may keep its power
		}
		if w.tripped == RuleDisobeys || w.tripped != "" && (stubborn || !w.seen.Online && w.book.on || r.sent == device.Off) {
			r.open, r.why = true, w.cause
		}
	}
}

// switchRelays returns the commands that keep every relay as it must be.
func (s *Supervisor) switchRelays() []Command {
	s.emergency()
	var out []Command
	for _, r := range s.relays {
		want := device.Demand{Verb: device.Run, Why: "keeps the heater's supply on while Hearth is well"}
		if r.open {
			want = device.Demand{Verb: device.Off, Why: r.why}
		}
		since := s.mono.Sub(r.sentAt)
		ok, _ := device.Meets(r.caps, device.Applied{Verb: want.Verb}, r.seen.Reading)
		ok = ok && r.seen.Online
		var due bool
		switch {
		case r.open:
			due = !ok || r.sent != device.Off
		case !r.seen.Online:
		case r.sent != device.Run:
			due = !ok || r.deadMan > 0
		case r.deadMan > 0 && since >= r.deadMan/3:
			due = true
		default:
			// The reading may be older than the command.
			due = !s.relayClosed(r) && since >= 2*r.caps.Verbs[device.Run].Latency+time.Minute
		}
		if !due {
			continue
		}
		if r.sent != want.Verb || !r.open {
			r.sent, r.sentAt = want.Verb, s.mono
		}
		out = append(out, Command{r.id, want, r.open})
	}
	return out
}

// relayClosed reports whether the relay says that it feeds its heater. A
// closed relay whose heater draws nothing may call itself paused.
func (s *Supervisor) relayClosed(r *relay) bool {
	switch r.seen.Reading.State {
	case device.StateOff, device.StateFault:
		return false
	}
	return true
}
