package store_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/store"
	"hearth/units"
)

// small makes a ledger with one record of most kinds and returns its store
// and a connection of an intruder to its file.
func small(t *testing.T, dir string) (*store.Store, *sql.DB) {
	t.Helper()
	s := open(t, dir)
	at := noon
	for _, e := range []ledger.Entry{
		entry(at, "heater", ledger.Electricity{From: at, To: at.Add(time.Minute), Joules: 51000, Provenance: units.Simulated}),
		heat(1),
		entry(at, "heater", ledger.Command{Verb: "set_level", Level: "eco", Power: 850, Why: "Living room is 0.6 K below its set-point.", Confirmed: true}),
		entry(at, "living", ledger.Trip{ID: "stale/living", Rule: "stale", Cause: "No reading for 10 minutes.", Did: "Stopped.", Clears: "With the next reading."}),
		event(at, "Hearth started."),
	} {
		if _, err := s.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	return s, intruder(t, dir)
}

func intruder(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "hearth.db")+"?_pragma=synchronous(0)&_pragma=ignore_check_constraints(1)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func run(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func verify(t *testing.T, s *store.Store) ledger.Report {
	t.Helper()
	r, err := s.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestEveryByte changes every byte of every column of every record, one at a
// time, and wants each change found at its record.
func TestEveryByte(t *testing.T) {
	s, db := small(t, t.TempDir())
	if r := verify(t, s); !r.OK() {
		t.Fatal(r)
	}
	records, err := s.Records(t.Context(), 1, 100)
	if err != nil {
		t.Fatal(err)
	}
	flips := 0
	flip := func(r ledger.Record, column string, was []byte, isText bool, expect ...ledger.Fault) {
		t.Helper()
		for i := range was {
			now := append([]byte(nil), was...)
			now[i] ^= 1 << (flips % 8)
			flips++
			value := func(b []byte) any {
				if isText {
					return string(b)
				}
				return b
			}
			set := "update record set " + column + " = ? where seq = ?"
			run(t, db, set, value(now), int64(r.Seq))
			p := verify(t, s).Problem
			run(t, db, set, value(was), int64(r.Seq))
			if p == nil {
				t.Fatalf("record %d: byte %d of %s changed and not found", r.Seq, i, column)
			}
			if p.Seq != r.Seq || !slices.Contains(expect, p.Fault) {
				t.Errorf("record %d: byte %d of %s changed: %s at %d: %s", r.Seq, i, column, p.Fault, p.Seq, p.Text)
			}
		}
	}
	for _, r := range records {
		if testing.Short() && r.Seq > 2 {
			break
		}
		flip(r, "body", r.Body, true, ledger.FaultEdited)
		flip(r, "kind", []byte(r.Kind), true, ledger.FaultEdited)
		flip(r, "subject", []byte(r.Subject), true, ledger.FaultEdited)
		flip(r, "prev", r.Prev[:], false, ledger.FaultEdited)
		flip(r, "hash", r.Hash[:], false, ledger.FaultEdited)
		flip(r, "sig", r.Sig[:], false, ledger.FaultForged)
		for bit := range 64 {
			for column, was := range map[string]int64{"at": r.At.UnixNano(), "seq": int64(r.Seq)} {
				if now := was ^ 1<<bit; column == "seq" && now > 0 && now <= int64(len(records)) {
					continue // taken: SQLite itself refuses
				}
				run(t, db, "update record set "+column+" = ? where hash = ?", was^1<<bit, r.Hash[:])
				if verify(t, s).OK() {
					t.Errorf("record %d: bit %d of %s changed and not found", r.Seq, bit, column)
				}
				run(t, db, "update record set "+column+" = ? where hash = ?", was, r.Hash[:])
				flips++
			}
		}
		run(t, db, "update record set simulated = 1 - simulated where seq = ?", int64(r.Seq))
		if p := verify(t, s).Problem; p == nil || p.Fault != ledger.FaultEdited {
			t.Errorf("record %d: real turned simulated or back: %v", r.Seq, p)
		}
		run(t, db, "update record set simulated = 1 - simulated where seq = ?", int64(r.Seq))
	}
	if r := verify(t, s); !r.OK() {
		t.Fatal("the ledger was not put back:", r)
	}
	t.Logf("%d changes found", flips)
}

// TestTampering is what an intruder may try with the file, and what Hearth
// says of it.
func TestTampering(t *testing.T) {
	swap := func(t *testing.T, db *sql.DB) {
		run(t, db, "update record set seq = -3 where seq = 3")
		run(t, db, "update record set seq = 3 where seq = 4")
		run(t, db, "update record set seq = 4 where seq = -3")
	}
	tests := []struct {
		name   string
		do     func(t *testing.T, db *sql.DB)
		fault  ledger.Fault
		phrase string
	}{
		{"delete one", func(t *testing.T, db *sql.DB) { run(t, db, "delete from record where seq = 4") }, ledger.FaultMissing, "Record 4 is missing"},
		{"delete several", func(t *testing.T, db *sql.DB) { run(t, db, "delete from record where seq in (3, 4)") }, ledger.FaultMissing, "Records 3 to 4 are missing"},
		{"delete behind the genesis", func(t *testing.T, db *sql.DB) { run(t, db, "delete from record where seq in (2, 3)") }, ledger.FaultMissing, "Records 2 to 3 are missing"},
		{"delete the genesis", func(t *testing.T, db *sql.DB) { run(t, db, "delete from record where seq = 1") }, ledger.FaultGenesis, "the genesis, record 1, is missing"},
		{"delete all", func(t *testing.T, db *sql.DB) { run(t, db, "delete from record") }, ledger.FaultCut, "Records 1 to 6"},
		{"cut the last", func(t *testing.T, db *sql.DB) { run(t, db, "delete from record where seq = 6") }, ledger.FaultCut, "Record 6, which the head"},
		{"cut the tail", func(t *testing.T, db *sql.DB) { run(t, db, "delete from record where seq > 3") }, ledger.FaultCut, "Records 4 to 6"},
		{"swap two", swap, ledger.FaultEdited, "Record 3 was changed"},
		{"close the gap", func(t *testing.T, db *sql.DB) {
			run(t, db, "delete from record where seq = 3")
			run(t, db, "update record set seq = seq - 1 where seq > 3")
		}, ledger.FaultEdited, "Record 3 was changed"},
		{"another amount", func(t *testing.T, db *sql.DB) {
			run(t, db, `update record set body = replace(body, '51000000', '11000000') where seq = 2`)
		}, ledger.FaultEdited, "Record 2 was changed"},
		{"nonsense in a column", func(t *testing.T, db *sql.DB) {
			run(t, db, "update record set hash = x'00' where seq = 5")
		}, ledger.FaultUnreadable, "Record 5 cannot be read"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, db := small(t, t.TempDir())
			test.do(t, db)
			p := verify(t, s).Problem
			if p == nil || p.Fault != test.fault || !strings.Contains(p.Text, test.phrase) {
				t.Errorf("found %+v, want %s with %q", p, test.fault, test.phrase)
			}
		})
	}
}

// TestHiding changes an index of the file, so that a search no longer finds
// a record that is there.
func TestHiding(t *testing.T) {
	dir := t.TempDir()
	s, db := small(t, dir)
	var page int64
	if err := db.QueryRowContext(t.Context(), "select rootpage from sqlite_schema where name = 'record_subject'").Scan(&page); err != nil {
		t.Fatal(err)
	}
	db.Close()
	s.Close()
	path := filepath.Join(dir, "hearth.db")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	index := b[(page-1)*4096 : page*4096]
	copy(index[bytes.Index(index, []byte("heater")):], "heaven")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if p := verify(t, s).Problem; p == nil || p.Fault != ledger.FaultUnreadable || !strings.Contains(p.Text, "record_subject") {
		t.Errorf("found %+v", p)
	}
}

// TestForging lets an intruder who knows the format, but not the key, write
// records with hashes that are right.
func TestForging(t *testing.T) {
	dir := t.TempDir()
	s, db := small(t, dir)
	records, err := s.Records(t.Context(), 1, 100)
	if err != nil {
		t.Fatal(err)
	}
	other := testKey()
	other = append(other[:0:0], other...)
	other[0] ^= 1
	put := func(r ledger.Record) {
		run(t, db, "update record set at = ?, body = ?, prev = ?, hash = ?, sig = ? where seq = ?",
			r.At.UnixNano(), string(r.Body), r.Prev[:], r.Hash[:], r.Sig[:], int64(r.Seq))
	}
	forged, err := heat(999).Seal(3, records[1].Hash, other)
	if err != nil {
		t.Fatal(err)
	}
	put(forged)
	if p := verify(t, s).Problem; p == nil || p.Fault != ledger.FaultForged || p.Seq != 3 {
		t.Errorf("a record with a wrong signature: %+v", p)
	}
	// A record that is genuine, but of another place.
	genuine, err := heat(999).Seal(3, ledger.Hash{9}, testKey())
	if err != nil {
		t.Fatal(err)
	}
	put(genuine)
	if p := verify(t, s).Problem; p == nil || p.Fault != ledger.FaultChain || p.Seq != 3 {
		t.Errorf("a record from elsewhere: %+v", p)
	}
	// The owner of the key rewrites the whole ledger: the head knows.
	last := records[0]
	for _, r := range records[1:] {
		e := r.Entry()
		if r.Seq == 2 {
			e.At = e.At.Add(1)
		}
		if last, err = e.Seal(last.Seq+1, last.Hash, testKey()); err != nil {
			t.Fatal(err)
		}
		put(last)
	}
	if p := verify(t, s).Problem; p == nil || p.Fault != ledger.FaultRewritten || p.Seq != 6 {
		t.Errorf("a rewritten ledger: %+v", p)
	}
}

// TestRollback puts an older copy of the file back.
func TestRollback(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	ctx := t.Context()
	if _, err := s.Append(ctx, heat(1), heat(2)); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(dir, "backup.db")
	if err := s.Backup(ctx, backup); err != nil {
		t.Fatal(err)
	}
	head, err := s.Append(ctx, heat(3), heat(4))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	report, kept, err := store.Restore(ctx, backup, filepath.Join(dir, "hearth.db"), testPublic())
	if err != nil || report.Last != 3 || kept == "" {
		t.Fatalf("restore: %+v, %q, %v", report, kept, err)
	}
	if r, err := store.CheckBackup(ctx, kept, testPublic()); err != nil || r.Last != head.Seq {
		t.Errorf("the file that was replaced: %+v, %v", r, err)
	}
	s = open(t, dir)
	if err := s.Trouble(); err == nil || !strings.Contains(err.Error(), "ends with record 3, but had 5 records") {
		t.Errorf("trouble: %v", err)
	}
	events, err := s.Events(ctx, 0, 10)
	if err != nil || len(events) != 1 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	if body, _ := events[0].Decode(); body.(ledger.Event).Severity != "alarm" || !strings.Contains(body.(ledger.Event).Text, "older copy") {
		t.Errorf("event %+v", body)
	}
	// The head that told is kept, and the ledger goes on from what is there.
	disputed, err := filepath.Glob(filepath.Join(dir, "head.disputed-*"))
	if err != nil || len(disputed) != 1 {
		t.Fatalf("%q, %v", disputed, err)
	}
	b, err := os.ReadFile(disputed[0])
	if err != nil {
		t.Fatal(err)
	}
	if h, err := ledger.ParseHead(b); err != nil || h.Hash != head.Hash {
		t.Errorf("head that was put aside: %+v, %v", h, err)
	}
	if r := verify(t, s); !r.OK() {
		t.Error(r)
	}
}

// TestHeadOutside is what may be wrong with the head's file at the start.
func TestHeadOutside(t *testing.T) {
	stranger := func(t *testing.T, head string) {
		dir := t.TempDir()
		s := open(t, dir)
		if _, err := s.Append(t.Context(), heat(1)); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, "head"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(head, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	edit := func(old, now string) func(*testing.T, string) {
		return func(t *testing.T, head string) {
			b, err := os.ReadFile(head)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(head, []byte(strings.Replace(string(b), old, now, 1)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := map[string]struct {
		do     func(t *testing.T, head string)
		phrase string
	}{
		"untouched":      {func(*testing.T, string) {}, ""},
		"missing":        {func(t *testing.T, head string) { os.Remove(head) }, "is missing"},
		"empty":          {func(t *testing.T, head string) { os.Truncate(head, 0) }, "it is empty"},
		"edited":         {edit(`"seq":6`, `"seq":5`), "not signed with the ledger's key"},
		"other form":     {edit(`{`, `{ `), "not written as Hearth writes it"},
		"another ledger": {stranger, "belongs to another ledger"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, _ := small(t, dir)
			s.Close()
			test.do(t, filepath.Join(dir, "head"))
			s = open(t, dir)
			got := fmt.Sprint(s.Trouble())
			if s.Trouble() == nil {
				got = ""
			}
			if (test.phrase == "") != (got == "") || !strings.Contains(got, test.phrase) {
				t.Errorf("trouble %q, want %q", got, test.phrase)
			}
			if want := uint64(6); test.phrase == "" && s.Head().Seq != want || test.phrase != "" && s.Head().Seq != want+1 {
				t.Errorf("head is %d: a disagreement, and nothing else, is a record", s.Head().Seq)
			}
			if r := verify(t, s); !r.OK() || r.Head != s.Head().Seq {
				t.Errorf("afterwards: %v", r)
			}
		})
	}
}
