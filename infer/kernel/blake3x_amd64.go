//go:build !purego

package kernel

import "unsafe"

//go:generate go -C _asm run ./blake -out ../blake3x_avx512_amd64.s -stubs ../blake3x_avx512_amd64.go -pkg kernel

// hashTree holds the chaining values of up to 16 rows, level by level of their
// trees.
type hashTree [lanes][chunks][8]uint32

func hashRows(dst [][8]uint32, rows []uint8, k int) {
	var tree hashTree
	count := (k + chunk - 1) / chunk
	whole := k / chunk
	if whole > 0 {
		tree.leaves(len(dst), rows, k, 0, whole, chunk/64, count == 1)
	}
	if count > whole {
		tree.leaves(len(dst), rows, k, whole, count, k%chunk/64, count == 1)
	}
	for ; count > 1; count = (count + 1) / 2 {
		tree.nodes(len(dst), count)
	}
	for i := range dst {
		dst[i] = tree[i][0]
	}
}

// leaves hashes chunks from ≤ c < to of m rows, all of the same length.
func (t *hashTree) leaves(m int, rows []uint8, k, from, to, blocks int, root bool) {
	iv := hashIV()
	flags := [3]uint32{0, flagChunkStart, leafFlags(false, true, root)}
	var out [lanes][16]uint32
	var keys, data [lanes]*byte
	var counters [lanes]uint32
	keys[0] = wordBytes(&iv)
	jobs := m * (to - from)
	for first := 0; first < jobs; first += lanes {
		for l := range lanes { // idle lanes do what the last one does
			job := min(first+l, jobs-1)
			c := from + job%(to-from)
			data[l], counters[l] = &rows[job/(to-from)*Stride(k)+c*chunk], uint32(c)
		}
		blake16(&out, &keys, &data, true, uint64(blocks), 64, &counters, &flags)
		for l := range min(lanes, jobs-first) {
			job := first + l
			t[job/(to-from)][from+job%(to-from)] = [8]uint32(out[l][:])
		}
	}
}

// nodes joins the chaining values of m rows in pairs; the last of an odd count
// goes up as it is.
func (t *hashTree) nodes(m, count int) {
	iv := hashIV()
	flags := [3]uint32{nodeFlags(count == 2), 0, 0}
	var out [lanes][16]uint32
	var keys, data [lanes]*byte
	var counters [lanes]uint32
	keys[0] = wordBytes(&iv)
	pairs := count / 2
	jobs := m * pairs
	for first := 0; first < jobs; first += lanes {
		for l := range lanes {
			job := min(first+l, jobs-1)
			data[l] = wordBytes(&t[job/pairs][2*(job%pairs)]) // two values lie side by side
		}
		blake16(&out, &keys, &data, true, 1, 64, &counters, &flags)
		for l := range min(lanes, jobs-first) {
			job := first + l
			t[job/pairs][job%pairs] = [8]uint32(out[l][:])
		}
	}
	if count%2 == 1 {
		for i := range m {
			t[i][pairs] = t[i][count-1]
		}
	}
}

func hashBlocks(dst [][16]uint32, keys [][8]uint32, blocks [][16]uint32, oneKey, oneBlock, size int, flags uint32) {
	var k, d [lanes]*byte
	var counters [lanes]uint32
	var out [lanes][16]uint32
	for from := 0; from < len(dst); from += lanes {
		n := min(lanes, len(dst)-from)
		for i := range lanes {
			at := from + min(i, n-1)
			k[i], d[i] = wordBytes(&keys[at*oneKey]), wordBytes(&blocks[at*oneBlock])
		}
		to := &out
		if n == lanes {
			to = (*[lanes][16]uint32)(dst[from:])
		}
		blake16(to, &k, &d, oneKey == 0, 1, uint64(size), &counters, &[3]uint32{flags, 0, 0})
		if n < lanes {
			copy(dst[from:], out[:n])
		}
	}
}

// wordBytes is where the words of a key, a block or a hash begin, as bytes.
func wordBytes[T [8]uint32 | [16]uint32](words *T) *byte { return (*byte)(unsafe.Pointer(words)) }
