package app

import (
	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/codec"
	authcodec "github.com/cosmos/cosmos-sdk/codec/address"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/std"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/x/auth/tx"
	txsigning "github.com/cosmos/cosmos-sdk/x/tx/signing"
	"github.com/cosmos/gogoproto/proto"
)

const (
	// Name of the application and of the folder that a node keeps its files in.
	Name = "hearthnode"
	// Prefix begins every address.
	Prefix = "hearth"
	// Worthless is said wherever coins are shown.
	Worthless = "HTH is a test coin: it is worth nothing."
)

// Encoding is how transactions and state are written.
type Encoding struct {
	Registry codectypes.InterfaceRegistry
	Codec    codec.Codec
	Tx       client.TxConfig
	Amino    *codec.LegacyAmino // JSON that old wallets sign
}

// NewEncoding returns an encoding that knows the SDK's own types; modules add
// theirs.
func NewEncoding() (Encoding, error) {
	setPrefixes()
	registry, err := codectypes.NewInterfaceRegistryWithOptions(codectypes.InterfaceRegistryOptions{
		ProtoFiles: proto.HybridResolver,
		SigningOptions: txsigning.Options{
			AddressCodec:          authcodec.NewBech32Codec(Prefix),
			ValidatorAddressCodec: authcodec.NewBech32Codec(Prefix + sdk.PrefixValidator + sdk.PrefixOperator),
		},
	})
	if err != nil {
		return Encoding{}, err
	}
	cdc := codec.NewProtoCodec(registry)
	txConfig, err := tx.NewTxConfigWithOptions(cdc, tx.ConfigOptions{EnabledSignModes: tx.DefaultSignModes})
	if err != nil {
		return Encoding{}, err
	}
	e := Encoding{Registry: registry, Codec: cdc, Tx: txConfig, Amino: codec.NewLegacyAmino()}
	std.RegisterInterfaces(e.Registry)
	std.RegisterLegacyAminoCodec(e.Amino)
	return e, nil
}

// setPrefixes tells the SDK how addresses begin. It keeps that for the whole
// process, and there is only one chain in a process.
func setPrefixes() {
	c := sdk.GetConfig()
	if c.GetBech32AccountAddrPrefix() == Prefix {
		return // so that applications made side by side do not write at once
	}
	c.SetBech32PrefixForAccount(Prefix, Prefix+sdk.PrefixPublic)
	c.SetBech32PrefixForValidator(Prefix+sdk.PrefixValidator+sdk.PrefixOperator, Prefix+sdk.PrefixValidator+sdk.PrefixOperator+sdk.PrefixPublic)
	c.SetBech32PrefixForConsensusNode(Prefix+sdk.PrefixValidator+sdk.PrefixConsensus, Prefix+sdk.PrefixValidator+sdk.PrefixConsensus+sdk.PrefixPublic)
}
