package hub

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hearth/infer/safetensors"
)

// published is a very small model as its maker would publish it.
func published(t *testing.T) map[string][]byte {
	t.Helper()
	words := []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "the", "house", "is", "warm", "cold", "##s", "."}
	vocab := map[string]int{}
	for i, w := range words {
		vocab[w] = i
	}
	special := func(id int) map[string]any {
		return map[string]any{
			"id": id, "content": words[id], "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true,
		}
	}
	piece := func(kind, id string) map[string]any {
		return map[string]any{kind: map[string]any{"id": id, "type_id": 0}}
	}
	tokenizer, err := json.Marshal(map[string]any{
		"version": "1.0", "truncation": nil, "padding": nil,
		"added_tokens":  []any{special(0), special(1), special(2), special(3)},
		"normalizer":    map[string]any{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": nil, "lowercase": true},
		"pre_tokenizer": map[string]any{"type": "BertPreTokenizer"},
		"post_processor": map[string]any{
			"type":   "TemplateProcessing",
			"single": []any{piece("SpecialToken", "[CLS]"), piece("Sequence", "A"), piece("SpecialToken", "[SEP]")},
			"pair":   []any{piece("SpecialToken", "[CLS]"), piece("Sequence", "A"), piece("SpecialToken", "[SEP]"), map[string]any{"Sequence": map[string]any{"id": "B", "type_id": 1}}, map[string]any{"SpecialToken": map[string]any{"id": "[SEP]", "type_id": 1}}},
			"special_tokens": map[string]any{
				"[CLS]": map[string]any{"id": "[CLS]", "ids": []int{2}, "tokens": []string{"[CLS]"}},
				"[SEP]": map[string]any{"id": "[SEP]", "ids": []int{3}, "tokens": []string{"[SEP]"}},
			},
		},
		"decoder": map[string]any{"type": "WordPiece", "prefix": "##", "cleanup": true},
		"model": map[string]any{
			"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocab,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	const width, inner, context = 64, 128, 32
	config, err := json.Marshal(map[string]any{
		"architectures": []string{"BertModel"}, "model_type": "bert", "hidden_act": "gelu", "hidden_size": width, "intermediate_size": inner,
		"layer_norm_eps": 1e-12, "max_position_embeddings": context, "num_attention_heads": 4, "num_hidden_layers": 1,
		"pad_token_id": 0, "position_embedding_type": "absolute", "type_vocab_size": 2, "vocab_size": len(words),
	})
	if err != nil {
		t.Fatal(err)
	}
	var tensors []safetensors.Source
	state := uint32(1)
	add := func(name string, at float64, shape ...int) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		b := make([]byte, 0, 4*n)
		for range n {
			state = state*1664525 + 1013904223
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(at+float64(int32(state))/(1<<34))))
		}
		tensors = append(tensors, safetensors.Source{Name: name, DType: safetensors.F32, Shape: shape, Data: safetensors.Bytes(b)})
	}
	norm := func(name string) { add(name+".weight", 1, width); add(name+".bias", 0, width) }
	dense := func(name string, n, k int) { add(name+".weight", 0, n, k); add(name+".bias", 0, n) }
	add("embeddings.word_embeddings.weight", 0, len(words), width)
	add("embeddings.position_embeddings.weight", 0, context, width)
	add("embeddings.token_type_embeddings.weight", 0, 2, width)
	norm("embeddings.LayerNorm")
	for _, n := range []string{"query", "key", "value"} {
		dense("encoder.layer.0.attention.self."+n, width, width)
	}
	dense("encoder.layer.0.attention.output.dense", width, width)
	norm("encoder.layer.0.attention.output.LayerNorm")
	dense("encoder.layer.0.intermediate.dense", inner, width)
	dense("encoder.layer.0.output.dense", width, inner)
	norm("encoder.layer.0.output.LayerNorm")
	var weights bytes.Buffer
	if err := safetensors.Write(&weights, tensors, map[string]string{"format": "pt"}); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"config.json": config, "tokenizer.json": tokenizer, "model.safetensors": weights.Bytes(),
		// What no import reads: it must not be fetched.
		"pytorch_model.bin": []byte("pickle"), "README.md": []byte("# A model"), "../escape": []byte("x"),
	}
}

const testCommit = "0123456789abcdef0123456789abcdef01234567"

// hubServer is a model hub with one repository, me/tiny.
func hubServer(t *testing.T, files map[string][]byte, asked *log) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.add(r)
		if strings.HasPrefix(r.URL.Path, "/api/models/me/tiny/revision/") {
			var siblings []any
			for name, b := range files {
				f := map[string]any{"rfilename": name, "size": len(b), "blobId": blobOf(b)}
				if strings.HasSuffix(name, ".safetensors") {
					f["lfs"] = map[string]any{"sha256": sumOf(b), "size": len(b), "pointerSize": 134}
				}
				siblings = append(siblings, f)
			}
			json.NewEncoder(w).Encode(map[string]any{"sha": testCommit, "siblings": siblings})
			return
		}
		name, ok := strings.CutPrefix(r.URL.Path, "/me/tiny/resolve/"+testCommit+"/")
		b, there := files[name]
		if !ok || !there {
			http.NotFound(w, r)
			return
		}
		file(w, r, b)
	}).URL
}

// wheelOf packs files as a Python package carries them.
func wheelOf(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add := func(name string, content []byte) {
		f, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		f.Write(content)
	}
	add("tiny/__init__.py", []byte("import os"))
	for name, content := range files {
		add("tiny/model/"+name, content)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// indexServer is a package index with one wheel; in JSON, or in HTML.
func indexServer(t *testing.T, wheel []byte, asJSON bool, asked *log) string {
	t.Helper()
	const name = "tiny-1.0-py3-none-any.whl"
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.add(r)
		switch {
		case r.URL.Path == "/simple/tiny/" && asJSON:
			w.Header().Set("Content-Type", "application/vnd.pypi.simple.v1+json")
			fmt.Fprintf(w, `{"files":[{"filename":"tiny-1.0.tar.gz","url":"../../files/tiny-1.0.tar.gz"},{"filename":%q,"url":"../../files/%s"}]}`, name, name)
		case r.URL.Path == "/simple/tiny/":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, "<!DOCTYPE html><a href='../../files/tiny-1.0.tar.gz'>x</a><br/><a data-x=\"1\" href=\"../../files/%s#sha256=00\" >%s</a>", name, name)
		case r.URL.Path == "/files/"+name:
			file(w, r, wheel)
		default:
			http.NotFound(w, r)
		}
	}).URL + "/simple"
}

// known describes the published model as the program knows its own.
func knownOf(files map[string][]byte, wheel []byte) []KnownModel {
	k := KnownModel{
		Name: "tiny", Repository: "me/tiny",
		Package: PythonPackage{
			Project: "tiny", Version: "1.0", Wheel: "tiny-1.0-py3-none-any.whl",
			Size: int64(len(wheel)), SHA256: sumOf(wheel), Folder: "tiny/model",
		},
	}
	for _, name := range []string{"config.json", "tokenizer.json", "model.safetensors"} {
		k.Files = append(k.Files, Pinned{name, int64(len(files[name])), sumOf(files[name])})
	}
	return []KnownModel{k}
}

func noPause(int) time.Duration { return 0 }

// nowhere is an address at which nobody listens.
const nowhere = "http://127.0.0.1:1"

func writeFolder(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, b := range files {
		if strings.HasPrefix(name, "..") {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
