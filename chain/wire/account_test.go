package wire_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"hearth/chain/wire"
)

func TestASignatureHasOneForm(t *testing.T) {
	k := key(t, 1)
	msg := []byte("pay the baker")
	sig := k.Sign(msg)
	// n - s is as good a signature to mathematics, and another transaction hash.
	n, _ := hex.DecodeString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
	other := bytes.Clone(sig)
	borrow := 0
	for i := 31; i >= 0; i-- {
		d := int(n[i]) - int(sig[32+i]) - borrow
		borrow = 0
		if d < 0 {
			d, borrow = d+256, 1
		}
		other[32+i] = byte(d)
	}
	if k.PublicKey().Verify(msg, other) {
		t.Error("a signature with s in the upper half was accepted")
	}
	if k.PublicKey().Verify(msg, sig[:63]) || k.PublicKey().Verify(msg, append(sig, 0)) {
		t.Error("a signature of another length was accepted")
	}
	if (wire.PublicKey{2}).Verify(msg, sig) {
		t.Error("a public key that is not on the curve was accepted")
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	good := key(t, 7).Address().String()
	swapped := []byte(good)
	swapped[10], swapped[11] = swapped[11], swapped[10]
	if string(swapped) == good {
		swapped[10] ^= 1
	}
	for _, c := range []struct{ name, in, says string }{
		{"nothing", "", "not a prefix"},
		{"no separator", "hearth", "not a prefix"},
		{"two letters swapped", string(swapped), "checksum"},
		{"a letter lost", good[:len(good)-1], "checksum"},
		{"a letter outside the alphabet", good[:20] + "b" + good[21:], "not one of bech32"},
		{"mixed case", strings.ToUpper(good[:10]) + good[10:], "case"},
		{"another chain", "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4", `starts with "cosmos"`},
		{"32 bytes", "hearth1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqzlsd3f", "32 bytes"},
		{"300 characters", "hearth1" + strings.Repeat("q", 300), "too many"},
	} {
		_, err := wire.ParseAddress(c.in)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one that says %q", c.name, err, c.says)
		}
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	order, _ := hex.DecodeString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
	for name, b := range map[string][]byte{"empty": nil, "31 bytes": make([]byte, 31), "zero": make([]byte, 32), "the group's order": order} {
		if _, err := wire.KeyFromBytes(b); err == nil {
			t.Errorf("%s was taken for a key", name)
		}
	}
}

func TestKeysDoNotPrintTheirSecret(t *testing.T) {
	k := key(t, 9)
	secret := k.Bytes()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		out := fmt.Sprintf(verb, k) + fmt.Sprintf(verb, &k) + fmt.Sprintf(verb, struct{ K wire.Key }{k})
		if strings.Contains(strings.ToLower(out), hex.EncodeToString(secret)[48:]) || strings.Contains(out, fmt.Sprint(secret)) {
			t.Errorf("%s prints the secret: %s", verb, out)
		}
		if !strings.Contains(out, k.Address().String()) {
			t.Errorf("%s does not print the address: %s", verb, out)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	f.Add(key(f, 1).Address().String())
	f.Add("hearth1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq")
	f.Add("1")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := wire.ParseAddress(s)
		if err == nil && a.String() != strings.ToLower(s) {
			t.Fatalf("%q is read as %v", s, a)
		}
	})
}
