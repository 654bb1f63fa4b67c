//go:build unix

package store

import (
	"errors"
	"os"
	"syscall"
)

func openLock(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
}

func lockFile(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

func isBusy(err error) bool { return errors.Is(err, syscall.EWOULDBLOCK) }
