package importer_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/infer/importer"
	"hearth/infer/token"
)

// vocabularyOf returns the metadata that the tools around llama.cpp make of a
// tokenizer.json.
func vocabularyOf(t *testing.T, file []byte, pre string) map[string]any {
	t.Helper()
	var v struct {
		Added []struct {
			ID      int    `json:"id"`
			Content string `json:"content"`
		} `json:"added_tokens"`
		Model struct {
			Type   string         `json:"type"`
			Vocab  map[string]int `json:"vocab"`
			Merges [][2]string    `json:"merges"`
		} `json:"model"`
	}
	if err := json.Unmarshal(file, &v); err != nil {
		t.Fatal(err)
	}
	vocabulary := maps.Clone(v.Model.Vocab)
	special := map[string]bool{}
	for _, a := range v.Added {
		vocabulary[a.Content], special[a.Content] = a.ID, true
	}
	tokens, kinds := make([]string, len(vocabulary)), make([]int32, len(vocabulary))
	for content, id := range vocabulary {
		kinds[id] = 1
		if special[content] {
			kinds[id] = 3
		}
		if v.Model.Type == "WordPiece" && !special[content] {
			if rest, ok := strings.CutPrefix(content, "##"); ok {
				content = rest
			} else {
				content = "\u2581" + content
			}
		}
		tokens[id] = content
	}
	m := map[string]any{"tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": kinds, "tokenizer.ggml.model": "bert"}
	if v.Model.Type == "BPE" {
		var merges []string
		for _, p := range v.Model.Merges {
			merges = append(merges, p[0]+" "+p[1])
		}
		m["tokenizer.ggml.model"], m["tokenizer.ggml.pre"], m["tokenizer.ggml.merges"] = "gpt2", pre, merges
		m["tokenizer.ggml.add_bos_token"] = true
	}
	return m
}

func TestGGUFBringsItsTokenizer(t *testing.T) {
	texts := append([]string{"<|eot_id|>[SEP]", "naïve café 12345 don't  stop\n\n now", "家は暖かい", " a", ""}, quick.Texts...)
	for _, c := range []struct {
		name, pre string
		metadata  map[string]any
		pairs     int
	}{
		{"tiny-llama", "llama-bpe", decoderMetadata("llama", 128, 64, 4, 1, 32, 1e-5, 10000), 16},
		{"tiny-bert", "", maps.Clone(bertMetadata), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			original := copied(t, c.name)["tokenizer.json"].Data
			maps.Copy(c.metadata, vocabularyOf(t, original, c.pre))
			files := converted(t, c.name, c.metadata, c.pairs)
			delete(files, "tokenizer.json")
			made, err := token.Parse(bring(t, files, quick).Tokenizer)
			if err != nil {
				t.Fatal(err)
			}
			own, err := token.Parse(original)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range texts {
				for _, o := range []token.Options{{AddSpecial: true}, {AllowSpecial: true}} {
					want, err := own.Encode(text, o)
					if err != nil {
						t.Fatal(err)
					}
					got, err := made.Encode(text, o)
					if err != nil {
						t.Fatal(err)
					}
					if d := cmp.Diff(want, got); d != "" {
						t.Errorf("%q (-want +got):\n%s", text, d)
					}
					if a, b := own.Decode(want, true), made.Decode(want, true); a != b {
						t.Errorf("%q comes back as %q and not as %q", text, b, a)
					}
				}
			}
		})
	}
}

func TestGGUFRefusesVocabularies(t *testing.T) {
	base := decoderMetadata("llama", 128, 64, 4, 1, 32, 1e-5, 10000)
	maps.Copy(base, vocabularyOf(t, copied(t, "tiny-llama")["tokenizer.json"].Data, "llama-bpe"))
	for _, c := range []struct {
		key   string
		value any // nil: left out
		want  string
	}{
		{"tokenizer.ggml.tokens", nil, "holds no vocabulary"},
		{"tokenizer.ggml.tokens", []string{"a", "a"}, "are the same"},
		{"tokenizer.ggml.tokens", []string{"a", "\xff"}, "token 1 is not valid UTF-8"},
		{"tokenizer.ggml.model", "llama", `is of the kind "llama"`},
		{"tokenizer.ggml.merges", nil, "has no merges"},
		{"tokenizer.ggml.merges", []string{"ab"}, `merge 0 is "ab"`},
		{"tokenizer.ggml.pre", "tekken", `are split as "tekken"`},
		{"tokenizer.ggml.pre", nil, `are split as ""`},
		{"tokenizer.ggml.bos_token_id", 100000, "bos is token 100000"},
	} {
		t.Run(fmt.Sprint(c.key, " ", c.value), func(t *testing.T) {
			metadata := maps.Clone(base)
			if metadata[c.key] = c.value; c.value == nil {
				delete(metadata, c.key)
			}
			files := converted(t, "tiny-llama", metadata, 16)
			delete(files, "tokenizer.json")
			_, err := importer.Import(t.Context(), files, quick)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// A vocabulary of a model that tells capital letters or accents apart does not
// say so in any other way.
func TestGGUFRefusesCasedVocabularies(t *testing.T) {
	for _, word := range []string{"\u2581Haus", "\u2581caf\u00e9", "S"} {
		metadata := maps.Clone(bertMetadata)
		maps.Copy(metadata, vocabularyOf(t, copied(t, "tiny-bert")["tokenizer.json"].Data, ""))
		tokens := metadata["tokenizer.ggml.tokens"].([]string)
		tokens[len(tokens)-1] = word
		files := converted(t, "tiny-bert", metadata, 0)
		delete(files, "tokenizer.json")
		_, err := importer.Import(t.Context(), files, quick)
		if err == nil || !strings.Contains(err.Error(), "with a capital letter or an accent") || !strings.Contains(err.Error(), "put the tokenizer.json") {
			t.Errorf("%s: %v", word, err)
		}
	}
}

// What all texts begin and end with is as the file says, and where it says
// nothing as its kind has it.
func TestGGUFSaysWhatTextsBeginAndEndWith(t *testing.T) {
	const yes, no, silent = "yes", "no", ""
	for _, c := range []struct {
		pre, bos, eos string
		want          []int32
	}{
		{"llama-bpe", silent, silent, []int32{318}},
		{"llama-bpe", no, silent, []int32{}},
		{"gpt-2", silent, silent, []int32{}},
		{"qwen2", silent, silent, []int32{}},
		{"qwen2", yes, no, []int32{318}},
		{"qwen2", yes, yes, []int32{318, 319}},
		{"smollm", no, yes, []int32{319}},
	} {
		metadata := decoderMetadata("llama", 128, 64, 4, 1, 32, 1e-5, 10000)
		maps.Copy(metadata, vocabularyOf(t, copied(t, "tiny-llama")["tokenizer.json"].Data, c.pre))
		delete(metadata, "tokenizer.ggml.add_bos_token")
		for key, says := range map[string]string{"tokenizer.ggml.add_bos_token": c.bos, "tokenizer.ggml.add_eos_token": c.eos} {
			if says != silent {
				metadata[key] = says == yes
			}
		}
		files := converted(t, "tiny-llama", metadata, 16)
		delete(files, "tokenizer.json")
		made, err := token.Parse(bring(t, files, quick).Tokenizer)
		if err != nil {
			t.Fatal(err)
		}
		got, err := made.Encode("", token.Options{AddSpecial: true})
		if d := cmp.Diff(c.want, append([]int32{}, got...)); err != nil || d != "" {
			t.Errorf("%+v: %v (-want +got):\n%s", c, err, d)
		}
		if c.eos == yes {
			delete(metadata, "tokenizer.ggml.eos_token_id")
			files := converted(t, "tiny-llama", metadata, 16)
			delete(files, "tokenizer.json")
			if _, err := importer.Import(t.Context(), files, quick); err == nil || !strings.Contains(err.Error(), "a token eos that it does not name") {
				t.Errorf("without the token: %v", err)
			}
		}
	}
}
