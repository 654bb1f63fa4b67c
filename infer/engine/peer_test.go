package engine_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"hearth/infer/engine"
	"hearth/infer/importer"
	"hearth/infer/kernel"
)

// BenchmarkBesideOnnxruntime runs all-MiniLM-L6-v2 in this engine and in
// onnxruntime, in float and in its own int8, on the same number of threads of the
// same machine, one after the other, texts one at a time and sixteen at a time;
// each side's faster way counts. It needs HEARTH_PYTHON, a Python with
// onnxruntime, onnx, torch and transformers, and HEARTH_MINILM_DIR, the model's
// folder.
func BenchmarkBesideOnnxruntime(b *testing.B) {
	python, folder := os.Getenv("HEARTH_PYTHON"), os.Getenv("HEARTH_MINILM_DIR")
	if python == "" || folder == "" {
		b.Skip("set HEARTH_PYTHON to a Python with onnxruntime, and HEARTH_MINILM_DIR to the weights of all-MiniLM-L6-v2")
	}
	if b.N > 1 {
		b.Skip("one run is the comparison: -benchtime 1x")
	}
	imported, err := importer.Import(b.Context(), os.DirFS(folder), importer.Options{})
	if err != nil {
		b.Fatal(err)
	}
	plain, err := engine.NewPlain(imported.Model, kernel.Best(), nil)
	if err != nil {
		b.Fatal(err)
	}
	script, err := filepath.Abs("../train/onnx_compare.py")
	if err != nil {
		b.Fatal(err)
	}
	for threads := 1; threads <= min(2, runtime.NumCPU()); threads++ {
		own, err := engine.NewEncoder(imported.Model, plain, kernel.Best(), threads)
		if err != nil {
			b.Fatal(err)
		}
		for _, tokens := range []int{32, 128, 256} {
			ours := fastest(b, own, tokens, threads)
			theirs := peer(b, python, script, folder, tokens, threads)
			name := fmt.Sprintf("%dtokens/%dthreads/", tokens, threads)
			b.ReportMetric(ours, name+"hearth/s")
			for m, rate := range theirs {
				b.ReportMetric(rate, name+m+"/s")
			}
		}
	}
}

// fastest is how many texts a second the engine embeds at its best.
func fastest(b *testing.B, e *engine.Encoder, tokens, threads int) float64 {
	b.Helper()
	best := 0.0
	for _, n := range []int{threads, 16} {
		batch := make([][]int32, n)
		for i := range batch {
			batch[i] = make([]int32, tokens)
			for j := range batch[i] {
				batch[i][j] = int32(1000 + (37*i+101*j)%25000)
			}
		}
		for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
			began := time.Now()
			if _, err := e.Embed(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
			best = max(best, float64(n)/time.Since(began).Seconds())
		}
	}
	return best
}

// peer is the same of onnxruntime, for each of its forms.
func peer(b *testing.B, python, script, folder string, tokens, threads int) map[string]float64 {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), python, script, "--minilm", folder, "--cache", filepath.Join(os.TempDir(), "hearth-onnx"),
		"--threads", strconv.Itoa(threads), "--tokens", strconv.Itoa(tokens), "--batch", "1,16")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("onnxruntime: %v", err)
	}
	var answer struct {
		Results []struct {
			Model string  `json:"model"`
			Rate  float64 `json:"embeddings_per_second"`
		} `json:"results"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		b.Fatalf("onnxruntime: %v", err)
	}
	best := map[string]float64{}
	for _, r := range answer.Results {
		best[r.Model] = max(best[r.Model], r.Rate)
	}
	return best
}
