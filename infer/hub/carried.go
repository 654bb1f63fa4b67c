package hub

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// ErrCarried says that the program itself holds a model, so that it cannot be
// taken away.
var ErrCarried = errors.New("the program carries this model within itself")

// Carried is a model that the program itself holds. A store lists, reads and
// verifies it like the others. A model of the same name in its folder takes
// its place.
type Carried struct {
	Name string
	File *strings.Reader
}

// Carried reports whether the program itself holds the model, which then has
// no file.
func (e Entry) Carried() bool { return e.Path == "" }

func (s *Store) carriedAs(name string) (Carried, bool) {
	i := slices.IndexFunc(s.carried, func(c Carried) bool { return c.Name == name })
	if i < 0 {
		return Carried{}, false
	}
	return s.carried[i], true
}

func (c Carried) entry() Entry {
	return Entry{Name: c.Name, Size: c.File.Size(), Origin: Origin{Source: "program"}}
}

// content opens what a model's file holds, wherever it is.
func (s *Store) content(e Entry) (r io.ReaderAt, closeFile func(), err error) {
	if c, ok := s.carriedAs(e.Name); ok && e.Carried() {
		return c.File, func() {}, nil
	}
	f, err := os.Open(e.Path)
	if err != nil {
		return nil, nil, fmt.Errorf("open the model %s: %w", e.Name, err)
	}
	return f, func() { f.Close() }, nil
}

// anew says how a model whose file is damaged comes back.
func (s *Store) anew(e Entry) string {
	known, isKnown := lookUp(s.known, e.Name)
	switch {
	case e.Carried():
		return "the program is damaged: install it again"
	case isKnown && (e.Origin.Repository == known.Repository || e.Origin.Project == known.Package.Project && e.Origin.Project != ""):
		return fmt.Sprintf("\"hearth model pull %s --force\" brings it anew", e.Name)
	case e.Origin.Repository != "":
		ref := Reference{Repository: e.Origin.Repository, Revision: e.Origin.Revision}
		for _, f := range e.Origin.Files {
			if strings.HasSuffix(f.Path, ".gguf") {
				ref.File = f.Path
			}
		}
		return fmt.Sprintf("\"hearth model pull %s --name %s --force\" brings it anew", ref, e.Name)
	}
	return "bring its files again with \"hearth model add PATH --name " + e.Name + "\""
}
