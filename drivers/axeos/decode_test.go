package axeos_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"hearth/device"
	"hearth/drivers/axeos"
)

// canned is a miner that answers the same to every question about itself.
type canned struct {
	info, asic atomic.Pointer[[]byte]
	miner      *axeos.Miner
}

func newCanned(t testing.TB) *canned {
	t.Helper()
	c := &canned{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/system/info":
			_, _ = w.Write(*c.info.Load())
		case "/api/system/asic":
			_, _ = w.Write(*c.asic.Load())
		default:
			t.Errorf("%s %s: a reading must change nothing", r.Method, r.URL.Path)
		}
	}))
	t.Cleanup(s.Close)
	c.set(`{}`, gammaASIC)
	return c.reopen(t, s.URL)
}

func (c *canned) reopen(t testing.TB, url string) *canned {
	t.Helper()
	m, err := axeos.Open(axeos.Config{Address: url}, device.Env{Now: func() time.Time { return time.Unix(1_768_000_000, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	c.miner = m
	return c
}

func (c *canned) set(info, asic string) {
	i, a := []byte(info), []byte(asic)
	c.info.Store(&i)
	c.asic.Store(&a)
}

const gammaASIC = `{"ASICModel":"BM1370","deviceModel":"Gamma","asicCount":1,"defaultFrequency":525,
	"frequencyOptions":[400,490,525,550,600,625],"defaultVoltage":1150,"voltageOptions":[1000,1060,1100,1150]}`

// A field that is missing, of the wrong type, impossible or a sentinel makes
// its own value unknown and leaves the others.
func TestBrokenFieldsBecomeUnknown(t *testing.T) {
	good := map[string]any{
		"ASICModel": "BM1370", "frequency": 525, "coreVoltage": 1150, "power": 22.5, "hashRate": 1071.0,
		"temp": 58.5, "vrTemp": 61, "fanrpm": 4200, "fanspeed": 55, "uptimeSeconds": 7200, "miningPaused": false,
	}
	known := func(r device.Reading) map[string]bool {
		return map[string]bool{
			"power": r.Power.IsKnown(), "hashRate": r.HashRate.IsKnown(), "frequency": r.Level.IsKnown(),
			"temp": r.Temp(device.Chip).IsKnown(), "vrTemp": r.Temp(device.Regulator).IsKnown(),
			"fanrpm": r.Fans[0].Speed.IsKnown(), "fanspeed": r.Fans[0].Duty.IsKnown(), "uptimeSeconds": r.Uptime.IsKnown(),
		}
	}
	c := newCanned(t)
	for _, bad := range []struct {
		field string
		value any
	}{
		{"power", nil},
		{"power", "22"},
		{"power", 0},
		{"power", -1},
		{"power", 1e9},
		{"power", []int{1}},
		{"hashRate", nil},
		{"hashRate", "fast"},
		{"hashRate", -5},
		{"temp", -1},
		{"temp", 0},
		{"temp", nil},
		{"temp", 400},
		{"temp", "hot"},
		{"vrTemp", -1},
		{"vrTemp", 0},
		{"vrTemp", -127},
		{"fanrpm", -1},
		{"fanrpm", nil},
		{"fanspeed", 300},
		{"fanspeed", nil},
		{"uptimeSeconds", -3},
		{"uptimeSeconds", nil},
		{"uptimeSeconds", 1e30},
		{"frequency", 0},
		{"frequency", 1e6},
		{"frequency", "525"},
	} {
		info := map[string]any{}
		maps.Copy(info, good)
		info[bad.field] = bad.value
		b, err := json.Marshal(info)
		if err != nil {
			t.Fatal(err)
		}
		c.set(string(b), gammaASIC)
		r, err := c.miner.Read(t.Context())
		if err != nil {
			t.Errorf("%s = %v: %v", bad.field, bad.value, err)
			continue
		}
		for field, ok := range known(r) {
			if want := field != bad.field; ok != want {
				t.Errorf("%s = %v: %s known %v, want %v", bad.field, bad.value, field, ok, want)
			}
		}
	}
}

func TestWhatIsNotAMinerIsGarbage(t *testing.T) {
	c := newCanned(t)
	for _, body := range []string{`{}`, `[]`, `null`, `"x"`, `{"power":5}`, `<html>`, ``, `{"ASICModel":5,"frequency":525}`} {
		c.set(body, gammaASIC)
		if r, err := c.miner.Read(t.Context()); err == nil {
			t.Errorf("%q was read as %+v", body, r)
		}
	}
}
