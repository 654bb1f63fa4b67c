//go:build !unix

package server_test

import (
	"net"
	"testing"
)

// dialNarrow connects as dial does: the systems that need a handle of another
// type here have smaller buffers anyway.
func dialNarrow(tb testing.TB, h *house) *net.TCPConn { return dial(tb, h) }
