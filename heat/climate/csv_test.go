package climate_test

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"hearth/heat"
	"hearth/heat/climate"
)

// somewhere is where the tables of these tests were measured.
var somewhere = climate.Place{Name: "Somewhere", Location: heat.Location{Latitude: 48, Longitude: 15}, Offset: time.Hour}

// table writes a year of a CSV file in which the temperature is the hour of the
// day and the sun is up from 6 to 18.
func table(header string, leap bool, row func(at time.Time, temperature float64, direct, diffuse int) string) string {
	var b strings.Builder
	b.WriteString(header)
	year := 2025
	if leap {
		year = 2024
	}
	for at := time.Date(year, time.January, 1, 0, 0, 0, 0, time.UTC); at.Year() == year; at = at.Add(time.Hour) {
		direct, diffuse := 0, 0
		if at.Hour() >= 6 && at.Hour() < 18 {
			direct, diffuse = 500, 100
		}
		b.WriteString(row(at, float64(at.Hour()), direct, diffuse))
	}
	return b.String()
}

func timed(at time.Time, temperature float64, direct, diffuse int) string {
	return fmt.Sprintf("%s,%g,%d,%d\n", at.Format("2006-01-02T15:04"), temperature, direct, diffuse)
}

func untimed(_ time.Time, temperature float64, direct, diffuse int) string {
	return fmt.Sprintf("%d,%g,%d\n", direct, temperature, diffuse)
}

const timedHeader = "time,Temperature (°C),direct,diffuse\n"

func TestReadCSV(t *testing.T) {
	want, err := climate.ReadCSV(strings.NewReader(table(timedHeader, false, timed)), somewhere)
	if err != nil {
		t.Fatal(err)
	}
	if want.Filled() != 0 || want.Place().Design != 0 || want.Place().Name != "Somewhere" {
		t.Errorf("%d hours are filled, and the place is %+v", want.Filled(), want.Place())
	}
	local := time.FixedZone("", 3600)
	noon := want.At(time.Date(2027, time.July, 3, 12, 30, 0, 0, local))
	if math.Abs(float64(noon.Outdoor)-12) > 1e-4 || noon.Direct != 500 || noon.Diffuse != 100 {
		t.Errorf("half past noon has %+v, want the figures of the hour that begins at 12:00", noon)
	}
	for name, file := range map[string]string{
		"without times":        table("DNI, t2m ,dhi\n", false, untimed),
		"with a leap day":      table(timedHeader, true, timed),
		"a leap day, no times": table("dni,t2m,dhi\n", true, untimed),
		"comments and a mark":  "\ufeff# a station\n\n" + table(timedHeader, false, timed) + "\n# the end\n",
		"CRLF and more columns": table("time,wind,temperature_2m (°C),direct_normal_irradiance (W/m²),diffuse_radiation (W/m²)\r\n", false, func(at time.Time, x float64, direct, diffuse int) string {
			return fmt.Sprintf("%s,7,%g,%d,%d\r\n", at.Format("2006-01-02 15:04:05"), x, direct, diffuse)
		}),
	} {
		got, err := climate.ReadCSV(strings.NewReader(file), somewhere)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for h := range 8760 {
			at := time.Date(2025, time.January, 1, h, 30, 0, 0, local)
			if got.At(at) != want.At(at) {
				t.Errorf("%s: at %v: %+v, want %+v", name, at, got.At(at), want.At(at))
				break
			}
		}
	}
}

// The light on the level is split, and all of it is still there.
func TestReadCSVSplitsTheGlobalIrradiance(t *testing.T) {
	y, err := climate.ReadCSV(strings.NewReader(table("temperature,global\n", false, func(at time.Time, x float64, direct, diffuse int) string {
		return fmt.Sprintf("%g,%d\n", x, diffuse*4)
	})), somewhere)
	if err != nil {
		t.Fatal(err)
	}
	for day := range 365 {
		at := time.Date(2025, time.January, 1+day, 12, 30, 0, 0, time.FixedZone("", 3600))
		w := y.At(at)
		if got := w.Global(y.Sun(at)); math.Abs(got-400) > 0.5 || w.Direct < 0 || w.Diffuse < 50 {
			t.Fatalf("at %v: %+v gives %.1f W/m² on the level, want 400", at, w, got)
		}
	}
}

func TestShortGapsOfACSVAreFilledAndCounted(t *testing.T) {
	lines := strings.SplitAfter(table(timedHeader, false, timed), "\n")
	without := func(from, to int) string { return strings.Join(lines[:from-1], "") + strings.Join(lines[to:], "") }
	replaced := func(from, to int, by string) string {
		edited := append([]string(nil), lines...)
		for i := from; i <= to; i++ {
			fields := strings.Split(edited[i-1], ",")
			fields[1] = by
			edited[i-1] = strings.Join(fields, ",")
		}
		return strings.Join(edited, "")
	}
	for _, c := range []struct {
		name, file string
		filled     int
	}{
		{"six rows", without(5, 10), 6},
		{"six empty fields", replaced(5, 10, ""), 6},
		{"NaN and -999", strings.Replace(replaced(5, 7, "NaN"), ",20,", ",-999,", 1), 4},
		{"the first row", without(2, 2), 1},
		{"the last six rows", strings.Join(lines[:8755], ""), 6},
	} {
		y, err := climate.ReadCSV(strings.NewReader(c.file), somewhere)
		if err != nil || y.Filled() != c.filled {
			t.Errorf("%s: %d hours are filled (%v), want %d", c.name, y.Filled(), err, c.filled)
			continue
		}
	}
	for _, c := range []struct{ name, file, want string }{
		{"seven rows", without(5, 11), "line 5: the temperature is unknown for 7 hours from 1 January, 03:00 on"},
		{"February", without(2+31*24, 1+59*24), "line 746: the temperature is unknown for 672 hours from 1 February, 00:00 on"},
		{"seven empty fields", replaced(5, 11, ""), "line 5: the temperature is unknown for 7 hours"},
		{"no temperature at all", replaced(2, 8761, "NA"), "the temperature is unknown in every hour"},
		{"half a year", strings.Join(lines[:4000], ""), "is unknown for 4761 hours"},
	} {
		if _, err := climate.ReadCSV(strings.NewReader(c.file), somewhere); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q in it", c.name, err, c.want)
		}
	}
}

func TestBrokenCSVIsRefusedByLine(t *testing.T) {
	whole := table(timedHeader, false, timed)
	for _, c := range []struct{ name, file, want string }{
		{"empty", "", "line 1: the file is empty"},
		{"comments only", "# nothing\n", "line 2: the file is empty"},
		{"semicolons", "time;temperature;global\n", "line 1: the columns are parted by semicolons"},
		{"no header", "2025-01-01T00:00,3,0,0\n", "line 1: the first line has to name the columns"},
		{"beam without sky", "temperature,direct\n1,2\n", "line 1: the first line has to name the columns"},
		{"a column twice", "temperature,t2m,global\n", "line 1: two columns are the temperature"},
		{"a short row", strings.Replace(whole, ",3,0,0\n", ",3,0\n", 1), "line 5: 3 columns, where the first line has 4"},
		{"not a number", strings.Replace(whole, ",3,0,0\n", ",mild,0,0\n", 1), `line 5: the temperature is "mild", not a number`},
		{"too hot", strings.Replace(whole, ",3,0,0\n", ",75,0,0\n", 1), "line 5: 75 °C is not"},
		{"negative sun", strings.Replace(whole, ",3,0,0\n", ",3,-2,0\n", 1), "line 5: -2 W/m²"},
		{"infinite", strings.Replace(whole, ",3,0,0\n", ",3,Inf,0\n", 1), "line 5"},
		{"an hour twice, as in autumn", strings.Replace(whole, "T04:00", "T03:00", 1), "line 6: 1 January, 03:00 is there twice or out of order: write local standard time"},
		{"half hours", strings.Replace(whole, "T04:00", "T03:30", 1), `line 6: "2025-01-01T03:30" is not a full hour`},
		{"a zone", strings.Replace(whole, "T04:00", "T04:00Z", 1), `line 6: "2025-01-01T04:00Z" is no time`},
		{"32 January", strings.Replace(whole, "01-01T04:00", "01-32T04:00", 1), "line 6"},
		{"too few rows", "t2m,ghi\n1,2\n", "line 3: the file ends after 1 hours"},
		{"two years", "t2m,ghi\n" + strings.Repeat("1,2\n", 2*8760), "line 8786: more than 8784 hours"},
		{"a line without end", whole[:1000] + strings.Repeat("9", 1<<17), "too long"},
	} {
		if _, err := climate.ReadCSV(strings.NewReader(c.file), somewhere); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q in it", c.name, err, c.want)
		}
	}
	nowhere := somewhere
	nowhere.Latitude = math.NaN()
	if _, err := climate.ReadCSV(strings.NewReader(whole), nowhere); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a place that is none: %v", err)
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add([]byte(table(timedHeader, false, timed)[:2000]))
	f.Add([]byte("t2m,ghi\n" + strings.Repeat("1,2\n", 50)))
	f.Add([]byte("time,t2m,ghi\n2025-02-29T00:00,,\n2024-02-29 00:00,-999,NaN\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		y, err := climate.ReadCSV(bytes.NewReader(b), somewhere)
		if err != nil {
			return
		}
		for h := range 8760 {
			if w := y.At(time.Date(2025, time.January, 1, h, 30, 0, 0, time.UTC)); w.Plausible() != nil {
				t.Fatalf("accepted weather that cannot be: %+v", w)
			}
		}
	})
}
