package control

import (
	"fmt"
	"strings"
	"time"

	"hearth/heat"
	"hearth/units"
)

// because says why a heater is told what it is told.
func (z *zone) because(h *heater) string {
	switch {
	case z.Kind == Manual && h.chosen.runs:
		return "set by hand until " + h.manual.until.Format("15:04")
	case z.Kind == Manual:
		return "nobody asks for heat"
	case h.tripped != "":
		return h.cause
	case h.out != "":
		return h.out
	case !h.chosen.runs && h.held != "":
		return h.held
	case z.boost:
		return "frost protection"
	case z.off:
		return "the zone is switched off"
	case z.belief.lost:
		return "the zone's temperature is not known"
	}
	temp, _ := z.belief.temp.Get()
	switch {
	case h.chosen.runs:
		return fmt.Sprintf("%v, to be held at %v", temp, z.aim)
	case z.want <= z.standing():
		return fmt.Sprintf("warm enough at %v", temp)
	case h.Role == Backup && !z.thermo.backup:
		return "the backup is not needed any more"
	}
	return fmt.Sprintf("a pause: %v on average is enough", z.want)
}

// say puts a zone's decision into words.
func (h *Home) say(g *guard, z *zone, now time.Time) ZoneDecision {
	d := ZoneDecision{Want: z.want, Why: z.why}
	if z.setOK {
		d.SetPoint = units.Know(z.set, now, units.Chosen)
		d.Preset, d.Until = z.preset(now), z.asked.until
	} else if z.Kind == Manual {
		d.SetPoint = units.Unknown[units.Celsius]("the zone has no thermometer", now)
	} else {
		d.SetPoint = units.Unknown[units.Celsius]("the zone is switched off", now)
	}
	d.Activity, d.Sentence = h.activity(g, z)
	d.Plan = z.planned
	if z.acts && (d.Activity == Heating || d.Activity == Idle) && !z.boost {
		d.Sentence += " " + z.planned
	}
	return d
}

// preset names the exception in force.
func (z *zone) preset(now time.Time) string {
	name := ""
	for _, e := range z.Schedule.Exceptions {
		if !e.From.After(now) && (e.Until.IsZero() || e.Until.After(now)) {
			name = e.Kind
		}
	}
	if name == heat.Set {
		return ""
	}
	return name
}

func (h *Home) activity(g *guard, z *zone) (Activity, string) {
	if g.tripped != "" {
		t, _ := h.super.trip(g.tripped, z.ID)
		return Tripped, fmt.Sprintf("Stopped for safety. %s", t.Cause)
	}
	power, running, backup := z.running(h.clock.mono)
	if z.Kind == Manual {
		return z.sayManual(power, running)
	}
	temp, known := z.belief.temp.Get()
	if !known {
		s := fmt.Sprintf("The temperature is not known: %s.", z.belief.why)
		if running {
			return NoSensor, fmt.Sprintf("%s Heating at %v all the same.", s, power)
		}
		return NoSensor, s + " Not heating."
	}
	switch {
	case z.boost && running:
		return Heating, fmt.Sprintf("Frost protection: heating at %v, %v is below %v.", power, temp, g.Frost.Add(frostRelease))
	case z.off && !z.boost:
		return Off, fmt.Sprintf("Switched off at %v; frost protection stays on.", temp)
	}
	gap := z.aim.Sub(temp)
	where := fmt.Sprintf("%v below %v", round(gap), z.aim)
	aim := "the set-point"
	if z.aim < z.set || z.aim > z.set && z.acts {
		aim = z.aim.String()
	}
	if gap < 0.05 && gap > -0.05 {
		where = "at " + aim
	} else if gap < 0 {
		where = fmt.Sprintf("%v above %s", round(-gap), aim)
	} else if z.aim == z.set {
		where = fmt.Sprintf("%v below the set-point", round(gap))
	}
	if running {
		with := ""
		if backup {
			with = " with the backup"
		}
		s := fmt.Sprintf("Heating at %v%s: %s.", power, with, where)
		if z.aim > z.set && g.legion.active {
			s = fmt.Sprintf("Heating at %v%s against legionella: %v, to %v.", power, with, temp, z.aim)
		}
		return Heating, s + z.missing()
	}
	why, cannot := z.holdup()
	switch {
	case cannot && (z.want > 0 || gap > z.Band/2):
		return CannotNow, fmt.Sprintf("Cannot heat: %s. It is %s.", why, where)
	case z.want <= z.standing():
		return Idle, fmt.Sprintf("Warm enough: %s.", where) + z.missing()
	case why == "":
		return Idle, fmt.Sprintf("Pausing: %s, and %v on average is enough.", where, z.want)
	}
	return Waiting, fmt.Sprintf("Waiting: %s. It is %s.", why, where)
}

// running sums what the zone's heaters are told to draw.
// One that has just been told counts with what it will draw.
func (z *zone) running(now time.Time) (power units.Watts, running, backup bool) {
	for _, h := range z.heaters {
		if !h.book.on || !h.seen.Online {
			continue
		}
		p := h.chosen.power
		fresh := now.Sub(h.changed) <= 2*h.caps.Verbs[h.sent.Verb].Latency+time.Minute
		if w, ok := h.seen.Reading.Power.Get(); ok && !h.caps.Shared && !fresh {
			p = w
		}
		power += p
		running = true
		backup = backup || h.Role == Backup
	}
	return power, running, backup
}

// standing is what the zone's heaters draw though they are stopped.
func (z *zone) standing() (sum units.Watts) {
	for _, h := range z.heaters {
		if h.seen.Online {
			sum += h.stop.power
		}
	}
	return sum
}

// missing names the primaries that cannot help.
func (z *zone) missing() string {
	var out []string
	for _, h := range z.heaters {
		if h.Role == Primary && (h.out != "" || h.tripped != "") {
			out = append(out, fmt.Sprintf(" %s is not used: %s.", h.ID, h.trouble()))
		}
	}
	return strings.Join(out, "")
}

// holdup says why no heater of a zone that wants heat runs. cannot is true
// when none could, false when it is a matter of waiting.
func (z *zone) holdup() (why string, cannot bool) {
	for _, h := range z.heaters {
		if h.held != "" {
			return h.ID + ": " + h.held, false
		}
	}
	for _, h := range z.heaters {
		if h.available {
			return "", false
		}
		if why == "" {
			why = h.ID + ": " + h.trouble()
		}
	}
	if why == "" {
		why = "it has no heater"
	}
	return why, true
}

// trouble says why a heater cannot be used.
func (h *heater) trouble() string {
	switch {
	case h.tripped != "":
		return "safety has stopped it"
	case h.out != "":
		return h.out
	}
	return "no start is left today"
}

func (z *zone) sayManual(power units.Watts, running bool) (Activity, string) {
	for _, h := range z.heaters {
		if h.manual.level == "" {
			continue
		}
		until := h.manual.until.Format("15:04")
		switch {
		case h.tripped != "":
			return Tripped, fmt.Sprintf("Stopped for safety. %s", h.cause)
		case running:
			return Heating, fmt.Sprintf("Heating at %v by hand until %s.", power, until)
		case h.out != "":
			return CannotNow, fmt.Sprintf("Cannot heat: %s: %s.", h.ID, h.out)
		}
		return Waiting, fmt.Sprintf("Waiting: %s: %s.", h.ID, h.held)
	}
	if z.off {
		return Off, "Switched off."
	}
	return Idle, "Off: it has no thermometer, so it heats only at a level that a person sets for a time."
}

func round(d units.Kelvin) units.Kelvin { return units.Kelvin(int(d*10+0.5)) / 10 }
