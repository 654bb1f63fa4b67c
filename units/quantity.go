package units

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Watts is electrical or thermal power.
type Watts float64

// Joules is energy.
type Joules float64

// KilowattHours is energy as meters and bills show it.
type KilowattHours float64

// Celsius is a temperature on the Celsius scale.
type Celsius float64

// Kelvin is a difference of two temperatures.
type Kelvin float64

// Litres is a volume of water.
type Litres float64

// LitresPerMinute is a volume flow.
type LitresPerMinute float64

// HashRate is SHA-256d hashes per second.
type HashRate float64

// Fraction is a share of one, shown as percent.
type Fraction float64

// RPM is a fan's speed in revolutions per minute.
type RPM float64

// Grams is a mass, used for carbon dioxide.
type Grams float64

// Sats is an amount of bitcoin in hundred-millionths.
type Sats int64

// Over returns the energy of the power p held for d.
func (p Watts) Over(d time.Duration) Joules { return Joules(float64(p) * d.Seconds()) }

// KilowattHours converts.
func (e Joules) KilowattHours() KilowattHours { return KilowattHours(e / 3.6e6) }

// Joules converts.
func (e KilowattHours) Joules() Joules { return Joules(e * 3.6e6) }

// Mean returns the power that yields the energy e in d. It is zero for d <= 0.
func (e Joules) Mean(d time.Duration) Watts {
	if d <= 0 {
		return 0
	}
	return Watts(float64(e) / d.Seconds())
}

// Add returns the temperature d above t.
func (t Celsius) Add(d Kelvin) Celsius { return t + Celsius(d) }

// Sub returns how far t is above u.
func (t Celsius) Sub(u Celsius) Kelvin { return Kelvin(t - u) }

// Quantity is what every unit of this package is: a number with a unit.
type Quantity interface {
	// Unit is the symbol that Float counts in.
	Unit() string
	// Float is the number alone.
	Float() float64
}

// Unit implements [Quantity].
func (Watts) Unit() string { return "W" }

// Unit implements [Quantity].
func (Joules) Unit() string { return "J" }

// Unit implements [Quantity].
func (KilowattHours) Unit() string { return "kWh" }

// Unit implements [Quantity].
func (Celsius) Unit() string { return "°C" }

// Unit implements [Quantity].
func (Kelvin) Unit() string { return "K" }

// Unit implements [Quantity].
func (Litres) Unit() string { return "l" }

// Unit implements [Quantity].
func (LitresPerMinute) Unit() string { return "l/min" }

// Unit implements [Quantity].
func (HashRate) Unit() string { return "H/s" }

// Unit implements [Quantity].
func (Fraction) Unit() string { return "1" }

// Unit implements [Quantity].
func (RPM) Unit() string { return "rpm" }

// Unit implements [Quantity].
func (Grams) Unit() string { return "g" }

// Unit implements [Quantity].
func (Sats) Unit() string { return "sat" }

// Float implements [Quantity].
func (p Watts) Float() float64 { return float64(p) }

// Float implements [Quantity].
func (e Joules) Float() float64 { return float64(e) }

// Float implements [Quantity].
func (e KilowattHours) Float() float64 { return float64(e) }

// Float implements [Quantity].
func (t Celsius) Float() float64 { return float64(t) }

// Float implements [Quantity].
func (d Kelvin) Float() float64 { return float64(d) }

// Float implements [Quantity].
func (v Litres) Float() float64 { return float64(v) }

// Float implements [Quantity].
func (f LitresPerMinute) Float() float64 { return float64(f) }

// Float implements [Quantity].
func (h HashRate) Float() float64 { return float64(h) }

// Float implements [Quantity].
func (f Fraction) Float() float64 { return float64(f) }

// Float implements [Quantity].
func (r RPM) Float() float64 { return float64(r) }

// Float implements [Quantity].
func (g Grams) Float() float64 { return float64(g) }

// Float implements [Quantity].
func (s Sats) Float() float64 { return float64(s) }

// String prints watts below a kilowatt, kilowatts above: "850 W", "1.2 kW".
func (p Watts) String() string {
	if math.Abs(float64(p)) >= 1000 {
		return trim(float64(p)/1000, 2) + " kW"
	}
	return trim(float64(p), 1) + " W"
}

// String prints "1.5 MJ".
func (e Joules) String() string {
	switch a := math.Abs(float64(e)); {
	case a >= 1e9:
		return trim(float64(e)/1e9, 2) + " GJ"
	case a >= 1e6:
		return trim(float64(e)/1e6, 2) + " MJ"
	case a >= 1e3:
		return trim(float64(e)/1e3, 2) + " kJ"
	}
	return trim(float64(e), 1) + " J"
}

// String prints "12.34 kWh".
func (e KilowattHours) String() string { return trim(float64(e), 2) + " kWh" }

// String prints one decimal, as a wall thermostat does: "20.6 °C".
func (t Celsius) String() string {
	s := strconv.FormatFloat(float64(t), 'f', 1, 64)
	if s == "-0.0" {
		s = "0.0"
	}
	return s + " °C"
}

// String prints "0.5 K".
func (d Kelvin) String() string { return trim(float64(d), 2) + " K" }

// String prints "200 l".
func (v Litres) String() string { return trim(float64(v), 1) + " l" }

// String prints "3.5 l/min".
func (f LitresPerMinute) String() string { return trim(float64(f), 2) + " l/min" }

// String prints "1.2 TH/s".
func (h HashRate) String() string {
	for _, s := range []struct {
		size float64
		name string
	}{{1e18, "EH/s"}, {1e15, "PH/s"}, {1e12, "TH/s"}, {1e9, "GH/s"}, {1e6, "MH/s"}, {1e3, "kH/s"}} {
		if math.Abs(float64(h)) >= s.size {
			return trim(float64(h)/s.size, 2) + " " + s.name
		}
	}
	return trim(float64(h), 1) + " H/s"
}

// String prints percent: "45 %".
func (f Fraction) String() string { return trim(float64(f)*100, 1) + " %" }

// String prints "1200 rpm".
func (r RPM) String() string { return trim(float64(r), 0) + " rpm" }

// String prints "1.2 kg".
func (g Grams) String() string {
	if math.Abs(float64(g)) >= 1000 {
		return trim(float64(g)/1000, 2) + " kg"
	}
	return trim(float64(g), 1) + " g"
}

// String prints "14 sats".
func (s Sats) String() string {
	if s == 1 || s == -1 {
		return strconv.FormatInt(int64(s), 10) + " sat"
	}
	return strconv.FormatInt(int64(s), 10) + " sats"
}

// Grouped writes a number, as strconv formats it, for people: with a real minus
// and its thousands set apart.
func Grouped(number, apart string) string {
	sign := ""
	if rest, ok := strings.CutPrefix(number, "-"); ok {
		sign, number = "−", rest
	}
	whole, point, part := number, "", ""
	if i := strings.IndexByte(number, '.'); i >= 0 {
		whole, point, part = number[:i], ".", number[i+1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + apart + whole[i:]
	}
	return sign + whole + point + part
}

// Whole writes a number without decimals, with commas between thousands.
func Whole(v float64) string {
	// The sum makes nought of minus nought.
	return Grouped(strconv.FormatFloat(math.Round(v)+0, 'f', 0, 64), ",")
}

// trim prints x with at most places decimals and no trailing zeros.
func trim(x float64, places int) string {
	s := strconv.FormatFloat(x, 'f', places, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" {
		return "0"
	}
	return s
}

// MarshalText writes the exact number with its unit, so that it parses back
// to the same value.
func (p Watts) MarshalText() ([]byte, error) { return exact(p), nil }

// MarshalText implements [encoding.TextMarshaler].
func (e Joules) MarshalText() ([]byte, error) { return exact(e), nil }

// MarshalText implements [encoding.TextMarshaler].
func (e KilowattHours) MarshalText() ([]byte, error) { return exact(e), nil }

// MarshalText implements [encoding.TextMarshaler].
func (t Celsius) MarshalText() ([]byte, error) { return exact(t), nil }

// MarshalText implements [encoding.TextMarshaler].
func (d Kelvin) MarshalText() ([]byte, error) { return exact(d), nil }

// MarshalText implements [encoding.TextMarshaler].
func (v Litres) MarshalText() ([]byte, error) { return exact(v), nil }

// MarshalText implements [encoding.TextMarshaler].
func (f LitresPerMinute) MarshalText() ([]byte, error) { return exact(f), nil }

// MarshalText implements [encoding.TextMarshaler].
func (h HashRate) MarshalText() ([]byte, error) { return exact(h), nil }

// MarshalText writes percent.
func (f Fraction) MarshalText() ([]byte, error) {
	return []byte(strconv.FormatFloat(float64(f)*100, 'g', -1, 64) + " %"), nil
}

// MarshalText implements [encoding.TextMarshaler].
func (r RPM) MarshalText() ([]byte, error) { return exact(r), nil }

// MarshalText implements [encoding.TextMarshaler].
func (g Grams) MarshalText() ([]byte, error) { return exact(g), nil }

// MarshalText implements [encoding.TextMarshaler].
func (s Sats) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func exact(q Quantity) []byte {
	return []byte(strconv.FormatFloat(q.Float(), 'f', -1, 64) + " " + q.Unit())
}

// UnmarshalText reads "1200 W", "1.2 kW" or "0.9 MW".
func (p *Watts) UnmarshalText(b []byte) error {
	return into((*float64)(p), string(b), "power", "1200 W", scale{"W": 1, "kW": 1e3, "MW": 1e6})
}

// UnmarshalText reads "5 MJ" and also "1.5 kWh".
func (e *Joules) UnmarshalText(b []byte) error {
	return into((*float64)(e), string(b), "energy", "5 MJ",
		scale{"J": 1, "kJ": 1e3, "MJ": 1e6, "GJ": 1e9, "Wh": 3600, "kWh": 3.6e6})
}

// UnmarshalText reads "1.5 kWh", "800 Wh" or "2 MWh".
func (e *KilowattHours) UnmarshalText(b []byte) error {
	return into((*float64)(e), string(b), "energy", "1.5 kWh",
		scale{"kWh": 1, "Wh": 1e-3, "MWh": 1e3, "J": 1 / 3.6e6, "kJ": 1 / 3.6e3, "MJ": 1 / 3.6})
}

// AbsoluteZero is the lowest temperature there is.
const AbsoluteZero Celsius = -273.15

// UnmarshalText reads "20.5 °C", "20.5 C" or "69 °F". A temperature below
// absolute zero is refused.
func (t *Celsius) UnmarshalText(b []byte) error {
	s := strings.TrimSpace(string(b))
	var v float64
	var err error
	if num, ok := cut(s, "°F", "F"); ok {
		var f float64
		if f, err = number(num); err != nil {
			err = fmt.Errorf("temperature %q: want a number and a unit, such as %q", s, "69 °F")
		}
		v = (f - 32) / 1.8
	} else {
		err = into(&v, s, "temperature", "20.5 °C", scale{"°C": 1, "C": 1})
	}
	if err != nil {
		return err
	}
	if Celsius(v) < AbsoluteZero {
		return fmt.Errorf("temperature %q is below absolute zero", s)
	}
	*t = Celsius(v)
	return nil
}

// UnmarshalText reads a difference: "0.5 K".
func (d *Kelvin) UnmarshalText(b []byte) error {
	return into((*float64)(d), string(b), "temperature difference", "0.5 K", scale{"K": 1})
}

// UnmarshalText reads "200 l", "200 litres" or "0.2 m³".
func (v *Litres) UnmarshalText(b []byte) error {
	return into((*float64)(v), string(b), "volume", "200 l",
		scale{"l": 1, "L": 1, "litres": 1, "liters": 1, "m³": 1e3, "m3": 1e3})
}

// UnmarshalText reads "3.5 l/min".
func (f *LitresPerMinute) UnmarshalText(b []byte) error {
	return into((*float64)(f), string(b), "flow", "3.5 l/min", scale{"l/min": 1, "L/min": 1, "l/h": 1.0 / 60})
}

// UnmarshalText reads "1.2 TH/s".
func (h *HashRate) UnmarshalText(b []byte) error {
	return into((*float64)(h), string(b), "hash rate", "1.2 TH/s",
		scale{"H/s": 1, "kH/s": 1e3, "MH/s": 1e6, "GH/s": 1e9, "TH/s": 1e12, "PH/s": 1e15, "EH/s": 1e18})
}

// UnmarshalText reads "45 %".
func (f *Fraction) UnmarshalText(b []byte) error {
	var percent float64
	if err := into(&percent, string(b), "share", "45 %", scale{"%": 1}); err != nil {
		return err
	}
	*f = Fraction(percent / 100)
	return nil
}

// UnmarshalText reads "1200 rpm".
func (r *RPM) UnmarshalText(b []byte) error {
	return into((*float64)(r), string(b), "fan speed", "1200 rpm", scale{"rpm": 1, "RPM": 1})
}

// UnmarshalText reads "450 g", "1.2 kg" or "0.3 t".
func (g *Grams) UnmarshalText(b []byte) error {
	return into((*float64)(g), string(b), "mass", "450 g", scale{"g": 1, "kg": 1e3, "t": 1e6})
}

// UnmarshalText reads "14 sats" or "0.001 BTC". A part of a sat is refused.
func (s *Sats) UnmarshalText(b []byte) error {
	const example = "14 sats"
	t := strings.TrimSpace(string(b))
	if num, ok := cut(t, "sats", "sat"); ok {
		n, err := strconv.ParseInt(num, 10, 64)
		if err != nil {
			return fmt.Errorf("amount %q: want a whole number of sats, such as %q", t, example)
		}
		*s = Sats(n)
		return nil
	}
	var v float64
	if err := into(&v, t, "amount", example, scale{"BTC": 1e8}); err != nil {
		return err
	}
	// There are never more than 21 million bitcoin, and up to there a float64
	// holds every sat exactly.
	n := math.Round(v)
	if math.Abs(v-n) > 1e-3 || math.Abs(n) > 21e14 {
		return fmt.Errorf("amount %q is not a whole number of sats up to 21 million BTC", t)
	}
	*s = Sats(n)
	return nil
}

type scale map[string]float64

// into parses "number unit" and stores it in *dst, in base units.
func into(dst *float64, s, what, example string, units scale) error {
	s = strings.TrimSpace(s)
	i := strings.LastIndexAny(s, "0123456789.")
	num, unit := strings.TrimSpace(s[:i+1]), strings.TrimSpace(s[i+1:])
	// Units such as "m3" end in a digit, which the search above swallows.
	for u := range units {
		if n, ok := strings.CutSuffix(s, u); ok && len(u) > len(unit) {
			num, unit = strings.TrimSpace(n), u
		}
	}
	v, err := number(num)
	if err != nil {
		return fmt.Errorf("%s %q: want a number and a unit, such as %q", what, s, example)
	}
	factor, ok := units[unit]
	switch {
	case unit == "":
		return fmt.Errorf("%s %q has no unit: write it as %q", what, s, example)
	case !ok:
		return fmt.Errorf("%s %q: %q is not a unit of %s: write it as %q", what, s, unit, what, example)
	}
	if v *= factor; math.IsInf(v, 0) {
		return fmt.Errorf("%s %q is too large", what, s)
	}
	*dst = v
	return nil
}

// number parses a finite number.
func number(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	return v, nil
}

func cut(s string, suffixes ...string) (string, bool) {
	for _, u := range suffixes {
		if n, ok := strings.CutSuffix(s, u); ok {
			return strings.TrimSpace(n), true
		}
	}
	return s, false
}
