package storybook

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/codec"
	codecaddress "github.com/cosmos/cosmos-sdk/codec/address"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/crypto/keys/ed25519"
	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	"github.com/cosmos/cosmos-sdk/std"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/bech32"
	"github.com/cosmos/cosmos-sdk/types/tx/signing"
	"github.com/cosmos/cosmos-sdk/x/auth/tx"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	txsigning "github.com/cosmos/cosmos-sdk/x/tx/signing"
	"github.com/cosmos/gogoproto/proto"

	"hearth/chain/coin"
	"hearth/chain/explorer"
	"hearth/chain/work"
)

// Story is a chain as the pages see it.
type Story struct {
	Name   string
	Blocks *Blocks
	State  *State
	// Real says that the coins are not those of a test network.
	Real bool
}

// Source returns what the pages are made from.
func (s *Story) Source() (explorer.Source, error) {
	e, err := newEncoding()
	if err != nil {
		return explorer.Source{}, fmt.Errorf("describe the types of story %s: %w", s.Name, err)
	}
	return explorer.Source{Queries: newConn(s.State, e), Chain: s.Blocks, Decode: e.tx.TxDecoder(), Codec: e.codec, Test: !s.Real}, nil
}

// Stories returns every story, made anew.
func Stories() ([]*Story, error) {
	busy, err := Busy()
	if err != nil {
		return nil, err
	}
	hostile, err := Hostile()
	if err != nil {
		return nil, err
	}
	return []*Story{busy, Begun(), hostile, Silent(), Halved()}, nil
}

// encoding is how transactions are written.
type encoding struct {
	registry codectypes.InterfaceRegistry
	codec    codec.Codec
	tx       client.TxConfig
}

func newEncoding() (encoding, error) {
	registry, err := codectypes.NewInterfaceRegistryWithOptions(codectypes.InterfaceRegistryOptions{
		ProtoFiles:     proto.HybridResolver,
		SigningOptions: txsigning.Options{AddressCodec: codecaddress.NewBech32Codec("hearth"), ValidatorAddressCodec: codecaddress.NewBech32Codec("hearth")},
	})
	if err != nil {
		return encoding{}, err
	}
	std.RegisterInterfaces(registry)
	banktypes.RegisterInterfaces(registry)
	registry.RegisterImplementations((*sdk.Msg)(nil), &work.MsgPostJob{}, &work.MsgSubmitTickets{}, &work.MsgJudge{})
	cdc := codec.NewProtoCodec(registry)
	config, err := tx.NewTxConfigWithOptions(cdc, tx.ConfigOptions{EnabledSignModes: tx.DefaultSignModes})
	return encoding{registry, cdc, config}, err
}

// transaction writes a transaction that nobody has signed for.
func (e encoding) transaction(memo string, messages ...sdk.Msg) ([]byte, error) {
	b := e.tx.NewTxBuilder()
	if err := b.SetMsgs(messages...); err != nil {
		return nil, err
	}
	b.SetMemo(memo)
	b.SetGasLimit(200_000)
	b.SetFeeAmount(coin.Of(5_000))
	key := secp256k1.GenPrivKeyFromSecret([]byte("story")).PubKey()
	err := b.SetSignatures(signing.SignatureV2{PubKey: key, Data: &signing.SingleSignatureData{SignMode: signing.SignMode_SIGN_MODE_DIRECT, Signature: make([]byte, 64)}})
	if err != nil {
		return nil, err
	}
	return e.tx.TxEncoder()(b.GetTx())
}

// sum is a hash that means nothing.
func sum(what string, n int64) []byte {
	h := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(what), uint64(n))) //nolint:gosec // any bits will do
	return h[:]
}

// Address returns the address of somebody.
func Address(who string) string {
	s, err := bech32.ConvertAndEncode("hearth", sum(who, 0)[:20])
	if err != nil {
		panic(err) // 20 bytes can always be encoded
	}
	return s
}

// key is the key that a validator signs blocks with.
func key(who string) *ed25519.PubKey { return &ed25519.PubKey{Key: sum(who+" key", 0)} }
