package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"hearth/plan"
	"hearth/units"
)

// Money writes an amount in whole units of its currency: "−1,204 USD".
func Money(v float64, currency string) string { return Whole(v) + " " + currency }

// Whole writes a number without decimals, with commas between thousands.
func Whole(v float64) string { return units.Whole(v) }

// Hundredths writes a price of a kWh in hundredths of the currency: "9.36".
func Hundredths(v float64) string { return Decimal(100*v, 2) }

// HundredthsName is what these are called: "US cents".
func HundredthsName(currency string) string {
	switch currency {
	case "USD":
		return "US cents"
	case "EUR":
		return "euro cents"
	case "GBP":
		return "pence"
	case "CAD":
		return "Canadian cents"
	case "AUD":
		return "Australian cents"
	case "NZD":
		return "NZ cents"
	}
	return "hundredths of " + currency
}

// Decimal writes a number with some decimals and a real minus.
func Decimal(v float64, decimals int) string {
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Trim(s, "-0.") == "" {
		return strings.TrimPrefix(s, "-")
	}
	return strings.Replace(s, "-", "−", 1)
}

// Percent writes a share of one.
func Percent(f units.Fraction) string { return Decimal(100*float64(f), 0) + "\u00a0%" }

// Years writes a payback; one that is not known lies beyond the horizon.
func Years(k units.Known[float64]) string {
	v, ok := k.Get()
	switch {
	case !ok:
		return "not in time"
	case v <= 0:
		return "at once"
	}
	return Decimal(v, 1) + " years"
}

// Band writes the ends of a band, the smaller one first; one figure where they
// are alike.
func Band(b plan.Band, write func(float64) string) string {
	low, high := write(min(b.Low, b.Mid, b.High)), write(max(b.Low, b.Mid, b.High))
	if low == high {
		return low
	}
	return fmt.Sprintf("%s to %s", low, high)
}

// Power writes watts as kW with one decimal.
func Power(w units.Watts) string { return Decimal(float64(w)/1000, 1) + " kW" }

// Upper writes the first letter as a capital.
func Upper(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}
