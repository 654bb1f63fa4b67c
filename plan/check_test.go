package plan_test

import (
	"math"
	"strings"
	"testing"

	"hearth/heat"
	"hearth/plan"
	"hearth/plan/market"
	"hearth/units"
)

func TestImpossibleQuestionsAreRefusedByField(t *testing.T) {
	nan, site := math.NaN(), prepare(t, question(t))
	for _, c := range []struct {
		field string
		spoil func(*plan.Question)
	}{
		{"Year", func(q *plan.Question) { q.Year = nil }},
		{"Home wants no heat", func(q *plan.Question) { q.Home.Rooms, q.Home.Uses = nil, nil }},
		{"Home.Rooms: building: FloorArea", func(q *plan.Question) { q.Home.Rooms = spoiled(func(b *heat.Building) { b.FloorArea = -140 }) }},
		{"Home.Rooms: building: Windows[0].Area", func(q *plan.Question) { q.Home.Rooms = spoiled(func(b *heat.Building) { b.Windows[0].Area = -1 }) }},
		{"Home.Setpoint[7]", func(q *plan.Question) { q.Home.Setpoint[7] = units.Celsius(nan) }},
		{"Home.Internal", func(q *plan.Question) { q.Home.Internal = -1 }},
		{"Home.Supply", func(q *plan.Question) { q.Home.Supply = 0 }},
		{"Home.Uses[0].Kind", func(q *plan.Question) { q.Home.Uses = []plan.Use{{Kind: "sauna", Size: 1}} }},
		{"Home.Uses[0].Size", func(q *plan.Question) { q.Home.Uses = []plan.Use{{Kind: plan.Pool, Size: -3}} }},
		{"Today.Kind", func(q *plan.Question) { q.Today.Kind = "" }},
		{"Today.Efficiency", func(q *plan.Question) { q.Today.Efficiency = 0 }},
		{"Today.Price", func(q *plan.Question) { q.Today.Price = known(plan.PerKWh(-0.01)) }},
		{"Today.Life", func(q *plan.Question) { q.Today.Life = 1e-300 }},
		{"Others[1].Efficiency", func(q *plan.Question) { q.Others[1].Efficiency = units.Fraction(nan) }},
		{"Others[3].CapexPerKW", func(q *plan.Question) { q.Others[3].CapexPerKW = -1 }},
		{"Machine.Kind", func(q *plan.Question) { q.Machine.Kind = "nft" }},
		{"Machine.Count", func(q *plan.Question) { q.Machine.Count = -1 }},
		{"Machine.Draw", func(q *plan.Question) { q.Machine.Draw = 0 }},
		{"Machine.Least", func(q *plan.Question) { q.Machine.Least = 1800 }},
		{"Machine.Plain", func(q *plan.Question) { q.Machine.Plain = -5 }},
		{"Machine.Recovery", func(q *plan.Question) { q.Machine.Recovery = 0 }},
		{"Machine.Availability", func(q *plan.Question) { q.Machine.Availability = 1.5 }},
		{"Machine.PoolFee", func(q *plan.Question) { q.Machine.PoolFee = -0.1 }},
		{"Machine.Hottest", func(q *plan.Question) { q.Machine.Hottest = units.Celsius(math.Inf(1)) }},
		{"Machine.Efficiency", func(q *plan.Question) { q.Machine.Efficiency = 0 }},
		{"Machine.Life", func(q *plan.Question) { q.Machine.Life = 0 }},
		{"Machine.Price", func(q *plan.Question) { q.Machine.Price = known(plan.Money(-1)) }},
		{"Backup.Kind", func(q *plan.Question) { q.Backup = plan.Heater{} }},
		{"Power.Hourly has 0", func(q *plan.Question) { q.Power.Hourly = nil }},
		{"Power.Hourly has 8759", func(q *plan.Question) { q.Power.Hourly = q.Power.Hourly[1:] }},
		{"Power.Hourly[100]", func(q *plan.Question) { q.Power.Hourly[100] = plan.PerKWh(nan) }},
		{"Power.Hourly[8000]", func(q *plan.Question) { q.Power.Hourly[8000] = plan.PerKWh(math.Inf(-1)) }},
		{"Power.Industrial", func(q *plan.Question) { q.Power.Industrial = known(plan.PerKWh(1e12)) }},
		{"Money.Currency", func(q *plan.Question) { q.Money.Currency = "" }},
		{"Money.PerDollar", func(q *plan.Question) { q.Money.PerDollar = 0 }},
		{"Money.Years", func(q *plan.Question) { q.Money.Years = -10 }},
		{"Money.Years", func(q *plan.Question) { q.Money.Years = 1e6 }},
		{"Money.Rate", func(q *plan.Question) { q.Money.Rate = units.Fraction(nan) }},
		{"Money.Drift", func(q *plan.Question) { q.Money.Drift = 3 }},
		{"Market[0] has 0 months", func(q *plan.Question) { q.Market = market.Outlook{} }},
		{"Market[2] has 119 months", func(q *plan.Question) { q.Market[2] = q.Market[2][:119] }},
		{"Market[1] begins", func(q *plan.Question) { q.Market[1] = append(q.Market[1][1:], q.Market[1][0]) }},
		{"Market[1][5].HashPrice", func(q *plan.Question) { q.Market[1][5].HashPrice = -1 }},
		{"Market[2][0].Inference", func(q *plan.Question) { q.Market[2][0].Inference = market.DollarsPerKWh(nan) }},
	} {
		q := question(t)
		c.spoil(&q)
		if _, err := plan.Prepare(q); err == nil || !strings.Contains(err.Error(), c.field) {
			t.Errorf("%s spoiled: the error is %v", c.field, err)
		}
		// The same holds when a prepared home is asked again.
		if strings.HasPrefix(c.field, "Home") || c.field == "Year" {
			continue
		}
		if _, err := site.With(q); err == nil || !strings.Contains(err.Error(), c.field) {
			t.Errorf("%s spoiled in another question: the error is %v", c.field, err)
		}
	}
}

func spoiled(how func(*heat.Building)) *heat.Building {
	b := farmhouse()
	how(b)
	return b
}

func TestWhatIsNotKnownIsSaid(t *testing.T) {
	unknown := units.Unknown[plan.PerKWh]("no pump in this valley", epoch())
	for _, c := range []struct {
		name  string
		spoil func(*plan.Question)
		kinds []plan.OptionKind // unknown
		why   string
		smart bool // still known
		reuse bool
	}{
		{"price of another's fuel", func(q *plan.Question) { q.Others[2].Price = unknown }, []plan.OptionKind{"oil"}, "no pump", true, true},
		{
			"price of today's fuel", func(q *plan.Question) { q.Today.Price, q.Backup.Price = unknown, unknown },
			[]plan.OptionKind{"propane", plan.WithMachine, plan.Wasting},
			"no pump", false, false,
		},
		{
			"price of the machine", func(q *plan.Question) { q.Machine.Price = units.Unknown[plan.Money]("sold out", epoch()) },
			[]plan.OptionKind{plan.WithMachine, plan.AloneOption, plan.Wasting},
			"sold out", false, false,
		},
		{
			"price of power for industry", func(q *plan.Question) { q.Power.Industrial = unknown },
			[]plan.OptionKind{plan.Wasting},
			"no pump", true, false,
		},
		{
			"machine", func(q *plan.Question) { q.Machine = plan.Machine{} },
			[]plan.OptionKind{plan.WithMachine, plan.AloneOption, plan.Wasting},
			"no machine", false, false,
		},
	} {
		q := question(t)
		c.spoil(&q)
		a := prepare(t, q).Answer()
		want := map[plan.OptionKind]bool{}
		for _, k := range c.kinds {
			want[k] = true
		}
		for _, o := range a.Options {
			if (o.Unknown != "") != want[o.Kind] || want[o.Kind] && !strings.Contains(o.Unknown, c.why) {
				t.Errorf("%s unknown: option %s says %q", c.name, o.ID, o.Unknown)
			}
		}
		if (a.Smart.Unknown == "") != c.smart || (a.Reuse.Unknown == "") != c.reuse {
			t.Errorf("%s unknown: the comparisons say %q and %q", c.name, a.Smart.Unknown, a.Reuse.Unknown)
		}
	}
	q := question(t)
	q.Power.Carbon = units.Unknown[units.Grams]("the grid does not say", epoch())
	a := prepare(t, q).Answer()
	if o := option(t, a, "propane"); !o.Carbon.IsKnown() {
		t.Errorf("the carbon of propane alone is %v", o.Carbon)
	}
	if o := option(t, a, plan.WithMachine); o.Carbon.IsKnown() || !strings.Contains(o.Carbon.Why(), "does not say") {
		t.Errorf("the carbon of the machine is %v", o.Carbon)
	}
}
