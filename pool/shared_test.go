package pool_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/pool"
	"hearth/pool/pooltest"
	"hearth/store"
)

// desk is a running service with its ledger.
type desk struct {
	*pool.Service
	t     *testing.T
	store *store.Store
	dir   string
	key   ed25519.PrivateKey
	stop  func()
	ahead *atomic.Int64 // how far the service's clock is ahead
}

// later puts the service's clock forward.
func (d *desk) later(by time.Duration) { d.ahead.Add(int64(by)) }

// open runs a service of a configuration in a folder until the test ends or
// stop is called.
func open(t *testing.T, dir string, cfg pool.Config) *desk {
	t.Helper()
	return openOn(t, dir, cfg, func(s *store.Store) pool.Book { return s })
}

// openOn is open with a ledger between the service and the store.
func openOn(t *testing.T, dir string, cfg pool.Config, book func(*store.Store) pool.Book) *desk {
	t.Helper()
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	cfg.Difficulty, cfg.LeastDifficulty = 1.0/65536, 1.0/65536
	key, err := store.LoadOrCreateKey(filepath.Join(dir, "ledger.key"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), filepath.Join(dir, "hearth.db"), store.Options{Key: key, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ahead := new(atomic.Int64)
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	ctx, cancel := context.WithCancel(context.Background())
	svc, err := pool.New(ctx, pool.Options{
		Config: cfg, Dir: filepath.Join(dir, "pool"), Base: dir, Book: book(s), Key: key, Now: now, Random: rand.Reader,
		Location: time.UTC, Secret: secret(dir), Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		cancel()
		s.Close()
		t.Fatal(err)
	}
	l, err := svc.Listen(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- svc.Run(ctx, l) }()
	d := &desk{Service: svc, t: t, store: s, dir: dir, key: key, ahead: ahead}
	stopped := false
	d.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the service ended: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("the ledger closed: %v", err)
		}
	}
	t.Cleanup(d.stop)
	pooltest.Eventually(t, "the port is open", func() error {
		if svc.Address() == "" {
			return fmt.Errorf("no address")
		}
		return nil
	})
	return d
}

// secret reads the files that a configuration names.
func secret(dir string) func(string) (string, error) {
	return func(ref string) (string, error) {
		b, err := os.ReadFile(filepath.Join(dir, strings.TrimPrefix(ref, "file:")))
		return string(b), err
	}
}

// fleet pairs so many miners of each kind, and sets them to work.
func (d *desk) fleet(v1, v2, standard int) *pooltest.Fleet {
	d.t.Helper()
	users := make([]string, v1+v2+standard)
	for i := range users {
		p, err := d.Pair(pool.Miner{Name: fmt.Sprintf("heater-%d", i)})
		if err != nil {
			d.t.Fatal(err)
		}
		users[i] = p.User2 // the token is in the name: both versions take it
	}
	return d.work(users, v1, v2, standard)
}

func (d *desk) work(users []string, v1, v2, standard int) *pooltest.Fleet {
	d.t.Helper()
	f, err := pooltest.StartFleet(d.t.Context(), pooltest.FleetConfig{
		Address: d.Address(), V1: v1, V2: v2, Standard: standard, User: func(i int) string { return users[i] },
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(f.Close)
	return f
}

// mine lets a fleet work until a condition holds, and its last shares are
// answered.
func (d *desk) mine(f *pooltest.Fleet, what string, until func() error) {
	d.t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.Mine(1)
	}()
	pooltest.Eventually(d.t, what, until)
	<-done // else it might begin after the end
	f.Mine(0)
	pooltest.Eventually(d.t, "the last shares are answered", func() error {
		if t := f.Tally(); t.Sent != t.Accepted+t.Refused && t.Lost == 0 {
			return fmt.Errorf("%d of %d are", t.Accepted+t.Refused, t.Sent)
		}
		return nil
	})
	f.Close()
}

// records are those of one kind.
func (d *desk) records(kind ledger.Kind) []ledger.Record {
	d.t.Helper()
	list, err := d.store.Find(d.t.Context(), store.Filter{Kinds: []ledger.Kind{kind}, Limit: -1})
	if err != nil {
		d.t.Fatal(err)
	}
	return list
}

// refuses is a port at which nobody answers.
func refuses(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "stratum+tcp://" + l.Addr().String()
}
