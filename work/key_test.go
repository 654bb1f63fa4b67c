package work

import (
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"
)

// For a point of small order a signature can be made up, and the library takes
// it: nobody's name may be such a key.
func TestKeysForWhichAnybodySignsAreNobodys(t *testing.T) {
	var small []Key
	for _, digits := range []string{
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	} {
		var k Key
		if err := k.UnmarshalText([]byte(digits)); err != nil {
			t.Fatal(err)
		}
		small = append(small, k)
	}
	for _, k := range small {
		forged := false
		for i := 0; i < 200 && !forged; i++ {
			signature := append([]byte{1}, make([]byte, 63)...) // R is the neutral point, S is 0
			forged = ed25519.Verify(k[:], fmt.Append(nil, i), signature)
		}
		if !forged {
			t.Errorf("%x: no signature could be forged: the test shows nothing", k)
		}
		if err := k.Check(); err == nil || !strings.Contains(err.Error(), "small order") {
			t.Errorf("%x is taken for an executor's: %v", k, err)
		}
	}
}

func TestKeysHaveOneEncoding(t *testing.T) {
	p := Key{0: 0xED, 31: 0x7F} // 2^255 - 19
	for i := 1; i < 31; i++ {
		p[i] = 0xFF
	}
	for y := range 19 {
		for _, sign := range []byte{0, 0x80} {
			k := p
			k[0] += byte(y)
			k[31] |= sign
			if err := k.Check(); err == nil || !strings.Contains(err.Error(), "one encoding") {
				t.Errorf("%x, which is %d, is taken for an executor's: %v", k, y, err)
			}
		}
	}
	below := p
	below[0] -= 2
	for _, k := range []Key{below, Key(vectorKey().Public().(ed25519.PublicKey))} {
		if err := k.Check(); err != nil {
			t.Errorf("%x: %v", k, err)
		}
	}
}
