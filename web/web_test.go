package web_test

import (
	"context"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/httpapi"
	"hearth/site"
	"hearth/units"
	"hearth/web"
	"hearth/web/storybook"
)

var update = flag.Bool("update", false, "write golden files")

// serve serves a home, pages behind the gate, on a real socket, and returns
// its address.
func serve(t *testing.T, h httpapi.Home) string {
	t.Helper()
	url, _ := serveAuth(t, h)
	return url
}

func serveAuth(t *testing.T, h httpapi.Home) (string, *httpapi.Auth) {
	t.Helper()
	auth, err := httpapi.OpenAuth(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pages, err := web.New(web.Options{Home: h, Auth: auth, Log: slog.New(slog.DiscardHandler), Location: storybook.Zone()})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(httpapi.New(httpapi.Options{
		Home: h, Auth: auth, Log: slog.New(slog.DiscardHandler), Version: "0.1.0", Web: pages,
	}))
	ctx, cancel := context.WithCancel(context.Background())
	srv.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	srv.Start()
	t.Cleanup(func() {
		cancel()
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv.URL, auth
}

func client() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := client().Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// normal puts each element on a line and leaves out what a person does not
// read: the shape of lines, and all but two rows of long tables.
func normal(page string) string {
	page = regexp.MustCompile(`\?v=[0-9a-f]{16}`).ReplaceAllString(page, "")
	page = regexp.MustCompile(` (d|x1|x2|y1|y2|x|y|cx|cy)="[^"]*"`).ReplaceAllString(page, "")
	page = regexp.MustCompile(`(?s)(<tbody>(?:.*?</tr>){2}).*?</tbody>`).ReplaceAllString(page, "$1…</tbody>")
	page = regexp.MustCompile(`<line class="grid"/>`).ReplaceAllString(page, "")
	page = regexp.MustCompile(`\s+`).ReplaceAllString(page, " ")
	page = regexp.MustCompile(` ?(</?(?:header|main|section|article|form|p|h[1-6]|dl|div|li|ol|ul|figure|nav|svg|text|table|tr|summary|details|aside|footer|a|button)[ >])`).ReplaceAllString(page, "\n$1")
	return strings.TrimSpace(page) + "\n"
}

// The pages in each situation, word for word. Those of the home that heats as
// it should are kept whole, all others as what is different in them.
func TestPages(t *testing.T) {
	page := func(t *testing.T, h *storybook.Home, path string) []string {
		t.Helper()
		_, body := get(t, serve(t, h)+path)
		if path != "/" && path != "/zones/tank" { // what is around it is the same on all
			_, body, _ = strings.Cut(body, "<main")
			body, _, _ = strings.Cut("<main"+body, "</main>")
		}
		return strings.Split(normal(body), "\n")
	}
	check := func(t *testing.T, name, got string) {
		t.Helper()
		golden := filepath.Join("testdata", "pages", strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(name, "-"), "-")+".html")
		if *update {
			if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
			t.Errorf("the page differs (go test ./web -update writes it anew):\n%s", diff)
		}
	}
	whole := make(map[string][]string)
	for _, path := range []string{"/", "/devices", "/history", "/events", "/ledger", "/settings", "/nowhere", "/find", "/install", "/install?kind=avalon&address=192.168.1.52", "/install/mini3"} {
		t.Run("heating"+path, func(t *testing.T) {
			whole[path] = page(t, storybook.Heating(), path)
			check(t, "heating"+path, strings.Join(whole[path], "\n"))
		})
	}
	for _, s := range storybook.Situations() {
		paths := map[string]string{"/": "/"} // each to the page they are compared with
		switch s.Name {
		case "heating":
			paths = map[string]string{"/ledger?verify=1": "/ledger"}
		case "simulated":
			paths = map[string]string{
				"/": "/", "/devices": "/devices", "/history?subject=mini3&metric=electricity&span=week": "/history",
				"/events": "/events", "/ledger": "/ledger", "/settings": "/settings",
			}
		case "unplugged", "answering":
			paths["/devices"] = "/devices"
		case "tank-and-room":
			paths["/zones/tank"] = "/"
		}
		for path, base := range paths {
			t.Run(s.Name+path, func(t *testing.T) {
				check(t, s.Name+path, changes(whole[base], page(t, s.Open(), path)))
			})
		}
	}
}

// changes lists the lines that one text has and the other has not, each run
// after the line before it.
func changes(from, to []string) string {
	// The longest common subsequence, from the end.
	length := make([][]int, len(from)+1)
	for i := range length {
		length[i] = make([]int, len(to)+1)
	}
	for i, a := range slices.Backward(from) {
		for j, b := range slices.Backward(to) {
			if a == b {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	var b strings.Builder
	same := true
	line := func(mark byte, text string, i int) {
		if same && i > 0 {
			b.WriteString("  " + from[i-1] + "\n")
		}
		same = false
		b.WriteString(string(mark) + " " + text + "\n")
	}
	for i, j := 0, 0; i < len(from) || j < len(to); {
		switch {
		case i < len(from) && j < len(to) && from[i] == to[j]:
			same = true
			i, j = i+1, j+1
		case i < len(from) && (j == len(to) || length[i+1][j] >= length[i][j+1]):
			line('-', from[i], i)
			i++
		default:
			line('+', to[j], i)
			j++
		}
	}
	return b.String()
}

// Whatever is simulated is called so: each zone, each device, each figure.
func TestSimulatedIsSaid(t *testing.T) {
	url := serve(t, storybook.Simulated())
	for path, least := range map[string]int{"/": 10, "/devices": 20, "/history": 3, "/events": 4, "/ledger": 10, "/settings": 2} {
		_, body := get(t, url+path)
		if n := strings.Count(body, "simulated"); n < least {
			t.Errorf("%s says simulated %d times, want at least %d", path, n, least)
		}
		if !strings.Contains(body, "No real heat is made.") {
			t.Errorf("%s has no banner", path)
		}
		for _, origin := range []string{">measured<", ">estimated<", ">from its power supply<"} {
			if strings.Contains(body, `class="source"`+origin) || strings.Contains(body, `<dd class="source"`+origin) {
				t.Errorf("%s shows something as %s", path, origin)
			}
		}
	}
	// And nothing real is called simulated.
	url = serve(t, storybook.Heating())
	for _, path := range []string{"/", "/devices", "/history", "/events", "/ledger"} {
		if _, body := get(t, url+path); strings.Contains(body, "simulated") {
			t.Errorf("%s of a real home says simulated", path)
		}
	}
}

// What is unknown is said to be, with the reason, and is nowhere a zero.
func TestUnknownIsNeverZero(t *testing.T) {
	h := storybook.Unplugged()
	h.Change(func(s *site.State) {
		why := "the meter is silent"
		s.Outdoor = units.Unknown[units.Celsius](why, s.At)
		s.Zones[0].Temp = units.Unknown[units.Celsius](why, s.At)
		s.Zones[0].Today.Electricity = units.Unknown[units.KilowattHours](why, s.At)
		s.Zones[0].Today.Cost = units.Unknown[units.Money](why, s.At)
		s.Zones[0].Today.Comfort = units.Unknown[units.Fraction](why, s.At)
		s.Zones[0].Today.Backup = units.Unknown[units.Fraction](why, s.At)
		s.Devices = s.Devices[:1]
	})
	url := serve(t, h)
	for _, path := range []string{"/?live", "/devices"} {
		_, body := get(t, url+path)
		body, _, _ = strings.Cut(body, `<section id="chart"`)
		body = regexp.MustCompile(`<details>.*`).ReplaceAllString(strings.ReplaceAll(body, "\n", " "), "")
		if zero := regexp.MustCompile(`>0(\.0+)? (W|kW|°C|kWh|%|EUR|H/s)`).FindString(body); zero != "" {
			t.Errorf("%s shows %s", path, zero)
		}
		if !strings.Contains(body, "unknown") || !strings.Contains(body, "the device does not answer") {
			t.Errorf("%s does not say what is unknown and why", path)
		}
	}
}

// Names come from devices and files; none of them becomes markup.
func TestHostileNames(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>'{{.}}javascript:`
	h := storybook.Tripped()
	h.Change(func(s *site.State) {
		s.Name, s.Place, s.Sentence, s.SimulatedNote, s.Simulated = evil, evil, evil, evil, true
		z := &s.Zones[0]
		z.Name, z.Sentence, z.SetWhy, z.Preset = evil, evil, evil, evil
		z.Temp = units.Unknown[units.Celsius](evil, s.At)
		for i := range s.Devices {
			d := &s.Devices[i]
			d.Name, d.Kind, d.Trouble, d.Guard = evil, evil, evil, evil
			d.Identity.Vendor, d.Identity.Model, d.Identity.Firmware, d.Identity.Serial = evil, evil, evil, evil
			d.Reading.Level = units.Know(evil, s.At, units.Meter)
			d.Command.Trouble, d.Command.Confirmed, d.Command.Demand.Why = evil, false, evil
		}
		s.Devices[0].ID, s.Zones[0].ID = evil+"1", evil+"2"
		s.Sensors[0].Name = evil
		s.Trips[0].ID, s.Trips[0].Cause, s.Trips[0].Did, s.Trips[0].Clears = evil, evil, evil, evil
		s.Compute.Note, s.Ledger.Paused, s.Ledger.Head = evil, evil, evil
		s.Zones[0].Schedule = []string{evil}
	})
	h.Note("alarm", evil, evil, evil)
	base, auth := serveAuth(t, h)
	if _, err := auth.AddToken(`<script>alert(3)</script>`, httpapi.ScopeRead, storybook.Now()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"/", "/devices", "/history", "/events", "/ledger", "/settings", "/zones/" + url.PathEscape(evil+"2"),
		"/history?subject=" + url.QueryEscape(evil+"1"), "/history?to=" + url.QueryEscape(evil), "/zones/" + url.PathEscape(evil), "/?chart=" + url.QueryEscape(evil),
		"/login?next=" + url.QueryEscape(evil) + "&wait=" + url.QueryEscape(evil),
	} {
		_, body := get(t, base+path)
		for _, markup := range []string{"<script>", "<img", "onerror=alert(2)>'", `href="javascript`} {
			if i := strings.Index(body, markup); i >= 0 {
				t.Errorf("%s: %s gets through: …%s…", path, markup, body[max(0, i-80):min(len(body), i+80)])
			}
		}
	}
}

// Without a script every control is a form that leads back to its page.
func TestForms(t *testing.T) {
	h := storybook.Tripped()
	base := serve(t, h)
	post := func(path, form string) (int, string, string) {
		t.Helper()
		res, err := client().Post(base+path, "application/x-www-form-urlencoded", strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, res.Header.Get("Location"), string(b)
	}
	ok := func(path, form, back, call string) {
		t.Helper()
		status, location, body := post(path, form+"&back="+url.QueryEscape(back))
		calls := h.Calls()
		if status != 303 || location != back || len(calls) == 0 || !strings.HasPrefix(calls[len(calls)-1], call) {
			t.Errorf("%s %s: %d to %q, the home was told %q: %s", path, form, status, location, calls, body)
		}
	}
	ok("/zones/living/setpoint", "value=21.5", "/zones/living", "setpoint living 21.5 °C by someone")
	ok("/zones/living/setpoint", "value=20%2C5&until=2026-01-14T22:00", "/", "setpoint living 20.5 °C until 2026-01-14T21:00:00Z")
	ok("/zones/living/mode", "mode=off", "/", "mode living off")
	ok("/zones/living/preset", "preset=boost", "/", `preset living "boost"`)
	ok("/zones/living/preset", "preset=holiday&value=12&until=2026-01-20T12:00", "/", `preset living "holiday" at 12.0 °C until 2026-01-20T11:00:00Z`)
	ok("/zones/living/preset", "preset=", "/", `preset living ""`)
	ok("/zones/living/manual", "level=mini3%2Feco&minutes=60", "/", "manual living mini3 eco 1h0m0s")
	ok("/zones/living/manual", "level=mini3%2Foff", "/", "manual living mini3 off 0s")
	ok("/devices/mini3/blink", "", "/devices", "blink mini3")
	ok("/trips/room_over_temperature%2Fliving/clear", "", "/", "clear room_over_temperature/living")
	ok("/compute", "allowed=false", "/settings", "compute false")
	if status, _, body := post("/find", "scan=192.168.1.0%2F24"); status != 200 || !strings.Contains(body, "Avalon Nano 3s") ||
		!strings.Contains(body, "address: 192.168.1.52:4028") || !strings.Contains(body, "This home has it: Bitaxe Gamma.") {
		t.Errorf("looking for devices: %d %s", status, body)
	}

	told := len(h.Calls())
	no := func(path, form string, want int, text string) {
		t.Helper()
		status, _, body := post(path, form)
		if status != want || !strings.Contains(body, text) || !strings.Contains(body, "data-problem") {
			t.Errorf("%s %s: %d, want %d with %q:\n%s", path, form, status, want, text, body)
		}
	}
	no("/zones/living/setpoint", "value=41", 422, "outside what Living room allows: 5.0 °C to 28.0 °C")
	no("/zones/living/setpoint", "value=NaN", 422, "not a number")
	no("/zones/living/setpoint", "value=warm", 422, "is not a temperature")
	no("/zones/living/setpoint", "value=21&until=2025-01-14T22:00", 422, "not in the future")
	no("/zones/living/setpoint", "value=21&until=tonight", 422, "is not a time")
	no("/zones/attic/setpoint", "value=21", 404, "attic")
	no("/zones/living/mode", "mode=max", 422, "is not a mode")
	no("/zones/living/preset", "preset=party", 422, "party")
	no("/zones/living/manual", "level=mini3%2Feco&minutes=100000", 422, "24 hours")
	no("/zones/living/manual", "level=eco&minutes=10", 422, "Choose a level")
	no("/compute", "", 422, "Say whether")
	no("/find", "scan=8.8.8.0/24", 422, "not a private network")
	no("/zones/living/setpoint", "value="+strings.Repeat("2", 10000), 400, "cannot be read")
	if calls := h.Calls(); len(calls) != told {
		t.Errorf("the home was told %q", calls[told:])
	}
	// A form leads nowhere but here.
	if _, location, _ := post("/devices/mini3/blink", "back=https://evil.example/"); location != "/" {
		t.Errorf("a form led to %q", location)
	}
	// Another site's form is not taken.
	req, _ := http.NewRequest("POST", base+"/zones/living/setpoint", strings.NewReader("value=28"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", "https://evil.example")
	res, err := client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 403 {
		t.Errorf("another site's form: %s", res.Status)
	}
}

func TestReadersMayNotSet(t *testing.T) {
	h := storybook.Heating()
	base, auth := serveAuth(t, h)
	if err := auth.SetPassword("correct horse battery"); err != nil {
		t.Fatal(err)
	}
	token, err := auth.AddToken("wall display", httpapi.ScopeRead, storybook.Now())
	if err != nil {
		t.Fatal(err)
	}
	do := func(method, path, body string) int {
		t.Helper()
		req, err := http.NewRequest(method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	if got := do("GET", "/", ""); got != 200 {
		t.Errorf("a reader sees %d", got)
	}
	if got := do("POST", "/zones/living/setpoint", "value=28"); got != 403 || len(h.Calls()) != 0 {
		t.Errorf("a reader sets: %d, the home was told %q", got, h.Calls())
	}
	// Without the token there is the login page, and it tells nothing of the home.
	res, err := client().Get(base + "/login")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	for _, secret := range []string{"Living", "Helsinki", "20.6", "Mini 3"} {
		if strings.Contains(string(b), secret) {
			t.Errorf("the login page tells %q", secret)
		}
	}
}

func TestForgedLedgerIsFound(t *testing.T) {
	h := storybook.Heating()
	h.Forge(40)
	_, body := get(t, serve(t, h)+"/ledger?verify=1")
	if !strings.Contains(body, "Something is wrong") || !strings.Contains(body, "40") {
		t.Error("a changed record is not shown")
	}
}
