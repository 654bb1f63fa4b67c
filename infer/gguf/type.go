package gguf

import (
	"encoding/binary"
	"fmt"
	"math"

	"hearth/internal/float16"
)

// Type is the type of a tensor's elements, by its number in ggml.
type Type uint32

// The types that Floats converts.
const (
	F32  Type = 0
	F16  Type = 1
	Q80  Type = 8
	Q4K  Type = 12
	Q5K  Type = 13
	Q6K  Type = 14
	BF16 Type = 30
)

// format says how the elements of a type are stored: in blocks of so many
// elements, of so many bytes each.
type format struct {
	name         string
	block, bytes int
	floats       func(dst []float32, src []byte) // whole blocks; nil if not converted
}

// format returns the zero format for a number that is not known.
func (t Type) format() format {
	switch t {
	case F32:
		return format{"F32", 1, 4, float32s}
	case F16:
		return format{"F16", 1, 2, float16s}
	case 2:
		return format{"Q4_0", 32, 18, nil}
	case 3:
		return format{"Q4_1", 32, 20, nil}
	case 6:
		return format{"Q5_0", 32, 22, nil}
	case 7:
		return format{"Q5_1", 32, 24, nil}
	case Q80:
		return format{"Q8_0", 32, 34, q8_0}
	case 9:
		return format{"Q8_1", 32, 40, nil}
	case 10:
		return format{"Q2_K", 256, 84, nil}
	case 11:
		return format{"Q3_K", 256, 110, nil}
	case Q4K:
		return format{"Q4_K", 256, 144, q4k}
	case Q5K:
		return format{"Q5_K", 256, 176, q5k}
	case Q6K:
		return format{"Q6_K", 256, 210, q6k}
	case 15:
		return format{"Q8_K", 256, 292, nil}
	case 16:
		return format{"IQ2_XXS", 256, 66, nil}
	case 17:
		return format{"IQ2_XS", 256, 74, nil}
	case 18:
		return format{"IQ3_XXS", 256, 98, nil}
	case 19:
		return format{"IQ1_S", 256, 50, nil}
	case 20:
		return format{"IQ4_NL", 32, 18, nil}
	case 21:
		return format{"IQ3_S", 256, 110, nil}
	case 22:
		return format{"IQ2_S", 256, 82, nil}
	case 23:
		return format{"IQ4_XS", 256, 136, nil}
	case 24:
		return format{"I8", 1, 1, nil}
	case 25:
		return format{"I16", 1, 2, nil}
	case 26:
		return format{"I32", 1, 4, nil}
	case 27:
		return format{"I64", 1, 8, nil}
	case 28:
		return format{"F64", 1, 8, nil}
	case 29:
		return format{"IQ1_M", 256, 56, nil}
	case BF16:
		return format{"BF16", 1, 2, bfloat16s}
	case 34:
		return format{"TQ1_0", 256, 54, nil}
	case 35:
		return format{"TQ2_0", 256, 66, nil}
	case 39:
		return format{"MXFP4", 32, 17, nil}
	case 40:
		return format{"NVFP4", 64, 36, nil}
	case 41:
		return format{"Q1_0", 128, 18, nil}
	}
	return format{}
}

// String returns ggml's name of the type.
func (t Type) String() string {
	if f := t.format(); f.name != "" {
		return f.name
	}
	return fmt.Sprintf("type %d", uint32(t))
}

func float32s(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

func float16s(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = half(src[2*i:])
	}
}

func bfloat16s(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = float16.Brain(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

// half widens the binary16 at the start of b.
func half(b []byte) float32 { return float16.Half(binary.LittleEndian.Uint16(b)) }

// In the blocks below every product is rounded to float32 before anything is
// added to it: without the conversion a compiler may fuse the two, and the
// same file would give other weights on another processor.

// q8_0: a scale d and 32 signed bytes; x = d·q.
func q8_0(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[32:], src[34:] {
		d := half(src)
		for i := range 32 {
			dst[i] = d * float32(int8(src[2+i]))
		}
	}
}

// scaleMin unpacks the j-th of eight pairs of 6-bit scale and minimum from 12
// bytes: the first four pairs are whole, the others have their low four bits
// in the last four bytes and their high two atop the first eight.
func scaleMin(j int, b []byte) (scale, least float32) {
	if j < 4 {
		return float32(b[j] & 63), float32(b[j+4] & 63)
	}
	s := b[j+4]&15 | b[j-4]>>6<<4
	m := b[j+4]>>4 | b[j]>>6<<4
	return float32(s), float32(m)
}

// q4k: scales d and dmin, eight packed pairs, 256 nibbles in four runs of 64
// whose first half is low nibbles and second half high ones;
// x = d·scale·q - dmin·least.
func q4k(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[256:], src[144:] {
		d, dmin := half(src), half(src[2:])
		for j := range 8 {
			scale, least := scaleMin(j, src[4:16])
			ds, dm := float32(d*scale), float32(dmin*least)
			for i := range 32 {
				q := src[16+j/2*32+i] >> (j % 2 * 4) & 15
				dst[32*j+i] = float32(ds*float32(q)) - dm
			}
		}
	}
}

// q5k is q4k with a fifth bit for each element, in 32 bytes before the
// nibbles: bit j of byte i belongs to element i of sub-block j.
func q5k(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[256:], src[176:] {
		d, dmin := half(src), half(src[2:])
		for j := range 8 {
			scale, least := scaleMin(j, src[4:16])
			ds, dm := float32(d*scale), float32(dmin*least)
			for i := range 32 {
				q := src[48+j/2*32+i]>>(j%2*4)&15 | src[16+i]>>j&1<<4
				dst[32*j+i] = float32(ds*float32(q)) - dm
			}
		}
	}
}

// q6k: 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 signed scales
// of 16 elements each and a scale d; x = d·scale·(q-32). Each half of 128
// elements takes 64 and 32 bytes of the first two, in four runs of 32.
func q6k(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[256:], src[210:] {
		d := half(src[208:])
		for n := range 256 {
			h, run, i := n/128, n%128/32, n%32
			low := src[64*h+run%2*32+i] >> (run / 2 * 4) & 15
			high := src[128+32*h+i] >> (run * 2) & 3
			scale := float32(int8(src[192+n/16]))
			dst[n] = float32(d*scale) * float32(int(low|high<<4)-32)
		}
	}
}
