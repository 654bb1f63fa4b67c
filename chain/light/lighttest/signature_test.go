package lighttest_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"testing"

	cometbft "github.com/cometbft/cometbft/crypto/ed25519"
	"pgregory.net/rapid"

	"hearth/chain/light"
)

// The eight points of small order, and ways to write them and other points
// that a strict reader refuses (from the definition of ZIP-215's tests: the
// y coordinates 0, 1, -1 and those of order 8, and the same plus p).
var oddPoints = []string{
	"0100000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000080",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
}

// With keys and nonces of small order and s = 0 every message is signed under
// ZIP-215, and few are under the standard library's rules. CometBFT's nodes take
// all of these, and so does this client.
func TestSignaturesInCornersAreJudgedAsCometBFTDoes(t *testing.T) {
	stricter := 0
	for _, key := range oddPoints {
		for _, nonce := range oddPoints {
			k, _ := hex.DecodeString(key)
			r, _ := hex.DecodeString(nonce)
			sig := append(r, make([]byte, 32)...)
			msg := []byte("Zcash")
			want := cometbft.PubKey(k).VerifySignature(msg, sig)
			if got := (light.Validator{Key: [32]byte(k)}).Verify(msg, sig); got != want {
				t.Errorf("key %s, nonce %s: %v, CometBFT says %v", key, nonce, got, want)
			}
			std := ed25519.Verify(k, msg, sig)
			if std && !want {
				t.Errorf("key %s, nonce %s: the standard library takes what CometBFT refuses", key, nonce)
			}
			if want && !std {
				stricter++
			}
		}
	}
	if stricter == 0 {
		t.Error("no corner was found in which the standard library is stricter: the second look is for nothing")
	}
}

func TestSignaturesAreJudgedAsCometBFTDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		priv := cometbft.GenPrivKeyFromSecret(rapid.SliceOf(rapid.Byte()).Draw(t, "secret"))
		msg := rapid.SliceOf(rapid.Byte()).Draw(t, "message")
		sig, err := priv.Sign(msg)
		if err != nil {
			t.Fatal(err)
		}
		key := [32]byte(priv.PubKey().Bytes())
		sig = bytes.Clone(sig)
		switch rapid.IntRange(0, 5).Draw(t, "damage") {
		case 1:
			sig[rapid.IntRange(0, 63).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		case 2: // s + the group's order: the same number, written in a second way
			order, _ := hex.DecodeString("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
			carry := 0
			for i, o := range order {
				sum := int(sig[32+i]) + int(o) + carry
				sig[32+i], carry = byte(sum), sum>>8
			}
		case 3:
			r, _ := hex.DecodeString(rapid.SampledFrom(oddPoints).Draw(t, "nonce"))
			copy(sig, r)
		case 4:
			k, _ := hex.DecodeString(rapid.SampledFrom(oddPoints).Draw(t, "key"))
			copy(key[:], k)
		case 5:
			sig = sig[:rapid.IntRange(0, 63).Draw(t, "length")]
		}
		want := cometbft.PubKey(key[:]).VerifySignature(msg, sig)
		if got := (light.Validator{Key: key}).Verify(msg, sig); got != want {
			t.Fatalf("%v, CometBFT says %v", got, want)
		}
	})
}
