package judge

import (
	"context"
	"fmt"
	"slices"

	"github.com/zeebo/blake3"

	"hearth/infer/engine"
	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/work"
)

// promptTokens is how many tokens of a prompt a decoder takes in one step.
const promptTokens = 256

// outcome is what a job yields.
type outcome struct {
	vector []int32 // of a text
	answer []int32 // to a prompt
	next   int32   // the token that ended the answer, -1 where its length did
	output []int32 // whichever there is
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
	o := &outcome{next: -1}
	err := b.carry(ctx, watched, &c.Job, o)
	if err != nil {
		return nil, fmt.Errorf("run the job of a claim: %w", err)
	}
	o.trace = tracer.End(0)
	return o, nil
}

func (b *Bench) carry(ctx context.Context, p model.Product, job *work.Job, o *outcome) error {
	if b.weights.Config.Kind == model.Encoder {
		e, err := engine.NewEncoder(b.weights, p, b.level, 1)
		if err != nil {
			return err
		}
		vectors, err := e.Embed(ctx, [][]int32{job.Prompt})
		if err != nil {
			return err
		}
		o.vector, o.output = vectors[0], vectors[0]
		return nil
	}
	if err := b.answer(ctx, p, job, o); err != nil {
		return err
	}
	o.output = o.answer
	return nil
}

// answer writes the answer to a prompt: each token is the one that the job's
// settings and seed draw after those before it, up to one that ends it or to
// the number that was asked for.
func (b *Bench) answer(ctx context.Context, p model.Product, job *work.Job, o *outcome) error {
	c := b.weights.Config
	room := len(job.Prompt) + job.Most
	const perChannel = 2 * 2 // bytes: a key and a value of 16 bits
	cache := int64(kernel.BlockTokens(room)) * int64(c.Layers*c.KVHeads*c.HeadSize) * perChannel
	d, err := engine.NewDecoder(b.weights, p, engine.Settings{Level: b.level, Team: b.team, Rows: min(promptTokens, len(job.Prompt)), CacheBytes: cache})
	if err != nil {
		return err
	}
	s, _, err := d.Begin(0, nil, room)
	if err != nil {
		return err
	}
	defer d.End(s)
	stops := job.Stop
	if len(stops) == 0 {
		stops = c.EOS
	}
	var chooser engine.Chooser
	logits := make([]int32, c.Vocab)
	for part := range slices.Chunk(job.Prompt, promptTokens) {
		chunk := engine.Chunk{Sequence: s, Tokens: part}
		if s.Len()+len(part) == len(job.Prompt) {
			chunk.Logits = logits
		}
		if err := step(ctx, d, chunk); err != nil {
			return err
		}
	}
	o.answer = []int32{}
	for {
		token := chooser.Choose(logits, engine.Sampling(job.Sampling), o.answer, &job.Seed, s.Len())
		if slices.Contains(stops, token) {
			o.next = token
			return nil
		}
		o.answer = append(o.answer, token)
		if len(o.answer) == job.Most { // the last one is written and not read
			return nil
		}
		if err := step(ctx, d, engine.Chunk{Sequence: s, Tokens: o.answer[len(o.answer)-1:], Logits: logits}); err != nil {
			return err
		}
	}
}

func step(ctx context.Context, d *engine.Decoder, c engine.Chunk) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return d.Step([]engine.Chunk{c})
}

// pass is what a run that was given the answer would have come to.
func (o *outcome) pass(answer []int32) (work.Pass, error) {
	if n := agreed(o.answer, answer); n < len(answer) {
		return work.Pass{}, fmt.Errorf("token %d of the answer is %d: %w", n+1, answer[n], work.ErrDiverges)
	}
	p := work.Pass{Vector: o.vector, Next: o.next}
	if len(answer) < len(o.answer) {
		p.Next = o.answer[len(answer)]
	}
	return p, nil
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
