package plan_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"hearth/heat"
	"hearth/heat/climate"
	"hearth/plan"
	"hearth/plan/market"
	"hearth/units"
)

// epoch is when the plans of the tests begin.
func epoch() time.Time { return time.Date(2026, time.July, 1, 0, 0, 0, 0, time.UTC) }

func known[T any](v T) units.Known[T] { return units.Know(v, epoch(), units.Chosen) }

// farmhouse is 140 m² of medium mass, in between of old and new.
func farmhouse() *heat.Building {
	capacity, area := heat.Medium.Of(140)
	wall := func(azimuth float64) heat.Opaque {
		return heat.Opaque{Facing: heat.Facing{Azimuth: azimuth, Tilt: 90}, Area: 36, U: 0.45}
	}
	glass := func(azimuth, area float64) heat.Window {
		return heat.Window{Facing: heat.Facing{Azimuth: azimuth, Tilt: 90}, Area: area, U: 2.6, G: 0.6}
	}
	return &heat.Building{
		FloorArea: 140, Volume: 350, AirChanges: 0.5,
		Windows: []heat.Window{glass(180, 9), glass(0, 4), glass(90, 4), glass(270, 4)},
		Opaque: []heat.Opaque{
			wall(0), wall(90), wall(180), wall(270),
			{Area: 75, U: 0.25}, {Facing: heat.Facing{Tilt: 180}, Area: 75, U: 0.2, Sheltered: true},
		},
		MassCapacity: capacity, MassArea: area,
	}
}

func always(t units.Celsius) (set [24]units.Celsius) {
	for i := range set {
		set[i] = t
	}
	return set
}

// flat is one price for every hour.
func flat(c plan.PerKWh) []plan.PerKWh {
	prices := make([]plan.PerKWh, plan.Hours)
	for i := range prices {
		prices[i] = c
	}
	return prices
}

// steady is a market that stays at three hash prices.
func steady(years int, low, mid, high market.HashPrice) market.Outlook {
	var o market.Outlook
	for c, hp := range [market.Cases]market.HashPrice{low, mid, high} {
		for m := range 12 * years {
			o[c] = append(o[c], market.Month{
				Start: epoch().AddDate(0, m, 0), HashPrice: hp, HashValue: float64(hp) / 91_132 * 1e8, Bitcoin: 91_132,
				Inference: market.DollarsPerKWh(0.02 * (1 + float64(c))), Marginal: 25,
			})
		}
	}
	return o
}

func year(t testing.TB, place string) *climate.Year {
	t.Helper()
	y, err := climate.Typical(place, 1)
	if err != nil {
		t.Fatal(err)
	}
	return y
}

// question is a propane farmhouse in Denver that thinks of two Avalon Q.
func question(t testing.TB) plan.Question {
	propane := plan.Heater{
		Kind: plan.Propane, Name: "the propane boiler", Price: known(plan.PerKWh(0.0930)), Efficiency: 0.90,
		Carbon: known(units.Grams(240)), CapexPerKW: 150, Fixed: 2000, Life: 20, Upkeep: 120, Owned: true,
	}
	return plan.Question{
		Year: year(t, "Denver"),
		Home: plan.Home{
			Name: "farmhouse", Rooms: farmhouse(), Setpoint: always(20), Internal: 450, Supply: 55,
			Uses: []plan.Use{{Kind: plan.HotWater, Size: 4}},
		},
		Today: propane,
		Others: []plan.Heater{
			{Kind: plan.Resistive, Efficiency: 1, CapexPerKW: 80, Life: 25},
			{Kind: plan.Gas, Price: known(plan.PerKWh(0.0504)), Efficiency: 0.92, Carbon: known(units.Grams(200)), CapexPerKW: 150, Fixed: 3000, Life: 20, Upkeep: 120},
			{Kind: plan.Oil, Price: known(plan.PerKWh(0.0926)), Efficiency: 0.85, Carbon: known(units.Grams(265)), CapexPerKW: 150, Fixed: 3000, Life: 20, Upkeep: 150},
			{Kind: plan.HeatPump, CapexPerKW: 1500, Life: 15, Upkeep: 100},
		},
		Machine: plan.Machine{
			Name: "Avalon Q", Kind: plan.Hash, Count: 2, Draw: 1700, Least: 800, Idle: 10, Efficiency: 18.9,
			Recovery: 1, Availability: 0.96, PoolFee: 0.02, Price: known(plan.Money(1600)), Life: 5, Upkeep: 20, Hottest: 60,
		},
		Backup: propane,
		Power:  plan.Power{Hourly: flat(0.12), Carbon: known(units.Grams(400)), Industrial: known(plan.PerKWh(0.06))},
		Market: steady(10, 20, 39.5, 60),
		Money:  plan.Finance{Currency: "USD", PerDollar: 1, Years: 10, Rate: 0.04},
	}
}

func prepare(t testing.TB, q plan.Question) *plan.Site {
	t.Helper()
	s, err := plan.Prepare(q)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s is %.9g, want %.9g ± %.3g", what, got, want, within)
	}
}

func option(t testing.TB, a *plan.Answer, kind plan.OptionKind) plan.Option {
	t.Helper()
	for _, o := range a.Options {
		if o.Kind == kind {
			return o
		}
	}
	t.Fatalf("no option %q", kind)
	return plan.Option{}
}

func TestAnswerSetsOptionsSideBySide(t *testing.T) {
	a := prepare(t, question(t)).Answer()
	t.Logf("load %.0f kWh, rooms %.0f, design %v, peak %v, %.0f h, months %.0f", a.Load.Heat, a.Load.Rooms, a.Load.Design, a.Load.Peak, a.Load.Hours, a.Load.Months)
	var kinds []string
	for _, o := range a.Options {
		kinds = append(kinds, o.ID)
		t.Logf("%-15s heat %.0f power %.0f fuel %.0f computed %.0f flh %.0f covered %.2f cold %+v\n running %.0f earned %.0f sats %.0f capex %.0f cost %.4f value %.0f payback %v carbon %v exergy %.0f J/sat %v %s", o.ID, o.Heat, o.Power, o.Fuel, o.Computed, o.FullLoad, o.Covered, o.Shortfall, o.Running, o.Earned, o.Sats, o.Capex, o.Cost, o.Value, o.Payback, o.Carbon, o.Exergy, o.JoulesPerSat, o.Unknown)
	}
	if got, want := strings.Join(kinds, " "), "propane resistive gas oil heat_pump machine machine_alone machine_wasted"; got != want {
		t.Errorf("the options are %s, want %s", got, want)
	}
	t.Log(a.Smart.Sentence)
	t.Log(a.Reuse.Sentence)
}
