package pool

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"time"

	"hearth/internal/fetch"
	"hearth/internal/jsonpath"
	"hearth/units"
)

// pricer says what a bitcoin costs, as its owner chose.
type pricer struct {
	name   string
	fixed  units.Money
	client *fetch.Client
	path   jsonpath.Path
	at     string // path and query
	in     string
}

// openPricer reads the configuration; nil where it names no price.
func openPricer(p Prices, secret func(string) (string, error)) (*pricer, error) {
	switch p.Source {
	case "":
		return nil, nil
	case "fixed":
		var m units.Money
		if err := m.UnmarshalText([]byte(p.Bitcoin)); err != nil || m.Micros <= 0 {
			return nil, fmt.Errorf("pool: prices: bitcoin %q: write it as \"61000 EUR\"", p.Bitcoin)
		}
		name := p.Name
		set(&name, "fixed by the owner")
		return &pricer{name: name, fixed: m}, nil
	case "service":
		path, err := jsonpath.Parse(p.Path)
		if err != nil {
			return nil, fmt.Errorf("pool: prices: path: %w", err)
		}
		if p.URL == "" || len(p.Currency) != 3 {
			return nil, fmt.Errorf("pool: prices: source service needs a url, a path into its JSON, and a currency such as EUR")
		}
		u, err := url.Parse(p.URL)
		if err != nil {
			return nil, fmt.Errorf("pool: prices: url: %w", err)
		}
		c, err := fetch.New(fetch.Config{URL: u.Scheme + "://" + u.Host}, secret)
		if err != nil {
			return nil, fmt.Errorf("pool: prices: %w", err)
		}
		name := p.Name
		set(&name, u.Host)
		return &pricer{name: name, client: c, path: path, at: u.RequestURI(), in: p.Currency}, nil
	}
	return nil, fmt.Errorf("pool: prices: source %q: use fixed or service", p.Source)
}

// priceLimit is how long a price service may take.
const priceLimit = 10 * time.Second

// askPrice returns the price of a bitcoin and who said it.
func (s *Service) askPrice(ctx context.Context) (units.Money, string, bool) {
	p := s.pricer
	if p == nil {
		return units.Money{}, "", false
	}
	if p.client == nil {
		return p.fixed, p.name, true
	}
	ctx, cancel := context.WithTimeout(ctx, priceLimit)
	defer cancel()
	m, err := p.ask(ctx)
	s.books.troubled("price", err)
	return m, p.name, err == nil
}

func (p *pricer) ask(ctx context.Context) (units.Money, error) {
	body, err := p.client.Do(ctx, "GET", p.at, nil)
	if err != nil {
		return units.Money{}, fmt.Errorf("ask %s for the price of a bitcoin: %w", p.name, err)
	}
	v, err := p.path.Number(body)
	if err != nil {
		return units.Money{}, fmt.Errorf("ask %s for the price of a bitcoin: %w", p.name, err)
	}
	if !(v > 0) || v > 1e12 {
		return units.Money{}, fmt.Errorf("ask %s for the price of a bitcoin: it says %v, which cannot be", p.name, v)
	}
	return units.Money{Micros: int64(math.Round(v * 1e6)), Currency: p.in}, nil
}
