package generic_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/device"
	"hearth/device/devicetest"
	"hearth/drivers/generic"
	"hearth/emulate"
	"hearth/internal/mqtt"
	"hearth/internal/mqtt/mqtttest"
	"hearth/units"
)

const overMQTT = `
model: Stove 3
serial_from: {path: id}
max: 1200 W
idle: 5 W
mqtt: {state: stove/state, availability: stove/status, stale_after: 10m}
power: {path: meter.power, unit: kW}
energy: {path: meter.energy, unit: kWh}
measured: psu
state: {path: mode, values: {"on": heating, "off": paused}}
temperatures:
  - {name: outlet, kind: air_out, path: "temps[0].f", unit: °F, unknown: [-127]}
`

const levelsOverMQTT = `
level: {path: level}
levels:
  - {id: low, power: 600 W, value: L1}
  - {id: high, power: 1200 W, value: L2 eco}
commands:
  set_level: {topic: stove/set/level, payload: "{{.Level}}", latency: 2s}
  run: {topic: stove/set/mode, payload: "on", latency: 2s}
  pause: {topic: stove/set/mode, payload: "off", latency: 2s}
`

const powerOverMQTT = `
power_range: {min: 300 W, max: 1200 W}
dead_man: 5m
commands:
  set_power: {topic: stove/set/power, payload: "{{.Watts}}", latency: 2s}
  run: {topic: stove/set/mode, payload: "on", latency: 2s}
  pause: {topic: stove/set/mode, payload: "off", latency: 2s}
`

// plug is the stove's connection to the broker.
type plug struct {
	*stove
	client *mqtt.Client
	root   string // of its topics
	mu     sync.Mutex
	synced map[string]chan struct{}
}

// connect puts the stove on the broker under a root of its own, over a line
// that the faults can cut.
func (s *stove) connect(t *testing.T, broker *mqtttest.Broker, root string) *plug {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go relay(s.faults.Listener(l, nil), strings.TrimPrefix(broker.URL, "mqtt://"))

	p := &plug{stove: s, root: root, synced: make(map[string]chan struct{})}
	p.client = dial(t, "mqtt://"+l.Addr().String(), &mqtt.Will{Topic: root + "/status", Payload: []byte("offline"), Retain: true})
	if err := p.client.Subscribe(t.Context(), root+"/set/#", func(topic string, payload []byte) {
		what := strings.TrimPrefix(topic, root+"/set/")
		if what == "sync" {
			p.mu.Lock()
			defer p.mu.Unlock()
			close(p.synced[string(payload)])
			return
		}
		_ = s.do(what, string(payload)) // a real plug says nothing either
	}); err != nil {
		t.Fatal(err)
	}
	p.client.Watch(t.Context(), func(up bool) {
		if up {
			_ = p.client.Publish(t.Context(), root+"/status", []byte("online"), 1, true)
			_ = p.tell(t.Context())
		}
	})
	return p
}

func relay(l net.Listener, to string) {
	for {
		near, err := l.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", to)
		if err != nil {
			near.Close()
			continue
		}
		go func() {
			defer far.Close()
			_, _ = io.Copy(far, near)
		}()
		go func() {
			defer near.Close()
			_, _ = io.Copy(near, far)
		}()
	}
}

func dial(t *testing.T, url string, will *mqtt.Will) *mqtt.Client {
	t.Helper()
	// The client outlives t.Context, which ends before the cleanups.
	c, err := mqtt.Connect(context.Background(), mqtt.Config{URL: url}, slog.New(slog.DiscardHandler), will)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	up := make(chan bool, 4)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c.Watch(ctx, func(now bool) { up <- now })
	for !<-up {
	}
	return c
}

// tell publishes what the stove has to say.
func (p *plug) tell(ctx context.Context) error {
	return p.client.Publish(ctx, p.root+"/state", p.status(), 1, false)
}

// settle waits until the stove has taken all commands sent so far, lets d of
// emulated time pass and waits until the driver has what the stove then says.
func (p *plug) settle(t *testing.T, via *mqtt.Client, d device.Device, pass time.Duration) {
	t.Helper()
	done := make(chan struct{})
	p.mu.Lock()
	nonce := fmt.Sprint(len(p.synced))
	p.synced[nonce] = done
	p.mu.Unlock()
	if err := via.Publish(t.Context(), p.root+"/set/sync", []byte(nonce), 1, false); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("the stove does not get its commands")
	}
	now := p.clock.Advance(pass)
	if err := p.tell(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool {
		r, err := d.Read(t.Context())
		return err == nil && r.Power.At().Equal(now)
	})
}

func until(t *testing.T, done func() bool) {
	t.Helper()
	for range 20000 {
		if done() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("it does not come about")
}

// The suite's levers act on one answer each; a device that speaks by itself,
// through a broker, has no answers to spoil or to hold back. What happens when
// it is unplugged or speaks garbage is tested below.
var withoutAnswers = []string{
	"unplugged is unreachable, plugged is well", "a device that hangs holds nobody", "garbage is no reading",
	"half an answer is no reading", "a restart is not heat",
}

func TestConformanceOverMQTT(t *testing.T) {
	for name, more := range map[string]string{"levels": levelsOverMQTT, "free power with a timer": powerOverMQTT} {
		t.Run(name, func(t *testing.T) {
			broker := mqtttest.Start(t)
			for i, c := range devicetest.Checks() {
				if slices.Contains(withoutAnswers, c.Name) {
					continue
				}
				t.Run(c.Name, func(t *testing.T) {
					s := newStove()
					s.timer = strings.Contains(more, "dead_man")
					// The last words of the stove before must not be taken for this one's.
					root := fmt.Sprintf("stove%d", i)
					text := strings.ReplaceAll(overMQTT+more, "stove/", root+"/")
					home := dial(t, broker.URL, nil)
					d := open(t, text, home, s.clock.Now)
					p := s.connect(t, broker, root)
					p.settle(t, home, d, 0)
					c.Run(t, devicetest.Bench{
						Device:   d,
						Faults:   s.faults,
						Now:      s.clock.Now,
						Settings: func() string { return "wifi=home" },
						Advance:  func(pass time.Duration) { p.settle(t, home, d, pass) },
						Elsewhere: func() device.Device {
							other := open(t, text, home, s.clock.Now)
							p.settle(t, home, other, 0)
							return other
						},
						Blind: func() {
							s.mu.Lock()
							s.blind = true
							s.mu.Unlock()
							p.settle(t, home, d, time.Second)
						},
					})
				})
			}
		})
	}
}

func TestAPlugThatIsPulled(t *testing.T) {
	broker := mqtttest.Start(t)
	s := newStove()
	home := dial(t, broker.URL, nil)
	d := open(t, overMQTT+levelsOverMQTT, home, s.clock.Now)
	if _, err := d.Read(t.Context()); !errors.Is(err, device.ErrUnreachable) {
		t.Errorf("before it ever said anything: %v", err)
	}
	p := s.connect(t, broker, "stove")
	p.settle(t, home, d, 0)

	s.faults.Unplug()
	until(t, func() bool { _, err := d.Read(t.Context()); return errors.Is(err, device.ErrUnreachable) })
	if _, err := d.Apply(t.Context(), device.Demand{Verb: device.Pause}); !errors.Is(err, device.ErrUnreachable) {
		t.Errorf("a command to an unplugged stove: %v", err)
	}
	if _, err := d.Identify(t.Context()); !errors.Is(err, device.ErrUnreachable) {
		t.Errorf("an unplugged stove is identified: %v", err)
	}
	s.faults.Plug()
	until(t, func() bool { _, err := d.Read(t.Context()); return err == nil })
	if s.on != true {
		t.Error("the command was carried out late")
	}

	// A stove that is online and says nothing for longer than stale_after.
	s.clock.Advance(10*time.Minute + time.Second)
	if _, err := d.Read(t.Context()); !errors.Is(err, device.ErrUnreachable) || !strings.Contains(err.Error(), "10m1s old") {
		t.Errorf("a silent stove: %v", err)
	}
	p.settle(t, home, d, 0)

	broker.Stop()
	until(t, func() bool { _, err := d.Read(t.Context()); return errors.Is(err, device.ErrUnreachable) })
	if _, err := d.Apply(t.Context(), device.Demand{Verb: device.Pause}); !errors.Is(err, device.ErrUnreachable) {
		t.Errorf("a command without a broker: %v", err)
	}
}

func TestMessagesThatAreGarbage(t *testing.T) {
	broker := mqtttest.Start(t)
	home := dial(t, broker.URL, nil)
	clock := emulate.NewManual(time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC))
	d := open(t, `
model: Plug
mqtt: {state: plug/state}
power: {path: w, unit: W}
temperatures: [{name: inside, kind: board, path: t, unit: C, unknown: [85]}]
`, home, clock.Now)
	say := func(payload string) (device.Reading, error) {
		t.Helper()
		now := clock.Advance(time.Second)
		if err := home.Publish(t.Context(), "plug/state", []byte(payload), 1, false); err != nil {
			t.Fatal(err)
		}
		var r device.Reading
		var err error
		until(t, func() bool {
			r, err = d.Read(t.Context())
			// Garbage carries no time: it is told by the payload's own mark.
			return err == nil && r.Power.At().Equal(now) || err != nil && errors.Is(err, device.ErrGarbage)
		})
		return r, err
	}
	if r, err := say(`{"w": 40, "t": 30}`); err != nil || watts(t, r) != 40 {
		t.Errorf("a good message: %v, %v", r.Power, err)
	}
	for _, junk := range []string{"{}", "null", "[]", "OK", `{"w": `, "\x00\xff", "", `{"w": "much", "t": []}`} {
		if r, err := say(junk); !errors.Is(err, device.ErrGarbage) {
			t.Errorf("%q reads as %+v, %v", junk, r, err)
		}
		if r, err := say(`{"w": 41, "t": 85}`); err == nil && (watts(t, r) != 41 || r.Temps[0].Value.IsKnown()) {
			t.Errorf("after %q: %+v", junk, r)
		}
		clock.Advance(time.Second)
		until(t, func() bool { _, err := d.Read(t.Context()); return err == nil })
	}
}

func TestRetainedMessagesAreTakenOnlyWhereSaid(t *testing.T) {
	broker := mqtttest.Start(t)
	home := dial(t, broker.URL, nil)
	if err := home.Publish(t.Context(), "plug/w", []byte("40"), 1, true); err != nil {
		t.Fatal(err)
	}
	taken := open(t, `{model: Plug, mqtt: {retained: true}, power: {topic: plug/w, unit: W}}`, home, time.Now)
	until(t, func() bool { _, err := taken.Read(t.Context()); return err == nil })
	if p := watts(t, read(t, taken)); p != 40 {
		t.Errorf("it draws %v", p)
	}
	left := open(t, `{model: Plug, power: {topic: plug/w, unit: W}}`, home, time.Now)
	until(t, func() bool {
		_, err := left.Read(t.Context())
		if !errors.Is(err, device.ErrUnreachable) {
			t.Fatalf("a retained message was taken: %v", err)
		}
		return strings.Contains(err.Error(), "nobody knows how old it is")
	})
	if err := home.Publish(t.Context(), "plug/w", []byte("41"), 1, true); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { r, err := left.Read(t.Context()); return err == nil && watts(t, r) == units.Watts(41) })
}

func TestADeviceOverMQTTNeedsABroker(t *testing.T) {
	for _, kind := range []device.Kind{generic.New(nil), generic.New(func() *mqtt.Client { return nil })} {
		_, err := kind.Open(t.Context(), describe(`{model: Plug, power: {topic: plug/w, unit: W}}`), env(time.Now))
		if err == nil || !strings.Contains(err.Error(), "the home has no broker") {
			t.Errorf("got %v", err)
		}
	}
}
