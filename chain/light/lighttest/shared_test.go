package lighttest_test

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmtversion "github.com/cometbft/cometbft/proto/tendermint/version"
	cmt "github.com/cometbft/cometbft/types"

	"hearth/chain/light"
)

const chainName = "hearth-test"

var genesis = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// secret is the validator's key with the number.
func secret(n int) ed25519.PrivKey {
	return ed25519.GenPrivKeyFromSecret(binary.BigEndian.AppendUint64([]byte("validator "), uint64(n)))
}

// A set is validators in CometBFT's own type, with their keys in its order.
type set struct {
	*cmt.ValidatorSet
	keys []ed25519.PrivKey
}

// members makes a set of the numbered validators and their powers.
func members(power map[int]int64) set {
	var vals []*cmt.Validator
	byAddress := map[string]ed25519.PrivKey{}
	for n, p := range power {
		k := secret(n)
		vals = append(vals, cmt.NewValidator(k.PubKey(), p))
		byAddress[string(k.PubKey().Address())] = k
	}
	s := set{ValidatorSet: cmt.NewValidatorSet(vals)}
	for _, v := range s.Validators {
		s.keys = append(s.keys, byAddress[string(v.Address)])
	}
	return s
}

// equals makes a set of n validators, from number first on, of one power each.
func equals(first, n int) set {
	power := map[int]int64{}
	for i := range n {
		power[first+i] = 10
	}
	return members(power)
}

// A plan says what a block is to be.
type plan struct {
	height     int64
	time       time.Time
	vals, next set
	last       []byte
	app        []byte
	round      int32
	// votes says what each validator does; those not named sign the block.
	votes map[int]cmt.BlockIDFlag
}

func digest(parts ...any) []byte {
	h := sha256.New()
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			h.Write([]byte(p))
		case int64:
			binary.Write(h, binary.BigEndian, p)
		case []byte:
			h.Write(p)
		}
	}
	return h.Sum(nil)
}

// make builds and signs the block with CometBFT's code.
func (p plan) make() *cmt.LightBlock {
	if p.time.IsZero() {
		p.time = genesis.Add(time.Duration(p.height) * 2 * time.Second)
	}
	if p.next.ValidatorSet == nil {
		p.next = p.vals
	}
	if p.last == nil {
		p.last = digest("block", p.height-1)
	}
	if p.app == nil {
		p.app = digest("state", p.height)
	}
	h := &cmt.Header{
		Version: cmtversion.Consensus{Block: 11, App: 1}, ChainID: chainName, Height: p.height, Time: p.time,
		LastBlockID:    cmt.BlockID{Hash: p.last, PartSetHeader: cmt.PartSetHeader{Total: 1, Hash: digest("parts", p.height-1)}},
		LastCommitHash: digest("commit", p.height), DataHash: digest("data", p.height),
		ValidatorsHash: p.vals.Hash(), NextValidatorsHash: p.next.Hash(), ConsensusHash: digest("params"),
		AppHash: p.app, LastResultsHash: digest("results", p.height), EvidenceHash: nil,
		ProposerAddress: p.vals.Validators[0].Address,
	}
	return p.sign(h)
}

func (p plan) sign(h *cmt.Header) *cmt.LightBlock {
	id := cmt.BlockID{Hash: h.Hash(), PartSetHeader: cmt.PartSetHeader{Total: 2, Hash: digest("parts", h.Height, h.Hash().Bytes())}}
	c := &cmt.Commit{Height: h.Height, Round: p.round, BlockID: id}
	for i, v := range p.vals.Validators {
		flag, ok := p.votes[i]
		if !ok {
			flag = cmt.BlockIDFlagCommit
		}
		if flag == cmt.BlockIDFlagAbsent {
			c.Signatures = append(c.Signatures, cmt.NewCommitSigAbsent())
			continue
		}
		s := cmt.CommitSig{BlockIDFlag: flag, ValidatorAddress: v.Address, Timestamp: h.Time.Add(time.Duration(i) * time.Millisecond)}
		vote := cmtproto.Vote{Type: cmtproto.PrecommitType, Height: h.Height, Round: p.round, Timestamp: s.Timestamp}
		if flag == cmt.BlockIDFlagCommit {
			vote.BlockID = id.ToProto()
		}
		sig, err := p.vals.keys[i].Sign(cmt.VoteSignBytes(h.ChainID, &vote))
		if err != nil {
			panic(err)
		}
		s.Signature = sig
		c.Signatures = append(c.Signatures, s)
	}
	return &cmt.LightBlock{SignedHeader: &cmt.SignedHeader{Header: h, Commit: c}, ValidatorSet: p.vals.ValidatorSet}
}

func ourID(id cmt.BlockID) light.BlockID {
	return light.BlockID{Hash: id.Hash, Parts: id.PartSetHeader.Total, PartsHash: id.PartSetHeader.Hash}
}

func ourHeader(h *cmt.Header) light.Header {
	return light.Header{
		BlockVersion: h.Version.Block, AppVersion: h.Version.App, Chain: h.ChainID, Height: h.Height, Time: h.Time, Last: ourID(h.LastBlockID),
		LastCommitHash: h.LastCommitHash, DataHash: h.DataHash, ValidatorsHash: h.ValidatorsHash, NextValidatorsHash: h.NextValidatorsHash,
		ConsensusHash: h.ConsensusHash, AppHash: h.AppHash, LastResultsHash: h.LastResultsHash, EvidenceHash: h.EvidenceHash, Proposer: h.ProposerAddress,
	}
}

func ourCommit(c *cmt.Commit) light.Commit {
	out := light.Commit{Height: c.Height, Round: c.Round, Block: ourID(c.BlockID)}
	for _, s := range c.Signatures {
		out.Signatures = append(out.Signatures, light.CommitSignature{Vote: light.Vote(s.BlockIDFlag), Validator: s.ValidatorAddress, Time: s.Timestamp, Signature: s.Signature})
	}
	return out
}

// ours is the block in the types of this package.
func ours(b *cmt.LightBlock) light.Block {
	out := light.Block{Header: ourHeader(b.Header), Commit: ourCommit(b.Commit)}
	for _, v := range b.ValidatorSet.Validators {
		out.Validators = append(out.Validators, light.Validator{Key: [32]byte(v.PubKey.Bytes()), Power: v.VotingPower})
	}
	return out
}

var rules = light.Rules{Chain: chainName, Period: 14 * 24 * time.Hour, Drift: 10 * time.Second}

// cross walks from a trusted block to a height through the blocks that source
// makes, and returns how many it needed.
func cross(t testing.TB, r light.Rules, trusted light.Block, target int64, now time.Time, source func(height int64) light.Block) (*light.Walk, int) {
	t.Helper()
	walk, err := r.Walk(trusted, target)
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for height, more := walk.Next(); more; height, more = walk.Next() {
		asked++
		if err := walk.Offer(source(height), now); err != nil {
			t.Fatal(err)
		}
	}
	return walk, asked
}
