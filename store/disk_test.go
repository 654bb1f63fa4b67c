//go:build unix

package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// A disk stands between a store and the real disk. It is a VFS of SQLite that
// hands every call on to SQLite's own and the store's files likewise; on the
// way it keeps a log of what changes the disk, and it can refuse writes.
type disk struct {
	name string // of the VFS
	dir  string // what lies elsewhere is not logged

	mu     sync.Mutex
	log    []op
	refuse func(op) int32 // SQLite's code for an operation; nil refuses nothing

	vfs, base uintptr
	open      map[uintptr]*openFile // by sqlite3_file
	keep      []any                 // the functions that C pointers lead to
}

type openFile struct {
	path    string
	methods *sqlite3.Tsqlite3_io_methods // SQLite's own
	table   uintptr
}

// op is one operation that changes the disk, or an acknowledgement.
type op struct {
	kind opKind
	path string
	to   string // rename
	off  int64  // write; size for truncate
	data []byte // write

	made    *inode   // create: what it made
	promise *promise // ack: all that was promised so far
}

type opKind int

const (
	opWrite opKind = iota
	opTruncate
	opSync
	opCreate
	opUnlink
	opRename
	opSyncDir
	opAck // what is promised from here on
)

// newDisk registers a disk for what lies under dir.
func newDisk(t *testing.T, dir string) *disk {
	t.Helper()
	tls := libc.NewTLS()
	defer tls.Close()
	d := &disk{name: "disk-" + strings.ReplaceAll(t.Name(), "/", "-"), dir: dir, open: map[uintptr]*openFile{}}
	if rc := sqlite3.Xsqlite3_initialize(tls); rc != 0 {
		t.Fatalf("sqlite3_initialize: %d", rc)
	}
	d.base = sqlite3.Xsqlite3_vfs_find(tls, 0)
	base := vfsAt(d.base)
	d.vfs = libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(*base)))
	own := vfsAt(d.vfs)
	*own = *base
	name, err := libc.CString(d.name)
	if err != nil {
		t.Fatal(err)
	}
	own.FzName, own.FpNext = name, 0
	own.FxOpen, own.FxDelete = d.fn(d.xOpen), d.fn(d.xDelete)
	if rc := sqlite3.Xsqlite3_vfs_register(tls, d.vfs, 0); rc != 0 {
		t.Fatalf("sqlite3_vfs_register: %d", rc)
	}
	d.watchDirectories(t, tls)
	t.Cleanup(func() {
		tls := libc.NewTLS()
		defer tls.Close()
		sqlite3.Xsqlite3_vfs_unregister(tls, d.vfs)
	})
	return d
}

// watchDirectories puts itself in the place of the system call with which
// SQLite opens a directory: it does so only in order to sync it.
func (d *disk) watchDirectories(t *testing.T, tls *libc.TLS) {
	name, err := libc.CString("openDirectory")
	if err != nil {
		t.Fatal(err)
	}
	base := vfsAt(d.base)
	was := call[func(*libc.TLS, uintptr, uintptr) uintptr](base.FxGetSystemCall)(tls, d.base, name)
	hook := d.fn(func(tls *libc.TLS, path, fd uintptr) int32 {
		d.note(op{kind: opSyncDir, path: filepath.Dir(libc.GoString(path))})
		return call[func(*libc.TLS, uintptr, uintptr) int32](was)(tls, path, fd)
	})
	set := call[func(*libc.TLS, uintptr, uintptr, uintptr) int32](base.FxSetSystemCall)
	if rc := set(tls, d.base, name, hook); rc != 0 {
		t.Fatalf("xSetSystemCall: %d", rc)
	}
	t.Cleanup(func() {
		tls := libc.NewTLS()
		defer tls.Close()
		set(tls, d.base, name, was)
	})
}

func vfsAt(p uintptr) *sqlite3.Tsqlite3_vfs {
	return *(**sqlite3.Tsqlite3_vfs)(unsafe.Pointer(&p))
}

// fn returns the C pointer of a Go function. See __ccgo_fp in SQLite's
// translation: it is the data word of the interface.
func (d *disk) fn(f any) uintptr {
	d.keep = append(d.keep, f)
	return (*[2]uintptr)(unsafe.Pointer(&f))[1]
}

// call returns the Go function that a C pointer leads to.
func call[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&struct{ uintptr }{p})) }

func bytesAt(p uintptr, n int) []byte {
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&p)), n)
}

// move has the disk watch another folder. The hook on directories hears of
// every store in the process, also those of other tests.
func (d *disk) move(dir string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dir = dir
}

// note logs an operation unless it is to be refused.
func (d *disk) note(o op) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !strings.HasPrefix(o.path, d.dir) {
		return 0
	}
	if d.refuse != nil {
		if rc := d.refuse(o); rc != 0 {
			return rc
		}
	}
	d.log = append(d.log, o)
	return 0
}

func (d *disk) xOpen(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32 {
	var path string
	if name != 0 {
		path = libc.GoString(name)
	}
	_, err := os.Lstat(path)
	created := errors.Is(err, os.ErrNotExist) && flags&sqlite3.SQLITE_OPEN_CREATE != 0
	if created {
		if rc := d.note(op{kind: opCreate, path: path}); rc != 0 {
			return rc
		}
	}
	rc := call[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](vfsAt(d.base).FxOpen)(tls, vfs, name, file, flags, outFlags)
	methods := *(**uintptr)(unsafe.Pointer(&file)) // sqlite3_file.pMethods
	if rc != 0 || *methods == 0 || path == "" {
		return rc
	}
	f := &openFile{path: path, methods: *(**sqlite3.Tsqlite3_io_methods)(unsafe.Pointer(methods))}
	f.table = libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(*f.methods)))
	own := *(**sqlite3.Tsqlite3_io_methods)(unsafe.Pointer(&f.table))
	*own = *f.methods
	own.FxClose, own.FxWrite, own.FxTruncate, own.FxSync = d.fn(d.xClose), d.fn(d.xWrite), d.fn(d.xTruncate), d.fn(d.xSync)
	*methods = f.table
	d.mu.Lock()
	d.open[file] = f
	d.mu.Unlock()
	return rc
}

func (d *disk) file(p uintptr) *openFile {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open[p]
}

func (d *disk) xClose(tls *libc.TLS, file uintptr) int32 {
	f := d.file(file)
	d.mu.Lock()
	delete(d.open, file)
	d.mu.Unlock()
	defer libc.Xfree(tls, f.table)
	return call[func(*libc.TLS, uintptr) int32](f.methods.FxClose)(tls, file)
}

func (d *disk) xWrite(tls *libc.TLS, file, buf uintptr, n int32, off sqlite3.Tsqlite3_int64) int32 {
	f := d.file(file)
	data := append([]byte(nil), bytesAt(buf, int(n))...)
	if rc := d.note(op{kind: opWrite, path: f.path, off: off, data: data}); rc != 0 {
		return rc
	}
	return call[func(*libc.TLS, uintptr, uintptr, int32, sqlite3.Tsqlite3_int64) int32](f.methods.FxWrite)(tls, file, buf, n, off)
}

func (d *disk) xTruncate(tls *libc.TLS, file uintptr, size sqlite3.Tsqlite3_int64) int32 {
	f := d.file(file)
	if rc := d.note(op{kind: opTruncate, path: f.path, off: size}); rc != 0 {
		return rc
	}
	return call[func(*libc.TLS, uintptr, sqlite3.Tsqlite3_int64) int32](f.methods.FxTruncate)(tls, file, size)
}

func (d *disk) xSync(tls *libc.TLS, file uintptr, flags int32) int32 {
	f := d.file(file)
	if rc := call[func(*libc.TLS, uintptr, int32) int32](f.methods.FxSync)(tls, file, flags); rc != 0 {
		return rc
	}
	return d.note(op{kind: opSync, path: f.path})
}

func (d *disk) xDelete(tls *libc.TLS, vfs, name uintptr, syncDir int32) int32 {
	if rc := d.note(op{kind: opUnlink, path: libc.GoString(name)}); rc != 0 {
		return rc
	}
	return call[func(*libc.TLS, uintptr, uintptr, int32) int32](vfsAt(d.base).FxDelete)(tls, vfs, name, syncDir)
}

// Replace implements [store.Files] as the store itself does, step by step.
func (d *disk) Replace(name string, data []byte, mode os.FileMode) error {
	tmp := name + ".new"
	_, err := os.Lstat(tmp)
	first := op{kind: opTruncate, path: tmp}
	if errors.Is(err, os.ErrNotExist) {
		first.kind = opCreate
	}
	for _, o := range []op{first, {kind: opWrite, path: tmp, data: data}, {kind: opSync, path: tmp}} {
		if rc := d.note(o); rc != 0 {
			return os.ErrPermission
		}
	}
	if err := os.WriteFile(tmp, data, mode); err != nil {
		return err
	}
	if rc := d.note(op{kind: opRename, path: tmp, to: name}); rc != 0 {
		return os.ErrPermission
	}
	if err := os.Rename(tmp, name); err != nil {
		return err
	}
	return d.SyncDir(filepath.Dir(name))
}

// SyncDir implements [store.Files].
func (d *disk) SyncDir(dir string) error {
	d.note(op{kind: opSyncDir, path: dir})
	return nil
}
