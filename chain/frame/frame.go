package frame

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
	gogogrpc "github.com/cosmos/gogoproto/grpc"
	"github.com/cosmos/gogoproto/proto"
	gwruntime "github.com/grpc-ecosystem/grpc-gateway/runtime"
	"google.golang.org/grpc"
)

// Genesis is the state of a module in a genesis file: a pointer to the message G.
type Genesis[G any] interface {
	*G
	proto.Message
	Validate() error
}

// Parts are a module's own. None may be missing.
type Parts[P any] struct {
	Name string
	// Messages describes the service that answers transactions. All that it takes
	// can then stand in a transaction.
	Messages *grpc.ServiceDesc
	// Serve registers who answers messages and who answers queries.
	Serve func(grpc.ServiceRegistrar)
	Route Route
	// Default is the state that a real network begins with.
	Default func() P
	// Export is the state as it is: what begins from it goes on where this ends.
	Export func(context.Context) (P, error)
}

// Route adds the paths under which the queries of a node are asked over HTTP.
type Route func(context.Context, *gwruntime.ServeMux, gogogrpc.ClientConn) error

// RouteOf makes one of the two functions that are generated for a service of
// queries, C being its client.
func RouteOf[C any](register func(context.Context, *gwruntime.ServeMux, C) error, dial func(gogogrpc.ClientConn) C) Route {
	return func(ctx context.Context, mux *gwruntime.ServeMux, conn gogogrpc.ClientConn) error {
		return register(ctx, mux, dial(conn))
	}
}

// What the manager looks for, whichever the state.
func _[G any, P Genesis[G]]() {
	var (
		_ appmodule.AppModule        = Base[G, P]{}
		_ module.AppModuleBasic      = Base[G, P]{}
		_ module.HasGenesisBasics    = Base[G, P]{}
		_ module.HasConsensusVersion = Base[G, P]{}
		_ appmodule.HasServices      = Base[G, P]{}
		_ module.HasGenesis          = Module[G, P]{}
	)
}

// Base is a module but for the beginning of its state. It may be used from
// several goroutines where its parts may.
type Base[G any, P Genesis[G]] struct{ parts Parts[P] }

// NewBase returns the base of a module.
func NewBase[G any, P Genesis[G]](parts Parts[P]) Base[G, P] { return Base[G, P]{parts} }

// IsAppModule implements [appmodule.AppModule].
func (Base[G, P]) IsAppModule() {}

// IsOnePerModuleType implements [appmodule.AppModule].
func (Base[G, P]) IsOnePerModuleType() {}

// ConsensusVersion counts breaking changes of the state. No module has had one.
func (Base[G, P]) ConsensusVersion() uint64 { return 1 }

// RegisterLegacyAminoCodec implements [module.AppModuleBasic]: there is none.
func (Base[G, P]) RegisterLegacyAminoCodec(*codec.LegacyAmino) {}

// Name implements [module.AppModuleBasic].
func (b Base[G, P]) Name() string { return b.parts.Name }

// RegisterInterfaces implements [module.AppModuleBasic].
func (b Base[G, P]) RegisterInterfaces(r codectypes.InterfaceRegistry) {
	msgservice.RegisterMsgServiceDesc(r, b.parts.Messages)
}

// RegisterGRPCGatewayRoutes implements [module.AppModuleBasic].
func (b Base[G, P]) RegisterGRPCGatewayRoutes(c client.Context, mux *gwruntime.ServeMux) {
	if err := b.parts.Route(context.Background(), mux, c); err != nil {
		panic(fmt.Errorf("serve the queries of %s: %w", b.parts.Name, err))
	}
}

// RegisterServices implements [appmodule.HasServices].
func (b Base[G, P]) RegisterServices(r grpc.ServiceRegistrar) error {
	b.parts.Serve(r)
	return nil
}

// DefaultGenesis implements [module.HasGenesisBasics].
func (b Base[G, P]) DefaultGenesis(cdc codec.JSONCodec) json.RawMessage {
	return cdc.MustMarshalJSON(b.parts.Default())
}

// ValidateGenesis implements [module.HasGenesisBasics].
func (b Base[G, P]) ValidateGenesis(cdc codec.JSONCodec, _ client.TxEncodingConfig, text json.RawMessage) error {
	var g G
	if err := cdc.UnmarshalJSON(text, P(&g)); err != nil {
		return fmt.Errorf("read the genesis of %s: %w", b.parts.Name, err)
	}
	return P(&g).Validate()
}

// ReadGenesis returns the state in a genesis file, or panics: see the package.
func (Base[G, P]) ReadGenesis(cdc codec.JSONCodec, text json.RawMessage) G {
	var g G
	cdc.MustUnmarshalJSON(text, P(&g))
	return g
}

// ExportGenesis implements [module.HasGenesis].
func (b Base[G, P]) ExportGenesis(ctx sdk.Context, cdc codec.JSONCodec) json.RawMessage {
	g, err := b.parts.Export(ctx)
	if err != nil {
		panic(err)
	}
	return cdc.MustMarshalJSON(g)
}

// Module is a module that leaves it to others who validates.
type Module[G any, P Genesis[G]] struct {
	Base[G, P]
	begin func(context.Context, G) error
}

// New returns a module whose state begins from a genesis with begin.
func New[G any, P Genesis[G]](parts Parts[P], begin func(context.Context, G) error) Module[G, P] {
	return Module[G, P]{NewBase[G](parts), begin}
}

// InitGenesis implements [module.HasGenesis].
func (m Module[G, P]) InitGenesis(ctx sdk.Context, cdc codec.JSONCodec, text json.RawMessage) {
	if err := m.begin(ctx, m.ReadGenesis(cdc, text)); err != nil {
		panic(err)
	}
}
