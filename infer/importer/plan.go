package importer

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"hearth/infer/model"
)

// plan is a published model as its files describe it: its numbers, and where
// its weights are. No weight has been read yet.
type plan struct {
	// config lacks ResidualBits, Epsilon and HeadEpsilon, which depend on the
	// weights.
	config  model.Config
	epsilon float64 // of the norms
	// frequency is by how many radians each rotary pair of a decoder turns from
	// one position to the next.
	frequency []float64

	tensors tensors
	names   names
	// prefix goes before names.
	prefix string
	// interleaved says that the rows of queries and keys stand in pairs, as
	// GGUF files of llama have them.
	interleaved bool
}

// tensors are the weights of a published model.
type tensors interface {
	// Shape returns the shape of a tensor, last dimension fastest.
	Shape(name string) ([]int, bool)
	// Floats reads a whole tensor.
	Floats(name string, dst []float32) error
}

// role is what a tensor is for.
type role int

const (
	tokens role = iota
	positions
	types
	embeddingGain
	embeddingBias
	finalGain
	head

	// Of each layer.
	attentionGain
	attentionBias
	queryWeight
	queryBias
	keyWeight
	keyBias
	valueWeight
	valueBias
	queryGain
	keyGain
	outWeight
	outBias
	innerGain
	innerBias
	gateWeight
	gateBias
	upWeight
	upBias
	downWeight
	downBias

	roles
)

// names are the names of tensors by role, "" for what a kind of model does not
// have. Those of layers have a %d for the layer.
type names [roles]string

// name returns the name of a tensor, "" if files of this kind have none such.
func (p *plan) name(r role, layer int) string {
	name := p.names[r]
	if strings.Contains(name, "%d") {
		name = fmt.Sprintf(name, layer)
	}
	if name == "" || r == head {
		return name
	}
	return p.prefix + name
}

// has says whether the files have a tensor.
func (p *plan) has(r role, layer int) bool {
	name := p.name(r, layer)
	if name == "" {
		return false
	}
	_, ok := p.tensors.Shape(name)
	return ok
}

// matrix reads n rows of k weights.
func (p *plan) matrix(r role, layer, n, k int) ([]float32, error) {
	return p.read(p.name(r, layer), n, k)
}

// vector reads n numbers; a tensor that the files do not have is nil.
func (p *plan) vector(r role, layer, n int) ([]float32, error) {
	if !p.has(r, layer) {
		return nil, nil
	}
	return p.read(p.name(r, layer), n)
}

// checkShape holds a tensor to the shape it must have.
func (p *plan) checkShape(name string, want []int) error {
	got, ok := p.tensors.Shape(name)
	if !ok {
		return fmt.Errorf("the weights lack the tensor %q", name)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("the tensor %q has the shape %v: the configuration calls for %v", name, got, want)
	}
	return nil
}

// read reads a tensor of the given shape, which is held to the file's before
// anything is allocated.
func (p *plan) read(name string, shape ...int) ([]float32, error) {
	if err := p.checkShape(name, shape); err != nil {
		return nil, err
	}
	n := 1
	for _, d := range shape {
		n *= d
	}
	v := make([]float32, n)
	if err := p.tensors.Floats(name, v); err != nil {
		return nil, err
	}
	for i, x := range v {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return nil, fmt.Errorf("the tensor %q has the value %v at element %d: the file is damaged or the training failed", name, x, i)
		}
	}
	return v, nil
}

// required is vector for what a model cannot be without.
func (p *plan) required(r role, layer, n int) ([]float32, error) {
	return p.read(p.name(r, layer), n)
}

// heads puts the rows of k weights of queries or keys, or with k of 1 their
// biases, into the order in which a pair lies half a head apart.
func (p *plan) heads(v []float32, k int) []float32 {
	if !p.interleaved || v == nil {
		return v
	}
	size := p.config.HeadSize
	out := make([]float32, len(v))
	for row := range len(v) / k {
		h, c := row/size, row%size
		from := h*size + c%(size/2)*2 + c/(size/2)
		copy(out[row*k:][:k], v[from*k:][:k])
	}
	return out
}

// perToken is how many multiplications a token takes, without the head.
func (p *plan) perToken() int64 {
	c := p.config
	attention := c.Heads * c.HeadSize
	inner := 2 * c.Inner
	if c.Kind == model.Decoder {
		inner = 3 * c.Inner
	}
	return int64(c.Layers) * int64(c.Width) * int64(2*attention+2*c.KVHeads*c.HeadSize+inner)
}
