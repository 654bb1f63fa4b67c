package split

import "math/bits"

// wide is a whole number of 128 bits, two's complement. What is kept in it
// stays below 2^96, see [checkParts] and [maxTotal], so that nothing overflows.
type wide struct {
	hi int64
	lo uint64
}

// times is a·b.
func times(a, b uint64) wide {
	hi, lo := bits.Mul64(a, b)
	return wide{int64(hi), lo}
}

func (a wide) plus(b wide) wide {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	return wide{a.hi + b.hi + int64(carry), lo}
}

func (a wide) minus(b wide) wide {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	return wide{a.hi - b.hi - int64(borrow), lo}
}

// above reports whether a > b.
func (a wide) above(b wide) bool {
	if a.hi != b.hi {
		return a.hi > b.hi
	}
	return a.lo > b.lo
}

// portion is a·n/d, rounded down, for an a that is not negative and n, d of at
// most 32 bits, n not above d.
func (a wide) portion(n, d uint64) wide {
	// Digit by digit, in digits of 64 bits: q·d + r = a.
	q1, r := uint64(a.hi)/d, uint64(a.hi)%d
	q0, r := bits.Div64(r, a.lo, d)
	// a·n/d = q·n + r·n/d, and r·n fits: both are below 2^32.
	hi, lo := bits.Mul64(q0, n)
	whole := wide{int64(q1*n + hi), lo}
	return whole.plus(wide{0, r * n / d})
}

// over is a/d, rounded towards zero, as far as 64 bits go.
func (a wide) over(d uint64) int64 {
	negative := a.hi < 0
	if negative {
		a = wide{}.minus(a)
	}
	const most = 1<<63 - 1
	q := int64(most)
	if uint64(a.hi) < d {
		if n, _ := bits.Div64(uint64(a.hi), a.lo, d); n < most {
			q = int64(n)
		}
	}
	if negative {
		return -q
	}
	return q
}
