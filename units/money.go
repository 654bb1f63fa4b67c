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
	return strings.TrimSpace(strconv.FormatFloat(m.Float(), 'f', 2, 64) + " " + m.Currency)
}

// MarshalText writes the exact amount: "1.250001 EUR".
func (m Money) MarshalText() ([]byte, error) {
	return []byte(strings.TrimSpace(strconv.FormatFloat(m.Float(), 'f', -1, 64) + " " + m.Currency)), nil
}

// UnmarshalText reads "1.25 EUR", and "0" as the zero Money.
func (m *Money) UnmarshalText(b []byte) error {
	s := strings.TrimSpace(string(b))
	if s == "0" {
		*m = Money{}
		return nil
	}
	got, err := money(s)
	if err != nil {
		return fmt.Errorf("amount %q: write it as %q", s, "1.25 EUR")
	}
	*m = got
	return nil
}

// money reads a number and a currency. Amounts of a thousand million and more
// are refused: beyond them a float64 no longer tells every millionth apart.
func money(s string) (Money, error) {
	num, cur, ok := strings.Cut(s, " ")
	if cur = strings.TrimSpace(cur); !ok || !isCurrency(cur) {
		return Money{}, fmt.Errorf("%q has no currency", s)
	}
	v, err := number(num)
	if err != nil {
		return Money{}, err
	}
	if math.Abs(v) >= 1e9 {
		return Money{}, fmt.Errorf("%q is too large", s)
	}
	return Money{int64(math.Round(v * 1e6)), cur}, nil
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

// Unit returns for instance "EUR/kWh", and nothing for the zero Price, which
// has no currency.
func (p Price) Unit() string {
	if p.PerKWh.Currency == "" {
		return ""
	}
	return p.PerKWh.Currency + "/kWh"
}

// String prints "0.25 EUR/kWh".
func (p Price) String() string { return trim(p.Float(), 4) + " " + p.Unit() }

// MarshalText writes "0.25 EUR/kWh".
func (p Price) MarshalText() ([]byte, error) {
	return []byte(strconv.FormatFloat(p.Float(), 'f', -1, 64) + " " + p.Unit()), nil
}

// UnmarshalText reads "0.25 EUR/kWh".
func (p *Price) UnmarshalText(b []byte) error {
	amount, ok := strings.CutSuffix(strings.TrimSpace(string(b)), "/kWh")
	m, err := money(amount)
	if !ok || err != nil {
		return fmt.Errorf("price %q: write it as %q", b, "0.25 EUR/kWh")
	}
	p.PerKWh = m
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
