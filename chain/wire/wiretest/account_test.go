package wiretest_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	"github.com/cosmos/cosmos-sdk/types/bech32"
	"pgregory.net/rapid"

	"hearth/chain/wire"
)

func TestAddressesAreThoseOfTheChain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := keys().Draw(t, "key")
		theirs := secp256k1.PrivKey{Key: k.Bytes()}
		if pub := k.PublicKey(); !bytes.Equal(pub[:], theirs.PubKey().Bytes()) {
			t.Fatalf("public key %x, the chain has %x", pub, theirs.PubKey().Bytes())
		}
		want, err := bech32.ConvertAndEncode("hearth", theirs.PubKey().Address())
		if err != nil {
			t.Fatal(err)
		}
		if got := k.Address().String(); got != want {
			t.Fatalf("address %s, the chain has %s", got, want)
		}
		back, err := wire.ParseAddress(want)
		if err != nil || back != k.Address() {
			t.Fatalf("ParseAddress(%s) = %v, %v", want, back, err)
		}
		if up, err := wire.ParseAddress(strings.ToUpper(want)); err != nil || up != back {
			t.Fatalf("in upper case: %v, %v", up, err)
		}
	})
}

func TestSignaturesAreThoseOfTheChain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := keys().Draw(t, "key")
		msg := rapid.SliceOf(rapid.Byte()).Draw(t, "message")
		theirs := secp256k1.PrivKey{Key: k.Bytes()}
		want, err := theirs.Sign(msg)
		if err != nil {
			t.Fatal(err)
		}
		sig := k.Sign(msg)
		if !bytes.Equal(sig, want) {
			t.Fatalf("signature %x, the chain's code makes %x", sig, want)
		}
		if !theirs.PubKey().VerifySignature(msg, sig) || !k.PublicKey().Verify(msg, sig) {
			t.Fatal("the signature does not verify")
		}
		at := rapid.IntRange(0, 63).Draw(t, "changed byte")
		sig[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "changed bit")
		if k.PublicKey().Verify(msg, sig) {
			t.Fatalf("verifies with byte %d changed", at)
		}
	})
}
