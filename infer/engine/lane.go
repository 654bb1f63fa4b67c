package engine

import (
	"fmt"

	"hearth/infer/kernel"
	"hearth/infer/model"
)

// lane carries rows (tokens) through a model: their residual stream, the
// buffers of one product, and where in the model they are. Rows go through
// products in blocks that fit the cache; between products each row is on its
// own, and steps of the same row follow each other while it is warm.
type lane struct {
	model   *model.Model
	config  *model.Config
	level   kernel.Level
	team    *kernel.Team // nil: everything on the calling goroutine
	product model.Product

	rows    []model.Row // the rows of the pass
	x       []int32     // their residual stream, rows of Width
	heads   []int16     // their queries, keys and values, rows of QKV's N
	context []int32     // what attention found, rows of Out's K

	number   int          // of the layer
	layer    *model.Layer // the layer
	from, to int          // the block in hand
	block    int          // most rows of one
	sums     []int32      // of the block's last product
	a        []uint8      // activations for its next product
	scale    []kernel.Scale

	// What the team runs, kept here so that a pass allocates nothing.
	step    func(l *lane, row int)
	parts   int
	runRows func(part int)
}

// newLane makes room for the given number of rows, in blocks of the given size.
func newLane(m *model.Model, p model.Product, level kernel.Level, team *kernel.Team, rows, block int) *lane {
	block = min(block, rows)
	l := &lane{
		model: m, config: &m.Config, level: level, team: team, product: p,
		rows:  make([]model.Row, 0, rows),
		x:     make([]int32, rows*m.Config.Width),
		block: block,
		scale: make([]kernel.Scale, block),
	}
	var widest, longest int
	for i := range m.Layers {
		y := &m.Layers[i]
		for _, w := range []*model.Linear{y.QKV, y.Out, y.Up, y.Down} {
			widest, longest = max(widest, w.N), max(longest, w.K)
		}
	}
	if m.Head != nil {
		longest = max(longest, m.Head.K)
	}
	l.sums = make([]int32, block*widest)
	l.a = kernel.Rows(block, longest)
	l.heads = make([]int16, rows*l.channels())
	l.context = make([]int32, rows*l.config.Heads*l.config.HeadSize)
	l.runRows = func(part int) {
		n := l.to - l.from
		for row := l.from + part*n/l.parts; row < l.from+(part+1)*n/l.parts; row++ {
			l.step(l, row)
		}
	}
	return l
}

// channels is how many channels of queries, keys and values a row has.
func (l *lane) channels() int {
	return (l.config.Heads + 2*l.config.KVHeads) * l.config.HeadSize
}

// next moves on to the next block and tells whether there is one; rewind goes
// before the first.
func (l *lane) next() bool {
	l.from, l.to = l.to, min(l.to+l.block, len(l.rows))
	return l.from < l.to
}

func (l *lane) rewind() { l.from, l.to = 0, 0 }

// each calls f for every row of the block, shared out among the team where
// they are worth it.
func (l *lane) each(f func(l *lane, row int)) {
	const least = 1 << 14 // residual channels that are worth handing over
	l.step = f
	l.parts = max(1, min(4*l.team.Size(), l.to-l.from, (l.to-l.from)*l.config.Width/least))
	if l.parts == 1 || l.team.Size() == 1 {
		l.parts = 1
		l.runRows(0)
		return
	}
	l.team.Do(l.parts, l.runRows)
}

// multiply computes the product of the block's activations with a matrix of
// the layer in hand.
func (l *lane) multiply(kind model.OperationKind) error {
	err := l.product.Multiply(l.sums, l.a, l.rows[l.from:l.to], model.Operation{Layer: l.number, Kind: kind})
	if err != nil {
		return fmt.Errorf("layer %d: %w", l.number, err)
	}
	return nil
}

// residual is the residual stream of a row.
func (l *lane) residual(row int) []int32 {
	return l.x[row*l.config.Width:][:l.config.Width]
}

// sum is a row of the block's last product, with the matrix w.
func (l *lane) sum(w *model.Linear, row int) []int32 {
	return l.sums[(row-l.from)*w.N:][:w.N]
}

// activate makes a row's activations for the matrix w of x, which has the given
// number of fraction bits.
func (l *lane) activate(w *model.Linear, row int, x []int32, bits int) {
	s := l.quantise(w, row, x)
	l.scale[row-l.from] = s.Shift(w.InExp - bits)
}

// activateNormed makes a row's activations for the matrix w of x over the root
// of its mean square. The elements never see the root: it goes into the scale.
func (l *lane) activateNormed(w *model.Linear, row int, x []int32) {
	squares, shift := l.level.Squares(x)
	root := kernel.Root(squares, len(x), l.config.Epsilon>>(2*shift))
	s := l.quantise(w, row, x)
	l.scale[row-l.from] = s.Div(root).Shift(w.InExp - int(shift))
}

func (l *lane) quantise(w *model.Linear, row int, x []int32) kernel.Scale {
	a := l.a[(row-l.from)*kernel.Stride(w.K):][:w.K]
	return l.level.Quantise(a, x, w.In, int32(l.config.ActivationLimit))
}

// factor is what the sums of a row are multiplied by to become numbers with the
// given fraction bits, beside the channels' own factors.
func (l *lane) factor(w *model.Linear, row, bits int) (m int32, shift uint) {
	return l.scale[row-l.from].Shift(channelBits + w.ChannelExp + bits).Factor()
}

// Fraction bits by definition.
const (
	channelBits = 28 // of a channel's factor in Rescale
	innerBits   = 16 // between the two products of the feed-forward part
	logitBits   = 16
	headGuard   = 4 // queries, keys and values before they are narrowed
	contextGain = 8 // what Average gains
)

// rescale turns a row's sums into numbers with the given fraction bits, in
// place.
func (l *lane) rescale(w *model.Linear, row, bits int) []int32 {
	m, shift := l.factor(w, row, bits)
	sum := l.sum(w, row)
	l.level.Rescale(sum, sum, w.Channel, w.Bias, m, shift)
	return sum
}

// add adds a row's product with w to its residual stream.
func (l *lane) add(w *model.Linear, row int) {
	m, shift := l.factor(w, row, l.config.ResidualBits)
	l.level.RescaleAdd(l.residual(row), l.sum(w, row), w.Channel, w.Bias, m, shift)
}

// split turns a row of QKV's product, in place, into queries, keys and values
// with their own fraction bits and 4 more, and returns the first two.
func (l *lane) split(row int) (q, k []int32) {
	y := l.layer
	w, sum := y.QKV, l.sum(y.QKV, row)
	queries, keys := l.config.Heads*l.config.HeadSize, l.config.KVHeads*l.config.HeadSize
	part := func(from, to, bits int) []int32 {
		m, shift := l.factor(w, row, bits+headGuard)
		x := sum[from:to]
		var bias []int32
		if w.Bias != nil {
			bias = w.Bias[from:to]
		}
		l.level.Rescale(x, x, w.Channel[from:to], bias, m, shift)
		return x
	}
	q = part(0, queries, y.QueryBits)
	k = part(queries, queries+keys, y.KeyBits)
	part(queries+keys, queries+2*keys, y.ValueBits)
	return q, k
}

// keep narrows a row of queries, keys and values, as split left them.
func (l *lane) keep(row int) {
	n := l.channels()
	l.level.Narrow(l.heads[row*n:][:n], l.sum(l.layer.QKV, row))
}

// lookUp writes a row of a table into dst.
func lookUp(l kernel.Level, dst []int32, t *model.Table, row int) {
	l.LookUp(dst, t.Row[row*t.Width:][:t.Width], t.Scale[row], t.Shift)
}
