package importer

import (
	"fmt"
	"math"
)

// frequencies returns theta^(-2i/size) for the pairs i of a head (Su et al.,
// RoFormer, 2021).
func frequencies(theta float64, size int) ([]float64, error) {
	if !(theta >= 1 && theta <= 1e12) {
		return nil, fmt.Errorf("rope_theta is %v", theta)
	}
	if size < 2 || size > 1<<16 || size%2 != 0 {
		return nil, fmt.Errorf("a head of %d channels cannot be rotated", size)
	}
	f := make([]float64, size/2)
	for i := range f {
		f[i] = exp(-float64(2*i) / float64(size) * ln(theta))
	}
	return f, nil
}

// stretchLlama3 slows down the frequencies of waves that are longer than the
// context a model was first trained on, as Llama 3.1 does: long ones by the
// factor, those between high and low by a blend.
func stretchLlama3(f []float64, r *hfRotary) error {
	if !(r.Factor >= 1 && r.Low > 0 && r.High > r.Low && r.Context >= 1) {
		return fmt.Errorf("rope_scaling of the kind llama3 has the factors %v, %v and %v for a context of %v", r.Factor, r.Low, r.High, r.Context)
	}
	for i, v := range f {
		waves := r.Context / (2 * math.Pi / v) // in the first context
		switch {
		case waves < r.Low:
			f[i] = v / r.Factor
		case waves <= r.High:
			blend := (waves - r.Low) / (r.High - r.Low)
			f[i] = float64((1-blend)*v)/r.Factor + float64(blend*v)
		}
	}
	return nil
}
