package beacon

import (
	"github.com/cosmos/cosmos-sdk/types/module"
	"google.golang.org/grpc"

	"hearth/chain/frame"
)

var _ module.HasGenesis = AppModule{}

// AppModule is the beacon as the application's manager sees it. Its part of a
// block is [Keeper.PreBlock], which the application calls with what stands
// before the transactions.
type AppModule struct {
	frame.Module[GenesisState, *GenesisState]
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
	return AppModule{frame.New(parts, k.InitGenesis)}
}
