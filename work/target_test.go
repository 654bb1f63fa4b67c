package work

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"hearth/infer/model"
)

func number(le []byte) *big.Int {
	be := make([]byte, len(le))
	for i, b := range le {
		be[len(le)-1-i] = b
	}
	return new(big.Int).SetBytes(be)
}

func TestATicketWinsIfItIsAtMostTheTargetTimesItsWork(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b [32]byte
		copy(b[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "target"))
		for i := range rapid.IntRange(0, 30).Draw(t, "zeros") {
			b[31-i] = 0
		}
		b[29] &= 7
		b[30], b[31] = 0, 0
		target, err := NewTarget(b)
		if err != nil {
			t.Fatal(err)
		}
		if target.Bytes() != b {
			t.Fatal("a target is another once read")
		}
		work := TileWork(64 * rapid.IntRange(4, 256).Draw(t, "k"))
		limit := new(big.Int).Mul(number(b[:]), new(big.Int).SetUint64(work))
		if limit.BitLen() > 256 {
			t.Fatal("the limit leaves 256 bits")
		}
		// Near the limit and anywhere.
		near := new(big.Int).Add(limit, big.NewInt(int64(rapid.IntRange(-2, 2).Draw(t, "off"))))
		if near.Sign() < 0 || near.BitLen() > 256 {
			return
		}
		var ticket model.Hash
		near.FillBytes(ticket[:])
		for i := range 16 {
			ticket[i], ticket[31-i] = ticket[31-i], ticket[i]
		}
		if got, want := target.Accepts(ticket, work), near.Cmp(limit) <= 0; got != want {
			t.Fatalf("accepts %v, want %v", got, want)
		}
	})
}

func TestTargetsAreBounded(t *testing.T) {
	most := new(big.Int).Div(new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1)), big.NewInt(MaxTileWork))
	easiest := TargetFor(0).Bytes()
	if number(easiest[:]).Cmp(most) != 0 {
		t.Errorf("the easiest target is %x, want %x", number(easiest[:]), most)
	}
	var b [32]byte
	b[29] = 8 // 2^235
	if _, err := NewTarget(b); err == nil {
		t.Error("a target of 2^235 is taken")
	}
	if MaxTileWork != 1<<21 {
		t.Errorf("MaxTileWork is %d", MaxTileWork)
	}
	hard := TargetFor(1 << 40).Bytes()
	if want := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 216), big.NewInt(1)); number(hard[:]).Cmp(want) != 0 {
		t.Errorf("the target for 2^40 is %x", number(hard[:]))
	}
}
