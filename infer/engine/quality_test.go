package engine_test

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hearth/infer/engine"
	"hearth/infer/importer"
	"hearth/infer/kernel"
	"hearth/infer/token"
)

// MiniLM is all-MiniLM-L6-v2 as it was published: the test of quality runs where
// HEARTH_MINILM_DIR names its folder. What the library of the model computes with
// it in floating point is in infer/testdata/minilm.
const (
	library    = "../testdata/minilm/"
	meanCosine = 0.99
	leastOf    = 0.97
)

// minilm imports the model and returns what embeds with it.
func minilm(t *testing.T) (*engine.Encoder, *token.Tokenizer) {
	t.Helper()
	folder := os.Getenv("HEARTH_MINILM_DIR")
	if folder == "" {
		t.Skip("set HEARTH_MINILM_DIR to a folder with the weights of all-MiniLM-L6-v2 to measure the quality of embeddings")
	}
	imported, err := importer.Import(t.Context(), os.DirFS(folder), importer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(folder, "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	tokenizer, err := token.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := engine.NewPlain(imported.Model, kernel.Best(), nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.NewEncoder(imported.Model, p, kernel.Best(), 2)
	if err != nil {
		t.Fatal(err)
	}
	return e, tokenizer
}

// read reads one of the library's files.
func read(t *testing.T, name string, v any) {
	t.Helper()
	b, err := os.ReadFile(library + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

func TestMiniLMFollowsItsFloatModel(t *testing.T) {
	e, tokenizer := minilm(t)
	t.Run("cosine", func(t *testing.T) {
		var ids [][]int32
		read(t, "ids.json", &ids)
		file, err := os.ReadFile(library + "embeddings.bin")
		if err != nil {
			t.Fatal(err)
		}
		vectors, err := e.Embed(t.Context(), ids)
		if err != nil {
			t.Fatal(err)
		}
		var cosines []float64
		for i, v := range vectors {
			want := make([]float64, len(v))
			for j := range want {
				want[j] = float64(int16(binary.LittleEndian.Uint16(file[2*(i*len(v)+j):])))
			}
			cosines = append(cosines, cosine(v, want))
		}
		mean := 0.0
		for _, c := range cosines {
			mean += c / float64(len(cosines))
		}
		t.Logf("%d texts: mean cosine %.5f, least %.5f", len(cosines), mean, slices.Min(cosines))
		if mean < meanCosine || slices.Min(cosines) < leastOf {
			t.Errorf("it should be at least %v and %v", meanCosine, leastOf)
		}
	})
	t.Run("ranking", func(t *testing.T) {
		var passages, queries []string
		var ranking [][][2]float64
		read(t, "passages.json", &passages)
		read(t, "queries.json", &queries)
		read(t, "ranking.json", &ranking)
		embed := func(texts []string) [][]int32 {
			ids := make([][]int32, len(texts))
			for i, text := range texts {
				var err error
				if ids[i], err = tokenizer.Encode(text, token.Options{AddSpecial: true}); err != nil {
					t.Fatal(err)
				}
				if len(ids[i]) > 256 { // as the library cuts them
					ids[i] = append(ids[i][:255], ids[i][len(ids[i])-1])
				}
			}
			vectors, err := e.Embed(t.Context(), ids)
			if err != nil {
				t.Fatal(err)
			}
			return vectors
		}
		vectors, asked := embed(passages), embed(queries)
		first, shared := 0, 0
		for q, v := range asked {
			scores := make([]int64, len(passages))
			order := make([]int, len(passages))
			for p, w := range vectors {
				order[p] = p
				for j, x := range v {
					scores[p] += int64(x) * int64(w[j]) >> 24
				}
			}
			slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
			if order[0] == int(ranking[q][0][0]) {
				first++
			}
			for _, want := range ranking[q] {
				if slices.Contains(order[:10], int(want[0])) {
					shared++
				}
			}
		}
		n := len(queries)
		t.Logf("%d queries of %d passages: the best is the same for %.1f %%, of the best ten %.1f %%",
			n, len(passages), 100*float64(first)/float64(n), 10*float64(shared)/float64(n))
		if first < n*9/10 || shared < 10*n*9/10 {
			t.Error("both should be at least 90 %")
		}
	})
}

func cosine(x []int32, y []float64) float64 {
	var xy, xx, yy float64
	for i, v := range x {
		xy, xx, yy = xy+float64(v)*y[i], xx+float64(v)*float64(v), yy+y[i]*y[i]
	}
	return xy / math.Sqrt(xx*yy)
}
