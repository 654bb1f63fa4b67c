package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// numbers draws n numbers up to a magnitude: of all sizes, or only the ends.
func numbers(rng *rand.Rand, n int, limit int32) []int32 {
	x := make([]int32, n)
	ends := rng.IntN(4) == 0
	size := rng.IntN(31)
	for i := range x {
		x[i] = int32(rng.Int64N(2*int64(limit)+1) - int64(limit))
		switch {
		case ends:
			x[i] = [...]int32{-limit, 1 - limit, -1, 0, 1, limit - 1, limit}[rng.IntN(7)]
		case rng.IntN(8) > 0:
			x[i] >>= size
		}
	}
	return x
}

func shorts(rng *rand.Rand, n int, limit int32) []int16 {
	x := make([]int16, n)
	for i, v := range numbers(rng, n, limit) {
		x[i] = int16(v)
	}
	return x
}

// fenced is a slice of n elements behind which something lies that nobody may
// write to.
func fenced[T int32 | int16 | uint8](n int) []T {
	return slices.Repeat([]T{99}, n+64)[:n]
}

func fenceStands[T int32 | int16 | uint8](x []T) bool {
	return !slices.ContainsFunc(x[len(x):cap(x)], func(v T) bool { return v != 99 })
}

// elementLevels are the levels that run here and have vectors for elements.
func elementLevels() []Level {
	return slices.DeleteFunc(Levels(), func(l Level) bool { return l == Go || l == DotProd })
}

// everyLevel runs a case at all levels that have vectors for it, with the same
// numbers, and fails where the results differ from those of plain Go.
func everyLevel(t *testing.T, name string, limit int, f func(l Level, rng *rand.Rand, n int) []any) {
	t.Run(name, func(t *testing.T) {
		for seed := range uint64(400) {
			n := int(seed)
			if n >= limit {
				n = rand.New(rand.NewPCG(seed, 0)).IntN(limit)
			}
			run := func(l Level) string { return fmt.Sprint(f(l, rand.New(rand.NewPCG(seed, 1)), n)) }
			want := run(Go)
			for _, l := range elementLevels() {
				if got := run(l); got != want {
					t.Fatalf("%v, seed %d, length %d:\n%s\nin plain Go:\n%s", l, seed, n, got, want)
				}
			}
		}
	})
}

// rowFactor draws a factor of all sizes.
func rowFactor(rng *rand.Rand) (m int32, shift uint) {
	return NewScale(rng.Uint64(), rng.IntN(130)-126).Factor()
}

// inPlace returns where a result goes: to x itself, now and then.
func inPlace(rng *rand.Rand, x []int32) []int32 {
	if rng.IntN(2) == 0 {
		return x
	}
	return fenced[int32](len(x))
}

func maybe(rng *rand.Rand, x []int32) []int32 {
	if rng.IntN(3) == 0 {
		return nil
	}
	return x
}

func TestEveryLevelComputesTheSame(t *testing.T) {
	if len(elementLevels()) == 0 {
		t.Skip("this processor has no vectors that kernels are written for")
	}
	everyLevel(t, "Rescale", 100, func(l Level, rng *rand.Rand, n int) []any {
		x, c, bias := numbers(rng, n, 1<<31-1), numbers(rng, n, 1<<31-1), maybe(rng, numbers(rng, n, 1<<29-1))
		m, shift := rowFactor(rng)
		dst := inPlace(rng, x)
		l.Rescale(dst, x, c, bias, m, shift)
		return []any{dst}
	})
	everyLevel(t, "RescaleAdd", 100, func(l Level, rng *rand.Rand, n int) []any {
		x, c, bias := numbers(rng, n, 1<<31-1), numbers(rng, n, 1<<31-1), maybe(rng, numbers(rng, n, 1<<29-1))
		m, shift := rowFactor(rng)
		dst := numbers(rng, n, Limit)
		l.RescaleAdd(dst, x, c, bias, m, shift)
		return []any{dst}
	})
	everyLevel(t, "Times", 100, func(l Level, rng *rand.Rand, n int) []any {
		x, m, shift := numbers(rng, n, 1<<31-1), numbers(rng, 1, 1<<31-1)[0], uint(1+rng.IntN(62))
		if shift < 31 {
			m >>= 31 - shift
		}
		dst := inPlace(rng, x)
		l.Times(dst, x, m, shift)
		return []any{dst}
	})
	everyLevel(t, "LookUp", 100, func(l Level, rng *rand.Rand, n int) []any {
		row, shift := make([]int8, n), uint(8+rng.IntN(55))
		for i := range row {
			row[i] = int8(rng.IntN(256) - 128)
		}
		dst := fenced[int32](n)
		l.LookUp(dst, row, rng.Int32(), shift)
		return []any{dst, fenceStands(dst)}
	})
	everyLevel(t, "Quantise", 100, func(l Level, rng *rand.Rand, n int) []any {
		x, d := numbers(rng, n, Limit), maybe(rng, numbers(rng, n, 1<<30))
		dst := fenced[uint8](n)
		s := l.Quantise(dst, x, d, int32(1+rng.IntN(127)))
		return []any{dst, s, fenceStands(dst)}
	})
	everyLevel(t, "Quantise long rows", 3000, func(l Level, rng *rand.Rand, n int) []any {
		if n = 3000 - n; n > 4 {
			n = n &^ 15
		}
		x, d := numbers(rng, n, Limit), numbers(rng, n, 1<<30)
		dst := fenced[uint8](n)
		s := l.Quantise(dst, x, d, int32(1+rng.IntN(127)))
		return []any{dst, s, fenceStands(dst)}
	})
	everyLevel(t, "Centre", 100, func(l Level, rng *rand.Rand, n int) []any {
		x := numbers(rng, n, Limit)
		dst := inPlace(rng, x)
		l.Centre(dst, x)
		return []any{dst}
	})
	everyLevel(t, "Squares", 100, func(l Level, rng *rand.Rand, n int) []any {
		sum, shift := l.Squares(numbers(rng, n, 1<<31-1))
		return []any{sum, shift}
	})
	everyLevel(t, "ShiftRight", 100, func(l Level, rng *rand.Rand, n int) []any {
		x := numbers(rng, n, 1<<31-1)
		dst := inPlace(rng, x)
		l.ShiftRight(dst, x, uint(rng.IntN(32)))
		return []any{dst}
	})
	everyLevel(t, "Narrow", 100, func(l Level, rng *rand.Rand, n int) []any {
		dst := fenced[int16](n)
		l.Narrow(dst, numbers(rng, n, Limit))
		return []any{dst, fenceStands(dst)}
	})
	everyLevel(t, "Rotate", 160, func(l Level, rng *rand.Rand, n int) []any {
		x, cos, sin := numbers(rng, n, 1<<31-1), shorts(rng, n/2, 32767), shorts(rng, n/2, 32767)
		l.Rotate(x, cos, sin)
		return []any{x}
	})
	everyLevel(t, "GELU", 160, func(l Level, rng *rand.Rand, n int) []any {
		x := numbers(rng, n, Limit)
		dst := inPlace(rng, x)
		l.GELU(dst, x)
		return []any{dst}
	})
	everyLevel(t, "Gate", 160, func(l Level, rng *rand.Rand, n int) []any {
		g, u := numbers(rng, n, Limit), numbers(rng, n, Limit)
		dst := inPlace(rng, g)
		l.Gate(dst, g, u)
		return []any{dst}
	})
	everyLevel(t, "AverageRows", 100, func(l Level, rng *rand.Rand, n int) []any {
		if n++; rng.IntN(2) == 0 {
			n = BlockTokens(n)
		}
		m, ld := rng.IntN(6), n+rng.IntN(3)
		x, sums, dst := numbers(rng, m*n, 32767*Narrowest), make([]int32, m), fenced[int32](m*ld)
		for i := range sums {
			sums[i] = 32767 + rng.Int32N(1<<20-32767)
		}
		l.AverageRows(dst, ld, x, sums, n)
		return []any{dst, fenceStands(dst)}
	})
	everyLevel(t, "SoftmaxRows", 100, func(l Level, rng *rand.Rand, n int) []any {
		n++
		m, ld := rng.IntN(6), BlockTokens(n)+rng.IntN(2)*16
		p, s, sums := fenced[int16](m*ld), numbers(rng, m*ld, 1<<31-1), fenced[int32](m)
		l.SoftmaxRows(sums, p, s, ld, n, rng.Uint32()|1<<31, uint(20+rng.IntN(43)))
		return []any{p, sums, fenceStands(p), fenceStands(sums)}
	})
	everyLevel(t, "Softmax", 200, func(l Level, rng *rand.Rand, n int) []any {
		n++
		room := n + rng.IntN(20) // not always whole groups
		if rng.IntN(4) > 0 {
			room = BlockTokens(n) + 16*rng.IntN(2)
		}
		s, p := numbers(rng, room, 512*Narrowest*Narrowest), fenced[int16](room)
		c, shift := rng.Uint32()>>rng.IntN(32), uint(rng.IntN(70))
		if rng.IntN(2) == 0 { // scores are worth something sensible
			c, shift = 1<<31+rng.Uint32()>>1, uint(31+rng.IntN(18))
		}
		sum := l.Softmax(p, s, n, c, shift)
		return []any{p, sum, fenceStands(p)}
	})
	everyLevel(t, "Average", 100, func(l Level, rng *rand.Rand, n int) []any {
		sum := 32767 + rng.Int32N(1<<20-32767)
		x := numbers(rng, n, sum*Narrowest)
		l.Average(x, x, sum)
		return []any{x}
	})
}

// The activation functions are small enough to be looked at whole.
func TestEveryLevelBendsTheSame(t *testing.T) {
	x := make([]int32, 0, 1<<22)
	for v := int32(-17 << 16); v < 17<<16; v++ {
		x = append(x, v)
	}
	one := slices.Repeat([]int32{1 << 16}, len(x))
	want, got := make([]int32, len(x)), make([]int32, len(x))
	for _, l := range elementLevels() {
		Go.GELU(want, x)
		l.GELU(got, x)
		if !slices.Equal(got, want) {
			t.Errorf("GELU differs at level %v", l)
		}
		Go.Gate(want, x, one)
		l.Gate(got, x, one)
		if !slices.Equal(got, want) {
			t.Errorf("SiLU differs at level %v", l)
		}
	}
}

// Every power of two that there is, and some beyond.
func TestEveryLevelRaisesTheSame(t *testing.T) {
	s := make([]int32, 17<<15)
	for i := range s {
		s[i] = int32(-i)
	}
	want, got := make([]int16, len(s)), make([]int16, len(s))
	for _, l := range elementLevels() {
		for from := 0; from < len(s); from += 1 << 14 {
			part := slices.Concat([]int32{0}, s[from:from+1<<14-1])
			w := Go.Softmax(want[:1<<14], part, 1<<14, 1, 0)
			g := l.Softmax(got[:1<<14], part, 1<<14, 1, 0)
			if w != g || !slices.Equal(got[:1<<14], want[:1<<14]) {
				t.Fatalf("powers differ at level %v from 2^-%d on", l, from>>15)
			}
		}
	}
}

func TestEveryLevelAttendsTheSame(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 2))
		m, channels, tokens := rng.IntN(11), 16*(1+rng.IntN(9)), 1+rng.IntN(150)
		if seed%50 == 0 {
			channels = 512
		}
		ld := BlockTokens(tokens) + 16*rng.IntN(3)
		q, block := shorts(rng, m*channels, Narrowest), shorts(rng, BlockTokens(tokens)*channels, Narrowest)
		p := shorts(rng, m*ld, 32767)
		for i := range p { // weights are not negative, and their sum is bounded
			p[i] = max(p[i], 0) >> 3
		}
		wantScores, wantMix := fenced[int32](m*ld), fenced[int32](m*channels)
		Go.Scores(wantScores, ld, q, block, m, channels, tokens)
		Go.Mix(wantMix, p, ld, block, m, channels, tokens)
		for _, l := range Levels()[1:] {
			gotScores, gotMix := fenced[int32](m*ld), fenced[int32](m*channels)
			l.Scores(gotScores, ld, q, block, m, channels, tokens)
			l.Mix(gotMix, p, ld, block, m, channels, tokens)
			if !slices.Equal(gotScores, wantScores) || !fenceStands(gotScores) {
				t.Fatalf("%v: scores of %d queries of %d channels and %d keys differ from plain Go's", l, m, channels, tokens)
			}
			if !slices.Equal(gotMix, wantMix) || !fenceStands(gotMix) {
				t.Fatalf("%v: %d mixtures of %d channels of %d values differ from plain Go's", l, m, channels, tokens)
			}
		}
	}
}

func TestEveryLevelPutsTheSame(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 3))
		channels, tokens := 16*(1+rng.IntN(9)), rng.IntN(70)
		stride := channels + rng.IntN(100)
		rows := shorts(rng, max(0, (tokens-1)*stride+channels), Narrowest)
		room := BlockTokens(tokens) * channels
		wantKeys, wantValues := make([]int16, room), make([]int16, room)
		for i := range tokens {
			PutKey(wantKeys, i, rows[i*stride:][:channels])
			PutValue(wantValues, i, rows[i*stride:][:channels])
		}
		for _, l := range Levels() {
			keys, values := fenced[int16](room), fenced[int16](room)
			l.PutKeys(keys, rows, stride, channels, tokens)
			l.PutValues(values, rows, stride, channels, tokens)
			if !slices.Equal(keys, wantKeys) || !fenceStands(keys) {
				t.Fatalf("%v: the block of %d keys of %d channels is not what single keys make", l, tokens, channels)
			}
			if !slices.Equal(values, wantValues) || !fenceStands(values) {
				t.Fatalf("%v: the block of %d values of %d channels is not what single values make", l, tokens, channels)
			}
		}
	}
}

func TestNothingBetweenProductsAllocates(t *testing.T) {
	const n = 96
	x, y := make([]int32, n), make([]int32, n)
	a, p := make([]uint8, n), make([]int16, n)
	block := make([]int16, n*16)
	for _, l := range Levels() {
		if got := testing.AllocsPerRun(10, func() {
			l.Rescale(y, x, x, nil, 1<<30, 40)
			l.RescaleAdd(y, x, x, y, 1<<30, 40)
			l.Quantise(a, x, y, 95)
			l.Centre(y, x)
			l.Squares(x)
			l.ShiftRight(y, x, 1)
			l.Narrow(p, x)
			l.Rotate(x, p, p)
			l.GELU(y, x)
			l.Gate(y, x, x)
			l.Average(y, x, l.Softmax(p, x, n, 1, 0))
			l.PutKeys(block, p, 0, 16, n)
			l.PutValues(block, p, 0, 16, n)
			l.Scores(y, n, p, block, 1, 16, n)
			l.Mix(y, p, n, block, 1, 16, n)
		}); got != 0 {
			t.Errorf("a step at level %v allocates %v times", l, got)
		}
	}
}

func TestRowsThatAreTooShortPanic(t *testing.T) {
	short, long := make([]int32, 15), make([]int32, 16)
	block := slices.Repeat([]int16{1}, 16*16)
	few := make([]int16, 7)
	for _, l := range Levels() {
		for name, f := range map[string]func(){
			"Rescale":           func() { l.Rescale(long, short, long, nil, 1, 40) },
			"Rescale's factors": func() { l.Rescale(long, long, short, nil, 1, 40) },
			"Rescale's biases":  func() { l.Rescale(long, long, long, short, 1, 40) },
			"RescaleAdd":        func() { l.RescaleAdd(long, short, long, nil, 1, 40) },
			"Times":             func() { l.Times(long, short, 1, 40) },
			"LookUp":            func() { l.LookUp(long, make([]int8, 15), 1, 8) },
			"Quantise":          func() { l.Quantise(make([]uint8, 16), short, nil, 95) },
			"Quantise's":        func() { l.Quantise(make([]uint8, 16), long, short, 95) },
			"Centre":            func() { l.Centre(long, short) },
			"ShiftRight":        func() { l.ShiftRight(long, short, 1) },
			"Narrow":            func() { l.Narrow(block[:16], short) },
			"Rotate":            func() { l.Rotate(long, few, block) },
			"GELU":              func() { l.GELU(long, short) },
			"Gate":              func() { l.Gate(long, long, short) },
			"Softmax":           func() { l.Softmax(block[:16], short, 16, 1, 1) },
			"Scores' room":      func() { l.Scores(short, 16, block, block, 1, 16, 16) },
			"Scores' keys":      func() { l.Scores(long, 16, block, slices.Clip(block[:255]), 1, 16, 16) },
			"PutKeys' rows":     func() { l.PutKeys(block, slices.Clip(block[:255]), 16, 16, 16) },
			"PutValues' rows":   func() { l.PutValues(block, slices.Clip(block[:255]), 16, 16, 16) },
			"PutKeys' block":    func() { l.PutKeys(slices.Clip(block[:255]), block, 16, 16, 16) },
			"PutValues' block":  func() { l.PutValues(slices.Clip(block[:255]), block, 16, 16, 16) },
			"Mix's values":      func() { l.Mix(long, block, 16, slices.Clip(block[:255]), 1, 16, 16) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s at level %v read or wrote past the end of a slice", name, l)
					}
				}()
				f()
			}()
		}
	}
}
