package kernel

import "math/bits"

// Limit is the largest magnitude of the fixed-point numbers between two
// operations. Two of them can be added without overflow.
const Limit = 1<<30 - 1

// The slices of one call have at least the length of dst, unless said
// otherwise; dst may be x. Functions of this file are safe for concurrent use on
// different rows and allocate nothing. The methods do what vectors can do first,
// and what is left in plain Go; the level must be one that can run here.

// Rescale turns accumulators into fixed-point numbers:
//
//	up = max(0, 33 - shift), s = max(33, shift)
//	y = x within ±(2^28 >> up), then << up
//	u = (y·c + 2^27) >> 28
//	dst = ((u·m + 2^(s-1)) >> s) + bias
//
// c holds the factor of each channel, |c| < 2^31, m and shift that of the row,
// from [Scale.Factor]; a nil bias is zero. With |bias| < 2^29, |dst| ≤ Limit
// whatever x is: a sum that a large factor would take further is cut before it
// is multiplied. Short of that the factor of a row may be 2^26.
func (l Level) Rescale(dst, x, c, bias []int32, m int32, shift uint) {
	n := l.rescale(dst, x[:len(dst)], c[:len(dst)], bias, m, shift)
	if n < len(dst) {
		rescale(dst[n:], x[n:], c[n:], behind(bias, n), m, shift)
	}
}

// behind is what lies behind the first n elements of a slice that may be nil.
func behind(x []int32, n int) []int32 {
	if x == nil {
		return nil
	}
	return x[n:]
}

func rescale(dst, x, c, bias []int32, m int32, shift uint) {
	f := newFactor(m, shift)
	for i := range dst {
		v := f.times(x[i], c[i])
		if bias != nil {
			v += bias[i]
		}
		dst[i] = v
	}
}

// factor is the factor of a row, split into what x is shifted by to the left
// and what the product is shifted by to the right.
type factor struct {
	m         int32
	most      int32
	up, shift uint
}

func newFactor(m int32, shift uint) factor {
	f := factor{m: m, shift: max(fullShift, shift)}
	f.up = f.shift - shift
	f.most = 1 << 28 >> f.up
	return f
}

func (f factor) times(x, c int32) int32 {
	y := min(max(x, -f.most), f.most) << f.up
	u := (int64(y)*int64(c) + 1<<27) >> 28
	return int32((u*int64(f.m) + 1<<(f.shift-1)) >> f.shift)
}

// RescaleAdd is [Level.Rescale] added to dst, which is and stays within ±Limit:
// the way back into the residual stream. dst is not x.
func (l Level) RescaleAdd(dst, x, c, bias []int32, m int32, shift uint) {
	n := l.rescaleAdd(dst, x[:len(dst)], c[:len(dst)], bias, m, shift)
	if n < len(dst) {
		rescaleAdd(dst[n:], x[n:], c[n:], behind(bias, n), m, shift)
	}
}

func rescaleAdd(dst, x, c, bias []int32, m int32, shift uint) {
	f := newFactor(m, shift)
	for i := range dst {
		v := f.times(x[i], c[i])
		if bias != nil {
			v += bias[i]
		}
		dst[i] = clamp(dst[i] + v)
	}
}

func clamp(v int32) int32 { return min(max(v, -Limit), Limit) }

// Times returns dst = (x·m + 2^(shift-1)) >> shift, for shift from 1 to 62 and
// results that fit.
func (l Level) Times(dst, x []int32, m int32, shift uint) {
	n := l.times(dst, x[:len(dst)], m, shift)
	if n < len(dst) {
		times(dst[n:], x[n:], m, shift)
	}
}

func times(dst, x []int32, m int32, shift uint) {
	for i := range dst {
		dst[i] = int32((int64(x[i])*int64(m) + 1<<(shift-1)) >> shift)
	}
}

// LookUp turns a row of an embedding table into fixed-point numbers: dst =
// (row·scale + 2^(shift-1)) >> shift, for shift from 1 to 62 and results that
// fit.
func (l Level) LookUp(dst []int32, row []int8, scale int32, shift uint) {
	n := l.lookUp(dst, row[:len(dst)], scale, shift)
	lookUp(dst[n:], row[n:], scale, shift)
}

func lookUp(dst []int32, row []int8, scale int32, shift uint) {
	half := int64(1) << shift >> 1
	for i := range dst {
		dst[i] = int32((int64(row[i])*int64(scale) + half) >> shift)
	}
}

// Quantise turns a row of fixed-point numbers (|x| ≤ Limit) into the bytes of a
// product, a+128 with |a| ≤ limit ≤ 127, and returns the scale S of the row:
//
//	t = (x·d + 2^29) >> 30        (t = x where d is nil)
//	h = max(0, bits(max|t|) - 15)
//	inv = (limit << 16) / (max|t| >> h)
//	a = ((t >> h)·inv + 2^15) >> 16
//	S = 2^(16+h) / inv             so that a·S is about t
//
// d holds a factor for each channel, |d| ≤ 2^30. A row of zeros has scale zero.
func (l Level) Quantise(dst []uint8, x, d []int32, limit int32) Scale {
	x = x[:len(dst)]
	if most, done := l.quantiseRow(dst, x, d, limit); done {
		return quantiserScale(quantiser(most, limit))
	}
	n, most := l.largest(x, d)
	most = max(most, largest(x[n:], behind(d, n)))
	inv, h := quantiser(most, limit)
	n = l.quantise(dst, x, d, inv, h)
	quantise(dst[n:], x[n:], behind(d, n), inv, h)
	return quantiserScale(inv, h)
}

// largest returns the largest magnitude of t.
func largest(x, d []int32) uint32 {
	var most uint32
	for i := range x {
		most = max(most, magnitude(times30(x, d, i)))
	}
	return most
}

// times30 is t of [Level.Quantise].
func times30(x, d []int32, i int) int32 {
	if d == nil {
		return x[i]
	}
	return int32((int64(x[i])*int64(d[i]) + 1<<29) >> 30)
}

func quantise(dst []uint8, x, d []int32, inv int32, h uint) {
	for i := range dst {
		dst[i] = uint8(128 + ((times30(x, d, i)>>h)*inv+1<<15)>>16)
	}
}

// quantiser returns what a row with the given greatest magnitude is multiplied
// by after it was shifted.
func quantiser(most uint32, limit int32) (inv int32, h uint) {
	if most == 0 {
		return 0, 0
	}
	h = uint(max(0, bits.Len32(most)-15))
	return (limit << 16) / int32(most>>h), h
}

func quantiserScale(inv int32, h uint) Scale {
	if inv == 0 {
		return Scale{}
	}
	return NewScale(1, 16+int(h)).Div(NewScale(uint64(inv), 0))
}

func magnitude(v int32) uint32 {
	if v < 0 {
		return uint32(-v)
	}
	return uint32(v)
}

// Centre subtracts the mean, (Σx + n/2) / n with both quotients rounded down,
// and stays within ±Limit, as x is.
func (l Level) Centre(dst, x []int32) {
	x = x[:len(dst)]
	if len(x) == 0 {
		return
	}
	n, sum := l.total(x)
	for _, v := range x[n:] {
		sum += int64(v)
	}
	mean := mean(sum, int64(len(x)))
	n = l.centre(dst, x, mean)
	centre(dst[n:], x[n:], mean)
}

// mean returns a sum, over n to the nearest whole number.
func mean(sum, n int64) int32 {
	sum += n / 2
	q := sum / n
	if sum%n < 0 {
		q--
	}
	return int32(q)
}

func centre(dst, x []int32, mean int32) {
	for i := range dst {
		dst[i] = clamp(x[i] - mean)
	}
}

// Squares returns the shift that brings every magnitude below 2^24 and the sum
// of the squares of the shifted values, for up to 2^15 of them.
func (l Level) Squares(x []int32) (sum uint64, shift uint) {
	n, most := l.largest(x, nil)
	most = max(most, largest(x[n:], nil))
	shift = uint(max(0, bits.Len32(most)-24))
	n, sum = l.squares(x, shift)
	return sum + squares(x[n:], shift), shift
}

func squares(x []int32, shift uint) (sum uint64) {
	for _, v := range x {
		s := int64(v >> shift)
		sum += uint64(s * s)
	}
	return sum
}

// ShiftRight returns dst = x >> shift, rounded down, for shift up to 31.
func (l Level) ShiftRight(dst, x []int32, shift uint) {
	n := l.shiftRight(dst, x[:len(dst)], shift)
	shiftRight(dst[n:], x[n:], shift)
}

func shiftRight(dst, x []int32, shift uint) {
	for i := range dst {
		dst[i] = x[i] >> shift
	}
}

// Narrow returns dst = (x + 8) >> 4 within ±2047: the 12 bits of what attention
// multiplies. It needs |x| ≤ Limit.
func (l Level) Narrow(dst []int16, x []int32) {
	n := l.narrow(dst, x[:len(dst)])
	narrow(dst[n:], x[n:])
}

func narrow(dst []int16, x []int32) {
	for i := range dst {
		dst[i] = int16(min(max((x[i]+8)>>4, -Narrowest), Narrowest))
	}
}

// Narrowest is the largest magnitude of a query, a key or a value.
const Narrowest = 2047

// Rotate applies rotary position embedding to one head in place: the pairs are
// (x[i], x[i+n/2]); cos and sin hold n/2 values in units of 2^-14. Inputs are
// first brought within ±32767, so that no table can make a sum overflow.
func (l Level) Rotate(x []int32, cos, sin []int16) {
	half := len(x) / 2
	x, y := x[:half:half], x[half:2*half]
	cos, sin = cos[:half], sin[:half]
	n := l.rotate(x, y, cos, sin)
	rotate(x[n:], y[n:], cos[n:], sin[n:])
}

func rotate(x, y []int32, cos, sin []int16) {
	for i := range x {
		a := min(max(x[i], -32767), 32767)
		b := min(max(y[i], -32767), 32767)
		c, s := int32(cos[i]), int32(sin[i])
		x[i] = (a*c - b*s + 1<<13) >> 14
		y[i] = (b*c + a*s + 1<<13) >> 14
	}
}

// GELU returns dst = x·Φ(x), both in units of 2^-16, |x| ≤ Limit. It is
// max(x, 0) - δ(|x|), with δ(u) = u·(1 - Φ(u)) from 64 parabolas of width 1/8.
func (l Level) GELU(dst, x []int32) {
	n := l.gelu(dst, x[:len(dst)])
	gelu(dst[n:], x[n:])
}

func gelu(dst, x []int32) {
	for i := range dst {
		dst[i] = bend(x[i], &geluBend, geluWidth, geluDown)
	}
}

// Gate returns dst = SiLU(g)·u, all in units of 2^-16 and within ±Limit:
// SiLU(x) = x/(1+e^-x) = max(x, 0) - η(|x|), with η(u) = u/(1+e^u) from 64
// parabolas of width 1/4.
func (l Level) Gate(dst, g, u []int32) {
	n := l.gate(dst, g[:len(dst)], u[:len(dst)])
	gate(dst[n:], g[n:], u[n:])
}

func gate(dst, g, u []int32) {
	for i := range dst {
		v := (int64(bend(g[i], &siluBend, siluWidth, siluDown))*int64(u[i]) + 1<<15) >> 16
		dst[i] = int32(min(max(v, -Limit), Limit))
	}
}

// bends are the coefficients of 64 parabolas over a segment's own length. All,
// and what comes of them on the way, fit 16 bits: twice those of the second
// power, twice a slope, and the values without a sign.
type bends struct {
	c0, c1, c2 [64]int32
}

// The widths and the units of the two tables.
const (
	geluWidth, geluDown = 13, 2
	siluWidth, siluDown = 14, 1
)

// bend returns max(x, 0) less the function of |x| that b holds, whose segments
// are 2^width wide and whose units are 2^-(16+down). The last segment is zero
// and goes on for ever.
func bend(x int32, b *bends, width, down uint) int32 {
	u := int32(magnitude(x))
	i := min(u>>width, 63)
	f := u & (1<<width - 1)
	h := b.c1[i] + (b.c2[i]*f)>>width
	d := b.c0[i] + (h*f)>>width
	return max(x, 0) - (d+1<<down>>1)>>down
}
