package market

import (
	"fmt"
	"math"
	"slices"
	"time"

	"hearth/units"
)

// Assumptions are what an outlook rests on under one case. All money is of the
// snapshot's day: inflation is left out.
type Assumptions struct {
	From Snapshot
	// Bitcoin is the user's scenario of the price: straight lines (of its
	// logarithm) between these days, level before and after. Empty: as it was
	// on the snapshot's day. It is no forecast.
	Bitcoin []Quote
	// Fees are their share of the whole reward of a block.
	Fees units.Fraction
	// Efficiency and Power are the marginal miner's on the snapshot's day.
	Efficiency JoulesPerTerahash
	Power      DollarsPerKWh
	// Progress is by how much the marginal miner's efficiency betters in a
	// year, in e-folds.
	Progress float64
	// Entry and Exit are how fast miners come and go: the growth of the hash
	// rate in a year for each e-fold that the hash price is above (below) the
	// equilibrium.
	Entry, Exit float64
	// Class of the computers that answer; empty where the user says what they
	// earn. Inference is that on the snapshot's day, net of what is not sold and
	// of fees; it falls by Decline e-folds in a year.
	Class     Hardware
	Inference DollarsPerKWh
	Decline   float64
}

// Quote is a price of bitcoin on a day.
type Quote struct {
	At      time.Time
	Dollars float64
}

// Limits of how fast the hash rate changes, in e-folds a year.
const (
	fastestGrowth = 0.652 // 92 %, the year 2023
	fastestFall   = 5.5   // the ban of 2021
)

// Scenario holds the assumptions of each case.
type Scenario [Cases]Assumptions

// Default returns the assumptions that [Inputs] documents, for a snapshot and a
// class of computers.
func Default(from Snapshot, class Hardware) (Scenario, error) {
	var s Scenario
	rental, ok := RentalOf(class)
	if !ok {
		return s, fmt.Errorf("what does inference on %q earn: no rents are known for this class", string(class))
	}
	for c := range s {
		s[c].From, s[c].Class = from, class
	}
	for _, in := range Inputs(from, rental) {
		for c := range s {
			in.Apply(&s[c], in.Values[c])
		}
	}
	return s, nil
}

// Outlook returns the months of each case from the month of start on.
func (s Scenario) Outlook(start time.Time, years int) (Outlook, error) {
	var o Outlook
	for c := range o {
		months, err := s[c].Path(start, years)
		if err != nil {
			return Outlook{}, fmt.Errorf("%v case: %w", Case(c), err)
		}
		o[c] = months
	}
	return o, nil
}

// Path returns the months that follow from the assumptions, from the month of
// start on. Blocks are counted day by day: difficulty is set anew every 2,016
// blocks as the protocol does, the subsidy halves at its block, and miners
// come and go with the hash price.
func (a Assumptions) Path(start time.Time, years int) ([]Month, error) {
	return a.path(start, years, nil)
}

// MostYears is the longest outlook.
const MostYears = 60

func (a Assumptions) check(start time.Time, years int) error {
	if err := a.From.check(); err != nil {
		return err
	}
	begin, last := firstOfMonth(start), a.From.At.AddDate(MostYears, 0, 0)
	switch {
	case begin.Before(firstOfMonth(a.From.At)):
		return fmt.Errorf("the plan begins in %s, before the snapshot of %s: take an older snapshot",
			begin.Format("January 2006"), a.From.At.Format(time.DateOnly))
	case years < 1 || begin.AddDate(years, 0, 0).After(last):
		return fmt.Errorf("%d years from %s: an outlook has at least 1 year and ends within %d years of its snapshot",
			years, begin.Format("January 2006"), MostYears)
	case !within(float64(a.Fees), 0, 0.95):
		return fmt.Errorf("fees of %v are not a share of a block's reward between 0 and 95 %%", a.Fees)
	case !within(float64(a.Efficiency), 0.01, 1e6):
		return fmt.Errorf("a marginal miner of %g J/TH is not between 0.01 and 1e6 (today's is about 25)", float64(a.Efficiency))
	case !within(float64(a.Power), 0.0001, 10):
		return fmt.Errorf("power at %g dollars a kWh for the marginal miner is not between 0.0001 and 10", float64(a.Power))
	case !within(a.Progress, 0, 1):
		return fmt.Errorf("a progress of %g e-folds a year is not between 0 and 1", a.Progress)
	case !within(a.Entry, 0, 50) || !within(a.Exit, 0, 50):
		return fmt.Errorf("entry %g and exit %g of miners are not both between 0 and 50 a year", a.Entry, a.Exit)
	case !within(float64(a.Inference), 0, 1e4):
		return fmt.Errorf("inference at %g dollars a kWh is not between 0 and 10000", float64(a.Inference))
	case !within(a.Decline, -1, 5):
		return fmt.Errorf("a decline of %g e-folds a year of what inference earns is not between -1 and 5", a.Decline)
	}
	for i, q := range a.Bitcoin {
		if !within(q.Dollars, 0.01, 1e9) {
			return fmt.Errorf("a bitcoin at %g dollars on %s is not between 0.01 and 1e9", q.Dollars, q.At.Format(time.DateOnly))
		}
		if i > 0 && !q.At.After(a.Bitcoin[i-1].At) {
			return fmt.Errorf("the price of bitcoin on %s comes after that on %s: sort them, one a day",
				q.At.Format(time.DateOnly), a.Bitcoin[i-1].At.Format(time.DateOnly))
		}
	}
	return nil
}

// path also takes chance, which may be nil.
func (a Assumptions) path(start time.Time, years int, luck *luck) ([]Month, error) {
	if err := a.check(start, years); err != nil {
		return nil, fmt.Errorf("look ahead on markets: %w", err)
	}
	begin := firstOfMonth(start)
	months := make([]Month, 12*years)
	ends := make([]float64, len(months)) // days since the snapshot
	for m := range months {
		months[m].Start = begin.AddDate(0, m, 0)
		ends[m] = a.days(begin.AddDate(0, m+1, 0))
	}
	bitcoin := a.bitcoin()
	chain := newChain(a.From)
	// The month in which the snapshot lies has no days before it.
	from := max(0, a.days(begin))
	for m := 0; m < len(months); {
		first, length := chain.day, chain.next()
		year := first / daysInYear
		dollars := math.Exp(bitcoin.at(first) + luck.bitcoin(first))
		e := JoulesPerTerahash(float64(a.Efficiency) * math.Exp(-a.Progress*year))
		equilibrium := Equilibrium(e, a.Power)
		subsidy := Subsidy(chain.height)
		value := HashValueAt(chain.difficulty, subsidy, a.Fees)
		price := HashPrice(value * dollars / satsPerBitcoin)

		for from < first+length && m < len(months) {
			month := &months[m]
			share := min(first+length, ends[m]) - from
			month.HashValue += value * share
			month.HashPrice += price * HashPrice(share)
			month.Difficulty += chain.difficulty * share
			month.Bitcoin += dollars * share
			month.Inference += a.Inference * DollarsPerKWh(math.Exp(luck.rents(first)-a.Decline*year)*share)
			month.Marginal += e * JoulesPerTerahash(share)
			month.Equilibrium += equilibrium * HashPrice(share)
			month.Subsidy = subsidy
			from += share
			if from >= ends[m] {
				from = ends[m]
				m++
			}
		}
		chain.mine(length, a.growth(price, equilibrium))
	}
	a.average(months)
	return months, nil
}

// average divides the sums over days by the days.
func (a Assumptions) average(months []Month) {
	for m := range months {
		month := &months[m]
		end := month.Start.AddDate(0, 1, 0)
		length := a.days(end) - max(0, a.days(month.Start))
		month.HashValue /= length
		month.HashPrice /= HashPrice(length)
		month.Difficulty /= length
		month.Bitcoin /= length
		month.Inference /= DollarsPerKWh(length)
		month.Marginal /= JoulesPerTerahash(length)
		month.Equilibrium /= HashPrice(length)
	}
}

// growth returns the e-folds by which the hash rate grows in a year.
func (a Assumptions) growth(price, equilibrium HashPrice) float64 {
	gain := math.Log(float64(price / equilibrium))
	if gain > 0 {
		return min(fastestGrowth, a.Entry*gain)
	}
	return max(-fastestFall, a.Exit*gain)
}

const daysInYear = 365.25

// days returns the days from the snapshot to a moment.
func (a Assumptions) days(t time.Time) float64 { return t.Sub(a.From.At).Hours() / 24 }

func firstOfMonth(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// course is a price over the days since a snapshot, in logarithms.
type course struct{ day, log []float64 }

func (a Assumptions) bitcoin() course {
	quotes := a.Bitcoin
	if len(quotes) == 0 {
		quotes = []Quote{{a.From.At, a.From.Bitcoin}}
	}
	c := course{make([]float64, len(quotes)), make([]float64, len(quotes))}
	for i, q := range quotes {
		c.day[i], c.log[i] = a.days(q.At), math.Log(q.Dollars)
	}
	return c
}

func (c course) at(day float64) float64 {
	i, _ := slices.BinarySearch(c.day, day) // first on or after
	switch {
	case i == 0:
		return c.log[0]
	case i == len(c.day):
		return c.log[i-1]
	}
	share := (day - c.day[i-1]) / (c.day[i] - c.day[i-1])
	return c.log[i-1] + share*(c.log[i]-c.log[i-1])
}

// chain counts blocks.
type chain struct {
	day        float64 // since the snapshot
	height     int64
	difficulty float64
	hashRate   float64 // hashes per second
	epoch      float64 // days that the blocks of the epoch took so far
	blocks     int64   // to be mined next
}

func newChain(from Snapshot) *chain {
	return &chain{
		height:     from.Height,
		difficulty: from.Difficulty,
		hashRate:   float64(HashRateAt(from.Difficulty)),
		// What the blocks before took is not known: ten minutes each.
		epoch: float64(from.Height%RetargetBlocks) * blockSeconds / secondsPerDay,
	}
}

// next chooses the blocks to mine: about a day's, but neither a retarget nor a
// halving falls among them. It returns the days that they take.
func (c *chain) next() float64 {
	c.blocks = min(blocksPerDay,
		RetargetBlocks-c.height%RetargetBlocks,
		HalvingBlocks-c.height%HalvingBlocks)
	return float64(c.blocks) * c.difficulty * hashesPerBlock / c.hashRate / secondsPerDay
}

// mine mines the chosen blocks; meanwhile the hash rate grows, in e-folds a year.
func (c *chain) mine(length, growth float64) {
	c.day += length
	c.epoch += length
	c.height += c.blocks
	c.hashRate *= math.Exp(growth * length / daysInYear)
	if c.height%RetargetBlocks == 0 {
		const planned = RetargetBlocks * blockSeconds / secondsPerDay // days
		c.difficulty *= min(RetargetMost, max(1.0/RetargetMost, planned/c.epoch))
		c.difficulty = max(1, c.difficulty)
		c.epoch = 0
	}
}
