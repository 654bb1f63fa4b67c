package engine

import (
	"context"
	"fmt"
	"sync"

	"hearth/infer/kernel"
	"hearth/infer/model"
)

// Encoder turns texts into vectors. It is safe for concurrent use.
type Encoder struct {
	// Pace, if set, is called before each pack of texts and may wait: it is how
	// somebody keeps the engine to a duty. An error ends the call of Embed.
	Pace func(context.Context) error

	model   *model.Model
	product model.Product
	level   kernel.Level
	workers int
	// position holds what is added to the embeddings of tokens, looked up once.
	position []int32
	idle     chan *encoding // those not at work; nil: not made yet
}

const (
	encoderBlock = 64  // rows of a product: 1536 sums of each take 3/8 MiB
	encoderRows  = 256 // rows of a pack: what they keep stays in the cache
	queryTile    = 32  // queries whose scores are in hand at a time
)

// NewEncoder returns an encoder with the given number of workers: goroutines
// that carry packs of texts side by side, each on one thread. So the product
// must be safe for concurrent use.
func NewEncoder(m *model.Model, p model.Product, level kernel.Level, workers int) (*Encoder, error) {
	switch c := &m.Config; {
	case c.Kind != "encoder":
		return nil, fmt.Errorf("make an encoder of a model whose kind is %q: choose one that turns text into vectors", c.Kind)
	case c.Pooling != "mean" && c.Pooling != "cls":
		return nil, fmt.Errorf("make an encoder that pools by %q: use mean or cls", c.Pooling)
	case c.Width > maxUnit:
		return nil, fmt.Errorf("make an encoder of %d channels: a vector has at most %d", c.Width, maxUnit)
	case workers < 1:
		return nil, fmt.Errorf("make an encoder with %d workers: it needs at least one", workers)
	}
	e := &Encoder{model: m, product: p, level: level, workers: workers, idle: make(chan *encoding, workers)}
	for range workers {
		e.idle <- nil
	}
	e.position = make([]int32, m.Position.Rows*m.Position.Width)
	for p := range m.Position.Rows {
		lookUp(level, e.position[p*m.Position.Width:][:m.Position.Width], &m.Position, p)
	}
	return e, nil
}

// Embed returns a vector of length one for each text, in units of 2^-30 and in
// the order of channels that the model had before import. A text is its tokens,
// with those that begin and end it. Neither the rest of the batch nor the
// number of workers changes a bit of a vector. The product sees texts numbered
// from 0.
func (e *Encoder) Embed(ctx context.Context, batch [][]int32) ([][]int32, error) {
	return e.EmbedFrom(ctx, 0, batch)
}

// EmbedFrom is [Encoder.Embed] with texts numbered from first.
func (e *Encoder) EmbedFrom(ctx context.Context, first uint64, batch [][]int32) ([][]int32, error) {
	total := 0
	for i, text := range batch {
		if err := checkTokens(&e.model.Config, text); err != nil {
			return nil, fmt.Errorf("embed text %d of %d: %w", i+1, len(batch), err)
		}
		total += len(text)
	}
	vectors := make([][]int32, len(batch))
	packs := packs(batch, min(encoderRows, (total+e.workers-1)/e.workers))
	next := make(chan span, len(packs))
	for _, p := range packs {
		next <- p
	}
	close(next)

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var workers sync.WaitGroup
	for range min(e.workers, len(packs)) {
		workers.Go(func() {
			for p := range next {
				if err := e.embed(ctx, first+uint64(p.from), batch[p.from:p.to], vectors[p.from:p.to]); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	workers.Wait()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("embed %d texts: %w", len(batch), context.Cause(ctx))
	}
	return vectors, nil
}

// embed carries one pack of texts through the model.
func (e *Encoder) embed(ctx context.Context, first uint64, texts, vectors [][]int32) error {
	if e.Pace != nil {
		if err := e.Pace(ctx); err != nil {
			return err
		}
	}
	select {
	case g := <-e.idle:
		if g == nil {
			g = newEncoding(e)
		}
		defer func() { e.idle <- g }()
		if err := ctx.Err(); err != nil {
			return err
		}
		return g.run(first, texts, vectors)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// span is a number of texts, or the rows of one.
type span struct{ from, to int }

// packs divides a batch into packs of about so many rows, of one text at least.
func packs(batch [][]int32, rows int) []span {
	var packs []span
	from, have := 0, 0
	for i, text := range batch {
		if i > from && have+len(text) > rows {
			packs = append(packs, span{from, i})
			from, have = i, 0
		}
		have += len(text)
	}
	if from < len(batch) {
		packs = append(packs, span{from, len(batch)})
	}
	return packs
}

// encoding is what a worker has: the pass over one pack after the other.
type encoding struct {
	*lane
	*attention
	position     []int32 // the encoder's
	texts        []span  // of the pack, in rows
	keys, values []int16 // of one head of one text
	whole        [1]run  // their blocks
}

func newEncoding(e *Encoder) *encoding {
	c := &e.model.Config
	room := kernel.BlockTokens(c.Context)
	return &encoding{
		lane:      newLane(e.model, e.product, e.level, nil, max(encoderRows, c.Context), encoderBlock),
		position:  e.position,
		attention: newAttention(queryTile, queryTile*room, c.HeadSize),
		keys:      make([]int16, room*c.HeadSize),
		values:    make([]int16, room*c.HeadSize),
	}
}

// run is the encoder, after Devlin et al., BERT (2018): token and position
// embeddings, then layers of attention and of two products with a GELU between,
// each added to what it came from and normalised.
func (g *encoding) run(first uint64, texts, vectors [][]int32) error {
	g.begin(first, texts)
	for g.number = range g.model.Layers {
		g.layer = &g.model.Layers[g.number]
		for g.rewind(); g.next(); {
			g.each((*lane).toHeads)
			if err := g.multiply(model.QKV); err != nil {
				return err
			}
			g.each((*lane).keepHeads)
		}
		g.attendAll()
		for g.rewind(); g.next(); {
			g.each((*lane).fromHeads)
			if err := g.multiply(model.Out); err != nil {
				return err
			}
			g.each((*lane).toInner)
			if err := g.multiply(model.Up); err != nil {
				return err
			}
			g.each((*lane).bendInner)
			if err := g.multiply(model.Down); err != nil {
				return err
			}
			g.each((*lane).fromInner)
		}
	}
	for i, t := range g.texts {
		vectors[i] = make([]int32, g.config.Width)
		g.pool(vectors[i], t)
	}
	return nil
}

// begin writes the embeddings of the texts into the residual stream.
func (g *encoding) begin(first uint64, texts [][]int32) {
	g.rows, g.texts = g.rows[:0], g.texts[:0]
	for i, text := range texts {
		g.texts = append(g.texts, span{len(g.rows), len(g.rows) + len(text)})
		for p, token := range text {
			x := g.residual(len(g.rows))
			g.rows = append(g.rows, model.Row{Sequence: first + uint64(i), Position: p})
			lookUp(g.level, x, &g.model.Embedding, int(token))
			for j, v := range g.position[p*len(x):][:len(x)] {
				x[j] = min(max(x[j]+v, -kernel.Limit), kernel.Limit)
			}
			g.normalise(x, &g.model.EmbeddingNorm)
		}
	}
}

// attendAll lets every token of a text look at all of them.
func (g *encoding) attendAll() {
	for _, text := range g.texts {
		n := text.to - text.from
		g.whole[0].blocks = kernel.BlockTokens(n) / blockTokens
		for head := range g.config.KVHeads {
			g.gather(text, head)
			v := view{keys: g.keys, values: g.values, runs: g.whole[:], first: n}
			tile := queryTile / (g.config.Heads / g.config.KVHeads)
			for row := text.from; row < text.to; row += tile {
				g.attend(g.lane, head, row, min(row+tile, text.to), v)
			}
		}
	}
}

// gather brings the keys and values of one head of a text side by side.
func (g *encoding) gather(text span, head int) {
	size, n := g.config.HeadSize, g.channels()
	key := text.from*n + (g.config.Heads+head)*size
	value := key + g.config.KVHeads*size
	g.level.PutKeys(g.keys, g.heads[key:], n, size, text.to-text.from)
	g.level.PutValues(g.values, g.heads[value:], n, size, text.to-text.from)
}

// The steps of a row between the products of an encoder.

func (l *lane) toHeads(row int) {
	l.activate(l.layer.QKV, row, l.residual(row), l.config.ResidualBits)
}

func (l *lane) keepHeads(row int) {
	l.split(row)
	l.keep(row)
}

func (l *lane) fromHeads(row int) {
	w := l.layer.Out
	l.activate(w, row, l.context[row*w.K:][:w.K], l.layer.ValueBits+contextGain)
}

func (l *lane) toInner(row int) {
	l.add(l.layer.Out, row)
	l.normalise(l.residual(row), &l.layer.AttentionNorm)
	l.activate(l.layer.Up, row, l.residual(row), l.config.ResidualBits)
}

func (l *lane) bendInner(row int) {
	x := l.rescale(l.layer.Up, row, innerBits)
	l.level.GELU(x, x)
	l.activate(l.layer.Down, row, x, innerBits)
}

func (l *lane) fromInner(row int) {
	l.add(l.layer.Down, row)
	l.normalise(l.residual(row), &l.layer.InnerNorm)
}

// normalise applies a layer norm to a row of the residual stream.
func (l *lane) normalise(x []int32, n *model.Norm) {
	l.level.Centre(x, x)
	squares, shift := l.level.Squares(x)
	root := kernel.Root(squares, len(x), l.config.Epsilon>>(2*shift))
	if shift > 0 {
		l.level.ShiftRight(x, x, shift)
	}
	m, s := kernel.NewScale(1, channelBits+n.GainExp+l.config.ResidualBits).Div(root).Factor()
	l.level.Rescale(x, x, n.Gain, n.Bias, m, s)
}
