//go:build !purego

package kernel

import (
	"math/bits"
	"slices"
	"unsafe"
)

//go:generate go -C _asm run ./blake -out ../blake3x_vector_amd64.s -stubs ../blake3x_vector_amd64.go -pkg kernel

// batch is up to 16 messages that are hashed together.
type batch struct {
	keys, data [hashLanes]*byte
	counters   [hashLanes]uint32
	flags      [3]uint32 // of every block, of the first and of the last
	out        [hashLanes][words]uint32
}

// run hashes the first n messages at least into out, the batch's own or
// another. All have the same number of blocks, the last with size bytes; if the
// key is shared, it is the first.
func (b *batch) run(level Level, out *[hashLanes][words]uint32, n int, shared bool, blocks, size int) {
	if level == AVX512 {
		blake16(out, &b.keys, &b.data, shared, uint64(blocks), uint64(size), &b.counters, &b.flags)
		return
	}
	for from := 0; from < min(n, hashLanes); from += 8 {
		keys := (*[8]*byte)(b.keys[from:])
		if shared {
			keys = (*[8]*byte)(b.keys[:])
		}
		blake8((*[8][words]uint32)(out[from:]), keys, (*[8]*byte)(b.data[from:]), shared, uint64(blocks), uint64(size),
			(*[8]uint32)(b.counters[from:]), &b.flags)
	}
}

func hashRows(level Level, dst [][8]uint32, rows []uint8, k int) {
	if k <= leafSize {
		hashLeaves(level, dst, len(dst), rows, k, 0, 1, k/64)
		return
	}
	hashTrees(level, dst, rows, k)
}

// hashTree holds the chaining values of up to 16 rows, those of a row side by
// side.
type hashTree [hashLanes * maxLeaves][8]uint32

func hashTrees(level Level, dst [][8]uint32, rows []uint8, k int) {
	var tree hashTree
	m, count := len(dst), (k+leafSize-1)/leafSize
	hashLeaves(level, tree[:], m, rows, k, 0, k/leafSize, leafSize/64)
	if k%leafSize > 0 {
		hashLeaves(level, tree[:], m, rows, k, count-1, count, k%leafSize/64)
	}
	for ; count > 1; count = (count + 1) / 2 {
		tree.nodes(level, m, count)
	}
	copy(dst, tree[:m])
}

// hashLeaves writes to dst, at their places in the tree, the chaining values of
// leaves from ≤ c < to of m rows, all of so many blocks.
func hashLeaves(level Level, dst [][8]uint32, m int, rows []uint8, k, from, to, blocks int) {
	iv, count := hashIV(), (k+leafSize-1)/leafSize
	b := batch{flags: [3]uint32{0, flagChunkStart, leafFlags(false, true, count == 1)}}
	b.keys[0] = wordBytes(&iv)
	var places [hashLanes]int
	row, c := 0, from
	for left := m * (to - from); left > 0; left -= hashLanes {
		n := min(hashLanes, left)
		for l := range hashLanes {
			if l >= n { // idle lanes do what the last one does
				b.data[l], b.counters[l] = b.data[n-1], b.counters[n-1]
				continue
			}
			b.data[l], b.counters[l], places[l] = &rows[row*Stride(k)+c*leafSize], uint32(c), row*count+c
			if c++; c == to {
				row, c = row+1, from
			}
		}
		b.run(level, &b.out, n, true, blocks, 64)
		for l, at := range places[:n] {
			dst[at] = [8]uint32(b.out[l][:])
		}
	}
}

// nodes joins the chaining values of m rows in pairs; the last of an odd count
// goes up as it is.
func (t *hashTree) nodes(level Level, m, count int) {
	pairs := count / 2
	if count%2 == 0 {
		hashNodes(level, t[:m*pairs], t[:m*count], count == 2)
		return
	}
	var paired hashTree
	for i := range m {
		copy(paired[2*pairs*i:], t[count*i:][:2*pairs])
	}
	hashNodes(level, paired[:m*pairs], paired[:2*m*pairs], false)
	for i := range m {
		last := t[count*i+count-1]
		copy(t[(pairs+1)*i:], paired[pairs*i:][:pairs])
		t[(pairs+1)*i+pairs] = last
	}
}

func hashNodes(level Level, dst, src [][8]uint32, root bool) {
	iv := hashIV()
	b := batch{flags: [3]uint32{nodeFlags(root), 0, 0}}
	b.keys[0] = wordBytes(&iv)
	for from := 0; from < len(dst); from += hashLanes {
		for l := range hashLanes {
			b.data[l] = wordBytes(&src[2*min(from+l, len(dst)-1)]) // two values lie side by side
		}
		b.run(level, &b.out, min(hashLanes, len(dst)-from), true, 1, 64)
		for l := range min(hashLanes, len(dst)-from) {
			dst[from+l] = [8]uint32(b.out[l][:])
		}
	}
}

func hashChunks(level Level, dst [][8]uint32, data []uint8, first uint32) {
	iv := hashIV()
	b := batch{flags: [3]uint32{0, flagChunkStart, flagChunkEnd}}
	b.keys[0] = wordBytes(&iv)
	for from := 0; from < len(dst); from += hashLanes {
		for l := range hashLanes { // idle lanes do what the last one does
			i := min(from+l, len(dst)-1)
			b.data[l], b.counters[l] = &data[i*leafSize], first+uint32(i)
		}
		b.run(level, &b.out, min(hashLanes, len(dst)-from), true, leafSize/64, 64)
		for l := range min(hashLanes, len(dst)-from) {
			dst[from+l] = [8]uint32(b.out[l][:])
		}
	}
}

func hashBlocks(level Level, dst, keys, blocks []uint32, oneKey, oneBlock, size int) {
	b := batch{flags: [3]uint32{flagsAlone, 0, 0}}
	for from, left := 0, len(dst)/words; left > 0; from, left = from+hashLanes, left-hashLanes {
		for l := range hashLanes {
			i := from + min(l, left-1)
			b.keys[l], b.data[l] = wordPlace(keys[oneKey*i:]), wordPlace(blocks[oneBlock*i:])
		}
		if left >= hashLanes {
			b.run(level, (*[hashLanes][words]uint32)(unsafe.Pointer(&dst[words*from])), left, oneKey == 0, 1, size)
			continue
		}
		b.run(level, &b.out, left, oneKey == 0, 1, size)
		for l := range left {
			copy(dst[words*(from+l):], b.out[l][:])
		}
	}
}

func hashShort(level Level, found []int, keys, blocks []uint32, most uint32) []int {
	n, count := len(keys)/8, len(blocks)/words
	each := count / n
	if level == AVX512 {
		for from := 0; from < n; from += hashLanes {
			found = hashShort512(found, keys[8*from:][:8*min(hashLanes, n-from)], blocks[words*each*from:], each, each*from, most)
		}
		return found
	}
	b := batch{flags: [3]uint32{flagsAlone, 0, 0}}
	for from := 0; from < count; from += hashLanes {
		for l := range hashLanes { // idle lanes do what the last one does
			i := min(from+l, count-1)
			b.keys[l], b.data[l] = wordPlace(keys[8*(i/each):]), wordPlace(blocks[words*i:])
		}
		b.run(level, &b.out, count-from, false, 1, 64)
		for l := range min(hashLanes, count-from) {
			if b.out[l][7] <= most {
				found = append(found, from+l)
			}
		}
	}
	return found
}

// hashShort512 is hashShort for up to 16 keys with each messages, the first of
// which has the number first. A lane keeps its key. Where there are few keys,
// some lanes share each and divide its messages: those at the end may do some
// that others do, too.
func hashShort512(found []int, keys, blocks []uint32, each, first int, most uint32) []int {
	const turn = 32 // messages of a lane between two looks at what was found
	n := len(keys) / 8
	share := min(hashLanes/n, each)
	part := (each + share - 1) / share
	var places, data [hashLanes]*byte
	var from [hashLanes]int
	for l := range hashLanes {
		key := min(l/share, n-1)
		from[l] = key*each + min(l%share*part, each-part)
		places[l], data[l] = wordPlace(keys[8*key:]), wordPlace(blocks[words*from[l]:])
	}
	var lanes [turn]uint16
	begin := len(found)
	for at := 0; at < part; at += turn {
		count := min(turn, part-at)
		short16(&lanes[0], &places, &data, uintptr(4*words*at), uintptr(count), most)
		for i, met := range lanes[:count] {
			for ; met != 0; met &= met - 1 {
				found = append(found, first+from[bits.TrailingZeros16(met)]+at+i)
			}
		}
	}
	slices.Sort(found[begin:])
	return found[:begin+len(slices.Compact(found[begin:]))]
}

// wordPlace is where words begin, as bytes.
func wordPlace(words []uint32) *byte { return (*byte)(unsafe.Pointer(unsafe.SliceData(words))) }

// wordBytes is where the words of a chaining value begin, as bytes.
func wordBytes(value *[8]uint32) *byte { return (*byte)(unsafe.Pointer(value)) }
