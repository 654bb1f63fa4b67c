package importer

import "math"

// The functions of this file, and nothing else, stand in for those of package
// math whose results differ between processors: they use + - * / and, of
// package math, what IEEE 754 makes exact (Sqrt, Floor, Frexp, Ldexp). A product
// that is added to something is rounded first, float64(x*y), so that no
// compiler makes one rounding of the two.

const (
	ln2High = 6.93147180369123816490e-01 // 33 bits: times a whole number below 2^20 it is exact
	ln2Low  = 1.90821492927058770002e-10
	log2E   = 1 / math.Ln2

	halfPiHigh = 1.57079632673412561417e+00 // 33 bits
	halfPiMid  = 6.07710050630396597660e-11 // 33 bits
	halfPiLow  = 2.02226624879595063154e-21
)

// exp returns e^x to about 15 digits.
func exp(x float64) float64 {
	switch {
	case x > 700:
		x = 700
	case x < -700:
		return 0
	}
	n := math.Floor(float64(x*log2E) + 0.5)
	r := x - float64(n*ln2High) - float64(n*ln2Low)
	// Taylor's series, |r| ≤ ln2/2.
	sum := 1.0
	for i := 14.0; i >= 1; i-- {
		sum = 1 + float64(r*sum)/i
	}
	return math.Ldexp(sum, int(n))
}

// ln returns the natural logarithm of a positive number to about 15 digits.
func ln(x float64) float64 {
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, e = 2*m, e-1
	}
	// 2·artanh(s) by its series, |s| ≤ 0.172.
	s := (m - 1) / (m + 1)
	q := s * s
	sum := 0.0
	for i := 23.0; i >= 1; i -= 2 {
		sum = 1/i + float64(q*sum)
	}
	return float64(float64(e)*ln2High) + (float64(2*s*sum) + float64(float64(e)*ln2Low))
}

// pow returns x^y for a positive x.
func pow(x, y float64) float64 { return exp(y * ln(x)) }

// sincos returns sine and cosine of an angle from 0 to 2^19 rad to about 14
// digits.
func sincos(x float64) (sin, cos float64) {
	n := math.Floor(float64(x/(math.Pi/2)) + 0.5)
	r := x - float64(n*halfPiHigh) - float64(n*halfPiMid) - float64(n*halfPiLow)
	q := r * r
	// Taylor's series, |r| ≤ π/4.
	sin, cos = 1, 1
	for i := 20.0; i >= 2; i -= 2 {
		cos = 1 - float64(q*cos)/(i*(i-1))
		sin = 1 - float64(q*sin)/(i*(i+1))
	}
	sin *= r
	switch int64(n) & 3 {
	case 1:
		return cos, -sin
	case 2:
		return -sin, -cos
	case 3:
		return -cos, sin
	}
	return sin, cos
}

// gelu returns x·Φ(x), to an error of 10^-7 (Abramowitz and Stegun, Handbook of
// Mathematical Functions, 7.1.26). It is good enough to see how large numbers
// get; the model computes its own.
func gelu(x float64) float64 {
	z := math.Abs(x) / math.Sqrt2
	t := 1 / (1 + float64(0.3275911*z))
	p := 1.061405429
	for _, c := range [...]float64{-1.453152027, 1.421413741, -0.284496736, 0.254829592} {
		p = c + float64(p*t)
	}
	tail := float64(p*t) * exp(-z*z) / 2 // 1 - Φ(|x|)
	if x < 0 {
		return x * tail
	}
	return x - float64(x*tail)
}

// silu returns x/(1+e^-x).
func silu(x float64) float64 { return x / (1 + exp(-x)) }
