package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// part says which of a group of 16 scores count.
type part struct {
	k     Register      // at 512 bits
	lanes [2]VecVirtual // at 256
}

// groups runs body for each whole group of 16 scores of n and then, with a part,
// for the group behind them if rest has bits.
func (v vectors) groups(body func(r row, p *part)) {
	n, rest := pointer("n"), Load(Param("rest"), GP32())
	loop, tail, end := newLabel(), newLabel(), newLabel()
	r := row{GP64()}
	XORQ(r.i, r.i)
	Label(loop)
	CMPQ(r.i, n)
	JAE(LabelRef(tail))
	body(r, nil)
	ADDQ(U32(turn), r.i)
	JMP(LabelRef(loop))
	Label(tail)
	TESTL(rest, rest)
	JZ(LabelRef(end))
	p := new(part)
	if v.bits == 512 {
		p.k = K()
		KMOVW(rest, p.k)
	} else {
		bits := v.fill("rest")
		for i := range p.lanes {
			// Bit j of rest moves to the top of lane j, and then all over it.
			p.lanes[i] = YMM()
			VPSLLVD(toTheTop.Offset(32*i), bits, p.lanes[i])
			VPSRAD(U8(31), p.lanes[i], p.lanes[i])
		}
	}
	body(r, p)
	Label(end)
}

// toTheTop holds by how much each bit of 16 is shifted to become the top of 32.
var toTheTop Mem

func declareToTheTop() {
	toTheTop = GLOBL("toTheTop", RODATA|NOPTR)
	for i := range 16 {
		DATA(4*i, U32(31-i))
	}
}

// softmax is Softmax in three turns: the greatest score, the powers and their
// sum, and the shift if there is one.
func (v vectors) softmax() {
	v.begin("softmax", "(p *int16, s *int32, n uintptr, rest, far, c uint32, shift uint64) int32",
		"is Softmax of n scores, a multiple of 16, and those behind them that rest has bits for. "+
			"far is the least distance from the greatest whose power is zero.")
	p, s := pointer("p"), pointer("s")
	most := v.reg()
	VPBROADCASTD(v.greatest(s), most)
	sum := v.newPowers().run(p, s, most)
	v.halveMany(p, sum)
	Store(sum, ReturnIndex(0))
	v.end()
}

// softmaxRows is Softmax of rows, one turn after the other: within a row, each
// turn would wait for what the one before makes of all lanes.
func (v vectors) softmaxRows() {
	v.begin("softmaxRows", "(sums *int32, p *int16, s *int32, ld, rows, n uintptr, rest, far, c uint32, shift uint64)",
		"is softmax512 of each of so many rows that lie ld numbers apart.")
	sums, p, s, ld, left := GP64(), GP64(), GP64(), pointer("ld"), GP64()
	each := func(body func()) {
		Load(Param("sums"), sums)
		Load(Param("p"), p)
		Load(Param("s"), s)
		Load(Param("rows"), left)
		row := newLabel()
		Label(row)
		body()
		ADDQ(U32(4), sums)
		LEAQ(Mem{Base: p, Index: ld, Scale: 2}, p)
		LEAQ(Mem{Base: s, Index: ld, Scale: 4}, s)
		DECQ(left)
		JNZ(LabelRef(row))
	}
	each(func() { VMOVD(v.greatest(s), Mem{Base: sums}) })
	w := v.newPowers()
	each(func() {
		most := v.reg()
		VPBROADCASTD(Mem{Base: sums}, most)
		MOVL(w.run(p, s, most), Mem{Base: sums})
	})
	each(func() {
		sum := GP32()
		MOVL(Mem{Base: sums}, sum)
		v.halveMany(p, sum)
		MOVL(sum, Mem{Base: sums})
	})
	v.end()
}

// halveMany is halve where the sum asks for it.
func (v vectors) halveMany(p, sum Register) {
	few := newLabel()
	CMPL(sum, U32(1<<19))
	JB(LabelRef(few))
	v.halve(p, sum)
	Label(few)
}

// greatest returns the greatest of the scores that count, in the first lane.
func (v vectors) greatest(s Register) VecVirtual {
	most := v.reg()
	VPBROADCASTD(Mem{Base: s}, most)
	v.groups(func(r row, p *part) {
		v.each(func(k int) {
			from := v.at(r, s, 4, k)
			switch t := v.reg(); {
			case p == nil:
				VPMAXSD(from, most, most)
			case v.bits == 512:
				VMOVDQA32(most, t)
				VMOVDQU32(from, p.k, t)
				VPMAXSD(t, most, most)
			default:
				VPBLENDVB(p.lanes[k], from, most, t)
				VPMAXSD(t, most, most)
			}
		})
	})
	return v.across(most, VPMAXSD)
}

// powers are what scores are turned into.
type powers struct {
	polynomial
	far, c, shift, ones VecVirtual
	odd                 Register
}

func (v vectors) newPowers() powers {
	w := powers{far: v.fill("far"), c: v.fill("c"), shift: v.count("shift"), odd: v.mask(oddLanes)}
	w.polynomial, w.ones = v.newPolynomial(), vectors{bits: 256}.constant(1<<16|1)
	return w
}

// run writes the powers e and returns their sum. A distance beyond far is
// brought down to it first, so that z fits 32 bits; its power is still zero.
func (w powers) run(p, s Register, most VecVirtual) Register {
	v, narrow := w.vectors, vectors{bits: 256}
	sum := narrow.zero()
	v.groups(func(r row, counting *part) {
		var z [2]VecVirtual
		v.each(func(k int) {
			d, e, o := v.reg(), v.reg(), v.reg()
			VPSUBD(v.at(r, s, 4, k), most, d)
			VPMINUD(w.far, d, d)
			VMOVSHDUP(d, o)
			VPMULUDQ(w.c, d, e)
			VPMULUDQ(w.c, o, o)
			VPSRLQ(w.shift, e, e)
			VPSRLQ(w.shift, o, o)
			v.join(e, o, w.odd)
			z[k] = e
		})
		e := w.powers(z, counting)
		VMOVDQU(e, Mem{Base: p, Index: r.i, Scale: 2})
		VPMADDWD(w.ones, e, e)
		VPADDD(e, sum, sum)
	})
	return narrow.fold32(sum, VPADDD)
}

// polynomial is 2^-z. It works on 16 bits: f·x >> 15 is the high half of 2f·x.
// At 512 bits there are 16 numbers of 16 bits in half a register, at 256 bits
// 8 of 32 with nothing in their high halves: there are no shifts by different
// counts for 16.
type polynomial struct {
	vectors
	c   [4]VecVirtual
	one VecVirtual
}

func (v vectors) newPolynomial() polynomial {
	y := polynomial{vectors: v}
	narrow := vectors{bits: 256}
	high := uint32(1) // how often a constant lies in 32 bits
	if v.bits == 512 {
		high = 1<<16 | 1
	}
	for i, c := range []uint32{32767, 22683, 7646, 1347} {
		y.c[i] = narrow.constant(c * high)
	}
	y.one = narrow.constant(high)
	return y
}

// powers returns 16 powers in 16 bits each, zero where they do not count. A
// shift by 16 or more leaves nothing of v, nor of v and half of two to that.
func (y polynomial) powers(z [2]VecVirtual, counting *part) VecVirtual {
	if y.bits == 512 {
		n, f, t := YMM(), YMM(), YMM()
		VPMOVDW(z[0], f)
		VPADDW(f, f, f)
		VPSRLD(U8(15), z[0], z[0])
		VPMOVUSDW(z[0], n)
		e := y.mantissa(f)
		VPSLLVW(n, y.one, t)
		VPSRLW(U8(1), t, t)
		VPADDW(t, e, e)
		VPSRLVW(n, e, e)
		if counting != nil {
			VMOVDQU16_Z(e, counting.k, e)
		}
		return e
	}
	var e [2]VecVirtual
	for i := range e {
		f, t := YMM(), YMM()
		VPSLLD(U8(17), z[i], f)
		VPSRLD(U8(16), f, f)
		VPSRLD(U8(15), z[i], z[i])
		e[i] = y.mantissa(f)
		VPSLLVD(z[i], y.one, t)
		VPSRLD(U8(1), t, t)
		VPADDD(t, e[i], e[i])
		VPSRLVD(z[i], e[i], e[i])
		if counting != nil {
			VPAND(counting.lanes[i], e[i], e[i])
		}
	}
	VPACKUSDW(e[1], e[0], e[0])
	VPERMQ(U8(0xD8), e[0], e[0])
	return e[0]
}

// mantissa returns 2^-f for f from 0 to 1, given twice over.
func (y polynomial) mantissa(f VecVirtual) VecVirtual {
	e := YMM()
	VPMULHUW(y.c[3], f, e)
	for i := 2; i > 0; i-- {
		VPSUBW(e, y.c[i], e)
		VPMULHUW(e, f, e)
	}
	VPSUBW(e, y.c[0], e)
	return e
}

// halve shifts the weights so that their sum, which is 2^19 or more, falls to
// about 2^19, and makes sum their new one. What lies behind those that count is
// zero and stays so.
func (v vectors) halve(p, sum Register) {
	narrow := vectors{bits: 256}
	g, x, half, j := GP32(), XMM(), YMM(), XMM()
	BSRL(sum, ECX)
	SUBL(U8(18), ECX) // j = bits(sum) - 19
	VMOVD(ECX, j)
	MOVL(U32(1), g)
	SHLL(CL, g)
	SHRL(U8(1), g)
	VMOVD(g, x)
	VPBROADCASTW(x, half)

	n, rest := pointer("n"), Load(Param("rest"), GP32())
	whole := newLabel()
	TESTL(rest, rest)
	JZ(LabelRef(whole))
	ADDQ(U32(turn), n)
	Label(whole)
	sums, ones := narrow.zero(), narrow.constant(1<<16|1)
	narrow.loop(n, turn, func(r row) {
		at := Mem{Base: p, Index: r.i, Scale: 2}
		e := narrow.load(at)
		VPADDW(half, e, e)
		VPSRLW(j, e, e)
		narrow.move(e, at)
		VPMADDWD(ones, e, e)
		VPADDD(e, sums, sums)
	})
	MOVL(narrow.fold32(sums, VPADDD), sum)
}

// averageRows is Average of rows that lie side by side.
func (v vectors) averageRows() {
	v.begin("averageRows", "(dst *int32, ld uintptr, x, sums *int32, rows, n uintptr)",
		"is Average of so many rows of n numbers, by their sums, to rows that lie ld numbers apart.")
	dst, ld, x, sums, rows, n := pointer("dst"), pointer("ld"), pointer("x"), pointer("sums"), pointer("rows"), pointer("n")
	half, shift, even := v.constant(1<<(averageShift-33)), v.reg().AsX(), v.mask(evenLanes)
	g := GP64()
	MOVQ(U32(averageShift-32), g)
	VMOVQ(g, shift)
	label := newLabel()
	Label(label)
	MOVL(Mem{Base: sums}, ECX)
	MOVQ(U64(1<<45), RAX)
	XORL(EDX, EDX)
	DIVQ(RCX)
	m := v.reg()
	VMOVD(EAX, m.AsX())
	VPBROADCASTD(m.AsX(), m)
	v.loop(n, turn, func(r row) {
		v.each(func(k int) {
			e, o := v.scale(v.load(v.at(r, x, 4, k)), m)
			v.highs(e, o, even)
			VPADDD(half, o, o)
			VPSRAD(shift, o, o)
			v.move(o, v.at(r, dst, 4, k))
		})
	})
	LEAQ(Mem{Base: x, Index: n, Scale: 4}, x)
	LEAQ(Mem{Base: dst, Index: ld, Scale: 4}, dst)
	ADDQ(U32(4), sums)
	DECQ(rows)
	JNZ(LabelRef(label))
	v.end()
}

// averageShift is by how much Average shifts.
const averageShift = 37

// The products of attention are sums over pairs: of channels, for scores, of
// tokens for what is mixed. c[row][16·block...] = sum over steps of a[row][2·step]
// times the even numbers of a group of 32 plus a[row][2·step+1] times the odd.
const pairsSignature = "(c *int32, ldc uintptr, a *int16, lda uintptr, b *int16, block, step, steps uintptr)"

func (v vectors) beginPairs(rows, blocks int) (c, a, b []Mem) {
	v.begin(fmt.Sprintf("pairs%dx%dx", rows, blocks), pairsSignature,
		fmt.Sprintf("multiplies %d rows of pairs by %d blocks of 16 columns. Distances are in bytes.", rows, blocks))
	return lines("c", "ldc", rows), lines("a", "lda", rows), lines("b", "block", blocks)
}

// lines addresses up to four lines that lie a step apart.
func lines(base, step string, count int) []Mem {
	m := []Mem{{Base: pointer(base)}}
	if count > 1 {
		s := pointer(step)
		m = append(m, Mem{Base: m[0].Base, Index: s, Scale: 1}, Mem{Base: m[0].Base, Index: s, Scale: 2})
		if count > 3 {
			triple := GP64()
			LEAQ(Mem{Base: s, Index: s, Scale: 2}, triple)
			m = append(m, Mem{Base: m[0].Base, Index: triple, Scale: 1})
		}
	}
	return m[:count]
}

// steps runs body for each step.
func steps(a, b Mem, body func()) {
	step, n := pointer("step"), pointer("steps")
	label := newLabel()
	Label(label)
	body()
	ADDQ(U32(4), a.Base)
	ADDQ(step, b.Base)
	DECQ(n)
	JNZ(LabelRef(label))
}

func (v vectors) pairs512(rows, blocks int) {
	c, a, b := v.beginPairs(rows, blocks)
	sums := make([]VecVirtual, rows*blocks)
	for i := range sums {
		sums[i] = v.zero()
	}
	w, u := make([]VecVirtual, blocks), v.reg()
	for j := range w {
		w[j] = v.reg()
	}
	steps(a[0], b[0], func() {
		for j := range w {
			v.move(b[j], w[j])
		}
		for i := range rows {
			VPBROADCASTD(a[i], u)
			for j := range w {
				VPDPWSSD(w[j], u, sums[i*blocks+j])
			}
		}
	})
	for i := range rows {
		for j := range w {
			v.move(sums[i*blocks+j], c[i].Offset(64*j))
		}
	}
	v.end()
}

// pairs256 has one block, in two registers.
func (v vectors) pairs256(rows int) {
	c, a, b := v.beginPairs(rows, 1)
	sums := make([]VecVirtual, 2*rows)
	for i := range sums {
		sums[i] = v.zero()
	}
	steps(a[0], b[0], func() {
		w := []VecVirtual{v.load(b[0]), v.load(b[0].Offset(32))}
		for i := range rows {
			u := v.reg()
			VPBROADCASTD(a[i], u)
			for j := range w {
				t := v.reg()
				VPMADDWD(w[j], u, t)
				VPADDD(t, sums[2*i+j], sums[2*i+j])
			}
		}
	})
	for i := range rows {
		for j := range 2 {
			v.move(sums[2*i+j], c[i].Offset(32*j))
		}
	}
	v.end()
}

// putKeys writes keys into a block, eight tokens by 16 channels at a time: a
// matrix of pairs of channels is turned over.
func (v vectors) putKeys() {
	v.begin("putKeys", "(keys, rows *int16, stride, chunks uintptr)",
		"puts the keys of 8 tokens, stride bytes apart, of 16 channels for each chunk.")
	keys, chunks := pointer("keys"), pointer("chunks")
	near := lines("rows", "stride", 4)
	far := GP64()
	LEAQ(Mem{Base: near[0].Base, Index: near[1].Index, Scale: 4}, far)
	label := newLabel()
	Label(label)
	var r [8]VecVirtual
	for i := range r {
		m := near[i%4]
		if i >= 4 {
			m.Base = far
		}
		r[i] = v.load(m)
	}
	two := func(f operation, a, b Op) VecVirtual {
		t := v.reg()
		f(b, a, t)
		return t
	}
	var four [2][4]VecVirtual // rows 0 to 3 and 4 to 7: columns c in the lower half, c+4 in the upper
	for h := range four {
		x := r[4*h:]
		a, b := two(VPUNPCKLDQ, x[0], x[1]), two(VPUNPCKHDQ, x[0], x[1])
		c, d := two(VPUNPCKLDQ, x[2], x[3]), two(VPUNPCKHDQ, x[2], x[3])
		four[h] = [4]VecVirtual{two(VPUNPCKLQDQ, a, c), two(VPUNPCKHQDQ, a, c), two(VPUNPCKLQDQ, b, d), two(VPUNPCKHQDQ, b, d)}
	}
	for c := range 4 {
		for upper, halves := range []U8{0x20, 0x31} {
			t := v.reg()
			VPERM2I128(halves, four[1][c], four[0][c], t)
			v.move(t, Mem{Base: keys, Disp: 64 * (c + 4*upper)})
		}
	}
	ADDQ(U32(512), keys)
	ADDQ(U32(32), near[0].Base)
	ADDQ(U32(32), far)
	DECQ(chunks)
	JNZ(LabelRef(label))
	v.end()
}

// putValues writes values into a block, two tokens at a time.
func (v vectors) putValues() {
	v.begin("putValues", "(values, rows *int16, stride, chunks, pairs uintptr)",
		"puts the values of two tokens for each pair, stride bytes apart, of 16 channels for each chunk.")
	values, rows, stride, pairs := pointer("values"), pointer("rows"), pointer("stride"), pointer("pairs")
	outer, inner := newLabel(), newLabel()
	Label(outer)
	x, chunks := GP64(), pointer("chunks")
	MOVQ(rows, x)
	Label(inner)
	a, b := v.load(Mem{Base: x}), v.load(Mem{Base: x, Index: stride, Scale: 1})
	low, high := v.reg(), v.reg()
	VPUNPCKLWD(b, a, low)
	VPUNPCKHWD(b, a, high)
	VPERM2I128(U8(0x20), high, low, a)
	VPERM2I128(U8(0x31), high, low, b)
	v.move(a, Mem{Base: values})
	v.move(b, Mem{Base: values, Disp: 32})
	ADDQ(U32(64), values)
	ADDQ(U32(32), x)
	DECQ(chunks)
	JNZ(LabelRef(inner))
	LEAQ(Mem{Base: rows, Index: stride, Scale: 2}, rows)
	DECQ(pairs)
	JNZ(LabelRef(outer))
	v.end()
}
