package ledger

import (
	"crypto/sha256"
	"errors"
	"math/bits"
	"slices"
)

// tree is the Merkle tree of RFC 6962, 2.1, over record hashes, held as the
// roots of its complete subtrees, largest first: one for each bit set in
// size. So a checkpoint can go on from the one before it when the records
// themselves are gone.
type tree struct {
	size  uint64
	peaks []Hash
}

// leaf and node are told apart so that no inner node passes as a record.
func leaf(h Hash) Hash { return sha256.Sum256(append([]byte{0}, h[:]...)) }

func node(l, r Hash) Hash {
	return sha256.Sum256(append(append([]byte{1}, l[:]...), r[:]...))
}

func (t *tree) add(h Hash) {
	h = leaf(h)
	for n := t.size; n&1 == 1; n >>= 1 {
		last := len(t.peaks) - 1
		h = node(t.peaks[last], h)
		t.peaks = t.peaks[:last]
	}
	t.peaks = append(t.peaks, h)
	t.size++
}

// root returns the hash of the whole tree, which must not be empty.
func (t *tree) root() Hash {
	last := len(t.peaks) - 1
	h := t.peaks[last]
	for _, p := range slices.Backward(t.peaks[:last]) {
		h = node(p, h)
	}
	return h
}

func (t *tree) check() error {
	if t.size == 0 || bits.OnesCount64(t.size) != len(t.peaks) {
		return errors.New("the tree does not have as many peaks as its size asks for")
	}
	return nil
}
