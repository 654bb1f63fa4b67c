package plan

import (
	"fmt"

	"hearth/plan/market"
	"hearth/units"
)

// reckoning is a machine in this home: what the options with it share.
type reckoning struct {
	s       *Site
	q       *Question
	today   *way
	backup  *maker
	duty    *duty // nil where the machine's use cannot be reckoned
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
	r.backup = s.maker(&s.q.Backup)
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

// invest books the machines. A worn-out machine is replaced by one of the same
// price.
func (r *reckoning) invest(b *books) {
	m := &r.q.Machine
	price, _ := m.Price.Get()
	b.steady(float64(m.Upkeep)*float64(m.Count), false)
	b.assets = append(b.assets, asset{price: float64(price) * float64(m.Count), life: m.Life})
}

// book adds a month of computing in year y: what it costs at today's prices,
// and what it earns.
func (r *reckoning) book(b *books, c market.Case, y, month int, computes, costs float64) {
	earned := float64(computes * r.earns[c].money[y][month])
	b.running[c][y] += float64(costs*r.q.dearer(y)) - earned
	if y == 0 {
		b.earned[c] += earned
		b.sats[c] += float64(computes * r.earns[c].sats[y][month])
	}
}

// months calls f for every case, year and month of the horizon.
func (r *reckoning) months(f func(c market.Case, y, month int)) {
	for c := range r.earns {
		for y := range r.q.Money.Years {
			for month := range 12 {
				f(market.Case(c), y, month)
			}
		}
	}
}

// worth is what a kWh of computing earns, in money of today's prices.
func (r *reckoning) worth(c market.Case, y, month int) float64 {
	return r.earns[c].money[y][month] / r.q.dearer(y)
}

// with reckons the machine that heats where that is cheaper, and the backup
// for the rest.
func (r *reckoning) with() *way {
	w := &way{Option: Option{Kind: WithMachine, Name: r.q.Machine.title() + " with " + r.q.Backup.title()}, maker: r.backup}
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
	r.invest(w.books)
	w.books.steady(r.backup.spent+r.duty.plainMargin+r.duty.idle, true)
	r.months(func(c market.Case, y, month int) {
		computes, margin := r.duty.pays(month, r.worth(c, y, month))
		r.book(w.books, c, y, month, computes, margin)
	})
	r.s.delivers(&w.Option)
	r.firstYear(w)
	return w
}

// firstYear counts the hours of the first year under the middle outlook.
func (r *reckoning) firstYear(w *way) {
	u, m := r.duty, &r.q.Machine
	recovery := float64(m.Recovery)
	idle, least := r.idling()
	var computed, drawn, rest, made float64
	for month := range 12 {
		earns := r.worth(market.Middle, 0, month)
		var heat float64
		for i := u.first[month]; i < u.first[month+1]; i++ {
			var draw, on float64
			if e := u.computes[i]; e > 0 && u.margin[i] <= earns {
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

// idling returns what the machine draws when it stands idle, kW, and the power
// of its computing part below which it runs a share of the hour only.
func (r *reckoning) idling() (idle, least float64) {
	m := &r.q.Machine
	n := float64(m.Count) / 1000
	return float64(m.Idle) * n, min(float64(m.Least), float64(m.Draw-m.Plain)) * n
}

// works fills in what the machine does in the first year.
func (r *reckoning) works(w *way, computed, made float64) {
	m := &r.q.Machine
	w.Computed = units.KilowattHours(computed)
	w.FullLoad = made / float64(m.Recovery) / (float64(m.Draw) * float64(m.Count) / 1000)
	if w.Heat > 0 {
		w.Covered = units.Fraction(made / float64(w.Heat))
	}
	start := r.q.Market[market.Middle][0].Start
	switch sats := w.books.sats[market.Middle]; {
	case m.Kind != Hash:
		w.JoulesPerSat = units.Unknown[float64]("it does not mine", start)
	case sats == 0:
		w.JoulesPerSat = units.Unknown[float64]("it mines nothing", start)
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
	idle, least := r.idling()
	computing := float64(m.Draw-m.Plain) * float64(m.Count) / 1000
	w.books = r.q.newBooks()
	r.invest(w.books)
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
			w.Exergy += units.KilowattHours(made[i] * d.quality(i))
		}
		w.Heat += w.Months[month]
		all += computes[month]
	}
	r.months(func(c market.Case, y, month int) { r.book(w.books, c, y, month, computes[month], costs[month]) })
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

// quality returns the share of the heat of an hour that is exergy.
func (d *demand) quality(i int) float64 {
	if d.total[i] == 0 {
		return 0
	}
	var ex float64
	for k := range d.parts {
		p := &d.parts[k]
		if source, sink := kelvin(d.outdoor[i]), kelvin(at(p.to, i)); sink > source {
			ex += p.heat[i] * (1 - source/sink)
		}
	}
	return ex / d.total[i]
}

// capped returns the heat that the machine alone gives in each hour, kWh, and
// the lowest temperature of the rooms.
func (d *demand) capped(m *Machine) (made []float64, coldest units.Celsius) {
	most := float64(m.Draw) * float64(m.Count) / 1000 * float64(m.Recovery)
	made = make([]float64, Hours)
	for k := range d.parts {
		p := &d.parts[k]
		if k == 0 && d.rooms || m.Hottest == 0 && !p.air {
			continue
		}
		for i, q := range p.heat {
			if m.Hottest != 0 {
				q *= reach(m.Hottest, at(p.from, i), at(p.to, i))
			}
			made[i] = min(most, made[i]+q)
		}
	}
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
	computing := float64(m.Draw-m.Plain) * float64(m.Count) / 1000
	w.books = r.q.newBooks()
	w.books.buy(r.today.maker.Heater, r.s.demand.load.size())
	w.books.steady(r.today.maker.spent, true)
	r.invest(w.books)
	first := months()
	var computed float64
	r.months(func(c market.Case, y, month int) {
		if r.worth(c, y, month) < float64(price) {
			return
		}
		kwh := computing * float64(first[month+1]-first[month])
		r.book(w.books, c, y, month, kwh, kwh*float64(price))
		if c == market.Middle && y == 0 {
			computed += kwh
		}
	})
	r.s.delivers(&w.Option)
	w.buys(r.q, r.today.maker, r.today.maker.bought, computed)
	r.works(w, computed, 0)
	w.FullLoad = computed / (float64(m.Draw) * float64(m.Count) / 1000)
	return w
}
