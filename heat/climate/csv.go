package climate

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// columns of an hourly CSV file: the names that its header may use for each.
var csvNames = [...][]string{
	csvTime:        {"time", "date", "datetime"},
	csvTemperature: {"temperature", "temperature_2m", "t2m", "dry_bulb"},
	csvDirect:      {"direct", "dni", "direct_normal_irradiance", "gb(n)"},
	csvDiffuse:     {"diffuse", "dhi", "diffuse_radiation", "gd(h)"},
	csvGlobal:      {"global", "ghi", "shortwave_radiation", "g(h)"},
}

const (
	csvTime = iota
	csvTemperature
	csvDirect
	csvDiffuse
	csvGlobal
)

// csvTimes are the ways to write a time, without a zone.
var csvTimes = [...]string{"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02 15:04:05"}

// ReadCSV reads a typical year of a place from a table of hours. The first
// line names the columns, in any order, the case aside; a unit in brackets
// after a space is left out, and so are columns that have other names:
//
//	temperature  °C, of the air outdoors
//	direct       W/m² of the sun's beam at right angles
//	diffuse      W/m² of the light of the sky on the level
//	global       W/m² on the level, instead of the two, which are then split
//	             by the formula of Erbs, Klein and Duffie
//	time         2025-01-31T14:00, when the hour begins, in local standard
//	             time; if left out the hours come in their order
//
// A row is an hour, its figures the means over it; there are 8760, or 8784 with
// a leap day, which is left out. The years of the times do not matter. Up to 6
// hours in a row may be missing, have an empty field, or -999 in it: a straight
// line fills them, and [Year.Filled] counts them. What else is wrong is refused
// with its line. Lines that are empty or begin with # do not count.
//
// The place gives the sun its way: latitude, longitude and offset.
func ReadCSV(src io.Reader, at Place) (*Year, error) {
	if !(math.Abs(at.Latitude) <= 90 && math.Abs(at.Longitude) <= 180 && at.Offset.Abs() <= 14*time.Hour) {
		return nil, fmt.Errorf("read hourly weather: %g° north, %g° east and %v from universal time is nowhere", at.Latitude, at.Longitude, at.Offset)
	}
	t := csvTable{lines: bufio.NewScanner(src)}
	t.lines.Buffer(make([]byte, 0, 4096), 1<<16)
	read, err := t.read()
	if err != nil {
		if scan := t.lines.Err(); scan != nil {
			err = scan
		}
		return nil, fmt.Errorf("read hourly weather: line %d: %w", t.number, err)
	}
	filled, err := read.fill()
	if err != nil {
		return nil, fmt.Errorf("read hourly weather: %w", err)
	}
	if t.column[csvDirect] < 0 {
		start := time.Date(2025, time.January, 1, 0, 30, 0, 0, time.UTC).Add(-at.Offset)
		for i := range read.hours {
			h := &read.hours[i] // its diffuse light is the global one so far
			h.direct, h.diffuse = split(float64(h.diffuse), at.Sun(start.Add(time.Duration(i)*time.Hour)))
		}
	}
	at.Design, at.Months = coldest(read.hours), [12]Month{}
	// A year keeps the temperatures at the ends of the hours.
	first := read.hours[0].temperature
	for i := range read.hours {
		next := first
		if i+1 < hoursInYear {
			next = read.hours[i+1].temperature
		}
		read.hours[i].temperature = (read.hours[i].temperature + next) / 2
	}
	y := newYear(at, read.hours)
	y.filled = filled
	return y, nil
}

// csvTable is a table as it is read.
type csvTable struct {
	lines  *bufio.Scanner
	number int                // of the line that was read last
	column [len(csvNames)]int // -1: the table has none
	width  int
}

// next returns the fields of the next line that counts, nil after the last.
func (t *csvTable) next() []string {
	for t.lines.Scan() {
		t.number++
		line := strings.TrimSpace(strings.TrimPrefix(t.lines.Text(), "\ufeff"))
		if line != "" && line[0] != '#' {
			return strings.Split(line, ",")
		}
	}
	t.number++
	return nil
}

// header finds the columns.
func (t *csvTable) header() error {
	fields := t.next()
	if fields == nil {
		return fmt.Errorf("the file is empty")
	}
	if len(fields) == 1 && strings.Contains(fields[0], ";") {
		return fmt.Errorf("the columns are parted by semicolons: part them by commas, and write decimals with a point")
	}
	t.width = len(fields)
	for c := range t.column {
		t.column[c] = -1
		for i, name := range fields {
			name, _, _ = strings.Cut(strings.ToLower(strings.Trim(strings.TrimSpace(name), `"`)), " ")
			if !slices.Contains(csvNames[c], name) {
				continue
			}
			if t.column[c] >= 0 {
				return fmt.Errorf("two columns are the %s", csvNames[c][0])
			}
			t.column[c] = i
		}
	}
	sky := t.column[csvDirect] >= 0 && t.column[csvDiffuse] >= 0
	if t.column[csvTemperature] < 0 || !sky && t.column[csvGlobal] < 0 {
		return fmt.Errorf("the first line has to name the columns temperature and either direct and diffuse, or global; it names %q", fields)
	}
	if !sky {
		t.column[csvDirect], t.column[csvDiffuse] = -1, -1
	}
	return nil
}

// read reads the hours. Where only the light on the level is known it stands
// for the diffuse light, and the beam is nothing.
func (t *csvTable) read() (*record, error) {
	if err := t.header(); err != nil {
		return nil, err
	}
	read := newRecord("temperature", "direct irradiance", "diffuse irradiance")
	if t.column[csvDirect] < 0 {
		read.named[2] = "global irradiance"
	}
	type row struct {
		hour hour
		line int
	}
	var rows []row // without times
	due := 0
	for fields := t.next(); fields != nil; fields = t.next() {
		h, err := t.hour(fields)
		if err != nil {
			return nil, err
		}
		if t.column[csvTime] < 0 {
			if rows = append(rows, row{h, t.number}); len(rows) > hoursInYear+24 {
				return nil, fmt.Errorf("more than %d hours: give one year", hoursInYear+24)
			}
			continue
		}
		index, leap, err := csvHour(fields[t.column[csvTime]])
		switch {
		case err != nil:
			return nil, err
		case leap:
			continue
		case index < due:
			return nil, fmt.Errorf("%s is there twice or out of order: write local standard time, which knows no summer", hourName(index))
		}
		read.missing(due, index, t.number)
		read.hours[index], read.lines[index] = h, t.number
		due = index + 1
	}
	if t.lines.Err() != nil {
		return nil, t.lines.Err()
	}
	if t.column[csvTime] >= 0 {
		read.missing(due, hoursInYear, t.number)
		return read, nil
	}
	if len(rows) == hoursInYear+24 {
		rows = slices.Delete(rows, 59*24, 60*24)
	}
	if len(rows) != hoursInYear {
		return nil, fmt.Errorf("the file ends after %d hours: want 8760, or 8784 with a leap day; with a column of times a few may be missing", len(rows))
	}
	for i, r := range rows {
		read.hours[i], read.lines[i] = r.hour, r.line
	}
	return read, nil
}

// hour reads the figures of a row.
func (t *csvTable) hour(fields []string) (hour, error) {
	if len(fields) != t.width {
		return hour{}, fmt.Errorf("%d columns, where the first line has %d", len(fields), t.width)
	}
	number := func(column int) (float32, error) {
		s := strings.TrimSpace(fields[t.column[column]])
		switch strings.ToLower(s) {
		case "", "nan", "na", "null", "none":
			return unknown(), nil
		}
		x, err := strconv.ParseFloat(s, 32)
		if err != nil {
			return 0, fmt.Errorf("the %s is %q, not a number", csvNames[column][0], s)
		}
		if x == -999 || x == -9999 {
			return unknown(), nil
		}
		return float32(x), nil
	}
	var h hour
	var err error
	if h.temperature, err = number(csvTemperature); err != nil {
		return h, err
	}
	if t.column[csvDirect] < 0 {
		if h.diffuse, err = number(csvGlobal); err != nil {
			return h, err
		}
		return h, plausible(h)
	}
	if h.direct, err = number(csvDirect); err != nil {
		return h, err
	}
	if h.diffuse, err = number(csvDiffuse); err != nil {
		return h, err
	}
	return h, plausible(h)
}

// csvHour returns which hour of the year a time is, or that it is in a leap
// day.
func csvHour(s string) (index int, leap bool, err error) {
	s = strings.Trim(strings.TrimSpace(s), `"`)
	for _, layout := range csvTimes {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		if t.Minute() != 0 || t.Second() != 0 {
			return 0, false, fmt.Errorf("%q is not a full hour: give hours, that is means over an hour", s)
		}
		if t.Month() == time.February && t.Day() == 29 {
			return 0, true, nil
		}
		index, _ := hourIndex(int(t.Month()), t.Day(), t.Hour())
		return index, false, nil
	}
	return 0, false, fmt.Errorf("%q is no time: write %q, in local standard time and without a zone", s, "2025-01-31T14:00")
}
