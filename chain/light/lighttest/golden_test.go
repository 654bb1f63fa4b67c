package lighttest_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"testing"

	cmt "github.com/cometbft/cometbft/types"
)

var update = flag.Bool("update", false, "write the golden vectors of package light anew")

// The vectors that package light is tested with were made by CometBFT, the SDK
// and IAVL: a chain of blocks, and proofs of its state. Each line is a name and
// bytes in hexadecimal.
func TestGoldenVectorsAreMadeByTheRealCode(t *testing.T) {
	var out bytes.Buffer
	line := func(name string, b []byte) { fmt.Fprintf(&out, "%s %s\n", name, hex.EncodeToString(b)) }

	s := example(t)
	vals, later := equals(0, 4), members(map[int]int64{0: 10, 1: 10, 2: 10, 7: 15})
	root := plan{height: 3, vals: vals}.make()
	next := plan{height: 4, vals: vals, app: s.header.AppHash, round: 1, votes: map[int]cmt.BlockIDFlag{2: cmt.BlockIDFlagNil}}.make()
	far := plan{height: 900, vals: later, votes: map[int]cmt.BlockIDFlag{1: cmt.BlockIDFlagAbsent}}.make()
	for name, b := range map[string]*cmt.LightBlock{"": root, "next": next, "far": far} {
		if err := b.ValidateBasic(chainName); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	line("root", ours(root).Encode())
	line("root-hash", root.Header.Hash())
	line("next", ours(next).Encode())
	line("next-hash", next.Header.Hash())
	line("far", ours(far).Encode())
	line("far-hash", far.Header.Hash())
	for _, n := range []int{51, 50, 0, 201} {
		value, p := s.ask(t, "work", key(n))
		line("key", key(n))
		line("value", value)
		line("proof", p.Store)
		line("stores", p.Stores)
	}

	const file = "../testdata/vectors.txt"
	if *update {
		if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Error("the vectors are not those that the real code makes: run go test ./chain/light/lighttest -update and look at the difference")
	}
}
