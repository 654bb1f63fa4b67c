package safetensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// MaxIndex is the most bytes an index may have.
const MaxIndex = MaxHeader

// maxShard is the most bytes the name of a shard may have: what file systems
// take.
const maxShard = 255

// Shards says which file holds each tensor, by the tensor's name.
type Shards map[string]string

// Index reads a model.safetensors.index.json. The names of files in it are
// plain: no path leads out of the folder of the model. The total size that an
// index may give is not looked at, because published ones are often wrong.
func Index(b []byte) (Shards, error) {
	s, err := index(b)
	if err != nil {
		return nil, fmt.Errorf("safetensors index: %w; fetch the index again", err)
	}
	return s, nil
}

func index(b []byte) (Shards, error) {
	if len(b) > MaxIndex {
		return nil, fmt.Errorf("%d bytes are over the limit of %d", len(b), MaxIndex)
	}
	r, err := newReader(b)
	if err != nil {
		return nil, err
	}
	s := Shards{}
	seen := map[string]bool{}
	err = r.object(func(key string) error {
		if seen[key] {
			return fmt.Errorf("%q comes twice", key)
		}
		seen[key] = true
		switch key {
		case "weight_map":
			return r.strings(s)
		case "metadata":
			return r.skip()
		}
		return fmt.Errorf("an index has no %q", key)
	})
	if err != nil {
		return nil, err
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	if len(s) == 0 {
		return nil, errors.New("its weight_map names no tensor")
	}
	for tensor, file := range s {
		if !plain(file) {
			return nil, fmt.Errorf("tensor %q: %s is not a plain file name", tensor, quote(file))
		}
	}
	return s, nil
}

// skip reads one value and forgets it. It counts levels rather than recurse.
func (r *reader) skip() error {
	for depth := 0; ; {
		t, err := r.token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// plain reports whether name is a file in the same folder on every system:
// letters, digits, and dot, dash and underscore inside.
func plain(name string) bool {
	if name == "" || len(name) > maxShard || name[0] == '.' || name[0] == '-' || name[len(name)-1] == '.' {
		return false
	}
	return strings.IndexFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_'
	}) < 0
}

// Files returns the names of the files, sorted.
func (s Shards) Files() []string {
	return slices.Compact(slices.Sorted(maps.Values(s)))
}

// OpenShards opens all files of an index as one. Each must hold exactly the
// tensors that the index says it holds. The function open is called once for
// each file, in the order of their names; what it opened stays the caller's to
// close, also after an error.
func OpenShards(s Shards, open func(name string) (io.ReaderAt, int64, error)) (*File, error) {
	all := &File{tensors: make(map[string]Tensor, len(s)), metadata: map[string]string{}}
	for _, name := range s.Files() {
		if !plain(name) {
			return nil, fmt.Errorf("open shard %q: not a plain file name", name)
		}
		r, size, err := open(name)
		if err != nil {
			return nil, fmt.Errorf("open shard %s: %w", name, err)
		}
		f, err := Open(r, size)
		if err != nil {
			return nil, fmt.Errorf("open shard %s: %w", name, err)
		}
		for tensor, t := range f.tensors {
			if s[tensor] != name {
				return nil, fmt.Errorf("open shard %s: it holds tensor %q, which the index does not place there; fetch index and shards of one revision", name, tensor)
			}
			all.tensors[tensor] = t
		}
	}
	for _, tensor := range slices.Sorted(maps.Keys(s)) {
		if _, ok := all.tensors[tensor]; !ok {
			return nil, fmt.Errorf("open shard %s: it lacks tensor %q, which the index places there; fetch index and shards of one revision", s[tensor], tensor)
		}
	}
	all.names = slices.Sorted(maps.Keys(all.tensors))
	return all, nil
}
