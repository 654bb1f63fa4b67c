package discovery

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hearth/device"
)

// Probe asks whether a device of one kind is at an address.
type Probe struct {
	// Kind is the driver's name.
	Kind string
	// Port is where such devices listen: 80, 4028.
	Port int
	// Probe asks the device at addr ("10.0.0.7:80") who it is. An error means
	// that it is something else. It returns soon after ctx ends, and is called
	// from several goroutines.
	Probe func(ctx context.Context, addr string) (device.Identity, error)
}

// Finding is a device that was found.
type Finding struct {
	Kind string `json:"kind"`
	// Address is a host, with its port where that is not 80.
	Address  string          `json:"address"`
	Identity device.Identity `json:"identity"`
}

// Search is how to look. The zero value of each bound is a sensible one.
type Search struct {
	Probes []Probe
	// Wait is how long to listen for announcements; 3 seconds if 0.
	Wait time.Duration
	// Knock bounds the wait for a connection; half a second if 0.
	Knock time.Duration
	// Answer bounds one probe; 3 seconds if 0.
	Answer time.Duration
	// Progress is called after each host, one call at a time; it may be nil.
	Progress func(done, all int)
}

const (
	atOnce  = 64   // hosts
	mostBit = 10   // of a range: 1024 addresses, 1022 hosts
	httpTCP = 80   // the port that addresses leave out
	maxMDNS = 1024 // addresses taken from announcements
)

// Hosts returns the addresses of an IPv4 range such as "192.168.1.0/24", or a
// single address, without those of the network and of broadcast. It is an
// error to ask for more than a /22 or for addresses that are not private or
// loopback.
func Hosts(cidr string) ([]netip.Addr, error) {
	const example = `write a range of the home network, such as "192.168.1.0/24"`
	cidr = strings.TrimSpace(cidr)
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		addr, aerr := netip.ParseAddr(cidr)
		if aerr != nil {
			return nil, fmt.Errorf("scan %q: not a range of addresses: %s", cidr, example)
		}
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	if !prefix.Addr().Is4() {
		return nil, fmt.Errorf("scan %q: only IPv4 can be scanned, an IPv6 network has too many addresses: %s", cidr, example)
	}
	prefix = prefix.Masked()
	if bits := 32 - prefix.Bits(); bits > mostBit {
		return nil, fmt.Errorf("scan %q: that is %d addresses, at most %d (/22) are scanned at a time", cidr, 1<<bits, 1<<mostBit)
	}
	var hosts []netip.Addr
	for a := prefix.Addr(); prefix.Contains(a); a = a.Next() {
		if !home(a) {
			return nil, fmt.Errorf("scan %q: %v is not an address of a home network: %s", cidr, a, example)
		}
		hosts = append(hosts, a)
	}
	if len(hosts) > 2 {
		hosts = hosts[1 : len(hosts)-1]
	}
	return hosts, nil
}

// home reports whether an address can be in a home: private (RFC 1918) or
// this computer's own.
func home(a netip.Addr) bool { return a.Is4() && (a.IsPrivate() || a.IsLoopback()) }

// Scan knocks at every host of a range: see [Hosts]. When ctx ends it returns
// what it has found, with the error of ctx.
func (s Search) Scan(ctx context.Context, cidr string) ([]Finding, error) {
	hosts, err := Hosts(cidr)
	if err != nil {
		return nil, err
	}
	doors := make([]door, len(hosts))
	for i, h := range hosts {
		doors[i] = door{host: h}
	}
	return s.visit(ctx, doors), ctx.Err()
}

// door is a host to try, with the port at which it announced itself, or 0.
type door struct {
	host netip.Addr
	port int
}

// visit tries all doors, some at a time.
func (s Search) visit(ctx context.Context, doors []door) []Finding {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		found []Finding
		done  int
	)
	turns := make(chan struct{}, atOnce)
	for _, d := range doors {
		select {
		case turns <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-turns }()
			here := s.knock(ctx, d)
			mu.Lock()
			defer mu.Unlock()
			found = append(found, here...)
			if done++; s.Progress != nil {
				s.Progress(done, len(doors))
			}
		})
	}
	wg.Wait()
	return Merge(found)
}

// knock tries the ports of one host, and at each that opens the probes that
// belong there. One port is one device.
func (s Search) knock(ctx context.Context, d door) []Finding {
	byPort := make(map[int][]Probe)
	var ports []int
	for _, p := range s.Probes {
		port := p.Port
		if d.port != 0 && port == httpTCP {
			port = d.port // a web server that announced another port
		}
		if _, ok := byPort[port]; !ok {
			ports = append(ports, port)
		}
		byPort[port] = append(byPort[port], p)
	}
	var found []Finding
	for _, port := range ports {
		addr := net.JoinHostPort(d.host.String(), strconv.Itoa(port))
		dialer := net.Dialer{Timeout: cmp.Or(s.Knock, 500*time.Millisecond)}
		conn, err := dialer.DialContext(ctx, "tcp4", addr)
		if err != nil {
			continue
		}
		_ = conn.Close()
		for _, p := range byPort[port] {
			if id, err := s.ask(ctx, p, addr); err == nil {
				if port == httpTCP {
					addr = d.host.String()
				}
				found = append(found, Finding{Kind: p.Kind, Address: addr, Identity: id})
				break
			}
		}
	}
	return found
}

func (s Search) ask(ctx context.Context, p Probe, addr string) (device.Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.Answer, 3*time.Second))
	defer cancel()
	return p.Probe(ctx, addr)
}

// Merge joins lists of findings, each device once, sorted by address. Two
// findings of one kind and serial are one device; without a serial the address
// tells.
func Merge(lists ...[]Finding) []Finding {
	all := slices.Concat(lists...)
	slices.SortStableFunc(all, func(a, b Finding) int {
		ha, pa := split(a.Address)
		hb, pb := split(b.Address)
		return cmp.Or(ha.Compare(hb), cmp.Compare(pa, pb), cmp.Compare(a.Kind, b.Kind))
	})
	seen := make(map[string]bool)
	var out []Finding
	for _, f := range all {
		key := f.Kind + " at " + f.Address
		if f.Identity.Serial != "" {
			key = f.Kind + " number " + strings.ToLower(f.Identity.Serial)
		}
		if !seen[key] {
			seen[key] = true
			out = append(out, f)
		}
	}
	return out
}

// split parses an address for sorting.
func split(addr string) (netip.Addr, int) {
	if ap, err := netip.ParseAddrPort(addr); err == nil {
		return ap.Addr(), int(ap.Port())
	}
	a, _ := netip.ParseAddr(addr)
	return a, httpTCP
}
