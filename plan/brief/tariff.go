package brief

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"hearth/heat"
	"hearth/heat/climate"
	"hearth/plan"
	"hearth/source/tariff"
	"hearth/units"
)

// Rules for the hours of a tariff's file that have no price.
const (
	refuseGaps = "refuse"
	fillGaps   = "fill"
)

// mostFilled is the share of hours that may be filled in.
const mostFilled = 0.1

// clock tells which instants the hours of a planned year are: local standard
// time of 2025, as package plan has it.
type clock struct {
	standard *time.Location
	wall     *time.Location // for times of day in tariffs
	year     int
}

func newClock(p climate.Place) (clock, error) {
	c := clock{standard: time.FixedZone("LST", int(p.Offset.Seconds())), year: 2025}
	c.wall = c.standard
	if p.Zone != "" {
		zone, err := time.LoadLocation(p.Zone)
		if err != nil {
			return c, fmt.Errorf("the time zone of %s: %w", p.Name, err)
		}
		c.wall = zone
	}
	return c, nil
}

// hour returns the instant at which an hour of the year begins.
func (c clock) hour(i int) time.Time {
	return time.Date(c.year, time.January, 1, i, 0, 0, 0, c.standard)
}

// average returns the mean of the four quarters of an hour, and whether all of
// them are known. Days of 92 and 100 quarters, when clocks change, need no rule:
// every quarter is an instant, and local standard time has no jumps.
func average(at time.Time, price func(time.Time) (float64, bool)) (float64, bool) {
	var sum float64
	for q := range 4 {
		v, ok := price(at.Add(time.Duration(q) * 15 * time.Minute))
		if !ok {
			return 0, false
		}
		sum += v
	}
	return sum / 4, true
}

// spoken reads a tariff as it is written in one line: a price that always
// holds, then prices with the days, times and seasons in which they hold, of
// which the first that fits is taken.
//
//	0.12; 0.28 mon-fri 16:00-21:00 jun-sep; 0.09 22:00-06:00
func spoken(s string, m money, c clock) ([]plan.PerKWh, error) {
	parts := strings.Split(s, ";")
	base, err := m.read(parts[0])
	if err != nil {
		return nil, err
	}
	config := tariff.Config{Kind: tariff.Flat, Price: priceOf(base, m.currency)}
	for _, part := range parts[1:] {
		p, err := period(part, m)
		if err != nil {
			return nil, err
		}
		config.Kind = tariff.TimeOfUse
		config.Periods = append(config.Periods, p)
	}
	t, err := tariff.New(config, c.wall)
	if err != nil {
		return nil, err
	}
	hourly := make([]plan.PerKWh, plan.Hours)
	for i := range hourly {
		v, ok := average(c.hour(i), func(at time.Time) (float64, bool) {
			p, ok := t.At(at).Get()
			return p.Float(), ok
		})
		if !ok {
			return nil, fmt.Errorf("no price is known for %s", c.hour(i).Format("2 January, 15:04"))
		}
		hourly[i] = plan.PerKWh(v)
	}
	return hourly, nil
}

func priceOf(v float64, currency string) units.Price {
	return units.Price{PerKWh: units.Money{Micros: int64(v*1e6 + 0.5), Currency: currency}}
}

// period reads "0.28 USD/kWh mon-fri 16:00-21:00 jun-sep".
func period(s string, m money) (tariff.Period, error) {
	const how = "write a price and when it holds, such as \"0.28 mon-fri 16:00-21:00 jun-sep\""
	words := strings.Fields(s)
	if len(words) < 2 {
		return tariff.Period{}, fmt.Errorf("%q: %s", strings.TrimSpace(s), how)
	}
	price, rest := words[0], words[1:]
	if strings.Contains(rest[0], "/") { // its unit
		price, rest = price+" "+rest[0], rest[1:]
	}
	v, err := m.read(price)
	if err != nil {
		return tariff.Period{}, err
	}
	p := tariff.Period{Name: strings.Join(rest, " "), Price: priceOf(v, m.currency)}
	if len(rest) == 0 {
		return p, fmt.Errorf("%q: %s", strings.TrimSpace(s), how)
	}
	for _, w := range rest {
		var days heat.Weekdays
		var season tariff.Season
		from, to, isSpan := strings.Cut(w, "-")
		switch {
		case isSpan && strings.Contains(from, ":"):
			if err := p.From.UnmarshalText([]byte(from)); err != nil {
				return p, err
			}
			if err := p.To.UnmarshalText([]byte(to)); err != nil {
				return p, err
			}
			if p.From == p.To {
				return p, fmt.Errorf("%q is no time: leave it out for the whole day", w)
			}
		case days.UnmarshalText([]byte(weekdays(w))) == nil:
			p.Days = days
		case season.UnmarshalText([]byte(w)) == nil:
			p.Season = season
		default:
			return p, fmt.Errorf("%q is neither days such as mon-fri, nor times such as 16:00-21:00, nor months such as nov-mar", w)
		}
	}
	return p, nil
}

// weekdays writes out "mon-fri" as a list of days.
func weekdays(s string) string {
	names := [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	from, to, ok := strings.Cut(strings.ToLower(s), "-")
	first, last := slices.Index(names[:], from), slices.Index(names[:], to)
	if !ok || first < 0 || last < 0 {
		return s
	}
	list := []string{names[first]}
	for d := first; d != last; {
		d = (d + 1) % 7
		list = append(list, names[d])
	}
	return strings.Join(list, " ")
}

// filed reads the prices of a file and lays them on the planned year: each
// hour gets the price of the same date and hour, in local standard time, of the
// last year that the file holds. 29 February is left out.
func filed(src []byte, add float64, gaps, currency string, c clock) (hourly []plan.PerKWh, filled int, err error) {
	series, err := tariff.ReadCSV(bytes.NewReader(src))
	if err != nil {
		return nil, 0, err
	}
	if series.Currency() != currency {
		return nil, 0, fmt.Errorf("its prices are in %s, but the plan is in %s: say \"currency: %s\"", series.Currency(), currency, series.Currency())
	}
	price := func(at time.Time) (float64, bool) {
		p, ok := series.At(at).Get()
		return p.Float(), ok
	}
	last := lastHour(src, c, func(at time.Time) bool { _, ok := price(at); return ok })
	if last.IsZero() {
		return nil, 0, fmt.Errorf("no hour of its last year has prices in all four quarters")
	}
	hourly = make([]plan.PerKWh, plan.Hours)
	missing := make([]bool, plan.Hours)
	var gap string
	for i := range hourly {
		at := c.hour(i)
		at = time.Date(last.Year(), at.Month(), at.Day(), at.Hour(), 0, 0, 0, c.standard)
		if at.After(last) {
			at = time.Date(last.Year()-1, at.Month(), at.Day(), at.Hour(), 0, 0, 0, c.standard)
		}
		v, ok := average(at, price)
		if !ok {
			if missing[i] = true; gap == "" {
				gap = at.Format("2006-01-02 15:04")
			}
			filled++
			continue
		}
		hourly[i] = plan.PerKWh(v + add)
	}
	switch {
	case filled == 0:
		return hourly, 0, nil
	case gaps != fillGaps:
		return nil, 0, fmt.Errorf("%d hours of the year before %s have no price, the first at %s: fill them in, or say \"tariff-gaps: fill\" for the month's mean at that hour of the day",
			filled, last.Add(time.Hour).Format("2006-01-02 15:04"), gap)
	case filled > mostFilled*plan.Hours:
		return nil, 0, fmt.Errorf("%d of %d hours have no price, the first at %s: at most %.0f %% can be filled in; give a file with a whole year",
			filled, plan.Hours, gap, 100*mostFilled)
	}
	return hourly, filled, fill(hourly, missing, c)
}

// lastHour returns the last full hour with a price, looking back from a day
// after the start of the last row.
func lastHour(src []byte, c clock, known func(time.Time) bool) time.Time {
	rows := strings.Split(strings.TrimSpace(string(src)), "\n")
	var at time.Time
	for i := len(rows) - 1; i > 0 && at.IsZero(); i-- {
		first, _, _ := strings.Cut(rows[i], ",")
		at, _ = time.Parse(time.RFC3339, strings.TrimSpace(first)) // comments are none
	}
	at = time.Date(at.Year(), at.Month(), at.Day()+1, at.Hour(), 0, 0, 0, c.standard)
	for range plan.Hours {
		if known(at) && known(at.Add(45*time.Minute)) {
			return at
		}
		at = at.Add(-time.Hour)
	}
	return time.Time{}
}

// fill gives hours without a price the mean of the month at that hour of the
// day.
func fill(hourly []plan.PerKWh, missing []bool, c clock) error {
	var sum [13][24]float64
	var n [13][24]int
	for i, p := range hourly {
		if at := c.hour(i); !missing[i] {
			sum[at.Month()][at.Hour()] += float64(p)
			n[at.Month()][at.Hour()]++
		}
	}
	for i := range hourly {
		at := c.hour(i)
		if !missing[i] {
			continue
		}
		if n[at.Month()][at.Hour()] == 0 {
			return fmt.Errorf("no price at %d:00 is known in %s, so gaps there cannot be filled in", at.Hour(), at.Month())
		}
		hourly[i] = plan.PerKWh(sum[at.Month()][at.Hour()] / float64(n[at.Month()][at.Hour()]))
	}
	return nil
}
