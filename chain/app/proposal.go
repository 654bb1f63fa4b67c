package app

import (
	"context"
	"sync/atomic"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cosmos/cosmos-sdk/baseapp/txnrunner"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/beacon"
	"hearth/chain/beacon/rule"
	"hearth/chain/work"
	format "hearth/work"
)

// proposals makes and judges the list of what a block holds: the beacon's part
// first, if there is one, then transactions.
type proposals struct {
	app *App
	// What this node can say of the beacon when it proposes; nil for nothing.
	sources atomic.Pointer[beacon.Sources]
}

func newProposals(a *App) *proposals { return &proposals{app: a} }

// SetSources says where this node has rounds of the beacon from. It may be
// called while blocks are made.
func (a *App) SetSources(s beacon.Sources) { a.proposals.sources.Store(&s) }

// prepare fills a block with what fits of the node's pool.
func (p *proposals) prepare(ctx sdk.Context, req *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal, error) {
	var first [][]byte
	room := req.MaxTxBytes
	if from := p.sources.Load(); from != nil {
		b := rule.Block{ChainID: ctx.ChainID(), Height: req.Height, Time: req.Time.Unix(), Proposer: req.ProposerAddress}
		part, err := p.app.Beacon.Prepare(ctx, b, *from)
		if err != nil {
			// A block without the beacon is better than none.
			p.app.Logger().Error("leave the beacon out of a block", "height", req.Height, "err", err)
		} else if part != nil && txSize(part) <= room {
			first = [][]byte{part}
			room -= txSize(part)
		}
	}
	return &abci.ResponsePrepareProposal{Txs: append(first, p.fit(ctx, req, room)...)}, nil
}

// fit returns the transactions that a block has room for, in their order.
func (p *proposals) fit(ctx sdk.Context, req *abci.RequestPrepareProposal, room int64) [][]byte {
	most := maxGas(ctx)
	tickets, err := p.maxTickets(ctx)
	if err != nil {
		p.app.Logger().Error("leave tickets out of a block", "height", req.Height, "err", err)
	}
	var kept [][]byte
	var gas uint64
	for _, b := range req.Txs {
		tx, err := p.app.TxDecode(b)
		if err != nil {
			continue
		}
		wants, size := declared(tx), txSize(b)
		if size > room || wants > most-gas || ticketsOf(tx) > tickets || !p.weighed(ctx, tx, req.Height) {
			continue
		}
		tickets -= ticketsOf(tx)
		room -= size
		gas += wants
		kept = append(kept, b)
	}
	return kept
}

// weighed tells whether a proposer may put a transaction into its block: its
// tickets, if it has any, hold, and this node has the weights to know. Others
// would refuse the whole block for one that does not.
func (p *proposals) weighed(ctx sdk.Context, tx sdk.Tx, height int64) bool {
	for _, m := range tx.GetMsgs() {
		msg, ok := m.(*work.MsgSubmitTickets)
		if !ok {
			continue
		}
		all := true
		benches := p.app.benches()
		err := p.app.Work.Tier0(ctx, msg, height, func(m *format.Model) (work.Bench, bool) {
			b, found := benches(m)
			all = all && found
			return b, found
		})
		if err != nil || !all {
			return false
		}
	}
	return true
}

// process judges another's block.
func (p *proposals) process(ctx sdk.Context, req *abci.RequestProcessProposal) (*abci.ResponseProcessProposal, error) {
	reject := &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_REJECT}
	part, txs := split(req.Txs)
	if part != nil {
		b := rule.Block{ChainID: ctx.ChainID(), Height: req.Height, Time: req.Time.Unix(), Proposer: req.ProposerAddress}
		if err := p.app.Beacon.Check(ctx, b, part); err != nil {
			p.app.Logger().Error("refuse a block for its beacon", "height", req.Height, "err", err)
			return reject, nil
		}
	}
	tickets, err := p.maxTickets(ctx)
	if err != nil {
		return nil, err
	}
	most := maxGas(ctx)
	var gas uint64
	for _, b := range txs {
		tx, err := p.app.TxDecode(b)
		if err != nil {
			p.app.Logger().Error("refuse a block for what is no transaction", "height", req.Height, "err", err)
			return reject, nil
		}
		wants := declared(tx)
		if wants > most-gas {
			p.app.Logger().Error("refuse a block that wants too much gas", "height", req.Height)
			return reject, nil
		}
		gas += wants
		// More would not be included. Looking at them takes milliseconds each, and
		// the same one can stand in a block a thousand times.
		if tickets -= ticketsOf(tx); tickets < 0 {
			p.app.Logger().Error("refuse a block with too many tickets", "height", req.Height)
			return reject, nil
		}
		if err := p.app.tickets(ctx, tx, req.Height); err != nil {
			p.app.Logger().Error("refuse a block for a ticket", "height", req.Height, "err", err)
			return reject, nil
		}
	}
	return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_ACCEPT}, nil
}

// maxTickets is how many tickets a block may have.
func (p *proposals) maxTickets(ctx sdk.Context) (int, error) {
	params, err := p.app.Work.Params(ctx)
	return int(params.MaxTicketsPerBlock), err
}

// ticketsOf is how many tickets a transaction has.
func ticketsOf(tx sdk.Tx) (n int) {
	for _, m := range tx.GetMsgs() {
		if msg, ok := m.(*work.MsgSubmitTickets); ok {
			n += len(msg.Tickets)
		}
	}
	return n
}

// apply records what stands before the transactions of a decided block.
func (p *proposals) apply(ctx sdk.Context, req *abci.RequestFinalizeBlock) error {
	part, _ := split(req.Txs)
	b := rule.Block{ChainID: ctx.ChainID(), Height: req.Height, Time: req.Time.Unix(), Proposer: req.ProposerAddress}
	return p.app.Beacon.PreBlock(ctx, b, part)
}

// split parts the beacon's part of a block, nil if there is none, from its
// transactions.
func split(txs [][]byte) (part []byte, rest [][]byte) {
	if len(txs) > 0 && beacon.IsInjection(txs[0]) {
		return txs[0], txs[1:]
	}
	return nil, txs
}

// maxGas returns the gas that a block may hold.
func maxGas(ctx sdk.Context) uint64 {
	if b := ctx.ConsensusParams().Block; b != nil && b.MaxGas > 0 {
		return uint64(b.MaxGas)
	}
	return 1 << 62
}

// declared returns the gas that a transaction says it may use.
func declared(tx sdk.Tx) uint64 {
	if t, ok := tx.(sdk.GasTx); ok {
		return t.GetGas()
	}
	return 0
}

// txSize returns the room that a transaction takes in a block: its bytes, and
// in front of them a tag and their number.
func txSize(b []byte) int64 {
	n := int64(len(b)) + 2
	for v := len(b); v >= 1<<7; v >>= 7 {
		n++
	}
	return n
}

// runner runs the transactions of a block one after the other. The beacon's
// part has been recorded before them: it is no transaction and changes nothing
// here.
type runner struct {
	decode sdk.TxDecoder
}

// Run implements [sdk.TxRunner].
func (r runner) Run(ctx context.Context, ms storetypes.MultiStore, txs [][]byte, deliver sdk.DeliverTxFunc) ([]*abci.ExecTxResult, error) {
	part, rest := split(txs)
	done, err := txnrunner.NewDefaultRunner(r.decode).Run(ctx, ms, rest, func(tx []byte, memTx sdk.Tx, ms storetypes.MultiStore, i int, cache map[string]any) *abci.ExecTxResult {
		return deliver(tx, memTx, ms, i+len(txs)-len(rest), cache)
	})
	if err != nil || part == nil {
		return done, err
	}
	return append([]*abci.ExecTxResult{{Log: "the beacon"}}, done...), nil
}
