package plan

import (
	"fmt"

	"hearth/plan/atlas"
	"hearth/plan/market"
)

// option explains a figure of an option.
func (e *explainer) option(w *way, figure string) Reason {
	id := "option." + w.id + "." + figure
	machine := w.maker == nil || w.Kind == WithMachine || w.Kind == Wasting
	say := func(name, value, formula string, from ...Reason) Reason {
		return because(id, name+", "+w.Name, value, formula, from...)
	}
	switch figure {
	case "heat":
		if w.Kind == AloneOption {
			return say("Heat delivered", kwh(w.Heat), "heat wanted − what is missing", e.load("heat"), e.option(w, "shortfall"))
		}
		return say("Heat delivered", kwh(w.Heat), "all the heat that is wanted", e.load("heat"))
	case "power", "fuel":
		return e.bought(w, figure, say)
	case "computed":
		if !machine {
			return say("Electricity that computed", kwh(w.Computed), "none: nothing computes")
		}
		return e.computed(w, say)
	case "full_load":
		return say("Full-load hours", amount(w.FullLoad, "h"), "what the machine draws in the year / its greatest draw", e.option(w, "computed"), e.input("machine_draw"))
	case "covered":
		return say("Share of the heat that the machine makes", w.Covered.String(), "Σ heat of the machine / heat delivered or wanted", e.option(w, "computed"), e.input("recovery"))
	case "shortfall":
		return say("Heat that is missing", fmt.Sprintf("%s in the year, %s on the worst day, %v at the coldest", w.Shortfall.Year, w.Shortfall.Day, w.Shortfall.Coldest),
			"the building model run again with no more heat than the machine gives", e.load("heat"))
	case "running":
		return e.running(w, say)
	case "earned":
		return e.earned(w, say, "earned", bandOf(w.Earned, e.money))
	case "sats":
		return e.earned(w, say, "sats", bandOf(w.Sats, func(x float64) string { return amount(x, "sats") }))
	case "capex":
		return e.capex(w, say)
	case "cost":
		return say("Cost of a useful kWh", bandOf(w.Cost, e.rate), "present cost over the horizon / (heat of a year × Σ (1 + rate)^−year)", e.present(w), e.option(w, "heat"), e.input("rate"), e.input("years"))
	case "value":
		return say("Value against today's heater", bandOf(w.Value, e.money), "present cost of today's heater − present cost of this", e.present(e.a.ways[0]), e.present(w))
	case "payback":
		return say("Payback", w.Payback.String()+" years", "years until what it cost more to buy is saved, middle outlook, without interest and before anything is sold", e.option(w, "capex"), e.option(w, "running"))
	case "carbon":
		return say("Carbon in the first year", w.Carbon.String(), "electricity × grams of the grid + fuel × grams of the fuel, CO₂ equivalent", e.option(w, "power"), e.option(w, "fuel"), e.input("grid_carbon"), e.fuelCarbon(w))
	case "exergy":
		return say("Exergy of the heat", kwh(w.Exergy), "Σ over the hours of heat × (1 − T_outdoor / T_supply), in kelvin", e.option(w, "heat"))
	case "joules_per_sat":
		return say("Electricity for a sat", w.JoulesPerSat.String()+" J", "3.6·10⁶ × kWh that computed / sats", e.option(w, "computed"), e.option(w, "sats"))
	}
	return Reason{}
}

// sayer makes a reason about one option.
type sayer func(name, value, formula string, from ...Reason) Reason

func (e *explainer) bought(w *way, figure string, say sayer) Reason {
	name, value := "Electricity bought", kwh(w.Power)
	if figure == "fuel" {
		name, value = "Fuel bought", kwh(w.Fuel)
	}
	var from []Reason
	if w.maker != nil {
		from = e.fuel(w.maker.Heater)
	}
	burns := w.maker != nil && !w.maker.electric
	switch {
	case figure == "fuel" && !burns:
		return say(name, value, "none: it burns nothing")
	case figure == "power" && burns && w.Kind != WithMachine && w.Kind != Wasting:
		return say(name, value, "none: it runs on fuel")
	case w.Kind == AloneOption:
		return say(name, value, "heat / recovery + what it draws idle", e.option(w, "heat"), e.input("recovery"))
	case w.Kind == WithMachine && figure == "power" && burns:
		return say(name, value, "what the machine draws, running and idle", e.option(w, "computed"))
	case w.Kind == WithMachine:
		return say(name, value, "Σ over the hours of what machine and backup take for the heat that each makes", append(from, e.option(w, "computed"))...)
	case w.Kind == Wasting && figure == "power":
		return say(name, value, "what the machine draws in the warehouse, and what today's heater draws here", e.option(w, "computed"))
	}
	return say(name, value, "Σ over the hours of heat / efficiency or COP", append(from, e.load("heat"))...)
}

func (e *explainer) computed(w *way, say sayer) Reason {
	const name = "Electricity that computed"
	switch w.Kind {
	case WithMachine:
		return say(name, kwh(w.Computed), "Σ over the hours in which c_e − r ≤ recovery · v_heat of the draw for the heat that is wanted and within reach, up to the machine's power",
			append([]Reason{e.input("power_price"), e.revenue(), e.input("recovery"), e.input("machine_draw"), e.load("heat")}, e.fuel(&e.q.Backup)...)...)
	case AloneOption:
		return say(name, kwh(w.Computed), "Σ over the hours of the draw that keeps the home warm, up to the machine's power", e.input("machine_draw"), e.load("heat"))
	}
	return say(name, kwh(w.Computed), "draw × hours of the months in which a kWh earns what it costs in the warehouse", e.input("machine_draw"), e.revenue(), e.input("industrial"))
}

// revenue explains what a kWh of computing earns.
func (e *explainer) revenue() Reason {
	r := e.a.with
	if r.unknown != "" {
		return Reason{}
	}
	value := bandOf(band(func(c market.Case) float64 { return r.first(c) }), e.rate)
	if e.q.Machine.Kind == Inference {
		return because("input.revenue", "What a kWh of computing earns in the first month", value, "rent of a kWh × share kept", e.input("rent"), e.input("paid"), e.input("currency"))
	}
	return because("input.revenue", "What a kWh of computing earns in the first month", value, "r = hash price / (24 · J/TH) × share kept",
		e.input("hash_price"), e.input("efficiency"), e.input("paid"), e.input("currency"))
}

func (e *explainer) earned(w *way, say sayer, figure, value string) Reason {
	name := "Earned in the first year"
	switch {
	case w.Computed == 0:
		return say(name, value, "nothing: nothing computes")
	case figure == "earned":
		return say(name, value, "Σ over the months of kWh that compute × what a kWh earns", e.option(w, "computed"), e.revenue())
	case e.q.Machine.Kind != Hash:
		return say("Sats in the first year", value, "none: it does not mine")
	}
	return say("Sats in the first year", value, "Σ over the months of kWh × hash value / (24 · J/TH) × share kept", e.option(w, "computed"), e.input("hash_value"), e.input("efficiency"), e.input("paid"))
}

func (e *explainer) running(w *way, say sayer) Reason {
	value, q := bandOf(w.Running, e.money), e.q
	machine := e.upkeep("input.machine_upkeep", "Upkeep of the machines in a year", float64(q.Machine.Upkeep)*float64(q.Machine.Count), q.Machine.Sources)
	heater := func(h *Heater) []Reason {
		return append(e.fuel(h), e.upkeep("input.upkeep_"+string(h.Kind), "Upkeep of "+h.title()+" in a year", float64(h.Upkeep), h.Sources))
	}
	switch w.Kind {
	case WithMachine:
		return say("Running cost of the first year", value, "electricity + fuel + upkeep − earned",
			append([]Reason{e.option(w, "power"), e.option(w, "fuel"), e.option(w, "earned"), e.input("power_price"), machine}, heater(w.maker.Heater)...)...)
	case AloneOption:
		return say("Running cost of the first year", value, "electricity + upkeep − earned", e.option(w, "power"), e.input("power_price"), e.option(w, "earned"), machine)
	case Wasting:
		return say("Running cost of the first year", value, "today's heater here + electricity and upkeep in the warehouse − earned there",
			append([]Reason{e.option(w, "computed"), e.input("industrial"), e.option(w, "earned"), machine}, heater(w.maker.Heater)...)...)
	}
	return say("Running cost of the first year", value, "Σ over the hours of heat × price / efficiency or COP, + upkeep", append(heater(w.maker.Heater), e.load("heat"))...)
}

// upkeep says what upkeep costs. Nought is no statistics: it is left out.
func (e *explainer) upkeep(id, name string, sum float64, sources []atlas.SourceID) Reason {
	if sum == 0 {
		return given(id, name, "not counted")
	}
	return given(id, name, e.money(sum), sources...)
}

func (e *explainer) capex(w *way, say sayer) Reason {
	var from []Reason
	if w.maker != nil {
		h := w.maker.Heater
		if h.Owned {
			from = append(from, given("input.owned", h.title(), "owned already: not part of the decision", h.Sources...))
		} else {
			from = append(from, because("input.price_of_"+string(h.Kind), "Price of "+h.title(), e.money(float64(h.Fixed)+float64(h.CapexPerKW)*e.a.Load.size()), "fixed + price of a kW × design load",
				given("input.fixed_"+string(h.Kind), "Fixed", e.money(float64(h.Fixed)), h.Sources...),
				given("input.per_kw_"+string(h.Kind), "For a kW", e.money(float64(h.CapexPerKW)), h.Sources...), e.load("design")))
		}
	}
	if w.maker == nil || w.Kind == WithMachine || w.Kind == Wasting {
		from = append(from, e.input("machine_price"), given("input.machines", "Machines", fmt.Sprint(e.q.Machine.Count)))
	}
	return say("Paid at the start", e.money(float64(w.Capex)), "Σ of what is bought", from...)
}

// present explains what an option costs over the horizon.
func (e *explainer) present(w *way) Reason {
	if w.books == nil {
		return Reason{}
	}
	b := w.books
	sum := func(f func(c market.Case) float64) string { return bandOf(band(f), e.money) }
	run := func(c market.Case) float64 {
		var s float64
		for y, r := range b.running[c] {
			s += r * e.q.discount(float64(y+1))
		}
		return s
	}
	again := func(c market.Case) float64 {
		var s float64
		b.renewals(c, func(at, price float64) { s += price * e.q.discount(at) })
		return s
	}
	left := func(c market.Case) float64 {
		var s float64
		for _, a := range b.assets {
			s += a.left[c] * e.q.discount(float64(e.q.Money.Years))
		}
		return s
	}
	id := "option." + w.id + "."
	return because(id+"present", "Present cost over the horizon, "+w.Name, sum(b.present), "price + running + bought again − left at the end, each in money of today",
		e.option(w, "capex"),
		because(id+"running_present", "Running, all years", sum(run), "Σ running of each year / (1 + rate)^year", e.option(w, "running"), e.input("rate"), e.input("drift")),
		because(id+"again_present", "Bought again", sum(again), "prices of what wears out within the horizon; a machine is replaced only where that pays"),
		because(id+"left_present", "Left at the end", sum(left), "heaters: price × share of life left; machines: what they can still earn after the horizon, at most what the market of used ones pays"))
}

// fuelCarbon explains the grams of a kWh of fuel.
func (e *explainer) fuelCarbon(w *way) Reason {
	if w.maker == nil || w.maker.electric {
		return Reason{}
	}
	h := w.maker.Heater
	return given("input.carbon_"+string(h.Kind), "Carbon of a kWh of "+fuelNames(h.Kind), h.Carbon.String(), h.Sources...)
}
