package pool_test

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/pool"
	"hearth/pool/agreement"
	"hearth/pool/pooltest"
)

const farmhouse = `
agreement: 1
name: farmhouse
mode: ledger
network: simnet
time_zone: UTC
start: 2020-01-01
interval: 5m
parties:
  host: {name: Anna Berg, paid: {address: %s}}
  operator: {name: Fjell Heat, paid: stays}
  financier: {name: Dalen Bank, paid: {address: %s}}
meters: {workers: [heater-0], income: [node]}
shares: {host: 30%%, operator: 30%%, financier: 40%%}
`

// From the contract to the first payout: a heater finds a block, the ledger
// divides it, the statement can be worked out again, a real wallet pays, and
// nothing is paid twice. The kill switch holds all of it back.
func TestFromTheContractToThePayout(t *testing.T) {
	chain, wallet := pooltest.StartWallet(t)
	theirs := pooltest.StartLnd(t, chain)
	text := fmt.Sprintf(farmhouse, theirs.Address(t), theirs.Address(t))
	dir := contract(t, text)
	node := onNode(t, chain, dir)
	node.Certificate = chain.Cert
	cfg := pool.Config{
		Role: pool.Solo, Network: "simnet", Agreement: "agreement.yaml", Node: node, Address: wallet.Address(t),
		Payouts: pool.Payouts{
			Rail: "lnd", URL: wallet.URL, Secret: "file:" + wallet.Macaroon, Certificate: wallet.Cert, Gather: time.Minute,
			PerPayment: 1_000 * coin, PerDay: 10_000 * coin,
		},
	}
	d := open(t, dir, cfg)
	pooltest.Eventually(t, "the node gives work", func() error {
		if s := d.State(t.Context()).Sources[0]; !s.Up {
			return errors.New(s.Why)
		}
		return nil
	})
	if err := d.StopPayouts(t.Context(), true, "Anna"); err != nil {
		t.Fatal(err)
	}
	before := chain.Height(t)
	d.mine(d.fleet(1, 0, 0), "a block is found", func() error {
		if chain.Height(t) == before {
			return errors.New("not yet")
		}
		return nil
	})
	chain.Generate(t, 110)
	wallet.Synced(t)
	pooltest.Eventually(t, "the block is booked", func() error {
		if len(d.records(ledger.KindEarning)) == 0 {
			return errors.Join(errors.New("not yet"), d.Settle(t.Context()))
		}
		return nil
	})
	d.later(6 * time.Minute)
	d.settle()
	owed := d.owed()
	if owed["host"] == 0 || owed["financier"] == 0 {
		t.Fatalf("the parties have %v", owed)
	}
	if diff := owed["host"] - owed["operator"]; diff < -1 || diff > 1 {
		t.Errorf("equal shares came to %v", owed)
	}
	d.verified(text)
	if list := d.records(ledger.KindPayout); len(list) > 0 {
		t.Fatalf("%d payouts were begun while they are stopped", len(list))
	}

	if err := d.StopPayouts(t.Context(), false, "Anna"); err != nil {
		t.Fatal(err)
	}
	paid := d.paid(chain, 2)
	if got := received(t, theirs); got != paid || got < (owed["host"]+owed["financier"])/1000*98/100 {
		t.Errorf("the wallet received %d sats; payouts of %d were made, for %v msat owed", got, paid, owed)
	}

	// Again, and after a restart: what was paid is paid. The same block does not
	// pay a second time either.
	if err := d.StopPayouts(t.Context(), true, "Anna"); err != nil {
		t.Fatal(err)
	}
	paid = d.paid(chain, 2) // what was held back for fees may have left meanwhile
	count := len(d.records(ledger.KindPayout))
	d.settle()
	first := d.records(ledger.KindEarning)[0]
	body, err := first.Decode()
	if err != nil {
		t.Fatal(err)
	}
	again := pool.Receipt{Source: pool.NodeSource, Millisats: 50 * coin * 1000, Proof: body.(ledger.Earning).Proof}
	if err := d.Receive(t.Context(), again, "test"); !errors.Is(err, pool.ErrRepeated) {
		t.Errorf("the same block twice: %v", err)
	}
	d.stop()
	d = open(t, dir, cfg)
	d.later(3 * time.Hour)
	d.settle()
	if err := d.Receive(t.Context(), again, "test"); !errors.Is(err, pool.ErrRepeated) {
		t.Errorf("the same block after a restart: %v", err)
	}
	if n := len(d.records(ledger.KindPayout)); n != count {
		t.Errorf("%d records of payouts, %d before the restart", n, count)
	}
	chain.Generate(t, 1)
	theirs.Synced(t)
	if got := received(t, theirs); got != paid {
		t.Errorf("the wallet received %d sats in the end, %d were paid", got, paid)
	}
	if m := d.State(t.Context()).Money; !m.Stopped {
		t.Error("the kill switch was released by a restart")
	}
}

const coin = 100_000_000 // sats

func (d *desk) settle() {
	d.t.Helper()
	if err := d.Settle(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

// owed is what each party has, in msat.
func (d *desk) owed() map[string]int64 {
	out := map[string]int64{}
	for _, p := range d.State(d.t.Context()).Parties {
		out[p.Name] = p.Balance
	}
	return out
}

// verified has a stranger work the host's statement out again.
func (d *desk) verified(text string) {
	d.t.Helper()
	b, err := d.Statement(d.t.Context(), "host", time.Now().UTC(), "json")
	if err != nil {
		d.t.Fatal(err)
	}
	list, err := d.store.Records(d.t.Context(), 1, 10_000)
	if err != nil {
		d.t.Fatal(err)
	}
	records := func() iter.Seq2[ledger.Record, error] {
		return func(yield func(ledger.Record, error) bool) {
			for _, r := range list {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
	v, err := agreement.Verify(b, []byte(text), records, d.key.Public().(ed25519.PublicKey), time.UTC)
	if err != nil || !v.OK() {
		d.t.Errorf("the statement cannot be verified: %v %v", v, err)
	}
}

// paid waits until so many payouts at least, and all that were begun, are made,
// and returns their sum in sats.
func (d *desk) paid(chain *pooltest.Btcd, least int) int64 {
	d.t.Helper()
	var sum int64
	pooltest.Eventually(d.t, "the payouts are made", func() error {
		d.settle()
		list := d.State(d.t.Context()).Payouts
		open := slices.ContainsFunc(list, func(p pool.PayoutState) bool { return p.State != string(ledger.PayoutPaid) })
		if len(list) < least || open {
			chain.Generate(d.t, 1)
			d.later(11 * time.Minute) // longer than it waits before it looks again
			return fmt.Errorf("payouts: %+v", list)
		}
		sum = 0
		for _, p := range list {
			sum += p.Millisats / 1000
		}
		return nil
	})
	return sum
}

// received is what a wallet has, in sats.
func received(t *testing.T, l *pooltest.Lnd) int64 {
	t.Helper()
	var out struct {
		Total int64 `json:"total_balance,string"`
	}
	if err := l.Call(t.Context(), "GET", "/v1/balance/blockchain", nil, &out); err != nil {
		t.Fatal(err)
	}
	return out.Total
}
