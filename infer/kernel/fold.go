package kernel

import (
	"fmt"
	"math/bits"
)

const (
	tile  = 128          // columns of a tile
	words = 16           // 32-bit words of a transcript
	tall  = tile / width // panels of a tile
)

// The bytes of a permutation as [NewTicketed] and [Noise] take them: which
// element of the noise, and whether it is subtracted.
const (
	Negative  = 1 << 7
	indexMask = Negative - 1
)

// Rank returns how many elements the noise of a row of k activations has. It
// is the length of a slice as well: the columns of the row between two folds.
func Rank(k int) int {
	if k < 2048 {
		return 32
	}
	return 64
}

// Ticketed is a matrix whose products leave a transcript: what a ticket is the
// hash of. It does not change once made and may be used by several goroutines
// at a time.
//
// A row of activations comes with noise in it: in each slice of [Rank]
// columns, every element of e is added to or subtracted from one activation
// (see [Noise]). A tile is one such row and 128 columns of the result. Its
// transcript is 16 words m, which begin as the caller gives them, the number
// of the tile added to the first. After every slice, with S[16q+l] the sum so
// far, modulo 2³², of the stored bytes of the row times the weights of column
// 16q+l, for each l:
//
//	m[l] = m[l] rotated left by 13
//	m[l] = (m[l] + S[16q+l]) xor S[16(q+1)+l]   for q = 0, 2, 4, 6
//
// The product without noise is what remains when e times the matrix Q is
// subtracted, where row j of Q is the sum of the weights that e[j] met, with
// their signs.
type Ticketed struct {
	*Matrix
	rank int
	perm []uint8
	peel []int16 // -Q: n/16 panels of [rank/2][16][2], a peelStep apart, 64-byte aligned
}

// NewTicketed prepares a matrix for tickets. The permutation perm has k bytes
// and must give, in each slice, every element of the noise to exactly one
// activation: element perm[i]&^Negative to activation i, subtracted if
// perm[i]&Negative is set. The number of columns must be a multiple of 128.
// Q takes 2·Rank(k)/k of the memory of the weights. NewTicketed keeps no
// reference to perm.
func NewTicketed(m *Matrix, perm []uint8) (*Ticketed, error) {
	if m.n%tile != 0 {
		return nil, fmt.Errorf("prepare %d columns for tickets: their number must be a multiple of %d", m.n, tile)
	}
	rank := Rank(m.k)
	if err := checkPermutation(perm, m.k, rank); err != nil {
		return nil, fmt.Errorf("prepare a matrix for tickets: %w", err)
	}
	t := &Ticketed{Matrix: m, rank: rank, perm: aligned[uint8](m.k), peel: aligned[int16](m.n / width * (width*rank + align/2))}
	copy(t.perm, perm)
	for p := range m.n / width {
		peel, panel := t.peelOf(p), m.panel(p)
		for i, to := range t.perm {
			// An element meets k/rank weights, at most 256, of at most 127
			// each: Q fits 16 bits, and so does -Q.
			j := int(to & indexMask)
			q := peel[j/2*2*width+j%2:][:2*width-1]
			w := panel[i/4*4*width+i%4:][:4*width-3]
			if to&Negative != 0 {
				for l := range width {
					q[2*l] += int16(w[4*l])
				}
			} else {
				for l := range width {
					q[2*l] -= int16(w[4*l])
				}
			}
		}
	}
	return t, nil
}

// peelStep is how many elements lie from one panel of -Q to the next.
func (t *Ticketed) peelStep() int { return width*t.rank + align/2 }

// peelOf is the panel of -Q that belongs to panel p of the weights.
func (t *Ticketed) peelOf(p int) []int16 { return t.peel[p*t.peelStep():][:width*t.rank] }

// checkPermutation is what makes the noise of every slice of full rank.
func checkPermutation(perm []uint8, k, rank int) error {
	if len(perm) != k {
		return fmt.Errorf("the permutation has %d elements, the rows %d", len(perm), k)
	}
	for from := 0; from < k; from += rank {
		met := uint64(0)
		for _, to := range perm[from : from+rank] {
			met |= 1 << (to & indexMask) // an index from 64 on shifts to nothing
		}
		if bits.OnesCount64(met) != rank || bits.Len64(met) != rank {
			return fmt.Errorf("columns %d to %d are not a permutation of 0 to %d", from, from+rank, rank-1)
		}
	}
	return nil
}

// Rank is how many elements the noise of a row has.
func (t *Ticketed) Rank() int { return t.rank }

// Noise writes to dst the row a with noise e in it; both have K activations
// and may be the same. See the function [Noise].
func (t *Ticketed) Noise(dst, a []uint8, e []int8) { Noise(t.level, dst, a, e, t.perm) }

// Noise writes to dst the activations a with noise e in it: dst[i] = a[i] + e[j]
// where j is perm[i]&^Negative, or a[i] - e[j] if perm[i]&Negative is set. The
// caller sees to it that no sum leaves a byte. All but e are of one length, a
// multiple of 64; e has 32 or 64 elements. dst may be a. The level must be one
// that can run here.
func Noise(level Level, dst, a []uint8, e []int8, perm []uint8) {
	level.must()
	if len(dst) != len(a) || len(a) != len(perm) || len(a)%64 != 0 || (len(e) != 32 && len(e) != 64) {
		panic(fmt.Sprintf("kernel: noise of %d elements, permuted by %d, on %d activations, into %d",
			len(e), len(perm), len(a), len(dst)))
	}
	if len(a) > 0 {
		noise(level, dst, a, e, perm)
	}
}

// plainNoise is the definition of [Noise].
func plainNoise(dst, a []uint8, e []int8, perm []uint8) {
	for i, to := range perm {
		v := uint8(e[int(to)&(len(e)-1)])
		if to&Negative != 0 {
			v = -v
		}
		dst[i] = a[i] + v
	}
}

// Multiply computes the product without noise of m rows with noise, [Stride](k)
// bytes apart, into c as [Matrix.Multiply] does, and the transcripts of all
// tiles: the 16 words of row i and tile b go to states[(i·n/128+b)·16:]. The
// transcripts of row i begin as initial[16i:16i+16], its noise is
// e[i·Rank():(i+1)·Rank()]. It allocates nothing.
func (t *Ticketed) Multiply(c []int32, states, initial []uint32, a []uint8, e []int8, m int, team *Team) {
	t.checkTicketed(c, states, initial, a, e, m)
	tiles := t.n / tile
	parts, blocks := team.divide(tiles, m, int64(tile*t.k))
	if parts == 1 {
		t.tiles(c, states, initial, a, e, m, 0, tiles)
		return
	}
	team.multiply(parts, job{
		ticketed: t, c: c, a: a, m: m, states: states, initial: initial, e: e, units: tiles, blocks: blocks,
	})
}

// Tiles computes tiles from ≤ b < to of what Multiply computes, at their places
// in c and states, on the calling goroutine.
func (t *Ticketed) Tiles(c []int32, states, initial []uint32, a []uint8, e []int8, m, from, to int) {
	t.checkTicketed(c, states, initial, a, e, m)
	if from < 0 || from > to || to > t.n/tile {
		panic(fmt.Sprintf("kernel: tiles %d to %d of %d", from, to, t.n/tile))
	}
	t.tiles(c, states, initial, a, e, m, from, to)
}

func (t *Ticketed) checkTicketed(c []int32, states, initial []uint32, a []uint8, e []int8, m int) {
	t.checkOperands(c, a, m)
	if len(states) < m*t.n/tile*words || len(initial) < m*words || len(e) < m*t.rank {
		panic(fmt.Sprintf("kernel: %d rows with tickets on %d columns, rank %d, need more than %d words, %d initial and %d of noise",
			m, t.n, t.rank, len(states), len(initial), len(e)))
	}
}

// plainTiles computes tiles from ≤ b < to in plain Go. It is the definition of
// the product with tickets.
func (t *Ticketed) plainTiles(c []int32, states, initial []uint32, a []uint8, e []int8, m, from, to int) {
	for b := from; b < to; b++ {
		for i := range m {
			u := a[i*Stride(t.k):][:t.k]
			state := (*[words]uint32)(states[(i*t.n/tile+b)*words:])
			*state = [words]uint32(initial[i*words:])
			state[0] += uint32(b)
			var sums [tile]int32
			for at := 0; at < t.k; at += t.rank {
				for q := range tall {
					accumulate((*[width]int32)(sums[width*q:]), u[at:at+t.rank], t.panel(b*tall + q)[width*at:])
				}
				fold(state, &sums)
			}
			for j := range tile {
				col := b*tile + j
				sum := sums[j] + t.offset[col]
				peel := t.peelOf(col / width)[col%width*2:]
				for r := 0; r < t.rank; r += 2 {
					sum += int32(e[i*t.rank+r])*int32(peel[r*width]) + int32(e[i*t.rank+r+1])*int32(peel[r*width+1])
				}
				c[i*t.n+col] = sum
			}
		}
	}
}

// fold takes the sums of a tile after a slice into its transcript.
func fold(state *[words]uint32, sums *[tile]int32) {
	for l := range state {
		m := bits.RotateLeft32(state[l], 13)
		for q := 0; q < tile; q += 2 * width {
			m = (m + uint32(sums[q+l])) ^ uint32(sums[q+width+l])
		}
		state[l] = m
	}
}

// Tile computes the transcript of one tile from the row u with noise in it and
// the weights w of the tile's 128 columns, one row of len(u) after another, as
// they were given to [NewMatrix]. The state comes with the number of the tile
// added already. It is what a verifier runs, who has no matrix; it allocates
// nothing. The level must be one that can run here.
func Tile(level Level, state *[16]uint32, u []uint8, w []int8) error {
	k := len(u)
	if k < 64 || k > maxK || k%64 != 0 {
		return fmt.Errorf("compute a tile: its row has %d activations: their number must be a multiple of 64 up to %d", k, maxK)
	}
	if len(w) != tile*k {
		return fmt.Errorf("compute a tile of %d columns of %d: %d weights were given", tile, k, len(w))
	}
	if err := level.check(); err != nil {
		return fmt.Errorf("compute a tile: %w", err)
	}
	transcribe(level, state, u, w)
	return nil
}

// plainTile is the definition of [Tile].
func plainTile(state *[words]uint32, u []uint8, w []int8) {
	k, rank := len(u), Rank(len(u))
	var sums [tile]int32
	for at := 0; at < k; at += rank {
		slice := u[at:][:rank]
		for j := range sums {
			for i, v := range w[j*k+at:][:rank] {
				sums[j] += int32(slice[i]) * int32(v)
			}
		}
		fold(state, &sums)
	}
}
