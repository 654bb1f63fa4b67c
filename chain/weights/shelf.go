package weights

import (
	"context"
	"fmt"
	"sync"

	"hearth/chain/judge"
	"hearth/infer/engine"
	"hearth/infer/model"
	"hearth/work"
)

// shelf keeps loaded models within a bound of memory: the one that was not
// asked for the longest makes room.
type shelf struct {
	room int64

	mu      sync.Mutex
	clock   uint64 // counts what is asked for
	used    int64
	loaded  map[model.Hash]*loaded
	loading map[model.Hash]*loading
	failed  map[model.Hash]bool // to be loaded, the last time
}

// loaded is a model in memory, with its matrices packed.
type loaded struct {
	weights *model.Model
	plain   *engine.Plain
	bytes   int64
	asked   uint64
}

// loading is a model that somebody loads while others wait for it.
type loading struct {
	done chan struct{}
	got  *loaded
	err  error
}

// Bench returns a model ready to check tickets and to try claims on, loaded if
// it must be. The error wraps [ErrAbsent] if the weights are not here.
func (s *Store) Bench(ctx context.Context, registered *work.Model) (*judge.Bench, error) {
	l, err := s.wait(ctx, registered.ID())
	if err != nil {
		return nil, err
	}
	return judge.New(registered, l.weights, l.plain, s.level, nil), nil
}

// Weights returns a model, loaded as for [Store.Bench], with the product that
// multiplies with it.
func (s *Store) Weights(ctx context.Context, id model.Hash) (*model.Model, *engine.Plain, error) {
	l, err := s.wait(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	return l.weights, l.plain, nil
}

// wait returns a model once it is loaded.
func (s *Store) wait(ctx context.Context, id model.Hash) (*loaded, error) {
	l, w := s.shelf.find(id)
	if l != nil {
		return l, nil
	}
	if w == nil {
		var mine bool
		if w, mine = s.shelf.begin(id); mine {
			// Loading goes on when the first who asked goes away: the others, and
			// the next, want it.
			go s.shelf.finish(id, w, func() (*loaded, error) { return s.load(context.WithoutCancel(ctx), id) })
		}
	}
	select {
	case <-w.done:
		return w.got, w.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Ready returns a bench if the model is loaded, and false at once if it is not;
// then it is being loaded if it is here and could be loaded the last time. It is
// for who cannot wait.
func (s *Store) Ready(registered *work.Model) (*judge.Bench, bool) {
	id := registered.ID()
	l, wait := s.shelf.find(id)
	if l != nil {
		return judge.New(registered, l.weights, l.plain, s.level, nil), true
	}
	if wait == nil && !s.shelf.hopeless(id) && s.Has(id) {
		if w, mine := s.shelf.begin(id); mine {
			go s.shelf.finish(id, w, func() (*loaded, error) { return s.load(context.Background(), id) })
		}
	}
	return nil, false
}

// load reads a model, every byte held against its manifest.
func (s *Store) load(ctx context.Context, id model.Hash) (*loaded, error) {
	r, size, closeFile, err := s.content(id)
	if err != nil {
		return nil, err
	}
	defer closeFile()
	need := 2 * size // as stored, which tiles are taken of, and packed
	if need > s.shelf.room {
		return nil, fmt.Errorf("load model %v, which takes about %d bytes of memory: %w", id, need, ErrLarge)
	}
	m, f, _, err := model.Read(contextReader{ctx, r}, size)
	if err != nil {
		return nil, fmt.Errorf("load model %v: %w: remove its file, and it is fetched again", id, err)
	}
	if got, err := f.ID(); err != nil || got != id {
		return nil, fmt.Errorf("load model %v: %w: the file has %v: remove it, and it is fetched again", id, ErrContent, got)
	}
	plain, err := engine.NewPlain(m, s.level, nil)
	if err != nil {
		return nil, fmt.Errorf("load model %v: %w", id, err)
	}
	return &loaded{weights: m, plain: plain, bytes: need}, nil
}

// find returns a model that is loaded, or what loads it.
func (h *shelf) find(id model.Hash) (*loaded, *loading) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l := h.loaded[id]; l != nil {
		h.clock++
		l.asked = h.clock
		return l, nil
	}
	return nil, h.loading[id]
}

// begin returns what loads a model, and whether that is for the caller to do.
func (h *shelf) begin(id model.Hash) (*loading, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l := h.loaded[id]; l != nil { // meanwhile
		done := make(chan struct{})
		close(done)
		return &loading{done: done, got: l}, false
	}
	if w := h.loading[id]; w != nil {
		return w, false
	}
	if h.loading == nil {
		h.loading, h.loaded, h.failed = map[model.Hash]*loading{}, map[model.Hash]*loaded{}, map[model.Hash]bool{}
	}
	w := &loading{done: make(chan struct{})}
	h.loading[id] = w
	return w, true
}

// finish loads a model and puts it on the shelf.
func (h *shelf) finish(id model.Hash, w *loading, load func() (*loaded, error)) {
	w.got, w.err = load()
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.loading, id)
	if w.err == nil {
		h.put(id, w.got)
		delete(h.failed, id)
	} else {
		h.failed[id] = true
	}
	close(w.done)
}

// hopeless tells whether a model could not be loaded the last time: it is tried
// again only for who asks for it and waits.
func (h *shelf) hopeless(id model.Hash) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failed[id]
}

// put makes room for a model and shelves it. Who has a bench of one that made
// room keeps it until it is done.
func (h *shelf) put(id model.Hash, l *loaded) {
	for h.used+l.bytes > h.room && len(h.loaded) > 0 {
		var oldest model.Hash
		first := true
		for other, o := range h.loaded {
			if first || o.asked < h.loaded[oldest].asked {
				oldest, first = other, false
			}
		}
		h.used -= h.loaded[oldest].bytes
		delete(h.loaded, oldest)
	}
	h.clock++
	l.asked = h.clock
	h.used += l.bytes
	h.loaded[id] = l
}
