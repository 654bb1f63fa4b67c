package plan

import (
	"math"

	"hearth/plan/market"
)

// duty is what a machine can do for a home, hour by hour, beside a backup that
// makes the rest.
//
// The rule: in each hour the machine makes as much of the heat that is wanted
// as it can, never more, if a kWh that it draws costs no more than what it
// earns and the heat it saves the backup:
//
//	c_e − r ≤ recovery · v_heat
//
// The part that only heats runs if c_e ≤ recovery · v_heat. Below its least
// power the machine runs a share of the hour. What it draws when it stands
// idle is paid for and not counted as heat; running saves it.
//
// All prices rise alike, so whether an hour pays in a later year is a question
// of that hour's margin today and of what the machine earns then, in money of
// today's prices: one number for each hour, and one for each month to hold it
// against.
type duty struct {
	first [13]int
	// computes and plain are what the machine draws in each hour if it runs,
	// kWh: in the part that computes, and in the part that only heats.
	computes, plain []float64
	// margin is c_e − recovery·v_heat of the part that computes, less what
	// running saves in idling, money for a kWh drawn; dear is the same of the
	// part that only heats.
	margin, dear []float64
	months       [12]dutyMonth
	plainMargin  float64 // Σ dear·plain over the hours in which it pays
	idle         float64 // money for idling the whole year
}

// dutyMonth sums up a month in which every hour runs.
type dutyMonth struct {
	computes    float64 // kWh
	margin      float64 // money
	least, most float64 // margin of its hours
}

// newDuty works out a duty. worth is v_heat by hour: what the backup takes for
// a kWh of heat.
func newDuty(d *demand, m *Machine, price []PerKWh, worth []float64) *duty {
	u := &duty{
		first: months(), computes: make([]float64, Hours), plain: make([]float64, Hours),
		margin: make([]float64, Hours), dear: make([]float64, Hours),
	}
	d.offer(m, u.computes, u.plain)
	recovery, idle := float64(m.Recovery), float64(m.Idle)*float64(m.Count)/1000
	computing := float64(m.Draw-m.Plain) * float64(m.Count) / 1000
	least := min(float64(m.Least)*float64(m.Count)/1000, computing)
	for mo := range u.months {
		month := dutyMonth{least: math.MaxFloat64, most: -math.MaxFloat64}
		for i := u.first[mo]; i < u.first[mo+1]; i++ {
			cost := float64(price[i])
			u.dear[i] = cost - float64(recovery*worth[i])
			u.idle += idle * cost
			if e := u.plain[i]; e > 0 && u.dear[i] <= 0 {
				u.plainMargin += float64(u.dear[i] * e)
			}
			e := u.computes[i]
			if e == 0 {
				continue
			}
			on := 1.0 // share of the hour
			if e < least {
				on = e / least
			}
			u.margin[i] = u.dear[i] - cost*idle*on/e
			month.computes += e
			month.margin += float64(u.margin[i] * e)
			month.least, month.most = min(month.least, u.margin[i]), max(month.most, u.margin[i])
		}
		u.months[mo] = month
	}
	return u
}

// offer writes what the machine would draw in each hour to make as much of the
// heat that is wanted as it can: the part that computes comes first.
func (d *demand) offer(m *Machine, computes, plain []float64) {
	recovery := float64(m.Recovery)
	computing := float64(m.Draw-m.Plain) * float64(m.Count) / 1000
	heating := float64(m.Plain) * float64(m.Count) / 1000
	useful := d.useful(m)
	for i, q := range useful {
		draw := q / recovery
		computes[i] = min(draw, computing)
		plain[i] = min(draw-computes[i], heating)
	}
}

// useful returns the heat of each hour that is within reach of the machine, by
// its temperature, kWh.
func (d *demand) useful(m *Machine) []float64 {
	useful := make([]float64, Hours)
	for k := range d.parts {
		p := &d.parts[k]
		switch {
		case m.Hottest == 0 && !p.air:
		case m.Hottest == 0:
			for i, q := range p.heat {
				useful[i] += q
			}
		default:
			for i, q := range p.heat {
				if q > 0 {
					useful[i] += float64(q * reach(m.Hottest, at(p.from, i), at(p.to, i)))
				}
			}
		}
	}
	return useful
}

// pays returns what the machine draws to compute in the month, and the sum of
// its margins at today's prices, when it earns the given money for a kWh, in
// money of today's prices.
func (u *duty) pays(month int, earns float64) (computes, margin float64) {
	m := &u.months[month]
	switch {
	case m.computes == 0 || m.least > earns:
		return 0, 0
	case m.most <= earns:
		return m.computes, m.margin
	}
	for i := u.first[month]; i < u.first[month+1]; i++ {
		if e := u.computes[i]; e > 0 && u.margin[i] <= earns {
			computes += e
			margin += float64(u.margin[i] * e)
		}
	}
	return computes, margin
}

// earning is what a machine earns month by month over the horizon.
type earning struct {
	// perKWh is money of the question's currency and sats, for a kWh drawn by
	// the part that computes, by year of the horizon and month of the calendar.
	money, sats [][12]float64
}

// earns works out what the machine earns under a course of the market. A
// machine that takes the place of a worn-out one is as much better as the
// marginal miner's has become meanwhile.
func (q *Question) earns(course []market.Month) earning {
	m := &q.Machine
	e := earning{make([][12]float64, q.Money.Years), make([][12]float64, q.Money.Years)}
	paid := float64(m.Availability) * (1 - float64(m.PoolFee))
	begins := int(course[0].Start.Month()) - 1
	for y := range e.money {
		for mo := range 12 {
			now := &course[12*y+(mo-begins+12)%12]
			if m.Kind == Inference {
				e.money[y][mo] = float64(now.Inference) * paid * q.Money.PerDollar
				continue
			}
			efficiency := m.Efficiency
			if bought := &course[12*m.boughtIn(y)]; bought.Marginal > 0 && course[0].Marginal > 0 {
				efficiency *= min(1, bought.Marginal/course[0].Marginal)
			}
			e.money[y][mo] = float64(now.HashPrice.PerKWh(efficiency)) * paid * q.Money.PerDollar
			e.sats[y][mo] = now.HashValue / (24 * float64(efficiency)) * paid
		}
	}
	return e
}

// boughtIn returns the year of the horizon in which the machine that runs in
// year y was bought.
func (m *Machine) boughtIn(y int) int {
	generation := math.Floor(float64(y) / m.Life)
	return int(math.Ceil(generation * m.Life))
}
