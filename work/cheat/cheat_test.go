package cheat

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"hearth/infer/importer"
	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/work"
	"hearth/work/admission"
)

// trained are weights as a trained model has them: normal, each column at full
// range.
func trained(r *rand.Rand, n, k int) []int8 {
	w := make([]int8, n*k)
	for c := range n {
		row := make([]float64, k)
		most := 0.0
		for i := range row {
			row[i] = r.NormFloat64()
			most = max(most, math.Abs(row[i]))
		}
		for i, v := range row {
			w[c*k+i] = int8(math.RoundToEven(127 * v / most))
		}
	}
	return w
}

func attempt(r *rand.Rand, k int, weights []int8) *Tile {
	t := &Tile{K: k, Weights: weights, Row: make([]uint8, k), Perm: work.Permutation(kernel.Go, model.Hash{1}, k)}
	t.Noise = make([]int8, t.Rank())
	for i := range t.Noise {
		t.Noise[i] = int8(r.IntN(64)) - 32
	}
	for i := range t.Row {
		t.Row[i] = uint8(128 + min(max(int(r.NormFloat64()*25), -95), 95))
	}
	for i := range t.Initial {
		t.Initial[i] = r.Uint32()
	}
	return t
}

var shapes = []int{256, 384, 1536, 2048}

func TestTheHonestTranscriptIsThatOfTheKernel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, k := range shapes {
		tile := attempt(r, k, trained(r, work.TileColumns, k))
		got, cost := Honest(tile)
		if cost != int(work.TileWork(k)) {
			t.Errorf("k = %d: it takes %d multiply-accumulates, want %d", k, cost, work.TileWork(k))
		}
		// The kernel sums the bytes as stored, 128 above their values.
		want := tile.Initial
		noisy := make([]uint8, k)
		kernel.Noise(kernel.Best(), noisy, tile.Row, tile.Noise, tile.Perm)
		if err := kernel.Tile(kernel.Best(), &want, noisy, tile.Weights); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("k = %d: transcript %x, want %x", k, got, want)
		}
	}
}

// No strategy that the rules allow spends less on a ticket than the honest
// miner, on weights that admission admits.
func TestNothingAllowedIsCheaperThanInference(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	exact := func(f func(*Tile) (Transcript, int), like func(*Tile) (Transcript, int)) func(*testing.T, *Tile) float64 {
		return func(t *testing.T, tile *Tile) float64 {
			want, honest := like(tile)
			got, cost := f(tile)
			if got != want {
				t.Fatal("the transcript is another: the strategy is none")
			}
			return float64(cost) / float64(honest)
		}
	}
	bound := func(f Bound) func(*testing.T, *Tile) float64 {
		return func(_ *testing.T, tile *Tile) float64 { return float64(f(tile)) / float64(work.TileWork(tile.K)) }
	}
	for _, k := range shapes {
		weights := trained(r, work.TileColumns, k)
		if x, err := admission.Examine(model.Operation{Layer: 1}, weights, work.TileColumns, k); err != nil || len(x.Refused()) > 0 {
			t.Fatalf("the weights are not admitted: %v, %v", x, err)
		}
		for _, s := range []struct {
			name  string
			ratio func(*testing.T, *Tile) float64
		}{
			{"cached product", exact(Cached, Honest)},
			{"cached product, zeros skipped by both", exact(CachedSkipping, HonestSkipping)},
			{"cached product, buckets of equal noise", exact(Buckets, Honest)},
			{"rank of blocks and their parts", bound(ByRank)},
			{"columns that repeat", bound(ByColumns)},
			{"rows that repeat", bound(ByRows)},
		} {
			t.Run(fmt.Sprintf("%s/k=%d", s.name, k), func(t *testing.T) {
				total := 0.0
				const attempts = 12 // of 32 or 64 elements of noise each: a zero more or less is 3 % of one
				for range attempts {
					total += s.ratio(t, attempt(r, k, weights))
				}
				t.Logf("%.4f of the honest miner's work", total/attempts)
				if total/attempts < 0.98 {
					t.Errorf("it takes %.3f of the honest miner's work", total/attempts)
				}
			})
		}
	}
}

// The same on the weights of a real model, as Hearth imports it. HEARTH_MINILM_DIR
// is a folder with config.json, tokenizer.json and model.safetensors of
// all-MiniLM-L6-v2.
func TestNothingAllowedIsCheaperOnARealModel(t *testing.T) {
	dir := os.Getenv("HEARTH_MINILM_DIR")
	if dir == "" {
		t.Skip("HEARTH_MINILM_DIR does not name a folder with all-MiniLM-L6-v2")
	}
	imported, err := importer.Import(t.Context(), os.DirFS(dir), importer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(9, 9))
	sums := map[string]float64{}
	tiles := 0
	for i := range imported.Model.Layers {
		l := &imported.Model.Layers[i]
		for _, x := range []*model.Linear{l.Out, l.Up, l.Down} {
			for tile := 0; tile < x.N/work.TileColumns; tile += 2 {
				a := attempt(r, x.K, x.Weight[tile*work.TileColumns*x.K:][:work.TileColumns*x.K])
				honest := float64(work.TileWork(x.K))
				_, skipping := HonestSkipping(a)
				_, skipped := CachedSkipping(a)
				sums["zeros skipped by both"] += float64(skipped) / float64(skipping)
				sums["rank"] += float64(ByRank(a)) / honest
				sums["columns"] += float64(ByColumns(a)) / honest
				sums["rows"] += float64(ByRows(a)) / honest
				tiles++
			}
		}
	}
	for name, sum := range sums {
		t.Logf("%s: %.4f of the honest miner's work, mean of %d tiles", name, sum/float64(tiles), tiles)
		if sum/float64(tiles) < 0.98 {
			t.Errorf("%s: it takes %.3f of the honest miner's work", name, sum/float64(tiles))
		}
	}
}

func TestABatchOfAttemptsCostsWhatItsAttemptsCost(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	const k = 384
	weights := trained(r, work.TileColumns, k)
	tiles := make([]*Tile, 5)
	for i := range tiles {
		tiles[i] = attempt(r, k, weights)
	}
	got, cost := Batched(tiles)
	for i, tile := range tiles {
		if want, _ := Honest(tile); got[i] != want {
			t.Errorf("attempt %d has another transcript", i)
		}
	}
	if want := len(tiles) * int(work.TileWork(k)); cost != want {
		t.Errorf("%d attempts cost %d, want %d", len(tiles), cost, want)
	}
}

func TestARowOfZerosIsNoCheaper(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	tile := attempt(r, 384, trained(r, work.TileColumns, 384))
	for i := range tile.Row {
		tile.Row[i] = 128
	}
	want, honest := Honest(tile)
	got, cost := Cached(tile)
	if got != want || cost < honest {
		t.Errorf("a row of zeros costs %d of %d", cost, honest)
	}
}

// Weights that would make tickets cheap, and the test of admission that refuses
// them.
func TestCheapWeightsWouldPayAndAreRefused(t *testing.T) {
	const k = 384
	for _, c := range []struct {
		name   string
		change func(w []int8)
		bound  Bound
		saves  float64 // at least
		test   admission.Test
	}{
		{"duplicated columns", func(w []int8) {
			for c := 0; c < work.TileColumns; c += 2 {
				copy(w[(c+1)*k:(c+2)*k], w[c*k:])
			}
		}, ByColumns, 0.45, admission.Columns},
		{"negated columns", func(w []int8) {
			for c := 0; c < work.TileColumns; c += 2 {
				for i := range k {
					w[(c+1)*k+i] = -w[c*k+i]
				}
			}
		}, ByColumns, 0.45, admission.Columns},
		{"duplicated rows", func(w []int8) {
			for c := range work.TileColumns {
				for i := 0; i < k; i += 2 {
					w[c*k+i+1] = w[c*k+i]
				}
			}
		}, ByRows, 0.45, admission.Rows},
		{"two of four are zero", func(w []int8) {
			for i := range w {
				if i%4 < 2 {
					w[i] = 0
				}
			}
		}, ByColumns, 0.45, admission.Zeros},
		{"identity-like", func(w []int8) {
			clear(w)
			for c := range work.TileColumns {
				for i := c % 32; i < k; i += 32 {
					w[c*k+i] = 127
				}
			}
		}, ByColumns, 0.9, admission.Zeros},
		{"low rank", func(w []int8) {
			for c := range work.TileColumns {
				for i := range k {
					w[c*k+i] = w[c%8*k+i]/2 + w[c/16*k+i]/2
				}
			}
		}, ByRank, 0.45, admission.Rank},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(5, 5))
			w := trained(r, work.TileColumns, k)
			c.change(w)
			ratio := float64(c.bound(attempt(r, k, w))) / float64(work.TileWork(k))
			t.Logf("%.3f of the honest miner's work", ratio)
			if ratio > 1-c.saves {
				t.Errorf("it takes %.3f of the honest miner's work: the cheat is too clumsy to show anything", ratio)
			}
			x, err := admission.Examine(model.Operation{Layer: 1}, w, work.TileColumns, k)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(x.Failed[c.test], 0) {
				t.Errorf("admission does not refuse it by %q: %v", c.test, x.Failed)
			}
		})
	}
}

// Tables of what noise adds to the sums replace products by additions whose
// operands come from memory. That is cheaper only to count, not to do: a core
// multiplies 64 to 128 pairs of bytes in a cycle and reads at most 32 bytes from
// its third-level cache in that time; from main memory a processor or a GPU reads
// one byte in the time of 5 to 200 products.
func TestTablesAreBoundByMemory(t *testing.T) {
	const near, far = 1 << 20, 1200 << 20 // second-level cache of a core, the largest third-level cache there is
	perByte := func(size float64) float64 {
		switch {
		case size <= near:
			return 0
		case size <= far:
			return 2
		}
		return 5
	}
	for _, k := range []int{256, 1024, 2048, 4096, 16384} {
		honest := float64(work.TileWork(k))
		for g := 1; g <= 5; g++ {
			additions, read, size := Tables(k, kernel.Rank(k), g)
			cost := (float64(additions) + float64(read)*perByte(size)) / honest
			t.Logf("k = %d, %d elements at a time: %.2f of the operations, %.1e bytes of tables, %.2f in all", k, g, float64(additions)/honest, size, cost)
			if cost < 0.98 {
				t.Errorf("k = %d: tables of %d elements at a time cost %.2f", k, g, cost)
			}
		}
	}
}
