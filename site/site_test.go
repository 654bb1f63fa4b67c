package site_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hearth/control"
	"hearth/device"
	"hearth/ledger"
	"hearth/site"
	"hearth/store"
	"hearth/units"
)

// heater is a device in memory: an on/off heater with a thermometer, and
// levers for what a driver can do wrong.
type heater struct {
	mu                               sync.Mutex
	clock                            func() time.Time
	on                               bool
	watts                            units.Watts
	room                             units.Celsius
	applied                          []device.Demand
	closed                           bool
	hang                             chan struct{} // calls wait for it, heeding nothing
	panics, unplugged, lies, garbles bool
	simulated                        bool
	gate                             string // why it takes no commands
	tokens                           int64  // counted since it started, if it is a computer
	computes                         bool
}

func (h *heater) call() error {
	h.mu.Lock()
	hang, panics, unplugged, garbles := h.hang, h.panics, h.unplugged, h.garbles
	h.mu.Unlock()
	if hang != nil {
		<-hang
	}
	switch {
	case panics:
		panic("nil map")
	case unplugged:
		return fmt.Errorf("dial: %w", device.ErrUnreachable)
	case garbles:
		return fmt.Errorf("decode: %w", device.ErrGarbage)
	}
	return nil
}

func (h *heater) Identify(context.Context) (device.Identity, error) {
	return device.Identity{Vendor: "Test", Model: "Heater", Serial: "1", Simulated: h.simulated}, h.call()
}

func (h *heater) Capabilities(context.Context) (device.Capabilities, error) {
	h.mu.Lock()
	gate := h.gate
	h.mu.Unlock()
	return device.Capabilities{
		WriteGate: gate,
		Verbs:     map[device.Verb]device.Cost{device.Run: {Latency: 10 * time.Second}, device.Pause: {Latency: 10 * time.Second}},
		Max:       h.watts, Idle: units.Know[units.Watts](5, time.Time{}, units.Nameplate), WattSource: units.Meter,
		Work: device.Resistive, Limp: device.LimpNone, DeadMan: 5 * time.Minute,
		Temps: []device.Channel{{Name: "air", Kind: device.Room}},
	}, h.call()
}

func (h *heater) Read(context.Context) (device.Reading, error) {
	if err := h.call(); err != nil {
		return device.Reading{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.clock()
	r := device.Reading{At: now, State: device.StatePaused, Power: units.Know[units.Watts](5, now, units.Meter)}
	if h.on {
		r.State, r.Power = device.StateHeating, units.Know(h.watts, now, units.Meter)
	}
	if h.computes {
		r.Work = device.Computing
		r.Done = []device.Output{{Unit: "token", Count: units.Know(h.tokens, now, units.Meter)}}
	}
	r.Temps = []device.Temp{{Name: "air", Kind: device.Room, Value: units.Know(h.room, now, units.Meter)}}
	return r, nil
}

func (h *heater) Apply(_ context.Context, d device.Demand) (device.Applied, error) {
	if err := h.call(); err != nil {
		return device.Applied{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.applied = append(h.applied, d)
	if !h.lies {
		h.on = d.Verb == device.Run
	}
	return device.Applied{Verb: d.Verb}, nil
}

func (h *heater) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	return nil
}

func (h *heater) set(f func(*heater)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(h)
}

// shelf is the least of a store, for tests within a bubble of fake time.
type shelf struct {
	mu    sync.Mutex
	block chan struct{}
	kv    map[string][]byte
	fail  error
	n     uint64
	kept  []ledger.Entry
}

func (b *shelf) Append(_ context.Context, e ...ledger.Entry) (ledger.Head, error) {
	b.mu.Lock()
	block, fail := b.block, b.fail
	b.n += uint64(len(e))
	b.kept = append(b.kept, e...)
	n := b.n
	b.mu.Unlock()
	if block != nil {
		<-block
	}
	return ledger.Head{Seq: n}, fail
}
func (b *shelf) Head() ledger.Head { return ledger.Head{} }
func (b *shelf) Records(context.Context, uint64, int) ([]ledger.Record, error) {
	return nil, nil
}
func (b *shelf) Verify(context.Context) (ledger.Report, error) { return ledger.Report{}, nil }
func (b *shelf) PutSamples(context.Context, []ledger.Sample) error {
	return b.fail
}

func (b *shelf) History(context.Context, site.HistoryQuery) ([]site.Point, time.Duration, error) {
	return nil, 0, nil
}

func (b *shelf) Totals(context.Context, string, string, time.Time, time.Time) (ledger.Sample, error) {
	return ledger.Sample{}, nil
}

func (b *shelf) Get(_ context.Context, k string) ([]byte, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, ok := b.kv[k]
	return v, ok, nil
}

func (b *shelf) Put(_ context.Context, k string, v []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	if b.kv == nil {
		b.kv = map[string][]byte{}
	}
	b.kv[k] = v
	return nil
}

// begin is a cold Monday morning.
var begin = time.Date(2027, 1, 11, 6, 0, 0, 0, time.UTC)

// rig is a home of two rooms with a heater each, on a clock moved by hand.
type rig struct {
	*site.Site
	clock *site.Clock
	a, b  *heater
	book  *shelf
}

func options(clock *site.Clock, book site.Book, a, b *heater) site.Options {
	return site.Options{
		Name: "Test", Version: "test", Book: book, Log: slog.New(slog.DiscardHandler),
		Period: 10 * time.Second, Location: time.UTC, Clock: clock,
		Control: control.Config{
			Zones: []control.Zone{
				{ID: "living", Name: "Living room", Kind: control.Room, SetPoint: 20},
				{ID: "study", Name: "Study", Kind: control.Room, SetPoint: 20},
			},
			Heaters: []control.Heater{
				{ID: "a", Zone: "living", Role: control.Primary, MinOn: time.Second, MinOff: time.Second},
				{ID: "b", Zone: "study", Role: control.Primary, MinOn: time.Second, MinOff: time.Second},
			},
		},
		Devices: []site.Device{{ID: "a", Name: "Heater A", Kind: "test", Driver: a}, {ID: "b", Name: "Heater B", Kind: "test", Driver: b}},
		Sensors: []site.Sensor{
			{ID: "ta", Name: "Air A", Kind: "device", Device: "a"},
			{ID: "tb", Name: "Air B", Kind: "device", Device: "b"},
		},
		ZoneSensors: map[string]site.ZoneSensors{"living": {Temp: "ta"}, "study": {Temp: "tb"}},
	}
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{clock: site.NewClock(begin), book: &shelf{}}
	r.a = &heater{clock: r.clock.Now, watts: 1000, room: 18}
	r.b = &heater{clock: r.clock.Now, watts: 500, room: 18}
	var err error
	if r.Site, err = site.New(t.Context(), options(r.clock, r.book, r.a, r.b)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Stop(context.Background(), "test ends") })
	return r
}

// steps does n rounds.
func (r *rig) steps(t *testing.T, n int) {
	t.Helper()
	for range n {
		r.clock.Set(r.clock.Now().Add(10 * time.Second))
		r.Step(t.Context())
	}
}

func (r *rig) device(id string) site.DeviceState {
	for _, d := range r.State().Devices {
		if d.ID == id {
			return d
		}
	}
	panic("no device " + id)
}

func (r *rig) hasEvent(code string) bool {
	for _, e := range r.Events(0, 0) {
		if e.Code == code {
			return true
		}
	}
	return false
}

func TestColdRoomsAreHeatedAndReadBack(t *testing.T) {
	r := newRig(t)
	r.steps(t, 60)
	st := r.State()
	if !strings.HasPrefix(st.Sentence, "Heating.") || !strings.Contains(st.Sentence, "Living room 18.0 °C") {
		t.Errorf("sentence = %q", st.Sentence)
	}
	for _, id := range []string{"a", "b"} {
		d := r.device(id)
		if d.Command == nil || !d.Command.Confirmed || d.Command.Demand.Verb != device.Run {
			t.Errorf("command of %s = %+v, want a confirmed run", id, d.Command)
		}
	}
	if p, ok := st.Power.Get(); !ok || p != 1500 {
		t.Errorf("power = %v, want 1500 W", st.Power)
	}
	if e, ok := st.Today.Electricity.Get(); !ok || e <= 0 || st.Today.Electricity.From() != units.Meter {
		t.Errorf("today's electricity = %v from %v", st.Today.Electricity, st.Today.Electricity.From())
	}
}

func TestUnpluggedMeansUnknownWithinThreePolls(t *testing.T) {
	r := newRig(t)
	r.steps(t, 6)
	r.a.set(func(h *heater) { h.unplugged = true })
	r.steps(t, 3)
	d := r.device("a")
	if d.Online || d.Reading.Power.IsKnown() || d.Reading.State != device.StateUnknown {
		t.Errorf("after three polls without an answer: online %v, power %v, state %v", d.Online, d.Reading.Power, d.Reading.State)
	}
	living, study := r.State().Zones[0], r.State().Zones[1]
	if living.Temp.IsKnown() || living.Power.IsKnown() {
		t.Errorf("living room = %v, %v, want both unknown", living.Temp, living.Power)
	}
	if p := r.State().Power; p.IsKnown() {
		t.Errorf("total power = %v although a part is unknown", p)
	}
	if !study.Temp.IsKnown() || study.Activity != control.Heating {
		t.Errorf("the other room = %v, %v: it should go on", study.Temp, study.Activity)
	}
	if !r.hasEvent("device_offline") {
		t.Error("nobody was told")
	}
	r.a.set(func(h *heater) { h.unplugged = false })
	r.steps(t, 12)
	if d := r.device("a"); !d.Online || !r.hasEvent("device_online") {
		t.Errorf("plugged in again: online %v", d.Online)
	}
}

func TestOneMissIsNotAnOutage(t *testing.T) {
	r := newRig(t)
	r.steps(t, 6)
	r.a.set(func(h *heater) { h.unplugged = true })
	r.steps(t, 1)
	d := r.device("a")
	if !d.Online || !d.Reading.Power.IsKnown() {
		t.Errorf("after one miss: online %v, power %v", d.Online, d.Reading.Power)
	}
	if d.Reading.Power.At().Equal(r.clock.Now()) {
		t.Error("the old reading passes as a new one")
	}
	if d.Trouble == "" {
		t.Error("the miss is not shown")
	}
}

func TestPanickingDriverTakesNothingElseDown(t *testing.T) {
	r := newRig(t)
	r.a.set(func(h *heater) { h.panics = true })
	r.steps(t, 6)
	if d := r.device("a"); d.Online || !strings.Contains(d.Trouble, "panicked") || strings.Contains(d.Trouble, "\n") {
		t.Errorf("panicking device: online %v, trouble %q", d.Online, d.Trouble)
	}
	if d := r.device("b"); !d.Online || d.Reading.State != device.StateHeating {
		t.Errorf("its neighbour: online %v, %v", d.Online, d.Reading.State)
	}
}

func TestGarbageIsUnknown(t *testing.T) {
	r := newRig(t)
	r.steps(t, 6)
	r.a.set(func(h *heater) { h.garbles = true })
	r.steps(t, 3)
	if d := r.device("a"); d.Reading.Power.IsKnown() || !r.hasEvent("device_garbage") {
		t.Errorf("garbled device = %v", d.Reading.Power)
	}
}

func TestHangingDriverTakesNothingElseDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := site.NewClock(begin)
		a := &heater{clock: clock.Now, watts: 1000, room: 18, hang: make(chan struct{})}
		b := &heater{clock: clock.Now, watts: 500, room: 18}
		s, err := site.New(t.Context(), options(clock, &shelf{}, a, b))
		if err != nil {
			t.Fatal(err)
		}
		r := &rig{Site: s, clock: clock, a: a, b: b}
		r.steps(t, 12)
		if d := r.device("a"); d.Online || !strings.Contains(d.Trouble, "hangs") {
			t.Errorf("hanging device: online %v, trouble %q", d.Online, d.Trouble)
		}
		if d := r.device("b"); !d.Online || d.Reading.State != device.StateHeating {
			t.Errorf("its neighbour: online %v, %v", d.Online, d.Reading.State)
		}
		close(a.hang)
		a.set(func(h *heater) { h.hang = nil })
		r.steps(t, 12)
		if d := r.device("a"); !d.Online {
			t.Errorf("after the driver let go: %q", d.Trouble)
		}
		_ = s.Stop(context.Background(), "test ends")
	})
}

func TestOKThatDidNothingIsNotBelieved(t *testing.T) {
	r := newRig(t)
	r.a.set(func(h *heater) { h.lies = true })
	r.steps(t, 8)
	d := r.device("a")
	if d.Command == nil || d.Command.Confirmed {
		t.Fatalf("command = %+v, want an unconfirmed one", d.Command)
	}
	if !r.hasEvent("command_unconfirmed") || d.Trouble == "" {
		t.Errorf("the lie is not shown: trouble %q", d.Trouble)
	}
	// A device that does not obey is left alone, and tried again now and then.
	r.steps(t, 40)
	if r.device("a").Trouble == "" || r.State().Zones[0].Activity == control.Heating {
		t.Errorf("still believed: trouble %q, room %v", r.device("a").Trouble, r.State().Zones[0].Activity)
	}
	r.a.set(func(h *heater) { h.lies = false })
	r.steps(t, 120)
	if d := r.device("a"); d.Trouble != "" || d.Reading.State != device.StateHeating {
		t.Errorf("it obeys again and is not used: %v, trouble %q", d.Reading.State, d.Trouble)
	}
}

func TestSimulatedDeviceTaintsEverythingItTouches(t *testing.T) {
	r := newRig(t)
	r.a.simulated = true
	r.steps(t, 6)
	st := r.State()
	if !st.Simulated || !st.Zones[0].Simulated || st.Zones[1].Simulated {
		t.Errorf("simulated: home %v, its room %v, the other room %v", st.Simulated, st.Zones[0].Simulated, st.Zones[1].Simulated)
	}
	if from := st.Zones[0].Temp.From(); from != units.Simulated {
		t.Errorf("its temperature is from %v", from)
	}
	if from := r.device("a").Reading.Power.From(); from != units.Simulated {
		t.Errorf("its power is from %v", from)
	}
}

func TestWatchdogActsWhenTheLoopStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := site.NewClock(begin)
		a := &heater{clock: clock.Now, watts: 1000, room: 18}
		b := &heater{clock: clock.Now, watts: 500, room: 18}
		book := &shelf{}
		s, err := site.New(t.Context(), options(clock, book, a, b))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		move := func(d time.Duration) {
			for range int(d / time.Second) {
				time.Sleep(time.Second)
				clock.Set(clock.Now().Add(time.Second))
			}
		}
		move(time.Minute)
		a.mu.Lock()
		on := a.on
		a.mu.Unlock()
		if !on {
			t.Fatal("the heater did not come on")
		}
		// The disk hangs in the middle of a step: the loop stands still.
		release := make(chan struct{})
		book.mu.Lock()
		book.block = release
		book.mu.Unlock()
		a.set(func(h *heater) { h.room = 25 }) // something to write about
		move(3 * time.Minute)
		a.mu.Lock()
		on = a.on
		a.mu.Unlock()
		if on {
			t.Error("the heater is on although control has stood still for minutes")
		}
		found := false
		for _, e := range s.Events(0, 0) {
			found = found || e.Code == "control_stopped"
		}
		if !found {
			t.Error("no alarm")
		}
		book.mu.Lock()
		book.block = nil
		book.mu.Unlock()
		close(release)
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

func TestStopLeavesHeatersSafe(t *testing.T) {
	r := newRig(t)
	r.steps(t, 6)
	if err := r.Stop(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	for _, h := range []*heater{r.a, r.b} {
		if h.on || !h.closed {
			t.Errorf("after Stop: on %v, closed %v", h.on, h.closed)
		}
	}
}

func TestStopNamesAHeaterItCouldNotReach(t *testing.T) {
	r := newRig(t)
	r.steps(t, 6)
	r.a.set(func(h *heater) { h.unplugged = true })
	err := r.Stop(t.Context(), "test")
	if err == nil || !strings.Contains(err.Error(), "Heater A") {
		t.Errorf("Stop = %v, want Heater A named", err)
	}
}

func TestPausedLedgerDoesNotStopHeating(t *testing.T) {
	r := newRig(t)
	r.book.fail = errors.New("no space left on device")
	r.steps(t, 60)
	st := r.State()
	if st.Ledger.Paused == "" {
		t.Error("the pause is not shown")
	}
	if r.device("a").Reading.State != device.StateHeating {
		t.Error("heating stopped with the ledger")
	}
	r.book.fail = nil
	r.steps(t, 12)
	if got := r.State().Ledger.Paused; got != "" {
		t.Errorf("the disk is back, and the ledger says %q", got)
	}
}

func TestActions(t *testing.T) {
	r := newRig(t)
	r.steps(t, 6)
	ctx := t.Context()
	check := func(err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("error = %v, want %v", err, want)
		}
	}
	check(r.SetPoint(ctx, "living", 22, time.Time{}, "test"), nil)
	r.steps(t, 1)
	if sp, _ := r.State().Zones[0].SetPoint.Get(); sp != 22 {
		t.Errorf("set-point = %v, want 22 °C", sp)
	}
	check(r.SetPoint(ctx, "living", 60, time.Time{}, "test"), site.ErrInvalid)
	check(r.SetPoint(ctx, "attic", 20, time.Time{}, "test"), site.ErrNotFound)
	check(r.SetMode(ctx, "living", site.ModeOff, "test"), nil)
	r.steps(t, 1)
	if z := r.State().Zones[0]; z.Mode != site.ModeOff || z.Activity == control.Heating {
		t.Errorf("switched off: %v, %v", z.Mode, z.Activity)
	}
	check(r.SetMode(ctx, "living", "perhaps", "test"), site.ErrInvalid)
	check(r.SetPreset(ctx, "study", "away", nil, time.Time{}, "test"), nil)
	r.steps(t, 1)
	if z := r.State().Zones[1]; z.Preset != "away" {
		t.Errorf("preset = %q, want away", z.Preset)
	}
	check(r.SetPreset(ctx, "study", "party", nil, time.Time{}, "test"), site.ErrInvalid)
	check(r.SetPreset(ctx, "study", "", nil, time.Time{}, "test"), nil)
	check(r.ClearTrip(ctx, "nothing", "test"), site.ErrNotFound)
	check(r.AllowCompute(ctx, true, "test"), site.ErrNotFound)
	check(r.Blink(ctx, "a"), site.ErrInvalid)
	check(r.Blink(ctx, "z"), site.ErrNotFound)
	check(r.Manual(ctx, "living", "a", "on", 48*time.Hour, "test"), site.ErrInvalid)
	_, err := r.History(ctx, site.HistoryQuery{Subject: "living", Metric: "mood", From: begin, To: begin.Add(time.Hour)})
	check(err, site.ErrInvalid)
}

// A restart finds mode, energy counters and control's memory again, and the
// energy shown never falls.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	key, err := store.LoadOrCreateKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	clock := site.NewClock(begin)
	var shown units.KilowattHours
	for run := range 3 {
		st, err := store.Open(t.Context(), filepath.Join(dir, "db"), store.Options{
			Key: key, HeadPath: filepath.Join(dir, "head"), Log: slog.New(slog.DiscardHandler), Location: time.UTC, Now: clock.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		a := &heater{clock: clock.Now, watts: 1000, room: 18}
		b := &heater{clock: clock.Now, watts: 500, room: 18}
		s, err := site.New(t.Context(), options(clock, shop{st}, a, b))
		if err != nil {
			t.Fatal(err)
		}
		r := &rig{Site: s, clock: clock, a: a, b: b}
		if got, known := r.device("a").Energy.Get(); run > 0 && (!known || got < shown) {
			t.Errorf("run %d begins with %v, the one before showed %v", run, got, shown)
		}
		if run > 0 && r.State().Zones[1].Mode != site.ModeOff {
			t.Errorf("run %d forgot that the study is off", run)
		}
		r.steps(t, 100)
		if err := s.SetMode(t.Context(), "study", site.ModeOff, "test"); err != nil {
			t.Fatal(err)
		}
		r.steps(t, 20)
		shown, _ = r.device("a").Energy.Get()
		if shown <= 0 {
			t.Fatalf("run %d counted %v", run, shown)
		}
		if run < 2 { // the last run is stopped properly, the others die
			if err := st.Close(); err != nil {
				t.Fatal(err)
			}
			_ = s.Stop(context.Background(), "crash")
			continue
		}
		if err := s.Stop(t.Context(), "test"); err != nil {
			t.Error(err)
		}
		report, err := st.Verify(t.Context())
		if err != nil || !report.OK() {
			t.Errorf("ledger: %v, %v", report, err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A heater that comes on by itself, as miners do after a power cut, is told to
// stop at once where no heat is wanted, whatever its minimum time.
func TestSelfStarterIsStopped(t *testing.T) {
	r := newRig(t)
	r.a.set(func(h *heater) { h.room = 25 })
	r.steps(t, 30)
	r.a.set(func(h *heater) { h.unplugged = true })
	r.steps(t, 4)
	r.a.set(func(h *heater) { h.unplugged, h.on = false, true })
	r.steps(t, 4)
	r.a.mu.Lock()
	defer r.a.mu.Unlock()
	if r.a.on || len(r.a.applied) == 0 {
		t.Errorf("on %v, told %v", r.a.on, r.a.applied)
	}
	for _, d := range r.a.applied {
		if d.Verb == device.Run {
			t.Errorf("a heater in a room of 25 °C was told %v", d)
		}
	}
}

// What is simulated stays so after a restart, even while it does not answer.
func TestSimulatedStaysSimulated(t *testing.T) {
	clock, book := site.NewClock(begin), &shelf{}
	for _, unplugged := range []bool{false, true} {
		a := &heater{clock: clock.Now, watts: 1000, room: 18, simulated: true, unplugged: unplugged}
		b := &heater{clock: clock.Now, watts: 500, room: 18}
		s, err := site.New(t.Context(), options(clock, book, a, b))
		if err != nil {
			t.Fatal(err)
		}
		(&rig{Site: s, clock: clock, a: a, b: b}).steps(t, 12)
		if st := s.State(); !st.Simulated || !st.Zones[0].Simulated || !st.Devices[0].Simulated {
			t.Errorf("unplugged %v: home, zone and device simulated = %v, %v, %v", unplugged, st.Simulated, st.Zones[0].Simulated, st.Devices[0].Simulated)
		}
		_ = s.Stop(t.Context(), "test")
	}
}

// shop is a store as a site wants it.
type shop struct{ *store.Store }

func (s shop) History(ctx context.Context, q site.HistoryQuery) ([]site.Point, time.Duration, error) {
	return nil, 0, nil
}

func BenchmarkStep(b *testing.B) {
	clock := site.NewClock(begin)
	h1 := &heater{clock: clock.Now, watts: 1000, room: 18}
	h2 := &heater{clock: clock.Now, watts: 500, room: 18}
	s, err := site.New(b.Context(), options(clock, &shelf{}, h1, h2))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		clock.Set(clock.Now().Add(10 * time.Second))
		s.Step(b.Context())
	}
	_ = s.Stop(context.Background(), "done")
}

func check(t *testing.T, r *rig, id, name string) site.Check {
	t.Helper()
	list, err := r.Checks(id)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no check %s of %s", name, id)
	return site.Check{}
}

func TestCommissioningProvesControl(t *testing.T) {
	r := newRig(t)
	r.steps(t, 6)
	if err := r.StartCheck(t.Context(), "a", site.CheckControl, "installer"); err != nil {
		t.Fatal(err)
	}
	r.steps(t, 30)
	if c := check(t, r, "a", site.CheckControl); c.Outcome != site.CheckPassed || len(c.Steps) != 4 {
		t.Errorf("check = %+v", c)
	}
	r.steps(t, 30)
	if d := r.device("a"); d.Reading.State != device.StateHeating {
		t.Errorf("after the check the cold room is not heated: %v, trouble %q, zone %q", d.Reading.State, d.Trouble, r.State().Zones[0].Sentence)
	}
	if n := len(r.State().Trips); n != 0 {
		t.Errorf("the check left trips: %+v", r.State().Trips)
	}
	sheet, err := r.SignSheet(t.Context(), "a", "installer")
	if err != nil || sheet.Record == 0 || sheet.Sheet.Zone != "living" || len(sheet.Hash) != 64 {
		t.Errorf("sheet = %+v, %v", sheet, err)
	}
}

func TestCommissioningFindsALiar(t *testing.T) {
	r := newRig(t)
	r.steps(t, 6)
	r.a.set(func(h *heater) { h.lies = true })
	if err := r.StartCheck(t.Context(), "a", site.CheckControl, "installer"); err != nil {
		t.Fatal(err)
	}
	r.steps(t, 60)
	if c := check(t, r, "a", site.CheckControl); c.Outcome != site.CheckFailed {
		t.Errorf("check = %+v", c)
	}
}

func TestUnplugTest(t *testing.T) {
	r := newRig(t)
	r.steps(t, 6)
	if err := r.StartCheck(t.Context(), "a", site.CheckUnplug, "installer"); err != nil {
		t.Fatal(err)
	}
	r.steps(t, 2)
	r.a.set(func(h *heater) { h.unplugged = true })
	r.steps(t, 5)
	if c := check(t, r, "a", site.CheckUnplug); c.Outcome != site.CheckWaiting || !strings.Contains(c.Text, "Plug it in again") {
		t.Errorf("while it is out: %+v", c)
	}
	r.a.set(func(h *heater) { h.unplugged = false })
	r.steps(t, 12)
	if c := check(t, r, "a", site.CheckUnplug); c.Outcome != site.CheckPassed {
		t.Errorf("after its return: %+v", c)
	}
	// One that nobody unplugs fails in the end rather than waiting for ever.
	if err := r.StartCheck(t.Context(), "b", site.CheckUnplug, "installer"); err != nil {
		t.Fatal(err)
	}
	r.steps(t, 120)
	if c := check(t, r, "b", site.CheckUnplug); c.Outcome != site.CheckFailed {
		t.Errorf("never unplugged: %+v", c)
	}
}

func TestChecksRefuseWhatMakesNoSense(t *testing.T) {
	r := newRig(t)
	r.steps(t, 6)
	if err := r.StartCheck(t.Context(), "a", "taste", "x"); !errors.Is(err, site.ErrInvalid) {
		t.Errorf("unknown check: %v", err)
	}
	if err := r.StartCheck(t.Context(), "z", site.CheckControl, "x"); !errors.Is(err, site.ErrNotFound) {
		t.Errorf("unknown device: %v", err)
	}
	if _, err := r.SignSheet(t.Context(), "a", "x"); !errors.Is(err, site.ErrInvalid) {
		t.Errorf("a sheet without a check: %v", err)
	}
	r.a.set(func(h *heater) { h.unplugged = true })
	r.steps(t, 4)
	if err := r.StartCheck(t.Context(), "a", site.CheckControl, "x"); !errors.Is(err, site.ErrUnavailable) {
		t.Errorf("a check of an absent device: %v", err)
	}
}

// The end of a run while devices are being read says nothing about them: no
// miss is counted, no command is called refused, and what happened last is in
// the ledger.
func TestEndInTheMiddleOfAStep(t *testing.T) {
	r := newRig(t)
	r.steps(t, 6)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 {
		r.clock.Set(r.clock.Now().Add(10 * time.Second))
		r.Step(ctx)
	}
	if !r.device("a").Online || !r.device("b").Online || r.hasEvent("command_refused") {
		t.Errorf("after the end: %+v", r.Events(0, 0))
	}
	written := r.book.n
	if err := r.Stop(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	if r.book.n < written+2 {
		t.Errorf("%d records after Stop, %d before: the heaters' safe state is not in the ledger", r.book.n, written)
	}
}

// A computer that takes no commands is asked again at once, not in an hour.
func TestGateThatOpens(t *testing.T) {
	r := newRig(t)
	r.a.set(func(h *heater) { h.gate = "Allow it first." })
	r.steps(t, 3)
	if got := r.device("a").Trouble; got != "Allow it first." {
		t.Fatalf("trouble %q", got)
	}
	r.a.set(func(h *heater) { h.gate = "" })
	r.steps(t, 6)
	if d := r.device("a"); d.Trouble != "" || d.Reading.State != device.StateHeating {
		t.Errorf("trouble %q, %s", d.Trouble, d.Reading.State)
	}
}

// What a person chose is on disk before the answer, whatever comes next.
func TestChoiceOutlivesAPowerCut(t *testing.T) {
	r := newRig(t)
	r.steps(t, 6)
	r.steps(t, 1)
	if err := r.SetMode(t.Context(), "living", site.ModeOff, "test"); err != nil {
		t.Fatal(err)
	}
	next, err := site.New(t.Context(), options(r.clock, r.book, r.a, r.b))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = next.Stop(context.Background(), "test ends") })
	if got := next.State().Zones[0].Mode; got != site.ModeOff {
		t.Errorf("mode %q after the cut, want off", got)
	}
}

// Where there is a thermometer, a computer with consent is a heater like any
// other: the thermostat commands it, and the consent ends with its time.
func TestComputerInARoom(t *testing.T) {
	r := &rig{clock: site.NewClock(begin), book: &shelf{}}
	r.a = &heater{clock: r.clock.Now, watts: 1000, room: 18}
	r.b = &heater{clock: r.clock.Now, watts: 500, room: 18}
	o := options(r.clock, r.book, r.a, r.b)
	o.Compute = &site.Compute{Device: "a", Zone: "living", For: time.Hour, Allowed: new(atomic.Bool)}
	var err error
	if r.Site, err = site.New(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Stop(context.Background(), "test ends") })
	if err := r.AllowCompute(t.Context(), true, "test"); err != nil {
		t.Fatal(err)
	}
	r.steps(t, 6)
	if !o.Compute.Allowed.Load() || r.device("a").Reading.State != device.StateHeating {
		t.Errorf("allowed %v, %s: the consent had no effect", o.Compute.Allowed.Load(), r.device("a").Reading.State)
	}
	r.steps(t, 360)
	if o.Compute.Allowed.Load() || !r.hasEvent("consent") {
		t.Error("the consent outlived its time")
	}
}
