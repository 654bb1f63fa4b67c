package engine

import (
	"fmt"
	"runtime"
	"testing"

	"hearth/infer/kernel"
	"hearth/infer/model"
)

// The shapes that are measured: all-MiniLM-L6-v2, the small model that comes
// with the project, and one with TinyLlama's proportions but fewer layers.
var (
	miniLM = model.Config{Kind: model.Encoder, Family: model.BERT, Layers: 6, Width: 384, Heads: 12, KVHeads: 12, HeadSize: 32, Inner: 1536, Vocab: 1000, Context: 512, Pooling: model.Mean}
	mini   = model.Config{Kind: model.Decoder, Family: model.Llama, Layers: 8, Width: 256, Heads: 8, KVHeads: 4, HeadSize: 32, Inner: 768, Vocab: 4096, Context: 1024, Tied: true}
	tiny   = model.Config{Kind: model.Decoder, Family: model.Llama, Layers: 4, Width: 2048, Heads: 32, KVHeads: 4, HeadSize: 64, Inner: 5632, Vocab: 8000, Context: 2048}
)

// products counts the multiplications with weights for one token.
func products(m *model.Model) (n int) {
	for _, l := range m.Layers {
		for _, w := range []*model.Linear{l.QKV, l.Out, l.Up, l.Down} {
			n += w.N * w.K
		}
	}
	return n
}

// report adds how many operations a second products alone came to.
func report(b *testing.B, m *model.Model, tokens int) {
	b.ReportMetric(2*float64(products(m))*float64(tokens)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GOPS")
}

func BenchmarkEmbed(b *testing.B) {
	m := randomModel(b, miniLM)
	p, err := NewPlain(m, kernel.Best(), nil)
	if err != nil {
		b.Fatal(err)
	}
	for workers := 1; workers <= runtime.GOMAXPROCS(0); workers *= 2 {
		for _, n := range []int{32, 128, 256} {
			b.Run(fmt.Sprintf("tokens=%d/workers=%d", n, workers), func(b *testing.B) {
				e, err := NewEncoder(m, p, kernel.Best(), workers)
				if err != nil {
					b.Fatal(err)
				}
				batch := make([][]int32, 4096/n)
				for i := range batch {
					batch[i] = tokens(m.Config, n, i)
				}
				for b.Loop() {
					if _, err := e.Embed(b.Context(), batch); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(len(batch))*float64(b.N)/b.Elapsed().Seconds(), "texts/s")
				report(b, m, 4096/n*n)
			})
		}
	}
}

func BenchmarkDecoder(b *testing.B) {
	for _, shape := range []struct {
		name string
		model.Config
	}{{"mini", mini}, {"tiny", tiny}} {
		m := randomModel(b, shape.Config)
		for threads := 1; threads <= runtime.GOMAXPROCS(0); threads *= 2 {
			team := kernel.NewTeam(threads)
			b.Cleanup(team.Close)
			p, err := NewPlain(m, kernel.Best(), team)
			if err != nil {
				b.Fatal(err)
			}
			d, err := NewDecoder(m, p, Settings{Level: kernel.Best(), Team: team, Rows: 256, CacheBytes: cacheBytes(m, 16*512)})
			if err != nil {
				b.Fatal(err)
			}
			b.Run(fmt.Sprintf("%s/prefill/threads=%d", shape.name, threads), func(b *testing.B) {
				text := tokens(m.Config, 512, 1)
				for b.Loop() {
					s, _, err := d.Begin(0, nil, len(text))
					if err != nil {
						b.Fatal(err)
					}
					for n := range 2 {
						if err := d.Step([]Chunk{{s, text[n*256:][:256], nil}}); err != nil {
							b.Fatal(err)
						}
					}
					d.End(s)
				}
				b.ReportMetric(float64(len(text))*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
				report(b, m, len(text))
			})
			for _, batch := range []int{1, 16} {
				b.Run(fmt.Sprintf("%s/decode/batch=%d/threads=%d", shape.name, batch, threads), func(b *testing.B) {
					decode(b, d, m, batch)
				})
			}
		}
	}
}

// decode writes answers of 128 tokens behind prompts of 128.
func decode(b *testing.B, d *Decoder, m *model.Model, batch int) {
	open := make([]*Sequence, batch)
	chunks := make([]Chunk, batch)
	for i := range chunks {
		chunks[i].Logits = make([]int32, m.Config.Vocab)
	}
	written := 0
	for b.Loop() {
		if written%128 == 0 {
			b.StopTimer()
			for i := range open {
				if open[i] != nil {
					d.End(open[i])
				}
				var err error
				if open[i], _, err = d.Begin(uint64(i), nil, 256); err != nil {
					b.Fatal(err)
				}
				if err := d.Step([]Chunk{{open[i], tokens(m.Config, 128, i), nil}}); err != nil {
					b.Fatal(err)
				}
				chunks[i].Sequence = open[i]
			}
			b.StartTimer()
		}
		written++
		for i := range chunks {
			chunks[i].Tokens = []int32{Likeliest(chunks[i].Logits)}
		}
		if err := d.Step(chunks); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(batch)*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
	for _, s := range open {
		d.End(s)
	}
}

func BenchmarkChoose(b *testing.B) {
	logits := make([]int32, 32000)
	for i, t := range tokens(model.Config{Vocab: 10 * one}, len(logits), 5) {
		logits[i] = t
	}
	for name, s := range map[string]Sampling{
		"greedy": {}, "warm": {Temperature: one}, "k=40": {Temperature: one, TopK: 40}, "p=0.9": {Temperature: one, TopP: one * 9 / 10},
	} {
		b.Run(name, func(b *testing.B) {
			var c Chooser
			for b.Loop() {
				c.Choose(logits, s, nil, &[32]byte{}, 7)
			}
		})
	}
	b.Run("logarithm", func(b *testing.B) {
		for b.Loop() {
			LogSum(logits)
		}
	})
}
