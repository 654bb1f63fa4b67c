package plan

import (
	"fmt"
	"math"

	"hearth/plan/market"
	"hearth/units"
)

// reckoning is a machine in this home: what the options with it share.
type reckoning struct {
	s       *Site
	q       *Question
	today   *way
	backup  *maker
	duty    *duty             // nil where the machine's use cannot be reckoned
	bought  [market.Cases]int // how often the machine beside a backup is bought
	earns   [market.Cases]earning
	unknown string // why no option with the machine can be reckoned
}

func (s *Site) reckoning(today *way) *reckoning {
	r := &reckoning{s: s, q: &s.q, today: today}
	m := &s.q.Machine
	if m.Count == 0 {
		r.unknown = "no machine is asked about"
		return r
	}
	if !m.Price.IsKnown() {
		r.unknown = fmt.Sprintf("the price of %s is not known: %s", m.title(), m.Price.Why())
		return r
	}
	for c := range r.earns {
		r.earns[c] = s.q.earns(s.q.Market[c])
	}
	if r.backup = today.maker; r.backup == nil || !s.q.Backup.same(r.backup.Heater) {
		if t := today.maker; t != nil && t.alike(&s.q.Backup) {
			same := *t
			same.Heater, r.backup = &s.q.Backup, &same
		} else {
			r.backup = s.maker(&s.q.Backup)
		}
	}
	if r.backup.unknown == "" {
		r.duty = newDuty(s.demand, m, s.q.Power.Hourly, r.backup.worth)
	}
	return r
}

func (m *Machine) title() string {
	name := m.Name
	if name == "" {
		name = "the machine"
	}
	if m.Count > 1 {
		return fmt.Sprintf("%d × %s", m.Count, name)
	}
	return name
}

// work is what a machine does for money in one option: a month's computing,
// and what it costs at today's prices, for each year under each case.
type work func(c market.Case, y, month int) (computes, costs float64)

// invest books the machines and their work. fixed is what each year costs
// besides, at today's prices, while there is a machine; needed is set where the
// home cannot do without.
func (r *reckoning) invest(b *books, do work, fixed float64, needed bool) {
	m, years := &r.q.Machine, r.q.Money.Years
	price, _ := m.Price.Get()
	upkeep := float64(m.Upkeep) * float64(m.Count)
	a := asset{price: float64(price) * float64(m.Count), life: m.Life}
	net := make([]float64, years) // what the machine costs each year
	for k := range market.Cases {
		for y := range years {
			net[y] = upkeep + float64(fixed*r.q.dearer(y))
			for month := range 12 {
				computes, costs := do(k, y, month)
				earned := float64(computes * r.earns[k].money[y][month])
				net[y] += float64(costs*r.q.dearer(y)) - earned
				if y == 0 {
					b.earned[k] += earned
					b.sats[k] += float64(computes * r.earns[k].sats[y][month])
				}
			}
		}
		v := r.venture(k, net, a.price, 1, needed)
		a.bought[k], a.left[k] = v.bought, v.left
		for y := range years {
			if m.generation(y) < v.bought {
				b.running[k][y] += net[y]
			}
		}
	}
	b.assets = append(b.assets, a)
}

// venture is what it comes to over the horizon to have the machines.
type venture struct {
	bought int     // how often
	left   float64 // what they fetch at the end
	cost   float64 // of all, in money of today
}

// venture reckons the machines under a case, given what each year costs net,
// what they cost together and a factor on what computing earns. Machines that
// are worn out are replaced at the same price: always if they are needed, or
// else as often as costs least over the horizon.
func (r *reckoning) venture(c market.Case, net []float64, price, revenue float64, needed bool) venture {
	m := &r.q.Machine
	all, _ := r.q.generations(m.Life)
	left := r.resale(c, price, revenue)
	var v venture
	var cost float64
	for n := range all {
		cost += float64(price * r.q.discount(float64(n)*m.Life))
		for y := range net {
			if m.generation(y) == n {
				cost += float64(net[y] * r.q.discount(float64(y+1)))
			}
		}
		last := venture{bought: n + 1, cost: cost}
		if n == all-1 {
			last.left = left
			last.cost -= float64(left * r.q.discount(float64(len(net))))
		}
		if n == 0 || needed || last.cost < v.cost {
			v = last
		}
	}
	return v
}

// resale returns what the machines that run at the end of the horizon then
// fetch, in the question's currency: what they can still earn after it, here
// or in a warehouse, as far as the outlook reaches. They cost price together
// when new, and computing earns revenue times what the outlook says.
func (r *reckoning) resale(c market.Case, price, revenue float64) float64 {
	m, course := &r.q.Machine, r.q.Market[c]
	_, last := r.q.generations(m.Life)
	bought := int(math.Round(12 * last))
	computing := m.computing()
	if computing == 0 || bought >= len(course) {
		return 0
	}
	dollars := func(x float64) float64 { return x / r.q.Money.PerDollar }
	v := market.Resale{
		Kept:       m.Availability * (1 - m.PoolFee) * units.Fraction(revenue),
		Rate:       r.q.Money.Rate,
		Life:       int(math.Round(12 * m.Life)),
		Bought:     market.DollarsPerKW(dollars(price / computing)),
		Elasticity: 1,
	}
	if m.Kind == Hash {
		v.Efficiency = m.efficiency(course, bought)
		v.Elasticity = market.HashPriceElasticity
	}
	rises := r.q.dearer(r.q.Money.Years)
	if cost, ok := r.q.Power.Industrial.Get(); ok {
		v.Uses = append(v.Uses, market.Use{
			Name: "warehouse", Power: market.DollarsPerKWh(dollars(float64(cost) * rises)), Hours: market.AllHours(),
		})
	}
	if r.duty != nil {
		here := market.Use{Name: "home"}
		var computes, margin float64
		for month := range here.Hours {
			u := &r.duty.months[month]
			here.Hours[month] = u.computes / computing
			computes, margin = computes+u.computes, margin+u.margin
		}
		if computes > 0 { // the heat's worth is taken off the price of power
			here.Power = market.DollarsPerKWh(dollars(margin / computes * rises))
			v.Uses = append(v.Uses, here)
		}
	}
	return float64(v.Value(course[bought:], 12*r.q.Money.Years-bought)) * computing * r.q.Money.PerDollar
}

// worth is what a kWh of computing earns, in money of today's prices.
func (r *reckoning) worth(c market.Case, y, month int) float64 {
	return r.earns[c].money[y][month] / r.q.dearer(y)
}

// first is what a kWh of computing earns in the first month.
func (r *reckoning) first(c market.Case) float64 {
	return r.earns[c].money[0][int(r.q.Market[c][0].Start.Month())-1]
}

// with reckons the machine that heats where that is cheaper, and the backup
// for the rest.
func (r *reckoning) with() *way {
	w := &way{Option: Option{Kind: WithMachine, Name: r.q.Machine.title() + " and " + r.q.Backup.title()}, maker: r.backup}
	switch {
	case r.unknown != "":
		w.Unknown = r.unknown
	case r.backup.unknown != "":
		w.Unknown = r.backup.unknown
	}
	if w.Unknown != "" {
		return w
	}
	w.books = r.q.newBooks()
	w.books.buy(r.backup.Heater, r.s.demand.load.size())
	w.books.steady(r.backup.spent, true)
	r.invest(w.books, func(c market.Case, y, month int) (computes, costs float64) {
		return r.duty.pays(month, r.worth(c, y, month))
	}, r.duty.plainMargin+r.duty.idle, false)
	r.bought = w.books.assets[len(w.books.assets)-1].bought
	r.s.delivers(&w.Option)
	r.firstYear(w)
	return w
}

// firstYear counts the hours of the first year under the middle outlook.
func (r *reckoning) firstYear(w *way) {
	u, m := r.duty, &r.q.Machine
	recovery := float64(m.Recovery)
	idle, least := m.idling()
	var computed, drawn, rest, made float64
	for month := range 12 {
		earns := r.worth(market.Middle, 0, month)
		runs, _ := u.pays(month, earns)
		idle := idle
		if runs == 0 && !u.heats {
			idle = 0 // switched off
		}
		var heat float64
		for i := u.first[month]; i < u.first[month+1]; i++ {
			var draw, on float64
			if e := u.computes[i]; e > 0 && runs > 0 && u.margin[i] <= earns {
				draw, on = e, 1
				if e < least {
					on = e / least
				}
				computed += e
			}
			if e := u.plain[i]; e > 0 && u.dear[i] <= 0 {
				draw += e
			}
			heat += draw * recovery
			drawn += draw + idle*(1-on)
			rest += max(0, r.s.demand.total[i]-draw*recovery) * r.backup.takes[i]
		}
		w.Months[month] = units.KilowattHours(heat)
		made += heat
	}
	w.buys(r.q, r.backup, rest, drawn)
	r.works(w, computed, made)
}

// works fills in what the machine does in the first year.
func (r *reckoning) works(w *way, computed, made float64) {
	m := &r.q.Machine
	w.Computed = units.KilowattHours(computed)
	w.FullLoad = made / float64(m.Recovery) / m.power()
	if w.Heat > 0 {
		w.Covered = units.Fraction(made / float64(w.Heat))
	}
	start := r.q.Market[market.Middle][0].Start
	switch sats := w.books.sats[market.Middle]; {
	case m.Kind != Hash:
		w.JoulesPerSat = units.Unknown[float64]("it does not mine", start)
	case sats < 1:
		w.JoulesPerSat = units.Unknown[float64]("it mines less than a sat in a year", start)
	default:
		w.JoulesPerSat = r.q.known(computed * 3.6e6 / sats)
	}
}

// alone reckons the machine without a backup: it heats as a thermostat would,
// whatever power costs, uses first and then rooms, and where that is not
// enough the home is cold.
func (r *reckoning) alone() *way {
	w := &way{Option: Option{Kind: AloneOption, Name: r.q.Machine.title() + " alone"}}
	if w.Unknown = r.unknown; w.Unknown != "" {
		return w
	}
	d, m := r.s.demand, &r.q.Machine
	made, coldest := d.capped(m)
	w.Shortfall.Coldest = coldest
	idle, least := m.idling()
	computing := m.computing()
	w.books = r.q.newBooks()
	first := months()
	var computes, costs [12]float64
	var all, power float64
	for month := range 12 {
		for i := first[month]; i < first[month+1]; i++ {
			draw := made[i] / float64(m.Recovery)
			e, on := min(draw, computing), 1.0
			if e < least {
				on = e / least
			}
			draw += idle * (1 - on)
			computes[month] += e
			costs[month] += draw * float64(r.q.Power.Hourly[i])
			power += draw
			w.Months[month] += units.KilowattHours(made[i])
			w.Exergy += units.KilowattHours(made[i] * d.quality[i])
		}
		w.Heat += w.Months[month]
		all += computes[month]
	}
	r.invest(w.books, func(_ market.Case, _, month int) (float64, float64) { return computes[month], costs[month] }, 0, true)
	w.Shortfall.Year = d.load.Heat - w.Heat
	for i := 0; i < Hours; i += 24 {
		w.Shortfall.Day = max(w.Shortfall.Day, units.KilowattHours(sum(d.total[i:i+24])-sum(made[i:i+24])))
	}
	w.buys(r.q, nil, 0, power)
	r.works(w, all, float64(w.Heat))
	if d.load.Heat > 0 {
		w.Covered = units.Fraction(w.Heat / d.load.Heat)
	}
	return w
}

// forUses returns the heat of the uses that the machine can make in each hour,
// kWh: they come before the rooms.
func (d *demand) forUses(m *Machine) []float64 {
	most := m.power() * float64(m.Recovery)
	made := make([]float64, Hours)
	for k := range d.parts {
		p := &d.parts[k]
		if k == 0 && d.rooms {
			continue
		}
		for i, q := range p.heat {
			made[i] = min(most, made[i]+float64(q*p.reached(m, i)))
		}
	}
	return made
}

// reached returns the share of a part's heat that is within the machine's
// reach in an hour, by its temperature.
func (p *part) reached(m *Machine, hour int) float64 {
	switch {
	case m.Hottest != 0:
		return reach(m.Hottest, at(p.from, hour), at(p.to, hour))
	case p.air:
		return 1
	}
	return 0
}

// capped returns the heat that the machine alone gives in each hour, kWh, and
// the lowest temperature of the rooms.
func (d *demand) capped(m *Machine) (made []float64, coldest units.Celsius) {
	most := m.power() * float64(m.Recovery)
	made = d.forUses(m)
	if !d.rooms {
		return made, d.warmth
	}
	// What is left goes to the rooms. Emitters that would need hotter water
	// give the less, in proportion to the excess over the room.
	keep := d.keep
	keep.Most = make([]units.Watts, Hours)
	p := &d.parts[0]
	for i := range keep.Most {
		left := most - made[i]
		if room := d.keep.Set[i]; m.Hottest != 0 && m.Hottest < p.to[i] {
			left = min(left, p.heat[i]*float64(max(0, m.Hottest-room)/(p.to[i]-room)))
		}
		keep.Most[i] = units.Watts(1000 * left)
	}
	power, air := make([]units.Watts, Hours), make([]units.Celsius, Hours)
	mass := d.before.Run(d.start, lastMonth(keep), power[:december], nil)
	d.through.Run(mass, keep, power, air)
	coldest = air[0]
	for i := range power {
		made[i] += float64(power[i]) / 1000
		coldest = min(coldest, air[i])
	}
	return made, coldest
}

// wasted reckons the machine in a warehouse, where it runs in every month in
// which it earns what its power costs, and today's heater here.
func (r *reckoning) wasted() *way {
	w := &way{Option: Option{Kind: Wasting, Name: r.q.Machine.title() + " in a warehouse, and " + r.q.Today.title() + " here"}, maker: r.today.maker}
	price, ok := r.q.Power.Industrial.Get()
	switch {
	case r.unknown != "":
		w.Unknown = r.unknown
	case r.today.Unknown != "":
		w.Unknown = r.today.Unknown
	case !ok:
		w.Unknown = "the price of power in a warehouse is not known: " + r.q.Power.Industrial.Why()
	}
	if w.Unknown != "" {
		return w
	}
	m := &r.q.Machine
	computing := m.computing()
	w.books = r.q.newBooks()
	w.books.buy(r.today.maker.Heater, r.s.demand.load.size())
	w.books.steady(r.today.maker.spent, true)
	first := months()
	var computed float64
	r.invest(w.books, func(c market.Case, y, month int) (computes, costs float64) {
		if r.worth(c, y, month) < float64(price) {
			return 0, 0
		}
		computes = computing * float64(first[month+1]-first[month])
		if c == market.Middle && y == 0 {
			computed += computes
		}
		return computes, computes * float64(price)
	}, 0, false)
	r.s.delivers(&w.Option)
	w.buys(r.q, r.today.maker, r.today.maker.bought, computed)
	r.works(w, computed, 0)
	w.FullLoad = computed / m.power()
	return w
}
