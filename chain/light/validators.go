package light

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"math"

	"filippo.io/edwards25519"

	"hearth/chain/wire"
)

// addressSize is the length of a validator's address: the first bytes of the
// SHA-256 of its key.
const addressSize = 20

// A ConsensusAddress names a validator: the first 20 bytes of the SHA-256 of
// its key. It is not the address of an account.
type ConsensusAddress [addressSize]byte

// String is the address in upper-case hexadecimal, as nodes write it.
func (a ConsensusAddress) String() string { return fmt.Sprintf("%X", a[:]) }

// A Validator is a key and its voting power.
type Validator struct {
	// Key is an ed25519 public key.
	Key [ed25519.PublicKeySize]byte
	// Power is above 0.
	Power int64
}

// Address is the name that headers and commits know the validator by.
func (v Validator) Address() ConsensusAddress {
	h := sha256.Sum256(v.Key[:])
	return ConsensusAddress(h[:addressSize])
}

// message is the SimpleValidator that is hashed in consensus.
func (v Validator) message() wire.Message {
	var key, m wire.Message
	key.Data(1, v.Key[:])
	m.Sub(1, key)
	m.Int(2, v.Power)
	return m
}

// Verify checks a signature under the rules of ZIP-215: s below the group's
// order, any encoding of points, and the equation multiplied by the cofactor.
func (v Validator) Verify(message, signature []byte) bool {
	if len(signature) != ed25519.SignatureSize {
		return false
	}
	return ed25519.Verify(v.Key[:], message, signature) || v.verifyCofactored(message, signature)
}

func (v Validator) verifyCofactored(message, signature []byte) bool {
	a, err := new(edwards25519.Point).SetBytes(v.Key[:])
	if err != nil {
		return false
	}
	r, err := new(edwards25519.Point).SetBytes(signature[:32])
	if err != nil {
		return false
	}
	s, err := edwards25519.NewScalar().SetCanonicalBytes(signature[32:])
	if err != nil {
		return false
	}
	h := sha512.New()
	h.Write(signature[:32])
	h.Write(v.Key[:])
	h.Write(message)
	k, err := edwards25519.NewScalar().SetUniformBytes(h.Sum(nil))
	if err != nil {
		return false
	}
	// 8·(s·B − k·A − R) = 0
	d := new(edwards25519.Point).VarTimeDoubleScalarBaseMult(k, a.Negate(a), s)
	d.Subtract(d, r)
	return d.MultByCofactor(d).Equal(edwards25519.NewIdentityPoint()) == 1
}

const (
	// MaxValidators is the most that a set may have. The chain's own bound is
	// far lower.
	MaxValidators = 1024
	// maxPower is the most power of a set (CometBFT's MaxTotalVotingPower).
	maxPower = math.MaxInt64 / 8
)

// Validators decide on a block. Their order is the chain's, by power and
// address, and part of their hash.
type Validators []Validator

// Hash is the root of a Merkle tree of the validators.
func (vs Validators) Hash() Digest {
	leaves := make([][]byte, len(vs))
	for i, v := range vs {
		m := v.message()
		leaves[i] = m.Bytes()
	}
	return merkleRoot(leaves)
}

// Power is the sum of their power. It does not overflow for a set that a
// verified block has.
func (vs Validators) Power() int64 {
	var sum int64
	for _, v := range vs {
		sum += v.Power
	}
	return sum
}

// check says what is wrong with the set by itself.
func (vs Validators) check() error {
	if len(vs) == 0 {
		return errors.New("there are no validators")
	}
	if len(vs) > MaxValidators {
		return fmt.Errorf("there are %d validators, at most %d are read", len(vs), MaxValidators)
	}
	var sum int64
	seen := make(map[[32]byte]struct{}, len(vs))
	for i, v := range vs {
		if v.Power < 1 || v.Power > maxPower-sum {
			return fmt.Errorf("validator %d has a power of %d, after a sum of %d", i, v.Power, sum)
		}
		sum += v.Power
		if _, twice := seen[v.Key]; twice {
			return fmt.Errorf("validator %d (%s) is there twice", i, v.Address())
		}
		seen[v.Key] = struct{}{}
	}
	return nil
}
