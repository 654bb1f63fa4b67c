package hub

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hearth/infer/importer"
	"hearth/infer/model"
)

// Add makes a model of files that are here: a folder as a model hub has it, a
// file of such a folder, a GGUF file, a wheel or zip archive that holds such a
// folder, or a model file of Hearth's. What lies at path stays as it is. An
// empty name is taken from the path.
func (s *Store) Add(ctx context.Context, path, name string) (Entry, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Entry{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return Entry{}, fmt.Errorf("add a model: %w", err)
	}
	ext := strings.ToLower(filepath.Ext(path))
	if !info.IsDir() && ext == ".safetensors" {
		// The folder is the model: weights alone say neither shape nor words.
		path = filepath.Dir(path)
		if info, err = os.Stat(path); err != nil {
			return Entry{}, fmt.Errorf("add a model: %w", err)
		}
	}
	name = firstOf(name, NameFor(filepath.ToSlash(path)))
	if err := CheckName(name); err != nil {
		return Entry{}, fmt.Errorf("%w; choose one with --name", err)
	}
	unlock, err := s.lock(name)
	if err != nil {
		return Entry{}, err
	}
	defer unlock()
	o := Origin{Source: "files", At: time.Now().UTC().Round(time.Second)}
	fail := func(err error) (Entry, error) {
		return Entry{}, fmt.Errorf("add %s: %w", filepath.Base(path), err)
	}
	var e Entry
	switch {
	case info.IsDir():
		if o.Files, err = s.hashFolder(ctx, path); err == nil {
			e, err = s.bring(ctx, name, o, path, "")
		}
	case ext == Extension:
		e, err = s.copyModel(ctx, name, o, path, info.Size())
	case ext == ".gguf":
		var taken Taken
		if taken, err = s.hashFile(ctx, path, filepath.Base(path)); err == nil {
			o.Files = []Taken{taken}
			e, err = s.bring(ctx, name, o, filepath.Dir(path), filepath.Base(path))
		}
	case ext == ".whl" || ext == ".zip":
		e, err = s.addArchive(ctx, name, o, path)
	default:
		err = errors.New("it is none of a folder with config.json, tokenizer.json and safetensors, a .gguf, a .whl and a .hearth file")
	}
	if err != nil {
		return fail(err)
	}
	return e, os.RemoveAll(s.fetched(name))
}

// addArchive unpacks an archive beside the models and imports what it holds.
func (s *Store) addArchive(ctx context.Context, name string, o Origin, path string) (Entry, error) {
	folder, err := modelFolder(path)
	if err != nil {
		return Entry{}, err
	}
	dir := filepath.Join(s.fetched(name), "unpacked")
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return Entry{}, disk(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if o.Files, err = s.fetcher().unpack(ctx, path, folder, dir); err != nil {
		return Entry{}, err
	}
	return s.bring(ctx, name, o, dir, "")
}

// hashFolder hashes the files of a folder that an import reads.
func (s *Store) hashFolder(ctx context.Context, dir string) ([]Taken, error) {
	var all []Taken
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	list := []string{"1_Pooling/config.json"}
	for _, f := range names {
		list = append(list, f.Name())
	}
	for _, n := range list {
		if !wanted(n) {
			continue
		}
		t, err := s.hashFile(ctx, filepath.Join(dir, filepath.FromSlash(n)), n)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

func (s *Store) hashFile(ctx context.Context, path, name string) (Taken, error) {
	f, err := os.Open(path)
	if err != nil {
		return Taken{}, err
	}
	defer f.Close()
	h := sha256.New()
	n := size(path)
	if err := s.fetcher().read(ctx, h, f, Progress{Step: StepCheck, Name: name, Total: n}); err != nil {
		return Taken{}, err
	}
	return Taken{Path: name, Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}

// copyModel takes in a model file that somebody else made. What it says of
// itself is checked; which of its weights may be mined is found out here.
func (s *Store) copyModel(ctx context.Context, name string, o Origin, path string, size int64) (Entry, error) {
	in, err := os.Open(path)
	if err != nil {
		return Entry{}, err
	}
	defer in.Close()
	taken, err := s.hashFile(ctx, path, filepath.Base(path))
	if err != nil {
		return Entry{}, err
	}
	o.Files = []Taken{taken}
	l, err := read(ctx, in, size)
	if err != nil {
		return Entry{}, err
	}
	return s.examined(ctx, name, o, l.Model, l.Manifest, l.Tokenizer)
}

// bring imports the model in a folder and puts it in place. File names a GGUF
// file to import in place of what else the folder holds.
func (s *Store) bring(ctx context.Context, name string, o Origin, dir, file string) (Entry, error) {
	source := &model.Source{Name: firstOf(o.Repository, o.Project, name)}
	for _, f := range o.Files {
		source.Files = append(source.Files, model.SourceFile{Name: f.Path, SHA256: f.SHA256})
	}
	folder := os.DirFS(dir)
	if file != "" {
		folder = only{folder, file}
	}
	s.progress(Progress{Step: StepImport, Name: name})
	m, err := importer.Import(ctx, folder, importer.Options{
		Source: source,
		Progress: func(done, all int) {
			s.progress(Progress{Step: StepImport, Name: name, Done: int64(done), Total: int64(all)})
		},
	})
	if err != nil {
		return Entry{}, err
	}
	return s.examined(ctx, name, o, m.Model, m.Manifest, m.Tokenizer)
}

// examined puts a model in place whose manifest says which of its weights may
// not be mined.
func (s *Store) examined(ctx context.Context, name string, o Origin, m *model.Model, f *model.Manifest, tokenizer []byte) (Entry, error) {
	report, err := s.examine(ctx, name, m)
	if err != nil {
		return Entry{}, err
	}
	f.Blocks = report.Blocks()
	return s.put(name, o, func(out *os.File) error {
		w := bufio.NewWriterSize(out, 1<<20)
		if err := model.Write(w, m, f, tokenizer); err != nil {
			return err
		}
		return w.Flush()
	})
}

// only is a folder in which there is one file of weights.
type only struct {
	fs.FS
	weights string
}

func (o only) shows(name string) bool {
	return name == "." || name == o.weights || beside(name)
}

// beside reports whether a file may stand beside a GGUF file to say what the
// file itself does not.
func beside(name string) bool {
	return name == "tokenizer.json" || name == "tokenizer_config.json" || name == "chat_template.jinja"
}

// Open implements fs.FS.
func (o only) Open(name string) (fs.File, error) {
	if !o.shows(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return o.FS.Open(name)
}

// ReadDir implements fs.ReadDirFS.
func (o only) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(o.FS, name)
	return slices.DeleteFunc(all, func(f fs.DirEntry) bool { return !o.shows(f.Name()) }), err
}
