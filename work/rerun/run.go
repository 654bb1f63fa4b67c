package rerun

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hearth/infer/engine"
	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/work"
)

// Runner runs jobs of one model for the first time, one after the other, each
// from its beginning to its end and as sequence 0 of its product. It serves one
// goroutine.
type Runner struct {
	Model *model.Model
	// Product multiplies: [engine.Plain], or what watches it or mines on the way.
	Product model.Product
	Level   kernel.Level
	Team    *kernel.Team // of a decoder; may be nil
	// Pace, if set, is called before each step and may wait: it is how work waits
	// for heat.
	Pace func(context.Context) error
}

// Run returns what a job yields: the vector of a text, or the tokens of an
// answer without the one that ended it.
func (r Runner) Run(ctx context.Context, job *work.Job) ([]int32, error) {
	out, err := r.run(ctx, job)
	if err != nil {
		return nil, fmt.Errorf("run job %v: %w", job.ID(), err)
	}
	return out, nil
}

func (r Runner) run(ctx context.Context, job *work.Job) ([]int32, error) {
	if r.Model.Config.Kind == model.Encoder {
		e, err := engine.NewEncoder(r.Model, r.Product, r.Level, 1)
		if err != nil {
			return nil, err
		}
		e.Pace = r.Pace
		vectors, err := e.Embed(ctx, [][]int32{job.Prompt})
		if err != nil {
			return nil, err
		}
		return vectors[0], nil
	}
	if len(job.Prompt) == 0 {
		return nil, errors.New("it has no prompt")
	}
	room := len(job.Prompt) + job.Most
	d, err := newDecoder(r.Model, r.Product, r.Level, r.Team, room)
	if err != nil {
		return nil, err
	}
	s, _, err := d.Begin(0, nil, room)
	if err != nil {
		return nil, err
	}
	defer d.End(s)
	return r.answer(ctx, d, s, job)
}

// answer writes the answer to a prompt: each token is the one that the job's
// settings and seed draw after those before it, up to one that ends it or to
// the number that was asked for.
func (r Runner) answer(ctx context.Context, d *engine.Decoder, s *engine.Sequence, job *work.Job) ([]int32, error) {
	stops := job.Stop
	if len(stops) == 0 {
		stops = r.Model.Config.EOS
	}
	logits := make([]int32, r.Model.Config.Vocab)
	for part := range slices.Chunk(job.Prompt, stepTokens) {
		chunk := engine.Chunk{Sequence: s, Tokens: part}
		if s.Len()+len(part) == len(job.Prompt) {
			chunk.Logits = logits
		}
		if err := r.step(ctx, d, chunk); err != nil {
			return nil, err
		}
	}
	var chooser engine.Chooser
	answer := []int32{}
	for {
		token := chooser.Choose(logits, engine.Sampling(job.Sampling), answer, &job.Seed, s.Len())
		if slices.Contains(stops, token) {
			return answer, nil
		}
		answer = append(answer, token)
		if len(answer) == job.Most { // the last one is written and not read
			return answer, nil
		}
		if err := r.step(ctx, d, engine.Chunk{Sequence: s, Tokens: answer[len(answer)-1:], Logits: logits}); err != nil {
			return nil, err
		}
	}
}

func (r Runner) step(ctx context.Context, d *engine.Decoder, c engine.Chunk) error {
	if r.Pace != nil {
		if err := r.Pace(ctx); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	return d.Step([]engine.Chunk{c})
}
