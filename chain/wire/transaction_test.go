package wire_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"hearth/chain/wire"
)

func TestTransactionsThatCannotBeSigned(t *testing.T) {
	msg := []wire.Any{wire.Send(key(t, 1).Address(), key(t, 2).Address(), wire.Coin{Denom: "uhth", Amount: 1})}
	soon := time.Unix(1_900_000_000, 0)
	chain := wire.Signer{Chain: "hearth-1"}
	for _, c := range []struct {
		name string
		x    wire.Transaction
		as   wire.Signer
		says string
	}{
		{"no message", wire.Transaction{}, chain, "no message"},
		{"no chain", wire.Transaction{Messages: msg}, wire.Signer{}, "chain's name"},
		{"a coin of 0", wire.Transaction{Messages: msg, Fee: []wire.Coin{{Denom: "uhth"}}}, chain, "none of 0"},
		{"coins out of order", wire.Transaction{Messages: msg, Fee: []wire.Coin{{Denom: "b", Amount: 1}, {Denom: "a", Amount: 1}}}, chain, "sorted"},
		{"a coin twice", wire.Transaction{Messages: msg, Fee: []wire.Coin{{Denom: "a", Amount: 1}, {Denom: "a", Amount: 1}}}, chain, "each once"},
		{"gas beyond counting", wire.Transaction{Messages: msg, Gas: math.MaxUint64}, chain, "more gas"},
		{"unordered for ever", wire.Transaction{Messages: msg, Unordered: true}, chain, "void"},
		{"unordered with a turn", wire.Transaction{Messages: msg, Unordered: true, TimeoutTime: soon}, wire.Signer{Chain: "hearth-1", Sequence: 3}, "sequence 0"},
	} {
		_, err := c.x.Sign(key(t, 1), c.as)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one that says %q", c.name, err, c.says)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	k := key(b, 1)
	x := wire.Transaction{Gas: 200_000, Messages: []wire.Any{wire.Send(k.Address(), key(b, 2).Address(), wire.Coin{Denom: "uhth", Amount: 1})}}
	for b.Loop() {
		if _, err := x.Sign(k, wire.Signer{Chain: "hearth-1"}); err != nil {
			b.Fatal(err)
		}
	}
}
