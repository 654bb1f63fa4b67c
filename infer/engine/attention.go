package engine

import (
	"hearth/infer/kernel"
)

// attention is the room that one goroutine needs to let queries look at keys.
type attention struct {
	queries []int16 // of a tile: rows of one head's channels
	scores  []int32 // one row for each query
	weights []int16 // likewise
	sums    []int32 // of the weights of each query
	mixed   []int32 // values of each query
	more    []int32 // values from another run of blocks
}

// newAttention makes room for tiles of the given number of queries and of
// queries times tokens.
func newAttention(queries, scores, channels int) *attention {
	return &attention{
		queries: make([]int16, queries*channels),
		scores:  make([]int32, scores),
		weights: make([]int16, scores),
		sums:    make([]int32, queries),
		mixed:   make([]int32, queries*channels),
		more:    make([]int32, queries*channels),
	}
}

// view is what queries look at: keys and values of one head, in runs of blocks.
type view struct {
	keys, values []int16
	runs         []run
	// The first row looks at the first tokens of them, and each further row at
	// step more.
	first, step int
}

// run is so many blocks of tokens that follow each other.
type run struct{ from, blocks int }

// blockTokens is how many tokens a block of keys or values holds.
const blockTokens = 16

// attend lets the queries of rows from ≤ row < to that belong to one head of
// keys look at v, and writes what they find to the rows' context.
func (a *attention) attend(l *lane, head, from, to int, v view) {
	var (
		c       = l.config
		size    = c.HeadSize
		group   = c.Heads / c.KVHeads // queries of a row that share the keys
		queries = (to - from) * group
		tokens  = v.first + v.step*(to-from-1)
		ld      = kernel.BlockTokens(tokens)
	)
	for row := from; row < to; row++ {
		copy(a.queries[(row-from)*group*size:][:group*size], l.heads[row*l.channels()+head*group*size:])
	}
	seen := 0
	for _, r := range v.runs {
		n := min(r.blocks*blockTokens, tokens-seen)
		l.level.Scores(a.scores[seen:], ld, a.queries, v.keys[r.from*blockTokens*size:], queries, size, n)
		if seen += n; seen == tokens {
			break
		}
	}
	if tokens == v.first {
		l.level.SoftmaxRows(a.sums[:queries], a.weights, a.scores, ld, tokens, l.layer.Score, l.layer.ScoreShift)
	} else {
		for i := range queries {
			a.sums[i] = l.level.Softmax(a.weights[i*ld:][:ld], a.scores[i*ld:][:ld],
				v.first+v.step*(i/group), l.layer.Score, l.layer.ScoreShift)
		}
	}
	seen = 0
	for _, r := range v.runs {
		n := min(r.blocks*blockTokens, tokens-seen)
		mixed := a.mixed
		if seen > 0 {
			mixed = a.more
		}
		l.level.Mix(mixed, a.weights[seen:], ld, v.values[r.from*blockTokens*size:], queries, size, n)
		if seen > 0 {
			for i, x := range a.more[:queries*size] {
				a.mixed[i] += x
			}
		}
		if seen += n; seen == tokens {
			break
		}
	}
	width, found := c.Heads*size, l.context[(from*c.Heads+head*group)*size:]
	if group == 1 {
		l.level.AverageRows(found, width, a.mixed, a.sums[:queries], size)
		return
	}
	for i := range to - from {
		l.level.AverageRows(found[i*width:], size, a.mixed[i*group*size:], a.sums[i*group:][:group], size)
	}
}
