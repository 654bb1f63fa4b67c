package site

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"hearth/control"
	"hearth/device"
	"hearth/heat"
	"hearth/units"
)

// publish makes the State of now and tells the watchers.
func (s *Site) publish(now time.Time) {
	s.mu.Lock()
	st := s.view(now)
	s.mu.Unlock()
	s.state.Store(&st)
	s.journal.ring()
}

// view gathers the State. The caller holds mu.
func (s *Site) view(now time.Time) State {
	st := State{
		At: now, Name: s.opt.Name, Place: s.opt.Place, Version: s.opt.Version, Speed: s.opt.Speed,
		SimulatedNote: s.opt.SimulatedNote, Outdoor: s.outdoor(now),
		Price: units.Unknown[units.Price]("no tariff is configured", now),
		Trips: append([]control.Trip{}, s.decision.Trips...),
		Zones: []ZoneState{}, Devices: []DeviceState{}, Sensors: []SensorState{},
	}
	if s.opt.Price != nil {
		st.Price = s.opt.Price(now)
	}
	for _, z := range s.zones {
		zs := s.viewZone(z, now)
		st.Zones = append(st.Zones, zs)
		st.Simulated = st.Simulated || zs.Simulated
	}
	for _, id := range s.order {
		ds := s.viewDevice(s.units[id], now)
		st.Devices = append(st.Devices, ds)
		st.Simulated = st.Simulated || ds.Simulated
	}
	for _, p := range s.sensors {
		st.Sensors = append(st.Sensors, SensorState{ID: p.ID, Name: p.Name, Kind: p.Kind, Zone: s.zoneOf(p.ID), Simulated: p.Simulated, Value: p.value})
		st.Simulated = st.Simulated || p.Simulated
	}
	st.Power, st.Today = s.whole(st, now)
	st.Compute = s.viewCompute()
	st.Ledger = LedgerState{Records: s.book.head.Seq, Paused: s.book.paused}
	if s.book.head.Seq > 0 {
		at := s.book.head.At
		st.Ledger.Head, st.Ledger.At = s.book.head.Hash.String(), &at
	}
	st.Sentence = sentence(st)
	return st
}

func (s *Site) zoneOf(sensor string) string {
	for _, z := range s.zones {
		if z.sensors.Temp == sensor || z.sensors.Low == sensor {
			return z.ID
		}
	}
	return ""
}

// zoneSimulated reports whether a zone's heat does not warm a real place: its
// thermometer or any of its heaters is simulated.
func (s *Site) zoneSimulated(z *zone) bool {
	for _, p := range s.sensors {
		if p.ID == z.sensors.Temp && p.Simulated {
			return true
		}
	}
	for _, id := range z.heaters {
		if u := s.units[id]; u != nil && u.simulated() {
			return true
		}
	}
	return false
}

func (s *Site) viewZone(z *zone, now time.Time) ZoneState {
	d := s.decision.Zones[z.ID]
	lo, hi := limits(z.Kind)
	zs := ZoneState{
		ID: z.ID, Name: z.Name, Kind: z.Kind, Simulated: s.zoneSimulated(z), Mode: z.mode,
		Temp: s.sensor(z.sensors.Temp), Low: s.sensor(z.sensors.Low),
		SetPoint: d.SetPoint, SetWhy: d.Why, Min: lo, Max: hi, Step: 0.5,
		Activity: d.Activity, Sentence: d.Sentence, Plan: d.Plan, Want: units.Watts(math.Round(float64(d.Want))), Heaters: z.heaters,
		Preset: d.Preset,
	}
	if !d.Until.IsZero() {
		until := d.Until
		zs.Until = &until
	}
	if z.Kind == control.Room {
		zs.Low = units.Unknown[units.Celsius]("a room has one thermometer", now)
	}
	if z.Kind == control.Manual {
		const why = "this place has no thermometer"
		zs.Temp, zs.Low = units.Unknown[units.Celsius](why, now), units.Unknown[units.Celsius](why, now)
	}
	for _, slot := range z.Schedule.Slots {
		zs.Schedule = append(zs.Schedule, slotText(slot))
	}
	power := units.Know[units.Watts](0, now, units.Chosen)
	for _, id := range z.heaters {
		if s.units[id] != nil {
			power = units.Join(power, s.powerOf(id), func(a, b units.Watts) units.Watts { return a + b })
		}
	}
	if len(z.heaters) == 0 {
		power = units.Unknown[units.Watts]("this zone has no heater", now)
	}
	zs.Power = power
	zs.Today = s.totals(z.today.heat, z.today.heat, z.today.backup, z.today.comfort, z.today.judged, z.today.worst, now)
	return zs
}

// totals puts sums in their shown form.
func (s *Site) totals(electricity, heat, backup sum, comfort, judged time.Duration, worst units.Provenance, now time.Time) Totals {
	t := Totals{
		From: s.day, Electricity: electricity.total(now), Heat: heat.total(now),
		Backup:  units.Unknown[units.Fraction]("no heat yet today", now),
		Comfort: units.Unknown[units.Fraction]("no temperature to judge by yet today", now),
		Cost:    units.Unknown[units.Money]("no tariff is configured", now),
		Earned:  units.Unknown[units.Sats]("no payment has been recorded", now),
	}
	if heat.known > 0 && heat.energy > 0 {
		t.Backup = units.Know(units.Fraction(backup.energy/heat.energy), now, heat.source)
	}
	if judged > 0 {
		t.Comfort = units.Know(units.Fraction(comfort.Seconds()/judged.Seconds()), now, max(worst, units.Meter))
	}
	if s.opt.Price != nil {
		t.Cost = units.Join(electricity.total(now), s.opt.Price(now),
			func(e units.KilowattHours, p units.Price) units.Money { return p.Of(e) })
	}
	return t
}

// whole sums the home. Where part of a home is simulated and part real, the
// sums are of the simulated part alone: the two are never added.
func (s *Site) whole(st State, now time.Time) (units.Known[units.Watts], Totals) {
	power := units.Know[units.Watts](0, now, units.Chosen)
	var heat, backup sum
	var comfort, judged time.Duration
	var worst units.Provenance
	heaters := 0
	for i, z := range s.zones {
		if st.Simulated && !st.Zones[i].Simulated {
			continue
		}
		for _, id := range z.heaters {
			if s.units[id] == nil {
				continue
			}
			heaters++
			power = units.Join(power, s.powerOf(id), func(a, b units.Watts) units.Watts { return a + b })
		}
		heat = heat.plus(z.today.heat)
		backup = backup.plus(z.today.backup)
		comfort, judged, worst = comfort+z.today.comfort, judged+z.today.judged, max(worst, z.today.worst)
	}
	if heaters == 0 {
		power = units.Unknown[units.Watts]("there is no heater", now)
	}
	return power, s.totals(heat, heat, backup, comfort, judged, worst, now)
}

func (t sum) plus(u sum) sum {
	t.energy, t.known, t.unknown, t.source = t.energy+u.energy, t.known+u.known, t.unknown+u.unknown, max(t.source, u.source)
	return t
}

func (s *Site) viewDevice(u *unit, now time.Time) DeviceState {
	d := DeviceState{
		ID: u.ID, Name: u.Name, Kind: u.Kind, Simulated: u.simulated(), Identity: u.identity,
		Online: u.online, Trouble: u.trouble, Reading: u.reading,
		Energy: units.Unknown[units.KilowattHours]("nothing measured yet", now),
	}
	if u.counterFrom != units.None {
		d.Energy = units.Know(u.saved.KilowattHours(), now, u.counterFrom)
	}
	if u.hasCaps {
		caps := u.caps
		d.Caps = &caps
	}
	d.Work, d.Output = doing(u.reading, d.Caps), u.viewOutputs(now)
	_, d.Repoints = u.Driver.(device.Repointer)
	for _, h := range s.opt.Control.Heaters {
		if h.ID != u.ID {
			continue
		}
		d.Zone, d.Role, d.Limit = h.Zone, h.Role, h.Limit
		d.Guard = guardText(u, h, s.units[h.Relay])
		if b, ok := s.decision.Budgets[u.ID]; ok {
			d.Budget = &b
		}
		d.Today = s.totals(u.today, u.today, sum{}, 0, 0, 0, now)
		d.Today.Backup = units.Unknown[units.Fraction]("told for zones", now)
		d.Today.Comfort = units.Unknown[units.Fraction]("told for zones", now)
	}
	if u.command != nil {
		c := u.command.CommandState
		d.Command = &c
		switch {
		case d.Trouble != "":
		case c.Trouble != "":
			d.Trouble = c.Trouble
		case u.failed > 0:
			d.Trouble = fmt.Sprintf("it did not do as told %d times in a row", u.failed)
		}
	}
	return d
}

// guardText says in plain words what a heater does if Hearth stops.
func guardText(u *unit, h control.Heater, relay *unit) string {
	switch {
	case !u.hasCaps:
		return ""
	case u.caps.DeadMan > 0:
		return fmt.Sprintf("Switches itself off %s after Hearth stops.", lasting(u.caps.DeadMan))
	case relay != nil && relay.hasCaps && relay.caps.DeadMan > 0:
		return fmt.Sprintf("Its relay, %s, switches it off %s after Hearth stops.", relay.Name, lasting(relay.caps.DeadMan))
	}
	limit := h.Limit
	if limit == 0 {
		limit = control.UnguardedCap
	}
	if u.caps.Max > 0 {
		limit = min(limit, u.caps.Max)
	}
	return fmt.Sprintf("Keeps its last level if Hearth stops; it is therefore never asked for more than %v.", limit)
}

// lasting prints a length of time in words a person uses.
func lasting(d time.Duration) string {
	if d%time.Minute == 0 && d >= time.Minute {
		if d == time.Minute {
			return "1 minute"
		}
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return fmt.Sprintf("%d seconds", int(d.Seconds()))
}

func (s *Site) viewCompute() ComputeState {
	c := s.opt.Compute
	if c == nil {
		return ComputeState{Note: "This home does not use its own computer as a heater."}
	}
	st := ComputeState{Present: true, Allowed: c.Allowed.Load(), Note: c.Note}
	if st.Allowed {
		st.Note = "This computer works as a heater until " + s.manualUntil[c.Zone].Format("15:04") + ". " + c.Note
	}
	return st
}

// sentence says the state of the home in one line.
func sentence(st State) string {
	var parts []string
	verb := "Idle"
	heating := false
	for _, z := range st.Zones {
		if st.Simulated && !z.Simulated {
			continue // a real part beside a simulated home is told on its own card
		}
		heating = heating || z.Activity == control.Heating
		parts = append(parts, z.Name+" "+tempText(z.Temp))
	}
	switch {
	case slices.ContainsFunc(st.Trips, func(t control.Trip) bool { return t.Latched }):
		verb = "Stopped for safety"
	case heating:
		verb = "Heating"
	case allOff(st.Zones):
		verb = "Off"
	case len(st.Zones) == 0:
		return "No room is configured yet."
	}
	if p, ok := st.Power.Get(); ok {
		parts = append(parts, p.String())
	} else {
		parts = append(parts, "power unknown")
	}
	if sats, ok := st.Today.Earned.Get(); ok {
		parts = append(parts, sats.String()+" today")
	}
	return verb + ". " + strings.Join(parts, ", ") + "."
}

func tempText(t units.Known[units.Celsius]) string {
	if v, ok := t.Get(); ok {
		return v.String()
	}
	return "temperature unknown"
}

func allOff(zones []ZoneState) bool {
	for _, z := range zones {
		if z.Mode != ModeOff && z.Kind != control.Manual {
			return false
		}
	}
	return len(zones) > 0
}

// slotText prints a slot of a schedule: "weekdays 06:30 20.5 °C (morning)".
func slotText(x heat.Slot) string {
	text := x.Days.String() + " " + x.From.String() + " " + x.Set.String()
	if x.Name != "" {
		text += " (" + x.Name + ")"
	}
	return text
}
