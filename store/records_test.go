package store_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"hearth/ledger"
	"hearth/store"
	"hearth/units"
)

func TestAppend(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	ctx := t.Context()
	if h := s.Head(); h.Seq != 1 || h.Verify(testPublic()) != nil {
		t.Errorf("a new ledger ends with its genesis: %+v", h)
	}
	head, err := s.Append(ctx, heat(1), heat(2))
	if err != nil || head.Seq != 3 {
		t.Fatalf("%+v, %v", head, err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "head"))
	if err != nil {
		t.Fatal(err)
	}
	if h, err := ledger.ParseHead(b); err != nil || h != head || h != s.Head() {
		t.Errorf("head outside the file: %+v, %v; want %+v", h, err, head)
	}
	// One bad entry, and none is written.
	bad := ledger.Entry{At: noon, Kind: ledger.KindEvent, Body: []byte(`{}`)}
	if _, err := s.Append(ctx, heat(3), bad); err == nil || !strings.Contains(err.Error(), "entry 2 of 2") {
		t.Errorf("a bad entry: %v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Append(ended, heat(3)); !errors.Is(err, context.Canceled) {
		t.Errorf("append when it is too late: %v", err)
	}
	if h := s.Head(); h != head {
		t.Errorf("head moved to %d", h.Seq)
	}
	s.Close()
	if _, err := s.Append(ctx, heat(3)); !errors.Is(err, store.ErrClosed) {
		t.Errorf("append to a closed store: %v", err)
	}
	s = open(t, dir)
	if s.Head() != head || s.Trouble() != nil || s.Paused() != nil {
		t.Errorf("after a restart: %+v, %v, %v", s.Head(), s.Trouble(), s.Paused())
	}
}

func TestFind(t *testing.T) {
	s, _ := small(t, t.TempDir())
	f := func(want string, filter store.Filter) {
		t.Helper()
		list, err := s.Find(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range list {
			got = append(got, fmt.Sprint(r.Seq))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%+v finds %s, want %s", filter, got, want)
		}
	}
	f("1 2 3 4 5 6", store.Filter{})
	f("3 4 5 6", store.Filter{FromSeq: 3})
	f("3 4", store.Filter{FromSeq: 3, Limit: 2})
	f("6 5", store.Filter{Newest: true, Limit: 2})
	f("2 4", store.Filter{Kinds: []ledger.Kind{ledger.KindElectricity, ledger.KindCommand}})
	f("2 3 4", store.Filter{Subject: "heater"})
	f("3", store.Filter{From: noon.Add(time.Second)})
	f("1 2 4 5 6", store.Filter{To: noon.Add(time.Second)})
	f("", store.Filter{Subject: "heater' or '1' = '1"})
	events, err := s.Events(t.Context(), 4, 10)
	if err != nil || len(events) != 2 || events[0].Kind != ledger.KindTrip || events[1].Kind != ledger.KindEvent {
		t.Errorf("events: %v, %v", events, err)
	}
}

// TestConcurrency has writers and readers at once; its point is the race
// detector and that the ledger stays whole.
func TestConcurrency(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for j := range 25 {
				if _, err := s.Append(ctx, heat(25*i+j)); err != nil {
					t.Error(err)
				}
				if err := s.PutSamples(ctx, []store.Sample{minute(noon.Add(time.Duration(j)*time.Minute), fmt.Sprint("m", i), 1)}); err != nil {
					t.Error(err)
				}
				if err := s.Put(ctx, "counter", fmt.Append(nil, j)); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for range 5 {
				if r, err := s.Verify(ctx); err != nil || !r.OK() {
					t.Error(r, err)
				}
				if _, _, err := s.History(ctx, "heater", "m1", noon, noon.Add(time.Hour), 60); err != nil {
					t.Error(err)
				}
				_, _, _ = s.Head(), s.Paused(), s.Trouble()
			}
		})
	}
	all.Wait()
	if r := verify(t, s); !r.OK() || r.Records != 101 {
		t.Error(r)
	}
}

func TestPrune(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	for i := range 20 {
		if _, err := s.Append(ctx, heat(i)); err != nil {
			t.Fatal(err)
		}
	}
	sums := verify(t, s).Sums
	f := func(before time.Duration, removed int64, left uint64) {
		t.Helper()
		done, err := s.Prune(ctx, noon.Add(before))
		if err != nil || done.Records != removed {
			t.Errorf("prune: %+v, %v; want %d", done, err, removed)
		}
		r := verify(t, s)
		if !r.OK() || r.Records != left {
			t.Errorf("%d records are left, want %d: %v", r.Records, left, r)
		}
		if diff := cmp.Diff(sums, r.Sums); diff != "" {
			t.Error(diff)
		}
	}
	f(0, 0, 21) // the genesis is as old, but stays
	f(5*time.Minute, 5, 17)
	f(5*time.Minute, 0, 17)
	f(15*time.Minute, 10, 8)
	f(24*time.Hour, 7, 2) // all that is left, the checkpoints before among it

	// What was edited is not pruned away.
	dir := t.TempDir()
	s, db := small(t, dir)
	run(t, db, `update record set body = replace(body, '51000000', '11000000') where seq = 2`)
	if _, err := s.Prune(ctx, noon.AddDate(1, 0, 0)); err == nil || !strings.Contains(err.Error(), "record 2 was changed") {
		t.Errorf("prune an edited record: %v", err)
	}
	if h := s.Head(); h.Seq != 6 {
		t.Errorf("head is %d", h.Seq)
	}
}

func TestBackup(t *testing.T) {
	dir := t.TempDir()
	s, _ := small(t, dir)
	ctx := t.Context()
	if err := s.Put(ctx, "memory", []byte("m")); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(dir, "copy of a ledger?.db")
	if err := s.Backup(ctx, backup); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(ctx, backup); !errors.Is(err, os.ErrExist) {
		t.Errorf("a second backup to one place: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.part")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	report, err := store.CheckBackup(ctx, backup, testPublic())
	if err != nil || !report.OK() || report.Last != 6 {
		t.Errorf("check: %v, %v", report, err)
	}
	// Into an empty folder, as on a new machine.
	other := t.TempDir()
	report, kept, err := store.Restore(ctx, backup, filepath.Join(other, "hearth.db"), testPublic())
	if err != nil || !report.OK() || kept != "" {
		t.Fatalf("restore: %v, %q, %v", report, kept, err)
	}
	r := open(t, other)
	if v, _, err := r.Get(ctx, "memory"); err != nil || string(v) != "m" || r.Head().Seq < 6 {
		t.Errorf("restored: %q, %v, head %d", v, err, r.Head().Seq)
	}

	for name, spoil := range map[string]func(path string) error{
		"not there":        os.Remove,
		"garbage":          func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte("no backup "), 999), 0o600) },
		"empty":            func(path string) error { return os.Truncate(path, 0) },
		"cut in half":      func(path string) error { return os.Truncate(path, 20_000) },
		"an edited ledger": func(path string) error { return edit(path, "51000000", "11000000") },
	} {
		bad := filepath.Join(t.TempDir(), "bad.db")
		b, err := os.ReadFile(backup)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.WriteFile(bad, b, 0o600), spoil(bad)); err != nil {
			t.Fatal(err)
		}
		target := t.TempDir()
		if _, _, err := store.Restore(ctx, bad, filepath.Join(target, "hearth.db"), testPublic()); err == nil {
			t.Errorf("%s: restored", name)
		}
		if _, err := os.Stat(filepath.Join(target, "hearth.db")); err == nil {
			t.Errorf("%s: left something in place", name)
		}
	}
}

// edit replaces bytes in a file by as many others.
func edit(path, old, now string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Contains(b, []byte(old)) {
		return fmt.Errorf("%q is not in %s", old, path)
	}
	return os.WriteFile(path, bytes.Replace(b, []byte(old), []byte(now), 1), 0o600)
}

func TestExportCSV(t *testing.T) {
	s, _ := small(t, t.TempDir())
	hostile := entry(noon, `=HYPERLINK("http://x","y")`, ledger.Electricity{
		From: noon, To: noon.Add(time.Hour), Joules: 3_600_000.5, Provenance: units.Simulated, Zone: "@SUM(1)",
	})
	if _, err := s.Append(t.Context(), hostile, entry(noon, "pool", ledger.Earning{Millisats: -5}), entry(noon, "heater", ledger.Work{
		From: noon, To: noon.Add(time.Hour), Amount: 12, Unit: "gigahash", Provenance: units.Simulated,
	})); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := s.Export(t.Context(), &out, store.CSV, time.Time{}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\r\n"); n != 10 || strings.Count(out.String(), "\n") != n {
		t.Errorf("%d lines that end as RFC 4180 wants, of %d", n, strings.Count(out.String(), "\n"))
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	cell := func(row int, heading string) string {
		t.Helper()
		for i, h := range rows[0] {
			if h == heading {
				return rows[row][i]
			}
		}
		t.Fatalf("no column %q in %q", heading, rows[0])
		return ""
	}
	f := func(row int, heading, want string) {
		t.Helper()
		if got := cell(row, heading); got != want {
			t.Errorf("row %d, %s: %q, want %q", row, heading, got, want)
		}
	}
	f(2, "energy (J)", "51000.000")
	f(2, "energy (kWh)", "0.014166667")
	f(2, "simulated", "true")
	f(2, "provenance", "simulated")
	f(2, "from (UTC)", "2026-01-15T12:00:00Z")
	f(7, "subject", `'=HYPERLINK("http://x","y")`)
	f(7, "zone", "'@SUM(1)")
	f(7, "energy (J)", "3600000.500")
	f(8, "earning (msat)", "-5")
	f(9, "work", "12")
	f(9, "unit of work", "gigahash")
	f(1, "energy (J)", "") // not zero
	for i, row := range rows {
		for _, c := range row {
			if strings.ContainsRune("=+@\t\r", rune((c + " ")[0])) || strings.HasPrefix(c, "-") && c != "-5" {
				t.Errorf("row %d: a spreadsheet takes %q for a formula", i, c)
			}
		}
	}
}

func TestExportParquet(t *testing.T) {
	s, _ := small(t, t.TempDir())
	var out bytes.Buffer
	if err := s.Export(t.Context(), &out, store.Parquet, time.Time{}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	type row struct {
		Seq    uint64    `parquet:"seq"`
		At     time.Time `parquet:"at_utc,timestamp(microsecond)"`
		Kind   string    `parquet:"kind"`
		Energy *int64    `parquet:"energy_mj,optional"`
		Sim    bool      `parquet:"simulated"`
	}
	rows, err := parquet.Read[row](bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil || len(rows) != 6 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if r := rows[1]; r.Seq != 2 || r.Kind != "electricity" || r.Energy == nil || *r.Energy != 51_000_000 || !r.At.Equal(noon) || !r.Sim {
		t.Errorf("%+v", r)
	}
	if rows[3].Energy != nil {
		t.Error("a command has an energy")
	}
}

func TestExportChain(t *testing.T) {
	s, _ := small(t, t.TempDir())
	head := s.Head()
	var out bytes.Buffer
	// Whole in spite of the times, or nobody could verify it.
	if err := s.Export(t.Context(), &out, store.Chain, noon.Add(time.Hour), noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	report := ledger.Verify(ledger.Read(&out), ledger.Expect{Key: testPublic(), Head: &head})
	if !report.OK() || report.Records != 6 {
		t.Error(report)
	}
	if err := s.Export(t.Context(), io.Discard, "xml", time.Time{}, time.Time{}); err == nil {
		t.Error("exported as XML")
	}
	for _, format := range []store.Format{store.CSV, store.Parquet, store.Chain} {
		if err := s.Export(t.Context(), brokenPipe{}, format, time.Time{}, time.Time{}); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s into a broken pipe: %v", format, err)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestSince: records of some kinds from a time on, however many.
func TestSince(t *testing.T) {
	s := open(t, t.TempDir())
	for i := range 1200 {
		if _, err := s.Append(t.Context(), heat(i), event(noon.Add(time.Duration(i)*time.Minute), "written")); err != nil {
			t.Fatal(err)
		}
	}
	from := noon.Add(100 * time.Minute)
	n := 0
	for r, err := range s.Since(t.Context(), from, ledger.KindHeat) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind != ledger.KindHeat || r.At.Before(from) {
			t.Fatalf("record %d: %s of %s", r.Seq, r.Kind, r.At)
		}
		n++
	}
	if n != 1100 {
		t.Errorf("%d records of heat, want 1100", n)
	}
	n = 0
	for _, err := range s.Since(t.Context(), noon) {
		if n++; err != nil || n == 5 {
			break
		}
	}
	if n != 5 {
		t.Errorf("stopped after %d records", n)
	}
}
