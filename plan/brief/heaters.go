package brief

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hearth/plan"
	"hearth/plan/atlas"
	"hearth/units"
)

// power reads what electricity costs and emits.
func (a *asker) power() {
	if a.err != nil {
		return
	}
	p := &a.Question.Power
	a.tariff(p)
	a.industrial(p)
	a.carbon(p)
}

func (a *asker) tariff(p *plan.Power) {
	b := &a.Brief
	name, isFile := strings.CutPrefix(b.Tariff, "file:")
	for _, key := range []string{"tariff-add", "tariff-gaps"} {
		if b.Get(key) != "" && !isFile {
			a.failf(key, "is for prices from a file: say \"tariff: file:prices.csv\"")
			return
		}
	}
	price := a.perKWh("0.143 " + a.currency + "/kWh")
	switch {
	case b.Tariff == "":
		f := a.converted(a.Region.Prices.Electricity)
		v, ok := f.Get()
		if !ok {
			a.failf("tariff", "no price of electricity is known for %s in %s: say it, such as \"tariff: 0.20\"", a.Region.Name+a.nowhere(), a.currency)
			return
		}
		p.Hourly = flat(v)
		p.Sources = append(p.Sources, f.Source)
		a.given("tariff", number(v)+" "+a.currency+"/kWh", fact(f, "what households of "+a.Region.Name+" pay"))
	case isFile:
		name = strings.TrimSpace(name)
		var add float64
		if s := b.TariffAdd; s != "" {
			var err error
			price.least = -100
			if add, err = price.read(s); err != nil {
				a.fail("tariff-add", err)
				return
			}
			a.given("tariff-add", number(add)+" "+a.currency+"/kWh", origin{})
		}
		gaps := a.oneOf("tariff-gaps", refuseGaps, origin{why: "a gap is not to be filled in unseen"}, refuseGaps, fillGaps)
		src := a.read("tariff", name)
		if a.err != nil {
			return
		}
		hourly, filled, err := filed(src, add, gaps, a.currency, a.clock)
		if err != nil {
			a.failf("tariff", "%s: %w", name, err)
			return
		}
		p.Hourly = hourly
		says := fmt.Sprintf("%s, mean %s %s/kWh", b.Tariff, number(mean(hourly)), a.currency)
		if filled > 0 {
			says += fmt.Sprintf("; %d hours without a price got the month's mean at that hour of the day", filled)
		}
		a.given("tariff", says, origin{})
	default:
		hourly, err := spoken(b.Tariff, price, a.clock)
		if err != nil {
			a.fail("tariff", err)
			return
		}
		if a.dear("tariff", b.Tariff, float64(slices.Max(hourly)), "ct/kWh") {
			return
		}
		p.Hourly = hourly
		says := b.Tariff
		if strings.Contains(says, ";") {
			says += fmt.Sprintf(" (mean of the hours %s %s/kWh)", number(mean(hourly)), a.currency)
		} else {
			says = number(float64(hourly[0])) + " " + a.currency + "/kWh"
		}
		a.given("tariff", says, origin{})
	}
}

// converted returns a price of the region in the currency of the plan; unknown
// where no rate of exchange is known.
func (a *asker) converted(f atlas.Fact) atlas.Fact {
	if a.Region.Currency == a.currency || !isKnown(f) {
		return f
	}
	rate, ok := atlas.RateOf(a.Region.Currency).Get()
	if !ok {
		return atlas.Fact{Note: "it is known in " + a.Region.Currency + " only"}
	}
	f.Value *= a.perUSD / rate
	f.Note = strings.TrimPrefix(f.Note+"; converted from "+a.Region.Currency, "; ")
	return f
}

func (a *asker) nowhere() string {
	if a.Region.Code == "" {
		return a.Place.Name
	}
	return ""
}

func flat(v float64) []plan.PerKWh {
	hourly := make([]plan.PerKWh, plan.Hours)
	for i := range hourly {
		hourly[i] = plan.PerKWh(v)
	}
	return hourly
}

func mean(hourly []plan.PerKWh) float64 {
	var sum float64
	for _, p := range hourly {
		sum += float64(p)
	}
	return sum / float64(len(hourly))
}

func (a *asker) industrial(p *plan.Power) {
	if s := a.Brief.Industrial; s != "" {
		v, err := a.perKWh("0.06 " + a.currency + "/kWh").read(s)
		if err != nil {
			a.fail("industrial", err)
			return
		}
		p.Industrial = known(plan.PerKWh(v))
		a.given("industrial", number(v)+" "+a.currency+"/kWh", origin{})
		return
	}
	// Machines that waste their heat go where power is cheap.
	host := warehouse * a.perUSD
	f := a.converted(a.Region.Industrial)
	if v, ok := f.Get(); ok && v <= host {
		p.Industrial = known(plan.PerKWh(v))
		p.Sources = append(p.Sources, f.Source)
		a.given("industrial", number(v)+" "+a.currency+"/kWh", fact(f, "what industry in "+a.Region.Name+" pays"))
		return
	}
	p.Industrial = known(plan.PerKWh(host))
	a.given("industrial", number(host)+" "+a.currency+"/kWh", judged("what hosts of miners ask for power, 5.5 to 7 US cents, wherever they are"))
}

// warehouse is what power costs where miners are hosted, US dollars.
const warehouse = 0.06

func (a *asker) carbon(p *plan.Power) {
	f := a.Region.Carbon
	usual, ok := f.Get()
	if a.Brief.PowerCarbon == "" && !ok {
		return // unknown, and said so by the plan
	}
	v := a.figure("power-carbon", measure{own: "g/kWh", others: []unit{{"kg/kWh", 1000}, {"kg/MWh", 1}}, most: 3000, example: "400 g/kWh"}, usual, fact(f, "of the grid of "+a.Region.Name))
	p.Carbon = known(units.Grams(v))
	if a.Brief.PowerCarbon == "" {
		p.Sources = append(p.Sources, f.Source)
	}
}

// kinds of heaters, in the order of their surfaces.
func kinds() []string {
	return []string{string(plan.Resistive), string(plan.Gas), string(plan.Propane), string(plan.Oil), string(plan.Wood), string(plan.HeatPump)}
}

// heaters reads today's heater, the backup and the others.
func (a *asker) heaters() {
	if a.err != nil {
		return
	}
	usual, from := a.common()
	kind := a.oneOf("heater", usual, from, kinds()...)
	if a.err != nil {
		return
	}
	today := a.heater(plan.HeaterKind(kind))
	today.Owned = true
	a.own(&today)
	a.Question.Today = today
	backup := a.oneOf("backup", "same", origin{why: "the heater of today stays as it is"}, append([]string{"same"}, kinds()...)...)
	a.Question.Backup = today
	if backup != "same" && backup != kind {
		a.Question.Backup = a.beside(plan.HeaterKind(backup))
	}
	a.others(kind)
}

// common is what most homes of the region heat with.
func (a *asker) common() (string, origin) {
	best, most := plan.Resistive, 0.0
	var of atlas.Fact
	for _, c := range []struct {
		kind plan.HeaterKind
		fact atlas.Fact
	}{
		{plan.Resistive, a.Region.Homes.Electricity},
		{plan.Gas, a.Region.Homes.Gas},
		{plan.Propane, a.Region.Homes.Propane},
		{plan.Oil, a.Region.Homes.Oil},
		{plan.Wood, a.Region.Homes.Wood},
	} {
		if v, ok := c.fact.Get(); ok && v > most {
			best, most, of = c.kind, v, c.fact
		}
	}
	switch {
	case most == 0 && isKnown(a.Region.Prices.Gas):
		// Not the heater that is easiest to beat.
		return string(plan.Gas), judged("gas has a price here, and nobody has counted what homes heat with")
	case most == 0:
		return string(best), judged("no price of gas is known here, so the simplest heater there is")
	case best == plan.Resistive:
		return string(best), fact(of, "most homes of "+a.Region.Name+" heat with electricity; how many of them by heat pump, which is far harder to beat, is not counted")
	}
	return string(best), fact(of, "what most homes of "+a.Region.Name+" heat with")
}

// heater returns an ordinary heater of a kind at the prices of the region.
func (a *asker) heater(kind plan.HeaterKind) plan.Heater {
	h := plan.Heater{Kind: kind}
	of, _ := atlas.HeaterOf(atlas.HeaterKind(kind))
	value := func(f atlas.Fact) float64 {
		v, _ := f.Get()
		if f.Source != "" && !slices.Contains(h.Sources, f.Source) {
			h.Sources = append(h.Sources, f.Source)
		}
		return v
	}
	h.Efficiency = units.Fraction(value(of.Efficiency))
	h.Life = value(of.Life)
	h.CapexPerKW = plan.Money(value(of.Price) * a.perUSD)
	h.Upkeep = plan.Money(value(of.Upkeep) * a.perUSD)
	carrier := of.Kind.Carrier()
	if carrier == atlas.Electricity {
		return h
	}
	h.Carbon = units.Map(atlas.FuelCarbon(carrier).Known(), func(v float64) units.Grams { return units.Grams(v) })
	value(atlas.FuelCarbon(carrier))
	price := a.converted(a.Region.Prices.Of(carrier))
	switch _, ok := price.Get(); {
	case !ok && a.Region.Code == "":
		h.Price = units.Unknown[plan.PerKWh]("no prices are known for "+a.Place.Name+": say fuel-price", time.Time{})
	case !ok:
		h.Price = units.Unknown[plan.PerKWh]("no openly licensed price is known for "+a.Region.Name+": say fuel-price", time.Time{})
	default:
		h.Price = known(plan.PerKWh(value(price)))
	}
	return h
}

// own puts the brief's figures of today's heater in place of the usual ones.
func (a *asker) own(h *plan.Heater) {
	b := &a.Brief
	of, _ := atlas.HeaterOf(atlas.HeaterKind(h.Kind))
	carrier := of.Kind.Carrier()
	switch {
	case carrier == atlas.Electricity && b.FuelPrice != "":
		a.failf("fuel-price", "a heater of the kind %s runs on electricity: say its price as \"tariff\"", h.Kind)
	case b.FuelPrice != "":
		m := a.perKWh("0.093 " + a.currency + "/kWh")
		m.per = append(m.per, sold(carrier)...)
		v, err := m.read(b.FuelPrice)
		if err != nil {
			a.fail("fuel-price", err)
			return
		}
		unit := "ct/kWh"
		if list := sold(carrier); len(list) > 0 {
			unit = a.currency + "/" + list[0].name
		}
		if a.dear("fuel-price", b.FuelPrice, v, unit) {
			return
		}
		h.Price = known(plan.PerKWh(v))
		a.given("fuel-price", number(v)+" "+a.currency+"/kWh", origin{})
	case carrier != atlas.Electricity && h.Price.IsKnown():
		v, _ := h.Price.Get()
		a.given("fuel-price", number(float64(v))+" "+a.currency+"/kWh", fact(a.converted(a.Region.Prices.Of(carrier)), "what households of "+a.Region.Name+" pay"))
	}
	if h.Kind == plan.HeatPump {
		h.Efficiency = a.share("heater-efficiency", 0.3, 1.2, fieldShare, judged("heat pumps in the field reach 85 % of their laboratory curve"))
	} else {
		h.Efficiency = a.share("heater-efficiency", 0.1, 1.1, float64(h.Efficiency), fact(of.Efficiency, "over a season"))
	}
	if b.HeaterPrice != "" {
		h.Owned = false
		h.CapexPerKW, h.Fixed = 0, a.amount("heater-price", "6000 "+a.currency, 0, origin{})
		h.Owned = h.Fixed == 0
	} else {
		a.given("heater-price", "0 "+a.currency, origin{why: "it is there already"})
	}
}

// sold returns the units that a fuel is sold in.
func sold(c atlas.Carrier) []unit {
	var list []unit
	for _, h := range atlas.HeatContents() {
		if h.Carrier != c {
			continue
		}
		names := []string{h.Unit}
		switch h.Unit {
		case "US gallon":
			names = []string{"gal", "gallon"}
		case "litre":
			names = []string{"l", "litre"}
		}
		for _, n := range names {
			list = append(list, unit{n, h.KWh})
		}
	}
	return list
}

// others reads what is set beside.
func (a *asker) others(today string) {
	if a.err != nil {
		return
	}
	var list []string
	for _, k := range kinds() {
		if k != today && a.worthShowing(plan.HeaterKind(k)) {
			list = append(list, k)
		}
	}
	if s := a.Brief.Compare; s != "" {
		list = nil
		for word := range strings.SplitSeq(s, ",") {
			k := strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(word)))
			switch {
			case k == "none" && !strings.Contains(s, ","):
			case !slices.Contains(kinds(), k):
				a.failf("compare", "%q is none of %s", word, strings.Join(kinds(), ", "))
				return
			case slices.Contains(list, k):
				a.failf("compare", "%q stands twice", word)
				return
			case k != today:
				list = append(list, k)
			}
		}
	}
	a.given("compare", strings.Join(list, ", "), origin{why: "every kind whose price is known here"})
	for _, k := range list {
		a.Question.Others = append(a.Question.Others, a.beside(plan.HeaterKind(k)))
	}
}

// beside returns a heater other than today's. Where nobody knows what it costs
// to buy, it can only be reckoned as if it were there, and its name says so.
func (a *asker) beside(kind plan.HeaterKind) plan.Heater {
	h := a.heater(kind)
	if of, _ := atlas.HeaterOf(atlas.HeaterKind(kind)); !isKnown(of.Price) {
		h.Owned, h.Name = true, title(h.Kind)+", if it is there"
	}
	return h
}

// worthShowing leaves out heaters whose fuel has no price here.
func (a *asker) worthShowing(k plan.HeaterKind) bool {
	h := a.heater(k)
	return h.Price.IsKnown() || atlas.HeaterKind(k).Carrier() == atlas.Electricity
}

func isKnown(f atlas.Fact) bool { _, ok := f.Get(); return ok }

func title(k plan.HeaterKind) string {
	switch k {
	case plan.Resistive:
		return "electric heaters"
	case plan.HeatPump:
		return "a heat pump"
	case plan.Oil:
		return "an oil boiler"
	}
	return "a " + string(k) + " boiler"
}

// fieldShare is what heat pumps reach of their laboratory curve: see
// [plan.HeatPumpCOP].
const fieldShare = 0.85
