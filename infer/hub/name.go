package hub

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// A name is what a model is called on this computer: it is also a file name
// on every system, and an id in the HTTP API.
var (
	nameForm     = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,95}$`)
	repoForm     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}$`)
	revisionForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
	commitForm   = regexp.MustCompile(`^[0-9a-f]{40}$`)
	hexForm      = regexp.MustCompile(`^[0-9a-f]{64}$`)
	shardForm    = regexp.MustCompile(`^model-[0-9]{5}-of-[0-9]{5}\.safetensors$`)
)

// CheckName returns why name cannot be the name of a model.
func CheckName(name string) error {
	if !nameForm.MatchString(name) || strings.Contains(name, "..") || strings.HasSuffix(name, ".") {
		return fmt.Errorf("%q cannot be the name of a model: use small letters, digits, '.', '-' and '_', such as all-minilm-l6-v2", name)
	}
	return nil
}

// NameFor makes a name of what a folder, a file or a repository is called.
// The result may still fail [CheckName].
func NameFor(s string) string {
	s = path.Base(strings.ReplaceAll(s, `\`, "/"))
	for _, ext := range []string{".hearth", ".gguf", ".safetensors", ".whl"} {
		s = strings.TrimSuffix(s, ext)
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, s)
	return strings.Trim(s, ".-_")
}

// Reference is a repository of a model hub: "owner/name", with a branch, tag
// or commit behind an "@", and one GGUF file of it behind a ":".
type Reference struct {
	Repository string // owner/name
	Revision   string // "main" where none was named
	File       string // a .gguf file of the repository's root, or empty
}

// ParseReference reads "owner/name", "owner/name@revision" and
// "owner/name:FILE.gguf".
func ParseReference(s string) (Reference, error) {
	r := Reference{Revision: "main"}
	rest, file, hasFile := strings.Cut(s, ":")
	repo, revision, hasRevision := strings.Cut(rest, "@")
	bad := func() (Reference, error) {
		return Reference{}, fmt.Errorf("%q is neither a model that Hearth knows nor a repository: write it as owner/name, owner/name@revision or owner/name:file.gguf", s)
	}
	if !repoForm.MatchString(repo) || strings.Contains(repo, "..") {
		return bad()
	}
	r.Repository = repo
	if hasRevision {
		if !revisionForm.MatchString(revision) || strings.Contains(revision, "..") {
			return bad()
		}
		r.Revision = revision
	}
	if hasFile {
		if !strings.HasSuffix(file, ".gguf") || !revisionForm.MatchString(file) || strings.Contains(file, "..") {
			return bad()
		}
		r.File = file
	}
	return r, nil
}

// String is the reference as it was written.
func (r Reference) String() string {
	s := r.Repository
	if r.Revision != "main" {
		s += "@" + r.Revision
	}
	if r.File != "" {
		s += ":" + r.File
	}
	return s
}

// Name is what the model is called here unless a person says otherwise.
func (r Reference) Name() string {
	if r.File != "" {
		return NameFor(r.File)
	}
	return NameFor(r.Repository)
}
