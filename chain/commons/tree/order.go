package tree

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/zeebo/blake3"
)

const (
	contextOrder = "hearth commons 1 order"
	orderRounds  = 8
)

// Order is in which order a project's jobs are handed out: a permutation of
// their indices that nobody can foresee who does not know its key.
type Order struct {
	key   Hash
	count uint64
	half  uint // bits of either half that a round changes
}

// OrderKey is the key of a project's order, of a beacon that became known
// after the project had been admitted.
func OrderKey(beacon [32]byte, project uint64) (key Hash) {
	blake3.DeriveKey(contextOrder, binary.LittleEndian.AppendUint64(beacon[:], project), key[:])
	return key
}

// NewOrder returns the order of count jobs under a key.
func NewOrder(key Hash, count uint64) (Order, error) {
	if count == 0 || count > MaxJobs {
		return Order{}, fmt.Errorf("an order of %d jobs: it takes 1 to %d", count, MaxJobs)
	}
	half := max(1, (uint(bits.Len64(count-1))+1)/2)
	return Order{key, count, half}, nil
}

// At returns the index of the job that is handed out i-th, i < count. It is a
// Feistel network over the least even number of bits that holds all indices,
// walked again while it leads outside them: four times on average at most.
func (o Order) At(i uint64) (index uint64, err error) {
	if i >= o.count {
		return 0, fmt.Errorf("an order of %d jobs has no place %d", o.count, i)
	}
	for index = o.step(i); index >= o.count; index = o.step(index) {
	}
	return index, nil
}

func (o Order) step(x uint64) uint64 {
	mask := uint64(1)<<o.half - 1
	left, right := x>>o.half, x&mask
	for r := range orderRounds {
		left, right = right, left^o.round(byte(r), right)&mask
	}
	return left<<o.half | right
}

func (o Order) round(r byte, x uint64) uint64 {
	h, err := blake3.NewKeyed(o.key[:])
	if err != nil {
		panic(err) // the key has 32 bytes
	}
	var b [9]byte
	b[0] = r
	binary.LittleEndian.PutUint64(b[1:], x)
	_, _ = h.Write(b[:])
	var sum [8]byte
	_, _ = h.Digest().Read(sum[:])
	return binary.LittleEndian.Uint64(sum[:])
}
