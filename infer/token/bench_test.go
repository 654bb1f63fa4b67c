package token_test

import (
	"strings"
	"testing"

	"hearth/infer/token"
)

const prose = "Heating with useful computation is not a new idea: it's what every computer in a cold room has always done. " +
	"The question is who pays, what for, and how anybody can tell that the work was done at all. "

// BenchmarkEncode gives bytes a second of each kind of tokenizer on prose.
func BenchmarkEncode(b *testing.B) {
	text := strings.Repeat(prose, 100)
	for _, name := range []string{"wordpiece-minilm", "bpe-llama3", "bpe-qwen2", "unigram-bytes", "unigram-xlmr"} {
		k := load(b, goldens, name, "tokenizer.json")
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.Encode(text, token.Options{AddSpecial: true}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEmbeddingInput is what stands before one embedding: about 128
// tokens of MiniLM.
func BenchmarkEmbeddingInput(b *testing.B) {
	k := load(b, goldens, "wordpiece-minilm", "tokenizer.json")
	text := strings.Repeat(prose, 3)
	ids, err := k.Encode(text, token.Options{AddSpecial: true})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := k.Encode(text, token.Options{AddSpecial: true}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(ids)), "tokens")
}
