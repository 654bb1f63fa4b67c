package journal

import (
	"io"
	"os"
	"path/filepath"

	"hearth/internal/durable"
)

// files is what the journal does to its folder. Tests put their own in
// between, which fail, or forget what was not synced.
type files interface {
	// list returns the sizes of the files by name.
	list() (map[string]int64, error)
	// create makes a file that must not be there, open opens one that is.
	create(name string) (file, error)
	open(name string) (file, error)
	rename(from, to string) error
	remove(name string) error
	// syncDir returns when the names are on the disk.
	syncDir() error
}

// file is an open segment.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// folder is a folder of the operating system's.
type folder string

func (f folder) path(name string) string { return filepath.Join(string(f), name) }

func (f folder) list() (map[string]int64, error) {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return nil, err
	}
	out := make(map[string]int64, len(entries))
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			out[e.Name()] = info.Size()
		}
	}
	return out, nil
}

func (f folder) create(name string) (file, error) {
	return os.OpenFile(f.path(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

func (f folder) open(name string) (file, error) { return os.OpenFile(f.path(name), os.O_RDWR, 0) }

func (f folder) rename(from, to string) error { return os.Rename(f.path(from), f.path(to)) }

func (f folder) remove(name string) error { return os.Remove(f.path(name)) }

func (f folder) syncDir() error { return durable.SyncDir(string(f)) }
