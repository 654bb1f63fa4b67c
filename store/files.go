package store

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// files is what the store asks of the file system besides SQLite. The power
// cut test keeps a log of it.
type files interface {
	// replace puts data into the file name in one step: after a power cut the
	// file has the old content or the new. It returns after both the content
	// and the name are on the disk.
	replace(name string, data []byte, mode os.FileMode) error
	// syncDir brings a directory's entries to the disk.
	syncDir(dir string) error
}

// osFiles is the real file system.
type osFiles struct {
	unsynced bool // see [Options.Unsynced]
}

func (o osFiles) replace(name string, data []byte, mode os.FileMode) error {
	tmp := name + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if !o.unsynced {
		err = errors.Join(err, f.Sync())
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, name); err != nil {
		return err
	}
	return o.syncDir(filepath.Dir(name))
}

func (o osFiles) syncDir(dir string) error {
	if o.unsynced {
		return nil
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there; NTFS keeps a journal of names
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
