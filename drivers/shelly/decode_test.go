package shelly

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"hearth/device"
	"hearth/drivers/internal/httpjson"
	"hearth/units"
)

var noon = time.Date(2026, 1, 12, 12, 0, 0, 0, time.UTC)

func newSwitch(load units.Watts) *Switch {
	return &Switch{rpc: &rpc{}, config: Config{Load: load, DeadMan: 5 * time.Minute}, now: func() time.Time { return noon }}
}

func object(t *testing.T, text string) httpjson.Object {
	t.Helper()
	var o httpjson.Object
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// A field that is missing, of the wrong type or impossible makes its own value
// unknown and leaves the others.
func TestBrokenFieldsBecomeUnknown(t *testing.T) {
	const good = `{"switch:0":{"output":true,"apower":998.5,"aenergy":{"total":14.093},"timer_duration":300},
		"sys":{"uptime":60},"temperature:100":{"id":100,"tC":20.6}}`
	for _, c := range []struct {
		name, from, to string
		unknown        string // "power energy uptime temp state"
	}{
		{"all well", "", "", ""},
		{"power null", `998.5`, `null`, "power"}, // the nameplate does not stand in for a meter that fails
		{"power in words", `998.5`, `"much"`, "power"},
		{"power impossible", `998.5`, `-400`, "power"},
		{"energy negative", `14.093`, `-1`, "energy"},
		{"energy missing", `"aenergy":{"total":14.093}`, `"aenergy":null`, "energy"},
		{"output missing", `"output":true,`, ``, "state"},
		{"output in words", `"output":true`, `"output":"on"`, "state"},
		{"uptime missing", `"uptime":60`, `"up":60`, "uptime"},
		{"temperature null", `20.6`, `null`, "temp"},
		{"temperature beyond the sensor", `20.6`, `126`, "temp"},
		{"temperature in words", `20.6`, `"warm"`, "temp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newSwitch(1000).reading(object(t, strings.Replace(good, c.from, c.to, 1)), noon)
			var unknown []string
			for name, known := range map[string]bool{
				"power": r.Power.IsKnown(), "energy": r.Energy.IsKnown(), "uptime": r.Uptime.IsKnown(),
				"temp": r.Temps[0].Value.IsKnown(), "state": r.State != device.StateUnknown,
			} {
				if !known {
					unknown = append(unknown, name)
				}
			}
			if got := strings.Join(unknown, " "); got != c.unknown {
				t.Errorf("unknown are %q, want %q", got, c.unknown)
			}
		})
	}
}

func TestDevicesThatAreNotRelays(t *testing.T) {
	t.Run("a thermometer", func(t *testing.T) {
		status := object(t, `{"temperature:0":{"id":0,"tC":19.8},"humidity:0":{"rh":42},"sys":{"uptime":3}}`)
		s := newSwitch(0)
		if v, _ := s.reading(status, noon).Temp(device.Room).Get(); v != 19.8 {
			t.Errorf("temperature %v", v)
		}
		if c := s.capabilities(nil, status); len(c.Verbs) != 0 || len(c.Temps) != 1 || c.DeadMan != 0 {
			t.Errorf("capabilities %+v", c)
		}
	})
	t.Run("a meter that tells its own warmth", func(t *testing.T) {
		status := object(t, `{"em:0":{"id":0,"total_act_power":431.2},"temperature:0":{"id":0,"tC":46.1}}`)
		if c := newSwitch(0).capabilities(nil, status); len(c.Temps) != 0 {
			t.Errorf("its electronics are taken for a room: %v", c.Temps)
		}
	})
	t.Run("a meter", func(t *testing.T) {
		status := object(t, `{"pm1:0":{"id":0,"apower":431.2,"aenergy":{"total":1000}},"sys":{"uptime":3}}`)
		s := newSwitch(0)
		r := s.reading(status, noon)
		if w, _ := r.Power.Get(); w != 431.2 || r.Power.From() != units.Meter {
			t.Errorf("power %v", r.Power)
		}
		if e, _ := r.Energy.Get(); e.KilowattHours() != 1 {
			t.Errorf("energy %v", r.Energy)
		}
		if c := s.capabilities(nil, status); len(c.Verbs) != 0 || c.WattSource != units.Meter {
			t.Errorf("capabilities %+v", c)
		}
	})
}

func TestErrorsOfMethods(t *testing.T) {
	for code, want := range map[string]error{
		"404": device.ErrUnsupported, "-103": device.ErrUnsupported, "-105": device.ErrUnsupported,
		"-104": device.ErrBusy, "-108": device.ErrBusy, "-114": device.ErrBusy,
		"-109": device.ErrRefused, "401": device.ErrRefused, `"x"`: device.ErrRefused,
	} {
		a := httpjson.Answer{Status: 200, Body: []byte(`{"id":1,"error":{"code":` + code + `,"message":"because"}}`)}
		if _, err := decodeFrame(a, 1); !errors.Is(err, want) || !strings.Contains(err.Error(), "because") {
			t.Errorf("code %s: error %v, want %v", code, err, want)
		}
	}
	for _, body := range []string{`{"id":2,"result":{}}`, `{"result":{}}`, `{"id":1}`, `{"id":1,"result":null}`, `{"id":1,"result":[]}`, `{}`} {
		if _, err := decodeFrame(httpjson.Answer{Status: 200, Body: []byte(body)}, 1); !errors.Is(err, device.ErrGarbage) {
			t.Errorf("%s: error %v, want garbage", body, err)
		}
	}
}

// Whatever a device answers, the driver neither fails nor makes up a value
// that cannot be.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"id":1,"result":{"switch:0":{"output":true,"apower":998.5,"aenergy":{"total":14.093},"errors":["overtemp"],"timer_duration":300},"sys":{"uptime":60},"temperature:100":{"tC":85}}}`))
	f.Add([]byte(`{"id":1,"result":{"pm1:0":{"apower":-11},"temperature:-1":{"tC":1},"temperature:007":{"tC":-127},"temperature:101":{"tC":null,"errors":["read"]}}}`))
	f.Add([]byte(`{"id":1,"error":{"code":-105,"message":"Argument 'id', value 7 not found!"}}`))
	f.Add([]byte(`{"id":1,"result":{"switch:0":null}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		status, err := decodeFrame(httpjson.Answer{Status: 200, Body: body}, 1)
		if err != nil {
			return
		}
		for _, load := range []units.Watts{0, 1000} {
			s := newSwitch(load)
			r := s.reading(status, noon)
			if w, ok := r.Power.Get(); ok && (w < -10 || w > 100_000) {
				t.Fatalf("power %v", w)
			}
			if e, ok := r.Energy.Get(); ok && e < 0 {
				t.Fatalf("energy %v", e)
			}
			for _, temp := range r.Temps {
				if v, ok := temp.Value.Get(); ok && (v < -55 || v >= 125.001 || v == 85) {
					t.Fatalf("%s is %v", temp.Name, v)
				}
			}
			c := s.capabilities(status, status)
			if len(c.Temps) != len(r.Temps) {
				t.Fatalf("%d channels, %d temperatures", len(c.Temps), len(r.Temps))
			}
			if _, err := json.Marshal(r); err != nil {
				t.Fatal(err)
			}
		}
	})
}
