package noise

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ellswift"
)

// KeySize is the size of a public key as the peer sees it, in bytes.
const KeySize = 64

// Key is a secret key with one encoding of its public key. A key is not changed
// by its use and may be used by several goroutines at a time, except for Wipe.
type Key struct {
	secret  btcec.ModNScalar
	x       [32]byte
	encoded [KeySize]byte
}

// GenerateKey draws a key: 64 bytes of random, which must be a cryptographic
// source.
func GenerateKey(random io.Reader) (*Key, error) {
	var seed [64]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return nil, fmt.Errorf("drawing a key: %w", err)
	}
	return NewKey([32]byte(seed[:32]), [32]byte(seed[32:]))
}

// NewKey makes the key with a given secret, big-endian, from 1 to the order of
// the curve less one. The encoding, one of about 2^256, follows from the
// secret's public key and aux, which should be random.
func NewKey(secret, aux [32]byte) (*Key, error) {
	k := new(Key)
	if overflow := k.secret.SetBytes(&secret); overflow != 0 || k.secret.IsZero() {
		return nil, errors.New("making a key: the secret is zero or above the order of the curve; draw another")
	}
	var p btcec.JacobianPoint
	btcec.ScalarBaseMultNonConst(&k.secret, &p)
	p.ToAffine()
	k.x = *p.X.Bytes()
	var err error
	k.encoded, err = encode(&p.X, aux)
	return k, err
}

// Encoding is the public key as the peer sees it.
func (k *Key) Encoding() [KeySize]byte { return k.encoded }

// X is the x coordinate of the public key, big-endian: what a certificate is
// about.
func (k *Key) X() [32]byte { return k.x }

// Wipe forgets the secret. The key is of no use afterwards.
func (k *Key) Wipe() { k.secret.Zero() }

// encode is XElligatorSwift of BIP 324 with its random choices taken from aux.
// Each try finds an encoding with a chance of about one half.
func encode(x *btcec.FieldVal, aux [32]byte) ([KeySize]byte, error) {
	seed := append([]byte("hearth ellswift"), aux[:]...)
	seed = append(seed, x.Bytes()[:]...)
	for try := range byte(255) {
		draw := sha256.Sum256(append(seed, try))
		choice := sha256.Sum256(draw[:])
		var u btcec.FieldVal
		u.SetBytes(&draw)
		u.Normalize()
		if u.IsZero() {
			continue // decoded as 1
		}
		if t := ellswift.XSwiftECInv(&u, x, int(choice[0]&7)); t != nil {
			var b [KeySize]byte
			u.PutBytesUnchecked(b[:32])
			t.PutBytesUnchecked(b[32:])
			return b, nil
		}
	}
	return [KeySize]byte{}, errors.New("making a key: no encoding found; draw another")
}

// point is the public key behind an encoding, ready to be multiplied. Every
// encoding has one; its y is the even one, which does not matter since only x
// coordinates are shared.
func point(encoded *[KeySize]byte) (*btcec.JacobianPoint, error) {
	var u, t btcec.FieldVal
	u.SetByteSlice(encoded[:32])
	t.SetByteSlice(encoded[32:])
	x, err := ellswift.XSwiftEC(u.Normalize(), t.Normalize())
	if err != nil {
		return nil, fmt.Errorf("decoding the peer's key: %w", err)
	}
	p := new(btcec.JacobianPoint)
	p.X.Set(x)
	if !btcec.DecompressY(x, false, &p.Y) {
		return nil, errors.New("decoding the peer's key: not on the curve")
	}
	p.Y.Normalize()
	p.Z.SetInt(1)
	return p, nil
}

// exchange multiplies p with the key's secret and returns x.
func (k *Key) exchange(p *btcec.JacobianPoint) [32]byte {
	var shared btcec.JacobianPoint
	btcec.ScalarMultNonConst(&k.secret, p, &shared)
	shared.ToAffine()
	return *shared.X.Bytes()
}

// blinded is exchange with the secret as the sum of two scalars, the first of
// which follows from mask: see the package's comment on time.
func (k *Key) blinded(p *btcec.JacobianPoint, mask [32]byte) [32]byte {
	var first, second btcec.ModNScalar
	first.SetBytes(&mask)
	second.NegateVal(&first).Add(&k.secret)
	var a, b, shared btcec.JacobianPoint
	btcec.ScalarMultNonConst(&first, p, &a)
	btcec.ScalarMultNonConst(&second, p, &b)
	btcec.AddNonConst(&a, &b, &shared)
	shared.ToAffine()
	return *shared.X.Bytes()
}

// shared is BIP 324's v2_ecdh: the hash of both encodings, the initiator's
// first, and of the shared x.
func shared(initiator, responder *[KeySize]byte, x [32]byte) [32]byte {
	tag := sha256.Sum256([]byte("bip324_ellswift_xonly_ecdh"))
	b := make([]byte, 0, 2*len(tag)+2*KeySize+len(x))
	b = append(append(b, tag[:]...), tag[:]...)
	b = append(append(b, initiator[:]...), responder[:]...)
	return sha256.Sum256(append(b, x[:]...))
}
