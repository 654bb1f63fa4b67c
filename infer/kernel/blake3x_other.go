//go:build !amd64 || purego

package kernel

// Without vectors the level is never AVX512, and nothing comes here.

func hashRows(dst [][8]uint32, rows []uint8, k int) {
	for i := range dst {
		dst[i] = hashRow(rows[i*Stride(k):][:k])
	}
}

func hashBlocks(dst [][16]uint32, keys [][8]uint32, blocks [][16]uint32, oneKey, oneBlock, size int, flags uint32) {
	for i := range dst {
		dst[i] = compress(&keys[i*oneKey], &blocks[i*oneBlock], 0, size, flags)
	}
}
