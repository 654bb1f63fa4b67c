package float16_test

import (
	"math"
	"testing"

	"hearth/internal/float16"
)

func TestAllNumbersWidenExactly(t *testing.T) {
	for i := range 1 << 16 {
		bits := uint16(i)
		exponent, fraction := int(bits>>10&31), float64(bits&1023)
		want := math.Ldexp(1+fraction/1024, exponent-15)
		switch {
		case exponent == 31 && fraction == 0:
			want = math.Inf(1)
		case exponent == 31:
			want = math.NaN()
		case exponent == 0:
			want = math.Ldexp(fraction, -24)
		}
		if bits>>15 == 1 {
			want = -want
		}
		got := float64(float16.Half(bits))
		if math.IsNaN(want) != math.IsNaN(got) || !math.IsNaN(want) && math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%04x is %v, want %v", bits, got, want)
		}
		if b := math.Float32bits(float16.Brain(bits)); b != uint32(bits)<<16 {
			t.Fatalf("bfloat16 %04x is %08x", bits, b)
		}
	}
}
