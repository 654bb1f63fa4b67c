package wiretest_test

import (
	"bytes"
	"crypto/sha256"
	"strconv"
	"testing"
	"time"

	"cosmossdk.io/math"
	cmttypes "github.com/cometbft/cometbft/types"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/tx"
	"github.com/cosmos/cosmos-sdk/types/tx/signing"
	"pgregory.net/rapid"

	"hearth/chain/wire"
)

// transactions draws transactions of all shapes that Sign accepts.
func transactions() *rapid.Generator[wire.Transaction] {
	return rapid.Custom(func(t *rapid.T) wire.Transaction {
		x := wire.Transaction{
			Memo:          rapid.String().Draw(t, "memo"),
			TimeoutHeight: rapid.Uint64().Draw(t, "timeout height"),
			Unordered:     rapid.Bool().Draw(t, "unordered"),
			Gas:           rapid.Uint64Range(0, stdMaxInt64).Draw(t, "gas"),
			Messages: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) wire.Any {
				return wire.Any{Type: "/" + rapid.StringMatching(`[a-z.]{0,20}[A-Z][a-z]{0,9}`).Draw(t, "type"), Value: rapid.SliceOf(rapid.Byte()).Draw(t, "value")}
			}), 1, 4).Draw(t, "messages"),
		}
		if x.Unordered || rapid.Bool().Draw(t, "timed") {
			x.TimeoutTime = times().Filter(func(v time.Time) bool { return !v.IsZero() }).Draw(t, "timeout")
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "coins") {
			x.Fee = append(x.Fee, wire.Coin{Denom: "coin" + strconv.Itoa(i), Amount: rapid.Uint64Range(1, stdMaxUint64).Draw(t, "amount")})
		}
		if rapid.Bool().Draw(t, "granted") {
			x.FeeGranter = keys().Draw(t, "granter").Address().String()
		}
		return x
	})
}

const (
	stdMaxInt64  = 1<<63 - 1
	stdMaxUint64 = 1<<64 - 1
)

// chainTx is the same transaction in the chain's own types.
func chainTx(t interface{ Fatal(...any) }, x wire.Transaction, pub wire.PublicKey, sequence uint64) (body, auth []byte) {
	b := tx.TxBody{Memo: x.Memo, TimeoutHeight: x.TimeoutHeight, Unordered: x.Unordered}
	if !x.TimeoutTime.IsZero() {
		b.TimeoutTimestamp = &x.TimeoutTime
	}
	for _, m := range x.Messages {
		b.Messages = append(b.Messages, &codectypes.Any{TypeUrl: m.Type, Value: m.Value})
	}
	any, err := codectypes.NewAnyWithValue(&secp256k1.PubKey{Key: pub[:]})
	if err != nil {
		t.Fatal(err)
	}
	a := tx.AuthInfo{
		SignerInfos: []*tx.SignerInfo{{
			PublicKey: any,
			ModeInfo:  &tx.ModeInfo{Sum: &tx.ModeInfo_Single_{Single: &tx.ModeInfo_Single{Mode: signing.SignMode_SIGN_MODE_DIRECT}}},
			Sequence:  sequence,
		}},
		Fee: &tx.Fee{GasLimit: x.Gas, Granter: x.FeeGranter},
	}
	for _, c := range x.Fee {
		a.Fee.Amount = append(a.Fee.Amount, sdk.Coin{Denom: c.Denom, Amount: math.NewIntFromUint64(c.Amount)})
	}
	if body, err = b.Marshal(); err != nil {
		t.Fatal(err)
	}
	if auth, err = a.Marshal(); err != nil {
		t.Fatal(err)
	}
	return body, auth
}

func TestTransactionsAreTheChainsByteForByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := transactions().Draw(t, "transaction")
		k := keys().Draw(t, "key")
		as := wire.Signer{Chain: rapid.StringN(1, 50, -1).Draw(t, "chain"), Account: rapid.Uint64().Draw(t, "account")}
		if !x.Unordered {
			as.Sequence = rapid.Uint64().Draw(t, "sequence")
		}

		got, err := x.Sign(k, as)
		if err != nil {
			t.Fatal(err)
		}

		body, auth := chainTx(t, x, k.PublicKey(), as.Sequence)
		doc := tx.SignDoc{BodyBytes: body, AuthInfoBytes: auth, ChainId: as.Chain, AccountNumber: as.Account}
		signBytes, err := doc.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		sig, err := (&secp256k1.PrivKey{Key: k.Bytes()}).Sign(signBytes)
		if err != nil {
			t.Fatal(err)
		}
		want, err := (&tx.TxRaw{BodyBytes: body, AuthInfoBytes: auth, Signatures: [][]byte{sig}}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("signed:\n%x\nthe chain's code makes:\n%x", got, want)
		}
		if h := wire.Hash(got); !bytes.Equal(h[:], cmttypes.Tx(got).Hash()) || h != sha256.Sum256(want) {
			t.Fatalf("hash %x, the chain names it %x", h, cmttypes.Tx(got).Hash())
		}

		dry, err := x.Simulated(k.PublicKey(), as)
		if err != nil {
			t.Fatal(err)
		}
		want, err = (&tx.TxRaw{BodyBytes: body, AuthInfoBytes: auth, Signatures: [][]byte{nil}}).Marshal()
		if err != nil || !bytes.Equal(dry, want) {
			t.Fatalf("for simulation: %x, want %x (%v)", dry, want, err)
		}
	})
}
