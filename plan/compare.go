package plan

import (
	"fmt"
	"math"
	"strconv"

	"hearth/plan/market"
	"hearth/units"
)

// smart compares the machine and its backup with the heater of today.
func (r *reckoning) smart(with, today *way) Comparison {
	c := Comparison{Of: with.Name, Against: today.Name}
	switch {
	case with.Unknown != "":
		c.Unknown = with.Unknown
	case today.Unknown != "":
		c.Unknown = today.Unknown
	}
	if c.Unknown != "" {
		c.Sentence = "Whether the machine beats " + c.Against + " is unknown: " + c.Unknown + "."
		c.Limit = r.limit(today)
		return c
	}
	c.Yearly = Band{
		Low: today.Running.Low - with.Running.Low, Mid: today.Running.Mid - with.Running.Mid, High: today.Running.High - with.Running.High,
	}
	c.Value = with.Value
	c.Wins = c.Value.Mid > 0
	if drawn := with.drawn(&r.q.Machine); drawn > 0 {
		c.PerKWh = Band{c.Yearly.Low / drawn, c.Yearly.Mid / drawn, c.Yearly.High / drawn}
	}
	money := r.q.Money
	verb := "more"
	if c.Yearly.Mid >= 0 {
		verb = "less"
	}
	c.Sentence = fmt.Sprintf("Heating with %s costs %s %s in the first year than with %s", c.Of, amount(math.Abs(c.Yearly.Mid), money.Currency), verb, c.Against)
	if math.Abs(c.Yearly.Mid) < 0.5 { // as where the machine stands still
		c.Sentence = fmt.Sprintf("Heating with %s costs as much in the first year as with %s", c.Of, c.Against)
	}
	if today.maker.alike(r.backup.Heater) {
		c.Sentence += " alone"
	}
	if c.Wins == (c.Yearly.Mid >= 0) {
		c.Sentence += ", and "
	} else {
		c.Sentence += ", but "
	}
	if c.Wins {
		c.Sentence += fmt.Sprintf("gains %s over %d years once the machine is paid", amount(c.Value.Mid, money.Currency), money.Years)
	} else {
		c.Sentence += fmt.Sprintf("loses %s over %d years, the price of the machine counted", amount(-c.Value.Mid, money.Currency), money.Years)
	}
	c.Sentence += fmt.Sprintf(", if computing earns %s a kWh at first and goes on as in the middle outlook; the pessimistic one ends with %s, the optimistic one with %s.",
		rate(r.first(market.Middle), money.Currency), gained(c.Value.Low, money.Currency), gained(c.Value.High, money.Currency))
	c.Own = c.Value
	if !today.maker.alike(r.backup.Heater) {
		// What another backup gains is not to be taken for what the machine does.
		backup := r.s.heater(r.backup.Heater)
		c.Own = band(func(k market.Case) float64 { return backup.books.present(k) - with.books.present(k) })
		c.Sentence += fmt.Sprintf(" Of this the machine itself is %s: the rest comes of %s in place of %s.", gained(c.Own.Mid, money.Currency), backup.Name, c.Against)
	}
	return c
}

// gained writes what is gained or lost.
func gained(x float64, currency string) string {
	if x < 0 {
		return "a loss of " + amount(-x, currency)
	}
	return "a gain of " + amount(x, currency)
}

// limit says what a machine of unknown price may cost.
func (r *reckoning) limit(today *way) string {
	if r.q.Machine.Count == 0 || r.q.Machine.Price.IsKnown() || today.Unknown != "" {
		return ""
	}
	f, unknown := r.s.Flip()
	if unknown != "" {
		return ""
	}
	price, ok := f.Price.Get()
	if !ok || price < 1 {
		return fmt.Sprintf("It would not pay over %d years even as a gift.", r.q.Money.Years)
	}
	return fmt.Sprintf("It pays over %d years if one costs less than %s, installed.", r.q.Money.Years, amount(float64(price), r.q.Money.Currency))
}

// drawn returns what the machine drew in the first year, idling aside, kWh.
func (w *way) drawn(m *Machine) float64 {
	return w.FullLoad * float64(m.Draw) * float64(m.Count) / 1000
}

// reuse compares a kWh computed here, whose heat is used, with the same kWh
// computed in a warehouse, which earns the same: it is cheaper here if
//
//	c_e − recovery·v_heat ≤ c_industrial
//
// over the hours in which the machine runs here.
func (r *reckoning) reuse(with, wasted *way) Comparison {
	c := Comparison{Of: r.q.Machine.title() + " here", Against: "the same in a warehouse"}
	price, ok := r.q.Power.Industrial.Get()
	switch {
	case r.unknown != "":
		c.Unknown = r.unknown
	case r.duty == nil:
		c.Unknown = r.backup.unknown
	case !ok:
		c.Unknown = "the price of power in a warehouse is not known: " + r.q.Power.Industrial.Why()
	}
	if c.Unknown != "" {
		c.Sentence = "Whether using the heat beats wasting it is unknown: " + c.Unknown + "."
		return c
	}
	var yearly, kwh, value [market.Cases]float64
	for k := range market.Cases {
		for y := range r.q.Money.Years {
			if r.q.Machine.generation(y) >= r.bought[k] {
				break
			}
			var computed, gain float64
			for month := range 12 {
				computes, margin := r.duty.pays(month, r.worth(k, y, month))
				if computes == 0 {
					continue
				}
				computed += computes
				gain += (float64(float64(price)*computes) - margin) * r.q.dearer(y)
			}
			value[k] += float64(gain * r.q.discount(float64(y+1)))
			if y == 0 {
				yearly[k], kwh[k] = gain, computed
			}
		}
	}
	bands := func(v [market.Cases]float64) Band { return band(func(k market.Case) float64 { return v[k] }) }
	c.Yearly, c.Value = bands(yearly), bands(value)
	for k := range kwh {
		if kwh[k] > 0 {
			yearly[k] /= kwh[k]
		}
	}
	c.PerKWh = bands(yearly)
	c.Wins = c.Yearly.Mid > 0
	currency := r.q.Money.Currency
	if r.s.demand.load.Heat == 0 {
		c.Sentence = "Nothing wants heat here, so none can be used."
		return c
	}
	if kwh[market.Middle] == 0 {
		c.Sentence = fmt.Sprintf("At these prices %s would stand still here: the heat is made for less by %s.", r.q.Machine.title(), r.q.Backup.title())
		return c
	}
	net := float64(price) - c.PerKWh.Mid
	c.Sentence = fmt.Sprintf("A kWh computed here costs %s once the heat it saves is counted, %s in a warehouse: ",
		rate(net, currency), rate(float64(price), currency))
	if c.Wins {
		c.Sentence += fmt.Sprintf("using the heat gains %s in the first year.", amount(c.Yearly.Mid, currency))
	} else {
		c.Sentence += fmt.Sprintf("the warehouse is cheaper by %s in the first year.", amount(-c.Yearly.Mid, currency))
	}
	if with.Unknown != "" || wasted.Unknown != "" || !r.today.maker.alike(r.backup.Heater) {
		return c
	}
	// A machine in a warehouse need not wait for somebody to be cold.
	if more := with.books.present(market.Middle) - wasted.books.present(market.Middle); c.Wins && more >= 0.5 {
		c.Sentence += fmt.Sprintf(" But there it runs whenever that pays, and not only when heat is wanted: over %d years the warehouse gains %s more.",
			r.q.Money.Years, amount(more, currency))
	}
	return c
}

// amount writes money in whole units, in groups of three.
func amount(x float64, currency string) string { return units.Whole(x) + " " + currency }

// rate writes money for a kWh.
func rate(x float64, currency string) string {
	s := strconv.FormatFloat(math.Abs(x), 'f', 4, 64)
	if x < 0 {
		s = "−" + s
	}
	return s + " " + currency
}
