package plan

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"hearth/plan/atlas"
	"hearth/plan/market"
	"hearth/units"
)

// Why explains a figure of the answer, down to what the question said and
// where that comes from. Its ids are those of [Answer.Figures].
func (a *Answer) Why(id string) (Reason, bool) {
	e := explainer{a: a, q: &a.site.q}
	parts := strings.Split(id, ".")
	var r Reason
	switch {
	case parts[0] == "load" && len(parts) == 2:
		r = e.load(parts[1])
	case parts[0] == "input" && len(parts) == 2:
		r = e.input(parts[1])
	case parts[0] == "option" && len(parts) == 3:
		for _, w := range a.ways {
			if w.id != parts[1] || w.Unknown != "" && parts[2] != "unknown" {
				continue
			}
			if w.rival != nil {
				r = e.rival(w, parts[2])
			} else {
				r = e.option(w, parts[2])
			}
		}
	case (parts[0] == "smart" || parts[0] == "reuse") && len(parts) == 2:
		r = e.comparison(parts[0], parts[1])
	}
	if r.Formula == "" {
		return Reason{}, false
	}
	r.ID = id
	e.cite(&r)
	return r, true
}

// cite puts the sources of single figures in place of those of the thing that
// they belong to.
func (e *explainer) cite(r *Reason) {
	if sources, ok := e.q.Cited[r.ID]; ok && r.Formula == "given" {
		r.Sources = sources
	}
	for i := range r.From {
		e.cite(&r.From[i])
	}
}

// Figures lists the ids that [Answer.Why] explains.
func (a *Answer) Figures() []string {
	ids := []string{"load.heat", "load.rooms", "load.design", "load.peak", "load.hours"}
	for i := range a.Load.Uses {
		ids = append(ids, fmt.Sprintf("load.use_%d", i))
	}
	if a.Load.Rooms == 0 {
		ids = slices.DeleteFunc(ids, func(id string) bool { return id == "load.rooms" })
	}
	for _, w := range a.ways {
		if w.Unknown != "" {
			continue
		}
		for _, figure := range figures() {
			ids = append(ids, "option."+w.id+"."+figure)
		}
	}
	for _, c := range []struct {
		id string
		Comparison
	}{{"smart", a.Smart}, {"reuse", a.Reuse}} {
		if c.Unknown == "" {
			ids = append(ids, c.id+".yearly", c.id+".per_kwh", c.id+".value")
		}
	}
	return ids
}

// figures are those of every option.
func figures() []string {
	return []string{
		"heat", "power", "fuel", "computed", "full_load", "covered", "shortfall", "running", "earned", "sats",
		"capex", "cost", "value", "payback", "carbon", "exergy", "joules_per_sat",
	}
}

// explainer writes reasons.
type explainer struct {
	a *Answer
	q *Question
}

// rival explains a figure of another machine as if it were the question's.
func (e *explainer) rival(w *way, figure string) Reason {
	answer, as := *e.a, *w
	answer.site, answer.with = w.rival.s, w.rival
	as.Kind = WithMachine
	return (&explainer{a: &answer, q: w.rival.q}).option(&as, figure)
}

// because makes a reason of a formula and what goes in.
func because(id, name, value, formula string, from ...Reason) Reason {
	from = slices.DeleteFunc(from, func(r Reason) bool { return r.Formula == "" })
	return Reason{ID: id, Name: name, Value: value, Formula: formula, From: from}
}

// given is a reason that goes no further: the question says so.
func given(id, name, value string, sources ...atlas.SourceID) Reason {
	return Reason{ID: id, Name: name, Value: value, Formula: "given", Sources: sources}
}

func (e *explainer) money(x float64) string { return amount(x, e.q.Money.Currency) }
func (e *explainer) rate(x float64) string  { return rate(x, e.q.Money.Currency+"/kWh") }

// bandOf writes a band with its middle first.
func bandOf(b Band, write func(float64) string) string {
	if b.Low == b.Mid && b.Mid == b.High {
		return write(b.Mid)
	}
	return fmt.Sprintf("%s (pessimistic %s, optimistic %s)", write(b.Mid), write(b.Low), write(b.High))
}

func kwh[T ~float64](x T) string { return amount(float64(x), "kWh") }

func number(x float64, digits int) string { return strconv.FormatFloat(x, 'f', digits, 64) }

func (e *explainer) load(figure string) Reason {
	l, d := &e.a.Load, e.a.site.demand
	place := e.q.Year.Place()
	weather := given("input.climate", "Climate", place.String()+": "+strings.TrimSuffix(place.Source.Dataset+", "+place.Source.Attribution, ", "))
	switch figure {
	case "heat":
		from := []Reason{e.load("rooms")}
		for i := range l.Uses {
			from = append(from, e.load(fmt.Sprintf("use_%d", i)))
		}
		return because("load.heat", "Heat wanted in a year", kwh(l.Heat), "rooms + uses", from...)
	case "rooms":
		if !d.rooms {
			return Reason{}
		}
		return because("load.rooms", "Heat for the rooms", kwh(l.Rooms),
			"Σ over 8,760 hours of what keeps the air at the set-point: ISO 13790 simple hourly method, after a December to warm up; windows open above 26 °C",
			weather,
			given("input.setpoint", "Set-point", fmt.Sprintf("%v to %v", slices.Min(e.q.Home.Setpoint[:]), slices.Max(e.q.Home.Setpoint[:]))),
			given("input.internal", "Heat of people and things", e.q.Home.Internal.String()),
			given("input.building", "Building", fmt.Sprintf("%s: %g m²", e.q.Home.Name, e.q.Home.Rooms.FloorArea)))
	case "design":
		return because("load.design", "Design load", l.Design.String(),
			"steady loss of the rooms at the place's design temperature, without sun and people, + the mean of the greatest day of each use",
			given("input.design", "Design temperature, exceeded in 99.6 % of hours", place.Design.String()), weather)
	case "peak":
		return because("load.peak", "Greatest hour", l.Peak.String(), "greatest of the 8,760 hours", weather)
	case "hours":
		return because("load.hours", "Full-load hours of the design load", amount(l.Hours, "h"), "heat / design load", e.load("heat"), e.load("design"))
	}
	for i, u := range e.q.Home.Uses {
		if figure == fmt.Sprintf("use_%d", i) {
			name, _ := useNames(u.Kind)
			return because("load."+figure, "Heat for "+name, kwh(l.Uses[i]), u.Kind.model(),
				given("input."+figure, "Size", fmt.Sprintf("%g %s", u.Size, u.Kind.unit())), weather)
		}
	}
	return Reason{}
}

// unit returns what the size of a use counts.
func (k UseKind) unit() string {
	switch k {
	case HotWater:
		return "people"
	case Laundry:
		return "kg of linen a day"
	case District:
		return "kW"
	}
	return "m²"
}

func (e *explainer) input(figure string) Reason {
	q, m := e.q, &e.q.Machine
	switch figure {
	case "power_price":
		low, high, mean := math.MaxFloat64, -math.MaxFloat64, 0.0
		for _, c := range q.Power.Hourly {
			low, high = min(low, float64(c)), max(high, float64(c))
			mean += float64(c) / Hours
		}
		value := e.rate(mean)
		if high-low > 1e-9 {
			value += fmt.Sprintf(" on average, from %s to %s", e.rate(low), e.rate(high))
		}
		return given("input.power_price", "Price of electricity", value, q.Power.Sources...)
	case "industrial":
		if c, ok := q.Power.Industrial.Get(); ok {
			return given("input.industrial", "Price of electricity in a warehouse", e.rate(float64(c)), q.Power.Sources...)
		}
	case "grid_carbon":
		return given("input.grid_carbon", "Carbon of a kWh of electricity", q.Power.Carbon.String(), q.Power.Sources...)
	case "machine_price":
		return given("input.machine_price", "Price of one machine, installed", knownMoney(m.Price, e.money), m.Sources...)
	case "machine_draw":
		return given("input.machine_draw", "Draw of all machines", units.Watts(m.power()*1000).String(), m.Sources...)
	case "efficiency":
		return given("input.efficiency", "Efficiency", fmt.Sprintf("%g J/TH", float64(m.Efficiency)), m.Sources...)
	case "paid":
		return because("input.paid", "Share of the gross earning that is kept", number(float64(m.Availability)*(1-float64(m.PoolFee)), 4), "availability × (1 − fee)",
			given("input.availability", "Availability", m.Availability.String(), m.Sources...), given("input.pool_fee", "Fee", m.PoolFee.String()))
	case "recovery":
		return given("input.recovery", "Share of its draw that becomes useful heat", m.Recovery.String(), m.Sources...)
	case "hash_price":
		return given("input.hash_price", "Hash price in the first month", bandOf(e.first(func(n *market.Month) float64 { return float64(n.HashPrice) }),
			func(x float64) string { return number(x, 2) + " $/PH/day" }), q.Markets...)
	case "hash_value":
		return given("input.hash_value", "Hash value in the first month", bandOf(e.first(func(n *market.Month) float64 { return n.HashValue }),
			func(x float64) string { return amount(x, "sats/PH/day") }), q.Markets...)
	case "rent":
		return given("input.rent", "What a kWh of inference earns in the first month", bandOf(e.first(func(n *market.Month) float64 { return float64(n.Inference) }),
			func(x float64) string { return number(x, 4) + " $/kWh" }), q.Markets...)
	case "currency":
		if q.Money.PerDollar == 1 {
			return Reason{}
		}
		return given("input.currency", "Units of the currency for a dollar", fmt.Sprintf("%g %s", q.Money.PerDollar, q.Money.Currency))
	case "rate":
		return given("input.rate", "Real rate of interest", q.Money.Rate.String())
	case "years":
		return given("input.years", "Horizon", fmt.Sprintf("%d years", q.Money.Years))
	case "drift":
		return given("input.drift", "Rise of prices of power and fuels above inflation", q.Money.Drift.String()+" a year")
	}
	return Reason{}
}

func (e *explainer) first(f func(*market.Month) float64) Band {
	return band(func(c market.Case) float64 { return f(&e.q.Market[c][0]) })
}

func knownMoney(k units.Known[Money], write func(float64) string) string {
	if v, ok := k.Get(); ok {
		return write(float64(v))
	}
	return k.String()
}

// fuel explains what a heater burns and what that costs.
func (e *explainer) fuel(h *Heater) []Reason {
	if h.Kind == HeatPump {
		share := h.Efficiency
		if share == 0 {
			share = fieldShare
		}
		return []Reason{e.input("power_price"), because("input.cop", "Heat for a kWh of electricity",
			fmt.Sprintf("%s at 7 °C outdoors and 40 °C supply", number(HeatPumpCOP(7, 40, share), 2)),
			"COP = share · (6.08 − 0.0941·ΔT + 0.000464·ΔT²), ΔT = max(15 K, supply − outdoors), hour by hour (When2Heat; Ruhnau, Hirth and Praktiknjo, Scientific Data 6, 2019)",
			given("input.cop_share", "Share of the curve reached in the field", share.String(), h.Sources...),
			given("input.supply", "Supply in the coldest hour", e.q.Home.Supply.String()))}
	}
	efficiency := given("input.efficiency_"+string(h.Kind), "Efficiency of "+h.title(), h.Efficiency.String(), h.Sources...)
	if h.Kind == Resistive {
		return []Reason{e.input("power_price"), efficiency}
	}
	price, _ := h.Price.Get()
	return []Reason{given("input.price_"+string(h.Kind), "Price of "+fuelNames(h.Kind), e.rate(float64(price))+" of the higher heating value", h.Sources...), efficiency}
}

func (e *explainer) comparison(which, figure string) Reason {
	c, name := &e.a.Smart, "Smart heat against dumb heat"
	if which == "reuse" {
		c, name = &e.a.Reuse, "Heat used against heat wasted"
	}
	if c.Unknown != "" {
		return Reason{}
	}
	id := which + "." + figure
	var with, today *way
	for _, w := range e.a.ways {
		if w.Kind == WithMachine {
			with = w
		}
	}
	today = e.a.ways[0]
	switch {
	case figure == "yearly" && which == "smart":
		return because(id, name+": first year", bandOf(c.Yearly, e.money), "running of today's heater − running with the machine", e.option(today, "running"), e.option(with, "running"))
	case figure == "value" && which == "smart":
		return because(id, name+": over the horizon", bandOf(c.Value, e.money), "present cost of today's heater − present cost with the machine", e.option(with, "value"))
	case figure == "per_kwh" && which == "smart":
		return because(id, name+": for a kWh drawn", bandOf(c.PerKWh, e.rate), "gain of the first year / kWh that the machine draws", e.comparison(which, "yearly"))
	case figure == "per_kwh":
		return because(id, name+": for a kWh computed", bandOf(c.PerKWh, e.rate), "c_industrial − (c_e − recovery · v_heat), over the hours in which the machine runs here; what it earns is the same in both places",
			append([]Reason{e.input("industrial"), e.input("power_price"), e.input("recovery")}, e.fuel(&e.q.Backup)...)...)
	case figure == "yearly":
		return because(id, name+": first year", bandOf(c.Yearly, e.money), "gain for a kWh × kWh computed here", e.comparison(which, "per_kwh"), e.option(with, "computed"))
	case figure == "value":
		return because(id, name+": over the horizon", bandOf(c.Value, e.money), "Σ gain of each year with a machine / (1 + rate)^year", e.comparison(which, "yearly"), e.input("rate"), e.input("years"))
	}
	return Reason{}
}
