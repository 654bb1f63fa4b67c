//go:build unix

package server

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// wire reads from and writes to a connection. One goroutine may read and one
// write at a time.
type wire struct {
	net.Conn
	raw syscall.RawConn // nil for what is no socket of the system
	buf []byte          // for that only

	// Made once, since a closure for each call would be garbage.
	reads, writes func(fd uintptr) bool

	hands  *hands
	hand   *hand
	failed error // of reading
	bytes  []byte
	wrote  int
	broke  error // of writing
}

func newWire(c net.Conn, h *hands) *wire {
	w := &wire{Conn: c, hands: h}
	s, ok := c.(syscall.Conn)
	if !ok {
		return w
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return w
	}
	w.raw, w.reads, w.writes = raw, w.tryRead, w.tryWrite
	return w
}

// next waits until something has come and returns it in a hand, which the
// caller gives back. While it waits it has no buffer.
func (w *wire) next() (*hand, error) {
	if w.raw == nil {
		if w.buf == nil {
			w.buf = make([]byte, readBuffer)
		}
		return readInto(w.buf, w.Conn, w.hands)
	}
	if err := w.raw.Read(w.reads); err != nil {
		return nil, err
	}
	h := w.hand
	w.hand = nil
	return h, w.failed
}

func (w *wire) tryRead(fd uintptr) bool {
	h := w.hands.take()
	n, err := again(syscall.Read, fd, h.buf[:])
	switch {
	case errors.Is(err, syscall.EAGAIN):
		w.hands.give(h)
		return false
	case err != nil || n <= 0:
		w.hands.give(h)
		if w.failed = err; err == nil {
			w.failed = io.EOF
		}
		return true
	}
	h.n, w.hand = n, h
	return true
}

// try writes what the socket takes at once and tells how much that was. It
// never waits.
func (w *wire) try(b []byte) (int, error) {
	if w.raw == nil {
		return 0, nil
	}
	w.bytes, w.wrote, w.broke = b, 0, nil
	err := w.raw.Write(w.writes)
	w.bytes = nil
	switch {
	case err != nil:
		return 0, err
	case errors.Is(w.broke, syscall.EAGAIN):
		return 0, nil
	}
	return max(w.wrote, 0), w.broke
}

func (w *wire) tryWrite(fd uintptr) bool {
	w.wrote, w.broke = again(syscall.Write, fd, w.bytes)
	return true
}

// again calls a system call until no signal comes between.
func again(call func(int, []byte) (int, error), fd uintptr, b []byte) (int, error) {
	for {
		n, err := call(int(fd), b)
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}
