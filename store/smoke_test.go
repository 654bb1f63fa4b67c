package store_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"path/filepath"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/store"
	"hearth/units"
)

func TestSmoke(t *testing.T) {
	dir := t.TempDir()
	key, err := store.LoadOrCreateKey(filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	open := func() *store.Store {
		s, err := store.Open(ctx, filepath.Join(dir, "a b?c.db"), store.Options{Key: key, HeadPath: filepath.Join(dir, "head")})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	at := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	for i := range 100 {
		from := at.Add(time.Duration(i) * time.Minute)
		e, err := ledger.NewEntry(from, "heater", true, ledger.Heat{From: from, To: from.Add(time.Minute), Joules: 51000.25, Provenance: units.Simulated, Zone: "living"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Append(ctx, e); err != nil {
			t.Fatal(err)
		}
		if err := s.PutSamples(ctx, []store.Sample{{At: from, Subject: "heater", Metric: "power", Mean: 850, Min: 849, Max: 851, Sum: 14, Provenance: units.Simulated, Known: time.Minute}}); err != nil {
			t.Fatal(err)
		}
	}
	rep, err := s.Verify(ctx)
	t.Log(rep, err)
	p, err := s.Prune(ctx, at.Add(90*time.Minute))
	t.Log(p, err)
	rep, err = s.Verify(ctx)
	t.Log(rep, err, rep.Sums)
	h, span, err := s.History(ctx, "heater", "power", at, at.Add(4*time.Hour), 10)
	t.Log(len(h), span, err, *h[0].Mean)
	tot, err := s.Totals(ctx, "heater", "power", at, at.Add(4*time.Hour))
	t.Log(tot, err)
	var buf bytes.Buffer
	t.Log(s.Export(ctx, &buf, store.CSV, time.Time{}, time.Time{}), buf.String()[:1000])
	buf.Reset()
	t.Log(s.Export(ctx, &buf, store.Parquet, time.Time{}, time.Time{}), buf.Len())
	t.Log(s.Backup(ctx, filepath.Join(dir, "backup")))
	t.Log(s.Close())
	s = open()
	rep, err = s.Verify(ctx)
	t.Log(rep, err, s.Trouble(), s.Paused())
	_, err = store.Open(ctx, filepath.Join(dir, "a b?c.db"), store.Options{Key: key, HeadPath: filepath.Join(dir, "head")})
	t.Log(err)
	s.Close()
	rep, kept, err := store.Restore(ctx, filepath.Join(dir, "backup"), filepath.Join(dir, "a b?c.db"), key.Public().(ed25519.PublicKey))
	t.Log(rep, kept, err)
}
