package app

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync/atomic"

	"cosmossdk.io/log/v2"
	abci "github.com/cometbft/cometbft/abci/types"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/cosmos/cosmos-sdk/baseapp"
	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/client/grpc/cmtservice"
	nodeservice "github.com/cosmos/cosmos-sdk/client/grpc/node"
	"github.com/cosmos/cosmos-sdk/server"
	"github.com/cosmos/cosmos-sdk/server/api"
	"github.com/cosmos/cosmos-sdk/server/config"
	servertypes "github.com/cosmos/cosmos-sdk/server/types"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/module"
	authtx "github.com/cosmos/cosmos-sdk/x/auth/tx"
	upgradetypes "github.com/cosmos/cosmos-sdk/x/upgrade/types"

	"hearth/chain/work"
)

// App is the application of one node. CometBFT calls it from one goroutine at
// a time for blocks; queries run beside that.
type App struct {
	*baseapp.BaseApp
	Encoding
	Keepers

	keys         map[string]*storetypes.KVStoreKey
	modules      *module.Manager
	basic        module.BasicManager
	configurator module.Configurator
	proposals    *proposals
	weights      atomic.Pointer[work.Benches]
	sound        looks
}

var _ servertypes.Application = (*App)(nil)

// Node is what an application needs to know of the node that runs it. None of
// it changes what a block does: nodes differ in it and must still agree.
type Node struct {
	// Home is the node's folder, where upgrades are announced.
	Home string
	// SkipUpgrades lists heights of upgrades that the operator leaves out.
	SkipUpgrades map[int64]bool
}

// New returns an application over a database, loaded at its latest height.
func New(logger log.Logger, db dbm.DB, node Node, options ...func(*baseapp.BaseApp)) (*App, error) {
	encoding, err := NewEncoding()
	if err != nil {
		return nil, fmt.Errorf("describe the chain's types: %w", err)
	}
	base := baseapp.NewBaseApp(Name, logger, db, encoding.Tx.TxDecoder(), options...)
	base.SetInterfaceRegistry(encoding.Registry)
	base.SetTxEncoder(encoding.Tx.TxEncoder())
	base.SetBlockSTMTxRunner(runner{decode: encoding.Tx.TxDecoder()})

	a := &App{BaseApp: base, Encoding: encoding, keys: storetypes.NewKVStoreKeys(storeNames()...)}
	if a.Keepers, err = newKeepers(a, node); err != nil {
		return nil, fmt.Errorf("set up the modules: %w", err)
	}
	a.modules = a.newModules()
	a.basic = module.NewBasicManagerFromManager(a.modules, nil)
	a.basic.RegisterInterfaces(a.Registry)
	a.basic.RegisterLegacyAminoCodec(a.Amino)
	a.configurator = module.NewConfigurator(a.Codec, a.MsgServiceRouter(), a.GRPCQueryRouter())
	if err := a.modules.RegisterServices(a.configurator); err != nil {
		return nil, fmt.Errorf("register the services of the modules: %w", err)
	}

	a.MountKVStores(a.keys)
	a.SetParamStore(a.Consensus.ParamsStore)
	a.SetInitChainer(a.initChain)
	a.SetPreBlocker(a.preBlock)
	a.SetBeginBlocker(func(ctx sdk.Context) (sdk.BeginBlock, error) { return a.modules.BeginBlock(ctx) })
	a.SetEndBlocker(a.endBlock)
	a.SetPrecommiter(func(ctx sdk.Context) { _ = a.modules.Precommit(ctx) })
	a.SetPrepareCheckStater(func(ctx sdk.Context) { _ = a.modules.PrepareCheckState(ctx) })
	ante, err := a.newAnte()
	if err != nil {
		return nil, fmt.Errorf("set up the checks of transactions: %w", err)
	}
	a.SetAnteHandler(ante)
	a.proposals = newProposals(a)
	a.SetPrepareProposal(a.proposals.prepare)
	a.SetProcessProposal(a.proposals.process)

	if err := a.prepareUpgrade(); err != nil {
		return nil, err
	}
	if err := a.LoadLatestVersion(); err != nil {
		return nil, fmt.Errorf("load the state in %s: %w", filepath.Join(node.Home, "data"), err)
	}
	return a, nil
}

// initChain makes the first state out of a genesis file.
func (a *App) initChain(ctx sdk.Context, req *abci.RequestInitChain) (*abci.ResponseInitChain, error) {
	var state map[string]json.RawMessage
	if err := json.Unmarshal(req.AppStateBytes, &state); err != nil {
		return nil, fmt.Errorf("read app_state of the genesis file: %w", err)
	}
	if err := a.Upgrade.SetModuleVersionMap(ctx, a.modules.GetVersionMap()); err != nil {
		return nil, fmt.Errorf("note the versions of the modules: %w", err)
	}
	return a.modules.InitGenesis(ctx, a.Codec, state)
}

// preBlock runs before everything else of a block: upgrades, then what the
// proposer put in front of the transactions.
func (a *App) preBlock(ctx sdk.Context, req *abci.RequestFinalizeBlock) (*sdk.ResponsePreBlock, error) {
	res, err := a.modules.PreBlock(ctx)
	if err != nil {
		return nil, err
	}
	return res, a.proposals.apply(ctx, req)
}

// endBlock ends a block. Fees of transactions are burned: who validates is paid
// by the emission, so that no proposer gains by filling its own block.
func (a *App) endBlock(ctx sdk.Context) (sdk.EndBlock, error) {
	if err := a.burnFees(ctx); err != nil {
		return sdk.EndBlock{}, err
	}
	return a.modules.EndBlock(ctx)
}

// prepareUpgrade makes room for the stores of an upgrade that is due at the
// height where the node stopped.
func (a *App) prepareUpgrade() error {
	plan, err := a.Upgrade.ReadUpgradeInfoFromDisk()
	if err != nil {
		return fmt.Errorf("read which upgrade is due: %w", err)
	}
	if plan.Name == "" || a.Upgrade.IsSkipHeight(plan.Height) {
		return nil
	}
	// This version brings no store that an earlier one did not have.
	a.SetStoreLoader(upgradetypes.UpgradeStoreLoader(plan.Height, &storetypes.StoreUpgrades{}))
	return nil
}

// DefaultGenesis returns the genesis state of a real network, without
// validators or accounts.
func (a *App) DefaultGenesis() (map[string]json.RawMessage, error) {
	state := a.basic.DefaultGenesis(a.Codec)
	if err := a.depositCoin(state); err != nil {
		return nil, err
	}
	return state, a.nameCoin(state)
}

// ValidateGenesis says what is wrong with a genesis state.
func (a *App) ValidateGenesis(state map[string]json.RawMessage) error {
	return a.basic.ValidateGenesis(a.Codec, a.Tx, state)
}

// Export returns the state after the latest block as a genesis state, from
// which a chain can go on with the next height.
func (a *App) Export() (servertypes.ExportedApp, error) {
	ctx := a.NewContextLegacy(true, a.header())
	state, err := a.State(ctx)
	if err != nil {
		return servertypes.ExportedApp{}, err
	}
	text, err := json.MarshalIndent(state, "", " ")
	if err != nil {
		return servertypes.ExportedApp{}, fmt.Errorf("write the modules' states: %w", err)
	}
	return servertypes.ExportedApp{
		AppState: text,
		// Validators are in the state of power, which hands them over at genesis.
		Height:          a.LastBlockHeight() + 1,
		ConsensusParams: a.GetConsensusParams(ctx),
	}, nil
}

// State returns the states of all modules in a context, by module.
func (a *App) State(ctx sdk.Context) (map[string]json.RawMessage, error) {
	state, err := a.modules.ExportGenesis(ctx, a.Codec)
	if err != nil {
		return nil, fmt.Errorf("export the modules' states: %w", err)
	}
	return state, nil
}

// ExportAt is Export at an earlier height that the node has kept.
func (a *App) ExportAt(height int64) (servertypes.ExportedApp, error) {
	if err := a.LoadVersion(height); err != nil {
		return servertypes.ExportedApp{}, fmt.Errorf("load height %d (it may have been pruned): %w", height, err)
	}
	return a.Export()
}

// Basics returns what commands need of the modules.
func (a *App) Basics() module.BasicManager { return a.basic }

// RegisterAPIRoutes adds the REST routes of all modules to a server.
func (a *App) RegisterAPIRoutes(s *api.Server, _ config.APIConfig) {
	authtx.RegisterGRPCGatewayRoutes(s.ClientCtx, s.GRPCGatewayRouter)
	cmtservice.RegisterGRPCGatewayRoutes(s.ClientCtx, s.GRPCGatewayRouter)
	nodeservice.RegisterGRPCGatewayRoutes(s.ClientCtx, s.GRPCGatewayRouter)
	a.basic.RegisterGRPCGatewayRoutes(s.ClientCtx, s.GRPCGatewayRouter)
}

// RegisterTxService adds the service that simulates and finds transactions.
func (a *App) RegisterTxService(c client.Context) {
	authtx.RegisterTxService(a.GRPCQueryRouter(), c, a.Simulate, a.Registry)
}

// RegisterTendermintService adds the service for blocks and validators.
func (a *App) RegisterTendermintService(c client.Context) {
	cmtservice.RegisterTendermintService(c, a.GRPCQueryRouter(), a.Registry, server.NewCometABCIWrapper(a).Query)
}

// RegisterNodeService adds the service that tells about the node.
func (a *App) RegisterNodeService(c client.Context, cfg config.Config) {
	nodeservice.RegisterNodeService(c, a.GRPCQueryRouter(), cfg, func() int64 {
		return a.CommitMultiStore().EarliestVersion()
	})
}
