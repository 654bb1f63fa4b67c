package app

import (
	"maps"
	"slices"

	corestore "cosmossdk.io/core/store"
	authcodec "github.com/cosmos/cosmos-sdk/codec/address"
	"github.com/cosmos/cosmos-sdk/runtime"
	"github.com/cosmos/cosmos-sdk/types/module"
	"github.com/cosmos/cosmos-sdk/x/auth"
	authkeeper "github.com/cosmos/cosmos-sdk/x/auth/keeper"
	authsim "github.com/cosmos/cosmos-sdk/x/auth/simulation"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	authzkeeper "github.com/cosmos/cosmos-sdk/x/authz/keeper"
	authzmodule "github.com/cosmos/cosmos-sdk/x/authz/module"
	"github.com/cosmos/cosmos-sdk/x/bank"
	bankkeeper "github.com/cosmos/cosmos-sdk/x/bank/keeper"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	"github.com/cosmos/cosmos-sdk/x/consensus"
	consensuskeeper "github.com/cosmos/cosmos-sdk/x/consensus/keeper"
	consensustypes "github.com/cosmos/cosmos-sdk/x/consensus/types"
	"github.com/cosmos/cosmos-sdk/x/epochs"
	epochskeeper "github.com/cosmos/cosmos-sdk/x/epochs/keeper"
	epochstypes "github.com/cosmos/cosmos-sdk/x/epochs/types"
	"github.com/cosmos/cosmos-sdk/x/feegrant"
	feegrantkeeper "github.com/cosmos/cosmos-sdk/x/feegrant/keeper"
	feegrantmodule "github.com/cosmos/cosmos-sdk/x/feegrant/module"
	"github.com/cosmos/cosmos-sdk/x/gov"
	govkeeper "github.com/cosmos/cosmos-sdk/x/gov/keeper"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
	"github.com/cosmos/cosmos-sdk/x/upgrade"
	upgradekeeper "github.com/cosmos/cosmos-sdk/x/upgrade/keeper"
	upgradetypes "github.com/cosmos/cosmos-sdk/x/upgrade/types"

	"hearth/chain/beacon"
	"hearth/chain/commons"
	"hearth/chain/emission"
	"hearth/chain/govern"
	"hearth/chain/model"
	"hearth/chain/power"
	"hearth/chain/work"
)

// Keepers hold the state of the modules.
type Keepers struct {
	Account   authkeeper.AccountKeeper
	Bank      bankkeeper.BaseKeeper
	Authz     authzkeeper.Keeper
	Feegrant  feegrantkeeper.Keeper
	Consensus consensuskeeper.Keeper
	Upgrade   *upgradekeeper.Keeper
	Gov       *govkeeper.Keeper
	Epochs    *epochskeeper.Keeper
	Power     *power.Keeper
	Beacon    *beacon.Keeper
	Model     *model.Keeper
	Emission  *emission.Keeper
	Work      *work.Keeper
	Commons   *commons.Keeper
}

// storeNames returns the names of the stores, one for each module that has
// state.
func storeNames() []string {
	return []string{
		authtypes.StoreKey, banktypes.StoreKey, authzkeeper.StoreKey, feegrant.StoreKey,
		consensustypes.StoreKey, upgradetypes.StoreKey, govtypes.StoreKey, epochstypes.StoreKey,
		power.ModuleName, beacon.ModuleName, model.ModuleName, emission.ModuleName,
		work.ModuleName, commons.ModuleName,
	}
}

// moduleAccounts says what the accounts of modules may do.
func moduleAccounts() map[string][]string {
	return map[string][]string{
		authtypes.FeeCollectorName: {authtypes.Burner},
		govtypes.ModuleName:        {authtypes.Burner},
		power.ModuleName:           {authtypes.Burner},
		model.ModuleName:           {authtypes.Burner},
		emission.ModuleName:        {authtypes.Minter, authtypes.Burner},
		emission.CommunityName:     nil,
		work.ModuleName:            {authtypes.Burner},
		commons.ModuleName:         {authtypes.Burner},
	}
}

// authority is the account that may change parameters: that of governance.
func authority() string {
	return authtypes.NewModuleAddress(govtypes.ModuleName).String()
}

func newKeepers(a *App, node Node) (Keepers, error) {
	var k Keepers
	var err error
	addresses := authcodec.NewBech32Codec(Prefix)
	store := func(name string) corestore.KVStoreService { return runtime.NewKVStoreService(a.keys[name]) }

	k.Consensus = consensuskeeper.NewKeeper(a.Codec, store(consensustypes.StoreKey), authority(), runtime.EventService{})
	k.Account = authkeeper.NewAccountKeeper(a.Codec, store(authtypes.StoreKey), authtypes.ProtoBaseAccount,
		moduleAccounts(), addresses, Prefix, authority())
	// Nobody sends coins to a module's account by mistake: what arrives there
	// without the module's doing would belong to no one. Governance's is open, for
	// it can spend.
	blocked := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(moduleAccounts())) {
		blocked[authtypes.NewModuleAddress(name).String()] = name != govtypes.ModuleName
	}
	k.Bank = bankkeeper.NewBaseKeeper(a.Codec, store(banktypes.StoreKey), k.Account, blocked, authority(), a.Logger())
	k.Authz = authzkeeper.NewKeeper(store(authzkeeper.StoreKey), a.Codec, a.MsgServiceRouter(), k.Account)
	k.Feegrant = feegrantkeeper.NewKeeper(a.Codec, store(feegrant.StoreKey), k.Account)
	k.Upgrade = upgradekeeper.NewKeeper(node.SkipUpgrades, store(upgradetypes.StoreKey), a.Codec, node.Home, a.BaseApp, authority())
	epochsKeeper := epochskeeper.NewKeeper(store(epochstypes.StoreKey), a.Codec)
	k.Epochs = &epochsKeeper
	if k.Power, err = power.NewKeeper(a.Codec, store(power.ModuleName), authority(), addresses,
		authtypes.NewModuleAddress(power.ModuleName), k.Bank); err != nil {
		return k, err
	}
	if k.Beacon, err = beacon.NewKeeper(a.Codec, store(beacon.ModuleName), authority(), k.Power); err != nil {
		return k, err
	}
	if k.Model, err = model.NewKeeper(a.Codec, store(model.ModuleName), authority(), k.Bank, k.Power); err != nil {
		return k, err
	}
	if k.Emission, err = emission.NewKeeper(a.Codec, store(emission.ModuleName), authority(), addresses,
		authtypes.NewModuleAddress(emission.ModuleName), k.Bank, k.Power); err != nil {
		return k, err
	}
	if k.Work, err = work.NewKeeper(a.Codec, store(work.ModuleName), authority(), work.Neighbours{
		Bank: k.Bank, Models: k.Model, Beacon: k.Beacon, Power: k.Power, Emission: k.Emission,
	}); err != nil {
		return k, err
	}
	if k.Commons, err = commons.NewKeeper(a.Codec, store(commons.ModuleName), authority(), commons.Neighbours{
		Bank: k.Bank, Work: k.Work, Models: k.Model, Powers: k.Power, Beacon: k.Beacon,
	}); err != nil {
		return k, err
	}
	k.Power.SetCollateral(k.Emission)
	k.Work.SetCommons(k.Commons)
	k.Gov = govkeeper.NewKeeper(a.Codec, store(govtypes.StoreKey), k.Account, k.Bank, nil, a.MsgServiceRouter(),
		govtypes.DefaultConfig(), authority(), govern.Tally(k.Power)).SetHooks(govern.Voters(k.Power, addresses))
	return k, nil
}

// newModules returns the modules in the orders in which their parts of a block
// run.
func (a *App) newModules() *module.Manager {
	m := module.NewManager(
		auth.NewAppModule(a.Codec, a.Account, authsim.RandomGenesisAccounts),
		bank.NewAppModule(a.Codec, a.Bank, a.Account),
		authzmodule.NewAppModule(a.Codec, a.Authz, a.Account, a.Bank, a.Registry),
		feegrantmodule.NewAppModule(a.Codec, a.Account, a.Bank, a.Feegrant, a.Registry),
		consensus.NewAppModule(a.Codec, a.Consensus),
		upgrade.NewAppModule(a.Upgrade, a.Account.AddressCodec()),
		gov.NewAppModule(a.Codec, a.Gov, a.Account, a.Bank),
		epochs.NewAppModule(a.Epochs),
		beacon.NewAppModule(a.Beacon),
		model.NewAppModule(a.Model),
		power.NewAppModule(a.Power),
		emission.NewAppModule(a.Emission),
		work.NewAppModule(a.Work),
		commons.NewAppModule(a.Commons),
	)
	m.SetOrderPreBlockers(upgradetypes.ModuleName, authtypes.ModuleName)
	// Who was absent is known before what it earned.
	m.SetOrderBeginBlockers(last(m.OrderBeginBlockers, power.ModuleName, emission.ModuleName)...)
	// Work is credited, then paid, then counted towards power.
	m.SetOrderEndBlockers(last(m.OrderEndBlockers, work.ModuleName, commons.ModuleName, emission.ModuleName, power.ModuleName)...)
	return m
}

// last moves names to the end of a list.
func last(all []string, names ...string) []string {
	rest := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(names, s) })
	return append(rest, names...)
}
