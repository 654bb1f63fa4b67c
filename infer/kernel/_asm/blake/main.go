// Command blake writes the assembly that hashes sixteen or eight messages at a
// time with BLAKE3:
//
//	go run ./blake -out ../blake3x_vector_amd64.s -stubs ../blake3x_vector_amd64.go -pkg kernel
//
// A vector register holds one 32-bit word of all messages. With AVX-512 sixteen
// registers are the state, sixteen the block, so that nothing but the chaining
// value goes through memory. With AVX2 the state takes all registers there are,
// and the block is in memory.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The schedule of a round: which words of the block the one after takes.
var permutation = [16]int{2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8}

// The parts of the state that are mixed with each other.
var (
	columns   = [4][4]int{{0, 4, 8, 12}, {1, 5, 9, 13}, {2, 6, 10, 14}, {3, 7, 11, 15}}
	diagonals = [4][4]int{{0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13}, {3, 4, 9, 14}}
)

// vectors are the 32 registers of 512 bits.
var vectors = []reg.VecPhysical{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23, reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
}

func main() {
	ConstraintExpr("!purego")
	iv := GLOBL("blake3iv", RODATA|NOPTR)
	for i, v := range []uint32{0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A} {
		DATA(4*i, U32(v))
	}
	compress(iv)
	short(iv)
	compress8(iv)
	Generate()
}

func compress(iv Mem) {
	TEXT("blake16", NOSPLIT, "func(out *[16][16]uint32, keys, data *[16]*byte, shared bool, blocks, last uint64, counters *[16]uint32, flags *[3]uint32)")
	Pragma("noescape")
	Doc("blake16 hashes 16 messages of blocks whole blocks at data, of which the last has",
		"last bytes that count, each with the key or chaining value at keys, or all with",
		"the first of them if shared. Flags are those of every block, of the first and of",
		"the last. The 64 bytes of output of the last block go to out.")

	out := Load(Param("out"), GP64())
	keys := Load(Param("keys"), GP64())
	data := Load(Param("data"), GP64())
	blocks := Load(Param("blocks"), GP64())
	last := Load(Param("last"), GP64())
	counters := Load(Param("counters"), GP64())
	flags := Load(Param("flags"), GP64())
	shared := Load(Param("shared"), GP8())

	var v, m [16]reg.VecPhysical
	copy(v[:], vectors[:16])
	copy(m[:], vectors[16:])
	chain := AllocLocal(8 * 64)
	at := func(i int) Mem { return Mem{Base: chain.Base, Disp: chain.Disp + 64*i, Symbol: chain.Symbol} }

	// The keys, word by word, to the first half of the state.
	p := GP64()
	TESTB(shared, shared)
	JZ(LabelRef("apart"))
	MOVQ(Mem{Base: keys}, p)
	for i := range 8 {
		VPBROADCASTD(Mem{Base: p, Disp: 4 * i}, v[i])
	}
	JMP(LabelRef("keyed"))
	Label("apart")
	for i := range 16 {
		MOVQ(Mem{Base: keys, Disp: 8 * i}, p)
		VMOVDQU32(Mem{Base: p}, m[i].AsY())
	}
	for i, r := range transpose(m, v[15]) {
		if i < 8 {
			VMOVDQA32(r, v[i])
		}
	}
	Label("keyed")

	offset, flag, end := GP64(), GP32(), GP32()
	XORQ(offset, offset)
	MOVL(Mem{Base: flags}, flag)
	ORL(Mem{Base: flags, Disp: 4}, flag)

	Label("block")
	for i := range 8 {
		VMOVDQU32(v[i], at(i))
	}
	for i := range 16 {
		MOVQ(Mem{Base: data, Disp: 8 * i}, p)
		VMOVDQU32(Mem{Base: p, Index: offset, Scale: 1}, m[i])
	}
	words := transpose(m, v[15])
	length := GP32()
	MOVL(U32(64), length)
	CMPQ(blocks, U8(1))
	JNE(LabelRef("middle"))
	MOVL(last.(reg.GPVirtual).As32(), length)
	MOVL(Mem{Base: flags, Disp: 8}, end)
	ORL(end, flag)
	Label("middle")
	for i := range 4 {
		VPBROADCASTD(iv.Offset(4*i), v[8+i])
	}
	VMOVDQU32(Mem{Base: counters}, v[12])
	VPXORD(v[13], v[13], v[13])
	VPBROADCASTD(length, v[14])
	VPBROADCASTD(flag, v[15])

	// Transposing freed one register and took v[15] for the block: v is given
	// back its place before the rounds.
	order := [16]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	for range 7 {
		mix(v, columns, func(q, i int) reg.VecPhysical { return words[order[2*q+i]] }, nil)
		mix(v, diagonals, func(q, i int) reg.VecPhysical { return words[order[8+2*q+i]] }, nil)
		var next [16]int
		for i, from := range permutation {
			next[i] = order[from]
		}
		order = next
	}
	for i := range 8 {
		VPXORD(v[8+i], v[i], v[i])
	}
	MOVL(Mem{Base: flags}, flag)
	ADDQ(U8(64), offset)
	DECQ(blocks)
	JNZ(LabelRef("block"))

	for i := range 8 {
		VPXORD(at(i), v[8+i], v[8+i])
	}
	for i, r := range transpose(v, reg.Z16) {
		VMOVDQU32(r, Mem{Base: out, Disp: 64 * i})
	}
	VZEROUPPER()
	RET()
}

// mix adds the instructions of four mixtures of the state, side by side, with two
// words each. Step by step, another may take their place.
func mix(v [16]reg.VecPhysical, parts [4][4]int, word func(q, i int) reg.VecPhysical, instead func(step, q int) bool) {
	step := 0
	each := func(f func(q int, a, b, c, d reg.VecPhysical)) {
		for q, g := range parts {
			if instead == nil || !instead(step, q) {
				f(q, v[g[0]], v[g[1]], v[g[2]], v[g[3]])
			}
		}
		step++
	}
	for i, turn := range [2][2]U8{{16, 12}, {8, 7}} {
		// The word first: it need not wait for b.
		each(func(q int, a, _, _, _ reg.VecPhysical) { VPADDD(word(q, i), a, a) })
		each(func(_ int, a, b, _, _ reg.VecPhysical) { VPADDD(b, a, a) })
		each(func(_ int, a, _, _, d reg.VecPhysical) { VPXORD(a, d, d) })
		each(func(_ int, _, _, _, d reg.VecPhysical) { VPRORD(turn[0], d, d) })
		each(func(_ int, _, _, c, d reg.VecPhysical) { VPADDD(d, c, c) })
		each(func(_ int, _, b, c, _ reg.VecPhysical) { VPXORD(c, b, b) })
		each(func(_ int, _, b, _, _ reg.VecPhysical) { VPRORD(turn[1], b, b) })
	}
}

// transpose turns rows into columns, 16 words each way, and returns the
// registers that hold them. It ends in the registers it began with: the spare
// one is free again.
func transpose(r [16]reg.VecPhysical, spare reg.VecPhysical) [16]reg.VecPhysical {
	first := spare
	pair := func(i, j int, low, high func(x, y, to reg.VecPhysical)) {
		low(r[i], r[j], spare)
		high(r[i], r[j], r[j])
		r[i], spare = spare, r[i]
	}
	dword := func(i, j int) {
		pair(i, j, func(x, y, to reg.VecPhysical) { VPUNPCKLDQ(y, x, to) }, func(x, y, to reg.VecPhysical) { VPUNPCKHDQ(y, x, to) })
	}
	qword := func(i, j int) {
		pair(i, j, func(x, y, to reg.VecPhysical) { VPUNPCKLQDQ(y, x, to) }, func(x, y, to reg.VecPhysical) { VPUNPCKHQDQ(y, x, to) })
	}
	lanes := func(i, j int) {
		pair(i, j, func(x, y, to reg.VecPhysical) { VSHUFI32X4(U8(0x88), y, x, to) }, func(x, y, to reg.VecPhysical) { VSHUFI32X4(U8(0xdd), y, x, to) })
	}
	// t[4g+j] is to hold, in its part L, word 4L+j of rows 4g to 4g+3.
	for g := 0; g < 16; g += 4 {
		dword(g, g+1)
		dword(g+2, g+3)
		qword(g, g+2)   // words 0 and 1
		qword(g+1, g+3) // words 2 and 3
		r[g+1], r[g+2] = r[g+2], r[g+1]
	}
	var words [16]reg.VecPhysical
	for j := range 4 {
		lanes(j, 4+j)    // parts 0 and 2, parts 1 and 3 of the first two
		lanes(8+j, 12+j) // and of the last two
		lanes(j, 8+j)    // part 0, part 2
		lanes(4+j, 12+j) // part 1, part 3
		words[j], words[8+j] = r[j], r[8+j]
		words[4+j], words[12+j] = r[4+j], r[12+j]
	}
	if spare != first {
		// Give the spare register back, whose content moves to what became free.
		VMOVDQA32(first, spare)
		for i := range words {
			if words[i] == first {
				words[i] = spare
			}
		}
	}
	return words
}

// compress8 is compress for AVX2 and eight messages.
func compress8(iv Mem) {
	rotate16, rotate8 := shuffle("blake3rotate16", 16), shuffle("blake3rotate8", 8)
	TEXT("blake8", 0, "func(out *[8][16]uint32, keys, data *[8]*byte, shared bool, blocks, last uint64, counters *[8]uint32, flags *[3]uint32)")
	Pragma("noescape")
	Doc("blake8 is blake16 for 8 messages.")

	out := Load(Param("out"), GP64())
	keys := Load(Param("keys"), GP64())
	data := Load(Param("data"), GP64())
	blocks := Load(Param("blocks"), GP64())
	last := Load(Param("last"), GP64())
	counters := Load(Param("counters"), GP64())
	flags := Load(Param("flags"), GP64())
	shared := Load(Param("shared"), GP8())

	v := [16]reg.VecPhysical{
		reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
		reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
	}
	local := func(n int) func(i int) Mem {
		m := AllocLocal(32 * n)
		return func(i int) Mem { return Mem{Base: m.Base, Disp: m.Disp + 32*i, Symbol: m.Symbol} }
	}
	chain, block, spill := local(8), local(16), local(1)

	p := GP64()
	TESTB(shared, shared)
	JZ(LabelRef("apart"))
	MOVQ(Mem{Base: keys}, p)
	for i := range 8 {
		VPBROADCASTD(Mem{Base: p, Disp: 4 * i}, v[i])
		VMOVDQU(v[i], chain(i))
	}
	JMP(LabelRef("keyed"))
	Label("apart")
	for i := range 8 {
		MOVQ(Mem{Base: keys, Disp: 8 * i}, p)
		VMOVDQU(Mem{Base: p}, v[i])
	}
	for i, r := range transpose8([8]reg.VecPhysical(v[:8]), v[8]) {
		VMOVDQU(r, chain(i))
	}
	Label("keyed")

	offset, flag, end := GP64(), GP32(), GP32()
	XORQ(offset, offset)
	MOVL(Mem{Base: flags}, flag)
	ORL(Mem{Base: flags, Disp: 4}, flag)

	Label("block")
	for half := range 2 {
		for i := range 8 {
			MOVQ(Mem{Base: data, Disp: 8 * i}, p)
			VMOVDQU(Mem{Base: p, Index: offset, Scale: 1, Disp: 32 * half}, v[i])
		}
		for i, r := range transpose8([8]reg.VecPhysical(v[:8]), v[8]) {
			VMOVDQU(r, block(8*half+i))
		}
	}
	length := GP32()
	MOVL(U32(64), length)
	CMPQ(blocks, U8(1))
	JNE(LabelRef("middle"))
	MOVL(last.(reg.GPVirtual).As32(), length)
	MOVL(Mem{Base: flags, Disp: 8}, end)
	ORL(end, flag)
	Label("middle")
	for i := range 8 {
		VMOVDQU(chain(i), v[i])
	}
	for i := range 4 {
		VPBROADCASTD(iv.Offset(4*i), v[8+i])
	}
	VMOVDQU(Mem{Base: counters}, v[12])
	VPXOR(v[13], v[13], v[13])
	VMOVD(length, reg.X14)
	VPBROADCASTD(reg.X14, v[14])
	VMOVD(flag, reg.X15)
	VPBROADCASTD(reg.X15, v[15])

	order := [16]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	for range 7 {
		mix := func(parts [4][4]int, first int) {
			each := func(f func(q int, a, b, c, d reg.VecPhysical)) {
				for q, g := range parts {
					f(q, v[g[0]], v[g[1]], v[g[2]], v[g[3]])
				}
			}
			half := func(i int, turn Mem, n uint8) {
				each(func(q int, a, _, _, _ reg.VecPhysical) { VPADDD(block(order[first+2*q+i]), a, a) })
				each(func(_ int, a, b, _, _ reg.VecPhysical) { VPADDD(b, a, a) })
				each(func(_ int, a, _, _, d reg.VecPhysical) { VPXOR(a, d, d) })
				each(func(_ int, _, _, _, d reg.VecPhysical) { VPSHUFB(turn, d, d) })
				each(func(_ int, _, _, c, d reg.VecPhysical) { VPADDD(d, c, c) })
				each(func(_ int, _, b, c, _ reg.VecPhysical) { VPXOR(c, b, b) })
				// One register is free while the others turn by a number of bits
				// that is no number of bytes.
				t := v[columns[0][2]]
				VMOVDQU(t, spill(0))
				each(func(_ int, _, b, _, _ reg.VecPhysical) {
					VPSLLD(U8(32-n), b, t)
					VPSRLD(U8(n), b, b)
					VPOR(t, b, b)
				})
				VMOVDQU(spill(0), t)
			}
			half(0, rotate16, 12)
			half(1, rotate8, 7)
		}
		mix(columns, 0)
		mix(diagonals, 8)
		var next [16]int
		for i, from := range permutation {
			next[i] = order[from]
		}
		order = next
	}
	for i := range 8 {
		VPXOR(v[8+i], v[i], v[i])
	}
	CMPQ(blocks, U8(1))
	JEQ(LabelRef("finish"))
	for i := range 8 {
		VMOVDQU(v[i], chain(i))
	}
	MOVL(Mem{Base: flags}, flag)
	ADDQ(U8(64), offset)
	DECQ(blocks)
	JMP(LabelRef("block"))

	Label("finish")
	for i := range 8 {
		VPXOR(chain(i), v[8+i], v[8+i])
		VMOVDQU(v[8+i], block(i))
	}
	for half := range 2 {
		if half == 1 {
			for i := range 8 {
				VMOVDQU(block(i), v[i])
			}
		}
		for i, r := range transpose8([8]reg.VecPhysical(v[:8]), v[8]) {
			VMOVDQU(r, Mem{Base: out, Disp: 64*i + 32*half})
		}
	}
	VZEROUPPER()
	RET()
}

// shuffle is where the bytes of words go that are turned to the right.
func shuffle(name string, bits int) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 32 {
		DATA(i, U8(i%16/4*4+(i%4+bits/8)%4))
	}
	return m
}

// transpose8 turns rows into columns, 8 words each way, and returns the
// registers that hold them. The spare one may be among them.
func transpose8(r [8]reg.VecPhysical, spare reg.VecPhysical) [8]reg.VecPhysical {
	pair := func(i, j int, low, high func(x, y, to reg.VecPhysical)) {
		low(r[i], r[j], spare)
		high(r[i], r[j], r[j])
		r[i], spare = spare, r[i]
	}
	for g := 0; g < 8; g += 4 {
		for _, q := range [2]int{g, g + 2} {
			pair(q, q+1, func(x, y, to reg.VecPhysical) { VPUNPCKLDQ(y, x, to) }, func(x, y, to reg.VecPhysical) { VPUNPCKHDQ(y, x, to) })
		}
		for _, q := range [2]int{g, g + 1} {
			pair(q, q+2, func(x, y, to reg.VecPhysical) { VPUNPCKLQDQ(y, x, to) }, func(x, y, to reg.VecPhysical) { VPUNPCKHQDQ(y, x, to) })
		}
		r[g+1], r[g+2] = r[g+2], r[g+1]
	}
	for j := range 4 {
		pair(j, 4+j, func(x, y, to reg.VecPhysical) { VPERM2I128(U8(0x20), y, x, to) }, func(x, y, to reg.VecPhysical) { VPERM2I128(U8(0x31), y, x, to) })
	}
	return r
}
