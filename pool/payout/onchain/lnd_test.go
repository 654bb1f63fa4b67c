package onchain_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"hearth/pool/job"
	"hearth/pool/payout"
	"hearth/pool/payout/lnd/rest"
	"hearth/pool/payout/onchain"
	"hearth/pool/pooltest"
)

// calls is all that the rail does with an lnd, as its macaroons name it.
func calls() []string {
	return []string{
		"/lnrpc.Lightning/GetInfo", "/lnrpc.Lightning/GetTransactions",
		"/walletrpc.WalletKit/FundPsbt", "/walletrpc.WalletKit/FinalizePsbt",
		"/walletrpc.WalletKit/PublishTransaction", "/walletrpc.WalletKit/ReleaseOutput",
	}
}

type network struct {
	chain  *pooltest.Btcd
	wallet *pooltest.Lnd
	node   rest.Config
}

func TestPaysFromTheWalletOfAnLnd(t *testing.T) {
	var n network
	n.chain, n.wallet = pooltest.StartWallet(t)
	n.node = rest.Config{URL: n.wallet.URL, Cert: n.wallet.Cert, Macaroon: n.wallet.Bake(t, calls()...)}
	t.Run("a batch", n.batch)
	t.Run("a fee that is too high", n.tooDear)
	t.Run("refused", n.refused)
	t.Run("coins spent for something else", func(t *testing.T) {
		n.rival(t, nil, payout.Outcome{State: payout.Failed}, "spent its coins for something else")
	})
	t.Run("the same payment with another fee", func(t *testing.T) {
		n.rival(t, []string{"20000", "25000"}, payout.Outcome{State: payout.Paid}, "")
	})
	t.Run("a part of the payment", func(t *testing.T) {
		n.rival(t, []string{"20000"}, payout.Outcome{}, "pays 1 of 2 payees: settle it by hand")
	})
	t.Run("the fee taken from the payees", func(t *testing.T) {
		n.rival(t, []string{"19000", "24000"}, payout.Outcome{}, "pays its payees less: settle it by hand")
	})
}

func (n network) rail(t *testing.T, terms onchain.Terms) *onchain.Rail {
	t.Helper()
	terms.Network, terms.Depth = job.Simnet, 2
	r, err := onchain.NewLnd(terms, n.node)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// payee is an address of simnet that nobody has the key of.
func payee(t *testing.T, i int) string {
	t.Helper()
	a, err := address.NewAddressWitnessPubKeyHash(bytes.Repeat([]byte{byte(i + 1)}, 20), &chaincfg.SimNetParams)
	if err != nil {
		t.Fatal(err)
	}
	return a.EncodeAddress()
}

// expect polls until a ticket is in a state.
func expect(t *testing.T, r payout.Rail, k payout.Ticket, want payout.State, why string) payout.Outcome {
	t.Helper()
	var last payout.Outcome
	pooltest.Eventually(t, "the payment is "+want.String(), func() error {
		o, err := r.Look(t.Context(), k)
		if err != nil {
			return err
		}
		if last = o; o.State != want || !strings.Contains(o.Why, why) {
			return fmt.Errorf("it is %+v", o)
		}
		return nil
	})
	return last
}

// received adds up what an address holds in blocks, in sats.
func received(t *testing.T, chain *pooltest.Btcd, to string) int64 {
	t.Helper()
	raw, err := chain.Call(t.Context(), "searchrawtransactions", to)
	if err != nil {
		if strings.Contains(err.Error(), "-5") {
			return 0
		}
		t.Fatal(err)
	}
	var list []struct {
		Confirmations int64
		Vout          []struct {
			Value  float64
			Script struct{ Addresses []string } `json:"scriptPubKey"`
		}
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, tx := range list {
		for _, o := range tx.Vout {
			if tx.Confirmations > 0 && len(o.Script.Addresses) == 1 && o.Script.Addresses[0] == to {
				sum += int64(o.Value*1e8 + 0.5)
			}
		}
	}
	return sum
}

// batch: three payees, one of them twice, in one transaction, through a crash.
func (n network) batch(t *testing.T) {
	r := n.rail(t, onchain.Terms{Rate: 3})
	batch := []payout.Intent{
		{ID: "a", To: payee(t, 0), Millisats: 20_000_000, MaxFee: 300_000},
		{ID: "b", To: payee(t, 1), Millisats: 294_000, MaxFee: 300_000},
		{ID: "c", To: payee(t, 2), Millisats: 30_000_000, MaxFee: 300_000},
		{ID: "d", To: payee(t, 0), Millisats: 20_000_000, MaxFee: 300_000},
	}
	k, err := r.PrepareBatch(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Check(); err != nil {
		t.Error(err)
	}
	expect(t, r, k, payout.Unsent, "not broadcast")
	o, err := r.Pay(t.Context(), k)
	if err != nil || o.State != payout.Pending {
		t.Fatalf("paid: %+v, %v", o, err)
	}
	// The process dies here. Another one looks, and asks again.
	r = n.rail(t, onchain.Terms{Rate: 3})
	expect(t, r, k, payout.Pending, "0 of 2 confirmations")
	for range 3 {
		if o, err := r.Pay(t.Context(), k); err != nil || o.State != payout.Pending {
			t.Errorf("again: %+v, %v", o, err)
		}
	}
	n.chain.Generate(t, 1)
	n.wallet.Synced(t)
	expect(t, r, k, payout.Pending, "1 of 2 confirmations")
	n.chain.Generate(t, 1)
	n.wallet.Synced(t)
	paid := expect(t, r, k, payout.Paid, "")
	// One coin, four payees and change weigh 234 or 235 virtual bytes.
	if paid.Proof != k.Key || paid.Fee < 3*230_000 || paid.Fee > 3*245_000 {
		t.Errorf("paid: %+v", paid)
	}
	for i, want := range []int64{40_000, 294, 30_000} {
		if got := received(t, n.chain, payee(t, i)); got != want {
			t.Errorf("payee %d received %d sats, want %d", i, got, want)
		}
	}
	if o, err := r.Pay(t.Context(), k); err != nil || o != paid {
		t.Errorf("after all: %+v, %v", o, err)
	}
	n.chain.Generate(t, 3)
	n.wallet.Synced(t)
	if got := received(t, n.chain, payee(t, 0)); got != 40_000 {
		t.Errorf("the first payee has %d sats now", got)
	}
}

// tooDear: the coins are free again when the fee is too high.
func (n network) tooDear(t *testing.T) {
	r := n.rail(t, onchain.Terms{Rate: 50})
	in := payout.Intent{ID: "a", To: payee(t, 0), Millisats: 20_000_000, MaxFee: 1_000_000}
	if k, err := r.Prepare(t.Context(), in); err == nil || errors.Is(err, payout.ErrRefused) || !strings.Contains(err.Error(), "it waits for lower fees") {
		t.Errorf("ticket %s, %v", k.Key, err)
	}
	if got := n.leases(t); len(got) != 0 {
		t.Errorf("%d coins are still held", len(got))
	}
}

func (n network) refused(t *testing.T) {
	r := n.rail(t, onchain.Terms{Rate: 1})
	in := payout.Intent{ID: "a", To: payee(t, 0), Millisats: 293_000, MaxFee: 10_000_000}
	if _, err := r.Prepare(t.Context(), in); !errors.Is(err, payout.ErrRefused) || !strings.Contains(err.Error(), "dust") {
		t.Errorf("dust: %v", err)
	}
	in.Millisats = 21e6 * 1e8 * 1000
	if _, err := r.Prepare(t.Context(), in); err == nil || errors.Is(err, payout.ErrRefused) || !strings.Contains(err.Error(), "choose coins") {
		t.Errorf("more than there is: %v", err)
	}
	in.Millisats = 20_000_000
	if _, err := n.rail(t, onchain.Terms{}).Prepare(t.Context(), in); err != nil {
		t.Errorf("with an estimated fee: %v", err)
	}
	n.release(t)
}

type lease struct {
	ID       []byte `json:"id"`
	Outpoint struct {
		Txid  string `json:"txid_str"`
		Index int64  `json:"output_index"`
	} `json:"outpoint"`
}

func (n network) leases(t *testing.T) []lease {
	t.Helper()
	var out struct {
		Locked []lease `json:"locked_utxos"`
	}
	if err := n.wallet.Call(t.Context(), "POST", "/v2/wallet/utxos/leases", map[string]any{}, &out); err != nil {
		t.Fatal(err)
	}
	return out.Locked
}

// release gives all coins back, and returns them.
func (n network) release(t *testing.T) []lease {
	t.Helper()
	held := n.leases(t)
	for _, l := range held {
		if err := n.wallet.Call(t.Context(), "POST", "/v2/wallet/utxos/release", map[string]any{
			"id": l.ID, "outpoint": map[string]any{"txid_str": l.Outpoint.Txid, "output_index": l.Outpoint.Index},
		}, nil); err != nil {
			t.Fatal(err)
		}
	}
	return held
}

// rival: somebody else spends the coins of a payment to two, before it is
// broadcast, and pays the first payees so many sats with them.
func (n network) rival(t *testing.T, pays []string, want payout.Outcome, why string) {
	r := n.rail(t, onchain.Terms{Rate: 2})
	k, err := r.PrepareBatch(t.Context(), []payout.Intent{
		{ID: "a", To: payee(t, 0), Millisats: 20_000_000, MaxFee: 1_000_000},
		{ID: "b", To: payee(t, 1), Millisats: 25_000_000, MaxFee: 1_000_000},
	})
	if err != nil {
		t.Fatal(err)
	}
	var inputs []map[string]any
	for _, l := range n.release(t) {
		inputs = append(inputs, map[string]any{"txid_str": l.Outpoint.Txid, "output_index": l.Outpoint.Index})
	}
	to := map[string]string{payee(t, 2): "5000"}
	for i, sats := range pays {
		to[payee(t, i)] = sats
	}
	var funded struct {
		Packet []byte `json:"funded_psbt"`
	}
	var signed struct {
		Tx []byte `json:"raw_final_tx"`
	}
	var published struct {
		Error string `json:"publish_error"`
	}
	call := func(path string, in, out any) {
		t.Helper()
		if err := n.wallet.Call(t.Context(), "POST", path, in, out); err != nil {
			t.Fatal(err)
		}
	}
	call("/v2/wallet/psbt/fund", map[string]any{"raw": map[string]any{"inputs": inputs, "outputs": to}, "sat_per_vbyte": "7"}, &funded)
	call("/v2/wallet/psbt/finalize", map[string]any{"funded_psbt": funded.Packet}, &signed)
	call("/v2/wallet/tx", map[string]any{"tx_hex": signed.Tx}, &published)
	if published.Error != "" {
		t.Fatal(published.Error)
	}

	expect(t, r, k, payout.Pending, "spends its coins, with 0 of 2 confirmations")
	if o, err := r.Pay(t.Context(), k); err != nil || o.State != payout.Pending {
		t.Errorf("asked to pay meanwhile: %+v, %v", o, err)
	}
	n.chain.Generate(t, 2)
	n.wallet.Synced(t)
	pooltest.Eventually(t, "the other transaction decides", func() error {
		o, err := r.Look(t.Context(), k)
		switch {
		case err == nil && want.State == payout.Unknown, err != nil && (want.State != payout.Unknown || !strings.Contains(err.Error(), why)):
			return fmt.Errorf("%+v, %w", o, err)
		case o.State != want.State || err == nil && !strings.Contains(o.Why, why):
			return fmt.Errorf("%+v", o)
		case o.State == payout.Paid && (o.Proof == k.Key || o.Fee < 7*100_000):
			return fmt.Errorf("the proof is not the other transaction: %+v", o)
		}
		return nil
	})
	n.release(t)
}
