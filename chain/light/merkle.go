package light

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/bits"
)

// A Digest is a SHA-256 hash.
type Digest [32]byte

// String is the hash in upper-case hexadecimal, as nodes write it.
func (d Digest) String() string { return fmt.Sprintf("%X", d[:]) }

// merkleRoot is the root of the Merkle tree of RFC 6962 over the leaves.
func merkleRoot(leaves [][]byte) Digest {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leafDigest(leaves[0])
	}
	cut := split(len(leaves))
	return innerDigest(merkleRoot(leaves[:cut]), merkleRoot(leaves[cut:]))
}

// split is the largest power of two below n.
func split(n int) int { return 1 << (bits.Len(uint(n-1)) - 1) }

func leafDigest(leaf []byte) Digest {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(leaf)
	return Digest(h.Sum(nil))
}

func innerDigest(left, right Digest) Digest {
	var b [1 + 2*len(left)]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+len(left):], right[:])
	return sha256.Sum256(b[:])
}

// A Path leads from a leaf of a Merkle tree to its root.
type Path struct {
	// Index is the leaf's place, from 0, among Total leaves.
	Index, Total int64
	// Aunts are the hashes beside the path, from the leaf upwards.
	Aunts []Digest
}

// maxAunts is enough for any tree whose leaves a number of 64 bits counts.
const maxAunts = 64

// root computes the root that the path leads to.
func (p Path) root(leaf []byte) (Digest, error) {
	if p.Index < 0 || p.Index >= p.Total {
		return Digest{}, fmt.Errorf("leaf %d of %d", p.Index, p.Total)
	}
	if len(p.Aunts) > maxAunts {
		return Digest{}, fmt.Errorf("a path of %d steps", len(p.Aunts))
	}
	return climb(leafDigest(leaf), p.Index, p.Total, p.Aunts)
}

func climb(leaf Digest, index, total int64, aunts []Digest) (Digest, error) {
	if total == 1 {
		if len(aunts) != 0 {
			return Digest{}, errors.New("the path is longer than the tree is high")
		}
		return leaf, nil
	}
	if len(aunts) == 0 {
		return Digest{}, errors.New("the path ends before the root")
	}
	last := len(aunts) - 1
	cut := int64(1) << (bits.Len64(uint64(total-1)) - 1)
	if index < cut {
		left, err := climb(leaf, index, cut, aunts[:last])
		return innerDigest(left, aunts[last]), err
	}
	right, err := climb(leaf, index-cut, total-cut, aunts[:last])
	return innerDigest(aunts[last], right), err
}

// Includes reports whether the block holds the transaction: nil if the path
// leads from it to the header's hash of the block's transactions.
func (h Header) Includes(transaction []byte, p Path) error {
	name := sha256.Sum256(transaction)
	root, err := p.root(name[:])
	if err != nil {
		return fmt.Errorf("prove transaction %X in block %d: %w", name, h.Height, err)
	}
	if string(root[:]) != string(h.DataHash) {
		return fmt.Errorf("prove transaction %X in block %d: the path leads to %s, the block's transactions are %X", name, h.Height, root, h.DataHash)
	}
	return nil
}
