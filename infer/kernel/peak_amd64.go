//go:build !purego

package kernel

// peak runs turns of the level's loop and returns the operations of one.
func peak(level Level, turns int) (operations int64) {
	switch level {
	case AVX512:
		peak512(turns)
		return 24 * 64 * 2
	case AVXVNNI:
		peakVNNI(turns)
		return 12 * 32 * 2
	case AVX2:
		peak256(turns)
		return 12 * 16 * 2
	}
	operations, _ = plainPeak(turns)
	return operations
}

// read reads p, a multiple of 1024 bytes, and returns the xor of its words.
func read(level Level, p []uint8) uint64 {
	switch level {
	case AVX512:
		return read512(&p[0], len(p)/4)
	case AVX2, AVXVNNI:
		return read256(&p[0], len(p)/4)
	}
	return plainRead(p)
}
