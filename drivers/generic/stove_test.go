package generic_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"hearth/device"
	"hearth/drivers/generic"
	"hearth/emulate"
	"hearth/internal/mqtt"
	"hearth/units"
)

// stove is a made-up electric stove with a network plug, by which the driver
// is tested: it has two levels or a free wattage, forgets its heat unless told
// again within five minutes if it has such a timer, and counts its flash
// writes.
type stove struct {
	clock  *emulate.Manual
	faults *emulate.Faults
	timer  bool

	mu      sync.Mutex
	on      bool
	level   string
	watts   float64 // free wattage; 0: by level
	told    time.Time
	blind   bool
	writes  int
	booting time.Time // until
}

func newStove() *stove {
	s := &stove{clock: emulate.NewManual(time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)), on: true, level: "L1"}
	s.told = s.clock.Now()
	s.faults = emulate.NewFaults(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.on, s.booting = false, s.clock.Now().Add(20*time.Second)
	})
	return s
}

func (s *stove) alive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.clock.Now().Before(s.booting)
}

// do obeys a command, or says that it does.
func (s *stove) do(what, value string) error {
	if s.faults.LyingOK() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = s.clock.Now()
	switch what {
	case "mode":
		s.on = value == "on"
	case "level":
		if value != "L1" && value != "L2 eco" {
			return fmt.Errorf("no level %q", value)
		}
		s.level, s.watts = value, 0
		s.writes++
	case "power":
		var w float64
		if _, err := fmt.Sscan(value, &w); err != nil || w < 300 || w > 1200 {
			return fmt.Errorf("no power %q", value)
		}
		s.watts = w
	default:
		return fmt.Errorf("no %q", what)
	}
	return nil
}

// status is the answer and the message in which all values stand.
func (s *stove) status() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer && s.clock.Now().Sub(s.told) > 5*time.Minute {
		s.on = false
	}
	draw, out := 5.0, 21.0
	if s.on {
		out = 55
		if draw = map[string]float64{"L1": 600, "L2 eco": 1200}[s.level]; s.watts > 0 {
			draw = s.watts
		}
	}
	mode := map[bool]string{true: "on", false: "off"}[s.on]
	if s.blind {
		out = -127
	}
	b, err := json.Marshal(map[string]any{
		"emulator": "hearth", "id": "ST-0815", "mode": mode, "level": s.level,
		"meter": map[string]any{"power": draw * s.faults.LyingWatts() / 1000, "energy": "1.25"},
		"temps": []any{map[string]any{"f": out*1.8 + 32}, map[string]any{"f": 32 + 1.8*-127}},
	})
	if err != nil {
		panic(err)
	}
	if s.blind {
		b = bytes.ReplaceAll(b, fmt.Append(nil, out*1.8+32), []byte("-127"))
	}
	return b
}

func (s *stove) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer sesame" {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	if r.Method == http.MethodGet && r.URL.Path == "/status" {
		w.Write(s.status())
		return
	}
	what := strings.TrimPrefix(r.URL.Path, "/set/")
	value := r.URL.Query().Get("to")
	if b, _ := io.ReadAll(r.Body); len(b) > 0 {
		var got struct {
			Value any `json:"value"`
		}
		if err := json.Unmarshal(b, &got); err != nil {
			http.Error(w, "not JSON", http.StatusBadRequest)
			return
		}
		value = fmt.Sprint(got.Value)
	}
	if err := s.do(what, value); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	io.WriteString(w, "OK")
}

// serve puts the stove on a socket and returns its address.
func (s *stove) serve(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.faults.Serve(ctx, l, s.alive, s) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}

const overHTTP = `
vendor: Acme
model: Stove 3
serial_from: {path: id}
max: 1200 W
idle: 5 W
http: {url: "ADDRESS", status: /status, token: "file:stove-token"}
power: {path: meter.power, unit: kW}
energy: {path: meter.energy, unit: kWh}
measured: meter
state: {path: mode, values: {"on": heating, "off": paused}}
temperatures:
  - {name: outlet, kind: air_out, path: "temps[0].f", unit: °F, unknown: [-127]}
  - {name: inlet, kind: air_in, path: "temps[1].f", unit: °F}
`

const byLevel = `
level: {path: level}
levels:
  - {id: low, name: Low, power: 600 W, value: L1}
  - {id: high, power: 1200 W, loud: 2, value: L2 eco}
commands:
  set_level: {path: "/set/level?to={{.Level}}", latency: 2s}
  run: {method: PUT, path: /set/mode, body: '{"value": "on"}', latency: 2s}
  pause: {path: "/set/mode?to=off", latency: 2s}
`

const byPower = `
power_range: {min: 300 W, max: 1200 W, step: 50 W}
commands:
  set_power: {path: /set/power, body: '{"value": {{.Watts}}}', latency: 2s}
  run: {path: "/set/mode?to=on", latency: 2s}
  pause: {path: "/set/mode?to=off", latency: 2s}
`

// describe decodes a description as the configuration file would.
func describe(text string) func(any) error {
	return func(dst any) error { return yaml.UnmarshalWithOptions([]byte(text), dst, yaml.Strict()) }
}

func env(now func() time.Time) device.Env {
	return device.Env{
		Name: "stove", Log: slog.New(slog.DiscardHandler), Now: now,
		Secret: func(ref string) (string, error) {
			if ref != "file:stove-token" {
				return "", fmt.Errorf("there is no %s", ref)
			}
			return "sesame\n", nil
		},
	}
}

func open(t *testing.T, text string, broker *mqtt.Client, now func() time.Time) device.Device {
	t.Helper()
	d, err := generic.New(func() *mqtt.Client { return broker }).Open(t.Context(), describe(text), env(now))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func read(t *testing.T, d device.Device) device.Reading {
	t.Helper()
	r, err := d.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func watts(t *testing.T, r device.Reading) units.Watts {
	t.Helper()
	p, ok := r.Power.Get()
	if !ok {
		t.Fatalf("power is %v", r.Power)
	}
	return p
}
