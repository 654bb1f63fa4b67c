package engine

import (
	"cmp"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zeebo/blake3"

	"hearth/infer/kernel"
	"hearth/infer/model"
)

var update = flag.Bool("update", false, "write the golden files anew")

// trace is what a product was given and gave, row by row.
type trace struct {
	sync.Mutex
	rows map[place][32]byte
}

// place is one row of one product.
type place struct {
	model.Row
	model.Operation
}

// watch returns p, watched.
func (tr *trace) watch(m *model.Model, p model.Product) model.Product {
	tr.rows = map[place][32]byte{}
	return Watched{Product: p, See: func(c []int32, a []uint8, rows []model.Row, at model.Operation) error {
		w := m.Head
		if at.Kind != model.Head {
			l := m.Layers[at.Layer]
			w = map[model.OperationKind]*model.Linear{model.QKV: l.QKV, model.Out: l.Out, model.Up: l.Up, model.Down: l.Down}[at.Kind]
		}
		for i, row := range rows {
			h := blake3.New()
			_, _ = h.Write(a[i*kernel.Stride(w.K):][:w.K])
			hashInts(h, c[i*w.N:][:w.N])
			tr.Lock()
			tr.rows[place{row, at}] = [32]byte(h.Sum(nil))
			tr.Unlock()
		}
		return nil
	}}
}

// sum is one hash for all, in the order of sequences, tokens and products.
func (tr *trace) sum() string {
	h := blake3.New()
	for _, p := range slices.SortedFunc(maps.Keys(tr.rows), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.Position, b.Position),
			cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.Kind, b.Kind))
	}) {
		row := tr.rows[p]
		_, _ = h.Write(row[:])
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:16])
}

func hashInts(h *blake3.Hasher, x []int32) {
	b := make([]byte, 0, 4*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	_, _ = h.Write(b)
}

func hashOf(rows ...[]int32) string {
	h := blake3.New()
	for _, x := range rows {
		hashInts(h, x)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:16])
}

// TestEveryLevelGivesTheSameBits compares outputs, and all that went into
// products and came out, with the golden file: on every level that runs here,
// alone and with a team, and in builds without assembly.
func TestEveryLevelGivesTheSameBits(t *testing.T) {
	const golden = "testdata/golden.txt"
	team := kernel.NewTeam(2)
	defer team.Close()
	lines := func(level kernel.Level, team *kernel.Team) string {
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(decoders)) {
			output, trace := goldenDecoder(t, decoders[name], level, team)
			fmt.Fprintf(&b, "%s: logits %s, products %s\n", name, output, trace)
		}
		for _, c := range []model.Config{bert, bertC} {
			output, trace := goldenEncoder(t, c, level, team.Size())
			fmt.Fprintf(&b, "bert %s: vectors %s, products %s\n", c.Pooling, output, trace)
		}
		return b.String()
	}
	if *update {
		if err := os.WriteFile(golden, []byte(lines(kernel.Go, nil)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	for _, level := range kernel.Levels() {
		for _, team := range []*kernel.Team{nil, team} {
			if got := lines(level, team); got != string(want) {
				t.Errorf("level %v with %d threads gives\n%s\nthe golden file has\n%s", level, team.Size(), got, want)
			}
		}
	}
}

func goldenDecoder(t *testing.T, c model.Config, level kernel.Level, team *kernel.Team) (output, products string) {
	m := randomModel(t, c)
	d := decoder(t, m, level, team, 3*96)
	var tr trace
	d.product = tr.watch(m, d.product)
	var chunks []Chunk
	var logits [][]int32
	for i := range 3 {
		s, _, err := d.Begin(uint64(i), nil, 50)
		if err != nil {
			t.Fatal(err)
		}
		logits = append(logits, make([]int32, 5*c.Vocab))
		chunks = append(chunks, Chunk{s, tokens(c, 7+13*i, i), nil})
	}
	for step := range 5 {
		for i := range chunks {
			chunks[i].Logits = logits[i][step*c.Vocab:][:c.Vocab]
		}
		if err := d.Step(chunks); err != nil {
			t.Fatal(err)
		}
		for i := range chunks {
			chunks[i].Tokens = []int32{Likeliest(chunks[i].Logits)}
		}
	}
	return hashOf(logits...), tr.sum()
}

func goldenEncoder(t *testing.T, c model.Config, level kernel.Level, workers int) (output, products string) {
	m := randomModel(t, c)
	p, err := NewPlain(m, level, nil)
	if err != nil {
		t.Fatal(err)
	}
	var tr trace
	e, err := NewEncoder(m, tr.watch(m, p), level, workers)
	if err != nil {
		t.Fatal(err)
	}
	var batch [][]int32
	for _, n := range []int{1, 2, 15, 16, 17, 33, 64, 80} {
		batch = append(batch, tokens(c, n, n))
	}
	vectors, err := e.Embed(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	return hashOf(vectors...), tr.sum()
}

func TestAPassCanBeStoppedAtARow(t *testing.T) {
	at := place{model.Row{Sequence: 9, Position: 12}, model.Operation{Layer: 1, Kind: model.Up}}
	stop := func(seen *int) func([]int32, []uint8, []model.Row, model.Operation) error {
		return func(_ []int32, _ []uint8, rows []model.Row, here model.Operation) error {
			*seen++
			if here == at.Operation && slices.Contains(rows, at.Row) {
				return ErrStopped
			}
			return nil
		}
	}
	t.Run("decoder", func(t *testing.T) {
		d := decoder(t, randomModel(t, llama), kernel.Best(), nil, 96)
		seen := 0
		d.product = Watched{d.product, stop(&seen)}
		s, _, err := d.Begin(at.Sequence, nil, 20)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Step([]Chunk{{s, tokens(llama, 20, 1), nil}}); !errors.Is(err, ErrStopped) {
			t.Errorf("the step ends with: %v", err)
		}
		if seen != 7 || s.Len() != 0 {
			t.Errorf("%d products were computed and %d tokens taken, it should be 7 and none", seen, s.Len())
		}
	})
	t.Run("encoder", func(t *testing.T) {
		m := randomModel(t, bert)
		p, err := NewPlain(m, kernel.Best(), nil)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		e, err := NewEncoder(m, Watched{p, stop(&seen)}, kernel.Best(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.EmbedFrom(t.Context(), at.Sequence, [][]int32{tokens(bert, 20, 1)}); !errors.Is(err, ErrStopped) {
			t.Errorf("the pass ends with: %v", err)
		}
		if seen != 7 {
			t.Errorf("%d products were computed, it should be 7", seen)
		}
		if _, err := e.EmbedFrom(t.Context(), 0, [][]int32{tokens(bert, 20, 1)}); err != nil {
			t.Errorf("the next pass: %v", err)
		}
	})
}
