//go:build !purego

package kernel

import "unsafe"

//go:generate go run -C _asm ./element -level avx512 -pkg kernel -out ../element_avx512_amd64.s -stubs ../element_avx512_amd64.go
//go:generate go run -C _asm ./element -level avx2 -pkg kernel -out ../element_avx2_amd64.s -stubs ../element_avx2_amd64.go

// The vectors take whole groups of 16 numbers. Each function here returns how
// many of its row they did: those groups, or none at a level without vectors.
// Lengths were looked at by who calls.

// groups is how many numbers lie in whole groups of so many, 0 at a level
// without vectors.
func (l Level) groups(n, group int) int {
	if l == Go {
		return 0
	}
	return n - n%group
}

func (l Level) rescale(dst, x, c, bias []int32, m int32, shift uint) int {
	n := l.groups(len(dst), 16)
	if n == 0 {
		return 0
	}
	f, b := newFactor(m, shift), first(bias, n)
	switch l {
	case AVX512:
		rescale512(&dst[0], &x[0], &c[0], b, uintptr(n), f.most, f.m, f.round(), f.down(), f.half(), f.high())
	case AVX2, AVXVNNI:
		rescale256(&dst[0], &x[0], &c[0], b, uintptr(n), f.most, f.m, f.round(), f.down(), f.half(), f.high())
	}
	return n
}

func (l Level) rescaleAdd(dst, x, c, bias []int32, m int32, shift uint) int {
	n := l.groups(len(dst), 16)
	if n == 0 {
		return 0
	}
	f, b := newFactor(m, shift), first(bias, n)
	switch l {
	case AVX512:
		rescaleAdd512(&dst[0], &x[0], &c[0], b, uintptr(n), f.most, f.m, f.round(), f.down(), f.half(), f.high())
	case AVX2, AVXVNNI:
		rescaleAdd256(&dst[0], &x[0], &c[0], b, uintptr(n), f.most, f.m, f.round(), f.down(), f.half(), f.high())
	}
	return n
}

// first points to the first of at least n numbers, or nowhere for a nil slice.
func first(x []int32, n int) *int32 {
	if x == nil {
		return nil
	}
	return unsafe.SliceData(x[:n])
}

// round and down are what the first product, of a number that was not shifted
// up, is rounded with and shifted by: (y<<up·c + 2^27) >> 28.
func (f factor) round() uint64 { return 1 << 27 >> f.up }

func (f factor) down() uint64 { return uint64(28 - f.up) }

// high is what the high half of a product is shifted by, half what rounds it.
func (f factor) high() uint64 { return uint64(f.shift - 32) }

func (f factor) half() int32 { return 1 << (f.shift - 33) }

func (l Level) times(dst, x []int32, m int32, shift uint) int {
	n := l.groups(len(dst), 16)
	f := factor{m: m, shift: shift}
	switch {
	case shift < fullShift:
		return 0
	case n == 0:
	case l == AVX512:
		times512(&dst[0], &x[0], uintptr(n), m, f.half(), f.high())
	default:
		times256(&dst[0], &x[0], uintptr(n), m, f.half(), f.high())
	}
	return n
}

func (l Level) lookUp(dst []int32, row []int8, scale int32, shift uint) int {
	n := l.groups(len(dst), 16)
	switch {
	case shift >= fullShift:
		return 0
	case n == 0:
	case l == AVX512:
		lookUp512(&dst[0], &row[0], uintptr(n), scale, 1<<shift>>1, uint64(shift))
	default:
		lookUp256(&dst[0], &row[0], uintptr(n), scale, 1<<shift>>1, uint64(shift))
	}
	return n
}

func (l Level) largest(x, d []int32) (n int, most uint32) {
	n = l.groups(len(x), 16)
	switch {
	case n == 0:
	case l == AVX512 && d == nil:
		most = largest512(&x[0], uintptr(n))
	case l == AVX512:
		most = largestTimes512(&x[0], first(d, n), uintptr(n))
	case d == nil:
		most = largest256(&x[0], uintptr(n))
	default:
		most = largestTimes256(&x[0], first(d, n), uintptr(n))
	}
	return n, most
}

func (l Level) quantise(dst []uint8, x, d []int32, inv int32, h uint) int {
	n := l.groups(len(x), 16)
	switch {
	case n == 0:
	case l == AVX512 && d == nil:
		quantise512(&dst[0], &x[0], uintptr(n), uint64(h), inv)
	case l == AVX512:
		quantiseTimes512(&dst[0], &x[0], first(d, n), uintptr(n), uint64(h), inv)
	case d == nil:
		quantise256(&dst[0], &x[0], uintptr(n), uint64(h), inv)
	default:
		quantiseTimes256(&dst[0], &x[0], first(d, n), uintptr(n), uint64(h), inv)
	}
	return n
}

// quantiseRow does a whole row in one, if it can, and returns the largest
// magnitude.
func (l Level) quantiseRow(dst []uint8, x, d []int32, limit int32) (most uint32, done bool) {
	const mostKept = 2048 // of _asm/element
	n := len(dst)
	if n == 0 || n > mostKept || n%16 != 0 || d == nil {
		return 0, false
	}
	switch l {
	case AVX512:
		return quantiseRow512(&dst[0], &x[0], first(d, n), uintptr(n), uint32(limit)), true
	case AVX2, AVXVNNI:
		return quantiseRow256(&dst[0], &x[0], first(d, n), uintptr(n), uint32(limit)), true
	}
	return 0, false
}

func (l Level) total(x []int32) (n int, sum int64) {
	n = l.groups(len(x), 16)
	switch {
	case n == 0:
	case l == AVX512:
		sum = total512(&x[0], uintptr(n))
	default:
		sum = total256(&x[0], uintptr(n))
	}
	return n, sum
}

func (l Level) centre(dst, x []int32, mean int32) int {
	n := l.groups(len(dst), 16)
	switch {
	case n == 0:
	case l == AVX512:
		centre512(&dst[0], &x[0], uintptr(n), mean)
	default:
		centre256(&dst[0], &x[0], uintptr(n), mean)
	}
	return n
}

func (l Level) squares(x []int32, shift uint) (n int, sum uint64) {
	n = l.groups(len(x), 16)
	switch {
	case n == 0:
	case l == AVX512:
		sum = squares512(&x[0], uintptr(n), uint64(shift))
	default:
		sum = squares256(&x[0], uintptr(n), uint64(shift))
	}
	return n, sum
}

func (l Level) shiftRight(dst, x []int32, shift uint) int {
	n := l.groups(len(dst), 16)
	switch {
	case n == 0:
	case l == AVX512:
		shiftRight512(&dst[0], &x[0], uintptr(n), uint64(shift))
	default:
		shiftRight256(&dst[0], &x[0], uintptr(n), uint64(shift))
	}
	return n
}

func (l Level) narrow(dst []int16, x []int32) int {
	n := l.groups(len(dst), 16)
	switch {
	case n == 0:
	case l == AVX512:
		narrow512(&dst[0], &x[0], uintptr(n))
	default:
		narrow256(&dst[0], &x[0], uintptr(n))
	}
	return n
}

func (l Level) rotate(x, y []int32, cos, sin []int16) int {
	n := l.groups(len(x), 8)
	if n > 0 {
		rotate256(&x[0], &y[0], &cos[0], &sin[0], uintptr(n))
	}
	return n
}

// The bends work on 32 numbers at a time at 512 bits.

func (l Level) gelu(dst, x []int32) (n int) {
	switch l {
	case AVX512:
		if n = l.groups(len(dst), 32); n > 0 {
			gelu512(&dst[0], &x[0], uintptr(n), &geluBend.c0[0])
		}
	case AVX2, AVXVNNI:
		if n = l.groups(len(dst), 16); n > 0 {
			gelu256(&dst[0], &x[0], uintptr(n), &geluBend.c0[0])
		}
	}
	return n
}

func (l Level) gate(dst, g, u []int32) (n int) {
	switch l {
	case AVX512:
		if n = l.groups(len(dst), 32); n > 0 {
			gate512(&dst[0], &g[0], &u[0], uintptr(n), &siluBend.c0[0])
		}
	case AVX2, AVXVNNI:
		if n = l.groups(len(dst), 16); n > 0 {
			gate256(&dst[0], &g[0], &u[0], uintptr(n), &siluBend.c0[0])
		}
	}
	return n
}
