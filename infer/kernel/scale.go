package kernel

import "math/bits"

// Scale is a number m·2^e that is not negative. It is how the engine carries
// the few real factors of a row (its quantiser, its norm) without floating
// point: M is normalised, so that its top bit is set, or all is zero. Every
// operation truncates, which makes it the same on every processor.
type Scale struct {
	M uint32
	E int32
}

// maxExponent bounds what a scale can be, far outside what a model can need
// and far inside what an exponent can hold.
const maxExponent = 1 << 12

// NewScale returns m·2^e, truncated to 32 significant bits.
func NewScale(m uint64, e int) Scale {
	if m == 0 {
		return Scale{}
	}
	shift := 32 - bits.LeadingZeros64(m) // how far to the right
	if shift > 0 {
		m >>= uint(shift)
	} else {
		m <<= uint(-shift)
	}
	e += shift
	switch {
	case e > maxExponent:
		return Scale{M: 1<<32 - 1, E: maxExponent}
	case e < -maxExponent:
		return Scale{}
	}
	return Scale{M: uint32(m), E: int32(e)}
}

// Mul returns a·b.
func (a Scale) Mul(b Scale) Scale {
	return NewScale(uint64(a.M)*uint64(b.M), int(a.E)+int(b.E))
}

// Div returns a/b, and zero where b is zero: a row of zeros has no scale, and
// whatever it is divided by stays zero.
func (a Scale) Div(b Scale) Scale {
	if b.M == 0 {
		return Scale{}
	}
	return NewScale((uint64(a.M)<<31)/uint64(b.M), int(a.E)-31-int(b.E))
}

// Shift returns a·2^n, for n within ±2^20.
func (a Scale) Shift(n int) Scale {
	if a.M == 0 {
		return a
	}
	return NewScale(uint64(a.M), int(a.E)+n)
}

// The bounds of the shift of [Scale.Factor]. From fullShift on, a product of
// two 32-bit numbers, shifted, stays within 2^29 in magnitude; below it
// [Level.Rescale] shifts its input instead, which has 28 bits to give.
const (
	minShift  = fullShift - 28
	fullShift = 33
	maxShift  = 62
)

// Factor returns a as m·2^-shift with m below 2^31 and shift between 5 and 62,
// which is what [Level.Rescale] multiplies by. What is too small becomes zero,
// what is too large the largest there is.
func (a Scale) Factor() (m int32, shift uint) {
	half := a.M >> 1 // 31 bits
	s := -(int(a.E) + 1)
	switch {
	case a.M == 0 || s > maxShift+30:
		return 0, fullShift
	case s > maxShift:
		return int32(half >> uint(s-maxShift)), maxShift
	case s < minShift:
		return 1<<31 - 1, minShift
	}
	return int32(half), uint(s)
}

// Root returns the root of the mean of n squares whose sum is sum, plus eps:
// the divisor of a norm, in the units of what was squared. It is never zero. n
// is at least 1.
func Root(sum uint64, n int, eps uint64) Scale {
	const most = 1<<63 - 1 // two of them can be added
	v := max(min(sum/uint64(n), most)+min(eps, most), 1)
	zeros := bits.LeadingZeros64(v) &^ 1
	return Scale{M: isqrt(v << uint(zeros)), E: int32(-zeros / 2)}
}

// isqrt returns the floor of the root of v, for v of at least 2^62.
func isqrt(v uint64) uint32 {
	// Newton from above: the guess never falls below the root before it is it.
	// The first is on the tangent at (3/2·2^31)², less than 9 % too large.
	guess := v/(3<<31) + 3<<29 + 1
	for {
		next := (guess + v/guess) / 2
		if next >= guess {
			return uint32(guess)
		}
		guess = next
	}
}
