package market_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hearth/plan/market"
	"hearth/units"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*math.Abs(want)) {
		t.Errorf("%s is %.6g, want %.6g within %g %%", what, got, want, 100*tolerance)
	}
}

// Luxor published revenue by class of efficiency on 12 January 2026, at a hash
// price of 39.53.
func TestRevenuePerMegawattHour(t *testing.T) {
	for _, c := range []struct {
		class market.JoulesPerTerahash
		want  float64 // $/MWh
	}{{17, 97}, {22, 75}, {32.3, 51}} {
		near(t, "revenue", 1000*float64(market.HashPrice(39.53).PerKWh(c.class)), c.want, 0.01)
	}
}

func TestHashPriceFromDifficulty(t *testing.T) {
	for _, c := range []struct {
		day                 string
		height              int64
		difficulty, bitcoin float64
		fees                units.Fraction
		published           float64
	}{
		{"2023-08-22", 804_384, 55.62e12, 26_000, 0.02, 61},
		{"2024-09-25", 862_848, 88.40e12, 64_000, 0.01, 45.79},
		{"2025-11-03", 922_000, 156e12, 104_000, 0.0062, 43.1},
		{"2026-01-12", 931_392, 148.26e12, 91_132, 0.0055, 39.53},
	} {
		got := market.HashPriceAt(c.difficulty, c.bitcoin, market.Subsidy(c.height), c.fees)
		near(t, "hash price of "+c.day, float64(got), c.published, 0.03)
	}
}

func TestEquilibriumOfTheMarginalMiner(t *testing.T) {
	near(t, "25 J/TH at 5 cents", float64(market.Equilibrium(25, 0.05)), 30, 1e-12)
	near(t, "21.5 J/TH at 6 cents", float64(market.Equilibrium(21.5, 0.06)), 31, 0.01)
}

func TestSatsAndJoules(t *testing.T) {
	const value = 43_143 // sats/PH/day on 12 January 2026
	for e, want := range map[market.JoulesPerTerahash]float64{15: 119.8, 18.9: 95.1, 21.25: 84.6, 29.5: 60.9, 40: 44.9} {
		near(t, "sats for a kWh", market.SatsPerKWh(value, e), want, 0.001)
	}
	near(t, "joules for a sat at 15 J/TH", market.JoulesPerSat(value, 15), 30_000, 0.002)
	if got := market.JoulesPerSat(0, 15); !math.IsInf(got, 1) {
		t.Errorf("a sat takes %g J where nothing is earned, want infinity", got)
	}
}

func TestNetworkHashRate(t *testing.T) {
	near(t, "hash rate at 148.26 T", float64(market.HashRateAt(148.26e12))/1e18, 1061, 0.001)
}

func TestSubsidy(t *testing.T) {
	for _, c := range []struct {
		height int64
		want   units.Sats
	}{
		{-1, 0},
		{0, 5_000_000_000},
		{209_999, 5_000_000_000},
		{210_000, 2_500_000_000},
		{955_584, 312_500_000},
		{1_049_999, 312_500_000},
		{1_050_000, 156_250_000},
		{33 * market.HalvingBlocks, 0},
		{math.MaxInt64, 0},
	} {
		if got := market.Subsidy(c.height); got != c.want {
			t.Errorf("block %d makes %d sats, want %d", c.height, got, c.want)
		}
	}
}

func TestHashPriceAndRevenueAreInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		price := market.HashPrice(rapid.Float64Range(1, 500).Draw(t, "price"))
		e := market.JoulesPerTerahash(rapid.Float64Range(5, 150).Draw(t, "efficiency"))
		back := price.PerKWh(e).For(e)
		if math.Abs(float64(back/price)-1) > 1e-14 {
			t.Fatalf("%g came back as %g", float64(price), float64(back))
		}
	})
}

func TestSnapshot(t *testing.T) {
	s := market.Latest()
	near(t, "hash price", float64(s.HashPrice()), 28.68, 1e-12)
	near(t, "implied price of bitcoin", s.Bitcoin, 60_740, 0.001)
	if got := s.Age(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)); got != 148 {
		t.Errorf("on 21 November 2026 the snapshot is %d days old, want 148", got)
	}
}

// Whoever shows a figure can show where it is from.
func TestEverySourceExists(t *testing.T) {
	known := map[market.SourceID]bool{}
	for _, s := range market.Sources() {
		if known[s.ID] {
			t.Errorf("two sources are called %q", s.ID)
		}
		known[s.ID] = true
		if s.Title == "" || s.Publisher == "" || s.Year == 0 || s.Licence == "" || s.Note == "" {
			t.Errorf("%q does not say all: %+v", s.ID, s)
		}
	}
	used := func(what string, ids []market.SourceID) {
		if len(ids) == 0 {
			t.Errorf("%s has no source", what)
		}
		for _, id := range ids {
			if !known[id] {
				t.Errorf("%s has the source %q, which there is not", what, id)
			}
		}
	}
	used("the snapshot", market.Latest().Sources)
	for _, r := range market.Rentals() {
		used(string(r.Class), r.Sources)
		for _, in := range market.Inputs(market.Latest(), r) {
			used(in.Name, in.Sources)
		}
	}
}

func TestInputsOfAScenario(t *testing.T) {
	s := scenario(t)
	for _, in := range s.Inputs() {
		if len(in.Sources) == 0 {
			t.Errorf("%s of the default scenario is taken for the user's", in.Name)
		}
	}
	for c := range s {
		s[c].Power = 0.07
	}
	for _, in := range s.Inputs() {
		if own := len(in.Sources) == 0; own != (in.Name == "marginal_power") {
			t.Errorf("%s: is it the user's? %v", in.Name, own)
		}
		if in.Name == "marginal_power" && in.Values != [market.Cases]float64{0.07, 0.07, 0.07} {
			t.Errorf("power costs the marginal miner %v, want what was set", in.Values)
		}
	}
}

func TestRentQuantiles(t *testing.T) {
	for _, r := range market.Rentals() {
		for c, u := range []float64{0.1, 0.5, 0.9} {
			near(t, string(r.Class), float64(r.Quantile(u)), float64(r.Gross[c]), 1e-9)
		}
	}
	// Leases per contracted kWh from what was signed.
	lease, _ := market.RentalOf(market.Lease)
	near(t, "Core Scientific", float64(lease.Gross[market.Pessimistic]), 290e6/200e3/8760, 0.005)
	near(t, "TeraWulf", float64(lease.Gross[market.Middle]), 1.85e6/1000/8760, 0.005)
	near(t, "Abernathy", float64(lease.Gross[market.Optimistic]), 9.5e9/25/168e3/8760, 0.005)
	if _, ok := market.RentalOf("abacus"); ok {
		t.Error("rents of an abacus are known")
	}
}
