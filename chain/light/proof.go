package light

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"hearth/chain/wire"
)

// The proofs are those of ICS-23 (github.com/cosmos/ics23), of which the state
// uses two forms: trees of a store (IAVL) and the tree of all stores. Others do
// not prove anything here.
type tree int

const (
	iavl tree = iota
	simple
)

// A step goes up from a node to its parent: the bytes before and after the
// node's hash in what the parent's hash is made of.
type step struct {
	prefix, suffix []byte
}

// right reports whether the node is its parent's right child.
func (s step) right() bool { return len(s.suffix) == 0 }

func (s step) up(child Digest) Digest {
	h := sha256.New()
	h.Write(s.prefix)
	h.Write(child[:])
	h.Write(s.suffix)
	return Digest(h.Sum(nil))
}

// An existence proves that a tree holds a value under a key.
type existence struct {
	key, value []byte
	// leaf is what stands before key and value in what the leaf's hash is made of.
	leaf []byte
	// path leads from the leaf to the root.
	path []step
}

// maxDepth is the deepest tree that is climbed, as in ICS-23.
const maxDepth = 128

// root computes the root of the tree that the proof leads to. Every byte of the
// proof that goes into a hash has its place and its form: otherwise a leaf could
// be passed off as an inner node, or a path be hidden in a value.
func (e existence) root(t tree) (Digest, error) {
	if len(e.key) == 0 {
		return Digest{}, errors.New("an empty key cannot be proven")
	}
	if len(e.path) > maxDepth {
		return Digest{}, fmt.Errorf("the path has %d steps", len(e.path))
	}
	if err := t.checkLeaf(e.leaf); err != nil {
		return Digest{}, fmt.Errorf("the leaf: %w", err)
	}
	h := sha256.New()
	h.Write(e.leaf)
	h.Write(binary.AppendUvarint(nil, uint64(len(e.key))))
	h.Write(e.key)
	value := sha256.Sum256(e.value)
	h.Write([]byte{byte(len(value))})
	h.Write(value[:])
	node := Digest(h.Sum(nil))
	height := int64(0)
	for i, s := range e.path {
		var err error
		if height, err = t.checkStep(s, height); err != nil {
			return Digest{}, fmt.Errorf("step %d: %w", i, err)
		}
		node = s.up(node)
	}
	return node, nil
}

func (t tree) checkLeaf(prefix []byte) error {
	if t == simple {
		if !bytes.Equal(prefix, []byte{0}) {
			return errors.New("it is not a leaf of the tree of stores")
		}
		return nil
	}
	// Height 0, one key, and the version in which it was written.
	n, rest, err := varints(prefix)
	if err != nil || n[0] != 0 || n[1] != 1 || len(rest) != 0 {
		return errors.New("it is not a leaf of an IAVL tree")
	}
	return nil
}

// ICS-23 allows the three numbers of an IAVL node no more room than this.
const maxNumbers = 11

// checkStep says whether the step is one of the tree's, and returns the height
// of the node it leads to.
func (t tree) checkStep(s step, below int64) (int64, error) {
	if t == simple {
		if len(s.prefix) == 1 && s.prefix[0] == 1 && len(s.suffix) == sha256.Size ||
			len(s.prefix) == 1+sha256.Size && s.prefix[0] == 1 && len(s.suffix) == 0 {
			return below + 1, nil
		}
		return 0, errors.New("it is not an inner node of the tree of stores")
	}
	n, rest, err := varints(s.prefix)
	switch {
	case err != nil:
		return 0, err
	case len(s.prefix)-len(rest) > maxNumbers || n[0] <= below || n[0] > maxDepth || n[1] < 2:
		return 0, errors.New("it is not an inner node of an IAVL tree")
	case len(rest) == 1 && rest[0] == sha256.Size && len(s.suffix) == 1+sha256.Size && s.suffix[0] == sha256.Size:
		return n[0], nil
	case len(rest) == 2+sha256.Size && rest[0] == sha256.Size && rest[len(rest)-1] == sha256.Size && len(s.suffix) == 0:
		return n[0], nil
	}
	return 0, errors.New("it is not an inner node of an IAVL tree")
}

// varints reads an IAVL node's height, size and version.
func varints(b []byte) (n [3]int64, rest []byte, err error) {
	for i := range n {
		v, size := binary.Varint(b)
		if size <= 0 || v < 0 || size != len(binary.AppendVarint(nil, v)) {
			return n, nil, errors.New("its numbers are not those of an IAVL node")
		}
		n[i], b = v, b[size:]
	}
	return n, b, nil
}

// An absence proves that a tree holds no value under a key: its neighbours are
// there, and nothing is between them.
type absence struct {
	// left and right are the neighbours; one is missing at the tree's ends.
	left, right *existence
}

func (a absence) root(t tree, key []byte) (Digest, error) {
	var root Digest
	for _, side := range []*existence{a.left, a.right} {
		if side == nil {
			continue
		}
		got, err := side.root(t)
		if err != nil {
			return Digest{}, err
		}
		if side == a.right && a.left != nil && got != root {
			return Digest{}, errors.New("the neighbours are of two trees")
		}
		root = got
	}
	if a.left != nil && bytes.Compare(a.left.key, key) >= 0 || a.right != nil && bytes.Compare(key, a.right.key) >= 0 {
		return Digest{}, errors.New("the key is not between its neighbours")
	}
	switch {
	case a.left == nil && a.right == nil:
		return Digest{}, errors.New("there are no neighbours")
	case a.left == nil && !all(a.right.path, step.left), a.right == nil && !all(a.left.path, step.right):
		return Digest{}, errors.New("the neighbour is not the tree's first or last key")
	case a.left != nil && a.right != nil && !adjacent(a.left.path, a.right.path):
		return Digest{}, errors.New("there may be keys between the neighbours")
	}
	return root, nil
}

func (s step) left() bool { return !s.right() }

func all(path []step, side func(step) bool) bool {
	for _, s := range path {
		if !side(s) {
			return false
		}
	}
	return true
}

// adjacent reports whether the second path starts at the leaf right after the
// first: below the node where they part, one keeps to the right and the other
// to the left.
func adjacent(left, right []step) bool {
	for {
		if len(left) == 0 || len(right) == 0 {
			return false
		}
		l, r := left[len(left)-1], right[len(right)-1]
		left, right = left[:len(left)-1], right[:len(right)-1]
		if bytes.Equal(l.prefix, r.prefix) && bytes.Equal(l.suffix, r.suffix) {
			continue
		}
		return l.left() && r.right() && all(left, step.right) && all(right, step.left)
	}
}

// decodeProof reads an ICS-23 CommitmentProof: one of existence or one of
// absence.
func decodeProof(b []byte) (*existence, *absence, error) {
	var is *existence
	var not *absence
	err := each(b, func(f wire.Field) (err error) {
		switch f.Number {
		case 1:
			is = new(existence)
			return sub(f, is.field)
		case 2:
			not = new(absence)
			return sub(f, not.field)
		}
		return errors.New("batches of proofs are not read")
	})
	if err == nil && (is == nil) == (not == nil) {
		err = errors.New("it is neither of existence nor of absence")
	}
	if err != nil {
		return nil, nil, err
	}
	return is, not, nil
}

func (a *absence) field(f wire.Field) (err error) {
	switch f.Number {
	case 1: // the key, which the caller knows
		_, err = f.Data()
	case 2:
		a.left = new(existence)
		return sub(f, a.left.field)
	case 3:
		a.right = new(existence)
		return sub(f, a.right.field)
	default:
		err = errField(f)
	}
	return err
}

func (e *existence) field(f wire.Field) (err error) {
	switch f.Number {
	case 1:
		e.key, err = f.Data()
	case 2:
		e.value, err = f.Data()
	case 3:
		e.leaf, err = decodeLeaf(f)
	case 4:
		if len(e.path) == maxDepth {
			return fmt.Errorf("more than %d steps", maxDepth)
		}
		var b []byte
		if b, err = f.Element(); err != nil {
			return err
		}
		var s step
		var hash uint64
		err = each(b, func(f wire.Field) (err error) {
			switch f.Number {
			case 1:
				hash, err = f.Uint()
			case 2:
				s.prefix, err = f.Data()
			case 3:
				s.suffix, err = f.Data()
			default:
				err = errField(f)
			}
			return err
		})
		if err == nil && hash != opSHA256 {
			err = errors.New("the hash is not SHA-256")
		}
		e.path = append(e.path, s)
	default:
		err = errField(f)
	}
	return err
}

// Of the operations that ICS-23 can name, both trees use these.
const (
	opSHA256      = 1
	lengthInFront = 1
)

func decodeLeaf(f wire.Field) (prefix []byte, err error) {
	var hash, key, value, length uint64
	err = sub(f, func(f wire.Field) (err error) {
		switch f.Number {
		case 1:
			hash, err = f.Uint()
		case 2:
			key, err = f.Uint()
		case 3:
			value, err = f.Uint()
		case 4:
			length, err = f.Uint()
		case 5:
			prefix, err = f.Data()
		default:
			err = errField(f)
		}
		return err
	})
	if err == nil && (hash != opSHA256 || key != 0 || value != opSHA256 || length != lengthInFront) {
		err = errors.New("the leaf is not hashed as those of the state are")
	}
	return prefix, err
}
