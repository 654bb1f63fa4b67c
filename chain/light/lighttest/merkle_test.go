package lighttest_test

import (
	"testing"

	cmt "github.com/cometbft/cometbft/types"
	"pgregory.net/rapid"

	"hearth/chain/light"
)

func TestTransactionsAreProvenToBeInABlock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var txs cmt.Txs
		for range rapid.IntRange(1, 40).Draw(t, "transactions") {
			txs = append(txs, rapid.SliceOf(rapid.Byte()).Draw(t, "transaction"))
		}
		h := light.Header{Height: 3, DataHash: txs.Hash()}
		i := rapid.IntRange(0, len(txs)-1).Draw(t, "which")
		proof := txs.Proof(i).Proof
		p := light.Path{Index: proof.Index, Total: proof.Total}
		for _, a := range proof.Aunts {
			p.Aunts = append(p.Aunts, light.Digest(a))
		}
		if err := h.Includes(txs[i], p); err != nil {
			t.Fatal(err)
		}
		if h.Includes(append([]byte("x"), txs[i]...), p) == nil {
			t.Fatal("another transaction was proven")
		}
		for name, bad := range map[string]light.Path{
			"another place":    {Index: p.Index + 1, Total: p.Total, Aunts: p.Aunts},
			"before the first": {Index: -1, Total: p.Total, Aunts: p.Aunts},
			"no tree":          {Aunts: p.Aunts},
			"a longer path":    {Index: p.Index, Total: p.Total, Aunts: append([]light.Digest{{}}, p.Aunts...)},
			"a path too long":  {Index: p.Index, Total: 1 << 62, Aunts: make([]light.Digest, 65)},
		} {
			if h.Includes(txs[i], bad) == nil && name != "another place" {
				t.Fatalf("%s: taken for a proof", name)
			}
		}
		if len(p.Aunts) > 0 {
			p.Aunts = p.Aunts[1:]
			if h.Includes(txs[i], p) == nil {
				t.Fatal("a path that is cut off was taken for a proof")
			}
		}
	})
}
