package server_test

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"hearth/pool/server"
)

// watched is a listener that shows what it accepted.
type watched struct {
	net.Listener
	accepted chan *net.TCPConn
}

func (l watched) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if t, ok := c.(*net.TCPConn); ok {
		l.accepted <- t
	}
	return c, err
}

// A miner that loses its power says nothing any more, also not that it is gone.
// The system finds out whether there is something under way to it or not, since
// the sockets are set up for it.
func TestHalfOpenIsFoundOut(t *testing.T) {
	l := watched{listen(t), make(chan *net.TCPConn, 1)}
	h := openAt(t, server.Config{}, l)
	c := dial(t, h)
	if _, err := c.Write([]byte(login)); err != nil {
		t.Fatal(err)
	}
	until(t, "it is in", func() bool { return h.Counters().Miners == 1 })
	raw, err := (<-l.accepted).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name            string
		level, option   int
		atLeast, atMost int
	}{
		{"keepalive", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1, 1},
		{"seconds until the first question", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 10, 60},
		{"seconds between questions", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 5, 30},
		{"questions", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 2, 5},
		{"milliseconds until what was sent must have arrived", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 30_000, 120_000},
		{"bytes that may wait to be sent", unix.SOL_SOCKET, unix.SO_SNDBUF, 16 << 10, 128 << 10},
		{"bytes that may wait to be read", unix.SOL_SOCKET, unix.SO_RCVBUF, 8 << 10, 64 << 10},
	} {
		var got int
		var optErr error
		if err := raw.Control(func(fd uintptr) { got, optErr = unix.GetsockoptInt(int(fd), tc.level, tc.option) }); err != nil || optErr != nil {
			t.Fatal(err, optErr)
		}
		if got < tc.atLeast || got > tc.atMost {
			t.Errorf("%s: %d, want %d to %d", tc.name, got, tc.atLeast, tc.atMost)
		}
	}
}
