package devicetest

import (
	"context"
	"net"
	"testing"
)

// Server is an emulator.
type Server interface {
	Serve(ctx context.Context, l net.Listener) error
}

// Serve puts an emulator on a loopback socket of its own until the test ends,
// and returns the address. One emulator may be served on several.
func Serve(t testing.TB, s Server) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return l.Addr().String()
}
