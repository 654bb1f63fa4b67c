package power

import (
	"context"
	"encoding/json"

	"cosmossdk.io/core/appmodule"
	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cosmos/cosmos-sdk/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/module"
	"google.golang.org/grpc"

	"hearth/chain/frame"
)

var (
	_ module.HasABCIGenesis     = AppModule{}
	_ module.HasABCIEndBlock    = AppModule{}
	_ appmodule.HasBeginBlocker = AppModule{}
)

// AppModule is power as the application's manager sees it. It is the one module
// that tells CometBFT of validators.
type AppModule struct {
	frame.Base[GenesisState, *GenesisState]
	keeper *Keeper
}

// NewAppModule returns the module of a keeper.
func NewAppModule(k *Keeper) AppModule {
	parts := frame.Parts[*GenesisState]{
		Name:     ModuleName,
		Messages: &_Msg_serviceDesc,
		Serve: func(r grpc.ServiceRegistrar) {
			RegisterMsgServer(r, k.Messages())
			RegisterQueryServer(r, k.Queries())
		},
		Route:   frame.RouteOf(RegisterQueryHandlerClient, NewQueryClient),
		Default: DefaultGenesis,
		Export:  k.ExportGenesis,
	}
	return AppModule{frame.NewBase[GenesisState](parts), k}
}

// InitGenesis implements [module.HasABCIGenesis], which wants a panic where a
// chain cannot begin.
func (m AppModule) InitGenesis(ctx sdk.Context, cdc codec.JSONCodec, text json.RawMessage) []abci.ValidatorUpdate {
	updates, err := m.keeper.InitGenesis(ctx, m.ReadGenesis(cdc, text))
	if err != nil {
		panic(err)
	}
	return updates
}

// BeginBlock implements [appmodule.HasBeginBlocker].
func (m AppModule) BeginBlock(ctx context.Context) error { return m.keeper.BeginBlock(ctx) }

// EndBlock implements [module.HasABCIEndBlock].
func (m AppModule) EndBlock(ctx context.Context) ([]abci.ValidatorUpdate, error) {
	return m.keeper.EndBlock(ctx)
}
