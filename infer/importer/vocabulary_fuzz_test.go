package importer

import (
	"strings"
	"testing"

	"hearth/infer/token"
)

// Whatever a GGUF file says of its vocabulary, it is refused, here or where the
// tokenizer that was made of it is read, or gives only tokens that it has.
func FuzzGGUFVocabulary(f *testing.F) {
	const words = "[UNK] [CLS] [SEP] \u2581a b \u2581warm stove"
	letters := strings.Join(strings.Split("abcdefghijklmnopqrstuvwxyz\u0120", ""), " ")
	f.Add("bert", "", words, "", []byte{3, 3, 3, 1}, true, int32(1))
	f.Add("gpt2", "llama-bpe", letters+" ab <s>", "a b", []byte{1, 1, 4}, true, int32(28))
	f.Add("gpt2", "gpt-2", letters+" ab abc", "a b,ab c", []byte{}, false, int32(-1))
	f.Add("gpt2", "qwen2", letters, "a b", []byte{3}, true, int32(5))
	f.Add("gpt2", "smollm", letters+" ab", "a b,", []byte{6}, true, int32(90))
	f.Add("llama", "", words, "", []byte{}, false, int32(0))
	f.Fuzz(func(t *testing.T, kind, pre, tokens, merges string, kinds []byte, begin bool, id int32) {
		list := strings.Split(tokens, " ")
		types := make([]int32, len(kinds))
		for i, k := range kinds {
			types[i] = int32(k)
		}
		b, err := ggufTokenizer(&metadata{values: map[string]any{
			"tokenizer.ggml.model": kind, "tokenizer.ggml.pre": pre, "tokenizer.ggml.tokens": list, "tokenizer.ggml.merges": strings.Split(merges, ","),
			"tokenizer.ggml.token_type": types, "tokenizer.ggml.add_bos_token": begin, "tokenizer.ggml.add_eos_token": !begin,
			"tokenizer.ggml.bos_token_id": id, "tokenizer.ggml.eos_token_id": id,
		}})
		if err != nil {
			return
		}
		made, err := token.Parse(b)
		if err != nil {
			return
		}
		ids, err := made.Encode(tokens+" A warm st\u00f6ve, 12345!", token.Options{AddSpecial: true, AllowSpecial: true})
		if err != nil {
			return
		}
		for _, id := range ids {
			if id < 0 || int(id) >= len(list) {
				t.Fatalf("token %d of %d", id, len(list))
			}
		}
		made.Decode(ids, false)
	})
}
