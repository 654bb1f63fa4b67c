package store_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hearth/store"
)

// TestView reads a ledger beside the process that writes it, and after that
// has ended.
func TestView(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "hearth.db")
	ctx := t.Context()
	if _, err := store.View(ctx, path, options(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("view of nothing: %v", err)
	}
	s := open(t, dir)
	look := func(want uint64) {
		t.Helper()
		v, err := store.View(ctx, path, options(dir))
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		if r := verify(t, v); !r.OK() || r.Last != want || r.Head != want {
			t.Errorf("%v, want %d records", r, want)
		}
		if _, err := v.Append(ctx, heat(9)); !errors.Is(err, store.ErrPaused) {
			t.Errorf("append: %v", err)
		}
		if err := v.Put(ctx, "memory", nil); !errors.Is(err, store.ErrPaused) {
			t.Errorf("put: %v", err)
		}
		if err := v.PutSamples(ctx, []store.Sample{minute(noon, "power", 1)}); !errors.Is(err, store.ErrPaused) {
			t.Errorf("put samples: %v", err)
		}
		if _, err := v.Prune(ctx, noon.AddDate(1, 0, 0)); !errors.Is(err, store.ErrPaused) {
			t.Errorf("prune: %v", err)
		}
		if err := v.Export(ctx, io.Discard, store.CSV, time.Time{}, time.Time{}); err != nil {
			t.Errorf("export: %v", err)
		}
		backup := filepath.Join(t.TempDir(), "backup.db")
		if err := v.Backup(ctx, backup); err != nil {
			t.Errorf("backup: %v", err)
		}
		if r, err := store.CheckBackup(ctx, backup, testPublic()); err != nil || r.Last != want {
			t.Errorf("backup: %v, %v", r, err)
		}
	}
	look(1)
	if _, err := s.Append(ctx, heat(1), heat(2)); err != nil {
		t.Fatal(err)
	}
	look(3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	look(3)
	// And nothing that a view does keeps the next writer away.
	s = open(t, dir)
	if s.Head().Seq != 3 || s.Trouble() != nil {
		t.Errorf("head %d, %v", s.Head().Seq, s.Trouble())
	}
}
