package app

import (
	"encoding/json"
	"fmt"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"

	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"hearth/chain/coin"
)

// nameCoin says in a genesis state how people write the coin.
func (a *App) nameCoin(state map[string]json.RawMessage) error {
	var bank banktypes.GenesisState
	if err := a.Codec.UnmarshalJSON(state[banktypes.ModuleName], &bank); err != nil {
		return fmt.Errorf("read the genesis of bank: %w", err)
	}
	bank.DenomMetadata = []banktypes.Metadata{{
		Base: coin.Denom, Display: coin.Display, Name: "Hearth", Symbol: coin.Display,
		Description: Worthless,
		DenomUnits: []*banktypes.DenomUnit{
			{Denom: coin.Denom}, {Denom: coin.Display, Exponent: 6},
		},
	}}
	text, err := a.Codec.MarshalJSON(&bank)
	if err != nil {
		return fmt.Errorf("write the genesis of bank: %w", err)
	}
	state[banktypes.ModuleName] = text
	return nil
}

// header describes the block after the last one, for reading the state.
func (a *App) header() cmtproto.Header {
	return cmtproto.Header{ChainID: a.ChainID(), Height: a.LastBlockHeight()}
}
