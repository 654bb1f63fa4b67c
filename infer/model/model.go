package model

import "fmt"

// Model is a model in memory, ready to run. It is immutable and safe for
// concurrent use.
type Model struct {
	Config    Config
	Embedding Table
	// Position is added to the embeddings of an encoder: row p for position p,
	// with the row of token type 0 already in it.
	Position Table
	// EmbeddingNorm follows the embeddings of an encoder.
	EmbeddingNorm Norm
	Layers        []Layer
	// FinalNorm and Head of a decoder: the norm's output goes into the product.
	// Channels of Head are tokens.
	FinalNorm Norm
	Head      *Linear
	// Cos and Sin are the rotary tables [Context][HeadSize/2] of a decoder in
	// units of 2^-14.
	Cos, Sin []int16
	// Natural holds, for each channel of the residual stream, its number before
	// the channels were permuted: what comes out of an encoder is put back.
	Natural []int32
	// H0 is the hash of all weights in their natural order, from which the
	// permutations follow; zero of a model that is not permuted.
	H0 Hash
}

// Layer is one block of a transformer.
//
// Encoder (after BERT, norms behind): x → QKV; x = AttentionNorm(x + Out);
// x → Up, GELU → Down; x = InnerNorm(x + Down).
//
// Decoder (after Llama, norms before): AttentionNorm(x) → QKV; x += Out;
// InnerNorm(x) → Up (gate and up), SiLU(gate)·up → Down; x += Down.
type Layer struct {
	AttentionNorm Norm
	// QKV has Heads + 2·KVHeads heads of channels: queries, keys, values.
	QKV *Linear
	// QueryNorm and KeyNorm normalise each head (Qwen3); Gain is nil where there
	// are none.
	QueryNorm, KeyNorm Norm
	// The fraction bits of queries, keys and values as attention multiplies them
	// (12 bits in all). QKV's products are rescaled to 4 bits more.
	QueryBits, KeyBits, ValueBits int
	// What a score is worth: 2^-z with z = (score·Score)>>ScoreShift in units of
	// 2^-15; see [kernel.Level.Softmax].
	Score      uint32
	ScoreShift uint
	Out        *Linear

	InnerNorm Norm
	// Up has Inner channels (encoder), or 2·Inner: gate, then up (decoder). Its
	// products are rescaled to 16 fraction bits.
	Up, Down *Linear
}

// Linear is one weight matrix with what surrounds its product. A row x of its
// input, in fixed point, becomes activations a by [kernel.Level.Quantise] with
// In; the product a·w becomes fixed point by [kernel.Level.Rescale] with
// Channel and Bias.
type Linear struct {
	Name string // such as "layers.3.up"
	N, K int    // outputs, inputs
	// Weight is the matrix, row by row (N rows of K), in [-127, 127].
	Weight []int8
	// Channel holds what a unit of each output is worth: weight ≈
	// int8·Channel·2^ChannelExp. Not negative.
	Channel    []int32
	ChannelExp int
	// Bias in the fraction bits of the output; nil where there is none.
	Bias []int32
	// In holds the factors of the inputs: what the product takes is
	// x·In·2^(InExp-30). Nil is 1, with InExp zero. Behind a norm it holds the
	// norm's gain.
	In    []int32
	InExp int
}

// Norm is a layer norm (encoder) or a root-mean-square norm (decoder).
type Norm struct {
	// Gain of an encoder's norm, or of a head's: gain = Gain·2^GainExp. The
	// norms of a decoder have their gains in the products behind them
	// ([Linear.In]) and a nil Gain.
	Gain    []int32
	GainExp int
	// Bias in the fraction bits of the residual stream; nil where there is none.
	Bias []int32
}

// Table is an embedding table: row r is Row[r·Width...]·Scale[r].
type Table struct {
	Rows, Width int
	Row         []int8
	// Scale of each row: a value in the residual stream is
	// (Row·Scale + 2^(Shift-1)) >> Shift.
	Scale []int32
	Shift uint
}

// Product multiplies rows of activations with one of the model's matrices. It
// is where proof of work meets inference: a plain product, one that makes
// tickets on the way, and one that only records what came by all return the
// same numbers.
type Product interface {
	// Multiply returns c = a·w for the rows m: a holds m rows of biased bytes of
	// stride [kernel.Stride](K), c m rows of N. rows says whose activations they
	// are.
	Multiply(c []int32, a []uint8, rows []Row, at Operation) error
}

// Row says whose row it is: the token at a position of a sequence.
type Row struct {
	Sequence uint64
	Position int
}

// Operation numbers the products of a model: layer and matrix.
type Operation struct {
	Layer int
	Kind  OperationKind
}

// OperationKind is which matrix of a layer.
type OperationKind uint8

// The products of a layer, and the head, whose layer is the number of layers.
const (
	QKV OperationKind = iota
	Out
	Up
	Down
	Head
)

// Tie makes a head the embedding table: its weights are the table's rows, and
// what a row is worth is the factor of the channel.
func (l *Linear) Tie(t Table, residualBits int) {
	l.Weight = t.Row
	l.Channel = t.Scale
	l.ChannelExp = -int(t.Shift) - residualBits
}

// String returns the name of the matrix, such as layers.3.up.
func (o Operation) String() string {
	switch o.Kind {
	case QKV:
		return fmt.Sprintf("layers.%d.qkv", o.Layer)
	case Out:
		return fmt.Sprintf("layers.%d.out", o.Layer)
	case Up:
		return fmt.Sprintf("layers.%d.up", o.Layer)
	case Down:
		return fmt.Sprintf("layers.%d.down", o.Layer)
	default:
		return "head"
	}
}
