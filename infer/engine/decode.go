package engine

import (
	"fmt"

	"hearth/infer/kernel"
	"hearth/infer/model"
)

// run is the decoder, after Touvron et al., LLaMA (2023), with the norms of
// queries and keys of Qwen3: layers of attention and of a gated pair of
// products, each behind a root-mean-square norm and added to the residual
// stream.
func (d *Decoder) run() error {
	for d.number = range d.model.Layers {
		d.layer = &d.model.Layers[d.number]
		for d.rewind(); d.next(); {
			d.each((*lane).toHeadsNormed)
			if err := d.multiply(model.QKV); err != nil {
				return err
			}
			d.each((*lane).keepHeadsTurned)
			d.store()
		}
		d.attendAll()
		for d.rewind(); d.next(); {
			d.each((*lane).fromHeads)
			if err := d.multiply(model.Out); err != nil {
				return err
			}
			d.each((*lane).toGates)
			if err := d.multiply(model.Up); err != nil {
				return err
			}
			d.each((*lane).passGates)
			if err := d.multiply(model.Down); err != nil {
				return err
			}
			d.each((*lane).fromGates)
		}
	}
	return d.score()
}

// divide makes the tiles of a step's attention: some rows of a sequence and one
// head each.
func (d *Decoder) divide() {
	d.tiles = d.tiles[:0]
	group := d.config.Heads / d.config.KVHeads
	var work int64
	for i := range d.pieces {
		p := &d.pieces[i]
		tokens := p.Len() + p.to - p.from
		n := max(1, min(attentionRow/group, d.room/(group*kernel.BlockTokens(tokens))))
		for head := range d.config.KVHeads {
			for row := p.from; row < p.to; row += n {
				d.tiles = append(d.tiles, tile{p, row, min(row+n, p.to), head})
			}
		}
		work += int64(p.to-p.from) * int64(tokens)
	}
	const least = 1 << 17 // multiplications that are worth handing over
	work *= 2 * int64(d.config.Heads) * int64(d.config.HeadSize)
	d.shares = int(max(1, min(int64(8*d.team.Size()), int64(len(d.tiles)), work/least)))
}

// attendAll lets every token of the step look at those before it.
func (d *Decoder) attendAll() {
	if d.team.Size() == 1 {
		d.shares = 1
	}
	d.team.Do(d.shares, d.runTiles)
}

// look does one tile.
func (d *Decoder) look(a *attention, t tile) {
	i := d.number*d.config.KVHeads + t.head
	a.attend(d.lane, t.head, t.from, t.to, view{
		keys: d.cache.keys[i], values: d.cache.values[i], runs: t.runs,
		first: d.rows[t.from].Position + 1, step: 1,
	})
}

// store writes the block's keys and values to the cache.
func (d *Decoder) store() {
	for i := range d.pieces {
		p := &d.pieces[i]
		for row, end := max(p.from, d.from), min(p.to, d.to); row < end; {
			position := d.rows[row].Position
			n := 1
			if position%blockTokens == 0 {
				n = min(blockTokens, end-row)
			}
			d.put(int(p.blocks[position/blockTokens]), position%blockTokens, row, n)
			row += n
		}
	}
}

// put writes n tokens from a row on into one block of the cache: at any place,
// or several at its beginning.
func (d *Decoder) put(block, place, row, n int) {
	c, stride := d.config, d.channels()
	at := block * blockTokens * c.HeadSize
	key := d.heads[row*stride+c.Heads*c.HeadSize:]
	value := key[c.KVHeads*c.HeadSize:]
	for head := range c.KVHeads {
		i := d.number*c.KVHeads + head
		keys, values := d.cache.keys[i][at:], d.cache.values[i][at:]
		k, v := key[head*c.HeadSize:], value[head*c.HeadSize:]
		if n == 1 {
			kernel.PutKey(keys, place, k[:c.HeadSize])
			kernel.PutValue(values, place, v[:c.HeadSize])
			continue
		}
		d.level.PutKeys(keys, k, stride, c.HeadSize, n)
		d.level.PutValues(values, v, stride, c.HeadSize, n)
	}
}

// score computes the logits that are wanted: only their rows go through the
// head.
func (d *Decoder) score() error {
	w, vocab := d.model.Head, d.config.Vocab
	d.from = 0
	for wanted := d.wanted; len(wanted) > 0; {
		n := min(len(wanted), headRows)
		d.asked = d.asked[:0]
		for i, r := range wanted[:n] {
			d.activateNormed(w, i, d.residual(r.row))
			d.asked = append(d.asked, d.rows[r.row])
		}
		at := model.Operation{Layer: len(d.model.Layers), Kind: model.Head}
		if err := d.product.Multiply(d.logits, d.a, d.asked, at); err != nil {
			return fmt.Errorf("head: %w", err)
		}
		for i, r := range wanted[:n] {
			m, shift := d.factor(w, i, logitBits)
			d.level.Rescale(r.dst, d.logits[i*vocab:][:vocab], w.Channel, w.Bias, m, shift)
		}
		wanted = wanted[n:]
	}
	return nil
}

// The steps of a row between the products of a decoder.

func (l *lane) toHeadsNormed(row int) {
	l.activateNormed(l.layer.QKV, row, l.residual(row))
}

func (l *lane) keepHeadsTurned(row int) {
	q, k := l.split(row)
	l.turn(q, row, &l.layer.QueryNorm, l.layer.QueryBits)
	l.turn(k, row, &l.layer.KeyNorm, l.layer.KeyBits)
	l.keep(row)
}

func (l *lane) toGates(row int) {
	l.add(l.layer.Out, row)
	l.activateNormed(l.layer.Up, row, l.residual(row))
}

func (l *lane) passGates(row int) {
	x := l.rescale(l.layer.Up, row, innerBits)
	gate, up := x[:len(x)/2], x[len(x)/2:]
	l.level.Gate(gate, gate, up)
	l.activate(l.layer.Down, row, gate, innerBits)
}

func (l *lane) fromGates(row int) {
	l.add(l.layer.Down, row)
}

// turn normalises the heads in x, if the model does that, and rotates them by
// the row's position.
func (l *lane) turn(x []int32, row int, n *model.Norm, bits int) {
	size := l.config.HeadSize
	at := l.rows[row].Position * size / 2
	cos, sin := l.model.Cos[at:][:size/2], l.model.Sin[at:][:size/2]
	for ; len(x) > 0; x = x[size:] {
		head := x[:size]
		if n.Gain != nil {
			l.normaliseHead(head, n, bits+headGuard)
		}
		l.level.Rotate(head, cos, sin)
	}
}

// normaliseHead brings one head, with the given fraction bits, to a mean square
// of one, times the gain.
func (l *lane) normaliseHead(x []int32, n *model.Norm, bits int) {
	squares, shift := l.level.Squares(x)
	down := 32 - 2*bits + 2*int(shift) // from units of 2^-32; bits are at most 16
	root := kernel.Root(squares, len(x), l.config.HeadEpsilon>>down)
	if shift > 0 {
		l.level.ShiftRight(x, x, shift)
	}
	m, s := kernel.NewScale(1, channelBits+n.GainExp+bits).Div(root).Factor()
	l.level.Rescale(x, x, n.Gain, nil, m, s)
}
