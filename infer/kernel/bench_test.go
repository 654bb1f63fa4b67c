package kernel_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hearth/infer/kernel"
)

// median runs f again and again and returns the median time of a run: on a
// machine that does other things too, the mean says little.
func median(b *testing.B, f func()) time.Duration {
	f()
	var times []time.Duration
	for b.Loop() {
		start := time.Now()
		f()
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	return times[len(times)/2]
}

func gops(operations int64, d time.Duration) float64 { return float64(operations) / float64(d) }

// peakOf measures the processor's own peak for a moment.
func peakOf(level kernel.Level) float64 {
	turns := 1
	for {
		start := time.Now()
		operations := kernel.Peak(level, turns)
		if d := time.Since(start); d > 500*time.Microsecond {
			best := gops(operations, d)
			for range 20 {
				start := time.Now()
				operations := kernel.Peak(level, turns)
				best = max(best, gops(operations, time.Since(start)))
			}
			return best
		}
		turns *= 2
	}
}

// Rows, columns and length: of an encoder's layers and of decoders'.
var shapes = [][3]int{
	{64, 384, 384},
	{128, 1536, 384},
	{128, 384, 1536},
	{64, 768, 768},
	{64, 1024, 1024},
	{64, 2048, 2048},
	{64, 4096, 4096},
	{512, 2048, 2048},
	{128, 4096, 4096},
	{32, 2048, 2048},
	{16, 2048, 2048},
	{16, 1024, 1024},
	{12, 1024, 1024},
	{8, 2048, 2048},
	{8, 1024, 1024},
	{4, 1024, 1024},
	{2, 1024, 1024},
	{1, 1024, 1024},
	{1, 4096, 4096},
	{1, 16384, 4096},
}

// BenchmarkProduct compares the products with the peak of the processor.
func BenchmarkProduct(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, level := range kernel.Levels() {
		for _, s := range shapes {
			m, n, k := s[0], s[1], s[2]
			if level == kernel.Go && m*n*k > 64*1024*1024 {
				continue
			}
			b.Run(fmt.Sprintf("%v/%dx%dx%d", level, m, n, k), func(b *testing.B) {
				x := pack(b, level, weights(rng, n*k, false), n, k)
				a, c := activations(rng, m, k, false), make([]int32, m*n)
				peak := peakOf(level)
				d := median(b, func() { x.Multiply(c, a, m, nil) })
				speed := gops(2*int64(m)*int64(n)*int64(k), d)
				b.ReportMetric(speed, "GOPS")
				b.ReportMetric(100*speed/max(peak, peakOf(level)), "%peak")
				b.ReportMetric(float64(n*k)/float64(d), "GB/s")
			})
		}
	}
}

// BenchmarkRead is what memory gives at most.
func BenchmarkRead(b *testing.B) {
	p := make([]uint8, 128<<20)
	for i := range p {
		p[i] = uint8(i)
	}
	for _, level := range kernel.Levels() {
		for _, size := range []int{16 << 10, 512 << 10, 8 << 20, 128 << 20} {
			b.Run(fmt.Sprintf("%v/%dKiB", level, size>>10), func(b *testing.B) {
				d := median(b, func() { kernel.Read(level, p[:size]) })
				b.ReportMetric(float64(size)/float64(d), "GB/s")
			})
		}
	}
}

// BenchmarkTicketed compares products with tickets to plain ones, in turn. The
// overhead has the noise in it, but not the hashes.
func BenchmarkTicketed(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, level := range kernel.Levels() {
		for _, s := range [][3]int{
			{128, 1536, 384},
			{128, 384, 1536},
			{128, 1024, 1024},
			{128, 2048, 2048},
			{128, 4096, 4096},
			{512, 2048, 2048},
			{512, 2048, 5632},
			{128, 1024, 8192},
			{128, 1024, 16384},
			{3, 2048, 2048},
			{1, 2048, 2048},
		} {
			m, n, k := s[0], s[1], s[2]
			if level == kernel.Go && m*n*k > 256*1024*1024 {
				continue
			}
			b.Run(fmt.Sprintf("%v/%dx%dx%d", level, m, n, k), func(b *testing.B) {
				x := ticketed(b, level, weights(rng, n*k, false), permutation(rng, k), n, k)
				a, u, c := quiet(rng, m, k), kernel.Rows(m, k), make([]int32, m*n)
				e, initial, states := noiseOf(rng, m*x.Rank()), drawn(rng, 16*m), make([]uint32, m*n/8)
				var plain, noise []time.Duration
				d := median(b, func() {
					start := time.Now()
					x.Matrix.Multiply(c, a, m, nil)
					plain = append(plain, time.Since(start))
					start = time.Now()
					for i := range m {
						at := i * kernel.Stride(k)
						x.Noise(u[at:][:k], a[at:][:k], e[i*x.Rank():][:x.Rank()])
					}
					noise = append(noise, time.Since(start))
					x.Multiply(c, states, initial, u, e, m, nil)
				})
				slices.Sort(plain)
				slices.Sort(noise)
				p, q := plain[len(plain)/2], noise[len(noise)/2]
				operations := 2 * int64(m) * int64(n) * int64(k)
				b.ReportMetric(gops(operations, p), "plain-GOPS")
				b.ReportMetric(gops(operations, d-p), "GOPS")
				b.ReportMetric(100*(float64(d-p)/float64(p)-1), "%overhead")
				b.ReportMetric(100*float64(q)/float64(p), "%noise")
			})
		}
	}
}

// BenchmarkTile is what a verifier computes of a ticket.
func BenchmarkTile(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, level := range kernel.Levels() {
		for _, k := range []int{384, 1024, 2048, 4096} {
			b.Run(fmt.Sprintf("%v/%d", level, k), func(b *testing.B) {
				w, u := weights(rng, 128*k, false), activations(rng, 1, k, false)[:k]
				var state [16]uint32
				for b.Loop() {
					if err := kernel.Tile(level, &state, u, w); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
