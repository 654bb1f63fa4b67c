package model_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/infer/model"
	"hearth/infer/safetensors"
)

var tokenizer = []byte(`{"model":{"type":"WordPiece"}}`)

// permuted returns a small model ready to be written, and its manifest.
func permuted(t testing.TB, family string) (*model.Model, *model.Manifest) {
	t.Helper()
	m := random(t, 1, family)
	if err := m.Permute(); err != nil {
		t.Fatal(err)
	}
	f, err := model.NewManifest(m, tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	return m, f
}

func file(t testing.TB, family string) []byte {
	t.Helper()
	m, f := permuted(t, family)
	var b bytes.Buffer
	if err := model.Write(&b, m, f, tokenizer); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadReturnsWhatWasWritten(t *testing.T) {
	families := families
	if testing.Short() { // comparing is slow where a processor is emulated
		families = families[:1]
	}
	for _, family := range families {
		t.Run(family, func(t *testing.T) {
			m, f := permuted(t, family)
			f.Blocks = []model.Refused{{Name: "layers.0.out", Blocks: []uint32{0, 3}}}
			f.Source = &model.Source{Name: "example/tiny", Licence: "Apache-2.0", Files: []model.SourceFile{{Name: "a <b>", SHA256: "00"}}}
			f.Template = "{{ messages }}\n"
			var b bytes.Buffer
			if err := model.Write(&b, m, f, tokenizer); err != nil {
				t.Fatal(err)
			}
			m2, f2, tokenizer2, err := model.Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(f, f2); d != "" {
				t.Errorf("manifest (-written +read):\n%s", d)
			}
			m.Config.EOS = append([]int32{}, m.Config.EOS...) // an empty list where it was nil
			if d := cmp.Diff(m, m2); d != "" {
				t.Errorf("model (-written +read):\n%s", d)
			}
			if !bytes.Equal(tokenizer, tokenizer2) {
				t.Error("the tokenizer changed")
			}
			var again bytes.Buffer
			if err := model.Write(&again, m2, f2, tokenizer2); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b.Bytes(), again.Bytes()) {
				t.Error("writing what was read gives another file")
			}
			if err := model.Verify(m2); err != nil {
				t.Error(err)
			}
			only, err := model.ReadManifest(bytes.NewReader(b.Bytes()), int64(b.Len()))
			if err != nil || cmp.Diff(f, only) != "" {
				t.Errorf("manifest alone: %v, %v", only, err)
			}
		})
	}
}

// The ids of random models: they change when anything that an id binds changes
// its encoding, and then files of others are no longer read.
func TestIDsStay(t *testing.T) {
	want := map[string]string{
		model.BERT:  "2830a8bec21d34a2f2f723a670cea90e5829f3e5147de5784ac032aebf8b8b51",
		model.Llama: "0bcd4dfb566657adc57311f0e578b6ca28216a2a04ea0f4a326d4fd95fe0fa7c",
		model.Qwen2: "073d9634beac38613fa70225094f3da749c4accddc4750bf7d74b90f07944f68",
		model.Qwen3: "14e6fbba4d23356f0c301eae1c632c1e959b08a6cc5a54478da57669fdad7261",
	}
	for _, family := range families {
		_, f := permuted(t, family)
		id, err := f.ID()
		if err != nil {
			t.Fatal(err)
		}
		if id.String() != want[family] {
			t.Errorf("%s: %s, want %s", family, id, want[family])
		}
		f.Blocks, f.Source, f.Template = []model.Refused{{Name: "embedding", Blocks: []uint32{1}}}, &model.Source{Name: "x"}, "y"
		if noted, err := f.ID(); err != nil || noted != id {
			t.Errorf("%s: blocks, source or template changed the id: %v", family, err)
		}
	}
}

// edited returns the file with some tensors or the manifest changed.
func edited(t *testing.T, b []byte, edit func(tensors map[string]*safetensors.Source, data map[string][]byte, metadata map[string]string)) []byte {
	t.Helper()
	f, err := safetensors.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	tensors, data := map[string]*safetensors.Source{}, map[string][]byte{}
	for _, name := range f.Names() {
		x, _ := f.Tensor(name)
		data[name] = make([]byte, x.Size())
		if _, err := x.ReadAt(data[name], 0); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		tensors[name] = &safetensors.Source{Name: name, DType: x.DType, Shape: slices.Clone(x.Shape)}
	}
	metadata := f.Metadata()
	edit(tensors, data, metadata)
	var list []safetensors.Source
	for name, x := range tensors {
		x.Data = safetensors.Bytes(data[name])
		list = append(list, *x)
	}
	var out bytes.Buffer
	if err := safetensors.Write(&out, list, metadata); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestReadRefuses(t *testing.T) {
	type (
		tensors = map[string]*safetensors.Source
		data    = map[string][]byte
		meta    = map[string]string
	)
	manifest := func(old, new string) func(tensors, data, meta) {
		return func(_ tensors, _ data, m meta) {
			if !strings.Contains(m["hearth"], old) {
				t.Fatalf("the manifest has no %s", old)
			}
			m["hearth"] = strings.Replace(m["hearth"], old, new, 1)
		}
	}
	good := file(t, model.Qwen2)
	for _, c := range []struct {
		name string
		edit func(tensors, data, meta)
		want string
	}{
		{"no manifest", func(_ tensors, _ data, m meta) { delete(m, "hearth") }, "it is not a model file of Hearth's"},
		{"later format", manifest(`"format":1`, `"format":2`), "it has format 2, and this program reads format 1"},
		{"unknown key", manifest(`"format":1`, `"format":1,"from":2`), "unknown field"},
		{"second encoding", manifest(`"format":1`, `"format": 1`), "not in its one encoding"},
		{"doubled key", manifest(`"format":1`, `"format":1,"format":1`), "not in its one encoding"},
		{"no JSON", manifest(`{`, `[`), "read a manifest"},
		{"float", manifest(`"layers":2`, `"layers":2.5`), "layers"},
		{"absurd layers", manifest(`"layers":2`, `"layers":1000000000`), "layers is 1000000000: it must be from 1 to 512"},
		{"absurd width", manifest(`"width":64`, `"width":-64`), "width is -64"},
		{"uneven width", manifest(`"width":64`, `"width":65`), "width is 65: it must be a multiple of 64"},
		{"uneven heads", manifest(`"kv_heads":2`, `"kv_heads":3`), "4 heads of queries cannot share 3 heads of keys evenly"},
		{"absurd context", manifest(`"context":64`, `"context":65537`), "context is 65537"},
		{"other vocabulary", manifest(`"vocab":300`, `"vocab":301`), `matrix 0 is "embedding" of 300×64: it must be "embedding" of 301×64`},
		{"stop outside", manifest(`"eos":[2]`, `"eos":[300]`), "eos lists token 300 of a vocabulary of 300"},
		{"no stops", manifest(`"eos":[2]`, `"eos":null`), "eos is null"},
		{"family", manifest(`"qwen2"`, `"mamba"`), `the family "mamba" is not one of`},
		{"kind", manifest(`"decoder"`, `"encoder"`), `a qwen2 model is of the kind "decoder"`},
		{"other epsilon", manifest(`"epsilon":4096`, `"epsilon":4097`), ""},
		{"capitals in a hash", func(_ tensors, _ data, m meta) {
			at := strings.Index(m["hearth"], `"h0":"`) + 6
			m["hearth"] = m["hearth"][:at] + strings.Repeat("A", 64) + m["hearth"][at+64:]
		}, "a hash is written in lower case"},
		{"missing tensor", func(x tensors, _ data, _ meta) { delete(x, "layers.1.up.weight") }, `it lacks the tensor "layers.1.up.weight"`},
		{"missing tokenizer", func(x tensors, _ data, _ meta) { delete(x, "tokenizer.json") }, "it has no tokenizer"},
		{"other tokenizer", func(_ tensors, d data, _ meta) { d["tokenizer.json"][0] ^= 1 }, "its tokenizer does not belong to this model"},
		{"extra tensor", func(x tensors, d data, _ meta) {
			x["virus"], d["virus"] = &safetensors.Source{Name: "virus", DType: safetensors.U8, Shape: []int{3}}, []byte{1, 2, 3}
		}, `it has a tensor "virus", which is no part of the model`},
		{"shape", func(x tensors, _ data, _ meta) { x["layers.0.out.weight"].Shape = []int{32, 128} }, `the tensor "layers.0.out.weight" is I8 [32 128]: it must be I8 [64 64]`},
		{"type", func(x tensors, _ data, _ meta) { x["layers.0.out.weight"].DType = safetensors.U8 }, `the tensor "layers.0.out.weight" is U8 [64 64]: it must be I8`},
		{"weight", func(_ tensors, d data, _ meta) { d["layers.1.up.weight"][7] ^= 1 }, "the weights of layers.1.up are not those of the manifest"},
		{"scale", func(_ tensors, d data, _ meta) { d["layers.1.up.channel"][7] ^= 1 }, "its scales and tables are not those of the manifest"},
		{"bias left out", func(x tensors, _ data, _ meta) { delete(x, "layers.1.qkv.bias") }, "its scales and tables are not those of the manifest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := edited(t, good, c.edit)
			_, _, _, err := model.Read(bytes.NewReader(b), int64(len(b)))
			if c.name == "other epsilon" {
				// What the file says of itself holds together: it is another model.
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestReadRefusesEveryTruncation(t *testing.T) {
	b := file(t, model.BERT)
	for n := 0; n < len(b); n += 1 + n/50 {
		if _, _, _, err := model.Read(bytes.NewReader(b[:n]), int64(n)); err == nil {
			t.Fatalf("the first %d of %d bytes were read", n, len(b))
		}
		// The size is right, but the bytes end.
		if _, _, _, err := model.Read(bytes.NewReader(b[:n]), int64(len(b))); err == nil {
			t.Fatalf("the first %d of %d bytes were read", n, len(b))
		}
	}
}

func TestValidateRefuses(t *testing.T) {
	for _, c := range []struct {
		name, family string
		spoil        func(m *model.Model)
		want         string
	}{
		{"weight", model.Llama, func(m *model.Model) { m.Layers[1].Up.Weight[3] = -128 }, "layers.1.up has a weight of -128"},
		{"weights", model.Llama, func(m *model.Model) { m.Layers[1].Up.Weight = nil }, "layers.1.up has 0 weights and not 16384"},
		{"missing matrix", model.Llama, func(m *model.Model) { m.Layers[1].Up = nil }, "it lacks layers.1.up"},
		{"name", model.Llama, func(m *model.Model) { m.Layers[1].Up.Name = "up" }, `layers.1.up is called "up"`},
		{"channel", model.Llama, func(m *model.Model) { m.Layers[1].Up.Channel[0] = -1 }, "layers.1.up needs 256 factors"},
		{"bias", model.Qwen2, func(m *model.Model) { m.Layers[0].QKV.Bias[0] = 1 << 29 }, "layers.0.qkv needs 128 biases below"},
		{"in", model.Llama, func(m *model.Model) { m.Layers[0].Down.In[0] = -1<<30 - 1 }, "layers.0.down needs 128 factors of inputs"},
		{"exponent", model.Llama, func(m *model.Model) { m.Head.ChannelExp = 1000 }, "head has exponents 1000"},
		{"table's scale", model.Llama, func(m *model.Model) { m.Embedding.Shift = 3 }, "embedding has a scale that"},
		{"table's shift", model.BERT, func(m *model.Model) { m.Position.Shift = 0 }, "position is shifted by 0"},
		{"gain", model.BERT, func(m *model.Model) { m.Layers[0].InnerNorm.Gain[5] = -1 << 31 }, "inner_norm needs 64 gains"},
		{"norm of a decoder", model.Llama, func(m *model.Model) { m.Layers[0].InnerNorm.Gain = make([]int32, 64) }, "a norm of a decoder has its gain"},
		{"norm of queries", model.Llama, func(m *model.Model) { m.Layers[0].QueryNorm.Gain = make([]int32, 16) }, "only qwen3 has norms"},
		{"bits", model.Llama, func(m *model.Model) { m.Layers[0].KeyBits = 13 }, "has 13 fraction bits"},
		{"score", model.Llama, func(m *model.Model) { m.Layers[0].ScoreShift = 64 }, "a score is shifted by 64"},
		{"cosine", model.Llama, func(m *model.Model) { m.Cos[9] = 16385 }, "cos or sin is over one"},
		{"rotation", model.Llama, func(m *model.Model) { m.Sin = m.Sin[1:] }, "sin has 511 numbers and not 512"},
		{"channels", model.Llama, func(m *model.Model) { m.Natural[0] = m.Natural[1] }, "are not a permutation"},
		{"layers", model.Llama, func(m *model.Model) { m.Layers = m.Layers[1:] }, "it has 1 layers and not 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := random(t, 1, c.family)
			c.spoil(m)
			if err := m.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// A vector of length one has room for fewer channels than a product: the wider
// an encoder, the larger the sum of squares.
func TestTheWidestModels(t *testing.T) {
	for family, widest := range map[string]int{model.BERT: 8192, model.Llama: 16384, model.Qwen2: 16384, model.Qwen3: 16384} {
		c := tiny(family)
		c.Width = widest
		if err := c.Validate(); err != nil {
			t.Errorf("%s of width %d: %v", family, c.Width, err)
		}
		c.Width += 64
		if err, want := c.Validate(), fmt.Sprintf("width is %d: it must be from 64 to %d", c.Width, widest); err == nil || err.Error() != want {
			t.Errorf("%s of width %d: %v, want %s", family, c.Width, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, family := range families {
		f.Add(file(f, family))
	}
	f.Add([]byte{})
	f.Add(binary.LittleEndian.AppendUint64(nil, 1<<40))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, manifest, tokenizer, err := model.Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := model.Write(&out, m, manifest, tokenizer); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
	})
}

func FuzzParseManifest(f *testing.F) {
	for _, family := range families {
		_, m := permuted(f, family)
		b, err := m.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := model.ParseManifest(b)
		if err != nil {
			return
		}
		again, err := m.Encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("two encodings of one manifest: %s and %s (%v)", b, again, err)
		}
	})
}
