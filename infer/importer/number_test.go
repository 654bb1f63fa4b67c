package importer

import (
	"math"
	"testing"
)

func near(t *testing.T, what string, x, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*max(1, math.Abs(want))) {
		t.Errorf("%s(%v) = %v, want %v", what, x, got, want)
	}
}

func TestFunctionsAreThoseOfTheirNames(t *testing.T) {
	for i := -4000; i <= 4000; i++ {
		x := float64(i) / 100
		near(t, "exp", x, exp(x)/math.Exp(x), 1, 1e-14)
		near(t, "gelu", x, gelu(x), x*(1+math.Erf(x/math.Sqrt2))/2, 3e-7)
		near(t, "silu", x, silu(x), x/(1+math.Exp(-x)), 1e-14)
		if x > 0 {
			near(t, "ln", x, ln(x), math.Log(x), 1e-15)
			near(t, "pow", x, pow(x, -0.7)/math.Pow(x, -0.7), 1, 1e-14)
		}
	}
	for x := 0.0; x < 1<<18; x += 17.77 {
		sin, cos := sincos(x)
		near(t, "sin", x, sin, math.Sin(x), 1e-12)
		near(t, "cos", x, cos, math.Cos(x), 1e-12)
	}
	for _, x := range []float64{1e-300, 1e300} {
		near(t, "ln", x, ln(x)/math.Log(x), 1, 1e-15)
	}
	if exp(-1000) != 0 || math.IsInf(exp(1000), 0) {
		t.Error("exp does not stay finite")
	}
}
