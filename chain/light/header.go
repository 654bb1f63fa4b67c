package light

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"hearth/chain/wire"
)

// A Header is what validators sign of a block. Hashes are 32 bytes or, in the
// first blocks and where there is nothing to hash, empty.
type Header struct {
	// BlockVersion and AppVersion say by which rules the block was made.
	BlockVersion, AppVersion uint64
	Chain                    string
	Height                   int64
	// Time is in UTC, to the nanosecond.
	Time time.Time
	// Last is the block before.
	Last BlockID

	// LastCommitHash and DataHash stand for the block's contents: signatures on
	// the block before, and transactions.
	LastCommitHash, DataHash []byte
	// ValidatorsHash stands for those who decide on this block,
	// NextValidatorsHash for those who decide on the next.
	ValidatorsHash, NextValidatorsHash []byte
	ConsensusHash                      []byte
	// AppHash is the hash of the application's state before this block, which is
	// the state after the one before. Its length is the application's choice.
	AppHash []byte
	// LastResultsHash stands for the results of the transactions of the block
	// before.
	LastResultsHash, EvidenceHash []byte
	// Proposer is the address of the validator who proposed the block.
	Proposer []byte
}

// A BlockID names a block by the hash of its header and by the parts in which
// it was sent.
type BlockID struct {
	Hash      []byte
	Parts     uint32
	PartsHash []byte
}

// zero reports whether it names no block.
func (id BlockID) zero() bool { return len(id.Hash) == 0 && id.Parts == 0 && len(id.PartsHash) == 0 }

// check says what is wrong with the ID by itself.
func (id BlockID) check() error {
	if !hashOrNone(id.Hash) || !hashOrNone(id.PartsHash) {
		return errors.New("its hashes do not have 32 bytes")
	}
	return nil
}

// message is the BlockID, and the CanonicalBlockID, of CometBFT.
func (id BlockID) message() wire.Message {
	var parts, m wire.Message
	parts.Uint(1, uint64(id.Parts))
	parts.Data(2, id.PartsHash)
	m.Data(1, id.Hash)
	m.Sub(2, parts)
	return m
}

const (
	// blockVersion is the version of CometBFT's block format.
	blockVersion = 11
	maxChainName = 50
	maxAppHash   = 64
)

func hashOrNone(b []byte) bool { return len(b) == 0 || len(b) == sha256.Size }

// check says what is wrong with the header by itself.
func (h Header) check() error {
	switch {
	case h.BlockVersion != blockVersion:
		return fmt.Errorf("the block has version %d, known is %d; update this program", h.BlockVersion, blockVersion)
	case h.Chain == "" || len(h.Chain) > maxChainName:
		return fmt.Errorf("the chain's name has %d characters", len(h.Chain))
	case h.Height < 1:
		return fmt.Errorf("the height is %d", h.Height)
	case len(h.ValidatorsHash) != sha256.Size || len(h.NextValidatorsHash) != sha256.Size:
		return errors.New("a hash of validators does not have 32 bytes")
	case len(h.Proposer) != addressSize:
		return fmt.Errorf("the proposer's address has %d bytes", len(h.Proposer))
	case len(h.AppHash) > maxAppHash:
		return fmt.Errorf("the application hash has %d bytes", len(h.AppHash))
	}
	if err := h.Last.check(); err != nil {
		return fmt.Errorf("the block before: %w", err)
	}
	for _, hash := range [][]byte{h.LastCommitHash, h.DataHash, h.ConsensusHash, h.LastResultsHash, h.EvidenceHash} {
		if !hashOrNone(hash) {
			return fmt.Errorf("a hash has %d bytes", len(hash))
		}
	}
	return nil
}

// Hash is the block's name: the root of a Merkle tree of the header's fields.
func (h Header) Hash() Digest {
	var version, chain, height wire.Message
	version.Uint(1, h.BlockVersion)
	version.Uint(2, h.AppVersion)
	chain.Text(1, h.Chain)
	height.Int(1, h.Height)
	stamp, last := wire.Timestamp(h.Time), h.Last.message()
	leaves := [][]byte{version.Bytes(), chain.Bytes(), height.Bytes(), stamp.Bytes(), last.Bytes()}
	for _, b := range [][]byte{
		h.LastCommitHash, h.DataHash, h.ValidatorsHash, h.NextValidatorsHash, h.ConsensusHash,
		h.AppHash, h.LastResultsHash, h.EvidenceHash, h.Proposer,
	} {
		var m wire.Message
		m.Data(1, b)
		leaves = append(leaves, m.Bytes())
	}
	return merkleRoot(leaves)
}
