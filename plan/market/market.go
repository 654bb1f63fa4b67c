package market

import (
	"time"

	"hearth/units"
)

// HashPrice is US dollars for a petahash per second over a day, fees included.
type HashPrice float64

// JoulesPerTerahash is the efficiency of a machine; less is better.
type JoulesPerTerahash float64

// DollarsPerKWh is what a kilowatt-hour of computing earns or costs.
type DollarsPerKWh float64

// Case is one course of the future, seen by who sells computation.
type Case int

// The cases of an outlook.
const (
	Pessimistic Case = iota
	Middle
	Optimistic
	Cases // how many there are
)

var caseNames = [Cases]string{"pessimistic", "middle", "optimistic"}

// String returns "pessimistic", "middle" or "optimistic".
func (c Case) String() string {
	if c < 0 || c >= Cases {
		return "no case"
	}
	return caseNames[c]
}

// Month is the market in one month, on average over its time.
type Month struct {
	Start      time.Time // first of the month, UTC
	HashPrice  HashPrice
	HashValue  float64 // sats for a PH/s over a day, fees included
	Difficulty float64
	Bitcoin    float64       // US dollars of the snapshot's day
	Inference  DollarsPerKWh // for a kWh at the machine, sold share included
	// Marginal is the efficiency of the marginal miner, and Equilibrium the
	// hash price at which it neither gains nor loses.
	Marginal    JoulesPerTerahash
	Equilibrium HashPrice
	Subsidy     units.Sats // of a block at the month's end
}

// Outlook is the market month by month under each case, all of one length and
// in whole years from the plan's first month. It is not changed by its users.
//
// It may reach beyond the horizon of a plan: what a machine is worth at the
// end of the horizon is what it can still earn later (see [Resale]).
type Outlook [Cases][]Month
