package control_test

import (
	"testing"
	"time"

	"hearth/control"
	"hearth/device"
	"hearth/units"
)

// A rig is a home on the bench: a control.Home, devices that take time to do
// as they are told and can be made to fail, and zones whose temperatures the
// test sets or a thermal model moves. It counts failed commands as the
// runtime does.
type rig struct {
	t        testing.TB
	home     *control.Home
	now      time.Time
	tick     time.Duration
	outdoor  units.Known[units.Celsius]
	grid     units.Known[units.Watts]
	zones    map[string]*place
	machines []*machine
	last     control.Decision
	seen     control.Observation
}

// place is what a zone's sensors would show.
type place struct {
	temp, low float64
	twoNode   bool
	flow      float64
	metered   bool
	why       string // the thermometer is lost, and why
	noFlow    string // the flow meter is lost
	stuckAt   time.Time
}

// machine is a heater, or a relay, that answers honestly unless told not to.
type machine struct {
	id   string
	caps device.Capabilities

	state   device.State
	level   string
	watts   units.Watts // drawn now
	aim     units.Watts // drawn when the change is complete
	ready   time.Time   // when it is
	chip    float64
	fluid   float64
	renewed time.Time
	fedBy   *machine

	// Levers.
	unplugged bool
	lying     bool // says OK, does nothing
	stuck     bool // goes on drawing whatever it says
	fault     string
	poolless  bool
	hidePower bool

	// What the runtime knows.
	pending  *device.Applied
	due      time.Time
	failed   int
	starts   []time.Time
	flashed  int
	commands int
}

func newRig(t testing.TB, cfg control.Config, machines ...*machine) *rig {
	t.Helper()
	home, err := control.NewHome(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{
		t: t, home: home, tick: time.Minute, zones: map[string]*place{}, machines: machines,
		now: time.Date(2026, 1, 12, 0, 0, 0, 0, time.UTC),
	}
	for _, z := range cfg.Zones {
		r.zones[z.ID] = &place{temp: float64(z.SetPoint)}
	}
	for _, h := range cfg.Heaters {
		if h.Relay != "" {
			r.machine(h.ID).fedBy = r.machine(h.Relay)
		}
	}
	return r
}

func (r *rig) machine(id string) *machine {
	for _, m := range r.machines {
		if m.id == id {
			return m
		}
	}
	r.t.Fatalf("the rig has no machine %q", id)
	return nil
}

// observe makes the observation of this instant.
func (r *rig) observe() control.Observation {
	outdoor := r.outdoor
	if v, ok := outdoor.Get(); ok {
		outdoor = units.Know(v, r.now, outdoor.From())
	}
	o := control.Observation{
		Now: r.now, Outdoor: outdoor, GridLimit: r.grid,
		Zones: map[string]control.ZoneSeen{}, Devices: map[string]control.DeviceSeen{},
	}
	for id, p := range r.zones {
		o.Zones[id] = p.seen(r.now)
	}
	for _, m := range r.machines {
		o.Devices[m.id] = m.seen(r.now)
	}
	return o
}

func (p *place) seen(now time.Time) control.ZoneSeen {
	var z control.ZoneSeen
	at := now
	if !p.stuckAt.IsZero() {
		at = p.stuckAt
	}
	if p.why != "" {
		z.Temp = units.Unknown[units.Celsius](p.why, at)
	} else {
		z.Temp = units.Know(units.Celsius(p.temp), at, units.Meter)
	}
	if p.twoNode {
		z.Low = units.Know(units.Celsius(p.low), at, units.Meter)
	}
	if p.metered {
		z.Flow = units.Know(units.LitresPerMinute(p.flow), now, units.Meter)
		if p.noFlow != "" {
			z.Flow = units.Unknown[units.LitresPerMinute](p.noFlow, now)
		}
	}
	return z
}

func (m *machine) reachable() bool {
	return !m.unplugged && (m.fedBy == nil || m.fedBy.state == device.StateHeating)
}

// seen is what the runtime would hand to control.
func (m *machine) seen(now time.Time) control.DeviceSeen {
	s := control.DeviceSeen{Failed: m.failed}
	if !m.reachable() {
		return s
	}
	s.Online, s.Caps, s.HasCaps = true, m.caps, true
	rd := device.Reading{At: now, State: m.state}
	switch {
	case m.fault != "":
		rd.State = device.StateFault
		rd.Faults = []device.Fault{{Code: "broken", Text: m.fault}}
	case now.Before(m.ready) && m.state == device.StateHeating:
		rd.State = device.StateStarting
	case m.poolless && m.state == device.StateHeating:
		rd.State = device.StateLimp
	}
	if !m.hidePower {
		rd.Power = units.Know(m.draws(), now, units.PSU)
	}
	if m.level != "" {
		rd.Level = units.Know(m.level, now, units.PSU)
	}
	if m.caps.Can(device.Retune) {
		rd.Target = units.Know(m.aimed(), now, units.PSU)
	}
	if m.chip != 0 {
		rd.Temps = append(rd.Temps, device.Temp{Name: "chip", Kind: device.Chip, Value: units.Know(units.Celsius(m.chip), now, units.PSU)})
	}
	if m.fluid != 0 {
		rd.Temps = append(rd.Temps, device.Temp{Name: "out", Kind: device.FluidOut, Value: units.Know(units.Celsius(m.fluid), now, units.PSU)})
	}
	s.Reading = rd
	return s
}

func (m *machine) aimed() units.Watts {
	if m.aim > 0 {
		return m.aim
	}
	return m.caps.Max
}

// draws is the power that really flows.
func (m *machine) draws() units.Watts {
	idle, _ := m.caps.Idle.Get()
	switch {
	case m.fedBy != nil && m.fedBy.state != device.StateHeating:
		return 0
	case m.stuck:
		return m.caps.Max
	case m.caps.Work == device.NoWork:
		return 0
	case m.unplugged, m.state == device.StateOff:
		return 0
	case m.state == device.StatePaused:
		return idle
	case m.poolless || m.fault != "":
		return idle
	}
	return m.watts
}

// apply is the driver: it tells the device, and the device says OK.
func (m *machine) apply(d device.Demand, now time.Time) {
	m.commands++
	cost := m.caps.Verbs[d.Verb]
	m.pending = &device.Applied{Verb: d.Verb, Power: d.Power, Level: d.Level}
	m.due = now.Add(2*cost.Latency + time.Second)
	if m.lying || !m.reachable() {
		return
	}
	m.renewed = now
	was := m.state
	switch d.Verb {
	case device.Pause:
		m.state = device.StatePaused
	case device.Off:
		m.state = device.StateOff
	case device.Run:
		m.state, m.watts = device.StateHeating, m.aimed()
	case device.SetLevel:
		l, ok := m.caps.Level(d.Level)
		if !ok {
			return
		}
		w, _ := l.Power.Get()
		m.state, m.level, m.watts = device.StateHeating, d.Level, w
	case device.SetPower, device.Retune:
		if (m.aim != d.Power || was != device.StateHeating) && cost.Flash {
			m.flashed++
		}
		m.state, m.aim, m.watts = device.StateHeating, d.Power, d.Power
	}
	if was != device.StateHeating && m.state == device.StateHeating {
		m.starts = append(m.starts, now)
		m.ready = now.Add(cost.Latency)
	}
}

// check is the runtime's read-back.
func (m *machine) check(now time.Time) {
	if m.pending == nil || now.Before(m.due) {
		return
	}
	seen := m.seen(now)
	if !seen.Online {
		return
	}
	if ok, _ := device.Meets(m.caps, *m.pending, seen.Reading); ok {
		m.failed = 0
	} else if seen.Reading.State != device.StateStarting {
		m.failed++
	}
	m.due = now.Add(2*m.caps.Verbs[m.pending.Verb].Latency + time.Minute)
	if m.failed == 0 {
		m.pending = nil
	}
}

// step lets one tick pass and control decide.
func (r *rig) step() control.Decision {
	for _, m := range r.machines {
		if m.caps.DeadMan > 0 && m.state == device.StateHeating && r.now.Sub(m.renewed) > m.caps.DeadMan {
			m.state = device.StateOff
		}
		m.check(r.now)
	}
	r.seen = r.observe()
	r.last = r.home.Step(r.seen)
	for _, c := range r.last.Commands {
		r.machine(c.Device).apply(c.Demand, r.now)
	}
	r.now = r.now.Add(r.tick)
	return r.last
}

// run steps for so long.
func (r *rig) run(d time.Duration) {
	for end := r.now.Add(d); r.now.Before(end); {
		r.step()
	}
}

// heat is what all machines of the rig put into the home.
func (r *rig) heat() (sum units.Watts) {
	for _, m := range r.machines {
		sum += m.draws()
	}
	return sum
}

func known(w units.Watts) units.Known[units.Watts] {
	return units.Know(w, time.Time{}, units.Nameplate)
}

// avalon is a miner with two levels, like an Avalon Mini 3.
func avalon(id string) *machine {
	return &machine{id: id, state: device.StatePaused, caps: device.Capabilities{
		Verbs: map[device.Verb]device.Cost{
			device.SetLevel: {Latency: time.Minute},
			device.Run:      {Latency: time.Minute},
			device.Pause:    {Latency: 10 * time.Second},
		},
		Levels: []device.Level{
			{ID: "eco", Name: "Eco", Power: known(450), Loud: 1},
			{ID: "super", Name: "Super", Power: known(850), Loud: 3},
		},
		Max: 900, Idle: known(40), Efficient: "eco", Work: device.Hashing,
		Temps: []device.Channel{{Name: "chip", Kind: device.Chip, Limit: 95}, {Name: "out", Kind: device.FluidOut, Limit: 75}},
	}}
}

// bitaxe is a small miner that can only be paused.
func bitaxe(id string) *machine {
	return &machine{id: id, state: device.StatePaused, caps: device.Capabilities{
		Verbs: map[device.Verb]device.Cost{
			device.Run:   {Latency: 10 * time.Second},
			device.Pause: {Latency: 10 * time.Second},
		},
		Max: 15, Idle: known(2), Work: device.Hashing,
	}}
}

// resistive is a heater behind a relay with a dead-man timer.
func resistive(id string, w units.Watts) *machine {
	return &machine{id: id, state: device.StateOff, caps: device.Capabilities{
		Verbs: map[device.Verb]device.Cost{device.Run: {Latency: time.Second}, device.Off: {Latency: time.Second}},
		Max:   w, Idle: known(0), Work: device.Resistive, DeadMan: 5 * time.Minute,
	}}
}

// plug is a relay in front of a heater.
func plug(id string) *machine {
	return &machine{id: id, state: device.StateOff, caps: device.Capabilities{
		Verbs: map[device.Verb]device.Cost{device.Run: {Latency: time.Second}, device.Off: {Latency: time.Second}},
		Max:   2500, Idle: known(0), Work: device.NoWork, DeadMan: 5 * time.Minute,
	}}
}

// gpu is a device that follows any power at once.
func gpu(id string) *machine {
	return &machine{id: id, state: device.StatePaused, caps: device.Capabilities{
		Verbs: map[device.Verb]device.Cost{
			device.SetPower: {Latency: time.Second},
			device.Run:      {Latency: time.Second},
			device.Pause:    {Latency: time.Second},
		},
		Power: device.Range{Min: 100, Max: 600, Step: 10}, Max: 600, Idle: known(20), Work: device.Computing,
		DeadMan: 5 * time.Minute,
	}}
}

// tuned is a miner whose power changes only by a persisted, slow retune.
func tuned(id string) *machine {
	return &machine{id: id, state: device.StatePaused, caps: device.Capabilities{
		Verbs: map[device.Verb]device.Cost{
			device.Run:    {Latency: 20 * time.Second},
			device.Pause:  {Latency: 20 * time.Second},
			device.Retune: {Latency: 5 * time.Minute, Restarts: true, Flash: true},
		},
		Power: device.Range{Min: 400, Max: 1000, Step: 50}, Max: 1000, Idle: known(60), Work: device.Hashing,
		DeadMan: 5 * time.Minute,
	}}
}
