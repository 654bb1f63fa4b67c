package control

import (
	"fmt"
	"math"
	"time"

	"hearth/device"
	"hearth/units"
)

// sense decides what is believed of a zone's temperatures. A reading counts
// as long as it is fresh; one that is impossible, or that never changes,
// makes the sensor lost at once, and it must read well for a while before it
// is believed again.
func (s *Supervisor) sense(g *guard, seen ZoneSeen, passed time.Duration) {
	p := g.Sensor
	rule, why := "", ""
	if v, ok := seen.Temp.Get(); ok {
		switch {
		case !finite(float64(v)) || v < p.Min || v > p.Max:
			rule = RuleSensorRange
			why = fmt.Sprintf("it reads %v, outside %v to %v", v, p.Min, p.Max)
		default:
			if !g.good.IsKnown() || !seen.Temp.At().Before(g.good.At()) || g.good.At().After(s.now) {
				g.good = seen.Temp
			}
		}
		if float64(v) != g.value {
			g.value, g.unchanged = float64(v), 0
		} else if g.heating() {
			g.unchanged += passed
		}
	}
	if v, ok := seen.Low.Get(); ok && finite(float64(v)) && v >= p.Min && v <= p.Max {
		g.goodLow = seen.Low
	}
	temp := g.good.Fresh(s.now, p.StaleAfter)
	if rule == "" && !temp.IsKnown() {
		rule, why = RuleSensorStale, temp.Why()
		if !seen.Temp.IsKnown() {
			why = seen.Temp.Why()
		}
	}
	if rule == "" && p.FrozenAfter > 0 && g.unchanged >= p.FrozenAfter {
		rule = RuleSensorFrozen
		why = fmt.Sprintf("it has read %v for %s of heating", units.Celsius(g.value), brief(g.unchanged))
	}

	if rule != "" {
		g.wellSince = time.Time{}
	} else if g.wellSince.IsZero() {
		g.wellSince = s.mono
	}
	starting := !g.good.IsKnown() && s.mono.Sub(s.begun) < p.StaleAfter
	switch {
	case rule != "":
		g.lost = rule
	case s.mono.Sub(g.wellSince) >= sensorProof || !s.sensorTripped(g):
		g.lost = ""
	default:
		why = "it must read well for " + brief(sensorProof) + " first"
	}

	for _, r := range []string{RuleSensorStale, RuleSensorFrozen, RuleSensorRange} {
		s.judge(r, g.ID, verdict{holds: g.lost == r && !(starting && r == RuleSensorStale)}, func() (string, string, string) {
			what := map[string]string{
				RuleSensorStale:  "has no fresh temperature",
				RuleSensorFrozen: "has a sensor that does not move",
				RuleSensorRange:  "has a sensor that reads the impossible",
			}[r]
			return fmt.Sprintf("%s %s: %s.", g.Name, what, why), s.withoutSensor(g),
				fmt.Sprintf("Clears by itself when the sensor has read well for %s.", brief(sensorProof))
		})
	}
	if g.lost != "" {
		g.belief = belief{
			temp: units.Unknown[units.Celsius](why, seen.Temp.At()),
			low:  units.Unknown[units.Celsius](why, seen.Low.At()),
			lost: true, why: why,
		}
		return
	}
	g.belief = belief{temp: temp, low: g.goodLow.Fresh(s.now, p.StaleAfter)}
}

func (s *Supervisor) sensorTripped(g *guard) bool {
	for _, r := range []string{RuleSensorStale, RuleSensorFrozen, RuleSensorRange} {
		if _, ok := s.trip(r, g.ID); ok {
			return true
		}
	}
	return false
}

// withoutSensor says what the zone does without its sensor.
func (s *Supervisor) withoutSensor(g *guard) string {
	switch g.Sensor.OnLoss {
	case LossLow:
		return "Heats at the lowest level, without knowing the temperature."
	case LossLastSafe:
		return "Heats at the mean power of the last day, at most half of what it could."
	}
	return "Stopped its heaters."
}

// heating reports whether any heater of the zone is told to run.
func (z *zone) heating() bool {
	for _, h := range z.heaters {
		if h.book.on {
			return true
		}
	}
	return false
}

// zoneHot trips a zone that is too hot. Even a sensor that is not trusted
// otherwise is believed when it says so, short of the impossible.
func (s *Supervisor) zoneHot(g *guard) {
	rule, hysteresis, limit := RuleRoomHot, roomHysteresis, g.Limit
	if g.Kind == Tank {
		rule, hysteresis, limit = RuleTankHot, tankHysteresis, min(g.Limit, TankBound)
	}
	hottest, known := g.good.Fresh(s.now, g.Sensor.StaleAfter).Get()
	if low, ok := g.goodLow.Fresh(s.now, g.Sensor.StaleAfter).Get(); ok && g.Kind == Tank && (!known || low > hottest) {
		hottest, known = low, true
	}
	s.judge(rule, g.ID, verdict{
		holds:   known && hottest > limit,
		latched: true,
		ready:   known && hottest <= limit.Add(-hysteresis) && !g.belief.lost,
	}, func() (string, string, string) {
		return fmt.Sprintf("%s is %v, over its limit of %v.", g.Name, hottest, limit),
			"Stopped all its heaters.",
			fmt.Sprintf("Clears when a person resets it, at %v or below.", limit.Add(-hysteresis))
	})
}

// flow trips a zone whose heating circuit does not flow while it is heated.
func (s *Supervisor) flow(g *guard, seen ZoneSeen, passed time.Duration) {
	if g.FlowMin <= 0 {
		return
	}
	flow, known := seen.Flow.Get()
	enough := known && finite(float64(flow)) && flow >= g.FlowMin
	if enough || !g.heating() {
		g.noFlow = 0
	} else {
		g.noFlow += passed
	}
	holds := g.noFlow >= flowGrace
	if holds {
		g.flowLost = s.mono
	}
	s.judge(RuleFlow, g.ID, verdict{
		holds:   holds,
		latched: true,
		ready:   enough || s.mono.Sub(g.flowLost) >= flowRest,
	}, func() (string, string, string) {
		what := fmt.Sprintf("flows at %v, less than the %v it needs", flow, g.FlowMin)
		if !known {
			what = "has a flow that is not known (" + seen.Flow.Why() + ")"
		}
		return fmt.Sprintf("%s was heated but its circuit %s.", g.Name, what),
			"Stopped all its heaters.",
			fmt.Sprintf("Clears when a person resets it, once it flows again or after %s of rest.", brief(flowRest))
	})
}

// frost watches the floor below which everything that can heat does. Only a
// believed temperature can be too cold: an unknown one never is.
func (s *Supervisor) frost(g *guard) {
	temp, known := g.belief.temp.Get()
	switch {
	case !known:
		// What was cold before the sensor was lost is kept from freezing, as far
		// as heating without it is allowed.
		g.frost = g.frost && g.Kind == Room && g.Sensor.OnLoss != LossOff
	case temp < g.Frost:
		g.frost = true
	case temp >= g.Frost.Add(frostRelease):
		g.frost = false
	}
	s.judge(RuleFrost, g.ID, verdict{holds: g.frost}, func() (string, string, string) {
		return fmt.Sprintf("%s is %v, below its frost floor of %v.", g.Name, temp, g.Frost),
			"Heats with everything it has, whatever the schedule, quiet hours or the grid say.",
			fmt.Sprintf("Clears by itself at %v.", g.Frost.Add(frostRelease))
	})
}

// deviceState turns what a device does not do into trips that clear by
// themselves.
func (s *Supervisor) deviceState(w *watch) {
	r := s.relay(w.Relay)
	cut := r != nil && r.open
	s.judge(RuleOffline, w.ID, verdict{holds: !w.seen.Online && !cut && s.mono.Sub(s.begun) >= time.Minute}, func() (string, string, string) {
		did := "Left it out of the plan. If it still has power it keeps its last level."
		switch {
		case w.caps.DeadMan > 0:
			did = "Left it out of the plan. Its dead-man timer stops it."
		case r != nil:
			did = "Left it out of the plan. If its zone gets too hot its relay is opened."
		}
		return fmt.Sprintf("%s does not answer.", w.ID), did, "Clears by itself when it answers."
	})
	s.judge(RuleNoPool, w.ID, verdict{holds: w.seen.Online && w.seen.Reading.State == device.StateLimp}, func() (string, string, string) {
		return fmt.Sprintf("%s is on but has no pool to work for, so it does not heat.", w.ID),
			"Counts on the other heaters of its zone.", "Clears by itself when it works again."
	})
	s.judge(RuleUnbelieved, w.ID, verdict{
		holds: w.seen.Online && w.seen.Failed >= disbelief && w.seen.Reading.State != device.StateFault,
	}, func() (string, string, string) {
		return fmt.Sprintf("%s did not do as told %d times in a row.", w.ID, w.seen.Failed),
			"Left it out of the plan and told it to stop.", "Clears by itself when it is seen to do as told."
	})
	s.judge(RuleFault, w.ID, verdict{holds: w.seen.Online && w.seen.Reading.State == device.StateFault}, func() (string, string, string) {
		text := "no further details"
		if len(w.seen.Reading.Faults) > 0 {
			text = w.seen.Reading.Faults[0].Text
		}
		return fmt.Sprintf("%s reports a fault: %s.", w.ID, text),
			"Stopped it and left it out of the plan.", "Clears by itself when it reports no fault."
	})
}

// deviceHot trips a heater whose fluid or chips are too hot.
func (s *Supervisor) deviceHot(w *watch) {
	s.channels(w, RuleFluidHot, "fluid", tankHysteresis, func(k device.TempKind) bool {
		return k == device.FluidIn || k == device.FluidOut
	})
	s.channels(w, RuleChipHot, "chip", chipHysteresis, func(k device.TempKind) bool {
		return k == device.Chip || k == device.Board || k == device.Regulator
	})
}

// channels judges one kind of temperature channel by its hottest excess.
func (s *Supervisor) channels(w *watch, rule, what string, hysteresis units.Kelvin, is func(device.TempKind) bool) {
	worst := units.Kelvin(math.Inf(-1))
	var at, limit units.Celsius
	var name string
	for _, t := range w.seen.Reading.Temps {
		if !is(t.Kind) {
			continue
		}
		l := w.tempLimit(t)
		if v, ok := t.Value.Get(); ok && l > 0 && finite(float64(v)) && v.Sub(l) > worst {
			worst, at, limit, name = v.Sub(l), v, l, t.Name
		}
	}
	known := limit > 0
	rested := !w.book.on && s.mono.Sub(w.book.since) >= coolRest
	s.judge(rule, w.ID, verdict{
		holds:   known && worst > 0,
		latched: true,
		ready:   known && worst <= -hysteresis || !known && rested,
	}, func() (string, string, string) {
		return fmt.Sprintf("The %s of %s (%s) is %v, over its limit of %v.", what, w.ID, name, at, limit),
			"Stopped it.",
			fmt.Sprintf("Clears when a person resets it, at %v or below.", limit.Add(-hysteresis))
	})
}

// tempLimit returns the trip limit of a channel, 0 if none is known.
func (h *heater) tempLimit(t device.Temp) units.Celsius {
	if t.Kind == device.Chip && h.ChipLimit > 0 {
		return h.ChipLimit
	}
	for _, c := range h.caps.Temps {
		if c.Name == t.Name && c.Kind == t.Kind {
			return c.Limit
		}
	}
	return 0
}

// disobedience alarms when a device that is told to stop goes on drawing.
func (s *Supervisor) disobedience(w *watch) {
	grace := 2*w.caps.Verbs[w.sent.Verb].Latency + time.Minute
	power, known := w.seen.Reading.Power.Get()
	draws := w.seen.Online && w.hasCaps &&
		(known && power > w.caps.IdleCeiling() && !w.caps.Shared || (!known || w.caps.Shared) && w.seen.Reading.State == device.StateHeating)
	told := !w.told.IsZero() && s.mono.Sub(w.told) >= grace
	s.judge(RuleDisobeys, w.ID, verdict{
		holds:   draws && told,
		latched: w.Relay != "",
		ready:   !draws,
	}, func() (string, string, string) {
		cause := fmt.Sprintf("%s draws %v although it was told to stop %s ago.", w.ID, power, brief(s.mono.Sub(w.told)))
		if !known {
			cause = fmt.Sprintf("%s says it heats although it was told to stop %s ago.", w.ID, brief(s.mono.Sub(w.told)))
		}
		if w.Relay != "" {
			return cause, "Opened its relay.", "Clears when a person resets it, once it draws nothing."
		}
		return cause, "Keeps telling it to stop. Switch it off by hand.", "Clears by itself when it stops drawing."
	})
}

// overPower trips a heater that draws much more than it may.
func (s *Supervisor) overPower(w *watch, passed time.Duration) {
	most := w.cap(s.unguarded(w.heater))
	power, known := w.seen.Reading.Power.Get()
	if known && w.seen.Online && !w.caps.Shared && power > most*1.2+25 {
		w.over += passed
	} else {
		w.over = 0
	}
	s.judge(RuleOverPower, w.ID, verdict{
		holds:   w.over >= powerGrace,
		latched: true,
		ready:   !known || power <= most,
	}, func() (string, string, string) {
		return fmt.Sprintf("%s draws %v, over its limit of %v.", w.ID, power, most),
			"Stopped it.", "Clears when a person resets it, once it draws less."
	})
}
