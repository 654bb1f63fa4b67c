package model_test

import (
	"strings"
	"testing"

	"hearth/infer/model"
)

func TestPermuteOnlyMovesChannels(t *testing.T) {
	for _, family := range families {
		t.Run(family, func(t *testing.T) {
			a, b := random(t, 1, family), random(t, 1, family)
			if err := b.Permute(); err != nil {
				t.Fatal(err)
			}
			// Column j of the embedding is column Natural[j] of the original.
			moved := 0
			for j, n := range b.Natural {
				if int(n) != j {
					moved++
				}
				for r := range 300 {
					if b.Embedding.Row[r*64+j] != a.Embedding.Row[r*64+int(n)] {
						t.Fatalf("row %d, channel %d is not natural channel %d", r, j, n)
					}
				}
			}
			if moved < 32 {
				t.Errorf("only %d of 64 channels moved", moved)
			}
			for i := range a.Layers {
				x, y := a.Layers[i], b.Layers[i]
				for _, p := range [][2]*model.Linear{{x.QKV, y.QKV}, {x.Out, y.Out}, {x.Up, y.Up}, {x.Down, y.Down}} {
					if histogram(p[0].Weight) != histogram(p[1].Weight) {
						t.Errorf("%s has other weights than before", p[0].Name)
					}
				}
			}
		})
	}
}

func histogram(w []int8) (h [256]int) {
	for _, v := range w {
		h[uint8(v)]++
	}
	return h
}

func TestPermuteOnce(t *testing.T) {
	m := random(t, 1, model.Llama)
	if _, err := model.NewManifest(m, nil); err == nil || !strings.Contains(err.Error(), "permute it first") {
		t.Errorf("a manifest before permutation: %v", err)
	}
	if err := m.Permute(); err != nil {
		t.Fatal(err)
	}
	if err := m.Permute(); err == nil || !strings.Contains(err.Error(), "permuted already") {
		t.Errorf("a second permutation: %v", err)
	}
}

func TestVerifyFindsChosenOrders(t *testing.T) {
	for _, family := range families {
		m := random(t, 1, family)
		if err := m.Permute(); err != nil {
			t.Fatal(err)
		}
		if err := model.Verify(m); err != nil {
			t.Fatalf("%s: %v", family, err)
		}
		// Two channels of the feed-forward part change places: the model computes
		// the same, but the order is chosen.
		down := m.Layers[0].Down
		for i := 0; i < len(down.Weight); i += down.K {
			down.Weight[i], down.Weight[i+1] = down.Weight[i+1], down.Weight[i]
		}
		if err := model.Verify(m); err == nil || !strings.Contains(err.Error(), "not permuted by the hash of its weights") {
			t.Errorf("%s: %v", family, err)
		}
	}
}
