package relay

import (
	"strings"
	"testing"
)

func FuzzDecodeRound(f *testing.F) {
	f.Add([]byte(`{"round":42,"signature":"95a9f9f5b231b7714de1553105d8ffdf3dcda24cfdb1e689319bccf79a9c8ce430a91b811fbfaf763900bc998b5d686a"}`))
	f.Add([]byte(`{"round":1000,"randomness":"fe","signature":"b446"}`))
	f.Add([]byte(`{"round":-1,"signature":"` + strings.Repeat("0", 96) + `"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRound(b)
		if err == nil && r.Number == 0 && !strings.Contains(strings.ToLower(string(b)), "signature") {
			t.Fatalf("%q is read as a round", b)
		}
	})
}
