package account_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"iter"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/pool/account"
	"hearth/pool/split"
)

var noon = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

func key() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)) }

// chain is a ledger in memory.
type chain struct{ records []ledger.Record }

func newChain(t testing.TB) *chain {
	t.Helper()
	e, err := ledger.NewGenesis(noon, key().Public().(ed25519.PublicKey), [16]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Seal(1, ledger.Hash{}, key())
	if err != nil {
		t.Fatal(err)
	}
	return &chain{[]ledger.Record{r}}
}

func entry(subject string, body ledger.Body) ledger.Entry {
	e, err := ledger.NewEntry(noon, subject, false, body)
	if err != nil {
		panic(fmt.Sprintf("%+v: %v", body, err))
	}
	return e
}

func (c *chain) append(entries ...ledger.Entry) []ledger.Record {
	n := len(c.records)
	for _, e := range entries {
		last := c.records[len(c.records)-1]
		r, err := e.Seal(last.Seq+1, last.Hash, key())
		if err != nil {
			panic(err)
		}
		c.records = append(c.records, r)
	}
	return c.records[n:]
}

func (c *chain) each() iter.Seq2[ledger.Record, error] { return each(c.records) }

func each(records []ledger.Record) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// prune removes the records from 2 to last behind a checkpoint.
func (c *chain) prune(t failer, last uint64) {
	if c.records[1].Seq > last {
		return
	}
	var before *ledger.Checkpoint
	for _, r := range c.records {
		if body, err := r.Decode(); err == nil {
			if cp, ok := body.(ledger.Checkpoint); ok && cp.Last == c.records[1].Seq-1 {
				before = &cp
			}
		}
	}
	end := 1
	for end < len(c.records) && c.records[end].Seq <= last {
		end++
	}
	cp, err := ledger.Condense(c.records[0].Hash, before, each(c.records[1:end]))
	if err != nil {
		t.Fatal(err)
	}
	c.append(entry("", cp))
	c.records = append(c.records[:1:1], c.records[end:]...)
}

type failer interface {
	Fatal(...any)
	Fatalf(string, ...any)
}

var (
	host     = account.Party("farm", "host")
	operator = account.Party("farm", "operator")
	parties  = []split.Part{{Name: host, Weight: 700_000}, {Name: operator, Weight: 300_000}}
)

// pay makes the entries of a payout's step.
func pay(p ledger.Payout, from string) []ledger.Entry {
	list := []ledger.Entry{entry(from, p)}
	if t, ok := p.Transfer(from); ok {
		list = append(list, entry("farm", t))
	}
	return list
}
