package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/ledger"
	"hearth/pool/job"
)

// records decodes the records of shares.
func decoded(t testing.TB, b *books) (list []ledger.Shares, workers []string) {
	t.Helper()
	for _, r := range b.all() {
		body, err := r.Decode()
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := body.(ledger.Shares); ok {
			list, workers = append(list, s), append(workers, r.Subject)
		}
	}
	return list, workers
}

// TestQuarterHours is a journal's life by hand: what two heaters do in two
// quarters of an hour.
func TestQuarterHours(t *testing.T) {
	ctx, b, c := t.Context(), &books{}, &clock{now: noon}
	dir := t.TempDir()
	j := mustOpen(t, dir, b, Config{Now: c.Now})
	add := func(worker, party string, work int, v Verdict) {
		j.Add(Share{At: c.Now(), Worker: worker, Source: "pool", Party: party, Work: job.Work(work), Verdict: v})
		c.forward(time.Minute)
	}
	add("a", "host", 10, Accepted)
	add("a", "host", 20, Accepted)
	add("b", "", 5, Accepted)
	add("a", "operator", 7, Accepted)
	add("a", "host", 99, Stale)
	add("a", "host", 99, Rejected)
	j.Add(Share{At: c.Now(), Worker: "a", Source: "fallback", Work: 3, Unpaid: true})
	must(t, j.Sync(ctx))
	c.forward(10 * time.Minute)
	add("a", "host", 40, Accepted) // in the next quarter
	must(t, j.Fold(ctx))

	got, workers := decoded(t, b)
	quarter := func(n int, s ledger.Shares) ledger.Shares {
		s.From = noon.Add(time.Duration(n) * 15 * time.Minute)
		s.To, s.Digest = s.From.Add(15*time.Minute), got[4*n].Digest
		return s
	}
	want := []ledger.Shares{
		quarter(0, ledger.Shares{Work: 3, Count: 1, Source: "fallback", Unpaid: true}),
		quarter(0, ledger.Shares{Work: 30, Count: 2, Stale: 1, Rejected: 1, Source: "pool", Party: "host"}),
		quarter(0, ledger.Shares{Work: 7, Count: 1, Source: "pool", Party: "operator"}),
		quarter(0, ledger.Shares{Work: 5, Count: 1, Source: "pool"}),
		quarter(1, ledger.Shares{Work: 40, Count: 1, Source: "pool", Party: "host"}),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a", "a", "a", "b", "a"}, workers); diff != "" {
		t.Error(diff)
	}
	// The segments are still there, and say the same.
	segments, err := filepath.Glob(filepath.Join(dir, "*"+foldedEnd))
	if err != nil || len(segments) != 2 {
		t.Fatal(segments, err)
	}
	var before ledger.Hash
	for _, name := range segments {
		rep, err := Verify(name, each(b.all()))
		if err != nil || !rep.OK() || rep.Before != before {
			t.Error(rep, err)
		}
		before = rep.Digest
	}
	var again []Share
	for s, err := range j.Shares(noon.Add(2 * time.Minute)) {
		must(t, err)
		again = append(again, s)
	}
	if len(again) != 6 || again[0].Worker != "b" || again[5].Work != 40 {
		t.Errorf("the shares from a time on: %+v", again)
	}
	must(t, j.Close(ctx))
}

// TestRestart: what was synced and not folded is folded by the next process,
// once, and one process at a time has the folder.
func TestRestart(t *testing.T) {
	ctx, b := t.Context(), &books{}
	dir := t.TempDir()
	cfg := Config{Now: func() time.Time { return noon }}
	j := mustOpen(t, dir, b, cfg)
	if _, err := Open(dir, b, cfg); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("opened twice: %v", err)
	}
	j.Add(share(1))
	must(t, j.Sync(ctx))
	j.Add(share(2)) // was promised to nobody
	j.lock.Close()  // killed
	for life := range 3 {
		j = mustOpen(t, dir, b, cfg)
		if s := j.Status(); (s.Unfolded == 1) != (life == 0) {
			t.Errorf("life %d: %+v", life, s)
		}
		must(t, j.Fold(ctx))
		must(t, j.Close(ctx))
	}
	if diff := cmp.Diff(map[string]ledger.Shares{"w000001": {Work: 2, Count: 1}}, sums(t, b.all())); diff != "" {
		t.Error(diff)
	}
	// A kill between the record and the new name of the segment.
	names, err := filepath.Glob(filepath.Join(dir, "*"+foldedEnd))
	must(t, err)
	must(t, os.Rename(names[0], strings.TrimSuffix(names[0], foldedEnd)+openEnd))
	j = mustOpen(t, dir, b, cfg)
	must(t, j.Fold(ctx))
	must(t, j.Close(ctx))
	if n := len(b.all()); n != 1 {
		t.Errorf("%d records of one share", n)
	}
}

// TestRun: the journal keeps itself: shares are on the disk within a second,
// and in the ledger when their quarter is over.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	b := &books{}
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		j := mustOpen(t, dir, b, Config{})
		done := make(chan error)
		go func() { done <- j.Run(ctx) }()
		at := time.Now()
		j.Add(Share{At: at, Worker: "a", Source: "pool", Work: 1})
		time.Sleep(time.Second)
		synctest.Wait()
		if s := j.Status(); s.Waiting != 0 || s.Unfolded != 0 || len(b.all()) != 0 {
			t.Errorf("after a second: %+v, %d records", s, len(b.all()))
		}
		time.Sleep(time.Until(at.Truncate(15 * time.Minute).Add(15*time.Minute + time.Second)))
		synctest.Wait()
		if n := len(b.all()); n != 1 {
			t.Errorf("%d records when the quarter is over", n)
		}
		j.Add(Share{At: time.Now(), Worker: "a", Source: "pool", Work: 1})
		stop()
		must(t, <-done)
		if n := len(b.all()); n != 2 {
			t.Errorf("%d records at the end", n)
		}
		must(t, j.Close(ctx)) // again: nothing
		if err := j.Sync(t.Context()); err != nil {
			t.Error(err) // nothing was added since
		}
		j.Add(share(1))
		if err := j.Sync(t.Context()); !errors.Is(err, ErrPaused) {
			t.Errorf("added to a closed journal: %v", err)
		}
	})
}

// TestSync: whoever adds and syncs, with others doing so at the same time, finds
// the share on the disk.
func TestSync(t *testing.T) {
	dir, b := t.TempDir(), &books{}
	j := mustOpen(t, dir, b, Config{})
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for n := range 20 {
				name := fmt.Sprintf("%d.%d", worker, n)
				j.Add(Share{At: time.Now(), Worker: name, Source: "pool", Work: 1})
				if err := j.Sync(t.Context()); err != nil {
					t.Error(err)
				}
				found := false
				for s, err := range j.Shares(time.Time{}) {
					if err != nil {
						t.Error(err)
					}
					found = found || s.Worker == name
				}
				if !found {
					t.Errorf("%s was synced and is not there", name)
				}
			}
		})
	}
	wg.Wait()
	must(t, j.Close(t.Context()))
	if n := len(sums(t, b.all())); n != 160 {
		t.Errorf("%d workers of 160 are in the ledger", n)
	}
}

// TestFoldInDoubt: whether a ledger that fails writes the entries, writes them
// later or never, each share is in it once.
func TestFoldInDoubt(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		ctx := context.Background()
		b := &books{fail: func() (failure, error) {
			how := rapid.SampledFrom([]failure{fine, fine, never, later}).Draw(r, "how")
			return how, errFull
		}}
		fs := newMemory()
		c := &clock{now: noon}
		cfg := Config{Now: c.Now, files: fs}
		j, err := Open("", b, cfg)
		if err != nil {
			r.Fatal(err)
		}
		n := rapid.IntRange(1, 8).Draw(r, "shares")
		for i := range n {
			j.Add(share(i))
			if rapid.Bool().Draw(r, "fold") {
				_ = j.Fold(ctx)
			}
			if rapid.IntRange(0, 5).Draw(r, "kill") == 0 {
				if err := j.Sync(ctx); err != nil {
					r.Fatal(err)
				}
				if j, err = Open("", b, cfg); err != nil { // its own memory is gone
					r.Fatal(err)
				}
				b.waiting = nil // and the store's
			}
		}
		b.fail = nil
		if err := j.Fold(ctx); err != nil {
			r.Fatal(err)
		}
		got := sums(t, b.all())
		for i := range n {
			s := share(i)
			if x := got[s.Worker]; x.Count != 1 || x.Work != int64(s.Work) {
				r.Fatalf("share %d is in the ledger %d times", i, x.Count)
			}
		}
		if u := j.Status(); u.Unfit != nil || u.Unfolded != 0 {
			r.Fatalf("%+v", u)
		}
	})
}

// TestFoldAddsUp holds the fold of any shares against a plain sum.
func TestFoldAddsUp(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		list := rapid.SliceOfN(rapid.Custom(draw), 1, 60).Draw(r, "items")
		h := testHead()
		sum := newAdder(h.interval)
		type key struct {
			from                  int64
			worker, source, party string
			unpaid                bool
		}
		want := map[key]tally{}
		dropped := int64(0)
		for _, it := range list {
			sum.add(it)
			if it.dropped > 0 {
				dropped += int64(it.dropped)
				continue
			}
			k := key{at(it.from).Truncate(h.interval).UnixNano(), it.Worker, it.Source, it.Party, it.Unpaid}
			x := want[k]
			x.work += it.work
			x.count += it.count
			x.stale += it.stale
			x.rejected += it.rejected
			want[k] = x
		}
		entries, err := sum.entries(h, ledger.Hash{9})
		if err != nil {
			r.Fatal(err)
		}
		got := map[key]tally{}
		for _, e := range entries {
			if err := e.Check(); err != nil {
				r.Fatal(err)
			}
			body, err := (ledger.Record{Kind: e.Kind, Body: e.Body}).Decode()
			if err != nil {
				r.Fatal(err)
			}
			if g, ok := body.(ledger.Gap); ok {
				dropped -= g.Dropped
				continue
			}
			s := body.(ledger.Shares)
			if s.To.Sub(s.From) != h.interval {
				r.Fatalf("a record from %s to %s", s.From, s.To)
			}
			k := key{s.From.UnixNano(), e.Subject, s.Source, s.Party, s.Unpaid}
			x := got[k]
			x.work += uint64(s.Work)
			x.count += uint64(s.Count)
			x.stale += uint64(s.Stale)
			x.rejected += uint64(s.Rejected)
			got[k] = x
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(key{}, tally{})); diff != "" || dropped != 0 {
			r.Fatal(diff, dropped)
		}
		// In whatever order its sums were made, the records are the same.
		again := newAdder(h.interval)
		for _, it := range list {
			again.add(it)
		}
		same, err := again.entries(h, ledger.Hash{9})
		if diff := cmp.Diff(entries, same); diff != "" || err != nil {
			r.Fatal(diff, err)
		}
	})
}

// TestKept: folded segments are kept as long as there is room for them.
func TestKept(t *testing.T) {
	dir, b, c := t.TempDir(), &books{}, &clock{now: noon}
	j := mustOpen(t, dir, b, Config{Now: c.Now, Keep: 1000})
	for i := range 30 {
		j.Add(share(i))
		must(t, j.Fold(t.Context()))
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"+foldedEnd))
	must(t, err)
	slices.Sort(names)
	var total int64
	for _, n := range names {
		info, err := os.Stat(n)
		must(t, err)
		total += info.Size()
	}
	if total > 1000 || len(names) < 5 || filepath.Base(names[len(names)-1]) != "000000000030.shares" {
		t.Errorf("%d bytes in %v", total, names)
	}
	must(t, j.Close(t.Context()))
}

// TestVerifyFinds: what was changed after it was folded.
func TestVerifyFinds(t *testing.T) {
	dir, b := t.TempDir(), &books{}
	j := mustOpen(t, dir, b, Config{Now: func() time.Time { return noon }})
	real := job.Header{Version: 1, Nonce: 77}
	work := real.Hash().Difficulty().Work()
	j.Add(Share{At: noon, Worker: "a", Source: "pool", Work: work, Header: real})
	j.Add(Share{At: noon, Worker: "b", Source: "pool", Work: 5})
	must(t, j.Fold(t.Context()))
	name := filepath.Join(dir, "000000000001.shares")
	good := b.all()
	look := func(want string, records []ledger.Record) {
		t.Helper()
		rep, err := Verify(name, each(records))
		must(t, err)
		if got := rep.String(); !strings.HasSuffix(got, want) || rep.OK() != strings.HasSuffix(want, "the same.") {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
	look(fmt.Sprintf("2 accepted shares worth %d of work, 1 of them with proof. The ledger says the same.", work+5), good)
	look("The ledger lacks 1 records of it.", good[1:])
	twice := append(slices.Clone(good), good[1])
	look("The ledger has 1 records that it does not make, the first with number 3.", twice)
	changed := slices.Clone(good)
	changed[1].Body = []byte(strings.Replace(string(changed[1].Body), `"work":5`, `"work":6`, 1))
	look("The ledger lacks 1 records of it. The ledger has 1 records that it does not make, the first with number 3.", changed)

	whole, err := os.ReadFile(name)
	must(t, err)
	must(t, os.WriteFile(name, append(slices.Clone(whole), 1, 2, 3), 0o600))
	look("3 bytes at the end are damaged.", good)
	whole[len(whole)-1] ^= 1
	must(t, os.WriteFile(name, whole, 0o600))
	rep, err := Verify(name, each(good))
	if err != nil || rep.OK() || rep.Excess == 0 {
		t.Error(rep, err)
	}
	must(t, os.WriteFile(name, []byte("nothing"), 0o600))
	if rep, err := Verify(name, each(good)); err == nil {
		t.Error(rep)
	}
	must(t, j.Close(t.Context()))

	// Credit beyond what the header proves.
	j = mustOpen(t, dir, b, Config{Now: func() time.Time { return noon }})
	j.Add(Share{At: noon, Worker: "a", Source: "pool", Work: 4*work + 4, Header: real})
	must(t, j.Fold(t.Context()))
	must(t, j.Close(t.Context()))
	name = filepath.Join(dir, "000000000002.shares")
	look("1 shares were credited with more than their header shows.", b.all())
}

// TestDamagedHeader: a file whose header is broken is put aside, an empty one
// removed, and neither stops the journal.
func TestDamagedHeader(t *testing.T) {
	dir, b := t.TempDir(), &books{}
	for name, size := range map[string]int{"000000000003.open": 500, "000000000004.open": 10, "000000000005.open": 0, "unrelated": 5} {
		must(t, os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o600))
	}
	j := mustOpen(t, dir, b, Config{})
	if s := j.Status(); s.Cut != 510 || s.Damaged != 1 {
		t.Errorf("%+v", s)
	}
	j.Add(share(1))
	must(t, j.Close(t.Context()))
	var names []string
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]string{"000000000003.broken", "000000000006.shares", "lock", "unrelated"}, names); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkAdd(b *testing.B) {
	j, err := Open(b.TempDir(), &books{}, Config{})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan error)
	go func() { done <- j.Run(ctx) }()
	s := Share{At: noon, Worker: "bitaxe", Source: "pool", Work: 1024, Header: job.Header{Nonce: 1}}
	for b.Loop() {
		j.Add(s)
	}
	if st := j.Status(); st.Dropped > 0 {
		b.Errorf("%+v", st)
	}
	stop()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}
