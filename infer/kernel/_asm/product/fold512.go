package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// tall is how many panels of 16 columns a tile has.
const tall = 8

// fold512 adds the instructions that take the sums of one row of a tile into
// its transcript.
func fold512(state VecPhysical, sum func(panel int) VecPhysical) {
	VPROLD(Imm(13), state, state)
	for q := 0; q < tall; q += 2 {
		VPADDD(sum(q), state, state)
		VPXORD(sum(q+1), state, state)
	}
}

// tile512 writes the kernel for one tile of so many rows: running sums and
// transcripts stay in registers, and so do the sums while the noise is taken
// out of them. A long row comes in pieces, between which the sums lie where the
// product will.
func tile512(rows int) {
	TEXT(fmt.Sprintf("tile512x%d", rows), NOSPLIT, "func(c *int32, ldc uintptr, states *uint32, lds uintptr, initial *uint32, tile uint32, more bool, "+
		"a *uint8, lda uintptr, panel *int8, step uintptr, offset *int32, peel *int16, peelstep uintptr, e *int8, rank, k uintptr, next *int8)")
	Doc(fmt.Sprintf("tile512x%d computes a tile of %d rows, or a piece of k columns of it: its transcripts and, unless more", rows, rows),
		"is to come, its product without noise. Pieces after the first have no initial transcripts. Distances are in",
		"bytes.")
	Pragma("noescape")
	acc := func(row, panel int) VecPhysical { return vectors[row*tall+panel] }
	state, u, w := vectors[24:27], vectors[27:30], vectors[30:32]

	c, states := newLines("c", "ldc", rows), newLines("states", "lds", rows)
	initial := Load(Param("initial"), GP64())
	TESTQ(initial, initial)
	JZ(LabelRef("resume"))
	number := Load(Param("tile"), GP32())
	VMOVD(number, X0)
	for i := range rows {
		VPADDD(Mem{Base: initial, Disp: 64 * i}, Z0, state[i])
	}
	for i := range rows {
		for p := range tall {
			VPXORD(acc(i, p), acc(i, p), acc(i, p))
		}
	}
	JMP(LabelRef("begin"))
	Label("resume")
	for i := range rows {
		VMOVDQU32(states.at(i, 0), state[i])
		for p := range tall {
			VMOVDQU32(c.at(i, 64*p), acc(i, p))
		}
	}

	Label("begin")
	rank := Load(Param("rank"), GP64())
	a := newLines("a", "lda", rows)
	b := newLines("panel", "step", tall)
	k := Load(Param("k"), GP64())
	next := Load(Param("next"), GP64())
	visit(next, k)
	const (
		turn  = 8 // groups of four k: a slice is one turn or two
		ahead = 8 // groups from the one that is multiplied to the one that is fetched
	)
	inner := GP64()
	Label("slice")
	MOVQ(rank, inner)
	Label("inner")
	for q := range turn {
		for i := range rows {
			VPBROADCASTD(a.at(i, 4*q), u[i])
		}
		PREFETCHT1(Mem{Base: next, Disp: 64 * q})
		for p := range tall {
			VMOVDQU8(b.at(p, 64*q), w[p%len(w)])
			PREFETCHT0(b.at(p, 64*(q+ahead)))
			for i := range rows {
				VPDPBUSD(w[p%len(w)], u[i], acc(i, p))
			}
		}
	}
	a.advance(rows, 4*turn)
	b.advance(tall, 64*turn)
	ADDQ(U32(64*turn), next)
	SUBQ(U32(4*turn), inner)
	JNZ(LabelRef("inner"))
	for i := range rows {
		fold512(state[i], func(p int) VecPhysical { return acc(i, p) })
	}
	SUBQ(rank, k)
	JNZ(LabelRef("slice"))

	c, states = newLines("c", "ldc", rows), newLines("states", "lds", rows)
	for i := range rows {
		VMOVDQU32(state[i], states.at(i, 0))
	}
	more := Load(Param("more"), GP8())
	TESTB(more, more)
	JNZ(LabelRef("store"))

	Comment("The noise in 16 bits, and taken out of the sums two elements at a time.")
	wide := AllocLocal(rows * 128)
	e := Load(Param("e"), GP64())
	for i := range rows {
		VPMOVSXBW(Mem{Base: e}, state[0])
		VMOVDQU16(state[0], wide.Offset(128*i))
		half := fmt.Sprintf("half%d", i)
		CMPQ(rank, Imm(32))
		JEQ(LabelRef(half))
		VPMOVSXBW(Mem{Base: e, Disp: 32}, state[0])
		VMOVDQU16(state[0], wide.Offset(128*i+64))
		Label(half)
		ADDQ(rank, e)
	}
	peel := lines{base: Load(Param("peel"), b.base), far: b.far, step: Load(Param("peelstep"), b.step), triple: b.triple}
	LEAQ(Mem{Base: peel.step, Index: peel.step, Scale: 2}, peel.triple)
	LEAQ(Mem{Base: peel.base, Index: peel.step, Scale: 4}, peel.far)
	noise := GP64()
	LEAQ(wide, noise)
	Label("peel")
	const pairs = 4
	for j := range pairs {
		for i := range rows {
			VPBROADCASTD(Mem{Base: noise, Disp: 128*i + 4*j}, u[i])
		}
		for p := range tall {
			VMOVDQU16(peel.at(p, 64*j), w[p%len(w)])
			for i := range rows {
				VPDPWSSD(w[p%len(w)], u[i], acc(i, p))
			}
		}
	}
	ADDQ(U32(4*pairs), noise)
	peel.advance(tall, 64*pairs)
	SUBQ(U32(2*pairs), rank)
	JNZ(LabelRef("peel"))

	offset := Load(Param("offset"), GP64())
	for p := range tall {
		VMOVDQU32(Mem{Base: offset, Disp: 64 * p}, w[p%len(w)])
		for i := range rows {
			VPADDD(w[p%len(w)], acc(i, p), acc(i, p))
		}
	}
	Label("store")
	for i := range rows {
		for p := range tall {
			VMOVDQU32(acc(i, p), c.at(i, 64*p))
		}
	}
	VZEROUPPER()
	RET()
}

// slice512 writes one slice of one row, with the running sums in memory.
func slice512() {
	TEXT("slice512", NOSPLIT, "func(state *[16]uint32, sums *[128]int32, u *uint8, panel *int8, step, rank uintptr)")
	Doc("slice512 adds a slice of one row to the sums of a tile and folds them into its transcript.")
	Pragma("noescape")
	sums := Load(Param("sums"), GP64())
	for p := range tall {
		VMOVDQU32(Mem{Base: sums, Disp: 64 * p}, vectors[p])
	}
	u := Load(Param("u"), GP64())
	b := newLines("panel", "step", tall)
	rank := Load(Param("rank"), GP64())
	Label("slice")
	for q := range 2 {
		VPBROADCASTD(Mem{Base: u, Disp: 4 * q}, vectors[8+q])
		for p := range tall {
			VPDPBUSD(b.at(p, 64*q), vectors[8+q], vectors[p])
		}
	}
	ADDQ(U32(8), u)
	b.advance(tall, 128)
	SUBQ(U32(8), rank)
	JNZ(LabelRef("slice"))
	for p := range tall {
		VMOVDQU32(vectors[p], Mem{Base: sums, Disp: 64 * p})
	}
	state := Load(Param("state"), GP64())
	VMOVDQU32(Mem{Base: state}, Z16)
	fold512(Z16, func(p int) VecPhysical { return vectors[p] })
	VMOVDQU32(Z16, Mem{Base: state})
	VZEROUPPER()
	RET()
}

// noise512 writes the table look-up of the noise. The byte of the permutation
// is the index as it is: VPERMB looks at its six low bits only, and the top
// bit of each makes the mask of those to subtract. A table of 32 elements is
// taken twice: the sixth bit does not matter then.
func noise512() {
	TEXT("noise512", NOSPLIT, "func(dst, a *uint8, e *int8, rank uintptr, perm *uint8, n uintptr)")
	Doc("noise512 adds noise of 32 or 64 elements to n activations, a multiple of 64.")
	Pragma("noescape")
	dst, a, e := Load(Param("dst"), GP64()), Load(Param("a"), GP64()), Load(Param("e"), GP64())
	perm, n := Load(Param("perm"), GP64()), Load(Param("n"), GP64())
	rank := Load(Param("rank"), GP64())
	VBROADCASTI64X4(Mem{Base: e}, Z0)
	CMPQ(rank, Imm(32))
	JEQ(LabelRef("noise"))
	VMOVDQU8(Mem{Base: e}, Z0)
	Label("noise")
	VMOVDQU8(Mem{Base: perm}, Z1)
	VPMOVB2M(Z1, K1)
	VPERMB(Z0, Z1, Z2)
	VMOVDQU8(Mem{Base: a}, Z3)
	VPADDB(Z2, Z3, Z4)
	VPSUBB(Z2, Z3, K1, Z4)
	VMOVDQU8(Z4, Mem{Base: dst})
	for _, p := range []Register{perm, a, dst} {
		ADDQ(U32(64), p)
	}
	SUBQ(U32(64), n)
	JNZ(LabelRef("noise"))
	VZEROUPPER()
	RET()
}

// pack512 writes the transposition of 16 rows of 16 groups of four weights,
// the groups being 32-bit words: first within 128-bit lanes, then of the lanes.
func pack512() {
	TEXT("pack512", NOSPLIT, "func(panel, w *int8, k, n uintptr)")
	Doc("pack512 packs n weights, a multiple of 64, of each of 16 rows of k as a panel.")
	Pragma("noescape")
	panel, w := Load(Param("panel"), GP64()), Load(Param("w"), GP64())
	k, n := Load(Param("k"), GP64()), Load(Param("n"), GP64())
	row := GP64()
	Label("pack")
	MOVQ(w, row)
	for i := range 16 {
		VMOVDQU8(Mem{Base: row}, vectors[i])
		ADDQ(k, row)
	}
	r, s := vectors[:16], vectors[16:]
	for i := 0; i < 16; i += 2 {
		VPUNPCKLDQ(r[i+1], r[i], s[i])
		VPUNPCKHDQ(r[i+1], r[i], s[i+1])
	}
	for i := 0; i < 16; i += 4 { // r[4g+e] has in lane l group 4l+e of rows 4g to 4g+3
		VPUNPCKLQDQ(s[i+2], s[i], r[i])
		VPUNPCKHQDQ(s[i+2], s[i], r[i+1])
		VPUNPCKLQDQ(s[i+3], s[i+1], r[i+2])
		VPUNPCKHQDQ(s[i+3], s[i+1], r[i+3])
	}
	for e := range 4 {
		VSHUFI32X4(Imm(0x88), r[4+e], r[e], s[e])
		VSHUFI32X4(Imm(0xDD), r[4+e], r[e], s[4+e])
		VSHUFI32X4(Imm(0x88), r[12+e], r[8+e], s[8+e])
		VSHUFI32X4(Imm(0xDD), r[12+e], r[8+e], s[12+e])
	}
	for e := range 4 {
		VSHUFI32X4(Imm(0x88), s[8+e], s[e], r[e])
		VSHUFI32X4(Imm(0x88), s[12+e], s[4+e], r[4+e])
		VSHUFI32X4(Imm(0xDD), s[8+e], s[e], r[8+e])
		VSHUFI32X4(Imm(0xDD), s[12+e], s[4+e], r[12+e])
	}
	for q := range 16 {
		VMOVDQU8(r[q], Mem{Base: panel, Disp: 64 * q})
	}
	ADDQ(U32(1024), panel)
	ADDQ(U32(64), w)
	SUBQ(U32(64), n)
	JNZ(LabelRef("pack"))
	VZEROUPPER()
	RET()
}
