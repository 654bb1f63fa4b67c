package weather

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearth/heat"
	"hearth/units"
)

// Series is weather with dates: a record or a forecast. Outside its time, in
// its gaps and where a value was missing it is unknown. A Series never changes
// and may be shared between goroutines; the zero Series knows nothing.
type Series struct{ points []point }

// point is the temperature at an instant and the mean irradiance of the time
// that ends with it. NaN is a value that is missing.
type point struct {
	at                       time.Time
	outdoor, direct, diffuse float64
}

// longestGap is how far apart two points may be and still be joined.
const longestGap = 3 * time.Hour

// around returns the points before and after t: p.at < t <= q.at.
func (s *Series) around(t time.Time) (p, q *point, why string) {
	i, _ := slices.BinarySearchFunc(s.points, t, func(p point, t time.Time) int { return p.at.Compare(t) })
	switch {
	case len(s.points) == 0:
		return nil, nil, "there is no weather yet"
	case i == len(s.points):
		return nil, nil, fmt.Sprintf("the weather is known until %s only", s.points[i-1].at.UTC().Format("2006-01-02 15:04 UTC"))
	case i == 0 && s.points[0].at.Equal(t):
		return &s.points[0], &s.points[0], ""
	case i == 0:
		return nil, nil, fmt.Sprintf("the weather is known from %s on only", s.points[0].at.UTC().Format("2006-01-02 15:04 UTC"))
	}
	p, q = &s.points[i-1], &s.points[i]
	if q.at.Sub(p.at) > longestGap {
		return nil, nil, fmt.Sprintf("the weather has a gap from %s to %s", p.at.UTC().Format("2006-01-02 15:04"), q.at.UTC().Format("2006-01-02 15:04 UTC"))
	}
	return p, q, ""
}

// Outdoor returns the temperature at the instant t, on a straight line between
// the points around it, as an estimate.
func (s *Series) Outdoor(t time.Time) units.Known[units.Celsius] {
	p, q, why := s.around(t)
	if why != "" {
		return units.Unknown[units.Celsius](why, t)
	}
	share := 0.0
	if length := q.at.Sub(p.at); length > 0 {
		share = t.Sub(p.at).Seconds() / length.Seconds()
	}
	outdoor := p.outdoor*(1-share) + q.outdoor*share
	if math.IsNaN(outdoor) {
		return units.Unknown[units.Celsius]("the outdoor temperature is missing there", t)
	}
	return units.Know(units.Celsius(outdoor), t, units.Estimate)
}

// At returns the weather at the instant t, unknown when any of it is. The
// irradiance is the mean of the interval that t lies in.
func (s *Series) At(t time.Time) units.Known[heat.Weather] {
	outdoor := s.Outdoor(t)
	if !outdoor.IsKnown() {
		return units.Unknown[heat.Weather](outdoor.Why(), t)
	}
	_, q, _ := s.around(t)
	if math.IsNaN(q.direct) || math.IsNaN(q.diffuse) {
		return units.Unknown[heat.Weather]("the sunshine is missing there", t)
	}
	return units.Map(outdoor, func(o units.Celsius) heat.Weather {
		return heat.Weather{Outdoor: o, Direct: q.direct, Diffuse: q.diffuse}
	})
}

// Span returns the first and the last instant of the series; both are zero
// where it is empty.
func (s *Series) Span() (from, to time.Time) {
	if len(s.points) == 0 {
		return from, to
	}
	return s.points[0].at, s.points[len(s.points)-1].at
}

// mostRows bounds a CSV file: twenty years of quarter hours.
const mostRows = 800_000

// ReadCSV reads dated weather from comma-separated values with the heading
//
//	time,temperature,direct,diffuse
//
// in any order: RFC 3339 with a zone, °C, and W/m² at right angles to the sun
// and from the sky on the level, each the mean of the time since the row
// before. The last two may be left out; an empty field is a missing value.
// Rows go forward in time. What cannot be read is refused by line.
func ReadCSV(r io.Reader) (*Series, error) {
	rows := csv.NewReader(r)
	rows.Comment = '#'
	rows.TrimLeadingSpace = true
	rows.ReuseRecord = true
	heading, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("read weather CSV: heading: %w", err)
	}
	column := map[string]int{}
	for i, name := range heading {
		name = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
		if !slices.Contains([]string{"time", "temperature", "direct", "diffuse"}, name) {
			return nil, fmt.Errorf("read weather CSV: heading: %q is not one of time, temperature, direct, diffuse", name)
		}
		if _, twice := column[name]; twice {
			return nil, fmt.Errorf("read weather CSV: heading: %s is there twice", name)
		}
		column[name] = i
	}
	for _, name := range []string{"time", "temperature"} {
		if _, ok := column[name]; !ok {
			return nil, fmt.Errorf("read weather CSV: heading: there is no column %s", name)
		}
	}
	s := &Series{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil { // names the line itself
			return nil, fmt.Errorf("read weather CSV: %w", err)
		}
		line, _ := rows.FieldPos(0)
		p, err := csvPoint(row, column)
		switch {
		case err != nil:
		case len(s.points) == mostRows:
			err = fmt.Errorf("there are more than %d rows", mostRows)
		case len(s.points) > 0 && !p.at.After(s.points[len(s.points)-1].at):
			err = fmt.Errorf("%s is not after the row before", p.at.Format(time.RFC3339))
		}
		if err != nil {
			return nil, fmt.Errorf("read weather CSV: line %d: %w", line, err)
		}
		s.points = append(s.points, p)
	}
	if len(s.points) == 0 {
		return nil, errors.New("read weather CSV: there are no rows")
	}
	return s, nil
}

func csvPoint(row []string, column map[string]int) (point, error) {
	at, err := time.Parse(time.RFC3339, row[column["time"]])
	if err != nil {
		return point{}, fmt.Errorf("time %q: write it as 2026-01-31T15:00:00+01:00", row[column["time"]])
	}
	p := point{at: at}
	for _, v := range []struct {
		name string
		to   *float64
	}{{"temperature", &p.outdoor}, {"direct", &p.direct}, {"diffuse", &p.diffuse}} {
		*v.to = math.NaN()
		i, ok := column[v.name]
		if !ok || strings.TrimSpace(row[i]) == "" {
			continue
		}
		x, err := strconv.ParseFloat(strings.TrimSpace(row[i]), 64)
		if err != nil || math.IsNaN(x) {
			return point{}, fmt.Errorf("%s is %q, not a number", v.name, row[i])
		}
		*v.to = x
	}
	known := func(x float64) float64 {
		if math.IsNaN(x) {
			return 0
		}
		return x
	}
	w := heat.Weather{Outdoor: units.Celsius(known(p.outdoor)), Direct: known(p.direct), Diffuse: known(p.diffuse)}
	return p, w.Plausible()
}
