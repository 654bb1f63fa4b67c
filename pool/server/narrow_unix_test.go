//go:build unix

package server_test

import (
	"net"
	"syscall"
	"testing"
)

// dialNarrow connects with small buffers in the kernel, set before the two ends
// agree how much may be under way.
func dialNarrow(tb testing.TB, h *house) *net.TCPConn {
	tb.Helper()
	d := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		if e := raw.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 8<<10)
		}); e != nil {
			return e
		}
		return err
	}}
	c, err := d.DialContext(tb.Context(), "tcp", h.address)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}
