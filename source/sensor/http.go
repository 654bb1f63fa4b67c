package sensor

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"hearth/internal/fetch"
	"hearth/internal/jsonpath"
	"hearth/units"
)

// Value is a temperature in a JSON document or in plain text.
type Value struct {
	jsonpath.Field `yaml:",inline"`
	// Unit is °C, which is the default, °F or m°C.
	Unit string `yaml:"unit"`
}

func (v Value) check() error {
	if v.Unit == "" || jsonpath.IsTemperature(v.Unit) {
		return nil
	}
	return fmt.Errorf("unit: %q is not a unit of temperature: write °C, °F or m°C", v.Unit)
}

// of reads the temperature in a document.
func (v Value) of(doc []byte, at time.Time) units.Known[units.Celsius] {
	n, err := v.Number(doc)
	if err == nil {
		var t units.Celsius
		if t, err = jsonpath.Celsius(n, v.Unit); err == nil {
			return units.Know(t, at, units.Meter)
		}
	}
	return unknown(err.Error(), at)
}

// HTTP is a temperature in the answer of something on the network.
type HTTP struct {
	fetch.Config `yaml:",inline"`
	// Get is the path of the request; "/" if nothing is said.
	Get   string `yaml:"get"`
	Value `yaml:",inline"`
}

type overHTTP struct {
	cfg    HTTP
	client *fetch.Client
	now    func() time.Time
}

func openHTTP(cfg HTTP, deps Deps) (Sensor, error) {
	if cfg.Get == "" {
		cfg.Get = "/"
	}
	if err := fetch.CheckPath(cfg.Get); err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	c, err := fetch.New(cfg.Config, deps.Secret)
	if err != nil {
		return nil, err
	}
	return &overHTTP{cfg, c, deps.Now}, nil
}

// Read implements [Sensor].
func (s *overHTTP) Read(ctx context.Context) (units.Known[units.Celsius], error) {
	doc, err := s.client.Do(ctx, http.MethodGet, s.cfg.Get, nil)
	if err != nil {
		return unknown("it does not answer", s.now()), err
	}
	return s.cfg.of(doc, s.now()), nil
}

// Close implements [Sensor].
func (s *overHTTP) Close() error {
	s.client.Close()
	return nil
}
