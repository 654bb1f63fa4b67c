package model

import (
	"encoding/binary"
	"fmt"
	"hash"
	"slices"
	"strings"
	"unsafe"

	"github.com/zeebo/blake3"

	"hearth/infer/safetensors"
)

// part is one tensor of a model file and the field of the model it is kept
// in: one of the three slices.
type part struct {
	name     string
	shape    []int
	int8s    *[]int8 // the rows of a matrix
	int16s   *[]int16
	int32s   *[]int32
	optional bool // absent when the field is nil
	// numbers takes back a part that the model keeps in fields of their own.
	numbers func(v []int32) error
}

func (p part) matrix() (Weight, bool) {
	if p.int8s == nil {
		return Weight{}, false
	}
	return Weight{Name: strings.TrimSuffix(p.name, ".weight"), N: p.shape[0], K: p.shape[1]}, true
}

func (p part) dtype() safetensors.DType {
	switch {
	case p.int8s != nil:
		return safetensors.I8
	case p.int16s != nil:
		return safetensors.I16
	default:
		return safetensors.I32
	}
}

// absent says that the model does not have an optional part.
func (p part) absent() bool { return p.optional && p.int32s != nil && *p.int32s == nil }

func (p part) count() int {
	n := 1
	for _, d := range p.shape {
		n *= d
	}
	return n
}

func (p part) length() int {
	switch {
	case p.int8s != nil:
		return len(*p.int8s)
	case p.int16s != nil:
		return len(*p.int16s)
	default:
		return len(*p.int32s)
	}
}

// stretch is how many bytes are converted at a time.
const stretch = 1 << 16

// write passes the part's bytes, little-endian, to w.
func (p part) write(w func([]byte) error) error {
	if p.int8s != nil {
		return w(bytesOf(*p.int8s))
	}
	buf := make([]byte, 0, stretch)
	flush := func(least int) error {
		if len(buf) <= least {
			return nil
		}
		err := w(buf)
		buf = buf[:0]
		return err
	}
	if p.int16s != nil {
		for _, v := range *p.int16s {
			buf = binary.LittleEndian.AppendUint16(buf, uint16(v))
			if err := flush(stretch - 2); err != nil {
				return err
			}
		}
	} else {
		for _, v := range *p.int32s {
			buf = binary.LittleEndian.AppendUint32(buf, uint32(v))
			if err := flush(stretch - 4); err != nil {
				return err
			}
		}
	}
	return flush(0)
}

// bytesOf returns the bytes of a slice, without a copy.
func bytesOf(v []int8) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v))
}

// hashData returns [Manifest.Data].
func hashData(parts []part) Hash {
	sorted := slices.Clone(parts)
	slices.SortFunc(sorted, func(a, b part) int { return strings.Compare(a.name, b.name) })
	h := blake3.New()
	for _, p := range sorted {
		if p.int8s == nil && !p.absent() {
			p.hash(h)
		}
	}
	return Hash(h.Sum(nil))
}

func (p part) hash(h hash.Hash) {
	// A hash takes everything: there are no errors here.
	fmt.Fprintf(h, "%s %s", p.name, p.dtype())
	for _, d := range p.shape {
		fmt.Fprintf(h, " %d", d)
	}
	h.Write([]byte{'\n'})
	_ = p.write(func(b []byte) error { _, err := h.Write(b); return err })
}

// weights lists the matrices of a model of this configuration, without their
// hashes.
func (c Config) weights() []Weight {
	list := []Weight{{Name: "embedding", N: c.Vocab, K: c.Width}}
	if c.Kind == Encoder {
		list = append(list, Weight{Name: "position", N: c.Context, K: c.Width})
	}
	for i := range c.Layers {
		for kind := QKV; kind <= Down; kind++ {
			n, k := c.shape(kind)
			list = append(list, Weight{Name: Operation{Layer: i, Kind: kind}.String(), N: n, K: k})
		}
	}
	if c.Kind == Decoder && !c.Tied {
		list = append(list, Weight{Name: "head", N: c.Vocab, K: c.Width})
	}
	return list
}

// skeleton returns a model of this configuration without any numbers.
func (c Config) skeleton() *Model {
	linear := func(layer int, kind OperationKind) *Linear {
		n, k := c.shape(kind)
		return &Linear{Name: Operation{Layer: layer, Kind: kind}.String(), N: n, K: k}
	}
	m := &Model{
		Config:    c,
		Embedding: Table{Rows: c.Vocab, Width: c.Width},
		Layers:    make([]Layer, c.Layers),
	}
	if c.Kind == Encoder {
		m.Position = Table{Rows: c.Context, Width: c.Width}
	} else {
		m.Head = linear(c.Layers, Head)
	}
	for i := range m.Layers {
		m.Layers[i] = Layer{QKV: linear(i, QKV), Out: linear(i, Out), Up: linear(i, Up), Down: linear(i, Down)}
	}
	return m
}

// parts lists the tensors of a model, matrices in the order of [Model.Permute].
func (m *Model) parts() []part {
	c := m.Config
	var list []part
	numbers := func(name string, v []int32, back func(v []int32) error) {
		list = append(list, part{name: name, shape: []int{len(v)}, int32s: &v, numbers: back})
	}
	vector := func(name string, v *[]int32, n int, optional bool) {
		list = append(list, part{name: name, shape: []int{n}, int32s: v, optional: optional})
	}
	table := func(name string, t *Table) {
		list = append(list, part{name: name + ".weight", shape: []int{t.Rows, t.Width}, int8s: &t.Row})
		vector(name+".scale", &t.Scale, t.Rows, false)
		numbers(name+".shift", []int32{int32(t.Shift)}, func(v []int32) error {
			if v[0] < 0 {
				return fmt.Errorf("%s.shift is negative", name)
			}
			t.Shift = uint(v[0])
			return nil
		})
	}
	norm := func(name string, g *Norm, n int, bias bool) {
		vector(name+".gain", &g.Gain, n, false)
		if bias {
			vector(name+".bias", &g.Bias, n, true)
		}
		numbers(name+".exponent", []int32{int32(g.GainExp)}, func(v []int32) error {
			g.GainExp = int(v[0])
			return nil
		})
	}
	linear := func(l *Linear) {
		tied := l == m.Head && c.Tied
		if !tied {
			list = append(list, part{name: l.Name + ".weight", shape: []int{l.N, l.K}, int8s: &l.Weight})
			vector(l.Name+".channel", &l.Channel, l.N, false)
			vector(l.Name+".bias", &l.Bias, l.N, true)
		}
		vector(l.Name+".in", &l.In, l.K, true)
		numbers(l.Name+".exponents", []int32{int32(l.ChannelExp), int32(l.InExp)}, func(v []int32) error {
			l.ChannelExp, l.InExp = int(v[0]), int(v[1])
			return nil
		})
	}

	table("embedding", &m.Embedding)
	if c.Kind == Encoder {
		table("position", &m.Position)
		norm("embedding_norm", &m.EmbeddingNorm, c.Width, true)
	} else {
		angles := []int{c.Context, c.HeadSize / 2}
		list = append(list, part{name: "cos", shape: angles, int16s: &m.Cos}, part{name: "sin", shape: angles, int16s: &m.Sin})
	}
	for i := range m.Layers {
		l := &m.Layers[i]
		name := fmt.Sprintf("layers.%d.", i)
		linear(l.QKV)
		linear(l.Out)
		linear(l.Up)
		linear(l.Down)
		if c.Kind == Encoder {
			norm(name+"attention_norm", &l.AttentionNorm, c.Width, true)
			norm(name+"inner_norm", &l.InnerNorm, c.Width, true)
		}
		if c.Family == Qwen3 {
			norm(name+"query_norm", &l.QueryNorm, c.HeadSize, false)
			norm(name+"key_norm", &l.KeyNorm, c.HeadSize, false)
		}
		numbers(name+"attention", []int32{
			int32(l.QueryBits), int32(l.KeyBits), int32(l.ValueBits), int32(l.Score), int32(l.ScoreShift),
		}, func(v []int32) error {
			if v[4] < 0 {
				return fmt.Errorf("%sattention has a negative shift", name)
			}
			l.QueryBits, l.KeyBits, l.ValueBits = int(v[0]), int(v[1]), int(v[2])
			l.Score, l.ScoreShift = uint32(v[3]), uint(v[4])
			return nil
		})
	}
	if c.Kind == Decoder {
		linear(m.Head)
	}
	return list
}
