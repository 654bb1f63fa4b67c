package work_test

import (
	"errors"
	"sync"
	"testing"

	"hearth/chain/judge"
	"hearth/chain/work"
	"hearth/infer/engine"
	"hearth/infer/kernel"
	"hearth/infer/mini"
	"hearth/infer/model"
	format "hearth/work"
)

func isA(err, want error) bool { return errors.Is(err, want) }

// small is an encoder whose every product but the first can be mined.
var small = model.Config{
	Kind: model.Encoder, Family: model.BERT, Layers: 2, Width: 256, Heads: 4, KVHeads: 4, HeadSize: 64, Inner: 512,
	Vocab: 120, Context: 96, ResidualBits: 16, ActivationLimit: 95, Epsilon: 4295, BOS: 1, EOS: []int32{2}, PAD: 0, Pooling: model.Mean,
}

// machine runs jobs of one model, as miners and validators do.
type machine struct {
	weights    *model.Model
	registered *format.Model
	plain      *engine.Plain
	bench      *judge.Bench
}

func newMachine(t testing.TB, m *model.Model, f *model.Manifest) *machine {
	t.Helper()
	registered, err := format.NewModel(f)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := engine.NewPlain(m, kernel.Best(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &machine{m, registered, plain, judge.New(registered, m, plain, kernel.Best(), nil)}
}

// embedder is a machine with a small random model, made once.
var embedder = sync.OnceValues(func() (*model.Model, error) {
	m, err := model.Random(11, small)
	if err != nil {
		return nil, err
	}
	return m, m.Permute()
})

func (w *world) embedder() *machine {
	w.t.Helper()
	m, err := embedder()
	if err != nil {
		w.t.Fatal(err)
	}
	f, err := model.NewManifest(m, []byte("{}"))
	if err != nil {
		w.t.Fatal(err)
	}
	return w.install(newMachine(w.t, m, f))
}

// writer is a machine with hearth-mini.
func (w *world) writer() *machine {
	w.t.Helper()
	m, f, _, err := mini.Load()
	if err != nil {
		w.t.Fatal(err)
	}
	return w.install(newMachine(w.t, m, f))
}

func (w *world) install(m *machine) *machine {
	w.models[m.registered.ID()] = m.registered
	return m
}

// benches are those of a node that has the machine's weights.
func (m *machine) benches(r *format.Model) (work.Bench, bool) {
	return m.bench, r.ID() == m.registered.ID()
}

// text is a job to embed a text, another for each number.
func (m *machine) text(n, tokens int) format.Job {
	prompt := make([]int32, tokens)
	for i := range prompt {
		prompt[i] = int32(3 + (i*i*7+i*13+n*(i+1))%110)
	}
	return format.Job{Model: m.registered.ID(), Public: true, Prompt: prompt}
}

// yield is what mining a claim brought.
type yield struct {
	claim   *format.Claim
	tickets []*format.Ticket
	receipt *format.Receipt
	output  []int32
}

// encoded are the tickets' messages, so many at most.
func (y *yield) encoded(most int) [][]byte {
	var all [][]byte
	for _, t := range y.tickets[:min(most, len(y.tickets))] {
		all = append(all, t.Encode())
	}
	return all
}

// mine runs the job of an open claim as its miner does.
func (w *world) mine(m *machine, name string, key []byte) *yield {
	w.t.Helper()
	c := w.claim(key)
	out, err := w.asks.Job(w.ctx, &work.QueryJobRequest{Id: hexed(c.Job)})
	if err != nil {
		w.t.Fatal(err)
	}
	job, err := format.DecodeJob(out.Encoding)
	if err != nil {
		w.t.Fatal(err)
	}
	y := &yield{claim: &format.Claim{Job: *job, Executor: [32]byte(c.Executor), Beacon: model.Hash(c.Beacon), Prefix: int(c.Prefix)}}
	if id := y.claim.ID(); string(id[:]) != string(c.Id) {
		w.t.Fatalf("the claim's id is %v, the chain says %x", id, c.Id)
	}
	target, err := format.NewTarget([32]byte(c.Target))
	if err != nil {
		w.t.Fatal(err)
	}
	miner, err := format.NewMiner(m.registered, m.plain, m.plain.Matrix, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	miner.Aim(target)
	if err := miner.Begin(0, y.claim); err != nil {
		w.t.Fatal(err)
	}
	tracer := format.NewTracer(m.weights.Config, kernel.Best())
	tracer.Begin(0)
	y.output = m.run(w.t, engine.Watched{Product: miner, See: tracer.See}, job)
	answer := y.output
	if job.Most == 0 {
		answer = nil
	}
	y.tickets = miner.End(0, answer)
	for _, t := range y.tickets {
		t.Sign(executor(name))
	}
	if y.receipt, err = format.NewReceipt(m.registered, job, y.output, tracer.End(0), executor(name)); err != nil {
		w.t.Fatal(err)
	}
	return y
}

// run runs a job with a product.
func (m *machine) run(t testing.TB, p model.Product, job *format.Job) []int32 {
	t.Helper()
	if job.Most == 0 {
		e, err := engine.NewEncoder(m.weights, p, kernel.Best(), 1)
		if err != nil {
			t.Fatal(err)
		}
		v, err := e.Embed(t.Context(), [][]int32{job.Prompt})
		if err != nil {
			t.Fatal(err)
		}
		return v[0]
	}
	d, err := engine.NewDecoder(m.weights, p, engine.Settings{Level: kernel.Best(), Rows: 32, CacheBytes: 1 << 22})
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

// deliver hands the receipt of a claim in.
func (w *world) deliver(name string, key []byte, r *format.Receipt) {
	w.t.Helper()
	must(w, w.msgs.Deliver, w.delivery(name, key, r))
}

func (w *world) delivery(name string, key []byte, r *format.Receipt) *work.MsgDeliver {
	w.t.Helper()
	b, err := r.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	return &work.MsgDeliver{Hot: address("hot " + name), Claim: key, Receipt: b}
}

// verdict is what a validator finds when it runs a claim again with a machine.
func (w *world) verdict(m *machine, key []byte) *judge.Verdict {
	w.t.Helper()
	out, err := w.asks.Trial(w.ctx, &work.QueryTrialRequest{Claim: hexed(key)})
	if err != nil {
		w.t.Fatal(err)
	}
	job, err := format.DecodeJob(out.Encoding)
	if err != nil {
		w.t.Fatal(err)
	}
	c := out.Claim
	trial := &judge.Trial{Claim: format.Claim{Job: *job, Executor: [32]byte(c.Executor), Beacon: model.Hash(c.Beacon), Prefix: int(c.Prefix)}}
	if trial.Target, err = format.NewTarget([32]byte(c.Target)); err != nil {
		w.t.Fatal(err)
	}
	for _, b := range out.Tickets {
		t, err := format.DecodeTicket(b)
		if err != nil {
			w.t.Fatal(err)
		}
		trial.Tickets = append(trial.Tickets, t)
	}
	if trial.Receipt, err = format.ParseReceipt(out.Receipt); err != nil {
		w.t.Fatal(err)
	}
	v, err := m.bench.Try(w.t.Context(), trial)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// judgement is the message of a validator who found that.
func (w *world) judgement(i int, key []byte, v *judge.Verdict) *work.MsgJudge {
	w.t.Helper()
	seal := judge.Seal(validator(i), v.Digest)
	msg := &work.MsgJudge{Validator: validator(i), Claim: key, Seal: seal[:], ReceiptWrong: v.Receipt != nil}
	for _, f := range v.Faults {
		msg.Faults = append(msg.Faults, work.Fault{Nullifier: f.Nullifier[:], Reason: string(f.Reason)})
	}
	out, err := w.asks.Trial(w.ctx, &work.QueryTrialRequest{Claim: hexed(key)})
	if err != nil {
		w.t.Fatal(err)
	}
	if out.Against != nil {
		job, err := format.DecodeJob(out.Encoding)
		if err != nil {
			w.t.Fatal(err)
		}
		canonical := format.OutputHash(job, v.Output)
		msg.AgainstWrong = string(canonical[:]) != string(out.Against.Output)
	}
	return msg
}

// try has all four validators judge a claim honestly, and one of them reveal.
func (w *world) try(m *machine, key []byte) *judge.Verdict {
	w.t.Helper()
	v := w.verdict(m, key)
	w.block(func() {
		for i := range 4 {
			must(w, w.msgs.Judge, w.judgement(i, key, v))
		}
	})
	w.block(func() {
		must(w, w.msgs.Reveal, &work.MsgReveal{Validator: validator(2), Claim: key, Digest: v.Digest[:]})
	})
	return v
}
