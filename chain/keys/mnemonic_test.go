package keys

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

func TestTheWordListIsTheStandards(t *testing.T) {
	// SHA-256 of english.txt in the repository of the BIPs.
	const want = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
	if got := fmt.Sprintf("%x", sha256.Sum256([]byte(english))); got != want {
		t.Errorf("the list hashes to %s, want %s", got, want)
	}
}

// From the test vectors that BIP-39 names: entropy, words and seed, all with
// the passphrase TREZOR.
func TestVectorsOfBIP39(t *testing.T) {
	for _, c := range []struct{ entropy, words, seed string }{
		{
			"00000000000000000000000000000000",
			"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
			"c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04",
		},
		{
			"7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
			"legal winner thank year wave sausage worth useful legal winner thank yellow",
			"2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607",
		},
		{
			"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
			"zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo vote",
			"dd48c104698c30cfe2b6142103248622fb7bb0ff692eebb00089b32d22484e1613912f0a5b694407be899ffd31ed3992c456cdf60f5d4564b8ba3f05a69890ad",
		},
	} {
		m, err := ParseMnemonic(c.words)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(m.entropy); got != c.entropy {
			t.Errorf("%s: entropy %s, want %s", c.words, got, c.entropy)
		}
		if got := strings.Join(m.Words(), " "); got != c.words {
			t.Errorf("words %s, want %s", got, c.words)
		}
		seed, err := m.seed("TREZOR")
		if got := hex.EncodeToString(seed); err != nil || got != c.seed {
			t.Errorf("%s: seed %s, want %s (%v)", c.words, got, c.seed, err)
		}
	}
}

// Test vector 1 of BIP-32: the secret keys along m/0'/1/2'/2/1000000000.
func TestVectorsOfBIP32(t *testing.T) {
	seed, _ := hex.DecodeString("000102030405060708090a0b0c0d0e0f")
	path := []uint32{hardened, 1, hardened + 2, 2, 1000000000}
	for depth, want := range []string{
		"e8f32e723decf4051aefac8e2c93c9c5b214313817cdb01a1494b917c8436b35",
		"edb2e14f9ee77d26dd93b4ecede8d16ed408ce149b6cd80b0715a2d911a0afea",
		"3c6cb8d0f6a264c91ea8b5030fadaa8e538b020f0a387421a12de9319dc93368",
		"cbce0d719ecf7431d88e6a89fa1483e02e35092af60c042b1df2ff59fa424dca",
		"0f479245fb19a38a1954c5c7c0ebab2f9bdfd96a17563ef28a6a4b1a2a764ef4",
		"471b76e389e528d6de6d816857e012c5455051cad6660850e58372a6c3e6e7c8",
	} {
		k, err := derive(seed, path[:depth]...)
		if got := hex.EncodeToString(k.Bytes()); err != nil || got != want {
			t.Errorf("depth %d: %s, want %s (%v)", depth, got, want, err)
		}
	}
}

func TestWordsThatAreNoMnemonic(t *testing.T) {
	good := strings.Fields("legal winner thank year wave sausage worth useful legal winner thank yellow")
	swapped := append([]string{good[1], good[0]}, good[2:]...)
	wrong := append([]string{"heart-of-oak"}, good[1:]...)
	for _, c := range []struct{ in, says string }{
		{"", "0 words"},
		{strings.Join(good[:11], " "), "11 words"},
		{strings.Join(append(good, good...), " ") + " zoo", "25 words"},
		{strings.Join(wrong, " "), "word 1 is not in the list"},
		{strings.Join(swapped, " "), "checksum"},
	} {
		_, err := ParseMnemonic(c.in)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: error %v, want one that says %q", c.in, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "oak") {
			t.Errorf("the error tells a word: %v", err)
		}
	}
}

func FuzzParseMnemonic(f *testing.F) {
	f.Add("legal winner thank year wave sausage worth useful legal winner thank yellow")
	f.Add("zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMnemonic(text)
		if err != nil {
			return
		}
		again, err := ParseMnemonic(strings.Join(m.Words(), " "))
		if err != nil || !bytes.Equal(again.entropy, m.entropy) {
			t.Fatalf("%q is read, and not again: %v", text, err)
		}
	})
}
