package generic_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hearth/device"
	"hearth/device/devicetest"
	"hearth/drivers/generic"
	"hearth/units"
)

func TestConformanceOverHTTP(t *testing.T) {
	for name, more := range map[string]string{
		"levels":     byLevel,
		"free power": byPower,
		"levels kept in flash": strings.Replace(byLevel, `{path: "/set/level?to={{.Level}}", latency: 2s}`,
			`{path: "/set/level?to={{.Level}}", latency: 2s, flash: true, per_day: 20}`, 1),
		"with a dead-man timer": byPower + "dead_man: 5m\n",
	} {
		t.Run(name, func(t *testing.T) {
			devicetest.Run(t, func(t *testing.T) devicetest.Bench {
				s := newStove()
				s.timer = strings.Contains(more, "dead_man")
				text := strings.Replace(overHTTP, "ADDRESS", s.serve(t), 1) + more
				b := devicetest.Bench{
					Device:   open(t, text, nil, s.clock.Now),
					Faults:   s.faults,
					Advance:  func(d time.Duration) { s.clock.Advance(d) },
					Now:      s.clock.Now,
					Settings: func() string { return "wifi=home" },
					Elsewhere: func() device.Device {
						return open(t, strings.Replace(overHTTP, "ADDRESS", s.serve(t), 1)+more, nil, s.clock.Now)
					},
					Blind: func() {
						s.mu.Lock()
						defer s.mu.Unlock()
						s.blind = true
					},
				}
				if strings.Contains(more, "flash") {
					b.FlashWrites = func() int {
						s.mu.Lock()
						defer s.mu.Unlock()
						return s.writes
					}
				}
				return b
			})
		})
	}
}

func TestWhatTheDescriptionSays(t *testing.T) {
	s := newStove()
	d := open(t, strings.Replace(overHTTP, "ADDRESS", s.serve(t), 1)+byLevel+"notes: [It hums.]\n", nil, s.clock.Now)
	id, err := d.Identify(t.Context())
	if want := (device.Identity{Vendor: "Acme", Model: "Stove 3", Serial: "ST-0815", Simulated: true}); err != nil || id != want {
		t.Errorf("it is %+v, %v", id, err)
	}
	c, err := d.Capabilities(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	high, _ := c.Level("high")
	if high.Name != "high" || high.Loud != 2 || high.Power.String() != "1.2 kW" || high.Power.From() != units.Nameplate ||
		c.Work != device.Resistive || c.Limp != device.LimpNone || c.WattSource != units.Meter || c.DeadMan != 0 ||
		c.Idle.String() != "5 W" || len(c.Notes) != 1 || !c.Can(device.Pause) || c.Can(device.Off) {
		t.Errorf("capabilities are %+v", c)
	}
	r := read(t, d)
	if watts(t, r) != 600 || r.Power.From() != units.Meter || r.Energy.String() != "4.5 MJ" || r.Level.String() != "low" ||
		r.State != device.StateHeating || r.Temps[0].Value.String() != "55.0 °C" {
		t.Errorf("it reads %+v", r)
	}
	// The inlet says -127 °C, which nobody listed and no thermometer shows.
	if in := r.Temp(device.AirIn); in.IsKnown() || !strings.Contains(in.Why(), "cannot be") {
		t.Errorf("the inlet is %v", in)
	}
}

// A wattage between two steps goes to the nearer; a level is started as well
// where the device does not start by itself.
func TestRoundingAndResuming(t *testing.T) {
	s := newStove()
	address := s.serve(t)
	d := open(t, strings.Replace(overHTTP, "ADDRESS", address, 1)+byPower, nil, s.clock.Now)
	for ask, want := range map[units.Watts]units.Watts{310: 300, 330: 350, 1199: 1200, 777: 800} {
		a, err := d.Apply(t.Context(), device.Demand{Verb: device.SetPower, Power: ask})
		if err != nil || a.Power != want || watts(t, read(t, d)) != want {
			t.Errorf("%v became %v, %v", ask, a.Power, err)
		}
	}
	for _, ask := range []units.Watts{299, 1201, 0} {
		if _, err := d.Apply(t.Context(), device.Demand{Verb: device.SetPower, Power: ask}); !errors.Is(err, device.ErrUnsupported) {
			t.Errorf("%v: %v", ask, err)
		}
	}
	levels := open(t, strings.Replace(overHTTP, "ADDRESS", address, 1)+byLevel, nil, s.clock.Now)
	for _, demand := range []device.Demand{{Verb: device.Pause}, {Verb: device.SetLevel, Level: "high"}} {
		if _, err := levels.Apply(t.Context(), demand); err != nil {
			t.Fatal(err)
		}
	}
	if r := read(t, levels); r.State != device.StateHeating || watts(t, r) != 1200 {
		t.Errorf("a level set on a paused stove leaves it %s at %v", r.State, r.Power)
	}
}

func TestAnswersOfEveryStatus(t *testing.T) {
	var status atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(int(status.Load()))
		w.Write([]byte(`{"p": 5}`))
	}))
	defer srv.Close()
	d := open(t, `{model: X, http: {url: "`+srv.URL+`"}, power: {get: /p, path: p, unit: W}}`, nil, time.Now)
	for code, want := range map[int]error{
		200: nil, 401: device.ErrRefused, 403: device.ErrRefused, 404: device.ErrUnsupported, 429: device.ErrBusy,
		500: device.ErrBusy, 503: device.ErrBusy, 304: device.ErrGarbage,
	} {
		status.Store(int64(code))
		if _, err := d.Read(t.Context()); !errors.Is(err, want) {
			t.Errorf("status %d: %v, want %v", code, err, want)
		}
	}
}

// A meter alone, and a heater that tells nothing but on and off.
func TestHeatersThatTellLittle(t *testing.T) {
	var body atomic.Value
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(body.Load().(string)))
	}))
	defer srv.Close()
	http := `http: {url: "` + srv.URL + `", status: /}` + "\n"
	plate := open(t, `
model: Panel
max: 800 W
idle: 1 W
`+http+`
state: {path: relay, values: {"true": heating, "false": off, "wait": starting}}
commands:
  run: {path: /on}
  "off": {path: /off}
`, nil, time.Now)
	for _, c := range []struct {
		body  string
		state device.State
		power string
		from  units.Provenance
	}{
		{`{"relay": true}`, device.StateHeating, "800 W", units.Nameplate},
		{`{"relay": false}`, device.StateOff, "1 W", units.Nameplate},
		{`{"relay": "wait"}`, device.StateStarting, "unknown (the device does not tell its power, nor does its state or label)", units.None},
	} {
		body.Store(c.body)
		if r := read(t, plate); r.State != c.state || r.Power.String() != c.power || r.Power.From() != c.from {
			t.Errorf("%s reads as %s, %v from %v", c.body, r.State, r.Power, r.Power.From())
		}
	}
	for _, junk := range []string{`{"relay": "perhaps"}`, `{}`, `[]`, `{"relay": null}`, `x`} {
		body.Store(junk)
		if r, err := plate.Read(t.Context()); !errors.Is(err, device.ErrGarbage) {
			t.Errorf("%s reads as %+v, %v", junk, r, err)
		}
	}

	switched := open(t, `
model: Panel with a meter
max: 800 W
heating_above: 20 W
`+http+`
power: {path: w, unit: W, unknown: [-1]}
commands:
  run: {path: /on}
  pause: {path: /off}
`, nil, time.Now)
	for text, want := range map[string]device.State{`{"w": 790}`: device.StateHeating, `{"w": 3}`: device.StatePaused, `{"w": -1}`: device.StateUnknown, `{"w": 5000}`: device.StateUnknown} {
		body.Store(text)
		if r := read(t, switched); r.State != want {
			t.Errorf("%s reads as %s (%v)", text, r.State, r.Power)
		}
	}

	meter := open(t, `{model: Meter, `+strings.TrimSpace(http)+`, energy: {path: e, unit: Wh, scale: 100}}`, nil, time.Now)
	body.Store(`{"e": 12}`)
	if r := read(t, meter); r.Energy.String() != "4.32 MJ" || r.State != device.StateUnknown {
		t.Errorf("the meter reads %v, %s", r.Energy, r.State)
	}
	if c, err := meter.Capabilities(t.Context()); err != nil || len(c.Verbs) != 0 || c.Work != device.NoWork {
		t.Errorf("the meter can %+v, %v", c, err)
	}
	if _, err := meter.Apply(t.Context(), device.Demand{Verb: device.Run}); !errors.Is(err, device.ErrUnsupported) {
		t.Errorf("running a meter: %v", err)
	}
}

// Each mistake is refused with words that say what to write instead.
func TestDescriptionsThatCannotBeBelieved(t *testing.T) {
	const base = `
model: X
max: 1200 W
http: {url: "http://stove", status: /status}
power: {path: p, unit: W}
state: {path: s, values: {"on": heating, "off": paused}}
commands:
  run: {path: /run}
  pause: {path: /pause}
`
	if _, err := generic.New(nil).Open(t.Context(), describe(base), env(time.Now)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"model: X", "", "model is missing"},
		{"model: X", "modell: X", "modell"},
		{"max: 1200 W", "", "max is missing"},
		{"max: 1200 W", "max: 1200", "no unit"},
		{"max: 1200 W", "max: 1200 W\nidle: 2 kW", "more than max"},
		{"max: 1200 W", "max: 1200 W\nmeasured: guess", "not one of meter"},
		{"max: 1200 W", "max: 1200 W\nwork: singing", "not one of hashing"},
		{"max: 1200 W", "max: 1200 W\ndead_man: 5s", "shorter than 30s"},
		{"max: 1200 W", "max: 1200 W\nmqtt: {stale_after: 1s}", "stale_after"},
		{"max: 1200 W", "max: 1200 W\nmqtt: {state: a/#}", "wildcards"},
		{"max: 1200 W", "max: 1200 W\npower_range: {min: 1 W, max: 5 W}", "not the command set_power"},
		{"max: 1200 W", "max: 1200 W\nlevels: [{id: a, power: 5 W}]", "not the command set_level"},
		{"max: 1200 W", "max: 1200 W\ntemperatures: [{kind: room, path: t, unit: C}]", "a name of its own"},
		{"max: 1200 W", "max: 1200 W\ntemperatures: [{name: a, kind: soup, path: t, unit: C}]", "not one of chip"},
		{"max: 1200 W", "max: 1200 W\ntemperatures: [{name: a, kind: room, path: t}]", "write for instance °C"},
		{"unit: W", "unit: kWh", "write for instance W"},
		{"path: p,", "path: 'p[',", "a bracket is not closed"},
		{`http: {url: "http://stove", status: /status}`, `http: {url: "stove", status: /status}`, "write it as"},
		{`http: {url: "http://stove", status: /status}`, `http: {url: "http://stove"}`, "where does it stand"},
		{`http: {url: "http://stove", status: /status}`, `http: {url: "http://stove", status: status}`, "write it as"},
		{`http: {url: "http://stove", status: /status}`, `http: {url: "http://stove", status: /status, token: hush}`, "file:"},
		{`http: {url: "http://stove", status: /status}`, `mqtt: {state: stove/state}`, "path needs http"},
		{"power: {", "power: {get: /a, topic: b, ", "exclude each other"},
		{"power: {", "power: {topic: a/+, ", "wildcards"},
		{"power: {", "power: {topic: a, ", "no broker"},
		{`state: {path: s, values: {"on": heating, "off": paused}}`, `state: {path: s}`, "values is missing"},
		{`"on": heating`, `"on": hot`, "not one of unknown"},
		{`state: {path: s, values: {"on": heating, "off": paused}}`, ``, "cannot be seen to work"},
		{"  run: {path: /run}", "", "stopped but not started"},
		{"  run: {path: /run}", "  run: {}", "where does it go"},
		{"  run: {path: /run}", "  run: {path: run}", "write it as"},
		{"  run: {path: /run}", "  run: {path: /run, topic: a}", "exclude each other"},
		{"  run: {path: /run}", "  run: {path: /run, method: DELETE}", "not one of GET"},
		{"  run: {path: /run}", "  run: {path: /run, method: GET, body: x}", "GET has no body"},
		{"  run: {path: /run}", "  run: {path: /run, payload: x}", "write body"},
		{"  run: {path: /run}", "  run: {topic: a, body: x}", "write payload"},
		{"  run: {path: /run}", "  run: {topic: 'a/#'}", "wildcards"},
		{"  run: {path: /run}", "  run: {path: '/run?w={{.Watts}}'}", "no wattage or level"},
		{"  run: {path: /run}", "  run: {path: '/run?w={{.Wats}}'}", "stands one of"},
		{"  run: {path: /run}", "  run: {path: /run, flash: true}", "per_day"},
		{"  run: {path: /run}", "  run: {path: /run, latency: -1s}", "not negative"},
		{"  run: {path: /run}", "  dance: {path: /run}", "not one of set_power"},
		{"  run: {path: /run}", "  retune: {path: /run}", "not one of set_power"},
		{"  run: {path: /run}", "  run: {path: /run}\n  set_power: {path: '/p'}", "power_range"},
		{"  run: {path: /run}", "  run: {path: /run}\n  set_level: {path: '/l/{{.Level}}'}", "needs levels"},
		{"power: {path: p, unit: W}", "power_range: {min: 300 W, max: 900 W}\nheating_above: 5 W", "not the command set_power"},
		{"state: {path: s", "power_range: {min: 300 W, max: 2 kW}\nstate: {path: s", "not the command set_power"},
	} {
		text := strings.Replace(base, c.old, c.new, 1)
		if text == base {
			t.Fatalf("%q does not stand in the description", c.old)
		}
		_, err := generic.New(nil).Open(t.Context(), describe(text), env(time.Now))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q instead of %q: %v, want %q", c.new, c.old, err, c.want)
		}
	}
	const levels = `
model: X
max: 1200 W
http: {url: "http://stove", status: /status}
state: {path: s, values: {"on": heating}}
level: {path: l}
levels:
  - {id: low, power: 600 W}
  - {id: high, power: 1200 W}
commands:
  set_level: {path: "/l/{{.Level}}"}
`
	for _, c := range []struct{ old, new, want string }{
		{"level: {path: l}\n", "", "describe level"},
		{"id: low", "id: Low", "small letters"},
		{"id: high", "id: low", "twice"},
		{"id: high", "id: high, value: low", "twice"},
		{"power: 600 W", "power: 1200 W", "rising power"},
		{"power: 1200 W", "power: 1300 W", "at most max"},
		{", power: 600 W", "", "rising power"},
		{"/l/{{.Level}}", "/l", "sends no level"},
		{"/l/{{.Level}}", "/l/{{.Level}}/{{.Watts}}", "no wattage"},
		{"/l/{{.Level}}", "/l/{{.Level", "stands one of"},
	} {
		_, err := generic.New(nil).Open(t.Context(), describe(strings.Replace(levels, c.old, c.new, 1)), env(time.Now))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q instead of %q: %v, want %q", c.new, c.old, err, c.want)
		}
	}
	if _, err := generic.New(nil).Open(t.Context(), describe("model: X"), env(time.Now)); err == nil || !strings.Contains(err.Error(), "nothing can be read") {
		t.Errorf("an empty description: %v", err)
	}
}
