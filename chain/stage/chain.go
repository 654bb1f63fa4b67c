package stage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"cosmossdk.io/log/v2"
	abci "github.com/cometbft/cometbft/abci/types"
	cryptoenc "github.com/cometbft/cometbft/crypto/encoding"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/cosmos/cosmos-sdk/baseapp"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/google/go-cmp/cmp"

	"hearth/chain/app"
	"hearth/chain/beacon"
	"hearth/chain/invariant"
	"hearth/chain/node"
	"hearth/chain/work"
)

// ChainID names every chain of this package.
const ChainID = "stage-1"

// Seat is a validator as CometBFT knows it.
type Seat struct {
	Address []byte
	Power   int64
}

// Chain is what CometBFT does for its application: here, for two of them.
type Chain struct {
	Nodes  [2]*app.App
	Height int64
	Now    time.Time

	// Who validates the last block, the next and the one after that: changes
	// take two blocks.
	Last, Current, Next []Seat
}

// Happening is what a block brings beside transactions.
type Happening struct {
	Wait     time.Duration
	Proposer []byte
	Beacon   beacon.Sources
	Absent   func(address []byte) bool
	Evidence []abci.Misbehavior
	Txs      [][]byte
}

func newNode(state []byte, at time.Time, first int64) (*app.App, []abci.ValidatorUpdate, error) {
	a, err := app.New(log.NewNopLogger(), dbm.NewMemDB(), app.Node{}, baseapp.SetChainID(ChainID), baseapp.SetIAVLSyncPruning(true))
	if err != nil {
		return nil, nil, err
	}
	limits := node.Limits().ToProto()
	res, err := a.InitChain(&abci.RequestInitChain{
		Time: at, ChainId: ChainID, ConsensusParams: &limits, AppStateBytes: state, InitialHeight: first,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("begin from a genesis: %w", err)
	}
	return a, res.Validators, nil
}

// NewChain begins a chain whose nodes weigh tickets as they are told to.
func NewChain(state []byte, at time.Time, benches work.Benches) (*Chain, error) {
	c := &Chain{Now: at}
	for i := range c.Nodes {
		a, updates, err := newNode(state, at, 1)
		if err != nil {
			return nil, err
		}
		a.SetBenches(benches)
		c.Nodes[i] = a
		if i == 0 {
			if c.Current, err = change(nil, updates); err != nil {
				return nil, err
			}
		}
	}
	c.Next = c.Current
	return c, nil
}

// change applies changes of validators as CometBFT does, which would stop at
// those that are wrong.
func change(seats []Seat, updates []abci.ValidatorUpdate) ([]Seat, error) {
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
		i := slices.IndexFunc(seats, func(s Seat) bool { return bytes.Equal(s.Address, address) })
		switch {
		case u.Power < 0:
			return nil, fmt.Errorf("validator %X gets a power of %d", address, u.Power)
		case u.Power == 0 && i < 0:
			return nil, fmt.Errorf("validator %X is removed and was not there", address)
		case u.Power == 0:
			seats = slices.Delete(seats, i, i+1)
		case i < 0:
			seats = append(seats, Seat{address, u.Power})
		default:
			seats[i].Power = u.Power
		}
	}
	var total int64
	for _, s := range seats {
		if s.Power > math.MaxInt64/8-total {
			return nil, errors.New("the power of all validators is more than CometBFT takes")
		}
		total += s.Power
	}
	if len(seats) == 0 {
		return nil, errors.New("no validator is left")
	}
	slices.SortFunc(seats, func(a, b Seat) int { return bytes.Compare(a.Address, b.Address) })
	return seats, nil
}

// Block makes one and lets both nodes execute it. The results are those of the
// transactions, without the beacon's part.
func (c *Chain) Block(h Happening) (txs [][]byte, results []*abci.ExecTxResult, err error) {
	c.Height++
	c.Now = c.Now.Add(h.Wait)
	req := c.request(h)
	proposer := c.Nodes[c.Height%2]
	proposer.SetSources(h.Beacon)
	proposal, err := proposer.PrepareProposal(&abci.RequestPrepareProposal{
		MaxTxBytes: 4 << 20, Txs: h.Txs, LocalLastCommit: extended(req.DecidedLastCommit), Misbehavior: req.Misbehavior,
		Height: req.Height, Time: req.Time, NextValidatorsHash: req.NextValidatorsHash, ProposerAddress: req.ProposerAddress,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("propose a block: %w", err)
	}
	req.Txs = proposal.Txs
	for i, a := range c.Nodes {
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
	after, err := change(c.Next, res.ValidatorUpdates)
	if err != nil {
		return nil, nil, err
	}
	c.Last, c.Current, c.Next = c.Current, c.Next, after
	first := 0
	if len(req.Txs) > 0 && beacon.IsInjection(req.Txs[0]) {
		first = 1
	}
	return req.Txs[first:], res.TxResults[first:], nil
}

// execute lets both nodes execute a decided block and compares them.
func (c *Chain) execute(req *abci.RequestFinalizeBlock) (*abci.ResponseFinalizeBlock, error) {
	var first *abci.ResponseFinalizeBlock
	for i, a := range c.Nodes {
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
			if err := same(first, res); err != nil {
				return nil, err
			}
		}
	}
	return first, nil
}

// same compares what two nodes say of a block.
func same(a, b *abci.ResponseFinalizeBlock) error {
	x, err := a.Marshal()
	if err != nil {
		return err
	}
	y, err := b.Marshal()
	if err != nil {
		return err
	}
	if bytes.Equal(x, y) {
		return nil
	}
	return fmt.Errorf("the nodes' results differ:\n%s", cmp.Diff(a, b))
}

func (c *Chain) request(h Happening) *abci.RequestFinalizeBlock {
	commit := abci.CommitInfo{}
	for _, s := range c.Last {
		flag := cmtproto.BlockIDFlagCommit
		if h.Absent(s.Address) {
			flag = cmtproto.BlockIDFlagAbsent
		}
		commit.Votes = append(commit.Votes, abci.VoteInfo{Validator: abci.Validator{Address: s.Address, Power: s.Power}, BlockIdFlag: flag})
	}
	number := fmt.Appendf(make([]byte, 0, 32), "%032d", c.Height)
	return &abci.RequestFinalizeBlock{
		DecidedLastCommit: commit, Misbehavior: h.Evidence, Hash: number, Height: c.Height, Time: c.Now,
		NextValidatorsHash: number, ProposerAddress: h.Proposer,
	}
}

func extended(c abci.CommitInfo) abci.ExtendedCommitInfo {
	out := abci.ExtendedCommitInfo{Round: c.Round}
	for _, v := range c.Votes {
		out.Votes = append(out.Votes, abci.ExtendedVoteInfo{Validator: v.Validator, BlockIdFlag: v.BlockIdFlag})
	}
	return out
}

// Ctx reads the state after the last block.
func (c *Chain) Ctx() sdk.Context { return reading(c.Nodes[0], c.Height, c.Now) }

// Asked answers queries about the state after the last block, as a node does.
func (c *Chain) Asked() *baseapp.QueryServiceTestHelper {
	return &baseapp.QueryServiceTestHelper{GRPCQueryRouter: c.Nodes[0].GRPCQueryRouter(), Ctx: c.Ctx()}
}

func reading(a *app.App, height int64, now time.Time) sdk.Context {
	return a.NewContextLegacy(true, cmtproto.Header{ChainID: ChainID, Height: height, Time: now})
}

// Sound looks at all invariants of the application.
func (c *Chain) Sound() error {
	a := c.Nodes[0]
	return invariant.Check(c.Ctx(), slices.Concat(
		a.Beacon.Invariants(), a.Model.Invariants(), a.Work.Invariants(), a.Power.Invariants(), a.Emission.Invariants(), a.Commons.Invariants(),
	)...)
}

// Reborn exports the state, lets a new node begin from it, and compares the two
// after a block that both execute.
func (c *Chain) Reborn() error {
	old := c.Nodes[0]
	exported, err := old.Export()
	if err != nil {
		return err
	}
	young, _, err := newNode(exported.AppState, c.Now, c.Height+1)
	if err != nil {
		return fmt.Errorf("a node that begins from the export: %w", err)
	}
	c.Height++
	c.Now = c.Now.Add(time.Second)
	req := c.request(Happening{Proposer: c.Current[0].Address, Absent: func([]byte) bool { return false }})
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
