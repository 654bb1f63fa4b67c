package beacon_test

import (
	"errors"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"hearth/chain/beacon"
	"hearth/chain/beacon/drand"
	"hearth/chain/beacon/rule"
	"hearth/chain/invariant"
)

func TestOnlyGovernanceChangesParams(t *testing.T) {
	n := start(t, params(t))
	p := params(t)
	p.MaxRounds = 7
	for _, who := range []string{"", "hearth1somebody"} {
		if _, err := n.keeper.Messages().UpdateParams(n.ctx, &beacon.MsgUpdateParams{Authority: who, Params: p}); !errors.Is(err, beacon.ErrAuthority) {
			t.Errorf("%q: %v", who, err)
		}
	}
	p.Margin = 0
	if _, err := n.keeper.Messages().UpdateParams(n.ctx, &beacon.MsgUpdateParams{Authority: authority, Params: p}); !errors.Is(err, beacon.ErrParams) {
		t.Errorf("parameters without margin: %v", err)
	}
	p.Margin = 2
	before := n.export().State
	if _, err := n.keeper.Messages().UpdateParams(n.ctx, &beacon.MsgUpdateParams{Authority: authority, Params: p}); err != nil {
		t.Fatal(err)
	}
	if got, err := n.keeper.Params(n.ctx); err != nil || got.MaxRounds != 7 {
		t.Errorf("parameters %v, %v", got, err)
	}
	if after := n.export().State; after.LastRound != before.LastRound {
		t.Error("other parameters than the chain's move its rounds")
	}
}

// The network turns to another drand chain while claims wait: they wait for
// rounds of the new one, which nobody can know yet.
func TestFollowingAnotherChain(t *testing.T) {
	n := start(t, params(t))
	for range 3 {
		b := n.next(2, 0)
		n.execute(b, n.prepare(b))
	}
	p := params(t)
	other := drand.Local(key(t, 2).Public(), genesis-500, 2)
	p.PublicKey, p.ChainHash, p.GenesisTime, p.Period = other.PublicKey[:], other.Hash[:], other.Genesis, 2
	if _, err := n.keeper.Messages().UpdateParams(n.ctx, &beacon.MsgUpdateParams{Authority: authority, Params: p}); err != nil {
		t.Fatal(err)
	}
	if err := invariant.Check(n.ctx, n.keeper.Invariants()...); err != nil {
		t.Fatal(err)
	}
	changed := n.ctx.BlockTime().Unix()
	n.beacon = key(t, 2)
	for range 8 {
		b := n.next(2, 0)
		n.execute(b, n.prepare(b))
	}
	for h := int64(2); h <= 3; h++ {
		q, err := n.keeper.Queries().Value(n.ctx, &beacon.QueryValueRequest{Height: h})
		if err != nil {
			t.Fatal(err)
		}
		if at := other.TimeOf(q.Value.Round); at <= changed+int64(p.Margin) {
			t.Errorf("height %d waits for round %d of %d s after the change", h, q.Value.Round, at-changed)
		}
		r, err := key(t, 2).SignRound(q.Value.Round)
		if err != nil {
			t.Fatal(err)
		}
		if v, known := n.value(h); !known || v != rule.Value(chainID, h, r.Signature.Randomness()) {
			t.Errorf("height %d has the value %x, known %v", h, v, known)
		}
	}
}

func TestQueries(t *testing.T) {
	n := start(t, params(t))
	for range 6 {
		b := n.next(3, 0)
		n.execute(b, n.prepare(b))
	}
	q := n.keeper.Queries()
	s, err := q.Status(n.ctx, &beacon.QueryStatusRequest{})
	if err != nil || !s.Params.Local || s.State.LastRound == 0 {
		t.Fatalf("status %v, %v", s, err)
	}
	r, err := q.Round(n.ctx, &beacon.QueryRoundRequest{Number: s.State.LastRound})
	if err != nil || r.Round.Height != s.State.LastRoundHeight {
		t.Errorf("the last round: %v, %v", r, err)
	}
	v, err := q.Value(n.ctx, &beacon.QueryValueRequest{Height: 1})
	if err != nil || len(v.Value.Value) != 32 || v.Value.Round == 0 {
		t.Errorf("the value of height 1: %v, %v", v, err)
	}
	if _, err := q.Round(n.ctx, &beacon.QueryRoundRequest{Number: s.State.LastRound + 1}); status.Code(err) != codes.NotFound {
		t.Errorf("a round of the future: %v", err)
	}
	for _, h := range []int64{0, -1, 99} {
		if _, err := q.Value(n.ctx, &beacon.QueryValueRequest{Height: h}); status.Code(err) != codes.NotFound {
			t.Errorf("height %d: %v", h, err)
		}
	}
}

// A block that catches up with as many rounds as it may.
func BenchmarkPreBlock(b *testing.B) {
	p := params(b)
	p.MaxRounds = 64
	n := start(b, p)
	block := n.next(3*64, 0)
	tx := n.prepare(block)
	n.ctx = n.ctx.WithBlockHeight(block.Height)
	for b.Loop() {
		ctx, _ := n.ctx.CacheContext()
		if err := n.keeper.PreBlock(ctx, block, tx); err != nil {
			b.Fatal(err)
		}
	}
}
