package brief

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"hearth/heat/climate"
	"hearth/plan"
)

func clockOf(t *testing.T, place string) clock {
	t.Helper()
	p, err := climate.PlaceByName(place)
	if err != nil {
		t.Fatal(err)
	}
	c, err := newClock(p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSpokenTariff(t *testing.T) {
	c := clockOf(t, "Potsdam")
	m := money{currency: "EUR", perDollar: 0.9, per: []unit{{"kWh", 1}, {"MWh", 1000}}, most: 100, example: "0.30 EUR/kWh"}
	hourly, err := spoken("0.30; 0.45 EUR/kWh mon-fri 17:00-20:00 nov-feb; 12 ct/kWh 22:00-06:00", m, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		at    string // on a clock on the wall
		price float64
	}{
		{"2025-01-15 18:00", 0.45}, // a Wednesday in winter
		{"2025-01-18 18:00", 0.30}, // a Saturday
		{"2025-07-16 18:00", 0.30}, // a Wednesday in summer
		{"2025-07-16 23:00", 0.12}, // summer time: 22:00 of standard time
		{"2025-07-17 05:00", 0.12},
		{"2025-07-17 06:00", 0.30},
		{"2025-12-31 23:00", 0.12},
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", want.at, c.wall)
		if err != nil {
			t.Fatal(err)
		}
		i := int(at.Sub(c.hour(0)) / time.Hour)
		if got := float64(hourly[i]); math.Abs(got-want.price) > 1e-9 {
			t.Errorf("%s: %g, want %g", want.at, got, want.price)
		}
	}
}

func TestSpokenTariffRefuses(t *testing.T) {
	c := clockOf(t, "Denver")
	m := money{currency: "USD", perDollar: 1, per: []unit{{"kWh", 1}}, most: 100, example: "0.143 USD/kWh"}
	for s, want := range map[string]string{
		"-0.10":                      "below zero",
		"cheap":                      "not a figure",
		"0,14":                       "with a point",
		"0.14 EUR/kWh":               `say "currency: EUR"`,
		"0.14 USD/MJ":                "not a unit",
		"0.14;":                      "write a price and when it holds",
		"0.14; 0.28":                 "write a price and when it holds",
		"0.14; 0.28 sometimes":       "neither days",
		"0.14; 0.28 25:00-26:00":     "25:00",
		"0.14; -1 mon-fri":           "below zero",
		"0.14; 0.28 07:00-07:00 mon": "leave it out",
	} {
		if _, err := spoken(s, m, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", s, err, want)
		}
	}
}

// quarters writes prices for each quarter of 2025 in Germany; price is asked
// with the instant and may leave a slot out.
func quarters(t *testing.T, price func(at time.Time) (string, bool)) []byte {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("start,EUR/kWh\n")
	for at := time.Date(2025, 1, 1, 0, 0, 0, 0, zone); at.Year() == 2025; at = at.Add(15 * time.Minute) {
		if p, ok := price(at); ok {
			fmt.Fprintf(&b, "%s,%s\n", at.Format(time.RFC3339), p)
		}
	}
	return []byte(b.String())
}

// TestClockChanges: the days with 92 and 100 quarters need no rule. Each hour
// of the plan is the mean of its own four quarters.
func TestClockChanges(t *testing.T) {
	c := clockOf(t, "Potsdam")
	slots := map[string]int{}
	src := quarters(t, func(at time.Time) (string, bool) {
		slots[at.Format("01-02")]++
		// Hour of standard time, and a swing within the hour that cancels.
		hour := at.In(c.standard).Hour()
		return fmt.Sprintf("%.4f", float64(hour)/100+[...]float64{-0.02, 0.03, 0.01, -0.02}[at.Minute()/15]), true
	})
	if slots["03-30"] != 92 || slots["10-26"] != 100 {
		t.Fatalf("the test's days have %d and %d slots", slots["03-30"], slots["10-26"])
	}
	hourly, filled, err := filed(src, 0.1, refuseGaps, "EUR", c)
	if err != nil {
		t.Fatal(err)
	}
	if filled != 0 {
		t.Errorf("%d hours were filled in", filled)
	}
	for i, p := range hourly {
		if want := float64(i%24)/100 + 0.1; math.Abs(float64(p)-want) > 1e-9 {
			t.Fatalf("hour %d costs %g, want %g", i, float64(p), want)
		}
	}
}

func TestNegativePricesOfAMarket(t *testing.T) {
	c := clockOf(t, "Potsdam")
	src := quarters(t, func(at time.Time) (string, bool) {
		if at.Month() == time.May {
			return "-0.05", true
		}
		return "0.20", true
	})
	hourly, _, err := filed(src, 0, refuseGaps, "EUR", c)
	if err != nil {
		t.Fatal(err)
	}
	if got := hourly[(31+28+31+30+10)*24]; got != -0.05 {
		t.Errorf("11 May costs %g, want -0.05", float64(got))
	}
}

func TestGaps(t *testing.T) {
	c := clockOf(t, "Potsdam")
	noon := func(at time.Time) bool {
		return at.Month() == time.June && at.Day() < 6 && at.In(c.standard).Hour() == 12
	}
	holes := quarters(t, func(at time.Time) (string, bool) {
		if noon(at) && at.Minute() == 30 { // one quarter makes the hour unknown
			return "", true
		}
		if at.Month() == time.June && at.In(c.standard).Hour() == 12 {
			return "0.50", true
		}
		return "0.20", true
	})
	_, _, err := filed(holes, 0, refuseGaps, "EUR", c)
	if err == nil || !strings.Contains(err.Error(), "5 hours") || !strings.Contains(err.Error(), "2025-06-01 12:00") || !strings.Contains(err.Error(), "tariff-gaps: fill") {
		t.Errorf("a file with gaps: %v", err)
	}
	hourly, filled, err := filed(holes, 0, fillGaps, "EUR", c)
	if err != nil {
		t.Fatal(err)
	}
	if i := (31+28+31+30+31)*24 + 12; filled != 5 || math.Abs(float64(hourly[i])-0.50) > 1e-9 {
		t.Errorf("%d hours were filled in, 1 June at noon with %g; want 5 and the month's mean at noon, 0.50", filled, float64(hourly[i]))
	}

	missing := quarters(t, func(at time.Time) (string, bool) { return "0.20", at.Month() != time.March })
	for gaps, want := range map[string]string{refuseGaps: "743 hours", fillGaps: "is known in March"} {
		if _, _, err := filed(missing, 0, gaps, "EUR", c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a month is missing, %s: %v, want %q", gaps, err, want)
		}
	}
	half := quarters(t, func(at time.Time) (string, bool) { return "0.20", at.Month() < time.July })
	if _, _, err := filed(half, 0, fillGaps, "EUR", c); err == nil || !strings.Contains(err.Error(), "give a file with a whole year") {
		t.Errorf("half a year is missing: %v", err)
	}
}

func TestFiledRefuses(t *testing.T) {
	c := clockOf(t, "Potsdam")
	for src, want := range map[string]string{
		"":                           "heading",
		"start,USD/kWh\n":            "no prices",
		"time,price\n1,2\n":          "heading",
		"start,EUR/kWh\nyesterday,1": "line 2",
		"start,EUR/kWh\n2025-01-01T00:00:00+01:00,dear\n":                               "line 2",
		"start,USD/kWh\n2025-01-01T00:00:00+01:00,1\n2025-01-01T01:00:00+01:00,1\n":     `say "currency: USD"`,
		"start,EUR/kWh\n2025-01-01T00:00:00+01:00,1\n2025-01-01T00:00:00+01:00,1\n":     "not after",
		"start,EUR/kWh\n2025-01-01T00:00:00+01:00,1\n2025-01-01T00:07:00+01:00,1\n":     "quarter",
		"start,EUR/kWh,end\n2025-01-01T00:00:00+01:00,1,2024-01-01T00:00:00+01:00\n":    "line 2",
		"start,EUR/kWh\n2025-01-01T00:00:00+01:00,1e300\n2025-01-01T01:00:00+01:00,1\n": "line 2",
	} {
		if _, _, err := filed([]byte(src), 0, refuseGaps, "EUR", c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", src, err, want)
		}
	}
}

func FuzzSpoken(f *testing.F) {
	f.Add("0.12")
	f.Add("0.12; 0.28 mon-fri 16:00-21:00 jun-sep; 0.09 22:00-06:00")
	f.Add("12 ct/kWh; 300 USD/MWh weekend")
	p, err := climate.PlaceByName("Denver")
	if err != nil {
		f.Fatal(err)
	}
	c, err := newClock(p)
	if err != nil {
		f.Fatal(err)
	}
	m := money{currency: "USD", perDollar: 1, per: []unit{{"kWh", 1}, {"MWh", 1000}}, most: 100, example: "0.143 USD/kWh"}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > mostText {
			return
		}
		hourly, err := spoken(s, m, c)
		if err != nil {
			return
		}
		if len(hourly) != plan.Hours {
			t.Fatalf("%d hours", len(hourly))
		}
		for _, v := range hourly {
			if !(v >= 0 && v <= 100) {
				t.Fatalf("%q has an hour at %g", s, float64(v))
			}
		}
	})
}
