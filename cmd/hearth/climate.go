package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"hearth/config"
	"hearth/heat"
	"hearth/heat/climate"
	"hearth/site"
	"hearth/source/weather"
	"hearth/units"
)

// weather finds out what tells the outdoor temperature.
func (h *household) weather(ctx context.Context, f config.File, d deps, opt *site.Options) error {
	w := f.Weather
	path := w.Path
	if path != "" && !filepath.IsAbs(path) {
		path = filepath.Join(d.dir, path)
	}
	switch w.Kind {
	case "", "sensor":
		return nil
	case "typical":
		p, err := placeFor(f.Place)
		if err != nil {
			return fmt.Errorf("weather: %w", err)
		}
		y, err := climate.Typical(p.Name, seed)
		if err != nil {
			return fmt.Errorf("weather: %w", err)
		}
		opt.Outdoor = typical(y)
		opt.Forecast = onDate(opt.Outdoor)
	case "epw":
		y, err := readFile(path, climate.ReadEPW)
		if err != nil {
			return err
		}
		opt.Outdoor = typical(y)
		opt.Forecast = onDate(opt.Outdoor)
	case "csv":
		s, err := readFile(path, weather.ReadCSV)
		if err != nil {
			return err
		}
		opt.Outdoor = s.Outdoor
		opt.Forecast = onDate(opt.Outdoor)
	case "service":
		fc, err := weather.NewForecast(weather.ForecastConfig{URL: w.URL, Location: heat.Location{Latitude: w.Latitude, Longitude: w.Longitude}})
		if err != nil {
			return err
		}
		opt.Outdoor = func(now time.Time) units.Known[units.Celsius] { return fc.Outdoor(now, now) }
		opt.Forecast = fc.Outdoor
		if !d.dry {
			h.follow(ctx, fc, d)
		}
	default:
		return fmt.Errorf("weather: kind %q is not typical, epw, csv, service or sensor", w.Kind)
	}
	return nil
}

// onDate makes a forecast of weather that is known by its date.
func onDate(outdoor func(time.Time) units.Known[units.Celsius]) func(at, now time.Time) units.Known[units.Celsius] {
	return func(at, _ time.Time) units.Known[units.Celsius] { return outdoor(at) }
}

// typical gives the outdoor temperature of a typical year. It is what the
// place is like, not what it is now: an estimate.
func typical(y *climate.Year) func(time.Time) units.Known[units.Celsius] {
	return func(now time.Time) units.Known[units.Celsius] {
		return units.Know(y.At(now).Outdoor, now, units.Estimate)
	}
}

func readFile[T any](path string, read func(io.Reader) (T, error)) (T, error) {
	var none T
	if path == "" {
		return none, errors.New("weather: name the file with \"path\"")
	}
	f, err := os.Open(path)
	if err != nil {
		return none, fmt.Errorf("weather: %w", err)
	}
	defer func() { _ = f.Close() }()
	v, err := read(f)
	if err != nil {
		return none, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return v, nil
}

// forecastEvery is how often a forecast is fetched.
const forecastEvery = time.Hour

// follow keeps the forecast fresh until the household closes. After a failure
// it asks again sooner.
func (h *household) follow(ctx context.Context, fc *weather.Forecast, d deps) {
	var next time.Time
	ask := func(ctx context.Context) {
		if time.Now().Before(next) {
			return
		}
		next = time.Now().Add(forecastEvery)
		if err := fc.Refresh(ctx, time.Now()); err != nil && ctx.Err() == nil {
			d.log.Info("no new weather forecast", "error", err)
			next = time.Now().Add(forecastEvery / 12)
		}
	}
	h.every(ctx, 10*time.Second, ask)
}
