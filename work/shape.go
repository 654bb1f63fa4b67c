package work

import (
	"fmt"

	"hearth/infer/kernel"
	"hearth/infer/model"
)

// Constants of consensus.
const (
	// TileColumns are the columns of a tile, one row high: what one ticket
	// covers.
	TileColumns = 128
	// ActivationLimit is the largest magnitude of an activation, NoiseLimit that
	// of an element of the noise: together they fit a byte.
	ActivationLimit = 95
	NoiseLimit      = 32
	// MinK and MaxK bound the length of a row that is mined.
	MinK = 256
	MaxK = 16384
	// MaxTileWork is the most multiply-accumulates of a ticket.
	MaxTileWork = TileColumns * MaxK
	// MaxShortN is the most columns of a product whose noise has rank 32: a
	// row of it must not yield so many tickets that seeds are worth choosing.
	MaxShortN = 16384
	// MaxJobTokens bounds prompt and answer of a job that is claimed.
	MaxJobTokens = 4096
	// MaxJobWork is the most multiply-accumulates, attention included, of a job
	// that is claimed: what its replay may cost a verifier.
	MaxJobWork = 1 << 38
	// PrefixTokens is the length of the pieces of a prompt that are credited
	// once only while claims of them are open.
	PrefixTokens = 64
)

const states = 16 // words of a transcript

// TileWork returns the multiply-accumulates of one ticket on a row of k
// activations.
func TileWork(k int) uint64 { return TileColumns * uint64(k) }

// Mineable tells why an operation with a matrix of n×k weights can never yield
// tickets, and returns nil where it can. It does not look at the weights: that
// is admission's part.
func Mineable(at model.Operation, n, k int) error {
	switch {
	case at.Kind >= model.Head:
		return reject(ReasonOperation, "the head is not mined: the order of its rows is that of the vocabulary, which anybody may choose")
	case at.Layer == 0 && at.Kind == model.QKV:
		return reject(ReasonOperation, "the first product of layer 0 depends on the token alone and is not mined")
	case k < MinK || k > MaxK || k%64 != 0:
		return reject(ReasonShape, "rows of %d activations are not mined: the length must be a multiple of 64 from %d to %d", k, MinK, MaxK)
	case n < TileColumns || n%TileColumns != 0:
		return reject(ReasonShape, "products of %d columns are not mined: their number must be a multiple of %d", n, TileColumns)
	case kernel.Rank(k) == 32 && n > MaxShortN:
		return reject(ReasonShape, "%d columns on rows of %d are not mined: more than %d need rows of at least 2048", n, k, MaxShortN)
	}
	return nil
}

// Model is what a verifier knows of a registered model: its manifest, put in
// order. It is immutable and safe for concurrent use.
type Model struct {
	id       model.Hash
	config   model.Config
	matrices map[model.Operation]Matrix
}

// Matrix is a registered matrix of weights.
type Matrix struct {
	N, K    int
	Root    model.Hash // BLAKE3 of the rows
	refused map[uint32]bool
}

// NewModel reads the matrices of a manifest. The blocks that the manifest
// refuses are tiles: numbers of 128 columns.
func NewModel(f *model.Manifest) (*Model, error) {
	id, err := f.ID()
	if err != nil {
		return nil, fmt.Errorf("register a model: %w", err)
	}
	m := &Model{id: id, config: f.Config, matrices: map[model.Operation]Matrix{}}
	refused := map[string]map[uint32]bool{}
	for _, r := range f.Blocks {
		refused[r.Name] = map[uint32]bool{}
		for _, b := range r.Blocks {
			refused[r.Name][b] = true
		}
	}
	byName := map[string]model.Weight{}
	for _, w := range f.Weights {
		byName[w.Name] = w
	}
	for l := range f.Config.Layers {
		for _, kind := range []model.OperationKind{model.QKV, model.Out, model.Up, model.Down} {
			at := model.Operation{Layer: l, Kind: kind}
			w, ok := byName[at.String()]
			if !ok {
				return nil, fmt.Errorf("register model %v: its manifest does not list %v", id, at)
			}
			m.matrices[at] = Matrix{N: w.N, K: w.K, Root: w.Root, refused: refused[w.Name]}
		}
	}
	return m, nil
}

// ID is the model's id.
func (m *Model) ID() model.Hash { return m.id }

// Config is what the model is, in numbers.
func (m *Model) Config() model.Config { return m.config }

// Matrix returns the matrix of an operation of a layer.
func (m *Model) Matrix(at model.Operation) (Matrix, bool) {
	x, ok := m.matrices[at]
	return x, ok
}

// Refused is whether admission found a tile unfit to be mined.
func (x Matrix) Refused(tile int) bool { return tile < 0 || x.refused[uint32(tile)] }

// Mined returns the matrix of an operation that is mined, or why it is not.
func (m *Model) Mined(at model.Operation) (Matrix, error) {
	x, ok := m.matrices[at]
	if !ok {
		return Matrix{}, reject(ReasonOperation, "the model has no %v that is mined", at)
	}
	return x, Mineable(at, x.N, x.K)
}

// Cost returns the multiply-accumulates of running tokens tokens through a
// model, attention included, with as many answers drawn: what a replay costs.
func Cost(c model.Config, tokens, answers int) uint64 {
	t, width, heads := uint64(tokens), uint64(c.Width), uint64(c.Heads*c.HeadSize)
	inner, up := uint64(c.Inner), uint64(c.Inner)
	if c.Kind == model.Decoder {
		up *= 2
	}
	qkv := uint64((c.Heads + 2*c.KVHeads) * c.HeadSize)
	perToken := width*qkv + heads*width + width*up + inner*width
	attended := t * t
	if c.Kind == model.Decoder {
		attended = t * (t + 1) / 2
	}
	return uint64(c.Layers)*(t*perToken+2*heads*attended) + uint64(answers)*width*uint64(c.Vocab)
}
