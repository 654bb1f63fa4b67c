package storybook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/p2p"
	coretypes "github.com/cometbft/cometbft/rpc/core/types"
	cmttypes "github.com/cometbft/cometbft/types"
)

// Blocks are the blocks of a story. It is one of the two sources of the pages.
type Blocks struct {
	Network    string
	Proposers  [][]byte // consensus addresses, in turn
	Count      int64
	Began      time.Time
	Txs        map[int64][][]byte
	Results    map[int64][]*abci.ExecTxResult
	CatchingUp bool
	// Height is how many blocks there are now; nil is Count.
	Height func() int64
	Err    error // of every question
}

func (b *Blocks) height() int64 {
	if b.Height != nil {
		return b.Height()
	}
	return b.Count
}

func (b *Blocks) header(h int64) cmttypes.Header {
	header := cmttypes.Header{
		ChainID: b.Network, Height: h, Time: b.Began.Add(time.Duration(h) * 2 * time.Second),
		AppHash: sum("application", h), ValidatorsHash: sum("validators", 0), NextValidatorsHash: sum("validators", 0),
		LastCommitHash: sum("commit", h), DataHash: sum("data", h), EvidenceHash: sum("evidence", h), LastResultsHash: sum("results", h),
		ConsensusHash: sum("consensus", 0),
	}
	if n := int64(len(b.Proposers)); n > 0 {
		header.ProposerAddress = b.Proposers[h%n]
	}
	return header
}

func (b *Blocks) block(h int64) *coretypes.ResultBlock {
	block := &cmttypes.Block{Header: b.header(h), LastCommit: &cmttypes.Commit{Height: h - 1}}
	for i, address := range b.Proposers {
		flag := cmttypes.BlockIDFlagCommit
		if i == 3 {
			flag = cmttypes.BlockIDFlagAbsent
		}
		block.LastCommit.Signatures = append(block.LastCommit.Signatures, cmttypes.CommitSig{BlockIDFlag: flag, ValidatorAddress: address})
	}
	for _, tx := range b.Txs[h] {
		block.Txs = append(block.Txs, tx)
	}
	return &coretypes.ResultBlock{BlockID: cmttypes.BlockID{Hash: sum("block", h)}, Block: block}
}

// Status implements explorer.Chain.
func (b *Blocks) Status(context.Context) (*coretypes.ResultStatus, error) {
	if b.Err != nil {
		return nil, b.Err
	}
	s := &coretypes.ResultStatus{NodeInfo: p2p.DefaultNodeInfo{Network: b.Network}}
	s.SyncInfo = coretypes.SyncInfo{LatestBlockHeight: b.height(), EarliestBlockHeight: 1, LatestBlockTime: b.header(b.height()).Time, CatchingUp: b.CatchingUp}
	return s, nil
}

// Block implements explorer.Chain.
func (b *Blocks) Block(_ context.Context, height *int64) (*coretypes.ResultBlock, error) {
	switch {
	case b.Err != nil:
		return nil, b.Err
	case *height < 1 || *height > b.height():
		return nil, fmt.Errorf("height %d must be less than or equal to the current blockchain height %d", *height, b.height())
	}
	return b.block(*height), nil
}

// BlockByHash implements explorer.Chain. As CometBFT, it answers without a block
// when there is none.
func (b *Blocks) BlockByHash(_ context.Context, hash []byte) (*coretypes.ResultBlock, error) {
	for h := int64(1); h <= b.height() && b.Err == nil; h++ {
		if bytes.Equal(sum("block", h), hash) {
			return b.block(h), nil
		}
	}
	return &coretypes.ResultBlock{}, b.Err
}

// BlockResults implements explorer.Chain.
func (b *Blocks) BlockResults(_ context.Context, height *int64) (*coretypes.ResultBlockResults, error) {
	return &coretypes.ResultBlockResults{Height: *height, TxsResults: b.Results[*height]}, b.Err
}

// BlockchainInfo implements explorer.Chain.
func (b *Blocks) BlockchainInfo(_ context.Context, least, most int64) (*coretypes.ResultBlockchainInfo, error) {
	if most == 0 || most > b.height() {
		most = b.height()
	}
	least = max(1, least, most-19)
	res := &coretypes.ResultBlockchainInfo{LastHeight: b.height()}
	for h := most; h >= least; h-- {
		size := 600
		for _, tx := range b.Txs[h] {
			size += len(tx)
		}
		res.BlockMetas = append(res.BlockMetas, &cmttypes.BlockMeta{
			BlockID: cmttypes.BlockID{Hash: sum("block", h)}, BlockSize: size, Header: b.header(h), NumTxs: len(b.Txs[h]),
		})
	}
	return res, b.Err
}

// Tx implements explorer.Chain.
func (b *Blocks) Tx(_ context.Context, hash []byte, _ bool) (*coretypes.ResultTx, error) {
	if b.Err != nil {
		return nil, b.Err
	}
	for h, txs := range b.Txs {
		for i, tx := range txs {
			if bytes.Equal(cmttypes.Tx(tx).Hash(), hash) {
				return &coretypes.ResultTx{Hash: hash, Height: h, Tx: tx, TxResult: *b.Results[h][i]}, nil
			}
		}
	}
	return nil, fmt.Errorf("tx (%X) not found", hash)
}

// TxSearch implements explorer.Chain. All transactions of a story are of one
// account, whoever is asked for.
func (b *Blocks) TxSearch(ctx context.Context, _ string, _ bool, _, _ *int, _ string) (*coretypes.ResultTxSearch, error) {
	res := &coretypes.ResultTxSearch{}
	var heights []int64
	for h := range b.Txs {
		heights = append(heights, h)
	}
	slices.Sort(heights)
	for _, h := range slices.Backward(heights) {
		for _, tx := range b.Txs[h] {
			if found, err := b.Tx(ctx, cmttypes.Tx(tx).Hash(), false); err == nil {
				res.Txs = append(res.Txs, found)
			}
		}
	}
	res.TotalCount = len(res.Txs)
	return res, b.Err
}

// ErrSilent is what a node that is starting answers.
var ErrSilent = errors.New("the node is not ready: application state is being loaded")
