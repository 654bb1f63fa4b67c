package admission

import (
	"fmt"
	"maps"
	"slices"

	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/work"
)

// Thresholds of consensus, as shares in percent where nothing else is said.
const (
	// MinNonzero is the least share of weights of a block that are not zero.
	MinNonzero = 85
	// A column of a block is weak if less than MinNonzeroColumn of its weights
	// are not zero. A block may have MaxWeak of them: real models have an output
	// channel here and there with one large weight and many that vanish beside
	// it, and leaving such columns out saves nobody more than 2 of 128.
	MinNonzeroColumn = 70
	MaxWeak          = 2
	// MinLarge is the least share of weights of a block beyond ±8.
	MinLarge  = 40
	largeFrom = 9
	// MaxCommon is the greatest share of a block that one value may have.
	MaxCommon = 15
	// MinEntropy is the least entropy of the weights of a tile, in units of
	// 2^-8 bit.
	MinEntropy = 5*256 + 128
)

// Test names a test of admission.
type Test string

// The tests of a block of as many rows as the noise has elements and 128
// columns, and of a tile.
const (
	Rank        Test = "rank"         // of every block and of its parts
	Zeros       Test = "zeros"        // of a block
	WeakColumns Test = "weak columns" // of a block
	Magnitude   Test = "magnitude"
	Common      Test = "common value"
	Columns     Test = "repeated columns" // of slices, up to sign, in the whole matrix
	Rows        Test = "repeated rows"    // of tiles, up to sign, in the whole matrix
	Shuffled    Test = "shuffled columns" // the same weights up to order and sign, in the whole matrix
	Entropy     Test = "entropy"          // of a tile
)

// Figures are the closest that a matrix comes to each threshold, in the units of
// the thresholds. Shares are rounded down, that of the most common value up.
type Figures struct {
	RankMissing int // most by which a block or a part of one falls short of full rank
	Nonzero     int // least share
	Weak        int // most weak columns of a block
	Large       int // least share
	Common      int // greatest share
	Entropy     int // least
}

// Result is what admission found of one matrix.
type Result struct {
	At    model.Operation
	Tiles int
	// Failed lists for each test the tiles that did not pass it, rising.
	Failed map[Test][]uint32
	// Worst are the figures over all tiles.
	Worst Figures
}

// Refused returns the tiles that failed any test, rising.
func (r *Result) Refused() []uint32 {
	var all []uint32
	for _, tiles := range r.Failed {
		all = append(all, tiles...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (r *Result) fail(t Test, tile int) {
	if f := r.Failed[t]; len(f) == 0 || f[len(f)-1] != uint32(tile) {
		r.Failed[t] = append(f, uint32(tile))
	}
}

// Examine tests a matrix of n×k weights. A matrix whose shape is not mined at
// all is an error, and so is a weight of -128.
func Examine(at model.Operation, weights []int8, n, k int) (*Result, error) {
	if err := work.Mineable(at, n, k); err != nil {
		return nil, fmt.Errorf("examine %v: %w", at, err)
	}
	if len(weights) != n*k {
		return nil, fmt.Errorf("examine %v: %d weights of %d×%d", at, len(weights), n, k)
	}
	if i := slices.Index(weights, -128); i >= 0 {
		return nil, fmt.Errorf("examine %v: weight %d is -128", at, i)
	}
	r := &Result{At: at, Tiles: n / work.TileColumns, Failed: map[Test][]uint32{}}
	r.Worst = Figures{Nonzero: 100, Large: 100, Entropy: 8 * 256}
	rank := kernel.Rank(k)
	for tile := range r.Tiles {
		rows := weights[tile*work.TileColumns*k:][:work.TileColumns*k]
		for from := 0; from < k; from += rank {
			r.block(tile, rows, k, from, rank)
		}
		h := entropy(rows)
		r.Worst.Entropy = min(r.Worst.Entropy, h)
		if h < MinEntropy {
			r.fail(Entropy, tile)
		}
	}
	for _, tile := range repeatedColumns(weights, n, k, rank) {
		r.fail(Columns, int(tile))
	}
	for _, tile := range repeatedRows(weights, n, k) {
		r.fail(Rows, int(tile))
	}
	for _, tile := range shuffledColumns(weights, n, k) {
		r.fail(Shuffled, int(tile))
	}
	return r, nil
}

// ExamineTile tests one tile of a matrix, 128 columns of k weights, by itself,
// and returns the tests it fails, by name: it fails them in whatever matrix it is
// part of. What a matrix has twice in different tiles it cannot see. An error
// is as from [Examine].
func ExamineTile(at model.Operation, weights []int8, k int) ([]Test, error) {
	r, err := Examine(at, weights, work.TileColumns, k) // a matrix of one tile
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(r.Failed)), nil
}

// block tests the weights of slice from of a tile, whose rows are the columns
// of the product.
func (r *Result) block(tile int, rows []int8, k, from, rank int) {
	var counts [256]int
	var weak [work.TileColumns]int // in each part
	all := 0
	for c := range work.TileColumns {
		zeros := 0
		for _, v := range rows[c*k+from:][:rank] {
			counts[uint8(v)]++
			if v == 0 {
				zeros++
			}
		}
		if 100*(rank-zeros) < MinNonzeroColumn*rank {
			weak[c/rank]++
			all++
		}
	}
	r.Worst.Weak = max(r.Worst.Weak, all)
	if all > MaxWeak {
		r.fail(WeakColumns, tile)
	}
	total, large := work.TileColumns*rank, 0
	for v := largeFrom; v <= 127; v++ {
		large += counts[v] + counts[256-v]
	}
	common := slices.Max(counts[:])
	r.Worst.Nonzero = min(r.Worst.Nonzero, 100*(total-counts[0])/total)
	r.Worst.Large = min(r.Worst.Large, 100*large/total)
	r.Worst.Common = max(r.Worst.Common, (100*common+total-1)/total)
	if 100*(total-counts[0]) < MinNonzero*total {
		r.fail(Zeros, tile)
	}
	if 100*large < MinLarge*total {
		r.fail(Magnitude, tile)
	}
	if 100*common > MaxCommon*total {
		r.fail(Common, tile)
	}
	// The parts are as wide as a part must be to be of full rank: halves of 64
	// columns for a rank of 64, quarters of 32 for 32. A weak column may cost
	// its part one; with one part of full rank the block has it too.
	full := false
	for part := range work.TileColumns / rank {
		missing := rank - rankOf(rows[part*rank*k+from:], k, rank, rank)
		full = full || missing == 0
		r.Worst.RankMissing = max(r.Worst.RankMissing, missing)
		if missing > weak[part] {
			r.fail(Rank, tile)
		}
	}
	if !full {
		r.fail(Rank, tile)
	}
}
