package commons

import (
	"context"
	"encoding/json"
	"fmt"

	"cosmossdk.io/core/appmodule"
	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/module"
	"github.com/cosmos/cosmos-sdk/types/msgservice"
	gwruntime "github.com/grpc-ecosystem/grpc-gateway/runtime"
	"google.golang.org/grpc"
)

var (
	_ module.HasGenesis       = AppModule{}
	_ module.AppModuleBasic   = AppModule{}
	_ appmodule.HasServices   = AppModule{}
	_ appmodule.HasEndBlocker = AppModule{}
)

// AppModule is the module as the application's manager sees it.
type AppModule struct{ keeper *Keeper }

// NewAppModule returns the module of a keeper.
func NewAppModule(k *Keeper) AppModule { return AppModule{keeper: k} }

// IsAppModule implements [appmodule.AppModule].
func (AppModule) IsAppModule() {}

// IsOnePerModuleType implements [appmodule.AppModule].
func (AppModule) IsOnePerModuleType() {}

// Name implements [module.AppModuleBasic].
func (AppModule) Name() string { return ModuleName }

// ConsensusVersion counts breaking changes of the state.
func (AppModule) ConsensusVersion() uint64 { return 1 }

// RegisterLegacyAminoCodec implements [module.AppModuleBasic]: there is none.
func (AppModule) RegisterLegacyAminoCodec(*codec.LegacyAmino) {}

// RegisterInterfaces implements [module.AppModuleBasic].
func (AppModule) RegisterInterfaces(r codectypes.InterfaceRegistry) {
	r.RegisterImplementations((*sdk.Msg)(nil),
		&MsgPropose{}, &MsgChallenge{}, &MsgVote{}, &MsgPublish{}, &MsgPause{}, &MsgUpdateParams{})
	msgservice.RegisterMsgServiceDesc(r, &_Msg_serviceDesc)
}

// RegisterGRPCGatewayRoutes implements [module.AppModuleBasic].
func (AppModule) RegisterGRPCGatewayRoutes(c client.Context, mux *gwruntime.ServeMux) {
	if err := RegisterQueryHandlerClient(context.Background(), mux, NewQueryClient(c)); err != nil {
		panic(fmt.Errorf("serve the queries of commons: %w", err))
	}
}

// RegisterServices implements [appmodule.HasServices].
func (m AppModule) RegisterServices(r grpc.ServiceRegistrar) error {
	RegisterMsgServer(r, messages(m))
	RegisterQueryServer(r, queries(m))
	return nil
}

// DefaultGenesis implements [module.HasGenesis].
func (AppModule) DefaultGenesis(cdc codec.JSONCodec) json.RawMessage {
	return cdc.MustMarshalJSON(DefaultGenesis())
}

// ValidateGenesis implements [module.HasGenesis].
func (AppModule) ValidateGenesis(cdc codec.JSONCodec, _ client.TxEncodingConfig, b json.RawMessage) error {
	var g GenesisState
	if err := cdc.UnmarshalJSON(b, &g); err != nil {
		return fmt.Errorf("read the genesis of commons: %w", err)
	}
	return g.Validate()
}

// InitGenesis implements [module.HasGenesis], which wants a panic where a chain
// cannot begin.
func (m AppModule) InitGenesis(ctx sdk.Context, cdc codec.JSONCodec, b json.RawMessage) {
	var g GenesisState
	cdc.MustUnmarshalJSON(b, &g)
	if err := m.keeper.InitGenesis(ctx, g); err != nil {
		panic(err)
	}
}

// ExportGenesis implements [module.HasGenesis].
func (m AppModule) ExportGenesis(ctx sdk.Context, cdc codec.JSONCodec) json.RawMessage {
	g, err := m.keeper.ExportGenesis(ctx)
	if err != nil {
		panic(err)
	}
	return cdc.MustMarshalJSON(g)
}

// EndBlock implements [appmodule.HasEndBlocker].
func (m AppModule) EndBlock(ctx context.Context) error { return m.keeper.EndBlock(ctx) }
