package tree

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/zeebo/blake3"
)

const (
	// MaxJobs is the most jobs that a tree may have.
	MaxJobs = 1 << 24

	contextLeaf = "hearth commons 1 leaf"
	contextNode = "hearth commons 1 node"
	contextRoot = "hearth commons 1 root"
)

// Hash is one of the tree: a root, a leaf or a node.
type Hash = [32]byte

// Proof is what leads from a job to the root: the neighbours on the way, from
// the leaf upwards. Its length follows from index and count.
type Proof [][]byte

// Tree is the hashes over a list of encodings. It is immutable and safe for
// concurrent use.
type Tree struct {
	levels [][]Hash // from the leaves up to the one that is left
}

// New returns the tree over encodings, 1 to [MaxJobs] of them.
func New(encodings [][]byte) (*Tree, error) {
	n := len(encodings)
	if n == 0 || n > MaxJobs {
		return nil, fmt.Errorf("a tree over %d jobs: it takes 1 to %d", n, MaxJobs)
	}
	level := make([]Hash, n)
	for i, b := range encodings {
		level[i] = leaf(uint64(i), b)
	}
	t := &Tree{levels: [][]Hash{level}}
	for len(level) > 1 {
		next := make([]Hash, (len(level)+1)/2)
		for i := range next {
			if 2*i+1 < len(level) {
				next[i] = node(level[2*i], level[2*i+1])
			} else {
				next[i] = level[2*i] // one without a neighbour goes up as it is
			}
		}
		t.levels = append(t.levels, next)
		level = next
	}
	return t, nil
}

// Len is how many jobs the tree is over.
func (t *Tree) Len() uint64 { return uint64(len(t.levels[0])) }

// Root is what a proposal names.
func (t *Tree) Root() Hash { return root(t.Len(), t.levels[len(t.levels)-1][0]) }

// Proof returns what shows that a job is in the tree.
func (t *Tree) Proof(index uint64) (Proof, error) {
	if index >= t.Len() {
		return nil, fmt.Errorf("prove job %d: the tree has %d, counted from 0", index, t.Len())
	}
	var p Proof
	for _, level := range t.levels[:len(t.levels)-1] {
		if next := index ^ 1; next < uint64(len(level)) {
			p = append(p, level[next][:])
		}
		index /= 2
	}
	return p, nil
}

// ErrProof is wrapped by what [Check] says of an encoding that is not the job
// of that index.
var ErrProof = errors.New("not the job of this index of the project")

// Check tells whether an encoding is job index of the count jobs under a root.
// It costs the hashing of the encoding and of at most 24 nodes, whatever it is
// given.
func Check(under Hash, count, index uint64, encoding []byte, p Proof) error {
	if count > MaxJobs || index >= count {
		return fmt.Errorf("%w: index %d of %d jobs", ErrProof, index, count)
	}
	if want := proofLen(count, index); len(p) != want {
		return fmt.Errorf("%w: its proof has %d hashes, that of index %d of %d has %d", ErrProof, len(p), index, count, want)
	}
	h := leaf(index, encoding)
	for width := count; width > 1; width = (width + 1) / 2 {
		if index^1 < width {
			if len(p[0]) != len(h) {
				return fmt.Errorf("%w: a hash of its proof has %d bytes, not %d", ErrProof, len(p[0]), len(h))
			}
			if next := Hash(p[0]); index%2 == 0 {
				h = node(h, next)
			} else {
				h = node(next, h)
			}
			p = p[1:]
		}
		index /= 2
	}
	if root(count, h) != under {
		return fmt.Errorf("%w: its proof leads to another root", ErrProof)
	}
	return nil
}

func proofLen(count, index uint64) (n int) {
	for width := count; width > 1; width = (width + 1) / 2 {
		if index^1 < width {
			n++
		}
		index /= 2
	}
	return n
}

func leaf(index uint64, encoding []byte) (h Hash) {
	d := blake3.NewDeriveKey(contextLeaf)
	var number [8]byte
	binary.LittleEndian.PutUint64(number[:], index)
	_, _ = d.Write(number[:]) // a hash never fails
	_, _ = d.Write(encoding)
	d.Sum(h[:0])
	return h
}

func node(left, right Hash) (h Hash) {
	blake3.DeriveKey(contextNode, append(left[:], right[:]...), h[:])
	return h
}

func root(count uint64, top Hash) (h Hash) {
	blake3.DeriveKey(contextRoot, append(binary.LittleEndian.AppendUint64(nil, count), top[:]...), h[:])
	return h
}
