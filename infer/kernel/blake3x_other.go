//go:build !amd64 || purego

package kernel

// Without vectors for them hashes are those of plain Go.

func hashRows(_ Level, dst [][8]uint32, rows []uint8, k int) { HashRows(Go, dst, rows, k) }

func hashChunks(_ Level, dst [][8]uint32, data []uint8, first uint32) {
	HashChunks(Go, dst, data, first)
}

func hashNodes(_ Level, dst, src [][8]uint32, root bool) { HashNodes(Go, dst, src, root) }

func hashBlocks(_ Level, dst, keys, blocks []uint32, _, _, size int) {
	HashBlocks(Go, dst, keys, blocks, size)
}

func hashShort(_ Level, found []int, keys, blocks []uint32, most uint32) []int {
	return HashShort(Go, found, keys, blocks, most)
}
