package work

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"unsafe"

	"hearth/infer/kernel"
	"hearth/infer/model"
)

const leaf = 1024 // bytes of a leaf of BLAKE3's tree

// An opening shows a verifier without the model the weights of one tile: the
// rows of 128 columns, k bytes each, and what it takes to see that they belong
// to the root of the matrix. BLAKE3 is a binary tree over leaves of 1,024
// bytes, so that is the values of the subtrees that lie wholly outside the
// tile, 32 bytes each, in the order in which a walk from the root, left before
// right, meets them; then the rows. Shape and tile decide how many there are:
// an opening has one encoding.

// Open returns the opening of a tile of the matrix with the given rows of
// weights.
func Open(level kernel.Level, weights []int8, n, k, tile int) ([]byte, error) {
	if err := checkOpening(n, k, tile); err != nil {
		return nil, err
	}
	if len(weights) != n*k {
		return nil, fmt.Errorf("open a matrix of %d×%d: it has %d weights", n, k, len(weights))
	}
	data := asBytes(weights)
	w := walk{level: level, from: tile * tileLeaves(k), to: (tile + 1) * tileLeaves(k)}
	var out []byte
	w.outside = func(from, to int) words {
		v := subtree(level, data[from*leaf:to*leaf], from)
		for _, x := range v {
			out = binary.LittleEndian.AppendUint32(out, x)
		}
		return v
	}
	w.inside = func(int, int) words { return words{} } // only what lies outside matters
	w.node(0, n/TileColumns*tileLeaves(k), true)
	return append(out, data[w.from*leaf:w.to*leaf]...), nil
}

// OpeningSize returns the length of an opening, whose rows are the last 128·k
// bytes of it.
func OpeningSize(n, k, tile int) (int, error) {
	if err := checkOpening(n, k, tile); err != nil {
		return 0, err
	}
	size := TileColumns * k
	w := walk{from: tile * tileLeaves(k), to: (tile + 1) * tileLeaves(k)}
	w.outside = func(int, int) words { size += 32; return words{} }
	w.inside = func(int, int) words { return words{} }
	w.node(0, n/TileColumns*tileLeaves(k), true)
	return size, nil
}

// CheckOpening returns the weights of a tile that an opening shows, after it
// saw that they belong to the matrix. They share its memory. It takes the
// hashing of 128·k bytes and of at most 2·27 nodes.
func CheckOpening(level kernel.Level, x Matrix, tile int, opening []byte) ([]int8, error) {
	size, err := OpeningSize(x.N, x.K, tile)
	if err != nil {
		return nil, err
	}
	if len(opening) != size {
		return nil, reject(ReasonWeights, "an opening of %d bytes: that of tile %d of %d×%d has %d", len(opening), tile, x.N, x.K, size)
	}
	rows := opening[size-TileColumns*x.K:]
	w := walk{level: level, from: tile * tileLeaves(x.K), to: (tile + 1) * tileLeaves(x.K)}
	w.outside = func(int, int) words {
		v := toWords(opening[:32])
		opening = opening[32:]
		return v
	}
	w.inside = func(from, to int) words { return subtree(level, rows[(from-w.from)*leaf:(to-w.from)*leaf], from) }
	root := w.node(0, x.N/TileColumns*tileLeaves(x.K), true)
	if got := fromWords(root[:]); got != x.Root {
		return nil, reject(ReasonWeights, "the weights shown for tile %d belong to a matrix with root %v, not %v", tile, got, x.Root)
	}
	weights := asWeights(rows)
	if slices.Contains(weights, -128) {
		return nil, reject(ReasonWeights, "tile %d has a weight of -128", tile)
	}
	return weights, nil
}

func checkOpening(n, k, tile int) error {
	if err := Mineable(model.Operation{Layer: 1}, n, k); err != nil {
		return err
	}
	if tile < 0 || tile >= n/TileColumns {
		return reject(ReasonTile, "tile %d of %d", tile, n/TileColumns)
	}
	return nil
}

// tileLeaves is how many leaves a tile has. They are counted, and not the bytes:
// those of a whole matrix can be more than 31 bits count.
func tileLeaves(k int) int { return TileColumns * k / leaf }

// walk goes down BLAKE3's tree to the leaves of a range.
type walk struct {
	level           kernel.Level
	from, to        int // leaves of the range
	inside, outside func(from, to int) words
}

// node returns the value of the subtree over leaves from ≤ i < to.
func (w *walk) node(from, to int, root bool) words {
	switch {
	case w.from <= from && to <= w.to && !root:
		return w.inside(from, to)
	case to <= w.from || w.to <= from:
		return w.outside(from, to)
	case to-from == 1: // a matrix that is one leaf is not mined
		return words{}
	}
	middle := from + 1<<(bits.Len(uint(to-from-1))-1)
	pair := [2]words{w.node(from, middle, false), w.node(middle, to, false)}
	kernel.HashNodes(w.level, pair[:1], pair[:], root)
	return pair[0]
}

// subtree returns the value of a subtree over whole leaves, which is not the
// root.
func subtree(level kernel.Level, data []byte, first int) words {
	// In pieces, so that a matrix of any size takes little memory.
	const piece = 2048
	n := len(data) / leaf
	if n > piece {
		half := 1 << (bits.Len(uint(n-1)) - 1)
		pair := [2]words{subtree(level, data[:half*leaf], first), subtree(level, data[half*leaf:], first+half)}
		kernel.HashNodes(level, pair[:1], pair[:], false)
		return pair[0]
	}
	values := make([]words, n)
	kernel.HashChunks(level, values, data, uint32(first))
	for ; n > 1; n = (n + 1) / 2 {
		kernel.HashNodes(level, values[:n/2], values[:n&^1], false)
		if n%2 == 1 { // without a neighbour it goes up as it is
			values[n/2] = values[n-1]
		}
	}
	return values[0]
}

// Weights are hashed and sent as bytes and multiplied as numbers, in the same
// memory.

func asBytes(w []int8) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w))), len(w))
}

func asWeights(b []byte) []int8 {
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(b))), len(b))
}
