package importer

import (
	"math"
	"slices"
)

// fitted is a matrix in whole numbers, with what surrounds it still in
// floating point.
type fitted struct {
	weight []int8
	// unit is what a unit of each row is worth.
	unit []float64
	// in is what each input is multiplied by before it is quantised.
	in []float64
	// bias of the output; nil where there is none.
	bias []float64
	// loss is how far the products of the calibration's rows were off, as a
	// share of their length: the root of the mean square.
	loss float64
}

// The most rows of activations and of weights that a choice of smoothing is
// tried on.
const (
	trialTokens = 64
	trialRows   = 1024
)

// strengths are how much of the outliers of activations smoothing moves into
// the weights, in eighths. The first is none.
var strengths = [...]int{-1, 2, 3, 4, 5, 6, 7}

// fit quantises n rows of k weights for products with activations like the rows
// of a, which already have the norm's gain in them. Each column j of the
// weights is multiplied, and each activation divided, by
//
//	s_j = max|a_j|^α / max|w_j|^(1-α)
//
// (Xiao et al., SmoothQuant, 2022) with the α of strengths that loses least.
// The returned in is 1/s.
func fit(w, a []float32, n, k, limit int) *fitted {
	trialA := sampleRows(a, k, trialTokens)
	trialW := sampleRows(w, k, trialRows)
	want := product(trialA, trialW, len(trialW)/k, k)
	aMax, wMax := columnMaxima(a, k), columnMaxima(w, k)
	best, bestLoss := smoothing(aMax, wMax, strengths[0]), math.Inf(1)
	for _, strength := range strengths {
		s := smoothing(aMax, wMax, strength)
		if loss := trial(trialA, trialW, want, s, limit); loss < bestLoss {
			best, bestLoss = s, loss
		}
	}
	f := &fitted{in: make([]float64, k), loss: math.Sqrt(bestLoss)}
	f.weight, f.unit = quantise(w, best, n, k)
	for j, s := range best {
		f.in[j] = 1 / s
	}
	return f
}

// smoothing returns s for an α in eighths, or ones for a negative one.
func smoothing(aMax, wMax []float64, eighths int) []float64 {
	s := make([]float64, len(aMax))
	alpha, rest := float64(eighths)/8, float64(8-eighths)/8
	for j := range s {
		s[j] = 1
		// A channel that never speaks, or that nobody listens to, needs none.
		if eighths >= 0 && aMax[j] > 0 && wMax[j] > 0 {
			s[j] = exp(float64(alpha*ln(aMax[j])) - float64(rest*ln(wMax[j])))
		}
	}
	return s
}

// trial returns the mean over rows of a of the square of the relative error of
// their products when both sides are quantised.
func trial(a, w, want []float32, s []float64, limit int) float64 {
	k := len(s)
	n := len(w) / k
	q, unit := quantise(w, s, n, k)
	wq := make([]float32, len(q))
	for i, v := range q {
		wq[i] = float32(v)
	}
	aq := make([]float32, len(a))
	rows := len(a) / k
	scale := make([]float64, rows)
	for i := range rows {
		row := a[i*k:][:k]
		most := 0.0
		for j, v := range row {
			most = max(most, math.Abs(float64(v)/s[j]))
		}
		if most == 0 {
			continue
		}
		scale[i] = most / float64(limit)
		for j, v := range row {
			aq[i*k+j] = float32(math.Floor(float64(v)/s[j]/scale[i] + 0.5))
		}
	}
	got := product(aq, wq, n, k)
	sum := 0.0
	for i := range rows {
		off, length := 0.0, 0.0
		for j := range n {
			y := float64(want[i*n+j])
			d := float64(float64(got[i*n+j])*unit[j]*scale[i]) - y
			off += float64(d * d)
			length += float64(y * y)
		}
		if length > 0 {
			sum += off / length
		}
	}
	return sum / float64(max(1, rows))
}

// quantise returns the weights, columns multiplied by s, as whole numbers within
// ±127 with a unit for each row, rounded half to even.
func quantise(w []float32, s []float64, n, k int) (q []int8, unit []float64) {
	q, unit = make([]int8, n*k), make([]float64, n)
	share(n, func(from, to int) {
		for i := from; i < to; i++ {
			row := w[i*k:][:k]
			most := 0.0
			for j, v := range row {
				most = max(most, math.Abs(float64(v)*s[j]))
			}
			if most == 0 {
				continue
			}
			unit[i] = most / 127
			for j, v := range row {
				q[i*k+j] = int8(min(max(math.RoundToEven(float64(v)*s[j]/unit[i]), -127), 127))
			}
		}
	})
	return q, unit
}

// columnMaxima returns the largest magnitude of each column of rows of k.
func columnMaxima(v []float32, k int) []float64 {
	most := make([]float64, k)
	for i := 0; i < len(v); i += k {
		for j, x := range v[i : i+k] {
			most[j] = max(most[j], math.Abs(float64(x)))
		}
	}
	return most
}

// sampleRows returns at most so many rows of k, evenly spread.
func sampleRows(v []float32, k, most int) []float32 {
	rows := len(v) / k
	if rows <= most {
		return v
	}
	out := make([]float32, 0, most*k)
	for i := range most {
		at := i * rows / most
		out = append(out, v[at*k:][:k]...)
	}
	return out
}

// ones returns n ones.
func ones(n int) []float64 { return slices.Repeat([]float64{1}, n) }
