package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// flagsAlone is that of package kernel: of a keyed message of one block.
const flagsAlone = 1<<4 | 1<<0 | 1<<1 | 1<<3

// short writes the search for hashes that begin low. A message is one block, and
// a key has many of them: it is made ready once. Of the hash only the eighth word
// is computed, which saves the last two of 56 mixtures and parts of two more,
// and nothing but a bit leaves the registers.
func short(iv Mem) {
	TEXT("short16", NOSPLIT, "func(found *uint16, keys, data *[16]*byte, offset, blocks uintptr, most uint32)")
	Pragma("noescape")
	Doc("short16 hashes, with each of 16 keys, blocks messages of 64 bytes that follow each other from offset behind",
		"data, and sets the bits of those keys whose hash has an eighth word of at most most.")

	found, keys, data := Load(Param("found"), GP64()), Load(Param("keys"), GP64()), Load(Param("data"), GP64())
	offset, blocks := Load(Param("offset"), GP64()), Load(Param("blocks"), GP64())
	most := Load(Param("most"), GP32())
	var v, m [16]reg.VecPhysical
	copy(v[:], vectors[:16])
	copy(m[:], vectors[16:])

	// What the key gives: words 4 to 7, and the first sums, words 0 to 3 with them.
	local := AllocLocal(8 * 64)
	upper := func(q int) Mem { return local.Offset(64 * q) }
	sum := func(q int) Mem { return local.Offset(64 * (4 + q)) }
	p := GP64()
	for i := range 16 {
		MOVQ(Mem{Base: keys, Disp: 8 * i}, p)
		VMOVDQU32(Mem{Base: p}, m[i].AsY())
	}
	k := transpose(m, v[15])
	for q := range 4 {
		VMOVDQU32(k[4+q], upper(q))
		VPADDD(k[4+q], k[q], k[q])
		VMOVDQU32(k[q], sum(q))
	}
	constants := GLOBL("short16words", RODATA|NOPTR)
	for i, w := range []uint32{64, flagsAlone} {
		DATA(4*i, U32(w))
	}

	Label("message")
	for i := range 16 {
		MOVQ(Mem{Base: data, Disp: 8 * i}, p)
		VMOVDQU32(Mem{Base: p, Index: offset, Scale: 1}, m[i])
	}
	words := transpose(m, v[15])
	order := [16]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	for round := range 7 {
		word := func(q, i int) reg.VecPhysical { return words[order[2*q+i]] }
		first, last := round == 0, round == 6
		mix(v, columns, word, func(step, q int) bool {
			if !first || step > 4 {
				return false
			}
			// The state is not there yet: a sum of the key, four words of the
			// definition, the number, the length and the flags of the message.
			a, b, c, d := v[q], v[4+q], v[8+q], v[12+q]
			switch step {
			case 0:
				VPADDD(sum(q), word(q, 0), a)
			case 2:
				switch q {
				case 0, 1: // the number of a block is 0
					VMOVDQA32(a, d)
				default:
					VPXORD_BCST(constants.Offset(4*(q-2)), a, d)
				}
			case 4:
				VPADDD_BCST(iv.Offset(4*q), d, c)
				VMOVDQU32(upper(q), b)
			}
			return step != 3
		})
		mix(v, diagonals, func(q, i int) reg.VecPhysical { return words[order[8+2*q+i]] }, func(step, q int) bool {
			// What does not lead to words 7 and 15.
			return last && (q%2 == 1 || q == 0 && step > 10)
		})
		var next [16]int
		for i, from := range permutation {
			next[i] = order[from]
		}
		order = next
	}
	low := K()
	VPXORD(v[15], v[7], v[7])
	VPBROADCASTD(most, v[15])
	VPCMPUD(U8(2), v[15], v[7], low)
	KMOVW(low, p.As32())
	MOVW(p.As16(), Mem{Base: found})
	ADDQ(U8(2), found)
	ADDQ(U8(64), offset)
	DECQ(blocks)
	JNZ(LabelRef("message"))
	VZEROUPPER()
	RET()
}
