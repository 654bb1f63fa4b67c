package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"hearth/infer/model"
	"hearth/infer/safetensors"
)

// hfConfig is what an import needs of a config.json.
type hfConfig struct {
	Architectures []string `json:"architectures"`
	Width         int      `json:"hidden_size"`
	Layers        int      `json:"num_hidden_layers"`
	Heads         int      `json:"num_attention_heads"`
	KVHeads       *int     `json:"num_key_value_heads"`
	HeadSize      *int     `json:"head_dim"`
	Inner         int      `json:"intermediate_size"`
	Vocab         int      `json:"vocab_size"`
	Context       int      `json:"max_position_embeddings"`
	Activation    string   `json:"hidden_act"`
	LayerEpsilon  *float64 `json:"layer_norm_eps"`
	RMSEpsilon    *float64 `json:"rms_norm_eps"`
	Tied          *bool    `json:"tie_word_embeddings"`
	Positions     string   `json:"position_embedding_type"`
	BOS           *int32   `json:"bos_token_id"`
	EOS           stops    `json:"eos_token_id"`
	PAD           *int32   `json:"pad_token_id"`
	Window        *int     `json:"sliding_window"`
	UseWindow     *bool    `json:"use_sliding_window"`

	Theta      *float64  `json:"rope_theta"`
	Scaling    *hfRotary `json:"rope_scaling"`
	Parameters *hfRotary `json:"rope_parameters"`
	Partial    *float64  `json:"partial_rotary_factor"`
}

// hfRotary is rope_scaling, or rope_parameters as later files have it.
type hfRotary struct {
	Theta   *float64 `json:"rope_theta"`
	Kind    string   `json:"rope_type"`
	OldKind string   `json:"type"`
	Factor  float64  `json:"factor"`
	Low     float64  `json:"low_freq_factor"`
	High    float64  `json:"high_freq_factor"`
	Context float64  `json:"original_max_position_embeddings"`
	Partial *float64 `json:"partial_rotary_factor"`
}

// stops are one token, several, or none.
type stops []int32

func (s *stops) UnmarshalJSON(b []byte) error {
	var one *int32
	if json.Unmarshal(b, &one) == nil {
		*s = nil
		if one != nil {
			*s = stops{*one}
		}
		return nil
	}
	return json.Unmarshal(b, (*[]int32)(s))
}

var hfBERT = names{
	tokens:        "embeddings.word_embeddings.weight",
	positions:     "embeddings.position_embeddings.weight",
	types:         "embeddings.token_type_embeddings.weight",
	embeddingGain: "embeddings.LayerNorm.weight",
	embeddingBias: "embeddings.LayerNorm.bias",
	attentionGain: "encoder.layer.%d.attention.output.LayerNorm.weight",
	attentionBias: "encoder.layer.%d.attention.output.LayerNorm.bias",
	queryWeight:   "encoder.layer.%d.attention.self.query.weight",
	queryBias:     "encoder.layer.%d.attention.self.query.bias",
	keyWeight:     "encoder.layer.%d.attention.self.key.weight",
	keyBias:       "encoder.layer.%d.attention.self.key.bias",
	valueWeight:   "encoder.layer.%d.attention.self.value.weight",
	valueBias:     "encoder.layer.%d.attention.self.value.bias",
	outWeight:     "encoder.layer.%d.attention.output.dense.weight",
	outBias:       "encoder.layer.%d.attention.output.dense.bias",
	innerGain:     "encoder.layer.%d.output.LayerNorm.weight",
	innerBias:     "encoder.layer.%d.output.LayerNorm.bias",
	upWeight:      "encoder.layer.%d.intermediate.dense.weight",
	upBias:        "encoder.layer.%d.intermediate.dense.bias",
	downWeight:    "encoder.layer.%d.output.dense.weight",
	downBias:      "encoder.layer.%d.output.dense.bias",
}

// hfLlama serves qwen2 and qwen3 as well.
var hfLlama = names{
	tokens:        "embed_tokens.weight",
	finalGain:     "norm.weight",
	head:          "lm_head.weight",
	attentionGain: "layers.%d.input_layernorm.weight",
	queryWeight:   "layers.%d.self_attn.q_proj.weight",
	queryBias:     "layers.%d.self_attn.q_proj.bias",
	keyWeight:     "layers.%d.self_attn.k_proj.weight",
	keyBias:       "layers.%d.self_attn.k_proj.bias",
	valueWeight:   "layers.%d.self_attn.v_proj.weight",
	valueBias:     "layers.%d.self_attn.v_proj.bias",
	queryGain:     "layers.%d.self_attn.q_norm.weight",
	keyGain:       "layers.%d.self_attn.k_norm.weight",
	outWeight:     "layers.%d.self_attn.o_proj.weight",
	outBias:       "layers.%d.self_attn.o_proj.bias",
	innerGain:     "layers.%d.post_attention_layernorm.weight",
	gateWeight:    "layers.%d.mlp.gate_proj.weight",
	gateBias:      "layers.%d.mlp.gate_proj.bias",
	upWeight:      "layers.%d.mlp.up_proj.weight",
	upBias:        "layers.%d.mlp.up_proj.bias",
	downWeight:    "layers.%d.mlp.down_proj.weight",
	downBias:      "layers.%d.mlp.down_proj.bias",
}

func (s *source) planHuggingFace() (*plan, error) {
	var h hfConfig
	if found, err := s.decode("config.json", &h); err != nil {
		return nil, err
	} else if !found {
		return nil, errors.New("it has no config.json")
	}
	if len(h.Architectures) != 1 {
		return nil, fmt.Errorf("its config.json names %d architectures", len(h.Architectures))
	}
	p := &plan{tensors: hfTensors{s.tensors}}
	var err error
	switch name := h.Architectures[0]; name {
	case "BertModel", "BertForMaskedLM":
		err = s.planBERT(p, &h)
	case "LlamaForCausalLM":
		err = s.planDecoder(p, &h, model.Llama)
	case "Qwen2ForCausalLM":
		err = s.planDecoder(p, &h, model.Qwen2)
	case "Qwen3ForCausalLM":
		err = s.planDecoder(p, &h, model.Qwen3)
	default:
		return nil, fmt.Errorf("its architecture is %s: BertModel, LlamaForCausalLM, Qwen2ForCausalLM and Qwen3ForCausalLM are supported", name)
	}
	if err != nil {
		return nil, fmt.Errorf("its config.json: %w", err)
	}
	return p, nil
}

func (s *source) planBERT(p *plan, h *hfConfig) error {
	if h.Activation != "gelu" {
		return fmt.Errorf("hidden_act is %q: an encoder must have gelu", h.Activation)
	}
	if h.Positions != "" && h.Positions != "absolute" {
		return fmt.Errorf("position_embedding_type is %q: absolute is supported", h.Positions)
	}
	if h.Heads < 1 || h.Width%h.Heads != 0 {
		return fmt.Errorf("a hidden_size of %d cannot be shared by %d heads", h.Width, h.Heads)
	}
	pooling, err := s.pooling()
	if err != nil {
		return err
	}
	p.config = model.Config{
		Kind: model.Encoder, Family: model.BERT,
		Layers: h.Layers, Width: h.Width, Heads: h.Heads, KVHeads: h.Heads, HeadSize: h.Width / h.Heads,
		Inner: h.Inner, Vocab: h.Vocab, Context: h.Context,
		Pooling: pooling, BOS: -1, EOS: []int32{}, PAD: optional(h.PAD, -1),
	}
	p.epsilon = optional(h.LayerEpsilon, 1e-12)
	p.names, p.prefix = hfBERT, "bert."
	if !p.has(tokens, 0) {
		p.prefix = ""
	}
	return nil
}

func (s *source) planDecoder(p *plan, h *hfConfig, family string) error {
	if h.Activation != "silu" {
		return fmt.Errorf("hidden_act is %q: a decoder must have silu", h.Activation)
	}
	if h.Heads < 1 || h.HeadSize == nil && h.Width%h.Heads != 0 {
		return fmt.Errorf("a hidden_size of %d cannot be shared by %d heads", h.Width, h.Heads)
	}
	var generation struct {
		EOS stops `json:"eos_token_id"`
	}
	if _, err := s.decode("generation_config.json", &generation); err != nil {
		return err
	}
	if len(generation.EOS) > 0 {
		h.EOS = generation.EOS
	}
	eos := append([]int32{}, h.EOS...)
	slices.Sort(eos)
	p.config = model.Config{
		Kind: model.Decoder, Family: family,
		Layers: h.Layers, Width: h.Width, Heads: h.Heads, KVHeads: optional(h.KVHeads, h.Heads),
		HeadSize: optional(h.HeadSize, h.Width/h.Heads),
		Inner:    h.Inner, Vocab: h.Vocab, Context: h.Context,
		BOS: optional(h.BOS, -1), EOS: slices.Compact(eos), PAD: optional(h.PAD, -1),
	}
	if h.Window != nil && optional(h.UseWindow, family == model.Llama) {
		// Within the window, attention to a window is attention to all.
		p.config.Context = min(p.config.Context, *h.Window)
	}
	p.epsilon = optional(h.RMSEpsilon, 1e-6)
	p.names, p.prefix = hfLlama, "model."
	if !p.has(tokens, 0) {
		p.prefix = ""
	}
	p.config.Tied = optional(h.Tied, false) || !p.has(head, 0)
	var err error
	p.frequency, err = h.rotary(p.config.HeadSize)
	return err
}

func (h *hfConfig) rotary(size int) ([]float64, error) {
	r := h.Scaling
	if r == nil {
		r = h.Parameters
	}
	if r == nil {
		r = &hfRotary{}
	}
	theta := optional(r.Theta, optional(h.Theta, 10000))
	if optional(r.Partial, optional(h.Partial, 1)) != 1 {
		return nil, errors.New("it rotates only a part of each head (partial_rotary_factor), which is not supported")
	}
	f, err := frequencies(theta, size)
	if err != nil {
		return nil, err
	}
	kind := r.Kind
	if kind == "" {
		kind = r.OldKind
	}
	switch kind {
	case "", "default":
		return f, nil
	case "linear":
		if !(r.Factor >= 1) {
			return nil, fmt.Errorf("rope_scaling has the factor %v", r.Factor)
		}
		for i := range f {
			f[i] /= r.Factor
		}
		return f, nil
	case "llama3":
		return f, stretchLlama3(f, r)
	}
	return nil, fmt.Errorf("rope_scaling is of the kind %q: linear and llama3 are supported", kind)
}

func optional[T any](v *T, otherwise T) T {
	if v == nil {
		return otherwise
	}
	return *v
}

// hfTensors are the weights of a safetensors file.
type hfTensors struct{ *safetensors.File }

func (f hfTensors) Shape(name string) ([]int, bool) {
	t, ok := f.Tensor(name)
	return t.Shape, ok
}

func (f hfTensors) Floats(name string, dst []float32) error {
	t, ok := f.Tensor(name)
	if !ok {
		return fmt.Errorf("the weights lack the tensor %q", name)
	}
	return t.Floats(dst, 0)
}
