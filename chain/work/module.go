package work

import (
	"context"

	"cosmossdk.io/core/appmodule"
	"github.com/cosmos/cosmos-sdk/types/module"
	"google.golang.org/grpc"

	"hearth/chain/frame"
)

var (
	_ module.HasGenesis         = AppModule{}
	_ appmodule.HasBeginBlocker = AppModule{}
	_ appmodule.HasEndBlocker   = AppModule{}
)

// AppModule is work as the application's manager sees it.
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
			RegisterMsgServer(r, k.Messages())
			RegisterQueryServer(r, k.Queries())
		},
		Route:   frame.RouteOf(RegisterQueryHandlerClient, NewQueryClient),
		Default: DefaultGenesis,
		Export:  k.ExportGenesis,
	}
	begin := func(ctx context.Context, g GenesisState) error { return k.InitGenesis(ctx, &g) }
	return AppModule{frame.New(parts, begin), k}
}

// BeginBlock implements [appmodule.HasBeginBlocker].
func (m AppModule) BeginBlock(ctx context.Context) error { return m.keeper.BeginBlock(ctx) }

// EndBlock implements [appmodule.HasEndBlocker].
func (m AppModule) EndBlock(ctx context.Context) error { return m.keeper.EndBlock(ctx) }
