package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// halves are the 16 registers of 256 bits.
var halves = []VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15}

// split256 writes what makes activations ready for multiplication in 16 bits:
// of each group of four, the first and third as one word of 32 bits, the second
// and fourth as another.
func split256() {
	TEXT("split256", NOSPLIT, "func(dst, a *uint8, n uintptr)")
	Doc("split256 widens n activations, a multiple of 32: from every 32 it makes 8 pairs of the first and third of",
		"each four and then 8 of the second and fourth.")
	Pragma("noescape")
	dst, a, n := Load(Param("dst"), GP64()), Load(Param("a"), GP64()), Load(Param("n"), GP64())
	VPCMPEQW(Y2, Y2, Y2)
	VPSRLW(Imm(8), Y2, Y2)
	Label("split")
	VMOVDQU(Mem{Base: a}, Y0)
	VPSRLW(Imm(8), Y0, Y1)
	VPAND(Y2, Y0, Y0)
	VMOVDQU(Y0, Mem{Base: dst})
	VMOVDQU(Y1, Mem{Base: dst, Disp: 32})
	ADDQ(U32(32), a)
	ADDQ(U32(64), dst)
	SUBQ(U32(32), n)
	JNZ(LabelRef("split"))
	VZEROUPPER()
	RET()
}

// add256 writes the kernel for so many rows and a panel at a time. Weights are
// widened to 16 bits here, the even and the odd of each four apart, to meet
// activations that split256 has widened: products of 8 bits would saturate at
// 16.
func add256(rows int) {
	even, odd := halves[10:12], halves[12:14]
	u, t := Y14, Y15
	addLoop(fmt.Sprintf("add256x%d", rows), rows, 64, ", as split256 leaves them,", func(a lines, w Register, g int) {
		for h := range 2 {
			VMOVDQU(Mem{Base: w, Disp: 64*g + 32*h}, odd[h])
			VPSLLW(Imm(8), odd[h], even[h])
			VPSRAW(Imm(8), even[h], even[h])
			VPSRAW(Imm(8), odd[h], odd[h])
		}
		for i := range rows {
			for part, w := range [][]VecPhysical{even, odd} {
				VPBROADCASTD(a.at(i, 32*part+4*g), u)
				VPMADDWD(w[0], u, t)
				VPADDD(t, sum(i, 0), sum(i, 0))
				VPMADDWD(w[1], u, u)
				VPADDD(u, sum(i, 1), sum(i, 1))
			}
		}
	})
}

// sum is the register of half of a row's 16 sums.
func sum(row, half int) VecPhysical { return halves[2*row+half] }

// addLoop writes a function that adds products to the sums of rows and panels.
// So many bytes are 32 activations of a row; group multiplies a group of four
// of each row with the weights at w.
func addLoop(name string, rows, bytes int, how string, group func(a lines, w Register, g int)) {
	TEXT(name, NOSPLIT,
		"func(c *int32, ldc uintptr, a *uint8, lda uintptr, panel *int8, step, k, panels uintptr)")
	Doc(fmt.Sprintf("%s adds to %d rows of sums the products of k activations of each%s", name, rows, how),
		"with panels of weights, as many of each column. Distances are in bytes.")
	Pragma("noescape")
	const turn = 8 // groups of four k
	c := newLines("c", "ldc", rows)
	panel, step := Load(Param("panel"), GP64()), Load(Param("step"), GP64())
	panels := Load(Param("panels"), GP64())
	lda := Load(Param("lda"), GP64())
	a := lines{base: GP64(), far: GP64(), step: lda, triple: GP64()}
	LEAQ(Mem{Base: lda, Index: lda, Scale: 2}, a.triple)
	k, w := GP64(), GP64()
	Label("panel")
	Load(Param("a"), a.base)
	if rows > 4 {
		LEAQ(Mem{Base: a.base, Index: lda, Scale: 4}, a.far)
	}
	for i := range rows {
		for h := range 2 {
			VMOVDQU(c.at(i, 32*h), sum(i, h))
		}
	}
	Load(Param("k"), k)
	MOVQ(panel, w)
	Label("loop")
	for g := range turn {
		group(a, w, g)
	}
	a.advance(rows, bytes)
	ADDQ(U32(64*turn), w)
	SUBQ(U32(4*turn), k)
	JNZ(LabelRef("loop"))
	for i := range rows {
		for h := range 2 {
			VMOVDQU(sum(i, h), c.at(i, 32*h))
		}
	}
	c.advance(rows, 64)
	ADDQ(step, panel)
	DECQ(panels)
	JNZ(LabelRef("panel"))
	VZEROUPPER()
	RET()
}

// fold256 writes the fold of rows whose sums and transcripts are in memory.
func fold256() {
	TEXT("fold256", NOSPLIT, "func(state *uint32, lds uintptr, sums *int32, rows uintptr)")
	Doc("fold256 folds the sums of a tile of so many rows into their transcripts, lds bytes apart.")
	Pragma("noescape")
	state, lds := Load(Param("state"), GP64()), Load(Param("lds"), GP64())
	sums, rows := Load(Param("sums"), GP64()), Load(Param("rows"), GP64())
	Label("fold")
	for half := range 2 {
		m, t := halves[2*half], halves[2*half+1]
		VMOVDQU(Mem{Base: state, Disp: 32 * half}, m)
		VPSLLD(Imm(13), m, t)
		VPSRLD(Imm(32-13), m, m)
		VPOR(t, m, m)
		for q := 0; q < tall; q += 2 {
			VPADDD(Mem{Base: sums, Disp: 64*q + 32*half}, m, m)
			VPXOR(Mem{Base: sums, Disp: 64*(q+1) + 32*half}, m, m)
		}
		VMOVDQU(m, Mem{Base: state, Disp: 32 * half})
	}
	ADDQ(lds, state)
	ADDQ(U32(64*tall), sums)
	DECQ(rows)
	JNZ(LabelRef("fold"))
	VZEROUPPER()
	RET()
}

// peel256 writes the correction of one row and one panel.
func peel256() {
	TEXT("peel256", NOSPLIT, "func(c, sums, offset *int32, peel *int16, e *int16, rank uintptr)")
	Doc("peel256 takes noise and surplus out of 16 sums of one row.")
	Pragma("noescape")
	sums, offset := Load(Param("sums"), GP64()), Load(Param("offset"), GP64())
	for h := range 2 {
		VMOVDQU(Mem{Base: sums, Disp: 32 * h}, halves[h])
		VPADDD(Mem{Base: offset, Disp: 32 * h}, halves[h], halves[h])
	}
	peel, e, rank := Load(Param("peel"), GP64()), Load(Param("e"), GP64()), Load(Param("rank"), GP64())
	Label("peel")
	for j := range 4 {
		VPBROADCASTD(Mem{Base: e, Disp: 4 * j}, Y2)
		for h := range 2 {
			VPMADDWD(Mem{Base: peel, Disp: 64*j + 32*h}, Y2, Y3)
			VPADDD(Y3, halves[h], halves[h])
		}
	}
	ADDQ(U32(256), peel)
	ADDQ(U32(16), e)
	SUBQ(U32(8), rank)
	JNZ(LabelRef("peel"))
	c := Load(Param("c"), GP64())
	for h := range 2 {
		VMOVDQU(halves[h], Mem{Base: c, Disp: 32 * h})
	}
	VZEROUPPER()
	RET()
}

// noise256 writes the look-up in four tables of 16 elements. An index is moved
// so that the table's own elements come to 0x70 to 0x7F and all others to 0x80
// and above, which VPSHUFB takes for zero.
func noise256() {
	TEXT("noise256", NOSPLIT, "func(dst, a *uint8, e *[64]int8, perm *uint8, n uintptr)")
	Doc("noise256 adds noise to n activations, a multiple of 32.")
	Pragma("noescape")
	dst, a, e := Load(Param("dst"), GP64()), Load(Param("a"), GP64()), Load(Param("e"), GP64())
	perm, n := Load(Param("perm"), GP64()), Load(Param("n"), GP64())
	table := []VecPhysical{Y8, Y9, Y10, Y11}
	for t := range table {
		VBROADCASTI128(Mem{Base: e, Disp: 16 * t}, table[t])
	}
	constant := func(v uint64, y VecPhysical) {
		x := GP64()
		MOVQ(U64(v), x)
		VMOVQ(x, y.AsX())
		VPBROADCASTQ(y.AsX(), y)
	}
	constant(0x3F3F3F3F3F3F3F3F, Y12)
	constant(0x7070707070707070, Y13)
	constant(0x1010101010101010, Y14)
	VPXOR(Y15, Y15, Y15)
	Label("noise")
	VMOVDQU(Mem{Base: perm}, Y0)
	VPCMPGTB(Y0, Y15, Y1) // those to subtract
	VPAND(Y12, Y0, Y0)
	for t := range table {
		VPADDUSB(Y13, Y0, Y2)
		VPSHUFB(Y2, table[t], Y2)
		if t == 0 {
			VMOVDQA(Y2, Y3)
		} else {
			VPOR(Y2, Y3, Y3)
		}
		if t < 3 {
			VPSUBB(Y14, Y0, Y0)
		}
	}
	VPXOR(Y1, Y3, Y3)
	VPSUBB(Y1, Y3, Y3)
	VPADDB(Mem{Base: a}, Y3, Y3)
	VMOVDQU(Y3, Mem{Base: dst})
	for _, p := range []Register{perm, a, dst} {
		ADDQ(U32(32), p)
	}
	SUBQ(U32(32), n)
	JNZ(LabelRef("noise"))
	VZEROUPPER()
	RET()
}
