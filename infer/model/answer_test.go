package model_test

import (
	"slices"
	"testing"

	"hearth/infer/engine"
	"hearth/infer/kernel"
	"hearth/infer/model"
)

// Every answer of a model is the same to the bit before and after its channels
// are permuted.
func TestPermuteChangesNoAnswer(t *testing.T) {
	tokens := []int32{1, 17, 203, 42, 42, 299, 5, 7, 11, 13, 0, 250, 99, 98, 97, 96, 95, 94, 1, 17}
	for _, family := range families {
		m := random(t, 3, family)
		before := answer(t, m, tokens)
		if err := m.Permute(); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(before, answer(t, m, tokens)) {
			t.Errorf("%s: the permuted model answers otherwise", family)
		}
	}
}

// answer returns the vector of a text, or the logits behind its tokens.
func answer(t *testing.T, m *model.Model, tokens []int32) []int32 {
	t.Helper()
	p, err := engine.NewPlain(m, kernel.Best(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if m.Config.Kind == model.Encoder {
		e, err := engine.NewEncoder(m, p, kernel.Best(), 1)
		if err != nil {
			t.Fatal(err)
		}
		v, err := e.Embed(t.Context(), [][]int32{tokens})
		if err != nil {
			t.Fatal(err)
		}
		return v[0]
	}
	d, err := engine.NewDecoder(m, p, engine.Settings{Level: kernel.Best(), Rows: len(tokens), CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := d.Begin(0, tokens, len(tokens))
	if err != nil {
		t.Fatal(err)
	}
	logits := make([]int32, len(tokens)*m.Config.Vocab)
	if err := d.Step([]engine.Chunk{{Sequence: s, Tokens: tokens, Logits: logits}}); err != nil {
		t.Fatal(err)
	}
	return logits
}
