package importer_test

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"hearth/infer/importer"
)

// ggufFile writes a GGUF file of version 3 with tensors of F32.
func ggufFile(metadata map[string]any, shapes map[string][]int, values map[string][]float32) []byte {
	le := binary.LittleEndian
	text := func(b []byte, s string) []byte { return append(le.AppendUint64(b, uint64(len(s))), s...) }
	b := le.AppendUint32([]byte("GGUF"), 3)
	b = le.AppendUint64(b, uint64(len(shapes)))
	b = le.AppendUint64(b, uint64(len(metadata)))
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		b = text(b, key)
		switch v := metadata[key].(type) {
		case int:
			b = le.AppendUint32(le.AppendUint32(b, 4), uint32(v))
		case float64:
			b = le.AppendUint32(le.AppendUint32(b, 6), math.Float32bits(float32(v)))
		case bool:
			b = append(le.AppendUint32(b, 7), 0)
			if v {
				b[len(b)-1] = 1
			}
		case string:
			b = text(le.AppendUint32(b, 8), v)
		case []string:
			b = le.AppendUint64(le.AppendUint32(le.AppendUint32(b, 9), 8), uint64(len(v)))
			for _, s := range v {
				b = text(b, s)
			}
		case []int32:
			b = le.AppendUint64(le.AppendUint32(le.AppendUint32(b, 9), 5), uint64(len(v)))
			for _, x := range v {
				b = le.AppendUint32(b, uint32(x))
			}
		}
	}
	at := 0
	names := slices.Sorted(maps.Keys(shapes))
	for _, name := range names {
		b = text(b, name)
		b = le.AppendUint32(b, uint32(len(shapes[name])))
		for _, d := range slices.Backward(shapes[name]) { // fastest first
			b = le.AppendUint64(b, uint64(d))
		}
		b = le.AppendUint32(b, 0)
		b = le.AppendUint64(b, uint64(at))
		at += (4*len(values[name]) + 31) &^ 31
	}
	for _, name := range names {
		b = append(b, make([]byte, -len(b)&31)...)
		b = append(b, littleEndian(values[name])...)
	}
	return append(b, make([]byte, -len(b)&31)...)
}

// published are the names of tensors as the tools around llama.cpp convert
// them: a part of the name in the Hugging Face files, and what takes its place.
var published = []string{
	"model.embed_tokens.weight", "token_embd.weight",
	"model.norm.weight", "output_norm.weight",
	"lm_head.weight", "output.weight",
	"model.layers.", "blk.",
	"input_layernorm", "attn_norm",
	"self_attn.q_proj", "attn_q", "self_attn.k_proj", "attn_k", "self_attn.v_proj", "attn_v", "self_attn.o_proj", "attn_output",
	"self_attn.q_norm", "attn_q_norm", "self_attn.k_norm", "attn_k_norm",
	"post_attention_layernorm", "ffn_norm",
	"mlp.gate_proj", "ffn_gate", "mlp.up_proj", "ffn_up", "mlp.down_proj", "ffn_down",
	"embeddings.word_embeddings", "token_embd",
	"embeddings.position_embeddings", "position_embd",
	"embeddings.token_type_embeddings", "token_types",
	"embeddings.LayerNorm", "token_embd_norm",
	"encoder.layer.", "blk.",
	"attention.output.LayerNorm", "attn_output_norm",
	"attention.self.query", "attn_q", "attention.self.key", "attn_k", "attention.self.value", "attn_v",
	"attention.output.dense", "attn_output",
	"intermediate.dense", "ffn_up", "output.dense", "ffn_down", "output.LayerNorm", "layer_output_norm",
}

// converted returns a tiny model as a GGUF file, with the tokenizer beside it.
func converted(t *testing.T, name string, metadata map[string]any, pairs int) fstest.MapFS {
	t.Helper()
	files := copied(t, name)
	var whole []byte
	rewritten(t, files["model.safetensors"].Data, func(shapes map[string][]int, values map[string][]float32) {
		replacer := strings.NewReplacer(published...)
		for _, name := range slices.Collect(maps.Keys(shapes)) {
			to := replacer.Replace(strings.TrimPrefix(name, "bert."))
			s, v := shapes[name], values[name]
			delete(shapes, name)
			delete(values, name)
			if strings.Contains(to, "pooler") {
				continue
			}
			if pairs > 0 && (strings.Contains(to, "attn_q.") || strings.Contains(to, "attn_k.")) {
				v = paired(v, s[0], pairs)
			}
			shapes[to], values[to] = s, v
		}
		whole = ggufFile(metadata, shapes, values)
	})
	return fstest.MapFS{"model.gguf": &fstest.MapFile{Data: whole}, "tokenizer.json": files["tokenizer.json"]}
}

// paired puts the rows of each head as llama's converter does: the two of a
// rotary pair side by side.
func paired(v []float32, rows, pairs int) []float32 {
	k := len(v) / rows
	out := make([]float32, 0, len(v))
	for head := 0; head < rows; head += 2 * pairs {
		for i := range pairs {
			out = append(out, v[(head+i)*k:][:k]...)
			out = append(out, v[(head+pairs+i)*k:][:k]...)
		}
	}
	return out
}

func decoderMetadata(architecture string, width, inner, heads, kv, size int, epsilon, base float64) map[string]any {
	m := map[string]any{
		"general.architecture":        architecture,
		"tokenizer.ggml.bos_token_id": 318, "tokenizer.ggml.eos_token_id": 319,
	}
	for key, v := range map[string]any{
		"block_count": 2, "embedding_length": width, "feed_forward_length": inner, "context_length": 256,
		"attention.head_count": heads, "attention.head_count_kv": kv, "attention.key_length": size, "attention.value_length": size,
		"attention.layer_norm_rms_epsilon": epsilon, "rope.freq_base": base,
	} {
		m[architecture+"."+key] = v
	}
	return m
}

var bertMetadata = map[string]any{
	"general.architecture": "bert",
	"bert.block_count":     2, "bert.embedding_length": 64, "bert.feed_forward_length": 128, "bert.context_length": 96,
	"bert.attention.head_count": 4, "bert.attention.layer_norm_epsilon": 1e-12, "bert.pooling_type": 1,
	"tokenizer.ggml.padding_token_id": 0,
}

func TestGGUFFollowsTheFloatModel(t *testing.T) {
	t.Run("encoder", func(t *testing.T) {
		var g struct {
			IDs        [][]int32   `json:"ids"`
			Embeddings [][]float64 `json:"embeddings"`
		}
		golden(t, "tiny-bert", &g)
		m := bring(t, converted(t, "tiny-bert", bertMetadata, 0), quick).Model
		for i, v := range embed(t, m, g.IDs) {
			if c := cosine(v, g.Embeddings[i]); c < 0.998 {
				t.Errorf("text %d: cosine %.4f", i, c)
			}
		}
	})
	for _, c := range []struct {
		name     string
		metadata map[string]any
		pairs    int
	}{
		{"tiny-llama", decoderMetadata("llama", 128, 64, 4, 1, 32, 1e-5, 10000), 16},
		{"tiny-qwen2", decoderMetadata("qwen2", 64, 192, 4, 2, 16, 1e-6, 1e6), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var g struct {
				Prompts [][]int32   `json:"prompts"`
				Last    [][]float64 `json:"last"`
			}
			golden(t, c.name, &g)
			m := bring(t, converted(t, c.name, c.metadata, c.pairs), quick).Model
			for i, prompt := range g.Prompts {
				logits := score(t, m, prompt)
				if c := cosine(logits[(len(prompt)-1)*m.Config.Vocab:], g.Last[i]); c < 0.99 {
					t.Errorf("prompt %d: cosine of the last logits %.4f", i, c)
				}
			}
		})
	}
}

func TestGGUFRefuses(t *testing.T) {
	for _, c := range []struct {
		key   string
		value any // nil: left out
		want  string
	}{
		{"general.architecture", "rwkv", `its architecture is "rwkv"`},
		{"general.architecture", nil, `its architecture is ""`},
		{"llama.block_count", nil, `no number "llama.block_count"`},
		{"llama.block_count", "two", `no number "llama.block_count"`},
		{"llama.block_count", 1 << 30, "layers is 1073741824"},
		{"llama.attention.head_count", 0, "among 0 heads"},
		{"llama.attention.head_count", 3, "among 3 heads"},
		{"llama.attention.value_length", 64, "its values 64"},
		{"llama.rope.dimension_count", 8, "only 8 of 32 channels"},
		{"llama.rope.scaling.type", "yarn", `of the kind "yarn"`},
		{"llama.rope.freq_base", 0.0, "rope_theta is 0"},
		{"llama.attention.layer_norm_rms_epsilon", math.NaN(), "epsilon is NaN"},
		{"llama.context_length", 0, "context is 0"},
		{"llama.embedding_length", 256, "the configuration calls for [320 256]"},
	} {
		t.Run(fmt.Sprint(c.key, " ", c.value), func(t *testing.T) {
			metadata := decoderMetadata("llama", 128, 64, 4, 1, 32, 1e-5, 10000)
			if metadata[c.key] = c.value; c.value == nil {
				delete(metadata, c.key)
			}
			_, err := importer.Import(t.Context(), converted(t, "tiny-llama", metadata, 16), quick)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	t.Run("no tokenizer", func(t *testing.T) {
		files := converted(t, "tiny-llama", decoderMetadata("llama", 128, 64, 4, 1, 32, 1e-5, 10000), 16)
		delete(files, "tokenizer.json")
		if _, err := importer.Import(t.Context(), files, quick); err == nil || !strings.Contains(err.Error(), "put the tokenizer.json of the model") {
			t.Fatal(err)
		}
	})
	t.Run("two files", func(t *testing.T) {
		files := fs.FS(fstest.MapFS{"a.gguf": &fstest.MapFile{}, "b.gguf": &fstest.MapFile{}})
		if _, err := importer.Import(t.Context(), files, quick); err == nil || !strings.Contains(err.Error(), "it has 2 .gguf files") {
			t.Fatal(err)
		}
	})
}
