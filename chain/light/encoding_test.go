package light_test

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

func FuzzDecodeBlock(f *testing.F) {
	b := ours(plan{height: 3, vals: equals(0, 2), votes: map[int]cmt.BlockIDFlag{1: cmt.BlockIDFlagAbsent}}.make())
	f.Add(b.Encode())
	f.Add([]byte{0x1a, 0x00, 0x1a, 0x00})
	f.Add([]byte{0x12, 0x04, 0x22, 0x02, 0x08, 0x09})
	f.Fuzz(func(t *testing.T, in []byte) {
		b, err := light.DecodeBlock(in)
		if err != nil {
			return
		}
		// A block has one encoding, but for fields written out with their default.
		again, err := light.DecodeBlock(b.Encode())
		if err != nil || !cmp.Equal(b, again) {
			t.Fatalf("read as %+v, and when written again as %+v (%v)", b, again, err)
		}
	})
}
