package node

import (
	"encoding/json"
	"fmt"
	"time"

	cmttypes "github.com/cometbft/cometbft/types"
	genutiltypes "github.com/cosmos/cosmos-sdk/x/genutil/types"

	"hearth/chain/app"
)

// NewGenesis returns a genesis with the chain's limits and a state. Who
// validates is in the state of power.
func NewGenesis(chainID string, at time.Time, state map[string]json.RawMessage) (*genutiltypes.AppGenesis, error) {
	text, err := json.MarshalIndent(state, "", " ")
	if err != nil {
		return nil, fmt.Errorf("write the first state: %w", err)
	}
	g := &genutiltypes.AppGenesis{
		AppName: app.Name, ChainID: chainID, GenesisTime: at.UTC().Truncate(time.Millisecond), InitialHeight: 1,
		AppState: text, Consensus: &genutiltypes.ConsensusGenesis{Params: Limits()},
	}
	if err := g.ValidateAndComplete(); err != nil {
		return nil, fmt.Errorf("check the genesis: %w", err)
	}
	return g, nil
}

// Limits are the limits of consensus at genesis. Evidence counts for as long as
// a light client may trust a header.
func Limits() *cmttypes.ConsensusParams {
	p := cmttypes.DefaultConsensusParams()
	p.Block.MaxBytes = 4 << 20
	p.Block.MaxGas = 200_000_000
	p.Evidence.MaxAgeDuration = 14 * 24 * time.Hour
	p.Evidence.MaxAgeNumBlocks = int64(p.Evidence.MaxAgeDuration / (2 * time.Second))
	p.Evidence.MaxBytes = 64 << 10
	return p
}
