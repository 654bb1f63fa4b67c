package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"hearth/infer/model"
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
	tokenizer, err := byteTokenizer()
	if err != nil {
		return err
	}
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

// byteTokenizer has the 256 bytes as its words, and the control tokens of the
// template hearth.
func byteTokenizer() ([]byte, error) {
	vocab := map[string]int{}
	next := 256
	for b := range 256 {
		r := rune(b)
		if !(b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae) {
			r, next = rune(next), next+1
		}
		vocab[string(r)] = b
	}
	var added []any
	for i, c := range []string{"<|bos|>", "<|eos|>", "<|user|>", "<|assistant|>"} {
		added = append(added, map[string]any{
			"id": 256 + i, "content": c, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true,
		})
	}
	level := map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}
	return json.Marshal(map[string]any{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": added, "normalizer": nil,
		"pre_tokenizer": level, "post_processor": nil, "decoder": level,
		"model": map[string]any{
			"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
			"fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": vocab, "merges": []string{},
		},
	})
}
