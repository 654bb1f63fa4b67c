package main

import "fmt"

// add writes the kernel for so many rows and panels at a time. One dot product
// takes three or four cycles, and a large core begins up to four in each:
// sixteen vectors of sums, where rows and panels allow it, keep it busy.
//
// A group of four weights of four columns is a vector, as panels have them, and
// four activations are one lane, which the instruction takes out by itself.
// Stored activations have 128 added: with their top bit turned they are signed
// bytes, and the sums are those of the true product.
func (t *text) add(rows, panels int) {
	t.function(fmt.Sprintf("dot%dx%d", rows, 16*panels),
		fmt.Sprintf("dot%dx%d adds to %d rows of %d sums, ldc bytes apart, the products of rows of k activations, lda\n"+
			"bytes apart, with as many weights of each column of panels, step bytes apart. k is a multiple of 16.",
			rows, 16*panels, rows, 16*panels), "",
		"c *int32", "ldc uintptr", "a *uint8", "lda uintptr", "panel *int8", "step uintptr", "k uintptr")
	const left, turn = 0, 15
	a := func(row int) int { return 1 + row }     // registers of the addresses of rows
	w := func(panel int) int { return 5 + panel } // and of panels
	sum := func(row, panel int) int { return 16 + 4*(row*panels+panel) }
	first := func(row int) int { return sum(row, 0) }

	t.sums("VLD1.P", rows, panels, first)
	t.spread(a, rows, "a", "lda", left)
	t.spread(w, panels, "panel", "step", left)
	t.load("k", left)
	t.op("VMOVI", "$128", v(turn, "B16"))
	t.label("loop")
	for row := range rows {
		t.op("VLD1.P", fmt.Sprintf("16(%s)", reg(a(row))), list(row, 1, "B16"))
	}
	// The weights of a group are read while those of the one before are used.
	weights := func(i int) int { return 4 + 4*(i%2) }
	read := func(i int) {
		t.op("VLD1.P", fmt.Sprintf("64(%s)", reg(w(i%panels))), list(weights(i), 4, "B16"))
	}
	read(0)
	for row := range rows {
		t.op("VEOR", v(turn, "B16"), v(row, "B16"), v(row, "B16"))
	}
	for i := range 4 * panels {
		if i+1 < 4*panels {
			read(i + 1)
		}
		for row := range rows {
			for four := range 4 {
				t.sdot(sum(row, i%panels)+four, weights(i)+four, row, i/panels)
			}
		}
	}
	t.loop(left, 16, "loop")
	t.sums("VST1.P", rows, panels, first)
	t.ret()
}

// peak writes the loop that does nothing but multiply and add.
func (t *text) peak() {
	const turns, sums = 0, 24
	t.function("peakDot", fmt.Sprintf("peakDot runs so many turns of %d SDOT on registers: %d operations each.", sums, 2*16*sums), "",
		"turns int")
	t.load("turns", turns)
	for i := range 32 {
		t.op("VEOR", v(i, "B16"), v(i, "B16"), v(i, "B16"))
	}
	t.label("loop")
	for i := range sums {
		t.sdot(8+i, i%4, 4+i%4, i%4)
	}
	t.loop(turns, 1, "loop")
	t.ret()
}

// read writes the loop that reads memory and xors its words.
func (t *text) read() {
	const p, quarter, left, digest = 0, 4, 5, 6
	t.function("readDot", "readDot reads four quarters of memory side by side, each a multiple of 64 bytes, and returns the xor of\ntheir words.",
		"uint64", "p *uint8", "quarter int")
	t.load("p", p)
	t.load("quarter", quarter)
	for i := 1; i < 4; i++ {
		t.op("ADD", reg(quarter), reg(p+i-1), reg(p+i))
	}
	t.op("MOVD", reg(quarter), reg(left))
	for i := range 16 {
		t.op("VEOR", v(i, "B16"), v(i, "B16"), v(i, "B16"))
	}
	t.label("loop")
	for i := range 4 {
		t.op("VLD1.P", fmt.Sprintf("64(%s)", reg(p+i)), list(16+4*i, 4, "B16"))
	}
	for i := range 16 {
		t.op("VEOR", v(16+i, "B16"), v(i, "B16"), v(i, "B16"))
	}
	t.loop(left, 64, "loop")
	for n := 8; n > 0; n /= 2 {
		for i := range n {
			t.op("VEOR", v(n+i, "B16"), v(i, "B16"), v(i, "B16"))
		}
	}
	t.op("VMOV", "V0.D[0]", reg(digest))
	t.op("VMOV", "V0.D[1]", reg(left))
	t.op("EOR", reg(left), reg(digest))
	t.op("MOVD", reg(digest), "ret+16(FP)")
	t.ret()
}
