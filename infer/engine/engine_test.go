package engine

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hearth/infer/kernel"
	"hearth/infer/model"
)

// The architectures, small: every path through the engine, shapes that fill no
// tile evenly.
var (
	bert   = model.Config{Kind: model.Encoder, Family: model.BERT, Layers: 2, Width: 192, Heads: 6, KVHeads: 6, HeadSize: 32, Inner: 320, Vocab: 120, Context: 80, Pooling: model.Mean}
	bertC  = model.Config{Kind: model.Encoder, Family: model.BERT, Layers: 2, Width: 128, Heads: 2, KVHeads: 2, HeadSize: 64, Inner: 256, Vocab: 120, Context: 80, Pooling: model.CLS}
	llama  = model.Config{Kind: model.Decoder, Family: model.Llama, Layers: 3, Width: 128, Heads: 8, KVHeads: 4, HeadSize: 16, Inner: 192, Vocab: 131, Context: 96}
	qwen2  = model.Config{Kind: model.Decoder, Family: model.Qwen2, Layers: 2, Width: 128, Heads: 6, KVHeads: 2, HeadSize: 32, Inner: 256, Vocab: 100, Context: 96, Tied: true}
	qwen3  = model.Config{Kind: model.Decoder, Family: model.Qwen3, Layers: 2, Width: 64, Heads: 4, KVHeads: 1, HeadSize: 48, Inner: 128, Vocab: 90, Context: 96, Tied: true, HeadEpsilon: 4295}
	qwen3L = model.Config{Kind: model.Decoder, Family: model.Qwen3, Layers: 2, Width: 64, Heads: 4, KVHeads: 4, HeadSize: 16, Inner: 128, Vocab: 90, Context: 96, HeadEpsilon: 4295}
)

var decoders = map[string]model.Config{"llama": llama, "qwen2": qwen2, "qwen3": qwen3, "qwen3 untied": qwen3L}

// random is a random model of an architecture.
func randomModel(t testing.TB, c model.Config) *model.Model {
	t.Helper()
	c.ResidualBits, c.ActivationLimit, c.Epsilon = 16, 95, 4295*1 // 1e-6 in units of 2^-32
	c.BOS, c.EOS, c.PAD = 1, []int32{2}, 0
	m, err := model.Random(7, c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// decoder is a decoder with all its room, on a team if there is one.
func decoder(t testing.TB, m *model.Model, level kernel.Level, team *kernel.Team, tokens int) *Decoder {
	t.Helper()
	p, err := NewPlain(m, level, team)
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDecoder(m, p, Settings{Level: level, Team: team, Rows: 64, CacheBytes: cacheBytes(m, tokens)})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// cacheBytes is what keys and values of so many tokens take.
func cacheBytes(m *model.Model, tokens int) int64 {
	c := m.Config
	return int64(kernel.BlockTokens(tokens) * c.Layers * c.KVHeads * c.HeadSize * 4)
}

// tokens are n tokens of a vocabulary that follow from a number.
func tokens(c model.Config, n, from int) []int32 {
	text := make([]int32, n)
	for i := range text {
		text[i] = int32((from*31 + i*i*7 + i*from + 3) % c.Vocab)
	}
	return text
}

// oneByOne is the definition of what a decoder computes: the logits behind every
// token of a text, read alone and token by token.
func oneByOne(t testing.TB, m *model.Model, text []int32) []int32 {
	t.Helper()
	d := decoder(t, m, kernel.Best(), nil, len(text))
	s, _, err := d.Begin(0, nil, len(text))
	if err != nil {
		t.Fatal(err)
	}
	logits := make([]int32, len(text)*m.Config.Vocab)
	for i := range text {
		if err := d.Step([]Chunk{{s, text[i : i+1], logits[i*m.Config.Vocab:][:m.Config.Vocab]}}); err != nil {
			t.Fatal(err)
		}
	}
	return logits
}

func TestAPromptReadAtOnceIsOneReadTokenByToken(t *testing.T) {
	for name, c := range decoders {
		t.Run(name, func(t *testing.T) {
			m := randomModel(t, c)
			text := tokens(c, 37, 1)
			want := oneByOne(t, m, text)
			if slices.Max(want) == slices.Min(want) {
				t.Fatal("all logits are the same")
			}
			d := decoder(t, m, kernel.Best(), nil, 64)
			for first := range text {
				s, _, err := d.Begin(0, nil, len(text))
				if err != nil {
					t.Fatal(err)
				}
				got := make([]int32, len(want))
				n := first * c.Vocab
				if first > 0 {
					if err := d.Step([]Chunk{{s, text[:first], got[:n]}}); err != nil {
						t.Fatal(err)
					}
				}
				if err := d.Step([]Chunk{{s, text[first:], got[n:]}}); err != nil {
					t.Fatal(err)
				}
				d.End(s)
				if !slices.Equal(got, want) {
					t.Fatalf("divided behind %d of %d tokens, the logits differ", first, len(text))
				}
			}
		})
	}
}

func TestWhatElseIsInAStepChangesNothing(t *testing.T) {
	team := kernel.NewTeam(2)
	defer team.Close()
	for name, c := range decoders {
		t.Run(name, func(t *testing.T) {
			m := randomModel(t, c)
			texts := make([][]int32, 5)
			wants := make([][]int32, len(texts))
			for i := range texts {
				texts[i] = tokens(c, 9+17*i, i)
				wants[i] = oneByOne(t, m, texts[i])
			}
			d := decoder(t, m, kernel.Best(), team, 5*96)
			rapid.Check(t, func(rt *rapid.T) {
				var open []*Sequence
				got := make([][]int32, len(texts))
				for i, text := range texts {
					s, _, err := d.Begin(uint64(i), nil, len(text))
					if err != nil {
						rt.Fatal(err)
					}
					open, got[i] = append(open, s), make([]int32, len(wants[i]))
				}
				for busy := true; busy; {
					busy = false
					var chunks []Chunk
					rows := 64
					for _, i := range rapid.Permutation([]int{0, 1, 2, 3, 4}).Draw(rt, "order") {
						done := open[i].Len()
						n := rapid.IntRange(0, min(rows, len(texts[i])-done)).Draw(rt, "tokens")
						if busy = busy || done < len(texts[i]); n > 0 {
							rows -= n
							chunks = append(chunks, Chunk{open[i], texts[i][done:][:n], got[i][done*c.Vocab:][:n*c.Vocab]})
						}
					}
					if err := d.Step(chunks); err != nil {
						rt.Fatal(err)
					}
				}
				for i, s := range open {
					d.End(s)
					if !slices.Equal(got[i], wants[i]) {
						rt.Fatalf("text %d beside others is not what it is alone", i)
					}
				}
			})
		})
	}
}

func TestAStepAllocatesNothing(t *testing.T) {
	team := kernel.NewTeam(2)
	defer team.Close()
	for name, c := range decoders {
		m := randomModel(t, c)
		for _, team := range []*kernel.Team{nil, team} {
			d := decoder(t, m, kernel.Best(), team, 2*96)
			var chunks []Chunk
			for i := range 2 {
				s, _, err := d.Begin(uint64(i), nil, 96)
				if err != nil {
					t.Fatal(err)
				}
				chunks = append(chunks, Chunk{s, []int32{int32(i)}, make([]int32, c.Vocab)})
			}
			if n := testing.AllocsPerRun(50, func() {
				if err := d.Step(chunks); err != nil {
					t.Fatal(err)
				}
			}); n > 0 {
				t.Errorf("%s, %d threads: a step of two tokens allocates %v times", name, team.Size(), n)
			}
		}
	}
}

func TestWritingAllocatesNothing(t *testing.T) {
	s := scheduler(t, randomModel(t, llama), 3*96, Limits{Running: 3})
	for _, sampling := range []Sampling{{}, {Temperature: one}, {Temperature: one, TopK: 9, TopP: one / 2, Presence: one}} {
		if _, err := s.Add(Request{Prompt: []int32{1}, Stop: []int32{}, Most: 90, Sampling: sampling, Log: true}); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(50, func() {
		if _, err := s.Step(); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("a step that writes three tokens allocates %v times", n)
	}
}

func TestTextsInABatchAreWhatTheyAreAlone(t *testing.T) {
	for _, c := range []model.Config{bert, bertC} {
		t.Run(c.Pooling, func(t *testing.T) {
			m := randomModel(t, c)
			p, err := NewPlain(m, kernel.Best(), nil)
			if err != nil {
				t.Fatal(err)
			}
			alone, err := NewEncoder(m, p, kernel.Best(), 1)
			if err != nil {
				t.Fatal(err)
			}
			var batch, want [][]int32
			for n := 1; n <= c.Context; n += 3 {
				text := tokens(c, n, n)
				v, err := alone.Embed(t.Context(), [][]int32{text})
				if err != nil {
					t.Fatal(err)
				}
				batch, want = append(batch, text), append(want, v[0])
			}
			for workers := 1; workers <= 3; workers++ {
				e, err := NewEncoder(m, p, kernel.Best(), workers)
				if err != nil {
					t.Fatal(err)
				}
				got, err := e.Embed(t.Context(), batch)
				if err != nil {
					t.Fatal(err)
				}
				for i := range batch {
					if !slices.Equal(got[i], want[i]) {
						t.Errorf("%d workers: text %d of %d tokens is not what it is alone", workers, i, len(batch[i]))
					}
				}
			}
			if fmt.Sprint(want[3]) == fmt.Sprint(want[4]) {
				t.Error("two texts have the same vector")
			}
		})
	}
}

// Permuting a model's channels changes what goes into products, not what it
// computes.
func TestAPermutedModelComputesTheSame(t *testing.T) {
	for name, c := range decoders {
		m, permuted := randomModel(t, c), randomModel(t, c)
		if err := permuted.Permute(); err != nil {
			t.Fatal(err)
		}
		text := tokens(c, 40, 3)
		if !slices.Equal(oneByOne(t, m, text), oneByOne(t, permuted, text)) {
			t.Errorf("%s: the logits differ", name)
		}
	}
	for _, c := range []model.Config{bert, bertC} {
		m, permuted := randomModel(t, c), randomModel(t, c)
		if err := permuted.Permute(); err != nil {
			t.Fatal(err)
		}
		var vectors [2][][]int32
		for i, m := range []*model.Model{m, permuted} {
			p, err := NewPlain(m, kernel.Best(), nil)
			if err != nil {
				t.Fatal(err)
			}
			e, err := NewEncoder(m, p, kernel.Best(), 1)
			if err != nil {
				t.Fatal(err)
			}
			if vectors[i], err = e.Embed(t.Context(), [][]int32{tokens(c, 30, 3)}); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(vectors[0][0], vectors[1][0]) {
			t.Errorf("bert %s: the vectors differ", c.Pooling)
		}
	}
}
