package importer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"hearth/infer/engine"
	"hearth/infer/importer"
	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/infer/safetensors"
)

// Seeded random models of every architecture, with what PyTorch computes with
// them.
var (
	encoders = []string{"tiny-bert", "tiny-bge", "tiny-e5"}
	decoders = []string{"tiny-llama", "tiny-llama-untied", "tiny-qwen2", "tiny-qwen3", "tiny-qwen3-untied"}
)

// quick calibrates on little text.
var quick = importer.Options{Texts: []string{
	"The kitchen is heated by what the computer in the cellar computes.",
	"It was the best of times, it was the worst of times, it was the age of wisdom.",
	"How warm shall the bath be at six in the morning?",
	"42 + 17 = 59; the sum of the first ten numbers is 55.",
	"A stove, a radiator and a blanket.",
	"Whether I shall turn out to be the hero of my own life, these pages must show.",
	"Café, naïve, Zürich, 20 °C.",
	"if x > 0 { return x }",
}}

func tiny(name string) fs.FS { return os.DirFS("../testdata/" + name) }

func bring(t testing.TB, folder fs.FS, o importer.Options) *importer.Imported {
	t.Helper()
	m, err := importer.Import(t.Context(), folder, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func golden(t *testing.T, name string, v any) {
	t.Helper()
	b, err := os.ReadFile("../testdata/" + name + "/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

// The ids are the same on every processor: the golden file is from amd64, and CI
// runs this on arm64 as well.
func TestIDsAreTheSameEverywhere(t *testing.T) {
	const file = "testdata/ids.txt"
	var got strings.Builder
	for _, name := range slices.Concat(encoders, decoders) {
		id, err := bring(t, tiny(name), quick).Manifest.ID()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%s %s\n", id, name)
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got.String()); d != "" {
		t.Errorf("ids (-want +got):\n%s", d)
	}
}

func TestEncodersFollowTheFloatModel(t *testing.T) {
	for _, name := range encoders {
		var g struct {
			IDs        [][]int32   `json:"ids"`
			Embeddings [][]float64 `json:"embeddings"`
		}
		golden(t, name, &g)
		vectors := embed(t, bring(t, tiny(name), quick).Model, g.IDs)
		for i, v := range vectors {
			if c := cosine(v, g.Embeddings[i]); c < 0.998 {
				t.Errorf("%s, text %d: cosine %.4f", name, i, c)
			}
		}
	}
}

func TestDecodersFollowTheFloatModel(t *testing.T) {
	for _, name := range decoders {
		var g struct {
			Prompts [][]int32   `json:"prompts"`
			Argmax  [][]int32   `json:"argmax"`
			Last    [][]float64 `json:"last"`
		}
		golden(t, name, &g)
		m := bring(t, tiny(name), quick).Model
		same, all := 0, 0
		for i, prompt := range g.Prompts {
			n := m.Config.Vocab
			logits := score(t, m, prompt)
			if c := cosine(logits[(len(prompt)-1)*n:], g.Last[i]); c < 0.99 {
				t.Errorf("%s, prompt %d: cosine of the last logits %.4f", name, i, c)
			}
			for p, want := range g.Argmax[i] {
				row := logits[p*n:][:n]
				all++
				if row[want] == slices.Max(row) {
					same++
				}
			}
		}
		// Logits of random models lie close together.
		if share := float64(same) / float64(all); share < 0.85 {
			t.Errorf("%s: the likeliest token is the same in %.0f %% of %d places", name, 100*share, all)
		}
	}
}

func embed(t testing.TB, m *model.Model, ids [][]int32) [][]int32 {
	t.Helper()
	level := kernel.Best()
	p, err := engine.NewPlain(m, level, nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.NewEncoder(m, p, level, 2)
	if err != nil {
		t.Fatal(err)
	}
	v, err := e.Embed(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// score returns the logits behind every token of a prompt.
func score(t testing.TB, m *model.Model, prompt []int32) []int32 {
	t.Helper()
	level := kernel.Best()
	p, err := engine.NewPlain(m, level, nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := engine.NewDecoder(m, p, engine.Settings{Level: level, Rows: len(prompt), CacheBytes: 1 << 22})
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := d.Begin(0, prompt, len(prompt))
	if err != nil {
		t.Fatal(err)
	}
	logits := make([]int32, len(prompt)*m.Config.Vocab)
	if err := d.Step([]engine.Chunk{{Sequence: s, Tokens: prompt, Logits: logits}}); err != nil {
		t.Fatal(err)
	}
	return logits
}

func cosine(a []int32, b []float64) float64 {
	var ab, aa, bb float64
	for i, x := range a {
		ab += float64(x) * b[i]
		aa += float64(x) * float64(x)
		bb += b[i] * b[i]
	}
	return ab / math.Sqrt(aa*bb)
}

func TestWhatWasImportedCanBeWrittenAndVerified(t *testing.T) {
	m := bring(t, tiny("tiny-qwen3"), importer.Options{Texts: quick.Texts, Source: &model.Source{Name: "example/tiny"}})
	var b bytes.Buffer
	if err := model.Write(&b, m.Model, m.Manifest, m.Tokenizer); err != nil {
		t.Fatal(err)
	}
	back, f, _, err := model.Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if err := model.Verify(back); err != nil {
		t.Error(err)
	}
	if f.Source.Name != "example/tiny" {
		t.Errorf("the source is %+v", f.Source)
	}
	if len(m.Losses) != 4*back.Config.Layers+1 {
		t.Errorf("%d losses for %d layers and a head", len(m.Losses), back.Config.Layers)
	}
	for _, l := range m.Losses {
		if !(l.Loss > 0 && l.Loss < 0.05) {
			t.Errorf("%s lost %v", l.Name, l.Loss)
		}
	}
}

func TestOptionsBoundWhatAModelCan(t *testing.T) {
	for _, name := range []string{"tiny-bert", "tiny-llama"} {
		o := quick
		o.Context, o.ActivationLimit = 48, 127
		m := bring(t, tiny(name), o).Model
		if m.Config.Context != 48 || m.Config.ActivationLimit != 127 {
			t.Errorf("%s: context %d, activations up to %d", name, m.Config.Context, m.Config.ActivationLimit)
		}
		o.ActivationLimit = 128
		if _, err := importer.Import(t.Context(), tiny(name), o); err == nil || !strings.Contains(err.Error(), "activation_limit is 128") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An import does not depend on how many processors share the work.
func TestImportIsTheSameOnOneProcessor(t *testing.T) {
	id := func() model.Hash {
		v, err := bring(t, tiny("tiny-qwen2"), quick).Manifest.ID()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	one := runtime.GOMAXPROCS(1)
	alone := id()
	runtime.GOMAXPROCS(max(one, 3))
	together := id()
	runtime.GOMAXPROCS(one)
	if alone != together {
		t.Errorf("alone %s, together %s", alone, together)
	}
}

func TestImportStopsWhenAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	layers := 0
	_, err := importer.Import(ctx, tiny("tiny-llama"), importer.Options{Texts: quick.Texts, Progress: func(done, all int) {
		if all != 2 {
			t.Errorf("%d of %d layers", done, all)
		}
		layers = done
		cancel()
	}})
	if !errors.Is(err, context.Canceled) || layers != 1 {
		t.Errorf("after %d layers: %v", layers, err)
	}
}

// copied returns the files of a tiny model in memory.
func copied(t *testing.T, name string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(tiny(name), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(tiny(name), path)
		files[path] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// rewritten returns the weights with some tensors changed.
func rewritten(t *testing.T, b []byte, edit func(shapes map[string][]int, floats map[string][]float32)) []byte {
	t.Helper()
	f, err := safetensors.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	shapes, values := map[string][]int{}, map[string][]float32{}
	for _, name := range f.Names() {
		x, _ := f.Tensor(name)
		if x.DType == safetensors.I64 {
			continue
		}
		shapes[name], values[name] = x.Shape, make([]float32, x.Len())
		if err := x.Floats(values[name], 0); err != nil {
			t.Fatal(err)
		}
	}
	edit(shapes, values)
	var list []safetensors.Source
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		list = append(list, safetensors.Source{Name: name, DType: safetensors.F32, Shape: shapes[name], Data: safetensors.Bytes(littleEndian(values[name]))})
	}
	var out bytes.Buffer
	if err := safetensors.Write(&out, list, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func littleEndian(v []float32) []byte {
	var b []byte
	for _, x := range v {
		u := math.Float32bits(x)
		b = append(b, byte(u), byte(u>>8), byte(u>>16), byte(u>>24))
	}
	return b
}

func TestImportRefuses(t *testing.T) {
	weights := func(edit func(shapes map[string][]int, v map[string][]float32)) func(*testing.T, fstest.MapFS) {
		return func(t *testing.T, f fstest.MapFS) {
			f["model.safetensors"] = &fstest.MapFile{Data: rewritten(t, f["model.safetensors"].Data, edit)}
		}
	}
	file := func(name, content string) func(*testing.T, fstest.MapFS) {
		return func(_ *testing.T, f fstest.MapFS) { f[name] = &fstest.MapFile{Data: []byte(content)} }
	}
	without := func(name string) func(*testing.T, fstest.MapFS) {
		return func(_ *testing.T, f fstest.MapFS) { delete(f, name) }
	}
	config := func(key string, value any) func(*testing.T, fstest.MapFS) {
		return func(t *testing.T, f fstest.MapFS) {
			var v map[string]any
			if err := json.Unmarshal(f["config.json"].Data, &v); err != nil {
				t.Fatal(err)
			}
			if value == nil {
				delete(v, key)
			} else {
				v[key] = value
			}
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			f["config.json"] = &fstest.MapFile{Data: b}
		}
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	const up = "model.layers.1.mlp.up_proj.weight"
	for _, c := range []struct {
		name, from string
		spoil      func(*testing.T, fstest.MapFS)
		want       string
	}{
		{"nothing", "tiny-llama", without("model.safetensors"), "it has no weights"},
		{"pickles", "tiny-llama", func(t *testing.T, f fstest.MapFS) {
			delete(f, "model.safetensors")
			f["pytorch_model.bin"] = &fstest.MapFile{}
		}, "pickled"},
		{"no configuration", "tiny-llama", without("config.json"), "it has no config.json"},
		{"no JSON", "tiny-llama", file("config.json", "{"), "read config.json"},
		{"a list", "tiny-llama", file("config.json", "[]"), "read config.json"},
		{"no architecture", "tiny-llama", file("config.json", "{}"), "names 0 architectures"},
		{"an unknown architecture", "tiny-llama", config("architectures", []string{"MambaForCausalLM"}), "its architecture is MambaForCausalLM"},
		{"an unknown activation", "tiny-llama", config("hidden_act", "relu"), `hidden_act is "relu"`},
		{"absurd layers", "tiny-llama", config("num_hidden_layers", 1<<30), "layers is 1073741824: it must be from 1 to 512"},
		{"absurd width", "tiny-llama", config("hidden_size", 1<<30), "width is"},
		{"negative heads", "tiny-llama", config("num_attention_heads", -4), "cannot be shared by -4 heads"},
		{"absurd vocabulary", "tiny-llama", config("vocab_size", 1<<19), `has the shape [320 128]: the configuration calls for [524288 128]`},
		{"absurd head", "tiny-llama", config("head_dim", 1<<30), "cannot be rotated"},
		{"no context", "tiny-llama", config("max_position_embeddings", nil), "context is 0"},
		{"stop outside", "tiny-llama", config("eos_token_id", []int{320}), "eos lists token 320"},
		{"rotary scaling", "tiny-llama", config("rope_scaling", map[string]any{"rope_type": "yarn", "factor": 4}), `rope_scaling is of the kind "yarn"`},
		{"rotary factors", "tiny-llama", config("rope_scaling", map[string]any{"rope_type": "llama3"}), "of the kind llama3 has the factors"},
		{"rotary base", "tiny-llama", config("rope_theta", -1), "rope_theta is -1"},
		{"rotary part", "tiny-llama", config("partial_rotary_factor", 0.5), "only a part of each head"},
		{"epsilon", "tiny-llama", config("rms_norm_eps", 1e300), "epsilon is 1e+300"},
		{"NaN", "tiny-llama", weights(func(_ map[string][]int, v map[string][]float32) { v[up][77] = nan }), `the tensor "` + up + `" has the value NaN at element 77`},
		{"infinity", "tiny-llama", weights(func(_ map[string][]int, v map[string][]float32) { v[up][0] = inf }), `the tensor "` + up + `" has the value +Inf at element 0`},
		{"huge", "tiny-llama", weights(func(_ map[string][]int, v map[string][]float32) { v[up][0] = math.MaxFloat32 }), "numbers of the feed-forward part reach"},
		{"huge embeddings", "tiny-bert", weights(func(_ map[string][]int, v map[string][]float32) {
			for i := range v["embeddings.word_embeddings.weight"] {
				v["embeddings.word_embeddings.weight"][i] *= 1e30
			}
		}), "numbers between its layers reach"},
		{"a missing tensor", "tiny-llama", weights(func(s map[string][]int, _ map[string][]float32) { delete(s, up) }), `lack the tensor "` + up + `"`},
		{"a shape", "tiny-llama", weights(func(s map[string][]int, _ map[string][]float32) { s[up] = []int{s[up][1], s[up][0]} }), `the tensor "` + up + `" has the shape`},
		{"truncated weights", "tiny-llama", func(_ *testing.T, f fstest.MapFS) {
			f["model.safetensors"].Data = f["model.safetensors"].Data[:5000]
		}, "safetensors"},
		{"no tokenizer", "tiny-llama", without("tokenizer.json"), "it has no tokenizer.json"},
		{"another's tokenizer", "tiny-llama", file("tokenizer.json", string(copied(t, "tiny-e5")["tokenizer.json"].Data)), "its tokenizer has 604 tokens and its embeddings 320"},
		{"a smaller one's tokenizer", "tiny-llama", file("tokenizer.json", `{"version":"1.0","model":{"type":"BPE","vocab":{"a":0},"merges":[]}}`), "its tokenizer has only 1 tokens for 320 embeddings"},
		{"no encoder's activation", "tiny-bert", config("hidden_act", "gelu_new"), `hidden_act is "gelu_new"`},
		{"relative positions", "tiny-bert", config("position_embedding_type", "relative_key"), `position_embedding_type is "relative_key"`},
		{"pooling", "tiny-bert", file("1_Pooling/config.json", `{"pooling_mode_max_tokens":true}`), `its pooling is ["max_tokens"]`},
		{"two poolings", "tiny-bert", file("1_Pooling/config.json", `{"pooling_mode_mean_tokens":true,"pooling_mode_cls_token":true}`), "one at a time"},
		{"a path out", "tiny-bert", file("modules.json", `[{"path":"../1_Pooling","type":"sentence_transformers.models.Pooling"}]`), "leads out of the folder"},
		{"a dense module", "tiny-bert", file("modules.json", `[{"path":"2_Dense","type":"sentence_transformers.models.Dense"}]`), `a module "Dense" behind the transformer`},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := copied(t, c.from)
			c.spoil(t, files)
			_, err := importer.Import(t.Context(), files, quick)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// The same model under other names and in other files is the same model.
func TestSameModelFromOtherFiles(t *testing.T) {
	id := func(files fs.FS) model.Hash {
		v, err := bring(t, files, quick).Manifest.ID()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	renamed := func(t *testing.T, f fstest.MapFS, rename func(string) string) {
		f["model.safetensors"].Data = rewritten(t, f["model.safetensors"].Data, func(s map[string][]int, v map[string][]float32) {
			for _, name := range slices.Collect(maps.Keys(s)) {
				if to := rename(name); to != name {
					s[to], v[to] = s[name], v[name]
					delete(s, name)
				}
			}
		})
	}
	t.Run("BERT with a prefix", func(t *testing.T) {
		f := copied(t, "tiny-bert")
		renamed(t, f, func(name string) string { return "bert." + strings.TrimPrefix(name, "bert.") })
		if id(f) != id(tiny("tiny-bert")) {
			t.Error("another id")
		}
	})
	t.Run("Llama without a prefix", func(t *testing.T) {
		f := copied(t, "tiny-llama")
		renamed(t, f, func(name string) string { return strings.TrimPrefix(name, "model.") })
		if id(f) != id(tiny("tiny-llama")) {
			t.Error("another id")
		}
	})
	t.Run("shards", func(t *testing.T) {
		f := copied(t, "tiny-qwen2")
		whole := f["model.safetensors"].Data
		index := map[string]string{}
		for i := range 2 {
			shard := fmt.Sprintf("model-%05d-of-00002.safetensors", i+1)
			f[shard] = &fstest.MapFile{Data: rewritten(t, whole, func(s map[string][]int, _ map[string][]float32) {
				for j, name := range slices.Sorted(maps.Keys(s)) {
					if j%2 != i {
						delete(s, name)
					} else {
						index[name] = shard
					}
				}
			})}
		}
		delete(f, "model.safetensors")
		b, err := json.Marshal(map[string]any{"weight_map": index})
		if err != nil {
			t.Fatal(err)
		}
		f["model.safetensors.index.json"] = &fstest.MapFile{Data: b}
		if id(f) != id(tiny("tiny-qwen2")) {
			t.Error("another id")
		}
	})
}
