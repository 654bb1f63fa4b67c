package work_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"testing"

	"hearth/infer/engine"
	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/work"
	"hearth/work/rerun"
)

// Small models whose every product but the first can be mined.
var (
	smallDecoder = model.Config{
		Kind: model.Decoder, Family: model.Llama, Layers: 2, Width: 256, Heads: 4, KVHeads: 2, HeadSize: 64, Inner: 384,
		Vocab: 120, Context: 96, ResidualBits: 16, ActivationLimit: 95, Epsilon: 4295, BOS: 1, EOS: []int32{2}, PAD: 0,
	}
	smallEncoder = model.Config{
		Kind: model.Encoder, Family: model.BERT, Layers: 2, Width: 256, Heads: 4, KVHeads: 4, HeadSize: 64, Inner: 512,
		Vocab: 120, Context: 96, ResidualBits: 16, ActivationLimit: 95, Epsilon: 4295, BOS: 1, EOS: []int32{2}, PAD: 0, Pooling: model.Mean,
	}
)

// world is a registered model with everything that runs it.
type world struct {
	weights    *model.Model
	manifest   *model.Manifest
	registered *work.Model
	plain      *engine.Plain
	level      kernel.Level
}

func newWorld(t testing.TB, level kernel.Level, c model.Config, refused ...model.Refused) *world {
	t.Helper()
	m, err := model.Random(11, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Permute(); err != nil {
		t.Fatal(err)
	}
	f, err := model.NewManifest(m, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	f.Blocks = refused
	registered, err := work.NewModel(f)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := engine.NewPlain(m, level, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &world{m, f, registered, plain, level}
}

func (w *world) miner(t testing.TB) *work.Miner {
	t.Helper()
	miner, err := work.NewMiner(w.registered, w.plain, w.plain.Matrix, nil)
	if err != nil {
		t.Fatal(err)
	}
	miner.Aim(easy())
	return miner
}

// easy is a target that one ticket in a few meets.
func easy() work.Target { return work.TargetFor(work.MaxTileWork) }

func key(n byte) ed25519.PrivateKey {
	var seed [ed25519.SeedSize]byte
	seed[0] = n
	return ed25519.NewKeyFromSeed(seed[:])
}

func (w *world) claim(job work.Job) *work.Claim {
	job.Model, job.Public = w.registered.ID(), true
	c := &work.Claim{Job: job, Beacon: model.Hash{9}}
	copy(c.Executor[:], key(1).Public().(ed25519.PublicKey))
	return c
}

func prompt(n int) []int32 {
	p := make([]int32, n)
	for i := range p {
		p[i] = int32(3 + (i*i*7+i*13)%110)
	}
	return p
}

// answer runs a job with a product and returns what it writes.
func (w *world) answer(t testing.TB, p model.Product, number uint64, job work.Job) []int32 {
	t.Helper()
	d, err := engine.NewDecoder(w.weights, p, engine.Settings{Level: w.level, Rows: 32, CacheBytes: 1 << 22})
	if err != nil {
		t.Fatal(err)
	}
	s, err := engine.NewScheduler(d, engine.Limits{Running: 1, Waiting: 1})
	if err != nil {
		t.Fatal(err)
	}
	task, err := s.Add(engine.Request{Sequence: number, Prompt: job.Prompt, Most: job.Most, Sampling: engine.Sampling(job.Sampling), Seed: job.Seed})
	if err != nil {
		t.Fatal(err)
	}
	for !s.Idle() {
		if _, err := s.Step(); err != nil {
			t.Fatal(err)
		}
	}
	return task.Answer()
}

func (w *world) embed(t testing.TB, p model.Product, texts ...[]int32) [][]int32 {
	t.Helper()
	e, err := engine.NewEncoder(w.weights, p, w.level, 2)
	if err != nil {
		t.Fatal(err)
	}
	v, err := e.Embed(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// tileWeights are the rows of weights of a ticket's tile.
func (w *world) tileWeights(at model.Operation, tile int) []int8 {
	l := &w.weights.Layers[at.Layer]
	x := [...]*model.Linear{l.QKV, l.Out, l.Up, l.Down}[at.Kind]
	return x.Weight[tile*work.TileColumns*x.K:][:work.TileColumns*x.K]
}

func (w *world) check(c *work.Claim, target work.Target, t *work.Ticket) error {
	return work.NewVerifier(w.registered, w.level).Check(c, target, t, w.tileWeights(t.At, t.Tile))
}

func (w *world) replay(ctx context.Context, c *work.Claim, t *work.Ticket) error {
	return work.NewVerifier(w.registered, w.level).Replay(ctx, c, t, rerun.With(w.weights, w.plain, w.level, nil))
}

// reason is why something was rejected, empty if it was not.
func reason(t testing.TB, err error) work.Reason {
	t.Helper()
	var r *work.Rejection
	if err == nil {
		return ""
	}
	if !errors.As(err, &r) {
		t.Fatalf("%v is no rejection", err)
	}
	return r.Reason
}
