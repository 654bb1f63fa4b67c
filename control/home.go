package control

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"hearth/device"
	"hearth/heat"
	"hearth/units"
)

// Errors that a caller branches on.
var (
	// ErrUnknown: there is no such zone, heater or trip.
	ErrUnknown = errors.New("there is no such thing")
	// ErrRefused: what was asked is not possible; the text says what would be.
	ErrRefused = errors.New("refused")
)

// Home decides for one home. It is a pure state machine: the same
// observations give the same decisions. It is not safe for concurrent use.
type Home struct {
	cfg     Config
	zones   []*zone
	heaters []*heater
	super   *Supervisor
	clock   clock
	events  []Event
	grid    units.Known[units.Watts] // as last observed
	ahead   []Foreseen
	wanted  []Command // scratch
}

// NewHome checks a configuration and makes a home of it. A zero Band, Frost,
// Limit or Sensor field of a zone gets a default: a band of 0.5 K (5 K for a
// tank), a frost floor of 5 °C, a limit of 35 °C (80 °C for a tank), a sensor
// that is stale after 10 min.
func NewHome(cfg Config) (*Home, error) {
	cfg.Zones, cfg.Heaters = slices.Clone(cfg.Zones), slices.Clone(cfg.Heaters)
	for i, z := range cfg.Zones {
		cfg.Zones[i] = z.withDefaults()
	}
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("set up home: %w", err)
	}
	h := &Home{cfg: cfg}
	for _, zc := range cfg.Zones {
		zc.Schedule.Slots = slices.Clone(zc.Schedule.Slots)
		zc.Schedule.Exceptions = slices.Clone(zc.Schedule.Exceptions)
		h.zones = append(h.zones, &zone{Zone: zc})
	}
	for _, hc := range cfg.Heaters {
		z := h.zone(hc.Zone)
		w := &heater{Heater: hc, zone: z, book: &book{}}
		h.heaters = append(h.heaters, w)
		z.heaters = append(z.heaters, w)
	}
	h.super = newSupervisor(cfg, h.zones, h.heaters)
	h.wanted = make([]Command, len(h.heaters))
	return h, nil
}

// Step takes in what is known now and decides. Observations should come every
// few seconds to every minute; a clock that jumps is survived.
func (h *Home) Step(obs Observation) Decision {
	obs.Outdoor = outdoorSane(obs.Outdoor.Fresh(obs.Now, outdoorStale))
	if w, ok := obs.GridLimit.Get(); ok && math.IsNaN(float64(w)) {
		obs.GridLimit = units.Unknown[units.Watts]("the limit is not a number", obs.Now)
	}
	passed, back := h.clock.advance(obs.Now)
	mono := h.clock.mono
	if back > time.Minute {
		h.note(Warning, "home", "clock", fmt.Sprintf("The clock jumped back by %s. Budgets and minimum times go on as if it had not.", brief(back)))
	}
	for _, r := range h.super.relays {
		r.look(obs.Devices[r.id])
	}
	for _, w := range h.heaters {
		w.look(obs.Devices[w.ID], mono)
		w.settle(mono)
	}
	for _, w := range h.super.heaters {
		was := w.out
		w.out = w.unusable(h.super.unguarded(w.heater), h.super.guard(w.Zone).frost, mono)
		if w.refusedNow(was) {
			severity := Warning
			if w.caps.WriteGate != "" {
				severity = Info // it waits for a person, and says for what
			}
			h.note(severity, w.ID, "refused", fmt.Sprintf("%s is not used: %s.", w.ID, w.out))
		}
	}
	h.noteBounds(obs)
	h.super.look(obs, mono, passed)
	h.plan(obs, passed)
	for i, w := range h.heaters {
		h.wanted[i] = Command{Device: w.ID, Demand: w.chosen.demand}
	}
	standing := h.super.Veto(h.wanted)
	var out []Command
	for i, w := range h.super.heaters {
		if c := standing[i]; h.super.send(w, c) {
			if c.Demand.Why == "" {
				c.Demand.Why = w.zone.because(w.heater)
			}
			out = append(out, c)
		}
	}
	// A supply that must be cut goes first, one that comes on goes before the
	// heater's own command would reach a dead device; both orders are the same.
	out = append(h.super.switchRelays(), out...)
	for _, z := range h.zones {
		z.delivery.add(z.drawn(), passed, mono)
		if z.Shift > 0 {
			z.record.add(obs.Now, z.belief.temp, obs.Outdoor, z.drawn(), passed)
		}
	}

	d := Decision{
		Commands: out,
		Zones:    make(map[string]ZoneDecision, len(h.zones)),
		Budgets:  make(map[string]Budget, len(h.heaters)),
		Trips:    slices.Clone(h.super.trips),
		Events:   append(h.events, h.super.drain()...),
	}
	h.events = nil
	for i := range d.Trips {
		d.Trips[i].Since = d.Trips[i].Since.In(obs.Now.Location())
	}
	for i, z := range h.zones {
		d.Zones[z.ID] = h.say(h.super.zones[i], z, obs.Now)
	}
	for _, w := range h.heaters {
		d.Budgets[w.ID] = Budget{
			Starts: len(w.book.starts), StartsLimit: w.StartsPerDay,
			Flash: len(w.book.flash), FlashLimit: w.FlashPerDay,
			Since: h.clock.shown(w.book.since),
		}
	}
	return d
}

// noteBounds tells of bounds that begin or cease to bind.
func (h *Home) noteBounds(obs Observation) {
	limit, limited := obs.GridLimit.Get()
	switch was, before := h.grid.Get(); {
	case limited && (!before || limit != was):
		h.note(Notice, "home", "grid", fmt.Sprintf("The grid allows %v until further notice. Frost protection goes on all the same.", max(0, limit)))
	case !limited && before:
		h.note(Info, "home", "grid", "The grid's limit is over.")
	}
	h.grid = obs.GridLimit
	for _, w := range h.heaters {
		spent := !w.book.mayStart(w.StartsPerDay)
		if spent && !w.spent {
			h.note(Notice, w.ID, "budget", fmt.Sprintf("%s has made its %d starts of 24 h; the next is free in %s. Until then it is not started, unless against frost.",
				w.ID, w.StartsPerDay, brief(w.book.nextStart(w.StartsPerDay, h.clock.mono).Sub(h.clock.mono))))
		}
		w.spent = spent
	}
}

func (h *Home) note(sev Severity, subject, code, text string) {
	h.events = append(h.events, Event{At: h.clock.wall, Severity: sev, Subject: subject, Code: code, Text: text})
}

// refusedNow reports whether the heater has just been found unfit for its
// place, which a person should hear of once.
func (h *heater) refusedNow(was string) bool {
	return h.hasCaps && h.out != "" && was != h.out && h.seen.Online &&
		h.seen.Failed < disbelief && h.seen.Reading.State != device.StateFault && h.doubt.times == 0
}

// settle corrects what is believed of the heater by what is seen, once a
// command has had time to be tried again and again.
func (h *heater) settle(now time.Time) {
	if !h.seen.Online {
		return
	}
	var on bool
	switch h.seen.Reading.State {
	case device.StateHeating, device.StateStarting, device.StateTuning, device.StateLimp:
		on = true
	case device.StateOff, device.StatePaused, device.StateFault:
	default:
		return
	}
	if h.sent.Verb == "" && h.book.since.IsZero() {
		h.book.on = on // what it did before anybody watched is no start
		return
	}
	if h.sent.Verb != "" && now.Sub(h.sentAt) < 8*h.caps.Verbs[h.sent.Verb].Latency+2*time.Minute {
		return
	}
	if on && !h.book.on && !runs(h.sent) {
		// It came on by itself, as miners do after a power cut. That is no start
		// of ours, whose minimum time would have to be kept: unless heat is
		// wanted the standing stop is said again.
		return
	}
	h.book.turn(on, now)
}

// send decides whether a standing demand must be sent now, and keeps the
// books if so. A demand that the device fulfils is not repeated, except to
// renew a dead-man timer; an emergency stop is repeated until it is seen.
func (s *Supervisor) send(w *watch, c Command) bool {
	now, r := s.mono, w.seen.Reading
	met, _ := device.Meets(w.caps, device.Applied{Verb: c.Demand.Verb, Power: c.Demand.Power, Level: c.Demand.Level}, r)
	met = met && w.seen.Online && w.hasCaps
	on := runs(c.Demand)
	switch {
	case on || met || !w.seen.Online:
		w.told = time.Time{}
	case w.told.IsZero():
		w.told = now
	}
	switch {
	case !c.Urgent || met:
		w.urgent = time.Time{}
	case w.urgent.IsZero():
		w.urgent = now
	}

	same := c.Demand.Same(w.sent)
	since := now.Sub(w.sentAt)
	gap := 2*w.caps.Verbs[c.Demand.Verb].Latency + time.Minute
	due := false
	switch {
	case c.Urgent:
		due = !met || !same && w.sent.Verb != ""
	case !w.seen.Online || !w.hasCaps || w.caps.WriteGate != "":
	case !same:
		due = !met || w.sent.Verb != "" || on && w.caps.DeadMan > 0
		if !due {
			w.sent = c.Demand // it does so already
		}
	case on && w.caps.DeadMan > 0 && since >= w.caps.DeadMan/3:
		due = true
	case !met && since >= gap*time.Duration(1+min(w.retries, 9)):
		// One that starts, tunes or waits for its pool has understood.
		due = !on || r.State != device.StateStarting && r.State != device.StateTuning && r.State != device.StateLimp
		if ok, _ := w.book.affords(c.Demand.Verb, w.caps.Verbs[c.Demand.Verb], w.FlashPerDay, now); on && !ok {
			due = false
		}
		if due {
			w.retries++
		}
	}
	if !due {
		return false
	}
	if !same {
		w.retries, w.changed = 0, now
		w.book.use(c.Demand.Verb, w.caps.Verbs[c.Demand.Verb], now)
	}
	if on || w.hasCaps {
		w.book.turn(on, now)
	}
	w.sent, w.sentAt = c.Demand, now
	return true
}

// outdoorStale is how long an outdoor temperature is of use for feed-forward.
const outdoorStale = 6 * time.Hour

// outdoorSane lets pass what weather can be.
func outdoorSane(k units.Known[units.Celsius]) units.Known[units.Celsius] {
	if t, ok := k.Get(); ok && !(t > -70 && t < 60) {
		return units.Unknown[units.Celsius](fmt.Sprintf("%v is not a temperature of weather", t), k.At())
	}
	return k
}

// drawn returns what the zone's heaters are believed to draw.
func (z *zone) drawn() units.Watts {
	var sum units.Watts
	for _, h := range z.heaters {
		if w, ok := h.seen.Reading.Power.Get(); ok && h.seen.Online && !h.caps.Shared && w >= 0 && finite(float64(w)) {
			sum += w
		} else if h.seen.Online && h.book.on {
			sum += h.chosen.power
		}
	}
	return sum
}

// SetPoint holds a zone at a temperature: until the given time, or with the
// zero time until the schedule next changes, or for good where the zone has
// no schedule.
func (h *Home) SetPoint(id string, to units.Celsius, until, now time.Time) error {
	z, err := h.regulated(id)
	if err != nil {
		return fmt.Errorf("set %s to %v: %w", id, to, err)
	}
	if until.IsZero() {
		if len(z.Schedule.Slots) > 0 {
			_, _, _, until = heat.Schedule{Slots: z.Schedule.Slots}.At(now)
		}
	}
	e := heat.Exception{Kind: heat.Set, From: now, Until: until, Set: to}
	if err := h.except(z, e); err != nil {
		return fmt.Errorf("set %s to %v: %w", id, to, err)
	}
	return nil
}

// Except adds an exception to a zone's schedule. It wins over those added
// before.
func (h *Home) Except(id string, e heat.Exception) error {
	z, err := h.regulated(id)
	if err == nil {
		err = h.except(z, e)
	}
	if err != nil {
		return fmt.Errorf("except %s: %w", id, err)
	}
	return nil
}

func (h *Home) except(z *zone, e heat.Exception) error {
	lowest, highest := z.SetPointRange()
	if err := e.Validate(lowest, highest); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if !e.Until.IsZero() && !e.Until.After(h.clock.wall) {
		return fmt.Errorf("%w: it would be over already", ErrRefused)
	}
	// Turning the dial again and again must not pile up.
	z.Schedule.Exceptions = slices.DeleteFunc(z.Schedule.Exceptions, func(o heat.Exception) bool {
		return o.Kind == e.Kind && (e.Kind == heat.Set || o.From.Equal(e.From))
	})
	z.Schedule.Exceptions = append(z.Schedule.Exceptions, e)
	z.forget()
	return nil
}

// Resume ends the exceptions of a zone that are in force. Those that have yet
// to begin stay.
func (h *Home) Resume(id string) error {
	z, err := h.regulated(id)
	if err != nil {
		return fmt.Errorf("resume %s: %w", id, err)
	}
	z.Schedule.Exceptions = slices.DeleteFunc(z.Schedule.Exceptions, func(e heat.Exception) bool {
		return !e.From.After(h.clock.wall)
	})
	z.forget()
	return nil
}

// SetMode switches a zone off, or on again. Frost protection stays on.
func (h *Home) SetMode(id string, off bool, now time.Time) error {
	z := h.zone(id)
	if z == nil {
		return fmt.Errorf("switch %s: %w", id, ErrUnknown)
	}
	if z.off != off {
		z.off = off
		text := z.Name + " was switched on."
		if off {
			text = z.Name + " was switched off. Frost protection stays on."
			if z.Kind == Manual {
				text = z.Name + " was switched off."
			}
		}
		if off && z.Kind == Manual {
			for _, w := range z.heaters {
				w.manual = manual{}
			}
		}
		h.events = append(h.events, Event{At: now, Severity: Info, Subject: id, Code: "mode", Text: text})
	}
	return nil
}

// ManualMost is the longest time for which a level can be set by hand.
const ManualMost = 24 * time.Hour

// Manual runs a heater of a zone without a thermometer at a level until a
// time. The level is the id of one of its levels, "on", "off", or a power
// such as "500 W" for a heater that follows any.
func (h *Home) Manual(zone, dev, level string, until, now time.Time) error {
	fail := func(err error) error { return fmt.Errorf("run %s at %q: %w", dev, level, err) }
	z := h.zone(zone)
	if z == nil {
		return fail(fmt.Errorf("%w: zone %s", ErrUnknown, zone))
	}
	i := slices.IndexFunc(z.heaters, func(w *heater) bool { return w.ID == dev })
	if i < 0 {
		return fail(fmt.Errorf("%w: zone %s has no heater %s", ErrUnknown, zone, dev))
	}
	w := z.heaters[i]
	if z.Kind != Manual {
		return fail(fmt.Errorf("%w: %s has a thermometer: set its temperature instead", ErrRefused, z.Name))
	}
	if level == "" || level == "off" {
		w.manual = manual{}
		return nil
	}
	switch {
	case z.off:
		return fail(fmt.Errorf("%w: %s is switched off", ErrRefused, z.Name))
	case !until.After(now):
		return fail(fmt.Errorf("%w: it needs a time to end at", ErrRefused))
	case until.Sub(now) > ManualMost:
		return fail(fmt.Errorf("%w: at most %s at a time", ErrRefused, brief(ManualMost)))
	case !w.hasCaps:
		return fail(fmt.Errorf("%w: what the heater can do is not known yet", ErrRefused))
	}
	w.permit(w.cap(h.super.unguarded(w)), 0)
	if _, ok := w.level(level); !ok {
		return fail(fmt.Errorf("%w: it has no such level, or the level is over its limit: use %s", ErrRefused, w.words()))
	}
	w.manual = manual{level, until}
	return nil
}

// words lists the levels that can be set by hand.
func (h *heater) words() string {
	words := []string{"off"}
	for _, p := range h.points {
		switch p.demand.Verb {
		case device.SetLevel:
			words = append(words, p.demand.Level)
		case device.Run:
			words = append(words, "on")
		case device.SetPower:
			words = append(words, p.power.String())
		}
	}
	return strings.Join(words, ", ")
}

// Clear resets a latched trip. It refuses while the cause is still there, and
// for trips that clear by themselves.
func (h *Home) Clear(trip string, now time.Time) error { return h.super.clear(trip, now) }

// Safe returns the commands that leave every heater in its safe state, for
// when Hearth stops. Relays in front of heaters are left to their dead-man
// timers, so that a miner can run down before its supply goes.
func (h *Home) Safe(now time.Time, why string) []Command {
	h.clock.advance(now)
	out := make([]Command, 0, len(h.super.heaters))
	for _, w := range h.super.heaters {
		c := Command{w.ID, h.super.stopDemand(w, why), true}
		w.sent, w.sentAt = c.Demand, h.clock.mono
		w.book.turn(false, h.clock.mono)
		out = append(out, c)
	}
	return out
}

func (h *Home) zone(id string) *zone {
	for _, z := range h.zones {
		if z.ID == id {
			return z
		}
	}
	return nil
}

// regulated returns a zone that has a thermometer.
func (h *Home) regulated(id string) (*zone, error) {
	z := h.zone(id)
	switch {
	case z == nil:
		return nil, ErrUnknown
	case z.Kind == Manual:
		return nil, fmt.Errorf("%w: %s has no thermometer: run its heater at a level for a time instead", ErrRefused, z.Name)
	}
	return z, nil
}
