package model

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"hearth/infer/kernel"
)

// Random returns a model of random weights that follow from the seed: for
// tests, for benchmarks and for the study of what one can do to tickets. Its
// scales are those of a trained model: numbers of the residual stream stay
// around one, heads attend to some tokens more than to others. What it says
// means nothing.
//
// Its channels are in their natural order, as before [Model.Permute].
func Random(seed uint64, c Config) (*Model, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("make a random model: %w", err)
	}
	r := newDice(fmt.Sprintf("hearth random model %d", seed))
	m := &Model{Config: c}
	m.Embedding = r.table(c, c.Vocab)
	if c.Kind == Encoder {
		m.Position = r.table(c, c.Context)
		m.EmbeddingNorm = r.norm(c)
	} else {
		m.FinalNorm = Norm{}
		m.Cos, m.Sin = rotary(c.Context, c.HeadSize/2)
		m.Head = r.head(c, m.Embedding)
	}
	m.Layers = make([]Layer, c.Layers)
	for i := range m.Layers {
		m.Layers[i] = r.layer(c, i)
	}
	m.Natural = make([]int32, c.Width)
	for i := range m.Natural {
		m.Natural[i] = int32(i)
	}
	return m, nil
}

// Heads of random models have about these fraction bits: the largest of many
// numbers around one stays below 8.
const randomBits = 8

func (d *dice) layer(c Config, i int) Layer {
	name := func(s string) string { return fmt.Sprintf("layers.%d.%s", i, s) }
	l := Layer{
		QKV:       d.linear(c, name("qkv"), QKV, 1, 1),
		Out:       d.linear(c, name("out"), Out, 1, c.Layers),
		Up:        d.linear(c, name("up"), Up, 1, 1),
		Down:      d.linear(c, name("down"), Down, 4, c.Layers),
		QueryBits: randomBits, KeyBits: randomBits, ValueBits: randomBits,
	}
	// A score of queries and keys around one is worth about ±2 after division
	// by the root of the channels.
	l.Score, l.ScoreShift = scoreWorth(kernel.NewScale(2, -2*randomBits).Div(kernel.Root(uint64(c.HeadSize), 1, 0)))
	switch c.Family {
	case BERT:
		l.AttentionNorm, l.InnerNorm = d.norm(c), d.norm(c)
		l.QKV.Bias = d.biases(l.QKV.N, randomBits+4-2)
		l.Out.Bias = d.biases(l.Out.N, c.ResidualBits-3)
		l.Up.Bias = d.biases(l.Up.N, 16-2)
		l.Down.Bias = d.biases(l.Down.N, c.ResidualBits-3)
	case Qwen2:
		l.QKV.Bias = d.biases(l.QKV.N, randomBits+4-1)
	case Qwen3:
		l.QueryNorm = Norm{Gain: d.between(c.HeadSize, 1<<29, 1<<30), GainExp: -29}
		l.KeyNorm = Norm{Gain: d.between(c.HeadSize, 1<<29, 1<<30), GainExp: -29}
	}
	return l
}

// scoreWorth returns log2(e)·s, what a score means, as [Layer] holds it.
func scoreWorth(s kernel.Scale) (c uint32, shift uint) {
	const log2e = 3098164009 // 2^31·log2(e)
	s = s.Mul(kernel.NewScale(log2e, -31)).Shift(15)
	return s.M, uint(-s.E)
}

// linear makes a matrix whose outputs are around gain/√(2·share) where its
// inputs are around one.
func (d *dice) linear(c Config, name string, kind OperationKind, gain uint64, share int) *Linear {
	n, k := c.shape(kind)
	l := &Linear{Name: name, N: n, K: k, Weight: d.weights(n * k)}
	// A weight is around 52.
	unit := kernel.NewScale(gain, 0).Div(kernel.NewScale(52, 0)).Div(kernel.Root(uint64(k), 1, 0))
	if share > 1 {
		unit = unit.Div(kernel.Root(2*uint64(share), 1, 0))
	}
	l.ChannelExp = int(unit.E) + 1
	top := int32(unit.M >> 1)
	l.Channel = d.between(n, top/2, top)
	if c.Kind == Decoder && kind != Out && kind != Down {
		l.In, l.InExp = d.between(k, 1<<29, 1<<30), 1
	} else {
		l.In = d.between(k, 1<<29, 1<<30)
	}
	return l
}

func (d *dice) head(c Config, t Table) *Linear {
	n, k := c.shape(Head)
	h := d.between(k, 1<<29, 1<<30)
	if !c.Tied {
		l := d.linear(c, "head", Head, 3, 1)
		l.In = h
		return l
	}
	l := &Linear{Name: "head", N: n, K: k, In: h, InExp: 1}
	l.Tie(t, c.ResidualBits)
	return l
}

func (d *dice) norm(c Config) Norm {
	return Norm{
		Gain: d.between(c.Width, 1<<29, 1<<30), GainExp: -30,
		Bias: d.biases(c.Width, c.ResidualBits-3),
	}
}

// table makes rows of numbers around one.
func (d *dice) table(c Config, rows int) Table {
	t := Table{Rows: rows, Width: c.Width, Row: d.weights(rows * c.Width)}
	// The scale is 2^ResidualBits/52·2^Shift, between 2^29 and 2^30.
	unit := kernel.NewScale(1, c.ResidualBits).Div(kernel.NewScale(52, 0))
	t.Shift = uint(max(1, -(int(unit.E) + 2)))
	top := int32(unit.M >> 2)
	t.Scale = d.between(rows, top/2, top)
	return t
}

// rotary makes tables whose angles fall from one radian to less, a step.
func rotary(positions, pairs int) (cos, sin []int16) {
	cos, sin = make([]int16, positions*pairs), make([]int16, positions*pairs)
	const one = 1 << 40
	for i := range pairs {
		// cos(t) and sin(t) of the step by their series, in units of 2^-40.
		t := int64(one) / int64((i+1)*(i+1))
		stepC, stepS := series(t, one, 0), series(t, t, 1)
		c, s := int64(one), int64(0)
		for p := range positions {
			cos[p*pairs+i] = int16((c + 1<<25) >> 26)
			sin[p*pairs+i] = int16((s + 1<<25) >> 26)
			c, s = times40(c, stepC)-times40(s, stepS), times40(s, stepC)+times40(c, stepS)
		}
	}
	return cos, sin
}

// series adds up the terms of cosine or sine from the first, of order n.
func series(t, term int64, n int64) int64 {
	sum := int64(0)
	for ; term != 0; n += 2 {
		sum += term
		term = -times40(times40(term, t), t) / ((n + 1) * (n + 2))
	}
	return sum
}

// times40 returns a·b in units of 2^-40, rounded towards zero.
func times40(a, b int64) int64 {
	negative := (a < 0) != (b < 0)
	hi, lo := bits.Mul64(uint64(max(a, -a)), uint64(max(b, -b)))
	v := int64(hi<<24 | lo>>40)
	if negative {
		return -v
	}
	return v
}

// weights draws from the triangle between -127 and 127.
func (d *dice) weights(n int) []int8 {
	w := make([]int8, n)
	for i := range w {
		b := d.next(2)
		w[i] = int8(max(-127, (int(int8(b[0]))+int(int8(b[1])))/2))
	}
	return w
}

// between draws from low to high, both included.
func (d *dice) between(n int, low, high int32) []int32 {
	v := make([]int32, n)
	span := uint64(high-low) + 1
	for i := range v {
		v[i] = low + int32(uint64(binary.LittleEndian.Uint32(d.next(4)))*span>>32)
	}
	return v
}

// biases draws within ±2^bits.
func (d *dice) biases(n, bits int) []int32 {
	b := int32(1) << max(0, bits)
	return d.between(n, -b, b)
}
