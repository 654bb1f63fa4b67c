package kernel

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// within draws numbers up to a magnitude, the ends and their neighbours more
// often than others.
func within(limit int32) *rapid.Generator[int32] {
	return rapid.OneOf(
		rapid.Int32Range(-limit, limit),
		rapid.SampledFrom([]int32{-limit, 1 - limit, -1, 0, 1, limit - 1, limit}),
	)
}

func anyFactor(t *rapid.T) (m int32, shift uint) {
	return NewScale(rapid.Uint64().Draw(t, "factor m"), rapid.IntRange(-160, 0).Draw(t, "factor e")).Factor()
}

func TestRescaleStaysWithinTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := []int32{rapid.Int32().Draw(t, "x")}
		c := []int32{within(1<<31-1).Draw(t, "c")}
		bias := []int32{within(1<<29-1).Draw(t, "bias")}
		m, shift := anyFactor(t)
		var y [1]int32
		rescale(y[:], x, c, bias, m, shift)
		if y[0] < -Limit || y[0] > Limit {
			t.Fatalf("rescaled to %d", y[0])
		}
		dst := []int32{within(Limit).Draw(t, "dst")}
		was := int64(dst[0])
		rescaleAdd(dst, x, c, bias, m, shift)
		if want := min(max(was+int64(y[0]), -Limit), Limit); int64(dst[0]) != want {
			t.Fatalf("%d + %d = %d, want %d", was, y[0], dst[0], want)
		}
	})
}

// What rescale computes is what the real numbers say, to one unit and what the
// 32 bits of the first product leave out.
func TestRescaleIsAMultiplication(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := within(1<<28).Draw(t, "x")
		c := within(1<<31-1).Draw(t, "c")
		m, shift := anyFactor(t)
		f := math.Ldexp(float64(m), -int(shift))
		if math.Abs(float64(x)) > math.Ldexp(1, min(28, int(shift)-5)) {
			t.Skip("beyond what the factor leaves room for")
		}
		var y [1]int32
		rescale(y[:], []int32{x}, []int32{c}, nil, m, shift)
		want := float64(x) * float64(c) / (1 << 28) * f
		if d := math.Abs(float64(y[0]) - want); d > 1+min(f, 0.25) {
			t.Fatalf("%d·%d·%g = %d, want %g", x, c, f, y[0], want)
		}
	})
}

func TestTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, m := rapid.Int32().Draw(t, "x"), rapid.Int32().Draw(t, "m")
		shift := rapid.UintRange(1, 62).Draw(t, "shift")
		want := new(big.Int).Mul(big.NewInt(int64(x)), big.NewInt(int64(m)))
		want.Add(want, new(big.Int).Lsh(big.NewInt(1), shift-1)).Rsh(want, shift)
		if !want.IsInt64() || int64(int32(want.Int64())) != want.Int64() {
			t.Skip("does not fit")
		}
		var y [1]int32
		times(y[:], []int32{x}, m, shift)
		if int64(y[0]) != want.Int64() {
			t.Fatalf("(%d·%d) >> %d = %d, want %d", x, m, shift, y[0], want)
		}
	})
}

func TestQuantisedRowsFitAndKeepTheirValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Int32Range(1, 127).Draw(t, "limit")
		bits := rapid.IntRange(0, 30).Draw(t, "bits")
		x := rapid.SliceOfN(within(1<<bits-1), 1, 40).Draw(t, "x")
		d := rapid.SliceOfN(within(1<<30), len(x), len(x)).Draw(t, "d")
		if rapid.Bool().Draw(t, "plain") {
			d = nil
		}
		a := make([]uint8, len(x))
		s := Go.Quantise(a, x, d, limit)
		scale, _ := s.value().Float64()
		for i := range x {
			v := float64(x[i])
			if d != nil {
				v = math.Floor((v*float64(d[i]) + 1<<29) / (1 << 30))
			}
			q := int32(a[i]) - 128
			if q < -limit || q > limit {
				t.Fatalf("%d became %d, beyond %d", x[i], q, limit)
			}
			// Half a step, and what the shift to 15 bits and the reciprocal cost.
			if err := math.Abs(float64(q)*scale - v); err > scale*(0.5+float64(limit)/(1<<13)) {
				t.Fatalf("%g became %d·%g", v, q, scale)
			}
		}
	})
}

func TestARowOfZerosHasScaleZero(t *testing.T) {
	a := []uint8{1, 2, 3}
	if s := Go.Quantise(a, make([]int32, 3), nil, 95); s != (Scale{}) || a[0] != 128 || a[1] != 128 || a[2] != 128 {
		t.Errorf("scale %v, bytes %v", s, a)
	}
}

func TestCentreTakesTheMeanAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(within(Limit), 1, 40).Draw(t, "x")
		y := make([]int32, len(x))
		Go.Centre(y, x)
		sum := new(big.Rat)
		for _, v := range x {
			sum.Add(sum, big.NewRat(int64(v), 1))
		}
		mean := sum.Quo(sum, big.NewRat(int64(len(x)), 1))
		for i, v := range x {
			want := new(big.Rat).Sub(big.NewRat(int64(v), 1), mean)
			f, _ := want.Float64()
			f = min(max(f, -Limit), Limit)
			if math.Abs(float64(y[i])-f) > 0.51 {
				t.Fatalf("%d less the mean is %d, want %g", v, y[i], f)
			}
		}
	})
}

func TestSquaresDoNotOverflow(t *testing.T) {
	x := make([]int32, 1<<15)
	for i := range x {
		x[i] = -Limit
	}
	sum, shift := Go.Squares(x)
	if shift != 6 || sum != 1<<63 {
		t.Errorf("the squares of the largest row add up to %d·2^%d", sum, 2*shift)
	}
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Int32(), 1, 40).Draw(t, "x")
		_, shift := Go.Squares(x)
		y := make([]int32, len(x))
		shiftRight(y, x, shift)
		for _, v := range y {
			if v < -1<<24 || v >= 1<<24 {
				t.Fatalf("%d after the shift by %d", v, shift)
			}
		}
	})
}

func TestNarrowAndRotateStayInside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Int32(), 2, 2).Draw(t, "x")
		c, s := rapid.Int16().Draw(t, "cos"), rapid.Int16().Draw(t, "sin")
		a, b := int64(min(max(x[0], -32767), 32767)), int64(min(max(x[1], -32767), 32767))
		Go.Rotate(x, []int16{c}, []int16{s})
		if want := (a*int64(c) - b*int64(s) + 1<<13) >> 14; int64(x[0]) != want {
			t.Fatalf("turned to %d, want %d", x[0], want)
		}
		if want := (b*int64(c) + a*int64(s) + 1<<13) >> 14; int64(x[1]) != want {
			t.Fatalf("turned to %d, want %d", x[1], want)
		}
		y := []int32{within(Limit).Draw(t, "y")}
		var n [1]int16
		narrow(n[:], y)
		if want := min(max(math.Floor(float64(y[0])/16+0.5), -Narrowest), Narrowest); float64(n[0]) != want {
			t.Fatalf("%d narrowed to %d, want %g", y[0], n[0], want)
		}
	})
}

func TestTheActivationFunctionsAreThoseOfTheBooks(t *testing.T) {
	var worstGELU, worstSiLU float64
	for x := int32(-20 << 16); x <= 20<<16; x += 37 {
		v := float64(x) / 65536
		var y [1]int32
		gelu(y[:], []int32{x})
		worstGELU = max(worstGELU, math.Abs(float64(y[0])/65536-v*math.Erfc(-v/math.Sqrt2)/2))
		gate(y[:], []int32{x}, []int32{1 << 16})
		worstSiLU = max(worstSiLU, math.Abs(float64(y[0])/65536-v/(1+math.Exp(-v))))
	}
	t.Logf("largest errors: GELU %.1e, SiLU %.1e", worstGELU, worstSiLU)
	if worstGELU > 3e-5 || worstSiLU > 8e-5 {
		t.Errorf("GELU is off by %.1e, SiLU by %.1e", worstGELU, worstSiLU)
	}
}

func TestTheActivationFunctionsFarOut(t *testing.T) {
	x := []int32{-Limit, -1 << 20, 1 << 20, Limit}
	var y [4]int32
	gelu(y[:], x)
	if want := [4]int32{0, 0, 1 << 20, Limit}; y != want {
		t.Errorf("GELU of %v is %v, want %v", x, y, want)
	}
	gate(y[:], x, []int32{Limit, -Limit, Limit, -Limit})
	if want := [4]int32{0, 0, Limit, -Limit}; y != want {
		t.Errorf("SiLU of %v times ±Limit is %v, want %v", x, y, want)
	}
}

// The vectors look the coefficients up as 16 bits and multiply the high halves
// of 16-bit numbers: this is what the tables must keep to.
func TestTheParabolasFitTheirVectors(t *testing.T) {
	for _, c := range []struct {
		name  string
		b     *bends
		width uint
	}{{"GELU", &geluBend, geluWidth}, {"SiLU", &siluBend, siluWidth}} {
		if c.b.c0[63]|c.b.c1[63]|c.b.c2[63] != 0 {
			t.Errorf("%s does not end in nothing", c.name)
		}
		for i := range 64 {
			for f := range int32(1 << c.width) {
				h := c.b.c1[i] + (c.b.c2[i]*f)>>c.width
				d := c.b.c0[i] + (h*f)>>c.width
				if c.b.c2[i]*2 != int32(int16(c.b.c2[i]*2)) || h*2 != int32(int16(h*2)) || d < 0 || d >= 1<<16-2 {
					t.Fatalf("%s: segment %d at %d comes to %d, %d", c.name, i, f, h, d)
				}
			}
		}
	}
}
