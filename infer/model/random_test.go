package model_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"

	"hearth/infer/model"
)

// tiny returns a small configuration of each family.
func tiny(family string) model.Config {
	c := model.Config{
		Kind: model.Decoder, Family: family,
		Layers: 2, Width: 64, Heads: 4, KVHeads: 2, HeadSize: 16, Inner: 128, Vocab: 300, Context: 64,
		ResidualBits: 16, ActivationLimit: 95, Epsilon: 1 << 12,
		BOS: 1, EOS: []int32{2}, PAD: -1,
	}
	switch family {
	case model.BERT:
		c.Kind, c.KVHeads, c.Pooling, c.BOS, c.EOS, c.PAD = model.Encoder, 4, model.Mean, -1, nil, 0
	case model.Llama:
		c.Tied = true
	case model.Qwen3:
		c.HeadEpsilon = 4295
	}
	return c
}

var families = []string{model.BERT, model.Llama, model.Qwen2, model.Qwen3}

func random(t testing.TB, seed uint64, family string) *model.Model {
	t.Helper()
	m, err := model.Random(seed, tiny(family))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestRandomFollowsFromTheSeed(t *testing.T) {
	sum := func(m *model.Model) string {
		h := sha256.New()
		for _, l := range m.Layers {
			for _, p := range []*model.Linear{l.QKV, l.Out, l.Up, l.Down} {
				binary.Write(h, binary.LittleEndian, p.Weight)
				binary.Write(h, binary.LittleEndian, p.Channel)
				binary.Write(h, binary.LittleEndian, p.In)
			}
		}
		binary.Write(h, binary.LittleEndian, m.Cos)
		return hex.EncodeToString(h.Sum(nil)[:8])
	}
	want := map[string]string{
		model.BERT: "b42722cd9f63d0db", model.Llama: "751e872edf9aa867",
		model.Qwen2: "a071d4f2003a550a", model.Qwen3: "7e2bc8ae8b4f5461",
	}
	for _, f := range families {
		if got := sum(random(t, 1, f)); got != want[f] {
			t.Errorf("%s: got %s, want %s", f, got, want[f])
		}
		if sum(random(t, 1, f)) == sum(random(t, 2, f)) {
			t.Errorf("%s: seeds 1 and 2 give the same model", f)
		}
	}
}

func TestRandomRotationTurnsByItsAngle(t *testing.T) {
	m := random(t, 1, model.Llama)
	for p := range 64 {
		for i := range 8 {
			angle := float64(p) / float64((i+1)*(i+1))
			cos, sin := float64(m.Cos[p*8+i])/16384, float64(m.Sin[p*8+i])/16384
			if math.Abs(cos-math.Cos(angle)) > 1e-4 || math.Abs(sin-math.Sin(angle)) > 1e-4 {
				t.Fatalf("position %d, pair %d: (%v, %v), want the point at %v rad", p, i, cos, sin, angle)
			}
		}
	}
}
