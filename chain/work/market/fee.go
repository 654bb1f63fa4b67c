package market

import (
	"errors"
	"math"
	"math/bits"
)

// Fee is the rule of the base fee: what a claim of 10^9 MACs burns.
//
// It moves towards the price at which as many MACs are claimed in a block as
// the network can do. A block without claims lowers it by the full step, one
// with twice the target or more raises it by as much.
type Fee struct {
	Floor  uint64 // uhth for 10^9 MACs, at least 1
	Target uint64 // MACs claimed in a block at which the fee stays
	Step   uint32 // permille by which it moves at most in a block
}

// perMACs is for how many MACs a fee is given.
const perMACs = 1_000_000_000

// MostFee bounds the fee: with it, no claim overflows.
const MostFee = 1 << 50

// Check says what is wrong with the rule.
func (f Fee) Check() error {
	switch {
	case f.Floor < 1 || f.Floor > MostFee:
		return errors.New("the floor of the base fee must be from 1 to 2^50 uhth for 10^9 MACs: at 0 it could never rise")
	case f.Target < 1:
		return errors.New("the target of claimed MACs in a block must be above 0")
	case f.Step < 1 || f.Step > 500:
		return errors.New("the base fee's step must be from 1 to 500 permille")
	}
	return nil
}

// Next returns the fee after a block in which so many MACs were claimed. Every
// step is at least one uhth while there is a reason for it, so that small fees
// move too.
func (f Fee) Next(fee, claimed uint64) uint64 {
	fee = min(max(fee, f.Floor), MostFee)
	if claimed == f.Target {
		return fee
	}
	most := mulDiv(fee, uint64(f.Step), 1000)
	if claimed > f.Target {
		over := min(claimed-f.Target, f.Target)
		return min(fee+max(mulDiv(most, over, f.Target), 1), MostFee)
	}
	return max(fee-max(mulDiv(most, f.Target-claimed, f.Target), 1), f.Floor)
}

// Cost is what a claim of so many MACs burns at a fee, rounded up.
func Cost(fee, macs uint64) uint64 {
	high, low := bits.Mul64(fee, macs)
	low, carry := bits.Add64(low, perMACs-1, 0)
	high += carry
	if high >= perMACs {
		return math.MaxUint64
	}
	q, _ := bits.Div64(high, low, perMACs)
	return q
}

// Rate is what an offer of a job of so many MACs pays for each 10⁹ of them,
// rounded down.
func Rate(offer, macs uint64) uint64 { return mulDiv(offer, perMACs, max(macs, 1)) }

// mulDiv returns ⌊a·b/c⌋, or the largest number if that does not fit.
func mulDiv(a, b, c uint64) uint64 {
	high, low := bits.Mul64(a, b)
	if high >= c {
		return math.MaxUint64
	}
	q, _ := bits.Div64(high, low, c)
	return q
}
