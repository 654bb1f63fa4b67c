package control

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"hearth/device"
	"hearth/units"
)

// The rhythm of slow duty cycling and of stepping between levels.
const (
	// dutyPeriod is the period at half load; it grows towards both ends. The
	// practice with compute heaters in inert rooms is 20 to 30 minutes.
	dutyPeriod = 25 * time.Minute
	// levelPeriod is the same for stepping between two running levels, which
	// moves the temperature less.
	levelPeriod = 50 * time.Minute
	// changeGap is the least time between two changes of a running heater's
	// level or power, so that each can take effect.
	changeGap = 5 * time.Minute
	// restartGap is the same for a change that stops the heater for a while.
	restartGap = 15 * time.Minute
	// modulationGap is the same for heaters that follow any power at once.
	modulationGap = time.Minute
	// lingerOver is how long a heater would have to wait for its next start
	// that it rather runs on low, while the room can take it.
	lingerOver = 20 * time.Minute
	// lingerBand is how far above its set-point the room may get by that.
	lingerBand units.Kelvin = 1
	// standby is how long no heat must be wanted before a heater that can
	// sleep deeper than its pause does so.
	standby = 2 * time.Hour
	// retuneGap is the least time between two persisted retunes; the power
	// wanted is averaged over as long.
	retuneGap = 6 * time.Hour
	// disbelief is the number of failed commands in a row after which a
	// device is left out of the plan.
	disbelief = 3
	// doubtFirst is for how long it then rests, doubled each time up to
	// doubtMost.
	doubtFirst = 10 * time.Minute
	doubtMost  = 4 * time.Hour
)

// point is one way a heater can run, or the way it stops.
type point struct {
	demand device.Demand
	power  units.Watts
	runs   bool
}

// manual is a level that a person set for a time.
type manual struct {
	level string
	until time.Time // wall time
}

// heater is one heater as the planner sees it.
type heater struct {
	Heater
	zone *zone

	caps     device.Capabilities
	hasCaps  bool
	seen     DeviceSeen
	book     *book
	sent     device.Demand // the demand last sent; no verb if none
	sentAt   time.Time     // monotonic
	changed  time.Time     // when a demand other than the one before was sent
	debt     units.Joules  // heat owed by rounding to what the heater can do
	baseline units.Watts   // slow mean of the power wanted, for retuning
	learning time.Duration // over which the baseline is the mean
	doubt    doubt
	wanted   time.Time // when heat was last wanted
	manual   manual
	retries  int  // of the demand last sent
	spent    bool // no start was left

	// The supervisor's hold on it.
	tripped string // rule; empty if there is none
	cause   string

	// Of the present step.
	out       string // why it is not in the plan; empty if it is
	available bool   // can give heat now or after a minimum time
	stop      point
	points    []point // permitted, by rising power, stop first
	most      units.Watts
	chosen    point
	held      string // why the choice is not what the zone would like
}

// look takes in what is seen of the device.
func (h *heater) look(seen DeviceSeen, now time.Time) {
	h.seen = seen
	if seen.HasCaps {
		h.caps, h.hasCaps = seen.Caps, true
	}
	h.book.prune(now)
	h.doubt.look(h, now)
	h.stop, h.points, h.most = point{}, h.points[:0], 0
	if h.hasCaps {
		h.stop = h.stopPoint()
	}
}

// doubt keeps a device that did not do as told out of the plan for a while,
// longer each time, so that it is not tried for ever.
type doubt struct {
	since bool      // it has been counted
	times int       // in a row
	until time.Time // monotonic
}

func (d *doubt) look(h *heater, now time.Time) {
	switch {
	case h.seen.Online && h.seen.Failed >= disbelief:
		if !d.since {
			d.times++
			d.until = now.Add(min(doubtMost, doubtFirst<<min(d.times-1, 10)))
		}
		d.since = true
	case h.seen.Online:
		d.since = false
		if h.book.on && h.seen.Reading.State == device.StateHeating && now.Sub(h.book.since) >= doubtFirst {
			d.times = 0
		}
	}
}

// unusable says why the heater cannot be planned with, apart from trips.
func (h *heater) unusable(unguarded, frost bool, now time.Time) string {
	switch {
	case !h.hasCaps:
		return "what it can do is not known yet"
	case !h.caps.Can(device.Pause) && !h.caps.Can(device.Off):
		return "it has no command that stops it"
	case h.zone.Kind == Tank && unguarded:
		return "it would keep heating the tank if Hearth stopped: it has neither a dead-man timer nor a relay in front"
	case h.caps.WriteGate != "":
		return "it takes no commands yet: " + strings.TrimSuffix(h.caps.WriteGate, ".")
	case !h.seen.Online:
		return "it does not answer"
	case h.seen.Failed >= disbelief:
		return fmt.Sprintf("it did not do as told %d times in a row", h.seen.Failed)
	case h.seen.Reading.State == device.StateFault:
		return "it reports a fault"
	case now.Before(h.doubt.until) && !frost:
		return "it did not do as told; it is tried again in " + brief(h.doubt.until.Sub(now))
	}
	return ""
}

// cap returns the most power that may be asked of the heater.
func (h *heater) cap(unguarded bool) units.Watts {
	switch {
	case h.Limit > 0:
		return h.Limit
	case unguarded:
		return UnguardedCap
	}
	return units.Watts(math.Inf(1))
}

// stopPoint prefers a pause to cutting the mains. A heater that was put to
// its deeper sleep stays there.
func (h *heater) stopPoint() point {
	p := point{demand: device.Demand{Verb: device.Pause}, power: h.idle()}
	if !h.caps.Can(device.Pause) || h.sent.Verb == device.Off && h.caps.Can(device.Off) {
		p = point{demand: device.Demand{Verb: device.Off}}
	}
	return p
}

func (h *heater) idle() units.Watts {
	w, _ := h.caps.Idle.Get()
	return max(w, 0)
}

// free reports whether a verb costs nothing worth saving.
func free(c device.Cost) bool { return !c.Restarts && !c.Flash && !c.NeedsTuning }

// modulates reports whether the heater follows any power in its range freely.
func (h *heater) modulates() bool {
	c, ok := h.caps.Verbs[device.SetPower]
	return ok && free(c) && h.caps.Power.Max > 0
}

// levelPower returns the power of a level: as stated, else spread evenly.
func (h *heater) levelPower(i int) units.Watts {
	if w, ok := h.caps.Levels[i].Power.Get(); ok && w > 0 {
		return w
	}
	return h.caps.Max * units.Watts(i+1) / units.Watts(len(h.caps.Levels))
}

// present returns the power at which a heater that takes a bare Run runs.
func (h *heater) present() units.Watts {
	if w, ok := h.seen.Reading.Target.Get(); ok && w > 0 {
		return w
	}
	if c, ok := h.caps.Verbs[device.Retune]; ok && !free(c) && h.sent.Verb == device.Retune && h.sent.Power > 0 {
		return h.sent.Power
	}
	if w, ok := h.seen.Reading.Power.Get(); ok && h.seen.Reading.State == device.StateHeating && w > 0 {
		return w
	}
	return h.caps.Max
}

// span returns what SetPower and Retune may ask under the cap.
func (h *heater) span(most units.Watts) (lo, hi units.Watts, ok bool) {
	lo, hi = h.caps.Power.Min, min(h.caps.Power.Max, most)
	return lo, h.grain(hi), hi > 0 && h.grain(hi) >= lo && lo >= 0
}

// grain rounds a power down to the grain of the device's range.
func (h *heater) grain(p units.Watts) units.Watts {
	r := h.caps.Power
	if r.Step <= 0 || math.IsInf(float64(p), 0) {
		return units.Watts(math.Floor(float64(p)))
	}
	return r.Min + r.Step*units.Watts(math.Floor(float64((p-r.Min)/r.Step)+1e-9))
}

// permit lists the points that the limits allow: most is the power cap,
// loud the loudest level (0: no cap). The verb of a running point is the
// cheapest that makes sure of the power.
func (h *heater) permit(most units.Watts, loud int) {
	h.points = h.points[:0]
	if !h.hasCaps {
		return
	}
	h.points = append(h.points, h.stop)
	switch {
	case h.modulates():
		if lo, hi, ok := h.span(most); ok {
			if lo <= 0 {
				lo = min(hi, max(1, h.caps.Power.Step))
			}
			h.points = append(h.points, point{device.Demand{Verb: device.SetPower, Power: lo}, lo, true})
			if hi > lo {
				h.points = append(h.points, point{device.Demand{Verb: device.SetPower, Power: hi}, hi, true})
			}
		}
	case h.caps.Can(device.SetLevel) && len(h.caps.Levels) > 0:
		for i, l := range h.caps.Levels {
			p := h.levelPower(i)
			if p <= most && (loud == 0 || l.Loud <= loud) {
				h.points = append(h.points, point{device.Demand{Verb: device.SetLevel, Level: l.ID}, p, true})
			}
		}
	case h.caps.Can(device.Run):
		p := h.present()
		if p <= most {
			h.points = append(h.points, point{device.Demand{Verb: device.Run}, p, true})
			break
		}
		// Too strong as it is: only a weaker tuning makes it usable.
		if verb, ok := h.retuning(); ok {
			if _, hi, ok := h.span(most); ok {
				h.points = append(h.points, point{device.Demand{Verb: verb, Power: hi}, hi, true})
			}
		}
	}
	slices.SortStableFunc(h.points[1:], func(a, b point) int {
		switch {
		case a.power < b.power:
			return -1
		case a.power > b.power:
			return 1
		}
		return strings.Compare(a.demand.Level, b.demand.Level)
	})
	h.most = h.points[len(h.points)-1].power
}

// retuning returns the verb that changes power for good, at a price.
func (h *heater) retuning() (device.Verb, bool) {
	for _, v := range []device.Verb{device.Retune, device.SetPower} {
		if h.caps.Can(v) && h.caps.Power.Max > 0 {
			return v, true
		}
	}
	return "", false
}

// runs reports whether any running point is permitted.
func (h *heater) runs() bool { return len(h.points) > 1 }

// ease ranks how cheaply the heater changes its power, cheapest first. The
// plan gives steady load to those that change dearly.
func (h *heater) ease() int {
	switch {
	case h.modulates():
		return 0
	case len(h.points) > 2:
		return 1
	}
	return 2
}

// pace is the circumstances of one choice.
type pace struct {
	now    time.Time // monotonic
	dt     time.Duration
	room   units.Watts // power left under the caps
	frost  bool        // starts are free, and full power is wanted
	linger bool        // rather run on low than stop, where no start is at hand
}

// choose picks the point for a target power. What rounding leaves over is
// kept as a debt of heat, so that the mean comes right: this is what makes
// the duty cycle, between two levels or between running and pause.
func (h *heater) choose(target units.Watts, p pace) point {
	h.held = ""
	fit := h.fitting(p.room)
	if len(fit) < 2 && len(h.points) > 1 && target > h.stop.power {
		h.held = fmt.Sprintf("the power limit leaves only %v", max(0, p.room))
	}
	target = max(0, min(target, fit[len(fit)-1].power))
	cur := h.current(fit)
	lo, hi := h.bracket(fit, target)
	present := h.stop.power
	if h.book.on {
		present = h.chosen.power
	}

	gap := units.Joules(float64(fit[hi].power-fit[lo].power) * h.period(fit[lo]).Seconds() / 4)
	h.debt += (target - present).Over(p.dt)
	h.debt = max(-gap, min(gap, h.debt))

	pick := cur
	switch {
	case lo == hi:
		pick, h.debt = lo, 0
	case cur != lo && cur != hi:
		pick = lo
		if target-fit[lo].power > fit[hi].power-target {
			pick = hi
		}
	case cur == lo && h.debt > gap/2:
		pick = hi
	case cur == hi && h.debt < -gap/2:
		pick = lo
	}
	return h.respect(fit, cur, pick, p)
}

// fitting returns the points under the cap, the continuous one made exact.
func (h *heater) fitting(room units.Watts) []point {
	n := len(h.points)
	for n > 1 && h.points[n-1].power > room {
		n--
	}
	if n < len(h.points) && h.modulates() && n > 1 && h.grain(room) > h.points[n-1].power {
		// The range is cut short by the cap rather than lost.
		hi := h.grain(room)
		return append(slices.Clone(h.points[:n]), point{device.Demand{Verb: device.SetPower, Power: hi}, hi, true})
	}
	return h.points[:n]
}

// current returns the index of the point that was last commanded, or -1.
func (h *heater) current(fit []point) int {
	if !h.book.on {
		return 0
	}
	for i := 1; i < len(fit); i++ {
		if fit[i].demand.Same(h.sent) {
			return i
		}
	}
	if h.sent.Verb == device.Retune || h.sent.Verb == device.SetPower && !h.modulates() {
		// Running as retuned is what a bare Run stands for.
		if len(fit) == 2 && fit[1].demand.Verb == device.Run {
			return 1
		}
	}
	return -1
}

// bracket returns the two points between which the target lies. A modulating
// heater gets the exact power as one of its points.
func (h *heater) bracket(fit []point, target units.Watts) (lo, hi int) {
	last := len(fit) - 1
	if h.modulates() && last >= 1 && target >= fit[1].power {
		want := max(fit[1].power, min(h.grain(target), fit[last].power))
		if last == 1 {
			return 1, 1
		}
		fit[last].demand.Power, fit[last].power = want, want
		return last, last
	}
	const near = 0.03 // of the target: not worth alternating for
	for i := range fit {
		if math.Abs(float64(fit[i].power-target)) <= near*float64(target) {
			return i, i
		}
	}
	lo = 0
	for i := range fit {
		if fit[i].power <= target {
			lo = i
		}
	}
	hi = min(lo+1, last)
	if !fit[lo].runs && hi > 0 {
		// Below the lowest level: pulse at the level that computes most per joule.
		for i := 1; i <= last; i++ {
			if fit[i].demand.Level != "" && fit[i].demand.Level == h.caps.Efficient {
				hi = i
			}
		}
	}
	if target <= fit[0].power {
		hi = 0
	}
	return lo, hi
}

// period returns the rhythm of alternating above the lower point. Pulses are
// stretched as the starts of the day are used up, so that they suffice.
func (h *heater) period(lo point) time.Duration {
	if lo.runs {
		// Steps that wear the device or stop it for a while are stretched as
		// their budget is used up, so that a day of them suffices.
		used := h.book.spent(device.SetLevel, h.caps.Verbs[device.SetLevel], h.FlashPerDay)
		return levelPeriod + time.Duration(4*used*used*float64(levelPeriod))
	}
	p := max(dutyPeriod, 2*h.MinOn, 2*h.MinOff)
	if h.StartsPerDay > 0 {
		sparing := max(p, day/time.Duration(h.StartsPerDay)*23/20)
		p += time.Duration(float64(sparing-p) * h.scarcity())
	}
	return p
}

// scarcity tells how scarce starts are, from 0 to 1.
func (h *heater) scarcity() float64 {
	if h.StartsPerDay <= 0 {
		return 0
	}
	used := min(1, float64(len(h.book.starts))/float64(h.StartsPerDay))
	return used * used
}

// lingers reports whether the heater rather runs on, at its lowest, than stop
// and use up a start: a primary while its next start is far or a backup
// heats the room, a backup the longer the scarcer its starts are.
func (h *heater) lingers(above units.Kelvin, now time.Time) bool {
	if h.Role == Backup {
		return above < lingerBand*units.Kelvin(h.scarcity())
	}
	for _, o := range h.zone.heaters {
		if o.Role == Backup && o.book.on && above < 2*lingerBand {
			return true
		}
	}
	return above < lingerBand && h.book.nextStart(h.StartsPerDay, now).Sub(now) > lingerOver
}

// respect holds a choice back where minimum times, budgets or the pace of
// changes forbid it. cur is -1 when the present state is none of the points
// allowed, and then only stopping or a permitted point will do.
func (h *heater) respect(fit []point, cur, pick int, p pace) point {
	stay := func(why string) point {
		h.held = why
		if cur >= 0 {
			return fit[cur]
		}
		return fit[min(1, len(fit)-1)]
	}
	since := p.now.Sub(h.book.since)
	to := fit[pick]
	switch {
	case pick == cur:
		return to
	case h.book.on && !to.runs:
		if since < h.MinOn && len(fit) > 1 {
			return h.lowest(fit, cur, fmt.Sprintf("it must run %s once started", brief(h.MinOn)), p)
		}
		if p.linger && len(fit) > 1 {
			return h.lowest(fit, cur, "it could not start again soon", p)
		}
		if ok, why := h.book.affords(to.demand.Verb, h.caps.Verbs[to.demand.Verb], h.FlashPerDay, p.now); !ok && p.linger && len(fit) > 1 {
			return stay(why)
		}
		return to
	case !h.book.on:
		if since < h.MinOff && h.sent.Verb != "" {
			h.held = fmt.Sprintf("it must rest %s once stopped", brief(h.MinOff))
			return fit[0]
		}
		if wait := h.book.nextStart(h.StartsPerDay, p.now).Sub(p.now); wait > 0 && !p.frost {
			h.held = fmt.Sprintf("all %d starts of the day are used; the next is free in %s", h.StartsPerDay, brief(wait))
			return fit[0]
		}
		if ok, why := h.affords(to, p); !ok {
			h.held = why
			return fit[0]
		}
		return to
	}
	// A change of level or power while running.
	gap := changeGap
	if h.modulates() {
		gap = modulationGap
		if cur < 0 && h.sent.Verb == device.SetPower && h.sent.Power <= p.room && h.sent.Power <= h.most && h.sent.Power >= fit[1].power {
			kept := point{demand: device.Demand{Verb: device.SetPower, Power: h.sent.Power}, power: h.sent.Power, runs: true}
			slack := max(5, 0.03*to.power)
			if math.Abs(float64(to.power-kept.power)) < float64(slack) || p.now.Sub(h.changed) < gap && !p.frost {
				return kept
			}
			if ok, why := h.affords(to, p); !ok {
				h.held = why
				return kept
			}
		}
		return to
	}
	if h.caps.Verbs[to.demand.Verb].Restarts {
		gap = restartGap
	}
	if cur >= 0 && p.now.Sub(h.changed) < gap && !p.frost {
		return stay("")
	}
	if ok, why := h.affords(to, p); !ok && cur >= 0 {
		return stay(why)
	}
	// The last steps of the day are kept for going up: a heater stuck low
	// leaves the room to the backup, one stuck high can still be paused.
	const reserve = 0.9
	cost := h.caps.Verbs[device.SetLevel]
	if cur >= 0 && to.power < fit[cur].power && p.linger && h.book.spent(device.SetLevel, cost, h.FlashPerDay) > reserve {
		return stay("the day's last changes of level are kept for more heat")
	}
	return to
}

// lowest keeps the heater running, but no more than it must.
func (h *heater) lowest(fit []point, cur int, why string, p pace) point {
	h.held = why
	if cur > 1 && !h.modulates() {
		if ok, _ := h.affords(fit[1], p); !ok || p.now.Sub(h.changed) < changeGap {
			return fit[cur]
		}
	}
	return fit[1]
}

func (h *heater) affords(to point, p pace) (bool, string) {
	return h.book.affords(to.demand.Verb, h.caps.Verbs[to.demand.Verb], h.FlashPerDay, p.now)
}

// learn averages the power wanted, for retuning.
func (h *heater) learn(wanted units.Watts, passed time.Duration) {
	h.learning = min(retuneGap, h.learning+passed)
	if h.learning > 0 {
		h.baseline += (wanted - h.baseline) * units.Watts(min(1, passed.Seconds()/h.learning.Seconds()))
	}
}

// retune replaces a bare Run by a persisted change of power when the power
// wanted has long been far from what the heater is tuned to.
func (h *heater) retune(run point, most units.Watts, p pace) point {
	verb, ok := h.retuning()
	if !ok || run.demand.Verb != device.Run || h.learning < retuneGap {
		return run
	}
	lo, hi, ok := h.span(most)
	if !ok {
		return run
	}
	// A fifth more than the mean leaves room to regulate by pausing.
	to := h.grain(max(lo, min(hi, h.baseline*1.2)))
	cost := h.caps.Verbs[verb]
	far := math.Abs(float64(to-run.power)) > 0.25*float64(run.power)
	rested := p.now.Sub(h.changed) >= changeGap && (len(h.book.flash) == 0 || p.now.Sub(h.book.flash[len(h.book.flash)-1]) >= retuneGap)
	// Without a budget of its own a persisted write is allowed once a day.
	flash := max(h.FlashPerDay, 1)
	if ok, _ := h.book.affords(verb, cost, flash, p.now); !ok || !far || !rested {
		return run
	}
	return point{device.Demand{Verb: verb, Power: to}, to, true}
}

// brief prints a duration for people: "12 min", "3 h".
func brief(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%d s", int(math.Ceil(d.Seconds())))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(math.Ceil(d.Minutes())))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(math.Round(d.Hours())))
	}
	return fmt.Sprintf("%d days", int(math.Round(d.Hours()/24)))
}
