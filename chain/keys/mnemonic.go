package keys

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"golang.org/x/text/unicode/norm"

	"hearth/chain/wire"
)

// english is the English word list of BIP-39 (MIT licence): 2048 words in
// alphabetical order, told apart by their first four letters.
//
//go:embed english.txt
var english string

func words() []string { return strings.Fields(english) }

// A Mnemonic is a secret written as English words (BIP-39). It prints as the
// number of its words.
type Mnemonic struct {
	entropy []byte
}

// entropyBytes is the secret behind 24 words.
const entropyBytes = 32

// NewMnemonic draws 24 words; random is crypto/rand's Reader but in tests.
func NewMnemonic(random io.Reader) (Mnemonic, error) {
	b := make([]byte, entropyBytes)
	if _, err := io.ReadFull(random, b); err != nil {
		return Mnemonic{}, fmt.Errorf("draw a mnemonic: %w", err)
	}
	return Mnemonic{b}, nil
}

// ParseMnemonic reads 12, 15, 18, 21 or 24 words with any space between them.
// The error names a wrong word by its place, not by its letters.
func ParseMnemonic(text string) (Mnemonic, error) {
	list := words()
	given := strings.Fields(strings.ToLower(norm.NFKD.String(text)))
	if len(given) < 12 || len(given) > 24 || len(given)%3 != 0 {
		return Mnemonic{}, fmt.Errorf("read mnemonic: %d words, it has 12, 15, 18, 21 or 24", len(given))
	}
	// Eleven bits a word: the secret, and a bit of checksum for every 32.
	var acc, have uint
	var b []byte
	for i, w := range given {
		at, ok := slices.BinarySearch(list, w)
		if !ok {
			return Mnemonic{}, fmt.Errorf("read mnemonic: word %d is not in the list of BIP-39", i+1)
		}
		acc = acc<<11 | uint(at)
		for have += 11; have >= 8; {
			have -= 8
			b = append(b, byte(acc>>have))
		}
		acc &= 1<<have - 1
	}
	size := len(given) / 3 * 4
	if have > 0 {
		b = append(b, byte(acc<<(8-have)))
	}
	m := Mnemonic{b[:size:size]}
	if checksum(m.entropy) != b[size] {
		return Mnemonic{}, errors.New("read mnemonic: the words are right and their checksum is not: one was swapped for another, or their order is wrong")
	}
	return m, nil
}

// checksum is the bits that follow the secret, at the top of a byte.
func checksum(entropy []byte) byte {
	sum := sha256.Sum256(entropy)
	return sum[0] & ^byte(0xff>>(len(entropy)/4))
}

// Words are the words, for the person who writes them down and for nobody else.
func (m Mnemonic) Words() []string {
	list := words()
	var out []string
	var acc, have uint
	for _, b := range append(slices.Clone(m.entropy), checksum(m.entropy)) {
		acc = acc<<8 | uint(b)
		if have += 8; have >= 11 {
			have -= 11
			out = append(out, list[acc>>have])
			acc &= 1<<have - 1
		}
	}
	return out
}

// Format prints how many words there are, whatever the verb.
func (m Mnemonic) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "mnemonic of %d words", len(m.entropy)/4*3)
}

// seed is the seed of BIP-39. The passphrase is an optional 25th word.
func (m Mnemonic) seed(passphrase string) ([]byte, error) {
	return pbkdf2.Key(sha512.New, strings.Join(m.Words(), " "), []byte("mnemonic"+norm.NFKD.String(passphrase)), 2048, 64)
}

// Key is the account key with the number: path m/44'/118'/0'/0/number, as wallets
// for Cosmos chains derive it. The passphrase is the optional one of BIP-39, which
// makes other keys of the same words; most people have none.
func (m Mnemonic) Key(number uint32, passphrase string) (wire.Key, error) {
	seed, err := m.seed(passphrase)
	if err != nil {
		return wire.Key{}, fmt.Errorf("derive account key: %w", err)
	}
	return derive(seed, hardened+44, hardened+118, hardened, 0, number)
}

// hardened marks steps of a path that need the secret key.
const hardened = 1 << 31

// derive goes along a path of BIP-32 from the master key of a seed.
func derive(seed []byte, path ...uint32) (wire.Key, error) {
	mac := hmac.New(sha512.New, []byte("Bitcoin seed"))
	mac.Write(seed)
	node := mac.Sum(nil)
	var key secp256k1.ModNScalar
	if key.SetByteSlice(node[:32]) || key.IsZero() {
		return wire.Key{}, errors.New("derive account key: the seed has no master key; use another")
	}
	for i, step := range path {
		mac := hmac.New(sha512.New, node[32:])
		private := secp256k1.NewPrivateKey(&key)
		if step >= hardened {
			mac.Write([]byte{0})
			mac.Write(private.Serialize())
		} else {
			mac.Write(private.PubKey().SerializeCompressed())
		}
		mac.Write(binary.BigEndian.AppendUint32(nil, step))
		node = mac.Sum(nil)
		var add secp256k1.ModNScalar
		if over := add.SetByteSlice(node[:32]); over || key.Add(&add).IsZero() {
			return wire.Key{}, fmt.Errorf("derive account key: there is no key at step %d of the path; use the next number", i)
		}
	}
	b := key.Bytes()
	return wire.KeyFromBytes(b[:])
}
