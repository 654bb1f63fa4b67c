package discovery

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/hashicorp/mdns"

	"hearth/device"
)

// A device that announces itself on this computer is found, where the system
// lets multicast through at all.
func TestBrowseFindsWhatAnnouncesItself(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	service, err := mdns.NewMDNSService("bitaxe", "_http._tcp", "", "bitaxe.", port, []net.IP{net.IPv4(127, 0, 0, 1)}, []string{"v=1"})
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	server, err := mdns.NewServer(&mdns.Config{Zone: service, Logger: quiet})
	if err != nil {
		t.Skipf("no multicast here: %v", err)
	}
	defer server.Shutdown()

	s := Search{
		Wait: time.Second,
		Probes: []Probe{
			{Kind: "deaf", Port: 4028, Probe: func(context.Context, string) (device.Identity, error) {
				return device.Identity{}, errors.New("no")
			}},
			{Kind: "axeos", Port: 80, Probe: func(_ context.Context, addr string) (device.Identity, error) {
				if addr != l.Addr().String() {
					return device.Identity{}, errors.New("not ours")
				}
				return device.Identity{Model: "Bitaxe", Serial: "aa"}, nil
			}},
		},
	}
	found, err := s.Browse(t.Context())
	if err != nil {
		t.Skipf("no multicast here: %v", err)
	}
	if len(found) == 0 {
		t.Skip("multicast does not come back here")
	}
	if len(found) != 1 || found[0].Kind != "axeos" || found[0].Address != l.Addr().String() {
		t.Errorf("found %+v", found)
	}
}

func TestBrowseEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if found, err := (Search{Wait: 50 * time.Millisecond}).Browse(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("found %v, %v", found, err)
	}
}

// Anybody on the network may announce anything.
func TestOnlyAnnouncementsOfTheHomeAreTaken(t *testing.T) {
	entry := func(name, ip string, port int) *mdns.ServiceEntry {
		return &mdns.ServiceEntry{Name: name, AddrV4: net.ParseIP(ip), Port: port}
	}
	const name = "Bitaxe._http._tcp.local."
	for _, c := range []struct {
		what string
		e    *mdns.ServiceEntry
		want bool
	}{
		{"a device", entry(name, "192.168.1.7", 80), true},
		{"on this computer", entry(name, "127.0.0.1", 8080), true},
		{"somewhere on the internet", entry(name, "8.8.8.8", 80), false},
		{"the router's broadcast", entry(name, "255.255.255.255", 80), false},
		{"of another service", entry("Printer._ipp._tcp.local.", "192.168.1.8", 631), false},
		{"without an address", &mdns.ServiceEntry{Name: name, Port: 80}, false},
		{"with IPv6 alone", &mdns.ServiceEntry{Name: name, Port: 80, AddrV6IPAddr: &net.IPAddr{IP: net.IPv6loopback}}, false},
		{"without a port", entry(name, "192.168.1.7", 0), false},
		{"with a port that is none", entry(name, "192.168.1.7", 70000), false},
	} {
		d, ok := announced(c.e, "_http._tcp")
		if ok != c.want || ok && d.host != netip.MustParseAddr(c.e.AddrV4.String()) {
			t.Errorf("%s: %v, %v", c.what, d, ok)
		}
	}
}
