//go:build unix

package hub

import (
	"errors"
	"os"
	"syscall"
)

// openLock opens the file that is locked; the operating system lets the lock
// go when the process ends, however it does.
func openLock(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func isBusy(err error) bool { return errors.Is(err, syscall.EWOULDBLOCK) }

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
