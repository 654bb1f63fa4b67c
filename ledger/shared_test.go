package ledger_test

import (
	"bytes"
	"crypto/ed25519"
	"iter"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/units"
)

// start is when the tests begin.
var start = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

func key() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)) }

func public() ed25519.PublicKey { return key().Public().(ed25519.PublicKey) }

func genesis(t testing.TB) ledger.Record {
	t.Helper()
	e, err := ledger.NewGenesis(start, public(), [16]byte{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Seal(1, ledger.Hash{}, key())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// extend returns the records with the entries behind them.
func extend(t testing.TB, records []ledger.Record, entries ...ledger.Entry) []ledger.Record {
	t.Helper()
	for _, e := range entries {
		last := records[len(records)-1]
		r, err := e.Seal(last.Seq+1, last.Hash, key())
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}

func stream(records []ledger.Record) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// drawn is an entry of electricity that a heater drew in the i-th minute.
func drawn(t testing.TB, i int) ledger.Entry {
	t.Helper()
	from := start.Add(time.Duration(i) * time.Minute)
	e, err := ledger.NewEntry(from, "heater", false, ledger.Electricity{
		From: from, To: from.Add(time.Minute), Joules: units.Joules(1000 + i), Provenance: units.Meter, Zone: "living",
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// chain returns a ledger of n records.
func chain(t testing.TB, n int) []ledger.Record {
	t.Helper()
	records := []ledger.Record{genesis(t)}
	for i := range n - 1 {
		records = extend(t, records, drawn(t, i))
	}
	return records
}

func headOf(records []ledger.Record) *ledger.Head {
	h := records[len(records)-1].Head(records[0].Hash, key())
	return &h
}
