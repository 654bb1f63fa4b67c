// Package float16 widens the 16-bit floating-point numbers that models are
// published in. Both widen exactly.
package float16

import "math"

// Half widens an IEEE 754 binary16. The payload of a NaN is kept.
func Half(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exponent := uint32(h>>10) & 31
	fraction := uint32(h) & 1023
	switch exponent {
	case 31: // infinity or NaN
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	case 0: // zero and subnormal: fraction units of 2^-24
		f := float32(fraction) * (1.0 / (1 << 24))
		return math.Float32frombits(sign | math.Float32bits(f))
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// Brain widens a bfloat16, which is the upper half of a float32.
func Brain(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }
