package model

import (
	"errors"
	"fmt"
)

// Config is what a model is, in numbers. It is part of the manifest.
type Config struct {
	// Kind is "encoder" (BERT: text in, one vector out) or "decoder" (Llama and
	// its relatives: text in, next token out).
	Kind string `json:"kind"`
	// Family is the architecture it was imported from: bert, llama, qwen2, qwen3.
	Family string `json:"family"`

	Layers   int `json:"layers"`
	Width    int `json:"width"`     // of the residual stream
	Heads    int `json:"heads"`     // of queries
	KVHeads  int `json:"kv_heads"`  // of keys and values; divides Heads
	HeadSize int `json:"head_size"` // channels of a head: a multiple of 16 from 16 to 512
	Inner    int `json:"inner"`     // of the feed-forward part
	Vocab    int `json:"vocab"`
	Context  int `json:"context"` // most tokens of one sequence

	// ResidualBits are the fraction bits of the residual stream.
	ResidualBits int `json:"residual_bits"`
	// ActivationLimit is the largest magnitude of an activation in a product: 95
	// wherever tickets may be made.
	ActivationLimit int `json:"activation_limit"`
	// Epsilon of the norms, in units of 2^-(2·ResidualBits).
	Epsilon uint64 `json:"epsilon"`
	// HeadEpsilon of the norms of queries and keys (Qwen3), in units of 2^-32.
	HeadEpsilon uint64 `json:"head_epsilon,omitempty"`

	// Pooling of an encoder: "mean" or "cls".
	Pooling string `json:"pooling,omitempty"`
	// BOS, EOS and PAD are token numbers, -1 where there is none.
	BOS int32   `json:"bos"`
	EOS []int32 `json:"eos"`
	PAD int32   `json:"pad"`
	// Tied says that the head is the embedding table.
	Tied bool `json:"tied,omitempty"`
}

// Kinds of models.
const (
	Encoder = "encoder"
	Decoder = "decoder"
)

// Families of models.
const (
	BERT  = "bert"
	Llama = "llama"
	Qwen2 = "qwen2"
	Qwen3 = "qwen3"
)

// Poolings of encoders.
const (
	Mean = "mean"
	CLS  = "cls"
)

// The bounds of a Config. The widths are those of [kernel.NewMatrix], the
// context is that of [kernel.Level.Softmax]. A vector of length one is the
// bound of encoders: it is made of numbers of up to 2^25, and the sum of 2^13
// of their squares is 2^63, the largest that a root is taken of
// (spec/arithmetic.md, section 12).
const (
	MaxLayers  = 512
	MaxWidth   = 16384
	MaxVector  = 8192
	MaxVocab   = 1 << 20
	MaxContext = 1 << 16
	maxStops   = 64
)

// Validate returns an error that names the first number that no model can have.
func (c Config) Validate() error {
	kind := Decoder
	switch c.Family {
	case BERT:
		kind = Encoder
	case Llama, Qwen2, Qwen3:
	default:
		return fmt.Errorf("the family %q is not one of bert, llama, qwen2 and qwen3", c.Family)
	}
	if c.Kind != kind {
		return fmt.Errorf("a %s model is of the kind %q, not %q", c.Family, kind, c.Kind)
	}
	width := MaxWidth
	if kind == Encoder {
		width = MaxVector
	}
	for _, check := range []struct {
		what              string
		v, from, to, step int
	}{
		{"layers", c.Layers, 1, MaxLayers, 1},
		{"width", c.Width, 64, width, 64},
		{"head_size", c.HeadSize, 16, 512, 16},
		{"heads", c.Heads, 1, MaxWidth / 16, 1},
		{"heads·head_size", c.Heads * c.HeadSize, 64, MaxWidth, 64},
		{"kv_heads", c.KVHeads, 1, MaxWidth / 16, 1},
		{"inner", c.Inner, 64, MaxWidth, 64},
		{"vocab", c.Vocab, 1, MaxVocab, 1},
		{"context", c.Context, 1, MaxContext, 1},
		{"residual_bits", c.ResidualBits, 0, 26, 1},
		{"activation_limit", c.ActivationLimit, 1, 127, 1},
	} {
		if check.v < check.from || check.v > check.to {
			return fmt.Errorf("%s is %d: it must be from %d to %d", check.what, check.v, check.from, check.to)
		}
		if check.v%check.step != 0 {
			return fmt.Errorf("%s is %d: it must be a multiple of %d", check.what, check.v, check.step)
		}
	}
	if c.Heads%c.KVHeads != 0 {
		return fmt.Errorf("%d heads of queries cannot share %d heads of keys evenly", c.Heads, c.KVHeads)
	}
	if c.Epsilon >= 1<<62 || c.HeadEpsilon >= 1<<62 {
		return errors.New("the epsilon of a norm is 2^62 or more")
	}
	if (c.HeadEpsilon != 0) != (c.Family == Qwen3) {
		return errors.New("head_epsilon belongs to qwen3 and to nothing else")
	}
	if kind == Encoder {
		if c.KVHeads != c.Heads {
			return errors.New("an encoder has as many heads of keys as of queries")
		}
		if c.Pooling != Mean && c.Pooling != CLS {
			return fmt.Errorf("the pooling %q is not one of mean and cls", c.Pooling)
		}
		if c.Tied {
			return errors.New("an encoder has no head that could be tied")
		}
	} else if c.Pooling != "" {
		return errors.New("a decoder has no pooling")
	}
	return c.validateTokens()
}

func (c Config) validateTokens() error {
	if len(c.EOS) > maxStops {
		return fmt.Errorf("eos lists %d tokens: more than %d end no sequence", len(c.EOS), maxStops)
	}
	for _, t := range c.EOS {
		if t < 0 || int(t) >= c.Vocab {
			return fmt.Errorf("eos lists token %d of a vocabulary of %d", t, c.Vocab)
		}
	}
	if c.BOS < -1 || int(c.BOS) >= c.Vocab {
		return fmt.Errorf("bos is token %d of a vocabulary of %d", c.BOS, c.Vocab)
	}
	if c.PAD < -1 || int(c.PAD) >= c.Vocab {
		return fmt.Errorf("pad is token %d of a vocabulary of %d", c.PAD, c.Vocab)
	}
	return nil
}

// shape returns the rows and columns of a matrix of the model.
func (c Config) shape(kind OperationKind) (n, k int) {
	attention := c.Heads * c.HeadSize
	switch kind {
	case QKV:
		return attention + 2*c.KVHeads*c.HeadSize, c.Width
	case Out:
		return c.Width, attention
	case Up:
		if c.Kind == Decoder {
			return 2 * c.Inner, c.Width
		}
		return c.Inner, c.Width
	case Down:
		return c.Width, c.Inner
	default:
		return c.Vocab, c.Width
	}
}
