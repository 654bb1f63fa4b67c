package plan

import (
	"hearth/plan/market"
	"hearth/units"
)

// Size is a size of machine for a home and what it comes to.
type Size struct {
	// Share of the home's design load that the machine can heat, the heat that
	// it makes then, and how many of the question's machines that is.
	Share units.Fraction
	Heat  units.Watts
	Count float64

	Covered  units.Fraction // of the year's heat
	FullLoad float64        // hours
	Capex    Money          // of everything bought
	Yearly   Band           // saved in the first year against today's heater
	Cost     Band           // of a useful kWh
	Value    Band
	Payback  units.Known[float64]
}

// Sizing finds how much machine is worth most.
type Sizing struct {
	Currency string
	// Curve runs over the shares that were asked for.
	Curve []Size
	// Best is the size worth most under the middle outlook, as if machines came
	// in any size; Whole is the best whole number of them. Both are nought where
	// no machine is worth its price.
	Best, Whole Size
	Unknown     string // why no size can be reckoned
}

// mostMachines is up to how many machines are tried for a home.
const mostMachines = 60

// Size finds the size of machine that is worth most beside the backup, and what
// other sizes come to: those shares of the design load, or steps of 5 % to all
// of it where none are given. What a machine draws, costs and weighs is scaled
// as if it came in any size.
func (s *Site) Size(shares ...units.Fraction) Sizing {
	out := Sizing{Currency: s.q.Money.Currency}
	m := &s.q.Machine
	r := s.reckoning(s.heater(&s.q.Today))
	w := r.with()
	switch design := float64(s.demand.load.Design); {
	case w.Unknown != "":
		out.Unknown = w.Unknown
	case r.today.Unknown != "":
		out.Unknown = r.today.Unknown
	case !(design > 0):
		out.Unknown = "the home has no design load"
	}
	if out.Unknown != "" {
		return out
	}
	if len(shares) == 0 {
		for k := 1; k <= 20; k++ {
			shares = append(shares, units.Fraction(k)/20)
		}
	}
	// One machine heats this share of the design load.
	one := float64(m.Draw) * float64(m.Recovery) / float64(s.demand.load.Design)
	best := -1
	for i, share := range shares {
		out.Curve = append(out.Curve, r.sized(float64(share)/one, float64(share)))
		if v := out.Curve[i].Value.Mid; v > 0 && (best < 0 || v > out.Curve[best].Value.Mid) {
			best = i
		}
	}
	if best >= 0 {
		low, high := 0.0, float64(shares[best])*1.5
		if best > 0 {
			low = float64(shares[best-1])
		}
		if best+1 < len(shares) {
			high = float64(shares[best+1])
		}
		out.Best = golden(low, high, out.Curve[best], func(share float64) Size { return r.sized(share/one, share) })
	}
	for n := 1; n <= mostMachines; n++ {
		z := r.sized(float64(n), float64(n)*one)
		if z.Value.Mid > max(0, out.Whole.Value.Mid) {
			out.Whole = z
		}
		if float64(n)*one > 1.5 {
			break
		}
	}
	return out
}

// golden looks for the best size between two, by golden section.
func golden(low, high float64, best Size, at func(share float64) Size) Size {
	const part = 0.6180339887498949
	a, b := at(high-part*(high-low)), at(low+part*(high-low))
	for range 16 {
		if a.Value.Mid >= b.Value.Mid {
			high = float64(b.Share)
			b, a = a, at(high-part*(high-low))
		} else {
			low = float64(a.Share)
			a, b = b, at(low+part*(high-low))
		}
	}
	for _, z := range []Size{a, b} {
		if z.Value.Mid > best.Value.Mid {
			best = z
		}
	}
	return best
}

// sized reckons count machines, whole or not.
func (r *reckoning) sized(count, share float64) Size {
	q := *r.q
	m := &q.Machine
	for _, p := range []*units.Watts{&m.Draw, &m.Least, &m.Idle, &m.Plain} {
		*p *= units.Watts(count)
	}
	m.Price = units.Map(m.Price, func(p Money) Money { return p * Money(count) })
	m.Upkeep *= Money(count)
	m.Count = 1
	other := *r
	other.q = &q
	other.duty = newDuty(r.s.demand, m, q.Power.Hourly, r.backup.worth)
	w := other.with()
	w.settle(r.today)
	today := r.today.books.running[market.Middle][0]
	return Size{
		Share: units.Fraction(share), Heat: units.Watts(float64(m.Draw) * float64(m.Recovery)), Count: count,
		Covered: w.Covered, FullLoad: w.FullLoad, Capex: w.Capex,
		Yearly: Band{today - w.Running.Low, today - w.Running.Mid, today - w.Running.High},
		Cost:   w.Cost, Value: w.Value, Payback: w.Payback,
	}
}

// Coverage returns the share of the heat of a year that a source of the given
// power covers, and its full-load hours; load is kWh in each hour, power kW.
func Coverage(load []float64, power float64) (covered units.Fraction, fullLoad float64) {
	var all, made float64
	for _, q := range load {
		all += q
		made += min(q, power)
	}
	if all == 0 || power <= 0 {
		return 0, 0
	}
	return units.Fraction(made / all), made / power
}

// Following says how much longer a machine works that follows the winter.
type Following struct {
	// Here and There are the full-load hours of a machine that stays, and Moving
	// those of one that moves there and back once a year.
	Here, There, Moving float64
	// Leaves and Returns are the days of the year, from 0, on which it leaves
	// here and there.
	Leaves, Returns int
}

// Follow finds when a portable machine of some kW had best be moved between
// two places with their loads, kWh in each hour of a year of one calendar, if
// each journey takes some days. A home in the other hemisphere whose climate
// is not known may stand in as this one half a year later: see [HalfYearLater].
func Follow(here, there []float64, power float64, journey int) Following {
	_, h := Coverage(here, power)
	_, t := Coverage(there, power)
	f := Following{Here: h, There: t, Moving: h}
	const days = Hours / 24
	// Sums of served hours, two years on end.
	served := func(load []float64) []float64 {
		sums := make([]float64, 2*days+1)
		for d := range 2 * days {
			var day float64
			for _, q := range load[d%days*24 : d%days*24+24] {
				day += min(q, power) / power
			}
			sums[d+1] = sums[d] + day
		}
		return sums
	}
	if !(power > 0) || len(here) != Hours || len(there) != Hours {
		return f
	}
	a, b := served(here), served(there)
	for leaves := range days {
		for stay := 0; stay+2*journey <= days; stay++ {
			arrives := leaves + journey
			returns := arrives + stay
			back := returns + journey // of the same or the next year
			hours := b[returns] - b[arrives] + a[leaves+days] - a[back]
			if hours > f.Moving+1e-9 {
				f.Moving, f.Leaves, f.Returns = hours, leaves, returns%days
			}
		}
	}
	return f
}

// HalfYearLater returns a year's hours put off by 182 days: what the same home
// would want in the other hemisphere.
func HalfYearLater(load []float64) []float64 {
	const shift = 182 * 24
	later := make([]float64, len(load))
	for i := range later {
		later[i] = load[((i-shift)%len(load)+len(load))%len(load)]
	}
	return later
}
