package weather_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hearth/heat"
	"hearth/source/weather"
)

// service is a forecast service on a real socket. It answers as Open-Meteo
// does, with hours that are 0, 1, 2 … °C from the epoch on, until told to
// misbehave.
type service struct {
	t      *testing.T
	server *httptest.Server
	epoch  int64
	answer atomic.Pointer[http.HandlerFunc]
	asked  atomic.Pointer[http.Request]
}

func newService(t *testing.T, epoch time.Time) *service {
	s := &service{t: t, epoch: epoch.Unix()}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Store(r)
		if h := s.answer.Load(); h != nil {
			(*h)(w, r)
			return
		}
		io.WriteString(w, forecastJSON(s.epoch, 48))
	}))
	t.Cleanup(s.server.Close)
	return s
}

func (s *service) misbehave(h http.HandlerFunc) { s.answer.Store(&h) }

func (s *service) forecast() *weather.Forecast {
	f, err := weather.NewForecast(weather.ForecastConfig{URL: s.server.URL + "/v1/forecast?models=best_match", Location: heat.Location{Latitude: 59.91273, Longitude: 10.74609}, Lasts: 6 * time.Hour})
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

func forecastJSON(epoch int64, hours int) string {
	var at, temp, direct, diffuse []string
	for i := range hours {
		at = append(at, fmt.Sprint(epoch+int64(i)*3600))
		temp = append(temp, fmt.Sprintf("%d.0", i))
		direct = append(direct, fmt.Sprintf("%d.5", 100+i))
		diffuse = append(diffuse, "50.0")
	}
	list := func(s []string) string { return "[" + strings.Join(s, ",") + "]" }
	return `{"latitude":59.9,"longitude":10.75,"generationtime_ms":0.05,"utc_offset_seconds":0,"timezone":"GMT","elevation":26.0,` +
		`"hourly_units":{"time":"unixtime","temperature_2m":"°C","direct_normal_irradiance":"W/m²","diffuse_radiation":"W/m²"},` +
		`"hourly":{"time":` + list(at) + `,"temperature_2m":` + list(temp) + `,"direct_normal_irradiance":` + list(direct) + `,"diffuse_radiation":` + list(diffuse) + `}}`
}

func TestForecast(t *testing.T) {
	epoch := time.Date(2026, time.January, 10, 0, 0, 0, 0, time.UTC)
	s := newService(t, epoch)
	f := s.forecast()
	now := epoch.Add(10 * time.Hour)

	if k := f.Outdoor(now, now); k.IsKnown() || !strings.Contains(k.Why(), "fetched yet") {
		t.Errorf("before the first forecast outdoors is %v", k)
	}
	if err := f.Refresh(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	q := s.asked.Load().URL.Query()
	if q.Get("latitude") != "59.91" || q.Get("longitude") != "10.75" || q.Get("timeformat") != "unixtime" || q.Get("models") != "best_match" {
		t.Errorf("asked for %v", q)
	}
	if w, ok := f.At(now.Add(90*time.Minute), now).Get(); !ok || w != (heat.Weather{Outdoor: 11.5, Direct: 112.5, Diffuse: 50}) {
		t.Errorf("the weather at 11:30 is %v", f.At(now.Add(90*time.Minute), now))
	}
	if k := f.At(now.Add(100*time.Hour), now); k.IsKnown() {
		t.Errorf("after its last hour the forecast says %v", k)
	}

	// The service goes away: the forecast stays until it is too old.
	s.server.Close()
	if err := f.Refresh(t.Context(), now.Add(time.Hour)); err == nil {
		t.Error("a service that is gone was no error")
	}
	if !f.Fetched().Equal(now) {
		t.Errorf("the forecast was fetched at %v, want %v", f.Fetched(), now)
	}
	if later := now.Add(5 * time.Hour); !f.Outdoor(later, later).IsKnown() {
		t.Errorf("after 5 hours offline outdoors is %v", f.Outdoor(later, later))
	}
	if later := now.Add(7 * time.Hour); f.Outdoor(later, later).IsKnown() || !strings.Contains(f.At(later, later).Why(), "7h0m0s old") {
		t.Errorf("after 7 hours offline outdoors is %v", f.Outdoor(later, later))
	}
	if earlier := now.Add(-2 * time.Hour); !strings.Contains(f.Outdoor(earlier, earlier).Why(), "clock is wrong") {
		t.Errorf("with the clock set back outdoors is %v", f.Outdoor(earlier, earlier))
	}
}

func TestForecastSurvivesItsService(t *testing.T) {
	epoch := time.Date(2026, time.January, 10, 0, 0, 0, 0, time.UTC)
	good := forecastJSON(epoch.Unix(), 48)
	text := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }
	}
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"refuses", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, "{\"error\":true,\"reason\":\"Latitude must be in range\\u001b[31m\"}")
		}, "400 Bad Request: Latitude must be in range[31m"},
		{"is broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "502"},
		{"answers nothing", text(""), "read weather forecast"},
		{"answers a page", text("<html>please log in</html>"), "read weather forecast"},
		{"is cut off", text(good[:len(good)/2]), "read weather forecast"},
		{"hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		{"never ends", func(w http.ResponseWriter, _ *http.Request) {
			for range 200 {
				io.WriteString(w, strings.Repeat("[", 1<<14))
			}
		}, "longer than"},
		{"answers in Fahrenheit", text(strings.Replace(good, "°C", "°F", 1)), "°F"},
		{"knows no hours", text(`{"hourly":{"time":[]}}`), "0 hours"},
		{"forgets temperatures", text(`{"hourly":{"time":[0,3600],"temperature_2m":[1]}}`), "1 temperatures for 2 hours"},
		{"runs backwards", text(`{"hourly":{"time":[3600,0],"temperature_2m":[1,2]}}`), "out of order"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newService(t, epoch)
			f := s.forecast()
			now := epoch.Add(10 * time.Hour)
			if err := f.Refresh(t.Context(), now); err != nil {
				t.Fatal(err)
			}
			s.misbehave(c.answer)
			if err := f.Refresh(t.Context(), now); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want %q in it", err, c.want)
			}
			if !f.Outdoor(now, now).IsKnown() {
				t.Error("the good forecast was lost")
			}
		})
	}
}

func TestImpossibleForecastIsUnknown(t *testing.T) {
	s := newService(t, time.Unix(0, 0))
	s.misbehave(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"hourly":{"time":[0,3600,7200,10800],"temperature_2m":[1,-9999,null,4],"direct_normal_irradiance":[0,0,0,-1],"diffuse_radiation":[0,0,0,null]}}`)
	})
	f := s.forecast()
	now := time.Unix(0, 0)
	if err := f.Refresh(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	for after, known := range map[time.Duration]bool{0: true, time.Hour: false, 2 * time.Hour: false, 3 * time.Hour: false} {
		if f.At(now.Add(after), now).IsKnown() != known {
			t.Errorf("after %v the weather is %v", after, f.At(now.Add(after), now))
		}
	}
}

func TestForecastGivesUpWithItsContext(t *testing.T) {
	s := newService(t, time.Unix(0, 0))
	release := make(chan struct{})
	s.misbehave(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.forecast().Refresh(ctx, time.Unix(0, 0)) }()
	cancel()
	if err := <-done; err == nil {
		t.Error("a cancelled refresh was no error")
	}
}

func TestForecastConfigIsChecked(t *testing.T) {
	for _, c := range []weather.ForecastConfig{
		{URL: "open-meteo.com"},
		{URL: "ftp://example.org/"},
		{URL: "http://"},
		{URL: "http://[::1"},
		{Location: heat.Location{Latitude: 91}},
		{Location: heat.Location{Longitude: -200}},
	} {
		if _, err := weather.NewForecast(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}
