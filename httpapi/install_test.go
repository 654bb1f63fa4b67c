package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"hearth/httpapi"
	"hearth/site"
	"hearth/web/storybook"
)

// What an installer sends is judged before the home hears of it.
func TestHostilePlacements(t *testing.T) {
	r := newRig(t, storybook.Heating())
	for _, c := range []struct {
		name, body string
		status     int
		text       string // part of the answer
	}{
		{"nothing", `{}`, 422, "needs an id"},
		{"no driver", `{"id":"a"}`, 422, "which driver"},
		{"no address", `{"id":"a","kind":"avalon","address":"  "}`, 422, "where the device is"},
		{"limit without unit", `{"id":"a","kind":"avalon","address":"x","limit":"900"}`, 422, "limit: "},
		{"limit in degrees", `{"id":"a","kind":"avalon","address":"x","limit":"900 °C"}`, 422, "limit: "},
		{"limit as a number", `{"id":"a","kind":"avalon","address":"x","limit":900}`, 400, "cannot be a number"},
		{"negative limit", `{"id":"a","kind":"avalon","address":"x","limit":"-5 W"}`, 422, "more than 0 W"},
		{"a power station's limit", `{"id":"a","kind":"avalon","address":"x","limit":"3 MW"}`, 422, "at most"},
		{"infinite load", `{"id":"a","kind":"avalon","address":"x","load":"Inf W"}`, 422, "load: "},
		{"set-point without unit", `{"id":"a","kind":"avalon","address":"x","zone":"b","setpoint":"21"}`, 422, "setpoint: "},
		{"sensor without zone", `{"id":"a","kind":"avalon","address":"x","sensor":"a/"}`, 422, "belong to a zone"},
		{"role of its own", `{"id":"a","kind":"avalon","address":"x","role":"boss"}`, 422, `is not a role: use primary`},
		{"a pool", `{"id":"a","kind":"avalon","address":"x","pool":"evil.example:3333"}`, 400, `no field \"pool\"`},
		{"twice", `{"id":"a","id":"b"}`, 400, "twice"},
		{"half", `{"id":"a"`, 400, "not valid JSON"},
		{"giant", `{"id":"` + strings.Repeat("x", 70<<10) + `"}`, 413, "64 KiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, body := r.ask("POST", "/api/v1/devices", c.body)
			if res.StatusCode != c.status || !strings.Contains(body, c.text) {
				t.Errorf("%d %s, want %d with %s", res.StatusCode, body, c.status, c.text)
			}
		})
	}
	if calls := r.home.Calls(); len(calls) != 0 {
		t.Errorf("the home was told %q", calls)
	}
}

func TestInstall(t *testing.T) {
	r := newRig(t, storybook.Heating())
	f := func(method, path, body string, status int, text string) string {
		t.Helper()
		res, answer := r.ask(method, path, body)
		if res.StatusCode != status || !strings.Contains(answer, text) {
			t.Errorf("%s %s: %d %s, want %d with %s", method, path, res.StatusCode, answer, status, text)
		}
		return answer
	}
	const nano = `{"id":"nano","kind":"avalon","address":"192.168.1.52:4028","zone":"attic","zone_name":"Attic","role":"primary","limit":"0.14 kW"}`
	f("POST", "/api/v1/devices", nano, 201, `"limit":"140 W"`)
	f("POST", "/api/v1/devices", nano, 422, "already")
	f("POST", "/api/v1/devices/nano/sheet", "", 422, "no check has been made")
	f("GET", "/api/v1/devices/nano/sheet", "", 404, "no commissioning sheet")
	f("GET", "/api/v1/devices/nano/checks", "", 200, "[]")
	f("POST", "/api/v1/devices/nano/checks/control", "", 200, `"outcome":"running"`)
	f("POST", "/api/v1/devices/nano/checks/explode", "", 422, "there is no check")
	f("POST", "/api/v1/devices/attic/checks/control", "", 404, "attic")
	r.home.EndCheck("nano", site.CheckControl, site.CheckPassed, "It did all it was told.", "pause: obeyed")
	f("GET", "/api/v1/devices/nano/checks", "", 200, `"steps":["pause: obeyed"]`)
	var signed, kept site.SignedSheet
	if err := json.Unmarshal([]byte(f("POST", "/api/v1/devices/nano/sheet", "", 200, `"hash"`)), &signed); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(f("GET", "/api/v1/devices/nano/sheet", "", 200, `"hash"`)), &kept); err != nil {
		t.Fatal(err)
	}
	if signed.Record == 0 || kept.Hash != signed.Hash || kept.Record != signed.Record || kept.Sheet.Limit != 140 {
		t.Errorf("signed %+v, kept %+v", signed, kept)
	}
	f("DELETE", "/api/v1/devices/nano", "", 204, "")
	f("DELETE", "/api/v1/devices/nano", "", 404, "nano")
}

// written is a home whose devices stand in a file and nowhere else.
type written struct{ httpapi.Home }

func TestHomeWithoutInstaller(t *testing.T) {
	if _, err := httpapi.InstallerOf(storybook.Heating()); err != nil {
		t.Error(err)
	}
	_, err := httpapi.InstallerOf(written{storybook.Heating()})
	if p := httpapi.ProblemOf(err); p.Status != http.StatusNotFound || !strings.Contains(p.Hint, "configuration file") {
		t.Errorf("a home without an installer says %v", err)
	}
}
