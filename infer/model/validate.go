package model

import (
	"fmt"
	"slices"

	"hearth/infer/kernel"
)

// The bounds of a model's numbers: with them no operation of package kernel
// leaves its range.
const (
	maxBias     = 1<<29 - 1
	maxIn       = 1 << 30
	maxExponent = 256
	maxCosine   = 1 << 14
	// Queries, keys and values have 12 bits.
	minBits, maxBits = -8, 12
)

// Validate returns an error that names the first part of a model that does not
// have the shape of its configuration or whose numbers no operation could take.
func (m *Model) Validate() error {
	if err := m.Config.Validate(); err != nil {
		return fmt.Errorf("check a model: %w", err)
	}
	if err := m.validate(); err != nil {
		return fmt.Errorf("check a model: %w", err)
	}
	return nil
}

func (m *Model) validate() error {
	c := m.Config
	if len(m.Layers) != c.Layers {
		return fmt.Errorf("it has %d layers and not %d", len(m.Layers), c.Layers)
	}
	if c.Kind == Decoder {
		if err := m.Head.validate("head", c, Head); err != nil {
			return err
		}
	}
	for i := range m.Layers {
		l := &m.Layers[i]
		for kind, p := range []*Linear{l.QKV, l.Out, l.Up, l.Down} {
			at := Operation{Layer: i, Kind: OperationKind(kind)}
			if err := p.validate(at.String(), c, at.Kind); err != nil {
				return err
			}
		}
		if err := l.validate(c); err != nil {
			return fmt.Errorf("layers.%d: %w", i, err)
		}
	}
	if err := m.Embedding.validate("embedding", c.Vocab, c.Width); err != nil {
		return err
	}
	if c.Kind == Encoder {
		if err := m.Position.validate("position", c.Context, c.Width); err != nil {
			return err
		}
		if err := m.EmbeddingNorm.validate("embedding_norm", c.Width); err != nil {
			return err
		}
	}
	for _, p := range m.parts() {
		if !p.absent() && p.length() != p.count() {
			return fmt.Errorf("%s has %d numbers and not %d", p.name, p.length(), p.count())
		}
	}
	if c.Kind == Decoder && (!within(m.Cos, maxCosine) || !within(m.Sin, maxCosine)) {
		return fmt.Errorf("cos or sin is over one")
	}
	return isPermutation(m.Natural, c.Width)
}

func (l *Layer) validate(c Config) error {
	for _, bits := range []int{l.QueryBits, l.KeyBits, l.ValueBits} {
		if bits < minBits || bits > maxBits {
			return fmt.Errorf("a query, key or value has %d fraction bits: they must be from %d to %d", bits, minBits, maxBits)
		}
	}
	if l.ScoreShift > 63 {
		return fmt.Errorf("a score is shifted by %d: it must be at most 63", l.ScoreShift)
	}
	if c.Kind == Encoder {
		if err := l.AttentionNorm.validate("attention_norm", c.Width); err != nil {
			return err
		}
		return l.InnerNorm.validate("inner_norm", c.Width)
	}
	if l.AttentionNorm.Gain != nil || l.InnerNorm.Gain != nil || l.AttentionNorm.Bias != nil || l.InnerNorm.Bias != nil {
		return fmt.Errorf("a norm of a decoder has its gain in the product behind it and no bias")
	}
	if c.Family == Qwen3 {
		if err := l.QueryNorm.validate("query_norm", c.HeadSize); err != nil {
			return err
		}
		return l.KeyNorm.validate("key_norm", c.HeadSize)
	}
	if l.QueryNorm.Gain != nil || l.KeyNorm.Gain != nil {
		return fmt.Errorf("only qwen3 has norms of queries and keys")
	}
	return nil
}

func (l *Linear) validate(name string, c Config, kind OperationKind) error {
	n, k := c.shape(kind)
	switch {
	case l == nil:
		return fmt.Errorf("it lacks %s", name)
	case l.Name != name || l.N != n || l.K != k:
		return fmt.Errorf("%s is called %q and is %d×%d: it must be %d×%d", name, l.Name, l.N, l.K, n, k)
	case len(l.Weight) != n*k:
		return fmt.Errorf("%s has %d weights and not %d", name, len(l.Weight), n*k)
	case slices.Contains(l.Weight, -128):
		return fmt.Errorf("%s has a weight of -128: quantise weights to -127…127", name)
	case len(l.Channel) != n || slices.Min(l.Channel) < 0:
		return fmt.Errorf("%s needs %d factors of channels that are not negative", name, n)
	case l.Bias != nil && (len(l.Bias) != n || !within(l.Bias, maxBias)):
		return fmt.Errorf("%s needs %d biases below 2^29 in magnitude", name, n)
	case l.In != nil && (len(l.In) != k || !within(l.In, maxIn)):
		return fmt.Errorf("%s needs %d factors of inputs within ±2^30", name, k)
	case outside(l.ChannelExp, -maxExponent, maxExponent) || outside(l.InExp, -maxExponent, maxExponent):
		return fmt.Errorf("%s has exponents %d and %d: they must be within ±%d", name, l.ChannelExp, l.InExp, maxExponent)
	case l.In == nil && l.InExp != 0:
		return fmt.Errorf("%s has an exponent of inputs without factors", name)
	}
	return nil
}

func (n *Norm) validate(name string, size int) error {
	switch {
	case len(n.Gain) != size || !within(n.Gain, 1<<31-1):
		return fmt.Errorf("%s needs %d gains above -2^31", name, size)
	case n.Bias != nil && (len(n.Bias) != size || !within(n.Bias, maxBias)):
		return fmt.Errorf("%s needs %d biases below 2^29 in magnitude", name, size)
	case outside(n.GainExp, -maxExponent, maxExponent):
		return fmt.Errorf("%s has the exponent %d: it must be within ±%d", name, n.GainExp, maxExponent)
	}
	return nil
}

func (t *Table) validate(name string, rows, width int) error {
	switch {
	case t.Rows != rows || t.Width != width || len(t.Row) != rows*width || len(t.Scale) != rows:
		return fmt.Errorf("%s is %d×%d: it must be %d×%d", name, t.Rows, t.Width, rows, width)
	case slices.Contains(t.Row, -128):
		return fmt.Errorf("%s has a weight of -128: quantise weights to -127…127", name)
	case t.Shift < 1 || t.Shift > 62:
		return fmt.Errorf("%s is shifted by %d: it must be from 1 to 62", name, t.Shift)
	case slices.Min(t.Scale) < 0 || int64(slices.Max(t.Scale))*127>>t.Shift >= kernel.Limit/2:
		return fmt.Errorf("%s has a scale that is negative or leaves ±2^29", name)
	}
	return nil
}

func outside(v, from, to int) bool { return v < from || v > to }

// within says that all of v is within ±most.
func within[T int16 | int32](v []T, most int64) bool {
	for _, x := range v {
		if int64(x) > most || int64(x) < -most {
			return false
		}
	}
	return true
}

func isPermutation(v []int32, n int) error {
	seen := make([]bool, n)
	for _, x := range v {
		if x < 0 || int(x) >= n || seen[x] {
			return fmt.Errorf("the natural channels are not a permutation")
		}
		seen[x] = true
	}
	if len(v) != n {
		return fmt.Errorf("there are %d natural channels and not %d", len(v), n)
	}
	return nil
}
