package node

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hearth/internal/filelock"
)

// LockFile is in the folder of a node, or of a network, that somebody runs or
// ran.
const LockFile = "running.lock"

// Hold makes a folder if it is not there and keeps other processes from running
// what is in it. Closing what is returned lets it go; so does the end of the
// process. The error names the process that has it.
func Hold(home string) (io.Closer, error) {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder %s: %w", home, err)
	}
	name := filepath.Join(home, LockFile)
	f, err := filelock.Open(name)
	if err == nil {
		if err = filelock.Take(f); err != nil {
			f.Close()
		}
	}
	if filelock.IsBusy(err) {
		who, err := os.ReadFile(name)
		if err != nil || len(who) == 0 {
			who = []byte("another process")
		}
		return nil, fmt.Errorf("%s runs what is in %s: stop it first, or choose another --home", strings.TrimSpace(string(who)), home)
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	who := fmt.Appendf(nil, "process %d (since %s)\n", os.Getpid(), time.Now().Format(time.DateTime))
	if err = f.Truncate(0); err == nil {
		_, err = f.WriteAt(who, 0)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("note in %s who runs: %w", name, err)
	}
	return f, nil
}
