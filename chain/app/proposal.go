package app

import (
	"context"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/cosmos/cosmos-sdk/baseapp/txnrunner"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
)

// proposals makes and judges the list of what a block holds.
type proposals struct {
	app *App
}

func newProposals(a *App) proposals { return proposals{a} }

// prepare fills a block with what fits of the node's pool.
func (p proposals) prepare(ctx sdk.Context, req *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal, error) {
	return &abci.ResponsePrepareProposal{Txs: p.fit(ctx, req.Txs, req.MaxTxBytes)}, nil
}

// fit returns the transactions that a block has room for, in their order.
func (p proposals) fit(ctx sdk.Context, txs [][]byte, room int64) [][]byte {
	most := p.maxGas(ctx)
	var kept [][]byte
	var gas uint64
	for _, b := range txs {
		tx, err := p.app.TxDecode(b)
		if err != nil {
			continue
		}
		wants := declared(tx)
		size := txSize(b)
		if size > room || wants > most-gas {
			continue
		}
		room -= size
		gas += wants
		kept = append(kept, b)
	}
	return kept
}

// process judges another's block.
func (p proposals) process(ctx sdk.Context, req *abci.RequestProcessProposal) (*abci.ResponseProcessProposal, error) {
	reject := &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_REJECT}
	most := p.maxGas(ctx)
	var gas uint64
	for _, b := range req.Txs {
		tx, err := p.app.TxDecode(b)
		if err != nil {
			return reject, nil //nolint:nilerr // the answer says it
		}
		wants := declared(tx)
		if wants > most-gas {
			return reject, nil
		}
		gas += wants
	}
	return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_ACCEPT}, nil
}

// apply does what stands before the transactions of a decided block.
func (p proposals) apply(sdk.Context, *abci.RequestFinalizeBlock) error { return nil }

// maxGas returns the gas that a block may hold.
func (p proposals) maxGas(ctx sdk.Context) uint64 {
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

// runner runs the transactions of a block one after the other.
type runner struct {
	decode sdk.TxDecoder
}

// Run implements [sdk.TxRunner].
func (r runner) Run(ctx context.Context, ms storetypes.MultiStore, txs [][]byte, deliver sdk.DeliverTxFunc) ([]*abci.ExecTxResult, error) {
	return txnrunner.NewDefaultRunner(r.decode).Run(ctx, ms, txs, deliver)
}
