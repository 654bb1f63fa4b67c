package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/device"
	"hearth/discovery"
)

// box is a small device: it says a line to whoever connects.
func box(t *testing.T, host string, port int, line string) int {
	t.Helper()
	l, err := net.Listen("tcp4", net.JoinHostPort(host, strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Skipf("this system has no loopback address %s: %v", host, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, line)
			conn.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// probe knows the boxes of one kind by their line: "kind serial".
func probe(kind string, port int) discovery.Probe {
	return discovery.Probe{Kind: kind, Port: port, Probe: func(ctx context.Context, addr string) (device.Identity, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			return device.Identity{}, err
		}
		defer conn.Close()
		b, err := io.ReadAll(conn)
		if err != nil {
			return device.Identity{}, err
		}
		got, serial, ok := strings.Cut(string(b), " ")
		if !ok || got != kind {
			return device.Identity{}, fmt.Errorf("%q is no %s", b, kind)
		}
		return device.Identity{Vendor: "test", Model: kind, Serial: serial}, nil
	}}
}

func TestScanFindsEachDeviceOnce(t *testing.T) {
	port := box(t, "127.0.77.9", 0, "heater A1")
	relay := box(t, "127.0.77.20", 0, "relay r1")
	box(t, "127.0.77.10", port, "relay R2")
	box(t, "127.0.77.11", port, "heater a1") // the first one, by another way
	box(t, "127.0.77.12", port, "printer P")
	box(t, "127.0.77.9", relay, "relay R3") // two devices behind one address

	var calls []int
	s := discovery.Search{
		Probes:   []discovery.Probe{probe("heater", port), probe("relay", port), probe("relay", relay)},
		Progress: func(done, all int) { calls = append(calls, done*1000+all) },
	}
	found, err := s.Scan(t.Context(), "127.0.77.0/27")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range found {
		got = append(got, fmt.Sprintf("%s %s at %s", f.Kind, f.Identity.Serial, f.Address))
	}
	want := []string{
		fmt.Sprintf("heater A1 at 127.0.77.9:%d", port),
		fmt.Sprintf("relay R3 at 127.0.77.9:%d", relay),
		fmt.Sprintf("relay R2 at 127.0.77.10:%d", port),
		fmt.Sprintf("relay r1 at 127.0.77.20:%d", relay),
	}
	if port > relay {
		want[0], want[1] = want[1], want[0]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(calls) != 30 || calls[0] != 1030 || calls[29] != 30030 {
		t.Errorf("progress was told as %v", calls)
	}
	one, err := s.Scan(t.Context(), "127.0.77.10")
	if err != nil || len(one) != 1 || one[0].Identity.Serial != "R2" {
		t.Errorf("a single address: %v, %v", one, err)
	}
}

func TestScanIsBounded(t *testing.T) {
	port := box(t, "127.0.77.1", 0, "x")
	for i := 2; i < 255; i++ {
		box(t, fmt.Sprintf("127.0.77.%d", i), port, "x")
	}
	var mu sync.Mutex
	busy, most := 0, 0
	release := make(chan struct{})
	full := make(chan struct{})
	s := discovery.Search{Probes: []discovery.Probe{{Kind: "x", Port: port, Probe: func(context.Context, string) (device.Identity, error) {
		mu.Lock()
		if busy++; busy > most {
			if most = busy; most == 64 {
				close(full)
			}
		}
		mu.Unlock()
		<-release
		mu.Lock()
		busy--
		mu.Unlock()
		return device.Identity{}, nil
	}}}}
	done := make(chan []discovery.Finding)
	go func() {
		found, err := s.Scan(t.Context(), "127.0.77.0/24")
		if err != nil {
			t.Error(err)
		}
		done <- found
	}()
	<-full
	close(release)
	if found := <-done; len(found) != 254 {
		t.Errorf("%d boxes found, want 254", len(found))
	}
	if most != 64 {
		t.Errorf("%d hosts were asked at a time, want 64", most)
	}
}

func TestScanEndsWithItsContext(t *testing.T) {
	port := box(t, "127.0.77.1", 0, "x")
	box(t, "127.0.77.2", port, "x")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var asked atomic.Int64
	s := discovery.Search{Answer: time.Hour, Probes: []discovery.Probe{{Kind: "x", Port: port, Probe: func(ctx context.Context, addr string) (device.Identity, error) {
		if asked.Add(1); strings.HasPrefix(addr, "127.0.77.1:") {
			return device.Identity{Model: "quick"}, nil
		}
		cancel()
		<-ctx.Done()
		return device.Identity{}, ctx.Err()
	}}}}
	found, err := s.Scan(ctx, "127.0.77.0/24")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if len(found) > 1 {
		t.Errorf("found %v", found)
	}
}

func TestRangesThatAreNotScanned(t *testing.T) {
	for cidr, want := range map[string]string{
		"":                "not a range",
		"home":            "not a range",
		"192.168.1.0/33":  "not a range",
		"192.168.0.0/21":  "at most 1024 (/22)",
		"10.0.0.0/8":      "at most 1024 (/22)",
		"0.0.0.0/0":       "at most 1024 (/22)",
		"8.8.8.0/24":      "not an address of a home",
		"8.8.8.8":         "not an address of a home",
		"172.32.0.0/24":   "not an address of a home",
		"169.254.1.0/24":  "not an address of a home",
		"224.0.0.0/24":    "not an address of a home",
		"255.255.255.255": "not an address of a home",
		"fd00::/120":      "only IPv4",
		"::1":             "only IPv4",
	} {
		if hosts, err := discovery.Hosts(cidr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %d hosts, %v; want %q", cidr, len(hosts), err, want)
		}
		if _, err := (discovery.Search{}).Scan(t.Context(), cidr); err == nil {
			t.Errorf("%q was scanned", cidr)
		}
	}
	for cidr, want := range map[string]string{
		"192.168.1.77/24": "254 from 192.168.1.1 to 192.168.1.254",
		"10.1.0.0/22":     "1022 from 10.1.0.1 to 10.1.3.254",
		"172.16.5.4/30":   "2 from 172.16.5.5 to 172.16.5.6",
		"172.16.5.4/31":   "2 from 172.16.5.4 to 172.16.5.5",
		" 127.0.0.1 ":     "1 from 127.0.0.1 to 127.0.0.1",
	} {
		hosts, err := discovery.Hosts(cidr)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := fmt.Sprintf("%d from %v to %v", len(hosts), hosts[0], hosts[len(hosts)-1]); got != want {
			t.Errorf("%s is %s, want %s", cidr, got, want)
		}
	}
}

func TestMerge(t *testing.T) {
	at := func(kind, address, serial string) discovery.Finding {
		return discovery.Finding{Kind: kind, Address: address, Identity: device.Identity{Serial: serial}}
	}
	got := discovery.Merge(
		[]discovery.Finding{at("axeos", "10.0.0.20", "AA:BB"), at("shelly", "10.0.0.3", "")},
		[]discovery.Finding{at("axeos", "10.0.0.9", "aa:bb"), at("shelly", "10.0.0.3", ""), at("avalon", "10.0.0.20:4028", "AA:BB")},
	)
	want := []discovery.Finding{at("shelly", "10.0.0.3", ""), at("axeos", "10.0.0.9", "aa:bb"), at("avalon", "10.0.0.20:4028", "AA:BB")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzHosts(f *testing.F) {
	for _, s := range []string{"192.168.1.0/24", "10.0.0.0/22", "8.8.8.8", "::1", "1.2.3.4/0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cidr string) {
		hosts, err := discovery.Hosts(cidr)
		if err != nil {
			return
		}
		if len(hosts) == 0 || len(hosts) > 1022 {
			t.Errorf("%q gives %d hosts", cidr, len(hosts))
		}
		for _, h := range hosts {
			if !h.IsPrivate() && !h.IsLoopback() {
				t.Errorf("%q gives %v", cidr, h)
			}
		}
	})
}
