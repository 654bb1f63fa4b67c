package store

import "os"

// Files is [files], for tests that keep a log of it.
type Files interface {
	Replace(name string, data []byte, mode os.FileMode) error
	SyncDir(dir string) error
}

type filesFor struct{ f Files }

func (f filesFor) replace(name string, data []byte, mode os.FileMode) error {
	return f.f.Replace(name, data, mode)
}
func (f filesFor) syncDir(dir string) error { return f.f.SyncDir(dir) }

// Through returns the options with a VFS of SQLite's and files put in between
// the store and the disk, and with a WAL of so few pages that folding it in
// happens often.
func (o Options) Through(vfs string, f Files, pages int) Options {
	o.vfs, o.files, o.checkpoint = vfs, filesFor{f}, pages
	return o
}
