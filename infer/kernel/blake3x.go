package kernel

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// BLAKE3 as its specification has it (github.com/BLAKE3-team/BLAKE3-specs), for
// many short messages of one length at a time. Words stand for bytes, least
// significant first.

const (
	chunk  = 1024         // bytes of a leaf of the tree
	chunks = maxK / chunk // leaves of the longest row
	lanes  = 16           // messages at a time

	flagChunkStart = 1 << 0
	flagChunkEnd   = 1 << 1
	flagParent     = 1 << 2
	flagRoot       = 1 << 3
	flagKeyed      = 1 << 4
)

// hashIV is the key of a hash without one.
func hashIV() [8]uint32 {
	return [8]uint32{0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19}
}

// HashBlocks writes to dst[i] the first 64 bytes of what BLAKE3 makes of a
// message of at most 64 bytes with a key: of the first size bytes of blocks[i]
// with keys[i]. Where there is one key or one block only, it is that of all. A
// block is zero behind its message. HashBlocks allocates nothing. The level
// must be one that can run here.
func HashBlocks(level Level, dst [][16]uint32, keys [][8]uint32, blocks [][16]uint32, size int) {
	if size < 0 || size > 64 || (len(keys) != len(dst) && len(keys) != 1) || (len(blocks) != len(dst) && len(blocks) != 1) {
		panic(fmt.Sprintf("kernel: %d hashes of %d messages of %d bytes with %d keys", len(dst), len(blocks), size, len(keys)))
	}
	oneKey, oneBlock := min(1, len(keys)-1), min(1, len(blocks)-1)
	const flags = flagKeyed | flagChunkStart | flagChunkEnd | flagRoot
	if level == AVX512 {
		hashBlocks(dst, keys, blocks, oneKey, oneBlock, size, flags)
		return
	}
	for i := range dst {
		dst[i] = compress(&keys[i*oneKey], &blocks[i*oneBlock], 0, size, flags)
	}
}

// HashRows writes to dst the BLAKE3 hashes of rows of k bytes, [Stride](k) bytes
// apart; k is a multiple of 64 up to 16384. It allocates nothing. The level must
// be one that can run here.
func HashRows(level Level, dst [][8]uint32, rows []uint8, k int) {
	if k < 64 || k > maxK || k%64 != 0 || (len(dst) > 0 && len(rows) < (len(dst)-1)*Stride(k)+k) {
		panic(fmt.Sprintf("kernel: hashes of %d rows of %d bytes from %d", len(dst), k, len(rows)))
	}
	for from := 0; from < len(dst); from += lanes {
		part := dst[from:min(from+lanes, len(dst))]
		if level == AVX512 {
			hashRows(part, rows[from*Stride(k):], k)
			continue
		}
		for i := range part {
			part[i] = hashRow(rows[(from+i)*Stride(k):][:k])
		}
	}
}

// hashRow is the definition of the hash of a row: BLAKE3.
func hashRow(row []byte) [8]uint32 {
	var tree [chunks][8]uint32
	count := (len(row) + chunk - 1) / chunk
	for c := range count {
		tree[c] = hashIV()
		part := row[c*chunk : min((c+1)*chunk, len(row))]
		for at := 0; at < len(part); at += 64 {
			flags := leafFlags(at == 0, at+64 == len(part), count == 1)
			var block [16]uint32
			for i := range block {
				block[i] = binary.LittleEndian.Uint32(part[at+4*i:])
			}
			out := compress(&tree[c], &block, uint32(c), 64, flags)
			tree[c] = [8]uint32(out[:])
		}
	}
	iv := hashIV()
	for ; count > 1; count = (count + 1) / 2 {
		for j := range count / 2 {
			var block [16]uint32
			copy(block[:8], tree[2*j][:])
			copy(block[8:], tree[2*j+1][:])
			out := compress(&iv, &block, 0, 64, nodeFlags(count == 2))
			tree[j] = [8]uint32(out[:])
		}
		if count%2 == 1 { // without a neighbour it goes up as it is
			tree[count/2] = tree[count-1]
		}
	}
	return tree[0]
}

func leafFlags(first, last, root bool) uint32 {
	flags := uint32(0)
	if first {
		flags |= flagChunkStart
	}
	if last {
		flags |= flagChunkEnd
		if root {
			flags |= flagRoot
		}
	}
	return flags
}

func nodeFlags(root bool) uint32 {
	if root {
		return flagParent | flagRoot
	}
	return flagParent
}

// compress is BLAKE3's compression function: 64 bytes of output, of which the
// first 32 are the next chaining value.
func compress(key *[8]uint32, block *[16]uint32, counter uint32, size int, flags uint32) [16]uint32 {
	iv := hashIV()
	v := [16]uint32{
		key[0], key[1], key[2], key[3], key[4], key[5], key[6], key[7],
		iv[0], iv[1], iv[2], iv[3], counter, 0, uint32(size), flags,
	}
	m := *block
	for range 6 {
		mixRound(&v, &m)
		m = [16]uint32{m[2], m[6], m[3], m[10], m[7], m[0], m[4], m[13], m[1], m[11], m[12], m[5], m[9], m[14], m[15], m[8]}
	}
	mixRound(&v, &m)
	for i := range 8 {
		v[i] ^= v[i+8]
		v[i+8] ^= key[i]
	}
	return v
}

func mixRound(v, m *[16]uint32) {
	v[0], v[4], v[8], v[12] = mixColumn(v[0], v[4], v[8], v[12], m[0], m[1])
	v[1], v[5], v[9], v[13] = mixColumn(v[1], v[5], v[9], v[13], m[2], m[3])
	v[2], v[6], v[10], v[14] = mixColumn(v[2], v[6], v[10], v[14], m[4], m[5])
	v[3], v[7], v[11], v[15] = mixColumn(v[3], v[7], v[11], v[15], m[6], m[7])
	v[0], v[5], v[10], v[15] = mixColumn(v[0], v[5], v[10], v[15], m[8], m[9])
	v[1], v[6], v[11], v[12] = mixColumn(v[1], v[6], v[11], v[12], m[10], m[11])
	v[2], v[7], v[8], v[13] = mixColumn(v[2], v[7], v[8], v[13], m[12], m[13])
	v[3], v[4], v[9], v[14] = mixColumn(v[3], v[4], v[9], v[14], m[14], m[15])
}

func mixColumn(a, b, c, d, x, y uint32) (uint32, uint32, uint32, uint32) {
	a += b + x
	d = bits.RotateLeft32(d^a, -16)
	c += d
	b = bits.RotateLeft32(b^c, -12)
	a += b + y
	d = bits.RotateLeft32(d^a, -8)
	c += d
	b = bits.RotateLeft32(b^c, -7)
	return a, b, c, d
}
