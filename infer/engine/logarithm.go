package engine

import "math/bits"

// weightBits are the fraction bits of weights: the weights of 2^20 tokens have a
// sum below 2^63.
const weightBits = 42

// Weight returns e^(-d/T) in units of 2^-42, for d below 2^31 and a temperature
// T above zero, both in units of 2^-16:
//
//	z = ⌊d·6196328019 / T⌋                        log2(e)·d/T in units of 2^-32
//	p = c[14];  p = c[i] - ⌊p·(z mod 2^32) / 2^32⌋  for i from 13 to 0
//	w = ⌊p / 2^(20 + ⌊z/2^32⌋)⌋,  zero where ⌊z/2^32⌋ > 42
//
// with c[i] = ⌊2^62·ln(2)^i / i!⌋. It is exact to 2^-42 and one part in 2^26.
func Weight(d, temperature uint32) uint64 {
	z := uint64(d) * log2e / uint64(temperature)
	n, f := z>>32, z<<32
	if n > weightBits {
		return 0
	}
	p := uint64(powers[14])
	for i := 13; i >= 0; i-- {
		h, _ := bits.Mul64(p, f)
		p = powers[i] - h
	}
	return p >> (62 - weightBits + n)
}

const (
	log2e = 6196328019 // 2^32·log2(e), rounded
	ln2   = 2977044472 // 2^32·ln(2), rounded
)

// powers are ⌊2^62·ln(2)^i / i!⌋.
var powers = [15]uint64{
	4611686018427387904,
	3196577161300663914,
	1107849223398934356,
	255967521894832113,
	44355791529079737,
	6149018367977265,
	710362457495792,
	70340819226977,
	6094567565682,
	469381369431,
	32535037282,
	2050142669,
	118420884,
	6314084,
	312613,
}

// LogSum returns ln Σ e^l of logits in units of 2^-16, in the same units: the
// natural logarithm of a token's probability is its logit less this. With M the
// largest logit:
//
//	S = Σ [Weight](M - l, 2^16)
//	b = ⌊2^26·log2(S)⌋, digit by digit: see log2
//	M + ⌊((b - 42·2^26)·2977044472 + 2^41) / 2^42⌋
//
// It is exact to less than one unit.
func LogSum(logits []int32) int32 {
	most := logits[Likeliest(logits)]
	var sum uint64
	for _, l := range logits {
		sum += Weight(uint32(most-l), one)
	}
	b := log2(sum) - weightBits<<26
	return most + int32((b*ln2+1<<41)>>42)
}

// log2 returns the logarithm of v in units of 2^-26: of the number x from 1 to
// 2 that v is a power of two away from, 26 times the square, whose second power
// of two is the next digit. Squares are cut to 63 fraction bits.
func log2(v uint64) uint64 {
	n := bits.Len64(v) - 1
	x := v << (63 - n) // in units of 2^-63
	b := uint64(n)
	for range 26 {
		h, l := bits.Mul64(x, x) // in units of 2^-62 beyond h
		b <<= 1
		if h>>63 == 1 {
			b |= 1
			x = h
		} else {
			x = h<<1 | l>>63
		}
	}
	return b
}
