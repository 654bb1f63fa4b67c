package sensor_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/goccy/go-yaml"

	"hearth/internal/mqtt"
	"hearth/internal/mqtt/mqtttest"
	"hearth/source/sensor"
	"hearth/units"
)

var noon = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func open(t *testing.T, kind, config string, deps sensor.Deps) sensor.Sensor {
	t.Helper()
	s, err := sensor.Open(kind, describe(config), deps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func describe(config string) func(any) error {
	return func(dst any) error { return yaml.UnmarshalWithOptions([]byte(config), dst, yaml.Strict()) }
}

// wants checks a reading by how it prints: "20.5 °C" or a part of the reason.
func wants(t *testing.T, what string, got units.Known[units.Celsius], want string) {
	t.Helper()
	if !strings.Contains(got.String(), want) || got.IsKnown() != strings.HasSuffix(want, "°C") {
		t.Errorf("%s reads as %v, want %q", what, got, want)
	}
	if got.IsKnown() && got.From() != units.Meter {
		t.Errorf("%s is from %v", what, got.From())
	}
}

const probe = "sys/bus/w1/devices/28-0316a2794f7c/"

func TestOneWire(t *testing.T) {
	file := func(name, text string) fstest.MapFS { return fstest.MapFS{name: {Data: []byte(text)}} }
	const crc = "55 01 4b 46 7f ff 0c 10 cf : crc=cf "
	for _, c := range []struct {
		name, want string
		fs         fs.FS
		fails      bool
	}{
		{"a room", "21.3 °C", file(probe+"temperature", "21312\n"), false},
		{"frost", "-10.1 °C", file(probe+"temperature", "-10125\n"), false},
		{"hot water of nearly 85 °C", "84.9 °C", file(probe+"temperature", "84937\n"), false},
		{"power-on", "lost its power", file(probe+"temperature", "85000\n"), false},
		{"not connected", "not connected", file(probe+"temperature", "-127000\n"), false},
		{"impossible", "cannot be", file(probe+"temperature", "4000000\n"), false},
		{"nothing", "the kernel says", file(probe+"temperature", ""), false},
		{"words", "the kernel says", file(probe+"temperature", "error"), false},
		{"an old kernel", "21.3 °C", file(probe+"w1_slave", crc+"YES\n55 01 4b 46 7f ff 0c 10 cf t=21312\n"), false},
		{"an old kernel, wrong checksum", "checksum is wrong", file(probe+"w1_slave", crc+"NO\n55 01 4b 46 7f ff 0c 10 cf t=21312\n"), false},
		{"an old kernel, power-on", "lost its power", file(probe+"w1_slave", crc+"YES\n50 05 4b 46 7f ff 0c 10 1c t=85000\n"), false},
		{"an old kernel, cut off", "shows no temperature", file(probe+"w1_slave", crc+"YES\n"), false},
		{"parasitic power fails", "answers with errors", failing{}, false},
		{"another probe", "is not on the bus", file("sys/bus/w1/devices/28-000000000000/temperature", "21312"), true},
		{"no bus", "is not on the bus", fstest.MapFS{}, true},
	} {
		s := open(t, "onewire", "{id: 28-0316A2794F7C}", sensor.Deps{Now: at(noon), System: c.fs})
		got, err := s.Read(t.Context())
		wants(t, c.name, got, c.want)
		if (err != nil) != c.fails {
			t.Errorf("%s: %v", c.name, err)
		}
		if got.IsKnown() && !got.At().Equal(noon) {
			t.Errorf("%s was read at %v", c.name, got.At())
		}
	}

	t.Run("the only probe needs no id", func(t *testing.T) {
		bus := fstest.MapFS{"sys/bus/w1/devices/w1_bus_master1/name": {}}
		s := open(t, "onewire", "{}", sensor.Deps{Now: at(noon), System: bus})
		for _, c := range []struct{ add, want string }{
			{"", "there is no probe"},
			{"28-0316a2794f7c", "21.3 °C"},
			{"28-0416a2794f7c", "there are 2 probes on the 1-Wire bus: write the id of one: 28-0316a2794f7c, 28-0416a2794f7c"},
		} {
			if c.add != "" {
				bus["sys/bus/w1/devices/"+c.add+"/temperature"] = &fstest.MapFile{Data: []byte("21312")}
			}
			got, _ := s.Read(t.Context())
			wants(t, "with "+c.add, got, c.want)
		}
		none := open(t, "onewire", "{}", sensor.Deps{Now: at(noon), System: fstest.MapFS{}})
		got, err := none.Read(t.Context())
		wants(t, "no bus", got, "no 1-Wire bus")
		if err == nil {
			t.Error("no bus is no error")
		}
	})

	t.Run("a conversion that hangs holds nobody", func(t *testing.T) {
		h := hanging{make(chan struct{})}
		s := open(t, "onewire", "{id: 28-0316a2794f7c}", sensor.Deps{Now: at(noon), System: h})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 2 {
			if got, err := s.Read(ctx); !errors.Is(err, context.Canceled) || got.IsKnown() {
				t.Errorf("%v, %v", got, err)
			}
		}
		close(h.release)
		got, err := s.Read(t.Context())
		wants(t, "after it came back", got, "21.3 °C")
		if err != nil {
			t.Error(err)
		}
	})
}

// failing is a bus whose probe answers with input/output errors.
type failing struct{}

func (failing) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("input/output error")}
}

// hanging is a bus on which a conversion lasts until it is released.
type hanging struct{ release chan struct{} }

func (h hanging) Open(name string) (fs.File, error) {
	<-h.release
	return fstest.MapFS{probe + "temperature": {Data: []byte("21312")}}.Open(name)
}

func TestHTTP(t *testing.T) {
	var body atomic.Value
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/locked" && r.Header.Get("Authorization") != "Bearer sesame":
			http.Error(w, "no", http.StatusUnauthorized)
		default:
			w.Write([]byte(body.Load().(string)))
		}
	}))
	defer srv.Close()
	deps := sensor.Deps{Now: at(noon), Secret: func(string) (string, error) { return "sesame", nil }}
	for _, c := range []struct{ config, body, want string }{
		{"path: t", `{"t": 20.5}`, "20.5 °C"},
		{"path: 'probes[1].value'", `{"probes": [{"value": 1}, {"value": "19.25"}]}`, "19.2 °C"},
		{"path: t, unit: °F", `{"t": 69.8}`, "21.0 °C"},
		{"path: t, scale: 0.1", `{"t": 205}`, "20.5 °C"},
		{"unit: C", "20.5\n", "20.5 °C"},
		{"path: t, unknown: [85, -127]", `{"t": 85}`, "stands for unknown"},
		{"path: t", `{"t": -127}`, "cannot be"},
		{"path: t", `{"t": null}`, "t is null"},
		{"path: t", `{}`, `there is no "t"`},
		{"path: t", "<html>", "not JSON"},
		{"get: /locked, path: t, token: 'file:t'", `{"t": 5}`, "5.0 °C"},
	} {
		body.Store(c.body)
		s := open(t, "http", "{url: '"+srv.URL+"', "+c.config+"}", deps)
		got, err := s.Read(t.Context())
		if err != nil {
			t.Errorf("%s: %v", c.config, err)
		}
		wants(t, c.config+" of "+c.body, got, c.want)
	}
	for name, config := range map[string]string{"locked": "get: /locked, path: t", "away": "path: t"} {
		s := open(t, "http", "{url: '"+srv.URL+"', "+config+"}", deps)
		if name == "away" {
			srv.Close()
		}
		if got, err := s.Read(t.Context()); err == nil || got.IsKnown() || got.Why() == "" {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// home is a broker with a client on it and a clock.
type home struct {
	broker  *mqtttest.Broker
	client  *mqtt.Client
	elapsed atomic.Int64
}

func newHome(t *testing.T) *home {
	t.Helper()
	h := &home{broker: mqtttest.Start(t)}
	c, err := mqtt.Connect(context.Background(), mqtt.Config{URL: h.broker.URL}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	h.client = c
	until(t, c.Connected)
	return h
}

func (h *home) now() time.Time { return noon.Add(time.Duration(h.elapsed.Load())) }

func (h *home) deps() sensor.Deps { return sensor.Deps{Now: h.now, Broker: h.client} }

func (h *home) say(t *testing.T, topic, payload string, retain bool) {
	t.Helper()
	if err := h.client.Publish(t.Context(), topic, []byte(payload), 1, retain); err != nil {
		t.Fatal(err)
	}
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

// becomes waits until the sensor reads as wanted: messages take their time.
func becomes(t *testing.T, s sensor.Sensor, want string) units.Known[units.Celsius] {
	t.Helper()
	var got units.Known[units.Celsius]
	until(t, func() bool {
		got, _ = s.Read(t.Context())
		return strings.Contains(got.String(), want)
	})
	wants(t, "it", got, want)
	return got
}

func TestMQTT(t *testing.T) {
	h := newHome(t)
	s := open(t, "mqtt", "{topic: cellar/ds, path: DS18B20.Temperature, unknown: [85, -127], stale_after: 10m}", h.deps())
	becomes(t, s, "no message has come on cellar/ds yet")
	h.say(t, "cellar/ds", `{"DS18B20": {"Temperature": 12.5}}`, false)
	if got := becomes(t, s, "12.5 °C"); !got.At().Equal(noon) {
		t.Errorf("it is of %v", got.At())
	}
	h.elapsed.Store(int64(10*time.Minute + time.Second))
	becomes(t, s, "last reading is 10m1s old")
	for payload, want := range map[string]string{
		`{"DS18B20": {"Temperature": 85}}`: "stands for unknown",
		`{"DS18B20": {}}`:                  `there is no "Temperature"`,
		`offline`:                          `says "offline"`,
		`{"DS18B20"`:                       "not JSON",
		``:                                 `says ""`,
	} {
		h.say(t, "cellar/ds", payload, false)
		becomes(t, s, want)
	}

	h.say(t, "attic", "5.5", true)
	left := open(t, "mqtt", "{topic: attic}", h.deps())
	becomes(t, left, "nobody knows how old it is")
	taken := open(t, "mqtt", "{topic: attic, retained: true}", h.deps())
	becomes(t, taken, "5.5 °C")

	guarded := open(t, "mqtt", "{topic: shed, availability: shed/status, online: up, unit: °F}", h.deps())
	h.say(t, "shed", "50", false)
	becomes(t, guarded, "the sensor is not there")
	h.say(t, "shed/status", "up", true)
	becomes(t, guarded, "10.0 °C")
	h.say(t, "shed/status", "down", true)
	becomes(t, guarded, `shed/status says "down", not "up"`)

	h.broker.Stop()
	becomes(t, taken, "the MQTT broker is not connected")
	if _, err := taken.Read(t.Context()); !errors.Is(err, mqtt.ErrDown) {
		t.Errorf("without a broker: %v", err)
	}
}

func TestHomeAssistant(t *testing.T) {
	h := newHome(t)
	const topic = "homeassistant/sensor/living_temperature"
	s := open(t, "homeassistant", "{entity: sensor.living_temperature}", h.deps())
	becomes(t, s, "no message")
	h.say(t, topic+"/state", "20.7", true)
	becomes(t, s, "20.7 °C")
	for _, word := range []string{"unavailable", "unknown", "None"} {
		h.say(t, topic+"/state", word, true)
		becomes(t, s, strings.ToLower(word))
	}
	h.say(t, topic+"/state", "20.9", true)
	becomes(t, s, "20.9 °C")

	t.Run("a retained state is as old as Home Assistant says", func(t *testing.T) {
		h.say(t, topic+"/last_updated", `"2026-01-15T11:30:00.5+00:00"`, true)
		again := open(t, "homeassistant", "{entity: sensor.living_temperature}", h.deps())
		until(t, func() bool {
			got, _ := again.Read(t.Context())
			return got.IsKnown() && got.At().Equal(noon.Add(-30*time.Minute+500*time.Millisecond))
		})
		h.say(t, topic+"/last_updated", `"2026-01-14T11:30:00+00:00"`, true)
		becomes(t, again, "last reading is 24h30m0s old")
		// A state said now is of now, whatever was said before.
		h.say(t, topic+"/state", "21.0", true)
		if got := becomes(t, again, "21.0 °C"); !got.At().Equal(noon) {
			t.Errorf("a new state is of %v", got.At())
		}
	})

	fahrenheit := open(t, "homeassistant", "{entity: sensor.porch, base: ha/out/, unit: °F, stale_after: 5m}", h.deps())
	h.say(t, "ha/out/sensor/porch/state", "14", false)
	becomes(t, fahrenheit, "-10.0 °C")
	h.elapsed.Store(int64(6 * time.Minute))
	becomes(t, fahrenheit, "6m0s old")
}

func TestConfigurationsThatCannotWork(t *testing.T) {
	h := newHome(t)
	for _, c := range []struct{ kind, config, want string }{
		{"barometer", "{}", "use one of homeassistant, http, mqtt, onewire"},
		{"onewire", "{id: ../../../etc/passwd}", "write the probe's folder"},
		{"onewire", "{ID: x}", "ID"},
		{"http", "{path: t}", "url is missing"},
		{"http", "{url: 'http://host', get: status}", "write it as"},
		{"http", "{url: 'http://host', unit: K}", "not a unit of temperature"},
		{"http", "{url: 'http://host', path: 'a['}", "a bracket is not closed"},
		{"http", "{url: 'http://host', token: hush}", "file:"},
		{"mqtt", "{}", "it is empty"},
		{"mqtt", "{topic: a/#}", "wildcards"},
		{"mqtt", "{topic: a, stale_after: 1s}", "shorter than 10s"},
		{"mqtt", "{topic: a, unit: kW}", "not a unit of temperature"},
		{"homeassistant", "{}", "write its id"},
		{"homeassistant", "{entity: living room}", "write its id"},
		{"homeassistant", "{entity: sensor.a, base: 'a/#'}", "wildcards"},
	} {
		_, err := sensor.Open(c.kind, describe(c.config), h.deps())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v, want %q", c.kind, c.config, err, c.want)
		}
	}
	for _, kind := range []string{"mqtt", "homeassistant"} {
		_, err := sensor.Open(kind, describe("{}"), sensor.Deps{Now: at(noon)})
		if err == nil || kind == "mqtt" && !strings.Contains(err.Error(), "no MQTT broker") {
			t.Errorf("%s without a broker: %v", kind, err)
		}
	}
	for _, kind := range sensor.Kinds() {
		if _, err := sensor.Open(kind, func(any) error { return errors.New("bad line") }, h.deps()); err == nil || !strings.Contains(err.Error(), "bad line") {
			t.Errorf("%s swallows the decoder's error: %v", kind, err)
		}
	}
}
