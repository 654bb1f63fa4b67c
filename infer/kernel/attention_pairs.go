//go:build (amd64 || arm64) && !purego

package kernel

// Scores and mixtures are sums of products over pairs: of channels and of
// tokens. Blocks of 16 columns lie block bytes apart, pairs step bytes.

func (l Level) scores(dst []int32, ld int, q, keys []int16, m, channels, tokens int) bool {
	columns := BlockTokens(tokens)
	if l == Go || m <= 0 || tokens <= 0 || channels <= 0 || channels%16 != 0 || ld < columns {
		return false
	}
	p := pairs{
		c: dst[:(m-1)*ld+columns], ldc: ld, a: q[:m*channels], lda: channels, b: keys[:columns*channels],
		m: m, blocks: columns / 16, block: 16 * channels, step: 32, steps: channels / 2,
	}
	p.multiply(l)
	return true
}

func (l Level) mix(dst []int32, p []int16, ld int, values []int16, m, channels, tokens int) bool {
	even := (tokens + 1) &^ 1
	if l == Go || m <= 0 || tokens <= 0 || channels <= 0 || channels%16 != 0 || ld < even {
		return false
	}
	x := pairs{
		c: dst[:m*channels], ldc: channels, a: p[:(m-1)*ld+even], lda: ld, b: values[:even*channels],
		m: m, blocks: channels / 16, block: 32, step: 2 * channels, steps: even / 2,
	}
	x.multiply(l)
	return true
}

// pairs is a product over pairs: c[i·ldc+16·j+t] is the sum over steps s of
// a[i·lda+2s] and a[i·lda+2s+1] with the two numbers of column t at
// b[j·block+s·step].
type pairs struct {
	c           []int32
	ldc         int
	a           []int16
	lda         int
	b           []int16
	m, blocks   int
	block, step int
	steps       int
}
