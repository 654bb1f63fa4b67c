package homeassistant

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/internal/mqtt"
	"hearth/internal/mqtt/mqtttest"
	"hearth/site"
	"hearth/units"
)

// ear listens to everything on a broker, as Home Assistant would.
type ear struct {
	t      *testing.T
	client *mqtt.Client
	mu     sync.Mutex
	now    map[string]string   // the last payload of each topic
	past   map[string][]string // every payload of each topic
	news   chan struct{}
}

func listen(t *testing.T, b *mqtttest.Broker) *ear {
	t.Helper()
	e := &ear{t: t, now: map[string]string{}, past: map[string][]string{}, news: make(chan struct{}, 1)}
	e.client = connect(t, b, nil)
	if err := e.client.Listen(t.Context(), "#", func(m mqtt.Message) {
		e.mu.Lock()
		e.now[m.Topic] = string(m.Payload)
		e.past[m.Topic] = append(e.past[m.Topic], string(m.Payload))
		e.mu.Unlock()
		select {
		case e.news <- struct{}{}:
		default:
		}
	}); err != nil {
		t.Fatal(err)
	}
	return e
}

func connect(t *testing.T, b *mqtttest.Broker, will *mqtt.Will) *mqtt.Client {
	t.Helper()
	// The connection outlives the test's context, to say the last word.
	c, err := mqtt.Connect(context.WithoutCancel(t.Context()), mqtt.Config{URL: b.URL}, slog.New(slog.DiscardHandler), will)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Await(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

// await waits until the topics are as wanted; a test that waits in vain is
// ended by the test's own deadline and says what was missing.
func (e *ear) await(want map[string]string) {
	e.t.Helper()
	patience := time.After(20 * time.Second)
	for {
		missing := ""
		e.mu.Lock()
		for topic, payload := range want {
			if got, ok := e.now[topic]; !ok || got != payload {
				missing += "\n" + topic + " is " + strconv.Quote(got) + ", want " + strconv.Quote(payload)
			}
		}
		e.mu.Unlock()
		if missing == "" {
			return
		}
		select {
		case <-e.news:
		case <-patience:
			e.t.Fatalf("waited in vain: %s", missing)
		}
	}
}

func (e *ear) get(topic string) (string, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p, ok := e.now[topic]
	return p, ok
}

func (e *ear) history(topic string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.past[topic])
}

func (e *ear) say(topic, payload string, retain bool) {
	e.t.Helper()
	if err := e.client.Publish(e.t.Context(), topic, []byte(payload), 1, retain); err != nil {
		e.t.Fatal(err)
	}
}

// start runs the bridge until stop is called, which waits for its end.
func start(t *testing.T, b *mqtttest.Broker, h *house) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	client := connect(t, b, Will("elm"))
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, Options{
			Home: h, Broker: client, Node: "elm", Version: "0.1.0", Page: "https://hearth.example:8443",
			Pace: time.Millisecond, Log: slog.New(slog.DiscardHandler),
		})
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

const livingSet = "hearth/elm/zone/living/setpoint"

func TestHomeAppears(t *testing.T) {
	b := mqtttest.Start(t)
	e := listen(t, b)
	stop := start(t, b, newHouse(sample()))

	want := map[string]string{"hearth/elm/availability": online}
	for _, th := range sampleView().things(sample()) {
		m := th.config("0.1.0", "https://hearth.example:8443", nil)
		want[m.topic] = m.payload
		for _, m := range th.values {
			want[m.topic] = m.payload
		}
	}
	e.await(want)

	// All of it is retained: who comes later gets it too.
	late := listen(t, b)
	late.await(want)

	stop()
	e.await(map[string]string{"hearth/elm/availability": offline})
}

func TestCommandIsObeyedAndShown(t *testing.T) {
	b := mqtttest.Start(t)
	e := listen(t, b)
	h := newHouse(sample())
	start(t, b, h)
	e.await(map[string]string{livingSet: "21.00", "hearth/elm/availability": online})

	e.say(livingSet+"/set", "19.5", false)
	e.await(map[string]string{livingSet: "19.50"})
	e.say("hearth/elm/zone/living/mode/set", "off", false)
	e.await(map[string]string{"hearth/elm/zone/living/mode": "off"})
	e.say("hearth/elm/zone/tank/clear/set", "PRESS", false)
	e.await(map[string]string{
		"hearth/elm/zone/tank/problem": "OFF", "hearth/elm/zone/tank/clear/availability": offline,
	})
	e.say("hearth/elm/home/home/compute/set", "ON", false)
	e.await(map[string]string{"hearth/elm/home/home/compute": "ON"})

	// Hostile payloads change nothing. The last, good command comes after them
	// in order, so that when it is done they were all refused.
	before := len(h.requests())
	for _, bad := range []string{"99", "-40", "NaN", "", "{}", "21.5; rm", strings.Repeat("9", 1<<16), "\x00", "1e999"} {
		e.say(livingSet+"/set", bad, false)
	}
	e.say("hearth/elm/zone/living/unheard_of/set", "1", false)
	e.say("hearth/elm/zone/%2e%2e/setpoint/set", "1", false)
	e.say(livingSet+"/set", "18", false)
	e.await(map[string]string{livingSet: "18.00"})
	if got := len(h.requests()) - before; got != 1 {
		t.Errorf("%d requests reached the home, want 1: %q", got, h.requests()[before:])
	}
}

// A retained command would be obeyed anew after each reconnect, however old.
func TestRetainedCommandIsIgnored(t *testing.T) {
	b := mqtttest.Start(t)
	e := listen(t, b)
	e.say(livingSet+"/set", "25", true)
	h := newHouse(sample())
	start(t, b, h)
	e.await(map[string]string{livingSet: "21.00", "hearth/elm/availability": online})
	e.say(livingSet+"/set", "19", false)
	e.await(map[string]string{livingSet: "19.00"})
	if got := h.requests(); len(got) != 1 {
		t.Errorf("the home was asked %q", got)
	}
}

func TestChangesAreShown(t *testing.T) {
	b := mqtttest.Start(t)
	e := listen(t, b)
	h := newHouse(sample())
	start(t, b, h)
	const power = "hearth/elm/device/mini/power"
	e.await(map[string]string{power: "850.0", power + "/availability": online})

	// The plug is pulled: unknown, not zero.
	h.change(func(st *site.State) {
		st.Devices = slices.Clone(st.Devices)
		st.Devices[0].Online = false
		st.Devices[0].Reading.Power = units.Unknown[units.Watts]("it does not answer", st.At)
	})
	e.await(map[string]string{
		power: none, power + "/availability": offline, "hearth/elm/device/mini/availability": offline,
	})
	h.change(func(st *site.State) {
		st.Devices = slices.Clone(st.Devices)
		st.Devices[0].Online = true
		st.Devices[0].Reading.Power = units.Know(units.Watts(0), st.At, units.PSU)
	})
	e.await(map[string]string{power: "0.0", power + "/availability": online, "hearth/elm/device/mini/availability": online})
	if got := e.history(power); !slices.Equal(got, []string{"850.0", none, "0.0"}) {
		t.Errorf("power was told as %q", got)
	}
}

// relay stands between a client and the broker, so that a connection can be
// cut without a word, as when a computer loses its power.
func relay(t *testing.T, target string) (addr string, cut func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var conns []net.Conn
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", target)
			if err != nil {
				in.Close()
				continue
			}
			mu.Lock()
			conns = append(conns, in, out)
			mu.Unlock()
			for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
				wg.Go(func() {
					buf := make([]byte, 32<<10)
					for {
						n, err := pair[0].Read(buf)
						if _, werr := pair[1].Write(buf[:n]); err != nil || werr != nil {
							pair[1].Close()
							return
						}
					}
				})
			}
		}
	})
	cut = func() {
		l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range conns {
			c.Close()
		}
	}
	t.Cleanup(func() { cut(); wg.Wait() })
	return l.Addr().String(), cut
}

func TestLastWillWhenHearthDies(t *testing.T) {
	b := mqtttest.Start(t)
	e := listen(t, b)
	addr, cut := relay(t, strings.TrimPrefix(b.URL, "mqtt://"))
	start(t, &mqtttest.Broker{URL: "mqtt://" + addr}, newHouse(sample()))
	e.await(map[string]string{"hearth/elm/availability": online})
	cut()
	e.await(map[string]string{"hearth/elm/availability": offline})
}

func TestEverythingIsSaidAgain(t *testing.T) {
	b := mqtttest.Start(t)
	h := newHouse(sample())
	e := listen(t, b)
	start(t, b, h)
	config := "homeassistant/device/hearth_elm_zone_living/config"
	e.await(map[string]string{"hearth/elm/availability": online})
	before := len(e.history(config))

	// Home Assistant starts.
	e.say("homeassistant/status", "online", false)
	for len(e.history(config)) == before {
		select {
		case <-e.news:
		case <-t.Context().Done():
			t.Fatal("nothing was said again")
		}
	}

	// The broker loses its memory.
	b.Stop()
	b.Resume()
	late := listen(t, b)
	late.await(map[string]string{"hearth/elm/availability": online, livingSet: "21.00"})
	if _, ok := late.get(config); !ok {
		t.Error("the discovery message did not come back")
	}
}

// A restart may not know the energy at once, but never tells less than before.
func TestEnergyNeverFallsAcrossRestarts(t *testing.T) {
	b := mqtttest.Start(t)
	e := listen(t, b)
	const energy = "hearth/elm/device/mini/energy"

	stop := start(t, b, newHouse(sample()))
	e.await(map[string]string{energy: "1234.568", "hearth/elm/availability": online})
	stop()

	fresh := sample()
	fresh.Devices[0].Energy = units.Unknown[units.KilowattHours]("not read from the ledger yet", fresh.At)
	h := newHouse(fresh)
	start(t, b, h)
	e.await(map[string]string{energy: none, energy + "/availability": offline})
	h.change(func(st *site.State) {
		st.Devices = slices.Clone(st.Devices)
		st.Devices[0].Energy = units.Know(units.KilowattHours(1234.6), st.At, units.PSU)
	})
	e.await(map[string]string{energy: "1234.600", energy + "/availability": online})

	last := 0.0
	for _, p := range e.history(energy) {
		if p == none {
			continue
		}
		v, err := strconv.ParseFloat(p, 64)
		if err != nil || v < last {
			t.Errorf("energy fell: %q", e.history(energy))
		}
		last = v
	}
}

// Things and entities that are gone vanish, also those of an earlier run; the
// things of other homes stay.
func TestWhatIsGoneIsRemoved(t *testing.T) {
	b := mqtttest.Start(t)
	e := listen(t, b)
	// Another home whose name begins like this one's, and one that is no home.
	other := view{names: names{"elm_zone"}, version: "1"}
	foreign := other.things(sample())[0].config("1", "", nil)
	e.say(foreign.topic, foreign.payload, true)
	const theirs, garbage = `{"dev":{"ids":["x"]},"cmps":{}}`, `{{{`
	e.say("homeassistant/device/hearth_elm_zone_theirs/config", theirs, true)
	e.say("homeassistant/device/hearth_elm_garbage/config", garbage, true)

	h := newHouse(sample())
	stop := start(t, b, h)
	e.await(map[string]string{"hearth/elm/device/mini/energy": "1234.568", "hearth/elm/availability": online})

	// While it runs: the tank goes.
	h.change(func(st *site.State) {
		st.Zones = slices.DeleteFunc(slices.Clone(st.Zones), func(z site.ZoneState) bool { return z.ID == "tank" })
	})
	gone := map[string]string{
		"homeassistant/device/hearth_elm_zone_tank/config": "",
		"hearth/elm/zone/tank/setpoint":                    "",
		"hearth/elm/zone/tank/power/availability":          "",
	}
	e.await(gone)
	stop()

	// Between two runs: the miner goes, and the home's computer.
	less := sample()
	less.Devices = less.Devices[1:]
	less.Compute = site.ComputeState{}
	start(t, b, newHouse(less))
	gone = map[string]string{
		"homeassistant/device/hearth_elm_device_mini/config": "",
		"hearth/elm/device/mini/energy":                      "",
		"hearth/elm/device/mini/power/availability":          "",
	}
	e.await(gone)
	config := "homeassistant/device/hearth_elm/config"
	e.await(map[string]string{config: sampleView().home(less).config("0.1.0", "https://hearth.example:8443", nil).payload})
	removed := slices.ContainsFunc(e.history(config), func(p string) bool {
		var c struct {
			Entities map[string]map[string]any `json:"cmps"`
		}
		return json.Unmarshal([]byte(p), &c) == nil && maps.Equal(c.Entities["compute"], map[string]any{"p": "switch"})
	})
	if !removed {
		t.Error("the switch for the computer was not removed")
	}

	late := listen(t, b)
	late.await(map[string]string{
		foreign.topic: foreign.payload,
		"homeassistant/device/hearth_elm_zone_theirs/config": theirs,
		"homeassistant/device/hearth_elm_garbage/config":     garbage,
	})
}

// Nothing that others do is an error of ours.
func TestRefusalsAreNoErrors(t *testing.T) {
	b := mqtttest.Start(t)
	e := listen(t, b)
	var log bytes.Buffer
	var mu sync.Mutex
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	client := connect(t, b, Will("elm"))
	h := newHouse(sample())
	go func() {
		done <- Run(ctx, Options{
			Home: h, Broker: client, Node: "elm", Pace: time.Millisecond,
			Log: slog.New(slog.NewTextHandler(locked{&mu, &log}, nil)),
		})
	}()
	e.await(map[string]string{"hearth/elm/availability": online})
	e.say(livingSet+"/set", "500", false)
	e.say(livingSet+"/set", "19", false)
	e.await(map[string]string{livingSet: "19.00"})
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "500.0 °C is outside") {
		t.Errorf("the refusal is not in the log:\n%s", &log)
	}
	if strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("an error in the log:\n%s", &log)
	}
}

// locked lets two goroutines write to one buffer.
type locked struct {
	mu *sync.Mutex
	b  *bytes.Buffer
}

func (l locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}
