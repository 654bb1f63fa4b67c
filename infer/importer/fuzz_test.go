package importer_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"hearth/infer/importer"
	"hearth/infer/model"
)

// Whatever the small files say, an import ends with an error or with a model
// that holds together.
func FuzzConfig(f *testing.F) {
	for _, name := range []string{"tiny-llama", "tiny-qwen2", "tiny-qwen3"} {
		f.Add(false, read(f, name, "config.json"), []byte{}, []byte{})
	}
	f.Add(true, read(f, "tiny-bert", "config.json"), read(f, "tiny-bert", "modules.json"), read(f, "tiny-bert", "1_Pooling/config.json"))
	f.Add(false, []byte(`{"architectures":["LlamaForCausalLM"],"hidden_size":9223372036854775807,"num_attention_heads":1,"hidden_act":"silu"}`), []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, encoder bool, config, modules, pooling []byte) {
		name := "tiny-llama"
		if encoder {
			name = "tiny-bert"
		}
		files := fstest.MapFS{
			"config.json":           {Data: config},
			"modules.json":          {Data: modules},
			"1_Pooling/config.json": {Data: pooling},
			"model.safetensors":     {Data: read(t, name, "model.safetensors")},
			"tokenizer.json":        {Data: read(t, name, "tokenizer.json")},
		}
		for _, file := range []string{"modules.json", "1_Pooling/config.json"} {
			if len(files[file].Data) == 0 {
				delete(files, file)
			}
		}
		m, err := importer.Import(t.Context(), files, importer.Options{Texts: []string{"a"}})
		if err != nil {
			return
		}
		if err := model.Verify(m.Model); err != nil {
			t.Fatal(err)
		}
	})
}

func read(t testing.TB, model, file string) []byte {
	t.Helper()
	b, err := fs.ReadFile(tiny(model), file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
