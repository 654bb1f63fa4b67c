package node_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"hearth/pool/job"
	"hearth/pool/node"
	"hearth/pool/pooltest"
)

// solve finds a nonce with which j is a block, turning over the version too.
func solve(t *testing.T, j *job.Job, extranonce []byte) []byte {
	t.Helper()
	for bits := range uint32(4) {
		for nonce := range uint32(1 << 16) {
			v := j.Version | (bits+1)<<13 // in the mask
			if h := j.Header(extranonce, v, j.Time, nonce); h.Hash().Meets(j.Network) {
				raw, err := j.Assemble(extranonce, v, j.Time, nonce)
				if err != nil {
					t.Fatal(err)
				}
				return raw
			}
		}
	}
	t.Fatal("no nonce makes a block")
	return nil
}

// Blocks of Hearth's own, whole and empty, paid to three parties, are taken by a
// real btcd, from the first height on and beyond the halving of regtest.
func TestBtcdTakesBlocks(t *testing.T) {
	btcd := pooltest.StartBtcd(t, pooltest.BtcdConfig{Network: "regtest", Mining: "bcrt1qvvgjeztjxfgy4nuvan5nsa2qsx7dfsahh9g67h"})
	c, err := node.New(node.Config{URL: btcd.URL, User: btcd.User, Password: btcd.Password, Network: job.Regtest})
	if err != nil {
		t.Fatal(err)
	}
	var payees []job.Payee
	for _, address := range []string{"bcrt1qvvgjeztjxfgy4nuvan5nsa2qsx7dfsahh9g67h", "bcrt1qvvgjeztjxfgy4nuvan5nsa2qsx7dfsahh9g67h", "bcrt1qvvgjeztjxfgy4nuvan5nsa2qsx7dfsahh9g67h"} {
		script, err := job.Script(address, job.Regtest)
		if err != nil {
			t.Fatal(err)
		}
		payees = append(payees, job.Payee{Script: script})
	}
	ids := job.NewCounter(0)
	mine := func(tmpl *job.Template) (hash string) {
		t.Helper()
		spec := job.CoinbaseSpec{Tag: "/hearth/", Payees: slices.Clone(payees)}
		spec.Payees[0].Sats, spec.Payees[1].Sats = tmpl.Coinbase/2, tmpl.Coinbase/3
		spec.Payees[2].Sats = tmpl.Coinbase - tmpl.Coinbase/2 - tmpl.Coinbase/3
		j, err := job.New(tmpl, spec, ids.Next(), "node")
		if err != nil {
			t.Fatal(err)
		}
		raw := solve(t, j, []byte{1, 2, 3, 4, 5, 6, 7, 8})
		if err := c.SubmitBlock(t.Context(), raw); err != nil {
			t.Fatalf("block %d: %v", tmpl.Height, err)
		}
		if err := c.SubmitBlock(t.Context(), raw); err != nil {
			t.Fatalf("block %d once more: %v", tmpl.Height, err)
		}
		return job.Double(raw[:job.HeaderSize]).String()
	}

	d := &diary{entries: make(chan entry, 1000)}
	done := make(chan struct{})
	ctx := t.Context()
	go func() {
		defer close(done)
		c.Watch(ctx, d)
	}()
	t.Cleanup(func() { <-done })

	// Heights 1 to 18: BIP 34 has two ways to write them. Each block is made of
	// what the follower was told.
	first := d.next(t)
	if first.err != nil || !first.clean || first.t.Height != 1 || len(first.t.Flags) == 0 || first.t.Commitment != nil {
		t.Fatalf("%+v", first)
	}
	var hashes []string
	tmpl := first.t
	for height := int64(1); height <= 18; height++ {
		hashes = append(hashes, mine(tmpl))
		empty, whole := d.next(t), d.next(t)
		if empty.err != nil || whole.err != nil || !empty.clean || whole.clean || empty.t.Height != height+1 || whole.t.Height != height+1 ||
			empty.t.Prev != whole.t.Prev || empty.t.Bits != whole.t.Bits || empty.t.Coinbase != whole.t.Coinbase || empty.t.LongPoll != "" {
			t.Fatalf("after block %d: %+v, %+v", height, empty, whole)
		}
		tmpl = whole.t
		if height%2 == 0 {
			tmpl = empty.t
		}
	}
	if n, known, err := c.Confirmations(t.Context(), hashes[0]); n != 18 || !known || err != nil {
		t.Errorf("%d confirmations, %v, %v", n, known, err)
	}
	if _, known, err := c.Confirmations(t.Context(), strings.Repeat("ab", 32)); known || err != nil {
		t.Errorf("a block that nobody knows: %v, %v", known, err)
	}

	// Beyond the halving.
	btcd.Generate(t, 140)
	for d.last == nil || d.last.Height != 159 || d.last.LongPoll == "" {
		if e := d.next(t); e.err != nil {
			t.Fatal(e.err)
		} else {
			d.last = e.t
		}
	}
	if d.last.Coinbase != 25e8 {
		t.Errorf("the coinbase of block 159 pays %d", d.last.Coinbase)
	}
	empty, err := job.Empty(d.last.Head, job.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	hash := mine(empty)
	checkOutputs(t, btcd, hash, empty.Coinbase)

	// What is no block is refused with a reason.
	wrong, err := c.Template(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wrong.Coinbase += 100
	j, err := job.New(wrong, job.CoinbaseSpec{Payees: []job.Payee{{Script: payees[0].Script, Sats: wrong.Coinbase}}}, ids.Next(), "node")
	if err != nil {
		t.Fatal(err)
	}
	err = c.SubmitBlock(t.Context(), solve(t, j, make([]byte, 8)))
	if r, ok := errors.AsType[*node.Refusal](err); !ok || !strings.Contains(r.Reason, "rejected: ") {
		t.Errorf("a block that pays too much: %v", err)
	}
	if err := c.SubmitBlock(t.Context(), []byte{1, 2, 3}); err == nil || !strings.Contains(err.Error(), "Block decode failed") {
		t.Errorf("three bytes are a block: %v", err)
	}
}

// checkOutputs asks btcd what the coinbase of a block pays.
func checkOutputs(t *testing.T, btcd *pooltest.Btcd, hash string, value int64) {
	t.Helper()
	raw, err := btcd.Call(t.Context(), "getblock", hash, 2)
	if err != nil {
		t.Fatal(err)
	}
	var block struct {
		RawTx []struct {
			Vout []struct{ Value float64 }
		}
		Tx json.RawMessage
	}
	if err := json.Unmarshal(raw, &block); err != nil {
		t.Fatal(err)
	}
	txs := block.RawTx
	if len(txs) == 0 {
		if err := json.Unmarshal(block.Tx, &txs); err != nil {
			t.Fatal(err)
		}
	}
	want := []int64{value / 2, value / 3, value - value/2 - value/3}
	for i, out := range txs[0].Vout {
		if sats := int64(out.Value*1e8 + 0.5); i >= len(want) || sats != want[i] {
			t.Errorf("output %d pays %d, want %v", i, sats, want)
		}
	}
	if len(txs[0].Vout) != len(want) {
		t.Errorf("%d outputs", len(txs[0].Vout))
	}
}
