package simulation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	cryptoenc "github.com/cometbft/cometbft/crypto/encoding"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/google/go-cmp/cmp"

	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/baseapp"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/app"
	"hearth/chain/beacon"
	"hearth/chain/invariant"
	"hearth/chain/node"
	"hearth/chain/work"
)

const chainID = "simulation-1"

// seat is a validator as CometBFT knows it.
type seat struct {
	address []byte
	power   int64
}

// chain is what CometBFT does for its application: here, for two of them.
type chain struct {
	nodes  [2]*app.App
	height int64
	now    time.Time

	// Who validates the last block, the next and the one after that: changes
	// take two blocks.
	last, current, next []seat
}

// happening is what a block brings beside transactions.
type happening struct {
	wait     time.Duration
	proposer []byte
	beacon   beacon.Sources
	absent   func(address []byte) bool
	evidence []abci.Misbehavior
	txs      [][]byte
}

func newNode(state []byte, at time.Time, first int64) (*app.App, []abci.ValidatorUpdate, error) {
	a, err := app.New(log.NewNopLogger(), dbm.NewMemDB(), app.Node{}, baseapp.SetChainID(chainID))
	if err != nil {
		return nil, nil, err
	}
	limits := node.Limits().ToProto()
	res, err := a.InitChain(&abci.RequestInitChain{
		Time: at, ChainId: chainID, ConsensusParams: &limits, AppStateBytes: state, InitialHeight: first,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("begin from a genesis: %w", err)
	}
	return a, res.Validators, nil
}

// newChain begins a chain whose nodes weigh tickets as they are told to.
func newChain(state []byte, at time.Time, benches work.Benches) (*chain, error) {
	c := &chain{now: at}
	for i := range c.nodes {
		a, updates, err := newNode(state, at, 1)
		if err != nil {
			return nil, err
		}
		a.SetBenches(benches)
		c.nodes[i] = a
		if i == 0 {
			if c.current, err = change(nil, updates); err != nil {
				return nil, err
			}
		}
	}
	c.next = c.current
	return c, nil
}

// change applies changes of validators as CometBFT does, which would stop at
// those that are wrong.
func change(seats []seat, updates []abci.ValidatorUpdate) ([]seat, error) {
	seats = slices.Clone(seats)
	seen := map[string]bool{}
	for _, u := range updates {
		key, err := cryptoenc.PubKeyFromProto(u.PubKey)
		if err != nil {
			return nil, fmt.Errorf("a validator's key: %w", err)
		}
		address := []byte(key.Address())
		if seen[string(address)] {
			return nil, fmt.Errorf("validator %X is changed twice in a block", address)
		}
		seen[string(address)] = true
		i := slices.IndexFunc(seats, func(s seat) bool { return bytes.Equal(s.address, address) })
		switch {
		case u.Power < 0:
			return nil, fmt.Errorf("validator %X gets a power of %d", address, u.Power)
		case u.Power == 0 && i < 0:
			return nil, fmt.Errorf("validator %X is removed and was not there", address)
		case u.Power == 0:
			seats = slices.Delete(seats, i, i+1)
		case i < 0:
			seats = append(seats, seat{address, u.Power})
		default:
			seats[i].power = u.Power
		}
	}
	var total int64
	for _, s := range seats {
		if s.power > math.MaxInt64/8-total {
			return nil, errors.New("the power of all validators is more than CometBFT takes")
		}
		total += s.power
	}
	if len(seats) == 0 {
		return nil, errors.New("no validator is left")
	}
	slices.SortFunc(seats, func(a, b seat) int { return bytes.Compare(a.address, b.address) })
	return seats, nil
}

// block makes one and lets both nodes execute it. The results are those of the
// transactions, without the beacon's part.
func (c *chain) block(h happening) (txs [][]byte, results []*abci.ExecTxResult, err error) {
	c.height++
	c.now = c.now.Add(h.wait)
	req := c.request(h)
	proposer := c.nodes[c.height%2]
	proposer.SetSources(h.beacon)
	proposal, err := proposer.PrepareProposal(&abci.RequestPrepareProposal{
		MaxTxBytes: 4 << 20, Txs: h.txs, LocalLastCommit: extended(req.DecidedLastCommit), Misbehavior: req.Misbehavior,
		Height: req.Height, Time: req.Time, NextValidatorsHash: req.NextValidatorsHash, ProposerAddress: req.ProposerAddress,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("propose a block: %w", err)
	}
	req.Txs = proposal.Txs
	for i, a := range c.nodes {
		res, err := a.ProcessProposal(&abci.RequestProcessProposal{
			Txs: req.Txs, ProposedLastCommit: req.DecidedLastCommit, Misbehavior: req.Misbehavior, Hash: req.Hash,
			Height: req.Height, Time: req.Time, NextValidatorsHash: req.NextValidatorsHash, ProposerAddress: req.ProposerAddress,
		})
		if err != nil {
			return nil, nil, fmt.Errorf("judge a block: %w", err)
		}
		if res.Status != abci.ResponseProcessProposal_ACCEPT {
			return nil, nil, fmt.Errorf("node %d refuses an honest proposal", i)
		}
	}
	res, err := c.execute(req)
	if err != nil {
		return nil, nil, err
	}
	after, err := change(c.next, res.ValidatorUpdates)
	if err != nil {
		return nil, nil, err
	}
	c.last, c.current, c.next = c.current, c.next, after
	first := 0
	if len(req.Txs) > 0 && beacon.IsInjection(req.Txs[0]) {
		first = 1
	}
	return req.Txs[first:], res.TxResults[first:], nil
}

// execute lets both nodes execute a decided block and compares them.
func (c *chain) execute(req *abci.RequestFinalizeBlock) (*abci.ResponseFinalizeBlock, error) {
	var first *abci.ResponseFinalizeBlock
	for i, a := range c.nodes {
		res, err := a.FinalizeBlock(req)
		if err != nil {
			return nil, fmt.Errorf("node %d cannot execute the block: %w", i, err)
		}
		if _, err := a.Commit(); err != nil {
			return nil, fmt.Errorf("node %d cannot commit: %w", i, err)
		}
		switch {
		case i == 0:
			first = res
		case !bytes.Equal(res.AppHash, first.AppHash):
			return nil, fmt.Errorf("the nodes' states have the hashes %X and %X", first.AppHash, res.AppHash)
		default:
			if d := cmp.Diff(first.TxResults, res.TxResults); d != "" {
				return nil, fmt.Errorf("the nodes' results differ:\n%s", d)
			}
			if d := cmp.Diff(first.ValidatorUpdates, res.ValidatorUpdates); d != "" {
				return nil, fmt.Errorf("the nodes' validators differ:\n%s", d)
			}
		}
	}
	return first, nil
}

func (c *chain) request(h happening) *abci.RequestFinalizeBlock {
	commit := abci.CommitInfo{}
	for _, s := range c.last {
		flag := cmtproto.BlockIDFlagCommit
		if h.absent(s.address) {
			flag = cmtproto.BlockIDFlagAbsent
		}
		commit.Votes = append(commit.Votes, abci.VoteInfo{Validator: abci.Validator{Address: s.address, Power: s.power}, BlockIdFlag: flag})
	}
	number := fmt.Appendf(make([]byte, 0, 32), "%032d", c.height)
	return &abci.RequestFinalizeBlock{
		DecidedLastCommit: commit, Misbehavior: h.evidence, Hash: number, Height: c.height, Time: c.now,
		NextValidatorsHash: number, ProposerAddress: h.proposer,
	}
}

func extended(c abci.CommitInfo) abci.ExtendedCommitInfo {
	out := abci.ExtendedCommitInfo{Round: c.Round}
	for _, v := range c.Votes {
		out.Votes = append(out.Votes, abci.ExtendedVoteInfo{Validator: v.Validator, BlockIdFlag: v.BlockIdFlag})
	}
	return out
}

// ctx reads the state after the last block.
func (c *chain) ctx() sdk.Context { return reading(c.nodes[0], c.height, c.now) }

func reading(a *app.App, height int64, now time.Time) sdk.Context {
	return a.NewContextLegacy(true, cmtproto.Header{ChainID: chainID, Height: height, Time: now})
}

// sound looks at all invariants of the application.
func (c *chain) sound() error {
	a := c.nodes[0]
	return invariant.Check(c.ctx(), slices.Concat(
		a.Beacon.Invariants(), a.Model.Invariants(), a.Work.Invariants(), a.Power.Invariants(), a.Emission.Invariants(), a.Commons.Invariants(),
	)...)
}

// reborn exports the state, lets a new node begin from it, and compares the two
// after a block that both execute.
func (c *chain) reborn() error {
	old := c.nodes[0]
	exported, err := old.Export()
	if err != nil {
		return err
	}
	young, _, err := newNode(exported.AppState, c.now, c.height+1)
	if err != nil {
		return fmt.Errorf("a node that begins from the export: %w", err)
	}
	c.height++
	c.now = c.now.Add(time.Second)
	req := c.request(happening{proposer: c.current[0].address, absent: func([]byte) bool { return false }})
	var states [2]map[string]json.RawMessage
	for i, a := range []*app.App{old, young} {
		if _, err := a.FinalizeBlock(req); err != nil {
			return fmt.Errorf("the block after the export: %w", err)
		}
		if _, err := a.Commit(); err != nil {
			return err
		}
		after, err := a.Export()
		if err != nil {
			return err
		}
		if err := json.Unmarshal(after.AppState, &states[i]); err != nil {
			return err
		}
	}
	for _, module := range slices.Sorted(maps.Keys(states[0])) {
		if d := cmp.Diff(plain(states[0][module]), plain(states[1][module])); d != "" {
			return fmt.Errorf("a node that began from the export has another state of %s:\n%s", module, d)
		}
	}
	return nil
}

func plain(text json.RawMessage) (v any) {
	if err := json.Unmarshal(text, &v); err != nil {
		return string(text)
	}
	return v
}
