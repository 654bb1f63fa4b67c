package devnet

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"cosmossdk.io/log/v2"
	dbm "github.com/cosmos/cosmos-db"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	cryptotypes "github.com/cosmos/cosmos-sdk/crypto/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	genutiltypes "github.com/cosmos/cosmos-sdk/x/genutil/types"

	"hearth/chain/app"
	"hearth/chain/beacon"
	"hearth/chain/beacon/drand"
	"hearth/chain/coin"
	"hearth/chain/commons"
	"hearth/chain/commons/library"
	"hearth/chain/emission"
	"hearth/chain/keys"
	"hearth/chain/model"
	"hearth/chain/node"
	"hearth/chain/power"
	"hearth/chain/work"
	"hearth/infer/mini"
)

// founder is a validator from the first block.
type founder struct {
	Node

	key    cryptotypes.PubKey
	beacon drand.SecretKey
}

// newGenesis returns the genesis of a network whose founders validate and whose
// accounts have coins.
func newGenesis(plan Plan, at time.Time, accounts []Account, founders []founder) (*genutiltypes.AppGenesis, error) {
	a, err := app.New(log.NewNopLogger(), dbm.NewMemDB(), app.Node{Home: plan.Home})
	if err != nil {
		return nil, err
	}
	state, err := a.DefaultGenesis()
	if err != nil {
		return nil, err
	}
	w := writer{app: a, state: state}
	w.fund(accounts)
	w.found(founders)
	w.follow(plan.beacon)
	w.hasten()
	w.offer(plan, accounts, founders)
	w.register(plan.miner)
	if w.err != nil {
		return nil, w.err
	}
	if err := a.ValidateGenesis(state); err != nil {
		return nil, fmt.Errorf("check the genesis: %w", err)
	}
	return node.NewGenesis(plan.ChainID, at, state)
}

// writer changes the states of modules in a genesis. The first error stays.
type writer struct {
	app   *app.App
	state map[string]json.RawMessage
	err   error
}

// edit decodes a module's state, lets it be changed and puts it back.
func edit[T any, M interface {
	*T
	codec
}](w *writer, module string, change func(*T) error) {
	if w.err != nil {
		return
	}
	var s T
	if err := w.app.Codec.UnmarshalJSON(w.state[module], M(&s)); err != nil {
		w.err = fmt.Errorf("read the genesis of %s: %w", module, err)
		return
	}
	if err := change(&s); err != nil {
		w.err = fmt.Errorf("make the genesis of %s: %w", module, err)
		return
	}
	if w.state[module], w.err = w.app.Codec.MarshalJSON(M(&s)); w.err != nil {
		w.err = fmt.Errorf("write the genesis of %s: %w", module, w.err)
	}
}

type codec = sdk.Msg

// fund gives accounts their coins.
func (w *writer) fund(accounts []Account) {
	edit(w, authtypes.ModuleName, func(s *authtypes.GenesisState) error {
		for _, a := range accounts {
			account := &authtypes.BaseAccount{Address: a.Address}
			packed, err := codectypes.NewAnyWithValue(account)
			if err != nil {
				return err
			}
			s.Accounts = append(s.Accounts, packed)
		}
		return nil
	})
	edit(w, banktypes.ModuleName, func(s *banktypes.GenesisState) error {
		for _, a := range accounts {
			coins := coin.Of(a.Coins)
			s.Balances = append(s.Balances, banktypes.Balance{Address: a.Address, Coins: coins})
			s.Supply = s.Supply.Add(coins...)
		}
		s.Balances = banktypes.SanitizeGenesisBalances(s.Balances)
		return nil
	})
}

// found makes founders guardians with a bond, which power's account holds.
func (w *writer) found(founders []founder) {
	var bonds uint64
	edit(w, power.ModuleName, func(s *power.GenesisState) error {
		for _, f := range founders {
			key, err := codectypes.NewAnyWithValue(f.key)
			if err != nil {
				return err
			}
			public := f.beacon.Public()
			s.Validators = append(s.Validators, power.Validator{
				Operator: f.Operator, PubKey: key, BeaconKey: public[:], Moniker: f.Name, Bond: bond, Guardian: true,
			})
			bonds += bond
		}
		slices.SortFunc(s.Validators, func(a, b power.Validator) int { return strings.Compare(a.Operator, b.Operator) })
		return nil
	})
	w.give(authtypes.NewModuleAddress(power.ModuleName).String(), bonds)
}

// bond of each founder.
const bond = 10_000 * coin.Unit

// give adds coins to an account, or to a module's.
func (w *writer) give(to string, amount uint64) {
	edit(w, banktypes.ModuleName, func(s *banktypes.GenesisState) error {
		coins := coin.Of(amount)
		s.Balances = append(s.Balances, banktypes.Balance{Address: to, Coins: coins})
		s.Supply = s.Supply.Add(coins...)
		s.Balances = banktypes.SanitizeGenesisBalances(s.Balances)
		return nil
	})
}

// hasten makes what is counted in days and hours end in seconds.
func (w *writer) hasten() {
	edit(w, model.ModuleName, func(s *model.GenesisState) error { s.Params = model.FastParams(); return nil })
	edit(w, emission.ModuleName, func(s *emission.GenesisState) error { s.Params = emission.FastParams(); return nil })
	edit(w, power.ModuleName, func(s *power.GenesisState) error { s.Params = power.FastParams(); return nil })
	edit(w, work.ModuleName, func(s *work.GenesisState) error { *s = *work.Opening(work.FastParams()); return nil })
	edit(w, commons.ModuleName, func(s *commons.GenesisState) error {
		s.Params = commons.FastParams()
		s.Params.DrawBlocks, s.Params.JobsPerDraw = 5, 2 // so that two small miners have room for paid jobs
		return nil
	})
}

// offer gives the network a model and a project of the commons, and lends the
// first validator the work of those who will mine.
func (w *writer) offer(plan Plan, accounts []Account, founders []founder) {
	made, err := newContent()
	if err != nil {
		w.err = errors.Join(w.err, err)
		return
	}
	dearest, all, err := made.passages.Cost(made.model.Config())
	if err != nil {
		w.err = errors.Join(w.err, err)
		return
	}
	root := made.passages.Root()
	var id [32]byte
	edit(w, model.ModuleName, func(s *model.GenesisState) (err error) {
		var operators []string
		for _, f := range founders {
			operators = append(operators, f.Operator)
		}
		slices.Sort(operators)
		id, err = s.Founded(made.manifest, mini.Name, "Apache-2.0", []string{"http://" + plan.content + "/weights"}, operators)
		return err
	})
	edit(w, commons.ModuleName, func(s *commons.GenesisState) error {
		s.Projects = []commons.Project{{
			Id: 1, Proposer: accounts[0].Address, Title: "Passages of old books, gone on with",
			Summary: "What a small model makes of passages in the public domain, open for whoever studies such models.",
			Licence: "CC0-1.0", Model: id[:], JobsRoot: root[:], Jobs: made.passages.Len(), JobMacs: dearest, Budget: all,
			Sources: []string{"http://" + plan.content + "/library/" + library.Path(root)}, Status: commons.STATUS_ACTIVE,
		}}
		s.NextProject = 2
		return nil
	})
	edit(w, power.ModuleName, func(s *power.GenesisState) error {
		for _, a := range accounts {
			if a.Name == minerName || a.Name == homeName {
				s.Miners = append(s.Miners, power.Miner{Owner: a.Address, Validator: founders[0].Operator})
			}
		}
		slices.SortFunc(s.Miners, func(a, b power.Miner) int { return strings.Compare(a.Owner, b.Owner) })
		return nil
	})
}

// register makes somebody a miner, whose bond work's account holds.
func (w *writer) register(who keys.Public) {
	const bond = 1000 * coin.Unit
	edit(w, work.ModuleName, func(s *work.GenesisState) error {
		owner := who.Owner.String()
		s.Miners = append(s.Miners, work.Miner{Owner: owner, Hot: who.Account.String(), Executor: who.Executor[:], Bond: bond})
		s.Executors = append(s.Executors, work.ExecutorOwner{Executor: who.Executor[:], Owner: owner})
		return nil
	})
	w.give(authtypes.NewModuleAddress(work.ModuleName).String(), bond)
}

// follow sets the beacon that the chain follows: one of this machine's own.
func (w *writer) follow(chain drand.Chain) {
	edit(w, beacon.ModuleName, func(s *beacon.GenesisState) error {
		s.Params = beacon.LocalParams(chain)
		return nil
	})
}

func put(name string, text []byte) error {
	if err := os.WriteFile(name, text, 0o644); err != nil {
		return fmt.Errorf("write a file of the network: %w", err)
	}
	return nil
}
