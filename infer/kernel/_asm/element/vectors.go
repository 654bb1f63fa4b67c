package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// vectors writes kernels for registers of so many bits: 512 or 256. Most
// instructions have the same name for both.
type vectors struct{ bits int }

func (v vectors) bytes() int { return v.bits / 8 }

// turn is how many elements one turn of a loop takes, at the least.
const turn = 16

// each is the registers of one turn of 32-bit numbers: one of 512 bits or two
// of 256.
func (v vectors) each(f func(k int)) {
	for k := range 4 * turn / v.bytes() {
		f(k)
	}
}

func (v vectors) reg() VecVirtual {
	if v.bits == 512 {
		return ZMM()
	}
	return YMM()
}

// begin starts a function. Its name gets the number of bits.
func (v vectors) begin(name, signature, doc string) { v.beginWith(NOSPLIT, name, signature, doc) }

func (v vectors) beginWith(a attr.Attribute, name, signature, doc string) {
	name = fmt.Sprintf("%s%d", name, v.bits)
	TEXT(name, a, "func"+signature)
	Doc(name + " " + doc)
	Pragma("noescape")
}

func (v vectors) end() {
	VZEROUPPER()
	RET()
}

func (v vectors) move(from, to Op) {
	if v.bits == 512 {
		VMOVDQU32(from, to)
	} else {
		VMOVDQU(from, to)
	}
}

func (v vectors) load(m Mem) VecVirtual {
	r := v.reg()
	v.move(m, r)
	return r
}

func (v vectors) zero() VecVirtual {
	r := v.reg()
	if v.bits == 512 {
		VPXORD(r, r, r)
	} else {
		VPXOR(r, r, r)
	}
	return r
}

func (v vectors) and(a, b, to Op) {
	if v.bits == 512 {
		VPANDD(a, b, to)
	} else {
		VPAND(a, b, to)
	}
}

// parameter is where a parameter lies.
func parameter(name string) Mem {
	b, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// fill returns the 32-bit parameter in every lane.
func (v vectors) fill(name string) VecVirtual {
	x, r := XMM(), v.reg()
	VMOVD(Load(Param(name), GP32()), x)
	VPBROADCASTD(x, r)
	return r
}

// count returns the 64-bit parameter as the count of a shift.
func (v vectors) count(name string) VecVirtual {
	x := XMM()
	VMOVQ(parameter(name), x)
	return x
}

// constant returns a number in every lane of 32 bits.
func (v vectors) constant(n uint32) VecVirtual {
	g, x, r := GP32(), XMM(), v.reg()
	MOVL(U32(n), g)
	VMOVD(g, x)
	VPBROADCASTD(x, r)
	return r
}

// constant64 returns a number in every lane of 64 bits.
func (v vectors) constant64(n uint64) VecVirtual {
	g, x, r := GP64(), XMM(), v.reg()
	MOVQ(U64(n), g)
	VMOVQ(g, x)
	VPBROADCASTQ(x, r)
	return r
}

// mask returns a mask register; at 256 bits there are none.
func (v vectors) mask(bits uint32) Register {
	if v.bits != 512 {
		return nil
	}
	g, k := GP32(), K()
	MOVL(U32(bits), g)
	KMOVD(g, k)
	return k
}

// pointer loads a pointer or a number of 64 bits.
func pointer(name string) Register { return Load(Param(name), GP64()) }

// row is a loop over n elements, so many in a turn.
type row struct{ i Register }

// at addresses the k-th vector of the turn, in a slice of so large elements.
func (v vectors) at(r row, base Register, size, k int) Mem {
	return Mem{Base: base, Index: r.i, Scale: uint8(size), Disp: k * v.bytes()}
}

// loop runs body for n elements, a multiple of step that is not zero.
func (v vectors) loop(n Register, step int, body func(r row)) {
	r := row{GP64()}
	label := newLabel()
	XORQ(r.i, r.i)
	Label(label)
	body(r)
	ADDQ(U32(step), r.i)
	CMPQ(r.i, n)
	JB(LabelRef(label))
}

var labels int

func newLabel() string {
	labels++
	return fmt.Sprintf("loop%d", labels)
}

// odds returns the odd lanes of a vector in memory in the even ones. At 512 bits
// that is a load one element further on: it does not touch what lies behind the
// vector, which k masks.
func (v vectors) odds(m Mem, k Register) VecVirtual {
	r := v.reg()
	if v.bits == 512 {
		VMOVDQU32_Z(m.Offset(4), k, r)
	} else {
		VMOVSHDUP(m, r)
	}
	return r
}

// multiply returns the products of a, whose odd lanes ao are, with a vector in
// memory: those of the even lanes and those of the odd ones, each in 64 bits.
func (v vectors) multiply(a, ao Op, b Mem, k Register) (even, odd VecVirtual) {
	even = v.reg()
	odd = v.odds(b, k)
	VPMULDQ(b, a, even)
	VPMULDQ(odd, ao, odd)
	return even, odd
}

// shifted returns the odd lanes of a in the even ones.
func (v vectors) shifted(a Op) VecVirtual {
	r := v.reg()
	VMOVSHDUP(a, r)
	return r
}

// scale is multiply by a number that all lanes hold.
func (v vectors) scale(a, m Op) (even, odd VecVirtual) {
	even, odd = v.reg(), v.reg()
	VMOVSHDUP(a, odd)
	VPMULDQ(m, a, even)
	VPMULDQ(m, odd, odd)
	return even, odd
}

// highs brings the high halves of even and odd products side by side, in odd.
// k has the mask of the even lanes.
func (v vectors) highs(even, odd VecVirtual, k Register) {
	if v.bits == 512 {
		VMOVSHDUP(even, k, odd)
	} else {
		VMOVSHDUP(even, even)
		VPBLENDD(U8(0xAA), odd, even, odd)
	}
}

// join brings the low halves of even and odd numbers side by side, in even.
// k has the mask of the odd lanes.
func (v vectors) join(even, odd VecVirtual, k Register) {
	if v.bits == 512 {
		VMOVSLDUP(odd, k, even)
	} else {
		VMOVSLDUP(odd, odd)
		VPBLENDD(U8(0xAA), odd, even, even)
	}
}

// Masks of the lanes of 32 bits.
const (
	evenLanes = 0x5555
	oddLanes  = 0xAAAA
	allButOne = 0x7FFF
)

// operation is an instruction of three operands.
type operation func(ops ...Op)

// fold32 returns what an operation makes of all lanes of 32 bits.
func (v vectors) fold32(r VecVirtual, f operation) Register {
	g := GP32()
	VMOVD(v.across(r, f), g)
	return g
}

// across returns what an operation makes of all lanes of 32 bits, in four.
func (v vectors) across(r VecVirtual, f operation) VecVirtual {
	x := v.fold128(r, f)
	t := XMM()
	VPSHUFD(U8(0x4E), x, t)
	f(t, x, x)
	VPSHUFD(U8(0xB1), x, t)
	f(t, x, x)
	return x
}

// fold64 returns what an operation makes of all lanes of 64 bits.
func (v vectors) fold64(r VecVirtual, f operation) Register {
	x := v.fold128(r, f)
	t := XMM()
	VPSHUFD(U8(0x4E), x, t)
	f(t, x, x)
	g := GP64()
	VMOVQ(x, g)
	return g
}

func (v vectors) fold128(r VecVirtual, f operation) VecVirtual {
	y := YMM()
	if v.bits == 512 {
		VEXTRACTI64X4(U8(1), r, y)
		f(r.AsY(), y, y)
	} else {
		VMOVDQA(r, y)
	}
	x := XMM()
	VEXTRACTI128(U8(1), y, x)
	f(y.AsX(), x, x)
	return x
}
