package server_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"hearth/pool/pooltest"
	"hearth/pool/server"
	"hearth/pool/share"
	"hearth/pool/stratum2/noise"
)

// house is a server on a real socket.
type house struct {
	*server.Server
	desk    *desk
	address string
	stop    func()
}

// open starts a server for miners that find a share with every hash.
func open(tb testing.TB, cfg server.Config) *house {
	tb.Helper()
	return openAt(tb, cfg, listen(tb))
}

func listen(tb testing.TB) net.Listener {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func openAt(tb testing.TB, cfg server.Config, l net.Listener) *house {
	tb.Helper()
	if cfg.Start == 0 {
		cfg.Start = pooltest.Easiest
		cfg.Vardiff = share.Vardiff{Floor: pooltest.Easiest, Fixed: true}
	}
	if cfg.MaxPerAddress == 0 {
		cfg.MaxPerAddress = 1 << 20
	}
	if cfg.Key == nil {
		cfg.Key, cfg.Authority = keys(tb)
	}
	d := newDesk()
	s, err := server.New(cfg, d)
	if err != nil {
		tb.Fatal(err)
	}
	return serve(tb, s, d, l)
}

// serve lets a server serve until the test ends.
func serve(tb testing.TB, s *server.Server, d *desk, l net.Listener) *house {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	h := &house{Server: s, desk: d, address: l.Addr().String()}
	h.stop = func() {
		cancel()
		if err, ok := <-served; ok {
			close(served)
			if err != nil {
				tb.Errorf("serve: %v", err)
			}
		}
	}
	tb.Cleanup(h.stop)
	return h
}

// keys are those of a server that answers V2, the same every time.
func keys(tb testing.TB) (*noise.Key, *noise.Authority) {
	tb.Helper()
	key, err := noise.NewKey([32]byte{31: 7}, [32]byte{})
	if err != nil {
		tb.Fatal(err)
	}
	a, err := noise.NewAuthority([32]byte{31: 9})
	if err != nil {
		tb.Fatal(err)
	}
	return key, a
}

// until polls a condition. The deadline only ends a hopeless test.
func until(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("never came about: %s", what)
		}
	}
}

func crew(tb testing.TB, h *house, cfg pooltest.FleetConfig) *pooltest.Fleet {
	tb.Helper()
	cfg.Address = h.address
	f, err := pooltest.StartFleet(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(f.Close)
	return f
}

// Real miners of both protocols, on real sockets: what they find is what the
// Desk is told, through jobs that change and moves from one source to another.
func TestFleet(t *testing.T) {
	const miners = 60
	h := open(t, server.Config{})
	h.Publish(newJob(1, "node", 3, true))
	f := crew(t, h, pooltest.FleetConfig{V1: miners / 3, V2: miners / 3, Standard: miners / 3})
	until(t, "everybody has a job", func() bool { return f.Tally().Jobs >= miners })

	f.Mine(4)
	for id := uint32(2); id < 12; id++ {
		before := f.Tally()
		h.Publish(newJob(id, "node", int(id), id%3 == 0))
		if id%4 == 0 {
			h.Publish(newJob(100+id, "pool", 1, true))
			for m := range miners {
				source := []string{"node", "pool"}[(m+int(id)/4)%2]
				if err := h.Move(server.Worker(fmt.Sprintf("fleet.%d", m)), source); err != nil {
					t.Fatal(err)
				}
			}
		}
		until(t, "everybody goes on", func() bool { return f.Tally().Accepted >= before.Accepted+20*miners })
	}
	f.Mine(0)
	until(t, "all is answered", func() bool { v := f.Tally(); return v.Sent == v.Accepted+v.Refused })
	v := f.Tally()
	if v.Lost > 0 || v.Barren > 0 {
		t.Errorf("%d connections were lost, %d searches were in vain", v.Lost, v.Barren)
	}

	states := h.Snapshot()
	if len(states) != miners {
		t.Fatalf("the snapshot has %d miners, not %d", len(states), miners)
	}
	protocols := make(map[int]int)
	for _, s := range states {
		protocols[s.Protocol]++
		if d, ok := s.Difficulty.Get(); !ok || d != pooltest.Easiest {
			t.Errorf("%s mines at %v", s.Worker, s.Difficulty)
		}
		if !s.LastShare.IsKnown() || s.Accepted == 0 || s.Work == 0 {
			t.Errorf("%s: %+v", s.Worker, s)
		}
	}
	if protocols[1] != miners/3 {
		t.Errorf("protocols: %v", protocols)
	}
	f.Close()
	h.stop()

	h.desk.mu.Lock()
	defer h.desk.mu.Unlock()
	var accepted, refused, here int
	for w, reasons := range h.desk.shares {
		for r, n := range reasons {
			switch r {
			case share.Accepted:
				accepted += n
			case share.Stale:
				refused += n
			default:
				t.Errorf("%d shares of %s: %s", n, w, r)
			}
		}
	}
	for _, n := range h.desk.here {
		here += n
	}
	if uint64(accepted) != v.Accepted || uint64(refused) != v.Refused || here != 0 {
		t.Errorf("the desk knows %d accepted and %d refused, and %d are still here; the fleet: %+v", accepted, refused, here, v)
	}
}
