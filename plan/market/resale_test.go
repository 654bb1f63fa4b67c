package market_test

import (
	"math"
	"testing"

	"hearth/plan/market"
)

// flat is a market in which nothing moves.
func flat(price market.HashPrice, months int) []market.Month {
	all := make([]market.Month, months)
	for m := range all {
		all[m] = market.Month{Start: begin.AddDate(0, m, 0), HashPrice: price}
	}
	return all
}

func warehouse(power market.DollarsPerKWh) market.Use {
	return market.Use{Name: "warehouse", Power: power, Hours: market.AllHours()}
}

func TestMarginOfAYear(t *testing.T) {
	r := market.Resale{Efficiency: 15, Kept: 1, Life: 12, Uses: []market.Use{warehouse(0.05)}}
	months := flat(36, 24) // 0.1 $/kWh
	near(t, "a kW for a year", float64(r.Margin(months, 0)), 8760*0.05, 1e-12)
	near(t, "its last quarter", float64(r.Margin(months, 9)), (744+720+744)*0.05, 1e-12)
	r.Rate = 0.1
	if got := float64(r.Margin(months, 0)); got >= 8760*0.05 || got < 8760*0.05/1.1 {
		t.Errorf("discounted at 10 %% a year it is %g", got)
	}
}

func TestTheBestUseCounts(t *testing.T) {
	var winter [12]float64
	winter[0] = 744
	home := market.Use{Name: "home", Power: 0.30, Heat: 0.30, Hours: winter}
	r := market.Resale{Efficiency: 40, Kept: 1, Life: 12, Uses: []market.Use{warehouse(0.05), home}}
	months := flat(28.8, 12) // 0.03 $/kWh: a loss in a warehouse
	near(t, "heat saves what hashing cannot", float64(r.Margin(months, 0)), 744*0.03, 1e-12)
	r.Uses = r.Uses[:1]
	if got := r.Margin(months, 0); got != 0 {
		t.Errorf("a machine that would lose money is worth %g, want nothing: it is switched off", float64(got))
	}
}

func TestValueLiesBetweenScrapAndTheMarket(t *testing.T) {
	r := market.Resale{
		Efficiency: 17.5, Kept: 0.95, Life: 60, Uses: []market.Use{warehouse(0.05)},
		Bought: 500, Elasticity: market.HashPriceElasticity, Scrap: 5,
	}
	months := path(t, scenario(t)[market.Middle], 10)
	if got := r.Value(months, 0); got > 500 {
		t.Errorf("new it sells for %g, want no more than was paid", float64(got))
	}
	for m := range 60 {
		v := r.Value(months, m)
		if v < 5 || v > max(5, r.Market(months, m)) || v > max(5, r.Margin(months, m)) {
			t.Errorf("month %d: %g with a margin of %g and a market of %g", m, float64(v), float64(r.Margin(months, m)), float64(r.Market(months, m)))
		}
	}
	if got := r.Value(months, 60); got != 5 {
		t.Errorf("after its life it sells for %g, want scrap", float64(got))
	}
	if got := r.Value(nil, 0); got != 5 {
		t.Errorf("without a market it sells for %g, want scrap", float64(got))
	}
}

// Prices of machines fell to 13 % while the hash price fell to 14 %.
func TestElasticityFollowsFromTheCrashOf2022(t *testing.T) {
	near(t, "elasticity", math.Log(15.7/119)/math.Log(55.94/412.57), market.HashPriceElasticity, 0.001)
	r := market.Resale{Efficiency: 30, Kept: 1, Life: 1e6, Bought: 119, Elasticity: market.HashPriceElasticity}
	months := append(flat(412.57, 1), flat(55.94, 1)...)
	near(t, "what was 119 $", float64(r.Market(months, 1)), 15.7, 0.001)
}

func TestAMachineThatAnswers(t *testing.T) {
	r := market.Resale{Kept: 0.5, Life: 12, Uses: []market.Use{warehouse(0.05)}}
	m := market.Month{Inference: 0.40, HashPrice: 1000}
	near(t, "a kWh", float64(r.PerKWh(m)), 0.20, 1e-12)
}
