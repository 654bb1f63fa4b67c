package hub

import (
	"errors"
	"os"
	"syscall"
)

// openLock opens the file such that nobody else may open it for writing,
// which is the lock.
func openLock(name string) (*os.File, error) {
	p, err := syscall.UTF16PtrFromString(name)
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(p, syscall.GENERIC_READ|syscall.GENERIC_WRITE,
		syscall.FILE_SHARE_READ, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(h), name), nil
}

// isBusy knows ERROR_SHARING_VIOLATION, isFull ERROR_DISK_FULL and
// ERROR_HANDLE_DISK_FULL.
func isBusy(err error) bool { return errors.Is(err, syscall.Errno(32)) }

func isFull(err error) bool {
	return errors.Is(err, syscall.Errno(112)) || errors.Is(err, syscall.Errno(39))
}
