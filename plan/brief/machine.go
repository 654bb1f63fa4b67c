package brief

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"hearth/internal/spelling"
	"hearth/plan"
	"hearth/plan/atlas"
	"hearth/plan/market"
	"hearth/units"
)

// usualDevice is the machine with the lowest price for its heat that is known.
const usualDevice = "Antminer S19j Pro"

// ownDevice is the name for a machine of which only the brief knows.
const ownDevice = "own"

// machine reads the computer that heats.
func (a *asker) machine() {
	if a.err != nil {
		return
	}
	b := &a.Brief
	name := b.Device
	if name == "" {
		if name = usualDevice; b.DevicePower != "" {
			name = ownDevice
		}
	}
	d, ok := deviceByName(name)
	switch {
	case strings.EqualFold(name, ownDevice):
		d = atlas.Device{Name: "your machine", Kind: atlas.Hashing, Recovery: 1, Life: 5}
		if b.DevicePower == "" {
			a.failf("device-power", "say what your machine draws, such as \"1700 W\"")
			return
		}
		if b.DeviceRate == "" && b.InferenceValue == "" {
			a.failf("device-efficiency", "say how well your machine hashes, such as \"18.9 J/TH\", or what its inference earns: \"inference: 0.10\"")
			return
		}
		if b.DeviceRate == "" {
			d.Kind = atlas.Inference
		}
	case !ok:
		a.failf("device", "no machine is called %q%s; or write \"own\" with device-power, device-efficiency and device-price", name, nearDevice(name))
		return
	}
	a.given("device", d.Name, judged("the machine with the lowest known price for a kW of heat; a loud one"))
	label := fact(atlas.Fact{Year: 2026, Source: d.Source, Note: d.Note}, "of "+d.Name)
	m := &a.Question.Machine
	m.Name, m.Kind = d.Name, plan.MachineKind(d.Kind)
	m.Sources = append(m.Sources, d.Source)
	m.Count = int(a.figure("device-count", whole("", 1, 1e5), 1, origin{why: "one of them"}))
	if a.err != nil {
		return
	}
	m.Draw = units.Watts(a.figure("device-power", watts(1, 1e7), float64(d.Draw), label))
	least := d.Least
	if b.DevicePower != "" {
		least = m.Draw
	}
	m.Least = units.Watts(a.figure("device-least", watts(0, float64(m.Draw)), min(float64(least), float64(m.Draw)), label))
	m.Idle = units.Watts(a.figure("device-idle", watts(0, float64(m.Draw)), min(float64(d.Idle), float64(m.Draw)), label))
	m.Plain = units.Watts(a.figure("device-plain", watts(0, float64(m.Draw)), min(float64(d.Plain), float64(m.Draw)), label))
	if d.Kind == atlas.Hashing {
		m.Efficiency = market.JoulesPerTerahash(a.figure("device-efficiency", measure{own: "J/TH", others: []unit{{"W/TH", 1}}, least: 0.5, most: 1e4, example: "18.9 J/TH"}, d.Efficiency(), label))
	} else if b.DeviceRate != "" {
		a.failf("device-efficiency", "%s does not hash", d.Name)
	}
	a.devicePrice(m, d)
	m.Life = a.figure("device-life", measure{own: "years", others: []unit{{"year", 1}, {"y", 1}}, least: 0.5, most: 40, example: "5 years"}, d.Life, judged("machines of this kind last about so long"))
	m.Upkeep = a.amount("device-upkeep", "20 "+a.currency, 0, judged("fans and filters are left out"))
	m.Recovery = a.share("recovery", 0.05, 1, float64(d.Recovery), label)
	a.hottest(m, d)
	m.Availability = a.share("availability", 0.05, 1, paidTime(d), paidTimeOf(d))
	m.PoolFee = a.share("pool-fee", 0, 0.5, usualFee(d.Kind), judged("pools keep 1 to 3 %"))
}

// rival sets a machine of the other kind beside the one that is asked about, or
// the one that is named.
func (a *asker) rival() {
	if a.err != nil {
		return
	}
	name, mine := a.Brief.Rival, &a.Question.Machine
	switch {
	case strings.EqualFold(name, "none"):
		a.given("rival", "none", origin{})
		return
	case name == "" && mine.Kind == plan.Hash:
		name = usualAnswerer
	case name == "":
		name = usualDevice
	}
	d, ok := deviceByName(name)
	if !ok {
		a.failf("rival", "no machine is called %q%s", name, nearDevice(name))
		return
	}
	m := plan.Machine{
		Name: d.Name, Kind: plan.MachineKind(d.Kind), Count: 1, Draw: d.Draw, Least: d.Least, Idle: d.Idle, Plain: d.Plain,
		Efficiency: market.JoulesPerTerahash(d.Efficiency()), Recovery: d.Recovery, Hottest: d.Hottest,
		Availability: units.Fraction(paidTime(d)), PoolFee: units.Fraction(usualFee(d.Kind)), Life: d.Life, Sources: []atlas.SourceID{d.Source},
		Price: units.Unknown[plan.Money](cmp.Or(d.Price.Note, "nobody publishes it"), a.Start),
	}
	if v, ok := d.Price.Get(); ok {
		m.Price = known(plan.Money(v * a.perUSD))
		m.Sources = append(m.Sources, d.Price.Source)
	}
	outlook, err := a.outlookFor(d)
	if err != nil {
		a.fail("rival", err)
		return
	}
	a.given("rival", d.Name, judged("a machine of the other kind whose price is known"))
	a.Question.Rivals = []plan.Rival{{Machine: m, Market: outlook}}
}

// usualAnswerer is the machine that is set beside one that hashes.
const usualAnswerer = "Workstation with an RTX 4090 class card"

// outlookFor is the outlook of the question, with the rents of a device.
func (a *asker) outlookFor(d atlas.Device) (market.Outlook, error) {
	m := &a.Question.Machine
	if d.Kind == atlas.Hashing || m.Kind == plan.Inference && classOf(d.Name) == classOf(m.Name) && !strings.Contains(m.Name, "cores") {
		return a.Question.Market, nil
	}
	if strings.Contains(d.Name, "cores") {
		return market.Outlook{}, fmt.Errorf("what ordinary processors earn by inference is not published")
	}
	class := classOf(d.Name)
	rental, ok := market.RentalOf(class)
	if !ok {
		return market.Outlook{}, fmt.Errorf("what %s earns by inference is not known", d.Name)
	}
	scenario := a.Scenario
	for _, in := range market.Inputs(scenario[market.Middle].From, rental) {
		if in.Name != "inference" && in.Name != "inference_decline" {
			continue
		}
		for c := range scenario {
			in.Apply(&scenario[c], in.Values[c])
		}
	}
	return scenario.Outlook(a.Start, a.reach(scenario[market.Middle].From.At, d.Life))
}

const usualAvailability = 0.95

// paidTime returns the share of the time in which a machine is paid.
func paidTime(d atlas.Device) float64 {
	if d.Availability > 0 {
		return float64(d.Availability)
	}
	return usualAvailability
}

func paidTimeOf(d atlas.Device) origin {
	if d.Availability > 0 {
		return fact(atlas.Fact{Year: 2025, Source: "boingboing-2025"}, "a reviewer's unit of this vendor was paid for 73 to 78 % of what its label says")
	}
	return judged("managed machines are paid for 95 to 97 % of their time, the smallest consumer ones for some 75 %")
}

func usualFee(k atlas.DeviceKind) float64 {
	if k == atlas.Hashing {
		return 0.02
	}
	return 0 // what inference earns is net of fees
}

func (a *asker) devicePrice(m *plan.Machine, d atlas.Device) {
	if a.err != nil {
		return
	}
	usual, ok := d.Price.Get()
	switch {
	case a.Brief.DevicePrice == "" && !ok:
		why := "say device-price"
		if d.Price.Note != "" {
			why = d.Price.Note + "; " + why
		}
		m.Price = units.Unknown[plan.Money](why, time.Time{})
		a.given("device-price", "unknown", origin{why: why})
	default:
		from := fact(d.Price, "of "+d.Name)
		from.why += "; freight and what it takes to install it are not in it"
		m.Price = known(a.amount("device-price", "1500 "+a.currency, usual*a.perUSD, from))
		if a.Brief.DevicePrice == "" {
			m.Sources = append(m.Sources, d.Price.Source)
		}
	}
}

func (a *asker) hottest(m *plan.Machine, d atlas.Device) {
	if s := strings.ToLower(a.Brief.Hottest); s == "air" || s == "" && d.Hottest == 0 {
		m.Hottest = 0
		a.given("hottest", "air", fact(atlas.Fact{Year: 2026, Source: d.Source}, "it blows warm air"))
		return
	}
	m.Hottest = units.Celsius(a.figure("hottest", celsius(20, 150), float64(d.Hottest), fact(atlas.Fact{Year: 2026, Source: d.Source}, "of "+d.Name)))
}

// deviceByName finds a machine whatever the case and spaces.
func deviceByName(name string) (atlas.Device, bool) {
	plain := func(s string) string {
		return strings.NewReplacer(" ", "", "-", "", "_", "").Replace(strings.ToLower(s))
	}
	var found []atlas.Device
	for _, d := range atlas.Devices() {
		if plain(d.Name) == plain(name) {
			return d, true
		}
		if strings.HasSuffix(plain(d.Name), plain(name)) && len(plain(name)) > 1 {
			found = append(found, d)
		}
	}
	if len(found) == 1 { // "S19j Pro"
		return found[0], true
	}
	return atlas.Device{}, false
}

// nearDevice proposes machines.
func nearDevice(name string) string {
	type near struct {
		name     string
		distance int
	}
	var all []near
	for _, d := range atlas.Devices() {
		distance := spelling.Distance(strings.ToLower(name), strings.ToLower(d.Name))
		if strings.Contains(strings.ToLower(d.Name), strings.ToLower(strings.TrimSpace(name))) {
			distance = 0
		}
		all = append(all, near{d.Name, distance})
	}
	slices.SortStableFunc(all, func(x, y near) int { return x.distance - y.distance })
	var names []string
	for _, n := range all[:min(len(all), 3)] {
		names = append(names, fmt.Sprintf("%q", n.name))
	}
	return ": did you mean " + strings.Join(names, ", ") + "? \"hearth plan devices\" lists all"
}

// classOf is what kind of hardware answers, for its rents; ordinary processors
// have none that are known.
func classOf(name string) market.Hardware {
	name = strings.ToLower(name)
	switch {
	case strings.Contains(name, "h100"), strings.Contains(name, "server"):
		return market.ServerGPU
	}
	return market.ConsumerGPU
}

// market makes the outlook for the machine.
func (a *asker) market() {
	if a.err != nil {
		return
	}
	m := &a.Question.Machine
	answers := m.Kind == plan.Inference
	switch {
	case !answers && a.Brief.InferenceValue != "":
		a.failf("inference", "%s hashes; only machines that answer earn by inference", m.Name)
	case answers && a.Brief.InferenceValue == "" && strings.Contains(m.Name, "cores"):
		a.failf("inference", "what ordinary processors earn by inference is not published: say what a kWh earns, such as \"inference: 0.05\"")
	}
	a.outlook(classOf(m.Name), answers, m.Life)
}

// outlook makes the outlook; what inference earns is noted where it matters. It
// reaches beyond the horizon by the life of a machine, for what one is worth at
// the end is what it can still earn.
func (a *asker) outlook(class market.Hardware, answers bool, life float64) {
	if a.err != nil {
		return
	}
	b := &a.Brief
	from := market.Latest()
	if b.Difficulty != "" {
		from.Difficulty = a.figure("difficulty", measure{own: "T", others: []unit{{"G", 1e-3}, {"P", 1e3}}, least: 1, most: 1e6, example: "133.87 T"}, 0, origin{}) * 1e12
	} else {
		a.given("difficulty", number(from.Difficulty/1e12)+" T", origin{why: "on " + from.At.Format("2 January 2006"), market: from.Sources})
	}
	if a.err != nil {
		return
	}
	scenario, err := market.Default(from, class)
	if err != nil {
		a.fail("device", err)
		return
	}
	rental, _ := market.RentalOf(class)
	for _, in := range market.Inputs(from, rental) {
		key, how, ok := inputKey(in.Name)
		if !ok || key == "inference" && !answers {
			continue
		}
		values := in.Values
		if s := b.Get(key); s != "" {
			if values, err = three(s, in, how); err != nil {
				a.fail(key, err)
				return
			}
		}
		for c := range scenario {
			in.Apply(&scenario[c], values[c])
		}
		a.given(key, how.write(values), origin{why: in.Why, market: in.Sources})
	}
	a.Start = time.Date(from.At.Year(), from.At.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	if s := b.Start; s != "" {
		if a.Start, err = time.Parse("2006-01", s); err != nil {
			a.failf("start", "%q is no month: write it as 2026-07", s)
			return
		}
	}
	a.given("start", a.Start.Format("January 2006"), origin{why: "the month after the newest figures of the market"})
	a.Scenario = scenario
	if a.Question.Market, err = scenario.Outlook(a.Start, a.reach(from.At, life)); err != nil {
		a.fail("start", err)
		return
	}
	a.held()
}

// reach returns the years of the outlook: the horizon and a life more, as far as
// outlooks go.
func (a *asker) reach(snapshot time.Time, life float64) int {
	years, last := a.Question.Money.Years, snapshot.AddDate(market.MostYears, 0, 0)
	for range int(math.Ceil(life)) {
		if a.Start.AddDate(years+1, 0, 0).After(last) {
			break
		}
		years++
	}
	return years
}

// World makes of a brief what the map of the whole atlas takes: its market and
// its money, by the keys of these two groups. Other keys are refused, as they
// are about one home.
func (b Brief) World() (plan.World, []Given, error) {
	for _, k := range Keys() {
		if b.Get(k.Name) != "" && k.Group != "Market" && k.Group != "Money" {
			return plan.World{}, nil, &Error{Key: k.Name, Text: "is about one home: the map takes only keys of the market and of money"}
		}
	}
	a := &asker{Asked: Asked{Brief: b}}
	a.money()
	class := market.ConsumerGPU
	var life float64
	for _, d := range atlas.Devices() {
		life = max(life, d.Life)
	}
	a.outlook(class, true, life)
	if a.err != nil {
		return plan.World{}, nil, a.err
	}
	rates := map[string]float64{}
	for _, r := range atlas.Rates() {
		rates[r.Currency] = r.Value
	}
	rates[a.currency] = a.perUSD
	return plan.World{Market: a.Question.Market, Class: class, Money: a.Question.Money, Rates: rates, Seed: seed}, inOrder(a.Givens), nil
}

// held puts one hash price in place of the outlook. The marginal miner is held
// with it: machines that became better by the year while what a petahash earns
// stayed would earn ever more.
func (a *asker) held() {
	if a.Brief.HashPrice == "" {
		return
	}
	v := a.figure("hash-price", measure{own: "", others: []unit{{"$/PH/day", 1}, {"USD/PH/day", 1}, {"$", 1}, {"USD", 1}}, least: 0, most: 1e4, example: "28.7"}, 0, origin{})
	for c := range a.Question.Market {
		for i := range a.Question.Market[c] {
			m := &a.Question.Market[c][i]
			m.HashPrice = market.HashPrice(v)
			m.Marginal = a.Question.Market[c][0].Marginal
			if m.Bitcoin > 0 {
				m.HashValue = v / m.Bitcoin * 1e8
			}
		}
	}
}

// shape is how a figure of the market is written.
type shape struct {
	unit   string
	factor float64 // of the unit, for one of the market's own
}

func (s shape) write(v [market.Cases]float64) string {
	var parts []string
	for _, x := range v {
		digits := number(x * s.factor)
		if math.Abs(x*s.factor) >= 1000 {
			digits = fmt.Sprintf("%.0f", x*s.factor)
		}
		parts = append(parts, digits)
	}
	if parts[0] == parts[1] && parts[1] == parts[2] {
		parts = parts[:1]
	}
	return strings.Join(parts, "/") + space(s.unit) + s.unit
}

// inputKey says which key is an input of the market, and how it is written.
func inputKey(name string) (string, shape, bool) {
	switch name {
	case "bitcoin":
		return "bitcoin", shape{"USD", 1}, true
	case "fees":
		return "fees", shape{"%", 100}, true
	case "marginal_efficiency":
		return "marginal-efficiency", shape{"J/TH", 1}, true
	case "marginal_power":
		return "marginal-power", shape{"USD/kWh", 1}, true
	case "progress":
		return "progress", shape{"%", 100}, true
	case "inference":
		return "inference", shape{"USD/kWh", 1}, true
	}
	return "", shape{}, false
}

// dollars reads dollars: markets have no other currency.
func dollars(per bool) money {
	m := money{currency: "USD", least: 100, most: 1e8, example: "63000 USD"}
	if per {
		m.per, m.example = []unit{{"kWh", 1}, {"MWh", 1000}}, "0.05 USD/kWh"
		m.least, m.most = 0.001, 10
	}
	return m
}

// mostShare is the most that fees or progress may be.
const mostShare = 0.9

// three reads "pessimistic/middle/optimistic" or one figure, about which the others keep the
// distance that they usually have.
func three(s string, in market.Input, how shape) ([market.Cases]float64, error) {
	read := func(s string) (float64, error) {
		switch how.unit {
		case "%":
			v, err := share(0, 100*mostShare).read(s)
			return v / 100, err
		case "J/TH":
			return measure{own: "J/TH", others: []unit{{"W/TH", 1}}, least: 0.5, most: 1e4, example: "25 J/TH"}.read(s)
		}
		return dollars(how.unit == "USD/kWh").read(s)
	}
	// A slash also stands in units, which have no digits: "0.04/0.05/0.06 USD/kWh".
	end := strings.LastIndexAny(s, "0123456789.") + 1
	parts, unit := strings.Split(s[:end], "/"), s[end:]
	values := in.Values
	switch len(parts) {
	case 3:
		for c := range values {
			v, err := read(parts[c] + unit)
			if err != nil {
				return values, err
			}
			values[c] = v
		}
		// The outlooks are named by what they do to a miner.
		usual, said := in.Values[market.Optimistic]-in.Values[market.Pessimistic], values[market.Optimistic]-values[market.Pessimistic]
		if usual*said < 0 || (values[market.Middle]-values[market.Pessimistic])*(values[market.Optimistic]-values[market.Middle]) < 0 {
			return values, fmt.Errorf("%q is the wrong way round: write the pessimistic, the middle and the optimistic figure, as in %q", s, how.write(in.Values))
		}
		return values, nil
	case 1, 2:
		if len(parts) == 2 && strings.ContainsAny(parts[1][:min(1, len(parts[1]))], "0123456789.") {
			break // two figures, and no unit with a slash
		}
		v, err := read(s)
		if err != nil {
			return values, err
		}
		for c := range values {
			if middle := in.Values[market.Middle]; middle != 0 {
				values[c] = in.Values[c] / middle * v
				if how.unit == "%" {
					values[c] = min(values[c], mostShare)
				}
			}
		}
		return values, nil
	}
	return values, fmt.Errorf("%q: write one figure, or three as pessimistic/middle/optimistic", s)
}
