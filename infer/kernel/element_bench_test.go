package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A MiniLM: the layers of all-MiniLM-L6-v2, at 128 tokens.
const (
	benchWidth  = 384
	benchInner  = 1536
	benchHeads  = 12
	benchHead   = 32
	benchTokens = 128
)

// fastest returns how many nanoseconds f takes when nobody disturbs it.
func fastest(b *testing.B, f func()) float64 {
	const turns = 20
	least := time.Duration(1 << 62)
	for b.Loop() {
		start := time.Now()
		for range turns {
			f()
		}
		least = min(least, time.Since(start))
	}
	return float64(least) / turns
}

// BenchmarkLayerElements runs what lies between the products of one layer of a
// MiniLM and adds it up for one token: first each operation on its own, then
// all of them.
func BenchmarkLayerElements(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	draw := func(n int, limit int32) []int32 {
		x := make([]int32, n)
		for i := range x {
			x[i] = int32(rng.Int64N(2*int64(limit)+1)) - limit
		}
		return x
	}
	var (
		stream, sums      = draw(benchWidth, 1<<20), draw(benchInner, 1<<20)
		grown             = draw(benchWidth, 1<<20)
		channel, bias, in = draw(benchInner, 1<<30), draw(benchInner, 1<<18), draw(benchInner, 1<<30)
		inner             = draw(benchInner, 1<<19)
		heads             = make([]int16, 3*benchWidth)
		a                 = make([]uint8, benchInner)
		m, shift          = NewScale(1, -2).Factor()

		rows    = make([]int16, 3*benchWidth*benchTokens)
		q       = make([]int16, benchTokens*benchHead)
		keys    = make([]int16, benchTokens*benchHead)
		values  = make([]int16, benchTokens*benchHead)
		scores  = make([]int32, 32*benchTokens)
		weights = make([]int16, 32*benchTokens)
		of      = slices.Repeat([]int32{1 << 18}, 32)
		mixed   = draw(benchTokens*benchHead, 1<<27)
	)
	for i := range q {
		q[i], keys[i], values[i] = int16(rng.IntN(2001)-1000), int16(rng.IntN(2001)-1000), int16(rng.IntN(2001)-1000)
	}
	for _, l := range Levels() {
		// Each step says how often it happens for a token of a layer.
		type step struct {
			name  string
			times float64
			f     func()
		}
		steps := []step{
			{"rescale qkv", 3, func() {
				l.Rescale(inner[:benchWidth], sums[:benchWidth], channel[:benchWidth], bias[:benchWidth], m, shift)
			}},
			{"narrow qkv", 1, func() { l.Narrow(heads, inner[:3*benchWidth]) }},
			{"put", benchHeads / float64(benchTokens), func() {
				l.PutKeys(keys, rows, 3*benchWidth, benchHead, benchTokens)
				l.PutValues(values, rows[2*benchWidth:], 3*benchWidth, benchHead, benchTokens)
			}},
			// 32 queries of a head at a time.
			{"scores", benchHeads / 32., func() { l.Scores(scores, benchTokens, q, keys, 32, benchHead, benchTokens) }},
			{"softmax", benchHeads / 32., func() { l.SoftmaxRows(of, weights, scores, benchTokens, benchTokens, 1<<31, 40) }},
			{"mix", benchHeads / 32., func() { l.Mix(mixed, weights, benchTokens, values, 32, benchHead, benchTokens) }},
			{"average", benchHeads / 32., func() { l.AverageRows(mixed[32*benchHead:], benchHead, mixed, of, benchHead) }},
			{"quantise width", 2, func() { l.Quantise(a[:benchWidth], stream, in[:benchWidth], 95) }},
			{"quantise context", 1, func() { l.Quantise(a[:benchWidth], stream, in[:benchWidth], 95) }},
			{"add", 2, func() {
				l.RescaleAdd(grown, sums[:benchWidth], channel[:benchWidth], bias[:benchWidth], m, shift)
			}},
			{"norm", 2, func() {
				l.Centre(inner[:benchWidth], stream)
				sum, down := l.Squares(inner[:benchWidth])
				root := Root(sum, benchWidth, 1)
				if down > 0 {
					l.ShiftRight(inner[:benchWidth], inner[:benchWidth], down)
				}
				m, shift := NewScale(1, 20).Div(root).Factor()
				l.Rescale(inner[:benchWidth], inner[:benchWidth], channel[:benchWidth], bias[:benchWidth], m, shift)
			}},
			{"rescale inner", 1, func() { l.Rescale(inner, sums, channel, bias, m, shift) }},
			{"gelu", 1, func() { l.GELU(inner, inner) }},
			{"quantise inner", 1, func() { l.Quantise(a, sums, in, 95) }},
		}
		var total float64
		for _, s := range steps {
			b.Run(l.String()+"/"+s.name, func(b *testing.B) {
				ns := fastest(b, s.f) * s.times
				b.ReportMetric(ns, "ns/token")
				total += ns
			})
		}
		b.Run(l.String()+"/all", func(b *testing.B) {
			for b.Loop() {
				_ = total
			}
			b.ReportMetric(total, "ns/token")
		})
	}
}
