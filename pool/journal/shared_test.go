package journal

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/pool/job"
	"hearth/store"
)

func testKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)) }

// openStore opens a real ledger in the folder dir.
func openStore(ctx context.Context, dir string) (*store.Store, error) {
	return store.Open(ctx, filepath.Join(dir, "hearth.db"), store.Options{
		Key: testKey(), HeadPath: filepath.Join(dir, "head"), Now: func() time.Time { return noon },
	})
}

// books is a ledger in memory, which can be made to fail as a store does: with
// entries that are never written, or that are written later.
type books struct {
	mu      sync.Mutex
	records []ledger.Record
	waiting []ledger.Entry
	fail    func() (failure, error) // nil: never
	appends int
}

type failure int

const (
	fine failure = iota
	never
	later
)

var errFull = errors.New("no space left on device")

func (b *books) Append(_ context.Context, entries ...ledger.Entry) (ledger.Head, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.appends++
	for _, e := range entries {
		if err := e.Check(); err != nil {
			return ledger.Head{}, err
		}
	}
	if b.fail != nil {
		how, err := b.fail()
		switch how {
		case never:
			return ledger.Head{}, err
		case later:
			b.waiting = append(b.waiting, entries...)
			return ledger.Head{}, err
		case fine:
		}
	}
	for _, e := range append(b.waiting, entries...) {
		n := uint64(len(b.records))
		b.records = append(b.records, ledger.Record{Seq: n + 2, At: e.At, Kind: e.Kind, Subject: e.Subject, Simulated: e.Simulated, Body: e.Body})
	}
	b.waiting = nil
	return ledger.Head{}, nil
}

func (b *books) Since(_ context.Context, from time.Time, kinds ...ledger.Kind) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		for _, r := range b.all() {
			for _, k := range kinds {
				if r.Kind == k && !r.At.Before(from) && !yield(r, nil) {
					return
				}
			}
		}
	}
}

func (b *books) all() []ledger.Record {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]ledger.Record(nil), b.records...)
}

// sums adds up what the records say of shares, by worker.
func sums(t testing.TB, records []ledger.Record) map[string]ledger.Shares {
	t.Helper()
	out := map[string]ledger.Shares{}
	for _, r := range records {
		body, err := r.Decode()
		if err != nil {
			t.Fatal(err)
		}
		s, ok := body.(ledger.Shares)
		if !ok {
			continue
		}
		sum := out[r.Subject]
		sum.Work += s.Work
		sum.Count += s.Count
		sum.Stale += s.Stale
		sum.Rejected += s.Rejected
		out[r.Subject] = sum
	}
	return out
}

// clock is a clock that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// share is the n-th share, of a worker of its own.
func share(n int) Share {
	return Share{At: noon.Add(time.Duration(n) * time.Millisecond), Worker: fmt.Sprintf("w%06d", n), Source: "pool", Work: job.Work(n + 1)}
}

func mustOpen(t testing.TB, dir string, l Ledger, cfg Config) *Journal {
	t.Helper()
	j, err := Open(dir, l, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
