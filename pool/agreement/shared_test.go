package agreement_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"iter"
	"math"
	"os"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"hearth/ledger"
	"hearth/pool/agreement"
	"hearth/units"
)

func key() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)) }

func public() ed25519.PublicKey { return key().Public().(ed25519.PublicKey) }

func parse(t testing.TB, text string) *agreement.Agreement {
	t.Helper()
	a, err := agreement.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// book is a ledger in the making.
type book struct {
	t       testing.TB
	records []ledger.Record
	// simulated marks what is written from now on.
	simulated bool
	// unsigned leaves signatures and hashes out, for tests of many records.
	unsigned bool
}

func newBook(t testing.TB) *book {
	t.Helper()
	e, err := ledger.NewGenesis(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), public(), [16]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Seal(1, ledger.Hash{}, key())
	if err != nil {
		t.Fatal(err)
	}
	return &book{t: t, records: []ledger.Record{r}}
}

func (b *book) add(at time.Time, subject string, body ledger.Body) {
	b.t.Helper()
	e, err := ledger.NewEntry(at, subject, b.simulated, body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.append(e)
}

func (b *book) append(e ledger.Entry) {
	b.t.Helper()
	last := b.records[len(b.records)-1]
	if b.unsigned {
		b.records = append(b.records, ledger.Record{
			Seq: last.Seq + 1, At: e.At.UTC(), Kind: e.Kind, Subject: e.Subject, Simulated: e.Simulated, Body: e.Body,
			Hash: ledger.Hash{byte(last.Seq), byte(last.Seq >> 8), byte(last.Seq >> 16)},
		})
		return
	}
	r, err := e.Seal(last.Seq+1, last.Hash, key())
	if err != nil {
		b.t.Fatal(err)
	}
	b.records = append(b.records, r)
}

func (b *book) electricity(device string, from, to time.Time, kwh float64, p units.Provenance) {
	b.t.Helper()
	b.add(to, device, ledger.Electricity{From: from, To: to, Joules: joules(kwh), Provenance: p})
}

func (b *book) heat(zone string, from, to time.Time, kwh float64, p units.Provenance) {
	b.t.Helper()
	b.add(to, zone, ledger.Heat{From: from, To: to, Joules: joules(kwh), Provenance: p, Zone: zone})
}

// joules of kilowatt-hours, to the millijoule.
func joules(kwh float64) units.Joules { return units.Joules(math.Round(kwh*3.6e9) / 1000) }

func (b *book) shares(worker, source, party string, from, to time.Time, work int64) {
	b.t.Helper()
	b.add(to, worker, ledger.Shares{From: from.UTC(), To: to.UTC(), Work: work, Count: 1, Source: source, Party: party, Digest: ledger.Hash{1}})
}

func (b *book) head() ledger.Head {
	return b.records[len(b.records)-1].Head(b.records[0].Hash, key())
}

func stream(records []ledger.Record) agreement.Records {
	return func() iter.Seq2[ledger.Record, error] {
		return func(yield func(ledger.Record, error) bool) {
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

// evidence takes in the records.
func evidence(t testing.TB, a *agreement.Agreement, loc *time.Location, simulated bool, records []ledger.Record) *agreement.Evidence {
	t.Helper()
	e, err := agreement.NewEvidence(a, loc, simulated)
	if err != nil {
		t.Fatal(err)
	}
	feed(t, e, records)
	return e
}

func feed(t testing.TB, e *agreement.Evidence, records []ledger.Record) {
	t.Helper()
	for _, r := range records {
		if _, err := e.Add(r); err != nil {
			t.Fatal(err)
		}
	}
}

// replace replaces the one occurrence of a text.
func replace(t testing.TB, s, old, by string) string {
	t.Helper()
	if strings.Count(s, old) != 1 {
		t.Fatalf("%q stands %d times in the text", old, strings.Count(s, old))
	}
	return strings.Replace(s, old, by, 1)
}

// example is one of the contracts in the documentation.
func example(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/agreements/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func digest(text string) ledger.Hash { return sha256.Sum256([]byte(text)) }
