package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"runtime"
	"time"

	"hearth/infer/engine"
	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/work"
)

type benchWorkCmd struct {
	Time time.Duration `help:"How long to measure each shape." default:"1s"`
	JSON bool          `help:"Print JSON."`
}

// workShape is what was measured of products of one shape.
type workShape struct {
	Rows    int `json:"rows"`
	Columns int `json:"columns"`
	Length  int `json:"length"`
	// Gigaoperations a second on one core, the medians.
	Peak  float64 `json:"peak_gops"`
	Plain float64 `json:"plain_gops"`
	Mined float64 `json:"ticketed_gops"`
	// Medians of ratios of runs that followed each other.
	OfPeak   float64 `json:"plain_of_peak"`
	Overhead float64 `json:"ticket_overhead"` // extra time: hashes, seeds, noise, transcripts, tickets
	// Of all cores over one, beside the peak loop's own.
	Gain float64 `json:"gain_all_cores"`
	// Check is tier 0 of a ticket that won, in microseconds.
	Check float64 `json:"check_us"`
	// OfMemory is the share of the measured bandwidth at which the weights are
	// read, where they are read once for few rows; 0 elsewhere. It may be a
	// little above 1: a product fetches the pages to come ahead of time, which
	// the loop that measures the bandwidth does not.
	OfMemory float64 `json:"of_read_bandwidth,omitempty"`
}

// Run measures products.
func (c *benchWorkCmd) Run(p *program) error {
	level, err := benchLevel()
	if err != nil {
		return err
	}
	m := measureMachine(level, c.Time)
	var all []workShape
	for _, s := range []workShape{
		{Rows: 128, Columns: 1536, Length: 384},
		{Rows: 128, Columns: 1024, Length: 1024},
		{Rows: 128, Columns: 2048, Length: 2048},
		{Rows: 128, Columns: 4096, Length: 4096},
		{Rows: 64, Columns: 4096, Length: 4096},
		{Rows: 1, Columns: 16384, Length: 8192}, // 128 MiB, more than caches hold
	} {
		if err := s.measure(p.ctx, level, m, c.Time); err != nil {
			return err
		}
		all = append(all, s)
		if !c.JSON {
			fmt.Fprint(p.err, ".")
		}
	}
	if c.JSON {
		return printJSON(p.out, struct {
			Machine machine     `json:"machine"`
			Shapes  []workShape `json:"shapes"`
		}{m, all})
	}
	fmt.Fprintln(p.err)
	fmt.Fprintf(p.out, "%s, %s, %d processors. Peak %.0f Gop/s on one, %.0f on all; memory %.1f and %.1f GB/s.\n",
		m.System, m.Kernels, m.Processors, m.PeakOne, m.PeakAll, m.ReadOne, m.ReadAll)
	rows := [][]string{{"rows×columns×length", "plain Gop/s", "of peak", "ticketed Gop/s", "overhead", "all cores", "(peak's)", "check"}}
	for _, s := range all {
		rows = append(rows, []string{
			fmt.Sprintf("%d×%d×%d", s.Rows, s.Columns, s.Length), fmt.Sprintf("%.0f", s.Plain), percent(s.OfPeak), fmt.Sprintf("%.0f", s.Mined),
			percent(s.Overhead), fmt.Sprintf("%.2f×", s.Gain), fmt.Sprintf("%.2f×", m.PeakAll/m.PeakOne), fmt.Sprintf("%.0f µs", s.Check),
		})
	}
	table(p.out, rows)
	return nil
}

// bench is a model of one layer with a product of the shape to measure.
type bench struct {
	model      *model.Model
	registered *work.Model
	plain      *engine.Plain
	miner      *work.Miner
	at         model.Operation
}

// newBench makes one; the product is that of Up.
func newBench(level kernel.Level, columns, length int, team *kernel.Team) (*bench, error) {
	c := model.Config{
		Kind: model.Decoder, Family: model.Llama, Layers: 1, Width: length, Heads: 4, KVHeads: 1, HeadSize: 64, Inner: columns / 2,
		Vocab: 256, Context: 4096, ResidualBits: 16, ActivationLimit: 95, Epsilon: 1, BOS: -1, EOS: []int32{0}, PAD: -1,
	}
	m, f, err := randomModel(c)
	if err != nil {
		return nil, err
	}
	b := &bench{model: m, at: model.Operation{Kind: model.Up}}
	if b.registered, err = work.NewModel(f); err != nil {
		return nil, err
	}
	if b.plain, err = engine.NewPlain(m, level, team); err != nil {
		return nil, err
	}
	b.miner, err = work.NewMiner(b.registered, b.plain, b.plain.Matrix, team)
	return b, err
}

// randomModel makes a model of random weights, permuted, with its manifest.
func randomModel(c model.Config) (*model.Model, *model.Manifest, error) {
	m, err := model.Random(1, c)
	if err != nil {
		return nil, nil, err
	}
	if err := m.Permute(); err != nil {
		return nil, nil, err
	}
	f, err := model.NewManifest(m, []byte("{}"))
	return m, f, err
}

// benchClaim is a claim on a public job.
func benchClaim(m *work.Model, prompt []int32, most int) *work.Claim {
	c := &work.Claim{Job: work.Job{Model: m.ID(), Public: true, Prompt: prompt, Most: most}, Beacon: model.Hash{1}}
	copy(c.Executor[:], benchKey().Public().(ed25519.PublicKey))
	return c
}

func benchKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) }

func (s *workShape) measure(ctx context.Context, level kernel.Level, m machine, each time.Duration) error {
	b, err := newBench(level, s.Columns, s.Length, nil)
	if err != nil {
		return err
	}
	b.miner.Aim(work.TargetFor(1 << 62))
	a, c := kernel.Rows(s.Rows, s.Length), make([]int32, s.Rows*s.Columns)
	rows := make([]model.Row, s.Rows)
	for i := range rows {
		rows[i].Position = i
		for j := range s.Length {
			a[i*kernel.Stride(s.Length)+j] = uint8(128 + (i*31+j*17)%191 - 95)
		}
	}
	prompt := make([]int32, s.Rows)
	claim := benchClaim(b.registered, prompt, 1)
	// As many products as a job has in two layers: a job begins once for all.
	const products = 8
	repeated := func(p model.Product) error {
		for range products {
			if err := p.Multiply(c, a, rows, b.at); err != nil {
				return err
			}
		}
		return nil
	}
	plain := func() error { return repeated(b.plain) }
	mined := func() error {
		if err := b.miner.Begin(0, claim); err != nil {
			return err
		}
		defer b.miner.End(0, nil)
		return repeated(b.miner)
	}
	operations := products * 2 * float64(s.Rows) * float64(s.Columns) * float64(s.Length)
	turns := peakTurns(level)
	var peaks, plains, mines, ofPeak, overhead []float64
	for began := time.Now(); len(plains) < 3 || time.Since(began) < each; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var did int64
		p, _ := timed(func() error { did = kernel.Peak(level, turns); return nil })
		x, err := timed(plain)
		if err != nil {
			return err
		}
		y, err := timed(mined)
		if err != nil {
			return err
		}
		peaks, plains, mines = append(peaks, float64(did)/p), append(plains, operations/x), append(mines, operations/y)
		ofPeak, overhead = append(ofPeak, operations/x/(float64(did)/p)), append(overhead, y/x-1)
	}
	s.Peak, s.Plain, s.Mined, s.OfPeak, s.Overhead = median(peaks), median(plains), median(mines), median(ofPeak), median(overhead)
	if s.Rows < 8 {
		// Each weight is read once, for a few rows.
		s.OfMemory = s.Plain / float64(2*s.Rows) / m.ReadOne
	}
	if s.Gain, err = s.gain(level, a, c, rows, each/2); err != nil {
		return err
	}
	s.Check, err = b.check(level, a, c, rows)
	return err
}

// gain is how much faster a plain product is on all processors.
func (s *workShape) gain(level kernel.Level, a []uint8, c []int32, rows []model.Row, each time.Duration) (float64, error) {
	team := kernel.NewTeam(runtime.GOMAXPROCS(0))
	defer team.Close()
	one, err := newBench(level, s.Columns, s.Length, nil)
	if err != nil {
		return 0, err
	}
	all, err := engine.NewPlain(one.model, level, team)
	if err != nil {
		return 0, err
	}
	var gains []float64
	for began := time.Now(); len(gains) < 3 || time.Since(began) < each; {
		x, err := timed(func() error { return one.plain.Multiply(c, a, rows, one.at) })
		if err != nil {
			return 0, err
		}
		y, err := timed(func() error { return all.Multiply(c, a, rows, one.at) })
		if err != nil {
			return 0, err
		}
		gains = append(gains, x/y)
	}
	return median(gains), nil
}

// check finds a ticket that wins an easy target and measures tier 0 of it.
func (b *bench) check(level kernel.Level, a []uint8, c []int32, rows []model.Row) (float64, error) {
	claim := benchClaim(b.registered, make([]int32, len(rows)), 1)
	x, err := b.registered.Mined(b.at)
	if err != nil {
		return 0, err
	}
	easy := work.TargetFor(work.TileWork(x.K))
	b.miner.Aim(easy)
	if err := b.miner.Begin(1, claim); err != nil {
		return 0, err
	}
	named := make([]model.Row, len(rows))
	for i, r := range rows {
		named[i] = model.Row{Sequence: 1, Position: r.Position}
	}
	if err := b.miner.Multiply(c, a, named, b.at); err != nil {
		return 0, err
	}
	tickets := b.miner.End(1, nil)
	if len(tickets) == 0 {
		return 0, errors.New("no ticket wins a target that nearly every ticket meets")
	}
	t := tickets[0]
	t.Sign(benchKey())
	weights := b.model.Layers[0].Up.Weight[t.Tile*work.TileColumns*x.K:][:work.TileColumns*x.K]
	v := work.NewVerifier(b.registered, level)
	var times []float64
	for range 200 {
		d, err := timed(func() error { return v.Check(claim, easy, t, weights) })
		if err != nil {
			return 0, fmt.Errorf("check a ticket: %w", err)
		}
		times = append(times, d/1000)
	}
	return median(times), nil
}
