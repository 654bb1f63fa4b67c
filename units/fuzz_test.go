package units_test

import (
	"encoding/json"
	"math"
	"testing"

	"hearth/units"
)

// fuzzText throws text at the parser of one quantity: what it accepts is a
// finite number, in its own unit, that is written and read back the same.
func fuzzText(f *testing.F, kind string, seeds ...string) {
	for _, s := range append(seeds, "", " ", "21", "NaN W", "1e999 W", "0x1p-2 kW", "1_0 W", "-0 °C", "٣ W") {
		f.Add(s)
	}
	read := readers()[kind]
	f.Fuzz(func(t *testing.T, in string) {
		q, err := read(in)
		if err != nil {
			return
		}
		if v := q.Float(); math.IsNaN(v) || math.IsInf(v, 0) {
			t.Fatalf("%q reads as %v", in, v)
		}
		b, err := q.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		again, err := read(string(b))
		if err != nil {
			// Percent near the largest number there is are a hundred times it.
			if kind == "Fraction" && math.Abs(q.Float()) > math.MaxFloat64/100 {
				return
			}
			t.Fatalf("%q is written %q, which is refused: %v", in, b, err)
		}
		if slack := 1e-12 * math.Abs(q.Float()); again.Unit() != q.Unit() || math.Abs(again.Float()-q.Float()) > slack {
			t.Fatalf("%q is written %q, which reads as %v", in, b, again)
		}
	})
}

func FuzzWatts(f *testing.F)           { fuzzText(f, "Watts", "1200 W", "1.2 kW", "0.9MW") }
func FuzzJoules(f *testing.F)          { fuzzText(f, "Joules", "5 MJ", "1.5 kWh") }
func FuzzKilowattHours(f *testing.F)   { fuzzText(f, "KilowattHours", "1.5 kWh", "3.6 MJ") }
func FuzzCelsius(f *testing.F)         { fuzzText(f, "Celsius", "20.5 °C", "69 °F", "-300 C") }
func FuzzKelvin(f *testing.F)          { fuzzText(f, "Kelvin", "0.5 K") }
func FuzzLitres(f *testing.F)          { fuzzText(f, "Litres", "200 l", "0.2 m3", "0.2 m³") }
func FuzzLitresPerMinute(f *testing.F) { fuzzText(f, "LitresPerMinute", "3.5 l/min", "210 l/h") }
func FuzzHashRate(f *testing.F)        { fuzzText(f, "HashRate", "1.2 TH/s", "3 EH/s") }
func FuzzFraction(f *testing.F)        { fuzzText(f, "Fraction", "45 %", "1e-9%") }
func FuzzRPM(f *testing.F)             { fuzzText(f, "RPM", "1200 rpm") }
func FuzzGrams(f *testing.F)           { fuzzText(f, "Grams", "450 g", "0.3 t") }
func FuzzSats(f *testing.F)            { fuzzText(f, "Sats", "14 sats", "0.001 BTC") }
func FuzzMoney(f *testing.F)           { fuzzText(f, "Money", "1.25 EUR", "0") }
func FuzzPrice(f *testing.F)           { fuzzText(f, "Price", "0.25 EUR/kWh", "-1e-6 USD/kWh") }

func FuzzProvenance(f *testing.F) {
	f.Add("meter")
	f.Add("Meter")
	f.Fuzz(func(t *testing.T, in string) {
		var p units.Provenance
		if p.UnmarshalText([]byte(in)) == nil && p.String() != in {
			t.Fatalf("%q reads as %v", in, p)
		}
	})
}

func FuzzKnownJSON(f *testing.F) {
	f.Add(`{"value":20.6,"unit":"°C","at":"2026-01-15T12:00:00Z","provenance":"meter"}`)
	f.Add(`{"value":null,"unit":"°C","provenance":"unknown","why":"unplugged"}`)
	f.Add(`{"value":-300,"unit":"°C","provenance":"meter"}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, in string) {
		var k units.Known[units.Celsius]
		if json.Unmarshal([]byte(in), &k) != nil {
			return
		}
		if v, ok := k.Get(); ok && v < units.AbsoluteZero {
			t.Fatalf("%s reads as %v", in, k)
		}
		b, err := json.Marshal(k)
		if err != nil {
			t.Skip("a year that RFC 3339 cannot write")
		}
		var again units.Known[units.Celsius]
		if err := json.Unmarshal(b, &again); err != nil {
			t.Fatalf("%s is written %s: %v", in, b, err)
		}
	})
}
