// Package loopback tells requests of this very computer from all others.
package loopback

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Addr tells whether an address with a port, as [http.Request.RemoteAddr] has
// it, is this computer's own.
func Addr(hostport string) bool {
	a, err := netip.ParseAddrPort(hostport)
	return err == nil && a.Addr().Unmap().IsLoopback()
}

// Host tells whether a name, with or without a port, means this computer. A
// page from elsewhere can make its own name point here (DNS rebinding), but
// cannot change the Host header of the requests it sends.
func Host(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// Forwarded tells whether a proxy passed a request on: it is then not local,
// wherever the proxy runs.
func Forwarded(r *http.Request) bool {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(h) != "" {
			return true
		}
	}
	return false
}
