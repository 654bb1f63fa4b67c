package hub

import (
	"context"
	"fmt"
	"io"
	"slices"

	"hearth/infer/model"
	"hearth/work/admission"
)

// Manifest reads what a model says it is, and nothing else of its file.
func (s *Store) Manifest(name string) (*model.Manifest, error) {
	e, err := s.Find(name)
	if err != nil {
		return nil, err
	}
	f, closeFile, err := s.content(e)
	if err != nil {
		return nil, err
	}
	defer closeFile()
	m, err := model.ReadManifest(f, e.Size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// Loaded is a model in memory with what its file holds besides.
type Loaded struct {
	Entry     Entry
	ID        model.Hash
	Model     *model.Model
	Manifest  *model.Manifest
	Tokenizer []byte // tokenizer.json
}

// Load reads a model into memory. Every byte is held against the manifest on
// the way.
func (s *Store) Load(ctx context.Context, name string) (*Loaded, error) {
	e, err := s.Find(name)
	if err != nil {
		return nil, err
	}
	f, closeFile, err := s.content(e)
	if err != nil {
		return nil, err
	}
	defer closeFile()
	l, err := read(ctx, f, e.Size)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", name, err, s.anew(e))
	}
	l.Entry = e
	return l, nil
}

// read reads a model's file until ctx ends.
func read(ctx context.Context, r io.ReaderAt, size int64) (*Loaded, error) {
	m, f, tokenizer, err := model.Read(contextReader{ctx, r}, size)
	if err != nil {
		return nil, err
	}
	id, err := f.ID()
	if err != nil {
		return nil, err
	}
	return &Loaded{ID: id, Model: m, Manifest: f, Tokenizer: tokenizer}, nil
}

// Verify reads a model, holds all of it to its manifest, proves that its
// channels are in the order that follows from its weights, and examines which
// of its weights may be mined: the manifest must say the same.
func (s *Store) Verify(ctx context.Context, name string) (*Loaded, *admission.Report, error) {
	l, err := s.Load(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	report, err := s.examine(ctx, name, l.Model)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	same := func(a, b model.Refused) bool { return a.Name == b.Name && slices.Equal(a.Blocks, b.Blocks) }
	if !slices.EqualFunc(report.Blocks(), l.Manifest.Blocks, same) {
		return nil, nil, fmt.Errorf("%s: the manifest does not list the blocks that may not be mined as they are: add the model again", name)
	}
	return l, report, nil
}

// examine finds the weights of a model that may not be mined; the model works
// with them as with all others.
func (s *Store) examine(ctx context.Context, name string, m *model.Model) (*admission.Report, error) {
	done := int64(0)
	report, err := admission.ExamineModel(m, func(model.Operation) {
		s.progress(Progress{Step: StepExamine, Name: name, Done: done, Total: int64(4 * len(m.Layers))})
		done++
	})
	if err == nil {
		err = ctx.Err()
	}
	return report, err
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context //nolint:containedctx // an io.ReaderAt is not handed one
	r   io.ReaderAt
}

// ReadAt implements io.ReaderAt.
func (c contextReader) ReadAt(b []byte, off int64) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.ReadAt(b, off)
}
