package store

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors that a caller branches on.
var (
	// ErrPaused: the disk takes no writes now (full, read-only, failing, or
	// locked by another program). Entries wait in memory, reads go on, and the
	// next write that succeeds brings everything in.
	ErrPaused = errors.New("ledger paused")
	// ErrHeld: another process has the data folder.
	ErrHeld = errors.New("data folder is in use")
	// ErrDamaged: the file is not a whole database. Nothing was changed.
	ErrDamaged = errors.New("ledger file is damaged")
	// ErrKey: the ledger was made with another key.
	ErrKey = errors.New("ledger belongs to another key")
	// ErrNewer: a newer Hearth wrote the file.
	ErrNewer = errors.New("ledger file is newer than this program")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("ledger is closed")
)

const whatToDo = "nothing was changed; put back a backup with `hearth restore`, " +
	"or move the file and those beside it (-wal, -shm) away to begin a new ledger"

// code returns SQLite's primary result code of an error, 0 if it has none.
func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

// isDisk reports whether an error is the disk's, or of whoever holds it: such
// as may go away by itself.
func isDisk(err error) bool {
	switch code(err) {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL:
		return true
	}
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) ||
		errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EIO)
}

// isPause reports whether an error says that the disk takes nothing now.
func isPause(err error) bool { return errors.Is(err, ErrPaused) }

// classify wraps an error of SQLite in the sentinel that fits and says what
// it means.
func classify(err error) error {
	switch code(err) {
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%w (%w): %s", ErrDamaged, err, whatToDo)
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: it is not a database (%w): %s", ErrDamaged, err, whatToDo)
	}
	if isDisk(err) && !errors.Is(err, ErrPaused) {
		return fmt.Errorf("%w: %w", ErrPaused, err)
	}
	return err
}
