package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hearth/infer/kernel"
	"hearth/infer/mini"
	"hearth/infer/model"
	"hearth/work"
)

// weightsCommand runs a command of weights and returns what it prints.
func weightsCommand(t *testing.T, home string, args ...string) (string, error) {
	t.Helper()
	cmd := newWeights()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(append(args, "--home", home))
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// From a model file to what registers it, and to what challenges it.
func TestWeightsBecomeAManifestAndAnOpening(t *testing.T) {
	home := t.TempDir()
	m, err := model.Random(1, model.Config{
		Kind: model.Encoder, Family: model.BERT, Layers: 2, Width: 256, Heads: 4, KVHeads: 4, HeadSize: 64, Inner: 512,
		Vocab: 120, Context: 96, ResidualBits: 16, ActivationLimit: 95, Epsilon: 4295, EOS: []int32{2}, Pooling: model.Mean,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Permute(); err != nil {
		t.Fatal(err)
	}
	f, err := model.NewManifest(m, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := model.Write(&file, m, f, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(home, "own.hearth")
	if err := os.WriteFile(name, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := weightsCommand(t, home, "add", name); err != nil {
		t.Fatal(err)
	}
	id, err := f.ID()
	if err != nil {
		t.Fatal(err)
	}
	list, err := weightsCommand(t, home, "list")
	if err != nil || !strings.Contains(list, id.String()+" encoder") || !strings.Contains(list, mini.Name) {
		t.Errorf("the list is %q: %v", list, err)
	}
	text, err := weightsCommand(t, home, "manifest", id.String())
	if err != nil {
		t.Fatal(err)
	}
	if read, err := model.ParseManifest([]byte(text)); err != nil {
		t.Errorf("what is printed is no manifest: %v", err)
	} else if again, err := read.ID(); err != nil || again != id {
		t.Errorf("the manifest is that of %v: %v", again, err)
	}
	out := filepath.Join(home, "tile")
	if _, err := weightsCommand(t, home, "open", id.String(), "layers.1.up", "2", "--out", out); err != nil {
		t.Fatal(err)
	}
	opening, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	registered, err := work.NewModel(f)
	if err != nil {
		t.Fatal(err)
	}
	x, err := registered.Mined(model.Operation{Layer: 1, Kind: model.Up})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := work.CheckOpening(kernel.Best(), x, 2, opening); err != nil {
		t.Errorf("the opening: %v", err)
	}
	for _, args := range [][]string{
		{"add", filepath.Join(home, "nothing")},
		{"manifest", "zz"},
		{"manifest", strings.Repeat("0", 64)},
		{"open", id.String(), "layers.9.up", "0", "--out", out},
		{"open", id.String(), "layers.1.up", "99", "--out", out},
		{"open", id.String(), "layers.1.up", "x", "--out", out},
		{"open", id.String(), "layers.1.up", "0"},
	} {
		if text, err := weightsCommand(t, home, args...); err == nil {
			t.Errorf("%q prints %q", args, text)
		}
	}
}
