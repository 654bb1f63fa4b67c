package main

import (
	"fmt"
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"hearth/infer/model"
	"hearth/infer/token/tokentest"
)

// makeModel writes a model file with random weights: "makemodel encoder FILE".
func makeModel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: makemodel encoder|decoder FILE")
	}
	ts.Check(writeModel(args[0], ts.MkAbs(args[1])))
}

// writeModel writes a model of a kind, with random weights.
func writeModel(kind, path string) error {
	c := model.Config{
		Kind: model.Decoder, Family: model.Llama, Layers: 2, Width: 64, Heads: 4, KVHeads: 2, HeadSize: 16, Inner: 128,
		Vocab: 260, Context: 256, ResidualBits: 16, ActivationLimit: 95, Epsilon: 1, BOS: 256, EOS: []int32{257}, PAD: -1,
	}
	if kind == model.Encoder {
		c.Kind, c.Family, c.KVHeads, c.Pooling, c.BOS, c.EOS = model.Encoder, model.BERT, 4, model.Mean, -1, nil
	}
	m, err := model.Random(7, c)
	if err != nil {
		return err
	}
	if err := m.Permute(); err != nil {
		return err
	}
	tokenizer := tokentest.Bytes(tokentest.Hearth()...)
	manifest, err := model.NewManifest(m, tokenizer)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("make a model: %w", err)
	}
	if err := model.Write(f, m, manifest, tokenizer); err != nil {
		return err
	}
	return f.Close()
}
