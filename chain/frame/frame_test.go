package frame_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	gwruntime "github.com/grpc-ecosystem/grpc-gateway/runtime"

	"hearth/chain/frame"
)

// bank is a module whose state is a variable, in the words of the SDK's bank.
type bank struct {
	state banktypes.GenesisState
	fails error
}

func (b *bank) begin(_ context.Context, g banktypes.GenesisState) error {
	b.state = g
	return b.fails
}

func (b *bank) export(context.Context) (*banktypes.GenesisState, error) { return &b.state, b.fails }

func (b *bank) module() frame.Module[banktypes.GenesisState, *banktypes.GenesisState] {
	return frame.New(frame.Parts[*banktypes.GenesisState]{
		Name:     "savings",
		Messages: &banktypes.Msg_serviceDesc,
		Route: frame.RouteOf(func(context.Context, *gwruntime.ServeMux, banktypes.QueryClient) error {
			return b.fails
		}, banktypes.NewQueryClient),
		Default: banktypes.DefaultGenesisState,
		Export:  b.export,
	}, b.begin)
}

func newCodec() (codec.Codec, codectypes.InterfaceRegistry) {
	registry := codectypes.NewInterfaceRegistry()
	return codec.NewProtoCodec(registry), registry
}

func TestAnExportIsAGenesis(t *testing.T) {
	cdc, _ := newCodec()
	from := bank{state: *banktypes.DefaultGenesisState()}
	from.state.DenomMetadata = []banktypes.Metadata{{
		Base: "crumb", Display: "crumb", Name: "Crumb", Symbol: "C",
		DenomUnits: []*banktypes.DenomUnit{{Denom: "crumb"}},
	}}
	text := from.module().ExportGenesis(sdk.Context{}, cdc)
	var to bank
	if err := to.module().ValidateGenesis(cdc, nil, text); err != nil {
		t.Fatal(err)
	}
	to.module().InitGenesis(sdk.Context{}, cdc, text)
	if again := to.module().ExportGenesis(sdk.Context{}, cdc); string(again) != string(text) {
		t.Errorf("what was exported as\n%s\nbegan as\n%s", text, again)
	}
}

func TestOnWhatNoChainMayBegin(t *testing.T) {
	cdc, _ := newCodec()
	var b bank
	m := b.module()
	if err := m.ValidateGenesis(cdc, nil, m.DefaultGenesis(cdc)); err != nil {
		t.Errorf("not even on its default: %v", err)
	}
	err := m.ValidateGenesis(cdc, nil, json.RawMessage(`{"params":`))
	if err == nil || !strings.Contains(err.Error(), "genesis of savings") {
		t.Errorf("half a genesis: %v", err)
	}
	if err := m.ValidateGenesis(cdc, nil, json.RawMessage(`{"denom_metadata":[{"base":"?"}]}`)); err == nil {
		t.Error("nobody looks at what is in a genesis")
	}
}

func TestEveryMessageCanStandInATransaction(t *testing.T) {
	_, registry := newCodec()
	var b bank
	b.module().RegisterInterfaces(registry)
	for _, m := range banktypes.Msg_serviceDesc.Methods {
		if _, err := registry.Resolve("/cosmos.bank.v1beta1.Msg" + m.MethodName); err != nil {
			t.Error(err)
		}
	}
}

// The SDK leaves a module no other way to say so.
func TestWhatFailsStopsTheNode(t *testing.T) {
	cdc, _ := newCodec()
	cause := errors.New("the disk is gone")
	b := bank{fails: cause}
	m := b.module()
	for name, call := range map[string]func(){
		"begin":  func() { m.InitGenesis(sdk.Context{}, cdc, m.DefaultGenesis(cdc)) },
		"export": func() { m.ExportGenesis(sdk.Context{}, cdc) },
		"route":  func() { m.RegisterGRPCGatewayRoutes(client.Context{}, gwruntime.NewServeMux()) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if err, _ := recover().(error); !errors.Is(err, cause) {
					t.Errorf("it goes on, or stops with %v", err)
				}
			}()
			call()
		})
	}
}
