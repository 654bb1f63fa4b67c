package rerun_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"hearth/infer/engine"
	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/work"
	"hearth/work/rerun"
)

var (
	decoder = model.Config{
		Kind: model.Decoder, Family: model.Qwen3, Layers: 2, Width: 128, Heads: 4, KVHeads: 2, HeadSize: 32, Inner: 192, Tied: true,
		Vocab: 90, Context: 400, ResidualBits: 16, ActivationLimit: 95, Epsilon: 4295, HeadEpsilon: 4295, BOS: 1, EOS: []int32{2}, PAD: 0,
	}
	encoder = model.Config{
		Kind: model.Encoder, Family: model.BERT, Layers: 2, Width: 128, Heads: 4, KVHeads: 4, HeadSize: 32, Inner: 192, Pooling: model.CLS,
		Vocab: 90, Context: 64, ResidualBits: 16, ActivationLimit: 95, Epsilon: 4295, BOS: 1, EOS: []int32{2}, PAD: 0,
	}
)

func load(t *testing.T, c model.Config) (*model.Model, *engine.Plain) {
	t.Helper()
	m, err := model.Random(3, c)
	if err != nil {
		t.Fatal(err)
	}
	p, err := engine.NewPlain(m, kernel.Best(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m, p
}

func text(n int) []int32 {
	tokens := make([]int32, n)
	for i := range tokens {
		tokens[i] = int32(3 + i*i%80)
	}
	return tokens
}

func unseen([]int32, []uint8, []model.Row, model.Operation) error { return nil }

// write answers a job with the engine's own scheduler.
func write(t *testing.T, m *model.Model, p model.Product, job *work.Job) []int32 {
	t.Helper()
	d, err := engine.NewDecoder(m, p, engine.Settings{Level: kernel.Best(), Rows: 64, CacheBytes: 1 << 22})
	if err != nil {
		t.Fatal(err)
	}
	s, err := engine.NewScheduler(d, engine.Limits{Running: 1, Waiting: 1})
	if err != nil {
		t.Fatal(err)
	}
	task, err := s.Add(engine.Request{Prompt: job.Prompt, Most: job.Most, Sampling: engine.Sampling(job.Sampling), Seed: job.Seed})
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

func TestAnAnswerIsDrawnAgain(t *testing.T) {
	m, p := load(t, decoder)
	again := rerun.With(m, p, kernel.Best(), nil)
	for _, length := range []int{1, 17, 256, 300} { // shorter and longer than a step
		job := &work.Job{Prompt: text(length), Most: 40, Sampling: work.Sampling{Temperature: 1 << 16, TopK: 20}, Seed: [32]byte{7}}
		answer := write(t, m, p, job)
		if len(answer) < 2 {
			t.Fatalf("an answer of %d tokens shows nothing", len(answer))
		}
		met := map[model.Row]bool{}
		pass, err := again(t.Context(), job, answer, func(_ []int32, _ []uint8, rows []model.Row, at model.Operation) error {
			if at == (model.Operation{Layer: 1, Kind: model.Down}) {
				for _, r := range rows {
					met[r] = true
				}
			}
			return nil
		})
		if err != nil {
			t.Fatalf("a prompt of %d tokens: %v", length, err)
		}
		if len(met) != length+len(answer) {
			t.Errorf("a prompt of %d tokens: %d rows were shown, want %d", length, len(met), length+len(answer))
		}
		if len(answer) < job.Most && !slices.Contains(decoder.EOS, pass.Next) {
			t.Errorf("a prompt of %d tokens: the answer ended, and token %d follows", length, pass.Next)
		}
		// Of a part of the answer, what follows is the rest.
		pass, err = again(t.Context(), job, answer[:1], unseen)
		if err != nil || pass.Next != answer[1] {
			t.Errorf("a prompt of %d tokens: after the first token %d follows, want %d: %v", length, pass.Next, answer[1], err)
		}
		forged := slices.Clone(answer)
		forged[len(forged)-1] = (forged[len(forged)-1] + 1) % 90
		if _, err := again(t.Context(), job, forged, unseen); !errors.Is(err, work.ErrDiverges) {
			t.Errorf("a prompt of %d tokens: with another last token the run ends with %v", length, err)
		}
	}
}

func TestATextIsEmbeddedAgain(t *testing.T) {
	m, p := load(t, encoder)
	e, err := engine.NewEncoder(m, p, kernel.Best(), 1)
	if err != nil {
		t.Fatal(err)
	}
	want, err := e.Embed(t.Context(), [][]int32{text(30)})
	if err != nil {
		t.Fatal(err)
	}
	pass, err := rerun.With(m, p, kernel.Best(), nil)(t.Context(), &work.Job{Prompt: text(30)}, nil, unseen)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(pass.Vector, want[0]) {
		t.Error("the vector is another")
	}
}

func TestARunEndsWhenItIsTold(t *testing.T) {
	for _, c := range []model.Config{decoder, encoder} {
		m, p := load(t, c)
		again := rerun.With(m, p, kernel.Best(), nil)
		job := &work.Job{Prompt: text(20)}
		enough := errors.New("enough was seen")
		if _, err := again(t.Context(), job, nil, func([]int32, []uint8, []model.Row, model.Operation) error { return enough }); !errors.Is(err, enough) {
			t.Errorf("%s: the run ends with %v", c.Kind, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := again(ctx, job, nil, unseen); c.Kind == model.Decoder && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: a run that was called off ends with %v", c.Kind, err)
		}
		if _, err := again(t.Context(), &work.Job{Prompt: []int32{5000}}, nil, unseen); err == nil {
			t.Errorf("%s: a token that no vocabulary has is taken", c.Kind)
		}
	}
}

func TestARunIsWhatTheSchedulerWrites(t *testing.T) {
	m, p := load(t, decoder)
	for _, length := range []int{1, 17, 300} {
		job := &work.Job{Prompt: text(length), Most: 40, Sampling: work.Sampling{Temperature: 1 << 16, TopK: 20}, Seed: [32]byte{7}}
		steps := 0
		r := rerun.Runner{Model: m, Product: p, Level: kernel.Best(), Pace: func(context.Context) error { steps++; return nil }}
		got, err := r.Run(t.Context(), job)
		if want := write(t, m, p, job); err != nil || !slices.Equal(got, want) {
			t.Errorf("a prompt of %d tokens: %v, %v, want %v", length, got, err, want)
		}
		if want := max(1, (length+255)/256); steps < want {
			t.Errorf("a prompt of %d tokens: paced %d times, want %d at least", length, steps, want)
		}
	}
}

func TestARunOfATextIsItsVector(t *testing.T) {
	m, p := load(t, encoder)
	job := &work.Job{Prompt: text(20)}
	got, err := rerun.Runner{Model: m, Product: p, Level: kernel.Best()}.Run(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	pass, err := rerun.With(m, p, kernel.Best(), nil)(t.Context(), job, nil, unseen)
	if err != nil || !slices.Equal(got, pass.Vector) {
		t.Errorf("the vector is %v, run again it is %v, %v", got, pass.Vector, err)
	}
}

func TestARunEndsWhenItsPaceDoes(t *testing.T) {
	for _, c := range []model.Config{decoder, encoder} {
		m, p := load(t, c)
		enough := errors.New("no more heat is wanted")
		r := rerun.Runner{Model: m, Product: p, Level: kernel.Best(), Pace: func(context.Context) error { return enough }}
		if _, err := r.Run(t.Context(), &work.Job{Prompt: text(9), Most: 3}); !errors.Is(err, enough) {
			t.Errorf("%s: %v", c.Kind, err)
		}
	}
}
