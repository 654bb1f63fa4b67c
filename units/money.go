package units

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Money is an amount in one currency, exact to a millionth, so that the price
// of a watt-hour does not vanish. Two currencies never add: see [Money.Add].
type Money struct {
	// Micros counts millionths of the currency's unit.
	Micros int64
	// Currency is the ISO 4217 code, in capitals.
	Currency string
}

// Add returns m+n, or an error when the currencies differ. The zero Money
// has no currency and adds to any.
func (m Money) Add(n Money) (Money, error) {
	switch {
	case m == Money{}:
		return n, nil
	case n == Money{}:
		return m, nil
	case m.Currency != n.Currency:
		return Money{}, fmt.Errorf("add %v to %v: the currencies differ", n, m)
	}
	return Money{m.Micros + n.Micros, m.Currency}, nil
}

// Float returns the amount in the currency's unit.
func (m Money) Float() float64 { return float64(m.Micros) / 1e6 }

// Unit returns the currency.
func (m Money) Unit() string { return m.Currency }

// String prints "1.25 EUR".
func (m Money) String() string {
	return strconv.FormatFloat(m.Float(), 'f', 2, 64) + " " + m.Currency
}

// Price is money per kilowatt-hour.
type Price struct {
	// PerKWh may be negative: dynamic tariffs go below zero.
	PerKWh Money
}

// Of returns what the energy e costs at the price p.
func (p Price) Of(e KilowattHours) Money {
	return Money{int64(math.Round(float64(p.PerKWh.Micros) * float64(e))), p.PerKWh.Currency}
}

// Float returns money per kilowatt-hour in the currency's unit.
func (p Price) Float() float64 { return p.PerKWh.Float() }

// Unit returns for instance "EUR/kWh".
func (p Price) Unit() string { return p.PerKWh.Currency + "/kWh" }

// String prints "0.25 EUR/kWh".
func (p Price) String() string { return trim(p.Float(), 4) + " " + p.Unit() }

// MarshalText writes "0.25 EUR/kWh".
func (p Price) MarshalText() ([]byte, error) {
	return []byte(strconv.FormatFloat(p.Float(), 'f', -1, 64) + " " + p.Unit()), nil
}

// UnmarshalText reads "0.25 EUR/kWh".
func (p *Price) UnmarshalText(b []byte) error {
	const example = "0.25 EUR/kWh"
	num, unit, ok := strings.Cut(strings.TrimSpace(string(b)), " ")
	cur, rest, isPrice := strings.Cut(strings.TrimSpace(unit), "/")
	if !ok || !isPrice || rest != "kWh" || !isCurrency(cur) {
		return fmt.Errorf("price %q: write it as %q", b, example)
	}
	v, err := number(num)
	if err != nil || math.Abs(v) > 1e6 {
		return fmt.Errorf("price %q: write it as %q", b, example)
	}
	p.PerKWh = Money{int64(math.Round(v * 1e6)), cur}
	return nil
}

func isCurrency(s string) bool {
	if len(s) != 3 {
		return false
	}
	for _, c := range s {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}
