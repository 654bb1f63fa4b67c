//go:build !unix

package server

import "net"

// wire reads from and writes to a connection. Where sockets cannot be tried
// without waiting, a quiet connection has a buffer, and what is sent goes
// through the goroutine that may wait.
type wire struct {
	net.Conn
	hands *hands
	buf   [readBuffer]byte
}

func newWire(c net.Conn, h *hands) *wire { return &wire{Conn: c, hands: h} }

func (w *wire) next() (*hand, error) { return readInto(w.buf[:], w.Conn, w.hands) }

func (w *wire) try([]byte) (int, error) { return 0, nil }
