package report

import (
	"fmt"
	"math"
	"slices"
	"time"

	"hearth/plan"
	"hearth/plan/market"
	"hearth/plan/picture"
)

const planned = "Planned, not measured."

// CostsPicture draws what a useful kWh costs by each option.
func CostsPicture(a *plan.Answer, years int) *picture.Drawing {
	cents := HundredthsName(a.Currency)
	var bars []picture.Bar
	for i, o := range a.Options {
		b := picture.Bar{Name: Upper(o.Name), Low: 100 * o.Cost.Low, Mid: 100 * o.Cost.Mid, High: 100 * o.Cost.High, Figure: Hundredths(o.Cost.Mid), Unknown: o.Unknown}
		switch {
		case i == 0:
			b.Tone = picture.Today
			b.Name += " (today)"
		case o.Kind == plan.WithMachine:
			b.Tone = picture.Machine
		}
		if colder(a, &o) {
			b.Name += " (not warm enough)"
		}
		bars = append(bars, b)
	}
	return picture.Bars(picture.Caption{
		Title: "What a useful kWh of heat costs",
		Says: fmt.Sprintf("Over %d years, all in: power, fuel, what is bought, less what the machine earns and what it is worth at the end. "+
			"The line on a bar runs from the pessimistic to the optimistic market. %s", years, planned),
	}, cents+" for a useful kWh", bars)
}

// colder reports whether an option leaves heat unmade, so that it cannot be
// compared with those that keep the home warm.
func colder(a *plan.Answer, o *plan.Option) bool {
	return o.Unknown == "" && float64(o.Shortfall.Year) > 0.005*float64(a.Load.Heat)
}

// MonthsPicture draws the heat of the months and what the machine makes of it.
func MonthsPicture(a *plan.Answer) *picture.Drawing {
	var wanted, made [12]float64
	o := Option(a, plan.WithMachine)
	for m := range wanted {
		wanted[m] = float64(a.Load.Months[m])
		if o != nil && o.Unknown == "" {
			made[m] = min(wanted[m], float64(o.Months[m]))
		}
	}
	says := "Heat that the home wants in each month of a typical year. "
	switch {
	case o == nil || o.Unknown != "":
		says += "What the machine would make of it is unknown. "
	case o.Computed == 0:
		says += "The machine stands still: its heat would cost more than the backup's. "
	default:
		says += fmt.Sprintf("The machine makes %s of it. ", Percent(o.Covered))
	}
	return picture.Months(picture.Caption{Title: "Heat through the year", Says: says + planned}, wanted, made, "made otherwise")
}

// SizesPicture draws what sizes of the machine are worth.
func SizesPicture(z plan.Sizing, years int) *picture.Drawing {
	c := picture.Curve{
		Caption: picture.Caption{Title: "What each size is worth"},
		Across:  "size, as % of the heat that the home wants in the coldest weather", Up: z.Currency + " gained over " + fmt.Sprint(years) + " years",
		Range: "pessimistic to optimistic market",
	}
	switch {
	case z.Unknown != "":
		c.Says = "Unknown: " + z.Unknown + "."
		return c.Draw()
	case z.Best.Share == 0:
		c.Says = "No size is worth its price under the middle outlook. Machines are scaled as if they came in any size. " + planned
	default:
		c.Says = fmt.Sprintf("Best is %s of the design load: it makes %s of the heat and gains %s. Machines are scaled as if they came in any size. %s",
			Percent(z.Best.Share), Percent(z.Best.Covered), Money(z.Best.Value.Mid, z.Currency), planned)
		c.Marks = append(c.Marks, picture.Mark{X: 100 * float64(z.Best.Share), Name: "best: " + Percent(z.Best.Share)})
	}
	for _, s := range z.Curve {
		c.Points = append(c.Points, picture.Point{X: 100 * float64(s.Share), Low: s.Value.Low, Mid: s.Value.Mid, High: s.Value.High})
	}
	return c.Draw()
}

// OutlookPicture draws the hash price, or what inference earns, of the months
// to come.
func OutlookPicture(o market.Outlook, kind plan.MachineKind) *picture.Drawing {
	c := picture.Curve{
		Caption: picture.Caption{
			Title: "What hashing may earn",
			Says: "Hash price under three scenarios, with miners who come and go as it pays them, better machines and halvings. " +
				"Scenarios, no forecast.",
		},
		Across: "year", Up: "US dollars for a PH/s and day", Range: "pessimistic to optimistic", Whole: true,
		Label: func(v float64) string { return fmt.Sprintf("%.0f", v) },
	}
	value := func(m market.Month) float64 { return float64(m.HashPrice) }
	if kind == plan.Inference {
		c.Title, c.Up = "What inference may earn", "US dollars for a kWh"
		c.Says = "Net of fees and of the time in which nobody asks, under three scenarios. Scenarios, no forecast."
		value = func(m market.Month) float64 { return float64(m.Inference) }
	}
	middle := o[market.Middle]
	for i, m := range middle {
		x := decimalYear(m.Start)
		c.Points = append(c.Points, picture.Point{X: x, Low: value(o[market.Pessimistic][i]), Mid: value(m), High: value(o[market.Optimistic][i])})
		if kind != plan.Inference && i > 0 && m.Subsidy < middle[i-1].Subsidy {
			c.Marks = append(c.Marks, picture.Mark{X: x, Name: "halving"})
		}
	}
	return c.Draw()
}

func decimalYear(t time.Time) float64 { return float64(t.Year()) + float64(t.YearDay()-1)/365 }

// TornadoPicture draws what moves the value most.
func TornadoPicture(t *plan.Tornado, years, most int) *picture.Drawing {
	var swings []picture.Swing
	for _, b := range t.Bars[:min(most, len(t.Bars))] {
		swings = append(swings, picture.Swing{
			Name: b.Title, AtLow: b.AtLow.Value, AtHigh: b.AtHigh.Value, InputLow: input(b.Low, b.Unit), InputHigh: input(b.High, b.Unit),
		})
	}
	return picture.Tornado(picture.Caption{
		Title: "What the answer hangs on",
		Says: fmt.Sprintf("What the machine gains over %d years when one figure alone goes to the end of its range; the line is the gain when all stay. %s",
			years, planned),
	}, t.Currency+" gained over "+fmt.Sprint(years)+" years", t.Base.Value, swings)
}

// input writes an end of a factor's range.
func input(v float64, unit string) string {
	switch unit {
	case "", "a year", "e-folds a year":
		if math.Abs(v) <= 1.5 {
			return Decimal(100*v, 1) + " %"
		}
	case "$", "money":
		return Whole(v)
	}
	decimals := 2
	switch {
	case math.Abs(v) >= 100:
		decimals = 0
	case math.Abs(v) >= 10:
		decimals = 1
	}
	return Decimal(v, decimals) + " " + unit
}

// SpreadPicture draws how the value came out when all was drawn at random.
func SpreadPicture(d *plan.Draws, years int) *picture.Drawing {
	// The outermost hundredths would leave no room for the rest.
	sorted := slices.Sorted(slices.Values(d.Values))
	from, to := sorted[len(sorted)/100], sorted[len(sorted)-1-len(sorted)/100]
	if from >= to {
		from, to = from-1, to+1
	}
	const bins = 40
	counts := make([]int, bins)
	for _, v := range sorted {
		counts[min(max(int((v-from)/(to-from)*bins), 0), bins-1)]++
	}
	return picture.Spread(picture.Caption{
		Title: "How it may come out",
		Says: fmt.Sprintf("%s draws with seed %d, in which the market and every uncertain figure were drawn at random: the machine gains in %s of them. "+
			"What lies beyond the ends stands in the outermost bars. %s", Whole(float64(len(d.Values))), d.Seed, Percent(d.Wins), planned),
	}, d.Currency+" gained over "+fmt.Sprint(years)+" years", from, to, counts, []picture.Mark{
		{X: d.Value.Q05, Name: "5 %: " + Whole(d.Value.Q05)}, {X: d.Value.Q50, Name: "median: " + Whole(d.Value.Q50)}, {X: d.Value.Q95, Name: "95 %: " + Whole(d.Value.Q95)},
	})
}
