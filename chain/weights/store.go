package weights

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/internal/public"
	"hearth/work"
	"hearth/work/admission"
)

// Extension of a model's file.
const Extension = ".hearth"

// fetchFolder holds what is not whole yet.
const fetchFolder = ".fetch"

// Errors that callers tell apart.
var (
	// ErrAbsent: the node does not have the model's weights.
	ErrAbsent = errors.New("the weights of the model are not here")
	// ErrContent: a file is not the model it was taken for.
	ErrContent = errors.New("the file is not that of the model")
	// ErrUnfit: the weights are those of the id, and the model may not be mined
	// as its manifest says: whoever registers it is wrong, whoever serves it is not.
	ErrUnfit = errors.New("the model is not fit to be mined as its manifest says")
	// ErrLarge: the file has more bytes than this node takes or loads.
	ErrLarge = errors.New("the model is too large for this node")
)

// Options say where weights are kept and what they may take.
type Options struct {
	// Dir is the folder. It is made if it is not there.
	Dir string
	// Carried are models that the program holds itself.
	Carried []Carried
	// Sources are addresses of folders that the operator trusts to lead where
	// they lead: they may be of a private network.
	Sources []string
	// Largest is the most bytes of a file that is taken in; 0 is 16 GiB.
	Largest int64
	// Memory is the most bytes that loaded models take together, about; 0 is
	// 4 GiB. What takes more by itself is not fetched.
	Memory int64
	// Level of the arithmetic; every level gives the same bits.
	Level kernel.Level
	// Pause before the n-th new attempt of a download, from 1; nil doubles from
	// one second.
	Pause func(n int) time.Duration
}

// Carried is a model file that the program holds.
type Carried interface {
	io.ReaderAt
	Size() int64
}

// Store is a folder of weights. It is safe for concurrent use.
type Store struct {
	dir     string
	largest int64
	level   kernel.Level
	carried map[model.Hash]Carried
	sources []string
	own     *http.Client // for the operator's sources
	public  *http.Client // for those of others
	pause   func(int) time.Duration
	stall   time.Duration // without a byte, after which an attempt ends
	turn    time.Duration // of one source
	busy    chan struct{} // one file is taken in at a time
	shelf   shelf
	serving chan struct{}
}

// Open returns the store in a folder.
func Open(o Options) (*Store, error) {
	s := &Store{
		dir: o.Dir, largest: o.Largest, level: o.Level, sources: slices.Clone(o.Sources), pause: o.Pause, carried: map[model.Hash]Carried{},
		own: newClient(nil), public: newClient(public.Control), stall: time.Minute, turn: 10 * time.Minute,
		busy: make(chan struct{}, 1), serving: make(chan struct{}, readers),
	}
	if s.largest <= 0 {
		s.largest = 16 << 30
	}
	if s.shelf.room = o.Memory; s.shelf.room <= 0 {
		s.shelf.room = 4 << 30
	}
	if s.pause == nil {
		s.pause = func(n int) time.Duration { return time.Second << min(n-1, 5) }
	}
	for _, c := range o.Carried {
		f, err := model.ReadManifest(c, c.Size())
		if err != nil {
			return nil, fmt.Errorf("read a model that the program carries: %w", err)
		}
		id, err := f.ID()
		if err != nil {
			return nil, fmt.Errorf("read a model that the program carries: %w", err)
		}
		s.carried[id] = c
	}
	if err := os.MkdirAll(filepath.Join(s.dir, fetchFolder), 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of the weights: %w", err)
	}
	return s, nil
}

func (s *Store) file(id model.Hash) string { return filepath.Join(s.dir, id.String()+Extension) }

func (s *Store) part(id model.Hash) string {
	return filepath.Join(s.dir, fetchFolder, id.String()+".part")
}

// content opens what is here of a model. The error wraps [ErrAbsent] if it is
// not here.
func (s *Store) content(id model.Hash) (r io.ReaderAt, size int64, closeFile func(), err error) {
	if c, ok := s.carried[id]; ok {
		return c, c.Size(), func() {}, nil
	}
	f, err := os.Open(s.file(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil, fmt.Errorf("model %v: %w", id, ErrAbsent)
	}
	if err != nil {
		return nil, 0, nil, fmt.Errorf("open the weights of model %v: %w", id, err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, nil, fmt.Errorf("open the weights of model %v: %w", id, err)
	}
	return f, info.Size(), func() { f.Close() }, nil
}

// Has tells whether the weights of a model are here.
func (s *Store) Has(id model.Hash) bool {
	_, _, closeFile, err := s.content(id)
	if err != nil {
		return false
	}
	closeFile()
	return true
}

// List returns the ids of the models that are here, sorted.
func (s *Store) List() ([]model.Hash, error) {
	files, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list the weights: %w", err)
	}
	var ids []model.Hash
	for id := range s.carried {
		ids = append(ids, id)
	}
	for _, f := range files {
		var id model.Hash
		name, ok := strings.CutSuffix(f.Name(), Extension)
		if ok && id.UnmarshalText([]byte(name)) == nil {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b model.Hash) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(ids), nil
}

// Manifest is what the file of a model says, with the tiles that admission
// refuses. The error wraps [ErrAbsent] if the weights are not here.
func (s *Store) Manifest(id model.Hash) (*model.Manifest, error) {
	r, size, closeFile, err := s.content(id)
	if err != nil {
		return nil, err
	}
	defer closeFile()
	f, err := model.ReadManifest(r, size)
	if err != nil {
		return nil, fmt.Errorf("model %v: %w", id, err)
	}
	return f, nil
}

// Fit tells whether a manifest refuses exactly the tiles that admission
// refuses. The error wraps [ErrUnfit] if not, [ErrAbsent] if the weights are not
// here to tell.
func (s *Store) Fit(f *model.Manifest) error {
	id, err := f.ID()
	if err != nil {
		return err
	}
	here, err := s.Manifest(id)
	if err != nil {
		return err
	}
	return sameBlocks(f.Blocks, here.Blocks)
}

func sameBlocks(registered, found []model.Refused) error {
	blocks := func(list []model.Refused) map[string][]uint32 {
		m := map[string][]uint32{}
		for _, r := range list {
			m[r.Name] = r.Blocks
		}
		return m
	}
	has, want := blocks(registered), blocks(found)
	for _, r := range slices.Concat(found, registered) { // in the order of the matrices
		if !slices.Equal(has[r.Name], want[r.Name]) {
			return fmt.Errorf("%w: of %s it refuses %d tiles, admission refuses %d", ErrUnfit, r.Name, len(has[r.Name]), len(want[r.Name]))
		}
	}
	return nil
}

// Add takes in a model file that is on this machine, and returns its id. What
// lies at path stays as it is.
func (s *Store) Add(ctx context.Context, path string) (id model.Hash, err error) {
	in, err := os.Open(path)
	if err != nil {
		return id, fmt.Errorf("add weights: %w", err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return id, fmt.Errorf("add weights: %w", err)
	}
	f, err := model.ReadManifest(in, info.Size())
	if err != nil {
		return id, fmt.Errorf("add weights: %w", err)
	}
	if id, err = f.ID(); err != nil {
		return id, fmt.Errorf("add weights: %w", err)
	}
	if s.Has(id) {
		return id, nil
	}
	if err := s.take(ctx); err != nil {
		return id, err
	}
	defer s.leave()
	if info.Size() > s.largest {
		return id, fmt.Errorf("add weights of %d bytes: %w", info.Size(), ErrLarge)
	}
	return id, s.install(ctx, id, in, info.Size())
}

// take waits for its turn to take in a file.
func (s *Store) take(ctx context.Context) error {
	select {
	case s.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *Store) leave() { <-s.busy }

// install verifies a file and puts it in place, whole and synced, with the
// blocks that admission refuses.
func (s *Store) install(ctx context.Context, id model.Hash, r io.ReaderAt, size int64) error {
	m, f, tokenizer, err := model.Read(contextReader{ctx, r}, size)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("model %v: %w: %w", id, ErrContent, err)
	}
	if got, err := f.ID(); err != nil || got != id {
		return fmt.Errorf("%w: it has model %v, and should have %v", ErrContent, got, id)
	}
	if _, err := work.NewModel(f); err != nil {
		return fmt.Errorf("model %v: %w: %w", id, ErrUnfit, err)
	}
	report, err := admission.ExamineModel(m, nil)
	if err != nil { // its channels are not permuted as they must
		return fmt.Errorf("model %v: %w: %w", id, ErrUnfit, err)
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	f.Blocks = report.Blocks()
	out, err := os.CreateTemp(filepath.Join(s.dir, fetchFolder), "*.new")
	if err != nil {
		return fmt.Errorf("keep model %v: %w", id, err)
	}
	defer func() { _ = os.Remove(out.Name()) }() // fails once it is in place
	err = model.Write(out, m, f, tokenizer)
	err = errors.Join(err, out.Sync(), out.Close())
	if err == nil {
		err = os.Chmod(out.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(out.Name(), s.file(id))
	}
	if err != nil {
		return fmt.Errorf("keep model %v: %w", id, err)
	}
	if d, err := os.Open(s.dir); err == nil { // the name is to last, where the system can do that
		_ = d.Sync()
		d.Close()
	}
	return nil
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
