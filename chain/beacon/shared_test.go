package beacon_test

import (
	"bytes"
	"context"
	"time"

	corestore "cosmossdk.io/core/store"
	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/runtime"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	"github.com/cosmos/cosmos-sdk/testutil"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/beacon"
	"hearth/chain/beacon/drand"
	"hearth/chain/beacon/rule"
	"hearth/chain/invariant"
)

const (
	chainID   = "hearth-test-1"
	genesis   = 1_700_000_000
	authority = "hearth1governance"
)

// fatal is what of testing's and rapid's T is used here.
type fatal interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func key(t fatal, n byte) drand.SecretKey {
	t.Helper()
	k, err := drand.NewSecretKey(bytes.Repeat([]byte{n}, drand.LeastSeed))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// validators are four with a key each, whose addresses are one byte.
type validators map[byte]drand.SecretKey

func (v validators) BeaconKey(_ context.Context, address []byte) ([]byte, bool, error) {
	k, ok := v[address[0]]
	if !ok {
		return nil, false, nil
	}
	p := k.Public()
	return p[:], true, nil
}

// node is one node's beacon: a keeper over a store of its own, fed block by
// block.
type node struct {
	t          fatal
	keeper     *beacon.Keeper
	store      corestore.KVStoreService
	ctx        sdk.Context
	validators validators
	beacon     drand.SecretKey
	speaks     bool // the beacon does
}

func codecs() codec.Codec { return codec.NewProtoCodec(codectypes.NewInterfaceRegistry()) }

// empty is a node without state.
func empty(t fatal) *node {
	t.Helper()
	v := validators{}
	for i := range byte(4) {
		v[i] = key(t, 100+i)
	}
	name := storetypes.NewKVStoreKey(beacon.ModuleName)
	ctx := testutil.DefaultContext(name, storetypes.NewTransientStoreKey("transient"))
	service := runtime.NewKVStoreService(name)
	k, err := beacon.NewKeeper(codecs(), service, authority, v)
	if err != nil {
		t.Fatal(err)
	}
	ctx = ctx.WithChainID(chainID).WithBlockTime(time.Unix(genesis+100, 0)).WithBlockHeight(0)
	return &node{t: t, keeper: k, store: service, ctx: ctx, validators: v, beacon: key(t, 1), speaks: true}
}

func params(t fatal) beacon.Params {
	t.Helper()
	p := beacon.LocalParams(drand.Local(key(t, 1).Public(), genesis, 3))
	p.Margin, p.MaxRounds, p.StaleAfter, p.StaleBlocks, p.FallbackDelay, p.Keep = 4, 5, 30, 6, 3, 1100
	return p
}

// start is a node at the beginning of a chain.
func start(t fatal, p beacon.Params) *node {
	t.Helper()
	n := empty(t)
	if err := n.keeper.InitGenesis(n.ctx, beacon.GenesisState{Params: p}); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *node) next(seconds int64, proposer byte) rule.Block {
	return rule.Block{
		ChainID: chainID, Height: n.ctx.BlockHeight() + 1, Time: n.ctx.BlockTime().Unix() + seconds, Proposer: []byte{proposer},
	}
}

// sources are what a proposer's node has.
func (n *node) sources(b rule.Block) beacon.Sources {
	s := beacon.Sources{}
	if n.speaks {
		s.Rounds = func(first uint64, most int) (out []drand.Signature) {
			for i := range uint64(max(most, 0)) {
				r, err := n.beacon.SignRound(first + i)
				if err != nil {
					n.t.Fatal(err)
				}
				out = append(out, r.Signature)
			}
			return out
		}
	}
	if k, ok := n.validators[b.Proposer[0]]; ok {
		s.Reveal = func(m []byte) (drand.Signature, error) { return k.Sign(drand.Reveals, m) }
	}
	return s
}

func (n *node) prepare(b rule.Block) []byte {
	n.t.Helper()
	tx, err := n.keeper.Prepare(n.ctx, b, n.sources(b))
	if err != nil {
		n.t.Fatal(err)
	}
	return tx
}

// execute runs a block in which something waits for a value.
func (n *node) execute(b rule.Block, tx []byte) {
	n.t.Helper()
	n.ctx = n.ctx.WithBlockHeight(b.Height).WithBlockTime(time.Unix(b.Time, 0)).WithEventManager(sdk.NewEventManager())
	if err := n.keeper.PreBlock(n.ctx, b, tx); err != nil {
		n.t.Fatal(err)
	}
	if err := n.keeper.Await(n.ctx, b.Height); err != nil {
		n.t.Fatal(err)
	}
	if err := invariant.Check(n.ctx, n.keeper.Invariants()...); err != nil {
		n.t.Fatalf("after block %d: %v", b.Height, err)
	}
}

func (n *node) export() *beacon.GenesisState {
	n.t.Helper()
	g, err := n.keeper.ExportGenesis(n.ctx)
	if err != nil {
		n.t.Fatal(err)
	}
	return g
}

func (n *node) value(height int64) (value [32]byte, known bool) {
	n.t.Helper()
	value, _, known, err := n.keeper.Value(n.ctx, height)
	if err != nil {
		n.t.Fatal(err)
	}
	return value, known
}
