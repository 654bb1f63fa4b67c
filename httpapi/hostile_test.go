package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"hearth/httpapi"
	"hearth/site"
	"hearth/web/storybook"
)

// Whatever is sent, the answer says what is wrong, and nothing is set.
func TestHostileRequests(t *testing.T) {
	const set = "/api/v1/zones/living/setpoint"
	for _, c := range []struct {
		name                string
		method, path, body  string
		header              string
		status              int
		code, message, hint string // parts of them
	}{
		{"no unit", "PUT", set, `{"value":21}`, "", 422, "invalid", "no unit", ""},
		{"no value", "PUT", set, `{"unit":"°C"}`, "", 422, "invalid", "missing", ""},
		{"null value", "PUT", set, `{"value":null,"unit":"°C"}`, "", 422, "invalid", "missing", ""},
		{"kelvin", "PUT", set, `{"value":294,"unit":"K"}`, "", 422, "invalid", `"K" is not a unit of temperature`, ""},
		{"watts", "PUT", set, `{"value":500,"unit":"W"}`, "", 422, "invalid", "not a unit", ""},
		{"too hot", "PUT", set, `{"value":41,"unit":"°C"}`, "", 422, "invalid", "41.0 °C is outside what Living room allows: 5.0 °C to 28.0 °C", ""},
		{"too hot in °F", "PUT", set, `{"value":110,"unit":"°F"}`, "", 422, "invalid", "43.3 °C is outside", ""},
		{"a fever in °C that is a room in °F", "PUT", set, `{"value":70,"unit":"°C"}`, "", 422, "invalid", "outside", ""},
		{"below absolute zero", "PUT", set, `{"value":-300,"unit":"°C"}`, "", 422, "invalid", "absolute zero", ""},
		{"the sentinel of a lost sensor", "PUT", set, `{"value":85,"unit":"°C"}`, "", 422, "invalid", "outside", ""},
		{"NaN", "PUT", set, `{"value":NaN,"unit":"°C"}`, "", 400, "bad_json", "not valid JSON", ""},
		{"infinity", "PUT", set, `{"value":1e999,"unit":"°C"}`, "", 400, "bad_json", "value", ""},
		{"text for a number", "PUT", set, `{"value":"21","unit":"°C"}`, "", 400, "bad_json", `"value" cannot be a string`, ""},
		{"unknown field", "PUT", set, `{"value":21,"unit":"°C","force":true}`, "", 400, "bad_json", `no field "force"`, "openapi"},
		{"field twice", "PUT", set, `{"value":21,"unit":"°C","value":28}`, "", 400, "bad_json", "twice", ""},
		{"field in capitals", "PUT", set, `{"Value":21,"unit":"°C"}`, "", 400, "bad_json", `no field "Value"`, ""},
		{"two objects", "PUT", set, `{"value":21,"unit":"°C"}{}`, "", 400, "bad_json", "follows", ""},
		{"half an object", "PUT", set, `{"value":21,`, "", 400, "bad_json", "not valid JSON", ""},
		{"an array", "PUT", set, `[21]`, "", 400, "bad_json", "array", ""},
		{"blanks", "PUT", set, `   `, "", 400, "bad_json", "empty", ""},
		{"deep nesting", "PUT", set, strings.Repeat("[", 20000), "", 400, "bad_json", "not valid JSON", ""},
		{"giant body", "PUT", set, `{"unit":"` + strings.Repeat("x", 70<<10) + `"}`, "", 413, "too_large", "64 KiB", ""},
		{"a form", "PUT", set, `value=21&unit=C`, "Content-Type: application/x-www-form-urlencoded", 415, "content_type", "JSON", "application/json"},
		{"plain text, which needs no preflight", "PUT", set, `{"value":21,"unit":"°C"}`, "Content-Type: text/plain", 415, "content_type", "JSON", ""},
		{"until yesterday", "PUT", set, `{"value":21,"unit":"°C","until":"2026-01-13T18:30:00Z"}`, "", 422, "invalid", "not in the future", ""},
		{"until far away", "PUT", set, `{"value":21,"unit":"°C","until":"2036-01-13T18:30:00Z"}`, "", 422, "invalid", "more than a year", ""},
		{"until nonsense", "PUT", set, `{"value":21,"unit":"°C","until":"tonight"}`, "", 400, "bad_json", "", ""},
		{"no such zone", "PUT", "/api/v1/zones/attic/setpoint", `{"value":21,"unit":"°C"}`, "", 404, "not_found", `no zone "attic"`, ""},
		{"a path for a zone", "PUT", "/api/v1/zones/..%2f..%2fetc%2fpasswd/setpoint", `{"value":21,"unit":"°C"}`, "", 404, "not_found", "", ""},
		{"mode of its own", "PUT", "/api/v1/zones/living/mode", `{"mode":"max"}`, "", 422, "invalid", `"max" is not a mode`, ""},
		{"no mode", "PUT", "/api/v1/zones/living/mode", `{}`, "", 422, "invalid", "not a mode", ""},
		{"no preset", "PUT", "/api/v1/zones/living/preset", `{}`, "", 422, "invalid", "missing", ""},
		{"preset of its own", "PUT", "/api/v1/zones/living/preset", `{"preset":"party"}`, "", 422, "invalid", "party", ""},
		{"preset too hot", "PUT", "/api/v1/zones/living/preset", `{"preset":"boost","value":60,"unit":"°C"}`, "", 422, "invalid", "outside", ""},
		{"preset without unit", "PUT", "/api/v1/zones/living/preset", `{"preset":"boost","value":22}`, "", 422, "invalid", "no unit", ""},
		{"manual for ever", "PUT", "/api/v1/zones/living/manual", `{"device":"mini3","level":"eco","minutes":1e9}`, "", 422, "invalid", "1440", ""},
		{"manual for less than nothing", "PUT", "/api/v1/zones/living/manual", `{"device":"mini3","level":"eco","minutes":-5}`, "", 422, "invalid", "1440", ""},
		{"manual without end", "PUT", "/api/v1/zones/living/manual", `{"device":"mini3","level":"eco"}`, "", 422, "invalid", "always ends", ""},
		{"manual at no level", "PUT", "/api/v1/zones/living/manual", `{"device":"mini3","minutes":10}`, "", 422, "invalid", "level is missing", ""},
		{"scanning the world", "POST", "/api/v1/discover", `{"scan":"8.8.8.0/24"}`, "", 422, "invalid", "not a private network", ""},
		{"scanning a continent", "POST", "/api/v1/discover", `{"scan":"10.0.0.0/8"}`, "", 422, "invalid", "too wide", ""},
		{"scanning a name", "POST", "/api/v1/discover", `{"scan":"evil.example"}`, "", 422, "invalid", "not a network", ""},
		{"consent that says nothing", "PUT", "/api/v1/compute", `{}`, "", 422, "invalid", "allowed", ""},
		{"reading with PUT", "PUT", "/api/v1/state", `{}`, "", 405, "method", "PUT", "GET"},
		{"setting with GET", "GET", set, "", "", 405, "method", "GET", "PUT"},
		{"nothing there", "GET", "/api/v1/wallet", "", "", 404, "not_found", "nothing here", ""},
		{"history of nobody", "GET", "/api/v1/history?subject=attic", "", "", 404, "not_found", "attic", ""},
		{"history of a secret", "GET", "/api/v1/history?metric=password", "", "", 422, "invalid", "metric", ""},
		{"a million points", "GET", "/api/v1/history?points=1000000", "", "", 422, "invalid", "2000", ""},
		{"time turned round", "GET", "/api/v1/history?from=2026-01-14T00:00:00Z&to=2026-01-13T00:00:00Z", "", "", 422, "invalid", "before", ""},
		{"log from nowhere", "GET", "/api/v1/log?after=-1", "", "", 422, "invalid", "-1", ""},
		{"the whole log at once", "GET", "/api/v1/log?limit=100000", "", "", 422, "invalid", "500", ""},
		{"the whole ledger at once", "GET", "/api/v1/ledger?limit=100000", "", "", 422, "invalid", "1000", ""},
		{"stream from nowhere", "GET", "/api/v1/events", "", "Last-Event-ID: x", 422, "invalid", "x", ""},

		{"another site's form", "PUT", set, `{"value":28,"unit":"°C"}`, "Origin: https://evil.example", 403, "cross_origin", "another web site", ""},
		{"another site's fetch", "PUT", set, `{"value":28,"unit":"°C"}`, "Sec-Fetch-Site: cross-site", 403, "cross_origin", "", ""},
		{"another site reads", "GET", "/api/v1/state", "", "Sec-Fetch-Site: cross-site", 403, "cross_origin", "", ""},
		{"a name that was rebound", "GET", "/api/v1/state", "", "Host: evil.example:8420", 403, "wrong_host", "", "localhost"},
		{"a name that looks local", "GET", "/api/v1/state", "", "Host: localhost.evil.example", 403, "wrong_host", "", ""},
		{"an address that looks local", "GET", "/api/v1/state", "", "Host: 127.0.0.1.nip.example", 403, "wrong_host", "", ""},
		{"the LAN address", "GET", "/api/v1/state", "", "Host: 192.168.1.10:8420", 403, "wrong_host", "", ""},
		{"a proxy on this computer", "GET", "/api/v1/state", "", "X-Forwarded-For: 203.0.113.9", 403, "no_password", "proxy", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, storybook.Heating())
			var headers []string
			if c.header != "" {
				headers = append(headers, c.header)
			}
			res, body := r.ask(c.method, c.path, c.body, headers...)
			var got struct {
				Error struct{ Code, Message, Hint string }
			}
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatalf("%d %s: not JSON: %v", res.StatusCode, body, err)
			}
			if res.StatusCode != c.status || got.Error.Code != c.code ||
				!strings.Contains(got.Error.Message, c.message) || !strings.Contains(got.Error.Hint, c.hint) {
				t.Errorf("got %d %+v", res.StatusCode, got.Error)
			}
			if calls := r.home.Calls(); len(calls) != 0 {
				t.Errorf("the home was told: %q", calls)
			}
		})
	}
}

func TestWhatIsAskedReachesTheHome(t *testing.T) {
	r := newRig(t, storybook.Tripped())
	f := func(method, path, body string, status int, call string) {
		t.Helper()
		res, answer := r.ask(method, path, body)
		calls := r.home.Calls()
		if res.StatusCode != status || len(calls) == 0 || calls[len(calls)-1] != call+" by someone at this computer" && calls[len(calls)-1] != call {
			t.Errorf("%s %s: %d %s: the home was told %q, want %q", method, path, res.StatusCode, answer, calls, call)
		}
	}
	f("PUT", "/api/v1/zones/living/setpoint", `{"value":21.5,"unit":"°C"}`, 200, "setpoint living 21.5 °C")
	f("PUT", "/api/v1/zones/living/setpoint", `{"value":68,"unit":"°F"}`, 200, "setpoint living 20.0 °C")
	f("PUT", "/api/v1/zones/living/setpoint", `{"value":22,"unit":"C","until":"2026-01-14T21:00:00Z"}`, 200, "setpoint living 22.0 °C until 2026-01-14T21:00:00Z")
	f("PUT", "/api/v1/zones/living/mode", `{"mode":"off"}`, 200, "mode living off")
	f("PUT", "/api/v1/zones/living/preset", `{"preset":"boost"}`, 200, `preset living "boost"`)
	f("PUT", "/api/v1/zones/living/preset", `{"preset":"holiday","value":12,"unit":"°C","until":"2026-01-20T12:00:00Z"}`, 200, `preset living "holiday" at 12.0 °C until 2026-01-20T12:00:00Z`)
	f("PUT", "/api/v1/zones/living/preset", `{"preset":""}`, 200, `preset living ""`)
	f("PUT", "/api/v1/zones/living/manual", `{"device":"mini3","level":"eco","minutes":90}`, 200, "manual living mini3 eco 1h30m0s")
	f("PUT", "/api/v1/zones/living/manual", `{"device":"mini3","level":"off"}`, 200, "manual living mini3 off 0s")
	f("POST", "/api/v1/discover", `{"scan":"192.168.1.77/24"}`, 200, "discover 192.168.1.0/24")
	f("POST", "/api/v1/discover", `{}`, 200, "discover")
	f("POST", "/api/v1/devices/mini3/blink", "", 204, "blink mini3")
	f("POST", "/api/v1/trips/room_over_temperature%2Fliving/clear", "", 204, "clear room_over_temperature/living")
	f("POST", "/api/v1/trips/chip_over_temperature%2Fmini3/clear", "", 422, "clear chip_over_temperature/mini3")
	f("PUT", "/api/v1/compute", `{"allowed":false}`, 200, "compute false")
	f("POST", "/api/v1/devices/attic/blink", "", 404, "blink attic")
}

func TestEveryAnswerHasTheSecurityHeaders(t *testing.T) {
	r := newRig(t, storybook.Heating())
	for _, path := range []string{"/", "/api/v1/state", "/api/v1/nothing", "/healthz", "/metrics"} {
		res, _ := r.ask("GET", path, "")
		h := res.Header
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: Content-Security-Policy %q", path, csp)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-store",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s lets other sites read", path)
		}
	}
}

func TestPasswordTokensAndSessions(t *testing.T) {
	r := newRig(t, storybook.Heating())
	if err := r.auth.SetPassword(password); err != nil {
		t.Fatal(err)
	}
	look, err := r.auth.AddToken("meter reader", httpapi.ScopeRead, r.now)
	if err != nil {
		t.Fatal(err)
	}
	control, err := r.auth.AddToken("kitchen display", httpapi.ScopeControl, r.now)
	if err != nil {
		t.Fatal(err)
	}
	status := func(want int, method, path, body string, headers ...string) answer {
		t.Helper()
		res, answer := r.ask(method, path, body, headers...)
		if res.StatusCode != want {
			t.Errorf("%s %s %v: %d %s, want %d", method, path, headers, res.StatusCode, answer, want)
		}
		return res
	}
	const set, body = "/api/v1/zones/living/setpoint", `{"value":21,"unit":"°C"}`

	// Nobody gets in without being somebody, and sees how to.
	res := status(401, "GET", "/api/v1/state", "")
	if got := res.Header.Get("WWW-Authenticate"); got != "Bearer" {
		t.Errorf("WWW-Authenticate is %q", got)
	}
	status(401, "GET", "/metrics", "")
	status(401, "PUT", set, body)
	status(200, "GET", "/healthz", "")
	status(200, "GET", "/login", "")
	status(200, "GET", "/static/hearth.css", "")
	if got := status(303, "GET", "/devices?x=1", "").Header.Get("Location"); got != "/login?next=%2Fdevices%3Fx%3D1" {
		t.Errorf("a person is led to %q", got)
	}

	// Programs do what their token's scope allows.
	status(200, "GET", "/api/v1/state", "", "Authorization: Bearer "+look)
	status(403, "PUT", set, body, "Authorization: Bearer "+look)
	status(200, "PUT", set, body, "Authorization: Bearer "+control)
	status(401, "GET", "/api/v1/state", "", "Authorization: Bearer "+control+"x")
	status(401, "GET", "/api/v1/state", "", "Authorization: Bearer ")
	if got := r.home.Calls(); len(got) != 1 || !strings.HasSuffix(got[0], "by program kitchen display") {
		t.Errorf("the home was told %q", got)
	}
	// A key for the models opens nothing else, and a key to look asks no model.
	infer, err := r.auth.AddToken("editor", httpapi.ScopeInfer, r.now)
	if err != nil {
		t.Fatal(err)
	}
	status(200, "POST", "/v1/chat/completions", "{}", "Authorization: Bearer "+infer)
	status(200, "POST", "/v1/chat/completions", "{}", "Authorization: Bearer "+control)
	status(403, "POST", "/v1/chat/completions", "{}", "Authorization: Bearer "+look)
	status(401, "POST", "/v1/chat/completions", "{}")
	for _, path := range []string{"/", "/devices", "/api/v1/state", "/metrics", "/v1x", "/v1"} {
		status(403, "GET", path, "", "Authorization: Bearer "+infer)
	}
	status(403, "PUT", set, body, "Authorization: Bearer "+infer)

	// With a password the Host header is free, and the token is what counts.
	status(200, "GET", "/api/v1/state", "", "Authorization: Bearer "+look, "Host: hearth.lan")
	if err := r.auth.RevokeToken("meter reader"); err != nil {
		t.Fatal(err)
	}
	status(401, "GET", "/api/v1/state", "", "Authorization: Bearer "+look)

	// A person logs in and has a cookie that a script cannot read.
	const form = "Content-Type: application/x-www-form-urlencoded"
	if got := status(303, "POST", "/login", "password=wrong+horse&next=/devices", form).Header.Get("Location"); got != "/login?next=%2Fdevices&wrong=1" {
		t.Errorf("after a wrong password: %q", got)
	}
	res = status(303, "POST", "/login", "password=correct+horse+battery&next=/devices", form)
	if got := res.Header.Get("Location"); got != "/devices" {
		t.Errorf("after the right password: %q", got)
	}
	c := res.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Value == "" {
		t.Errorf("the cookie is %+v", c)
	}
	session := "Cookie: " + c.Name + "=" + c.Value
	status(200, "GET", "/api/v1/state", "", session)
	status(200, "PUT", set, body, session)
	status(403, "PUT", set, body, session, "Origin: https://evil.example")
	status(403, "POST", "/logout", "", session, "Sec-Fetch-Site: cross-site")
	status(401, "GET", "/api/v1/state", "", session+"x")

	// It ends when it is not used, when it is old, when the person leaves.
	r.now = r.now.Add(httpapi.SessionIdle - time.Minute)
	status(200, "GET", "/api/v1/state", "", session)
	r.now = r.now.Add(httpapi.SessionIdle - time.Minute)
	status(200, "GET", "/api/v1/state", "", session)
	r.now = r.now.Add(httpapi.SessionIdle + time.Hour)
	status(401, "GET", "/api/v1/state", "", session)

	res = status(303, "POST", "/login", "password=correct+horse+battery", form)
	session = "Cookie: " + c.Name + "=" + res.Cookies()[0].Value
	for range 7 {
		r.now = r.now.Add(httpapi.SessionIdle - time.Hour)
		r.ask("GET", "/api/v1/state", "", session)
	}
	status(401, "GET", "/api/v1/state", "", session)

	res = status(303, "POST", "/login", "password=correct+horse+battery", form)
	session = "Cookie: " + c.Name + "=" + res.Cookies()[0].Value
	status(200, "GET", "/api/v1/state", "", session)
	status(303, "POST", "/logout", "", session)
	status(401, "GET", "/api/v1/state", "", session)

	// A new password ends every session.
	res = status(303, "POST", "/login", "password=correct+horse+battery", form)
	session = "Cookie: " + c.Name + "=" + res.Cookies()[0].Value
	if err := r.auth.SetPassword("another fine password"); err != nil {
		t.Fatal(err)
	}
	status(401, "GET", "/api/v1/state", "", session)
}

func TestFloodOfWrongPasswords(t *testing.T) {
	r := newRig(t, storybook.Heating())
	if err := r.auth.SetPassword(password); err != nil {
		t.Fatal(err)
	}
	login := func(password string) answer {
		res, _ := r.ask("POST", "/login", "password="+password, "Content-Type: application/x-www-form-urlencoded")
		return res
	}
	refused := 0
	for range 30 {
		if res := login("guess"); res.Header.Get("Retry-After") != "" {
			refused++
		}
	}
	if refused != 26 {
		t.Errorf("of 30 guesses at one moment %d were refused unchecked, want 26", refused)
	}
	// While it waits, not even the right password is looked at.
	if res := login(strings.ReplaceAll(password, " ", "+")); len(res.Cookies()) != 0 {
		t.Error("the right password got in during the wait")
	}
	r.now = r.now.Add(time.Minute)
	if res := login(strings.ReplaceAll(password, " ", "+")); len(res.Cookies()) != 1 {
		t.Errorf("the owner did not get in after a minute: %s", res.Header.Get("Location"))
	}
}

func TestLocalPath(t *testing.T) {
	f := func(next, want string) {
		t.Helper()
		if got := httpapi.LocalPath(next); got != want {
			t.Errorf("LocalPath(%q) is %q, want %q", next, got, want)
		}
	}
	f("/devices", "/devices")
	f("/history?subject=mini3&span=week", "/history?subject=mini3&span=week")
	f("", "/")
	f("https://evil.example/", "/")
	f("//evil.example/", "/")
	f("/\\evil.example/", "/")
	f("/%09/evil.example", "/%09/evil.example")
	f("/\t/evil.example", "/")
	f("javascript:alert(1)", "/")
	f("devices", "/")
	f("/login?next=/login", "/")
}

func TestErrorsOfTheHome(t *testing.T) {
	f := func(err error, status int, message string) {
		t.Helper()
		p := httpapi.ProblemOf(err)
		if p.Status != status || !strings.Contains(p.Message, message) {
			t.Errorf("%v becomes %d %q", err, p.Status, p.Message)
		}
	}
	f(site.ErrNotFound, 404, "not found")
	f(site.ErrInvalid, 422, "not possible")
	f(site.ErrUnavailable, 503, "not available")
	// What was not meant for people stays in the log.
	f(http.ErrBodyNotAllowed, 500, "Hearth made a mistake.")
}
