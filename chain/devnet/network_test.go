package devnet_test

import (
	"testing"
	"time"

	"cosmossdk.io/log/v2"

	"hearth/chain/devnet"
	"hearth/chain/node"
)

func TestFourValidatorsAgree(t *testing.T) {
	n, err := devnet.Create(devnet.Plan{Home: t.TempDir(), ChainID: "hearth-test", Validators: 4, Pace: devnet.Fast}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var running []*node.Running
	for i := range n.Nodes {
		r, err := n.Files(i).Start(t.Context(), log.NewNopLogger())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Stop() })
		running = append(running, r)
	}
	deadline := time.Now().Add(time.Minute)
	for _, r := range running {
		for r.App.LastBlockHeight() < 10 {
			if time.Now().After(deadline) {
				t.Fatal("no tenth block in a minute")
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	height := int64(9)
	var want string
	for i, r := range running {
		b, err := r.Client.Block(t.Context(), &height)
		if err != nil {
			t.Fatal(err)
		}
		got := b.Block.AppHash.String()
		if i == 0 {
			want = got
		}
		if got != want {
			t.Errorf("node %d has application hash %s, node 0 %s", i, got, want)
		}
	}
}
