package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"hearth/internal/filelock"
)

// hold takes the lock file. Unclean says that its last owner did not close
// the store as it should: it left its number there. The operating system
// frees the lock when a process ends, however it does.
func (s *Store) hold() (unclean bool, err error) {
	name := s.path + ".lock"
	f, err := filelock.Open(name)
	if err != nil {
		if filelock.IsBusy(err) {
			return false, held(name)
		}
		if isDisk(err) {
			return s.holdReadOnly(name, err)
		}
		return false, err
	}
	if err := filelock.Take(f); err != nil {
		f.Close()
		if filelock.IsBusy(err) {
			return false, held(name)
		}
		return false, fmt.Errorf("lock %s: %w", name, err)
	}
	s.lock = f
	text, err := io.ReadAll(io.LimitReader(f, 64))
	unclean = err != nil || len(text) > 0
	// The number is for the message of a second process only: a disk that is
	// full must not keep the first from heating.
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return unclean, nil
}

// holdReadOnly locks as well as can be where no file can be made.
func (s *Store) holdReadOnly(name string, cause error) (bool, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(s.path); err == nil {
			return false, nil // it can only be read, by as many as like
		}
		return false, cause
	}
	if err != nil {
		return false, err
	}
	if err := filelock.Take(f); err != nil {
		f.Close()
		if filelock.IsBusy(err) {
			return false, held(name)
		}
		return false, nil
	}
	s.lock = f
	return false, nil
}

// held says who has the lock.
func held(name string) error {
	b, _ := os.ReadFile(name)
	if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil {
		return fmt.Errorf("%w by process %d: stop it first, or choose another folder with --data", ErrHeld, pid)
	}
	return fmt.Errorf("%w by another process: stop it first, or choose another folder with --data", ErrHeld)
}

// release gives the lock back. A clean end leaves the file empty, so that the
// next start need not look the whole database over.
func (s *Store) release(clean bool) {
	if s.lock == nil {
		return
	}
	if clean {
		_ = s.lock.Truncate(0)
	}
	s.lock.Close()
	s.lock = nil
}
