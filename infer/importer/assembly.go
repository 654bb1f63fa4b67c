package importer

import (
	"fmt"
	"math"

	"hearth/infer/model"
)

// assembly collects the parts of a model until it is known how many fraction
// bits its residual stream can have.
type assembly struct {
	*plan
	embedding, position *fitted
	embeddingNorm       norm
	layers              []*layer
	head                *fitted
	tied                bool
	peak                float64
}

// Numbers may become larger than the largest of the calibration: of the
// residual stream by 16, of queries, keys and values by 2.
const (
	residualTop   = 26                     // 2^26 is a sixteenth of what fits
	residualMost  = 1 << (residualTop - 4) // with 4 fraction bits at least
	attentionTop  = 1023                   // half of what fits
	attentionMost = attentionTop << 8      // with -8 fraction bits
)

// model makes the model of its parts.
func (a *assembly) model() (*model.Model, error) {
	c := a.config
	if !(a.peak <= residualMost) {
		return nil, fmt.Errorf("numbers between its layers reach %.4g: Hearth's arithmetic carries them up to %d", a.peak, residualMost)
	}
	_, e := math.Frexp(a.peak)
	c.ResidualBits = min(residualTop-e, 24)
	c.Epsilon = uint64(math.RoundToEven(math.Ldexp(a.epsilon, 2*c.ResidualBits)))
	if c.Family == model.Qwen3 {
		c.HeadEpsilon = max(1, uint64(math.RoundToEven(math.Ldexp(a.epsilon, 32))))
	}
	if c.Kind == model.Decoder {
		c.Tied = a.tied
	}
	m := &model.Model{Config: c, Natural: make([]int32, c.Width)}
	for i := range m.Natural {
		m.Natural[i] = int32(i)
	}
	m.Embedding = a.embedding.table(c)
	if c.Kind == model.Encoder {
		m.Position = a.position.table(c)
		var err error
		if m.EmbeddingNorm, err = a.embeddingNorm.fixed(c); err != nil {
			return nil, err
		}
	} else {
		m.Cos, m.Sin = a.rotary()
		m.Head = a.head.linear("head", c.Vocab, c.Width)
		if c.Tied {
			m.Head.Tie(m.Embedding, c.ResidualBits)
		}
	}
	for i, l := range a.layers {
		y, err := l.fixed(c, i)
		if err != nil {
			return nil, fmt.Errorf("layer %d: %w", i, err)
		}
		m.Layers = append(m.Layers, y)
	}
	return m, nil
}

func (a *assembly) losses() []Loss {
	var all []Loss
	for i, l := range a.layers {
		for kind, f := range []*fitted{l.qkv, l.out, l.up, l.down} {
			all = append(all, Loss{Name: model.Operation{Layer: i, Kind: model.OperationKind(kind)}.String(), Loss: f.loss})
		}
	}
	if a.head != nil {
		all = append(all, Loss{Name: "head", Loss: a.head.loss})
	}
	return all
}

// fixed makes whole numbers of a layer.
func (l *layer) fixed(c model.Config, i int) (model.Layer, error) {
	name := func(kind model.OperationKind) string { return model.Operation{Layer: i, Kind: kind}.String() }
	if most := max(l.query, l.key, l.value); !(most <= attentionMost) {
		return model.Layer{}, fmt.Errorf("queries, keys or values reach %.4g: Hearth's arithmetic carries them up to %d", most, attentionMost)
	}
	attention := c.Heads * c.HeadSize
	queries, keys := attention, c.KVHeads*c.HeadSize
	n := queries + 2*keys
	inner := c.Inner
	if c.Kind == model.Decoder {
		inner *= 2
	}
	y := model.Layer{
		QKV:       l.qkv.linear(name(model.QKV), n, c.Width),
		Out:       l.out.linear(name(model.Out), c.Width, attention),
		Up:        l.up.linear(name(model.Up), inner, c.Width),
		Down:      l.down.linear(name(model.Down), c.Width, c.Inner),
		QueryBits: attentionBits(l.query),
		KeyBits:   attentionBits(l.key),
		ValueBits: attentionBits(l.value),
	}
	const guard = 4 // bits that queries, keys and values have before they are narrowed
	if l.qkv.bias != nil {
		y.QKV.Bias = make([]int32, n)
		for _, part := range []struct{ from, to, bits int }{
			{0, queries, y.QueryBits}, {queries, queries + keys, y.KeyBits}, {queries + keys, n, y.ValueBits},
		} {
			if err := fixedBias(y.QKV.Bias[part.from:part.to], l.qkv.bias[part.from:part.to], part.bits+guard); err != nil {
				return y, fmt.Errorf("biases of queries, keys and values: %w", err)
			}
		}
	}
	for _, b := range []struct {
		linear *model.Linear
		from   *fitted
		bits   int
	}{{y.Out, l.out, c.ResidualBits}, {y.Up, l.up, 16}, {y.Down, l.down, c.ResidualBits}} {
		if b.from.bias == nil {
			continue
		}
		b.linear.Bias = make([]int32, b.linear.N)
		if err := fixedBias(b.linear.Bias, b.from.bias, b.bits); err != nil {
			return y, fmt.Errorf("biases of %s: %w", b.linear.Name, err)
		}
	}
	if c.Kind == model.Encoder {
		var err error
		if y.AttentionNorm, err = l.attentionNorm.fixed(c); err != nil {
			return y, err
		}
		if y.InnerNorm, err = l.innerNorm.fixed(c); err != nil {
			return y, err
		}
	}
	if c.Family == model.Qwen3 {
		y.QueryNorm.Gain, y.QueryNorm.GainExp = fixed(l.queryNorm.gain, 31)
		y.KeyNorm.Gain, y.KeyNorm.GainExp = fixed(l.keyNorm.gain, 31)
	}
	// log2(e)/√HeadSize, a score's worth in powers of two, in units of 2^-15.
	f, e := math.Frexp(math.Ldexp(log2E/math.Sqrt(float64(c.HeadSize)), 15-y.QueryBits-y.KeyBits))
	y.Score, y.ScoreShift = uint32(math.Floor(math.Ldexp(f, 32))), uint(32-e)
	if e > 32 || e < 32-63 {
		return y, fmt.Errorf("queries up to %.3g and keys up to %.3g are out of proportion", l.query, l.key)
	}
	return y, nil
}

// attentionBits returns how many fraction bits a query, key or value can have
// that gets as large as most.
func attentionBits(most float64) int {
	bits := 12
	for bits > -8 && math.Ldexp(most, bits) > attentionTop {
		bits--
	}
	return bits
}

// linear makes whole numbers of a matrix, all but its bias.
func (f *fitted) linear(name string, n, k int) *model.Linear {
	l := &model.Linear{Name: name, N: n, K: k, Weight: f.weight}
	l.Channel, l.ChannelExp = fixed(f.unit, 31)
	l.In, l.InExp = fixed(f.in, 30)
	l.InExp += 30
	return l
}

func (f *fitted) table(c model.Config) model.Table {
	t := model.Table{Rows: len(f.unit), Width: c.Width, Row: f.weight}
	most := 0.0
	for _, u := range f.unit {
		most = max(most, u)
	}
	_, e := math.Frexp(math.Ldexp(most, c.ResidualBits))
	t.Shift = uint(min(max(30-e, 1), 62))
	t.Scale = make([]int32, t.Rows)
	for i, u := range f.unit {
		t.Scale[i] = int32(math.RoundToEven(math.Ldexp(u, c.ResidualBits+int(t.Shift))))
	}
	return t
}

func (n norm) fixed(c model.Config) (model.Norm, error) {
	y := model.Norm{Bias: make([]int32, len(n.bias))}
	y.Gain, y.GainExp = fixed(n.gain, 31)
	if err := fixedBias(y.Bias, n.bias, c.ResidualBits); err != nil {
		return y, fmt.Errorf("biases of a norm: %w", err)
	}
	return y, nil
}

// fixed returns numbers as whole numbers below 2^bits in magnitude times one
// power of two, as exact as that allows.
func fixed(v []float64, bits int) ([]int32, int) {
	most := 0.0
	for _, x := range v {
		most = max(most, math.Abs(x))
	}
	_, e := math.Frexp(most)
	out := make([]int32, len(v))
	top := math.Ldexp(1, bits) - 1
	for i, x := range v {
		out[i] = int32(min(max(math.RoundToEven(math.Ldexp(x, bits-e)), -top), top))
	}
	return out, e - bits
}

func fixedBias(dst []int32, bias []float64, bits int) error {
	for i, v := range bias {
		x := math.RoundToEven(math.Ldexp(v, bits))
		if math.Abs(x) >= 1<<29 {
			return fmt.Errorf("number %d is %v, which is too large", i, v)
		}
		dst[i] = int32(x)
	}
	return nil
}

// rotary returns the tables of cosines and sines in units of 2^-14.
func (p *plan) rotary() (cos, sin []int16) {
	n := len(p.frequency)
	cos, sin = make([]int16, p.config.Context*n), make([]int16, p.config.Context*n)
	share(p.config.Context, func(from, to int) {
		for t := from; t < to; t++ {
			for i, f := range p.frequency {
				s, c := sincos(f * float64(t))
				cos[t*n+i] = int16(math.RoundToEven(math.Ldexp(c, 14)))
				sin[t*n+i] = int16(math.RoundToEven(math.Ldexp(s, 14)))
			}
		}
	})
	return cos, sin
}
