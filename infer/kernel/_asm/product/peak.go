package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// peakTurn is how many multiply-add instructions one turn of a peak loop has.
// Their sums do not depend on each other within a turn.
const peakTurn = 24

// peak512 writes the loop that does nothing but multiply and add.
func peak512() {
	TEXT("peak512", NOSPLIT, "func(turns int)")
	Doc(fmt.Sprintf("peak512 runs so many turns of %d VPDPBUSD on registers: %d operations each.", peakTurn, 2*64*peakTurn))
	for _, v := range vectors {
		VPXORD(v, v, v)
	}
	turns := Load(Param("turns"), GP64())
	Label("peak")
	for i := range peakTurn {
		VPDPBUSD(Z30, Z31, vectors[i])
	}
	DECQ(turns)
	JNZ(LabelRef("peak"))
	VZEROUPPER()
	RET()
}

// peak256 does the same with what AVX2 has: VPMADDWD and VPADDD.
func peak256() {
	TEXT("peak256", NOSPLIT, "func(turns int)")
	Doc(fmt.Sprintf("peak256 runs so many turns of 12 VPMADDWD and VPADDD on registers: %d operations each.", 2*16*12))
	for _, y := range halves {
		VPXOR(y, y, y)
	}
	turns := Load(Param("turns"), GP64())
	Label("peak")
	for i := range 12 {
		x := []VecPhysical{Y12, Y13, Y14}[i%3]
		VPMADDWD(Y15, Y15, x)
		VPADDD(x, halves[i], halves[i])
	}
	DECQ(turns)
	JNZ(LabelRef("peak"))
	VZEROUPPER()
	RET()
}

// read512 and read256 write loops that read memory and xor its words. Four streams, as the product with one row reads weights.
func read512() {
	TEXT("read512", NOSPLIT, "func(p *uint8, quarter int) uint64")
	Doc("read512 reads four quarters of memory side by side, each a multiple of 256 bytes, and returns the xor of their words.")
	Pragma("noescape")
	read(256, func(m Mem, i int) { VPXORD(m, vectors[i], vectors[i]) }, 64)
	for i := 1; i < 16; i++ {
		VPXORD(vectors[i], Z0, Z0)
	}
	VEXTRACTI64X4(Imm(1), Z0, Y1)
	VPXOR(Y1, Y0, Y0)
	digest()
}

func read256() {
	TEXT("read256", NOSPLIT, "func(p *uint8, quarter int) uint64")
	Doc("read256 reads four quarters of memory side by side, each a multiple of 256 bytes, and returns the xor of their words.")
	Pragma("noescape")
	read(128, func(m Mem, i int) { VPXOR(m, halves[i], halves[i]) }, 32)
	for i := 1; i < 16; i++ {
		VPXOR(halves[i], Y0, Y0)
	}
	digest()
}

func read(turn int, load func(Mem, int), size int) {
	p := lines{base: Load(Param("p"), GP64()), step: GP64(), triple: GP64()}
	left := Load(Param("quarter"), GP64())
	MOVQ(left, p.step)
	LEAQ(Mem{Base: p.step, Index: p.step, Scale: 2}, p.triple)
	for i := range 16 {
		VPXOR(halves[i], halves[i], halves[i])
	}
	Label("read")
	for at := 0; at < turn; at += size {
		for i := range 4 {
			load(p.at(i, at), at/size*4+i)
		}
	}
	p.advance(1, turn)
	SUBQ(U32(turn), left)
	JNZ(LabelRef("read"))
}

func digest() {
	x := GP64()
	VEXTRACTI128(Imm(1), Y0, X1)
	VPXOR(X1, X0, X0)
	VPSHUFD(Imm(0xEE), X0, X1)
	VPXOR(X1, X0, X0)
	VMOVQ(X0, x)
	VZEROUPPER()
	Store(x, ReturnIndex(0))
	RET()
}
