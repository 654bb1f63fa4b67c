package stage

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"cosmossdk.io/log/v2"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/cosmos/cosmos-sdk/baseapp"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"hearth/chain/app"
	"hearth/chain/coin"
	"hearth/chain/power"
)

const (
	// Purse is what everybody has at first.
	Purse = 100_000 * coin.Unit
	// Bond is what founders have bonded.
	Bond = 1_000 * coin.Unit
)

// Start is when the first block's time is counted from.
func Start() time.Time { return time.Unix(1_800_000_000, 0).UTC() }

// Writer changes the states of modules in a genesis. The first error stays.
type Writer struct {
	app   *app.App
	state map[string]json.RawMessage
	err   error
}

// NewWriter begins with the genesis of a real network.
func NewWriter() (*Writer, error) {
	a, err := app.New(log.NewNopLogger(), dbm.NewMemDB(), app.Node{}, baseapp.SetChainID(ChainID), baseapp.SetIAVLSyncPruning(true))
	if err != nil {
		return nil, err
	}
	state, err := a.DefaultGenesis()
	return &Writer{app: a, state: state}, err
}

// Edit lets a module's state be changed.
func Edit[T any, M interface {
	*T
	sdk.Msg
}](w *Writer, module string, change func(*T) error) {
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

// Give adds coins to an account that need not be there yet.
func (w *Writer) Give(to string, amount uint64) {
	Edit(w, banktypes.ModuleName, func(s *banktypes.GenesisState) error {
		s.Balances = append(s.Balances, banktypes.Balance{Address: to, Coins: coin.Of(amount)})
		s.Supply = s.Supply.Add(coin.Of(amount)...)
		s.Balances = banktypes.SanitizeGenesisBalances(s.Balances)
		return nil
	})
}

// People have an account each, and coins.
func (w *Writer) People(all []*Person) {
	Edit(w, authtypes.ModuleName, func(s *authtypes.GenesisState) error {
		for _, p := range all {
			packed, err := codectypes.NewAnyWithValue(&authtypes.BaseAccount{Address: p.Address})
			if err != nil {
				return err
			}
			s.Accounts = append(s.Accounts, packed)
		}
		return nil
	})
	for _, p := range all {
		w.Give(p.Address, Purse)
	}
}

// Found lets founders validate from the first block on; miners have lent them their work.
func (w *Writer) Found(all []*Operator, miners []*Miner) {
	Edit(w, power.ModuleName, func(s *power.GenesisState) error {
		for _, o := range all {
			key, public, _, err := o.Show()
			if err != nil {
				return err
			}
			s.Validators = append(s.Validators, power.Validator{
				Operator: o.Address, PubKey: key, BeaconKey: public, Moniker: o.Name, Bond: Bond, Guardian: true,
			})
		}
		for i, m := range miners {
			s.Miners = append(s.Miners, power.Miner{Owner: m.Owner.Address, Validator: all[i%len(all)].Address})
		}
		slices.SortFunc(s.Validators, func(a, b power.Validator) int { return strings.Compare(a.Operator, b.Operator) })
		slices.SortFunc(s.Miners, func(a, b power.Miner) int { return strings.Compare(a.Owner, b.Owner) })
		return nil
	})
	w.Give(authtypes.NewModuleAddress(power.ModuleName).String(), Bond*uint64(len(all)))
}

// Finish is the genesis as text.
func (w *Writer) Finish() ([]byte, error) {
	if w.err != nil {
		return nil, w.err
	}
	if err := w.app.ValidateGenesis(w.state); err != nil {
		return nil, fmt.Errorf("check the genesis: %w", err)
	}
	return json.Marshal(w.state)
}
