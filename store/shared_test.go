package store_test

import (
	"bytes"
	"crypto/ed25519"
	"path/filepath"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/store"
	"hearth/units"
)

// noon is when the tests begin.
var noon = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

func event(at time.Time, text string) ledger.Entry {
	return entry(at, "", ledger.Event{Severity: "info", Code: "test", Text: text})
}

// heat is the i-th minute's heat.
func heat(i int) ledger.Entry {
	from := noon.Add(time.Duration(i) * time.Minute)
	return entry(from, "heater", ledger.Heat{
		From: from, To: from.Add(time.Minute), Joules: units.Joules(1000 * i), Provenance: units.Simulated, Zone: "living",
	})
}

func entry(at time.Time, subject string, body ledger.Body) ledger.Entry {
	e, err := ledger.NewEntry(at, subject, true, body)
	if err != nil {
		panic(err)
	}
	return e
}

func testKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)) }

func testPublic() ed25519.PublicKey { return testKey().Public().(ed25519.PublicKey) }

// open opens a store in the folder dir, without syncs, and closes it at the
// end of the test.
func open(t testing.TB, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(dir, "hearth.db"), options(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func options(dir string) store.Options {
	return store.Options{
		Key: testKey(), HeadPath: filepath.Join(dir, "head"), Unsynced: true,
		Now: func() time.Time { return noon },
	}
}
