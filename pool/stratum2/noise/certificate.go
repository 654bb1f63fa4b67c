package noise

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
)

// CertificateSize is the size of a certificate on the wire, in bytes.
const CertificateSize = 74

// ErrUntrusted is why a peer is refused that cannot show to be who it was
// expected to be. To try again at once is of no use.
var ErrUntrusted = errors.New("the pool is not who it should be")

// AuthorityKey is the public key of who signs a pool's certificates: the x
// coordinate, big-endian. Pools publish it, often as the path of their URL.
type AuthorityKey [32]byte

// form is what stands before the key in its text form.
var form = [2]byte{1, 0}

// String is the text form of section 4.7 of the specification: base58check of
// 1, 0 and the key.
func (a AuthorityKey) String() string {
	return base58.CheckEncode(append([]byte{form[1]}, a[:]...), form[0])
}

// ParseAuthorityKey reads what [AuthorityKey.String] writes.
func ParseAuthorityKey(s string) (AuthorityKey, error) {
	const longest = 54 // digits that 38 bytes can have, with some room
	if len(s) > longest {
		return AuthorityKey{}, fmt.Errorf("reading a pool's key: %d characters are too many for one", len(s))
	}
	b, version, err := base58.CheckDecode(s)
	switch {
	case err != nil:
		return AuthorityKey{}, fmt.Errorf("reading the pool's key %q: %w; copy it from the pool's page once more", s, err)
	case len(b) != 33 || version != form[0] || b[0] != form[1]:
		return AuthorityKey{}, fmt.Errorf("reading the pool's key %q: this is no Stratum V2 authority key", s)
	}
	a := AuthorityKey(b[1:])
	if _, err := schnorr.ParsePubKey(a[:]); err != nil {
		return AuthorityKey{}, fmt.Errorf("reading the pool's key %q: %w", s, err)
	}
	return a, nil
}

// MarshalText implements [encoding.TextMarshaler]; the text is that of String.
func (a AuthorityKey) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *AuthorityKey) UnmarshalText(b []byte) error {
	v, err := ParseAuthorityKey(string(b))
	if err != nil {
		return err
	}
	*a = v
	return nil
}

// Authority signs certificates.
type Authority struct{ secret *btcec.PrivateKey }

// NewAuthority makes the authority with a given secret key, big-endian, which
// must be random.
func NewAuthority(secret [32]byte) (*Authority, error) {
	var k btcec.ModNScalar
	if overflow := k.SetBytes(&secret); overflow != 0 || k.IsZero() {
		return nil, errors.New("making an authority: the secret is zero or above the order of the curve; draw another")
	}
	return &Authority{btcec.PrivKeyFromScalar(&k)}, nil
}

// Key is the public key of the authority.
func (a *Authority) Key() AuthorityKey {
	return AuthorityKey(schnorr.SerializePubKey(a.secret.PubKey()))
}

// Certify signs that the key with the x coordinate x is the pool's from one
// time until another, both included, in whole seconds. Aux should be random;
// it goes into the signature's nonce as BIP 340 has it.
func (a *Authority) Certify(x [32]byte, from, until time.Time, aux [32]byte) (Certificate, error) {
	c := Certificate{From: from.Truncate(time.Second), Until: until.Truncate(time.Second)}
	for _, t := range []time.Time{c.From, c.Until} {
		if s := t.Unix(); s < 0 || s > math.MaxUint32 {
			return Certificate{}, fmt.Errorf("signing a certificate: %v is not between 1970 and 2106", t)
		}
	}
	sum := c.sum(x)
	s, err := schnorr.Sign(a.secret, sum[:], schnorr.CustomNonce(aux))
	if err != nil {
		return Certificate{}, fmt.Errorf("signing a certificate: %w", err)
	}
	c.Signature = [64]byte(s.Serialize())
	return c, nil
}

// Certificate says until when a static key is a pool's.
type Certificate struct {
	Version     uint16 // 0 so far
	From, Until time.Time
	Signature   [64]byte
}

// Append appends the 74 bytes of the certificate to b.
func (c Certificate) Append(b []byte) []byte {
	return append(c.appendTerms(b), c.Signature[:]...)
}

func (c Certificate) appendTerms(b []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, c.Version)
	b = binary.LittleEndian.AppendUint32(b, uint32(c.From.Unix()))
	return binary.LittleEndian.AppendUint32(b, uint32(c.Until.Unix()))
}

// ParseCertificate reads what [Certificate.Append] writes.
func ParseCertificate(b []byte) (Certificate, error) {
	if len(b) != CertificateSize {
		return Certificate{}, fmt.Errorf("a certificate has %d bytes, not %d", CertificateSize, len(b))
	}
	return Certificate{
		Version:   binary.LittleEndian.Uint16(b),
		From:      time.Unix(int64(binary.LittleEndian.Uint32(b[2:])), 0).UTC(),
		Until:     time.Unix(int64(binary.LittleEndian.Uint32(b[6:])), 0).UTC(),
		Signature: [64]byte(b[10:]),
	}, nil
}

// sum is what is signed.
func (c Certificate) sum(x [32]byte) [32]byte {
	return sha256.Sum256(append(c.appendTerms(nil), x[:]...))
}

// Verify tells whether the authority says now that the key with the x
// coordinate x is the pool's. Any other answer wraps [ErrUntrusted].
func (c Certificate) Verify(authority AuthorityKey, x [32]byte, now time.Time) error {
	if c.Version != 0 {
		return fmt.Errorf("%w: its certificate has version %d, which nobody knows", ErrUntrusted, c.Version)
	}
	key, err := schnorr.ParsePubKey(authority[:])
	if err != nil {
		return fmt.Errorf("%w: the key that it should have is none: %w", ErrUntrusted, err)
	}
	s, err := schnorr.ParseSignature(c.Signature[:])
	if err != nil {
		return fmt.Errorf("%w: its certificate is not signed: %w", ErrUntrusted, err)
	}
	if sum := c.sum(x); !s.Verify(sum[:], key) {
		return fmt.Errorf("%w: its certificate was not signed by %v; has the pool another key now?", ErrUntrusted, authority)
	}
	if now := now.Truncate(time.Second); now.Before(c.From) || now.After(c.Until) {
		return fmt.Errorf("%w: its certificate holds from %v until %v, and it is %v here; is the clock right?",
			ErrUntrusted, c.From, c.Until, now.UTC())
	}
	return nil
}

// Equal reports whether two certificates have the same bytes.
func (c Certificate) Equal(d Certificate) bool { return bytes.Equal(c.Append(nil), d.Append(nil)) }
