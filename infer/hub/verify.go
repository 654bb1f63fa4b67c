package hub

import (
	"context"
	"fmt"
	"io"
	"os"

	"hearth/infer/model"
)

// Manifest reads what a model says it is, and nothing else of its file.
func (s *Store) Manifest(name string) (*model.Manifest, error) {
	e, err := s.Find(name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(e.Path)
	if err != nil {
		return nil, fmt.Errorf("open the model %s: %w", name, err)
	}
	defer f.Close()
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
	f, err := os.Open(e.Path)
	if err != nil {
		return nil, fmt.Errorf("open the model %s: %w", name, err)
	}
	defer f.Close()
	l, err := read(ctx, f, e.Size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: \"hearth model pull %s --force\" brings it anew", name, err, name)
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

// Verify reads a model, holds all of it to its manifest, and proves that its
// channels are in the order that follows from its weights.
func (s *Store) Verify(ctx context.Context, name string) (*Loaded, error) {
	l, err := s.Load(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := model.Verify(l.Model); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return l, nil
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
