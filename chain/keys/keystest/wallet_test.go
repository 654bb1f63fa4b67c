package keystest_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cosmos/cosmos-sdk/crypto/hd"
	"github.com/cosmos/cosmos-sdk/types/bech32"
	"github.com/cosmos/go-bip39"
	"pgregory.net/rapid"

	"hearth/chain/keys"
)

func TestMnemonicsAndKeysAreThoseOfWallets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entropy := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "entropy")
		if short := rapid.SampledFrom([]int{16, 20, 24, 28, 32}).Draw(t, "bytes"); short < 32 {
			entropy = entropy[:short]
		}
		want, err := bip39.NewMnemonic(entropy)
		if err != nil {
			t.Fatal(err)
		}
		m, err := keys.ParseMnemonic("  " + strings.ToUpper(strings.ReplaceAll(want, " ", "\n ")))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(m.Words(), " "); got != want {
			t.Fatalf("words %q, want %q", got, want)
		}
		if len(entropy) == 32 {
			if m, err = keys.NewMnemonic(bytes.NewReader(entropy)); err != nil || strings.Join(m.Words(), " ") != want {
				t.Fatalf("drawn: %q, want %q (%v)", m.Words(), want, err)
			}
		}
		number := rapid.Uint32Range(0, 1<<31-1).Draw(t, "number")
		passphrase := rapid.StringMatching(`[a-zA-Z ]{0,12}`).Draw(t, "passphrase")
		theirs, err := hd.Secp256k1.Derive()(want, passphrase, hd.CreateHDPath(118, 0, number).String())
		if err != nil {
			t.Fatal(err)
		}
		k, err := m.Key(number, passphrase)
		if err != nil || !bytes.Equal(k.Bytes(), theirs) {
			t.Fatalf("key %d: %v, the SDK derives another", number, err)
		}
	})
}

func TestTheAddressThatWalletsShow(t *testing.T) {
	m, err := keys.ParseMnemonic("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about")
	if err != nil {
		t.Fatal(err)
	}
	k, err := m.Key(0, "")
	if err != nil {
		t.Fatal(err)
	}
	a := k.Address()
	got, err := bech32.ConvertAndEncode("cosmos", a[:])
	if want := "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4"; err != nil || got != want {
		t.Errorf("on the Cosmos Hub these words open %s, want %s (%v)", got, want, err)
	}
}
