package mine

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"

	"hearth/chain/judge"
	"hearth/chain/mine/record"
	"hearth/chain/weights"
	"hearth/infer/engine"
	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/work"
	"hearth/work/rerun"
)

// forge runs jobs and makes tickets and receipts of them. It serves one goroutine.
type forge struct {
	store *weights.Store
	key   ed25519.PrivateKey
	level kernel.Level
	team  *kernel.Team
	pace  func(context.Context) error
	kits  map[model.Hash]*kit
}

// kit is a model made ready to mine.
type kit struct {
	runner rerun.Runner
	miner  *work.Miner
	tracer *work.Tracer
	bench  *judge.Bench
}

// kitsKept bounds the models that are ready at a time.
const kitsKept = 2

func (f *forge) kit(ctx context.Context, registered *work.Model) (*kit, error) {
	id := registered.ID()
	if k := f.kits[id]; k != nil {
		return k, nil
	}
	m, plain, err := f.store.Weights(ctx, id)
	if err != nil {
		return nil, err
	}
	plain = plain.With(f.team)
	k := &kit{tracer: work.NewTracer(m.Config, f.level), bench: judge.New(registered, m, plain, f.level, nil)}
	if k.miner, err = work.NewMiner(registered, plain, plain.Matrix, f.team); err != nil {
		return nil, err
	}
	k.runner = rerun.Runner{Model: m, Product: engine.Watched{Product: k.miner, See: k.tracer.See}, Level: f.level, Team: f.team, Pace: f.pace}
	if len(f.kits) >= kitsKept {
		clear(f.kits)
	}
	f.kits[id] = k
	return k, nil
}

// made is what comes of a job that was mined.
type made struct {
	receipt []byte
	tickets [][]byte
	// rejected is why tickets were left out: never, where the arithmetic is right.
	rejected []error
}

// run runs the job of a claim whose beacon is known. At most so many tickets are
// returned, each of which has passed tier 0.
func (f *forge) run(ctx context.Context, registered *work.Model, claim *work.Claim, target work.Target, most int) (*made, error) {
	k, err := f.kit(ctx, registered)
	if err != nil {
		return nil, fmt.Errorf("make model %v ready to mine: %w", registered.ID(), err)
	}
	k.miner.Aim(target)
	if err := k.miner.Begin(0, claim); err != nil {
		return nil, fmt.Errorf("mine a claim: %w", err)
	}
	k.tracer.Begin(0)
	output, err := k.runner.Run(ctx, &claim.Job)
	trace := k.tracer.End(0)
	answer := output
	if claim.Job.Most == 0 {
		answer = nil
	}
	tickets := k.miner.End(0, answer)
	if err != nil {
		return nil, err
	}
	out := &made{}
	for _, t := range tickets {
		if len(out.tickets) == most {
			break
		}
		t.Sign(f.key)
		if err := k.bench.Check(claim, target, t); err != nil {
			out.rejected = append(out.rejected, err)
			continue
		}
		out.tickets = append(out.tickets, t.Encode())
	}
	r, err := work.NewReceipt(registered, &claim.Job, output, trace, f.key)
	if err != nil {
		return nil, err
	}
	if err := r.Check(); err != nil {
		return nil, fmt.Errorf("look at the receipt that was just written: %w", err)
	}
	out.receipt, err = r.Encode()
	return out, err
}

// formOf is a claim as work format 1 has it, and the target of its tickets.
func formOf(c *record.Claim, encoding []byte) (*work.Claim, work.Target, error) {
	job, err := work.DecodeJob(encoding)
	if err != nil {
		return nil, work.Target{}, err
	}
	if job.ID() != c.Job {
		return nil, work.Target{}, errors.New("the job is not that of the claim")
	}
	target, err := work.NewTarget(c.Target)
	if err != nil {
		return nil, work.Target{}, err
	}
	return &work.Claim{Job: *job, Executor: c.Executor, Beacon: c.Beacon, Prefix: c.Prefix}, target, nil
}
