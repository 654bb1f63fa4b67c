package follower_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"hearth/chain/light"
	"hearth/chain/light/node"
)

const chainName = "hearth-test"

var genesis = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var rules = light.Rules{Chain: chainName, Period: 14 * 24 * time.Hour, Drift: 10 * time.Second}

// A chain is four validators who sign any block that is asked for. What is
// salted differs from what is not: a second history, by the same validators.
type chain struct {
	keys []ed25519.PrivateKey
	vals light.Validators
}

func newChain(seed byte) *chain {
	c := &chain{}
	for i := range 4 {
		k := ed25519.NewKeyFromSeed(append(make([]byte, 30), seed, byte(i)))
		c.keys = append(c.keys, k)
		c.vals = append(c.vals, light.Validator{Key: [32]byte(k.Public().(ed25519.PublicKey)), Power: 10})
	}
	return c
}

func digest(salt string, height int64) []byte {
	h := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(salt), uint64(height)))
	return h[:]
}

// header is that of a height, chained to the one before back to the last block
// whose height is a multiple of 50, so that tests need not go back for ever.
func (c *chain) header(height int64, salt string, from int64) light.Header {
	if height < from {
		salt = ""
	}
	hash := c.vals.Hash()
	last := digest("block", height-1)
	if height%50 != 0 {
		h := c.header(height-1, salt, from).Hash()
		last = h[:]
	}
	a := c.vals[0].Address()
	return light.Header{
		BlockVersion: 11, Chain: chainName, Height: height, Time: genesis.Add(time.Duration(height) * time.Second),
		Last: light.BlockID{Hash: last, Parts: 1, PartsHash: digest("parts", height-1)}, ValidatorsHash: hash[:], NextValidatorsHash: hash[:],
		AppHash: digest("state"+salt, height), Proposer: a[:],
	}
}

func (c *chain) block(height int64, salt string, from int64) light.Block {
	h := c.header(height, salt, from)
	hash := h.Hash()
	b := light.Block{Header: h, Validators: c.vals, Commit: light.Commit{Height: height, Block: light.BlockID{Hash: hash[:], Parts: 1, PartsHash: digest("parts", height)}}}
	for i, k := range c.keys {
		a := c.vals[i].Address()
		s := light.CommitSignature{Vote: light.ForBlock, Validator: a[:], Time: h.Time}
		s.Signature = ed25519.Sign(k, b.Commit.SignBytes(chainName, s))
		b.Commit.Signatures = append(b.Commit.Signatures, s)
	}
	return b
}

// A peer is a node of the chain, honest or not.
type peer struct {
	name  string
	chain *chain
	// height is the newest that it shows.
	height int64
	// salt makes its blocks from a height on another history.
	salt string
	from int64
	// down makes it answer nothing.
	down bool
	// answer is what it says to questions about the state.
	answer func(height int64) (node.Answer, error)
	asked  int
}

var errDown = errors.New("connection refused")

func (p *peer) String() string { return p.name }

func (p *peer) Status(context.Context) (node.Status, error) {
	if p.down {
		return node.Status{}, errDown
	}
	return node.Status{Chain: chainName, Height: p.height}, nil
}

func (p *peer) Block(_ context.Context, height int64) (light.Block, error) {
	p.asked++
	if p.down {
		return light.Block{}, errDown
	}
	if height > p.height {
		return light.Block{}, fmt.Errorf("height %d: %w", height, node.ErrUnknown)
	}
	return p.chain.block(height, p.salt, p.from), nil
}

func (p *peer) Value(_ context.Context, _ string, _ []byte, height int64) (node.Answer, error) {
	if p.down || p.answer == nil {
		return node.Answer{}, errDown
	}
	return p.answer(height)
}
