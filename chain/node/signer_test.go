package node_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtbytes "github.com/cometbft/cometbft/libs/bytes"
	rpcclient "github.com/cometbft/cometbft/rpc/client"
	coretypes "github.com/cometbft/cometbft/rpc/core/types"
	cmttypes "github.com/cometbft/cometbft/types"
	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/crypto/hd"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"hearth/chain/app"
	"hearth/chain/coin"
	"hearth/chain/model"
	"hearth/chain/node"
	"hearth/chain/stage"
	"hearth/chain/work"
	"hearth/infer/mini"
	format "hearth/work"
)

// door is how CometBFT lets others in to an application: here, without it.
type door struct {
	client.CometRPC

	app  *app.App
	pool [][]byte
}

func (d *door) ABCIQueryWithOptions(ctx context.Context, path string, data cmtbytes.HexBytes, o rpcclient.ABCIQueryOptions) (*coretypes.ResultABCIQuery, error) {
	res, err := d.app.Query(ctx, &abci.RequestQuery{Path: path, Data: data, Height: o.Height})
	if err != nil {
		return nil, err
	}
	return &coretypes.ResultABCIQuery{Response: *res}, nil
}

func (d *door) BroadcastTxSync(_ context.Context, tx cmttypes.Tx) (*coretypes.ResultBroadcastTx, error) {
	res, err := d.app.CheckTx(&abci.RequestCheckTx{Tx: tx})
	if err != nil {
		return nil, err
	}
	if res.Code == 0 {
		d.pool = append(d.pool, tx)
	}
	return &coretypes.ResultBroadcastTx{Code: res.Code, Log: res.Log}, nil
}

// world is a chain with one validator, who has a model, and somebody.
type world struct {
	*door

	t        *testing.T
	chain    *stage.Chain
	operator *stage.Operator
	conn     client.Context
	ring     keyring.Keyring
	model    [32]byte
}

func newWorld(t *testing.T) *world {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	operator, err := stage.NewOperator("operator")
	must(err)
	bob := stage.NewPerson("bob")
	g, err := stage.NewWriter()
	must(err)
	g.People([]*stage.Person{operator.Person, bob})
	g.Found([]*stage.Operator{operator}, nil)
	_, f, _, err := mini.Load()
	must(err)
	manifest, err := f.Encode()
	must(err)
	w := &world{t: t, operator: operator}
	stage.Edit(g, model.ModuleName, func(s *model.GenesisState) (err error) {
		w.model, err = s.Founded(manifest, mini.Name, "Apache-2.0", []string{"http://127.0.0.1:9/weights"}, []string{operator.Address})
		return err
	})
	state, err := g.Finish()
	must(err)
	w.chain, err = stage.NewChain(state, stage.Start(), func(*format.Model) (work.Bench, bool) { return nil, false })
	must(err)
	w.door = &door{app: w.chain.Nodes[0]}
	w.conn = node.Connect(w.app.Encoding, w.door, stage.ChainID)
	w.ring = keyring.NewInMemory(w.app.Codec)
	for _, p := range []*stage.Person{operator.Person, stage.NewPerson("stranger")} {
		must(w.ring.ImportPrivKeyHex(p.Name, hex.EncodeToString(p.Key.Bytes()), string(hd.Secp256k1Type)))
	}
	w.block()
	return w
}

// block makes one of what is in the pool.
func (w *world) block() {
	w.t.Helper()
	_, results, err := w.chain.Block(stage.Happening{
		Wait: time.Second, Proposer: w.chain.Current[0].Address, Absent: func([]byte) bool { return false }, Txs: w.pool,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(results) != len(w.pool) {
		w.t.Errorf("%d of %d transactions are in the block", len(results), len(w.pool))
	}
	for _, r := range results {
		if r.Code != 0 {
			w.t.Errorf("a transaction failed: %s", r.Log)
		}
	}
	w.pool = nil
}

func TestASignerSendsOneAfterTheOther(t *testing.T) {
	w := newWorld(t)
	s, err := node.NewSigner(w.conn, w.ring, "operator")
	if err != nil {
		t.Fatal(err)
	}
	if s.Address != w.operator.Address {
		t.Errorf("it signs for %s, want %s", s.Address, w.operator.Address)
	}
	send := func(amount uint64) error {
		return s.Send(t.Context(), 200_000, &banktypes.MsgSend{FromAddress: s.Address, ToAddress: stage.NewPerson("bob").Address, Amount: coin.Of(amount)})
	}
	for range 2 { // rounds of several within a block
		for range 3 {
			if err := send(1); err != nil {
				t.Fatal(err)
			}
		}
		w.block()
	}
	// What is refused does not spoil what comes after.
	if err := send(2 * stage.Purse); err != nil {
		t.Logf("refused: %v", err)
	}
	w.pool = nil
	other, err := node.NewSigner(w.conn, w.ring, "stranger")
	if err != nil {
		t.Fatal(err)
	}
	err = other.Send(t.Context(), 200_000, &banktypes.MsgSend{FromAddress: other.Address, ToAddress: s.Address, Amount: coin.Of(1)})
	if err == nil || !strings.Contains(err.Error(), other.Address) {
		t.Errorf("somebody without an account: %v", err)
	}
	if _, err := node.NewSigner(w.conn, w.ring, "nobody"); err == nil || !strings.Contains(err.Error(), `"nobody"`) {
		t.Errorf("a key that is not there: %v", err)
	}
}

func TestACourtSeesTheChain(t *testing.T) {
	w := newWorld(t)
	s, err := node.NewSigner(w.conn, w.ring, "operator")
	if err != nil {
		t.Fatal(err)
	}
	b := node.NewBar(w.app, s)
	models, height, err := b.Models(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if height != 1 || len(models) != 1 || models[0].ID != w.model || models[0].Proposed || !models[0].Attested || len(models[0].Sources) != 1 {
		t.Errorf("after block %d the models are %+v", height, models)
	}
	text, err := b.Manifest(t.Context(), w.model)
	if err != nil || len(text) == 0 {
		t.Errorf("the manifest has %d bytes, %v", len(text), err)
	}
	if _, err := b.Manifest(t.Context(), [32]byte{1}); err == nil {
		t.Error("a manifest of no model")
	}
	trials, height, err := b.Trials(t.Context())
	if err != nil || height != 1 || len(trials) != 0 {
		t.Errorf("after block %d the trials are %+v, %v", height, trials, err)
	}
	if _, err := b.Case(t.Context(), [32]byte{1}); err == nil {
		t.Error("a case of no claim")
	}
	// What no trial is open for is refused on the way in.
	if err := b.Reveal(t.Context(), [32]byte{1}, [32]byte{2}); err != nil {
		t.Logf("refused: %v", err)
	} else {
		_, results, err := w.chain.Block(stage.Happening{
			Wait: time.Second, Proposer: w.chain.Current[0].Address, Absent: func([]byte) bool { return false }, Txs: w.pool,
		})
		if err != nil || len(results) != 1 || results[0].Code == 0 {
			t.Errorf("a reveal without a trial: %+v, %v", results, err)
		}
	}
}

func TestInvariantsAreAskedOfANode(t *testing.T) {
	w := newWorld(t)
	text, _, err := w.conn.Query(app.SoundPath)
	if err != nil {
		t.Fatal(err)
	}
	var s app.Soundness
	if err := json.Unmarshal(text, &s); err != nil || s.Height != 1 || s.Looked < 20 || s.Err() != nil {
		t.Errorf("%s: %v", text, err)
	}
}
