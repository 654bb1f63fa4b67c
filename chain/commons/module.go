package commons

import (
	"context"

	"cosmossdk.io/core/appmodule"
	"github.com/cosmos/cosmos-sdk/types/module"
	"google.golang.org/grpc"

	"hearth/chain/frame"
)

var (
	_ module.HasGenesis       = AppModule{}
	_ appmodule.HasEndBlocker = AppModule{}
)

// AppModule is the module as the application's manager sees it.
type AppModule struct {
	frame.Module[GenesisState, *GenesisState]
	keeper *Keeper
}

// NewAppModule returns the module of a keeper.
func NewAppModule(k *Keeper) AppModule {
	parts := frame.Parts[*GenesisState]{
		Name:     ModuleName,
		Messages: &_Msg_serviceDesc,
		Serve: func(r grpc.ServiceRegistrar) {
			RegisterMsgServer(r, messages{k})
			RegisterQueryServer(r, queries{k})
		},
		Route:   frame.RouteOf(RegisterQueryHandlerClient, NewQueryClient),
		Default: DefaultGenesis,
		Export:  k.ExportGenesis,
	}
	return AppModule{frame.New(parts, k.InitGenesis), k}
}

// EndBlock implements [appmodule.HasEndBlocker].
func (m AppModule) EndBlock(ctx context.Context) error { return m.keeper.EndBlock(ctx) }
