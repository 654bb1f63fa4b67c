package follower

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"hearth/chain/light"
)

// FuzzDecodeTrust gives the decoder files whose checksum is right: a checksum
// keeps out accidents, not people.
func FuzzDecodeTrust(f *testing.F) {
	text, err := os.ReadFile("../testdata/vectors.txt")
	if err != nil {
		f.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	b, err := hex.DecodeString(strings.TrimPrefix(first, "root "))
	if err != nil {
		f.Fatal(err)
	}
	block, err := light.DecodeBlock(b)
	if err != nil {
		f.Fatal(err)
	}
	t := trust{chain: block.Header.Chain}.with(block)
	head := len(title) + sha256.Size
	f.Add(t.encode()[head:])
	t.fork = &light.Fork{Common: block, Ours: block, Theirs: block}
	f.Add(t.encode()[head:])
	f.Fuzz(func(t *testing.T, body []byte) {
		sum := sha256.Sum256(body)
		got, err := decodeTrust(append(append([]byte(title), sum[:]...), body...))
		if err != nil {
			return
		}
		again, err := decodeTrust(got.encode())
		if err != nil || !bytes.Equal(again.encode(), got.encode()) {
			t.Fatalf("read, and when written again not: %v", err)
		}
	})
}
