package work

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"math/bits"

	"hearth/infer/model"
)

// Target is how rare winning tickets are: a ticket of F multiply-accumulates
// wins if, as a little-endian number of 256 bits, it is at most T·F. So the
// target is a price for one multiply-accumulate, whatever shape it is part of.
// The zero Target admits almost nothing and is valid.
type Target struct {
	limbs [4]uint64 // least significant first
}

// maxTarget is ⌊(2^256-1) / MaxTileWork⌋ with MaxTileWork = 2^21: with it no T·F
// leaves 256 bits.
const maxTargetTop = 1<<(64-21) - 1

// NewTarget returns T, the little-endian number in b, which is at most
// ⌊(2^256-1)/2^21⌋ = 2^235-1.
func NewTarget(b [32]byte) (Target, error) {
	var t Target
	for i := range t.limbs {
		t.limbs[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	if t.limbs[3] > maxTargetTop {
		return Target{}, fmt.Errorf("a target has at most 235 bits, not %d", 192+bits.Len64(t.limbs[3]))
	}
	return t, nil
}

// Bytes returns T as a little-endian number.
func (t Target) Bytes() (b [32]byte) {
	for i, v := range t.limbs {
		binary.LittleEndian.PutUint64(b[8*i:], v)
	}
	return b
}

// TargetFor returns the target at which one ticket is expected in so many
// multiply-accumulates, 2^21 at least: ⌊2^256/macs⌋ - 1, within what a target can be.
func TargetFor(macs uint64) Target {
	macs = max(macs, MaxTileWork)
	v := new(big.Int).Lsh(big.NewInt(1), 256)
	v.Div(v, new(big.Int).SetUint64(macs))
	v.Sub(v, big.NewInt(1))
	var be, le [32]byte
	v.FillBytes(be[:])
	for i := range le {
		le[i] = be[31-i]
	}
	t, err := NewTarget(le)
	if err != nil { // ⌊2^256/macs⌋-1 < 2^235 for every macs of at least 2^21
		panic("work: " + err.Error())
	}
	return t
}

// limit returns T·F, F at most MaxTileWork.
func (t Target) limit(work uint64) [4]uint64 {
	var limit [4]uint64
	var carry uint64
	for i, v := range t.limbs {
		high, low := bits.Mul64(v, work)
		var c uint64
		limit[i], c = bits.Add64(low, carry, 0)
		carry = high + c
	}
	return limit
}

// Accepts is whether a ticket of work multiply-accumulates, at most
// MaxTileWork, wins.
func (t Target) Accepts(ticket model.Hash, work uint64) bool {
	return work <= MaxTileWork && within(toWords(ticket[:]), t.limit(work))
}

// within is whether the words are, as one number, at most limit.
func within(ticket words, limit [4]uint64) bool {
	for i := 3; i >= 0; i-- {
		v := uint64(ticket[2*i+1])<<32 | uint64(ticket[2*i])
		if v != limit[i] {
			return v < limit[i]
		}
	}
	return true
}
