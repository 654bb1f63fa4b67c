package market

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Chance is how much markets wander about their scenario from month to month.
// The wandering is drawn back, so that its spread stays bounded: the scenario
// remains the user's.
type Chance struct {
	Bitcoin   Wander
	Inference Wander
}

// Wander is a walk that is drawn home (of Ornstein and Uhlenbeck), of a
// logarithm of a price.
type Wander struct {
	Spread float64 // deviation after a year without return
	Return float64 // share of the departure that a year takes back, in e-folds
}

// Usual returns the default chance. Bitcoin's price varied by 50 to 80 % a
// year since 2020; the pull and the spread of rents are judgement.
func Usual() Chance {
	return Chance{
		Bitcoin:   Wander{Spread: 0.60, Return: 0.35},
		Inference: Wander{Spread: 0.25, Return: 0.50},
	}
}

// Draw returns a course of the future drawn at random, and the assumptions that
// it rests on. Each input is drawn on its own from a triangle between its
// pessimistic, middle and optimistic value; prices wander about the middle
// case. One seed always gives one course.
//
// The assumptions of each case may differ from the defaults: what the user set
// alike in all cases is not drawn.
func (s Scenario) Draw(seed uint64, chance Chance, start time.Time, years int) ([]Month, Assumptions, error) {
	random := rand.New(rand.NewPCG(seed, 0x6d61726b6574)) // "market": apart from other uses of the seed
	a := s[Middle]
	for _, f := range drawn() {
		var v [Cases]float64
		for c := range s {
			v[c] = *f(&s[c])
		}
		*f(&a) = triangle(random.Float64(), v)
	}
	// One factor for the whole price scenario, however many quotes it has.
	end := [Cases]float64{}
	for c := range s {
		end[c] = s[c].last()
	}
	factor := math.Log(triangle(random.Float64(), end) / end[Middle])
	a.Bitcoin = a.bent(factor)
	a.Inference = s.rent(random)

	if err := a.check(start, years); err != nil {
		return nil, Assumptions{}, fmt.Errorf("draw a course of the market: %w", err)
	}
	l, err := newLuck(random, chance, a.days(start), years)
	if err != nil {
		return nil, Assumptions{}, fmt.Errorf("draw a course of the market: %w", err)
	}
	months, err := a.path(start, years, l)
	return months, a, err
}

// rent draws what answering earns: from the distribution of the class, or from
// the triangle between the user's own figures.
func (s *Scenario) rent(random *rand.Rand) DollarsPerKWh {
	z, u := random.NormFloat64(), random.Float64()
	rental, own := RentalOf(s[Middle].Class)
	own = !own
	var v [Cases]float64
	for c := range s {
		v[c] = float64(s[c].Inference)
		own = own || s[c].Inference != rental.net(Case(c))
	}
	if own {
		return DollarsPerKWh(triangle(u, v))
	}
	return rental.gross(z) * DollarsPerKWh(triangle(u, rental.Sold)*float64(rental.Kept))
}

// drawn lists the figures that are drawn on their own, in a fixed order.
func drawn() []func(*Assumptions) *float64 {
	return []func(*Assumptions) *float64{
		func(a *Assumptions) *float64 { return (*float64)(&a.Fees) },
		func(a *Assumptions) *float64 { return (*float64)(&a.Efficiency) },
		func(a *Assumptions) *float64 { return (*float64)(&a.Power) },
		func(a *Assumptions) *float64 { return &a.Progress },
		func(a *Assumptions) *float64 { return &a.Entry },
		func(a *Assumptions) *float64 { return &a.Exit },
		func(a *Assumptions) *float64 { return &a.Decline },
	}
}

// bitcoinYears is how long a price takes whose days nobody gave.
const bitcoinYears = 2

// last returns the price that the scenario ends with.
func (a *Assumptions) last() float64 {
	if len(a.Bitcoin) == 0 {
		return a.From.Bitcoin
	}
	return a.Bitcoin[len(a.Bitcoin)-1].Dollars
}

// bent returns the price scenario with its end multiplied by e^log, and the
// days between by as much as they are on the way from the first to the last.
func (a *Assumptions) bent(log float64) []Quote {
	quotes := a.Bitcoin
	if len(quotes) < 2 {
		quotes = []Quote{
			{a.From.At, a.last()},
			{a.From.At.AddDate(bitcoinYears, 0, 0), a.last()},
		}
	}
	first, last := quotes[0].At, quotes[len(quotes)-1].At
	bent := make([]Quote, len(quotes))
	for i, q := range quotes {
		way := float64(q.At.Sub(first)) / float64(last.Sub(first))
		bent[i] = Quote{q.At, q.Dollars * math.Exp(log*way)}
	}
	return bent
}

// triangle returns the quantile u of the triangle with its peak at the middle.
func triangle(u float64, v [Cases]float64) float64 {
	low, peak, high := v[Pessimistic], v[Middle], v[Optimistic]
	if low > high {
		low, high = high, low
	}
	peak = min(high, max(low, peak))
	if low == high {
		return low
	}
	if u < (peak-low)/(high-low) {
		return low + math.Sqrt(u*(high-low)*(peak-low))
	}
	return high - math.Sqrt((1-u)*(high-low)*(high-peak))
}

// luck holds departures by the month from the snapshot on. A nil luck has none.
type luck struct{ price, rent []float64 }

const luckyMonth = daysInYear / 12

func newLuck(random *rand.Rand, chance Chance, days float64, years int) (*luck, error) {
	for _, w := range []Wander{chance.Bitcoin, chance.Inference} {
		if !within(w.Spread, 0, 3) || !within(w.Return, 0, 50) {
			return nil, fmt.Errorf("prices that wander by %g a year and return by %g are not within 0 to 3 and 0 to 50",
				w.Spread, w.Return)
		}
	}
	n := int(max(0, days)/luckyMonth) + 12*years + 3
	l := &luck{make([]float64, n), make([]float64, n)}
	for m := 1; m < n; m++ {
		l.price[m] = chance.Bitcoin.step(l.price[m-1], random.NormFloat64())
		l.rent[m] = chance.Inference.step(l.rent[m-1], random.NormFloat64())
	}
	return l, nil
}

// step returns the departure after a month, exactly as the walk is defined.
func (w Wander) step(departure, z float64) float64 {
	kept, variance := math.Exp(-w.Return/12), 1.0/12
	if w.Return > 0 {
		variance = (1 - kept*kept) / (2 * w.Return)
	}
	return kept*departure + w.Spread*math.Sqrt(variance)*z
}

func (l *luck) bitcoin(day float64) float64 {
	if l == nil {
		return 0
	}
	return between(l.price, day/luckyMonth)
}

func (l *luck) rents(day float64) float64 {
	if l == nil {
		return 0
	}
	return between(l.rent, day/luckyMonth)
}

func between(y []float64, x float64) float64 {
	i := min(int(x), len(y)-2)
	share := min(1, x-float64(i))
	return y[i] + share*(y[i+1]-y[i])
}
