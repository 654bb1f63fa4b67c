package units_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hearth/units"
)

func TestCurrenciesDoNotMix(t *testing.T) {
	euros := units.Money{Micros: 1_000_000, Currency: "EUR"}
	francs := units.Money{Micros: 2_000_000, Currency: "CHF"}

	sum, err := euros.Add(francs)
	if err == nil || !strings.Contains(err.Error(), "currencies differ") {
		t.Errorf("1 EUR + 2 CHF = %v (%v), want an error", sum, err)
	}
	if sum != (units.Money{}) {
		t.Errorf("a refused sum is %v, want nothing", sum)
	}
	// An amount of nothing in a named currency still has that currency.
	if sum, err := (units.Money{Currency: "EUR"}).Add(francs); err == nil {
		t.Errorf("0 EUR + 2 CHF = %v, want an error", sum)
	}
	for _, c := range []struct{ m, n, want units.Money }{
		{euros, euros, units.Money{Micros: 2_000_000, Currency: "EUR"}},
		{units.Money{}, francs, francs},
		{francs, units.Money{}, francs},
		{units.Money{}, units.Money{}, units.Money{}},
	} {
		if got, err := c.m.Add(c.n); err != nil || got != c.want {
			t.Errorf("%v + %v = %v (%v), want %v", c.m, c.n, got, err, c.want)
		}
	}
}

func TestPriceOfEnergy(t *testing.T) {
	at := func(price string) units.Price {
		var p units.Price
		if err := p.UnmarshalText([]byte(price)); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, c := range []struct {
		price string
		e     units.KilowattHours
		want  string
	}{
		{"0.25 EUR/kWh", 4, "1.00 EUR"},
		{"-0.10 EUR/kWh", 5, "-0.50 EUR"},
		{"0.25 USD/kWh", 0, "0.00 USD"},
	} {
		if got := at(c.price).Of(c.e).String(); got != c.want {
			t.Errorf("%v at %s costs %s, want %s", c.e, c.price, got, c.want)
		}
	}
	// The price of a single watt-hour does not vanish.
	if got := at("0.0301 EUR/kWh").Of(0.001); got.Micros != 30 {
		t.Errorf("a watt-hour costs %d millionths, want 30", got.Micros)
	}
}

func TestMoneyAddsLikeMoney(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Custom(func(t *rapid.T) units.Money {
			return units.Money{Micros: rapid.Int64Range(-1e12, 1e12).Draw(t, "micros"), Currency: "EUR"}
		})
		a, b, c := amount.Draw(t, "a"), amount.Draw(t, "b"), amount.Draw(t, "c")
		sum := func(m, n units.Money) units.Money {
			s, err := m.Add(n)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		if sum(a, b) != sum(b, a) {
			t.Fatalf("%v + %v depends on the order", a, b)
		}
		if sum(sum(a, b), c) != sum(a, sum(b, c)) {
			t.Fatalf("%v + %v + %v depends on the grouping", a, b, c)
		}
	})
}
