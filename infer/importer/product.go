package importer

import (
	"runtime"
	"sync"
)

// product returns a·wᵀ, T×n, for T×k numbers a and n×k weights w. Every sum is
// added up in one order, whatever the number of processors.
func product(a, w []float32, n, k int) []float32 {
	rows := len(a) / k
	c := make([]float32, rows*n)
	share(n, func(from, to int) {
		j := from
		for ; j+1 < to; j += 2 {
			w0, w1 := w[j*k:][:k], w[(j+1)*k:][:k]
			i := 0
			for ; i+3 < rows; i += 4 {
				s := eight(a[i*k:][:k], a[(i+1)*k:][:k], a[(i+2)*k:][:k], a[(i+3)*k:][:k], w0, w1)
				for r := range 4 {
					c[(i+r)*n+j], c[(i+r)*n+j+1] = s[2*r], s[2*r+1]
				}
			}
			for ; i < rows; i++ {
				c[i*n+j], c[i*n+j+1] = dot(a[i*k:][:k], w0), dot(a[i*k:][:k], w1)
			}
		}
		for ; j < to; j++ {
			for i := range rows {
				c[i*n+j] = dot(a[i*k:][:k], w[j*k:][:k])
			}
		}
	})
	return c
}

// eight computes the products of four rows with two columns: each number that
// is loaded is used more than once.
func eight(a0, a1, a2, a3, w0, w1 []float32) [8]float32 {
	n := len(w0)
	a0, a1, a2, a3, w1 = a0[:n], a1[:n], a2[:n], a3[:n], w1[:n]
	var s00, s01, s10, s11, s20, s21, s30, s31 float32
	for l, u := range w0 {
		v := w1[l]
		x0, x1, x2, x3 := a0[l], a1[l], a2[l], a3[l]
		s00 += float32(x0 * u)
		s01 += float32(x0 * v)
		s10 += float32(x1 * u)
		s11 += float32(x1 * v)
		s20 += float32(x2 * u)
		s21 += float32(x2 * v)
		s30 += float32(x3 * u)
		s31 += float32(x3 * v)
	}
	return [8]float32{s00, s01, s10, s11, s20, s21, s30, s31}
}

func dot(a, w []float32) float32 {
	var s float32
	for l, u := range w {
		s += float32(a[l] * u)
	}
	return s
}

// share calls f for parts of the numbers below n, one on each processor. What f
// computes must not depend on where a part begins.
func share(n int, f func(from, to int)) {
	parts := min(n, runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for i := range parts {
		all.Go(func() { f(n*i/parts, n*(i+1)/parts) })
	}
	all.Wait()
}
