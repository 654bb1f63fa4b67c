package onchain_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"hearth/pool/job"
	"hearth/pool/node"
	"hearth/pool/payout"
	"hearth/pool/payout/onchain"
	"hearth/pool/pooltest"
)

// person has the keys, and a wallet that signs.
type person struct {
	key     *btcec.PrivateKey
	address string
}

func newPerson(t *testing.T) person {
	t.Helper()
	key, _ := btcec.PrivKeyFromBytes(bytes.Repeat([]byte{42}, 32))
	a, err := address.NewAddressWitnessPubKeyHash(address.Hash160(key.PubKey().SerializeCompressed()), &chaincfg.SimNetParams)
	if err != nil {
		t.Fatal(err)
	}
	return person{key, a.EncodeAddress()}
}

// sign signs the file as a wallet does, and writes another.
func (p person) sign(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	k, err := psbt.NewFromRawBytes(bytes.NewReader(b), false)
	if err != nil {
		t.Fatal(err)
	}
	coins := make(map[wire.OutPoint]*wire.TxOut)
	for i, in := range k.UnsignedTx.TxIn {
		coins[in.PreviousOutPoint] = k.Inputs[i].WitnessUtxo
	}
	hashes := txscript.NewTxSigHashes(k.UnsignedTx, txscript.NewMultiPrevOutFetcher(coins))
	u, err := psbt.NewUpdater(k)
	if err != nil {
		t.Fatal(err)
	}
	for i := range k.UnsignedTx.TxIn {
		o := k.Inputs[i].WitnessUtxo
		sig, err := txscript.RawTxInWitnessSignature(k.UnsignedTx, hashes, i, o.Value, o.PkScript, txscript.SigHashAll, p.key)
		if err != nil {
			t.Fatal(err)
		}
		if done, err := u.Sign(i, sig, p.key.PubKey().SerializeCompressed(), nil, nil); err != nil || done != psbt.SignSuccesful {
			t.Fatalf("sign: %v, %v", done, err)
		}
	}
	var out bytes.Buffer
	if err := k.Serialize(&out); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

type desk struct {
	chain *pooltest.Btcd
	owner person
	path  string
}

func (d desk) rail(t *testing.T, terms onchain.Terms) *onchain.Rail {
	t.Helper()
	terms.Network, terms.Depth = job.Simnet, 2
	r, err := onchain.NewFolder(terms, onchain.Folder{
		Path: d.path, Addresses: []string{d.owner.address},
		Node: node.Config{URL: d.chain.URL, User: d.chain.User, Password: d.chain.Password},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPaysWithWhatAPersonSigns(t *testing.T) {
	d := desk{owner: newPerson(t), path: t.TempDir()}
	d.chain = pooltest.StartBtcd(t, pooltest.BtcdConfig{Network: "simnet", Mining: d.owner.address})
	d.chain.Generate(t, 101) // two coins are ripe
	r := d.rail(t, onchain.Terms{Rate: 2})
	if _, err := r.Prepare(t.Context(), payout.Intent{ID: "x", To: payee(t, 0), Millisats: 101e11}); err == nil || !strings.Contains(err.Error(), "the wallet has 10000000000 sats") {
		t.Errorf("more than there is: %v", err)
	}
	d.chain.Generate(t, 320) // signatures move into witnesses

	batch := []payout.Intent{
		{ID: "a", To: payee(t, 0), Millisats: 20_000_000, MaxFee: 300_000},
		{ID: "b", To: payee(t, 1), Millisats: 30_000_000, MaxFee: 300_000},
	}
	k, err := r.PrepareBatch(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(d.path); err != nil || len(files) != 0 {
		t.Errorf("there is something to sign before it is sent: %v, %v", files, err)
	}
	other, err := r.Prepare(t.Context(), payout.Intent{ID: "c", To: payee(t, 2), Millisats: 10_000_000, MaxFee: 300_000})
	if err != nil {
		t.Fatal(err)
	}
	disjoint(t, k, other)

	unsigned := filepath.Join(d.path, k.Key+".psbt")
	for range 2 { // the process may die in between
		r = d.rail(t, onchain.Terms{Rate: 2})
		o, err := r.Pay(t.Context(), k)
		if err != nil || o.State != payout.Pending || o.Why != "it waits to be signed: "+unsigned {
			t.Fatalf("paid: %+v, %v", o, err)
		}
	}
	expect(t, r, k, payout.Pending, "it waits to be signed")

	// A third payment takes other coins than those that wait.
	third, err := r.Prepare(t.Context(), payout.Intent{ID: "d", To: payee(t, 2), Millisats: 10_000_000, MaxFee: 300_000})
	if err != nil {
		t.Fatal(err)
	}
	disjoint(t, k, third)

	// The person takes the file away, signs it, and puts the signed one back.
	d.owner.sign(t, unsigned, filepath.Join(t.TempDir(), "elsewhere.psbt"))
	d.owner.sign(t, unsigned, filepath.Join(d.path, "payout-signed.psbt"))
	if err := os.Remove(unsigned); err != nil {
		t.Fatal(err)
	}
	expect(t, r, k, payout.Unsent, "not broadcast")
	for range 2 {
		if o, err := r.Pay(t.Context(), k); err != nil || o.State != payout.Pending {
			t.Fatalf("broadcast: %+v, %v", o, err)
		}
	}
	expect(t, r, k, payout.Pending, "0 of 2")
	d.chain.Generate(t, 2)
	paid := expect(t, r, k, payout.Paid, "")
	if paid.Proof != k.Key || paid.Fee < 2*170_000 || paid.Fee > 2*180_000 { // 172 virtual bytes with a coin and change
		t.Errorf("paid: %+v", paid)
	}
	if got := received(t, d.chain, payee(t, 0)) + received(t, d.chain, payee(t, 1)); got != 50_000 {
		t.Errorf("received %d sats", got)
	}
	if o, err := r.Pay(t.Context(), k); err != nil || o != paid {
		t.Errorf("after all: %+v, %v", o, err)
	}

	// Whose coins somebody else spends is for a person to say.
	d.elsewhere(t, third)
	if o, err := r.Look(t.Context(), third); err == nil || !strings.Contains(err.Error(), "settle it by hand") {
		t.Errorf("its coins are gone: %+v, %v", o, err)
	}
	if o, err := r.Pay(t.Context(), third); err == nil {
		t.Errorf("paid without coins: %+v", o)
	}
}

// packetOf reads the packet of a ticket.
func packetOf(t *testing.T, k payout.Ticket) *psbt.Packet {
	t.Helper()
	var d struct{ PSBT []byte }
	if err := json.Unmarshal(k.Data, &d); err != nil {
		t.Fatal(err)
	}
	p, err := psbt.NewFromRawBytes(bytes.NewReader(d.PSBT), false)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func disjoint(t *testing.T, a, b payout.Ticket) {
	t.Helper()
	for _, x := range packetOf(t, a).UnsignedTx.TxIn {
		for _, y := range packetOf(t, b).UnsignedTx.TxIn {
			if x.PreviousOutPoint == y.PreviousOutPoint {
				t.Errorf("two payments spend %s", x.PreviousOutPoint)
			}
		}
	}
}

// elsewhere spends a ticket's coins for something else.
func (d desk) elsewhere(t *testing.T, k payout.Ticket) {
	t.Helper()
	p := packetOf(t, k)
	p.UnsignedTx.TxOut = []*wire.TxOut{wire.NewTxOut(1e6, p.UnsignedTx.TxOut[0].PkScript)}
	p.Outputs = p.Outputs[:1]
	dir := t.TempDir()
	var b bytes.Buffer
	if err := errors.Join(p.Serialize(&b), os.WriteFile(filepath.Join(dir, "a"), b.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	d.owner.sign(t, filepath.Join(dir, "a"), filepath.Join(dir, "b"))
	signed, err := os.ReadFile(filepath.Join(dir, "b"))
	if err != nil {
		t.Fatal(err)
	}
	done, err := psbt.NewFromRawBytes(bytes.NewReader(signed), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := psbt.MaybeFinalizeAll(done); err != nil {
		t.Fatal(err)
	}
	tx, err := psbt.Extract(done)
	if err != nil {
		t.Fatal(err)
	}
	b.Reset()
	if err := tx.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	// The fee is what the whole coin holds: allowed on purpose.
	if _, err := d.chain.Call(t.Context(), "sendrawtransaction", hex.EncodeToString(b.Bytes()), true); err != nil {
		t.Fatal(err)
	}
	d.chain.Generate(t, 1)
}

// TestBitcoinCoresDialect: what Bitcoin Core answers, in shapes that its
// documentation describes, since it cannot be built here.
func TestBitcoinCoresDialect(t *testing.T) {
	owner := newPerson(t)
	script, err := job.Script(owner.address, job.Simnet)
	if err != nil {
		t.Fatal(err)
	}
	core := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			ID     json.RawMessage
			Method string
			Params []json.RawMessage
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		if user, password, _ := r.BasicAuth(); user != "__cookie__" || password != "secret" {
			t.Errorf("as %q with %q", user, password)
		}
		result, rpcError := "null", "null"
		switch in.Method {
		case "getblockcount":
			result = "850000"
		case "estimatesmartfee":
			result = `{"feerate":0.00004001,"blocks":144}`
		case "scantxoutset":
			if want := `[{"desc":"addr(` + owner.address + `)"}]`; string(in.Params[1]) != want {
				t.Errorf("scans %s", in.Params[1])
			}
			result = `{"success":true,"txouts":170000000,"height":850000,"bestblock":"00","unspents":[` +
				`{"txid":"` + strings.Repeat("11", 32) + `","vout":1,"scriptPubKey":"","desc":"","amount":0.00100000,"coinbase":false,"height":800000,"confirmations":50001},` +
				`{"txid":"` + strings.Repeat("22", 32) + `","vout":0,"scriptPubKey":"","desc":"","amount":3.12500000,"coinbase":true,"height":849950,"confirmations":51}],"total_amount":3.126}`
		case "gettxout":
			switch string(in.Params[0]) {
			case `"` + strings.Repeat("11", 32) + `"`:
				result = `{"bestblock":"00","confirmations":50001,"value":0.00100000,"scriptPubKey":{"asm":"","desc":"","hex":"` + hex.EncodeToString(script) + `","address":"` + owner.address + `","type":"witness_v0_keyhash"},"coinbase":false}`
			case `"` + strings.Repeat("22", 32) + `"`: // not ripe
				result = `{"bestblock":"00","confirmations":51,"value":3.12500000,"scriptPubKey":{"hex":"` + hex.EncodeToString(script) + `"},"coinbase":true}`
			}
		case "getrawtransaction":
			rpcError = `{"code":-5,"message":"No such mempool transaction. Use -txindex or provide a block hash to enable blockchain transaction queries."}`
			w.WriteHeader(http.StatusInternalServerError)
		default:
			t.Errorf("method %s", in.Method)
		}
		_, _ = w.Write([]byte(`{"result":` + result + `,"error":` + rpcError + `,"id":` + string(in.ID) + `}`))
	}))
	defer core.Close()
	cookie := filepath.Join(t.TempDir(), ".cookie")
	if err := os.WriteFile(cookie, []byte("__cookie__:secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := onchain.NewFolder(onchain.Terms{Network: job.Simnet}, onchain.Folder{
		Path: t.TempDir(), Addresses: []string{owner.address}, Node: node.Config{URL: core.URL, Cookie: cookie},
		Now: func() time.Time { return time.Unix(0, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	k, err := r.Prepare(t.Context(), payout.Intent{ID: "a", To: payee(t, 0), Millisats: 50_000_000, MaxFee: 1_000_000})
	if err != nil {
		t.Fatal(err)
	}
	// 4.001 sat a virtual byte: a coin, a payee, change.
	p := packetOf(t, k)
	if len(p.UnsignedTx.TxIn) != 1 || len(p.UnsignedTx.TxOut) != 2 {
		t.Fatalf("%d coins and %d outputs", len(p.UnsignedTx.TxIn), len(p.UnsignedTx.TxOut))
	}
	if fee := 100_000 - p.UnsignedTx.TxOut[0].Value - p.UnsignedTx.TxOut[1].Value; fee != 565 {
		t.Errorf("a fee of %d sats", fee)
	}
	if o, err := r.Look(t.Context(), k); err != nil || o.State != payout.Unsent {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := r.Prepare(t.Context(), payout.Intent{ID: "b", To: payee(t, 0), Millisats: 1_000_000, MaxFee: 1_000_000}); err == nil || !strings.Contains(err.Error(), "the wallet has 0 sats") {
		t.Errorf("the coin is given twice: %v", err)
	}
}

func TestFolderRefusesToBegin(t *testing.T) {
	old, err := address.NewAddressPubKeyHash(make([]byte, 20), &chaincfg.SimNetParams)
	if err != nil {
		t.Fatal(err)
	}
	good := onchain.Folder{Path: t.TempDir(), Addresses: []string{newPerson(t).address}, Node: node.Config{URL: "http://127.0.0.1:1"}}
	for _, c := range []struct {
		name string
		harm func(*onchain.Folder)
		want string
	}{
		{"nothing wrong", func(*onchain.Folder) {}, ""},
		{"no folder", func(f *onchain.Folder) { f.Path = filepath.Join(f.Path, "none") }, "is not a folder"},
		{"no address", func(f *onchain.Folder) { f.Addresses = nil }, "without addresses"},
		{"an old address", func(f *onchain.Folder) { f.Addresses = []string{old.EncodeAddress()} }, "is of an old kind"},
		{"another network", func(f *onchain.Folder) { f.Addresses = []string{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"} }, "network"},
		{"no node", func(f *onchain.Folder) { f.Node.URL = "127.0.0.1:8332" }, "write it as http://"},
	} {
		f := good
		c.harm(&f)
		_, err := onchain.NewFolder(onchain.Terms{Network: job.Simnet}, f)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
