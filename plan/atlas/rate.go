package atlas

// Since2023 is the factor by which the prices of electricity of 2023 are to be
// multiplied for a look at 2026: 18.72 ¢/kWh, the American residential average
// of April 2026, by the 16.00 ¢ of 2023. It is one figure for all states and
// good for a sensitivity, not for a price.
func Since2023() Fact {
	return Fact{Value: 18.72 / 16.00, Year: 2026, Source: "eia-epm-2026", Note: "weak: the figure of 2026 is a report of the Electric Power Monthly"}
}

// Rate is what a US dollar cost in a currency.
type Rate struct {
	Currency string // ISO 4217
	Fact            // units of the currency for a dollar, mean of the year
}

// Rates returns the exchange rates that are known. A currency without one has
// to be given by the user.
func Rates() []Rate {
	return []Rate{
		{"USD", Fact{Value: 1, Year: 2026, Source: "units"}},
	}
}

// RateOf returns how many units of a currency a US dollar cost; unknown for a
// currency whose rate is not known.
func RateOf(currency string) Fact {
	for _, r := range Rates() {
		if r.Currency == currency {
			return r.Fact
		}
	}
	return Fact{Note: "no openly licensed exchange rate of " + currency + " is known: give one"}
}
