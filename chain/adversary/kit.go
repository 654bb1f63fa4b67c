package adversary

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"hearth/chain/judge"
	"hearth/chain/stage"
	chainwork "hearth/chain/work"
	"hearth/infer/engine"
	"hearth/infer/kernel"
	"hearth/infer/mini"
	"hearth/infer/model"
	"hearth/infer/text"
	"hearth/infer/token"
	"hearth/work"
	"hearth/work/rerun"
)

// Kit is hearth-mini with all that runs it, honestly and not.
type Kit struct {
	Registered *work.Model
	Manifest   []byte
	Weights    *model.Model
	Plain      *engine.Plain
	Bench      *judge.Bench

	coder *text.Coder
}

// NewKit loads hearth-mini.
func NewKit() (*Kit, error) {
	m, f, tokenizer, err := mini.Load()
	if err != nil {
		return nil, err
	}
	k := &Kit{Weights: m}
	if k.Manifest, err = f.Encode(); err != nil {
		return nil, err
	}
	if k.Registered, err = work.NewModel(f); err != nil {
		return nil, err
	}
	if k.Plain, err = engine.NewPlain(m, kernel.Best(), nil); err != nil {
		return nil, err
	}
	k.Bench = judge.New(k.Registered, m, k.Plain, kernel.Best(), nil)
	tokens, err := token.Parse(tokenizer)
	if err != nil {
		return nil, err
	}
	k.coder, err = text.NewCoder(tokens, "", "")
	return k, err
}

// Job is the n-th of many, each to go on from sentences of Conan Doyle's.
func (k *Kit) Job(n int) (*work.Job, error) {
	prompt, err := k.coder.Text(fmt.Sprintf("Chapter %d. To Sherlock Holmes she is always the woman. "+
		"I have seldom heard him mention her under any other name. In his eyes she eclipses and predominates the whole of her sex. "+
		"It was not that he felt any emotion akin to love for Irene Adler. All emotions, and that one particularly, were abhorrent to his cold, "+
		"precise but admirably balanced mind.", n))
	if err != nil {
		return nil, err
	}
	return &work.Job{Model: k.Registered.ID(), Public: true, Prompt: prompt, Most: 8}, nil
}

// Form is a claim as the format of work has it, and the target of its tickets.
func Form(j *work.Job, c *chainwork.Claim) (*work.Claim, work.Target, error) {
	if len(c.Executor) != 32 || len(c.Beacon) != 32 || len(c.Target) != 32 {
		return nil, work.Target{}, fmt.Errorf("claim %x is not open: wait for its beacon", c.Key)
	}
	target, err := work.NewTarget([32]byte(c.Target))
	if err != nil {
		return nil, work.Target{}, err
	}
	return &work.Claim{Job: *j, Executor: [32]byte(c.Executor), Beacon: model.Hash(c.Beacon), Prefix: int(c.Prefix)}, target, nil
}

// Mine runs a claimed job as it should be run, and returns what came of it,
// signed.
func (k *Kit) Mine(ctx context.Context, m *stage.Miner, c chainwork.Claim, j *work.Job) (tickets [][]byte, receipt []byte, err error) {
	return k.mine(ctx, m, c, j, k.Weights, k.Plain)
}

// MineCheaper does it with hearth-mini without half of its layers: their
// products are zero.
func (k *Kit) MineCheaper(ctx context.Context, m *stage.Miner, c chainwork.Claim, j *work.Job) (tickets [][]byte, receipt []byte, err error) {
	weights, _, _, err := mini.Load()
	if err != nil {
		return nil, nil, err
	}
	for i := len(weights.Layers) / 2; i < len(weights.Layers); i++ {
		clear(weights.Layers[i].Down.Weight)
		clear(weights.Layers[i].Out.Weight)
	}
	plain, err := engine.NewPlain(weights, kernel.Best(), nil)
	if err != nil {
		return nil, nil, err
	}
	return k.mine(ctx, m, c, j, weights, plain)
}

func (k *Kit) mine(ctx context.Context, m *stage.Miner, c chainwork.Claim, j *work.Job, weights *model.Model, plain *engine.Plain) (tickets [][]byte, receipt []byte, err error) {
	form, target, err := Form(j, &c)
	if err != nil {
		return nil, nil, err
	}
	miner, err := work.NewMiner(k.Registered, plain, plain.Matrix, nil)
	if err != nil {
		return nil, nil, err
	}
	tracer := work.NewTracer(weights.Config, kernel.Best())
	runner := rerun.Runner{Model: weights, Product: engine.Watched{Product: miner, See: tracer.See}, Level: kernel.Best()}
	miner.Aim(target)
	if err := miner.Begin(0, form); err != nil {
		return nil, nil, err
	}
	tracer.Begin(0)
	output, err := runner.Run(ctx, j)
	if err != nil {
		return nil, nil, err
	}
	trace := tracer.End(0)
	for _, t := range miner.End(0, output) {
		t.Sign(m.Executor)
		tickets = append(tickets, t.Encode())
	}
	r, err := work.NewReceipt(k.Registered, j, output, trace, m.Executor)
	if err != nil {
		return nil, nil, err
	}
	receipt, err = r.Encode()
	return tickets, receipt, err
}

// Passing are those of a claim's tickets that pass tier 0, at most so many.
func (k *Kit) Passing(c chainwork.Claim, j *work.Job, tickets [][]byte, most int) (passing [][]byte, err error) {
	form, target, err := Form(j, &c)
	if err != nil {
		return nil, err
	}
	for _, b := range tickets {
		t, err := work.DecodeTicket(b)
		if err != nil {
			return nil, err
		}
		if k.Bench.Check(form, target, t) == nil && len(passing) < most {
			passing = append(passing, b)
		}
	}
	return passing, nil
}

// Guess makes a ticket up that wins: of rows that nobody computed, until one
// does. That costs what honest tickets cost, and is worth nothing.
func (k *Kit) Guess(m *stage.Miner, c chainwork.Claim, j *work.Job) ([]byte, error) {
	form, target, err := Form(j, &c)
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(1, 2))
	at := model.Operation{Layer: k.Registered.Config().Layers - 1, Kind: model.Down}
	x, err := k.Registered.Mined(at)
	if err != nil {
		return nil, err
	}
	for range 100_000 {
		t := &work.Ticket{Claim: model.Hash(c.Id), At: at, Position: len(j.Prompt) - 1, Tile: r.IntN(x.N / work.TileColumns), Row: make([]uint8, x.K)}
		for i := range t.Row {
			t.Row[i] = uint8(128 - 95 + r.IntN(191))
		}
		if x.Refused(t.Tile) {
			continue
		}
		t.Sign(m.Executor)
		err := k.Bench.Check(form, target, t)
		if err == nil {
			return t.Encode(), nil
		}
		if no, ok := errors.AsType[*work.Rejection](err); !ok || no.Reason != work.ReasonTarget {
			return nil, err
		}
	}
	return nil, errors.New("no guess wins: the target is too hard for a test")
}

// Try runs a claim on trial, as an honest validator does.
func (k *Kit) Try(ctx context.Context, res *chainwork.QueryTrialResponse) (*judge.Verdict, error) {
	j, err := work.DecodeJob(res.Encoding)
	if err != nil {
		return nil, err
	}
	form, target, err := Form(j, &res.Claim)
	if err != nil {
		return nil, err
	}
	trial := &judge.Trial{Claim: *form, Target: target}
	for _, b := range res.Tickets {
		t, err := work.DecodeTicket(b)
		if err != nil {
			return nil, err
		}
		trial.Tickets = append(trial.Tickets, t)
	}
	if trial.Receipt, err = work.ParseReceipt(res.Receipt); err != nil {
		return nil, err
	}
	return k.Bench.Try(ctx, trial)
}

// Lazy is the verdict of a validator that did not run the job: nothing is ever
// wrong.
func Lazy(validator string, claim []byte) *chainwork.MsgJudge {
	seal := model.Hash{1: 7}
	return &chainwork.MsgJudge{Validator: validator, Claim: claim, Seal: seal[:]}
}

// Lie is the opposite of what a validator found, with the seal of its run:
// everything is wrong.
func Lie(validator string, res *chainwork.QueryTrialResponse, found *judge.Verdict) (*chainwork.MsgJudge, error) {
	seal := judge.Seal(validator, found.Digest)
	m := &chainwork.MsgJudge{Validator: validator, Claim: res.Trial.Claim, ReceiptWrong: found.Receipt == nil, Seal: seal[:]}
	for _, b := range res.Tickets {
		t, err := work.DecodeTicket(b)
		if err != nil {
			return nil, err
		}
		id := t.Nullifier()
		m.Faults = append(m.Faults, chainwork.Fault{Nullifier: slices.Clone(id[:]), Reason: string(work.ReasonTarget)})
	}
	return m, nil
}
