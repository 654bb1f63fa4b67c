package kernel_test

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"hearth/infer/kernel"
)

// permutation draws a signed permutation for every slice of a row.
func permutation(rng *rand.Rand, k int) []uint8 {
	perm := make([]uint8, 0, k)
	for len(perm) < k {
		for _, j := range rng.Perm(kernel.Rank(k)) {
			perm = append(perm, uint8(j)|uint8(rng.IntN(2))*kernel.Negative)
		}
	}
	return perm
}

// row draws activations that have room for noise, and noise.
func quiet(rng *rand.Rand, m, k int) []uint8 {
	a := kernel.Rows(m, k)
	for i := range a {
		a[i] = uint8(128 - 95 + rng.IntN(191))
	}
	return a
}

func noiseOf(rng *rand.Rand, n int) []int8 {
	e := make([]int8, n)
	for i := range e {
		e[i] = int8(rng.IntN(64) - 32)
	}
	return e
}

func drawn(rng *rand.Rand, n int) []uint32 {
	s := make([]uint32, n)
	for i := range s {
		s[i] = rng.Uint32()
	}
	return s
}

// transcript is the definition, written for one tile and no speed: weights
// are the rows of the tile's 128 columns.
func transcript(state [16]uint32, u []uint8, w []int8) [16]uint32 {
	k := len(u)
	var sum [128]uint32
	for i := range k {
		for j := range sum {
			sum[j] += uint32(int32(u[i]) * int32(w[j*k+i]))
		}
		if (i+1)%kernel.Rank(k) != 0 {
			continue
		}
		for l := range state {
			state[l] = bits.RotateLeft32(state[l], 13)
			for q := 0; q < 8; q += 2 {
				state[l] += sum[16*q+l]
				state[l] ^= sum[16*(q+1)+l]
			}
		}
	}
	return state
}

func ticketed(t testing.TB, level kernel.Level, w []int8, perm []uint8, n, k int) *kernel.Ticketed {
	t.Helper()
	x, err := kernel.NewTicketed(pack(t, level, w, n, k), perm)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestTicketedProductsAreExactAndLeaveTheirTranscripts(t *testing.T) {
	each(t, func(t *testing.T, level kernel.Level) {
		rng := rand.New(rand.NewPCG(11, 12))
		for _, k := range []int{64, 128, 384, 1024, 1984, 2048, 4096} {
			for _, m := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 16} {
				if k >= 1024 && m > 4 {
					continue
				}
				n := 128 * (1 + rng.IntN(3))
				ends := rng.IntN(2) == 0
				w, perm := weights(rng, n*k, ends), permutation(rng, k)
				x := ticketed(t, level, w, perm, n, k)
				a := quiet(rng, m, k)
				e, initial := noiseOf(rng, m*x.Rank()), drawn(rng, m*16)
				u := activations(rng, m, k, false)
				for i := range m {
					at := i * kernel.Stride(k)
					x.Noise(u[at:][:k], a[at:][:k], e[i*x.Rank():][:x.Rank()])
				}
				c, check := guarded(t, m*n)
				states := make([]uint32, m*n/128*16+32)
				x.Multiply(c, states[16:len(states)-16], initial, u, e, m, nil)
				check()
				if !slices.Equal(c, naive(a, w, m, n, k)) {
					t.Fatalf("%d×%d×%d: the product is not that of the rows without noise", m, n, k)
				}
				for _, v := range slices.Concat(states[:16], states[len(states)-16:]) {
					if v != 0 {
						t.Fatalf("%d×%d×%d: wrote outside the transcripts", m, n, k)
					}
				}
				for i := range m {
					for b := range n / 128 {
						start := [16]uint32(initial[16*i:])
						start[0] += uint32(b)
						want := transcript(start, u[i*kernel.Stride(k):][:k], w[b*128*k:][:128*k])
						if got := [16]uint32(states[16+(i*n/128+b)*16:]); got != want {
							t.Fatalf("%d×%d×%d: the transcript of row %d, tile %d is\n%x, want\n%x", m, n, k, i, b, got, want)
						}
					}
				}
			}
		}
	})
}

// Sums of bytes at their ends must neither saturate nor wrap before the 32nd
// bit, and noise at its ends is taken out again.
func TestTicketedProductsOfExtremeValues(t *testing.T) {
	each(t, func(t *testing.T, level kernel.Level) {
		rng := rand.New(rand.NewPCG(13, 14))
		const k, n, m = 16384, 128, 4
		for _, v := range [][2]int8{{95, 127}, {95, -127}, {-95, 127}, {-95, -127}} {
			w, perm := constant(v[1], n*k), permutation(rng, k)
			for i := range perm { // all signs that make the sums greatest
				perm[i] &^= kernel.Negative
			}
			x := ticketed(t, level, w, perm, n, k)
			a := kernel.Rows(m, k)
			for i := range a {
				a[i] = uint8(v[0]) ^ 128
			}
			e := constant(int8(-32), m*x.Rank())
			for i := range e[:m*x.Rank()/2] {
				e[i] = 31
			}
			u, initial := kernel.Rows(m, k), drawn(rng, m*16)
			for i := range m {
				at := i * kernel.Stride(k)
				x.Noise(u[at:][:k], a[at:][:k], e[i*x.Rank():][:x.Rank()])
			}
			c, states := make([]int32, m*n), make([]uint32, m*16)
			x.Multiply(c, states, initial, u, e, m, nil)
			if want := int32(v[0]) * int32(v[1]) * k; !slices.Equal(c, constant(want, m*n)) {
				t.Errorf("%v: the product is not %d", v, want)
			}
			for i := range m {
				want := transcript([16]uint32(initial[16*i:]), u[i*kernel.Stride(k):][:k], w)
				if got := [16]uint32(states[16*i:]); got != want {
					t.Errorf("%v: the transcript of row %d differs", v, i)
				}
			}
		}
	})
}

func TestATeamLeavesTheSameTranscripts(t *testing.T) {
	team := kernel.NewTeam(3)
	defer team.Close()
	each(t, func(t *testing.T, level kernel.Level) {
		for _, s := range [][3]int{{7, 1024, 1024}, {100, 128, 256}, {50, 384, 192}} {
			rng := rand.New(rand.NewPCG(15, 16))
			m, n, k := s[0], s[1], s[2]
			x := ticketed(t, level, weights(rng, n*k, false), permutation(rng, k), n, k)
			u, e, initial := activations(rng, m, k, false), noiseOf(rng, m*x.Rank()), drawn(rng, m*16)
			c, states := make([]int32, m*n), make([]uint32, m*n/8)
			alone, aloneStates := make([]int32, m*n), make([]uint32, m*n/8)
			x.Multiply(c, states, initial, u, e, m, team)
			for b := range n / 128 {
				x.Tiles(alone, aloneStates, initial, u, e, m, b, b+1)
			}
			if !slices.Equal(c, alone) || !slices.Equal(states, aloneStates) {
				t.Errorf("%v: the team's product or transcripts differ", s)
			}
			for _, team := range []*kernel.Team{nil, team} {
				if got := testing.AllocsPerRun(3, func() { x.Multiply(c, states, initial, u, e, m, team) }); got != 0 {
					t.Errorf("%v: team of %d: %v allocations", s, team.Size(), got)
				}
			}
		}
	})
}

func TestTileIsTheTranscriptOfAMatrixSTile(t *testing.T) {
	each(t, func(t *testing.T, level kernel.Level) {
		rng := rand.New(rand.NewPCG(17, 18))
		for _, k := range []int{64, 192, 1024, 2048, 4096, 16384} {
			for _, ends := range []bool{false, true} {
				w, u := weights(rng, 128*k, ends), activations(rng, 1, k, ends)[:k]
				state := [16]uint32(drawn(rng, 16))
				want := transcript(state, u, w)
				if err := kernel.Tile(level, &state, u, w); err != nil {
					t.Fatal(err)
				}
				if state != want {
					t.Errorf("k = %d: the transcript is\n%x, want\n%x", k, state, want)
				}
				if got := testing.AllocsPerRun(2, func() { _ = kernel.Tile(level, &state, u, w) }); got != 0 {
					t.Errorf("k = %d: %v allocations", k, got)
				}
			}
		}
	})
}

func TestNoiseGoesWhereThePermutationSays(t *testing.T) {
	each(t, func(t *testing.T, level kernel.Level) {
		rng := rand.New(rand.NewPCG(19, 20))
		for _, k := range []int{64, 128, 1984, 2048, 4096} {
			perm, e, a := permutation(rng, k), noiseOf(rng, kernel.Rank(k)), quiet(rng, 1, k)[:k]
			want := make([]uint8, k)
			for i, v := range a {
				j := perm[i] &^ kernel.Negative
				if perm[i] >= kernel.Negative {
					want[i] = uint8(int(v) - int(e[j]))
				} else {
					want[i] = uint8(int(v) + int(e[j]))
				}
			}
			dst := constant(uint8(77), k+2)
			kernel.Noise(level, dst[1:k+1], a, e, perm)
			if !slices.Equal(dst[1:k+1], want) || dst[0] != 77 || dst[k+1] != 77 {
				t.Errorf("k = %d: noise is not where it belongs", k)
			}
			if kernel.Noise(level, a, a, e, perm); !slices.Equal(a, want) {
				t.Errorf("k = %d: noise in place differs", k)
			}
		}
	})
}

func TestNewTicketedRefusesWhatWouldWeakenTickets(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	for _, k := range []int{256, 2048} {
		x := pack(t, kernel.Go, make([]int8, 128*k), 128, k)
		good := permutation(rng, k)
		twice := slices.Clone(good)
		twice[1] = twice[0]
		outside := slices.Clone(good)
		outside[5] = uint8(kernel.Rank(k))
		further := slices.Clone(good)
		further[k-1] = 127
		swapped := slices.Clone(good)
		swapped[0], swapped[kernel.Rank(k)] = good[kernel.Rank(k)], good[0]
		if good[0]&^kernel.Negative == good[kernel.Rank(k)]&^kernel.Negative {
			swapped = twice
		}
		for why, perm := range map[string][]uint8{
			"an element twice in a slice": twice, "an element that is not there": outside, "an element far outside": further,
			"elements of another slice": swapped, "too short": good[1:], "none": nil,
		} {
			if _, err := kernel.NewTicketed(x, perm); err == nil {
				t.Errorf("k = %d, %s: no error", k, why)
			}
		}
		if _, err := kernel.NewTicketed(x, good); err != nil {
			t.Errorf("k = %d: %v", k, err)
		}
	}
	if _, err := kernel.NewTicketed(pack(t, kernel.Go, make([]int8, 120*256), 120, 256), permutation(rng, 256)); err == nil {
		t.Error("120 columns: no error")
	}
}

func TestTileRefusesOtherShapes(t *testing.T) {
	var state [16]uint32
	for _, v := range [][2]int{{0, 0}, {32, 128 * 32}, {96, 128 * 96}, {64, 127 * 64}, {64, 128*64 + 1}, {16448, 128 * 16448}} {
		if err := kernel.Tile(kernel.Go, &state, make([]uint8, v[0]), make([]int8, v[1])); err == nil {
			t.Errorf("%d activations, %d weights: no error", v[0], v[1])
		}
	}
	if err := kernel.Tile(kernel.Level(-1), &state, make([]uint8, 64), make([]int8, 128*64)); err == nil {
		t.Error("an unknown level: no error")
	}
}

func TestShortOperandsOfTicketsAreStopped(t *testing.T) {
	const m, n, k = 2, 128, 64
	x := ticketed(t, kernel.Best(), make([]int8, n*k), permutation(rand.New(rand.NewPCG(1, 1)), k), n, k)
	c, states, initial, a, e := make([]int32, m*n), make([]uint32, m*16), make([]uint32, m*16), kernel.Rows(m, k), make([]int8, m*32)
	for _, f := range []func(){
		func() { x.Multiply(c[1:], states, initial, a, e, m, nil) },
		func() { x.Multiply(c, states[1:], initial, a, e, m, nil) },
		func() { x.Multiply(c, states, initial[1:], a, e, m, nil) },
		func() { x.Multiply(c, states, initial, a[:k], e, m, nil) },
		func() { x.Multiply(c, states, initial, a, e[1:], m, nil) },
		func() { x.Tiles(c, states, initial, a, e, m, 1, 2) },
		func() { x.Noise(a, a[:k-1], e[:32]) },
		func() { x.Noise(a, a[:k], e[:31]) },
	} {
		stops(t, f)
	}
}
