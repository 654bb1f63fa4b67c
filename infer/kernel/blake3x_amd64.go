//go:build !purego

package kernel

import "unsafe"

//go:generate go -C _asm run ./blake -out ../blake3x_avx512_amd64.s -stubs ../blake3x_avx512_amd64.go -pkg kernel

// hashTree holds the chaining values of up to 16 rows, those of a row side by
// side.
type hashTree [hashLanes * maxLeaves][8]uint32

func hashRows(dst [][8]uint32, rows []uint8, k int) {
	var tree hashTree
	m, count := len(dst), (k+leafSize-1)/leafSize
	if whole := k / leafSize; whole > 0 {
		tree.leaves(m, rows, k, 0, whole, leafSize/64)
	}
	if k%leafSize > 0 {
		tree.leaves(m, rows, k, count-1, count, k%leafSize/64)
	}
	for ; count > 1; count = (count + 1) / 2 {
		tree.nodes(m, count)
	}
	copy(dst, tree[:m])
}

// leaves hashes chunks from ≤ c < to of m rows, all of the same length.
func (t *hashTree) leaves(m int, rows []uint8, k, from, to, blocks int) {
	iv, count := hashIV(), (k+leafSize-1)/leafSize
	flags := [3]uint32{0, flagChunkStart, leafFlags(false, true, count == 1)}
	var out [hashLanes][words]uint32
	var keys, data [hashLanes]*byte
	var counters [hashLanes]uint32
	keys[0] = wordBytes(&iv)
	jobs := m * (to - from)
	for first := 0; first < jobs; first += hashLanes {
		for l := range hashLanes { // idle lanes do what the last one does
			job := min(first+l, jobs-1)
			c := from + job%(to-from)
			data[l], counters[l] = &rows[job/(to-from)*Stride(k)+c*leafSize], uint32(c)
		}
		blake16(&out, &keys, &data, true, uint64(blocks), 64, &counters, &flags)
		for l := range min(hashLanes, jobs-first) {
			job := first + l
			t[job/(to-from)*count+from+job%(to-from)] = [8]uint32(out[l][:])
		}
	}
}

// nodes joins the chaining values of m rows in pairs; the last of an odd count
// goes up as it is.
func (t *hashTree) nodes(m, count int) {
	pairs := count / 2
	if count%2 == 0 {
		hashNodes(t[:m*pairs], t[:m*count], count == 2)
		return
	}
	var paired hashTree
	for i := range m {
		copy(paired[2*pairs*i:], t[count*i:][:2*pairs])
	}
	hashNodes(paired[:m*pairs], paired[:2*m*pairs], false)
	for i := range m {
		last := t[count*i+count-1]
		copy(t[(pairs+1)*i:], paired[pairs*i:][:pairs])
		t[(pairs+1)*i+pairs] = last
	}
}

func hashNodes(dst, src [][8]uint32, root bool) {
	iv := hashIV()
	flags := [3]uint32{nodeFlags(root), 0, 0}
	var out [hashLanes][words]uint32
	var keys, data [hashLanes]*byte
	var counters [hashLanes]uint32
	keys[0] = wordBytes(&iv)
	for from := 0; from < len(dst); from += hashLanes {
		for l := range hashLanes {
			data[l] = wordBytes(&src[2*min(from+l, len(dst)-1)]) // two values lie side by side
		}
		blake16(&out, &keys, &data, true, 1, 64, &counters, &flags)
		for l := range min(hashLanes, len(dst)-from) {
			dst[from+l] = [8]uint32(out[l][:])
		}
	}
}

func hashChunks(dst [][8]uint32, data []uint8, first uint32) {
	iv := hashIV()
	flags := [3]uint32{0, flagChunkStart, flagChunkEnd}
	var out [hashLanes][words]uint32
	var keys, leaves [hashLanes]*byte
	var counters [hashLanes]uint32
	keys[0] = wordBytes(&iv)
	for from := 0; from < len(dst); from += hashLanes {
		for l := range hashLanes { // idle lanes do what the last one does
			i := min(from+l, len(dst)-1)
			leaves[l], counters[l] = &data[i*leafSize], first+uint32(i)
		}
		blake16(&out, &keys, &leaves, true, leafSize/64, 64, &counters, &flags)
		for l := range min(hashLanes, len(dst)-from) {
			dst[from+l] = [8]uint32(out[l][:])
		}
	}
}

func hashBlocks(dst, keys, blocks []uint32, oneKey, oneBlock, size int) {
	flags := [3]uint32{flagsAlone, 0, 0}
	var k, d [hashLanes]*byte
	var counters [hashLanes]uint32
	var out [hashLanes][words]uint32
	for from, left := 0, len(dst)/words; left > 0; from, left = from+hashLanes, left-hashLanes {
		for l := range hashLanes {
			i := from + min(l, left-1)
			k[l], d[l] = (*byte)(unsafe.Pointer(&keys[oneKey*i])), (*byte)(unsafe.Pointer(&blocks[oneBlock*i]))
		}
		to := &out
		if left >= hashLanes {
			to = (*[hashLanes][words]uint32)(unsafe.Pointer(&dst[words*from]))
		}
		blake16(to, &k, &d, oneKey == 0, 1, uint64(size), &counters, &flags)
		if left < hashLanes {
			for l := range left {
				copy(dst[words*(from+l):], out[l][:])
			}
		}
	}
}

// wordBytes is where the words of a chaining value begin, as bytes.
func wordBytes(value *[8]uint32) *byte { return (*byte)(unsafe.Pointer(value)) }
