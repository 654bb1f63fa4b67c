package engine

import (
	"errors"
	"fmt"

	"hearth/infer/kernel"
	"hearth/infer/model"
)

// Plain multiplies, and does nothing else. It is safe for concurrent use, but
// with a team products run one after the other.
type Plain struct {
	team   *kernel.Team
	layers [][4]*kernel.Matrix // by layer and kind
	head   *kernel.Matrix      // nil for an encoder
}

// NewPlain packs the matrices of a model for a level: about as many bytes as
// the model has weights. The team, which may be nil, divides the columns of
// each product; an [Encoder], whose workers multiply side by side, wants none.
func NewPlain(m *model.Model, level kernel.Level, team *kernel.Team) (*Plain, error) {
	p := &Plain{team: team, layers: make([][4]*kernel.Matrix, len(m.Layers))}
	pack := func(l *model.Linear) (*kernel.Matrix, error) {
		x, err := kernel.NewMatrix(level, l.Weight, l.N, l.K)
		if err != nil {
			return nil, fmt.Errorf("make %s ready: %w", l.Name, err)
		}
		return x, nil
	}
	var err error
	for i := range m.Layers {
		l := &m.Layers[i]
		for kind, linear := range [4]*model.Linear{model.QKV: l.QKV, model.Out: l.Out, model.Up: l.Up, model.Down: l.Down} {
			if p.layers[i][kind], err = pack(linear); err != nil {
				return nil, err
			}
		}
	}
	if m.Head != nil {
		if p.head, err = pack(m.Head); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// With returns the same matrices, multiplied by another team.
func (p *Plain) With(team *kernel.Team) *Plain {
	other := *p
	other.team = team
	return &other
}

// Multiply implements [model.Product].
func (p *Plain) Multiply(c []int32, a []uint8, rows []model.Row, at model.Operation) error {
	p.Matrix(at).Multiply(c, a, len(rows), p.team)
	return nil
}

// Matrix returns the packed matrix of an operation, nil if the model has none.
func (p *Plain) Matrix(at model.Operation) *kernel.Matrix {
	switch {
	case at.Kind == model.Head:
		return p.head
	case at.Layer < 0 || at.Layer >= len(p.layers) || at.Kind > model.Head:
		return nil
	}
	return p.layers[at.Layer][at.Kind]
}

// ErrStopped is what [Watched.See] returns to end a pass that has shown what it
// was run for. It comes back, wrapped, from the call that ran the pass.
var ErrStopped = errors.New("the pass was stopped where it was asked to")

// Watched is a product that shows what came by: to re-execute a job up to one
// row of one operation, run it with a See that compares that row and returns
// [ErrStopped].
type Watched struct {
	model.Product
	// See is called after each product with its sums c and what it was given.
	// What it keeps it must copy. With several workers it is called from several
	// goroutines at a time. An error ends the pass.
	See func(c []int32, a []uint8, rows []model.Row, at model.Operation) error
}

// Multiply implements [model.Product].
func (w Watched) Multiply(c []int32, a []uint8, rows []model.Row, at model.Operation) error {
	if err := w.Product.Multiply(c, a, rows, at); err != nil {
		return err
	}
	return w.See(c, a, rows, at)
}
