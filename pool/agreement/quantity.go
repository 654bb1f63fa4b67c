package agreement

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"hearth/units"
)

// The scales of whole numbers.
const (
	million      = 1_000_000         // micros in a unit, parts in a whole
	millijoules  = 3_600_000_000     // in a kilowatt-hour
	bitcoin      = 100_000_000_000   // msat in a bitcoin
	mostWhole    = 1_000_000_000     // of a unit that an amount may have
	mostPrice    = 1_000_000_000_000 // micros per kWh: a million units
	mostSum      = 1 << 53           // of anything that is added up
	perKWh       = "/kWh"
	satUnit      = "sat"
	microDigits  = 6
	satDigits    = 3
	percentParts = 4
)

// Amount is an amount of the agreement's currency or of bitcoin.
type Amount struct {
	// Units counts millionths of the currency, or thousandths of a satoshi.
	Units int64
	// Sats says which of the two.
	Sats bool
}

// Text prints the amount: "12.50 EUR", "5000 sat".
func (a Amount) Text(currency string) string {
	if a.Sats {
		return Sats(a.Units)
	}
	return Money(a.Units, currency)
}

// Money prints millionths of a currency with two decimals, and with more where
// two would not say it all: "12.50 EUR", "0.185 EUR".
func Money(micros int64, currency string) string {
	return decimal(micros, microDigits, 2) + " " + currency
}

// Price prints millionths of a currency per kilowatt-hour: "0.185 EUR/kWh".
func Price(micros int64, currency string) string { return Money(micros, currency) + perKWh }

// Told prints thousandths of a satoshi as people are told them, with thousands
// set apart by a narrow space: "5 000 sats", "1 sat".
func Told(msat int64) string {
	if msat == 1000 || msat == -1000 {
		return units.Grouped(decimal(msat, satDigits, 0), "\u202f") + " sat"
	}
	return units.Grouped(decimal(msat, satDigits, 0), "\u202f") + " sats"
}

// Sats prints thousandths of a satoshi as agreements, and what is signed, have
// them: "5000 sat", "0.25 sat".
func Sats(msat int64) string { return decimal(msat, satDigits, 0) + " " + satUnit }

// Energy prints millijoules in kilowatt-hours, to the watt-hour: "12.345 kWh".
func Energy(mj int64) string {
	wh := mj / (millijoules / 1000)
	if rest := mj % (millijoules / 1000); 2*rest >= millijoules/1000 {
		wh++
	}
	return decimal(wh, 3, 1) + " kWh"
}

// Percent prints parts of a million: "33.3%".
func Percent(ppm int64) string { return decimal(ppm, percentParts, 0) + "%" }

// decimal prints n, which counts units of 10^-digits, with at least so many
// decimals.
func decimal(n int64, digits, least int) string {
	sign := ""
	abs := uint64(n)
	if n < 0 {
		sign, abs = "-", -abs
	}
	s := strconv.FormatUint(abs, 10)
	if pad := digits + 1 - len(s); pad > 0 {
		s = strings.Repeat("0", pad) + s
	}
	whole, part := s[:len(s)-digits], s[len(s)-digits:]
	for len(part) > least && part[len(part)-1] == '0' {
		part = part[:len(part)-1]
	}
	if part == "" {
		return sign + whole
	}
	return sign + whole + "." + part
}

var errNumber = errors.New("not a number")

// parseDecimal reads a number that is not negative, with at most so many
// decimals, as a count of units of 10^-digits.
func parseDecimal(s string, digits int) (int64, error) {
	whole, part, dotted := strings.Cut(s, ".")
	if whole == "" || dotted && part == "" || strings.Trim(whole+part, "0123456789") != "" {
		return 0, errNumber
	}
	if len(part) > digits {
		return 0, fmt.Errorf("%s has more than %d decimals", s, digits)
	}
	part += strings.Repeat("0", digits-len(part))
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > mostWhole {
		return 0, fmt.Errorf("%s is larger than %d", s, int64(mostWhole))
	}
	scale := int64(1)
	for range digits {
		scale *= 10
	}
	frac := int64(0)
	if part != "" {
		if frac, err = strconv.ParseInt(part, 10, 64); err != nil {
			return 0, errNumber
		}
	}
	return n*scale + frac, nil
}

// mulDiv returns a·b/c, rounded down, of numbers that are not negative, and
// whether it is a number of int64 at all.
func mulDiv(a, b, c int64) (int64, bool) {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi >= uint64(c) {
		return 0, false
	}
	q, _ := bits.Div64(hi, lo, uint64(c))
	return int64(q), q < 1<<63
}

// accrue returns what an energy costs, in micros, and what is left over for the
// next time, so that nothing is ever rounded away: price is in micros per kWh,
// part in millionths, rest in the units that are left over.
func accrue(mj, price, part, rest int64) (micros, left int64, ok bool) {
	const unit = millijoules * million
	hi, lo := bits.Mul64(uint64(mj), uint64(price*part))
	lo, carry := bits.Add64(lo, uint64(rest), 0)
	if hi += carry; hi >= unit {
		return 0, 0, false
	}
	q, r := bits.Div64(hi, lo, unit)
	return int64(q), int64(r), q <= mostSum
}

// worth returns what sats are worth, in micros, with a bitcoin at rate micros.
func worth(msat, rate int64) (int64, bool) { return mulDiv(msat, rate, bitcoin) }

// cost returns how many sats, in msat, an amount of micros is.
func cost(micros, rate int64) (int64, bool) { return mulDiv(micros, bitcoin, rate) }
