//go:build !amd64 || purego

package kernel

// Without vectors the level is never AVX512, and nothing comes here.

func hashRows(dst [][8]uint32, rows []uint8, k int) { HashRows(Go, dst, rows, k) }

func hashChunks(dst [][8]uint32, data []uint8, first uint32) { HashChunks(Go, dst, data, first) }

func hashNodes(dst, src [][8]uint32, root bool) { HashNodes(Go, dst, src, root) }

func hashBlocks(dst, keys, blocks []uint32, _, _, size int) { HashBlocks(Go, dst, keys, blocks, size) }
