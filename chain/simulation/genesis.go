package simulation

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	dbm "github.com/cosmos/cosmos-db"

	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/baseapp"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"

	"hearth/chain/app"
	"hearth/chain/beacon"
	"hearth/chain/beacon/drand"
	"hearth/chain/coin"
	"hearth/chain/commons"
	"hearth/chain/emission"
	"hearth/chain/model"
	"hearth/chain/power"
	"hearth/chain/work"
	manifest "hearth/infer/model"
)

const (
	purse = 100_000 * coin.Unit // of everybody
	bond  = 1_000 * coin.Unit   // of founders
)

// start is when the first block's time is counted from.
func start() time.Time { return time.Unix(1_800_000_000, 0).UTC() }

// writer changes the states of modules in a genesis. The first error stays.
type writer struct {
	app   *app.App
	state map[string]json.RawMessage
	err   error
}

func newWriter() (*writer, error) {
	a, err := app.New(log.NewNopLogger(), dbm.NewMemDB(), app.Node{}, baseapp.SetChainID(chainID))
	if err != nil {
		return nil, err
	}
	state, err := a.DefaultGenesis()
	return &writer{app: a, state: state}, err
}

// edit lets a module's state be changed.
func edit[T any, M interface {
	*T
	sdk.Msg
}](w *writer, module string, change func(*T) error) {
	if w.err != nil {
		return
	}
	var s T
	err := w.app.Codec.UnmarshalJSON(w.state[module], M(&s))
	if err == nil {
		err = change(&s)
	}
	if err == nil {
		w.state[module], err = w.app.Codec.MarshalJSON(M(&s))
	}
	if err != nil {
		w.err = fmt.Errorf("make the genesis of %s: %w", module, err)
	}
}

// give adds coins to an account that need not be there yet.
func (w *writer) give(to string, amount uint64) {
	edit(w, banktypes.ModuleName, func(s *banktypes.GenesisState) error {
		s.Balances = append(s.Balances, banktypes.Balance{Address: to, Coins: coin.Of(amount)})
		s.Supply = s.Supply.Add(coin.Of(amount)...)
		s.Balances = banktypes.SanitizeGenesisBalances(s.Balances)
		return nil
	})
}

// people have an account each, and coins.
func (w *writer) people(all []*person) {
	edit(w, authtypes.ModuleName, func(s *authtypes.GenesisState) error {
		for _, p := range all {
			packed, err := codectypes.NewAnyWithValue(&authtypes.BaseAccount{Address: p.address})
			if err != nil {
				return err
			}
			s.Accounts = append(s.Accounts, packed)
		}
		return nil
	})
	for _, p := range all {
		w.give(p.address, purse)
	}
}

// founders validate from the first block on; miners have lent them their work.
func (w *writer) founders(all []*operator, miners []*miner) {
	edit(w, power.ModuleName, func(s *power.GenesisState) error {
		s.Params = power.FastParams()
		s.Params.DayBlocks, s.Params.DowntimeWindow, s.Params.Jail = 10, 12, 5
		s.Params.TrustingDays, s.Params.UnbondingDays = 1, 2
		for _, o := range all {
			key, public, _, err := o.show()
			if err != nil {
				return err
			}
			s.Validators = append(s.Validators, power.Validator{
				Operator: o.address, PubKey: key, BeaconKey: public, Moniker: o.name, Bond: bond, Guardian: true,
			})
		}
		for i, m := range miners {
			s.Miners = append(s.Miners, power.Miner{Owner: m.owner.address, Validator: all[i%len(all)].address})
		}
		slices.SortFunc(s.Validators, func(a, b power.Validator) int { return strings.Compare(a.Operator, b.Operator) })
		slices.SortFunc(s.Miners, func(a, b power.Miner) int { return strings.Compare(a.Owner, b.Owner) })
		return nil
	})
	w.give(authtypes.NewModuleAddress(power.ModuleName).String(), bond*uint64(len(all)))
}

// modules get times that a short simulation gets to the end of.
func (w *writer) modules(chain drand.Chain, f *manifest.Manifest, validators []string) {
	edit(w, beacon.ModuleName, func(s *beacon.GenesisState) error {
		s.Params = beacon.LocalParams(chain)
		s.Params.StaleAfter, s.Params.StaleBlocks, s.Params.FallbackDelay = 6, 3, 2
		return nil
	})
	edit(w, model.ModuleName, func(s *model.GenesisState) error {
		s.Params = model.FastParams()
		b, err := f.Encode()
		if err != nil {
			return err
		}
		_, err = s.Founded(b, "tiny", "Apache-2.0", []string{"https://example.org/tiny"}, validators)
		return err
	})
	edit(w, work.ModuleName, func(s *work.GenesisState) error {
		s.Params = work.FastParams()
		p := &s.Params
		p.JobTtl, p.BeaconWait, p.Window = 30, 12, 6
		p.VerdictPeriod, p.RevealPeriod, p.AssignmentTtl = 4, 3, 5
		p.AuditPermille, p.MaxOpenClaims, p.Unbonding, p.Keep = 400, 6, 20, 12
		return nil
	})
	edit(w, emission.ModuleName, func(s *emission.GenesisState) error {
		s.Params = emission.FastParams()
		s.Params.EpochBlocks = 5
		return nil
	})
	edit(w, commons.ModuleName, func(s *commons.GenesisState) error {
		s.Params = commons.FastParams()
		p := &s.Params
		p.ChallengePeriod, p.VotePeriod, p.ArtefactPeriod, p.GreylistJobs, p.MaxAttempts = 3, 3, 8, 4, 2
		return nil
	})
	edit(w, govtypes.ModuleName, func(s *govv1.GenesisState) error {
		voting, expedited, deposit := 5*time.Second, 3*time.Second, 5*time.Second
		s.Params.VotingPeriod, s.Params.ExpeditedVotingPeriod, s.Params.MaxDepositPeriod = &voting, &expedited, &deposit
		s.Params.MinDeposit, s.Params.ExpeditedMinDeposit = coin.Of(1_000_000), coin.Of(2_000_000)
		return nil
	})
}

// finish is the genesis as text.
func (w *writer) finish() ([]byte, error) {
	if w.err != nil {
		return nil, w.err
	}
	if err := w.app.ValidateGenesis(w.state); err != nil {
		return nil, fmt.Errorf("check the genesis: %w", err)
	}
	return json.Marshal(w.state)
}
