package drand

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"slices"

	bls "github.com/consensys/gnark-crypto/ecc/bls12-381"
)

// PublicKey is a point of G2 in its compressed encoding.
type PublicKey [bls.SizeOfG2AffineCompressed]byte

// Signature is a point of G1 in its compressed encoding.
type Signature [bls.SizeOfG1AffineCompressed]byte

// Randomness is what a signature gives: 32 bytes that nobody could choose and,
// before it was made, nobody could know.
func (s Signature) Randomness() [32]byte { return sha256.Sum256(s[:]) }

// Round is what a beacon publishes at each step.
type Round struct {
	Number    uint64 // 1 is the first
	Signature Signature
}

// Tag keeps signatures for different purposes apart: it goes into the hash to
// the curve (the domain separation tag of RFC 9380).
type Tag string

const (
	// Rounds is the tag of a beacon's rounds, drand's own.
	Rounds Tag = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
	// Possession is the tag of a [SecretKey.Possession].
	Possession Tag = "BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_"
	// Reveals is the tag of what proposers reveal while the beacon is silent.
	Reveals Tag = "HEARTH_REVEAL_V1_BLS12381G1_XMD:SHA-256_SSWU_RO_"
)

// RoundMessage is what a beacon signs in a round, under the tag [Rounds].
func RoundMessage(round uint64) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, round))
	return sum[:]
}

// point reads a key. What is accepted has one encoding, is on the curve, in
// the subgroup, and not the point at infinity, for which every "signature" of
// infinity would be valid.
func (k PublicKey) point() (bls.G2Affine, error) {
	var p bls.G2Affine
	if _, err := p.SetBytes(k[:]); err != nil {
		return p, fmt.Errorf("BLS public key %x…: %w", k[:8], err)
	}
	if p.IsInfinity() {
		return p, errors.New("BLS public key: the point at infinity is nobody's key")
	}
	return p, nil
}

func (s Signature) point() (bls.G1Affine, error) {
	var p bls.G1Affine
	if _, err := p.SetBytes(s[:]); err != nil {
		return p, fmt.Errorf("BLS signature %x…: %w", s[:8], err)
	}
	if p.IsInfinity() {
		return p, errors.New("BLS signature: the point at infinity signs nothing")
	}
	return p, nil
}

// lines are a point of G2 prepared for pairings.
type lines = [2][len(bls.LoopCounter) - 1]bls.LineEvaluationAff

// Verifier checks signatures of one key. It is safe for concurrent use.
type Verifier struct {
	key     PublicKey
	against [2]lines // of the key, and of the generator turned around
}

// NewVerifier prepares a key, which takes about half as long as a signature's
// check.
func NewVerifier(key PublicKey) (*Verifier, error) {
	p, err := key.point()
	if err != nil {
		return nil, err
	}
	_, _, _, g2 := bls.Generators()
	g2.Neg(&g2)
	return &Verifier{key: key, against: [2]lines{bls.PrecomputeLines(p), bls.PrecomputeLines(g2)}}, nil
}

// Key is the key whose signatures are checked.
func (v *Verifier) Key() PublicKey { return v.key }

// Verify tells whether a signature is the key's of a message under a tag.
func (v *Verifier) Verify(tag Tag, message []byte, s Signature) error {
	p, err := s.point()
	if err != nil {
		return err
	}
	h, err := bls.HashToG1(message, []byte(tag))
	if err != nil {
		return fmt.Errorf("hash to the curve under the tag %q: %w", tag, err)
	}
	ok, err := v.pair(h, p)
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("BLS signature: not this key's signature of the message")
	}
	return nil
}

// pair tells whether e(h, key) = e(s, generator).
func (v *Verifier) pair(h, s bls.G1Affine) (bool, error) {
	against := v.against // a copy: the pairing writes into the lines it is given
	ok, err := bls.PairingCheckFixedQ([]bls.G1Affine{h, s}, against[:])
	if err != nil {
		return false, fmt.Errorf("pairing: %w", err)
	}
	return ok, nil
}

// VerifyRound tells whether a round is the beacon's.
func (v *Verifier) VerifyRound(r Round) error {
	if r.Number == 0 {
		return errors.New("drand round 0 is never published: rounds begin at 1")
	}
	if err := v.Verify(Rounds, RoundMessage(r.Number), r.Signature); err != nil {
		return fmt.Errorf("drand round %d: %w", r.Number, err)
	}
	return nil
}

// VerifyRun tells whether signatures are the beacon's of consecutive rounds,
// each of them. It takes less time than one after the other, and says of the
// first wrong one what VerifyRound says.
//
// All are checked at once in a sum with a weight for each. The weights are
// hashed from everything that is checked: without them two wrong signatures
// could make up for each other's error, and with weights that are known before
// the signatures they still could.
func (v *Verifier) VerifyRun(first uint64, run []Signature) error {
	if len(run) < 2 || first == 0 || first+uint64(len(run)-1) < first || !v.sum(first, run) {
		for i, s := range run {
			if err := v.VerifyRound(Round{first + uint64(i), s}); err != nil {
				return err
			}
		}
	}
	return nil
}

// sum checks a run as a whole.
func (v *Verifier) sum(first uint64, run []Signature) bool {
	seed := sha256.New()
	seed.Write([]byte("hearth drand run v1"))
	seed.Write(v.key[:])
	seed.Write(binary.BigEndian.AppendUint64(nil, first))
	for _, s := range run {
		seed.Write(s[:])
	}
	root := seed.Sum(nil)

	var hashes, points bls.G1Jac
	for i, s := range run {
		p, err := s.point()
		if err != nil {
			return false
		}
		number := first + uint64(i)
		h, err := bls.HashToG1(RoundMessage(number), []byte(Rounds))
		if err != nil {
			return false
		}
		w := sha256.Sum256(binary.BigEndian.AppendUint64(slices.Clip(root), number))
		weight := new(big.Int).SetBytes(w[:16])
		var a, b bls.G1Jac
		a.FromAffine(&h)
		a.ScalarMultiplication(&a, weight)
		hashes.AddAssign(&a)
		b.FromAffine(&p)
		b.ScalarMultiplication(&b, weight)
		points.AddAssign(&b)
	}
	var h, p bls.G1Affine
	h.FromJacobian(&hashes)
	p.FromJacobian(&points)
	ok, err := v.pair(h, p)
	return err == nil && ok
}
