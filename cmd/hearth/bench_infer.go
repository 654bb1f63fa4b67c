package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"hearth/infer/engine"
	"hearth/infer/hub"
	"hearth/infer/kernel"
	"hearth/infer/mini"
	"hearth/infer/model"
	"hearth/work"
)

type benchInferCmd struct {
	modelsAt `embed:""`
	Time     time.Duration `help:"How long to measure each figure." default:"1s"`
	JSON     bool          `help:"Print JSON."`
}

// embedRate is embeddings a second of texts of one length.
type embedRate struct {
	Model   string  `json:"model"`
	Tokens  int     `json:"tokens"`
	Workers int     `json:"workers"`
	Tickets bool    `json:"tickets"`
	Rate    float64 `json:"embeddings_per_second"`
	// OfPeak is the multiplications and additions of the model, attention
	// included, as a share of the peak of as many cores.
	OfPeak float64 `json:"of_peak"`
}

// tokenRate is tokens a second of a decoder.
type tokenRate struct {
	Model   string  `json:"model"`
	Phase   string  `json:"phase"` // prefill or decode
	Batch   int     `json:"batch"`
	Tickets bool    `json:"tickets"`
	Rate    float64 `json:"tokens_per_second"`
}

// Run measures encoders and decoders.
func (c *benchInferCmd) Run(p *program) error {
	level, err := benchLevel()
	if err != nil {
		return err
	}
	m := measureMachine(level, c.Time/2)
	var embeds []embedRate
	var writes []tokenRate
	encoder, manifest, name, err := c.encoder(p.ctx, p)
	if err != nil {
		return err
	}
	for _, workers := range []int{1, m.Processors} {
		for _, tickets := range []bool{false, true} {
			for _, n := range []int{32, 128, 256} {
				r := embedRate{Model: name, Tokens: n, Workers: workers, Tickets: tickets}
				if err := r.measure(p.ctx, level, m, encoder, manifest, c.Time); err != nil {
					return err
				}
				embeds = append(embeds, r)
				c.tick(p)
			}
		}
		if m.Processors == 1 {
			break
		}
	}
	small, smallManifest, _, err := mini.Load()
	if err != nil {
		return err
	}
	large, largeManifest, err := randomModel(model.Config{
		Kind: model.Decoder, Family: model.Llama, Layers: 12, Width: 768, Heads: 12, KVHeads: 4, HeadSize: 64, Inner: 2048,
		Vocab: 32000, Context: 1024, ResidualBits: 16, ActivationLimit: 95, Epsilon: 1, BOS: -1, EOS: []int32{0}, PAD: -1,
	})
	if err != nil {
		return err
	}
	for _, d := range []struct {
		name     string
		model    *model.Model
		manifest *model.Manifest
	}{{mini.Name, small, smallManifest}, {"llama, 120 million random weights", large, largeManifest}} {
		for _, tickets := range []bool{false, true} {
			rates, err := measureDecoder(p.ctx, level, d.model, d.manifest, tickets, c.Time)
			if err != nil {
				return err
			}
			for _, r := range rates {
				r.Model = d.name
				writes = append(writes, r)
			}
			c.tick(p)
		}
	}
	memory := peakMemory()
	if c.JSON {
		return printJSON(p.out, struct {
			Machine machine     `json:"machine"`
			Embed   []embedRate `json:"embeddings"`
			Write   []tokenRate `json:"decoders"`
			Memory  int64       `json:"peak_memory_bytes"`
		}{m, embeds, writes, memory})
	}
	fmt.Fprintln(p.err)
	fmt.Fprintf(p.out, "%s, %s, %d processors. Peak %.0f Gop/s on one, %.0f on all. Most memory %s.\n",
		m.System, m.Kernels, m.Processors, m.PeakOne, m.PeakAll, bytesText(memory))
	rows := [][]string{{"model", "tokens", "workers", "tickets", "embeddings/s", "of peak"}}
	for _, r := range embeds {
		rows = append(rows, []string{r.Model, fmt.Sprint(r.Tokens), fmt.Sprint(r.Workers), onOff(r.Tickets), fmt.Sprintf("%.1f", r.Rate), percent(r.OfPeak)})
	}
	table(p.out, rows)
	rows = [][]string{{"model", "phase", "batch", "tickets", "tokens/s"}}
	for _, r := range writes {
		rows = append(rows, []string{r.Model, r.Phase, fmt.Sprint(r.Batch), onOff(r.Tickets), fmt.Sprintf("%.0f", r.Rate)})
	}
	table(p.out, rows)
	return nil
}

func (c *benchInferCmd) tick(p *program) {
	if !c.JSON {
		fmt.Fprint(p.err, ".")
	}
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// encoder is all-MiniLM-L6-v2 if it is here, or a model of its shape: the time
// does not depend on the weights.
func (c *benchInferCmd) encoder(ctx context.Context, p *program) (*model.Model, *model.Manifest, string, error) {
	s, _ := c.store(p, "")
	l, err := s.Load(ctx, embedder)
	if err == nil {
		return l.Model, l.Manifest, embedder, nil
	}
	if !errors.Is(err, hub.ErrNoModel) {
		return nil, nil, "", err
	}
	m, f, err := randomModel(model.Config{
		Kind: model.Encoder, Family: model.BERT, Layers: 6, Width: 384, Heads: 12, KVHeads: 12, HeadSize: 32, Inner: 1536,
		Vocab: 30522, Context: 512, ResidualBits: 16, ActivationLimit: 95, Epsilon: 1, Pooling: model.Mean, BOS: -1, PAD: -1,
	})
	return m, f, "shape of " + embedder + ", random weights", err
}

// minedProduct is the product of a model, with tickets or without; begin and
// end stand around each sequence.
func minedProduct(level kernel.Level, m *model.Model, f *model.Manifest, team *kernel.Team, tickets bool) (p model.Product, begin func(number uint64, prompt []int32, most int) error, end func(number uint64), err error) {
	plain, err := engine.NewPlain(m, level, team)
	begin, end = func(uint64, []int32, int) error { return nil }, func(uint64) {}
	if err != nil || !tickets {
		return plain, begin, end, err
	}
	registered, err := work.NewModel(f)
	if err != nil {
		return nil, nil, nil, err
	}
	miner, err := work.NewMiner(registered, plain, plain.Matrix, team)
	if err != nil {
		return nil, nil, nil, err
	}
	miner.Aim(work.TargetFor(1 << 62))
	begin = func(number uint64, prompt []int32, most int) error {
		return miner.Begin(number, benchClaim(registered, prompt, most))
	}
	return miner, begin, func(number uint64) { miner.End(number, nil) }, nil
}

// benchTokens are tokens that differ.
func benchTokens(c model.Config, n, from int) []int32 {
	t := make([]int32, n)
	for i := range t {
		t[i] = int32((from*7919 + i*104729 + 13) % c.Vocab)
	}
	return t
}

func (r *embedRate) measure(ctx context.Context, level kernel.Level, m machine, encoder *model.Model, f *model.Manifest, each time.Duration) error {
	c := encoder.Config
	product, begin, end, err := minedProduct(level, encoder, f, nil, r.Tickets)
	if err != nil {
		return err
	}
	e, err := engine.NewEncoder(encoder, product, level, r.Workers)
	if err != nil {
		return err
	}
	batch := make([][]int32, 8*r.Workers)
	for i := range batch {
		batch[i] = benchTokens(c, r.Tokens, i)
	}
	run := func() error {
		for i, t := range batch {
			if err := begin(uint64(i), t, 0); err != nil {
				return err
			}
		}
		_, err := e.Embed(ctx, batch)
		for i := range batch {
			end(uint64(i))
		}
		return err
	}
	var times []float64
	for began := time.Now(); len(times) < 4 || time.Since(began) < each; {
		d, err := timed(run)
		if err != nil {
			return err
		}
		times = append(times, d)
	}
	r.Rate = float64(len(batch)) / median(times) * 1e9
	peak := m.PeakOne
	if r.Workers > 1 {
		peak = m.PeakAll
	}
	r.OfPeak = r.Rate * 2 * float64(work.Cost(c, r.Tokens, 0)) / 1e9 / peak
	return nil
}

// measureDecoder measures reading a prompt, and writing for one and for
// sixteen at a time.
func measureDecoder(ctx context.Context, level kernel.Level, m *model.Model, f *model.Manifest, tickets bool, each time.Duration) ([]tokenRate, error) {
	team := kernel.NewTeam(runtime.GOMAXPROCS(0))
	defer team.Close()
	product, begin, end, err := minedProduct(level, m, f, team, tickets)
	if err != nil {
		return nil, err
	}
	d, err := engine.NewDecoder(m, product, engine.Settings{Level: level, Team: team, Rows: stepRows, CacheBytes: cacheFor(m.Config)})
	if err != nil {
		return nil, err
	}
	var rates []tokenRate
	for _, batch := range []int{1, 16} {
		b := decoding{decoder: d, begin: begin, end: end, config: m.Config, batch: batch}
		prefill, decode, err := b.measure(ctx, each)
		if err != nil {
			return nil, err
		}
		rates = append(rates, tokenRate{Phase: "prefill", Batch: batch, Tickets: tickets, Rate: prefill},
			tokenRate{Phase: "decode", Batch: batch, Tickets: tickets, Rate: decode})
	}
	return rates, nil
}

// decoding is a batch of sequences that are read and written.
type decoding struct {
	decoder *engine.Decoder
	begin   func(uint64, []int32, int) error
	end     func(uint64)
	config  model.Config
	batch   int
	number  uint64
}

const (
	promptTokens = 256
	answerTokens = 64
)

func (b *decoding) measure(ctx context.Context, each time.Duration) (prefill, decode float64, err error) {
	var reads, writes []float64
	for began := time.Now(); len(reads) < 2 || time.Since(began) < each; {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		r, w, err := b.once()
		if err != nil {
			return 0, 0, err
		}
		reads, writes = append(reads, r), append(writes, w)
	}
	return float64(b.batch*promptTokens) / median(reads) * 1e9, float64(b.batch*answerTokens) / median(writes) * 1e9, nil
}

// once reads and writes a batch, and returns how long each took.
func (b *decoding) once() (read, write float64, err error) {
	var chunks []engine.Chunk
	defer func() {
		for i := range chunks {
			b.decoder.End(chunks[i].Sequence)
			b.end(b.number - uint64(i))
		}
	}()
	for range b.batch {
		b.number++
		prompt := benchTokens(b.config, promptTokens, int(b.number)) // never the same, so that the cache has none of it
		if err := b.begin(b.number, prompt, answerTokens); err != nil {
			return 0, 0, err
		}
		s, _, err := b.decoder.Begin(b.number, nil, promptTokens+answerTokens)
		if err != nil {
			return 0, 0, err
		}
		chunks = append(chunks, engine.Chunk{Sequence: s, Tokens: prompt})
	}
	read, err = timed(func() error {
		for _, c := range chunks {
			if err := b.decoder.Step([]engine.Chunk{c}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	for i := range chunks {
		chunks[i].Logits = make([]int32, b.config.Vocab)
	}
	write, err = timed(func() error {
		for n := range answerTokens {
			for i := range chunks {
				chunks[i].Tokens = []int32{int32((n*37 + i) % b.config.Vocab)}
			}
			if err := b.decoder.Step(chunks); err != nil {
				return err
			}
		}
		return nil
	})
	return read, write, err
}

// peakMemory is the most memory that this process had, as the system counts
// it, or as Go does where the system does not say.
func peakMemory() int64 {
	if f, err := os.ReadFile("/proc/self/status"); err == nil {
		lines := bufio.NewScanner(bytes.NewReader(f))
		for lines.Scan() {
			var kB int64
			if _, err := fmt.Sscanf(lines.Text(), "VmHWM: %d kB", &kB); err == nil {
				return kB * 1024
			}
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys)
}
