package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"

	"hearth/internal/float16"
)

// DType is the type of a tensor's elements, by its name in the header.
type DType string

// The types that Hearth converts. Files may hold others, which [Open] knows by
// size and [Tensor.ReadAt] gives as bytes.
const (
	F64  DType = "F64"
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	I64  DType = "I64"
	I32  DType = "I32"
	I16  DType = "I16"
	I8   DType = "I8"
	U64  DType = "U64"
	U32  DType = "U32"
	U16  DType = "U16"
	U8   DType = "U8"
	Bool DType = "BOOL"
)

// bits returns the size of one element, 0 for a type that is not known.
func (d DType) bits() int {
	switch d {
	case "C64", F64, I64, U64:
		return 64
	case F32, I32, U32:
		return 32
	case F16, BF16, I16, U16:
		return 16
	case I8, U8, Bool, "F8_E4M3", "F8_E4M3FNUZ", "F8_E5M2", "F8_E5M2FNUZ", "F8_E8M0":
		return 8
	case "F6_E2M3", "F6_E3M2":
		return 6
	case "F4":
		return 4
	}
	return 0
}

// float reports whether Floats converts the type.
func (d DType) float() bool { return d == F64 || d == F32 || d == F16 || d == BF16 }

// integer reports whether Ints converts the type.
func (d DType) integer() bool {
	switch d {
	case I64, I32, I16, I8, U64, U32, U16, U8, Bool:
		return true
	}
	return false
}

// floats converts the elements in src, as many as dst has.
func floats(d DType, dst []float32, src []byte) {
	switch d {
	case F64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
		}
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	case F16:
		for i := range dst {
			dst[i] = float16.Half(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = float16.Brain(binary.LittleEndian.Uint16(src[2*i:]))
		}
	}
}

// ints converts the elements in src, as many as dst has.
func ints(d DType, dst []int64, src []byte) error {
	for i := range dst {
		switch d {
		case I64:
			dst[i] = int64(binary.LittleEndian.Uint64(src[8*i:]))
		case U64:
			u := binary.LittleEndian.Uint64(src[8*i:])
			if u > math.MaxInt64 {
				return fmt.Errorf("%d is more than an int64 holds", u)
			}
			dst[i] = int64(u)
		case I32:
			dst[i] = int64(int32(binary.LittleEndian.Uint32(src[4*i:])))
		case U32:
			dst[i] = int64(binary.LittleEndian.Uint32(src[4*i:]))
		case I16:
			dst[i] = int64(int16(binary.LittleEndian.Uint16(src[2*i:])))
		case U16:
			dst[i] = int64(binary.LittleEndian.Uint16(src[2*i:]))
		case I8:
			dst[i] = int64(int8(src[i]))
		case U8:
			dst[i] = int64(src[i])
		case Bool:
			if src[i] > 1 {
				return fmt.Errorf("a truth value of %d", src[i])
			}
			dst[i] = int64(src[i])
		}
	}
	return nil
}
