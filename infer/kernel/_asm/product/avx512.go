package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// vectors are the 32 registers of 512 bits.
var vectors = []VecPhysical{
	Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15,
	Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31,
}

// lines addresses up to eight lines that lie a step apart: rows of a matrix or
// panels of weights. Three registers reach four of them, a fourth eight.
type lines struct {
	base, far    Register // the first line and the fifth
	step, triple Register
}

func (l lines) at(i, displacement int) Mem {
	m := Mem{Base: l.base, Disp: displacement}
	if i >= 4 {
		m.Base = l.far
	}
	switch i % 4 {
	case 1:
		m.Index, m.Scale = l.step, 1
	case 2:
		m.Index, m.Scale = l.step, 2
	case 3:
		m.Index, m.Scale = l.triple, 1
	}
	return m
}

// advance moves all lines on.
func (l lines) advance(count, bytes int) {
	ADDQ(U32(bytes), l.base)
	if count > 4 {
		ADDQ(U32(bytes), l.far)
	}
}

// newLines loads the parameters named base and step.
func newLines(base, step string, count int) lines {
	l := lines{base: Load(Param(base), GP64())}
	if count > 1 {
		l.step = Load(Param(step), GP64())
	}
	if count > 3 {
		l.triple = GP64()
		LEAQ(Mem{Base: l.step, Index: l.step, Scale: 2}, l.triple)
	}
	if count > 4 {
		l.far = GP64()
		LEAQ(Mem{Base: l.base, Index: l.step, Scale: 4}, l.far)
	}
	return l
}

// visit asks for one line of each page of the panel that will be wanted, k
// weights of 16 columns. To find where a page lies takes the processor longer
// than to fetch a line of it, and a prefetch does not hide both.
func visit(next, k Register) {
	const page = 4096
	at, left := GP64(), GP64()
	MOVQ(next, at)
	MOVQ(k, left)
	Label("visit")
	PREFETCHT1(Mem{Base: at})
	ADDQ(U32(page), at)
	SUBQ(U32(page/16), left)
	JA(LabelRef("visit"))
}

// unroll is how many groups of four k one turn of the innermost loop takes.
const unroll = 4

// product512 writes the kernel for so many rows and panels: all sums stay in
// registers from the first k to the last.
func product512(rows, panels int) {
	TEXT(fmt.Sprintf("product512x%dx%d", rows, 16*panels), NOSPLIT,
		"func(c *int32, ldc uintptr, a *uint8, lda uintptr, panel *int8, step uintptr, offset *int32, k uintptr, next *int8)")
	Doc(fmt.Sprintf("product512x%dx%d multiplies %d rows by %d columns. Distances are in bytes.", rows, 16*panels, rows, 16*panels))
	Pragma("noescape")
	a := newLines("a", "lda", rows)
	b := newLines("panel", "step", panels)
	acc := func(row, panel int) VecPhysical { return vectors[row*panels+panel] }
	w := vectors[24:][:panels]
	u := vectors[24+panels:]

	offset := Load(Param("offset"), GP64())
	for p := range panels {
		VMOVDQU32(Mem{Base: offset, Disp: 64 * p}, acc(0, p))
		for i := 1; i < rows; i++ {
			VMOVDQA32(acc(0, p), acc(i, p))
		}
	}
	k := Load(Param("k"), GP64())
	// While eight rows are multiplied, the processor has time to fetch a panel
	// that will be wanted later into the second level of the cache.
	var next Register
	if rows == 8 {
		next = Load(Param("next"), GP64())
		visit(next, k)
	}
	loop := fmt.Sprintf("loop%dx%d", rows, panels)
	Label(loop)
	for q := range unroll {
		for p := range panels {
			VMOVDQU8(b.at(p, 64*q), w[p])
		}
		if next != nil {
			PREFETCHT1(Mem{Base: next, Disp: 64 * q})
		}
		for i := range rows {
			x := u[(q*rows+i)%len(u)]
			VPBROADCASTD(a.at(i, 4*q), x)
			for p := range panels {
				VPDPBUSD(w[p], x, acc(i, p))
			}
		}
	}
	a.advance(rows, 4*unroll)
	b.advance(panels, 64*unroll)
	if next != nil {
		ADDQ(U32(64*unroll), next)
	}
	SUBQ(U32(4*unroll), k)
	JNZ(LabelRef(loop))

	c := newLines("c", "ldc", rows)
	for i := range rows {
		for p := range panels {
			VMOVDQU32(acc(i, p), c.at(i, 64*p))
		}
	}
	VZEROUPPER()
	RET()
}
