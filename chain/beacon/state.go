package beacon

import (
	"context"
	"errors"
	"fmt"

	"cosmossdk.io/collections"
	corestore "cosmossdk.io/core/store"
	"github.com/cosmos/cosmos-sdk/codec"

	"hearth/chain/beacon/rule"
)

// pairs are a round or a reveal and a height that waits for it.
type pairs = collections.KeySet[collections.Pair[uint64, uint64]]

// store is the module's state. Heights are keys without sign, so that a key is
// the same eight bytes everywhere.
type store struct {
	schema   collections.Schema
	params   collections.Item[Params]
	state    collections.Item[State]
	rounds   collections.Map[uint64, Round]
	reveals  collections.Map[uint64, Reveal]
	values   collections.Map[uint64, Value]
	byRound  pairs
	byReveal pairs
}

func newStore(cdc codec.BinaryCodec, service corestore.KVStoreService) (store, error) {
	b := collections.NewSchemaBuilder(service)
	u64 := collections.Uint64Key
	pair := collections.PairKeyCodec(u64, u64)
	s := store{
		params:   collections.NewItem(b, collections.NewPrefix(0x00), "params", codec.CollValue[Params](cdc)),
		state:    collections.NewItem(b, collections.NewPrefix(0x01), "state", codec.CollValue[State](cdc)),
		rounds:   collections.NewMap(b, collections.NewPrefix(0x10), "rounds", u64, codec.CollValue[Round](cdc)),
		reveals:  collections.NewMap(b, collections.NewPrefix(0x11), "reveals", u64, codec.CollValue[Reveal](cdc)),
		values:   collections.NewMap(b, collections.NewPrefix(0x12), "values", u64, codec.CollValue[Value](cdc)),
		byRound:  collections.NewKeySet(b, collections.NewPrefix(0x13), "by_round", pair),
		byReveal: collections.NewKeySet(b, collections.NewPrefix(0x14), "by_reveal", pair),
	}
	var err error
	s.schema, err = b.Build()
	return s, err
}

// load reads what the rules need.
func (s store) load(ctx context.Context) (Params, rule.Params, rule.State, error) {
	p, err := s.params.Get(ctx)
	if err != nil {
		return p, rule.Params{}, rule.State{}, fmt.Errorf("read the beacon's parameters: %w", err)
	}
	m, err := s.state.Get(ctx)
	if err != nil {
		return p, rule.Params{}, rule.State{}, fmt.Errorf("read the beacon's state: %w", err)
	}
	r, err := p.rules()
	if err != nil {
		return p, r, rule.State{}, fmt.Errorf("the beacon's parameters: %w", err)
	}
	st, err := m.rules()
	return p, r, st, err
}

// rules is the state as package rule has it.
func (s State) rules() (rule.State, error) {
	st := rule.State{
		LastRound: s.LastRound, LastHeight: s.LastRoundHeight, LastTime: s.LastRoundTime,
		Reveals: s.Reveals, Owed: s.Owed, LatestHeight: s.LatestHeight,
	}
	if len(s.Fallback) != len(st.Fallback) || len(s.Latest) != len(st.Latest) {
		return st, fmt.Errorf("the beacon's state: values of %d and %d bytes: want 32", len(s.Fallback), len(s.Latest))
	}
	copy(st.Fallback[:], s.Fallback)
	copy(st.Latest[:], s.Latest)
	return st, nil
}

func stateOf(s rule.State, stale bool) State {
	return State{
		LastRound: s.LastRound, LastRoundHeight: s.LastHeight, LastRoundTime: s.LastTime, Stale: stale,
		Fallback: s.Fallback[:], Reveals: s.Reveals, Owed: s.Owed, Latest: s.Latest[:], LatestHeight: s.LatestHeight,
	}
}

// waiting lists what waits, at most so many: for one round or reveal, or for
// any if that is nil.
func waiting(ctx context.Context, of pairs, number *uint64, most int) ([]collections.Pair[uint64, uint64], error) {
	var ranger collections.Ranger[collections.Pair[uint64, uint64]]
	if number != nil {
		ranger = collections.NewPrefixedPairRange[uint64, uint64](*number)
	}
	var out []collections.Pair[uint64, uint64]
	err := of.Walk(ctx, ranger, func(k collections.Pair[uint64, uint64]) (bool, error) {
		if len(out) == most {
			return true, nil
		}
		out = append(out, k)
		return false, nil
	})
	return out, err
}

// settle notes what a value waits for.
func (s store) settle(ctx context.Context, v Value, a rule.Awaits) error {
	v.Round, v.Reveal = a.Round, a.Reveal
	if err := s.values.Set(ctx, uint64(v.Height), v); err != nil {
		return err
	}
	if a.Round > 0 {
		return s.byRound.Set(ctx, collections.Join(a.Round, uint64(v.Height)))
	}
	return s.byReveal.Set(ctx, collections.Join(a.Reveal, uint64(v.Height)))
}

// give makes the values known that wait for a round or a reveal.
func (s store) give(ctx context.Context, of pairs, number uint64, b rule.Block, randomness [32]byte) error {
	keys, err := waiting(ctx, of, &number, -1)
	if err != nil {
		return err
	}
	for _, k := range keys {
		v, err := s.values.Get(ctx, k.K2())
		if err != nil {
			return fmt.Errorf("height %d waits for a value and has no record: %w", k.K2(), err)
		}
		value := rule.Value(b.ChainID, v.Height, randomness)
		v.Value, v.KnownAt = value[:], b.Height
		if err := s.values.Set(ctx, k.K2(), v); err != nil {
			return err
		}
		if err := of.Remove(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// prune forgets what was recorded up to a height, a bounded part of it.
func (s store) prune(ctx context.Context, upTo int64, most int) error {
	if _, err := prune(ctx, s.rounds, most, func(r Round) bool { return r.Height <= upTo }); err != nil {
		return err
	}
	if _, err := prune(ctx, s.reveals, most, func(r Reveal) bool { return r.Height <= upTo }); err != nil {
		return err
	}
	gone, err := prune(ctx, s.values, most, func(v Value) bool { return v.Height <= upTo })
	if err != nil {
		return err
	}
	for _, v := range gone {
		if err := s.byRound.Remove(ctx, collections.Join(v.Round, uint64(v.Height))); err != nil {
			return err
		}
		if err := s.byReveal.Remove(ctx, collections.Join(v.Reveal, uint64(v.Height))); err != nil {
			return err
		}
	}
	return nil
}

// prune removes the first records as long as they are old, and returns them.
func prune[V any](ctx context.Context, m collections.Map[uint64, V], most int, old func(V) bool) ([]V, error) {
	var keys []uint64
	var gone []V
	err := m.Walk(ctx, nil, func(k uint64, v V) (bool, error) {
		if len(gone) == most || !old(v) {
			return true, nil
		}
		keys, gone = append(keys, k), append(gone, v)
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if err := m.Remove(ctx, k); err != nil {
			return nil, err
		}
	}
	return gone, nil
}

// absent tells whether a read failed for nothing being there.
func absent(err error) bool { return errors.Is(err, collections.ErrNotFound) }
