package work

import (
	"encoding/binary"
	"slices"

	"github.com/zeebo/blake3"

	"hearth/infer/kernel"
	"hearth/infer/model"
)

// The contexts of derived keys keep a hash made for one purpose from passing
// as one made for another.
const (
	contextOperation   = "hearth work 1 operation"
	contextPermutation = "hearth work 1 permutation"
)

// words is 32 bytes as the little-endian words that kernel hashes with.
type words = [8]uint32

func toWords(h []byte) (w words) {
	for i := range w {
		w[i] = binary.LittleEndian.Uint32(h[4*i:])
	}
	return w
}

func fromWords(w []uint32) (h model.Hash) {
	for i, v := range w[:8] {
		binary.LittleEndian.PutUint32(h[4*i:], v)
	}
	return h
}

// operationKey binds everything that is the same for all rows of one operation
// of one claim, whose job has the given id:
//
//	derive_key("hearth work 1 operation",
//	    beacon ‖ executor ‖ job ‖ weight root ‖ layer (4) ‖ kind (1) ‖ n (4) ‖ k (4))
func operationKey(c *Claim, job model.Hash, at model.Operation, x Matrix) words {
	b := slices.Concat(c.Beacon[:], c.Executor[:], job[:], x.Root[:])
	b = binary.LittleEndian.AppendUint32(b, uint32(at.Layer))
	b = append(b, uint8(at.Kind))
	b = binary.LittleEndian.AppendUint32(b, uint32(x.N))
	b = binary.LittleEndian.AppendUint32(b, uint32(x.K))
	var key [32]byte
	blake3.DeriveKey(contextOperation, b, key[:])
	return toWords(key[:])
}

// seedSize is what a seed is the keyed hash of: a position in 4 bytes and the
// hash of a row.
const seedSize = 4 + 32

func putSeedBlock(block []uint32, position int, row words) {
	block[0] = uint32(position)
	copy(block[1:9], row[:])
	clear(block[9:states])
}

// The messages of the two streams of a seed: "e" and "M0".
func noiseBlock() [states]uint32 { return [states]uint32{'e'} }
func stateBlock() [states]uint32 { return [states]uint32{'M' | '0'<<8} }

const (
	noiseSize = 1
	stateSize = 2
)

// noise turns the first bytes of a seed's noise stream, six bits of each, into
// noise, four at a time. With the top bits set none of the differences borrows.
func noise(e []int8, stream []uint32) {
	const each = 1<<24 | 1<<16 | 1<<8 | 1
	for i, v := range stream[:len(e)/4] {
		v = (v&(63*each) | 128*each) - NoiseLimit*each ^ 128*each
		q := e[4*i:][:4]
		q[0], q[1], q[2], q[3] = int8(v), int8(v>>8), int8(v>>16), int8(v>>24)
	}
}

// attempt is everything that follows from a claim, an operation, a position and
// a row before the first multiplication.
type attempt struct {
	seed  words
	noise []int8
	state [states]uint32 // of tile 0; others have their number added to word 0
}

func newAttempt(level kernel.Level, key words, position int, row []uint8) attempt {
	var h [1]words
	kernel.HashRows(level, h[:], row, len(row))
	var block, out [states]uint32
	putSeedBlock(block[:], position, h[0])
	e, m0 := noiseBlock(), stateBlock()
	kernel.HashBlocks(level, out[:], key[:], block[:], seedSize)
	a := attempt{seed: words(out[:8]), noise: make([]int8, kernel.Rank(len(row)))}
	kernel.HashBlocks(level, out[:], a.seed[:], e[:], noiseSize)
	noise(a.noise, out[:])
	kernel.HashBlocks(level, a.state[:], a.seed[:], m0[:], stateSize)
	return a
}

// Permutation returns how noise is applied to the rows of a matrix, as
// [kernel.NewTicketed] takes it: k bytes, for each activation the element of the
// noise, and whether it is subtracted.
//
// Slice s draws from the bytes of keyed(P, s (4) ‖ 0 (4)), keyed(P, s ‖ 1) and
// so on, 64 of each, with P = derive_key("hearth work 1 permutation", root):
// first a shuffle after Fisher and Yates, from the last place down, place i with
// place b mod (i+1), where bytes b of 256 - 256 mod (i+1) and above are drawn
// again; then a bit for each place, least significant first.
func Permutation(level kernel.Level, root model.Hash, k int) []uint8 {
	rank := kernel.Rank(k)
	slice := k / rank
	var key [32]byte
	blake3.DeriveKey(contextPermutation, root[:], key[:])
	w := toWords(key[:])
	const first = 2 // blocks that are nearly always enough
	blocks, out := make([]uint32, first*slice*states), make([]uint32, first*slice*states)
	for i := range first * slice {
		blocks[i*states], blocks[i*states+1] = uint32(i/first), uint32(i%first)
	}
	kernel.HashBlocks(level, out, w[:], blocks, 8)
	perm := make([]uint8, k)
	for s := range slice {
		d := drawer{level: level, key: w, slice: uint32(s), next: first, left: out[s*first*states:][:first*states]}
		d.shuffle(perm[s*rank:][:rank])
	}
	return perm
}

// drawer hands out the bytes of the stream of one slice.
type drawer struct {
	level kernel.Level
	key   words
	slice uint32
	next  uint32   // block to make when nothing is left
	left  []uint32 // words not used up
	used  int      // bytes of the first of them
}

func (d *drawer) byte() uint8 {
	if len(d.left) == 0 {
		block := [states]uint32{d.slice, d.next}
		d.left = make([]uint32, states)
		kernel.HashBlocks(d.level, d.left, d.key[:], block[:], 8)
		d.next++
	}
	b := uint8(d.left[0] >> (8 * d.used))
	if d.used++; d.used == 4 {
		d.used, d.left = 0, d.left[1:]
	}
	return b
}

func (d *drawer) shuffle(places []uint8) {
	for i := range places {
		places[i] = uint8(i)
	}
	for i := len(places) - 1; i > 0; i-- {
		b := int(d.byte())
		for b >= 256-256%(i+1) {
			b = int(d.byte())
		}
		j := b % (i + 1)
		places[i], places[j] = places[j], places[i]
	}
	for i := 0; i < len(places); i += 8 {
		b := d.byte()
		for j := range 8 {
			if b>>j&1 != 0 {
				places[i+j] |= kernel.Negative
			}
		}
	}
}
