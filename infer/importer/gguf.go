package importer

import (
	"fmt"
	"slices"

	"hearth/infer/gguf"
	"hearth/infer/model"
)

var ggufBERT = names{
	tokens:        "token_embd.weight",
	positions:     "position_embd.weight",
	types:         "token_types.weight",
	embeddingGain: "token_embd_norm.weight",
	embeddingBias: "token_embd_norm.bias",
	attentionGain: "blk.%d.attn_output_norm.weight",
	attentionBias: "blk.%d.attn_output_norm.bias",
	queryWeight:   "blk.%d.attn_q.weight",
	queryBias:     "blk.%d.attn_q.bias",
	keyWeight:     "blk.%d.attn_k.weight",
	keyBias:       "blk.%d.attn_k.bias",
	valueWeight:   "blk.%d.attn_v.weight",
	valueBias:     "blk.%d.attn_v.bias",
	outWeight:     "blk.%d.attn_output.weight",
	outBias:       "blk.%d.attn_output.bias",
	innerGain:     "blk.%d.layer_output_norm.weight",
	innerBias:     "blk.%d.layer_output_norm.bias",
	upWeight:      "blk.%d.ffn_up.weight",
	upBias:        "blk.%d.ffn_up.bias",
	downWeight:    "blk.%d.ffn_down.weight",
	downBias:      "blk.%d.ffn_down.bias",
}

var ggufLlama = names{
	tokens:        "token_embd.weight",
	finalGain:     "output_norm.weight",
	head:          "output.weight",
	attentionGain: "blk.%d.attn_norm.weight",
	queryWeight:   "blk.%d.attn_q.weight",
	queryBias:     "blk.%d.attn_q.bias",
	keyWeight:     "blk.%d.attn_k.weight",
	keyBias:       "blk.%d.attn_k.bias",
	valueWeight:   "blk.%d.attn_v.weight",
	valueBias:     "blk.%d.attn_v.bias",
	queryGain:     "blk.%d.attn_q_norm.weight",
	keyGain:       "blk.%d.attn_k_norm.weight",
	outWeight:     "blk.%d.attn_output.weight",
	outBias:       "blk.%d.attn_output.bias",
	innerGain:     "blk.%d.ffn_norm.weight",
	gateWeight:    "blk.%d.ffn_gate.weight",
	gateBias:      "blk.%d.ffn_gate.bias",
	upWeight:      "blk.%d.ffn_up.weight",
	upBias:        "blk.%d.ffn_up.bias",
	downWeight:    "blk.%d.ffn_down.weight",
	downBias:      "blk.%d.ffn_down.bias",
}

// metadata are the keys of a GGUF file. It keeps the first key that is missing
// or of another type.
type metadata struct {
	values map[string]any
	prefix string // the architecture
	err    error
}

// number returns a whole number.
func (m *metadata) number(key string, otherwise ...int) int {
	v, ok := m.values[key]
	if !ok && len(otherwise) > 0 {
		return otherwise[0]
	}
	switch n := v.(type) {
	case uint8:
		return int(n)
	case int8:
		return int(n)
	case uint16:
		return int(n)
	case int16:
		return int(n)
	case uint32:
		return int(n)
	case int32:
		return int(n)
	case int64:
		return int(n)
	case uint64:
		if n < 1<<62 {
			return int(n)
		}
	}
	m.fail(key)
	return 0
}

// float returns a number with a fraction.
func (m *metadata) float(key string, otherwise ...float64) float64 {
	v, ok := m.values[key]
	if !ok && len(otherwise) > 0 {
		return otherwise[0]
	}
	switch n := v.(type) {
	case float32:
		return float64(n)
	case float64:
		return n
	}
	m.fail(key)
	return 0
}

func (m *metadata) fail(key string) {
	if m.err == nil {
		m.err = fmt.Errorf("its metadata have no number %q", key)
	}
}

// of returns a key of the architecture.
func (m *metadata) of(key string) string { return m.prefix + "." + key }

// token returns a token's number, -1 where there is none.
func (m *metadata) token(key string) int32 {
	n := m.number(key, -1)
	if n < 0 || n >= model.MaxVocab {
		return -1
	}
	return int32(n)
}

func (s *source) planGGUF() (*plan, error) {
	m := &metadata{values: s.gguf.Metadata()}
	architecture, _ := m.values["general.architecture"].(string)
	if !slices.Contains([]string{model.BERT, model.Llama, model.Qwen2, model.Qwen3}, architecture) {
		return nil, fmt.Errorf("its architecture is %q: bert, llama, qwen2 and qwen3 are supported", architecture)
	}
	m.prefix = architecture
	p := &plan{tensors: ggufTensors{s.gguf}, names: ggufLlama}
	c := model.Config{
		Kind: model.Decoder, Family: architecture,
		Layers: m.number(m.of("block_count")),
		Width:  m.number(m.of("embedding_length")),
		Heads:  m.number(m.of("attention.head_count")),
		Inner:  m.number(m.of("feed_forward_length")),
		BOS:    m.token("tokenizer.ggml.bos_token_id"),
		EOS:    []int32{},
		PAD:    m.token("tokenizer.ggml.padding_token_id"),
	}
	c.Context = m.number(m.of("context_length"))
	c.KVHeads = m.number(m.of("attention.head_count_kv"), c.Heads)
	if m.err == nil && (c.Heads < 1 || c.Width%c.Heads != 0) {
		m.err = fmt.Errorf("its metadata share %d channels among %d heads", c.Width, c.Heads)
	}
	if m.err != nil {
		return nil, m.err
	}
	c.HeadSize = m.number(m.of("attention.key_length"), c.Width/c.Heads)
	if n := m.number(m.of("attention.value_length"), c.HeadSize); n != c.HeadSize {
		return nil, fmt.Errorf("its keys have %d channels and its values %d: they must have as many", c.HeadSize, n)
	}
	shape, ok := p.tensors.Shape("token_embd.weight")
	if !ok || len(shape) != 2 {
		return nil, fmt.Errorf("the weights lack the tensor %q", "token_embd.weight")
	}
	c.Vocab = shape[0]
	if architecture == model.BERT {
		c.Kind, c.BOS, p.names = model.Encoder, -1, ggufBERT
		p.epsilon = m.float(m.of("attention.layer_norm_epsilon"), 1e-12)
		switch pooling := m.number(m.of("pooling_type"), 1); pooling {
		case 1:
			c.Pooling = model.Mean
		case 2:
			c.Pooling = model.CLS
		default:
			return nil, fmt.Errorf("its pooling is of type %d: 1 (mean) and 2 (cls) are supported", pooling)
		}
	} else {
		for _, key := range []string{"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"} {
			if t := m.token(key); t >= 0 {
				c.EOS = append(c.EOS, t)
			}
		}
		slices.Sort(c.EOS)
		c.EOS = slices.Compact(c.EOS)
		p.epsilon = m.float(m.of("attention.layer_norm_rms_epsilon"))
		p.interleaved = architecture == model.Llama
		_, ok := p.tensors.Shape(p.names[head])
		c.Tied = !ok
	}
	if m.err != nil {
		return nil, m.err
	}
	p.config = c
	if c.Kind == model.Decoder {
		if err := p.ggufRotary(m); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// ggufRotary reads how a decoder rotates.
func (p *plan) ggufRotary(m *metadata) (err error) {
	size := p.config.HeadSize
	if n := m.number(m.of("rope.dimension_count"), size); n != size {
		return fmt.Errorf("it rotates only %d of %d channels of each head, which is not supported", n, size)
	}
	if p.frequency, err = frequencies(m.float(m.of("rope.freq_base"), 10000), size); err != nil {
		return err
	}
	factor := 1.0
	switch kind, _ := m.values[m.of("rope.scaling.type")].(string); kind {
	case "", "none":
	case "linear":
		factor = m.float(m.of("rope.scaling.factor"))
	default:
		return fmt.Errorf("its rope scaling is of the kind %q: linear is supported", kind)
	}
	if m.err != nil {
		return m.err
	}
	// Llama 3.1's stretching comes as a tensor of divisors.
	divisors := make([]float32, size/2)
	for i := range divisors {
		divisors[i] = 1
	}
	if _, ok := p.tensors.Shape("rope_freqs.weight"); ok {
		if divisors, err = p.read("rope_freqs.weight", size/2); err != nil {
			return err
		}
	}
	for i, d := range divisors {
		if !(factor >= 1 && d >= 1) {
			return fmt.Errorf("its rotary frequencies are divided by %v and %v", factor, d)
		}
		p.frequency[i] /= factor * float64(d)
	}
	return nil
}

// ggufTensors are the weights of a GGUF file.
type ggufTensors struct{ *gguf.File }

func (f ggufTensors) Shape(name string) ([]int, bool) {
	t, ok := f.Tensor(name)
	return t.Shape, ok
}

func (f ggufTensors) Floats(name string, dst []float32) error {
	t, ok := f.Tensor(name)
	if !ok {
		return fmt.Errorf("the weights lack the tensor %q", name)
	}
	return t.Floats(dst, 0)
}
