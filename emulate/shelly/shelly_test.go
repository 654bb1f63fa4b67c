package shelly_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"hearth/device/devicetest"
	"hearth/emulate"
	"hearth/emulate/axeos"
	"hearth/emulate/shelly"
	"hearth/units"
)

// bench is a Shelly on a socket, in a world whose clock the test moves.
type bench struct {
	*shelly.Emulator
	t     *testing.T
	clock *emulate.Manual
	url   string
}

var start = time.Date(2026, 1, 12, 6, 0, 0, 0, time.UTC)

func serve(t *testing.T, clock *emulate.Manual, c shelly.Config) bench {
	t.Helper()
	c.Clock = clock.Now
	e := shelly.New(c)
	return bench{e, t, clock, "http://" + devicetest.Serve(t, e)}
}

// answer is what came back. The status is 0 if nobody answered.
type answer struct {
	status          int
	body, challenge string
}

func (b bench) ask(method, path, body string, header ...string) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{resp.StatusCode, strings.TrimSpace(string(got)), resp.Header.Get("WWW-Authenticate")}
}

func (b bench) get(path string) map[string]any {
	b.t.Helper()
	a := b.ask("GET", path, "")
	var out map[string]any
	if a.status != 200 || json.Unmarshal([]byte(a.body), &out) != nil {
		b.t.Fatalf("GET %s: %+v", path, a)
	}
	return out
}

func (b bench) relay() map[string]any { return b.get("/rpc/Switch.GetStatus?id=0") }

func (b bench) total() float64 {
	return b.relay()["aenergy"].(map[string]any)["total"].(float64)
}

func near(t *testing.T, what string, got, want, slack float64) {
	t.Helper()
	if math.Abs(got-want) > slack {
		t.Errorf("%s is %.5g, want %.5g within %.2g", what, got, want, slack)
	}
}

func TestEachModelTellsWhatItIs(t *testing.T) {
	for model, want := range map[shelly.Model]struct {
		app    string
		meters bool
	}{
		shelly.PlugS: {"PlusPlugS", true}, shelly.Plus1PM: {"Plus1PM", true},
		shelly.Pro1PM: {"Pro1PM", true}, shelly.Plus1: {"Plus1", false},
	} {
		b := serve(t, emulate.NewManual(start), shelly.Config{Model: model, Load: 1000, On: true})
		info := b.get("/rpc/Shelly.GetDeviceInfo")
		if info["app"] != want.app || info["gen"] != 2.0 || info["emulator"] != "hearth" || info["auth_en"] != false {
			t.Errorf("%s: %v", model, info)
		}
		r := b.relay()
		if _, ok := r["apower"]; ok != want.meters || r["output"] != true {
			t.Errorf("%s: meter %v, output %v", model, ok, r["output"])
		}
	}
}

func TestTheTimerOpensTheRelay(t *testing.T) {
	b := serve(t, emulate.NewManual(start), shelly.Config{Load: 1000})
	if got := b.get("/rpc/Switch.Set?id=0&on=true&toggle_after=300"); got["was_on"] != false {
		t.Errorf("was_on %v", got["was_on"])
	}
	b.clock.Advance(200 * time.Second)
	r := b.relay()
	if r["output"] != true || r["timer_started_at"] != float64(start.Unix()) || r["timer_duration"] != 300.0 || r["apower"] != 1000.0 {
		t.Errorf("closed: %v", r)
	}
	// Asked again, the timer begins anew.
	if got := b.get("/rpc/Switch.Set?id=0&on=true&toggle_after=300"); got["was_on"] != true {
		t.Errorf("was_on %v", got["was_on"])
	}
	b.clock.Advance(299 * time.Second)
	if !b.Closed() {
		t.Error("it opened before the renewed timer ended")
	}
	b.clock.Advance(2 * time.Second)
	r = b.relay()
	if _, timer := r["timer_duration"]; r["output"] != false || r["source"] != "timer" || r["apower"] != 0.0 || timer {
		t.Errorf("open: %v", r)
	}
	near(t, "energy", b.total(), 1000*500/3600.0, 0.01)

	// Off stops a timer: nothing turns the heater on later.
	b.get("/rpc/Switch.Set?id=0&on=true&toggle_after=60")
	b.get("/rpc/Switch.Set?id=0&on=false")
	b.clock.Advance(time.Hour)
	if b.Closed() {
		t.Error("the timer of a relay switched off closed it")
	}
}

func TestAutoOff(t *testing.T) {
	b := serve(t, emulate.NewManual(start), shelly.Config{Load: 1000})
	if a := b.ask("POST", "/rpc/Switch.SetConfig", `{"id":0,"config":{"auto_off":true,"auto_off_delay":120}}`); a.body != `{"restart_required":false}` {
		t.Errorf("SetConfig: %+v", a)
	}
	if c := b.get("/rpc/Switch.GetConfig?id=0"); c["auto_off"] != true || c["auto_off_delay"] != 120.0 {
		t.Errorf("GetConfig: %v", c)
	}
	b.get("/rpc/Switch.Set?id=0&on=true")
	b.clock.Advance(121 * time.Second)
	if b.Closed() || !strings.Contains(b.Settings(), `"auto_off":true`) || b.get("/rpc/Sys.GetStatus")["cfg_rev"] != 1.0 {
		t.Errorf("closed %v, settings %s", b.Closed(), b.Settings())
	}
}

func TestErrorsOfMethods(t *testing.T) {
	b := serve(t, emulate.NewManual(start), shelly.Config{})
	for _, c := range []struct {
		path   string
		status int
		code   string
	}{
		{"/rpc/Switch.Set?id=0", 500, "-103"},
		{"/rpc/Switch.Set?on=true", 500, "-103"},
		{"/rpc/Switch.Set?id=0&on=yes", 500, "-103"},
		{"/rpc/Switch.Set?id=0&on=true&toggle_after=-1", 500, "-103"},
		{"/rpc/Switch.Set?id=7&on=true", 500, "-105"},
		{"/rpc/Switch.GetStatus?id=7", 500, "-105"},
		{"/rpc/Temperature.GetStatus?id=100", 500, "-105"},
		{"/rpc/Light.Set?id=0", 404, "404"},
	} {
		a := b.ask("GET", c.path, "")
		if a.status != c.status || !strings.Contains(a.body, `"code":`+c.code) {
			t.Errorf("%s: %+v, want %d, code %s", c.path, a, c.status, c.code)
		}
		method, query, _ := strings.Cut(strings.TrimPrefix(c.path, "/rpc/"), "?")
		if query == "id=7" {
			a := b.ask("POST", "/rpc", fmt.Sprintf(`{"id":9,"src":"me","method":%q,"params":{"id":7}}`, method))
			if a.status != 200 || !strings.Contains(a.body, `"error":{"code":-105`) || !strings.Contains(a.body, `"id":9`) {
				t.Errorf("frame: %+v", a)
			}
		}
	}
	if b.Closed() {
		t.Error("a refused request closed the relay")
	}
	if a := b.ask("POST", "/rpc", `{"id":`); a.status != 400 {
		t.Errorf("half a frame: %+v", a)
	}
}

func TestProtection(t *testing.T) {
	t.Run("too much load", func(t *testing.T) {
		b := serve(t, emulate.NewManual(start), shelly.Config{Model: shelly.PlugS, Load: 3000})
		b.get("/rpc/Switch.Set?id=0&on=true")
		b.clock.Advance(5 * time.Second)
		r := b.relay()
		if r["output"] != false || fmt.Sprint(r["errors"]) != "[overpower]" {
			t.Errorf("output %v, errors %v", r["output"], r["errors"])
		}
	})
	t.Run("too hot", func(t *testing.T) {
		b := serve(t, emulate.NewManual(start), shelly.Config{Load: 1000, On: true})
		b.Overheat()
		r := b.relay()
		if r["output"] != false || fmt.Sprint(r["errors"]) != "[overtemp]" {
			t.Errorf("output %v, errors %v", r["output"], r["errors"])
		}
	})
}

func TestARebootOpensTheRelayAndLosesTheCount(t *testing.T) {
	b := serve(t, emulate.NewManual(start), shelly.Config{Load: 1000, On: true})
	b.clock.Advance(time.Hour)
	near(t, "energy", b.total(), 1000, 0.01)
	b.Faults().Reboot()
	b.clock.Advance(time.Second)
	if a := b.ask("GET", "/rpc/Shelly.GetDeviceInfo", ""); a.status != 0 {
		t.Errorf("it answers %d while it boots", a.status)
	}
	b.clock.Advance(10 * time.Second)
	if b.Closed() || b.total() != 0 {
		t.Errorf("closed %v, total %v", b.Closed(), b.total())
	}
	if up := b.get("/rpc/Sys.GetStatus")["uptime"]; up != 11.0 {
		t.Errorf("uptime %v", up)
	}
	b.ask("POST", "/rpc", `{"id":1,"method":"Shelly.Reboot"}`)
	b.clock.Advance(3 * time.Second)
	if a := b.ask("GET", "/shelly", ""); a.status != 0 {
		t.Error("it answers while it boots after Shelly.Reboot")
	}
}

func TestTheAddOnReadsTheAir(t *testing.T) {
	air := units.Celsius(20.62)
	b := serve(t, emulate.NewManual(start), shelly.Config{Sensors: []func() units.Celsius{
		func() units.Celsius { return air }, func() units.Celsius { return 5 },
	}})
	for state, want := range map[shelly.Sensor]string{
		shelly.Fine:       `{"id":100,"tC":20.6,"tF":69.1}`,
		shelly.PowerOn:    `{"id":100,"tC":85,"tF":185}`,
		shelly.NoAnswer:   `{"id":100,"tC":-127,"tF":-196.6}`,
		shelly.ReadError:  `{"errors":["read"],"id":100,"tC":null,"tF":null}`,
		shelly.OutOfRange: `{"errors":["out_of_range"],"id":100,"tC":null,"tF":null}`,
	} {
		b.SetSensor(0, state)
		if a := b.ask("GET", "/rpc/Temperature.GetStatus?id=100", ""); a.body != want {
			t.Errorf("%q: %s, want %s", state, a.body, want)
		}
	}
	if got := b.get("/rpc/Temperature.GetStatus?id=101"); got["tC"] != 5.0 {
		t.Errorf("second sensor: %v", got)
	}
}

func TestHeatIsTheElectricityDrawn(t *testing.T) {
	clock := emulate.NewManual(start)
	b := serve(t, clock, shelly.Config{Load: 1000})
	b.get("/rpc/Switch.Set?id=0&on=true&toggle_after=300")
	var j units.Joules
	for range 60 {
		j += b.Advance(clock.Advance(10*time.Second), 21)
	}
	near(t, "heat of ten minutes with five at 1 kW", float64(j), 1000*300+600, 1)
	b.Faults().SetLyingWatts(2)
	b.get("/rpc/Switch.Set?id=0&on=true&toggle_after=300")
	near(t, "false power", b.relay()["apower"].(float64), 2000, 0.1)
	b.SetMains(false, clock.Now())
	if j := b.Advance(clock.Advance(time.Minute), 21); j != 0 {
		t.Errorf("%v of heat without mains", j)
	}
	b.SetMains(true, clock.Now())
	clock.Advance(time.Minute)
	if b.Closed() {
		t.Error("it closed when power came back")
	}
}

func TestItFeedsAnotherMachine(t *testing.T) {
	clock := emulate.NewManual(start)
	miner := axeos.New(axeos.Config{Clock: clock.Now})
	b := serve(t, clock, shelly.Config{Feeds: miner})
	if miner.Power() != 0 {
		t.Fatalf("the miner draws %v behind an open relay", miner.Power())
	}
	b.get("/rpc/Switch.Set?id=0&on=true")
	clock.Advance(3 * time.Minute)
	near(t, "metered", b.relay()["apower"].(float64), float64(miner.Power()), 0.1)
	near(t, "drawn", float64(miner.Power()), 24, 0.5)
	if j := b.Advance(clock.Advance(100*time.Second), 20); j > 300 {
		t.Errorf("the relay counts %v, the heat of the miner too", j)
	}
}

func TestLogin(t *testing.T) {
	b := serve(t, emulate.NewManual(start), shelly.Config{Password: "warm house", Load: 1000})
	if info := b.get("/rpc/Shelly.GetDeviceInfo"); info["auth_en"] != true {
		t.Errorf("auth_en %v", info["auth_en"])
	}
	challenge := func() (realm, nonce string) {
		a := b.ask("GET", "/rpc/Switch.Set?id=0&on=true", "")
		m := regexp.MustCompile(`^Digest qop="auth", realm="([^"]+)", nonce="([^"]+)", algorithm=SHA-256$`).
			FindStringSubmatch(a.challenge)
		if a.status != 401 || m == nil {
			t.Fatalf("%+v", a)
		}
		return m[1], m[2]
	}
	h := func(parts ...string) string {
		s := sha256.Sum256([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(s[:])
	}
	const path = "/rpc/Switch.Set?id=0&on=true"
	login := func(user, password, realm, nonce, nc, uri string) int {
		a1, a2 := h(user, realm, password), h("GET", uri)
		return b.ask("GET", path, "", "Authorization", fmt.Sprintf(
			`Digest username=%q, realm=%q, nonce=%q, uri=%q, qop=auth, nc=%s, cnonce="c0ffee", algorithm=SHA-256, response=%q`,
			user, realm, nonce, uri, nc, h(a1, nonce, nc, "c0ffee", "auth", a2))).status
	}
	realm, nonce := challenge()
	if b.Closed() {
		t.Fatal("a request without login closed the relay")
	}
	for _, c := range []struct {
		name                                   string
		user, password, realm, nonce, nc, path string
		want                                   int
	}{
		{"wrong password", "admin", "cold house", realm, nonce, "00000001", path, 401},
		{"wrong user", "root", "warm house", realm, nonce, "00000001", path, 401},
		{"wrong realm", "admin", "warm house", "shellyplus1-0", nonce, "00000001", path, 401},
		{"nonce of its own", "admin", "warm house", realm, "1234", "00000001", path, 401},
		{"for another request", "admin", "warm house", realm, nonce, "00000001", "/rpc/Switch.Set?id=0&on=false", 401},
		{"right", "admin", "warm house", realm, nonce, "00000001", path, 200},
		{"replayed", "admin", "warm house", realm, nonce, "00000001", path, 401},
		{"next", "admin", "warm house", realm, nonce, "00000002", path, 200},
		{"nc skips", "admin", "warm house", realm, nonce, "0000000a", path, 200},
		{"nc not eight digits", "admin", "warm house", realm, nonce, "b", path, 401},
	} {
		if got := login(c.user, c.password, c.realm, c.nonce, c.nc, c.path); got != c.want {
			t.Errorf("%s: status %d, want %d", c.name, got, c.want)
		}
	}
	b.clock.Advance(6 * time.Minute)
	if got := login("admin", "warm house", realm, nonce, "0000000b", path); got != 401 {
		t.Errorf("a stale nonce: status %d, want 401", got)
	}
}

func TestParseModel(t *testing.T) {
	if m, err := shelly.ParseModel("Plus1PM"); m != shelly.Plus1PM || err != nil {
		t.Errorf("Plus1PM: %v, %v", m, err)
	}
	if _, err := shelly.ParseModel("1l"); err == nil || !strings.Contains(err.Error(), "plugs") {
		t.Errorf("1l: error %v, want the list of models", err)
	}
}
