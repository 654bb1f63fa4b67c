package admission

import (
	"fmt"

	"hearth/infer/model"
	"hearth/work"
)

// Report is what admission found of a model.
type Report struct {
	Results []Result
	// Weights of the layers' matrices; those of tiles that may be mined.
	Weights, Mineable uint64
}

// ExamineModel tests all matrices of a model that are mined at all. progress,
// which may be nil, is called before each. A model whose channels are not
// permuted by the hash of its weights is an error.
func ExamineModel(m *model.Model, progress func(at model.Operation)) (*Report, error) {
	if err := model.Verify(m); err != nil {
		return nil, fmt.Errorf("examine a model: %w", err)
	}
	report := &Report{}
	for i := range m.Layers {
		l := &m.Layers[i]
		for kind, x := range []*model.Linear{model.QKV: l.QKV, model.Out: l.Out, model.Up: l.Up, model.Down: l.Down} {
			at := model.Operation{Layer: i, Kind: model.OperationKind(kind)}
			report.Weights += uint64(x.N * x.K)
			if work.Mineable(at, x.N, x.K) != nil {
				continue
			}
			if progress != nil {
				progress(at)
			}
			r, err := Examine(at, x.Weight, x.N, x.K)
			if err != nil {
				return nil, err
			}
			report.Results = append(report.Results, *r)
			report.Mineable += uint64(r.Tiles-len(r.Refused())) * work.TileWork(x.K)
		}
	}
	return report, nil
}

// Blocks returns what the manifest of the model lists as not mineable, in the
// order of its matrices.
func (r *Report) Blocks() []model.Refused {
	var blocks []model.Refused
	for _, x := range r.Results {
		if tiles := x.Refused(); len(tiles) > 0 {
			blocks = append(blocks, model.Refused{Name: x.At.String(), Blocks: tiles})
		}
	}
	return blocks
}
