package importer_test

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"hearth/infer/importer"
	"hearth/infer/model"
)

// Whatever finite numbers a tensor has, a model comes of it that holds together,
// or an error that says what is too large: never a number that processors round
// to another byte.
func TestExtremeNumbersAreImportedOrRefused(t *testing.T) {
	extremes := map[string]func(i int) float32{
		"zeros":     func(int) float32 { return 0 },
		"denormals": func(i int) float32 { return math.SmallestNonzeroFloat32 * float32(1+i%3) },
		"tiny":      func(i int) float32 { return 1e-30 * float32(i%7-3) },
		"large":     func(i int) float32 { return 1e6 * float32(i%7-3) },
		"largest":   func(i int) float32 { return math.MaxFloat32 * float32(1-i%2*2) },
		"one row":   func(i int) float32 { return float32(min(i, 64) / 64) },
	}
	refused, imported := 0, 0
	names := []string{"tiny-bert", "tiny-qwen3"}
	if testing.Short() {
		names = names[:1]
	}
	for _, name := range names {
		files := copied(t, name)
		whole := files["model.safetensors"].Data
		var tensors []string
		rewritten(t, whole, func(s map[string][]int, _ map[string][]float32) { tensors = slices.Sorted(maps.Keys(s)) })
		for _, tensor := range tensors {
			if strings.Contains(tensor, "layers.1.") || strings.Contains(tensor, "layer.1.") {
				continue
			}
			for kind, number := range extremes {
				files["model.safetensors"].Data = rewritten(t, whole, func(_ map[string][]int, v map[string][]float32) {
					for i := range v[tensor] {
						v[tensor][i] = number(i)
					}
				})
				m, err := importer.Import(t.Context(), files, importer.Options{Texts: []string{"a cat"}})
				if err != nil {
					refused++
					continue
				}
				imported++
				if err := model.Verify(m.Model); err != nil {
					t.Errorf("%s: %s of %s: %v", name, kind, tensor, err)
				}
				for _, l := range m.Losses {
					if !(l.Loss >= 0 && l.Loss < 100) {
						t.Errorf("%s: %s of %s: %s loses %v", name, kind, tensor, l.Name, l.Loss)
					}
				}
			}
		}
	}
	t.Logf("%d models were imported, %d refused", imported, refused)
	if imported == 0 || refused == 0 {
		t.Error("the test shows nothing")
	}
}
