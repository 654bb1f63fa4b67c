// Package rerun runs jobs with the inference engine: again, as package work asks
// for it, which is the part of verification that needs the model; and for the
// first time, each by itself, so that what comes of one does not depend on what
// else runs.
package rerun

import (
	"context"
	"fmt"

	"hearth/infer/engine"
	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/work"
)

// stepTokens is how many tokens of a job a decoder takes in one step.
const stepTokens = 256

// With returns what runs jobs of a model again. The product is the model's own,
// such as [engine.Plain]; the team, which may be nil, is that of the decoder.
// What it returns may be used by several goroutines if the product may.
func With(m *model.Model, p model.Product, level kernel.Level, team *kernel.Team) work.Rerun {
	return func(ctx context.Context, job *work.Job, answer []int32, see work.See) (work.Pass, error) {
		watched := engine.Watched{Product: p, See: see}
		if m.Config.Kind == model.Encoder {
			e, err := engine.NewEncoder(m, watched, level, 1)
			if err != nil {
				return work.Pass{}, err
			}
			v, err := e.Embed(ctx, [][]int32{job.Prompt})
			if err != nil {
				return work.Pass{}, err
			}
			return work.Pass{Vector: v[0]}, nil
		}
		return decode(ctx, m, watched, level, team, job, answer)
	}
}

func decode(ctx context.Context, m *model.Model, p model.Product, level kernel.Level, team *kernel.Team, job *work.Job, answer []int32) (work.Pass, error) {
	c := m.Config
	text := append(append([]int32{}, job.Prompt...), answer...)
	d, err := newDecoder(m, p, level, team, len(text))
	if err != nil {
		return work.Pass{}, err
	}
	s, _, err := d.Begin(0, nil, len(text))
	if err != nil {
		return work.Pass{}, err
	}
	defer d.End(s)
	checker := checker{job: job, answer: answer, vocab: c.Vocab, logits: make([]int32, stepLogits*c.Vocab)}
	last := len(job.Prompt) - 1 // the first token whose logits matter
	for s.Len() < len(text) {
		if err := ctx.Err(); err != nil {
			return work.Pass{}, err
		}
		from := s.Len()
		to := min(from+stepTokens, last)
		if from >= last {
			to = min(from+min(stepTokens, stepLogits), len(text))
		}
		chunk := engine.Chunk{Sequence: s, Tokens: text[from:to]}
		if from >= last {
			chunk.Logits = checker.logits[:(to-from)*c.Vocab]
		}
		if err := d.Step([]engine.Chunk{chunk}); err != nil {
			return work.Pass{}, err
		}
		if from >= last {
			if err := checker.check(from, to); err != nil {
				return work.Pass{}, err
			}
		}
	}
	return work.Pass{Next: checker.next}, nil
}

// newDecoder makes a decoder for one sequence of so many tokens.
func newDecoder(m *model.Model, p model.Product, level kernel.Level, team *kernel.Team, tokens int) (*engine.Decoder, error) {
	c := m.Config
	const perChannel = 2 * 2 // bytes: a key and a value of 16 bits
	cache := int64(kernel.BlockTokens(tokens)) * int64(c.Layers*c.KVHeads*c.HeadSize) * perChannel
	return engine.NewDecoder(m, p, engine.Settings{Level: level, Team: team, Rows: min(stepTokens, tokens), CacheBytes: cache})
}

// stepLogits is for how many tokens logits are kept at a time.
const stepLogits = 16

// checker compares an answer with what the settings of a job draw.
type checker struct {
	job     *work.Job
	answer  []int32
	vocab   int
	logits  []int32
	chooser engine.Chooser
	next    int32 // what follows the answer
}

// check chooses what follows the tokens from ≤ at < to of prompt and answer.
func (c *checker) check(from, to int) error {
	for at := from; at < to; at++ {
		n := at + 1 - len(c.job.Prompt)
		chosen := c.chooser.Choose(c.logits[(at-from)*c.vocab:][:c.vocab], engine.Sampling(c.job.Sampling), c.answer[:n], &c.job.Seed, at+1)
		if n == len(c.answer) {
			c.next = chosen
			return nil
		}
		if chosen != c.answer[n] {
			return fmt.Errorf("token %d of the answer is %d, the job yields %d: %w", n+1, c.answer[n], chosen, work.ErrDiverges)
		}
	}
	return nil
}
