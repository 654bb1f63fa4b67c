package lighttest_test

import (
	"bytes"
	"testing"

	cmt "github.com/cometbft/cometbft/types"
	"github.com/google/go-cmp/cmp"

	"hearth/chain/light"
	"hearth/chain/wire"
)

func TestBlocksAreEncodedAsTheChainDoes(t *testing.T) {
	b := plan{height: 3, vals: equals(0, 5), round: 2, votes: map[int]cmt.BlockIDFlag{1: cmt.BlockIDFlagAbsent, 3: cmt.BlockIDFlagNil}}.make()
	header, err := b.Header.ToProto().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	commit, err := b.Commit.ToProto().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var want wire.Message
	want.Element(1, header)
	want.Element(2, commit)
	for _, v := range b.ValidatorSet.Validators {
		want.Element(3, v.Bytes())
	}
	got := ours(b).Encode()
	if !bytes.Equal(got, want.Bytes()) {
		t.Fatalf("encoded:\n%x\nCometBFT's code makes:\n%x", got, want.Bytes())
	}
	back, err := light.DecodeBlock(got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ours(b), back); diff != "" {
		t.Errorf("read back (-written +read):\n%s", diff)
	}
}
