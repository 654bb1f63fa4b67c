package beacon

import (
	"bytes"
	"testing"

	"hearth/chain/beacon/drand"
	"hearth/chain/beacon/rule"
)

func FuzzInjection(f *testing.F) {
	for _, in := range []rule.Injection{
		{First: 1, Rounds: make([]drand.Signature, 1)},
		{First: 1 << 40, Rounds: make([]drand.Signature, 64), Reveal: &drand.Signature{1}},
		{Reveal: new(drand.Signature)},
	} {
		tx, err := encode(in)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(tx)
	}
	f.Add([]byte(mark))
	f.Add([]byte{0x0a})
	f.Fuzz(func(t *testing.T, tx []byte) {
		in, err := decode(tx)
		if err != nil {
			return
		}
		if again, err := encode(in); err != nil || !bytes.Equal(again, tx) {
			t.Fatalf("%x is written again as %x, %v", tx, again, err)
		}
	})
}
