package control

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hearth/device"
	"hearth/units"
)

// The rules of the supervisor, as in [Trip.Rule].
const (
	RuleSensorStale  = "sensor_stale"
	RuleSensorFrozen = "sensor_frozen"
	RuleSensorRange  = "sensor_out_of_range"
	RuleRoomHot      = "room_over_temperature"
	RuleTankHot      = "tank_over_temperature"
	RuleFluidHot     = "fluid_over_temperature"
	RuleChipHot      = "chip_over_temperature"
	RuleFlow         = "flow_loss"
	RuleFrost        = "frost"
	RuleLegionella   = "legionella_overdue"
	RuleFault        = "device_fault"
	RuleOffline      = "device_offline"
	RuleNoPool       = "no_pool"
	RuleUnbelieved   = "command_not_believed"
	RuleDisobeys     = "draws_though_off"
	RuleOverPower    = "over_power"
)

// How the rules judge.
const (
	roomHysteresis units.Kelvin = 2
	tankHysteresis units.Kelvin = 5
	chipHysteresis units.Kelvin = 10
	frostRelease   units.Kelvin = 1
	// sensorProof is how long a sensor must read well before it is believed
	// again.
	sensorProof = time.Minute
	// flowGrace lets a pump start.
	flowGrace = time.Minute
	// flowRest is how long after a loss of flow heating may be tried again.
	flowRest = 5 * time.Minute
	// powerGrace lets inrush and retuning pass.
	powerGrace = 3 * time.Minute
	// coolRest is how long a stopped device without a chip reading is taken to
	// need to cool down.
	coolRest = 10 * time.Minute
	// openGrace is how long an emergency stop may take before the relay in
	// front of the device is opened.
	openGrace = time.Minute
)

// Supervisor is the safety of a home: a state machine of its own, which reads
// the same observation as the rest, keeps its own trips, and has the last
// word over every command. There is no way to switch it off.
type Supervisor struct {
	maxPower units.Watts
	zones    []*guard
	heaters  []*watch
	trips    []Trip // sorted by ID
	events   []Event
	now      time.Time // wall
	mono     time.Time
	begun    time.Time // monotonic time of the first observation
	grid     units.Known[units.Watts]
	relays   []*relay
}

// guard watches one zone.
type guard struct {
	*zone
	good, goodLow units.Known[units.Celsius] // latest that was believable
	value         float64                    // last raw value, for frozen sensors
	unchanged     time.Duration              // of the raw value, while heating
	wellSince     time.Time                  // monotonic, since the sensor reads well
	lost          string                     // rule by which the sensor is lost
	frost         bool
	noFlow        time.Duration
	flowLost      time.Time // monotonic
	legion        legion
	tripped       string // rule that holds all heaters of the zone off
}

// watch watches one heater.
type watch struct {
	*heater
	told   time.Time // monotonic, since when it is told to stop; zero if it is not
	urgent time.Time // monotonic, since when an emergency stop is unfulfilled
	over   time.Duration
}

// belief is what is believed of a zone's temperatures.
type belief struct {
	temp, low units.Known[units.Celsius]
	lost      bool // the temperature cannot be believed
	why       string
}

// coldest returns the lowest temperature believed of a tank.
func (b belief) coldest() (units.Celsius, bool) {
	t, ok := b.temp.Get()
	if l, two := b.low.Get(); two {
		t = min(t, l)
	}
	return t, ok
}

func newSupervisor(cfg Config, zones []*zone, heaters []*heater) *Supervisor {
	s := &Supervisor{maxPower: cfg.MaxPower}
	for _, z := range zones {
		s.zones = append(s.zones, &guard{zone: z})
	}
	for _, h := range heaters {
		s.heaters = append(s.heaters, &watch{heater: h})
		if h.Relay != "" && s.relay(h.Relay) == nil {
			s.relays = append(s.relays, &relay{id: h.Relay})
		}
	}
	return s
}

// verdict is how one rule judges one subject.
type verdict struct {
	holds   bool // the cause is there
	latched bool
	ready   bool // a latched trip may be cleared
}

// judge raises or lowers a trip. text is asked only when one is raised.
func (s *Supervisor) judge(rule, subject string, v verdict, text func() (cause, did, clears string)) {
	i := s.find(rule, subject)
	found := i >= 0
	switch {
	case v.holds && !found:
		t := Trip{ID: rule + "/" + subject, Rule: rule, Subject: subject, Since: s.now, Latched: v.latched}
		t.Cause, t.Did, t.Clears = text()
		s.add(t)
		s.event(severity(rule), subject, "trip", t.Cause+" "+t.Did)
	case !found:
	case v.holds:
		s.trips[i].Ready = false
	case s.trips[i].Latched:
		s.trips[i].Ready = v.ready
	default:
		s.event(Info, subject, "trip_cleared", "Over: "+s.trips[i].Cause)
		s.trips = slices.Delete(s.trips, i, i+1)
	}
}

func severity(rule string) Severity {
	switch rule {
	case RuleOffline, RuleUnbelieved, RuleFault, RuleNoPool:
		return Warning
	}
	return Alarm
}

func (s *Supervisor) event(sev Severity, subject, code, text string) {
	s.events = append(s.events, Event{At: s.now, Severity: sev, Subject: subject, Code: code, Text: text})
}

// find returns the index of the trip of a rule and subject, -1 if there is
// none. There are never many.
func (s *Supervisor) find(rule, subject string) int {
	for i := range s.trips {
		if s.trips[i].Rule == rule && s.trips[i].Subject == subject {
			return i
		}
	}
	return -1
}

func (s *Supervisor) add(t Trip) {
	i, _ := slices.BinarySearchFunc(s.trips, t.ID, func(o Trip, id string) int { return strings.Compare(o.ID, id) })
	s.trips = slices.Insert(s.trips, i, t)
}

// trip returns the trip of a rule and subject.
func (s *Supervisor) trip(rule, subject string) (Trip, bool) {
	i := s.find(rule, subject)
	if i < 0 {
		return Trip{}, false
	}
	return s.trips[i], true
}

// clear removes a latched trip on a person's word, once its cause is gone.
func (s *Supervisor) clear(id string, now time.Time) error {
	i, found := slices.BinarySearchFunc(s.trips, id, func(t Trip, id string) int { return strings.Compare(t.ID, id) })
	switch {
	case !found:
		return fmt.Errorf("clear %s: %w: no such trip", id, ErrUnknown)
	case !s.trips[i].Latched:
		return fmt.Errorf("clear %s: %w: it is not latched. %s", id, ErrRefused, s.trips[i].Clears)
	case !s.trips[i].Ready:
		return fmt.Errorf("clear %s: %w: its cause is still there. %s", id, ErrRefused, s.trips[i].Clears)
	}
	s.now = now
	s.event(Notice, s.trips[i].Subject, "trip_cleared", "A person cleared: "+s.trips[i].Cause)
	s.trips = slices.Delete(s.trips, i, i+1)
	s.hold()
	return nil
}

// look takes in an observation and applies every rule to it.
func (s *Supervisor) look(obs Observation, mono time.Time, passed time.Duration) {
	s.now, s.mono, s.grid = obs.Now, mono, obs.GridLimit
	// What happened in a long gap is not known: timers that trip do not run in
	// it, nor does the time for which water was hot.
	whole := passed
	passed = min(passed, maxStep)
	if s.begun.IsZero() {
		s.begun = mono
	}
	for _, g := range s.zones {
		if g.Kind == Manual {
			continue
		}
		s.sense(g, obs.Zones[g.ID], passed)
		s.zoneHot(g)
		s.flow(g, obs.Zones[g.ID], passed)
		s.frost(g)
	}
	for _, w := range s.heaters {
		s.deviceState(w)
		s.deviceHot(w)
		s.disobedience(w)
		s.overPower(w, passed)
	}
	s.hold()
	for _, g := range s.zones {
		if g.Kind == Tank && g.Legionella != nil {
			s.legionella(g, whole)
		}
	}
}

// hold works out from the trips which zones and heaters are held off.
func (s *Supervisor) hold() {
	for _, g := range s.zones {
		g.tripped = ""
	}
	for _, w := range s.heaters {
		w.tripped, w.cause = "", ""
	}
	for _, t := range s.trips {
		switch t.Rule {
		case RuleRoomHot, RuleTankHot, RuleFlow:
			for _, g := range s.zones {
				if g.ID == t.Subject {
					g.tripped = t.Rule
				}
			}
		case RuleFluidHot, RuleChipHot, RuleDisobeys, RuleOverPower, RuleFault:
			for _, w := range s.heaters {
				if w.ID == t.Subject {
					w.tripped, w.cause = t.Rule, t.Cause
				}
			}
		}
	}
	for _, w := range s.heaters {
		for _, g := range s.zones {
			if g.ID == w.Zone && g.tripped != "" {
				t, _ := s.trip(g.tripped, g.ID)
				w.tripped, w.cause = g.tripped, t.Cause
			}
		}
	}
}

// Veto has the last word. It takes the standing demand for every heater, in
// the order of the configuration, and returns the same list with every demand
// that leaves the envelope replaced by a stop. A stop for safety is urgent.
func (s *Supervisor) Veto(wanted []Command) []Command {
	frost := make(map[string]bool, len(s.zones))
	for _, g := range s.zones {
		frost[g.ID] = g.frost && g.tripped == ""
	}
	for i, w := range s.heaters {
		c := &wanted[i]
		if w.tripped != "" {
			*c = Command{w.ID, s.stopDemand(w, w.cause), w.tripped != RuleFault}
			continue
		}
		g := s.guard(w.Zone)
		running := runs(c.Demand)
		switch {
		case running && g.belief.lost && g.Kind == Tank:
			*c = Command{w.ID, s.stopDemand(w, "the tank's temperature is not known"), true}
		case running && g.belief.lost && g.Kind == Room && g.Sensor.OnLoss == LossOff:
			*c = Command{w.ID, s.stopDemand(w, "the room's temperature is not known"), false}
		case running && w.out != "":
			*c = Command{w.ID, s.stopDemand(w, w.out), false}
		case running && s.power(w, c.Demand) > w.cap(s.unguarded(w.heater)):
			*c = Command{w.ID, s.stopDemand(w, "it would draw more than its limit"), false}
		case running && !w.book.on && !frost[w.Zone] && !w.book.mayStart(w.StartsPerDay):
			*c = Command{w.ID, s.stopDemand(w, "no start is left today"), false}
		}
	}
	s.shed(wanted, frost)
	return wanted
}

// shed drops demands until the total fits: all of them under the home's own
// cap, those outside frost protection under the grid's limit.
func (s *Supervisor) shed(wanted []Command, frost map[string]bool) {
	grid, limited := s.grid.Get()
	if !limited && s.maxPower <= 0 {
		return
	}
	var total, cold units.Watts // of all heaters; of those that keep frost away
	for i, w := range s.heaters {
		p := s.drawOf(w, wanted[i])
		total += p
		if frost[w.Zone] {
			cold += p
		}
	}
	drop := func(i int) {
		w := s.heaters[i]
		p := s.drawOf(w, wanted[i])
		wanted[i] = Command{w.ID, s.stopDemand(w, "the power limit leaves no room"), false}
		p -= s.drawOf(w, wanted[i])
		total -= p
		if frost[w.Zone] {
			cold -= p
		}
	}
	over := func(needed bool) bool {
		if s.maxPower > 0 && total > s.maxPower {
			return true
		}
		// Frost protection comes before the grid's limit; the rest must fit in
		// what it leaves.
		return limited && !needed && total > max(grid, cold)
	}
	for _, needed := range []bool{false, true} {
		for _, role := range []Role{Backup, Primary} {
			for i, w := range slices.Backward(s.heaters) {
				if w.Role == role && frost[w.Zone] == needed && runs(wanted[i].Demand) && over(needed) {
					drop(i)
				}
			}
		}
	}
}

// drawOf is what a heater will draw under a standing demand. One that does
// not answer may still do what it was told before.
func (s *Supervisor) drawOf(w *watch, c Command) units.Watts {
	if !w.seen.Online && w.book.on && w.sent.Verb != "" && (w.caps.DeadMan == 0 || s.mono.Sub(w.sentAt) < w.caps.DeadMan) {
		return s.power(w, w.sent)
	}
	if !runs(c.Demand) {
		if c.Demand.Verb == device.Pause {
			return w.idle()
		}
		return 0
	}
	return s.power(w, c.Demand)
}

// power returns what a demand makes a heater draw.
func (s *Supervisor) power(w *watch, d device.Demand) units.Watts {
	switch d.Verb {
	case device.SetPower, device.Retune:
		return d.Power
	case device.SetLevel:
		for i, l := range w.caps.Levels {
			if l.ID == d.Level {
				return w.levelPower(i)
			}
		}
		return w.caps.Max
	case device.Run:
		return w.present()
	}
	return 0
}

// runs reports whether a demand makes heat.
func runs(d device.Demand) bool {
	switch d.Verb {
	case device.Run, device.SetLevel, device.SetPower, device.Retune:
		return true
	}
	return false
}

// stopDemand stops a heater, by a pause where there is one. The supervisor
// never needs to know what else a device can do.
func (s *Supervisor) stopDemand(w *watch, why string) device.Demand {
	d := w.stop.demand
	if d.Verb == "" {
		d.Verb = device.Off
	}
	d.Why = why
	return d
}

// unguarded reports whether the heater would keep its level if Hearth
// stopped: it has no dead-man timer of its own, and no relay that has one.
func (s *Supervisor) unguarded(h *heater) bool {
	if h.caps.DeadMan > 0 {
		return false
	}
	r := s.relay(h.Relay)
	return r == nil || r.deadMan <= 0
}

func (s *Supervisor) guard(zone string) *guard {
	for _, g := range s.zones {
		if g.ID == zone {
			return g
		}
	}
	return nil
}

func (s *Supervisor) relay(id string) *relay {
	for _, r := range s.relays {
		if r.id == id {
			return r
		}
	}
	return nil
}

// drain returns the events since the last call.
func (s *Supervisor) drain() []Event {
	e := s.events
	s.events = nil
	return e
}
