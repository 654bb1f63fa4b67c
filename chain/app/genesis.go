package app

import (
	"encoding/json"
	"fmt"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"

	"hearth/chain/coin"
)

const (
	// A proposal to governance begins its vote with this deposit, in uhth, which
	// is lost if it is vetoed. An expedited one needs more.
	proposalDeposit  = 100 * coin.Unit
	expeditedDeposit = 500 * coin.Unit
)

// depositCoin makes deposits of proposals the chain's coin: the SDK's default is
// one that nobody has here.
func (a *App) depositCoin(state map[string]json.RawMessage) error {
	var gov govv1.GenesisState
	if err := a.Codec.UnmarshalJSON(state[govtypes.ModuleName], &gov); err != nil {
		return fmt.Errorf("read the genesis of gov: %w", err)
	}
	gov.Params.MinDeposit, gov.Params.ExpeditedMinDeposit = coin.Of(proposalDeposit), coin.Of(expeditedDeposit)
	text, err := a.Codec.MarshalJSON(&gov)
	if err != nil {
		return fmt.Errorf("write the genesis of gov: %w", err)
	}
	state[govtypes.ModuleName] = text
	return nil
}

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
