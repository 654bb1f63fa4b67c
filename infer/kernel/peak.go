package kernel

import "encoding/binary"

// Peak runs turns of a loop that multiplies and adds whole numbers in
// registers, with the instructions the products of the level use, and touches
// no memory. It returns the number of operations done, a multiplication and an
// addition counting as two: what a product at the level could at most do in
// the same time on one core. A turn is between some and a thousand
// nanoseconds. The level must be one that can run here.
func Peak(level Level, turns int) (operations int64) {
	level.must()
	if turns < 1 {
		return 0
	}
	return int64(turns) * peak(level, turns)
}

// plainPeak is the loop in plain Go: eight sums that do not wait for each
// other. As in the products, a multiplication of 64 bits counts for two rows.
// It returns the operations of a turn, and the sums so that the compiler
// cannot drop them.
//
//go:noinline
func plainPeak(turns int) (operations, sum int64) {
	var s [8]int64
	x := int64(turns)
	for range turns {
		for range 16 {
			s[0] += s[1] * x
			s[1] += s[2] * x
			s[2] += s[3] * x
			s[3] += s[4] * x
			s[4] += s[5] * x
			s[5] += s[6] * x
			s[6] += s[7] * x
			s[7] += x * x
		}
	}
	for _, v := range s {
		sum += v
	}
	return 2 * 2 * 16 * 8, sum
}

// Read reads the memory p, all but an end of less than 1024 bytes, with the
// widest loads of the level in four streams. It returns how many bytes it read
// and the xor of their little-endian words of 8 bytes. It bounds a product that
// reads its weights only once. The level must be one that can run here.
func Read(level Level, p []uint8) (bytes int, digest uint64) {
	level.must()
	quarter := len(p) / 1024 * 256
	if quarter == 0 {
		return 0, 0
	}
	return 4 * quarter, read(level, p[:4*quarter])
}

// plainRead is the definition of the digest.
func plainRead(p []uint8) uint64 {
	var a, b, c, d uint64
	for ; len(p) >= 32; p = p[32:] {
		a ^= binary.LittleEndian.Uint64(p)
		b ^= binary.LittleEndian.Uint64(p[8:])
		c ^= binary.LittleEndian.Uint64(p[16:])
		d ^= binary.LittleEndian.Uint64(p[24:])
	}
	return a ^ b ^ c ^ d
}
