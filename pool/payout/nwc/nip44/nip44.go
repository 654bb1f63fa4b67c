// Package nip44 seals messages between two Nostr keys, in version 2 of NIP-44:
// a key that both share (secp256k1, HKDF), padding, ChaCha20, HMAC-SHA256,
// base64. Whoever wrote a message is not told by it: that is what the signature
// of the event around it is for.
//
// The older encryption of NIP-04 is not here and is not spoken: what it seals
// can be changed underway.
//
// Source: nostr-protocol/nips 44.md, whose vectors are the tests.
package nip44

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/btcsuite/btcd/btcec/v2"
	"golang.org/x/crypto/chacha20"
)

// MaxPlain is the longest message, in bytes. The shortest has one.
const MaxPlain = 65535

// The lengths of what is sealed: version, nonce, padded text of 34 to 65,538
// bytes, and code.
const (
	version    = 2
	nonceLen   = 32
	macLen     = sha256.Size
	minPayload = 1 + nonceLen + 2 + 32 + macLen
	maxPayload = 1 + nonceLen + 2 + 65536 + macLen
)

// ErrSealed is wrapped by every error of Open.
var ErrSealed = errors.New("the message cannot be opened")

// Key is what two keys share: each side comes to it from its own secret and
// the other's public key. It is a secret.
type Key [32]byte

// NewKey makes the shared key of a secret key and a public key, which is an x
// coordinate as Nostr writes it.
func NewKey(secret, public [32]byte) (Key, error) {
	var scalar btcec.ModNScalar
	if overflow := scalar.SetBytes(&secret); overflow != 0 || scalar.IsZero() {
		return Key{}, errors.New("the secret key is not one of secp256k1")
	}
	other, err := btcec.ParsePubKey(append([]byte{2}, public[:]...))
	if err != nil {
		return Key{}, fmt.Errorf("the public key is not one of secp256k1: %w", err)
	}
	var point, shared btcec.JacobianPoint
	other.AsJacobian(&point)
	btcec.ScalarMultNonConst(&scalar, &point, &shared)
	shared.ToAffine()
	x := shared.X.Bytes()
	key, err := hkdf.Extract(sha256.New, x[:], []byte("nip44-v2"))
	if err != nil {
		return Key{}, err
	}
	return Key(key), nil
}

// keys are those of one message.
type keys struct {
	cipher [chacha20.KeySize]byte
	nonce  [chacha20.NonceSize]byte
	mac    [32]byte
}

func (k Key) keys(nonce []byte) (keys, error) {
	b, err := hkdf.Expand(sha256.New, k[:], string(nonce), 76)
	if err != nil {
		return keys{}, err
	}
	return keys{[32]byte(b[:32]), [12]byte(b[32:44]), [32]byte(b[44:])}, nil
}

// xor runs the cipher over b.
func (s *keys) xor(b []byte) error {
	c, err := chacha20.NewUnauthenticatedCipher(s.cipher[:], s.nonce[:])
	if err == nil {
		c.XORKeyStream(b, b)
	}
	return err
}

func (s *keys) code(nonce, sealed []byte) []byte {
	h := hmac.New(sha256.New, s.mac[:])
	h.Write(nonce)
	h.Write(sealed)
	return h.Sum(nil)
}

// padded is the length that a text of n bytes is padded to: steps of an eighth
// of the next power of two, 32 at least.
func padded(n int) int {
	if n <= 32 {
		return 32
	}
	chunk := max(32, 1<<bits.Len(uint(n-1))/8)
	return chunk * ((n-1)/chunk + 1)
}

// Seal encrypts a message. The nonce must be random and never be used again.
func (k Key) Seal(plain string, nonce [32]byte) (string, error) {
	if len(plain) < 1 || len(plain) > MaxPlain {
		return "", fmt.Errorf("a message of %d bytes cannot be sealed: 1 to %d", len(plain), MaxPlain)
	}
	s, err := k.keys(nonce[:])
	if err != nil {
		return "", err
	}
	text := make([]byte, 2+padded(len(plain)))
	binary.BigEndian.PutUint16(text, uint16(len(plain)))
	copy(text[2:], plain)
	if err := s.xor(text); err != nil {
		return "", err
	}
	out := append([]byte{version}, nonce[:]...)
	out = append(out, text...)
	return base64.StdEncoding.EncodeToString(append(out, s.code(nonce[:], text)...)), nil
}

// Open decrypts a message.
func (k Key) Open(sealed string) (string, error) {
	fail := func(why string) (string, error) { return "", fmt.Errorf("%w: %s", ErrSealed, why) }
	switch {
	case sealed == "":
		return fail("it is empty")
	case sealed[0] == '#':
		return fail("it is of a version that is unknown")
	case len(sealed) > base64.StdEncoding.EncodedLen(maxPayload):
		return fail("it is too long")
	}
	b, err := base64.StdEncoding.Strict().DecodeString(sealed)
	switch {
	case err != nil:
		return fail("it is not base64")
	case len(b) < minPayload || len(b) > maxPayload:
		return fail(fmt.Sprintf("it has %d bytes", len(b)))
	case b[0] != version:
		return fail(fmt.Sprintf("it is of version %d, which is unknown", b[0]))
	}
	nonce, text, code := b[1:1+nonceLen], b[1+nonceLen:len(b)-macLen], b[len(b)-macLen:]
	s, err := k.keys(nonce)
	if err != nil {
		return "", err
	}
	if !hmac.Equal(code, s.code(nonce, text)) {
		return fail("it was changed, or is for somebody else")
	}
	if err := s.xor(text); err != nil {
		return "", err
	}
	n := int(binary.BigEndian.Uint16(text))
	if n == 0 || len(text) != 2+padded(n) {
		return fail("its padding is wrong")
	}
	return string(text[2 : 2+n]), nil
}
