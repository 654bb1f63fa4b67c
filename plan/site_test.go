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
			{Area: 75, U: 0.25},
			{Facing: heat.Facing{Tilt: 180}, Area: 75, U: 0.2, Sheltered: true},
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
	var kinds []string
	for _, o := range a.Options {
		kinds = append(kinds, o.ID)
		if o.Unknown != "" {
			t.Errorf("%s is unknown: %s", o.ID, o.Unknown)
		}
	}
	if got, want := strings.Join(kinds, " "), "propane resistive gas oil heat_pump machine machine_alone machine_wasted"; got != want {
		t.Errorf("the options are %s, want %s", got, want)
	}
	load := float64(a.Load.Heat)
	propane, resistive := option(t, a, "propane"), option(t, a, "resistive")
	near(t, "propane bought", float64(propane.Fuel), load/0.90, 1e-6)
	near(t, "cost of the year by propane", propane.Running.Mid, 0.0930*load/0.90+120, 1e-6)
	near(t, "carbon of the year by propane", float64(first(propane.Carbon.Get())), 240*load/0.90, 1e-3)
	near(t, "cost of the year by resistance", resistive.Running.Mid, 0.12*load, 1e-6)
	near(t, "price of resistance", float64(resistive.Capex), 80*float64(a.Load.Design)/1000, 1e-9)
	near(t, "cost of a kWh of propane heat", propane.Cost.Mid, (0.0930*load/0.90+120)/load, 1e-12)

	pump := option(t, a, "heat_pump")
	if cop := load / float64(pump.Power); cop < 2 || cop > 3.5 {
		t.Errorf("the heat pump reaches %.2f over the year", cop)
	}
	with, wasted := option(t, a, plan.WithMachine), option(t, a, plan.Wasting)
	r := 39.5 / (24 * 18.9) * 0.96 * 0.98
	near(t, "earned by computing", with.Earned.Mid, float64(with.Computed)*r, 1e-6)
	near(t, "joules for a sat", first(with.JoulesPerSat.Get()), 3.6e6/(39.5/91_132*1e8/(24*18.9)*0.96*0.98), 1e-3)
	near(t, "hours in the warehouse", wasted.FullLoad, plan.Hours, 1e-9)
	near(t, "power of the year", with.Running.Mid, 0.12*float64(with.Power)+0.0930*float64(with.Fuel)+120+40-with.Earned.Mid, 1e-6)

	near(t, "smart heat in the first year", a.Smart.Yearly.Mid, propane.Running.Mid-with.Running.Mid, 1e-9)
	near(t, "smart heat over the horizon", a.Smart.Value.Mid, with.Value.Mid, 1e-9)
	// c_e − v_heat against c_industrial; idling is a little dearer than that.
	near(t, "a kWh here against a warehouse", a.Reuse.PerKWh.Mid, 0.06-(0.12-0.0930/0.90), 0.002)
	for _, want := range []string{"Heating with 2 × Avalon Q and the propane boiler costs", "USD less in the first year than with the propane boiler alone", "over 10 years", "pessimistic"} {
		if !strings.Contains(a.Smart.Sentence, want) {
			t.Errorf("the sentence %q lacks %q", a.Smart.Sentence, want)
		}
	}
	if !strings.Contains(a.Reuse.Sentence, "0.0600 USD in a warehouse") {
		t.Errorf("the sentence is %q", a.Reuse.Sentence)
	}
}

// first drops whether a value is known: it is nought then.
func first[T any](v T, _ bool) T { return v }
