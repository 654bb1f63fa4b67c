package market

import (
	"time"
)

// HashPrice is US dollars for a petahash per second over a day, fees included.
type HashPrice float64

// JoulesPerTerahash is the efficiency of a machine; less is better.
type JoulesPerTerahash float64

// DollarsPerKWh is what a kilowatt-hour of computing earns.
type DollarsPerKWh float64

// PerKWh returns what a kWh spent at efficiency e earns, before the pool's fee:
// r = HP / (24·e).
func (p HashPrice) PerKWh(e JoulesPerTerahash) DollarsPerKWh {
	return DollarsPerKWh(float64(p) / (24 * float64(e)))
}

// Case is one course of the future.
type Case int

// The cases of an outlook.
const (
	Pessimistic Case = iota
	Middle
	Optimistic
	Cases // how many there are
)

// Month is the market in one month, on average.
type Month struct {
	Start      time.Time
	HashPrice  HashPrice
	HashValue  float64 // sats for a PH/s over a day, fees included
	Difficulty float64
	Bitcoin    float64       // US dollars
	Inference  DollarsPerKWh // for a kWh at the machine, sold share included
	Marginal   JoulesPerTerahash
}

// Outlook is the market month by month under each case, all of one length and
// in whole years from the plan's first month. It is not changed by its users.
type Outlook [Cases][]Month
