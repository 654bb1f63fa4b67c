package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hearth/control"
	"hearth/device"
	"hearth/ledger"
	"hearth/units"
)

// Site runs one home. All its methods are safe for concurrent use.
type Site struct {
	opt Options
	log *slog.Logger

	state   atomic.Pointer[State]
	journal *journal

	// step is held for a whole step; mu only while fields below change hands.
	step sync.Mutex
	mu   sync.Mutex
	home *control.Home
	book *scribe

	units   map[string]*unit
	order   []string // device ids in order of configuration
	sensors []*probe
	zones   []*zone
	now     time.Time
	day     time.Time // local midnight the totals of today began at
	home24  minutes   // the home's own samples
	minute  time.Time
	quarter time.Time
	// foreseen is the quarter-hour at which control was last told of the day to
	// come.
	foreseen time.Time
	saved    time.Time // control memory and counters

	decision control.Decision
	safe     atomic.Pointer[[]control.Command]
	began    time.Time    // by the monotonic clock, which no one sets
	beat     atomic.Int64 // when the last step ended, as time since began, for the watchdog
	stopping atomic.Bool

	manualUntil  map[string]time.Time
	tally        *tally
	consented    bool // the consent has reached control
	consentTries int
	wake         chan struct{} // a command from a person: do not wait for the period
	cancel       context.CancelFunc
	workers      sync.WaitGroup
}

// probe is one thermometer as the site runs it.
type probe struct {
	Sensor
	worker *worker // nil for a channel of a device
	value  units.Known[units.Celsius]
	misses int
}

// zone is one zone as the site runs it.
type zone struct {
	control.Zone
	sensors ZoneSensors
	heaters []string
	mode    Mode
	minute  minutes
	wh      sum
	period  sum
	today   zoneDay
}

// zoneDay sums a zone's day.
type zoneDay struct {
	heat, backup sum
	comfort      time.Duration // within 0.5 K below the set-point or warmer
	judged       time.Duration // time for which both were known
	worst        units.Provenance
}

// minutes are the running minute of several metrics.
type minutes map[Metric]*span

func (m minutes) add(k Metric, v float64, from units.Provenance, d time.Duration) {
	s := m[k]
	if s == nil {
		s = new(span)
		m[k] = s
	}
	s.add(v, from, d)
}

func note[T units.Quantity](m minutes, k Metric, v units.Known[T], d time.Duration) {
	if x, ok := v.Get(); ok {
		m.add(k, x.Float(), v.From(), d)
	}
}

// callLimit is the deadline of one call to a device or sensor.
const callLimit = 5 * time.Second

// New prepares a home. Nothing is switched until [Site.Run] or [Site.Step].
// The end of ctx ends nothing: [Site.Stop] or [Site.Release] must be called.
func New(ctx context.Context, opt Options) (*Site, error) {
	home, err := control.NewHome(opt.Control)
	if err != nil {
		return nil, fmt.Errorf("set up control: %w", err)
	}
	if opt.Speed < 1 {
		opt.Speed = 1
	}
	if opt.Location == nil {
		opt.Location = time.Local
	}
	// The devices' goroutines live until the site has been stopped, which is
	// after ctx ends: heaters must still be told to go to their safe state.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &Site{
		opt: opt, log: opt.Log, home: home, cancel: cancel, began: time.Now(),
		journal: newJournal(), units: map[string]*unit{}, home24: minutes{},
		manualUntil: map[string]time.Time{}, wake: make(chan struct{}, 1),
	}
	s.book = newScribe(opt.Book, opt.Log)
	s.tally = newTally(s.clock())
	for _, d := range opt.Devices {
		u := &unit{Device: d, worker: newWorker(ctx, d.ID), minute: minutes{}, outputs: map[string]*output{}, reading: blank(time.Time{}, "not read yet")}
		s.units[d.ID] = u
		s.order = append(s.order, d.ID)
	}
	for _, c := range opt.Sensors {
		p := &probe{Sensor: c, value: units.Unknown[units.Celsius]("not read yet", time.Time{})}
		if c.Source != nil {
			p.worker = newWorker(ctx, c.ID)
		}
		s.sensors = append(s.sensors, p)
	}
	for _, z := range opt.Control.Zones {
		zz := &zone{Zone: z, sensors: opt.ZoneSensors[z.ID], mode: ModeHeat, minute: minutes{}}
		for _, h := range opt.Control.Heaters {
			if h.Zone == z.ID {
				zz.heaters = append(zz.heaters, h.ID)
			}
		}
		s.zones = append(s.zones, zz)
	}
	if opt.Previous != nil {
		s.journal = opt.Previous.journal
		s.keepChecks(opt.Previous)
	} else {
		s.readJournal(ctx)
	}
	s.recall(ctx)
	s.remember(ctx)
	s.beat.Store(int64(time.Since(s.began)))
	s.publish(s.clock())
	return s, nil
}

// clock is the time of the home: the wall's, or the simulation's.
func (s *Site) clock() time.Time {
	if s.opt.Clock != nil {
		return s.opt.Clock.Now().In(s.opt.Location)
	}
	return time.Now().In(s.opt.Location)
}

// Run looks after the home until ctx ends, then leaves every heater in its
// safe state, or until the site is released. It returns nil after an orderly
// end.
func (s *Site) Run(ctx context.Context) error {
	guard, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.workers.Go(func() { s.watch(guard) })
	defer func() {
		stop()
		s.workers.Wait()
	}()
	for ctx.Err() == nil && !s.stopping.Load() {
		began := time.Now()
		if s.opt.Speed > 1 {
			s.opt.Clock.Set(s.opt.Clock.Now().Add(s.opt.Period))
		}
		s.Step(ctx)
		wait := time.Duration(float64(s.opt.Period)/s.opt.Speed) - time.Since(began)
		if s.opt.Speed == 1 {
			s.pause(ctx, wait)
		} else if wait > 0 {
			sleep(ctx, wait)
		}
	}
	return s.Stop(context.WithoutCancel(ctx), "Hearth stops")
}

// readJournal fills the log with the latest events of the ledger, so that a
// restart does not hide what came before it.
func (s *Site) readJournal(ctx context.Context) {
	head := s.opt.Book.Head().Seq
	from := uint64(1)
	if head > journalLength {
		from = head - journalLength + 1
	}
	records, err := s.opt.Book.Records(ctx, from, journalLength)
	if err != nil {
		s.log.Warn("the log of earlier runs cannot be read", "error", err)
		return
	}
	for _, r := range records {
		body, err := r.Decode()
		if err != nil {
			continue // verifying says so; the log shows what can be read
		}
		switch b := body.(type) {
		case ledger.Event:
			s.journal.add(Event{At: r.At, Severity: control.Severity(b.Severity), Subject: r.Subject, Code: b.Code, Text: b.Text, Simulated: r.Simulated})
		case ledger.Command:
			if b.Confirmed {
				d := device.Demand{Verb: device.Verb(b.Verb), Power: b.Power, Level: b.Level, Why: b.Why}
				s.journal.add(commandEvent(r.At, r.Subject, s.deviceName(r.Subject), d, r.Simulated))
			}
		}
	}
}

// deviceName is what people call a device, its id if it has left the home.
func (s *Site) deviceName(id string) string {
	if u := s.units[id]; u != nil {
		return u.Name
	}
	return id
}

// commandEvent says in the log what a device was told and did. The ledger has
// it as a command.
func commandEvent(at time.Time, id, name string, d device.Demand, simulated bool) Event {
	text := name + ": " + demandText(d)
	if d.Why != "" {
		text += " (" + d.Why + ")"
	}
	return Event{At: at, Severity: control.Info, Subject: id, Code: "command", Text: text + ".", Simulated: simulated}
}

// pause waits for the next step, or until a person asks for something.
func (s *Site) pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(max(d, 0))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-s.wake:
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// nudge makes the next step come at once.
func (s *Site) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Step does one round: move the simulated world if there is one, read
// everything, decide, command, and write down what happened.
func (s *Site) Step(ctx context.Context) {
	s.step.Lock()
	defer s.step.Unlock()
	if s.stopping.Load() {
		return
	}
	now := s.clock()
	if s.opt.World != nil {
		s.opt.World(now)
	}
	read := s.read(ctx, now)
	if ctx.Err() != nil {
		return // the end came while reading: silence now says nothing of a device
	}

	s.mu.Lock()
	s.tally.steps++
	for id, o := range read.devices {
		if o.err != nil {
			s.tally.late++
		}
		s.tell(s.units[id].take(o, now, s.opt.Period)...)
	}
	for i, v := range read.sensors {
		s.sensors[i].take(v, now)
	}
	s.channels(now)
	for _, id := range s.order {
		u := s.units[id]
		if u.readBack(now) {
			s.judged(u, now)
		}
		u.forgive(now)
	}
	s.followConsent(now)
	s.foresee(now)
	obs := s.observe(now)
	s.decision = s.home.Step(obs)
	safe := s.home.Standby("Hearth's control stands still")
	s.safe.Store(&safe)
	s.trips(now)
	s.tell(s.decision.Events...)
	commands := slices.DeleteFunc(slices.Clone(s.decision.Commands), func(c control.Command) bool {
		u := s.units[c.Device]
		return u != nil && u.held() && !c.Urgent
	})
	commands = append(commands, s.commission(now)...)
	s.meterAll(now)
	s.now = now
	s.mu.Unlock()

	s.command(ctx, now, commands)

	s.mu.Lock()
	s.bookkeeping(context.WithoutCancel(ctx), now)
	s.mu.Unlock()
	s.publish(now)
	s.beat.Store(int64(time.Since(s.began)))
}

// readings is what one round of reading brought.
type readings struct {
	devices map[string]outcome
	sensors map[int]units.Known[units.Celsius]
}

// read asks every device and sensor that is due, all at once.
func (s *Site) read(ctx context.Context, now time.Time) readings {
	var (
		mu  sync.Mutex
		wg  sync.WaitGroup
		out = readings{map[string]outcome{}, map[int]units.Known[units.Celsius]{}}
	)
	for id, u := range s.units {
		if now.Before(u.next) {
			continue
		}
		wg.Go(func() {
			o := u.poll(ctx, now, callLimit)
			mu.Lock()
			out.devices[id] = o
			mu.Unlock()
		})
	}
	for i, p := range s.sensors {
		if p.worker == nil {
			continue
		}
		wg.Go(func() {
			v := p.poll(ctx, now)
			mu.Lock()
			out.sensors[i] = v
			mu.Unlock()
		})
	}
	wg.Wait()
	return out
}

// poll reads a thermometer of its own.
func (p *probe) poll(ctx context.Context, now time.Time) units.Known[units.Celsius] {
	var v units.Known[units.Celsius]
	err := p.worker.do(ctx, callLimit, func(ctx context.Context) (err error) {
		v, err = p.Source.Read(ctx)
		return err
	})
	if err != nil {
		return units.Unknown[units.Celsius](plain(err), now)
	}
	return v
}

// take records a thermometer's reading; a single miss keeps the last value,
// which control judges by its age.
func (p *probe) take(v units.Known[units.Celsius], now time.Time) {
	if p.Simulated {
		v = v.Marked(units.Simulated)
	}
	if v.IsKnown() {
		p.value, p.misses = v, 0
		return
	}
	if p.misses++; p.misses >= missesToUnknown || !p.value.IsKnown() {
		p.value = units.Unknown[units.Celsius](v.Why(), now)
	}
}

// channels fills the sensors that are channels of devices.
func (s *Site) channels(now time.Time) {
	for _, p := range s.sensors {
		if p.worker != nil {
			continue
		}
		u := s.units[p.Device]
		if u == nil {
			p.value = units.Unknown[units.Celsius]("its device is not in this home", now)
			continue
		}
		p.Simulated = p.Sensor.Simulated || u.simulated()
		v := units.Unknown[units.Celsius](noChannel(u, p.Channel), now)
		switch {
		case !u.online && u.misses >= missesToUnknown:
			v = units.Unknown[units.Celsius](u.reading.Power.Why(), now)
		case p.Channel == "":
			v = u.reading.Temp(device.Room)
		default:
			for _, t := range u.reading.Temps {
				if t.Name == p.Channel {
					v = t.Value
				}
			}
		}
		if p.Simulated {
			v = v.Marked(units.Simulated)
		}
		p.value = v
	}
}

// noChannel says that a device has no such channel, and which it has.
func noChannel(u *unit, channel string) string {
	var names []string
	for _, t := range u.reading.Temps {
		names = append(names, fmt.Sprintf("%q", t.Name))
	}
	if len(names) == 0 {
		return fmt.Sprintf("%s tells no temperature %q now", u.Name, channel)
	}
	return fmt.Sprintf("%s has no channel %q: it has %s", u.Name, channel, strings.Join(names, ", "))
}

// sensor returns the value of a sensor by id.
func (s *Site) sensor(id string) units.Known[units.Celsius] {
	for _, p := range s.sensors {
		if p.ID == id {
			return p.value
		}
	}
	return units.Known[units.Celsius]{}
}

// outdoor is the outdoor temperature: a sensor's before the weather's.
func (s *Site) outdoor(now time.Time) units.Known[units.Celsius] {
	if s.opt.OutdoorSensor != "" {
		if v := s.sensor(s.opt.OutdoorSensor).Fresh(now, 30*time.Minute); v.IsKnown() {
			return v
		}
	}
	if s.opt.Outdoor != nil {
		return s.opt.Outdoor(now)
	}
	return units.Unknown[units.Celsius]("no weather is configured", now)
}

// observe gathers what control may know.
func (s *Site) observe(now time.Time) control.Observation {
	obs := control.Observation{
		Now: now, Outdoor: s.outdoor(now),
		Zones: map[string]control.ZoneSeen{}, Devices: map[string]control.DeviceSeen{},
		GridLimit: units.Unknown[units.Watts]("no grid signal is configured", now),
	}
	for _, z := range s.zones {
		seen := control.ZoneSeen{Temp: s.sensor(z.sensors.Temp), Low: s.sensor(z.sensors.Low)}
		if u := s.units[z.sensors.FlowDevice]; u != nil {
			seen.Flow = u.reading.Flow
		}
		obs.Zones[z.ID] = seen
	}
	for id, u := range s.units {
		obs.Devices[id] = u.seen()
	}
	return obs
}

// command carries out the commands, each device in its own goroutine, in the
// order given for one device.
func (s *Site) command(ctx context.Context, now time.Time, commands []control.Command) {
	byDevice := map[string][]control.Command{}
	for _, c := range commands {
		byDevice[c.Device] = append(byDevice[c.Device], c)
	}
	var wg sync.WaitGroup
	for id, list := range byDevice {
		u := s.units[id]
		if u == nil {
			continue
		}
		wg.Go(func() {
			for _, c := range list {
				if err := u.send(ctx, now, c.Demand, callLimit); err != nil {
					s.refused(ctx, u, now, c, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// refused records a command that the device did not take.
func (s *Site) refused(ctx context.Context, u *unit, now time.Time, c control.Command, err error) {
	if ctx.Err() != nil {
		return // Hearth stops: the device is told its safe state next
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	again := u.command != nil && u.command.Trouble != "" && u.command.Demand.Same(c.Demand)
	u.command = &pending{CommandState: CommandState{At: now, Demand: c.Demand, Trouble: plain(err)}}
	if errors.Is(err, device.ErrBusy) {
		return // it will be asked again at the next step
	}
	u.fail(now)
	if !again {
		s.tell(control.Event{
			At: now, Severity: control.Warning, Subject: u.ID, Code: "command_refused",
			Text: fmt.Sprintf("%s did not take the command %q: %s.", u.Name, c.Demand.Verb, plain(err)),
		})
	}
}

// judged writes down a command that was read back or given up.
func (s *Site) judged(u *unit, now time.Time) {
	s.book.command(u, now)
	if u.command.Confirmed {
		s.journal.add(commandEvent(now, u.ID, u.Name, u.command.Demand, u.simulated()))
		return
	}
	s.tell(control.Event{
		At: now, Severity: control.Warning, Subject: u.ID, Code: "command_unconfirmed",
		Text: fmt.Sprintf("%s did not do as told (%s): %s.", u.Name, u.command.Demand.Verb, u.command.Trouble),
	})
}

// trips writes down what the supervisor's events say of trips.
func (s *Site) trips(now time.Time) {
	for _, t := range s.decision.Trips {
		if t.Since.Equal(now) {
			s.book.trip(t, s.subjectSimulated(t.Subject))
			s.tally.trips++
		}
	}
}

func (s *Site) subjectSimulated(id string) bool {
	if u := s.units[id]; u != nil {
		return u.simulated()
	}
	for _, z := range s.zones {
		if z.ID == id {
			return s.zoneSimulated(z)
		}
	}
	return s.opt.SimulatedNote != ""
}

// tell puts events in the log and the ledger.
func (s *Site) tell(events ...control.Event) {
	for _, e := range events {
		sim := s.subjectSimulated(e.Subject)
		s.journal.add(Event{At: e.At, Severity: e.Severity, Subject: e.Subject, Code: e.Code, Text: e.Text, Simulated: sim})
		s.book.event(e, sim)
		s.log.Info("event", "subject", e.Subject, "code", e.Code, "severity", string(e.Severity), "text", e.Text)
	}
}

// memory is what survives a restart besides the ledger.
type memory struct {
	Control  json.RawMessage          `json:"control"`
	Modes    map[string]Mode          `json:"modes"`
	Counters map[string]counterMemory `json:"counters"`
	Consent  time.Time                `json:"consent"` // until
	// Identities keep, before all, that a device is an emulation: it must not
	// pass for real while it does not answer.
	Identities map[string]device.Identity `json:"identities"`
}

type counterMemory struct {
	Joules units.Joules     `json:"joules"`
	From   units.Provenance `json:"provenance"`
}
