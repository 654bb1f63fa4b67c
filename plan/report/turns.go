package report

import (
	"fmt"
	"strings"

	"hearth/plan"
)

// Turns says in a sentence what would turn the verdict on the machine, each
// alone while all else stays; empty where nothing within reach would.
func Turns(f plan.Flip, currency string) string {
	var by []string
	if v, ok := f.HashPrice.Get(); ok {
		by = append(by, "a hash price of "+Decimal(float64(v), 1)+" $/PH/day in the first month and the later ones in step")
	} else if v, ok := f.Revenue.Get(); ok {
		by = append(by, "computing that earns "+Decimal(v, 2)+" times as much")
	}
	if v, ok := f.Power.Get(); ok {
		by = append(by, "power for "+Hundredths(float64(v))+" "+HundredthsName(currency)+" a kWh")
	}
	if v, ok := f.Price.Get(); ok {
		by = append(by, "a price of "+Money(float64(v), currency)+" for one machine")
	}
	switch len(by) {
	case 0:
		return ""
	case 1:
		return "It would be even at " + by[0] + "."
	}
	return fmt.Sprintf("It would be even, each alone, at %s; or at %s.", strings.Join(by[:len(by)-1], "; at "), by[len(by)-1])
}
