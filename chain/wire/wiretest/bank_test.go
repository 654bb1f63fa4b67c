package wiretest_test

import (
	"bytes"
	"testing"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	"github.com/cosmos/cosmos-sdk/x/authz"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	"github.com/cosmos/gogoproto/proto"
	"pgregory.net/rapid"

	"hearth/chain/wire"
)

// same fails unless the message is the chain's, name and bytes.
func same(t *rapid.T, got wire.Any, want proto.Message) {
	t.Helper()
	any, err := codectypes.NewAnyWithValue(want)
	if err != nil {
		t.Fatal(err)
	}
	if got.Type != any.TypeUrl || !bytes.Equal(got.Value, any.Value) {
		t.Fatalf("%s %x\nthe chain's code makes\n%s %x", got.Type, got.Value, any.TypeUrl, any.Value)
	}
}

func TestMessagesOfBankAndAuthz(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := keys().Draw(t, "from").Address(), keys().Draw(t, "to").Address()
		amount := rapid.Uint64Range(1, stdMaxUint64).Draw(t, "amount")
		until := times().Draw(t, "until")

		send := wire.Send(from, to, wire.Coin{Denom: "uhth", Amount: amount})
		chainSend := &banktypes.MsgSend{FromAddress: from.String(), ToAddress: to.String(), Amount: sdk.Coins{{Denom: "uhth", Amount: math.NewIntFromUint64(amount)}}}
		same(t, send, chainSend)

		inner, err := codectypes.NewAnyWithValue(chainSend)
		if err != nil {
			t.Fatal(err)
		}
		same(t, wire.Exec(to, send, send), &authz.MsgExec{Grantee: to.String(), Msgs: []*codectypes.Any{inner, inner}})

		generic, err := codectypes.NewAnyWithValue(authz.NewGenericAuthorization(send.Type))
		if err != nil {
			t.Fatal(err)
		}
		same(t, wire.Grant(from, to, send.Type, until), &authz.MsgGrant{Granter: from.String(), Grantee: to.String(), Grant: authz.Grant{Authorization: generic, Expiration: &until}})
		same(t, wire.Revoke(from, to, send.Type), &authz.MsgRevoke{Granter: from.String(), Grantee: to.String(), MsgTypeUrl: send.Type})
	})
}

func TestKeysAndValuesOfTheState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := keys().Draw(t, "key")
		a := k.Address()

		want, err := collections.EncodeKeyWithPrefix(authtypes.AddressStoreKeyPrefix, sdk.AccAddressKey, sdk.AccAddress(a[:]))
		if err != nil || !bytes.Equal(wire.AccountKey(a), want) {
			t.Fatalf("account key %x, the chain has %x (%v)", wire.AccountKey(a), want, err)
		}
		want, err = collections.EncodeKeyWithPrefix(banktypes.BalancesPrefix, collections.PairKeyCodec(sdk.AccAddressKey, collections.StringKey), collections.Join(sdk.AccAddress(a[:]), "uhth"))
		if err != nil || !bytes.Equal(wire.BalanceKey(a, "uhth"), want) {
			t.Fatalf("balance key %x, the chain has %x (%v)", wire.BalanceKey(a, "uhth"), want, err)
		}

		acc := wire.Account{Address: a, Number: rapid.Uint64().Draw(t, "number"), Sequence: rapid.Uint64().Draw(t, "sequence")}
		pub, err := codectypes.NewAnyWithValue((&secp256k1.PrivKey{Key: k.Bytes()}).PubKey().(*secp256k1.PubKey))
		if err != nil {
			t.Fatal(err)
		}
		base := &authtypes.BaseAccount{Address: a.String(), PubKey: pub, AccountNumber: acc.Number, Sequence: acc.Sequence}
		if rapid.Bool().Draw(t, "has not signed yet") {
			base.PubKey = nil
		}
		stored, err := codectypes.NewAnyWithValue(base)
		if err != nil {
			t.Fatal(err)
		}
		value, err := stored.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, err := wire.ParseAccount(value)
		if err != nil || got != acc {
			t.Fatalf("ParseAccount = %+v, %v, want %+v", got, err, acc)
		}

		amount := rapid.Uint64().Draw(t, "balance")
		value, err = banktypes.BalanceValueCodec.Encode(math.NewIntFromUint64(amount))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := wire.ParseBalance(value); err != nil || got != amount {
			t.Fatalf("ParseBalance(%q) = %d, %v, want %d", value, got, err, amount)
		}
	})
}

func TestStoresHaveTheChainsNames(t *testing.T) {
	if wire.AccountStore != authtypes.StoreKey || wire.BankStore != banktypes.StoreKey {
		t.Errorf("stores %q and %q, the chain has %q and %q", wire.AccountStore, wire.BankStore, authtypes.StoreKey, banktypes.StoreKey)
	}
}

func TestModuleAccountsDoNotSign(t *testing.T) {
	any, err := codectypes.NewAnyWithValue(&authtypes.ModuleAccount{Name: "work"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := any.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wire.ParseAccount(b); err == nil {
		t.Error("a module account was read as one that signs")
	}
}
