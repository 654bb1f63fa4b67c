package atlas

import _ "embed" // for the table

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
	Fact            // units of the currency for a dollar
}

//go:embed rates.csv
var ratesCSV string

// Rates returns the exchange rates that are known. A currency without one has
// to be given by the user.
func Rates() []Rate {
	var list []Rate
	for _, r := range read("rates.csv", ratesCSV).rows {
		list = append(list, Rate{r.text("currency"), r.fact("rate")})
	}
	return list
}

// RateOf returns how many units of a currency a US dollar cost; unknown for a
// currency whose rate is not known.
func RateOf(currency string) Fact {
	for _, r := range Rates() {
		if r.Currency == currency {
			return r.Fact
		}
	}
	return Fact{Note: "no exchange rate of " + currency + " is known: give one"}
}
