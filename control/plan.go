package control

import (
	"fmt"
	"math"
	"time"

	"hearth/device"
	"hearth/units"
)

// maxStep bounds how much time one step may count for integrals and timers
// that must not run on unseen time.
const maxStep = 10 * time.Minute

// plan is one round of planning.
type plan struct {
	home   *Home
	obs    Observation
	mono   time.Time
	passed time.Duration // at most maxStep
	cap    units.Watts   // of all heaters together
	frost  units.Watts   // the same for zones in frost protection
	used   units.Watts   // given out or reserved
}

// plan turns each zone's wish into a point for each heater: zones in frost
// protection before the others; then primaries of all zones before backups;
// else in the order of the configuration.
func (h *Home) plan(obs Observation, passed time.Duration) {
	p := plan{home: h, obs: obs, mono: h.clock.mono, passed: min(passed, maxStep)}
	p.frost = units.Watts(math.Inf(1))
	if h.cfg.MaxPower > 0 {
		p.frost = h.cfg.MaxPower
	}
	p.cap = p.frost
	if limit, ok := obs.GridLimit.Get(); ok {
		p.cap = min(p.cap, max(0, limit))
	}
	for _, w := range h.super.heaters {
		p.prepare(w)
	}
	for i, z := range h.zones {
		p.decide(h.super.zones[i], z)
	}
	for _, frost := range []bool{true, false} {
		for _, role := range []Role{Primary, Backup} {
			for _, z := range h.zones {
				if z.boost == frost {
					p.distribute(z, role)
				}
			}
		}
	}
}

// prepare finds out what a heater may do in this step.
func (p *plan) prepare(w *watch) {
	z, now := w.zone, p.obs.Now
	unguarded := p.home.super.unguarded(w.heater)
	guard := p.home.super.guard(z.ID)
	frost := guard.frost
	loud, _ := z.quiet(now)
	if frost {
		loud = 0
	}
	w.permit(w.cap(unguarded), loud)
	w.available = w.out == "" && w.tripped == "" && w.runs() &&
		(w.book.on || frost || w.book.mayStart(w.StartsPerDay))
	if w.out == "" && !w.runs() && w.hasCaps {
		w.out = "none of its levels is allowed now"
		if loud == 0 {
			w.out = fmt.Sprintf("even its lowest level is over its limit of %v", w.cap(unguarded))
		}
	}
	p.used += p.home.super.drawOf(w, Command{Device: w.ID, Demand: w.stop.demand})
}

// decide works out what a zone wants.
func (p *plan) decide(g *guard, z *zone) {
	z.want, z.boost, z.power, z.draw = 0, false, 0, 0
	if z.Kind == Manual {
		z.setOK, z.why, z.aim = false, "", 0
		return
	}
	now := p.obs.Now
	z.belief = g.belief
	z.ask(now)
	if z.off {
		z.setOK, z.why = false, "switched off; frost protection stays on"
	} else if !p.follow(z) {
		z.warmUp(now)
	}
	primary, backup := p.capacity(z, g.frost)
	if primary > 0 && primary >= z.thermo.load/2 {
		z.absent = 0
	} else {
		z.absent += p.passed
	}
	temp, known := z.belief.temp.Get()
	switch {
	case g.tripped != "":
		z.thermo.rest()
		return
	case !known:
		z.boost = g.frost
		p.blind(z, primary)
		z.thermo.rest()
		return
	case g.frost:
		z.boost, z.want = true, primary+backup
		z.thermo.backup = true
		return
	case z.off:
		z.thermo.rest()
		return
	}
	if z.Kind == Tank && g.legion.active && g.legion.waiting == "" {
		p.legionella(g, z, primary, backup)
		return
	}
	z.thermo.watch(p.full(z), temp, p.mono)
	switch z.Kind {
	case Tank:
		z.want = z.thermo.tank(z, temp, z.belief.low, primary+backup)
	default:
		z.want = z.thermo.room(z, temp, p.obs.Outdoor, primary, backup, p.passed)
	}
	z.thermo.engage(z, temp, z.want, primary, p.passed)
}

// legionella wants full power until the whole tank is hot, and no more than
// it takes to keep it so for the time to hold.
func (p *plan) legionella(g *guard, z *zone, primary, backup units.Watts) {
	z.aim = g.Legionella.Reach + legionellaAbove
	z.why = fmt.Sprintf("legionella cycle to %v", g.Legionella.Reach)
	coldest, _ := z.belief.coldest()
	top, _ := z.belief.temp.Get()
	z.thermo.backup = g.legion.backup || z.unassisted()
	if coldest >= z.aim || top >= z.Limit-1 {
		return
	}
	z.want = primary
	if z.thermo.backup {
		z.want += backup
	}
}

// blind is what a zone does without a believable temperature.
func (p *plan) blind(z *zone, primary units.Watts) {
	if z.Kind != Room || z.Sensor.OnLoss == LossOff {
		return
	}
	if z.off && !z.boost {
		// Switched off and blind: heat on only as frost protection, and not
		// where it is known to be mild outside.
		if out, ok := p.obs.Outdoor.Get(); ok && out > z.Frost {
			return
		}
	}
	var low units.Watts
	for _, h := range z.heaters {
		if h.Role == Primary && h.available {
			low = h.points[1].power
			break
		}
	}
	z.thermo.backup = primary <= 0 && z.unassisted()
	if z.thermo.backup {
		for _, h := range z.heaters {
			if h.available {
				low = h.most / 3
				break
			}
		}
	}
	z.want = low
	if mean, ok := z.delivery.mean(); ok && z.Sensor.OnLoss == LossLastSafe {
		z.want = min(mean, max(primary, low)/2)
	}
}

// capacity returns what the zone's heaters can give.
func (p *plan) capacity(z *zone, frost bool) (primary, backup units.Watts) {
	_, quiet := z.quiet(p.obs.Now)
	if frost {
		quiet = 0
	}
	for _, h := range z.heaters {
		if !h.available || h.seen.Reading.State == device.StateLimp {
			continue
		}
		if h.Role == Primary {
			primary += h.most
		} else {
			backup += h.most
		}
	}
	if quiet > 0 {
		primary = min(primary, quiet)
		backup = min(backup, quiet-primary)
	}
	return primary, backup
}

// full reports whether all primaries that can heat do, at their most.
func (p *plan) full(z *zone) bool {
	some := false
	for _, h := range z.heaters {
		if h.Role != Primary || !h.available {
			continue
		}
		if w, ok := h.seen.Reading.Power.Get(); !ok || w < 0.9*h.most {
			return false
		}
		some = true
	}
	return some
}

// distribute gives one role's heaters of a zone their share. Those that
// change their power dearly come first and get steady load, the one that
// changes most freely gets what is left over.
func (p *plan) distribute(z *zone, role Role) {
	left := z.want - z.power
	for ease := 2; ease >= 0; ease-- {
		for _, h := range z.heaters {
			if h.Role != role || h.ease() != ease {
				continue
			}
			target := max(0, left)
			if role == Backup && z.Kind != Manual && (!z.thermo.backup || !h.book.on && z.warm()) {
				target = 0
			}
			given := p.give(z, h, target)
			if h.seen.Reading.State != device.StateLimp {
				left -= given
				z.power += given
			}
		}
	}
}

// warm reports whether a room is at its set-point: no reason to start a
// backup, whatever the regulation would have it make up for.
func (z *zone) warm() bool {
	temp, known := z.belief.temp.Get()
	return known && z.Kind == Room && !z.boost && temp >= z.aim
}

// give picks a heater's point for a target and returns how much of the
// target it stands for.
func (p *plan) give(z *zone, h *heater, target units.Watts) units.Watts {
	h.held = ""
	if z.Kind == Manual {
		p.byHand(h)
		return 0
	}
	if target > 0 {
		h.wanted = p.mono
	}
	if !h.available {
		h.debt = 0
		h.chosen = h.stop
		return 0
	}
	most := min(target, h.most)
	h.learn(most, p.passed)
	temp, known := z.belief.temp.Get()
	room := p.left(z) + h.stop.power
	held := z.aim
	if h.Role == Backup && z.floor < z.set {
		held = z.floor // a backup is not for what a plan stores
	}
	c := h.choose(most, pace{
		now: p.mono, dt: p.passed, room: room, frost: z.boost,
		linger: z.Kind == Room && !z.off && known && h.lingers(temp.Sub(held), p.mono),
	})
	if c.runs {
		c = h.retune(c, min(h.most, room), pace{now: p.mono})
	} else {
		p.sleep(z, h, &c)
	}
	p.take(h, c)
	return most
}

// take reserves the power of a heater's choice.
func (p *plan) take(h *heater, c point) {
	h.chosen = c
	p.used += c.power - h.stop.power
	if c.runs {
		h.zone.draw += c.power
	}
}

// left returns the power still to be given out to the zone.
func (p *plan) left(z *zone) units.Watts {
	most := p.cap
	if z.boost {
		most = p.frost
	}
	left := most - p.used
	if _, quiet := z.quiet(p.obs.Now); quiet > 0 && !z.boost {
		left = min(left, quiet-z.draw)
	}
	return left
}

// sleep uses the deeper of two stops when no heat is wanted for long.
func (p *plan) sleep(z *zone, h *heater, c *point) {
	idle := z.off || p.mono.Sub(h.wanted) >= standby
	if idle && !h.book.on && h.caps.Can(device.Off) && h.caps.Can(device.Pause) && h.idle() > 5 {
		*c = point{demand: device.Demand{Verb: device.Off}}
	}
}

// byHand runs a heater at the level that a person set, until it is over.
func (p *plan) byHand(h *heater) {
	h.chosen = h.stop
	if h.manual.level != "" && !p.obs.Now.Before(h.manual.until) {
		p.home.note(Info, h.zone.ID, "manual_over", fmt.Sprintf("%s: the time that was set for %s is over.", h.zone.Name, h.ID))
		h.manual = manual{}
	}
	if h.manual.level == "" || !h.available {
		return
	}
	pick, ok := h.level(h.manual.level)
	if !ok || !pick.runs {
		return
	}
	room := p.left(h.zone) + h.stop.power
	if pick.power > room {
		h.held = fmt.Sprintf("the power limit leaves only %v", max(0, room))
		return
	}
	if !h.book.on && p.mono.Sub(h.book.since) < h.MinOff {
		h.held = fmt.Sprintf("it must rest %s once stopped", brief(h.MinOff))
		return
	}
	p.take(h, pick)
	h.zone.want += pick.power
}

// level finds the point that a person's word for a level means: a level's id,
// "on", "off" or a power such as "500 W".
func (h *heater) level(word string) (point, bool) {
	switch word {
	case "off", "":
		return h.stop, true
	case "on":
		return h.points[len(h.points)-1], h.runs()
	}
	for _, pt := range h.points {
		if pt.demand.Level == word {
			return pt, true
		}
	}
	var w units.Watts
	if err := w.UnmarshalText([]byte(word)); err == nil && h.modulates() && h.runs() {
		if w = h.grain(w); w >= h.points[1].power && w <= h.most {
			return point{device.Demand{Verb: device.SetPower, Power: w}, w, true}, true
		}
	}
	return point{}, false
}
