package onchain

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"hearth/pool/job"
	"hearth/pool/payout"
)

// TestDust: the least that nodes relay for each kind of address.
func TestDust(t *testing.T) {
	for _, c := range []struct {
		kind, address string
		least         int64
	}{
		{"P2PKH", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", 546},
		{"P2SH", "3P14159f73E4gFr7JterCCQh9QjiTjiZrG", 540},
		{"P2WPKH", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", 294},
		{"P2WSH", "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3", 330},
		{"P2TR", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", 330},
	} {
		for sats, ok := range map[int64]bool{c.least: true, c.least - 1: false} {
			_, err := outputs([]payout.Intent{
				{ID: "1", To: c.address, Millisats: 100_000_000},
				{ID: "2", To: c.address, Millisats: sats * 1000},
			}, job.Mainnet)
			refusal, refused := errors.AsType[*payout.Refusal](err)
			if refused == ok || refused && (refusal.ID != "2" || !strings.Contains(refusal.Why, "is dust")) {
				t.Errorf("%d sats to %s: %v", sats, c.kind, err)
			}
		}
	}
}

func TestRefusesWhatCannotBePaid(t *testing.T) {
	const good = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	for _, c := range []struct {
		name, to string
		msat     int64
		want     string
	}{
		{"a part of a sat", good, 1_000_001, "not a whole number of sats"},
		{"another network", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", 1_000_000, "network"},
		{"a typing mistake", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", 1_000_000, ""},
		{"an invoice", "lnbc10n1pj", 1_000_000, ""},
	} {
		_, err := outputs([]payout.Intent{{ID: "x", To: c.to, Millisats: c.msat}}, job.Mainnet)
		if refusal, ok := errors.AsType[*payout.Refusal](err); !ok || refusal.ID != "x" || !strings.Contains(refusal.Why, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// script is of one of the kinds with witnesses.
func script(b byte) []byte { return append([]byte{0, 20}, bytes.Repeat([]byte{b}, 20)...) }

// packet spends coins of 1000 sats each and pays the outputs given.
func packet(t testing.TB, coins int, outs ...*wire.TxOut) *psbt.Packet {
	t.Helper()
	tx := wire.NewMsgTx(2)
	for i := range coins {
		tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: chainhash.Hash{7}, Index: uint32(i)}, nil, nil))
	}
	tx.TxOut = outs
	p, err := psbt.NewFromUnsignedTx(tx)
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Inputs {
		p.Inputs[i].WitnessUtxo = wire.NewTxOut(1000, script(9))
	}
	return p
}

func TestChecksWhatTheWalletMade(t *testing.T) {
	pays := []*wire.TxOut{wire.NewTxOut(400, script(1)), wire.NewTxOut(400, script(1)), wire.NewTxOut(500, script(2))}
	change := wire.NewTxOut(600, script(9))
	for _, c := range []struct {
		name        string
		coins       int
		outs        []*wire.TxOut
		harm        func(*psbt.Packet)
		fee, change int
		err         string
	}{
		{name: "as asked", coins: 2, outs: append([]*wire.TxOut{change}, pays...), fee: 100, change: 0},
		{name: "in another order, without change", coins: 2, outs: []*wire.TxOut{pays[2], pays[0], pays[1]}, fee: 700, change: -1},
		{name: "one payee twice, not two", coins: 2, outs: []*wire.TxOut{pays[0], pays[2]}, err: "does not pay everybody"},
		{name: "less for one", coins: 2, outs: []*wire.TxOut{pays[0], pays[1], wire.NewTxOut(499, script(2))}, err: "does not pay everybody"},
		{name: "somebody else too", coins: 2, outs: append([]*wire.TxOut{change, wire.NewTxOut(1, script(3))}, pays...), err: "pays others"},
		{name: "no coins", outs: pays, err: "without coins"},
		{name: "too few", coins: 1, outs: pays, err: "300 sats more than its coins hold"},
		{
			name: "a coin of an old kind", coins: 2, outs: pays, err: "is of an old kind",
			harm: func(p *psbt.Packet) {
				p.Inputs[1].WitnessUtxo.PkScript, _ = hex.DecodeString("a914b472a266d0bd89c13706a4132ccfb16f7c3b9fcb87")
			},
		},
		{
			name: "a coin that is not described", coins: 2, outs: pays, err: "is not said to be",
			harm: func(p *psbt.Packet) { p.Inputs[0].WitnessUtxo = nil },
		},
	} {
		p := packet(t, c.coins, c.outs...)
		if c.harm != nil {
			c.harm(p)
		}
		fee, change, err := check(p, pays)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil && (fee != int64(c.fee) || change != c.change) {
			t.Errorf("%s: a fee of %d, change at %d", c.name, fee, change)
		}
	}
}

// TestFeeIsShared: each allows a part of the fee, rounded up.
func TestFeeIsShared(t *testing.T) {
	batch := []payout.Intent{{MaxFee: 33_334}, {MaxFee: 40_000}, {MaxFee: 50_000}}
	if err := affordable(100, batch); err != nil {
		t.Error(err)
	}
	if err := affordable(101, batch); err == nil || !strings.Contains(err.Error(), "33667 msat for each of 3") {
		t.Error(err)
	}
}

func TestTicketIsTheTransaction(t *testing.T) {
	p := packet(t, 2, wire.NewTxOut(1500, script(1)), wire.NewTxOut(300, script(9)))
	p.Inputs[0].NonWitnessUtxo = wire.NewMsgTx(2) // large as a rule, and not needed
	k, err := pack(p, 1, 800_000)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Check(); err != nil || k.Key != p.UnsignedTx.TxHash().String() {
		t.Errorf("%s, %v", k.Key, err)
	}
	d, err := unpack(k)
	if err != nil || d.id() != k.Key || d.fee() != 200 || d.Change != 1 || d.Height != 800_000 {
		t.Errorf("%+v, %v", d, err)
	}
	if d.packet.Inputs[0].NonWitnessUtxo != nil || p.Inputs[0].NonWitnessUtxo == nil {
		t.Error("the ticket holds what it should leave out, or the packet lost it")
	}

	pays := func(outs ...*wire.TxOut) *wire.MsgTx { return &wire.MsgTx{TxOut: outs} }
	for _, c := range []struct {
		name string
		tx   *wire.MsgTx
		paid int
	}{
		{"the same payee", pays(wire.NewTxOut(1500, script(1))), 1},
		{"more", pays(wire.NewTxOut(1, script(4)), wire.NewTxOut(1501, script(1))), 1},
		{"less", pays(wire.NewTxOut(1499, script(1))), 0},
		{"the change alone", pays(wire.NewTxOut(300, script(9))), 0},
	} {
		if paid, of := d.paidBy(c.tx); paid != c.paid || of != 1 {
			t.Errorf("%s: %d of %d", c.name, paid, of)
		}
	}

	if _, err := pack(packet(t, 400, wire.NewTxOut(1500, script(1))), -1, 0); err == nil || !strings.Contains(err.Error(), "400 coins") {
		t.Errorf("a ticket of 400 coins: %v", err)
	}
	var full []*wire.TxOut
	for range payout.MaxBatch + 1 {
		full = append(full, wire.NewTxOut(1500, append([]byte{0, 32}, make([]byte, 32)...)))
	}
	if _, err := pack(packet(t, 50, full...), -1, 0); err != nil {
		t.Errorf("a full batch of 50 coins: %v", err)
	}
}

// sky is a wallet on whose chain one thing is to be seen.
type sky struct {
	wallet
	seen sighting
}

func (s sky) find(context.Context, ticket) (sighting, error) { return s.seen, nil }

// TestWhatARivalDecides: a transaction that spends a payment's coins is deep
// enough. It was made by hand, or for another payment.
func TestWhatARivalDecides(t *testing.T) {
	p := packet(t, 2, wire.NewTxOut(1000, script(1)), wire.NewTxOut(500, script(2)), wire.NewTxOut(300, script(9)))
	k, err := pack(p, 2, 800_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		outs  []*wire.TxOut
		state payout.State
		says  string // of the outcome or the error
	}{
		{"all as much", []*wire.TxOut{wire.NewTxOut(1000, script(1)), wire.NewTxOut(500, script(2))}, payout.Paid, ""},
		{"something else", []*wire.TxOut{wire.NewTxOut(1700, script(4))}, payout.Failed, "for something else"},
		{"back into the wallet", []*wire.TxOut{wire.NewTxOut(1700, script(9))}, payout.Failed, "for something else"},
		{"one of two", []*wire.TxOut{wire.NewTxOut(1000, script(1))}, payout.Unknown, "pays 1 of 2 payees"},
		// The fee was raised at the payees' cost.
		{"all less", []*wire.TxOut{wire.NewTxOut(900, script(1)), wire.NewTxOut(400, script(2))}, payout.Unknown, "settle it by hand"},
		{"one less", []*wire.TxOut{wire.NewTxOut(499, script(2))}, payout.Unknown, "settle it by hand"},
	} {
		r := &Rail{name: "onchain", terms: Terms{}.defaults(), wallet: sky{seen: sighting{rival: &wire.MsgTx{TxOut: c.outs}, rivalDepth: 6, rivalFee: 100}}}
		o, err := r.Look(t.Context(), k)
		says := o.Why
		if err != nil {
			says = err.Error()
		}
		if o.State != c.state || (err != nil) != (c.state == payout.Unknown) || !strings.Contains(says, c.says) {
			t.Errorf("%s: %+v, %v", c.name, o, err)
		}
	}
}

// FuzzUnpack: a ticket is read back from a ledger that somebody may have made.
func FuzzUnpack(f *testing.F) {
	k, err := pack(packet(f, 2, wire.NewTxOut(1500, script(1))), -1, 7)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(k.Key, k.Data)
	f.Add(k.Key, []byte(`{"psbt":"cHNidP8=","change":3}`))
	f.Fuzz(func(t *testing.T, key string, data []byte) {
		d, err := unpack(payout.Ticket{Key: key, Data: data})
		if err != nil {
			return
		}
		if d.id() != key {
			t.Errorf("the ticket %s is of %s", key, d.id())
		}
		d.fee()
		if paid, of := d.paidBy(d.packet.UnsignedTx); paid != of || d.spends(d.packet.UnsignedTx) != (len(d.packet.Inputs) > 0) {
			t.Errorf("it pays %d of %d of itself", paid, of)
		}
	})
}

// FuzzParse: files in the folder are anybody's.
func FuzzParse(f *testing.F) {
	var b bytes.Buffer
	if err := packet(f, 2, wire.NewTxOut(1500, script(1))).Serialize(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	text, _ := json.Marshal(b.Bytes())
	f.Add(bytes.Trim(text, `"`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parse(b)
		if err != nil {
			return
		}
		for i := range p.UnsignedTx.TxIn {
			_ = p.Inputs[i]
		}
		if psbt.MaybeFinalizeAll(p) == nil {
			_, _ = psbt.Extract(p)
		}
	})
}

func TestSatsAreExact(t *testing.T) {
	for text, want := range map[json.Number]int64{
		"0": 0, "50": 50e8, "0.00000001": 1, "1e-08": 1, "12.34567891": 1234567891, "20999999.9769": 2099999997690000,
		"0.000000001": -1, "-1": -1, "22000000": -1, "": -1, "1e99": -1, "99999999999999999999": -1, "1.2.3": -1,
	} {
		got, err := sats(text)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%s is %d sats, %v", text, got, err)
		}
	}
}

// FuzzSats: amounts that a node writes are never negative, nor more than there
// are.
func FuzzSats(f *testing.F) {
	for _, text := range []string{"0.00000001", "1e-08", "50", "-1", "1.2.3", "NaN", "0x10"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if v, err := sats(json.Number(text)); err == nil && (v < 0 || v > 21e14) {
			t.Errorf("%q is %d sats", text, v)
		}
	})
}
