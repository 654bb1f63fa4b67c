package loopback_test

import (
	"net/http/httptest"
	"testing"

	"hearth/internal/loopback"
)

func TestWhatIsThisComputer(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST.:8420": true, "127.0.0.1": true, "127.8.8.8:80": true, "[::1]:8420": true, "::1": true,
		"[::ffff:127.0.0.1]": true, "": false, "hearth.lan": false, "localhost.evil.example": false, "192.168.1.2:8420": false,
		"127.0.0.1.evil.example:8420": false, "0.0.0.0": false,
	} {
		if got := loopback.Host(host); got != want {
			t.Errorf("the host %q: %v", host, got)
		}
	}
	for addr, want := range map[string]bool{
		"127.0.0.1:5": true, "[::1]:5": true, "[::ffff:127.0.0.1]:5": true, "127.0.0.1": false, "10.0.0.1:5": false, "localhost:5": false, "": false,
	} {
		if got := loopback.Addr(addr); got != want {
			t.Errorf("the address %q: %v", addr, got)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
	if loopback.Forwarded(r) {
		t.Error("a plain request counts as passed on")
	}
	r.Header.Set("X-Real-IP", "10.0.0.1")
	if !loopback.Forwarded(r) {
		t.Error("a request that was passed on counts as plain")
	}
}
