package drand

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
)

// Scheme is drand's name for how the rounds of a [Chain] are signed.
const Scheme = "bls-unchained-g1-rfc9380"

// Chain is what is fixed about a beacon. Times are Unix seconds.
type Chain struct {
	PublicKey PublicKey
	// Genesis is when round 1 is published.
	Genesis int64
	// Period is the number of seconds from a round to the next.
	Period int64
	// Hash names the chain, at relays too. See [HashOf].
	Hash [32]byte
}

// QuicknetID is the name of [Quicknet] among drand's networks.
const QuicknetID = "quicknet"

// Quicknet is drand's public network of the League of Entropy, as its relays
// describe it under /info.
func Quicknet() Chain {
	c := Chain{Genesis: 1692803367, Period: 3}
	must(hex.Decode(c.PublicKey[:], []byte("83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c"+
		"8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb"+
		"5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a")))
	must(hex.Decode(c.Hash[:], []byte("52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971")))
	return c
}

// LocalID is the name of every [Local] chain.
const LocalID = "hearth-local"

// Local is the chain of a beacon with one key, on one machine, for networks
// that are only tried out: who has the secret knows every round in advance.
// Its name says so, and goes into its hash, so that it never passes for
// another's.
func Local(key PublicKey, genesis int64, period uint32) Chain {
	return Chain{
		PublicKey: key, Genesis: genesis, Period: int64(period),
		Hash: HashOf(key, genesis, period, LocalGroup(), LocalID),
	}
}

// LocalGroup stands where other chains have the hash of the group that made
// their key.
func LocalGroup() [32]byte { return sha256.Sum256([]byte(LocalID)) }

// must is for the constants above, which a test reads.
func must(_ int, err error) {
	if err != nil {
		panic(err)
	}
}

// HashOf computes the hash of a chain as drand does: over its period, genesis
// and key, the hash of the group that made the key, and the network's name.
func HashOf(key PublicKey, genesis int64, period uint32, group [32]byte, id string) [32]byte {
	b := binary.BigEndian.AppendUint32(nil, period)
	b = binary.BigEndian.AppendUint64(b, uint64(genesis))
	b = append(b, key[:]...)
	b = append(b, group[:]...)
	return sha256.Sum256(append(b, id...))
}

// Validate tells whether rounds of this chain can be timed and verified.
func (c Chain) Validate() error {
	if c.Period < 1 || c.Period > math.MaxUint32 {
		return fmt.Errorf("drand chain: a period of %d s: want 1 to %d", c.Period, uint32(math.MaxUint32))
	}
	if c.Genesis < 1 {
		return fmt.Errorf("drand chain: genesis %d is not a Unix time", c.Genesis)
	}
	if c.Hash == [32]byte{} {
		return errors.New("drand chain: the chain's hash is missing")
	}
	_, err := c.PublicKey.point()
	return err
}

// RoundAt is the last round published at or before t, or 0 before the first.
func (c Chain) RoundAt(t int64) uint64 {
	if t < c.Genesis {
		return 0
	}
	return (uint64(t)-uint64(c.Genesis))/uint64(c.Period) + 1
}

// After is the first round published strictly later than t. It is right for a
// time with a fraction too, rounded down: rounds fall on whole seconds.
func (c Chain) After(t int64) uint64 { return c.RoundAt(t) + 1 }

// TimeOf is when a round is published; a round so far off that its time is no
// Unix time has the last there is. Round 0, which is never published, has the
// time of round 1.
func (c Chain) TimeOf(round uint64) int64 {
	if round < 2 {
		return c.Genesis
	}
	if round-1 > uint64(math.MaxInt64-c.Genesis)/uint64(c.Period) {
		return math.MaxInt64
	}
	return c.Genesis + int64(round-1)*c.Period
}
