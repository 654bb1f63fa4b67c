package entry

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"hearth/infer/model"
	"hearth/work/admission"
)

// BenchmarkTile is what a challenge tests, for each KiB of weights: gas is
// charged for it.
func BenchmarkTile(b *testing.B) {
	for _, k := range []int{384, 1536, 4096, 16384} {
		b.Run(fmt.Sprint(k), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			w := make([]int8, 128*k)
			for i := range w {
				w[i] = int8(r.IntN(255) - 127)
			}
			for range b.N {
				if _, err := admission.ExamineTile(model.Operation{Layer: 1}, w, k); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(len(w)>>10), "µs/KiB")
		})
	}
}

// BenchmarkManifest is reading the manifest of a large model: gas is charged for
// each byte.
func BenchmarkManifest(b *testing.B) {
	c := small
	c.Layers = 80
	text := encode(b, described(b, c))
	b.SetBytes(int64(len(text)))
	for range b.N {
		if _, err := Read(text); err != nil {
			b.Fatal(err)
		}
	}
}
