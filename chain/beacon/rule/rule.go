package rule

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/zeebo/blake3"

	"hearth/chain/beacon/drand"
)

// Params are the constants of a chain's beacon.
type Params struct {
	Chain drand.Chain
	// Margin is the time, in seconds, that a round has to be away when it is
	// decided that a value waits for it: longer than a proposer may take.
	Margin int64
	// MaxRounds is the most rounds that one block records.
	MaxRounds int
	// StaleAfter is the silence after which proposers reveal, in seconds of
	// block time, and StaleBlocks in blocks: both have to pass, so that a halt
	// of the chain is not taken for one of the beacon.
	StaleAfter  int64
	StaleBlocks int64
	// FallbackDelay is how many reveals ahead a value is that waits for one.
	FallbackDelay uint64
}

// Validate tells whether a chain can live by these.
func (p Params) Validate() error {
	if err := p.Chain.Validate(); err != nil {
		return err
	}
	for _, b := range []struct {
		name       string
		have       uint64
		least, max uint64
	}{
		{"margin", uint64(p.Margin), 1, 3600},
		{"rounds per block", uint64(p.MaxRounds), 1, 256},
		{"silence before reveals, in seconds,", uint64(p.StaleAfter), uint64(p.Chain.Period) + 1, 86400},
		{"silence before reveals, in blocks,", uint64(p.StaleBlocks), 1, 100_000},
		{"fallback delay", p.FallbackDelay, 1, 1000},
	} {
		if b.have < b.least || b.have > b.max {
			return fmt.Errorf("beacon parameters: %s is %d: want %d to %d", b.name, int64(b.have), b.least, b.max)
		}
	}
	return nil
}

// State is what the chain knows of its beacon before a block.
type State struct {
	LastRound uint64
	// LastHeight and LastTime are of the block that recorded it; time in Unix
	// seconds.
	LastHeight int64
	LastTime   int64
	// Fallback is the value after reveal number Reveals.
	Fallback [32]byte
	Reveals  uint64
	// Owed is the number of the last reveal that a value waits for.
	Owed uint64
	// Latest is the newest randomness of either kind, recorded at LatestHeight.
	Latest       [32]byte
	LatestHeight int64
}

// Block is the block that is proposed or executed.
type Block struct {
	ChainID  string
	Height   int64
	Time     int64  // Unix seconds, rounded down
	Proposer []byte // consensus address
}

// Genesis is the state of a chain that begins at a time: the rounds published
// until then, plus the margin, are not its own.
func Genesis(p Params, chainID string, time int64) State {
	s := State{LastRound: p.Chain.RoundAt(later(time, p.Margin)), LastTime: time}
	blake3.DeriveKey(contextFallback, []byte(chainID), s.Fallback[:])
	s.Latest = s.Fallback
	return s
}

// Stale tells whether a block comes after a silence so long that proposers
// reveal.
func (s State) Stale(p Params, b Block) bool {
	return b.Time-s.LastTime > p.StaleAfter && b.Height-s.LastHeight > p.StaleBlocks
}

// revealing tells whether a block may hold a reveal: the beacon is silent, or
// values from a silence still wait.
func (s State) revealing(p Params, b Block) bool { return s.Stale(p, b) || s.Reveals < s.Owed }

// Wanted returns which rounds a block may record: count of them from first on,
// and whether it may hold a reveal.
func (s State) Wanted(p Params, b Block) (first uint64, count int, reveal bool) {
	last := p.Chain.RoundAt(later(b.Time, p.Margin))
	if last > s.LastRound {
		count = int(min(last-s.LastRound, uint64(p.MaxRounds)))
	}
	return s.LastRound + 1, count, s.revealing(p, b)
}

// Injection is what a proposer puts before the transactions of its block.
type Injection struct {
	First  uint64 // number of Rounds[0]; 0 if there are none
	Rounds []drand.Signature
	Reveal *drand.Signature
}

// Check tells whether a block may hold an injection. rounds verifies those of
// the chain's beacon; revealer is the proposer's registered key, nil if it has
// none.
func (s State) Check(p Params, b Block, in Injection, rounds *drand.Verifier, revealer *drand.PublicKey) error {
	first, count, reveal := s.Wanted(p, b)
	switch {
	case len(in.Rounds) == 0 && in.Reveal == nil:
		return errors.New("beacon injection: it holds nothing: leave it out")
	case len(in.Rounds) == 0 && in.First != 0:
		return fmt.Errorf("beacon injection: it begins at round %d and holds none", in.First)
	case len(in.Rounds) > 0 && in.First != first:
		return fmt.Errorf("beacon injection: it begins at round %d: the next one is %d", in.First, first)
	case len(in.Rounds) > count:
		return fmt.Errorf("beacon injection: %d rounds: this block takes %d", len(in.Rounds), count)
	case in.Reveal != nil && !reveal:
		return errors.New("beacon injection: a reveal while the beacon is not silent and nothing waits for one")
	case in.Reveal != nil && revealer == nil:
		return errors.New("beacon injection: a reveal of a proposer without a beacon key")
	}
	if in.Reveal != nil {
		v, err := drand.NewVerifier(*revealer)
		if err != nil {
			return fmt.Errorf("beacon injection: the proposer's key: %w", err)
		}
		if err := v.Verify(drand.Reveals, RevealMessage(b.ChainID, b.Height, s.Fallback), *in.Reveal); err != nil {
			return fmt.Errorf("beacon injection: the reveal: %w", err)
		}
	}
	if len(in.Rounds) > 0 {
		if rounds == nil || rounds.Key() != p.Chain.PublicKey {
			return errors.New("beacon injection: no key to verify its rounds with")
		}
		if err := rounds.VerifyRun(in.First, in.Rounds); err != nil {
			return fmt.Errorf("beacon injection: %w", err)
		}
	}
	return nil
}

// Apply returns the state after an injection that passed [State.Check].
func (s State) Apply(b Block, in Injection) State {
	if in.Reveal != nil {
		s.Fallback = Mix(s.Fallback, *in.Reveal)
		s.Reveals++
		s.Latest, s.LatestHeight = s.Fallback, b.Height
	}
	if n := len(in.Rounds); n > 0 {
		s.LastRound += uint64(n)
		s.LastHeight, s.LastTime = b.Height, b.Time
		s.Latest, s.LatestHeight = in.Rounds[n-1].Randomness(), b.Height
	}
	return s
}

// Awaits is what decides a value: a round or, if that is 0, a reveal.
type Awaits struct{ Round, Reveal uint64 }

// Settle decides, in the block after those that wait, what they wait for. The
// state is that after the block's injection; whoever is sent to a reveal is
// counted in the state returned.
func (s State) Settle(p Params, b Block) (State, Awaits) {
	if s.Stale(p, b) {
		return s.Divert(p)
	}
	return s, Awaits{Round: p.Chain.After(later(b.Time, p.Margin))}
}

// Divert sends who waits to a reveal.
func (s State) Divert(p Params) (State, Awaits) {
	a := Awaits{Reveal: s.Reveals + p.FallbackDelay}
	s.Owed = max(s.Owed, a.Reveal)
	return s, a
}

// Follow is the state when the chain changes the beacon it follows: the first
// round of the new one to be recorded is one that nobody knows yet.
func (s State) Follow(p Params, b Block) State {
	s.LastRound = p.Chain.RoundAt(later(b.Time, p.Margin))
	s.LastHeight, s.LastTime = b.Height, b.Time
	return s
}

// later adds seconds to a time of a block, whatever that is.
func later(time, seconds int64) int64 {
	if time > math.MaxInt64-seconds {
		return math.MaxInt64
	}
	return time + seconds
}

// The contexts of BLAKE3's key derivation keep its uses apart.
const (
	contextReveal   = "hearth chain 1 reveal"
	contextFallback = "hearth chain 1 fallback"
	contextValue    = "hearth chain 1 beacon"
)

// RevealMessage is what a proposer signs as its reveal: it leaves nothing to
// choose.
func RevealMessage(chainID string, height int64, fallback [32]byte) []byte {
	m := make([]byte, 32)
	blake3.DeriveKey(contextReveal, about(chainID, height, fallback), m)
	return m
}

// Mix is the fallback value after one more reveal.
func Mix(fallback [32]byte, reveal drand.Signature) (next [32]byte) {
	blake3.DeriveKey(contextFallback, append(fallback[:], reveal[:]...), next[:])
	return next
}

// Value is what the claims of a block are mined with, from the randomness that
// decides it.
func Value(chainID string, height int64, randomness [32]byte) (value [32]byte) {
	blake3.DeriveKey(contextValue, about(chainID, height, randomness), value[:])
	return value
}

// about joins a chain's name, a height (eight bytes, little-endian) and 32
// bytes. The last 40 bytes have a fixed place, so that no two triples are
// joined to the same.
func about(chainID string, height int64, b [32]byte) []byte {
	m := binary.LittleEndian.AppendUint64([]byte(chainID), uint64(height))
	return append(m, b[:]...)
}
