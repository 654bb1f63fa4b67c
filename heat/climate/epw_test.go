package climate_test

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"hearth/heat/climate"
)

// epw writes a year in which each hour's temperature is its number within the
// day, and the sun is up from 6 to 18.
func epw(edit func(line int, text string) string) string {
	var b strings.Builder
	line := 0
	put := func(format string, args ...any) {
		line++
		text := fmt.Sprintf(format, args...)
		if edit != nil {
			text = edit(line, text)
		}
		b.WriteString(text)
	}
	put("LOCATION,Test Field,CO,USA,TMY3,725650,39.83,-104.65,-7.0,1650.0\r\n")
	for _, name := range []string{"DESIGN CONDITIONS,0", "TYPICAL/EXTREME PERIODS,0", "GROUND TEMPERATURES,0", "HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0", "COMMENTS 1,", "COMMENTS 2,"} {
		put("%s\r\n", name)
	}
	put("DATA PERIODS,1,1,Data,Sunday, 1/ 1,12/31\r\n")
	at := time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC)
	for range 8760 {
		h := at.Hour() + 1
		direct, diffuse := 0, 0
		if h > 6 && h <= 18 {
			direct, diffuse = 500+h, 100
		}
		put("1995,%d,%d,%d,0,?9?9,%d.0,-19.7,85,83700,0,0,181,%d,%d,%d,0,0\r\n", at.Month(), at.Day(), h, h, direct/2+diffuse, direct, diffuse)
		at = at.Add(time.Hour)
	}
	return b.String()
}

func TestReadEPW(t *testing.T) {
	y, err := climate.ReadEPW(strings.NewReader(epw(nil)))
	if err != nil {
		t.Fatal(err)
	}
	p := y.Place()
	if p.Name != "Test Field" || p.Region != "CO, USA" || p.Latitude != 39.83 || p.Longitude != -104.65 || p.Offset != -7*time.Hour || p.Source.Dataset != "TMY3" {
		t.Errorf("the place is %+v", p)
	}
	if p.Design != 1 {
		t.Errorf("the design temperature is %v, want the coldest hour's 1 °C", p.Design)
	}
	mst := time.FixedZone("MST", -7*3600)
	for _, c := range []struct {
		at      time.Time
		outdoor float64
		direct  float64
	}{
		{time.Date(2031, time.March, 3, 12, 0, 0, 0, mst), 12, 513},               // the record of hour 13 begins
		{time.Date(2031, time.March, 3, 12, 30, 0, 0, mst), 12.5, 513},            // between two marks
		{time.Date(2031, time.March, 3, 19, 45, 0, 0, time.UTC), 12.75, 513},      // the same hour, written in UTC
		{time.Date(2031, time.March, 3, 0, 30, 0, 0, mst), 12.5, 0},               // from 24 °C at midnight to 1 °C
		{time.Date(2031, time.January, 1, 0, 15, 0, 0, mst), 24 - 23*0.25, 0},     // the year before is the same year
		{time.Date(2031, time.December, 31, 23, 59, 59, 999999999, mst), 24.0, 0}, // its last instant
	} {
		w := y.At(c.at)
		if math.Abs(float64(w.Outdoor)-c.outdoor) > 1e-3 || w.Direct != c.direct {
			t.Errorf("at %v: %+v, want %g °C and %g W/m²", c.at, w, c.outdoor, c.direct)
		}
	}
}

func TestBrokenEPWIsRefusedByLine(t *testing.T) {
	replace := func(line int, from, to string) string {
		return epw(func(n int, text string) string {
			if n == line {
				return strings.Replace(text, from, to, 1)
			}
			return text
		})
	}
	for _, c := range []struct{ name, file, want string }{
		{"empty", "", "line 1"},
		{"another format", "time,temperature\n", "begins with LOCATION"},
		{"latitude out of this world", replace(1, "39.83", "139.83"), "line 1"},
		{"header only", strings.SplitAfter(epw(nil), "12/31\r\n")[0], "line 9: the file ends before 1 January, 00:00"},
		{"no temperature for seven hours", without(12, 18, 6, "99.9"), "line 12: the dry-bulb temperature is unknown for 7 hours from 1 January, 03:00 on"},
		{"no direct sun for a month", without(9, 8+31*24, 14, "9999"), "line 9: the direct normal irradiance is unknown for 744 hours from 1 January, 00:00 on"},
		{"no diffuse light at all", without(9, 8+8760, 15, "9999"), "the diffuse horizontal irradiance is unknown in every hour"},
		{"a gap across the end of the year", without(9, 11, 6, "", 8765, 8768), "line 8765: the dry-bulb temperature is unknown for 7 hours from 31 December, 20:00 on"},
		{"seven lines missing", cutOut(100, 106), "line 100: the dry-bulb temperature is unknown for 7 hours from 4 January, 19:00 on"},
		{"an hour twice", replace(100, epwLine(100), epwLine(100)+epwLine(100)), "line 101: month 1, day 4, hour 20 is there twice"},
		{"a month of 40 days", replace(100, ",1,4,20,", ",1,40,20,"), "line 100: month 1, day 40, hour 20 is no hour of a year"},
		{"the last seven hours missing", strings.Join(epwLines()[:8761], ""), "the file ends before 31 December, 17:00"},
		{"not a number", replace(21, ",513,", ",bright,"), `line 21: the direct normal irradiance is "bright"`},
		{"NaN", replace(12, ",4.0,", ",NaN,"), "line 12: the dry-bulb temperature is \"NaN\""},
		{"infinite", replace(21, ",513,", ",Inf,"), "line 21"},
		{"hotter than any place", replace(12, ",4.0,", ",75.0,"), "line 12: 75 °C is not"},
		{"negative sun", replace(21, ",513,", ",-10,"), "line 21: -10 W/m²"},
		{"two data lines per hour", replace(8, "DATA PERIODS,1,1", "DATA PERIODS,1,2"), "line 8: only one record per hour"},
		{"cut short", epw(nil)[:400_000], "columns"},
		{"a line without end", epw(nil)[:1000] + strings.Repeat("9", 1<<17), "line"},
	} {
		_, err := climate.ReadEPW(strings.NewReader(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q in it", c.name, err, c.want)
		}
	}
}

func epwLine(n int) string { return epwLines()[n-1] }

func epwLines() []string { return strings.SplitAfter(epw(nil), "\n") }

// without writes the file with a column replaced from line to line, both
// included, in one or more spans.
func without(from, to, column int, by string, more ...int) string {
	spans := append([]int{from, to}, more...)
	return epw(func(n int, text string) string {
		for i := 0; i < len(spans); i += 2 {
			if n >= spans[i] && n <= spans[i+1] {
				fields := strings.Split(text, ",")
				fields[column] = by
				return strings.Join(fields, ",")
			}
		}
		return text
	})
}

// cutOut writes the file without the lines from the one to the other.
func cutOut(from, to int) string {
	return epw(func(n int, text string) string {
		if n >= from && n <= to {
			return ""
		}
		return text
	})
}

func TestShortGapsOfAnEPWAreFilledAndCounted(t *testing.T) {
	whole, err := climate.ReadEPW(strings.NewReader(epw(nil)))
	if err != nil || whole.Filled() != 0 {
		t.Fatalf("%d hours of a whole year are filled (%v)", whole.Filled(), err)
	}
	for _, c := range []struct {
		name, file string
		filled     int
	}{
		{"six temperatures", without(12, 17, 6, "99.9"), 6},
		{"an empty field", without(12, 12, 6, ""), 1},
		{"six hours of sun", without(20, 25, 14, "9999"), 6},
		{"a line", cutOut(100, 100), 1},
		{"six lines and others that lack one figure", strings.Replace(cutOut(100, 105), ",100,0,0\r\n", ",9999,0,0\r\n", 1), 7},
		{"the last six hours", strings.Join(epwLines()[:8762], ""), 6},
		{"the first three hours and the last three", without(9, 11, 6, "", 8766, 8768), 6},
	} {
		y, err := climate.ReadEPW(strings.NewReader(c.file))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if y.Filled() != c.filled {
			t.Errorf("%s: %d hours are filled, want %d", c.name, y.Filled(), c.filled)
		}
		// Each hour's temperature is its number, so that a straight line over a
		// gap within a day gives the very figures that were taken out.
		for h := range 24 {
			at := time.Date(2025, time.January, 1, h, 0, 0, 0, time.FixedZone("", -7*3600))
			if c.name == "six temperatures" || c.name == "an empty field" {
				if a, b := y.At(at), whole.At(at); math.Abs(float64(a.Outdoor-b.Outdoor)) > 1e-4 {
					t.Errorf("%s: %v at %d:00, want %v", c.name, a.Outdoor, h, b.Outdoor)
				}
			}
		}
	}
}

func TestLeapDayOfAnEPWIsLeftOut(t *testing.T) {
	lines := strings.SplitAfter(epw(nil), "\n")
	first := 8 + 59*24
	var leap []string
	for h := 1; h <= 24; h++ {
		leap = append(leap, fmt.Sprintf("1996,2,29,%d,0,?9?9,%d.0,0,85,83700,0,0,181,0,0,0,0,0\r\n", h, h))
	}
	with := strings.Join(lines[:first], "") + strings.Join(leap, "") + strings.Join(lines[first:], "")
	if _, err := climate.ReadEPW(strings.NewReader(with)); err != nil {
		t.Error(err)
	}
}

func FuzzReadEPW(f *testing.F) {
	whole := epw(nil)
	f.Add([]byte(whole[:2000]))
	f.Add([]byte("LOCATION,,,,,,90,180,14\n\n\n\n\n\n\nDATA PERIODS,1,1\n1995,1,1,1,0,,4,,,,,,,,0,0\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		y, err := climate.ReadEPW(bytes.NewReader(b))
		if err == nil {
			if w := y.At(time.Unix(1e9, 0)); !(w.Outdoor > -90 && w.Outdoor < 60) || w.Direct < 0 || w.Diffuse < 0 {
				t.Fatalf("accepted weather that cannot be: %+v", w)
			}
		}
	})
}
