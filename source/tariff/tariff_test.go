package tariff_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"hearth/source/tariff"
	"hearth/units"
)

func oslo(t testing.TB) *time.Location {
	t.Helper()
	l, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func at(t testing.TB, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func parse(t testing.TB, text string) tariff.Config {
	t.Helper()
	var c tariff.Config
	if err := yaml.UnmarshalWithOptions([]byte(text), &c, yaml.DisallowUnknownField()); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFlat(t *testing.T) {
	f, err := tariff.New(parse(t, "kind: flat\nprice: 0.3125 EUR/kWh"), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	now := at(t, "2026-01-31T15:00:00Z")
	k := f.At(now)
	if p, ok := k.Get(); !ok || p.String() != "0.3125 EUR/kWh" || k.From() != units.Chosen || !k.At().Equal(now) {
		t.Errorf("the price is %v from %v at %v", k, k.From(), k.At())
	}
	if err := f.Refresh(); err != nil {
		t.Error(err)
	}
}

// A contract with a cheap night, a dear winter evening on working days, and a
// low weekend.
const contract = `
kind: time_of_use
price: 0.25 EUR/kWh
periods:
  - {name: winter peak, price: 0.45 EUR/kWh, days: weekdays, from: "17:00", to: "21:00", season: nov-mar}
  - {name: night, price: 0.12 EUR/kWh, days: mon tue wed thu fri, from: "22:00", to: "06:00"}
  - {name: sunday gift, price: -0.01 EUR/kWh, days: sun, season: 15 jun - 14 aug, from: "12:00", to: "15:00"}
  - {name: weekend, price: 0.20 EUR/kWh, days: weekend}
`

func TestTimeOfUse(t *testing.T) {
	f, err := tariff.New(parse(t, contract), oslo(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at   string
		want string
	}{
		{"2026-01-14T17:00:00+01:00", "0.45 EUR/kWh"},  // Wednesday evening in winter
		{"2026-01-14T16:00:00Z", "0.45 EUR/kWh"},       // the same instant
		{"2026-01-14T21:00:00+01:00", "0.25 EUR/kWh"},  // the peak is over
		{"2026-07-15T18:00:00+02:00", "0.25 EUR/kWh"},  // no peak in summer
		{"2026-11-02T18:00:00+01:00", "0.45 EUR/kWh"},  // the season begins with its first day
		{"2026-03-31T18:00:00+02:00", "0.45 EUR/kWh"},  // and ends with its last
		{"2026-04-01T18:00:00+02:00", "0.25 EUR/kWh"},  //
		{"2026-01-14T22:30:00+01:00", "0.12 EUR/kWh"},  // night
		{"2026-01-15T05:59:00+01:00", "0.12 EUR/kWh"},  // till six
		{"2026-01-15T06:00:00+01:00", "0.25 EUR/kWh"},  //
		{"2026-01-17T03:00:00+01:00", "0.12 EUR/kWh"},  // Friday's night reaches into Saturday
		{"2026-01-17T23:00:00+01:00", "0.2 EUR/kWh"},   // Saturday has no night rate
		{"2026-01-19T03:00:00+01:00", "0.25 EUR/kWh"},  // Sunday's night is none: early Monday
		{"2026-06-21T13:00:00+02:00", "-0.01 EUR/kWh"}, // paid to take it
		{"2026-06-14T13:00:00+02:00", "0.2 EUR/kWh"},   // a day before the season
		{"2026-08-16T13:00:00+02:00", "0.2 EUR/kWh"},   // after it
		{"2026-03-29T03:30:00+02:00", "0.2 EUR/kWh"},   // Sunday, the clock has just gone forward
	} {
		if p, ok := f.At(at(t, c.at)).Get(); !ok || p.String() != c.want {
			t.Errorf("at %s the price is %v, want %s", c.at, f.At(at(t, c.at)), c.want)
		}
	}
}

func TestWrongConfigsAreExplained(t *testing.T) {
	for text, want := range map[string]string{
		"kind: spot":         `kind is "spot": want flat, time_of_use or file`,
		"price: 0.3 EUR/kWh": `kind is ""`,
		"kind: flat":         "price is missing",
		"kind: flat\nprice: 1 EUR/kWh\npath: x.csv":                                                                "path belongs to kind file",
		"kind: flat\nprice: 1 EUR/kWh\nperiods: [{price: 1 EUR/kWh}]":                                              "periods belongs to kind time_of_use",
		"kind: flat\nprice: 1 EUR/kWh\nadd: 1 EUR/kWh":                                                             "add belongs to kind file",
		"kind: time_of_use\nprice: 1 EUR/kWh":                                                                      "periods are missing",
		"kind: time_of_use\nprice: 1 EUR/kWh\nperiods: [{name: night, from: \"22:00\", to: \"06:00\"}]":            `period "night" has no price`,
		"kind: time_of_use\nprice: 1 EUR/kWh\nperiods: [{price: 1 USD/kWh}]":                                       "periods[0] is in USD, the price before it in EUR",
		"kind: time_of_use\nperiods: [{price: 1 EUR/kWh, days: weekdays}, {price: 2 EUR/kWh, days: sat}]":          "no period covers Sunday",
		"kind: time_of_use\nperiods: [{price: 1 EUR/kWh, season: mar-nov}]":                                        "on 1 January",
		"kind: time_of_use\nperiods: [{price: 1 EUR/kWh, from: \"06:00\", to: \"22:00\"}]":                         "00:00",
		"kind: time_of_use\nperiods: [{price: 1 EUR/kWh, from: \"00:00\", to: \"24:00\", season: 1 jan - 30 dec}]": "31 December",
		"kind: file":                              "path is missing",
		"kind: file\npath: x\nprice: 1 EUR/kWh":   "price belongs to kind flat",
		"kind: file\npath: testdata/no-such-file": "no-such-file",
	} {
		if _, err := tariff.New(parse(t, text), time.UTC); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want %q in it", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"price: 0.3":                          "0.25 EUR/kWh",
		"periods: [{season: winter}]":         "nov-mar",
		"periods: [{season: 40 oct - 3 dec}]": "nov-mar",
		"periods: [{season: oct}]":            "nov-mar",
		"periods: [{days: never}]":            "is not a day",
		"periods: [{from: 6}]":                "07:30",
		"periods: [{until: \"06:00\"}]":       "until",
	} {
		var c tariff.Config
		if err := yaml.UnmarshalWithOptions([]byte(text), &c, yaml.DisallowUnknownField()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want %q in it", text, err, want)
		}
	}
}

func TestPeriodsMayCoverTheWholeYear(t *testing.T) {
	c := parse(t, `{kind: time_of_use, periods: [{price: 1 EUR/kWh, season: oct-mar}, {price: 2 EUR/kWh, season: apr-sep, from: "06:00", to: "22:00"}, {price: 3 EUR/kWh, from: "22:00", to: "06:00"}]}`)
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

func TestFileIsReadAgainWhenItChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prices.csv")
	write := func(text string, when time.Time) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	day := at(t, "2026-01-31T00:00:00Z")
	write("start,EUR/MWh\n2026-01-31T00:00:00Z,50\n", day)
	f, err := tariff.New(tariff.Config{Kind: tariff.File, Path: path, Add: units.Price{PerKWh: units.Money{Micros: 150_000, Currency: "EUR"}}}, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	price := func(when time.Time) string { return f.At(when).String() }
	if got := price(day); got != "0.2 EUR/kWh" {
		t.Errorf("50 EUR/MWh and 0.15 EUR/kWh are %s", got)
	}
	if got := price(day.Add(time.Hour)); !strings.Contains(got, "known until 2026-01-31 01:00 UTC only") {
		t.Errorf("after the last hour the price is %s", got)
	}

	write("start,EUR/MWh\n2026-01-31T00:00:00Z,60\n2026-01-31T01:00:00Z,-70\n", day.Add(time.Minute))
	if err := f.Refresh(); err != nil {
		t.Fatal(err)
	}
	if a, b := price(day), price(day.Add(time.Hour)); a != "0.21 EUR/kWh" || b != "0.08 EUR/kWh" {
		t.Errorf("after the change prices are %s and %s", a, b)
	}

	// What cannot be read, or is in another currency, changes nothing.
	for i, text := range []string{"start,EUR/MWh\nsoon,60\n", "start,SEK/MWh\n2026-01-31T00:00:00Z,60\n"} {
		write(text, day.Add(time.Duration(2+i)*time.Minute))
		if err := f.Refresh(); err == nil {
			t.Errorf("%q was accepted", text)
		}
		if got := price(day); got != "0.21 EUR/kWh" {
			t.Errorf("after %q the price is %s", text, got)
		}
	}
	os.Remove(path)
	if err := f.Refresh(); err == nil {
		t.Error("a file that is gone was no error")
	}
	if got := price(day); got != "0.21 EUR/kWh" {
		t.Errorf("without the file the price is %s", got)
	}
}
