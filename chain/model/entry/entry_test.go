package entry

import (
	"slices"
	"strings"
	"testing"

	"hearth/infer/kernel"
	"hearth/infer/mini"
	"hearth/infer/model"
	"hearth/work"
	"hearth/work/admission"
)

var small = model.Config{
	Kind: model.Encoder, Family: model.BERT, Layers: 2, Width: 256, Heads: 4, KVHeads: 4, HeadSize: 64, Inner: 512,
	Vocab: 120, Context: 96, ResidualBits: 16, ActivationLimit: 95, Epsilon: 4295, BOS: 1, EOS: []int32{2}, PAD: 0, Pooling: model.Mean,
}

func random(t testing.TB, c model.Config) (*model.Model, *model.Manifest) {
	t.Helper()
	m, err := model.Random(5, c)
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
	return m, f
}

func encode(t testing.TB, f *model.Manifest) []byte {
	t.Helper()
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What is counted from the manifest is what admission counts with the weights.
func TestAnEntryCountsAsAdmissionDoes(t *testing.T) {
	m, f, _, err := mini.Load()
	if err != nil {
		t.Fatal(err)
	}
	e, err := Read(encode(t, f))
	if err != nil {
		t.Fatal(err)
	}
	report, err := admission.ExamineModel(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	if e.Weights != report.Weights || e.Mineable != report.Mineable {
		t.Errorf("%d of %d weights may be mined, admission says %d of %d", e.Mineable, e.Weights, report.Mineable, report.Weights)
	}
	if len(e.Roots) != len(f.Weights) || !e.Decoder {
		t.Errorf("%d roots of %d matrices, a decoder: %v", len(e.Roots), len(f.Weights), e.Decoder)
	}
}

func TestManifestsThatAreNoneToRegister(t *testing.T) {
	for name, c := range map[string]struct {
		config func(*model.Config)
		change func(*model.Manifest)
		says   string
	}{
		"activations too large": {config: func(c *model.Config) { c.ActivationLimit = 127 }, says: "±127"},
		"too many rows":         {config: func(c *model.Config) { c.Layers, c.Context = 200, 4096 }, says: "rows in 200 layers"},
		"nothing mined":         {config: func(c *model.Config) { c.Layers, c.Width, c.Inner, c.Heads, c.KVHeads = 1, 128, 192, 2, 2 }, says: "nothing of it"},
		"a root twice":          {change: func(f *model.Manifest) { f.Weights[3].Root = f.Weights[4].Root }, says: "two matrices"},
		"a block too many":      {change: func(f *model.Manifest) { f.Blocks = []model.Refused{{Name: "layers.1.up", Blocks: []uint32{1, 4}}} }, says: "block 4"},
		"blocks of layer 0":     {change: func(f *model.Manifest) { f.Blocks = []model.Refused{{Name: "layers.0.qkv", Blocks: []uint32{0}}} }, says: "layers.0.qkv"},
		"blocks of the table":   {change: func(f *model.Manifest) { f.Blocks = []model.Refused{{Name: "embedding", Blocks: []uint32{0}}} }, says: "never mined"},
		"all refused": {change: func(f *model.Manifest) {
			for _, w := range f.Weights {
				if strings.HasPrefix(w.Name, "layers.") && w.Name != "layers.0.qkv" {
					var all []uint32
					for i := range w.N / work.TileColumns {
						all = append(all, uint32(i))
					}
					f.Blocks = append(f.Blocks, model.Refused{Name: w.Name, Blocks: all})
				}
			}
		}, says: "nothing of it"},
		"another name": {change: func(f *model.Manifest) { f.Weights[0].Name = "weights" }, says: "matrix 0"},
	} {
		t.Run(name, func(t *testing.T) {
			config := small
			if c.config != nil {
				c.config(&config)
			}
			f := described(t, config)
			if c.change != nil {
				c.change(f)
			}
			if _, err := Read(encode(t, f)); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says %v, want something about %q", err, c.says)
			}
		})
	}
}

// described is the manifest of a model of the configuration's shapes, whose
// weights nobody has.
func described(t testing.TB, c model.Config) *model.Manifest {
	t.Helper()
	tiny := c
	tiny.Layers, tiny.Context = 1, 16
	_, f := random(t, tiny)
	f.Config = c
	layers := f.Weights[:0:0]
	for _, w := range f.Weights {
		if !strings.HasPrefix(w.Name, "layers.") {
			layers = append(layers, w)
		}
	}
	for l := range c.Layers {
		for _, w := range f.Weights {
			if name, ok := strings.CutPrefix(w.Name, "layers.0."); ok {
				w.Name = model.Operation{Layer: l, Kind: kinds[name]}.String()
				w.Root[0], w.Root[1] = byte(l), byte(l>>8)
				layers = append(layers, w)
			}
		}
	}
	f.Weights = layers
	for i := range f.Weights {
		if f.Weights[i].Name == "position" {
			f.Weights[i].N = c.Context
		}
	}
	return f
}

var kinds = map[string]model.OperationKind{"qkv": model.QKV, "out": model.Out, "up": model.Up, "down": model.Down}

func TestATileIsChallengedByItsOpening(t *testing.T) {
	m, err := model.Random(5, small)
	if err != nil {
		t.Fatal(err)
	}
	up := m.Layers[1].Up
	clear(up.Weight[:40*up.K])
	if err := m.Permute(); err != nil {
		t.Fatal(err)
	}
	f, err := model.NewManifest(m, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := Read(encode(t, f))
	if err != nil {
		t.Fatal(err)
	}
	at := model.Operation{Layer: 1, Kind: model.Up}
	found := 0
	for tile := range up.N / work.TileColumns {
		opening, err := work.Open(kernel.Best(), up.Weight, up.N, up.K, tile)
		if err != nil {
			t.Fatal(err)
		}
		if size, err := OpeningSize(e.Model, at, tile); err != nil || size != len(opening) {
			t.Errorf("the opening has %d bytes, it should have %d: %v", len(opening), size, err)
		}
		if test, err := Challenge(e.Model, at, tile, opening); err == nil && test != "" {
			found++
		}
		opening[len(opening)-1]++
		if _, err := Challenge(e.Model, at, tile, opening); err == nil {
			t.Error("a forged opening shows something")
		}
	}
	if found == 0 {
		t.Error("no tile with columns of zeros is found")
	}
}

func TestLicences(t *testing.T) {
	for s, want := range map[string]bool{
		"MIT": true, "Apache-2.0": true, "GPL-2.0+": true, "Apache-2.0 OR MIT": true, "(MIT AND BSD-3-Clause) OR ISC": true,
		"GPL-2.0 WITH Classpath-exception-2.0": true, "LicenseRef-own": true, "((MIT))": true,
		"": false, "MIT OR": false, "OR": false, "MIT MIT": false, "(MIT": false, "MIT)": false, "()": false, "WITH x": false,
		"MIT WITH": false, "GPL-2.0 WITH x+": false, "MIT; rm": false, "<b>": false, "M\u00efT": false, "+": false,
		strings.Repeat("(", 200): false,
	} {
		if got := CheckLicence(s) == nil; got != want {
			t.Errorf("%q is a licence: %v, want %v", s, got, want)
		}
	}
}

func TestSources(t *testing.T) {
	for s, want := range map[string]bool{
		"https://example.org/weights": true, "http://[2001:db8::1]:8080/a/b": true, "https://a": true,
		"": false, "https://": false, "ftp://a/b": false, "file:///etc": false, "https:///x": false, "https://u@h/": false,
		"https://h/?q": false, "https://h/#f": false, "https://h/ x": false, "https://h/\n": false, "https://" + strings.Repeat("a", 300): false,
	} {
		if got := CheckSources([]string{s}) == nil; got != want {
			t.Errorf("%q is a source: %v, want %v", s, got, want)
		}
	}
	if CheckSources(slices.Repeat([]string{"https://a"}, MaxSources+1)) == nil {
		t.Error("there is no bound to their number")
	}
}

func TestNamesAndReasons(t *testing.T) {
	for s, want := range map[string]bool{
		"all-MiniLM-L6-v2": true, "a/b_c.d": true, "": false, "a b": false, "\u00e4": false, "a\n": false, strings.Repeat("x", 65): false,
	} {
		if got := CheckName(s) == nil; got != want {
			t.Errorf("%q is a name: %v, want %v", s, got, want)
		}
	}
	for s, want := range map[string]bool{"": true, "f\u00fcr Leute": true, "a\nb": false, "\xff": false, strings.Repeat("x", 201): false} {
		if got := CheckReason(s) == nil; got != want {
			t.Errorf("%q is a reason: %v, want %v", s, got, want)
		}
	}
}

// Whatever bytes come as a manifest: an entry, or an error, and the same each
// time.
func FuzzRead(f *testing.F) {
	_, m := random(f, small)
	good := encode(f, m)
	f.Add(good)
	f.Add(good[:len(good)/2])
	m.Blocks = []model.Refused{{Name: "layers.1.up", Blocks: []uint32{0, 3}}}
	f.Add(encode(f, m))
	f.Add([]byte(`{"format":1,"config":{"layers":99999999}}`))
	f.Add([]byte(strings.Repeat("[", 5000)))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := Read(b)
		y, again := Read(b)
		if (err == nil) != (again == nil) || err == nil && (x.ID != y.ID || x.Manifest != y.Manifest || x.Mineable != y.Mineable) {
			t.Fatal("read twice it is another")
		}
		if err == nil && (x.Mineable == 0 || x.Mineable > x.Weights || !slices.IsSortedFunc(x.Roots, func(a, b model.Hash) int { return strings.Compare(string(a[:]), string(b[:])) })) {
			t.Fatalf("%d of %d weights may be mined, %d roots", x.Mineable, x.Weights, len(x.Roots))
		}
	})
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{"MIT", "(MIT AND BSD-3-Clause) OR ISC", "GPL-2.0 WITH x", "https://example.org/a", "((((", "a\x00b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if CheckLicence(s) == nil && (strings.Count(s, "(") != strings.Count(s, ")") || len(s) > MaxLicence) {
			t.Errorf("%q is a licence", s)
		}
		if CheckSources([]string{s}) == nil && (strings.ContainsAny(s, "@?# \"<>") || !strings.HasPrefix(s, "http")) {
			t.Errorf("%q is a source", s)
		}
		if CheckName(s) == nil && strings.ContainsAny(s, "<>&\"'\n ") {
			t.Errorf("%q is a name", s)
		}
	})
}
