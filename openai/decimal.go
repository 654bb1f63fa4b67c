package openai

import (
	"errors"
	"strconv"
	"strings"
)

// decimal reads a JSON number into units of 2^-16, rounding half up, in whole
// numbers throughout: what a person writes as 0.7 means the same bits on every
// machine. Digits behind the ninth decimal place are dropped. A magnitude of
// 1000 or more reads as 1000.
func decimal(s string) (int64, error) {
	digits, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	shift := 0
	if exponent != "" {
		n, err := strconv.Atoi(exponent)
		if err != nil {
			return 0, errors.New("the exponent is out of range")
		}
		shift = max(min(n, 1000), -1000)
	}
	digits, negative := strings.CutPrefix(digits, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	shift += len(whole)
	all := strings.TrimLeft(whole+fraction, "0")
	shift -= len(whole+fraction) - len(all) // digits before the point, now
	sign := int64(1)
	if negative {
		sign = -1
	}
	switch {
	case all == "":
		return 0, nil
	case shift > 3:
		return sign * 1000 * one, nil
	case shift < -9:
		return 0, nil
	}
	// nano is the number in units of 10^-9: shift+9 digits of it.
	keep := shift + 9
	all += strings.Repeat("0", max(keep-len(all), 0))
	nano := int64(0)
	if keep > 0 {
		var err error
		if nano, err = strconv.ParseInt(all[:keep], 10, 64); err != nil {
			return 0, errors.New("not a number")
		}
	}
	return sign * ((nano*one + 500_000_000) / 1_000_000_000), nil
}
