package plan_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"hearth/plan"
	"hearth/plan/atlas"
	"hearth/plan/market"
	"hearth/units"
)

// states returns the 51 American regions with their prices of 2023.
func states(t *testing.T) []atlas.Region {
	t.Helper()
	var list []atlas.Region
	for _, r := range atlas.Regions() {
		if r.Country == "US" && r.Code != "US" {
			list = append(list, r)
		}
	}
	if len(list) != 51 {
		t.Fatalf("the atlas has %d American regions, want 50 states and the capital", len(list))
	}
	return list
}

func price(t *testing.T, r atlas.Region, c atlas.Carrier) plan.PerKWh {
	t.Helper()
	v, known := r.Prices.Of(c).Get()
	if !known {
		t.Fatalf("the price of %s in %v is unknown", c, r)
	}
	return plan.PerKWh(v)
}

// against lists what heat costs otherwise: fuels at the usual efficiencies, or
// a heat pump.
func against(t *testing.T, r atlas.Region) []plan.PerKWh {
	power := price(t, r, atlas.Electricity)
	return []plan.PerKWh{
		plan.FuelHeat(price(t, r, atlas.Gas), 0.92),
		plan.FuelHeat(price(t, r, atlas.Oil), 0.85),
		plan.FuelHeat(price(t, r, atlas.Propane), 0.90),
		plan.PumpedHeat(power, 2), plan.PumpedHeat(power, 2.5), plan.PumpedHeat(power, 3), plan.PumpedHeat(power, 3.5),
	}
}

// In how many of the 51 regions hashing heats no dearer than what else there
// is, at the prices of 2023 and without the price of the machine. The counts
// were published with the prices; all of them have to come out.
func TestRegionsInWhichSmartHeatWins(t *testing.T) {
	for _, row := range []struct {
		hashPrice  market.HashPrice
		efficiency market.JoulesPerTerahash
		// gas, oil, propane, heat pumps of 2, 2.5, 3 and 3.5, and free heat
		want [8]int
	}{
		{20, 15, [8]int{0, 37, 35, 3, 0, 0, 0, 0}},
		{28.7, 15, [8]int{19, 40, 39, 34, 17, 7, 3, 0}},
		{28.7, 18.9, [8]int{4, 39, 36, 14, 0, 0, 0, 0}},
		{28.7, 29.5, [8]int{0, 30, 26, 0, 0, 0, 0, 0}},
		{28.7, 40, [8]int{0, 24, 17, 0, 0, 0, 0, 0}},
		{39.5, 15, [8]int{36, 42, 43, 42, 40, 35, 31, 0}},
		{39.5, 18.9, [8]int{24, 41, 39, 38, 27, 16, 9, 0}},
		{39.5, 29.5, [8]int{0, 37, 35, 3, 0, 0, 0, 0}},
		{52, 15, [8]int{40, 44, 47, 47, 44, 42, 41, 26}},
		{52, 18.9, [8]int{36, 42, 44, 43, 41, 38, 34, 6}},
		{52, 29.5, [8]int{14, 40, 38, 28, 9, 2, 0, 0}},
		{80, 18.9, [8]int{43, 48, 50, 50, 47, 44, 44, 38}},
	} {
		var got [8]int
		for _, r := range states(t) {
			hour := plan.Hour{Power: price(t, r, atlas.Electricity), Earns: plan.PerKWh(row.hashPrice.PerKWh(row.efficiency)), Useful: 1}
			for i, worth := range against(t, r) {
				hour.Worth = worth
				if hour.Pays() {
					got[i]++
				}
			}
			if hour.Free() {
				got[7]++
			}
			// Against resistive heat it always does.
			if hour.Worth = hour.Power; !hour.Pays() {
				t.Errorf("in %v hashing at a revenue of %g loses against resistive heat", r, float64(hour.Earns))
			}
		}
		if got != row.want {
			t.Errorf("at a hash price of %g with %g J/TH it wins in %v, want %v",
				float64(row.hashPrice), float64(row.efficiency), got, row.want)
		}
	}
}

// In how many of the 51 regions a home that uses the heat pays no more for a
// kWh, net, than a warehouse that wastes it.
func TestRegionsInWhichReuseBeatsWasting(t *testing.T) {
	for industrial, want := range map[plan.PerKWh][7]int{
		// resistive, propane, oil, gas, heat pumps of 2, 2.5 and 3
		0.04: {51, 25, 28, 0, 0, 0, 0},
		0.05: {51, 33, 34, 0, 0, 0, 0},
		0.06: {51, 35, 37, 3, 7, 0, 0},
		0.07: {51, 37, 40, 11, 22, 7, 0},
	} {
		var got [7]int
		for _, r := range states(t) {
			power := price(t, r, atlas.Electricity)
			other := against(t, r)
			for i, worth := range []plan.PerKWh{power, other[2], other[1], other[0], other[3], other[4], other[5]} {
				if (plan.Hour{Power: power, Worth: worth, Useful: 1}).BeatsWasting(industrial) {
					got[i]++
				}
			}
		}
		if got != want {
			t.Errorf("against a warehouse at %g $/kWh reuse wins in %v, want %v", float64(industrial), got, want)
		}
	}
}

// The dearest power at which hashing ties with a heat pump of 2, 2.5 and 3, in
// cents.
func TestTieWithAHeatPump(t *testing.T) {
	efficiencies := [5]market.JoulesPerTerahash{15, 18.9, 21.25, 29.5, 40}
	for hashPrice, row := range map[market.HashPrice][5][3]float64{
		20:   {{11.1, 9.3, 8.3}, {8.8, 7.3, 6.6}, {7.8, 6.5, 5.9}, {5.6, 4.7, 4.2}, {4.2, 3.5, 3.1}},
		28.7: {{15.9, 13.3, 12.0}, {12.7, 10.5, 9.5}, {11.3, 9.4, 8.4}, {8.1, 6.8, 6.1}, {6.0, 5.0, 4.5}},
		39.5: {{21.9, 18.3, 16.5}, {17.4, 14.5, 13.1}, {15.5, 12.9, 11.6}, {11.2, 9.3, 8.4}, {8.2, 6.9, 6.2}},
		52:   {{28.9, 24.1, 21.7}, {22.9, 19.1, 17.2}, {20.4, 17.0, 15.3}, {14.7, 12.2, 11.0}, {10.8, 9.0, 8.1}},
	} {
		for i, e := range efficiencies {
			for j, cop := range [3]float64{2, 2.5, 3} {
				got := 100 * float64(plan.BreakEvenPumped(plan.PerKWh(hashPrice.PerKWh(e)), cop))
				if math.Abs(got-row[i][j]) > 0.0501 {
					t.Errorf("%g $/PH/d, %g J/TH, COP %g: tie at %.2f cents, want %.1f", float64(hashPrice), float64(e), cop, got, row[i][j])
				}
			}
		}
	}
}

// All break-evens say the same in other words.
func TestBreakEvenIdentities(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		money := rapid.Float64Range(0.001, 1)
		h := plan.Hour{
			Power: plan.PerKWh(money.Draw(t, "power")), Earns: plan.PerKWh(money.Draw(t, "earns")),
			Worth: plan.PerKWh(money.Draw(t, "worth")), Useful: units.Fraction(rapid.Float64Range(0.1, 1).Draw(t, "useful")),
		}
		zero := func(what string, x plan.PerKWh) {
			if math.Abs(float64(x)) > 1e-15 {
				t.Fatalf("%s leaves %g", what, float64(x))
			}
		}
		tie := h
		tie.Power = h.BreakEvenPower()
		zero("gain at the break-even price", tie.Gain())
		zero("net power at the break-even price, less what it earns", tie.NetPower()-tie.Earns)
		zero("heat price less worth at the break-even price", (tie.HeatPrice()-tie.Worth)*plan.PerKWh(tie.Useful))
		zero("gain and net power", h.Gain()-(h.Earns-h.NetPower()))

		cop := rapid.Float64Range(1.5, 6).Draw(t, "cop")
		pumped := plan.Hour{Power: plan.BreakEvenPumped(h.Earns, cop), Earns: h.Earns, Useful: 1}
		pumped.Worth = plan.PumpedHeat(pumped.Power, cop)
		if math.Abs(float64(pumped.Gain()/pumped.Power)) > 1e-14 {
			t.Fatalf("the tie with a heat pump of %g leaves %g", cop, float64(pumped.Gain()))
		}
		if economic, finite := pumped.EconomicCOP(); !finite || math.Abs(economic/cop-1) > 1e-13 {
			t.Fatalf("at the tie the economic COP is %g, want %g", economic, cop)
		}
	})
}

func TestFreeHeat(t *testing.T) {
	h := plan.Hour{Power: 0.05, Earns: 0.06, Worth: 0, Useful: 1}
	if _, finite := h.EconomicCOP(); finite || !h.Free() || h.HeatPrice() >= 0 {
		t.Errorf("who earns 6 cents for 5 of power heats for %g, want less than nothing", float64(h.HeatPrice()))
	}
}
