package explorer

import (
	"context"

	coretypes "github.com/cometbft/cometbft/rpc/core/types"
	"github.com/cosmos/cosmos-sdk/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	gogogrpc "github.com/cosmos/gogoproto/grpc"

	"hearth/chain/beacon"
	"hearth/chain/commons"
	"hearth/chain/emission"
	"hearth/chain/model"
	"hearth/chain/power"
	"hearth/chain/work"
)

// Source is where pages come from. All but Test must be set.
type Source struct {
	// Queries answers the queries of the chain's modules, at its latest height.
	Queries gogogrpc.ClientConn
	// Chain has the blocks.
	Chain Chain
	// Decode reads a transaction.
	Decode sdk.TxDecoder
	// Codec writes its messages.
	Codec codec.JSONCodec
	// Test says that the coins of this chain are worthless. Every page says so.
	Test bool
}

// Chain is what is asked of CometBFT. Both its clients, the one within the
// process and the one over HTTP, are one.
type Chain interface {
	Status(context.Context) (*coretypes.ResultStatus, error)
	Block(ctx context.Context, height *int64) (*coretypes.ResultBlock, error)
	BlockByHash(ctx context.Context, hash []byte) (*coretypes.ResultBlock, error)
	BlockResults(ctx context.Context, height *int64) (*coretypes.ResultBlockResults, error)
	BlockchainInfo(ctx context.Context, least, most int64) (*coretypes.ResultBlockchainInfo, error)
	Tx(ctx context.Context, hash []byte, prove bool) (*coretypes.ResultTx, error)
	TxSearch(ctx context.Context, query string, prove bool, page, perPage *int, order string) (*coretypes.ResultTxSearch, error)
}

// modules are the queries of the modules, one client each.
type modules struct {
	bank     banktypes.QueryClient
	beacon   beacon.QueryClient
	commons  commons.QueryClient
	emission emission.QueryClient
	model    model.QueryClient
	power    power.QueryClient
	work     work.QueryClient
}

func newModules(conn gogogrpc.ClientConn) modules {
	return modules{
		bank:     banktypes.NewQueryClient(conn),
		beacon:   beacon.NewQueryClient(conn),
		commons:  commons.NewQueryClient(conn),
		emission: emission.NewQueryClient(conn),
		model:    model.NewQueryClient(conn),
		power:    power.NewQueryClient(conn),
		work:     work.NewQueryClient(conn),
	}
}

// perPage is how many entries a list shows.
const perPage = 50

// page asks for one page of a list, from a key on; nil is the first.
func page(key []byte) *query.PageRequest { return &query.PageRequest{Key: key, Limit: perPage} }

// latest asks for the newest entries of a list that is kept oldest first.
func latest() *query.PageRequest { return &query.PageRequest{Limit: perPage, Reverse: true} }
