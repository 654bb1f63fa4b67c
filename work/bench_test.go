package work_test

import (
	"fmt"
	"testing"

	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/work"
)

// flat is a decoder of which one product has the shape that a benchmark wants.
func flat(width, inner int) model.Config {
	c := smallDecoder
	c.Layers, c.Width, c.Inner, c.Heads, c.KVHeads, c.HeadSize = 1, width, inner, 4, 1, 64
	return c
}

// BenchmarkCheck is tier 0: of a verifier that has the model, and of one that is
// shown the weights.
func BenchmarkCheck(b *testing.B) {
	for _, level := range kernel.Levels() {
		for _, k := range []int{384, 1024, 4096} {
			w := newWorld(b, level, flat(k, 128))
			claim := w.claim(work.Job{Prompt: prompt(4), Most: 2})
			at := model.Operation{Layer: 0, Kind: model.Up}
			x := &work.Ticket{Claim: claim.ID(), At: at, Position: 1, Tile: 1, Row: make([]uint8, k)}
			for i := range x.Row {
				x.Row[i] = uint8(128 + i%90)
			}
			x.Sign(key(1))
			v := work.NewVerifier(w.registered, level)
			weights := w.tileWeights(at, 1)
			m, _ := w.registered.Matrix(at)
			opening, err := work.Open(level, w.weights.Layers[0].Up.Weight, m.N, m.K, 1)
			if err != nil {
				b.Fatal(err)
			}
			target := work.TargetFor(1 << 62)
			b.Run(fmt.Sprintf("%v/k=%d/model", level, k), func(b *testing.B) {
				for b.Loop() {
					if r := reason(b, v.Check(claim, target, x, weights)); r != work.ReasonTarget {
						b.Fatal(r)
					}
				}
			})
			b.Run(fmt.Sprintf("%v/k=%d/opening", level, k), func(b *testing.B) {
				for b.Loop() {
					shown, err := work.CheckOpening(level, m, 1, opening)
					if err != nil {
						b.Fatal(err)
					}
					if r := reason(b, v.Check(claim, target, x, shown)); r != work.ReasonTarget {
						b.Fatal(r)
					}
				}
			})
		}
	}
}

// BenchmarkMiner compares the whole of mining a product with the product alone
// and with the kernel that makes its transcripts.
func BenchmarkMiner(b *testing.B) {
	const m = 128
	level := kernel.Best()
	for _, shape := range []struct{ k, inner int }{{384, 768}, {1024, 1024}, {2048, 1024}, {4096, 1024}} {
		w := newWorld(b, level, flat(shape.k, shape.inner))
		at := model.Operation{Layer: 0, Kind: model.Up}
		x, _ := w.registered.Matrix(at)
		miner := w.miner(b)
		miner.Aim(work.TargetFor(1 << 62))
		a, c := kernel.Rows(m, x.K), make([]int32, m*x.N)
		for i := range a {
			a[i] = uint8(128 + i%61)
		}
		rows := make([]model.Row, m)
		for i := range rows {
			rows[i].Position = i % 64
		}
		macs := float64(m * x.N * x.K)
		rate := func(b *testing.B) {
			b.ReportMetric(macs*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GMAC/s")
		}
		name := fmt.Sprintf("n=%d,k=%d", x.N, x.K)
		b.Run(name+"/plain", func(b *testing.B) {
			for b.Loop() {
				if err := w.plain.Multiply(c, a, rows, at); err != nil {
					b.Fatal(err)
				}
			}
			rate(b)
		})
		b.Run(name+"/kernel", func(b *testing.B) {
			t, err := kernel.NewTicketed(w.plain.Matrix(at), work.Permutation(level, x.Root, x.K))
			if err != nil {
				b.Fatal(err)
			}
			states, initial, e := make([]uint32, m*x.N/8), make([]uint32, 16*m), make([]int8, m*t.Rank())
			for b.Loop() {
				t.Multiply(c, states, initial, a, e, m, nil)
			}
			rate(b)
		})
		b.Run(name+"/mined", func(b *testing.B) {
			claim := w.claim(work.Job{Prompt: prompt(60), Most: 30})
			for b.Loop() {
				if err := miner.Begin(0, claim); err != nil {
					b.Fatal(err)
				}
				if err := miner.Multiply(c, a, rows, at); err != nil {
					b.Fatal(err)
				}
				miner.End(0, nil)
			}
			rate(b)
		})
	}
}
