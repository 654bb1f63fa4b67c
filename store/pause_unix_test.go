//go:build unix

package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"hearth/ledger"
	"hearth/store"
	"hearth/units"
)

func diskRoles() map[string]func(dir string) error {
	return map[string]func(string) error{"filelimit": fileLimitRole, "readonly": readOnlyRole}
}

// TestDiskFull fills the disk under a store in a process of its own, whose
// files may not grow beyond a size.
func TestDiskFull(t *testing.T) {
	if out, err := play(t, "filelimit", t.TempDir()).Output(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func fileLimitRole(dir string) error {
	// Go ends a program that exceeds the limit unless it says that it copes.
	signal.Ignore(syscall.SIGXFSZ)
	ctx := context.Background()
	s, err := store.Open(ctx, filepath.Join(dir, "hearth.db"), store.Options{Key: testKey(), HeadPath: filepath.Join(dir, "head"), Buffer: 50})
	if err != nil {
		return err
	}
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 300_000, Max: was.Max}); err != nil {
		return err
	}
	fine := 0
	for i := range 2000 {
		if _, err = s.Append(ctx, heat(i)); err != nil {
			break
		}
		fine++
	}
	if !errors.Is(err, store.ErrPaused) || !errors.Is(s.Paused(), store.ErrPaused) {
		return fmt.Errorf("on a full disk after %d records: %v, paused: %v", fine, err, s.Paused())
	}
	// Reading goes on, and further entries wait, up to a point: 1 + 59 of
	// which 10 are too many.
	if r, err := s.Records(ctx, 1, 10); err != nil || len(r) != 10 {
		return fmt.Errorf("read on a full disk: %d records, %v", len(r), err)
	}
	if report, err := s.Verify(ctx); err != nil || !report.OK() {
		return fmt.Errorf("verify on a full disk: %v, %v", report, err)
	}
	for i := range 59 {
		if _, err := s.Append(ctx, heat(3000+i)); !errors.Is(err, store.ErrPaused) {
			return fmt.Errorf("append on a full disk: %v", err)
		}
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	head, err := s.Append(ctx, event(noon, "room again"))
	if err != nil {
		return err
	}
	if want := uint64(1 + fine + 1 + 50 + 1); head.Seq != want {
		return fmt.Errorf("head is %d where %d is wanted: genesis, %d records, a gap, 50 that waited, one more", head.Seq, want, fine)
	}
	gaps, err := s.Find(ctx, store.Filter{Kinds: []ledger.Kind{ledger.KindGap}})
	if err != nil || len(gaps) != 1 {
		return fmt.Errorf("%d gap records, %v", len(gaps), err)
	}
	body, err := gaps[0].Decode()
	if err != nil {
		return err
	}
	g, ok := body.(ledger.Gap)
	if !ok || g.Dropped != 10 || !g.From.Equal(heat(fine).At) || !g.To.Equal(heat(3008).At) {
		return fmt.Errorf("gap %+v", g)
	}
	if report, err := s.Verify(ctx); err != nil || !report.OK() {
		return fmt.Errorf("verify afterwards: %v, %v", report, err)
	}
	if err := s.Paused(); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	return fullAtStart(ctx, dir, head, was)
}

// fullAtStart opens a ledger on a disk that takes not a byte.
func fullAtStart(ctx context.Context, dir string, head ledger.Head, was syscall.Rlimit) error {
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Max: was.Max}); err != nil {
		return err
	}
	s, err := store.Open(ctx, filepath.Join(dir, "hearth.db"), store.Options{Key: testKey(), HeadPath: filepath.Join(dir, "head")})
	if err != nil {
		return fmt.Errorf("open on a full disk: %w", err)
	}
	if s.Head() != head {
		return fmt.Errorf("head on a full disk: %+v, want %+v", s.Head(), head)
	}
	if _, err := s.Append(ctx, heat(1)); !errors.Is(err, store.ErrPaused) {
		return fmt.Errorf("append on a full disk: %v", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	if err := s.Flush(ctx); err != nil {
		return err
	}
	if got := s.Head().Seq; got != head.Seq+1 {
		return fmt.Errorf("head is %d after what waited, want %d", got, head.Seq+1)
	}
	return s.Close()
}

// TestReadOnlyFolder opens a store in a folder that cannot be written, in a
// process of its own that is not root.
func TestReadOnlyFolder(t *testing.T) {
	dir, err := os.MkdirTemp("", "hearth-readonly") //nolint:usetesting // other users cannot pass through t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		os.Chmod(dir, 0o755)
		os.RemoveAll(dir)
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := play(t, "readonly", dir).Output(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

const nobody = 65534

func readOnlyRole(dir string) error {
	if os.Getuid() == 0 { // whom no mode keeps from writing
		if err := errors.Join(syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
			return err
		}
	}
	ctx := context.Background()
	path := filepath.Join(dir, "hearth.db")
	opts := store.Options{Key: testKey(), HeadPath: filepath.Join(dir, "head")}

	// An empty folder cannot begin a ledger.
	if err := os.Chmod(dir, 0o555); err != nil {
		return err
	}
	if _, err := store.Open(ctx, path, opts); !errors.Is(err, store.ErrPaused) {
		return fmt.Errorf("open in an empty folder that cannot be written: %v", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	s, err := store.Open(ctx, path, opts)
	if err != nil {
		return err
	}
	if _, err := s.Append(ctx, heat(1), heat(2)); err != nil {
		return err
	}
	if err := s.Put(ctx, "trips", []byte("room_over_temperature/living")); err != nil {
		return err
	}
	// A folder that turns read-only while the files are open stops the head,
	// not the ledger.
	if err := os.Chmod(dir, 0o555); err != nil {
		return err
	}
	if _, err := s.Append(ctx, heat(3)); err != nil {
		return err
	}
	if s.Trouble() == nil || s.Paused() != nil {
		return fmt.Errorf("head cannot be renewed: trouble %v, paused %v", s.Trouble(), s.Paused())
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	if _, err := s.Append(ctx, heat(4)); err != nil || s.Trouble() != nil {
		return fmt.Errorf("head can be renewed again: %v, %v", err, s.Trouble())
	}
	if err := s.Close(); err != nil {
		return err
	}

	// What is there can be read, and what comes waits.
	for _, name := range []string{"", "hearth.db", "hearth.db.lock"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o555); err != nil {
			return err
		}
	}
	if s, err = store.Open(ctx, path, opts); err != nil {
		return err
	}
	if !errors.Is(s.Paused(), store.ErrPaused) {
		return fmt.Errorf("opened read-only but not paused: %v", s.Paused())
	}
	if v, ok, err := s.Get(ctx, "trips"); err != nil || !ok || !strings.HasPrefix(string(v), "room") {
		return fmt.Errorf("get from a read-only file: %q, %v, %v", v, ok, err)
	}
	if _, err := s.Append(ctx, heat(5)); !errors.Is(err, store.ErrPaused) {
		return fmt.Errorf("append to a read-only file: %v", err)
	}
	if err := s.Put(ctx, "trips", nil); !errors.Is(err, store.ErrPaused) {
		return fmt.Errorf("put into a read-only file: %v", err)
	}
	sample := store.Sample{At: noon, Subject: "living", Metric: "temp", Mean: 20, Min: 20, Max: 20, Provenance: units.Meter, Known: time.Minute}
	if err := s.PutSamples(ctx, []store.Sample{sample}); !errors.Is(err, store.ErrPaused) {
		return fmt.Errorf("put samples into a read-only file: %v", err)
	}
	// And then it can be written again.
	for _, name := range []string{"", "hearth.db", "hearth.db.lock"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o755); err != nil {
			return err
		}
	}
	if err := s.Flush(ctx); err != nil {
		return err
	}
	if head := s.Head(); head.Seq != 6 || s.Paused() != nil {
		return fmt.Errorf("written again: head %d, paused %v", head.Seq, s.Paused())
	}
	if total, err := s.Totals(ctx, "living", "temp", noon, noon.Add(time.Hour)); err != nil || total.Mean != 20 {
		return fmt.Errorf("samples that waited: %+v, %v", total, err)
	}
	if report, err := s.Verify(ctx); err != nil || !report.OK() {
		return fmt.Errorf("verify: %v, %v", report, err)
	}
	return s.Close()
}

// TestEveryWriteFails lets each operation on the disk fail, in turn, alone or
// with the one or two after it, with each error that a disk gives. What was
// acknowledged stays, what was not comes in later, once.
func TestEveryWriteFails(t *testing.T) {
	t.Parallel()
	errs := map[string]int32{
		"disk full":   sqlite3.SQLITE_FULL,
		"write error": sqlite3.SQLITE_IOERR_WRITE,
		"sync error":  sqlite3.SQLITE_IOERR_FSYNC,
		"read-only":   sqlite3.SQLITE_READONLY,
	}
	for name, rc := range errs {
		t.Run(name, func(t *testing.T) {
			step := 1
			if testing.Short() {
				step = 13
			}
			d := newDisk(t, memoryDir(t))
			for fail := int(rc) % step; ; fail += step {
				d.move(memoryDir(t))
				if reached := failAt(t, d, fail, 1+fail%3, rc); !reached {
					t.Logf("%d operations", fail)
					return
				}
			}
		})
	}
}

// failAt lets so many operations fail, beginning with the one of the given
// number after the store was opened. It reports whether there was such an
// operation.
func failAt(t *testing.T, d *disk, first, count int, rc int32) bool {
	t.Helper()
	ctx := t.Context()
	opts := store.Options{Key: testKey(), HeadPath: filepath.Join(d.dir, "head"), Unsynced: true}
	if rc == sqlite3.SQLITE_IOERR_FSYNC {
		opts.Unsynced = false
	}
	s, err := store.Open(ctx, filepath.Join(d.dir, "hearth.db"), opts.Through(d.name, d, 8))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	d.refuse = func(o op) int32 {
		if o.kind == opSync != (rc == sqlite3.SQLITE_IOERR_FSYNC) {
			return 0
		}
		if n++; n > first && n <= first+count {
			return rc
		}
		return 0
	}
	var acked uint64 = 1
	for i := range 12 {
		head, err := s.Append(ctx, heat(i))
		switch {
		case err == nil:
			if head.Seq != uint64(i+2) {
				t.Fatalf("failing at %d: head is %d after %d records", first, head.Seq, i+1)
			}
			acked = head.Seq
		case !errors.Is(err, store.ErrPaused):
			t.Fatalf("failing at %d: %v", first, err)
		case head.Seq != acked:
			t.Fatalf("failing at %d: head is %d where %d was acknowledged", first, head.Seq, acked)
		}
	}
	reached := n > first
	d.refuse = nil
	if err := s.Flush(ctx); err != nil {
		t.Fatalf("failing at %d: flush: %v", first, err)
	}
	records, err := s.Records(ctx, 2, 100)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range records {
		if r.At != heat(i).At {
			t.Fatalf("failing at %d: record %d is of %s where %s is wanted", first, r.Seq, r.At, heat(i).At)
		}
	}
	if len(records) != 12 {
		t.Fatalf("failing at %d: %d records where 12 are wanted", first, len(records))
	}
	report, err := s.Verify(ctx)
	if err != nil || !report.OK() {
		t.Fatalf("failing at %d: %v, %v", first, report, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return reached
}
