package token_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hearth/infer/token"
)

const goldens = "../testdata/tokenizers"

// golden is what the reference library made of the texts in strings.json.
type golden struct {
	Tokenizer string    `json:"tokenizer"`
	IDs       [][]int32 `json:"ids"`     // with special tokens around
	Plain     [][]int32 `json:"plain"`   // without
	Decoded   []string  `json:"decoded"` // the text of plain
}

func readJSON(t testing.TB, v any, path ...string) {
	t.Helper()
	if err := json.Unmarshal(readFile(t, path...), v); err != nil {
		t.Fatalf("%v: %v", path, err)
	}
}

func readFile(t testing.TB, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func load(t testing.TB, path ...string) *token.Tokenizer {
	t.Helper()
	k, err := token.Parse(readFile(t, path...))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Every text gives the reference library's tokens, number for number, and they
// give its text.
func TestGoldens(t *testing.T) {
	var texts []string
	readJSON(t, &texts, goldens, "strings.json")
	files, err := filepath.Glob(filepath.Join(goldens, "*", "golden.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file))
		t.Run(name, func(t *testing.T) {
			var g golden
			readJSON(t, &g, file)
			k := load(t, goldens, g.Tokenizer)
			if len(g.IDs) != len(texts) || len(g.Plain) != len(texts) || len(g.Decoded) != len(texts) {
				t.Fatalf("%d, %d and %d results for %d texts", len(g.IDs), len(g.Plain), len(g.Decoded), len(texts))
			}
			for i, text := range texts {
				got, err := k.Encode(text, token.Options{AddSpecial: true, AllowSpecial: true})
				if err != nil {
					t.Errorf("%q: %v", text, err)
				}
				if d := cmp.Diff(g.IDs[i], got, cmpopts.EquateEmpty()); d != "" {
					t.Errorf("%q with special tokens (-want +got):\n%s", text, d)
				}
				plain, err := k.Encode(text, token.Options{AllowSpecial: true})
				if err != nil {
					t.Errorf("%q: %v", text, err)
				}
				if d := cmp.Diff(g.Plain[i], plain); d != "" {
					t.Errorf("%q (-want +got):\n%s", text, d)
				}
				if d := cmp.Diff(g.Decoded[i], k.Decode(g.Plain[i], false)); d != "" {
					t.Errorf("text of %q (-want +got):\n%s", text, d)
				}
				stream, joined := k.Stream(false), ""
				for _, id := range g.Plain[i] {
					joined += stream.Next(id)
				}
				if d := cmp.Diff(g.Decoded[i], joined+stream.Flush()); d != "" {
					t.Errorf("streamed text of %q (-want +got):\n%s", text, d)
				}
			}
		})
	}
}
