// Package durable replaces small files so that a reader finds the old content
// or the new one, whatever happens in between: kill -9, a full disk, a power
// cut.
package durable

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// Replace puts data into the file in one step and returns once both the content
// and the name are on the disk. The file gets the mode given. Two processes must
// not replace the same file at a time.
func Replace(name string, data []byte, mode os.FileMode) error {
	tmp := name + ".new"
	// What a crash left there may have another mode.
	if err := os.Remove(tmp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(tmp)
		return err
	}
	if err := os.Rename(tmp, name); err != nil {
		os.Remove(tmp)
		return err
	}
	return SyncDir(filepath.Dir(name))
}

// SyncDir returns once the names in a folder are on the disk: of files that were
// made, renamed or removed there.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there; NTFS keeps a journal of names
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
