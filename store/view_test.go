package store_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/store"
)

// A view reads a ledger beside the process that writes it, follows it, and
// changes nothing.
func TestViewBesideAWriter(t *testing.T) {
	dir := t.TempDir()
	key, err := store.LoadOrCreateKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "hearth.db")
	opts := store.Options{Key: key, HeadPath: filepath.Join(dir, "head")}
	if _, err := store.View(t.Context(), path, opts); err == nil {
		t.Error("a view of nothing opens")
	}
	w, err := store.Open(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	write := func() {
		t.Helper()
		e, err := ledger.NewEntry(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), "a", false, ledger.Event{Severity: "info", Code: "test", Text: "x"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	write()
	v, err := store.View(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for range 3 {
		write()
		got, err := v.Records(t.Context(), 1, 100)
		if err != nil || uint64(len(got)) != w.Head().Seq {
			t.Fatalf("the view sees %d records, %v; the writer has %d", len(got), err, w.Head().Seq)
		}
		report, err := v.Verify(t.Context())
		if err != nil || !report.OK() {
			t.Fatalf("the view verifies to %v, %v", report, err)
		}
	}
	e, err := ledger.NewEntry(time.Now(), "a", false, ledger.Event{Severity: "info", Code: "test", Text: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Append(t.Context(), e); !errors.Is(err, store.ErrPaused) {
		t.Errorf("writing through a view = %v, want ErrPaused", err)
	}
	if err := v.Backup(t.Context(), filepath.Join(dir, "copy.db")); err != nil {
		t.Errorf("backup through a view: %v", err)
	}
}
