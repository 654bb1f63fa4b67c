package emission

import (
	"context"
	"errors"
	"fmt"

	"cosmossdk.io/collections"
	corestore "cosmossdk.io/core/store"
	"github.com/cosmos/cosmos-sdk/codec"
)

// store is the module's state. Owners are keys as their addresses are written.
type store struct {
	schema  collections.Schema
	params  collections.Item[Params]
	state   collections.Item[State]
	credits collections.Map[collections.Pair[uint64, string], Credit] // by epoch, then owner
	judged  collections.Map[string, Judged]
	vesting collections.Map[collections.Pair[string, uint64], Vesting] // by owner, then epoch
	vestAt  collections.KeySet[collections.Pair[uint64, string]]
	epochs  collections.Map[uint64, Epoch]
	earned  collections.Map[string, Earned]
}

func newStore(cdc codec.BinaryCodec, service corestore.KVStoreService) (store, error) {
	b := collections.NewSchemaBuilder(service)
	at := func(n byte) collections.Prefix { return collections.NewPrefix([]byte{n}) }
	text, u64 := collections.StringKey, collections.Uint64Key
	s := store{
		params:  collections.NewItem(b, at(0x00), "params", codec.CollValue[Params](cdc)),
		state:   collections.NewItem(b, at(0x01), "state", codec.CollValue[State](cdc)),
		credits: collections.NewMap(b, at(0x10), "credits", collections.PairKeyCodec(u64, text), codec.CollValue[Credit](cdc)),
		judged:  collections.NewMap(b, at(0x11), "judged", text, codec.CollValue[Judged](cdc)),
		vesting: collections.NewMap(b, at(0x12), "vesting", collections.PairKeyCodec(text, u64), codec.CollValue[Vesting](cdc)),
		vestAt:  collections.NewKeySet(b, at(0x13), "vest_at", collections.PairKeyCodec(u64, text)),
		epochs:  collections.NewMap(b, at(0x14), "epochs", u64, codec.CollValue[Epoch](cdc)),
		earned:  collections.NewMap(b, at(0x15), "earned", text, codec.CollValue[Earned](cdc)),
	}
	var err error
	s.schema, err = b.Build()
	return s, err
}

func (s store) load(ctx context.Context) (Params, State, error) {
	p, err := s.params.Get(ctx)
	if err != nil {
		return p, State{}, fmt.Errorf("read the parameters of the emission: %w", err)
	}
	st, err := s.state.Get(ctx)
	if err != nil {
		return p, st, fmt.Errorf("read the state of the emission: %w", err)
	}
	return p, st, nil
}

// account reads what an owner has earned; who is not there, nothing.
func (s store) account(ctx context.Context, owner string) (Earned, error) {
	return orNew(s.earned.Get(ctx, owner))(Earned{Owner: owner})
}

// orNew takes the result of a read and gives what to take if nothing was there.
func orNew[V any](v V, err error) func(V) (V, error) {
	return func(fresh V) (V, error) {
		if absent(err) {
			return fresh, nil
		}
		return v, err
	}
}

// vestingOf lists what an owner waits for, soonest first.
func (s store) vestingOf(ctx context.Context, owner string) ([]Vesting, error) {
	var out []Vesting
	err := s.vesting.Walk(ctx, collections.NewPrefixedPairRange[string, uint64](owner),
		func(_ collections.Pair[string, uint64], v Vesting) (bool, error) {
			out = append(out, v)
			return false, nil
		})
	if err != nil {
		return nil, fmt.Errorf("read what vests for %s: %w", owner, err)
	}
	return out, nil
}

func values[K, V any](ctx context.Context, m collections.Map[K, V]) ([]V, error) {
	var out []V
	err := m.Walk(ctx, nil, func(_ K, v V) (bool, error) {
		out = append(out, v)
		return false, nil
	})
	return out, err
}

// absent tells whether a read failed for nothing being there.
func absent(err error) bool { return errors.Is(err, collections.ErrNotFound) }
