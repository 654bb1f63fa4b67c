package ledger_test

import (
	"crypto/ed25519"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/units"
)

func TestSmoke(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	g, err := ledger.NewGenesis(at, key.Public().(ed25519.PublicKey), [16]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	r1, err := g.Seal(1, ledger.Hash{}, key)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ledger.NewEntry(at, "heater", true, ledger.Heat{From: at, To: at.Add(time.Minute), Joules: 51000.25, Provenance: units.Simulated, Zone: "living"})
	if err != nil {
		t.Fatal(err)
	}
	r2, err := e.Seal(2, r1.Hash, key)
	if err != nil {
		t.Fatal(err)
	}
	h := r2.Head(r1.Hash, key)
	rep := ledger.Verify(func(y func(ledger.Record, error) bool) { _ = y(r1, nil) && y(r2, nil) }, ledger.Expect{Key: key.Public().(ed25519.PublicKey), Head: &h})
	t.Log(rep, string(r2.Body), string(r1.Body), rep.Sums)
	if !rep.OK() {
		t.Fatal()
	}
}
