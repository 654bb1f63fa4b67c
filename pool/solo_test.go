package pool_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"hearth/ledger"
	"hearth/pool"
	"hearth/pool/pooltest"
)

const byBlock = `
agreement: 1
name: three
mode: coinbase
network: regtest
time_zone: UTC
start: 2020-01-01
parties:
  host: {name: Host, paid: {address: bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080}}
  operator: {name: Operator, paid: {address: bcrt1qzyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3lgth6c}}
  financier: {name: Bank, paid: {address: bcrt1qyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zs4w3j0}}
meters: {workers: [heater-0], income: [node]}
shares: {host: 60%, operator: 30%, financier: 10%}
`

// onNode is the configuration of a service on a node.
func onNode(t *testing.T, b *pooltest.Btcd, dir string) pool.Node {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "rpc"), []byte(b.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	return pool.Node{URL: b.URL, User: b.User, Password: "file:rpc"}
}

// A heater finds a block, by either version of Stratum, and the block itself pays
// the three parties: the node takes it, and nobody held anybody's money.
func TestABlockPaysThreeParties(t *testing.T) {
	btcd := pooltest.StartBtcd(t, pooltest.BtcdConfig{Network: "regtest"})
	for _, kind := range []struct {
		name             string
		v1, v2, standard int
	}{{"through version 1", 1, 0, 0}, {"through version 2", 0, 1, 0}, {"through a standard channel of version 2", 0, 0, 1}} {
		t.Run(kind.name, func(t *testing.T) {
			dir := contract(t, byBlock)
			d := open(t, dir, pool.Config{Role: pool.Solo, Network: "regtest", Agreement: "agreement.yaml", Node: onNode(t, btcd, dir)})
			before := btcd.Height(t)
			pooltest.Eventually(t, "the node gives work", func() error {
				if s := d.State(t.Context()).Sources[0]; !s.Up {
					return errors.New(s.Why)
				}
				return nil
			})
			f := d.fleet(kind.v1, kind.v2, kind.standard)
			d.mine(f, "blocks are found", func() error {
				if h := btcd.Height(t); h < before+2 {
					return fmt.Errorf("height %d", h)
				}
				return nil
			})
			if m := d.State(t.Context()).Money; m.Day.Why() != "a test network's difficulty says nothing of earnings" || m.Price.IsKnown() {
				t.Errorf("coins of a test network: the day brought %v, a bitcoin costs %v", m.Day, m.Price)
			}
			for h := before + 1; h <= before+2; h++ {
				paysThree(t, btcd, h)
			}
			pooltest.Eventually(t, "the ledger tells of the block", func() error {
				for _, r := range d.records(ledger.KindEvent) {
					body, err := r.Decode()
					if err != nil {
						return err
					}
					if body.(ledger.Event).Code == "block_found" {
						return nil
					}
				}
				return errors.New("no event")
			})
		})
	}
}

// outputs are what a block's coinbase pays, in coins by script.
func outputs(t *testing.T, btcd *pooltest.Btcd, height int64) map[string]string {
	t.Helper()
	var hash string
	call(t, btcd, &hash, "getblockhash", height)
	var block struct {
		Tx []struct {
			Vout []struct {
				Value        json.Number `json:"value"`
				ScriptPubKey struct {
					Hex string `json:"hex"`
				} `json:"scriptPubKey"`
			} `json:"vout"`
		} `json:"rawtx"`
	}
	call(t, btcd, &block, "getblock", hash, 2)
	got := map[string]string{}
	for _, o := range block.Tx[0].Vout {
		got[o.ScriptPubKey.Hex] = o.Value.String()
	}
	return got
}

// paysThree holds a block's coinbase against the agreement.
func paysThree(t *testing.T, btcd *pooltest.Btcd, height int64) {
	t.Helper()
	got := outputs(t, btcd, height)
	want := map[string]string{
		"0014751e76e8199196d454941c45d1b3a323f1433bd6": "30",
		"00141111111111111111111111111111111111111111": "15",
		"00142222222222222222222222222222222222222222": "5",
	}
	for script, coins := range want {
		if got[script] != coins {
			t.Errorf("block %d pays %v, want %s to %s", height, got, coins, script)
		}
	}
	for script, coins := range got {
		if want[script] == "" && coins != "0" { // the commitment to witnesses pays nothing
			t.Errorf("block %d pays %s to %s too", height, coins, script)
		}
	}
}

func call(t *testing.T, btcd *pooltest.Btcd, to any, method string, params ...any) {
	t.Helper()
	raw, err := btcd.Call(t.Context(), method, params...)
	if err == nil {
		err = json.Unmarshal(raw, to)
	}
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
}
