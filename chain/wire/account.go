package wire

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"golang.org/x/crypto/ripemd160" //nolint:staticcheck // addresses of accounts are defined with it
)

// Prefix starts the text of every address of an account.
const Prefix = "hearth"

// An Address names an account: the 20 bytes of RIPEMD-160 of SHA-256 of its
// compressed public key. The addresses of module accounts have the same length.
type Address [20]byte

// String is the address in bech32: "hearth1…".
func (a Address) String() string { return encodeBech32(Prefix, a[:]) }

// MarshalText writes the address in bech32.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads an address in bech32.
func (a *Address) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAddress(string(text))
	return err
}

// ParseAddress reads an address in bech32.
func ParseAddress(s string) (Address, error) {
	prefix, data, err := decodeBech32(s)
	if err != nil {
		return Address{}, fmt.Errorf("read address: %w", err)
	}
	if prefix != Prefix {
		return Address{}, fmt.Errorf("read address: it starts with %q, an address of this chain with %q", prefix, Prefix)
	}
	if len(data) != len(Address{}) {
		return Address{}, fmt.Errorf("read address: it has %d bytes, an account's has %d", len(data), len(Address{}))
	}
	return Address(data), nil
}

// A PublicKey is a secp256k1 public key in its compressed form.
type PublicKey [33]byte

// Address is the account that the key opens.
func (k PublicKey) Address() Address {
	first := sha256.Sum256(k[:])
	h := ripemd160.New()
	h.Write(first[:])
	return Address(h.Sum(nil))
}

// Verify reports whether the signature is the key's over the bytes: r and s,
// 32 bytes each, s in the lower half of the group.
func (k PublicKey) Verify(message, signature []byte) bool {
	if len(signature) != 64 {
		return false
	}
	pub, err := secp256k1.ParsePubKey(k[:])
	if err != nil {
		return false
	}
	var r, s secp256k1.ModNScalar
	if r.SetByteSlice(signature[:32]) || s.SetByteSlice(signature[32:]) || s.IsOverHalfOrder() {
		return false
	}
	hash := sha256.Sum256(message)
	return ecdsa.NewSignature(&r, &s).Verify(hash[:], pub)
}

// any is the key as transactions and accounts name it.
func (k PublicKey) any() Any {
	var m Message
	m.Data(1, k[:])
	return Any{Type: publicKeyType, Value: m.b}
}

const publicKeyType = "/cosmos.crypto.secp256k1.PubKey"

// A Key is the secret key of an account. It prints as its address, never as
// what it is.
type Key struct {
	secret *secp256k1.PrivateKey
}

// KeyFromBytes makes a key of 32 bytes, which have to be a number from 1 to
// below the order of the group.
func KeyFromBytes(secret []byte) (Key, error) {
	var s secp256k1.ModNScalar
	if len(secret) != 32 {
		return Key{}, fmt.Errorf("read account key: %d bytes, 32 expected", len(secret))
	}
	if s.SetByteSlice(secret) || s.IsZero() {
		return Key{}, errors.New("read account key: the number is outside the group of secp256k1; draw another")
	}
	return Key{secp256k1.NewPrivateKey(&s)}, nil
}

// Bytes returns the secret, for the one place that stores it.
func (k Key) Bytes() []byte { return k.secret.Serialize() }

// PublicKey returns the public half.
func (k Key) PublicKey() PublicKey { return PublicKey(k.secret.PubKey().SerializeCompressed()) }

// Address is the account that the key opens.
func (k Key) Address() Address { return k.PublicKey().Address() }

// Sign signs bytes with ECDSA over their SHA-256, the nonce by RFC 6979: 64
// bytes, r and s, s in the lower half of the group.
func (k Key) Sign(message []byte) []byte {
	hash := sha256.Sum256(message)
	// The first byte would help to find the key; the chain knows it.
	return ecdsa.SignCompact(k.secret, hash[:], true)[1:]
}

// String is the key's address.
func (k Key) String() string {
	if k.secret == nil {
		return "no key"
	}
	return k.Address().String()
}

// GoString is what %#v prints: the address too, not the secret.
func (k Key) GoString() string { return "wire.Key(" + k.String() + ")" }

// Format keeps every other verb of package fmt from printing the secret.
func (k Key) Format(f fmt.State, _ rune) {
	if f.Flag('#') {
		fmt.Fprint(f, k.GoString())
		return
	}
	fmt.Fprint(f, k.String())
}
