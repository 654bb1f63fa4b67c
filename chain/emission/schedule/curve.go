package schedule

import (
	"fmt"
	"math/big"
	"math/bits"
)

const (
	// Coin is one HTH in the unit that everything is counted in, uhth.
	Coin uint64 = 1_000_000
	// Cap is the most that there will ever be, in uhth.
	Cap = 21_000_000 * Coin
	// HalfLife is in how many epochs of an hour half of what is left is released:
	// four years of 8,766 hours.
	HalfLife = 4 * 8766
	// MostHalfLife bounds what a network may choose.
	MostHalfLife = 1 << 32
)

// Curve is the part of what is left that an epoch releases, in units of 2^-64.
type Curve uint64

// ln2 is ⌊ln 2 · 2^128⌋.
const ln2 = "b17217f7d1cf79abc9e3b39803f2f6af"

// NewCurve returns 1 - 2^(-1/halfLife), rounded down to 64 bits behind the
// point: the series of 1 - e^-x at x = ln 2 / halfLife, in whole numbers of
// 2^-128. A half-life is from 1 to MostHalfLife epochs.
func NewCurve(halfLife uint64) (Curve, error) {
	if halfLife < 1 || halfLife > MostHalfLife {
		return 0, fmt.Errorf("a half-life of %d epochs: it must be from 1 to %d", halfLife, uint64(MostHalfLife))
	}
	x, _ := new(big.Int).SetString(ln2, 16)
	x.Div(x, new(big.Int).SetUint64(halfLife))
	// x - x²/2! + x³/3! - …, until a term is nothing.
	sum, term := new(big.Int), new(big.Int).Set(x)
	for i := int64(2); term.Sign() > 0; i++ {
		if i%2 == 0 {
			sum.Add(sum, term)
		} else {
			sum.Sub(sum, term)
		}
		term.Mul(term, x).Rsh(term, 128)
		term.Div(term, big.NewInt(i))
	}
	return Curve(sum.Rsh(sum, 64).Uint64()), nil
}

// Epoch returns what the next epoch releases when so much was released before
// it. All epochs together release less than Cap; what is left in the end is
// too little to divide.
func (c Curve) Epoch(released uint64) uint64 {
	if released >= Cap {
		return 0
	}
	high, _ := bits.Mul64(Cap-released, uint64(c))
	return high
}

// Over returns what the next n epochs release together, n at most MostHalfLife
// and in practice a day's: it takes as many steps.
func (c Curve) Over(released, n uint64) uint64 {
	var sum uint64
	for range min(n, MostHalfLife) {
		e := c.Epoch(released + sum)
		if e == 0 {
			break
		}
		sum += e
	}
	return sum
}
