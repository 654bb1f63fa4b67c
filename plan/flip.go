package plan

import (
	"cmp"
	"math"

	"hearth/plan/market"
	"hearth/units"
)

// Flip says what would turn the verdict on a machine, each alone while all else
// stays: where its value over the horizon under the middle outlook is nought.
// Unknown means that nothing within reach would.
type Flip struct {
	// Revenue is the factor on all that a kWh of computing earns: of the hash
	// price, or of rents.
	Revenue units.Known[float64]
	// HashPrice of the first month with that factor; unknown where nothing is
	// mined.
	HashPrice units.Known[market.HashPrice]
	// Power is the mean price of power over the year; the shape of the tariff
	// stays.
	Power units.Known[PerKWh]
	// Price is what one machine may cost at most, installed. It is unknown
	// where the machine would not be worth having as a gift.
	Price units.Known[Money]
}

// Flip says what would turn the verdict on the machine beside its backup. Where
// the price of the machine is not known there is no verdict yet: Price is then
// what one may cost at most, and all else is unknown. The text says why nothing
// can be said at all.
func (s *Site) Flip() (flip Flip, unknown string) {
	q := s.q
	priced := q.Machine.Price.IsKnown()
	if !priced {
		q.Machine.Price = units.Map(q.known(0), func(v float64) Money { return Money(v) })
	}
	gift := &Site{q: q, demand: s.demand}
	today := gift.heater(&q.Today)
	r := gift.reckoning(today)
	with := r.with()
	if unknown = cmp.Or(with.Unknown, today.Unknown); unknown != "" {
		return Flip{}, unknown
	}
	today.settle(today)
	with.settle(today)
	flip = r.flip(with.Value.Mid)
	if !priced {
		at := q.Market[market.Middle][0].Start
		why := "the price of the machine is not known"
		flip.Revenue, flip.Power = units.Unknown[float64](why, at), units.Unknown[PerKWh](why, at)
		flip.HashPrice = units.Unknown[market.HashPrice](why, at)
	}
	return flip, ""
}

// flip finds what would make the value nought.
func (r *reckoning) flip(value float64) Flip {
	at := r.q.Market[market.Middle][0].Start
	ops := newOperation(r)
	asked, _ := r.q.Machine.Price.Get()
	price := float64(asked)
	rest := value - ops.value(1, 1, price)
	// How far is looked, in factors. Who earns more gains no less, and a dearer
	// machine gains no more; dearer power may do either.
	down, up := []float64{0.5, 0.25, 0}, []float64{2, 5, 10, 50}
	earning, earned := up, "not even 50 times as much would do"
	buying, bought := []float64{price / 2, 0}, "it would not be worth having as a gift"
	if value > 0 {
		thousand := 1000 * r.q.Money.PerDollar
		earning, earned = down, "it would win if computing earned nothing"
		buying, bought = []float64{2*price + thousand, 10*price + 10*thousand, 100 * (price + thousand)}, "it would win at any price"
	}

	f := Flip{
		Revenue: units.Unknown[float64](earned, at), HashPrice: units.Unknown[market.HashPrice]("it does not mine", at),
		Power: units.Unknown[PerKWh]("no price up to ten times today's does", at), Price: units.Unknown[Money](bought, at),
	}
	if k, ok := root(func(k float64) float64 { return rest + ops.value(k, 1, price) }, 1, value, earning); ok {
		f.Revenue = r.q.known(k)
	}
	if r.q.Machine.Kind == Hash {
		f.HashPrice = units.Map(f.Revenue, func(k float64) market.HashPrice {
			return r.q.Market[market.Middle][0].HashPrice * market.HashPrice(k)
		})
	}
	if s, ok := root(func(s float64) float64 { return rest + ops.value(1, s, price) }, 1, value, down, up[:3]); ok {
		f.Power = units.Map(r.q.known(s), func(s float64) PerKWh { return PerKWh(s * r.q.Power.mean()) })
	}
	if p, ok := root(func(p float64) float64 { return rest + ops.value(1, 1, p) }, price, value, buying); ok {
		f.Price = units.Map(r.q.known(p), func(p float64) Money { return Money(p) })
	}
	return f
}

// operation is the part of a value that depends on what computing earns and on
// what power costs, prepared to be asked for many factors of both.
//
// Let all prices of power be multiplied by s. If the backup runs on power, too,
// each margin c_e − recovery·v_heat becomes s times as much. If it burns fuel,
// with h = recovery·v_heat that stays, it becomes s·margin + (s−1)·h. Either
// way the hours that pay are those under another threshold, and no hour has to
// be looked at again.
type operation struct {
	r        *reckoning
	fuel     float64   // h; 0 where the backup runs on power
	electric float64   // 1 where it does, else 0
	discount []float64 // of the end of each year
	dearer   []float64
	steady   float64 // worth today of one a year at rising prices
}

func newOperation(r *reckoning) *operation {
	o := &operation{r: r, discount: make([]float64, r.q.Money.Years), dearer: make([]float64, r.q.Money.Years)}
	for y := range o.discount {
		o.discount[y], o.dearer[y] = r.q.discount(float64(y+1)), r.q.dearer(y)
		o.steady += float64(o.discount[y] * o.dearer[y])
	}
	if r.backup.electric {
		o.electric = 1
	} else {
		o.fuel = float64(r.q.Machine.Recovery) * r.backup.worth[0]
	}
	return o
}

// value returns what the machine gains over the horizon under the middle
// outlook, today's heater behind it, when computing earns k times and power
// costs s times as much and one machine costs price.
func (o *operation) value(k, s, price float64) float64 {
	m := &o.r.q.Machine
	var sum float64
	if today := o.r.today.maker; today.electric != o.r.backup.electric || today.spent != o.r.backup.spent {
		sum = o.steady * (scaled(today, s) - scaled(o.r.backup, s))
	}
	s = max(s, math.SmallestNonzeroFloat64)
	shift := (s - 1) * o.fuel
	r := o.r
	if s != 1 { // what the machines fetch at the end depends on it, too
		other, duty := *o.r, *o.r.duty
		for month := range duty.months {
			d := &duty.months[month]
			d.margin = float64(s*d.margin) + float64(shift*d.computes)
		}
		other.duty, r = &duty, &other
	}
	fixed := o.plain(s) + float64(s*o.r.duty.idle)
	net := make([]float64, o.r.q.Money.Years)
	for y, months := range o.r.earns[market.Middle].money {
		net[y] = float64(m.Upkeep)*float64(m.Count) + float64(fixed*o.dearer[y])
		for month, money := range months {
			money *= k
			computes, margin := o.r.duty.pays(month, (money/o.dearer[y]-shift)/s)
			net[y] += float64((float64(s*margin)+float64(shift*computes))*o.dearer[y]) - float64(computes*money)
		}
	}
	return sum - r.venture(market.Middle, net, price*float64(m.Count), k, false).cost
}

// mean returns the mean price of the hours of the year.
func (p *Power) mean() float64 {
	var sum float64
	for _, c := range p.Hourly {
		sum += float64(c)
	}
	return sum / float64(len(p.Hourly))
}

func scaled(m *maker, s float64) float64 {
	if m.electric {
		return s * m.spent
	}
	return m.spent
}

// plain returns what the part that only heats brings in a year, as a cost.
func (o *operation) plain(s float64) float64 {
	u := o.r.duty
	if o.r.q.Machine.Plain == 0 {
		return 0
	}
	if s == 1 || o.electric == 1 {
		return s * u.plainMargin
	}
	var sum float64
	for i, e := range u.plain {
		if dear := float64(s*u.dear[i]) + (s-1)*o.fuel; e > 0 && dear <= 0 {
			sum += float64(dear * e)
		}
	}
	return sum
}

// root finds where f is nought, from x, where its value is known, over the
// edges of each side. If it is on several sides the nearest is told.
func root(f func(float64) float64, x, fx float64, sides ...[]float64) (at float64, ok bool) {
	if fx == 0 {
		return x, true
	}
	for _, edges := range sides {
		a, fa := x, fx
		for _, b := range edges {
			fb := f(b)
			// What is nought but for rounding, such as the worth of a machine that
			// would never run, turns nothing.
			if math.Abs(fb) <= 1e-9*math.Max(1, math.Abs(fx)) {
				continue
			}
			if fa > 0 != (fb > 0) {
				if found := narrow(f, a, fa, b, fb); !ok || math.Abs(found-x) < math.Abs(at-x) {
					at, ok = found, true
				}
				break
			}
			a, fa = b, fb
		}
	}
	return at, ok
}

// narrow finds where f is nought between a and b by false position (the
// Illinois rule), which needs few steps where f is made of straight lines.
func narrow(f func(float64) float64, a, fa, b, fb float64) float64 {
	for range 100 {
		c := b - fb*(b-a)/(fb-fa)
		if !(c > min(a, b) && c < max(a, b)) {
			c = (a + b) / 2
		}
		fc := f(c)
		if fc == 0 || math.Abs(c-b) <= 1e-13*max(1, math.Abs(c)) {
			return c
		}
		if fc > 0 != (fb > 0) {
			a, fa = b, fb
		} else {
			fa /= 2
		}
		b, fb = c, fc
	}
	return b
}
