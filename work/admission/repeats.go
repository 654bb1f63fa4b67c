package admission

import (
	"cmp"
	"slices"

	"hearth/work"
)

// vector is where some weights stand that may occur twice, and a hash of them
// that is the same for their negatives.
type vector struct {
	hash uint64
	at   int
	tile uint32
}

// repeated returns the tiles of vectors that occur twice up to sign. read
// writes a vector to where it is told, the first weight that is not zero made
// positive.
func repeated(vectors []vector, size int, read func(dst []int8, at int)) []uint32 {
	a, b := make([]int8, size), make([]int8, size)
	for i := range vectors {
		read(a, vectors[i].at)
		vectors[i].hash = hash(a)
	}
	compare := func(x, y vector) int {
		if c := cmp.Compare(x.hash, y.hash); c != 0 {
			return c
		}
		read(a, x.at)
		read(b, y.at)
		return slices.Compare(a, b)
	}
	slices.SortFunc(vectors, compare)
	var tiles []uint32
	for i := 1; i < len(vectors); i++ {
		if compare(vectors[i-1], vectors[i]) == 0 {
			tiles = append(tiles, vectors[i-1].tile, vectors[i].tile)
		}
	}
	slices.Sort(tiles)
	return slices.Compact(tiles)
}

// hash is FNV-1a. Vectors with the same hash are compared.
func hash(w []int8) uint64 {
	h := uint64(14695981039346656037)
	for _, v := range w {
		h = (h ^ uint64(uint8(v))) * 1099511628211
	}
	return h
}

// upright changes the sign of all weights if the first that is not zero is
// negative.
func upright(w []int8) {
	i := slices.IndexFunc(w, func(v int8) bool { return v != 0 })
	if i < 0 || w[i] > 0 {
		return
	}
	for j := range w {
		w[j] = -w[j]
	}
}

// repeatedColumns returns the tiles with a column of a slice that the matrix
// has twice up to sign, in whatever slices.
func repeatedColumns(weights []int8, n, k, rank int) []uint32 {
	vectors := make([]vector, 0, n*k/rank)
	for c := range n {
		for from := 0; from < k; from += rank {
			vectors = append(vectors, vector{at: c*k + from, tile: uint32(c / work.TileColumns)})
		}
	}
	return repeated(vectors, rank, func(dst []int8, at int) {
		copy(dst, weights[at:])
		upright(dst)
	})
}

// repeatedRows returns the tiles with a row of weights, those that one
// activation meets in the tile, that the matrix has twice up to sign.
func repeatedRows(weights []int8, n, k int) []uint32 {
	vectors := make([]vector, 0, n/work.TileColumns*k)
	for tile := range n / work.TileColumns {
		for i := range k {
			vectors = append(vectors, vector{at: tile*work.TileColumns*k + i, tile: uint32(tile)})
		}
	}
	return repeated(vectors, work.TileColumns, func(dst []int8, at int) {
		for c := range dst {
			dst[c] = weights[at+c*k]
		}
		upright(dst)
	})
}

// shuffledColumns returns the tiles with a column that has the same weights as
// another, up to order and signs: what remains to be seen of a circulant matrix
// whose channels were permuted.
func shuffledColumns(weights []int8, n, k int) []uint32 {
	vectors := make([]vector, n)
	for c := range n {
		vectors[c] = vector{at: c * k, tile: uint32(c / work.TileColumns)}
	}
	return repeated(vectors, 2*128, func(dst []int8, at int) {
		var counts [128]uint16
		for _, v := range weights[at:][:k] {
			counts[max(v, -v)]++
		}
		for i, n := range counts {
			dst[2*i], dst[2*i+1] = int8(n), int8(n>>8)
		}
	})
}
