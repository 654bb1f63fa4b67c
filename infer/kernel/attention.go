package kernel

import (
	"math/bits"
	"slices"
)

// Attention works on 12-bit queries, keys and values (|x| ≤ 2047), so that no
// sum of products leaves 32 bits: a head has at most 512 channels (512·2047² <
// 2^31), and the weights of one row of attention add up to less than 2^20.
//
// Keys and values of one head of one sequence lie in two blocks that grow by
// appending:
//
//	keys    [tokens/16][channels/2][16][2]   16 tokens side by side
//	values  [tokens/2][channels][2]          two tokens side by side
//
// Channels are a multiple of 16, at most 512. Blocks have room for a multiple
// of 16 tokens, and what lies behind the last token is zero.

// BlockTokens returns how many tokens a block has room for that holds n.
func BlockTokens(n int) int { return (n + 15) &^ 15 }

// PutKey writes the key of token t into its block.
func PutKey(keys []int16, t int, key []int16) {
	n := len(key)
	base := t/16*16*n + t%16*2
	for i := 0; i < n; i += 2 {
		keys[base+i*16] = key[i]
		keys[base+i*16+1] = key[i+1]
	}
}

// PutValue writes the value of token t into its block.
func PutValue(values []int16, t int, value []int16) {
	base := t / 2 * 2 * len(value)
	for i, v := range value {
		values[base+2*i+t%2] = v
	}
}

// PutKeys writes the keys of the first tokens into a block and zeros behind
// them, up to BlockTokens(tokens). Rows of keys begin stride apart. It does what
// [PutKey] does for each.
func (l Level) PutKeys(keys, rows []int16, stride, channels, tokens int) {
	clear(keys[tokens/16*16*channels : BlockTokens(tokens)*channels])
	for t := l.putKeys(keys, rows, stride, channels, tokens); t < tokens; t++ {
		PutKey(keys, t, rows[t*stride:][:channels])
	}
}

// PutValues does the same for values, as [PutValue] does for each.
func (l Level) PutValues(values, rows []int16, stride, channels, tokens int) {
	clear(values[tokens/2*2*channels : BlockTokens(tokens)*channels])
	for t := l.putValues(values, rows, stride, channels, tokens); t < tokens; t++ {
		PutValue(values, t, rows[t*stride:][:channels])
	}
}

// Scores multiplies m queries of the given number of channels with the keys of
// the first tokens tokens: dst[i·ld+t] = Σ q[i·channels+j]·key_t[j], for t up to
// BlockTokens(tokens), which ld is at least. What lies behind tokens is
// whatever the block holds there.
func (l Level) Scores(dst []int32, ld int, q, keys []int16, m, channels, tokens int) {
	if !l.scores(dst, ld, q, keys, m, channels, tokens) {
		scores(dst, ld, q, keys, m, channels, tokens)
	}
}

func scores(dst []int32, ld int, q, keys []int16, m, channels, tokens int) {
	for i := range m {
		row := q[i*channels:][:channels]
		for t := range BlockTokens(tokens) {
			base := t/16*16*channels + t%16*2
			var sum int32
			for j := 0; j < channels; j += 2 {
				sum += int32(row[j])*int32(keys[base+j*16]) + int32(row[j+1])*int32(keys[base+j*16+1])
			}
			dst[i*ld+t] = sum
		}
	}
}

// Softmax turns the scores of one row, of which the first n count, into weights
// p and returns their sum:
//
//	z = ((max s - s)·c) >> shift                 in units of 2^-15
//	e = 2^-z in units of 2^-15, zero from 2^-16 on
//	j = max(0, bits(Σe) - 19)
//	p = (e + 2^j/2) >> j
//
// c and shift hold what a score is worth in powers of two. p is zero behind n;
// s is as long as p, and n at least 1. The sum is at least 32767 and, for up to
// 2^16 tokens, below 2^20: up to 2^19 nothing is rounded, and from there on
// rounding takes or adds no more than 2^-3 of it.
func (l Level) Softmax(p []int16, s []int32, n int, c uint32, shift uint) int32 {
	s = s[:len(p)]
	clear(p[n:])
	if sum, done := l.softmax(p, s, n, c, shift); done {
		return sum
	}
	total := powers(p[:n], s, c, shift)
	if j := bits.Len32(total) - 19; j > 0 {
		return halve(p[:n], uint(j))
	}
	return int32(total)
}

// SoftmaxRows is [Level.Softmax] of rows of ld scores, as many as there are sums,
// of each of which the first n count.
func (l Level) SoftmaxRows(sums []int32, p []int16, s []int32, ld, n int, c uint32, shift uint) {
	if l.softmaxRows(sums, p, s, ld, n, c, shift) {
		return
	}
	for i := range sums {
		sums[i] = l.Softmax(p[i*ld:][:ld], s[i*ld:][:ld], n, c, shift)
	}
}

// powers turns the scores of p into e and returns their sum.
func powers(p []int16, s []int32, c uint32, shift uint) (total uint32) {
	most := slices.Max(s[:len(p)])
	for i := range p {
		e := exp2(uint64(uint32(most-s[i])) * uint64(c) >> shift)
		p[i] = int16(e)
		total += e
	}
	return total
}

// halve shifts weights right by j and returns their sum.
func halve(p []int16, j uint) (sum int32) {
	for i := range p {
		p[i] = int16((int32(p[i]) + 1<<j>>1) >> j)
		sum += int32(p[i])
	}
	return sum
}

// Coefficients of 2^-f = c0 - f·(c1 - f·(c2 - f·c3)) for f from 0 to 1, in units of 2^-15.
const (
	exp0  = 32767
	exp1  = 22683
	exp2c = 7646
	exp3  = 1347
)

// exp2 returns 2^-z in units of 2^-15, z in the same units, rounded, and zero
// from z = 16 on.
func exp2(z uint64) uint32 {
	n := z >> 15
	if n >= 16 {
		return 0
	}
	f := uint32(z & 32767)
	v := exp0 - f*(exp1-f*(exp2c-f*exp3>>15)>>15)>>15
	return (v + 1<<n>>1) >> n
}

// Mix adds up values by weight: dst[i·channels+j] = Σ p[i·ld+t]·value_t[j] over
// tokens rounded up to two; weights behind the last token are zero.
func (l Level) Mix(dst []int32, p []int16, ld int, values []int16, m, channels, tokens int) {
	if !l.mix(dst, p, ld, values, m, channels, tokens) {
		mix(dst, p, ld, values, m, channels, tokens)
	}
}

func mix(dst []int32, p []int16, ld int, values []int16, m, channels, tokens int) {
	for i := range m {
		row := dst[i*channels:][:channels]
		clear(row)
		for t := range (tokens + 1) &^ 1 {
			w := int32(p[i*ld+t])
			if w == 0 {
				continue
			}
			base := t/2*2*channels + t%2
			for j := range row {
				row[j] += w * int32(values[base+2*j])
			}
		}
	}
}

// Average divides mixed values by the sum of their weights, from [Level.Softmax],
// and gains 8 bits: dst = (x·r + 2^36) >> 37 with r = 2^45 / sum, rounded down.
func (l Level) Average(dst, x []int32, sum int32) {
	l.Times(dst, x, int32(1<<45/int64(sum)), 37)
}

// AverageRows is [Level.Average] of rows of n numbers that lie side by side in x,
// as many as there are sums, to rows that begin ld numbers apart.
func (l Level) AverageRows(dst []int32, ld int, x, sums []int32, n int) {
	if l.averageRows(dst, ld, x, sums, n) {
		return
	}
	for i, sum := range sums {
		l.Average(dst[i*ld:][:n], x[i*n:][:n], sum)
	}
}
