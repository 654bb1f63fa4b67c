package main

import "fmt"

// fold writes the fold of the sums of a tile into the transcripts of rows.
//
// Transcripts are of sums of stored bytes. These are above the true sums by 128
// times the weights, which is what a row of zeros has below nothing: its sums
// are taken away from those of every row.
func (t *text) fold() {
	const state, lds, c, ldc, zero, rows, at = 0, 1, 2, 3, 4, 5, 6
	const mixed, sums, zeros, turned = 0, 4, 8, 12
	t.function("foldDot",
		"foldDot folds the sums c of a tile of so many rows, ldc bytes apart, less the sums zero of a row of zeros, into\n"+
			"their transcripts, lds bytes apart.", "",
		"state *uint32", "lds uintptr", "c *int32", "ldc uintptr", "zero *int32", "rows uintptr")
	for i, p := range []string{"state", "lds", "c", "ldc", "zero", "rows"} {
		t.load(p, state+i)
	}
	t.op("SUB", "$512", reg(ldc))
	t.label("row")
	t.op("VLD1", fmt.Sprintf("(%s)", reg(state)), list(mixed, 4, "S4"))
	for i := range 4 {
		t.op("VSHL", "$13", v(mixed+i, "S4"), v(turned+i, "S4"))
		t.op("VSRI", "$19", v(mixed+i, "S4"), v(turned+i, "S4"))
	}
	t.op("MOVD", reg(zero), reg(at))
	for q := range 8 {
		t.op("VLD1.P", fmt.Sprintf("64(%s)", reg(c)), list(sums, 4, "S4"))
		t.op("VLD1.P", fmt.Sprintf("64(%s)", reg(at)), list(zeros, 4, "S4"))
		for i := range 4 {
			t.op("VSUB", v(zeros+i, "S4"), v(sums+i, "S4"), v(sums+i, "S4"))
		}
		for i := range 4 {
			if q%2 == 0 {
				t.op("VADD", v(sums+i, "S4"), v(turned+i, "S4"), v(turned+i, "S4"))
			} else {
				t.op("VEOR", v(sums+i, "B16"), v(turned+i, "B16"), v(turned+i, "B16"))
			}
		}
	}
	t.op("VST1", list(turned, 4, "S4"), fmt.Sprintf("(%s)", reg(state)))
	t.op("ADD", reg(ldc), reg(c))
	t.op("ADD", reg(lds), reg(state))
	t.loop(rows, 1, "row")
	t.ret()
}

// noise writes what adds noise to activations.
func (t *text) noise() {
	const dst, a, table, perm, n = 0, 1, 2, 3, 4
	const elements, value, index, sign, mask, none = 0, 4, 5, 6, 7, 8
	t.function("noiseDot", "noiseDot adds noise to n activations, a multiple of 16.", "",
		"dst *uint8", "a *uint8", "e *[64]int8", "perm *uint8", "n uintptr")
	for i, p := range []string{"dst", "a", "e", "perm", "n"} {
		t.load(p, dst+i)
	}
	t.op("VLD1", fmt.Sprintf("(%s)", reg(table)), list(elements, 4, "B16"))
	t.op("VMOVI", "$63", v(mask, "B16"))
	t.op("VMOVI", "$0", v(none, "B16"))
	t.label("loop")
	t.op("VLD1.P", fmt.Sprintf("16(%s)", reg(a)), list(value, 1, "B16"))
	t.op("VLD1.P", fmt.Sprintf("16(%s)", reg(perm)), list(index, 1, "B16"))
	t.op("VUSHR", "$7", v(index, "B16"), v(sign, "B16"))
	t.op("VSUB", v(sign, "B16"), v(none, "B16"), v(sign, "B16")) // -1 where the noise is subtracted
	t.op("VAND", v(mask, "B16"), v(index, "B16"), v(index, "B16"))
	t.op("VTBL", v(index, "B16"), list(elements, 4, "B16"), v(index, "B16"))
	t.op("VEOR", v(sign, "B16"), v(index, "B16"), v(index, "B16"))
	t.op("VSUB", v(sign, "B16"), v(index, "B16"), v(index, "B16"))
	t.op("VADD", v(index, "B16"), v(value, "B16"), v(value, "B16"))
	t.op("VST1.P", list(value, 1, "B16"), fmt.Sprintf("16(%s)", reg(dst)))
	t.loop(n, 16, "loop")
	t.ret()
}
