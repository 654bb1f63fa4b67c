package pool

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A service begins without what it kept, but never passes over a file that it
// cannot read: it says what was in it and what to do.
func TestKeptFilesThatCannotBeRead(t *testing.T) {
	for _, c := range []struct {
		file, what, advice string
		open               func(dir string) error
	}{
		{"blocks.json", "read the blocks that were found: ", "; put a backup of ", func(dir string) error { _, err := openFound(dir); return err }},
		{"reports.json", "read what pools reported: ", "; put a backup of ", func(dir string) error { _, err := openWatches(dir); return err }},
		{memoryFile, "read where the parties stand: ", "; remove ", func(dir string) error { _, err := remember(dir); return err }},
	} {
		dir := t.TempDir()
		if err := c.open(dir); err != nil {
			t.Errorf("no %s: %v", c.file, err)
		}
		path := filepath.Join(dir, c.file)
		if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := c.open(dir); err == nil || !strings.HasPrefix(err.Error(), c.what+"unexpected end of JSON input"+c.advice+path) {
			t.Errorf("half a %s: %v", c.file, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := c.open(dir); err == nil || !strings.HasPrefix(err.Error(), c.what) || !strings.Contains(err.Error(), c.advice+path) {
			t.Errorf("a folder %s: %v", c.file, err)
		}
	}
}
