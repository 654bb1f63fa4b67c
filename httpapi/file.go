package httpapi

import (
	"fmt"
	"os"
	"path/filepath"
)

// writeSecret replaces a file that only its owner may read. After a power cut
// either the old or the new content is there, whole.
func writeSecret(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	defer os.Remove(f.Name()) // fails once renamed, as it should
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	// The name is on disk only when the folder is. Not every system can sync a
	// folder; where it cannot, there is nothing more to do.
	if d, err := os.Open(filepath.Dir(path)); err == nil {
		d.Sync() //nolint:errcheck // see above
		d.Close()
	}
	return nil
}
