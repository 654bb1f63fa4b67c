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
	leafSize  = 1024            // bytes of a leaf of the tree
	maxLeaves = maxK / leafSize // leaves of the longest row
	hashLanes = 16              // messages at a time

	flagChunkStart = 1 << 0
	flagChunkEnd   = 1 << 1
	flagParent     = 1 << 2
	flagRoot       = 1 << 3
	flagKeyed      = 1 << 4

	flagsAlone = flagKeyed | flagChunkStart | flagChunkEnd | flagRoot // of a message of one block
)

// hashIV is the key of a hash without one.
func hashIV() [8]uint32 {
	return [8]uint32{0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19}
}

// HashBlocks hashes messages of at most 64 bytes with keys: dst[16i:16i+16] is
// the first 64 bytes of what BLAKE3 makes of the first size bytes of
// blocks[16i:16i+16] with keys[8i:8i+8]. Where there is one key or one block
// only, it is that of all. A block is zero behind its message. HashBlocks
// allocates nothing. The level must be one that can run here.
func HashBlocks(level Level, dst, keys, blocks []uint32, size int) {
	n := len(dst) / words
	if size < 0 || size > 64 || len(dst)%words != 0 || (len(keys) != 8*n && len(keys) != 8) || (len(blocks) != words*n && len(blocks) != words) {
		panic(fmt.Sprintf("kernel: %d words of hashes of %d words of messages of %d bytes with %d words of keys",
			len(dst), len(blocks), size, len(keys)))
	}
	oneKey, oneBlock := 8, words // to the next
	if len(keys) == 8 {
		oneKey = 0
	}
	if len(blocks) == words {
		oneBlock = 0
	}
	if level != Go {
		hashBlocks(level, dst, keys, blocks, oneKey, oneBlock, size)
		return
	}
	for i := range n {
		*(*[words]uint32)(dst[words*i:]) = compress((*[8]uint32)(keys[oneKey*i:]), (*[words]uint32)(blocks[oneBlock*i:]), 0, size, flagsAlone)
	}
}

// HashShort appends to found the numbers of the messages of 64 bytes whose hash,
// taken as a number, is short: whose eighth word, the most significant, is at
// most most. There are as many messages, one after another, for each key of 8
// words; message i is blocks[16i:16i+16]. Numbers come in ascending order.
// HashShort allocates nothing but room for what it finds. The level must be one
// that can run here.
func HashShort(level Level, found []int, keys, blocks []uint32, most uint32) []int {
	n, count := len(keys)/8, len(blocks)/words
	if len(keys)%8 != 0 || len(blocks)%words != 0 || n == 0 && count > 0 || n > 0 && count%n != 0 {
		panic(fmt.Sprintf("kernel: short hashes of %d words of messages with %d words of keys", len(blocks), len(keys)))
	}
	if count == 0 {
		return found
	}
	if level != Go {
		return hashShort(level, found, keys, blocks, most)
	}
	for i := range count {
		hash := compress((*[8]uint32)(keys[i/(count/n)*8:]), (*[words]uint32)(blocks[words*i:]), 0, 64, flagsAlone)
		if hash[7] <= most {
			found = append(found, i)
		}
	}
	return found
}

// HashChunks writes to dst the chaining values of consecutive leaves of BLAKE3's
// tree, 1024 bytes each, the first of which is leaf number first. None of them
// may be the whole message. It allocates nothing. The level must be one that
// can run here.
func HashChunks(level Level, dst [][8]uint32, data []uint8, first uint32) {
	if len(data) != len(dst)*leafSize {
		panic(fmt.Sprintf("kernel: %d leaves of %d bytes", len(dst), len(data)))
	}
	if level != Go {
		hashChunks(level, dst, data, first)
		return
	}
	for i := range dst {
		dst[i] = hashLeaf(data[i*leafSize:][:leafSize], first+uint32(i), false)
	}
}

// HashNodes writes to dst[i] the chaining value of the node of BLAKE3's tree
// above src[2i] and src[2i+1]; root is whether it is the root, whose value is
// the hash. dst may begin where src does. It allocates nothing. The level must
// be one that can run here.
func HashNodes(level Level, dst, src [][8]uint32, root bool) {
	if len(src) != 2*len(dst) {
		panic(fmt.Sprintf("kernel: %d nodes above %d", len(dst), len(src)))
	}
	if level != Go {
		hashNodes(level, dst, src, root)
		return
	}
	for i := range dst {
		dst[i] = hashNode(&src[2*i], &src[2*i+1], root)
	}
}

// HashRows writes to dst the BLAKE3 hashes of rows of k bytes, [Stride](k) bytes
// apart; k is a multiple of 64 up to 16384. It allocates nothing. The level must
// be one that can run here.
func HashRows(level Level, dst [][8]uint32, rows []uint8, k int) {
	if k < 64 || k > maxK || k%64 != 0 || (len(dst) > 0 && len(rows) < (len(dst)-1)*Stride(k)+k) {
		panic(fmt.Sprintf("kernel: hashes of %d rows of %d bytes from %d", len(dst), k, len(rows)))
	}
	for from := 0; from < len(dst); from += hashLanes {
		part := dst[from:min(from+hashLanes, len(dst))]
		if level != Go {
			hashRows(level, part, rows[from*Stride(k):], k)
			continue
		}
		for i := range part {
			part[i] = hashRow(rows[(from+i)*Stride(k):][:k])
		}
	}
}

// hashRow is the definition of the hash of a row: BLAKE3.
func hashRow(row []byte) [8]uint32 {
	var tree [maxLeaves][8]uint32
	count := (len(row) + leafSize - 1) / leafSize
	for c := range count {
		tree[c] = hashLeaf(row[c*leafSize:min((c+1)*leafSize, len(row))], uint32(c), count == 1)
	}
	for ; count > 1; count = (count + 1) / 2 {
		for j := range count / 2 {
			tree[j] = hashNode(&tree[2*j], &tree[2*j+1], count == 2)
		}
		if count%2 == 1 { // without a neighbour it goes up as it is
			tree[count/2] = tree[count-1]
		}
	}
	return tree[0]
}

func hashLeaf(part []byte, number uint32, root bool) [8]uint32 {
	value := hashIV()
	for at := 0; at < len(part); at += 64 {
		var block [words]uint32
		for i := range block {
			block[i] = binary.LittleEndian.Uint32(part[at+4*i:])
		}
		out := compress(&value, &block, number, 64, leafFlags(at == 0, at+64 == len(part), root))
		value = [8]uint32(out[:])
	}
	return value
}

func hashNode(left, right *[8]uint32, root bool) [8]uint32 {
	var block [words]uint32
	copy(block[:8], left[:])
	copy(block[8:], right[:])
	iv := hashIV()
	out := compress(&iv, &block, 0, 64, nodeFlags(root))
	return [8]uint32(out[:])
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
func compress(key *[8]uint32, block *[words]uint32, counter uint32, size int, flags uint32) [words]uint32 {
	iv := hashIV()
	v := [words]uint32{
		key[0], key[1], key[2], key[3], key[4], key[5], key[6], key[7],
		iv[0], iv[1], iv[2], iv[3], counter, 0, uint32(size), flags,
	}
	m := *block
	for range 6 {
		mixRound(&v, &m)
		m = [words]uint32{m[2], m[6], m[3], m[10], m[7], m[0], m[4], m[13], m[1], m[11], m[12], m[5], m[9], m[14], m[15], m[8]}
	}
	mixRound(&v, &m)
	for i := range 8 {
		v[i] ^= v[i+8]
		v[i+8] ^= key[i]
	}
	return v
}

func mixRound(v, m *[words]uint32) {
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
