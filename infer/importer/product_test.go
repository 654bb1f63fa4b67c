package importer

import (
	"math/rand/v2"
	"testing"
)

// floats returns n numbers around one.
func floats(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 0))
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

func TestProductIsTheSumOfProducts(t *testing.T) {
	for _, rows := range []int{1, 4, 7} {
		for _, n := range []int{1, 2, 9} {
			const k = 33
			a, w := floats(1, rows*k), floats(2, n*k)
			c := product(a, w, n, k)
			for i := range rows {
				for j := range n {
					want := 0.0
					for l := range k {
						want += float64(a[i*k+l]) * float64(w[j*k+l])
					}
					near(t, "product", float64(rows*100+n), float64(c[i*n+j]), want, 1e-5)
					if c[i*n+j] != dot(a[i*k:][:k], w[j*k:][:k]) {
						t.Errorf("%d×%d: element %d, %d depends on the others", rows, n, i, j)
					}
				}
			}
		}
	}
}

func BenchmarkProduct(b *testing.B) {
	a, w := floats(1, 256*384), floats(2, 384*384)
	for b.Loop() {
		product(a, w, 384, 384)
	}
	b.ReportMetric(256*384*384*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
}
