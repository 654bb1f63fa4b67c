//go:build !purego

package kernel

// softmax does all scores or, where the last group of 16 is not there to be
// read and written as a whole, none.
func (l Level) softmax(p []int16, s []int32, n int, c uint32, shift uint) (sum int32, done bool) {
	if n <= 0 || BlockTokens(n) > len(p) {
		return 0, false
	}
	whole, rest := uintptr(n&^15), uint32(1)<<(n&15)-1
	switch l {
	case AVX512:
		return softmax512(&p[0], &s[0], whole, rest, far(c, shift), c, uint64(shift)), true
	case AVX2, AVXVNNI:
		return softmax256(&p[0], &s[0], whole, rest, far(c, shift), c, uint64(shift)), true
	}
	return 0, false
}

// far returns the least distance of a score from the greatest whose power is
// zero: from there on z = (distance·c) >> shift is 2^19 or more, and up to
// there below 2^32.
func far(c uint32, shift uint) uint32 {
	if c == 0 || shift > 44 { // 2^63/2^32 distances are not enough
		return 1<<32 - 1
	}
	return uint32(min((1<<(19+shift)+uint64(c)-1)/uint64(c), 1<<32-1))
}

// putKeys and putValues return how many tokens they did: groups of eight, and
// pairs.

func (l Level) putKeys(keys, rows []int16, stride, channels, tokens int) (done int) {
	n := l.groups(tokens, 8)
	if n <= 0 || channels <= 0 || channels%16 != 0 || stride < 0 {
		return 0
	}
	keys, rows = keys[:BlockTokens(n)*channels], rows[:(n-1)*stride+channels]
	for t := 0; t < n; t += 8 {
		putKeys256(&keys[t/16*16*channels+t%16*2], &rows[t*stride], uintptr(2*stride), uintptr(channels/16))
	}
	return n
}

func (l Level) putValues(values, rows []int16, stride, channels, tokens int) (done int) {
	n := l.groups(tokens, 2)
	if n <= 0 || channels <= 0 || channels%16 != 0 || stride < 0 {
		return 0
	}
	values, rows = values[:n*channels], rows[:(n-1)*stride+channels]
	putValues256(&values[0], &rows[0], uintptr(2*stride), uintptr(channels/16), uintptr(n/2))
	return n
}

func (p *pairs) multiply(l Level) {
	for j := 0; j < p.blocks; {
		blocks := 1
		switch left := p.blocks - j; {
		case l != AVX512:
		case left >= 4:
			blocks = 4
		case left >= 2:
			blocks = 2
		}
		for i := 0; i < p.m; {
			rows := 1
			if p.m-i >= 4 {
				rows = 4
			}
			p.tile(l, i, j, rows, blocks)
			i += rows
		}
		j += blocks
	}
}

// tile computes so many rows, 4 or 1, from row i, and blocks from block j.
func (p *pairs) tile(l Level, i, j, rows, blocks int) {
	c, ldc := &p.c[i*p.ldc+16*j], uintptr(4*p.ldc)
	a, lda := &p.a[i*p.lda], uintptr(2*p.lda)
	b, block, step, steps := &p.b[j*p.block], uintptr(2*p.block), uintptr(2*p.step), uintptr(p.steps)
	switch {
	case l != AVX512 && rows == 4:
		pairs4x1x256(c, ldc, a, lda, b, block, step, steps)
	case l != AVX512:
		pairs1x1x256(c, ldc, a, lda, b, block, step, steps)
	case rows == 4 && blocks == 4:
		pairs4x4x512(c, ldc, a, lda, b, block, step, steps)
	case rows == 4 && blocks == 2:
		pairs4x2x512(c, ldc, a, lda, b, block, step, steps)
	case rows == 4:
		pairs4x1x512(c, ldc, a, lda, b, block, step, steps)
	case blocks == 4:
		pairs1x4x512(c, ldc, a, lda, b, block, step, steps)
	case blocks == 2:
		pairs1x2x512(c, ldc, a, lda, b, block, step, steps)
	default:
		pairs1x1x512(c, ldc, a, lda, b, block, step, steps)
	}
}
