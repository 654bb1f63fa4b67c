package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Where the coefficients of 64 parabolas lie, of 32 bits each.
const (
	atC0  = 0
	atC1  = 64 * 4
	atC2  = 2 * 64 * 4
	count = 64
)

// bend is max(x, 0) less a function of |x| in 64 parabolas, whose segments are
// 2^width wide; the result is shifted by down.
type bend struct {
	vectors
	width, down int

	most VecVirtual // the last number of the last segment

	// 512 bits: coefficients as 16 bits, in two registers each.
	c0, c1, c2 [2]VecVirtual
	zero       VecVirtual
	fraction   VecVirtual // mask of the place in a segment
	high       Register   // mask of the high halves of 32 bits

	// 256 bits: coefficients in memory, those of the first and second power
	// side by side. There are few registers: what is easily made is not kept.
	values, pairs Mem
}

// newBend loads the table whose address is the parameter bends.
func (v vectors) newBend(width, down int) *bend {
	b := &bend{vectors: v, width: width, down: down, most: v.constant(count<<width - 1)}
	table := Mem{Base: pointer("bends")}
	if v.bits == 512 {
		b.load512(table)
	} else {
		b.load256(table)
	}
	return b
}

// load512 makes the coefficients 16 bits wide. Those of the second power are
// doubled, and the first have the rounding of the last shift in them.
func (b *bend) load512(table Mem) {
	f := uint32(1<<b.width-1) << (15 - b.width)
	b.fraction, b.zero = b.constant(f<<16|f), b.vectors.zero()
	b.high = b.mask(0xAAAAAAAA)
	round := b.constant(1 << b.down >> 1)
	half := func(m Mem, f func(r Op)) VecVirtual {
		r, y := b.vectors.load(m), YMM()
		f(r)
		VPMOVDW(r, y)
		return y
	}
	load := func(at int, f func(r Op)) (c [2]VecVirtual) {
		for i := range c {
			low := half(table.Offset(at+128*i), f)
			high := half(table.Offset(at+128*i+64), f)
			c[i] = ZMM()
			VINSERTI64X4(U8(1), high, low.AsZ(), c[i])
		}
		return c
	}
	b.c0 = load(atC0, func(r Op) { VPADDD(round, r, r) })
	b.c1 = load(atC1, func(Op) {})
	b.c2 = load(atC2, func(r Op) { VPADDD(r, r, r) })
}

// load256 writes the values with the rounding of the last shift in them, and
// the coefficients of the first power with those of the second above them.
func (b *bend) load256(table Mem) {
	b.values, b.pairs = AllocLocal(4*count), AllocLocal(4*count)
	round := b.constant(1 << b.down >> 1)
	for i := 0; i < 4*count; i += 32 {
		c0, c1, c2 := b.vectors.load(table.Offset(atC0+i)), b.vectors.load(table.Offset(atC1+i)), YMM()
		VPADDD(round, c0, c0)
		VMOVDQU(c0, b.values.Offset(i))
		VPSLLD(U8(16), b.vectors.load(table.Offset(atC2+i)), c2)
		VPBLENDW(U8(0xAA), c2, c1, c1)
		VMOVDQU(c1, b.pairs.Offset(i))
	}
}

// apply replaces the numbers of 32 lanes (at 512 bits, in two registers) or of 8.
func (b *bend) apply(x ...VecVirtual) {
	u := make([]VecVirtual, len(x))
	for i := range x {
		u[i] = b.reg()
		VPABSD(x[i], u[i])
		VPMINUD(b.most, u[i], u[i])
		if b.bits == 512 {
			VPMAXSD(b.zero, x[i], x[i])
		} else {
			VPMAXSD(b.vectors.zero(), x[i], x[i])
		}
	}
	if b.bits == 512 {
		b.subtract512(x, u)
	} else {
		b.subtract256(x[0], u[0])
	}
}

// subtract512 works on 16 bits: the numbers of the second register lie in the
// high halves of those of the first. (c·f)>>width is the high half of a
// product, of 2c with f so shifted that it is 15 bits long.
func (b *bend) subtract512(x, u []VecVirtual) {
	i, t, f := ZMM(), ZMM(), ZMM()
	VPSRLD(U8(b.width), u[0], i)
	VPSLLD(U8(16-b.width), u[1], t)
	VMOVDQU16(t, b.high, i)
	VPSLLD(U8(16), u[1], f)
	VMOVDQU16(f, b.high, u[0])
	VPSLLW(U8(15-b.width), u[0], f)
	VPANDD(b.fraction, f, f)

	lookUp := func(c [2]VecVirtual) VecVirtual {
		r := ZMM()
		VMOVDQA64(i, r)
		VPERMI2W(c[1], c[0], r)
		return r
	}
	h := lookUp(b.c2)
	VPMULHW(f, h, h)
	VPADDW(lookUp(b.c1), h, h)
	VPADDW(h, h, h)
	VPMULHW(f, h, h)
	VPADDW(lookUp(b.c0), h, h)
	VPSRLW(U8(b.down), h, h)

	VPSRLD(U8(16), h, t)
	VPSUBD(t, x[1], x[1])
	VPSLLD(U8(16), h, h)
	VPSRLD(U8(16), h, h)
	VPSUBD(h, x[0], x[0])
}

func (b *bend) subtract256(x, u VecVirtual) {
	i, f := YMM(), YMM()
	VPSRLD(U8(b.width), u, i)
	VPSLLD(U8(32-b.width), u, f)
	VPSRLD(U8(32-b.width), f, f)
	d, h := b.lookUp256(i)
	c1 := YMM()
	VPSLLD(U8(16), h, c1)
	VPSRAD(U8(16), c1, c1)
	VPSRAD(U8(16), h, h)
	VPMULLD(f, h, h)
	VPSRAD(U8(b.width), h, h)
	VPADDD(c1, h, h)
	VPMULLD(f, h, h)
	VPSRAD(U8(b.width), h, h)
	VPADDD(h, d, d)
	VPSRAD(U8(b.down), d, d)
	VPSUBD(d, x, x)
}

// lookUp256 looks 8 numbers of 6 bits up in both tables. An instruction looks
// up 3 bits: of eight results for each number the other bits choose one. That
// is a little faster than to gather them from memory, and does not suffer from
// what some processors do to gathering so that it gives no secrets away.
func (b *bend) lookUp256(i VecVirtual) (values, pairs VecVirtual) {
	var bit [3]VecVirtual // the upper three, each at the top of its lane
	for k := range bit {
		bit[k] = YMM()
		VPSLLD(U8(28-k), i, bit[k])
	}
	var find func(table Mem, from, level int) VecVirtual
	find = func(table Mem, from, level int) VecVirtual {
		if level < 0 {
			r := YMM()
			VPERMD(table.Offset(32*from), i, r)
			return r
		}
		low := find(table, from, level-1)
		high := find(table, from+1<<level, level-1)
		VBLENDVPS(bit[level], high, low, low)
		return low
	}
	return find(b.values, 0, 2), find(b.pairs, 0, 2)
}

// bent writes a function that bends its input and, if it is a gate, multiplies
// by what it lets through.
func (v vectors) bent(name string, width, down int, gate bool) {
	step := turn
	doc := "for n a multiple of 16."
	if v.bits == 512 {
		step, doc = 2*turn, "for n a multiple of 32."
	}
	if gate {
		v.begin(name, "(dst, x, u *int32, n uintptr, bends *int32)", "is Gate "+doc)
	} else {
		v.begin(name, "(dst, x *int32, n uintptr, bends *int32)", "is GELU "+doc)
	}
	dst, from, n := pointer("dst"), pointer("x"), pointer("n")
	b := v.newBend(width, down)
	through := func(x VecVirtual, u Mem) {}
	if gate {
		u := pointer("u")
		pass := v.newPass()
		through = func(x VecVirtual, at Mem) {
			at.Base = u
			pass(x, at)
		}
	}
	v.loop(n, step, func(r row) {
		if v.bits == 512 {
			x := []VecVirtual{v.load(v.at(r, from, 4, 0)), v.load(v.at(r, from, 4, 1))}
			b.apply(x...)
			for k := range x {
				through(x[k], v.at(r, dst, 4, k))
				v.move(x[k], v.at(r, dst, 4, k))
			}
			return
		}
		v.each(func(k int) {
			x := v.load(v.at(r, from, 4, k))
			b.apply(x)
			through(x, v.at(r, dst, 4, k))
			v.move(x, v.at(r, dst, 4, k))
		})
	})
	v.end()
}

// newPass returns what writes x = (x·u + 2^15) >> 16 within ±Limit.
func (v vectors) newPass() func(x VecVirtual, u Mem) {
	round := v.constant64(1 << 15)
	if v.bits == 512 {
		low, high := v.constant64(-limit&(1<<64-1)), v.constant64(limit)
		odd, tail := v.mask(oddLanes), v.mask(allButOne)
		return func(x VecVirtual, u Mem) {
			e, o := v.multiply(x, v.shifted(x), u, tail)
			for _, t := range []Op{e, o} {
				VPADDQ(round, t, t)
				VPSRAQ(U8(16), t, t)
				VPMINSQ(high, t, t)
				VPMAXSQ(low, t, t)
			}
			v.join(e, o, odd)
			VMOVDQA64(e, x)
		}
	}
	// Whether a product is too large its high half says: from 2^14 on, or below
	// -2^14. Then its sign says which limit it becomes; what is -2^30 is cut.
	low, high, top := v.constant(-limit&0xFFFFFFFF), v.constant(limit), v.constant(1<<14-1)
	return func(x VecVirtual, u Mem) {
		e, o := v.multiply(x, v.shifted(x), u, nil)
		VPADDQ(round, e, e)
		VPADDQ(round, o, o)
		lows, highs := YMM(), YMM()
		VMOVSLDUP(o, lows)
		VPBLENDD(U8(0xAA), lows, e, lows)
		VMOVSHDUP(e, highs)
		VPBLENDD(U8(0xAA), o, highs, highs)
		VPSRLD(U8(16), lows, lows)
		VPSLLD(U8(16), highs, x)
		VPOR(lows, x, x)
		sign, large := YMM(), YMM()
		VPSRAD(U8(31), highs, sign)
		VPXOR(sign, highs, large)
		VPCMPGTD(top, large, large)
		VPXOR(high, sign, sign)
		VPBLENDVB(large, sign, x, x)
		VPMAXSD(low, x, x)
	}
}
