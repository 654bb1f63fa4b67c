//go:build !purego

package kernel

// What does many rows of attention at a time, where that is faster than one
// after the other: at 512 bits.

// softmaxRows does all rows or none.
func (l Level) softmaxRows(sums []int32, p []int16, s []int32, ld, n int, c uint32, shift uint) bool {
	if l != AVX512 || len(sums) == 0 || n <= 0 || BlockTokens(n) != ld {
		return false
	}
	p, s = p[:len(sums)*ld], s[:len(sums)*ld]
	softmaxRows512(&sums[0], &p[0], &s[0], uintptr(ld), uintptr(len(sums)), uintptr(n&^15), uint32(1)<<(n&15)-1, far(c, shift), c, uint64(shift))
	return true
}

// averageRows does all rows or none.
func (l Level) averageRows(dst []int32, ld int, x, sums []int32, n int) bool {
	m := len(sums)
	if l != AVX512 || m == 0 || n <= 0 || n%16 != 0 || ld < n {
		return false
	}
	dst, x = dst[:(m-1)*ld+n], x[:m*n]
	averageRows512(&dst[0], uintptr(ld), &x[0], &sums[0], uintptr(m), uintptr(n))
	return true
}
