package units_test

import (
	"encoding"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hearth/units"
)

// text is what every quantity that stands in a configuration file is.
type text interface {
	units.Quantity
	encoding.TextMarshaler
	fmt.Stringer
}

// readers parses one text as each quantity of the package, by its name.
func readers() map[string]func(string) (text, error) {
	return map[string]func(string) (text, error){
		"Watts":           reader[units.Watts],
		"Joules":          reader[units.Joules],
		"KilowattHours":   reader[units.KilowattHours],
		"Celsius":         reader[units.Celsius],
		"Kelvin":          reader[units.Kelvin],
		"Litres":          reader[units.Litres],
		"LitresPerMinute": reader[units.LitresPerMinute],
		"HashRate":        reader[units.HashRate],
		"Fraction":        reader[units.Fraction],
		"RPM":             reader[units.RPM],
		"Grams":           reader[units.Grams],
		"Sats":            reader[units.Sats],
		"Money":           reader[units.Money],
		"Price":           reader[units.Price],
	}
}

func reader[Q text, P interface {
	*Q
	encoding.TextUnmarshaler
}](s string) (text, error) {
	var q Q
	err := P(&q).UnmarshalText([]byte(s))
	return q, err
}

func TestPrint(t *testing.T) {
	for _, c := range []struct {
		q    fmt.Stringer
		want string
	}{
		{units.Watts(850), "850 W"},
		{units.Watts(1200), "1.2 kW"},
		{units.Watts(-1234), "-1.23 kW"},
		{units.Watts(0), "0 W"},
		{units.Watts(-0.01), "0 W"},
		{units.Joules(900), "900 J"},
		{units.Joules(1500), "1.5 kJ"},
		{units.Joules(5e6), "5 MJ"},
		{units.Joules(2.5e9), "2.5 GJ"},
		{units.KilowattHours(12.344), "12.34 kWh"},
		{units.Celsius(20.55), "20.6 °C"},
		{units.Celsius(-0.04), "0.0 °C"},
		{units.Kelvin(0.5), "0.5 K"},
		{units.Litres(200), "200 l"},
		{units.LitresPerMinute(3.5), "3.5 l/min"},
		{units.HashRate(950), "950 H/s"},
		{units.HashRate(1.2e12), "1.2 TH/s"},
		{units.HashRate(3.4e18), "3.4 EH/s"},
		{units.Fraction(0.45), "45 %"},
		{units.RPM(1200), "1200 rpm"},
		{units.Grams(450), "450 g"},
		{units.Grams(1200), "1.2 kg"},
		{units.Sats(1), "1 sat"},
		{units.Sats(14), "14 sats"},
		{units.Money{Micros: 1_250_000, Currency: "EUR"}, "1.25 EUR"},
		{units.Money{}, "0.00"},
		{units.Price{PerKWh: units.Money{Micros: -12_345, Currency: "EUR"}}, "-0.0123 EUR/kWh"},
	} {
		if got := c.q.String(); got != c.want {
			t.Errorf("%T prints %q, want %q", c.q, got, c.want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		kind, in string
		want     units.Quantity
	}{
		{"Watts", "1200 W", units.Watts(1200)},
		{"Watts", "1.2 kW", units.Watts(1200)},
		{"Watts", "  1.2kW ", units.Watts(1200)},
		{"Watts", "0.9 MW", units.Watts(900_000)},
		{"Watts", "-5 W", units.Watts(-5)},
		{"Joules", "5 MJ", units.Joules(5e6)},
		{"Joules", "1.5 kWh", units.Joules(5.4e6)},
		{"Joules", "1 Wh", units.Joules(3600)},
		{"KilowattHours", "1.5 kWh", units.KilowattHours(1.5)},
		{"KilowattHours", "800 Wh", units.KilowattHours(0.8)},
		{"KilowattHours", "2 MWh", units.KilowattHours(2000)},
		{"KilowattHours", "3.6 MJ", units.KilowattHours(1)},
		{"Celsius", "20.5 °C", units.Celsius(20.5)},
		{"Celsius", "20.5C", units.Celsius(20.5)},
		{"Celsius", "-40 °F", units.Celsius(-40)},
		{"Celsius", "32 °F", units.Celsius(0)},
		{"Celsius", "69.8F", units.Celsius(21)},
		{"Celsius", "-273.15 °C", units.AbsoluteZero},
		{"Kelvin", "0.5 K", units.Kelvin(0.5)},
		{"Litres", "200 litres", units.Litres(200)},
		{"Litres", "0.2 m³", units.Litres(200)},
		{"Litres", "0.2 m3", units.Litres(200)},
		{"LitresPerMinute", "210 l/h", units.LitresPerMinute(3.5)},
		{"HashRate", "1.2 TH/s", units.HashRate(1.2e12)},
		{"Fraction", "7 %", units.Fraction(0.07)},
		{"Fraction", "45%", units.Fraction(0.45)},
		{"RPM", "1200 rpm", units.RPM(1200)},
		{"Grams", "1.2 kg", units.Grams(1200)},
		{"Sats", "14 sats", units.Sats(14)},
		{"Sats", "1 sat", units.Sats(1)},
		{"Sats", "0.001 BTC", units.Sats(100_000)},
		{"Sats", "20999999.97690000 BTC", units.Sats(2_099_999_997_690_000)},
		{"Money", "1.25 EUR", units.Money{Micros: 1_250_000, Currency: "EUR"}},
		{"Money", "0.000001 USD", units.Money{Micros: 1, Currency: "USD"}},
		{"Money", "0", units.Money{}},
		{"Price", "0.25 EUR/kWh", units.Price{PerKWh: units.Money{Micros: 250_000, Currency: "EUR"}}},
		{"Price", "-0.01 EUR/kWh", units.Price{PerKWh: units.Money{Micros: -10_000, Currency: "EUR"}}},
	} {
		got, err := readers()[c.kind](c.in)
		if err != nil {
			t.Errorf("%s %q: %v", c.kind, c.in, err)
			continue
		}
		if got.Unit() != c.want.Unit() || math.Abs(got.Float()-c.want.Float()) > 1e-12*math.Abs(c.want.Float()) {
			t.Errorf("%s %q = %v, want %v", c.kind, c.in, got, c.want)
		}
	}
}

// A number without its unit is refused by every quantity, with an example
// that the same quantity then accepts.
func TestBareNumberIsRefusedWithAnExample(t *testing.T) {
	for kind, read := range readers() {
		for _, bare := range []string{"21", "-1.5", "0.0", "1e3"} {
			_, err := read(bare)
			if err == nil {
				t.Errorf("%s reads %q without a unit", kind, bare)
				continue
			}
			quoted := strings.Split(err.Error(), `"`)
			if len(quoted) < 4 {
				t.Errorf("%s %q: no example in %q", kind, bare, err)
				continue
			}
			if example := quoted[len(quoted)-2]; example == bare {
				t.Errorf("%s %q: no example in %q", kind, bare, err)
			} else if _, err := read(example); err != nil {
				t.Errorf("%s refuses its own example %q: %v", kind, example, err)
			}
		}
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	for _, c := range []struct{ kind, in, want string }{
		{"Watts", "", "a number and a unit"},
		{"Watts", "W", "a number and a unit"},
		{"Watts", "warm", "a number and a unit"},
		{"Watts", "NaN W", "a number and a unit"},
		{"Watts", "Inf W", "a number and a unit"},
		{"Watts", "1e999 W", "a number and a unit"},
		{"Watts", "1e308 kW", "too large"},
		{"Watts", "1,2 kW", "a number and a unit"},
		{"Watts", "1200 J", `"J" is not a unit of power`},
		{"Watts", "20 °C", `"°C" is not a unit of power`},
		{"KilowattHours", "3 kW", `"kW" is not a unit of energy`},
		{"Celsius", "20 K", `"K" is not a unit of temperature`},
		{"Celsius", "-300 °C", "below absolute zero"},
		{"Celsius", "-500 °F", "below absolute zero"},
		{"Celsius", "x °F", "a number and a unit"},
		{"Celsius", "NaN °C", "a number and a unit"},
		{"Celsius", "+Inf °F", "a number and a unit"},
		{"Kelvin", "1 °C", `"°C" is not a unit of temperature difference`},
		{"Fraction", "0.5 W", "not a unit of share"},
		{"Sats", "1.5 sats", "whole number"},
		{"Sats", "0.000000001 BTC", "whole number"},
		{"Sats", "22000000 BTC", "21 million"},
		{"Money", "1.25 euros", "1.25 EUR"},
		{"Money", "1.25 eur", "1.25 EUR"},
		{"Money", "NaN EUR", "1.25 EUR"},
		{"Money", "1e12 EUR", "1.25 EUR"},
		{"Price", "0.25 EUR", "0.25 EUR/kWh"},
		{"Price", "0.25 EUR/MWh", "0.25 EUR/kWh"},
	} {
		got, err := readers()[c.kind](c.in)
		if err == nil {
			t.Errorf("%s reads %q as %v", c.kind, c.in, got)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: error %q does not say %q", c.kind, c.in, err, c.want)
		}
	}
}

// A failed parse leaves the value as it was, so that a default survives.
func TestFailedParseChangesNothing(t *testing.T) {
	p, c, f, s := units.Watts(7), units.Celsius(7), units.Fraction(7), units.Sats(7)
	for _, d := range []encoding.TextUnmarshaler{&p, &c, &f, &s} {
		for _, bad := range []string{"8", "8 parsecs", "-400 °C", ""} {
			if d.UnmarshalText([]byte(bad)) == nil {
				t.Errorf("%T reads %q", d, bad)
			}
		}
	}
	if p != 7 || c != 7 || f != 7 || s != 7 {
		t.Errorf("after failed parses: %v %v %v %v", p, c, f, s)
	}
}

func TestMarshalledTextParsesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(-1e15, 1e15).Draw(t, "x")
		sats := rapid.Int64Range(-21e14, 21e14).Draw(t, "sats")
		money := units.Money{Micros: rapid.Int64Range(-1e14, 1e14).Draw(t, "micros"), Currency: "CHF"}
		for kind, q := range map[string]text{
			"Watts": units.Watts(x), "Joules": units.Joules(x), "KilowattHours": units.KilowattHours(x),
			"Celsius": units.Celsius(math.Abs(x)), "Kelvin": units.Kelvin(x), "Litres": units.Litres(x),
			"LitresPerMinute": units.LitresPerMinute(x), "HashRate": units.HashRate(x), "RPM": units.RPM(x),
			"Grams": units.Grams(x), "Sats": units.Sats(sats), "Money": money, "Price": units.Price{PerKWh: money},
		} {
			b, err := q.MarshalText()
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			if got, err := readers()[kind](string(b)); err != nil || got != q {
				t.Fatalf("%s: %q reads back as %v (%v), want %v", kind, b, got, err, q)
			}
		}
	})
}

// Percent are a hundredth of the number, which costs at most the last bit.
func TestFractionTextParsesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := units.Fraction(rapid.Float64Range(-10, 10).Draw(t, "f"))
		b, _ := f.MarshalText()
		got, err := readers()["Fraction"](string(b))
		if err != nil || math.Abs(got.Float()-float64(f)) > 1e-15*math.Abs(float64(f)) {
			t.Fatalf("%q reads back as %v (%v), want %v", b, got, err, float64(f))
		}
	})
}

// What a person reads on a page can be typed into a configuration: it parses,
// to within the digits shown.
func TestPrintedTextParses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(-200, 1e12).Draw(t, "x")
		for kind, q := range map[string]text{
			"Watts": units.Watts(x), "Joules": units.Joules(x), "KilowattHours": units.KilowattHours(x),
			"Celsius": units.Celsius(x), "Kelvin": units.Kelvin(x), "Litres": units.Litres(x),
			"LitresPerMinute": units.LitresPerMinute(x), "HashRate": units.HashRate(x),
			"Fraction": units.Fraction(x), "RPM": units.RPM(x), "Grams": units.Grams(x),
		} {
			got, err := readers()[kind](q.String())
			if err != nil || math.Abs(got.Float()-x) > 0.5+0.01*math.Abs(x) {
				t.Fatalf("%s %v prints %q, which reads as %v (%v)", kind, x, q, got, err)
			}
		}
	})
}

func TestPowerAndEnergy(t *testing.T) {
	if got := units.Watts(1200).Over(30 * time.Minute).KilowattHours(); got != 0.6 {
		t.Errorf("1.2 kW for half an hour = %v, want 0.6 kWh", got)
	}
	if got := units.KilowattHours(0.6).Joules().Mean(30 * time.Minute); got != 1200 {
		t.Errorf("0.6 kWh in half an hour = %v, want 1.2 kW", got)
	}
	if got := units.Joules(5).Mean(0); got != 0 {
		t.Errorf("mean over no time = %v, want 0", got)
	}
	if got := units.Celsius(20).Add(1.5).Sub(18); got != 3.5 {
		t.Errorf("20 °C + 1.5 K is %v above 18 °C, want 3.5 K", got)
	}
}

func TestGrouped(t *testing.T) {
	for _, c := range []struct{ number, apart, want string }{
		{"0", ",", "0"},
		{"999", ",", "999"},
		{"1000", ",", "1,000"},
		{"-1234567.25", ",", "−1,234,567.25"},
		{"0.12345", ",", "0.12345"},
		{"12345", "\u202f", "12\u202f345"},
		{"", ",", ""},
	} {
		if got := units.Grouped(c.number, c.apart); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.number, got, c.want)
		}
	}
	for v, want := range map[float64]string{-0.3: "0", 0.5: "1", -1203.6: "−1,204", 1e6: "1,000,000"} {
		if got := units.Whole(v); got != want {
			t.Errorf("%g becomes %q, want %q", v, got, want)
		}
	}
}
