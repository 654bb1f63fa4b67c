package weight

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

const (
	// Total is the power of a full set. Shares of it are exact to a billionth.
	Total int64 = 1_000_000_000
	// MostSeats is how large a set may ever be: a light client on a small
	// computer checks as many signatures.
	MostSeats = 64
	// MostDays bounds what is remembered of a miner.
	MostDays = 30
	// MostWork is the most that anything here counts as work. Sums of it over all
	// candidates that there can be stay within 64 bits.
	MostWork = 1 << 52
	// permille is a whole, in the unit of shares.
	permille = 1000
)

// CometBFT panics if the powers of a set add up to more than this.
const mostOfComet = math.MaxInt64 / 8

// Rules are the numbers of voting power. Shares are in permille.
type Rules struct {
	SmoothingDays  uint32 // time constant of a miner's average
	MaturationDays uint32 // for which work must have been held
	BaseShare      uint32 // of work that counts without coins behind it
	BackingDays    uint32 // days of earnings that back the rest in full
	FloorShare     uint32 // of all work that validators count as for their bond, shared evenly
	Cap            uint32 // of one validator
	CapFew         uint32 // of one validator while there are fewer than Few
	Few            uint32
	Churn          uint32 // of all power that may change hands in a day
	MaxSeats       uint32
	Breaker        uint32 // of all power: if more than that of one validator and this fails in a day, slashing is frozen
	Collapse       uint32 // of a day's work: if it falls by more, the set is kept
	GuardianShare  uint32 // of all power, at height 0
	GuardianSunset int64  // height at which guardians have nothing of it left
}

// Default is what a network starts with; docs/network-economics.md says why.
func Default() Rules {
	return Rules{
		SmoothingDays: 7, MaturationDays: 7,
		BaseShare: 200, BackingDays: 10, FloorShare: 50,
		Cap: 200, CapFew: 300, Few: 8,
		Churn: 100, MaxSeats: MostSeats,
		Breaker: 150, Collapse: 500,
		// Two years of blocks of two seconds. The date is part of the rules, and
		// the share only falls, so that nobody has to give anything up.
		GuardianShare: 340, GuardianSunset: 2 * 8766 * 1800,
	}
}

// Check says what is wrong with the rules.
func (r Rules) Check() error {
	var errs []error
	within := func(name string, v, least, most uint32) {
		if v < least || v > most {
			errs = append(errs, fmt.Errorf("%s is %d and must be from %d to %d", name, v, least, most))
		}
	}
	within("smoothing (days)", r.SmoothingDays, 1, MostDays)
	within("maturation (days)", r.MaturationDays, 1, MostDays)
	within("base share (permille)", r.BaseShare, 0, permille)
	within("backing (days)", r.BackingDays, 0, 365)
	within("floor share (permille)", r.FloorShare, 0, permille)
	within("cap (permille)", r.Cap, 20, 333)
	within("cap of few (permille)", r.CapFew, r.Cap, 333)
	within("few (validators)", r.Few, 4, MostSeats)
	within("churn (permille)", r.Churn, 1, 333)
	within("seats", r.MaxSeats, 4, MostSeats)
	within("breaker (permille)", r.Breaker, 1, 333)
	within("collapse (permille)", r.Collapse, 100, permille)
	within("guardians' share (permille)", r.GuardianShare, 0, 340)
	if r.GuardianSunset < 1 {
		errs = append(errs, fmt.Errorf("the guardians' sunset is at height %d and must be above 0", r.GuardianSunset))
	}
	return errors.Join(errs...)
}

// GuardianPower is what guardians share at a height: a straight line down to
// nothing at the sunset.
func (r Rules) GuardianPower(height int64) int64 {
	if height >= r.GuardianSunset {
		return 0
	}
	left := mulDiv(uint64(Total), uint64(r.GuardianSunset-max(height, 0)), uint64(r.GuardianSunset))
	return int64(mulDiv(left, uint64(r.GuardianShare), permille))
}

// Frozen is whether so much power failed that slashing must wait: an outage or
// a fault of the program hits many at once, and would ruin all of them. The
// largest that failed does not count: one alone is no outage, however large.
func (r Rules) Frozen(failed, largest, total int64) bool {
	return max(failed-largest, 0)*permille > max(total, 0)*int64(r.Breaker)
}

// share returns so many permille of v, rounded down.
func share(v uint64, of uint32) uint64 { return mulDiv(v, uint64(of), permille) }

// mulDiv returns ⌊a·b/c⌋, or the largest number if that does not fit or c is 0.
func mulDiv(a, b, c uint64) uint64 {
	high, low := bits.Mul64(a, b)
	if high >= c {
		return math.MaxUint64
	}
	q, _ := bits.Div64(high, low, c)
	return q
}
