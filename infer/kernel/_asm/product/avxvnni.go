package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// vexDot adds to each of the eight sums in acc the products of four unsigned
// bytes of u with four signed bytes of w: VPDPBUSD as processors with AVX-VNNI
// but without AVX-512 have it. Go's assembler knows the instruction only as
// AVX-512 has it, so these are the bytes of {vex} VPDPBUSD (Intel's Software
// Developer's Manual, volume 2: VEX.256.66.0F38.W0 50 /r).
//
// For tests on a processor with AVX-512 it is written as AVX-512 has it: the
// same instruction in other bytes.
func vexDot(w, u, acc VecPhysical) {
	if *evex {
		VPDPBUSD(w, u, acc)
		return
	}
	m, v, r := U32(w.PhysicalIndex()), U32(u.PhysicalIndex()), U32(acc.PhysicalIndex())
	code := 0xC4 |
		(0x02|(1&^(r>>3))<<7|1<<6|(1&^(m>>3))<<5)<<8 | // the upper bits of r and m, inverted; map 0F38
		((15&^v)<<3|1<<2|1)<<16 | // v inverted, 256 bits, prefix 66
		0x50<<24
	Comment(fmt.Sprintf("{vex} VPDPBUSD Y%d, Y%d, Y%d", m, v, r))
	emit := func(opcode string, bytes Op) {
		Instruction(&ir.Instruction{
			Opcode: opcode, Operands: []Op{bytes},
			Inputs: []Op{w, u, acc}, Outputs: []Op{acc}, ISA: []string{"AVXVNNI"},
		})
	}
	emit("LONG", code)
	emit("BYTE", U8(3<<6|r&7<<3|m&7))
}

// addVNNI writes the kernel for so many rows and a panel at a time, of
// activations and weights as they are stored.
func addVNNI(rows int) {
	addLoop(fmt.Sprintf("addVNNIx%d", rows), rows, 32, "", func(a lines, w Register, g int) {
		// Two of everything, so that what comes next need not wait.
		weights := halves[10+g%2*2:][:2]
		for h := range 2 {
			VMOVDQU(Mem{Base: w, Disp: 64*g + 32*h}, weights[h])
		}
		for i := range rows {
			u := halves[14+i%2]
			VPBROADCASTD(a.at(i, 4*g), u)
			vexDot(weights[0], u, sum(i, 0))
			vexDot(weights[1], u, sum(i, 1))
		}
	})
}

// peakVNNI writes the loop that does nothing but multiply and add.
func peakVNNI() {
	TEXT("peakVNNI", NOSPLIT, "func(turns int)")
	Doc(fmt.Sprintf("peakVNNI runs so many turns of 12 VPDPBUSD on registers: %d operations each.", 2*32*12))
	for _, y := range halves {
		VPXOR(y, y, y)
	}
	turns := Load(Param("turns"), GP64())
	Label("peak")
	for i := range 12 {
		vexDot(Y14, Y15, halves[i])
	}
	DECQ(turns)
	JNZ(LabelRef("peak"))
	VZEROUPPER()
	RET()
}
