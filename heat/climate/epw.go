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

	"hearth/heat"
	"hearth/units"
)

// Columns of an EPW record that Hearth reads (EnergyPlus Auxiliary Programs,
// "EPW file data dictionary"), and the codes for a missing value there.
const (
	epwMonth, epwDay, epwHour         = 1, 2, 3
	epwDryBulb, epwDirect, epwDiffuse = 6, 14, 15
	epwColumns                        = 16

	epwNoTemperature = 99.9
	epwNoIrradiance  = 9999
)

// ReadEPW reads a typical year in the format of EnergyPlus weather files: 8
// header lines, then 8760 hours (8784 with a leap day, which is left out). Up
// to 6 hours in a row may be missing, or have a value that is: a straight line
// fills them, and [Year.Filled] counts them. More than that is refused, and the
// error names the line.
func ReadEPW(r io.Reader) (*Year, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), 1<<16)
	number := 0
	next := func() bool { number++; return lines.Scan() }
	fail := func(format string, args ...any) (*Year, error) {
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("read EPW: line %d: %w", number, err)
		}
		return nil, fmt.Errorf("read EPW: line %d: "+format, append([]any{number}, args...)...)
	}

	var place Place
	for number < 8 {
		if !next() {
			return fail("the file ends inside its header")
		}
		fields := strings.Split(lines.Text(), ",")
		switch {
		case number == 1:
			var err error
			if place, err = epwPlace(fields); err != nil {
				return fail("%w", err)
			}
		case strings.EqualFold(fields[0], "DATA PERIODS") && (len(fields) < 3 || strings.TrimSpace(fields[2]) != "1"):
			return fail("only one record per hour can be read")
		}
	}

	read := newRecord("dry-bulb temperature", "direct normal irradiance", "diffuse horizontal irradiance")
	due := 0 // the hour that comes next
	for next() {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		fields := strings.Split(lines.Text(), ",")
		if len(fields) < epwColumns {
			return fail("%d columns, want at least %d", len(fields), epwColumns)
		}
		var at [3]int
		for i, column := range [...]int{epwMonth, epwDay, epwHour} {
			n, err := strconv.Atoi(strings.TrimSpace(fields[column]))
			if err != nil {
				return fail("%q is not a month, day or hour", fields[column])
			}
			at[i] = n
		}
		if at[0] == 2 && at[1] == 29 {
			continue
		}
		index, ok := hourIndex(at[0], at[1], at[2]-1)
		if !ok {
			return fail("month %d, day %d, hour %d is no hour of a year", at[0], at[1], at[2])
		}
		if index < due {
			return fail("month %d, day %d, hour %d is there twice or out of order: %s is due", at[0], at[1], at[2], hourName(due))
		}
		read.missing(due, index, number)
		var v [3]float32
		for i, column := range [...]struct {
			index   int
			missing float64
		}{{epwDryBulb, epwNoTemperature}, {epwDirect, epwNoIrradiance}, {epwDiffuse, epwNoIrradiance}} {
			s := strings.TrimSpace(fields[column.index])
			x, err := strconv.ParseFloat(s, 32)
			switch {
			case s == "" || err == nil && math.Abs(x-column.missing) < 0.01 || err == nil && column.missing == epwNoIrradiance && x > column.missing && !math.IsInf(x, 0):
				v[i] = unknown()
			case err != nil:
				return fail("the %s is %q, not a number", read.named[i], s)
			case x != x:
				return fail("the %s is %q: leave the field empty if it is unknown", read.named[i], s)
			default:
				v[i] = float32(x)
			}
		}
		if err := plausible(hour{v[0], v[1], v[2]}); err != nil {
			return fail("%w", err)
		}
		read.hours[index], read.lines[index] = hour{v[0], v[1], v[2]}, number
		due = index + 1
		if due == hoursInYear {
			break
		}
	}
	if due < hoursInYear {
		if err := lines.Err(); err != nil || hoursInYear-due > longestGap {
			return fail("the file ends before %s", hourName(due))
		}
		read.missing(due, hoursInYear, number)
	}
	filled, err := read.fill()
	if err != nil {
		return nil, fmt.Errorf("read EPW: %w", err)
	}
	place.Design = coldest(read.hours)
	y := newYear(place, read.hours)
	y.filled = filled
	return y, nil
}

// plausible says why the known values of an hour cannot be, or nothing.
func plausible(h hour) error {
	w := heat.Weather{}
	if !isUnknown(h.temperature) {
		w.Outdoor = units.Celsius(h.temperature)
	}
	if !isUnknown(h.direct) {
		w.Direct = float64(h.direct)
	}
	if !isUnknown(h.diffuse) {
		w.Diffuse = float64(h.diffuse)
	}
	return w.Plausible()
}

// epwPlace reads "LOCATION,Denver Intl Ap,CO,USA,TMY3,725650,39.83,-104.65,-7.0,1650.0".
func epwPlace(fields []string) (Place, error) {
	if len(fields) < 9 || !strings.EqualFold(strings.TrimPrefix(fields[0], "\ufeff"), "LOCATION") {
		return Place{}, fmt.Errorf("an EPW file begins with LOCATION and the place")
	}
	var v [3]float64
	for i, bound := range [...]float64{90, 180, 14} {
		x, err := strconv.ParseFloat(strings.TrimSpace(fields[6+i]), 64)
		if err != nil || !(math.Abs(x) <= bound) {
			return Place{}, fmt.Errorf("LOCATION has %q where latitude, longitude and hours from UTC belong", fields[6+i])
		}
		v[i] = x
	}
	name := strings.TrimSpace(fields[1])
	if name == "" {
		name = "unnamed place"
	}
	return Place{
		Name:     name,
		Region:   strings.Trim(strings.TrimSpace(fields[2])+", "+strings.TrimSpace(fields[3]), ", -"),
		Location: heat.Location{Latitude: v[0], Longitude: v[1]},
		Offset:   time.Duration(math.Round(v[2]*3600)) * time.Second,
		Source:   Source{Dataset: strings.TrimSpace(fields[4])},
	}, nil
}

// coldest returns the temperature exceeded in 99.6 % of hours.
func coldest(hours []hour) units.Celsius {
	sorted := make([]float32, len(hours))
	for i, h := range hours {
		sorted[i] = h.temperature
	}
	slices.Sort(sorted)
	return units.Celsius(sorted[len(sorted)*4/1000])
}
