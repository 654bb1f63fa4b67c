//go:build unix

package server

import (
	"errors"
	"net"
	"syscall"
)

// attempt writes to a socket without ever waiting for it. It is not for
// concurrent use.
type attempt struct {
	raw   syscall.RawConn
	once  func(fd uintptr) bool // made once: a closure for each write would be garbage
	bytes []byte
	n     int
	err   error
}

// newAttempt returns nil for a connection that is no socket of the system.
func newAttempt(c net.Conn) *attempt {
	s, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil
	}
	a := &attempt{raw: raw}
	a.once = func(fd uintptr) bool {
		for {
			a.n, a.err = syscall.Write(int(fd), a.bytes)
			if !errors.Is(a.err, syscall.EINTR) {
				return true
			}
		}
	}
	return a
}

// write writes what the socket takes at once and tells how much that was.
func (a *attempt) write(b []byte) (int, error) {
	if a == nil {
		return 0, nil
	}
	a.bytes, a.n, a.err = b, 0, nil
	err := a.raw.Write(a.once)
	a.bytes = nil
	switch {
	case err != nil:
		return 0, err
	case errors.Is(a.err, syscall.EAGAIN):
		return 0, nil
	}
	return max(a.n, 0), a.err
}
