package economy

import (
	"math/bits"
	"math/rand/v2"

	"hearth/chain/work/market"
)

// one is a whole, in the unit of effort: 2^-32 tickets.
const one = 1 << 32

// wait draws the effort until the next ticket: exponential, with mean one. The
// logarithm is the market's, in whole numbers.
func wait(r *rand.Rand) uint64 {
	// 62 - log2 of a number below 2^62, times ln 2.
	u := r.Uint64()>>2 | 1
	log := uint64(62<<32 - market.LevelOf(u))
	high, low := bits.Mul64(log, 0xb17217f7d1cf79ab) // ln 2 · 2^64
	_ = low
	return high
}

// effort is how much of a ticket so many MACs are.
func effort(macs, perTicket uint64) uint64 {
	high, low := bits.Mul64(macs, one)
	q, _ := bits.Div64(high%perTicket, low, perTicket)
	return q + high/perTicket<<32
}

// spread draws a price between 2^least and 2^most, even in its logarithm.
func spread(r *rand.Rand, least, most uint) uint64 {
	l := market.Level(uint64(least+21)<<32 + r.Uint64N(uint64(most-least)<<32))
	return l.MACs() >> 21
}

// within tells whether something happens that does in so many of a thousand
// cases.
func within(r *rand.Rand, permille uint64) bool { return r.Uint64N(1000) < permille }
