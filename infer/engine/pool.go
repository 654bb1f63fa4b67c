package engine

import (
	"math/bits"

	"hearth/infer/kernel"
)

// pool makes one vector of a text's rows, in the natural order of channels:
//
//	mean  (2·Σx + n) / 2n, rounded down: the mean, halves up
//	cls   the first row
//
// and brings it to length one.
func (g *encoding) pool(dst []int32, text span) {
	if g.config.Pooling == "cls" {
		g.unit(dst, g.residual(text.from))
		return
	}
	n := int64(text.to - text.from)
	sums := make([]int64, g.config.Width)
	for row := text.from; row < text.to; row++ {
		for j, x := range g.residual(row) {
			sums[j] += int64(x)
		}
	}
	mean := make([]int32, g.config.Width)
	for j, sum := range sums {
		sum = 2*sum + n
		mean[j] = int32(sum / (2 * n))
		if sum < 0 && sum%(2*n) != 0 {
			mean[j]--
		}
	}
	g.unit(dst, mean)
}

// unit writes x, brought to length one, to dst in the natural order of channels.
func (g *encoding) unit(dst, x []int32) {
	unit := make([]int32, len(x))
	Unit(unit, x)
	for i, natural := range g.model.Natural {
		dst[natural] = unit[i]
	}
}

// maxUnit is the most channels of a vector: the sum of their squares has 64 bits.
const maxUnit = 1 << 13

// Unit brings a vector of up to 2^13 channels, |x| ≤ 2^30, to length one in
// units of 2^-30:
//
//	h = bits(max|x|) - 25
//	y = x >> h, rounded down (x << -h where h is negative)
//	r = √Σy², a [kernel.Scale] of 32 bits from [kernel.Root]
//	dst = sign(y)·⌊|y|·2^30 / r + 1/2⌋
//
// A vector of zeros stays one.
func Unit(dst, x []int32) {
	var most uint32
	for _, v := range x {
		most = max(most, magnitude(v))
	}
	if most == 0 {
		clear(dst)
		return
	}
	h := bits.Len32(most) - 25
	var squares uint64
	for i, v := range x {
		if h > 0 {
			v >>= uint(h)
		} else {
			v <<= uint(-h)
		}
		dst[i] = v
		squares += uint64(int64(v) * int64(v))
	}
	root := kernel.Root(squares, 1, 0) // M·2^E, with E from -7 to 0
	for i, v := range dst {
		e := (uint64(magnitude(v))<<(30-root.E) + uint64(root.M)/2) / uint64(root.M)
		dst[i] = int32(e)
		if v < 0 {
			dst[i] = -dst[i]
		}
	}
}

func magnitude(v int32) uint32 {
	if v < 0 {
		return uint32(-v)
	}
	return uint32(v)
}
