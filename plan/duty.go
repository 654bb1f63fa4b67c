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
// In a month whose hours together do not bring what idling between them costs,
// a machine that has no part that only heats is switched off.
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
	heats        bool    // there is a part that only heats
}

// dutyMonth sums up a month in which every hour runs.
type dutyMonth struct {
	computes    float64 // kWh
	margin      float64 // money
	least, most float64 // margin of its hours
	idle        float64 // money for idling all of it
}

// newDuty works out a duty. worth is v_heat by hour: what the backup takes for
// a kWh of heat.
func newDuty(d *demand, m *Machine, price []PerKWh, worth []float64) *duty {
	memory := make([]float64, 4*Hours)
	u := &duty{
		first: months(), computes: memory[:Hours], plain: memory[Hours : 2*Hours],
		margin: memory[2*Hours : 3*Hours], dear: memory[3*Hours:],
	}
	u.work(d, m, price, worth)
	return u
}

// work works out a duty in the memory of u, without a new allocation.
func (u *duty) work(d *demand, m *Machine, price []PerKWh, worth []float64) {
	d.useful(m, u.computes)
	u.offer(m)
	u.idle, u.plainMargin, u.heats = 0, 0, m.Plain > 0
	idle, least := m.idling()
	for mo := range u.months {
		month := dutyMonth{least: math.MaxFloat64, most: -math.MaxFloat64}
		for i := u.first[mo]; i < u.first[mo+1]; i++ {
			cost := float64(price[i])
			dear := float64(Hour{Power: price[i], Worth: PerKWh(worth[i]), Useful: m.Recovery}.NetPower())
			u.dear[i] = dear
			month.idle += idle * cost
			if e := u.plain[i]; e > 0 && dear <= 0 {
				u.plainMargin += float64(dear * e)
			}
			e := u.computes[i]
			if e == 0 {
				continue
			}
			if idle > 0 { // which running saves, in its share of the hour
				dear -= cost * idle / max(e, least)
			}
			u.margin[i] = dear
			month.computes += e
			month.margin += float64(dear * e)
			month.least, month.most = min(month.least, dear), max(month.most, dear)
		}
		u.idle += month.idle
		u.months[mo] = month
	}
}

// offer turns the heat within reach into what the machine would draw for as
// much of it as it can make: the part that computes comes first.
func (u *duty) offer(m *Machine) {
	perHeat, computing := 1/float64(m.Recovery), m.computing()
	heating := m.power() - computing
	for i, q := range u.computes {
		draw := q * perHeat
		u.computes[i] = min(draw, computing)
		u.plain[i] = min(draw-u.computes[i], heating)
	}
}

// useful writes the heat of each hour that is within reach of the machine, by
// its temperature, kWh.
func (d *demand) useful(m *Machine, useful []float64) {
	if d.allWithin(m) {
		copy(useful, d.total)
		return
	}
	clear(useful)
	for k := range d.parts {
		p := &d.parts[k]
		switch {
		case p.within(m):
			for i, q := range p.heat {
				useful[i] += q
			}
		case m.Hottest != 0:
			for i, q := range p.heat {
				useful[i] += float64(q * p.reached(m, i))
			}
		}
	}
}

// within tells whether all of a part is within reach in every hour.
func (p *part) within(m *Machine) bool {
	if m.Hottest == 0 {
		return p.air
	}
	return m.Hottest >= p.hottest
}

func (d *demand) allWithin(m *Machine) bool {
	for k := range d.parts {
		if !d.parts[k].within(m) {
			return false
		}
	}
	return true
}

// pays returns what the machine draws to compute in the month, and the sum of
// its margins at today's prices, when it earns the given money for a kWh, in
// money of today's prices. The margin of a machine that is switched off is what
// it saves by not idling.
func (u *duty) pays(month int, earns float64) (computes, margin float64) {
	m := &u.months[month]
	switch {
	case m.computes == 0 || m.least > earns:
	case m.most <= earns:
		computes, margin = m.computes, m.margin
	default:
		for i := u.first[month]; i < u.first[month+1]; i++ {
			if e := u.computes[i]; e > 0 && u.margin[i] <= earns {
				computes += e
				margin += float64(u.margin[i] * e)
			}
		}
	}
	if !u.heats && m.idle > 0 && float64(computes*earns)-margin <= m.idle {
		return 0, -m.idle
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
			bought := math.Round(12 * float64(m.generation(y)) * m.Life)
			efficiency := m.efficiency(course, int(bought))
			e.money[y][mo] = float64(now.HashPrice.PerKWh(efficiency)) * paid * q.Money.PerDollar
			e.sats[y][mo] = now.HashValue / (24 * float64(efficiency)) * paid
		}
	}
	return e
}

// generation returns which machine in a row runs in year y of the horizon.
func (m *Machine) generation(y int) int { return int(float64(y) / m.Life) }

// efficiency returns the efficiency of such a machine bought in a month of the
// course: as much better than today's as the marginal miner's then is.
func (m *Machine) efficiency(course []market.Month, bought int) market.JoulesPerTerahash {
	now, then := course[0].Marginal, course[bought].Marginal
	if now <= 0 || then <= 0 {
		return m.Efficiency
	}
	return m.Efficiency * min(1, then/now)
}

// power returns what all machines draw at most, kW, and computing how much of
// that computes.
func (m *Machine) power() float64     { return float64(m.Draw) * float64(m.Count) / 1000 }
func (m *Machine) computing() float64 { return float64(m.Draw-m.Plain) * float64(m.Count) / 1000 }

// idling returns what the machines draw when they stand idle, kW, and the
// power below which they run a share of the hour only.
func (m *Machine) idling() (idle, least float64) {
	n := float64(m.Count) / 1000
	return float64(m.Idle) * n, min(float64(m.Least)*n, m.computing())
}
