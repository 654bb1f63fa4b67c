package market

import (
	"math"

	"hearth/units"
)

// DollarsPerKW is the worth of a machine for a kW of its draw.
type DollarsPerKW float64

// Resale says what somebody would pay for a used machine: what it can still
// earn at the best of the uses that it has, discounted; no more than the
// market for such machines pays after hash prices moved; and never less than
// scrap. Straight-line depreciation would miss both the crashes of the market
// and the worth of an old machine to who wants its heat.
type Resale struct {
	// Efficiency of a machine that hashes; 0 for one that answers.
	Efficiency JoulesPerTerahash
	// Kept is the share of its gross revenue that it earns: availability ×
	// (1 − fee).
	Kept units.Fraction
	Uses []Use
	// Rate is the real rate of interest of a year.
	Rate units.Fraction
	// Life is the months for which a new machine works.
	Life int
	// Bought is what a new one costs, and Elasticity by how many per cent used
	// prices move when what a kWh earns moves by one: see [HashPriceElasticity].
	Bought     DollarsPerKW
	Elasticity float64
	Scrap      DollarsPerKW
}

// HashPriceElasticity follows from two published pairs: machines from 119 to
// 15.7 $/TH while the hash price went from 412.57 (the high of 2021) to 55.94
// (the low of 2022).
const HashPriceElasticity = 1.014

// Use is a way to run a machine.
type Use struct {
	Name string
	// Power is what a kWh costs there, and Heat what the heat of a kWh is worth.
	Power, Heat DollarsPerKWh
	// Hours is for how many hours of each calendar month it can run so, from
	// January.
	Hours [12]float64
}

// AllHours are the hours of the months of a year of 8,760 hours.
func AllHours() [12]float64 {
	return [12]float64{744, 672, 744, 720, 744, 720, 744, 744, 720, 744, 720, 744}
}

// PerKWh returns what a kWh earns in a month.
func (r Resale) PerKWh(m Month) DollarsPerKWh {
	gross := m.Inference
	if r.Efficiency > 0 {
		gross = m.HashPrice.PerKWh(r.Efficiency)
	}
	return gross * DollarsPerKWh(r.Kept)
}

// Margin returns what a machine of 1 kW still earns from the month at on, if
// it was new in the first of months and always serves the best of its uses:
// Σ δ^(s−at) · max over uses of Σ hours · max(0, r(s) − c + v). Nothing is
// counted beyond its life nor beyond the months given, so give as many months
// as it can live.
func (r Resale) Margin(months []Month, at int) DollarsPerKW {
	var sum float64
	discount, month := 1.0, math.Pow(1+float64(r.Rate), -1.0/12)
	for s := max(0, at); s < min(len(months), r.Life); s++ {
		earned := r.PerKWh(months[s])
		calendar := int(months[s].Start.Month()) - 1
		best := 0.0
		for _, u := range r.Uses {
			best = max(best, u.Hours[calendar]*float64(earned-u.Power+u.Heat))
		}
		sum += discount * best
		discount *= month
	}
	return DollarsPerKW(sum)
}

// Value returns what a machine of 1 kW sells for at the beginning of the month
// at, if it was new in the first of months.
func (r Resale) Value(months []Month, at int) DollarsPerKW {
	if len(months) == 0 || at >= r.Life {
		return r.Scrap
	}
	return max(r.Scrap, min(r.Margin(months, at), r.Market(months, at)))
}

// Market returns what the market pays for such a machine: its price when new,
// moved with what a kWh earns, and worn in a straight line.
func (r Resale) Market(months []Month, at int) DollarsPerKW {
	at = min(max(at, 0), len(months)-1)
	then, now := r.PerKWh(months[0]), r.PerKWh(months[at])
	if then <= 0 {
		return 0
	}
	left := max(0, 1-float64(at)/float64(max(1, r.Life)))
	moved := math.Pow(float64(now/then), r.Elasticity)
	return r.Bought * DollarsPerKW(moved*left)
}
