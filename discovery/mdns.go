package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/mdns"
)

// services are what heaters and relays announce themselves as: AxeOS and many
// others as a web server, Shelly as itself.
var services = [...]string{"_http._tcp", "_shelly._tcp"}

// mostLinks bounds the network interfaces that are asked.
const mostLinks = 8

// Browse asks the local network who is there, listens for as long as Wait
// says, and knocks at those who answered from an address of a home. It needs
// no special rights. It is an error if no interface could be asked at all.
func (s Search) Browse(ctx context.Context) ([]Finding, error) {
	wait := cmp.Or(s.Wait, 3*time.Second)
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		doors []door
		errs  []error
		asked int
	)
	for _, link := range links() {
		for _, service := range services {
			wg.Go(func() {
				heard, err := listen(ctx, link, service, wait)
				mu.Lock()
				defer mu.Unlock()
				doors = append(doors, heard...)
				if err != nil {
					errs = append(errs, err)
				} else {
					asked++
				}
			})
		}
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if asked == 0 {
		return nil, fmt.Errorf("browse the network by mDNS: %w", errors.Join(errs...))
	}
	slices.SortFunc(doors, func(a, b door) int { return cmp.Or(a.host.Compare(b.host), cmp.Compare(a.port, b.port)) })
	doors = slices.Compact(doors)
	return s.visit(ctx, doors[:min(len(doors), maxMDNS)]), ctx.Err()
}

// links returns the interfaces that carry multicast; a nil one is the
// system's choice, where it does not tell.
func links() []*net.Interface {
	all, err := net.Interfaces()
	var found []*net.Interface
	for i := range all {
		if up := net.FlagUp | net.FlagMulticast; all[i].Flags&up == up && len(found) < mostLinks {
			found = append(found, &all[i])
		}
	}
	if err != nil || len(found) == 0 {
		return []*net.Interface{nil}
	}
	return found
}

// listen asks for one service on one interface.
func listen(ctx context.Context, link *net.Interface, service string, wait time.Duration) ([]door, error) {
	entries := make(chan *mdns.ServiceEntry, 64)
	var heard []door
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range entries {
			if d, ok := announced(e, service); ok && len(heard) < maxMDNS {
				heard = append(heard, d)
			}
		}
	}()
	err := mdns.QueryContext(ctx, &mdns.QueryParam{
		Service: service, Domain: "local", Timeout: wait, Interface: link, Entries: entries,
		DisableIPv6: true, Logger: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	})
	close(entries)
	<-done
	return heard, err
}

// announced takes the address out of an answer. The library passes on every
// answer it hears, and anybody on the network can announce anything: what is
// not of the service asked for, or points out of the home, is dropped.
func announced(e *mdns.ServiceEntry, service string) (door, bool) {
	addr, ok := netip.AddrFromSlice(e.AddrV4.To4())
	if !ok || !home(addr) || e.Port <= 0 || e.Port > 65535 || !strings.Contains(e.Name, service+".") {
		return door{}, false
	}
	return door{addr, e.Port}, true
}
