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
	idle, least := m.idling()
	for mo := range u.months {
		month := dutyMonth{least: math.MaxFloat64, most: -math.MaxFloat64}
		for i := u.first[mo]; i < u.first[mo+1]; i++ {
			cost := float64(price[i])
			u.dear[i] = float64(Hour{Power: price[i], Worth: PerKWh(worth[i]), Useful: m.Recovery}.NetPower())
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
	computing := m.computing()
	heating := m.power() - computing
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
		for i, q := range p.heat {
			if q > 0 {
				useful[i] += float64(q * p.reached(m, i))
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
