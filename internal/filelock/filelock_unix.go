//go:build unix

package filelock

import (
	"errors"
	"os"
	"syscall"
)

// Open opens the file, which it makes if there is none. [Take] locks it.
func Open(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
}

// Take locks an open file, at once or not at all.
func Take(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// IsBusy tells whether an error of Open or Take says that another has the lock.
func IsBusy(err error) bool { return errors.Is(err, syscall.EWOULDBLOCK) }
