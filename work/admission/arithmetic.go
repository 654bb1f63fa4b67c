package admission

import "math/bits"

const prime = 1<<31 - 1

// rankOf returns the rank modulo 2³¹-1 of a matrix of rows×columns weights,
// whose rows are stride apart: the rank over the rationals or, hardly ever,
// less.
func rankOf(w []int8, stride, rows, columns int) int {
	var m [64][64]uint32
	for i := range rows {
		for j := range columns {
			v := int32(w[i*stride+j])
			if v < 0 {
				v += prime
			}
			m[i][j] = uint32(v)
		}
	}
	rank := 0
	for j := 0; j < columns && rank < rows; j++ {
		pivot := rank
		for pivot < rows && m[pivot][j] == 0 {
			pivot++
		}
		if pivot == rows {
			continue
		}
		m[rank], m[pivot] = m[pivot], m[rank]
		inverse := power(m[rank][j], prime-2)
		top := m[rank][j+1 : columns]
		for i := rank + 1; i < rows; i++ {
			if m[i][j] == 0 {
				continue
			}
			// row i += f · top row makes its element in column j zero.
			f := uint64(prime - multiply(m[i][j], inverse))
			row := m[i][j+1 : columns][:len(top)]
			for l, v := range top {
				row[l] = reduce(f*uint64(v) + uint64(row[l]))
			}
		}
		rank++
	}
	return rank
}

// reduce returns v modulo 2³¹-1, for v below 2⁶².
func reduce(v uint64) uint32 {
	v = v>>31 + v&prime
	v = v>>31 + v&prime
	if v >= prime {
		v -= prime
	}
	return uint32(v)
}

func multiply(a, b uint32) uint32 { return reduce(uint64(a) * uint64(b)) }

func power(b uint32, e int) uint32 {
	p := uint32(1)
	for ; e > 0; e >>= 1 {
		if e&1 != 0 {
			p = multiply(p, b)
		}
		b = multiply(b, b)
	}
	return p
}

// entropy returns the order-0 entropy of weights in units of 2^-8 bit, rounded
// down: log2(N) - Σ c·log2(c)/N for the counts c of the values, with logarithms
// in units of 2^-16, those of the sum rounded up.
func entropy(w []int8) int {
	var counts [256]uint64
	for _, v := range w {
		counts[uint8(v)]++
	}
	sum := uint64(0)
	for _, c := range counts {
		if c > 1 {
			sum += c * (logarithm(c) + 1)
		}
	}
	n := uint64(len(w))
	mean := (sum + n - 1) / n
	return int(max(int64(logarithm(n))-int64(mean), 0) >> 8)
}

// logarithm returns log2(v) in units of 2^-16, rounded down, for v from 1 to
// 2³²: the whole part, then a bit for each squaring.
func logarithm(v uint64) uint64 {
	whole := uint64(bits.Len64(v) - 1)
	x := v << (31 - min(whole, 31)) >> (whole - min(whole, 31)) // from 2^31 to below 2^32
	result := whole
	for range 16 {
		x = x * x >> 31
		result <<= 1
		if x >= 1<<32 {
			x >>= 1
			result |= 1
		}
	}
	return result
}
