//go:build !purego

package kernel

// Products of attention have vectors, what is around them has none yet.

func (Level) softmax([]int16, []int32, int, uint32, uint) (int32, bool) { return 0, false }

func (Level) putKeys(_, _ []int16, _, _, _ int) int   { return 0 }
func (Level) putValues(_, _ []int16, _, _, _ int) int { return 0 }

func (p *pairs) multiply(Level) {
	for i := range p.m {
		clear(p.c[i*p.ldc:][:16*p.blocks])
	}
	for j := range p.blocks {
		for i := 0; i < p.m; {
			rows := 1
			if p.m-i >= 4 {
				rows = 4
			}
			addPairs(rows, &p.c[i*p.ldc+16*j], p.ldc, &p.a[i*p.lda], p.lda, &p.b[j*p.block], p.step, p.steps)
			i += rows
		}
	}
}

// addPairs adds to rows of 16 sums, ldc apart, the products of as many pairs of
// rows of a, lda apart, as there are steps with those of each column of b, step
// numbers apart. There are 4 rows or 1.
func addPairs(rows int, c *int32, ldc int, a *int16, lda int, b *int16, step, steps int) {
	if rows == 4 {
		pairsDot4(c, uintptr(4*ldc), a, uintptr(2*lda), b, uintptr(2*step), uintptr(steps))
		return
	}
	pairsDot1(c, uintptr(4*ldc), a, uintptr(2*lda), b, uintptr(2*step), uintptr(steps))
}
