package journal

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"sync"
)

// sector is what a disk writes in one piece.
const sector = 512

// inode is a file on a disk in memory: what is surely there, and what was done
// since the last sync, of which a power cut keeps what it likes.
type inode struct {
	durable []byte
	pending []op
	now     []byte // as programs see it
}

type opKind string

const (
	opCreate   opKind = "create"
	opWrite    opKind = "write"
	opTruncate opKind = "truncate"
	opSync     opKind = "sync"
	opRename   opKind = "rename"
	opRemove   opKind = "remove"
	opSyncDir  opKind = "sync of the folder"
)

// op is an operation that changes the disk.
type op struct {
	kind     opKind
	from, to string
	off      int64
	data     []byte
	made     *inode
}

// memory is a folder on such a disk. Names behave as on a journaling file
// system: changes of names since the folder was synced are kept up to some
// point and then lost. Contents behave as badly as they may: of the writes that
// were not synced any may be lost, and any may be torn into sectors of which
// any may be lost.
type memory struct {
	mu      sync.Mutex
	names   map[string]*inode
	durable map[string]*inode
	renames []op
	// before is asked before each operation: an error makes it fail, some of a
	// write perhaps done.
	before func(op) error
}

func newMemory() *memory {
	return &memory{names: map[string]*inode{}, durable: map[string]*inode{}}
}

func (m *memory) ask(o op) error {
	if m.before == nil {
		return nil
	}
	return m.before(o)
}

func rename(names map[string]*inode, o op) {
	switch o.kind {
	case opCreate:
		names[o.from] = o.made
	case opRemove:
		delete(names, o.from)
	case opRename:
		names[o.to] = names[o.from]
		delete(names, o.from)
	default:
	}
}

func (m *memory) name(o op) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.names[o.from]; ok == (o.kind == opCreate) {
		if ok {
			return fs.ErrExist
		}
		return fs.ErrNotExist
	}
	if err := m.ask(o); err != nil {
		return err
	}
	rename(m.names, o)
	m.renames = append(m.renames, o)
	return nil
}

func (m *memory) list() (map[string]int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]int64{}
	for name, n := range m.names {
		out[name] = int64(len(n.now))
	}
	return out, nil
}

func (m *memory) create(name string) (file, error) {
	n := &inode{}
	return &memoryFile{m, n, name}, m.name(op{kind: opCreate, from: name, made: n})
}

func (m *memory) open(name string) (file, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, ok := m.names[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return &memoryFile{m, n, name}, nil
}

func (m *memory) rename(from, to string) error { return m.name(op{kind: opRename, from: from, to: to}) }

func (m *memory) remove(name string) error { return m.name(op{kind: opRemove, from: name}) }

func (m *memory) syncDir() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.ask(op{kind: opSyncDir}); err != nil {
		return err
	}
	m.durable, m.renames = maps.Clone(m.names), nil
	return nil
}

type memoryFile struct {
	m    *memory
	n    *inode
	name string
}

func (f *memoryFile) Close() error { return nil }

func (f *memoryFile) ReadAt(b []byte, off int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if off >= int64(len(f.n.now)) {
		return 0, io.EOF
	}
	n := copy(b, f.n.now[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// errShort makes half of a write happen and the rest fail.
var errShort = errors.New("no space left on device, half way")

func (f *memoryFile) WriteAt(b []byte, off int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	o := op{kind: opWrite, from: f.name, off: off, data: bytes.Clone(b)}
	err := f.m.ask(o)
	if errors.Is(err, errShort) {
		o.data = o.data[:len(b)/2]
	} else if err != nil {
		return 0, err
	}
	f.n.do(o)
	return len(o.data), err
}

func (f *memoryFile) Truncate(size int64) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	o := op{kind: opTruncate, from: f.name, off: size}
	if err := f.m.ask(o); err != nil {
		return err
	}
	f.n.do(o)
	return nil
}

func (f *memoryFile) Sync() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.m.ask(op{kind: opSync, from: f.name}); err != nil {
		return err
	}
	f.n.durable, f.n.pending = bytes.Clone(f.n.now), nil
	return nil
}

func (n *inode) do(o op) {
	n.now = apply(n.now, o)
	n.pending = append(n.pending, o)
}

func apply(b []byte, o op) []byte {
	if o.kind == opTruncate {
		if int64(len(b)) >= o.off {
			return bytes.Clone(b[:o.off])
		}
		return append(bytes.Clone(b), make([]byte, o.off-int64(len(b)))...)
	}
	out := make([]byte, max(len(b), int(o.off)+len(o.data)))
	copy(out, b)
	copy(out[o.off:], o.data)
	return out
}

// cut returns the disk as it may be after a power cut now.
func (m *memory) cut(rnd *rand.Rand) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := maps.Clone(m.durable)
	for _, o := range m.renames[:rnd.IntN(len(m.renames)+1)] {
		rename(names, o)
	}
	after := newMemory()
	for name, n := range names {
		if n != nil {
			b := n.cut(rnd)
			after.names[name] = &inode{durable: b, now: b}
		}
	}
	after.durable = maps.Clone(after.names)
	return after
}

func (n *inode) cut(rnd *rand.Rand) []byte {
	b := n.durable
	style := rnd.IntN(4) // how the disk treated this file
	for _, o := range n.pending {
		fate := style
		if style == 3 {
			fate = rnd.IntN(3)
		}
		switch fate {
		case 0: // kept
			b = apply(b, o)
		case 1: // lost
		case 2: // torn
			if o.kind == opTruncate {
				continue
			}
			for from := int64(0); from < int64(len(o.data)); {
				to := min(int64(len(o.data)), (o.off+from)/sector*sector+sector-o.off)
				piece := op{kind: opWrite, off: o.off + from, data: o.data[from:to]}
				switch rnd.IntN(8) {
				case 0, 1, 2, 3:
					b = apply(b, piece)
				case 4: // a sector that was allocated but never written
					piece.data = make([]byte, to-from)
					for i := range piece.data {
						piece.data[i] = byte(rnd.Uint32())
					}
					if piece.off >= int64(len(b)) {
						b = apply(b, piece)
					}
				}
				from = to
			}
		}
	}
	return b
}
