package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// limit is Limit of package kernel.
const limit = 1<<30 - 1

// rescale multiplies by the factors of channels and row. The sum of the second
// product's rounding is added when only its high half is left: what is added
// has no bits in the low one. Nor is y shifted to the left, but its product by
// so much less to the right.
func (v vectors) rescale(name string, add bool) {
	what := "Rescale"
	if add {
		what = "RescaleAdd"
	}
	v.begin(name, "(dst, x, c, bias *int32, n uintptr, most, m int32, round, down uint64, half int32, shift uint64)",
		"is "+what+" with u = (x within ±most·c + round) >> down and m·2^-(32+shift), half = 2^(shift-1).")
	dst, x, c, bias, n := pointer("dst"), pointer("x"), pointer("c"), pointer("bias"), pointer("n")
	m, most, half := v.fill("m"), v.fill("most"), v.fill("half")
	down, shift := v.count("down"), v.count("shift")
	least, round := v.zero(), v.reg()
	VPSUBD(most, least, least)
	VPBROADCASTQ(parameter("round"), round)
	even, tail := v.mask(evenLanes), v.mask(allButOne)
	var low, high VecVirtual
	if add {
		low, high = v.constant(-limit&0xFFFFFFFF), v.constant(limit)
	}
	body := func(bias Register) func(r row) {
		return func(r row) {
			v.each(func(k int) {
				y := v.load(v.at(r, x, 4, k))
				VPMINSD(most, y, y)
				VPMAXSD(least, y, y)
				e, o := v.multiply(y, v.shifted(y), v.at(r, c, 4, k), tail)
				for _, u := range []Op{e, o} {
					VPADDQ(round, u, u)
					VPSRLQ(down, u, u)
					VPMULDQ(m, u, u)
				}
				v.highs(e, o, even)
				VPADDD(half, o, o)
				VPSRAD(shift, o, o)
				if bias != nil {
					VPADDD(v.at(r, bias, 4, k), o, o)
				}
				if add {
					VPADDD(v.at(r, dst, 4, k), o, o)
					VPMINSD(high, o, o)
					VPMAXSD(low, o, o)
				}
				v.move(o, v.at(r, dst, 4, k))
			})
		}
	}
	TESTQ(bias, bias)
	JZ(LabelRef("unbiased"))
	v.loop(n, turn, body(bias))
	v.end()
	Label("unbiased")
	v.loop(n, turn, body(nil))
	v.end()
}

func (v vectors) times() {
	v.begin("times", "(dst, x *int32, n uintptr, m, half int32, shift uint64)", "is Times by m·2^-(32+shift), half = 2^(shift-1).")
	dst, x, n := pointer("dst"), pointer("x"), pointer("n")
	m, half, shift := v.fill("m"), v.fill("half"), v.count("shift")
	even := v.mask(evenLanes)
	v.loop(n, turn, func(r row) {
		v.each(func(k int) {
			e, o := v.scale(v.load(v.at(r, x, 4, k)), m)
			v.highs(e, o, even)
			VPADDD(half, o, o)
			VPSRAD(shift, o, o)
			v.move(o, v.at(r, dst, 4, k))
		})
	})
	v.end()
}

// lookUp is for shifts of up to 32: what is wanted lies in the low half of a
// shifted product, and signs need not come down.
func (v vectors) lookUp() {
	v.begin("lookUp", "(dst *int32, row *int8, n uintptr, scale int32, round, shift uint64)",
		"is LookUp for shifts of up to 32, round = 2^(shift-1).")
	dst, from, n := pointer("dst"), pointer("row"), pointer("n")
	m, round, shift := v.fill("scale"), v.reg(), v.count("shift")
	VPBROADCASTQ(parameter("round"), round)
	odd := v.mask(oddLanes)
	v.loop(n, turn, func(r row) {
		v.each(func(k int) {
			x := v.reg()
			VPMOVSXBD(Mem{Base: from, Index: r.i, Scale: 1, Disp: k * v.bytes() / 4}, x)
			e, o := v.scale(x, m)
			for _, t := range []Op{e, o} {
				VPADDQ(round, t, t)
				VPSRLQ(shift, t, t)
			}
			v.join(e, o, odd)
			v.move(e, v.at(r, dst, 4, k))
		})
	})
	v.end()
}

func (v vectors) largest() {
	v.begin("largest", "(x *int32, n uintptr) uint32", "returns the largest magnitude.")
	x, n := pointer("x"), pointer("n")
	most := v.zero()
	v.loop(n, turn, func(r row) {
		v.each(func(k int) {
			t := v.reg()
			VPABSD(v.at(r, x, 4, k), t)
			VPMAXUD(t, most, most)
		})
	})
	Store(v.fold32(most, VPMAXUD), ReturnIndex(0))
	v.end()
}

// inputs are the factors of a product's inputs: t = (x·d + 2^29) >> 30.
type inputs struct {
	round     VecVirtual
	odd, tail Register
}

func (v vectors) newInputs() inputs {
	return inputs{v.constant64(1 << 29), v.mask(oddLanes), v.mask(allButOne)}
}

func (v vectors) times30(in inputs, x, d Mem) VecVirtual {
	a := v.load(x)
	e, o := v.multiply(a, v.shifted(a), d, in.tail)
	VPADDQ(in.round, e, e)
	VPADDQ(in.round, o, o)
	VPSRLQ(U8(30), e, e)
	VPSLLQ(U8(2), o, o)
	if v.bits == 512 {
		VMOVDQA32(o, in.odd, e)
	} else {
		VPBLENDD(U8(0xAA), o, e, e)
	}
	return e
}

func (v vectors) largestTimes() {
	v.begin("largestTimes", "(x, d *int32, n uintptr) uint32", "returns the largest magnitude of (x·d + 2^29) >> 30.")
	x, d, n := pointer("x"), pointer("d"), pointer("n")
	in, most := v.newInputs(), v.zero()
	v.loop(n, turn, func(r row) {
		v.each(func(k int) {
			t := v.times30(in, v.at(r, x, 4, k), v.at(r, d, 4, k))
			VPABSD(t, t)
			VPMAXUD(t, most, most)
		})
	})
	Store(v.fold32(most, VPMAXUD), ReturnIndex(0))
	v.end()
}

// quantise writes bytes for t = x, or for t = (x·d + 2^29) >> 30.
func (v vectors) quantise(times bool) {
	if times {
		v.begin("quantiseTimes", "(dst *uint8, x, d *int32, n uintptr, h uint64, inv int32)",
			"writes the bytes of Quantise for t = (x·d + 2^29) >> 30.")
	} else {
		v.begin("quantise", "(dst *uint8, x *int32, n uintptr, h uint64, inv int32)", "writes the bytes of Quantise for t = x.")
	}
	dst, x, n := pointer("dst"), pointer("x"), pointer("n")
	var d Register
	var in inputs
	if times {
		d, in = pointer("d"), v.newInputs()
	}
	b := v.newBiased(v.count("h"), v.fill("inv"))
	v.loop(n, turn, func(r row) {
		var t [2]VecVirtual
		v.each(func(k int) {
			if times {
				t[k] = v.times30(in, v.at(r, x, 4, k), v.at(r, d, 4, k))
			} else {
				t[k] = v.load(v.at(r, x, 4, k))
			}
		})
		b.write(t, Mem{Base: dst, Index: r.i, Scale: 1})
	})
	v.end()
}

// most numbers of a row that quantiseRow keeps on the stack between its two
// turns.
const mostKept = 2048

// quantiseRow does in one what largestTimes and quantiseTimes do, and computes
// t once.
func (v vectors) quantiseRow() {
	v.beginWith(0, "quantiseRow", "(dst *uint8, x, d *int32, n uintptr, limit uint32) uint32",
		fmt.Sprintf("writes the bytes of Quantise for t = (x·d + 2^29) >> 30 and returns the largest magnitude of t, for n up to %d.", mostKept))
	dst, x, d, n := pointer("dst"), pointer("x"), pointer("d"), pointer("n")
	kept := GP64()
	LEAQ(AllocLocal(4*mostKept), kept)
	in, top := v.newInputs(), v.zero()
	v.loop(n, turn, func(r row) {
		v.each(func(k int) {
			t := v.times30(in, v.at(r, x, 4, k), v.at(r, d, 4, k))
			v.move(t, v.at(r, kept, 4, k))
			VPABSD(t, t)
			VPMAXUD(t, top, top)
		})
	})
	most := v.fold32(top, VPMAXUD)
	Store(most, ReturnIndex(0))

	// h = max(0, bits(most) - 15) and inv = (limit << 16) / (most >> h): for a
	// row of zeros there is nothing to divide by, and any inv does.
	zero := newLabel()
	XORL(ECX, ECX)
	XORL(EAX, EAX)
	TESTL(most, most)
	JZ(LabelRef(zero))
	BSRL(most, EAX)
	SUBL(U8(14), EAX)
	CMOVLPL(EAX, ECX)
	SHRL(CL, most)
	MOVL(parameter("limit"), EAX)
	SHLL(U8(16), EAX)
	XORL(EDX, EDX)
	DIVL(most)
	Label(zero)
	h, x0, inv := XMM(), XMM(), v.reg()
	VMOVD(ECX, h)
	VMOVD(EAX, x0)
	VPBROADCASTD(x0, inv)

	b := v.newBiased(h, inv)
	v.loop(n, turn, func(r row) {
		var t [2]VecVirtual
		v.each(func(k int) { t[k] = v.load(v.at(r, kept, 4, k)) })
		b.write(t, Mem{Base: dst, Index: r.i, Scale: 1})
	})
	v.end()
}

// biased turns 16 numbers into activations, biased by 128.
type biased struct {
	vectors
	h, inv, add VecVirtual
}

// newBiased takes what Quantise shifts by and multiplies by. What is added
// before the shift by 16 rounds and biases.
func (v vectors) newBiased(h, inv VecVirtual) biased {
	return biased{v, h, inv, v.constant(128<<16 + 1<<15)}
}

func (b biased) write(t [2]VecVirtual, to Mem) {
	b.each(func(k int) {
		VPSRAD(b.h, t[k], t[k])
		VPMULLD(b.inv, t[k], t[k])
		VPADDD(b.add, t[k], t[k])
		VPSRLD(U8(16), t[k], t[k])
	})
	if b.bits == 512 {
		VPMOVDB(t[0], to)
		return
	}
	VPACKUSDW(t[1], t[0], t[0])
	high := XMM()
	VPERMQ(U8(0xD8), t[0], t[0])
	VEXTRACTI128(U8(1), t[0], high)
	VPACKUSWB(high, t[0].AsX(), high)
	VMOVDQU(high, to)
}

func (v vectors) total() {
	v.begin("total", "(x *int32, n uintptr) int64", "returns the sum.")
	x, n := pointer("x"), pointer("n")
	sums := []VecVirtual{v.zero(), v.zero()}
	half := v.bytes() / 2
	v.loop(n, turn, func(r row) {
		for k := range 4 * turn / half {
			t := v.reg()
			VPMOVSXDQ(Mem{Base: x, Index: r.i, Scale: 4, Disp: k * half}, t)
			VPADDQ(t, sums[k%2], sums[k%2])
		}
	})
	VPADDQ(sums[0], sums[1], sums[0])
	Store(v.fold64(sums[0], VPADDQ), ReturnIndex(0))
	v.end()
}

func (v vectors) centre() {
	v.begin("centre", "(dst, x *int32, n uintptr, mean int32)", "subtracts the mean, within ±Limit.")
	dst, x, n := pointer("dst"), pointer("x"), pointer("n")
	mean, low, high := v.fill("mean"), v.constant(-limit&0xFFFFFFFF), v.constant(limit)
	v.loop(n, turn, func(r row) {
		v.each(func(k int) {
			t := v.load(v.at(r, x, 4, k))
			VPSUBD(mean, t, t)
			VPMINSD(high, t, t)
			VPMAXSD(low, t, t)
			v.move(t, v.at(r, dst, 4, k))
		})
	})
	v.end()
}

func (v vectors) squares() {
	v.begin("squares", "(x *int32, n uintptr, shift uint64) uint64", "returns the sum of the squares of x >> shift.")
	x, n := pointer("x"), pointer("n")
	shift := v.count("shift")
	sums := []VecVirtual{v.zero(), v.zero()}
	v.loop(n, turn, func(r row) {
		v.each(func(k int) {
			e, o := v.load(v.at(r, x, 4, k)), v.reg()
			VPSRAD(shift, e, e)
			VMOVSHDUP(e, o)
			VPMULDQ(e, e, e)
			VPMULDQ(o, o, o)
			VPADDQ(e, sums[0], sums[0])
			VPADDQ(o, sums[1], sums[1])
		})
	})
	VPADDQ(sums[0], sums[1], sums[0])
	Store(v.fold64(sums[0], VPADDQ), ReturnIndex(0))
	v.end()
}

func (v vectors) shiftRight() {
	v.begin("shiftRight", "(dst, x *int32, n uintptr, shift uint64)", "is ShiftRight.")
	dst, x, n := pointer("dst"), pointer("x"), pointer("n")
	shift := v.count("shift")
	v.loop(n, turn, func(r row) {
		v.each(func(k int) {
			t := v.load(v.at(r, x, 4, k))
			VPSRAD(shift, t, t)
			v.move(t, v.at(r, dst, 4, k))
		})
	})
	v.end()
}

func (v vectors) narrow() {
	v.begin("narrow", "(dst *int16, x *int32, n uintptr)", "is Narrow.")
	dst, x, n := pointer("dst"), pointer("x"), pointer("n")
	const narrowest = 2047
	half := v.constant(8)
	high := v.constant(narrowest<<16 | narrowest)
	low := v.constant((-narrowest&0xFFFF)<<16 | -narrowest&0xFFFF)
	v.loop(n, turn, func(r row) {
		var a [2]VecVirtual
		v.each(func(k int) {
			a[k] = v.load(v.at(r, x, 4, k))
			VPADDD(half, a[k], a[k])
			VPSRAD(U8(4), a[k], a[k])
		})
		y := YMM()
		if v.bits == 512 {
			VPMOVSDW(a[0], y)
		} else {
			VPACKSSDW(a[1], a[0], a[0])
			VPERMQ(U8(0xD8), a[0], y)
		}
		VPMINSW(high.AsY(), y, y)
		VPMAXSW(low.AsY(), y, y)
		VMOVDQU(y, Mem{Base: dst, Index: r.i, Scale: 2})
	})
	v.end()
}

// rotate takes eight pairs a turn: half a head is a multiple of eight.
func (v vectors) rotate() {
	v.begin("rotate", "(x, y *int32, cos, sin *int16, n uintptr)", "is Rotate of n pairs, a multiple of 8, of x and y.")
	x, y, cos, sin, n := pointer("x"), pointer("y"), pointer("cos"), pointer("sin"), pointer("n")
	high, low, half := v.constant(32767), v.constant(-32767&0xFFFFFFFF), v.constant(1<<13)
	v.loop(n, 8, func(r row) {
		a, b := v.load(v.at(r, x, 4, 0)), v.load(v.at(r, y, 4, 0))
		for _, t := range []Op{a, b} {
			VPMINSD(high, t, t)
			VPMAXSD(low, t, t)
		}
		c, s := YMM(), YMM()
		VPMOVSXWD(Mem{Base: cos, Index: r.i, Scale: 2}, c)
		VPMOVSXWD(Mem{Base: sin, Index: r.i, Scale: 2}, s)
		ac, as, bs, bc := YMM(), YMM(), YMM(), YMM()
		VPMULLD(c, a, ac)
		VPMULLD(s, a, as)
		VPMULLD(c, b, bc)
		VPMULLD(s, b, bs)
		VPSUBD(bs, ac, ac)
		VPADDD(as, bc, bc)
		for _, t := range []Op{ac, bc} {
			VPADDD(half, t, t)
			VPSRAD(U8(14), t, t)
		}
		v.move(ac, v.at(r, x, 4, 0))
		v.move(bc, v.at(r, y, 4, 0))
	})
	v.end()
}
