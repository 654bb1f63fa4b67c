package filelock

import (
	"errors"
	"os"
	"syscall"
)

// Open opens the file, which it makes if there is none, such that others may read it but not open it for
// writing, which is the lock.
func Open(name string) (*os.File, error) {
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

// Take has nothing to add to what [Open] has done.
func Take(*os.File) error { return nil }

// errSharing is ERROR_SHARING_VIOLATION.
const errSharing = syscall.Errno(32)

// IsBusy tells whether an error of Open or Take says that another has the lock.
func IsBusy(err error) bool { return errors.Is(err, errSharing) }
