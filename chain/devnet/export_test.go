package devnet_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"
	"time"

	"cosmossdk.io/log/v2"
	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/cosmos/cosmos-sdk/baseapp"
	"github.com/google/go-cmp/cmp"

	"hearth/chain/app"
	"hearth/chain/devnet"
	"hearth/chain/mine"
	"hearth/chain/node"
	"hearth/chain/work"
)

// A network that has worked for a while is exported, and another begins with
// that: it has the same state, down to claims under way.
func TestExportEqualsImport(t *testing.T) {
	n, running := busy(t)
	credited(t, running)
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
	stopped := open(t, n)
	out, err := stopped.Export()
	if err != nil {
		t.Fatal(err)
	}

	next, err := app.New(log.NewNopLogger(), dbm.NewMemDB(), app.Node{Home: t.TempDir()}, baseapp.SetChainID(n.ChainID))
	if err != nil {
		t.Fatal(err)
	}
	params := out.ConsensusParams
	if _, err := next.InitChain(&abci.RequestInitChain{
		ChainId: n.ChainID, InitialHeight: out.Height, AppStateBytes: out.AppState, ConsensusParams: &params, Time: time.Now(),
	}); err != nil {
		t.Fatal(err)
	}
	state, err := next.State(next.NewContextLegacy(false, cmtproto.Header{ChainID: n.ChainID, Height: out.Height}))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]json.RawMessage
	if err := json.Unmarshal(out.AppState, &want); err != nil {
		t.Fatal(err)
	}
	if len(want) < 10 {
		t.Fatalf("the export has %d modules", len(want))
	}
	for name, exported := range want {
		var a, b any
		if err := json.Unmarshal(exported, &a); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(state[name], &b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(a, b); d != "" {
			t.Errorf("%s (-exported +imported):\n%.3000s", name, d)
		}
	}
}

// busy runs a network of one validator in this process, with its miner and its
// client.
func busy(t *testing.T) (*devnet.Network, *node.Running) {
	t.Helper()
	n, err := devnet.Create(devnet.Plan{Home: t.TempDir(), ChainID: "hearth-test", Validators: 1, Pace: devnet.Fast}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r, err := n.Files(0).Start(ctx, log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Stop() })
	var group sync.WaitGroup
	t.Cleanup(func() { cancel(); group.Wait() })
	said := slog.New(slog.NewTextHandler(t.Output(), nil))
	run := func(what string, do func() error) {
		group.Go(func() {
			if err := do(); err != nil && ctx.Err() == nil {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
	run("beside the network", func() error { return n.Serve(ctx) })
	run("beside the node", func() error { return n.Files(0).ServeOwn(ctx, r, said) })
	if err := n.WaitHeight(ctx, 0, 2); err != nil {
		t.Fatal(err)
	}
	run("the client", func() error { return n.Order(ctx, said) })
	run("the miner", func() error { return n.Mine(ctx, 1, func(mine.Event) {}, said) })
	return n, r
}

// credited waits until work was credited.
func credited(t *testing.T, r *node.Running) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		state, err := r.App.CreateQueryContext(0, false)
		if err != nil {
			t.Fatal(err)
		}
		tally, err := r.App.Work.Queries().Tally(state, &work.QueryTallyRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if tally.Tally.TicketsCredited > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("nothing was credited in two minutes; block %d", r.App.LastBlockHeight())
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// open opens the state of a network's first node, which is not running.
func open(t *testing.T, n *devnet.Network) *app.App {
	t.Helper()
	a, err := n.Files(0).Open(log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}
