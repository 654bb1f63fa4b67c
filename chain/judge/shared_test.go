package judge_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"testing"

	"hearth/chain/judge"
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

// jobs, by name: those with an answer are for the decoder.
func jobs() map[string]work.Job {
	return map[string]work.Job{
		"text":              {Prompt: prompt(30)},
		"short text":        {Prompt: prompt(4)},
		"answer":            {Prompt: prompt(20), Most: 24, Stop: []int32{119}, Sampling: work.Sampling{Temperature: 1 << 16, TopP: 60000}, Seed: [32]byte{5}},
		"answer that stops": {Prompt: prompt(7), Most: 60, Stop: []int32{3, 20, 40, 60, 80, 100}, Sampling: work.Sampling{Temperature: 1 << 16}, Seed: [32]byte{2}},
		"answer by greed":   {Prompt: prompt(40), Most: 9},
		"short answer":      {Prompt: prompt(4), Most: 1},
	}
}

// world is a registered model with everything that runs it.
type world struct {
	weights    *model.Model
	registered *work.Model
	plain      *engine.Plain
	level      kernel.Level
	bench      *judge.Bench
}

func newWorld(t testing.TB, c model.Config) *world {
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
	registered, err := work.NewModel(f)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := engine.NewPlain(m, kernel.Best(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &world{m, registered, plain, kernel.Best(), judge.New(registered, m, plain, kernel.Best(), nil)}
}

// worldOf is the world of a job.
func worldOf(t testing.TB, job work.Job) *world {
	if job.Most > 0 {
		return newWorld(t, smallDecoder)
	}
	return newWorld(t, smallEncoder)
}

func easy() work.Target { return work.TargetFor(work.MaxTileWork) }

func key(n byte) ed25519.PrivateKey {
	var seed [ed25519.SeedSize]byte
	seed[0] = n
	return ed25519.NewKeyFromSeed(seed[:])
}

func prompt(n int) []int32 {
	p := make([]int32, n)
	for i := range p {
		p[i] = int32(3 + (i*i*7+i*13)%110)
	}
	return p
}

// mined is a claim as an honest miner leaves it.
type mined struct {
	*world
	claim   work.Claim
	tickets []*work.Ticket
	receipt *work.Receipt
	output  []int32
}

func (w *world) mine(t testing.TB, job work.Job) *mined {
	t.Helper()
	job.Model, job.Public = w.registered.ID(), true
	m := &mined{world: w, claim: work.Claim{Job: job, Beacon: model.Hash{9}}}
	copy(m.claim.Executor[:], key(1).Public().(ed25519.PublicKey))
	miner, err := work.NewMiner(w.registered, w.plain, w.plain.Matrix, nil)
	if err != nil {
		t.Fatal(err)
	}
	miner.Aim(easy())
	if err := miner.Begin(0, &m.claim); err != nil {
		t.Fatal(err)
	}
	tracer := work.NewTracer(w.weights.Config, w.level)
	tracer.Begin(0)
	product := engine.Watched{Product: miner, See: tracer.See}
	if job.Most > 0 {
		m.output = w.answer(t, product, job)
		m.tickets = miner.End(0, m.output)
	} else {
		e, err := engine.NewEncoder(w.weights, product, w.level, 1)
		if err != nil {
			t.Fatal(err)
		}
		v, err := e.Embed(t.Context(), [][]int32{job.Prompt})
		if err != nil {
			t.Fatal(err)
		}
		m.output, m.tickets = v[0], miner.End(0, nil)
	}
	for _, x := range m.tickets {
		x.Sign(key(1))
	}
	if m.receipt, err = work.NewReceipt(w.registered, &m.claim.Job, m.output, tracer.End(0), key(1)); err != nil {
		t.Fatal(err)
	}
	return m
}

// answer writes an answer as a house does, with the engine's own scheduler.
func (w *world) answer(t testing.TB, p model.Product, job work.Job) []int32 {
	t.Helper()
	d, err := engine.NewDecoder(w.weights, p, engine.Settings{Level: w.level, Rows: 32, CacheBytes: 1 << 22})
	if err != nil {
		t.Fatal(err)
	}
	s, err := engine.NewScheduler(d, engine.Limits{Running: 1, Waiting: 1})
	if err != nil {
		t.Fatal(err)
	}
	task, err := s.Add(engine.Request{Prompt: job.Prompt, Most: job.Most, Stop: job.Stop, Sampling: engine.Sampling(job.Sampling), Seed: job.Seed, Whole: true})
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

func (w *world) rerun() work.Rerun { return rerun.With(w.weights, w.plain, w.level, nil) }

// alone is what two tiers say of a ticket that is checked by itself.
func (m *mined) alone(t testing.TB, x *work.Ticket) work.Reason {
	t.Helper()
	err := m.bench.Check(&m.claim, easy(), x)
	if err == nil {
		err = work.NewVerifier(m.registered, m.level).Replay(t.Context(), &m.claim, x, m.rerun())
	}
	return reason(t, err)
}

func (m *mined) try(ctx context.Context, t testing.TB, tickets []*work.Ticket, receipt *work.Receipt) *judge.Verdict {
	t.Helper()
	v, err := m.bench.Try(ctx, &judge.Trial{Claim: m.claim, Target: easy(), Tickets: tickets, Receipt: receipt})
	if err != nil {
		t.Fatal(err)
	}
	return v
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
