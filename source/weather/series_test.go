package weather_test

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"hearth/source/weather"
	"hearth/units"
)

const recorded = `# a night of frost
time,temperature,direct,diffuse
2026-01-31T15:00:00+01:00,4.5,300,80
2026-01-31T16:00:00+01:00,2.5,100,40
2026-01-31T15:30:00Z,,0,10
2026-01-31T17:00:00+01:00,0.5,,
2026-01-31T22:00:00+01:00,-4,0,0
2026-01-31T23:00:00+01:00,-5,0,0
`

func at(t testing.TB, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestReadCSV(t *testing.T) {
	s, err := weather.ReadCSV(strings.NewReader(recorded))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at      string
		outdoor float64 // NaN: unknown
		light   float64 // NaN: unknown
		why     string
	}{
		{"2026-01-31T14:00:00Z", 4.5, 300, ""},
		{"2026-01-31T14:30:00Z", 3.5, 100, ""},
		{"2026-01-31T16:30:00+01:00", math.NaN(), math.NaN(), "temperature is missing"},
		{"2026-01-31T17:00:00+01:00", math.NaN(), math.NaN(), "temperature is missing"},
		{"2026-01-31T20:00:00+01:00", math.NaN(), math.NaN(), "gap from 2026-01-31 16:00 to 2026-01-31 21:00 UTC"},
		{"2026-01-31T22:45:00+01:00", -4.75, 0, ""},
		{"2026-01-31T13:59:59Z", math.NaN(), math.NaN(), "known from 2026-01-31 14:00 UTC on only"},
		{"2026-02-01T00:00:00+01:00", math.NaN(), math.NaN(), "known until 2026-01-31 22:00 UTC only"},
	} {
		now := at(t, c.at)
		outdoor, known := s.Outdoor(now).Get()
		if known != !math.IsNaN(c.outdoor) || known && math.Abs(float64(outdoor)-c.outdoor) > 1e-9 {
			t.Errorf("%s: outdoors is %v, want %g °C", c.at, s.Outdoor(now), c.outdoor)
		}
		w, known := s.At(now).Get()
		if known != !math.IsNaN(c.light) || known && w.Direct != c.light {
			t.Errorf("%s: the weather is %v, want %g W/m² of sun", c.at, s.At(now), c.light)
		}
		if !strings.Contains(s.At(now).Why(), c.why) {
			t.Errorf("%s: unknown because %q, want %q", c.at, s.At(now).Why(), c.why)
		}
	}
	if k := s.Outdoor(at(t, "2026-01-31T14:00:00Z")); k.From() != units.Estimate {
		t.Errorf("weather from a file has the provenance %v", k.From())
	}
	if w := new(weather.Series).At(time.Time{}); w.IsKnown() {
		t.Error("an empty series knows the weather")
	}
	if from, to := s.Span(); !from.Equal(at(t, "2026-01-31T14:00:00Z")) || !to.Equal(at(t, "2026-01-31T22:00:00Z")) {
		t.Errorf("the series spans %v to %v", from, to)
	}
}

func TestWeatherWithoutSunshine(t *testing.T) {
	s, err := weather.ReadCSV(strings.NewReader("temperature,time\n3,2026-01-31T15:00:00Z\n5,2026-01-31T16:00:00Z\n"))
	if err != nil {
		t.Fatal(err)
	}
	now := at(t, "2026-01-31T15:30:00Z")
	if got, ok := s.Outdoor(now).Get(); !ok || got != 4 {
		t.Errorf("outdoors is %v", s.Outdoor(now))
	}
	if w := s.At(now); w.IsKnown() || !strings.Contains(w.Why(), "sunshine is missing") {
		t.Errorf("the weather is %v", w)
	}
}

func TestBrokenCSVIsRefusedByLine(t *testing.T) {
	for file, want := range map[string]string{
		"":                                       "heading",
		"time,temperature\n":                     "no rows",
		"time,wind\n":                            `"wind" is not one of`,
		"time,time,temperature\n":                "time is there twice",
		"time,direct\n":                          "no column temperature",
		"time,temperature\nyesterday,3\n":        `line 2: time "yesterday"`,
		"time,temperature\n2026-01-31 15:00,3\n": "line 2: time",
		"time,temperature\n2026-01-31T15:00:00Z,warm\n":                                `line 2: temperature is "warm"`,
		"time,temperature\n2026-01-31T15:00:00Z,NaN\n":                                 `line 2: temperature is "NaN"`,
		"time,temperature\n2026-01-31T15:00:00Z,99.9\n":                                "line 2: 99.9 °C is not",
		"time,temperature,direct\n2026-01-31T15:00:00Z,3,9999\n":                       "line 2: 9999 W/m²",
		"time,temperature\n2026-01-31T15:00:00Z,3\n\n2026-01-31T15:00:00Z,3\n":         "line 4: 2026-01-31T15:00:00Z is not after",
		"time,temperature\n2026-01-31T15:00:00Z,3,7\n":                                 "line 2",
		"time,temperature\n2026-01-31T15:00:00Z,\"3\n":                                 "line",
		"time,temperature\n2026-10-25T02:00:00+01:00,3\n2026-10-25T02:30:00+02:00,3\n": "line 3", // an hour before, though its clock says later
	} {
		if _, err := weather.ReadCSV(strings.NewReader(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want %q in it", file, err, want)
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add([]byte(recorded))
	f.Add([]byte("time,temperature\n2026-01-31T15:00:00Z,3\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := weather.ReadCSV(bytes.NewReader(b))
		if err != nil {
			return
		}
		from, to := s.Span()
		for _, at := range []time.Time{from, to, from.Add(to.Sub(from) / 2), from.Add(-1), to.Add(1)} {
			if w, ok := s.At(at).Get(); ok && !(w.Outdoor > -90 && w.Outdoor < 60 && w.Direct >= 0 && w.Diffuse >= 0) {
				t.Fatalf("accepted weather that cannot be: %+v", w)
			}
		}
	})
}
