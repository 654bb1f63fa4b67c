// Package tokentest makes tokenizers for tests.
package tokentest

import "encoding/json"

// Hearth are the control tokens of the template hearth, in their order.
func Hearth() []string { return []string{"<|bos|>", "<|eos|>", "<|user|>", "<|assistant|>"} }

// Bytes is the tokenizer.json of a byte-level tokenizer with the 256 bytes as its
// only words, and the given control tokens from number 256 on.
func Bytes(controls ...string) []byte {
	vocab := map[string]int{}
	// The alphabet of byte-level tokenizers: printable bytes stand for
	// themselves, the others for runes from 256 on.
	next := 256
	for b := range 256 {
		r := rune(b)
		if !(b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae) {
			r, next = rune(next), next+1
		}
		vocab[string(r)] = b
	}
	var added []any
	for i, c := range controls {
		added = append(added, map[string]any{
			"id": 256 + i, "content": c, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true,
		})
	}
	level := map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}
	b, err := json.Marshal(map[string]any{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": added, "normalizer": nil,
		"pre_tokenizer": level, "post_processor": nil, "decoder": level,
		"model": map[string]any{
			"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
			"fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": vocab, "merges": []string{},
		},
	})
	if err != nil {
		panic(err) // there is nothing in it that cannot be JSON
	}
	return b
}
