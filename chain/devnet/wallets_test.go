package devnet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"cosmossdk.io/log/v2"
	abci "github.com/cometbft/cometbft/abci/types"
	rpc "github.com/cometbft/cometbft/rpc/client/local"
	coretypes "github.com/cometbft/cometbft/rpc/core/types"
	"github.com/cosmos/cosmos-sdk/client/tx"
	"github.com/cosmos/cosmos-sdk/crypto/hd"
	"github.com/cosmos/cosmos-sdk/crypto/keys/mldsa65"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/tx/signing"
	authsigning "github.com/cosmos/cosmos-sdk/x/auth/signing"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"hearth/chain/app"
	"hearth/chain/coin"
	"hearth/chain/devnet"
	"hearth/chain/keys"
	"hearth/chain/node"
)

// words make every key of these tests.
const words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art"

// inPurse is what each account of these tests begins with.
const inPurse = 100_000_000

// alone makes a network of one validator and an account that has coins.
func alone(t *testing.T, address string) *devnet.Network {
	t.Helper()
	n, err := devnet.Create(devnet.Plan{
		Home: t.TempDir(), ChainID: "hearth-test", Validators: 1, Pace: devnet.Fast,
		Accounts: []devnet.Account{{Name: "wallet", Address: address, Coins: inPurse}},
	}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Wallets that were made for other chains work with this one: CosmJS, of the
// npm registry, pays. HEARTH_COSMJS names a folder with it in its node_modules.
func TestCosmJSPays(t *testing.T) {
	folder := os.Getenv("HEARTH_COSMJS")
	if folder == "" {
		t.Skip(`set HEARTH_COSMJS to a folder in which "npm install @cosmjs/stargate @cosmjs/proto-signing @cosmjs/amino" was run`)
	}
	m, err := keys.ParseMnemonic(words)
	if err != nil {
		t.Fatal(err)
	}
	var addresses [2]string
	for i := range addresses {
		key, err := m.Key(uint32(i), "")
		if err != nil {
			t.Fatal(err)
		}
		addresses[i] = key.Address().String()
	}
	n := alone(t, addresses[0])
	p, err := n.Launch(0, hearthnode(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if err := n.WaitHeight(ctx, 0, 2); err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(map[string]string{
		"chain": n.ChainID, "mnemonic": words, "coins": strconv.Itoa(inPurse), "from": addresses[0], "to": addresses[1],
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, "node", "testdata/cosmjs.mjs", "http://"+n.Nodes[0].RPC, folder)
	cmd.Stdin = strings.NewReader(string(want))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "ok\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

// An account whose key quantum computers cannot find pays as any other does; a
// signature that was touched does not.
func TestAPostQuantumAccountPays(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	secret, err := hd.MlDsa65.Derive()(words, "", "m/44'/118'/0'/0/0")
	if err != nil {
		t.Fatal(err)
	}
	key := hd.MlDsa65.Generate()(secret)
	encoding, err := app.NewEncoding() // names the prefix of addresses
	if err != nil {
		t.Fatal(err)
	}
	from := sdk.AccAddress(key.PubKey().Address())
	n := alone(t, from.String())
	running, err := n.Files(0).Start(ctx, log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { running.Stop() })
	for running.App.LastBlockHeight() < 2 {
		select {
		case <-ctx.Done():
			t.Fatal("no second block in time")
		case <-time.After(50 * time.Millisecond):
		}
	}
	comet := running.Client
	conn := node.Connect(encoding, comet, n.ChainID)
	if len(key.PubKey().Bytes()) != 1952 || key.PubKey().Type() != (&mldsa65.PubKey{}).Type() {
		t.Fatalf("a key of kind %s with %d bytes", key.PubKey().Type(), len(key.PubKey().Bytes()))
	}
	to := sdk.AccAddress("somebody's 20 bytes.").String()

	// pay returns a transfer, signed at the account's turn.
	pay := func(amount uint64) (signed func(touched bool) []byte) {
		t.Helper()
		account, err := authtypes.NewQueryClient(conn).AccountInfo(ctx, &authtypes.QueryAccountInfoRequest{Address: from.String()})
		if err != nil {
			t.Fatal(err)
		}
		number, sequence := account.Info.AccountNumber, account.Info.Sequence
		b := encoding.Tx.NewTxBuilder()
		if err := b.SetMsgs(&banktypes.MsgSend{FromAddress: from.String(), ToAddress: to, Amount: coin.Of(amount)}); err != nil {
			t.Fatal(err)
		}
		b.SetGasLimit(400_000)
		b.SetFeeAmount(coin.Of(10_000))
		// The signature covers who signs: that is written first, without one.
		if err := b.SetSignatures(signing.SignatureV2{PubKey: key.PubKey(), Sequence: sequence, Data: &signing.SingleSignatureData{SignMode: signing.SignMode_SIGN_MODE_DIRECT}}); err != nil {
			t.Fatal(err)
		}
		signature, err := tx.SignWithPrivKey(ctx, signing.SignMode_SIGN_MODE_DIRECT,
			authsigning.SignerData{Address: from.String(), ChainID: n.ChainID, AccountNumber: number, Sequence: sequence, PubKey: key.PubKey()},
			b, key, encoding.Tx, sequence)
		if err != nil {
			t.Fatal(err)
		}
		return func(touched bool) []byte {
			t.Helper()
			s := *signature.Data.(*signing.SingleSignatureData)
			s.Signature = bytes.Clone(s.Signature)
			if touched {
				s.Signature[1000] ^= 1
			}
			with := signature
			with.Data = &s
			if err := b.SetSignatures(with); err != nil {
				t.Fatal(err)
			}
			raw, err := encoding.Tx.TxEncoder()(b.GetTx())
			if err != nil {
				t.Fatal(err)
			}
			return raw
		}
	}
	for _, turn := range []string{"the first", "the second"} {
		signed := pay(1_250_000)
		if res, err := comet.BroadcastTxSync(ctx, signed(true)); err != nil || res.Code == abci.CodeTypeOK || !strings.Contains(res.Log, "signature verification failed") {
			t.Errorf("a touched signature: %+v, %v", res, err)
		}
		raw := signed(false)
		res, err := comet.BroadcastTxSync(ctx, raw)
		if err != nil || res.Code != abci.CodeTypeOK {
			t.Fatalf("not taken: %+v, %v", res, err)
		}
		found := included(ctx, t, comet, res.Hash)
		if found.TxResult.Code != abci.CodeTypeOK {
			t.Fatalf("refused in the block: %s", found.TxResult.Log)
		}
		t.Logf("%s transfer has %d bytes and used %d gas", turn, len(raw), found.TxResult.GasUsed)
	}
	balance, err := banktypes.NewQueryClient(conn).Balance(ctx, &banktypes.QueryBalanceRequest{Address: to, Denom: coin.Denom})
	if err != nil {
		t.Fatal(err)
	}
	if got := balance.Balance.Amount.Int64(); got != 2_500_000 {
		t.Errorf("%d uhth arrived", got)
	}
}

// included waits until a transaction is in a block.
func included(ctx context.Context, t *testing.T, node *rpc.Local, hash []byte) *coretypes.ResultTx {
	t.Helper()
	for {
		found, err := node.Tx(ctx, hash, false)
		if err == nil {
			return found
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not in a block: %v", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
