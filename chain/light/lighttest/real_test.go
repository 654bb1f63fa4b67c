package lighttest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cosmossdk.io/log/v2"
	abci "github.com/cometbft/cometbft/abci/types"
	cmtnode "github.com/cometbft/cometbft/node"
	rpctest "github.com/cometbft/cometbft/rpc/test"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/cosmos/cosmos-sdk/store/v2/rootmulti"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"

	"hearth/chain/light"
	"hearth/chain/light/follower"
	"hearth/chain/light/node"
	"hearth/chain/wire"
)

// An application keeps what transactions say ("key=value") in a multistore of
// the SDK: the smallest thing that a real node can run and prove.
type application struct {
	abci.BaseApplication
	mu    sync.Mutex
	store *rootmulti.Store
	work  *storetypes.KVStoreKey
}

func newApplication() (*application, error) {
	a := &application{store: rootmulti.NewStore(dbm.NewMemDB(), log.NewNopLogger()), work: storetypes.NewKVStoreKey("work")}
	a.store.MountStoreWithDB(a.work, storetypes.StoreTypeIAVL, nil)
	a.store.MountStoreWithDB(storetypes.NewKVStoreKey("bank"), storetypes.StoreTypeIAVL, nil)
	return a, a.store.LoadLatestVersion()
}

func (a *application) FinalizeBlock(_ context.Context, req *abci.RequestFinalizeBlock) (*abci.ResponseFinalizeBlock, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	kv := a.store.GetKVStore(a.work)
	kv.Set([]byte("height"), fmt.Append(nil, req.Height))
	res := new(abci.ResponseFinalizeBlock)
	for _, tx := range req.Txs {
		r := &abci.ExecTxResult{GasWanted: 100, GasUsed: int64(len(tx))}
		if k, v, ok := bytes.Cut(tx, []byte("=")); ok {
			kv.Set(k, v)
		} else {
			r.Code, r.Codespace, r.Log = 4, "test", "not a key and a value"
		}
		res.TxResults = append(res.TxResults, r)
	}
	res.AppHash = a.store.WorkingHash()
	return res, nil
}

func (a *application) Commit(context.Context, *abci.RequestCommit) (*abci.ResponseCommit, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.store.Commit()
	return &abci.ResponseCommit{}, nil
}

func (a *application) CheckTx(_ context.Context, req *abci.RequestCheckTx) (*abci.ResponseCheckTx, error) {
	if bytes.HasPrefix(req.Tx, []byte("spam")) {
		return &abci.ResponseCheckTx{Code: 7, Codespace: "test", Log: "no spam"}, nil
	}
	return &abci.ResponseCheckTx{}, nil
}

func (a *application) Query(_ context.Context, req *abci.RequestQuery) (*abci.ResponseQuery, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	path, ok := strings.CutPrefix(req.Path, "/store")
	if !ok {
		return &abci.ResponseQuery{Code: 6, Codespace: "test", Log: "no such question"}, nil
	}
	res, err := a.store.Query(&storetypes.RequestQuery{Path: path, Data: req.Data, Height: req.Height, Prove: req.Prove})
	if err != nil {
		return &abci.ResponseQuery{Code: 1, Codespace: "test", Log: err.Error()}, nil
	}
	return &abci.ResponseQuery{Key: res.Key, Value: res.Value, Height: res.Height, ProofOps: res.ProofOps}, nil
}

// start runs a real node of CometBFT and returns its address.
func start(t *testing.T) (*cmtnode.Node, *node.Node, string) {
	t.Helper()
	app, err := newApplication()
	if err != nil {
		t.Fatal(err)
	}
	real := rpctest.StartTendermint(app, rpctest.SuppressStdout, rpctest.RecreateConfig)
	t.Cleanup(func() { rpctest.StopTendermint(real) })
	address := strings.Replace(real.Config().RPC.ListenAddress, "tcp://", "http://", 1)
	n, err := node.New(address, &http.Client{Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return real, n, real.GenesisDoc().ChainID
}

// until asks again and again until it is so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for range 600 {
		if so() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("in half a minute it did not come to this: %s", what)
}

func TestFollowsARealNodeAndReadsItsState(t *testing.T) {
	_, n, chain := start(t)
	ctx := t.Context()
	until(t, "the first blocks", func() bool { s, err := n.Status(ctx); return err == nil && s.Height >= 3 })
	root, err := n.Block(ctx, 2)
	if err != nil {
		t.Fatal(err)
	}
	f, err := follower.Open(ctx, follower.Config{
		Rules: light.Rules{Chain: chain, Period: time.Hour, Drift: 10 * time.Second}, Sources: []follower.Source{n},
		File: filepath.Join(t.TempDir(), "trust"), Height: 2, Hash: root.Header.Hash(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()

	tx := []byte("heat=useful")
	if err := n.Broadcast(ctx, tx); err != nil {
		t.Fatal(err)
	}
	var refusal *node.Refusal
	if err := n.Broadcast(ctx, tx); !errors.As(err, &refusal) {
		t.Errorf("sent twice: %v, want that the node has it already", err)
	}
	var rejection *node.Rejection
	if err := n.Broadcast(ctx, []byte("spam")); !errors.As(err, &rejection) || rejection.Code != 7 || rejection.Log != "no spam" {
		t.Errorf("spam: %v, want the application's reason", err)
	}
	if err := n.Broadcast(ctx, []byte("no pair")); err != nil {
		t.Fatal(err)
	}

	var in node.Inclusion
	for _, tx := range []string{"no pair", "heat=useful"} {
		until(t, "the transaction is in a block", func() bool {
			in, err = n.Transaction(ctx, wire.Hash([]byte(tx)))
			if err != nil && !errors.Is(err, node.ErrUnknown) {
				t.Fatal(err)
			}
			return err == nil
		})
		if string(in.Transaction) != tx || (in.Rejection == nil) != (tx == "heat=useful") || in.Gas != int64(len(tx)) || in.GasWanted != 100 {
			t.Errorf("transaction %q: %+v", tx, in)
		}
	}
	until(t, "the state after the block is in a header", func() bool {
		b, err := f.Advance(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return b.Header.Height > in.Height+1
	})

	h, err := f.Header(ctx, in.Height)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Includes(in.Transaction, in.Path); err != nil {
		t.Error(err)
	}
	v, err := f.Value(ctx, "work", []byte("heat"))
	if err != nil || !v.Found || string(v.Value) != "useful" {
		t.Errorf("work heat: %q, %v", v.Value, err)
	}
	v, err = f.Value(ctx, "work", []byte("height"))
	if err != nil || string(v.Value) != fmt.Sprint(v.Height()) {
		t.Errorf("the state says height %q, its header is that of %d: %v", v.Value, v.Header.Height, err)
	}
	v, err = f.Value(ctx, "work", []byte("waste"))
	if err != nil || v.Found || v.Check() != nil {
		t.Errorf("work waste: %+v, %v", v, err)
	}
	v.Found, v.Value = true, []byte("lots")
	if v.Check() == nil {
		t.Error("what was proven absent can be told for something that is there")
	}

	for name, err := range map[string]error{
		"a height to come":         second(n.Block(ctx, 1<<40)),
		"a transaction never seen": second(n.Transaction(ctx, [32]byte{1})),
	} {
		if !errors.Is(err, node.ErrUnknown) {
			t.Errorf("%s: %v, want that the node does not have it", name, err)
		}
	}
	if _, err := n.Hint(ctx, "/hearth.work.v1.Query/Params", nil); !errors.As(err, &refusal) || refusal.Data != "no such question" {
		t.Errorf("a question that the application does not know: %v", err)
	}
	if _, err := n.Value(ctx, "nothing", []byte("key"), 0); !errors.As(err, &refusal) {
		t.Errorf("a store that is not there: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }
