package weather

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"hearth/heat"
	"hearth/units"
)

// OpenMeteo is the forecast service of open-meteo.com, which asks for no key.
// Its data are CC BY 4.0: say "Weather data by Open-Meteo.com" where they show.
const OpenMeteo = "https://api.open-meteo.com/v1/forecast"

// Limits on what a forecast service may do to a home.
const (
	forecastBytes    = 1 << 20
	forecastHours    = 24 * 40
	forecastLasts    = 24 * time.Hour
	forecastPatience = 20 * time.Second
)

// Forecast is the weather to come at one place, from a web service. It keeps
// the last forecast while the service cannot be reached, until that is too old
// to be believed. All its methods may be called at the same time.
type Forecast struct {
	address string
	client  *http.Client
	lasts   time.Duration
	latest  atomic.Pointer[fetched]
}

type fetched struct {
	at     time.Time
	series *Series
}

// ForecastConfig says where a forecast comes from.
type ForecastConfig struct {
	// URL of a service that speaks as Open-Meteo does; empty: [OpenMeteo].
	URL string
	heat.Location
	// Lasts is how long a forecast is believed after it was fetched; 0: a day.
	Lasts time.Duration
	// Client makes the requests; nil: one of its own. Every request ends after
	// 20 s at the latest.
	Client *http.Client
}

// NewForecast returns a forecast that knows nothing before its first
// [Forecast.Refresh]. It makes no request.
func NewForecast(c ForecastConfig) (*Forecast, error) {
	if c.URL == "" {
		c.URL = OpenMeteo
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("weather forecast: %q is not a web address such as %s", c.URL, OpenMeteo)
	}
	if !(math.Abs(c.Latitude) <= 90) || !(math.Abs(c.Longitude) <= 180) {
		return nil, fmt.Errorf("weather forecast: there is no place at latitude %g, longitude %g", c.Latitude, c.Longitude)
	}
	q := u.Query()
	// Two decimals are a kilometre: enough for weather, and a home is not
	// given away to the metre.
	q.Set("latitude", strconv.FormatFloat(c.Latitude, 'f', 2, 64))
	q.Set("longitude", strconv.FormatFloat(c.Longitude, 'f', 2, 64))
	q.Set("hourly", "temperature_2m,direct_normal_irradiance,diffuse_radiation")
	q.Set("timeformat", "unixtime")
	q.Set("timezone", "GMT")
	q.Set("past_days", "1")
	q.Set("forecast_days", "4")
	u.RawQuery = q.Encode()
	f := &Forecast{address: u.String(), client: c.Client, lasts: c.Lasts}
	if f.client == nil {
		f.client = &http.Client{}
	}
	if f.lasts <= 0 {
		f.lasts = forecastLasts
	}
	return f, nil
}

// Refresh fetches a new forecast; now is kept as its age. On an error the
// forecast before stays. The service asks not to be called more than once an
// hour or so for one place.
func (f *Forecast) Refresh(ctx context.Context, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, forecastPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.address, nil)
	if err != nil {
		return fmt.Errorf("fetch weather forecast: %w", err)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "hearth")
	response, err := f.client.Do(request)
	if err != nil {
		return fmt.Errorf("fetch weather forecast: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, forecastBytes+1))
	switch {
	case err != nil:
		return fmt.Errorf("fetch weather forecast: %w", err)
	case len(body) > forecastBytes:
		return fmt.Errorf("fetch weather forecast: the answer is longer than %d bytes", forecastBytes)
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("fetch weather forecast: %s%s", response.Status, reason(body))
	}
	series, err := decodeForecast(body)
	if err != nil {
		return fmt.Errorf("read weather forecast: %w", err)
	}
	f.latest.Store(&fetched{now, series})
	return nil
}

// reason returns what a service gives as the reason of a failure.
func reason(body []byte) string {
	var answer struct{ Reason string }
	if json.Unmarshal(body, &answer) != nil || answer.Reason == "" {
		return ""
	}
	text := strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return -1
		}
		return r
	}, answer.Reason)
	return ": " + strings.ToValidUTF8(text[:min(len(text), 200)], "")
}

// decodeForecast reads {"hourly_units":{…},"hourly":{"time":[…],…}}.
func decodeForecast(body []byte) (*Series, error) {
	var answer struct {
		Units  map[string]string `json:"hourly_units"`
		Hourly struct {
			Time    []int64    `json:"time"`
			Outdoor []*float64 `json:"temperature_2m"`
			Direct  []*float64 `json:"direct_normal_irradiance"`
			Diffuse []*float64 `json:"diffuse_radiation"`
		} `json:"hourly"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	h := answer.Hourly
	for name, want := range map[string]string{"time": "unixtime", "temperature_2m": "°C", "direct_normal_irradiance": "W/m²", "diffuse_radiation": "W/m²"} {
		if got, ok := answer.Units[name]; ok && got != want {
			return nil, fmt.Errorf("%s is in %q where %q is wanted", name, got, want)
		}
	}
	n := len(h.Time)
	if n == 0 || n > forecastHours {
		return nil, fmt.Errorf("there are %d hours, want 1 to %d", n, forecastHours)
	}
	if len(h.Outdoor) != n {
		return nil, fmt.Errorf("there are %d temperatures for %d hours", len(h.Outdoor), n)
	}
	for _, light := range [][]*float64{h.Direct, h.Diffuse} {
		if len(light) != 0 && len(light) != n {
			return nil, fmt.Errorf("there are %d irradiances for %d hours", len(light), n)
		}
	}
	// An impossible value is a missing one: the service covers the whole
	// world, and one bad hour is no reason to have no weather.
	value := func(list []*float64, i int, as func(float64) heat.Weather) float64 {
		if i >= len(list) || list[i] == nil || as(*list[i]).Plausible() != nil {
			return math.NaN()
		}
		return *list[i]
	}
	s := &Series{points: make([]point, n)}
	for i, t := range h.Time {
		if t < 0 || t > 1<<33 || i > 0 && t <= h.Time[i-1] {
			return nil, fmt.Errorf("the hours are out of order at %d", t)
		}
		s.points[i] = point{
			at:      time.Unix(t, 0).UTC(),
			outdoor: value(h.Outdoor, i, func(x float64) heat.Weather { return heat.Weather{Outdoor: units.Celsius(x)} }),
			direct:  value(h.Direct, i, func(x float64) heat.Weather { return heat.Weather{Direct: x} }),
			diffuse: value(h.Diffuse, i, func(x float64) heat.Weather { return heat.Weather{Diffuse: x} }),
		}
	}
	return s, nil
}

// believed returns the forecast if it is young enough, else says why not.
func (f *Forecast) believed(now time.Time) (*Series, string) {
	latest := f.latest.Load()
	if latest == nil {
		return nil, "no weather forecast was fetched yet"
	}
	switch age := now.Sub(latest.at); {
	case age > f.lasts:
		return nil, fmt.Sprintf("the last weather forecast is %s old", age.Round(time.Minute))
	case age < -time.Hour:
		return nil, "the weather forecast is from the future: a clock is wrong"
	}
	return latest.series, ""
}

// At returns the weather forecast for the instant t as it is known at now.
func (f *Forecast) At(t, now time.Time) units.Known[heat.Weather] {
	s, why := f.believed(now)
	if why != "" {
		return units.Unknown[heat.Weather](why, now)
	}
	return s.At(t)
}

// Outdoor returns the temperature forecast for the instant t as it is known at
// now; it may be known where the sunshine is not.
func (f *Forecast) Outdoor(t, now time.Time) units.Known[units.Celsius] {
	s, why := f.believed(now)
	if why != "" {
		return units.Unknown[units.Celsius](why, now)
	}
	return s.Outdoor(t)
}

// Fetched returns when the forecast in hand was fetched, zero before the first.
func (f *Forecast) Fetched() time.Time {
	if latest := f.latest.Load(); latest != nil {
		return latest.at
	}
	return time.Time{}
}
