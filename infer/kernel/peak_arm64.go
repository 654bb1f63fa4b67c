//go:build !purego

package kernel

// peak runs turns of the level's loop and returns the operations of one.
func peak(level Level, turns int) (operations int64) {
	if level == DotProd {
		peakDot(turns)
		return 24 * 16 * 2
	}
	operations, _ = plainPeak(turns)
	return operations
}

// read reads p, a multiple of 1024 bytes, and returns the xor of its words.
func read(level Level, p []uint8) uint64 {
	if level == DotProd {
		return readDot(&p[0], len(p)/4)
	}
	return plainRead(p)
}
