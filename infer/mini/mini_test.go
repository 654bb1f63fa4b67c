package mini_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"testing"

	"hearth/infer/engine"
	"hearth/infer/importer"
	"hearth/infer/kernel"
	"hearth/infer/mini"
	"hearth/infer/model"
	"hearth/infer/token"
)

func load(t *testing.T) (*model.Model, *token.Tokenizer) {
	t.Helper()
	m, _, file, err := mini.Load()
	if err != nil {
		t.Fatal(err)
	}
	tokenizer, err := token.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	return m, tokenizer
}

var update = flag.Bool("update", false, "make hearth-mini.hearth anew of the weights in source")

// The same weights give the same file on every machine.
func TestTheModelIsThatOfItsSource(t *testing.T) {
	if testing.Short() {
		t.Skip("importing takes ten seconds")
	}
	source := os.DirFS("source")
	var files []model.SourceFile
	for _, name := range []string{"config.json", "model.safetensors", "tokenizer.json"} {
		b, err := fs.ReadFile(source, name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, model.SourceFile{Name: name, SHA256: fmt.Sprintf("%x", sha256.Sum256(b))})
	}
	m, err := importer.Import(t.Context(), source, importer.Options{
		Source: &model.Source{Name: mini.Name, Licence: "Apache-2.0", Files: files},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range m.Losses {
		t.Logf("%-14s %.2f %%", l.Name, 100*l.Loss)
	}
	var made bytes.Buffer
	if err := model.Write(&made, m.Model, m.Manifest, m.Tokenizer); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("hearth-mini.hearth", made.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	carried, err := io.ReadAll(mini.File())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(made.Bytes(), carried) {
		id, err := m.Manifest.ID()
		t.Errorf("the weights in source give %s (%v), which is not what the package carries: run go generate ./infer/mini", id, err)
	}
}

func TestTheModelIsWhole(t *testing.T) {
	m, _ := load(t)
	if err := model.Verify(m); err != nil {
		t.Error(err)
	}
	if m.Config.ActivationLimit != 95 {
		t.Errorf("activations up to %d: tickets cannot be made", m.Config.ActivationLimit)
	}
}

// Perplexity on text that training did not see, against what PyTorch measured
// with the weights in floating point on the same windows.
func TestPerplexityFollowsTheFloatModel(t *testing.T) {
	var documents []string
	var want struct {
		Windows [][3]float64 `json:"windows"` // document, tokens scored, sum of their logarithms
	}
	read(t, "heldout.json", &documents)
	read(t, "perplexity.json", &want)
	m, tokenizer := load(t)
	windows := windows(t, tokenizer, documents)
	if len(windows) != len(want.Windows) {
		t.Fatalf("%d windows, and the golden file has %d", len(windows), len(want.Windows))
	}
	level := kernel.Best()
	team := kernel.NewTeam(2)
	defer team.Close()
	p, err := engine.NewPlain(m, level, team)
	if err != nil {
		t.Fatal(err)
	}
	d, err := engine.NewDecoder(m, p, engine.Settings{Level: level, Team: team, Rows: 256, CacheBytes: 1 << 24})
	if err != nil {
		t.Fatal(err)
	}
	step := 1
	if testing.Short() || kernel.Best() == kernel.Go {
		step = 20
	}
	var got, float, tokens float64
	for i := 0; i < len(windows); i += step {
		ids := windows[i]
		if int(want.Windows[i][1]) != len(ids)-1 {
			t.Fatalf("window %d has %d tokens to score, and the golden file %v", i, len(ids)-1, want.Windows[i][1])
		}
		got += score(t, d, m.Config.Vocab, uint64(i), ids)
		float += want.Windows[i][2]
		tokens += want.Windows[i][1]
	}
	whole, exact := math.Exp(-got/tokens), math.Exp(-float/tokens)
	t.Logf("%.0f tokens: perplexity %.3f in whole numbers, %.3f in floating point: %+.2f %%", tokens, whole, exact, 100*(whole/exact-1))
	if whole > 1.02*exact {
		t.Error("it should be at most 2 % more")
	}
}

func read(t *testing.T, name string, v any) {
	t.Helper()
	b, err := os.ReadFile("../testdata/mini/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

// windows cuts documents as the golden file says: the beginning of text and up
// to 255 tokens, if there are 16 at least.
func windows(t *testing.T, tokenizer *token.Tokenizer, documents []string) [][]int32 {
	t.Helper()
	const most, least = 255, 16
	begin, ok := tokenizer.ID("<|bos|>")
	if !ok {
		t.Fatal("the tokenizer has no <|bos|>")
	}
	var all [][]int32
	for _, text := range documents {
		ids, err := tokenizer.Encode(text, token.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for len(ids) >= least {
			n := min(most, len(ids))
			all = append(all, append([]int32{begin}, ids[:n]...))
			ids = ids[n:]
		}
	}
	return all
}

// score returns the sum of the logarithms of the probabilities of all tokens
// but the first.
func score(t *testing.T, d *engine.Decoder, vocab int, number uint64, ids []int32) float64 {
	t.Helper()
	s, _, err := d.Begin(number, ids, len(ids))
	if err != nil {
		t.Fatal(err)
	}
	defer d.End(s)
	logits := make([]int32, len(ids)*vocab)
	if err := d.Step([]engine.Chunk{{Sequence: s, Tokens: ids, Logits: logits}}); err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for p, next := range ids[1:] {
		row := logits[p*vocab:][:vocab]
		total := 0.0
		for _, v := range row {
			total += math.Exp(float64(v-row[next]) / 65536)
		}
		sum -= math.Log(total)
	}
	return sum
}
