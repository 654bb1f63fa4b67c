package main

import "fmt"

// pairs writes the kernel of products of 16-bit numbers for so many rows: those
// of attention, and of noise with what takes it out of sums again. Columns lie
// side by side with two numbers each, which a load takes apart.
func (t *text) pairs(rows int) {
	t.function(fmt.Sprintf("pairsDot%d", rows),
		fmt.Sprintf("pairsDot%d adds to %d rows of 16 sums, ldc bytes apart, the products of as many pairs of rows of a, lda\n"+
			"bytes apart, as there are steps with those of each of 16 columns of b, step bytes apart.", rows, rows), "",
		"c *int32", "ldc uintptr", "a *int16", "lda uintptr", "b *int16", "step uintptr", "steps uintptr")
	const left, b, step = 0, 5, 6
	a := func(row int) int { return 1 + row }
	sum := func(row int) int { return 16 + 4*row }
	multiply := func(pair int) { // one pair of each row
		for half := range 2 {
			even, odd := 4+2*half, 5+2*half
			t.op("VLD2.P", fmt.Sprintf("32(%s)", reg(b)), list(even, 2, "H8"))
			for row := range rows {
				for i, n := range []int{even, odd} {
					t.smlal(sum(row)+2*half, n, row, 2*pair+i, false)
					t.smlal(sum(row)+2*half+1, n, row, 2*pair+i, true)
				}
			}
		}
		t.op("ADD", reg(step), reg(b))
	}

	t.sums("VLD1.P", rows, 1, sum)
	t.spread(a, rows, "a", "lda", left)
	t.load("b", b)
	t.load("step", step)
	t.op("SUB", "$64", reg(step)) // the loads move on by 64 themselves
	t.load("steps", left)
	t.label("fours")
	t.op("CMP", "$4", reg(left))
	t.op("BLT", "ones")
	for row := range rows {
		t.op("VLD1.P", fmt.Sprintf("16(%s)", reg(a(row))), list(row, 1, "H8"))
	}
	for pair := range 4 {
		multiply(pair)
	}
	t.op("SUB", "$4", reg(left))
	t.op("B", "fours")
	t.label("ones")
	t.op("CBZ", reg(left), "done")
	for row := range rows {
		t.op("VLD1.P", fmt.Sprintf("4(%s)", reg(a(row))), fmt.Sprintf("V%d.S[0]", row))
	}
	multiply(0)
	t.op("SUB", "$1", reg(left))
	t.op("B", "ones")
	t.label("done")
	t.sums("VST1.P", rows, 1, sum)
	t.ret()
}
