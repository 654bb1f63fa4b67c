package drand

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"math/big"

	bls "github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fr"
)

// SecretKey signs. Its arithmetic takes a time that depends on the key, so it
// is for keys that sign rarely and guard no money: a local beacon's, and those
// of validators' reveals.
type SecretKey struct{ scalar fr.Element }

// LeastSeed is the fewest bytes of a seed.
const LeastSeed = 32

// NewSecretKey derives a key from a secret seed of at least [LeastSeed] bytes,
// as KeyGen of draft-irtf-cfrg-bls-signature does without key_info.
func NewSecretKey(seed []byte) (SecretKey, error) {
	if len(seed) < LeastSeed {
		return SecretKey{}, fmt.Errorf("BLS key: a seed of %d bytes: want at least %d secret, random ones", len(seed), LeastSeed)
	}
	const length = 48 // bytes: so many more than the order's 32 that none is likelier than another
	secret := append(append(make([]byte, 0, len(seed)+1), seed...), 0)
	salt := sha256.Sum256([]byte("BLS-SIG-KEYGEN-SALT-"))
	for {
		prk, err := hkdf.Extract(sha256.New, secret, salt[:])
		if err != nil {
			return SecretKey{}, fmt.Errorf("BLS key from a seed: %w", err)
		}
		okm, err := hkdf.Expand(sha256.New, prk, string([]byte{0, length}), length)
		if err != nil {
			return SecretKey{}, fmt.Errorf("BLS key from a seed: %w", err)
		}
		var k SecretKey
		if k.scalar.SetBytes(okm); !k.scalar.IsZero() {
			return k, nil
		}
		salt = sha256.Sum256(salt[:])
	}
}

// Public is the key that checks what this one signs.
func (k SecretKey) Public() PublicKey {
	var p bls.G2Affine
	p.ScalarMultiplicationBase(k.scalar.BigInt(new(big.Int)))
	return p.Bytes()
}

// Sign signs a message under a tag. There is only one signature of it.
func (k SecretKey) Sign(tag Tag, message []byte) (Signature, error) {
	if k.scalar.IsZero() {
		return Signature{}, fmt.Errorf("BLS key is empty: derive one with NewSecretKey")
	}
	h, err := bls.HashToG1(message, []byte(tag))
	if err != nil {
		return Signature{}, fmt.Errorf("hash to the curve under the tag %q: %w", tag, err)
	}
	h.ScalarMultiplication(&h, k.scalar.BigInt(new(big.Int)))
	return h.Bytes(), nil
}

// SignRound signs a round of a beacon whose only key this is.
func (k SecretKey) SignRound(number uint64) (Round, error) {
	if number == 0 {
		return Round{}, fmt.Errorf("drand round 0 is never published: rounds begin at 1")
	}
	s, err := k.Sign(Rounds, RoundMessage(number))
	return Round{number, s}, err
}

// Possession proves that who shows a public key has its secret: the key signs
// its public part under a tag for nothing else. Who could register a key
// without it could register one made of others' keys.
func (k SecretKey) Possession() (Signature, error) {
	public := k.Public()
	return k.Sign(Possession, public[:])
}

// VerifyPossession checks the proof that belongs to the key.
func (v *Verifier) VerifyPossession(proof Signature) error {
	if err := v.Verify(Possession, v.key[:], proof); err != nil {
		return fmt.Errorf("proof of possession: %w", err)
	}
	return nil
}
