package kernel_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/infer/kernel"
)

// naive is the product as anybody would write it.
func naive(a []uint8, w []int8, m, n, k int) []int32 {
	c := make([]int32, m*n)
	for i := range m {
		for j := range n {
			sum := int32(0)
			for l, v := range w[j*k:][:k] {
				sum += (int32(a[i*kernel.Stride(k)+l]) - 128) * int32(v)
			}
			c[i*n+j] = sum
		}
	}
	return c
}

// weights and activations draw from all values, or only from the ends.
func weights(rng *rand.Rand, n int, ends bool) []int8 {
	w := make([]int8, n)
	for i := range w {
		w[i] = int8(rng.IntN(255) - 127)
		if ends {
			w[i] = [...]int8{-127, 127}[rng.IntN(2)]
		}
	}
	return w
}

func activations(rng *rand.Rand, m, k int, ends bool) []uint8 {
	a := kernel.Rows(m, k)
	for i := range a { // what lies between rows is no part of them and must not matter
		a[i] = uint8(rng.IntN(256))
		if ends {
			a[i] = [...]uint8{0, 255}[rng.IntN(2)]
		}
	}
	return a
}

func constant[T any](v T, n int) []T { return slices.Repeat([]T{v}, n) }

// guarded makes room for n values between two guards and returns the room and
// a check that nothing was written outside it.
func guarded(t *testing.T, n int) ([]int32, func()) {
	t.Helper()
	const guard, mark = 64, int32(0x5A5A5A5A)
	s := constant(mark, n+2*guard)
	return s[guard : guard+n : guard+n], func() {
		t.Helper()
		for i, v := range s {
			if (i < guard || i >= guard+n) && v != mark {
				t.Fatalf("wrote %d values from the result on", i-guard)
			}
		}
	}
}

func each(t *testing.T, f func(t *testing.T, level kernel.Level)) {
	for _, level := range kernel.Levels() {
		t.Run(level.String(), func(t *testing.T) { f(t, level) })
	}
}

func pack(t testing.TB, level kernel.Level, w []int8, n, k int) *kernel.Matrix {
	t.Helper()
	x, err := kernel.NewMatrix(level, w, n, k)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestEveryLevelMultipliesEveryShapeExactly(t *testing.T) {
	each(t, func(t *testing.T, level kernel.Level) {
		rng := rand.New(rand.NewPCG(1, 2))
		for _, n := range []int{1, 15, 16, 17, 31, 32, 40, 48, 64, 80, 100, 112, 144, 256, 400} {
			for _, m := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 16, 17, 33, 64} {
				k := []int{64, 128, 192, 384, 448}[rng.IntN(5)]
				product(t, level, rng, m, n, k, rng.IntN(2) == 0)
			}
		}
		for _, k := range []int{64, 320, 1024, 1536, 2048, 4096, 5632, 16384} {
			if testing.Short() && k > 1024 {
				continue
			}
			for _, m := range []int{1, 3, 8, 11} {
				product(t, level, rng, m, 48+16*rng.IntN(3), k, rng.IntN(2) == 0)
			}
		}
	})
}

func product(t *testing.T, level kernel.Level, rng *rand.Rand, m, n, k int, ends bool) {
	t.Helper()
	w, a := weights(rng, n*k, ends), activations(rng, m, k, ends)
	x := pack(t, level, w, n, k)
	c, check := guarded(t, m*n)
	x.Multiply(c, a, m, nil)
	check()
	if want := naive(a, w, m, n, k); !slices.Equal(c, want) {
		i := 0
		for c[i] == want[i] {
			i++
		}
		t.Fatalf("%d×%d×%d: row %d, column %d is %d, want %d", m, n, k, i/n, i%n, c[i], want[i])
	}
}

// The largest sums that there are: they must neither wrap nor saturate.
func TestExtremeValuesNeitherWrapNorSaturate(t *testing.T) {
	each(t, func(t *testing.T, level kernel.Level) {
		const k, m, n = 16384, 9, 32
		for _, v := range []struct {
			a    uint8
			w    int8
			want int32
		}{
			{255, 127, 127 * 127 * k},
			{255, -127, -127 * 127 * k},
			{1, 127, -127 * 127 * k},
			{0, 127, -128 * 127 * k},
			{0, -127, 128 * 127 * k},
			{128, 127, 0},
		} {
			x := pack(t, level, constant(v.w, n*k), n, k)
			c := make([]int32, m*n)
			a := kernel.Rows(m, k)
			for i := range a {
				a[i] = v.a
			}
			x.Multiply(c, a, m, nil)
			if diff := cmp.Diff(constant(v.want, m*n), c); diff != "" {
				t.Errorf("activations %d, weights %d:\n%s", v.a, v.w, diff)
			}
		}
	})
}

func TestColumnsComputesItsColumnsAndNoOthers(t *testing.T) {
	each(t, func(t *testing.T, level kernel.Level) {
		rng := rand.New(rand.NewPCG(3, 4))
		const m, n, k = 11, 200, 192
		w, a := weights(rng, n*k, false), activations(rng, m, k, false)
		x := pack(t, level, w, n, k)
		want := naive(a, w, m, n, k)
		for _, r := range [][2]int{{0, 0}, {0, 16}, {16, 80}, {48, 200}, {192, 200}, {0, 200}} {
			c := constant(int32(-1), m*n)
			x.Columns(c, a, m, r[0], r[1])
			for i, v := range c {
				if inside := i%n >= r[0] && i%n < r[1]; inside && v != want[i] || !inside && v != -1 {
					t.Fatalf("columns %v: row %d, column %d is %d, the product is %d", r, i/n, i%n, v, want[i])
				}
			}
		}
	})
}

func TestATeamComputesTheSame(t *testing.T) {
	team := kernel.NewTeam(3)
	defer team.Close()
	each(t, func(t *testing.T, level kernel.Level) {
		rng := rand.New(rand.NewPCG(5, 6))
		for _, s := range [][3]int{{1, 4096, 256}, {7, 1000, 512}, {64, 400, 384}, {100, 40, 448}, {67, 150, 384}} {
			m, n, k := s[0], s[1], s[2]
			w, a := weights(rng, n*k, false), activations(rng, m, k, false)
			c, check := guarded(t, m*n)
			pack(t, level, w, n, k).Multiply(c, a, m, team)
			check()
			if !slices.Equal(c, naive(a, w, m, n, k)) {
				t.Errorf("%v: the team's product differs", s)
			}
		}
	})
}

// The product is linear: of a row that is the sum of two it is the sum of two
// products.
func TestProductsAreLinear(t *testing.T) {
	each(t, func(t *testing.T, level kernel.Level) {
		rapid.Check(t, func(t *rapid.T) {
			k := 64 * rapid.IntRange(1, 6).Draw(t, "k/64")
			n := rapid.IntRange(1, 70).Draw(t, "n")
			w := rapid.SliceOfN(rapid.Int8Range(-127, 127), n*k, n*k).Draw(t, "w")
			x, err := kernel.NewMatrix(level, w, n, k)
			if err != nil {
				t.Fatal(err)
			}
			a := kernel.Rows(3, k)
			for i := range k {
				p, q := rapid.Int8Range(-64, 63).Draw(t, "p"), rapid.Int8Range(-64, 63).Draw(t, "q")
				a[i], a[kernel.Stride(k)+i], a[2*kernel.Stride(k)+i] = uint8(p)^128, uint8(q)^128, uint8(p+q)^128
			}
			c := make([]int32, 3*n)
			x.Multiply(c, a, 3, nil)
			for j := range n {
				if c[j]+c[n+j] != c[2*n+j] {
					t.Fatalf("column %d: %d + %d is not %d", j, c[j], c[n+j], c[2*n+j])
				}
			}
		})
	})
}

func TestRowGivesTheWeightsBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	each(t, func(t *testing.T, level kernel.Level) {
		const n, k = 37, 192
		w := weights(rng, n*k, false)
		x := pack(t, level, w, n, k)
		row := make([]int8, k)
		for j := range n {
			if x.Row(row, j); !slices.Equal(row, w[j*k:][:k]) {
				t.Fatalf("row %d differs", j)
			}
		}
	})
}

func TestNewMatrixRefusesWhatItCannotKeep(t *testing.T) {
	each(t, func(t *testing.T, level kernel.Level) {
		low := make([]int8, 20*128)
		low[19*128+127] = -128
		for _, v := range []struct {
			why  string
			w    []int8
			n, k int
		}{
			{"a weight of -128", low, 20, 128},
			{"a length that is no multiple of 64", make([]int8, 96), 1, 96},
			{"no length", nil, 1, 0},
			{"a length below zero", nil, 1, -64},
			{"rows that are too long", make([]int8, 16448), 1, 16448},
			{"no rows", nil, 0, 64},
			{"too many rows", nil, math.MaxInt, 64},
			{"too few weights", make([]int8, 127), 2, 64},
			{"too many weights", make([]int8, 129), 2, 64},
		} {
			if _, err := kernel.NewMatrix(level, v.w, v.n, v.k); err == nil {
				t.Errorf("%s: no error", v.why)
			}
		}
	})
	if _, err := kernel.NewMatrix(kernel.Level(9), make([]int8, 64), 1, 64); err == nil {
		t.Error("an unknown level: no error")
	}
}

func TestParseKnowsTheLevels(t *testing.T) {
	for _, level := range kernel.Levels() {
		if got, err := kernel.Parse(level.String()); err != nil || got != level {
			t.Errorf("%v: got %v, %v", level, got, err)
		}
	}
	if got, err := kernel.Parse(""); err != nil || got != kernel.Best() {
		t.Errorf("no name: got %v, %v", got, err)
	}
	if _, err := kernel.Parse("mmx"); err == nil {
		t.Error("mmx: no error")
	}
	for _, level := range []kernel.Level{kernel.AVX2, kernel.AVXVNNI, kernel.AVX512, kernel.DotProd} {
		if _, err := kernel.Parse(level.String()); (err == nil) != slices.Contains(kernel.Levels(), level) {
			t.Errorf("%v: %v, but the levels that run are %v", level, err, kernel.Levels())
		}
	}
}

func TestProductsAllocateNothing(t *testing.T) {
	team := kernel.NewTeam(2)
	defer team.Close()
	each(t, func(t *testing.T, level kernel.Level) {
		rng := rand.New(rand.NewPCG(9, 10))
		const m, n, k = 9, 1000, 512
		x := pack(t, level, weights(rng, n*k, false), n, k)
		a, c := activations(rng, m, k, false), make([]int32, m*n)
		for _, team := range []*kernel.Team{nil, team} {
			if got := testing.AllocsPerRun(5, func() { x.Multiply(c, a, m, team) }); got != 0 {
				t.Errorf("team of %d: %v allocations", team.Size(), got)
			}
		}
	})
}

func TestAnUnknownLevelIsStopped(t *testing.T) {
	const none = kernel.Level(9)
	stops(t, func() { kernel.Peak(none, 1) })
	stops(t, func() { kernel.Read(none, make([]uint8, 1024)) })
	stops(t, func() { kernel.Noise(none, make([]uint8, 64), make([]uint8, 64), make([]int8, 32), make([]uint8, 64)) })
}

func TestShortOperandsAreStoppedBeforeAnythingIsWritten(t *testing.T) {
	const m, n, k = 4, 40, 128
	each(t, func(t *testing.T, level kernel.Level) {
		x := pack(t, level, make([]int8, n*k), n, k)
		for _, f := range []func(){
			func() { x.Multiply(make([]int32, m*n-1), kernel.Rows(m, k), m, nil) },
			func() { x.Multiply(make([]int32, m*n), kernel.Rows(m-1, k), m, nil) },
			func() { x.Columns(make([]int32, m*n), kernel.Rows(m, k), m, 8, 16) },
			func() { x.Columns(make([]int32, m*n), kernel.Rows(m, k), m, 0, 48) },
			func() { x.Columns(make([]int32, m*n), kernel.Rows(m, k), -1, 0, 40) },
			func() { x.Multiply(make([]int32, m*n), kernel.Rows(m, k), math.MaxInt/n*2, nil) }, // m·n wraps
		} {
			stops(t, f)
		}
	})
}

func stops(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("did not stop")
		}
	}()
	f()
}

func BenchmarkPack(b *testing.B) {
	const n, k = 1024, 2048
	w := weights(rand.New(rand.NewPCG(1, 1)), n*k, false)
	for _, level := range kernel.Levels() {
		b.Run(fmt.Sprint(level), func(b *testing.B) {
			b.SetBytes(n * k)
			for b.Loop() {
				pack(b, level, w, n, k)
			}
		})
	}
}
