package report

import (
	"testing"
	"time"

	"hearth/plan"
	"hearth/plan/market"
	"hearth/units"
)

func TestTurns(t *testing.T) {
	at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	none := plan.Flip{
		Revenue: units.Unknown[float64]("-", at), HashPrice: units.Unknown[market.HashPrice]("-", at),
		Power: units.Unknown[plan.PerKWh]("-", at), Price: units.Unknown[plan.Money]("-", at),
	}
	if got := Turns(none, "USD"); got != "" {
		t.Errorf("nothing turns it, and it says %q", got)
	}
	price := none
	price.Price = units.Know(plan.Money(1486.4), at, units.Estimate)
	if got, want := Turns(price, "EUR"), "It would be even at a price of 1,486 EUR for one machine."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	all := price
	all.Revenue = units.Know(1.25, at, units.Estimate)
	all.HashPrice = units.Know(market.HashPrice(35.81), at, units.Estimate)
	all.Power = units.Know(plan.PerKWh(0.1234), at, units.Estimate)
	if got, want := Turns(all, "USD"), "It would be even, each alone, at a hash price of 35.8 $/PH/day in the first month and the later ones in step; at power for 12.34 US cents a kWh; or at a price of 1,486 USD for one machine."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
