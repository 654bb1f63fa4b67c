package tariff

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"hearth/heat"
	"hearth/units"
)

// The kinds of tariff.
const (
	Flat      = "flat"        // one price always
	TimeOfUse = "time_of_use" // prices by season, day and time
	File      = "file"        // prices from a CSV file: see [ReadCSV]
)

// Config is a tariff as its payer describes it.
type Config struct {
	// Kind is [Flat], [TimeOfUse] or [File].
	Kind string `yaml:"kind"`
	// Price is the price of a flat tariff, and of one by time of use whenever
	// no period covers the time.
	Price units.Price `yaml:"price"`
	// Periods are for time of use; the first that covers the time holds.
	Periods []Period `yaml:"periods"`
	// Path is the CSV file.
	Path string `yaml:"path"`
	// Add is put on top of the file's prices: grid, taxes and margin.
	Add units.Price `yaml:"add"`
}

// Period is a time at which a price holds.
type Period struct {
	Name  string      `yaml:"name"` // "night"
	Price units.Price `yaml:"price"`
	// Days are those on which the period begins. From and To may span
	// midnight; both left out: the whole day.
	Days   heat.Weekdays  `yaml:"days"`
	From   heat.TimeOfDay `yaml:"from"`
	To     heat.TimeOfDay `yaml:"to"`
	Season Season         `yaml:"season"`
}

// covers reports whether the period holds on the day, at the time of day.
func (p *Period) covers(month time.Month, day int, weekday time.Weekday, at heat.TimeOfDay) bool {
	if !p.Season.Has(month, day) {
		return false
	}
	switch {
	case p.From == p.To:
		return p.Days.Has(weekday)
	case p.From < p.To:
		return at >= p.From && at < p.To && p.Days.Has(weekday)
	case at >= p.From:
		return p.Days.Has(weekday)
	case at < p.To: // it began the day before
		return p.Days.Has((weekday + 6) % 7)
	}
	return false
}

// Tariff tells prices. Its methods may be called at the same time.
type Tariff struct {
	config Config
	zone   *time.Location
	prices atomic.Pointer[stamped]
}

// stamped is a file as it was read.
type stamped struct {
	series  *Series
	written time.Time
	size    int64
}

// New checks the configuration and returns the tariff; times of day are those
// of the zone. A tariff from a file reads it, and fails where that fails.
func New(c Config, zone *time.Location) (*Tariff, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	t := &Tariff{config: c, zone: zone}
	if c.Kind == File {
		if err := t.Refresh(); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Check says what is wrong with the configuration, naming the key, or nil. It
// does not look at the file.
func (c Config) Check() error {
	priced := func(p units.Price) bool { return p.PerKWh.Currency != "" }
	foreign := func(set bool, key, kind string) error {
		if set {
			return fmt.Errorf("tariff: %s belongs to kind %s, not to kind %s", key, kind, c.Kind)
		}
		return nil
	}
	var err error
	either := func(e error) {
		if err == nil {
			err = e
		}
	}
	switch c.Kind {
	case Flat:
		if !priced(c.Price) {
			either(fmt.Errorf("tariff: price is missing: write it as %q", "price: 0.30 EUR/kWh"))
		}
	case TimeOfUse:
		either(c.checkPeriods(priced))
	case File:
		if c.Path == "" {
			either(fmt.Errorf("tariff: path is missing: the CSV file with the prices"))
		}
		either(foreign(priced(c.Price), "price", Flat))
	default:
		return fmt.Errorf("tariff: kind is %q: want %s, %s or %s", c.Kind, Flat, TimeOfUse, File)
	}
	if c.Kind != TimeOfUse {
		either(foreign(len(c.Periods) > 0, "periods", TimeOfUse))
	}
	if c.Kind != File {
		either(foreign(c.Path != "", "path", File))
		either(foreign(priced(c.Add), "add", File))
	}
	return err
}

func (c Config) checkPeriods(priced func(units.Price) bool) error {
	if len(c.Periods) == 0 {
		return fmt.Errorf("tariff: periods are missing: give at least one, with price, from and to")
	}
	currency := c.Price.PerKWh.Currency
	for i, p := range c.Periods {
		called := fmt.Sprintf("periods[%d]", i)
		if p.Name != "" {
			called = fmt.Sprintf("period %q", p.Name)
		}
		if !priced(p.Price) {
			return fmt.Errorf("tariff: %s has no price", called)
		}
		if currency == "" {
			currency = p.Price.PerKWh.Currency
		}
		if p.Price.PerKWh.Currency != currency {
			return fmt.Errorf("tariff: %s is in %s, the price before it in %s: use one currency", called, p.Price.PerKWh.Currency, currency)
		}
	}
	if priced(c.Price) {
		return nil
	}
	// Without a price for the rest, the periods must cover the whole year.
	// What they cover changes at their edges only.
	edges := []heat.TimeOfDay{0}
	for _, p := range c.Periods {
		edges = append(edges, p.From, p.To%(24*60))
	}
	for day := time.Date(2028, time.January, 1, 0, 0, 0, 0, time.UTC); day.Year() == 2028; day = day.AddDate(0, 0, 1) {
		// Any date may fall on any day of the week.
		for weekday := range time.Saturday + 1 {
			for _, at := range edges {
				if c.period(day.Month(), day.Day(), weekday, at) == nil {
					return fmt.Errorf("tariff: no period covers %v, %v on %s: give a price for the rest", weekday, at, day.Format("2 January"))
				}
			}
		}
	}
	return nil
}

func (c Config) period(month time.Month, day int, weekday time.Weekday, at heat.TimeOfDay) *Period {
	for i := range c.Periods {
		if c.Periods[i].covers(month, day, weekday, at) {
			return &c.Periods[i]
		}
	}
	return nil
}

// At returns the price at the instant t.
func (t *Tariff) At(at time.Time) units.Known[units.Price] {
	switch t.config.Kind {
	case File:
		p := t.prices.Load().series.At(at)
		if t.config.Add.PerKWh.Micros == 0 {
			return p
		}
		return units.Map(p, func(p units.Price) units.Price {
			p.PerKWh.Micros += t.config.Add.PerKWh.Micros
			return p
		})
	case TimeOfUse:
		local := at.In(t.zone)
		if p := t.config.period(local.Month(), local.Day(), local.Weekday(), heat.Of(local)); p != nil {
			return units.Know(p.Price, at, units.Chosen)
		}
	}
	return units.Know(t.config.Price, at, units.Chosen)
}

// mostBytes bounds the file of prices: a decade of quarter hours is 12 MB.
const mostBytes = 64 << 20

// Refresh reads the file again if it has changed since; other kinds have
// nothing to refresh. On an error the prices before stay.
func (t *Tariff) Refresh() error {
	if t.config.Kind != File {
		return nil
	}
	f, err := os.Open(t.config.Path)
	if err != nil {
		return fmt.Errorf("read tariff: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read tariff: %w", err)
	}
	if last := t.prices.Load(); last != nil && last.written.Equal(info.ModTime()) && last.size == info.Size() {
		return nil
	}
	if info.Size() > mostBytes {
		return fmt.Errorf("read tariff: %s has %d bytes, more than the %d a file of prices may have", t.config.Path, info.Size(), mostBytes)
	}
	series, err := ReadCSV(f)
	if err != nil {
		return fmt.Errorf("read tariff: %s: %w", t.config.Path, err)
	}
	if add := t.config.Add.PerKWh.Currency; add != "" && add != series.Currency() {
		return fmt.Errorf("read tariff: %s: prices are in %s, but add is in %s", t.config.Path, series.Currency(), add)
	}
	t.prices.Store(&stamped{series, info.ModTime(), info.Size()})
	return nil
}
