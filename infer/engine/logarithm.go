package engine

import "math/bits"

// weightBits are the fraction bits of weights: the weights of 2^20 tokens have a
// sum below 2^63.
const weightBits = 42

// Weight returns e^(-d/T) in units of 2^-42, for d below 2^31 and a temperature
// T above zero, both in units of 2^-16:
//
//	z = ⌊d·6196328019 / T⌋                log2(e)·d/T in units of 2^-32
//	n = ⌊z / 2^32⌋,  i = ⌊z / 2^26⌋ mod 64,  f = z mod 2^26
//	p = c[5];  p = c[j] - ⌊p·f / 2^32⌋  for j from 4 to 0
//	w = ⌊⌊p·e[i] / 2^64⌋ / 2^(18+n)⌋,  zero where n > 42
//
// with c[j] = ⌊2^62·ln(2)^j / j!⌋ and e[i] = ⌊2^(62-i/64)⌋. It is exact to 2^-42
// and one part in 2^26.
func Weight(d, temperature uint32) uint64 {
	z := uint64(d) * log2e / uint64(temperature)
	n, f := z>>32, z<<38>>6
	if n > weightBits {
		return 0
	}
	p := series[5]
	for j := 4; j >= 0; j-- {
		h, _ := bits.Mul64(p, f)
		p = series[j] - h
	}
	p, _ = bits.Mul64(p, parts[z>>26&63])
	return p >> (60 - weightBits + n)
}

const (
	log2e = 6196328019 // 2^32·log2(e), rounded
	ln2   = 2977044472 // 2^32·ln(2), rounded
)

// series are ⌊2^62·ln(2)^j / j!⌋.
var series = [6]uint64{
	4611686018427387904,
	3196577161300663914,
	1107849223398934356,
	255967521894832113,
	44355791529079737,
	6149018367977265,
}

// parts are ⌊2^(62-i/64)⌋.
var parts = [64]uint64{
	4611686018427387904, 4562008997483360349, 4512867096753504462, 4464254551929933550,
	4416165660797809419, 4368594782566476878, 4321536337207803250, 4274984804801645281,
	4228934724888366667, 4183380695828330266, 4138317374168289834, 4093739474014606996,
	4049641766413219908, 4006019078736290888, 3962866294075461077, 3920178350641640941,
	3877950241171266237, 3836177012338949767, 3794853764176460054, 3753975649497958757,
	3713537873331429432, 3673535692356230935, 3633964414346709480, 3594819397621804119,
	3556096050500581047, 3517789830763632897, 3479896245120279829, 3442410848681509920,
	3405329244438597039, 3368647082747335038, 3332360060817827770, 3296463922209775076,
	3260954456333195553, 3225827497954527522, 3191078926708050275, 3156704666612568285,
	3122700685593301681, 3089062995008926925, 3055787649183712190, 3022870744944692570,
	2990308421163830842, 2958096858305110055, 2926232277976504838, 2894710942486778864,
	2863529154407056491, 2832683256137117140, 2802169629476361550, 2771984695199399577,
	2742124912636209755, 2712586779256821376, 2683366830260470360, 2654461638169180746,
	2625867812425724109, 2597581998995909751, 2569600879975159024, 2541921173199317625,
	2514539631859660217, 2487453044122042214, 2460658232750154057, 2434152054732833796,
	2407931400915394245, 2381993195634921489, 2356334396359501941, 2330951993331335644,
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

// logarithm is that of the probability of a token, which no 32 bits hold where
// logits are as far apart as they can be: it is not below -2^31.
func logarithm(logit, sum int32) int32 {
	return int32(max(int64(logit)-int64(sum), -1<<31))
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
