package tariff_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"hearth/source/tariff"
)

// quarters writes a local day in quarters priced 0, 1, 2 … EUR/MWh.
func quarters(day time.Time) (file string, n int) {
	var b strings.Builder
	b.WriteString("start,EUR/MWh\n")
	for t := day; t.Before(day.AddDate(0, 0, 1)); t = t.Add(15 * time.Minute) {
		fmt.Fprintf(&b, "%s,%d\n", t.Format(time.RFC3339), n)
		n++
	}
	return b.String(), n
}

func TestDaysOfClockChanges(t *testing.T) {
	for _, c := range []struct {
		day   string
		slots int
	}{{"2026-03-29", 92}, {"2026-03-30", 96}, {"2026-10-25", 100}} {
		day, err := time.ParseInLocation(time.DateOnly, c.day, oslo(t))
		if err != nil {
			t.Fatal(err)
		}
		file, n := quarters(day)
		if n != c.slots {
			t.Fatalf("%s has %d quarters, want %d", c.day, n, c.slots)
		}
		s, err := tariff.ReadCSV(strings.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			for _, inside := range []time.Duration{0, time.Minute, 15*time.Minute - 1} {
				p, ok := s.At(day.Add(time.Duration(i)*15*time.Minute + inside)).Get()
				if !ok || p.PerKWh.Micros != int64(i)*1000 {
					t.Fatalf("%s, quarter %d: the price is %v", c.day, i, p)
				}
			}
		}
		for _, outside := range []time.Time{day.Add(-1), day.AddDate(0, 0, 1)} {
			if k := s.At(outside); k.IsKnown() {
				t.Errorf("%s: at %v the price is %v", c.day, outside, k)
			}
		}
	}
}

func TestGapsAreUnknown(t *testing.T) {
	s, err := tariff.ReadCSV(strings.NewReader(`# day-ahead
start,SEK/kWh
2026-01-31T00:00:00+01:00,0.5
2026-01-31T00:15:00+01:00,
2026-01-31T00:30:00+01:00,0
2026-01-31T01:00:00+01:00,-0.25
`))
	if err != nil {
		t.Fatal(err)
	}
	if s.Currency() != "SEK" {
		t.Errorf("the currency is %s", s.Currency())
	}
	for when, want := range map[string]string{
		"2026-01-31T00:05:00+01:00": "0.5 SEK/kWh",
		"2026-01-31T00:15:00+01:00": "unknown (prices have a gap from 2026-01-30 23:15 UTC to 2026-01-30 23:30 UTC)",
		"2026-01-31T00:44:59+01:00": "0 SEK/kWh", // free, not unknown
		"2026-01-31T00:45:00+01:00": "unknown (prices have a gap from 2026-01-30 23:45 UTC to 2026-01-31 00:00 UTC)",
		"2026-01-31T01:10:00+01:00": "-0.25 SEK/kWh",
		"2026-01-31T01:15:00+01:00": "unknown (prices are known until 2026-01-31 00:15 UTC only)",
		"2026-01-30T23:59:59+01:00": "unknown (prices are known from 2026-01-30 23:00 UTC on only)",
	} {
		if got := s.At(at(t, when)).String(); got != want {
			t.Errorf("at %s the price is %s, want %s", when, got, want)
		}
	}
}

func TestSlotsWithTheirEnds(t *testing.T) {
	s, err := tariff.ReadCSV(strings.NewReader(`start,EUR/kWh,end
2025-09-30T23:00:00+02:00,0.1,2025-10-01T00:00:00+02:00
2025-10-01T00:00:00+02:00,0.2,2025-10-01T00:15:00+02:00
2025-10-01T00:15:00+02:00,0.3,2025-10-01T00:30:00+02:00
`))
	if err != nil {
		t.Fatal(err)
	}
	for when, want := range map[string]string{
		"2025-09-30T23:59:00+02:00": "0.1 EUR/kWh", "2025-10-01T00:14:00+02:00": "0.2 EUR/kWh", "2025-10-01T00:15:00+02:00": "0.3 EUR/kWh",
	} {
		if got := s.At(at(t, when)).String(); got != want {
			t.Errorf("at %s the price is %s, want %s", when, got, want)
		}
	}
}

func TestBrokenFilesAreRefusedByLine(t *testing.T) {
	const z = "2026-01-31T0"
	for file, want := range map[string]string{
		"":                                    "heading",
		"when,EUR/kWh\n":                      "heading",
		"start,price\n":                       `"price" is not a price's unit`,
		"start,eur/kWh\n":                     "heading",
		"start,EUR/MJ\n":                      "heading",
		"start,EUR/kWh,until\n":               "heading",
		"start,EUR/kWh\n":                     "no prices",
		"start,EUR/kWh\n" + z + "0:00:00Z,\n": "no prices",
		"start,EUR/kWh\n" + z + "0:00:00,1\n": "line 2: time",
		"start,EUR/kWh\n" + z + "0:00:00Z,cheap\n":                                                          `line 2: price is "cheap"`,
		"start,EUR/kWh\n" + z + "0:00:00Z,NaN\n":                                                            "line 2",
		"start,EUR/kWh\n" + z + "0:00:00Z,1e300\n":                                                          "line 2",
		"start,EUR/kWh\n" + z + "1:00:00Z,1\n\n" + z + "0:00:00Z,1\n":                                       "line 4: 2026-01-31T00:00:00Z is not after",
		"start,EUR/kWh\n" + z + "0:00:00Z,1\n" + z + "0:10:00Z,1\n":                                         "10m0s apart",
		"start,EUR/kWh\n" + z + "0:00:00Z,1,2\n":                                                            "line 2",
		"start,EUR/kWh,end\n" + z + "1:00:00Z,1," + z + "0:00:00Z\n":                                        "line 2: the price ends -1h0m0s after it starts",
		"start,EUR/kWh,end\n" + z + "0:00:00Z,1," + z + "2:00:00Z\n" + z + "1:00:00Z,1," + z + "2:00:00Z\n": "line 3: 2026-01-31T01:00:00Z is before the end",
	} {
		if _, err := tariff.ReadCSV(strings.NewReader(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want %q in it", file, err, want)
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add([]byte("start,EUR/MWh\n2026-10-25T02:45:00+02:00,-1.20\n2026-10-25T02:00:00+01:00,0.35\n"))
	f.Add([]byte("start,EUR/kWh,end\n2025-09-30T23:00:00+02:00,0.1,2025-10-01T00:00:00+02:00\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := tariff.ReadCSV(bytes.NewReader(b))
		if err != nil {
			return
		}
		for _, when := range []time.Time{{}, time.Unix(0, 0), time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC), time.Unix(1<<40, 0)} {
			if k := s.At(when); !k.IsKnown() && k.Why() == "" {
				t.Fatal("unknown without a reason")
			}
		}
	})
}
