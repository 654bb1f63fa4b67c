package httpapi_test

import (
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hearth/httpapi"
	"hearth/site"
	"hearth/units"
	"hearth/web/storybook"
)

func TestSetPointOf(t *testing.T) {
	z := site.ZoneState{Name: "Room", Min: 5, Max: 28}
	f := func(v float64, unit string, want units.Celsius, ok bool) {
		t.Helper()
		got, err := httpapi.SetPointOf(z, &v, unit)
		if (err == nil) != ok || ok && math.Abs(float64(got-want)) > 1e-9 {
			t.Errorf("%v %q: %v, %v", v, unit, got, err)
		}
	}
	f(5, "°C", 5, true)
	f(28, "C", 28, true)
	f(28.01, "°C", 0, false)
	f(4.99, "°C", 0, false)
	f(41, "°F", 5, true)
	f(82.4, "F", 28, true)
	f(math.NaN(), "°C", 0, false)
	f(math.Inf(1), "°C", 0, false)
	f(math.MaxFloat64, "°F", 0, false)
}

// Whatever the body of a set-point, the home is told only what it allows.
func FuzzSetPoint(f *testing.F) {
	for _, s := range []string{
		`{"value":21,"unit":"°C"}`, `{"value":70,"unit":"°F"}`, `{"value":1e999,"unit":"°C"}`, `{"value":-0,"unit":"C"}`,
		`{"value":21,"unit":"°C","until":"2026-01-14T21:00:00Z"}`, `{"value":null}`, `[]`, `{`, `"`, `{"value":21,"unit":"°C"}x`,
	} {
		f.Add(s)
	}
	auth, err := httpapi.OpenAuth(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	home := storybook.Heating()
	h := httpapi.New(httpapi.Options{Home: home, Auth: auth, Log: quiet()})
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range []string{"setpoint", "preset", "mode", "manual"} {
			r := httptest.NewRequest("PUT", "http://localhost/api/v1/zones/living/"+path, strings.NewReader(body))
			r.RemoteAddr = "127.0.0.1:50000"
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			told := len(home.Calls())
			h.ServeHTTP(w, r)
			if w.Code >= 500 {
				t.Fatalf("%s with %q: %d %s", path, body, w.Code, w.Body)
			}
			if now := home.Calls(); w.Code != http.StatusOK && path == "setpoint" && len(now) > told {
				t.Fatalf("%q was refused and yet the home was told %q", body, now[told:])
			}
		}
		z := home.State().Zones[0]
		if set, ok := z.SetPoint.Get(); ok && (set < z.Min-1e-6 || set > z.Max+1e-6 || math.IsNaN(float64(set))) {
			t.Fatalf("%q set %v", body, set)
		}
	})
}

// Whatever the parameters of history, a query is within its bounds.
func FuzzHistory(f *testing.F) {
	f.Add("living", "temp", "2026-01-13T18:30:00Z", "2026-01-14T18:30:00Z", "96")
	f.Add("", "", "", "", "")
	f.Add("x", "power", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2000")
	f.Fuzz(func(t *testing.T, subject, metric, from, to, points string) {
		get := map[string]string{"subject": subject, "metric": metric, "from": from, "to": to, "points": points}
		q, err := httpapi.ParseHistory(func(name string) string { return get[name] }, storybook.Now())
		if err == nil && (!q.From.Before(q.To) || q.Points < 1 || q.Points > 2000 || q.Subject == "") {
			t.Fatalf("%v gives %+v", get, q)
		}
	})
}

func TestAhead(t *testing.T) {
	now := storybook.Now()
	f := func(d time.Duration, ok bool) {
		t.Helper()
		at := now.Add(d)
		if _, err := httpapi.Ahead(now, &at); (err == nil) != ok {
			t.Errorf("%v ahead: %v", d, err)
		}
	}
	f(time.Minute, true)
	f(0, false)
	f(-time.Hour, false)
	f(365*24*time.Hour, true)
	f(367*24*time.Hour, false)
}
