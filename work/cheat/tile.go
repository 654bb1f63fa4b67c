package cheat

import (
	"math/bits"

	"hearth/infer/kernel"
	"hearth/work"
)

// Transcript is what a ticket is the hash of.
type Transcript = [16]uint32

// Tile is one attempt at a ticket.
type Tile struct {
	K       int
	Weights []int8  // 128 columns of K, one after the other
	Row     []uint8 // without noise, 128 added
	Noise   []int8  // Rank elements
	Perm    []uint8 // as in package kernel
	Initial Transcript
}

// Rank is the length of a slice and of the noise.
func (t *Tile) Rank() int { return kernel.Rank(t.K) }

// Slices is how many slices the row has.
func (t *Tile) Slices() int { return t.K / t.Rank() }

// weight is the weight that activation i meets in a column.
func (t *Tile) weight(column, i int) int32 { return int32(t.Weights[column*t.K+i]) }

// noiseAt is what is added to activation i.
func (t *Tile) noiseAt(i int) int32 {
	p := t.Perm[i]
	v := int32(t.Noise[p&^kernel.Negative])
	if p&kernel.Negative != 0 {
		return -v
	}
	return v
}

// signed is the sign with which element j of the noise meets activation i of a
// slice, and i, for each j.
func (t *Tile) places(slice int) (at []int, sign []int32) {
	r := t.Rank()
	at, sign = make([]int, r), make([]int32, r)
	for i := slice * r; i < (slice+1)*r; i++ {
		j := t.Perm[i] &^ kernel.Negative
		at[j], sign[j] = i, 1
		if t.Perm[i]&kernel.Negative != 0 {
			sign[j] = -1
		}
	}
	return at, sign
}

// Fold takes the sums of all columns after a slice into a transcript.
func Fold(m *Transcript, sums *[work.TileColumns]int32) {
	for l := range m {
		v := bits.RotateLeft32(m[l], 13)
		for q := 0; q < 8; q += 2 {
			v = (v + uint32(sums[16*q+l])) ^ uint32(sums[16*q+16+l])
		}
		m[l] = v
	}
}

// Honest does what the specification says.
func Honest(t *Tile) (m Transcript, cost int) {
	m = t.Initial
	var sums [work.TileColumns]int32
	for s := range t.Slices() {
		for i := s * t.Rank(); i < (s+1)*t.Rank(); i++ {
			a := int32(t.Row[i]) + t.noiseAt(i)
			for c := range sums {
				sums[c] += a * t.weight(c, i)
				cost++
			}
		}
		Fold(&m, &sums)
	}
	return m, cost
}

// known are the sums of the row without noise after each slice: what one who
// has the product cached gets for nothing.
func (t *Tile) known() [][work.TileColumns]int32 {
	sums := make([][work.TileColumns]int32, t.Slices())
	var sum [work.TileColumns]int32
	for s := range sums {
		for i := s * t.Rank(); i < (s+1)*t.Rank(); i++ {
			for c := range sum {
				sum[c] += int32(t.Row[i]) * t.weight(c, i)
			}
		}
		sums[s] = sum
	}
	return sums
}

// met is the matrix Q of a slice: row j holds the weights that element j of the
// noise meets, with their signs. It is known for good.
func (t *Tile) met(slice int) [][work.TileColumns]int32 {
	at, sign := t.places(slice)
	q := make([][work.TileColumns]int32, t.Rank())
	for j := range q {
		for c := range q[j] {
			q[j][c] = sign[j] * t.weight(c, at[j])
		}
	}
	return q
}
