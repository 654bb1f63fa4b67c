package entry

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/zeebo/blake3"

	"hearth/infer/model"
	"hearth/work"
)

// MaxTraceRows bounds the rows of the longest job of a model, four for each
// layer and token: what a validator has to keep of one trial, at some 150 bytes
// each.
const MaxTraceRows = 1 << 21

// Entry is a model as its manifest describes it.
type Entry struct {
	ID       model.Hash
	Manifest model.Hash // BLAKE3 of its bytes, blocks and all
	Model    *work.Model
	Decoder  bool
	// Weights of the layers' matrices; those of tiles that may be mined.
	Weights, Mineable uint64
	// Roots of all matrices, in the order of their bytes. None is twice.
	Roots []model.Hash
}

// Read reads a manifest and says what is wrong with it as a model to be
// registered: its encoding, its shapes, blocks refused that it does not have,
// nothing that may be mined.
func Read(manifest []byte) (*Entry, error) {
	f, err := model.ParseManifest(manifest)
	if err != nil {
		return nil, err
	}
	m, err := work.NewModel(f)
	if err != nil {
		return nil, err
	}
	e := &Entry{ID: m.ID(), Manifest: blake3.Sum256(manifest), Model: m, Decoder: f.Config.Kind == model.Decoder}
	if f.Config.ActivationLimit > work.ActivationLimit {
		return nil, fmt.Errorf("activations of the model go to ±%d: tickets are made of those to ±%d: import it with that limit", f.Config.ActivationLimit, work.ActivationLimit)
	}
	tokens := min(f.Config.Context, work.MaxJobTokens)
	if rows := 4 * f.Config.Layers * tokens; rows > MaxTraceRows {
		return nil, fmt.Errorf("a job of %d tokens has %d rows in %d layers: a trial keeps at most %d", tokens, rows, f.Config.Layers, MaxTraceRows)
	}
	if e.Roots, err = roots(f); err != nil {
		return nil, err
	}
	return e, e.count(f)
}

// roots returns the roots of all matrices, sorted.
func roots(f *model.Manifest) ([]model.Hash, error) {
	all := make([]model.Hash, len(f.Weights))
	for i, w := range f.Weights {
		all[i] = w.Root
	}
	slices.SortFunc(all, func(a, b model.Hash) int { return bytes.Compare(a[:], b[:]) })
	for i := 1; i < len(all); i++ {
		if all[i] == all[i-1] {
			return nil, fmt.Errorf("two matrices have the root %v: one of them would be mined for nothing", all[i])
		}
	}
	return all, nil
}

// count adds up the weights, and holds the blocks refused to what there is.
func (e *Entry) count(f *model.Manifest) error {
	refused := map[string][]uint32{}
	for _, r := range f.Blocks {
		refused[r.Name] = r.Blocks
	}
	for l := range f.Config.Layers {
		for _, kind := range []model.OperationKind{model.QKV, model.Out, model.Up, model.Down} {
			at := model.Operation{Layer: l, Kind: kind}
			x, _ := e.Model.Matrix(at)
			e.Weights += uint64(x.N) * uint64(x.K)
			blocks := refused[at.String()]
			delete(refused, at.String())
			if err := work.Mineable(at, x.N, x.K); err != nil {
				if len(blocks) > 0 {
					return fmt.Errorf("blocks of %v are listed as refused: %w", at, err)
				}
				continue
			}
			tiles := x.N / work.TileColumns
			if len(blocks) > 0 && int(blocks[len(blocks)-1]) >= tiles { // they rise
				return fmt.Errorf("block %d of %v is listed as refused: it has %d", blocks[len(blocks)-1], at, tiles)
			}
			e.Mineable += uint64(tiles-len(blocks)) * work.TileWork(x.K)
		}
	}
	if len(refused) > 0 {
		return errors.New("blocks are listed as refused of a matrix that is never mined")
	}
	if e.Mineable == 0 {
		return errors.New("nothing of it may be mined")
	}
	return nil
}
