package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"hearth/httpapi"
)

// lan opens the page to the local network over TLS while a password is set,
// and closes it when the password is removed. It listens on each address of
// this computer by name, so that the page on loopback stays as it is.
type lan struct {
	dir     string
	auth    *httpapi.Auth
	handler http.Handler
	log     *slog.Logger
	main    net.Addr
	open    map[string]context.CancelFunc
}

// look is how often the lan looks for a new password or address.
const look = 2 * time.Second

// run keeps the listeners in step with password and addresses until ctx ends.
func (n *lan) run(ctx context.Context) {
	n.open = map[string]context.CancelFunc{}
	var wg sync.WaitGroup
	defer wg.Wait()
	_, port, err := net.SplitHostPort(n.main.String())
	if err != nil {
		return
	}
	t := time.NewTicker(look)
	defer t.Stop()
	for {
		var want []string
		if n.auth.HasPassword() {
			want = lanAddresses()
		}
		for addr, stop := range n.open {
			if !slices.Contains(want, addr) {
				stop()
				delete(n.open, addr)
			}
		}
		for _, addr := range want {
			if n.open[addr] == nil {
				n.start(ctx, &wg, addr, port)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// start serves one address. One that cannot be served is tried again later.
func (n *lan) start(ctx context.Context, wg *sync.WaitGroup, addr, port string) {
	cert, err := httpapi.Certificate(n.dir, certificateHosts())
	if err != nil {
		n.log.Warn("the page cannot be opened to the local network", "error", err)
		return
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(addr, port))
	if err != nil {
		n.log.Debug("an address cannot be listened on", "address", addr, "error", err)
		return
	}
	one, stop := context.WithCancel(ctx)
	n.open[addr] = stop
	wg.Go(func() {
		if err := httpapi.Serve(one, l, tlsConfig(cert), n.handler, n.log); err != nil {
			n.log.Warn("the page on the local network ended", "address", addr, "error", err)
		}
	})
}

func tlsConfig(c tls.Certificate) *tls.Config { return httpapi.TLS(c) }

// lanAddresses are the addresses of this computer on networks of its own
// premises: private or link-local, never public ones.
func lanAddresses() []string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []string
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if ok && !n.IP.IsLoopback() && n.IP.IsPrivate() {
			out = append(out, n.IP.String())
		}
	}
	slices.Sort(out)
	return out
}

// certificateHosts are the names under which the page is reached.
func certificateHosts() []string {
	hosts := append([]string{"localhost", "127.0.0.1", "::1"}, lanAddresses()...)
	if h, err := os.Hostname(); err == nil && h != "" {
		h, _, _ = strings.Cut(strings.ToLower(h), ".")
		hosts = append(hosts, h, h+".local")
	}
	return hosts
}
