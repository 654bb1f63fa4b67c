package filelock_test

import (
	"os"
	"path/filepath"
	"testing"

	"hearth/internal/filelock"
)

// take is how whoever wants the lock goes about it.
func take(name string) (*os.File, error) {
	f, err := filelock.Open(name)
	if err != nil {
		return nil, err
	}
	if err := filelock.Take(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func TestOneAtATime(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.lock")
	for range 3 {
		f, err := take(name)
		if err != nil {
			t.Fatal(err)
		}
		if other, err := take(name); err == nil || !filelock.IsBusy(err) {
			other.Close()
			t.Errorf("a second one got: %v", err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := take(filepath.Join(t.TempDir(), "no", "folder")); err == nil || filelock.IsBusy(err) {
		t.Errorf("where there is no folder: %v", err)
	}
}
