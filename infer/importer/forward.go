package importer

import (
	"context"
	"fmt"
	"math"

	"hearth/infer/model"
)

// pass carries the calibration's passages through the model, in floating
// point, one layer at a time: a layer is read, run, made whole numbers and
// forgotten. It measures how large numbers get.
type pass struct {
	*plan
	passages []span    // of rows
	position []int     // of each row in its passage
	x        []float64 // the residual stream, a row of Width for each token
	peak     float64   // the largest number of the residual stream
}

// span is a passage: rows from to to.
type span struct{ from, to int }

// layer is a layer in whole numbers, with what depends on the residual bits
// still in floating point.
type layer struct {
	qkv, out, up, down       *fitted
	attentionNorm, innerNorm norm // of an encoder
	queryNorm, keyNorm       norm // of qwen3
	// The largest queries, keys and values, as attention multiplies them.
	query, key, value float64
}

type norm struct{ gain, bias []float64 }

// begin looks up the embeddings of the passages.
func (p *pass) begin(passages [][]int32, embedding, position []float32) {
	width := p.config.Width
	for _, ids := range passages {
		p.passages = append(p.passages, span{len(p.position), len(p.position) + len(ids)})
		for at, id := range ids {
			p.position = append(p.position, at)
			for j := range width {
				v := float64(embedding[int(id)*width+j])
				if position != nil {
					v += float64(position[at*width+j])
				}
				p.x = append(p.x, v)
			}
		}
	}
	p.measure()
}

func (p *pass) measure() {
	for _, v := range p.x {
		p.peak = max(p.peak, math.Abs(v))
	}
}

// step runs and quantises one layer.
func (p *pass) step(ctx context.Context, i int) (*layer, error) {
	l := &layer{}
	for _, stage := range []func(*layer, int) error{p.attention, p.inner} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := stage(l, i); err != nil {
			return nil, fmt.Errorf("layer %d: %w", i, err)
		}
	}
	return l, nil
}

func (p *pass) attention(l *layer, i int) error {
	c := p.config
	size := c.HeadSize
	queries, keys := c.Heads*size, c.KVHeads*size
	var w, b []float32
	biased := false
	for _, part := range []struct {
		weight, bias role
		n            int
		rotates      bool
	}{{queryWeight, queryBias, queries, true}, {keyWeight, keyBias, keys, true}, {valueWeight, valueBias, keys, false}} {
		v, err := p.matrix(part.weight, i, part.n, c.Width)
		if err != nil {
			return err
		}
		bias, err := p.vector(part.bias, i, part.n)
		if err != nil {
			return err
		}
		if part.rotates {
			v, bias = p.heads(v, c.Width), p.heads(bias, 1)
		}
		w = append(w, v...)
		if bias == nil {
			bias = make([]float32, part.n)
		} else {
			biased = true
		}
		b = append(b, bias...)
	}
	in, gain, err := p.input(attentionGain, i)
	if err != nil {
		return err
	}
	n := queries + 2*keys
	l.qkv = fit(w, in, n, c.Width, c.ActivationLimit)
	l.qkv.gain(gain)
	y := product(in, w, n, c.Width)
	addBias(y, b)
	if biased {
		l.qkv.bias = widen(b)
	}
	if err := p.headNorms(l, i, y); err != nil {
		return err
	}
	values := p.balance(l, y)
	context := p.mix(y)

	if w, err = p.matrix(outWeight, i, c.Width, queries); err != nil {
		return err
	}
	l.out = fit(w, context, c.Width, queries, c.ActivationLimit)
	// What a value was multiplied by is taken back behind attention.
	for j := range l.out.in {
		l.out.in[j] /= values[j/size/(c.Heads/c.KVHeads)*size+j%size]
	}
	if err := p.add(l.out, product(context, w, c.Width, queries), outBias, i); err != nil {
		return err
	}
	if c.Kind == model.Encoder {
		l.attentionNorm, err = p.norm(attentionGain, attentionBias, i)
	}
	return err
}

func (p *pass) inner(l *layer, i int) error {
	c := p.config
	w, err := p.matrix(upWeight, i, c.Inner, c.Width)
	if err != nil {
		return err
	}
	b, err := p.vector(upBias, i, c.Inner)
	if err != nil {
		return err
	}
	n := c.Inner
	if c.Kind == model.Decoder {
		gate, err := p.matrix(gateWeight, i, c.Inner, c.Width)
		if err != nil {
			return err
		}
		gateBias, err := p.vector(gateBias, i, c.Inner)
		if err != nil {
			return err
		}
		if (gateBias == nil) != (b == nil) {
			return fmt.Errorf("one of gate and up has biases, the other none")
		}
		w, b, n = append(gate, w...), append(gateBias, b...), 2*c.Inner
	}
	in, gain, err := p.input(innerGain, i)
	if err != nil {
		return err
	}
	l.up = fit(w, in, n, c.Width, c.ActivationLimit)
	l.up.gain(gain)
	y := product(in, w, n, c.Width)
	if b != nil {
		addBias(y, b)
		l.up.bias = widen(b)
	}
	h := y
	if c.Kind == model.Decoder {
		h = make([]float32, len(y)/2)
	}
	share(len(p.position), func(from, to int) {
		for t := from; t < to; t++ {
			row := y[t*n:][:n]
			for j := range c.Inner {
				if c.Kind == model.Decoder {
					h[t*c.Inner+j] = float32(silu(float64(row[j])) * float64(row[c.Inner+j]))
				} else {
					row[j] = float32(gelu(float64(row[j])))
				}
			}
		}
	})
	if most := largest(h); !(most <= innerLimit) {
		return fmt.Errorf("numbers of the feed-forward part reach %.4g: Hearth's arithmetic carries them up to %d", most, innerLimit)
	}
	if w, err = p.matrix(downWeight, i, c.Width, c.Inner); err != nil {
		return err
	}
	l.down = fit(w, h, c.Width, c.Inner, c.ActivationLimit)
	if err := p.add(l.down, product(h, w, c.Width, c.Inner), downBias, i); err != nil {
		return err
	}
	if c.Kind == model.Encoder {
		l.innerNorm, err = p.norm(innerGain, innerBias, i)
	}
	return err
}

// innerLimit is what fits between the products of the feed-forward part, which
// have 16 fraction bits.
const innerLimit = 1 << 13

// input returns what goes into the products of a layer: the residual stream, of
// a decoder normalised and with the norm's gain, which is returned as well.
func (p *pass) input(r role, i int) (in []float32, gain []float64, err error) {
	width := p.config.Width
	in = make([]float32, len(p.x))
	if p.config.Kind == model.Encoder {
		for j, v := range p.x {
			in[j] = float32(v)
		}
		return in, ones(width), nil
	}
	g, err := p.required(r, i, width)
	if err != nil {
		return nil, nil, err
	}
	for t := range p.position {
		row := p.x[t*width:][:width]
		root := rms(row, p.epsilon)
		for j, v := range row {
			in[t*width+j] = float32(v / root * float64(g[j]))
		}
	}
	return in, widen(g), nil
}

// gain puts the gain of the norm before a product into its inputs' factors.
func (f *fitted) gain(g []float64) {
	for j := range f.in {
		f.in[j] *= g[j]
	}
}

func rms(row []float64, epsilon float64) float64 {
	sum := 0.0
	for _, v := range row {
		sum += float64(v * v)
	}
	return math.Sqrt(sum/float64(len(row)) + epsilon)
}

// add adds a product to the residual stream.
func (p *pass) add(f *fitted, y []float32, bias role, i int) error {
	b, err := p.vector(bias, i, p.config.Width)
	if err != nil {
		return err
	}
	if b != nil {
		addBias(y, b)
		f.bias = widen(b)
	}
	for j, v := range y {
		p.x[j] += float64(v)
	}
	p.measure()
	return nil
}

// norm applies a layer norm of an encoder to the residual stream.
func (p *pass) norm(gain, bias role, i int) (norm, error) {
	width := p.config.Width
	g, err := p.required(gain, i, width)
	if err != nil {
		return norm{}, err
	}
	b, err := p.required(bias, i, width)
	if err != nil {
		return norm{}, err
	}
	for t := range p.position {
		row := p.x[t*width:][:width]
		mean := 0.0
		for _, v := range row {
			mean += v
		}
		mean /= float64(width)
		for j := range row {
			row[j] -= mean
		}
		root := rms(row, p.epsilon)
		for j, v := range row {
			row[j] = float64(v/root*float64(g[j])) + float64(b[j])
		}
	}
	p.measure()
	return norm{gain: widen(g), bias: widen(b)}, nil
}

func addBias(y, b []float32) {
	for i := 0; i < len(y); i += len(b) {
		for j, v := range b {
			y[i+j] += v
		}
	}
}

func widen(v []float32) []float64 {
	if v == nil {
		return nil
	}
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = float64(x)
	}
	return w
}

func largest(v []float32) float64 {
	most := float32(0)
	for _, x := range v {
		most = max(most, x, -x)
	}
	return float64(most)
}
