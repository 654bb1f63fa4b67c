package kernel

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestPowersOfTwo(t *testing.T) {
	var worst float64
	last := exp2(0)
	for z := range uint64(17 << 15) {
		e := exp2(z)
		worst = max(worst, math.Abs(float64(e)/32768-math.Exp2(-float64(z)/32768)))
		if e > last+1 { // steps of the parts may round differently
			t.Fatalf("2^-z rises from %d to %d at %d", last, e, z)
		}
		last = e
	}
	t.Logf("largest error: %.1e", worst)
	if worst > 2e-4 {
		t.Errorf("2^-z is off by %.1e", worst)
	}
}

func TestWeightsAddUpToLessThanTheSumsOfMixingHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{1, 2, 15, 16, 17, 100, 1000, 1 << 16}).Draw(t, "n")
		s := make([]int32, BlockTokens(n))
		spread := within(1<<31-1).Draw(t, "spread") | 1
		r := rapid.Uint32().Draw(t, "seed")
		for i := range s {
			r = r*1664525 + 1013904223
			s[i] = int32(r) % spread
		}
		c, shift := rapid.Uint32().Draw(t, "c"), rapid.UintRange(0, 80).Draw(t, "shift")
		p := make([]int16, len(s))
		for i := range p {
			p[i] = -1
		}
		sum := Go.Softmax(p, s, n, c, shift)
		var total int64
		for i, w := range p {
			if w < 0 || i >= n && w != 0 {
				t.Fatalf("weight %d of %d is %d", i, n, w)
			}
			total += int64(w)
		}
		if int64(sum) != total || sum < 32767 || sum >= 1<<20 {
			t.Fatalf("weights add up to %d, said to be %d", total, sum)
		}
	})
}

func TestSoftmaxIsThatOfTheBooks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 300).Draw(t, "n")
		s := rapid.SliceOfN(rapid.Int32Range(-1<<20, 1<<20), n, n).Draw(t, "s")
		p := make([]int16, n)
		// A score of 2^16 is worth one power of two.
		sum := Go.Softmax(p, s, n, 1<<31, 32)
		var want []float64
		var total float64
		most := s[0]
		for _, v := range s {
			most = max(most, v)
		}
		for _, v := range s {
			want = append(want, math.Exp2(float64(v-most)/65536))
			total += want[len(want)-1]
		}
		for i := range p {
			if d := math.Abs(float64(p[i])/float64(sum) - want[i]/total); d > 3e-3 {
				t.Fatalf("weight %d of %d is off by %.1e", i, n, d)
			}
		}
	})
}

// head is one head's queries, keys and values, and blocks that hold the latter.
type head struct {
	channels, tokens int
	q, k, v          []int16
	keys, values     []int16
}

func newHead(r *rapid.T, m int) head {
	h := head{channels: 16 * rapid.IntRange(1, 8).Draw(r, "channels/16"), tokens: rapid.IntRange(1, 100).Draw(r, "tokens")}
	seed := rapid.Uint32().Draw(r, "seed")
	extreme := rapid.Bool().Draw(r, "extreme")
	next := func(n int) []int16 {
		x := make([]int16, n)
		for i := range x {
			seed = seed*1664525 + 1013904223
			x[i] = int16(seed>>16%(2*Narrowest+1)) - Narrowest
			if extreme {
				x[i] = Narrowest
				if seed>>20%4 == 0 {
					x[i] = -Narrowest
				}
			}
		}
		return x
	}
	h.q, h.k, h.v = next(m*h.channels), next(h.tokens*h.channels), next(h.tokens*h.channels)
	room := BlockTokens(h.tokens) * h.channels
	h.keys, h.values = make([]int16, room), make([]int16, room)
	for t := range h.tokens {
		PutKey(h.keys, t, h.k[t*h.channels:][:h.channels])
		PutValue(h.values, t, h.v[t*h.channels:][:h.channels])
	}
	return h
}

func TestScoresAndMixAreProducts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(1, 9).Draw(t, "m")
		h := newHead(t, m)
		ld := BlockTokens(h.tokens) + 16*rapid.IntRange(0, 1).Draw(t, "room")
		s := make([]int32, m*ld)
		scores(s, ld, h.q, h.keys, m, h.channels, h.tokens)
		for i := range m {
			for tok := range h.tokens {
				var want int64
				for j := range h.channels {
					want += int64(h.q[i*h.channels+j]) * int64(h.k[tok*h.channels+j])
				}
				if got := int64(s[i*ld+tok]); got != want {
					t.Fatalf("score of query %d and key %d is %d, want %d", i, tok, got, want)
				}
			}
		}
		p := make([]int16, m*ld)
		y := make([]int32, m*h.channels)
		for i := range m {
			Go.Softmax(p[i*ld:][:ld], s[i*ld:][:ld], h.tokens, 1<<31, 42)
		}
		mix(y, p, ld, h.values, m, h.channels, h.tokens)
		for i := range m {
			for j := range h.channels {
				var want int64
				for tok := range h.tokens {
					want += int64(p[i*ld+tok]) * int64(h.v[tok*h.channels+j])
				}
				if got := int64(y[i*h.channels+j]); got != want {
					t.Fatalf("channel %d of row %d is %d, want %d", j, i, got, want)
				}
			}
		}
	})
}

func TestAnAverageStaysAmongItsValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sum := rapid.Int32Range(32767, 1<<20-1).Draw(t, "sum")
		x := []int32{rapid.Int32Range(-sum*Narrowest, sum*Narrowest).Draw(t, "x")}
		var y [1]int32
		Go.Average(y[:], x, sum)
		want := float64(x[0]) * 256 / float64(sum)
		if math.Abs(float64(y[0])-want) > 0.5+math.Abs(want)/(1<<25)*2 {
			t.Fatalf("%d·256/%d = %d, want %g", x[0], sum, y[0], want)
		}
	})
}
