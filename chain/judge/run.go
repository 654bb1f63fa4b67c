package judge

import (
	"context"
	"fmt"

	"github.com/zeebo/blake3"

	"hearth/infer/engine"
	"hearth/infer/model"
	"hearth/work"
	"hearth/work/rerun"
)

// outcome is what a job yields.
type outcome struct {
	output []int32 // a vector or an answer
	answer []int32 // to a prompt
	stop   int32   // one of the tokens that end the answer
	trace  *work.Trace
}

// run runs the job of a claim from its beginning to its end and shows every
// product to the witness and to see, which may be nil.
func (b *Bench) run(ctx context.Context, c *work.Claim, w *witness, see work.See) (*outcome, error) {
	tracer := work.NewTracer(b.weights.Config, b.level)
	tracer.Begin(0)
	watched := engine.Watched{Product: b.product, See: func(sums []int32, a []uint8, rows []model.Row, at model.Operation) error {
		if err := ctx.Err(); err != nil { // an encoder carries a text in one go
			return err
		}
		w.see(a, rows, at)
		if err := tracer.See(sums, a, rows, at); err != nil || see == nil {
			return err
		}
		return see(sums, a, rows, at)
	}}
	r := rerun.Runner{Model: b.weights, Product: watched, Level: b.level, Team: b.team}
	output, err := r.Run(ctx, &c.Job)
	if err != nil {
		return nil, fmt.Errorf("try a claim: %w", err)
	}
	o := &outcome{output: output, trace: tracer.End(0)}
	if c.Job.Most == 0 {
		return o, nil
	}
	o.answer = output
	if stops := c.Job.Stop; len(stops) > 0 {
		o.stop = stops[0]
	} else if stops := b.weights.Config.EOS; len(stops) > 0 {
		o.stop = stops[0]
	}
	return o, nil
}

// pass is what a run that was given the answer would have come to.
func (o *outcome) pass(answer []int32) (work.Pass, error) {
	if n := agreed(o.answer, answer); n < len(answer) {
		return work.Pass{}, fmt.Errorf("token %d of the answer is %d: %w", n+1, answer[n], work.ErrDiverges)
	}
	if len(answer) < len(o.answer) {
		return work.Pass{Next: o.answer[len(answer)]}, nil
	}
	// An answer that is as long as was asked for needs no token that ends it;
	// which of them ended a shorter one makes no difference.
	return work.Pass{Vector: o.output, Next: o.stop}, nil
}

// agreed is how many tokens at the front of two answers are the same.
func agreed(a, b []int32) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// digest is the root of the run's trace with a key of the claim in place of an
// executor's.
func (o *outcome) digest(c *work.Claim) (model.Hash, error) {
	id := c.ID()
	var key work.Key
	blake3.DeriveKey(contextTrial, id[:], key[:])
	return o.trace.Root(&c.Job, o.answer, key)
}
