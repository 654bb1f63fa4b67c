package site

import (
	"context"
	"encoding/json"
	"time"

	"hearth/control"
	"hearth/device"
	"hearth/ledger"
	"hearth/units"
)

// comfortSlack is how far below its set-point a zone may be and still count
// as comfortable.
const comfortSlack units.Kelvin = 0.5

// powerOf is what a device draws: a meter in its feed is believed before the
// device itself.
func (s *Site) powerOf(id string) units.Known[units.Watts] {
	u := s.units[id]
	own := u.reading.Power
	for _, h := range s.opt.Control.Heaters {
		if h.ID != id || h.Relay == "" {
			continue
		}
		if feed := s.units[h.Relay]; feed != nil {
			if p := feed.reading.Power; p.IsKnown() && (!own.IsKnown() || p.From() < own.From()) {
				return p
			}
		}
	}
	return own
}

// meterAll moves every meter to now and fills the running minute.
func (s *Site) meterAll(now time.Time) {
	s.newDay(now)
	total := units.Know[units.Watts](0, now, units.Chosen)
	byHeater := map[string]slice{}
	for _, id := range s.order {
		u := s.units[id]
		sl := u.meter.step(now, s.powerOf(id))
		byHeater[id] = sl
		u.today.add(sl)
		s.span(&u.period, sl, func(t sum) { s.book.energy(ledger.KindElectricity, id, "", t, u.simulated()) })
		u.wh.add(sl)
		u.produced(sl)
		u.counter += sl.energy
		if sl.known > 0 {
			u.counterFrom = max(u.counterFrom, sl.source)
		}
		note(u.minute, MetricPower, sl.power, now.Sub(sl.from))
		if s.heats(id) && !(s.opt.SimulatedNote != "" && !u.simulated()) {
			total = units.Join(total, sl.power, func(a, b units.Watts) units.Watts { return a + b })
		}
	}
	for _, z := range s.zones {
		s.meterZone(z, byHeater, now)
	}
	note(s.home24, MetricPower, total, s.opt.Period)
	note(s.home24, MetricOutdoor, s.outdoor(now), s.opt.Period)
}

// heats reports whether the device is a heater of a zone.
func (s *Site) heats(id string) bool {
	for _, h := range s.opt.Control.Heaters {
		if h.ID == id {
			return true
		}
	}
	return false
}

// meterZone sums what the zone's heaters gave. All electricity that a heater
// in a room draws ends as heat in that room.
func (s *Site) meterZone(z *zone, byHeater map[string]slice, now time.Time) {
	power := units.Know[units.Watts](0, now, units.Chosen)
	counted := s.opt.SimulatedNote == "" || s.zoneSimulated(z)
	var step time.Duration
	for _, id := range z.heaters {
		sl, ok := byHeater[id]
		if !ok {
			continue
		}
		step = max(step, now.Sub(sl.from))
		z.wh.add(sl)
		s.span(&z.period, sl, func(t sum) { s.book.energy(ledger.KindHeat, z.ID, z.ID, t, s.zoneSimulated(z)) })
		backup := s.role(id) == control.Backup
		z.today.heat.add(sl)
		if backup {
			z.today.backup.add(sl)
		}
		if counted {
			s.tally.heat.add(sl)
			if backup {
				s.tally.backup.add(sl)
			}
			s.tally.device(id, s.units[id].reading.State, sl, s.day)
		}
		power = units.Join(power, sl.power, func(a, b units.Watts) units.Watts { return a + b })
	}
	note(z.minute, MetricPower, power, step)
	temp, set := s.sensor(z.sensors.Temp), s.decision.Zones[z.ID].SetPoint
	note(z.minute, MetricTemp, temp, step)
	note(z.minute, MetricSetPoint, set, step)
	t, ok1 := temp.Get()
	sp, ok2 := set.Get()
	if ok1 && ok2 && step > 0 && step <= longestGap {
		z.today.judged += step
		z.today.worst = max(z.today.worst, temp.From())
		warm := t >= sp.Add(-comfortSlack)
		if warm {
			z.today.comfort += step
		}
		if counted {
			s.tally.judge(z.ID, warm, step, temp.From())
		}
	}
}

func (s *Site) role(id string) control.Role {
	for _, h := range s.opt.Control.Heaters {
		if h.ID == id {
			return h.Role
		}
	}
	return ""
}

// newDay begins the sums of a new local day.
func (s *Site) newDay(now time.Time) {
	y, m, d := now.In(s.opt.Location).Date()
	day := time.Date(y, m, d, 0, 0, 0, 0, s.opt.Location)
	if day.Equal(s.day) {
		return
	}
	s.day = day
	for _, u := range s.units {
		u.today = sum{from: now}
		for _, o := range u.outputs {
			o.today = produce{}
		}
	}
	for _, z := range s.zones {
		z.today = zoneDay{heat: sum{from: now}, backup: sum{from: now}}
	}
}

// quarterHour is the length of one energy record.
const quarterHour = 15 * time.Minute

// bookkeeping writes the minute that ended to the history, the quarter-hour
// to the ledger, and what survives a restart.
func (s *Site) bookkeeping(ctx context.Context, now time.Time) {
	minute := now.Truncate(time.Minute)
	if s.minute.IsZero() {
		s.minute, s.quarter = minute, now.Truncate(quarterHour)
	}
	if minute.After(s.minute) || minute.Before(s.minute) {
		s.book.samples = append(s.book.samples, s.takeMinute()...)
		s.minute = minute
	}
	if q := now.Truncate(quarterHour); !q.Equal(s.quarter) {
		s.takeQuarter()
		s.quarter = q
	}
	every := time.Minute
	if s.opt.Speed > 1 {
		every = quarterHour // a simulated minute may last a millisecond
	}
	if now.Sub(s.saved) >= every || now.Before(s.saved) {
		s.persist(ctx, now)
	}
	s.book.flush(ctx)
}

// takeMinute empties the running minute into samples.
func (s *Site) takeMinute() []ledger.Sample {
	var out []ledger.Sample
	put := func(subject string, m minutes) {
		for k, v := range m {
			out = append(out, sample(s.minute, subject, string(k), v))
			delete(m, k)
		}
	}
	for _, id := range s.order {
		u := s.units[id]
		put(id, u.minute)
		if u.wh.known > 0 {
			out = append(out, energySample(s.minute, id, MetricElectricity, u.wh))
		}
		u.wh = sum{}
	}
	for _, z := range s.zones {
		put(z.ID, z.minute)
		if z.wh.known > 0 {
			out = append(out, energySample(s.minute, z.ID, MetricHeat, z.wh))
		}
		z.wh = sum{}
	}
	put("home", s.home24)
	return out
}

// span adds a step to the energy of a record. A record covers no time of which
// nothing is known: a gap ends one, and the next begins after it.
func (s *Site) span(t *sum, sl slice, write func(sum)) {
	if sl.known > 0 {
		t.add(sl)
		return
	}
	if t.known > 0 {
		write(*t)
	}
	*t = sum{}
}

// takeQuarter puts the energy since the last record in the ledger.
func (s *Site) takeQuarter() {
	for _, id := range s.order {
		u := s.units[id]
		if u.period.known > 0 {
			s.book.energy(ledger.KindElectricity, id, "", u.period, u.simulated())
		}
		u.period = sum{}
		s.recordWork(u)
	}
	for _, z := range s.zones {
		if z.period.known > 0 {
			s.book.energy(ledger.KindHeat, z.ID, z.ID, z.period, s.zoneSimulated(z))
		}
		z.period = sum{}
	}
}

const memoryKey = "site/memory"

// persist saves what a restart must not lose.
func (s *Site) persist(ctx context.Context, now time.Time) {
	m := memory{Modes: map[string]Mode{}, Counters: map[string]counterMemory{}, Identities: map[string]device.Identity{}}
	mem, err := json.Marshal(s.home.Memory())
	if err != nil {
		s.log.Warn("control memory cannot be saved", "error", err)
		return
	}
	m.Control = mem
	for _, z := range s.zones {
		m.Modes[z.ID] = z.mode
	}
	for id, u := range s.units {
		m.Counters[id] = counterMemory{u.counter, u.counterFrom}
		m.Identities[id] = u.identity
	}
	if c := s.opt.Compute; c != nil {
		m.Consent = s.manualUntil[c.Zone]
	}
	b, err := json.Marshal(m)
	if err != nil {
		s.log.Warn("memory cannot be saved", "error", err)
		return
	}
	if err := s.opt.Book.Put(ctx, memoryKey, b); err != nil {
		s.book.pause(err)
		return
	}
	s.saved = now
	for _, u := range s.units {
		u.saved = u.counter
	}
}

// recall takes up what an earlier run saved. Memory that cannot be read is
// dropped with a warning: a home must start.
func (s *Site) recall(ctx context.Context) {
	b, ok, err := s.opt.Book.Get(ctx, memoryKey)
	if err != nil {
		s.log.Warn("memory of the last run cannot be read", "error", err)
		return
	}
	if !ok {
		return
	}
	var m memory
	if err := json.Unmarshal(b, &m); err != nil {
		s.log.Warn("memory of the last run is damaged and was dropped", "error", err)
		return
	}
	var mem control.Memory
	if err := json.Unmarshal(m.Control, &mem); err != nil {
		s.log.Warn("control memory is damaged and was dropped", "error", err)
	} else {
		s.home.Recall(mem)
	}
	for _, z := range s.zones {
		if m.Modes[z.ID] == ModeOff {
			z.mode = ModeOff
			if err := s.home.SetMode(z.ID, true, s.clock()); err != nil {
				s.log.Warn("mode cannot be restored", "zone", z.ID, "error", err)
			}
		}
	}
	for id, c := range m.Counters {
		if u := s.units[id]; u != nil {
			u.counter, u.saved, u.counterFrom = c.Joules, c.Joules, c.From
		}
	}
	for id, who := range m.Identities {
		if u := s.units[id]; u != nil {
			u.identity = who
		}
	}
	if c := s.opt.Compute; c != nil && m.Consent.After(s.clock()) {
		s.manualUntil[c.Zone] = m.Consent
		c.Allowed.Store(true)
	}
	s.restoreDay(ctx)
}

// restoreDay takes up the sums of today from the history.
func (s *Site) restoreDay(ctx context.Context) {
	now := s.clock()
	s.newDay(now)
	for id, u := range s.units {
		u.today = s.dayTotal(ctx, id, MetricElectricity, now)
	}
	for _, z := range s.zones {
		z.today.heat = s.dayTotal(ctx, z.ID, MetricHeat, now)
		z.today.backup = sum{from: now}
		for _, h := range z.heaters {
			if s.role(h) == control.Backup {
				b := s.units[h].today
				z.today.backup.energy += b.energy
				z.today.backup.known += b.known
				z.today.backup.source = max(z.today.backup.source, b.source)
			}
		}
	}
}

func (s *Site) dayTotal(ctx context.Context, subject string, m Metric, now time.Time) sum {
	t := sum{from: s.day}
	tot, err := s.opt.Book.Totals(ctx, subject, string(m), s.day, now)
	if err != nil {
		s.log.Warn("today's sums cannot be read", "subject", subject, "error", err)
		return t
	}
	t.energy = units.KilowattHours(tot.Sum / 1000).Joules()
	t.known, t.source = tot.Known, tot.Provenance
	return t
}
