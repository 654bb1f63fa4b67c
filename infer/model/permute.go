package model

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/zeebo/blake3"
)

// Permute relabels the channels of a model that is in its natural order, in
// place, before anyone else has it: afterwards H0 and Natural are set. What
// the model computes stays the same to the bit.
//
// H0 is the BLAKE3 hash of the line "hearth weights 1" and, for each matrix in
// the order embedding, position, layers.0.qkv, layers.0.out, layers.0.up,
// layers.0.down, layers.1.qkv and so on, head (position and head where there
// are such, the head only if it is not tied), of the line "name n k", in
// decimal, and the 32 bytes of the BLAKE3 hash of its rows.
//
// A permutation of n with a label is Fisher and Yates' shuffle of 0 to n-1:
// for i from n-1 down to 1, element i changes places with element v mod (i+1).
// The numbers v are the little-endian 32-bit words of the output of BLAKE3 for
// "hearth permutation 1\n", H0 and the label, without those that are not below
// the greatest multiple of i+1 up to 2³². What stands at place p afterwards is
// the natural channel of stored channel p.
//
//   - "residual" permutes the channels of the residual stream: columns of
//     embedding, position, qkv, up and head, rows of out and down, gains and
//     biases of norms.
//   - "L.inner" permutes the channels of layer L's feed-forward part: columns
//     of down and rows of up, of a decoder those of gate and up alike.
//   - "L.groups" permutes the heads of keys and values, "L.heads.G" the heads
//     of queries that belong to natural head G: rows of qkv, columns of out.
//   - "L.values.G" permutes the channels of natural head G's values: rows of
//     qkv, columns of out.
//   - "L.keys.G" permutes the channels of natural head G's keys and its
//     queries, of an encoder; "pairs" permutes the rotary pairs of a decoder,
//     all heads and layers alike: rows of qkv, gains of the norms of queries
//     and keys, columns of cos and sin.
func (m *Model) Permute() error {
	if err := m.Validate(); err != nil {
		return err
	}
	for i, n := range m.Natural {
		if int(n) != i || m.H0 != (Hash{}) {
			return errors.New("permute a model: it has been permuted already")
		}
	}
	m.H0 = m.naturalHash(natural(m.Config))
	o := permuted(m.Config, m.H0)
	m.Natural = o.residual
	c := m.Config
	m.Embedding.Row = gatherRows(m.Embedding.Row, nil, o.residual)
	m.Position.Row = gatherRows(m.Position.Row, nil, o.residual)
	m.EmbeddingNorm.gather(o.residual)
	m.FinalNorm.gather(o.residual)
	if c.Kind == Decoder {
		m.Cos = gatherRows(m.Cos, nil, o.pairs)
		m.Sin = gatherRows(m.Sin, nil, o.pairs)
		m.Head.gather(nil, o.residual)
		if c.Tied {
			m.Head.Tie(m.Embedding, c.ResidualBits)
		}
	}
	heads := headChannels(o.pairs)
	for i := range m.Layers {
		l, at := &m.Layers[i], &o.layers[i]
		l.AttentionNorm.gather(o.residual)
		l.InnerNorm.gather(o.residual)
		l.QueryNorm.gather(heads)
		l.KeyNorm.gather(heads)
		l.QKV.gather(at.qkv, o.residual)
		l.Out.gather(o.residual, at.attention)
		l.Up.gather(at.up, o.residual)
		l.Down.gather(o.residual, at.inner)
	}
	return nil
}

// Verify returns an error unless the channels of a model are permuted as the
// hash of its weights demands. That [Read] does not do: it costs a second pass
// over the weights, and an id names only one model either way.
func Verify(m *Model) error {
	o := permuted(m.Config, m.H0)
	o.invert()
	if m.naturalHash(o) != m.H0 {
		return errors.New("verify a model: its channels are not permuted by the hash of its weights: import it again from its source")
	}
	return nil
}

// orders says which channel stands at each place of every space that is
// permuted.
type orders struct {
	residual []int32
	pairs    []int32
	layers   []layerOrders
}

type layerOrders struct {
	qkv       []int32 // rows of qkv
	attention []int32 // columns of out
	up        []int32 // rows of up
	inner     []int32 // columns of down
}

// natural returns the orders of a model that is not permuted.
func natural(c Config) orders {
	return arrange(c, func(n int, _ string, _ ...any) []int32 {
		order := make([]int32, n)
		for i := range order {
			order[i] = int32(i)
		}
		return order
	})
}

// permuted returns the orders that follow from H0.
func permuted(c Config, h0 Hash) orders {
	return arrange(c, func(n int, format string, args ...any) []int32 {
		return shuffle(n, h0, fmt.Sprintf(format, args...))
	})
}

func arrange(c Config, shuffle func(n int, label string, args ...any) []int32) orders {
	o := orders{residual: shuffle(c.Width, "residual"), layers: make([]layerOrders, c.Layers)}
	if c.Kind == Decoder {
		o.pairs = shuffle(c.HeadSize/2, "pairs")
	}
	for i := range o.layers {
		l := &o.layers[i]
		l.inner = shuffle(c.Inner, "%d.inner", i)
		l.up = l.inner
		if c.Kind == Decoder {
			l.up = append(slices.Clip(l.up), shifted(l.inner, c.Inner)...)
		}
		share := c.Heads / c.KVHeads
		var queries, keys, values []int32
		for _, g := range shuffle(c.KVHeads, "%d.groups", i) {
			channels := headChannels(o.pairs)
			if c.Kind == Encoder {
				channels = shuffle(c.HeadSize, "%d.keys.%d", i, g)
			}
			value := shuffle(c.HeadSize, "%d.values.%d", i, g)
			for _, h := range shuffle(share, "%d.heads.%d", i, g) {
				head := (int(g)*share + int(h)) * c.HeadSize
				queries = append(queries, shifted(channels, head)...)
				l.attention = append(l.attention, shifted(value, head)...)
			}
			keys = append(keys, shifted(channels, int(g)*c.HeadSize)...)
			values = append(values, shifted(value, int(g)*c.HeadSize)...)
		}
		l.qkv = append(queries, shifted(keys, c.Heads*c.HeadSize)...)
		l.qkv = append(l.qkv, shifted(values, (c.Heads+c.KVHeads)*c.HeadSize)...)
	}
	return o
}

func shifted(order []int32, by int) []int32 {
	s := make([]int32, len(order))
	for i, v := range order {
		s[i] = v + int32(by)
	}
	return s
}

// headChannels returns the order of a head's channels whose rotary pairs, which
// lie half a head apart, are in the given order.
func headChannels(pairs []int32) []int32 {
	return append(slices.Clip(pairs), shifted(pairs, len(pairs))...)
}

func shuffle(n int, h0 Hash, label string) []int32 {
	d := newDice("hearth permutation 1\n" + string(h0[:]) + label)
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	for i := n - 1; i > 0; i-- {
		bound := uint64(i + 1)
		v := uint64(binary.LittleEndian.Uint32(d.next(4)))
		for v >= 1<<32-1<<32%bound {
			v = uint64(binary.LittleEndian.Uint32(d.next(4)))
		}
		j := v % bound
		order[i], order[j] = order[j], order[i]
	}
	return order
}

// invert turns every order round: which place each channel has.
func (o *orders) invert() {
	o.residual, o.pairs = inverse(o.residual), inverse(o.pairs)
	for i := range o.layers {
		l := &o.layers[i]
		*l = layerOrders{qkv: inverse(l.qkv), attention: inverse(l.attention), up: inverse(l.up), inner: inverse(l.inner)}
	}
}

func inverse(order []int32) []int32 {
	back := make([]int32, len(order))
	for i, v := range order {
		back[v] = int32(i)
	}
	return back
}

// naturalHash returns H0 of a model whose channels the orders put back.
func (m *Model) naturalHash(o orders) Hash {
	h := blake3.New()
	write := func(s string, args ...any) { fmt.Fprintf(h, s, args...) } // a hash takes everything
	matrix := func(name string, weights []int8, n, k int, rows, columns []int32) {
		sum := blake3.New()
		row := make([]int8, k)
		for i := range n {
			if rows != nil {
				i = int(rows[i])
			}
			source := weights[i*k:][:k]
			for j, at := range columns {
				row[j] = source[at]
			}
			_, _ = sum.Write(bytesOf(row))
		}
		write("%s %d %d\n%s", name, n, k, sum.Sum(nil))
	}
	write("hearth weights 1\n")
	c := m.Config
	matrix("embedding", m.Embedding.Row, m.Embedding.Rows, c.Width, nil, o.residual)
	if c.Kind == Encoder {
		matrix("position", m.Position.Row, m.Position.Rows, c.Width, nil, o.residual)
	}
	for i := range m.Layers {
		l, at := &m.Layers[i], &o.layers[i]
		matrix(l.QKV.Name, l.QKV.Weight, l.QKV.N, l.QKV.K, at.qkv, o.residual)
		matrix(l.Out.Name, l.Out.Weight, l.Out.N, l.Out.K, o.residual, at.attention)
		matrix(l.Up.Name, l.Up.Weight, l.Up.N, l.Up.K, at.up, o.residual)
		matrix(l.Down.Name, l.Down.Weight, l.Down.N, l.Down.K, o.residual, at.inner)
	}
	if c.Kind == Decoder && !c.Tied {
		matrix(m.Head.Name, m.Head.Weight, m.Head.N, m.Head.K, nil, o.residual)
	}
	return Hash(h.Sum(nil))
}

// gather puts a matrix with its rows and columns in the given orders; nil is
// the order there is.
func (l *Linear) gather(rows, columns []int32) {
	l.Weight = gatherRows(l.Weight, rows, columns)
	l.In = gatherRows(l.In, nil, columns)
	if rows != nil {
		l.Channel = gatherRows(l.Channel, nil, rows)
		l.Bias = gatherRows(l.Bias, nil, rows)
	}
}

func (n *Norm) gather(order []int32) {
	n.Gain = gatherRows(n.Gain, nil, order)
	n.Bias = gatherRows(n.Bias, nil, order)
}

// gatherRows returns rows of len(columns) elements in the given orders.
func gatherRows[T int8 | int16 | int32](data []T, rows, columns []int32) []T {
	if data == nil {
		return nil
	}
	k := len(columns)
	out := make([]T, len(data))
	for i := range len(data) / k {
		from := i
		if rows != nil {
			from = int(rows[i])
		}
		source := data[from*k:][:k]
		row := out[i*k:][:k]
		for j, at := range columns {
			row[j] = source[at]
		}
	}
	return out
}

// dice draws numbers from the output of BLAKE3 for a label.
type dice struct {
	stream io.Reader
	buf    [4096]byte
	left   []byte
}

func newDice(label string) *dice {
	h := blake3.New()
	_, _ = io.WriteString(h, label) // a hash takes everything
	return &dice{stream: h.Digest()}
}

// next returns the next n bytes, n at most 8.
func (d *dice) next(n int) []byte {
	if len(d.left) < n {
		// The stream of an extendable hash does not end and cannot fail.
		if _, err := io.ReadFull(d.stream, d.buf[:]); err != nil {
			panic(fmt.Sprintf("model: the output of BLAKE3 ended: %v", err))
		}
		d.left = d.buf[:]
	}
	b := d.left[:n]
	d.left = d.left[n:]
	return b
}
