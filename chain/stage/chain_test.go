package stage

import (
	"math"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	cryptoenc "github.com/cometbft/cometbft/crypto/encoding"
)

// What CometBFT would stop at is found.
func TestChangesOfValidators(t *testing.T) {
	update := func(n byte, power int64) abci.ValidatorUpdate {
		key, err := cryptoenc.PubKeyToProto(cmted25519.GenPrivKeyFromSecret([]byte{n}).PubKey())
		if err != nil {
			t.Fatal(err)
		}
		return abci.ValidatorUpdate{PubKey: key, Power: power}
	}
	two, err := change(nil, []abci.ValidatorUpdate{update(1, 10), update(2, 20)})
	if err != nil || len(two) != 2 {
		t.Fatalf("two validators: %v, %v", two, err)
	}
	for _, c := range []struct {
		what    string
		updates []abci.ValidatorUpdate
		left    int // 0 for what cannot be
	}{
		{"nothing", nil, 2},
		{"more power", []abci.ValidatorUpdate{update(1, 30)}, 2},
		{"a third", []abci.ValidatorUpdate{update(3, 1)}, 3},
		{"one goes", []abci.ValidatorUpdate{update(1, 0)}, 1},
		{"all go", []abci.ValidatorUpdate{update(1, 0), update(2, 0)}, 0},
		{"who is not there goes", []abci.ValidatorUpdate{update(3, 0)}, 0},
		{"one twice", []abci.ValidatorUpdate{update(1, 1), update(1, 2)}, 0},
		{"less than nothing", []abci.ValidatorUpdate{update(1, -1)}, 0},
		{"too much", []abci.ValidatorUpdate{update(1, math.MaxInt64/8)}, 0},
	} {
		after, err := change(two, c.updates)
		if (err == nil) != (c.left > 0) || len(after) != c.left {
			t.Errorf("%s: %d validators, %v", c.what, len(after), err)
		}
	}
}
