package node

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"hearth/chain/light"
)

// hexBytes are bytes in hexadecimal.
type hexBytes []byte

// UnmarshalJSON reads a string of hexadecimal digits.
func (b *hexBytes) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	raw, err := hex.DecodeString(s)
	if err != nil {
		return fmt.Errorf("%.80q is not hexadecimal", s)
	}
	*b = nil
	if len(raw) > 0 {
		*b = raw
	}
	return nil
}

type blockID struct {
	Hash  hexBytes
	Parts struct {
		Total uint32
		Hash  hexBytes
	}
}

func (id blockID) light() light.BlockID {
	return light.BlockID{Hash: id.Hash, Parts: id.Parts.Total, PartsHash: id.Parts.Hash}
}

type header struct {
	Version struct {
		Block uint64 `json:",string"`
		App   uint64 `json:",string"`
	}
	Chain              string `json:"chain_id"`
	Height             int64  `json:",string"`
	Time               time.Time
	Last               blockID  `json:"last_block_id"`
	LastCommitHash     hexBytes `json:"last_commit_hash"`
	DataHash           hexBytes `json:"data_hash"`
	ValidatorsHash     hexBytes `json:"validators_hash"`
	NextValidatorsHash hexBytes `json:"next_validators_hash"`
	ConsensusHash      hexBytes `json:"consensus_hash"`
	AppHash            hexBytes `json:"app_hash"`
	LastResultsHash    hexBytes `json:"last_results_hash"`
	EvidenceHash       hexBytes `json:"evidence_hash"`
	Proposer           hexBytes `json:"proposer_address"`
}

func (h header) light() light.Header {
	return light.Header{
		BlockVersion: h.Version.Block, AppVersion: h.Version.App, Chain: h.Chain, Height: h.Height, Time: h.Time.UTC(), Last: h.Last.light(),
		LastCommitHash: h.LastCommitHash, DataHash: h.DataHash, ValidatorsHash: h.ValidatorsHash, NextValidatorsHash: h.NextValidatorsHash,
		ConsensusHash: h.ConsensusHash, AppHash: h.AppHash, LastResultsHash: h.LastResultsHash, EvidenceHash: h.EvidenceHash, Proposer: h.Proposer,
	}
}

// signed is the answer to "commit".
type signed struct {
	Header struct {
		Header *header
		Commit *struct {
			Height     int64 `json:",string"`
			Round      int32
			BlockID    blockID `json:"block_id"`
			Signatures []struct {
				Vote      light.Vote `json:"block_id_flag"`
				Validator hexBytes   `json:"validator_address"`
				Time      time.Time  `json:"timestamp"`
				Signature []byte
			}
		}
	} `json:"signed_header"`
}

// validators is the answer to "validators".
type validators struct {
	Height     int64 `json:"block_height,string"`
	Validators []struct {
		Key struct {
			Type  string
			Value json.RawMessage
		} `json:"pub_key"`
		Power int64 `json:"voting_power,string"`
	}
	Total int `json:",string"`
}

// ed25519Key is the name of the keys that validators have.
const ed25519Key = "tendermint/PubKeyEd25519"

// Block returns the header of a height with its commit and validators; height 0
// stands for the newest. The error is [ErrUnknown] where the node has no such
// block.
func (n *Node) Block(ctx context.Context, height int64) (light.Block, error) {
	params := map[string]any{}
	if height != 0 {
		params["height"] = strconv.FormatInt(height, 10)
	}
	var s signed
	if err := n.ask(ctx, "commit", params, &s); err != nil {
		return light.Block{}, err
	}
	b, err := s.block()
	if err == nil && height != 0 && b.Header.Height != height {
		err = fmt.Errorf("it is that of height %d", b.Header.Height)
	}
	if err == nil {
		b.Validators, err = n.validators(ctx, b.Header.Height)
	}
	if err != nil {
		return light.Block{}, fmt.Errorf("block %d of node %s: %w", height, n.url, err)
	}
	return b, nil
}

func (s signed) block() (light.Block, error) {
	h, c := s.Header.Header, s.Header.Commit
	if h == nil || c == nil {
		return light.Block{}, errors.New("the header or the commit is missing")
	}
	b := light.Block{
		Header: h.light(),
		Commit: light.Commit{Height: c.Height, Round: c.Round, Block: c.BlockID.light()},
	}
	if len(c.Signatures) > light.MaxValidators {
		return light.Block{}, fmt.Errorf("%d signatures, at most %d are read", len(c.Signatures), light.MaxValidators)
	}
	for _, s := range c.Signatures {
		b.Commit.Signatures = append(b.Commit.Signatures, light.CommitSignature{Vote: s.Vote, Validator: s.Validator, Time: s.Time.UTC(), Signature: s.Signature})
	}
	return b, nil
}

// page is the most validators that a node gives at once.
const page = 100

func (n *Node) validators(ctx context.Context, height int64) (light.Validators, error) {
	var out light.Validators
	for number := 1; ; number++ {
		var v validators
		err := n.ask(ctx, "validators", map[string]any{
			"height": strconv.FormatInt(height, 10), "page": strconv.Itoa(number), "per_page": strconv.Itoa(page),
		}, &v)
		if err != nil {
			return nil, err
		}
		if v.Height != height || v.Total > light.MaxValidators || len(out)+len(v.Validators) > v.Total || len(v.Validators) == 0 {
			return nil, fmt.Errorf("validators: page %d has %d of %d for height %d", number, len(v.Validators), v.Total, v.Height)
		}
		for _, one := range v.Validators {
			var key []byte
			if err := json.Unmarshal(one.Key.Value, &key); err != nil || one.Key.Type != ed25519Key || len(key) != 32 {
				return nil, fmt.Errorf("validators: a key of the type %.40q, known is %s", one.Key.Type, ed25519Key)
			}
			out = append(out, light.Validator{Key: [32]byte(key), Power: one.Power})
		}
		if len(out) == v.Total {
			return out, nil
		}
	}
}

// A Status is what a node says of itself.
type Status struct {
	Chain string
	// Height and Time are those of its newest block.
	Height int64
	Time   time.Time
	// Oldest is the height of the oldest block that it still has.
	Oldest int64
	// Behind says that it is still catching up with the others.
	Behind bool
}

// Status asks how far the node is.
func (n *Node) Status(ctx context.Context) (Status, error) {
	var r struct {
		NodeInfo struct{ Network string } `json:"node_info"`
		Sync     struct {
			Height int64     `json:"latest_block_height,string"`
			Time   time.Time `json:"latest_block_time"`
			Oldest int64     `json:"earliest_block_height,string"`
			Behind bool      `json:"catching_up"`
		} `json:"sync_info"`
	}
	if err := n.ask(ctx, "status", map[string]any{}, &r); err != nil {
		return Status{}, err
	}
	return Status{Chain: r.NodeInfo.Network, Height: r.Sync.Height, Time: r.Sync.Time.UTC(), Oldest: r.Sync.Oldest, Behind: r.Sync.Behind}, nil
}
