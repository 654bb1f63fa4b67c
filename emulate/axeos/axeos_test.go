package axeos_test

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/device/devicetest"
	"hearth/emulate"
	"hearth/emulate/axeos"
	"hearth/units"
)

// bench is a miner on a socket, in a world whose clock the test moves.
type bench struct {
	*axeos.Emulator
	t     *testing.T
	clock *emulate.Manual
	url   string
}

func serve(t *testing.T, c axeos.Config) bench {
	t.Helper()
	clock := emulate.NewManual(time.Date(2026, 1, 12, 6, 0, 0, 0, time.UTC))
	c.Clock = clock.Now
	e := axeos.New(c)
	return bench{e, t, clock, "http://" + devicetest.Serve(t, e)}
}

// ask sends a request and returns status and body, status 0 if nobody answers.
func (b bench) ask(method, path, body string, header ...string) (int, string) {
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
		return 0, ""
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, string(got)
}

func (b bench) info() map[string]any {
	b.t.Helper()
	status, body := b.ask("GET", "/api/system/info", "")
	var out map[string]any
	if err := json.Unmarshal([]byte(body), &out); err != nil || status != 200 {
		b.t.Fatalf("info: status %d, %v", status, err)
	}
	return out
}

func (b bench) number(name string) float64 {
	b.t.Helper()
	v, ok := b.info()[name].(float64)
	if !ok {
		b.t.Fatalf("info has no number %q", name)
	}
	return v
}

func near(t *testing.T, what string, got, want, slack float64) {
	t.Helper()
	if math.Abs(got-want) > slack {
		t.Errorf("%s is %.4g, want %.4g within %.2g", what, got, want, slack)
	}
}

func TestEachBoardTellsWhatItIs(t *testing.T) {
	for _, c := range []struct {
		model     axeos.Model
		family    string
		chip      string
		watts     float64 // estimate at the defaults: target of the factory test, supply, fan
		gigahash  float64
		maxPower  float64
		hasSecond bool
	}{
		{axeos.Max, "Max", "BM1397", 17, 425 * 672 / 1000.0, 25, false},
		{axeos.Ultra, "Ultra", "BM1366", 17, 485 * 894 / 1000.0, 25, false},
		{axeos.Supra, "Supra", "BM1368", 17, 490 * 1276 / 1000.0, 40, false},
		{axeos.Gamma, "Gamma", "BM1370", 24, 525 * 2040 / 1000.0, 40, false},
		{axeos.GammaTurbo, "GammaTurbo", "BM1370", 46, 2 * 525 * 2040 / 1000.0, 60, true},
		{axeos.NerdQAxe, "NerdQAxe+", "BM1368", 56, 4 * 490 * 1276 / 1000.0, 100, false},
	} {
		t.Run(string(c.model), func(t *testing.T) {
			b := serve(t, axeos.Config{Model: c.model})
			info := b.info()
			near(t, "power", info["power"].(float64), c.watts, 0.5)
			near(t, "hash rate", info["hashRate"].(float64), c.gigahash, 0.04*c.gigahash)
			near(t, "chip temperature", info["temp"].(float64), 60, 4)
			if _, ok := info["temp2"]; ok != c.hasSecond {
				t.Errorf("temp2 there: %v", ok)
			}
			if info["hearthEmulator"] != true || info["ASICModel"] != c.chip || info["maxPower"] != c.maxPower {
				t.Errorf("info says %v, %v, %v", info["hearthEmulator"], info["ASICModel"], info["maxPower"])
			}
			_, body := b.ask("GET", "/api/system/asic", "")
			var asic struct {
				DeviceModel      string
				FrequencyOptions []float64
				DefaultFrequency float64
			}
			if err := json.Unmarshal([]byte(body), &asic); err != nil {
				t.Fatal(err)
			}
			if asic.DeviceModel != c.family || len(asic.FrequencyOptions) < 6 || asic.DefaultFrequency != info["frequency"] {
				t.Errorf("asic says %+v", asic)
			}
		})
	}
}

func TestPatchChecksItsInput(t *testing.T) {
	b := serve(t, axeos.Config{})
	for _, c := range []struct {
		body   string
		status int
		writes int
	}{
		{`{"frequency":490}`, 200, 1},
		{`{"frequency":487.5,"coreVoltage":1100}`, 200, 2},
		{`{"frequency":0}`, 400, 0},
		{`{"frequency":65536}`, 400, 0},
		{`{"frequency":"490"}`, 400, 0},
		{`{"coreVoltage":1100.5}`, 400, 0},
		{`{"frequency":490,"temptarget":34}`, 400, 0},
		{`{"temptarget":66}`, 200, 1},
		{`{"minFanSpeed":100}`, 400, 0},
		{`{"manualFanSpeed":100}`, 200, 1},
		{`{"autofanspeed":2}`, 400, 0},
		{`{"overheat_mode":1}`, 400, 0},
		{`{"overheat_mode":0}`, 200, 1},
		{`{"stratumURL":"elsewhere"}`, 200, 1},
		{`{`, 400, 0},
		{`[]`, 400, 0},
	} {
		before := b.FlashWrites()
		status, body := b.ask("PATCH", "/api/system", c.body)
		if status != c.status || b.FlashWrites()-before != c.writes {
			t.Errorf("PATCH %s: status %d, %d writes, want %d, %d", c.body, status, b.FlashWrites()-before, c.status, c.writes)
		}
		switch {
		case status == 200 && body != "":
			t.Errorf("PATCH %s answers %q, want nothing", c.body, body)
		case status == 400 && strings.HasPrefix(c.body, `{"`) && strings.TrimSpace(body) != "Wrong API input":
			t.Errorf("PATCH %s answers %q", c.body, body)
		}
	}
	if f := b.number("frequency"); f != 487.5 {
		t.Errorf("frequency is %v: a refused PATCH changed it, or an accepted one did not", f)
	}
	if s := b.Settings(); !strings.Contains(s, `"temptarget":66`) || !strings.Contains(s, `"stratumURL":"elsewhere"`) || b.info()["stratumURL"] != "elsewhere" {
		t.Errorf("settings %s, info tells %v", s, b.info()["stratumURL"])
	}
}

func TestPowerFollowsFrequencyAndVoltage(t *testing.T) {
	b := serve(t, axeos.Config{Model: axeos.Gamma})
	b.ask("PATCH", "/api/system", `{"frequency":400}`)
	b.clock.Advance(5 * time.Minute)
	near(t, "power at 400 MHz", b.number("power"), 7+17*400/525.0, 0.2)
	b.ask("PATCH", "/api/system", `{"coreVoltage":1000}`)
	b.clock.Advance(5 * time.Minute)
	near(t, "power at 400 MHz and 1000 mV", b.number("power"), 7+17*400/525.0*(1000/1150.0)*(1000/1150.0), 0.2)
	near(t, "hash rate", b.number("hashRate_1m"), 400*2040/1000.0, 10)
}

func TestPauseStopsAndARestartForgetsIt(t *testing.T) {
	b := serve(t, axeos.Config{})
	if status, _ := b.ask("POST", "/api/system/pause", ""); status != 200 {
		t.Fatalf("pause: status %d", status)
	}
	b.clock.Advance(5 * time.Minute)
	info := b.info()
	if info["miningPaused"] != true || info["hashRate"] != 0.0 {
		t.Errorf("paused: %v, hash rate %v", info["miningPaused"], info["hashRate"])
	}
	near(t, "power when paused", info["power"].(float64), 7, 0.1)
	near(t, "chip when paused", info["temp"].(float64), 20, 0.5)

	b.ask("POST", "/api/system/resume", "")
	b.clock.Advance(5 * time.Minute)
	near(t, "power when resumed", b.number("power"), 24, 0.5)

	b.ask("POST", "/api/system/pause", "")
	b.ask("POST", "/api/system/restart", "")
	b.clock.Advance(2 * time.Second)
	if status, _ := b.ask("GET", "/api/system/info", ""); status != 0 {
		t.Errorf("it answers %d while it boots", status)
	}
	b.clock.Advance(10 * time.Second)
	info = b.info()
	if info["temp"] != -1.0 || info["vrTemp"] != -1.0 || info["miningPaused"] != false || info["uptimeSeconds"].(float64) > 15 {
		t.Errorf("after boot: temp %v, vrTemp %v, paused %v, uptime %v", info["temp"], info["vrTemp"], info["miningPaused"], info["uptimeSeconds"])
	}
	b.clock.Advance(time.Minute)
	near(t, "power after a restart", b.number("power"), 24, 0.5)
	if b.FlashWrites() != 0 {
		t.Errorf("pause and restart wrote flash %d times", b.FlashWrites())
	}
}

func TestAChipPausedBeforeItStartsTellsNoTemperature(t *testing.T) {
	b := serve(t, axeos.Config{})
	b.Reboot()
	b.clock.Advance(11 * time.Second)
	b.ask("POST", "/api/system/pause", "")
	b.clock.Advance(time.Minute)
	if got := b.number("temp"); got != -1 {
		t.Errorf("temp %v, want -1", got)
	}
	b.ask("POST", "/api/system/resume", "")
	b.clock.Advance(2 * time.Second)
	if got := b.number("temp"); got < 15 {
		t.Errorf("temp %v after it started", got)
	}
}

func TestOldFirmwareHasNoPause(t *testing.T) {
	b := serve(t, axeos.Config{Firmware: "v2.9.0"})
	if status, _ := b.ask("POST", "/api/system/pause", ""); status != 404 {
		t.Errorf("pause: status %d, want 404", status)
	}
	if _, ok := b.info()["miningPaused"]; ok {
		t.Error("it tells of a pause that it does not have")
	}
}

func TestNerdQAxeIsShutDownUntilItRestarts(t *testing.T) {
	b := serve(t, axeos.Config{Model: axeos.NerdQAxe})
	if status, _ := b.ask("POST", "/api/system/pause", ""); status != 404 {
		t.Errorf("pause: status %d, want 404", status)
	}
	for _, body := range []string{`{"frequency":0}`, `{"frequency":450.5}`} {
		if status, _ := b.ask("PATCH", "/api/system", body); status != 200 || b.FlashWrites() != 0 {
			t.Errorf("PATCH %s: status %d, %d writes; want it acknowledged and ignored", body, status, b.FlashWrites())
		}
	}
	b.ask("POST", "/api/system/shutdown", "")
	b.clock.Advance(5 * time.Minute)
	info := b.info()
	if info["shutdown"] != true || info["hashRate"] != 0.0 {
		t.Errorf("shut down: %v, hash rate %v", info["shutdown"], info["hashRate"])
	}
	near(t, "power when shut down", info["power"].(float64), 2, 0.1)
	b.ask("POST", "/api/system/restart", "")
	b.clock.Advance(2 * time.Minute)
	if got := b.number("power"); got < 50 {
		t.Errorf("power %v after a restart", got)
	}
	near(t, "currentA", b.number("currentA"), b.number("power")/12, 0.1)
}

func TestWithoutAPoolItDoesNotHeat(t *testing.T) {
	b := serve(t, axeos.Config{})
	b.SetPool(false)
	b.clock.Advance(5 * time.Minute)
	info := b.info()
	if info["hashRate"] != 0.0 || info["poolConnectionInfo"] != "Not Connected" || info["power"].(float64) > 8 {
		t.Errorf("hash rate %v, pool %v, power %v", info["hashRate"], info["poolConnectionInfo"], info["power"])
	}
}

func TestABlockedFanEndsInOverheatMode(t *testing.T) {
	b := serve(t, axeos.Config{})
	b.BlockFan(true)
	for range 300 {
		b.clock.Advance(time.Second)
		if b.number("overheat_mode") == 1 {
			break
		}
	}
	info := b.info()
	if info["overheat_mode"] != 1.0 || info["frequency"] != 425.0 || info["coreVoltage"] != 1050.0 {
		t.Fatalf("overheat_mode %v, %v MHz, %v mV", info["overheat_mode"], info["frequency"], info["coreVoltage"])
	}
	if b.FlashWrites() == 0 {
		t.Error("the lower settings were not kept in flash")
	}
	b.clock.Advance(20 * time.Second)
	if w := b.number("power"); w > 8 {
		t.Errorf("it draws %v W while it cools", w)
	}
	b.BlockFan(false)
	b.clock.Advance(10 * time.Minute)
	if got := b.number("hashRate"); got < 800 {
		t.Errorf("hash rate %v after it cooled", got)
	}
	if b.number("overheat_mode") != 1 {
		t.Error("overheat_mode cleared itself")
	}
}

func TestOnlyTheHomeNetworkIsLetIn(t *testing.T) {
	b := serve(t, axeos.Config{})
	for origin, want := range map[string]int{
		"":                      200,
		"http://192.168.1.5":    200,
		"http://bitaxe":         200,
		"http://bitaxe.local":   200,
		"http://203.0.113.9":    401,
		"https://evil.example":  401,
		"http://[2001:db8::1]/": 401,
	} {
		var header []string
		if origin != "" {
			header = []string{"Origin", origin}
		}
		if status, _ := b.ask("GET", "/api/system/info", "", header...); status != want {
			t.Errorf("origin %q: status %d, want %d", origin, status, want)
		}
	}
}

func TestHeatIsTheElectricityDrawn(t *testing.T) {
	clock := emulate.NewManual(time.Date(2026, 1, 12, 6, 0, 0, 0, time.UTC))
	e := axeos.New(axeos.Config{Model: axeos.Gamma, Clock: clock.Now})
	var joules units.Joules
	steps := func(n int) (sum units.Joules) {
		for range n {
			sum += e.Advance(clock.Advance(10*time.Second), 21)
		}
		return sum
	}
	joules = steps(360)
	near(t, "an hour at work", float64(joules)/3600, 24, 0.1)
	e.SetMains(false, clock.Now())
	if j := steps(6); j != 0 {
		t.Errorf("%v of heat without mains", j)
	}
	e.SetMains(true, clock.Now())
	near(t, "the first ten seconds of a boot", float64(steps(1))/10, 7, 0.1)
	steps(12)
	near(t, "two minutes later", float64(e.Power()), 24, 0.1)
	if j := e.Advance(clock.Now().Add(-time.Hour), 21); j != 0 {
		t.Errorf("%v of heat for no time", j)
	}
}

func TestLies(t *testing.T) {
	b := serve(t, axeos.Config{})
	b.Faults().SetLyingWatts(0.5)
	near(t, "power it tells", b.number("power"), 12, 0.3)
	near(t, "power it draws", float64(b.Power()), 24, 0.3)
	b.Faults().SetLyingOK(true)
	for _, path := range []string{"pause", "restart"} {
		if status, _ := b.ask("POST", "/api/system/"+path, ""); status != 200 {
			t.Errorf("%s: status %d", path, status)
		}
	}
	if status, _ := b.ask("PATCH", "/api/system", `{"frequency":400}`); status != 200 {
		t.Errorf("PATCH: status %d", status)
	}
	b.clock.Advance(3 * time.Second)
	if info := b.info(); info["miningPaused"] != false || info["frequency"] != 525.0 || b.FlashWrites() != 0 {
		t.Errorf("it obeyed: paused %v, %v MHz, %d writes", info["miningPaused"], info["frequency"], b.FlashWrites())
	}
}

func TestStatistics(t *testing.T) {
	b := serve(t, axeos.Config{})
	for range 4 {
		b.clock.Advance(30 * time.Second)
		b.info()
	}
	_, body := b.ask("GET", "/api/system/statistics?columns=power,hashrate", "")
	var got struct {
		CurrentTimestamp float64
		Labels           []string
		Statistics       [][]float64
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"hashrate", "power", "timestamp"}, got.Labels); diff != "" {
		t.Error(diff)
	}
	if n := len(got.Statistics); n < 4 || got.Statistics[n-1][2]-got.Statistics[n-2][2] != 30_000 {
		t.Errorf("%d rows: %v", n, got.Statistics)
	}
}

func TestParseModel(t *testing.T) {
	if m, err := axeos.ParseModel("Gamma"); m != axeos.Gamma || err != nil {
		t.Errorf("Gamma: %v, %v", m, err)
	}
	if _, err := axeos.ParseModel("s9"); err == nil || !strings.Contains(err.Error(), "nerdqaxe") {
		t.Errorf("s9: error %v, want the list of models", err)
	}
}
