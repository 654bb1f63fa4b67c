package plan

import (
	"math"

	"hearth/plan/market"
	"hearth/units"
)

// books are the money of one option over the horizon, under each case. All is
// real money. A year's running is paid at its end, so that a steady yearly sum
// and a price at the start are equal when the price times
// rate/(1−(1+rate)^−years) is the sum.
type books struct {
	q      *Question
	assets []asset
	// running is what each year costs less what it earns, upkeep included.
	running [market.Cases][]float64
	earned  [market.Cases]float64 // in the first year
	sats    [market.Cases]float64
}

// asset is an appliance that is bought, worn out and bought again.
type asset struct {
	price float64
	life  float64 // years; 0: longer than any horizon
	// bought is how often it is bought within the horizon, and left what the
	// last one fetches at its end.
	bought [market.Cases]int
	left   [market.Cases]float64
}

// generations returns how often a thing of the given life has to be bought to
// last through the horizon, and when the last is bought.
func (q *Question) generations(life float64) (n int, last float64) {
	if life <= 0 {
		return 1, 0
	}
	n = int(math.Ceil(float64(q.Money.Years) / life))
	return n, float64(n-1) * life
}

func (q *Question) newBooks() *books {
	b := &books{q: q}
	for c := range b.running {
		b.running[c] = make([]float64, q.Money.Years)
	}
	return b
}

// steady adds a sum that each year costs, at prices that rise or stay.
func (b *books) steady(sum float64, rises bool) {
	for c := range b.running {
		for y := range b.running[c] {
			if rises {
				b.running[c][y] += float64(sum * b.q.dearer(y))
			} else {
				b.running[c][y] += sum
			}
		}
	}
}

// dearer returns what prices of power and fuels are in year y of the horizon,
// against today's.
func (q *Question) dearer(y int) float64 {
	factor := 1.0
	for range y {
		factor *= 1 + float64(q.Money.Drift)
	}
	return factor
}

// buy adds an ordinary appliance. What is owned already is no part of the
// decision and is taken to last: in every option alike. At the end of the
// horizon an appliance is worth the share of its price that its life still has.
func (b *books) buy(h *Heater, kilowatts float64) {
	b.steady(float64(h.Upkeep), false)
	if h.Owned {
		return
	}
	a := asset{price: float64(h.Fixed) + float64(float64(h.CapexPerKW)*kilowatts), life: h.Life}
	n, last := b.q.generations(a.life)
	for c := range a.left {
		a.bought[c] = n
		if a.life > 0 {
			a.left[c] = a.price * (1 - (float64(b.q.Money.Years)-last)/a.life)
		}
	}
	b.assets = append(b.assets, a)
}

// capex is what is paid at the start.
func (b *books) capex() float64 {
	var sum float64
	for _, a := range b.assets {
		sum += a.price
	}
	return sum
}

// renewals calls f for each appliance that is bought again within the horizon.
func (b *books) renewals(c market.Case, f func(at, price float64)) {
	for _, a := range b.assets {
		for k := 1; k < a.bought[c]; k++ {
			f(float64(k)*a.life, a.price)
		}
	}
}

// discount returns what money after some years is worth today.
func (q *Question) discount(years float64) float64 {
	return math.Pow(1+float64(q.Money.Rate), -years)
}

// annuity returns what one a year over the horizon is worth today.
func (q *Question) annuity() float64 {
	var sum float64
	for y := range q.Money.Years {
		sum += q.discount(float64(y + 1))
	}
	return sum
}

// present returns what the option costs over the horizon, in money of today.
func (b *books) present(c market.Case) float64 {
	sum := b.capex()
	for y, run := range b.running[c] {
		sum += float64(run * b.q.discount(float64(y+1)))
	}
	b.renewals(c, func(at, price float64) { sum += float64(price * b.q.discount(at)) })
	for _, a := range b.assets {
		sum -= float64(a.left[c] * b.q.discount(float64(b.q.Money.Years)))
	}
	return sum
}

// payback returns the years after which b has cost no more than other, under
// the middle case: money paid, without interest and before anything is sold.
func (b *books) payback(other *books) units.Known[float64] {
	paid := b.capex() - other.capex() // what b has cost more so far
	saved := func(y int) float64 {
		s := other.running[market.Middle][y] - b.running[market.Middle][y]
		spent := func(k *books, sign float64) {
			k.renewals(market.Middle, func(at, price float64) {
				if int(at) == y {
					s += sign * price
				}
			})
		}
		spent(other, 1)
		spent(b, -1)
		return s
	}
	if paid <= 0 && saved(0) >= 0 {
		return b.q.known(0)
	}
	for y := range b.q.Money.Years {
		s := saved(y)
		if paid > 0 && s >= paid {
			return b.q.known(float64(y) + paid/s)
		}
		paid -= s
	}
	return units.Unknown[float64]("not within the horizon", b.q.Market[market.Middle][0].Start)
}

// band fills a band from the three cases.
func band(f func(c market.Case) float64) Band {
	return Band{Low: f(market.Pessimistic), Mid: f(market.Middle), High: f(market.Optimistic)}
}
