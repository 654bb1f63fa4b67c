package power

import (
	"context"
	"errors"
	"fmt"

	"cosmossdk.io/collections"
	corestore "cosmossdk.io/core/store"
	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	cryptotypes "github.com/cosmos/cosmos-sdk/crypto/types"

	"hearth/chain/power/weight"
)

// store is the module's state. Operators and owners are keys as their addresses
// are written, heights and days without sign.
type store struct {
	schema     collections.Schema
	params     collections.Item[Params]
	state      collections.Item[State]
	validators collections.Map[string, Validator]
	// byAddress finds the operator of a consensus address in use.
	byAddress  collections.Map[[]byte, string]
	miners     collections.Map[string, Miner]
	unbondings collections.Map[collections.Pair[string, uint64], Unbonding]
	unbondAt   collections.KeySet[collections.Pair[uint64, string]]
	oldKeys    collections.Map[[]byte, OldKey]
	oldUntil   collections.KeySet[collections.Pair[uint64, []byte]]
	penalties  collections.Map[uint64, Penalty]
	missed     collections.Map[string, []byte]
	// sent is what CometBFT has, by consensus address.
	sent collections.Map[[]byte, Sent]
}

func newStore(cdc codec.BinaryCodec, service corestore.KVStoreService) (store, error) {
	b := collections.NewSchemaBuilder(service)
	at := func(n byte) collections.Prefix { return collections.NewPrefix([]byte{n}) }
	text, u64, raw := collections.StringKey, collections.Uint64Key, collections.BytesKey
	s := store{
		params:     collections.NewItem(b, at(0x00), "params", codec.CollValue[Params](cdc)),
		state:      collections.NewItem(b, at(0x01), "state", codec.CollValue[State](cdc)),
		validators: collections.NewMap(b, at(0x10), "validators", text, codec.CollValue[Validator](cdc)),
		byAddress:  collections.NewMap(b, at(0x11), "by_address", raw, collections.StringValue),
		miners:     collections.NewMap(b, at(0x12), "miners", text, codec.CollValue[Miner](cdc)),
		unbondings: collections.NewMap(b, at(0x13), "unbondings", collections.PairKeyCodec(text, u64), codec.CollValue[Unbonding](cdc)),
		unbondAt:   collections.NewKeySet(b, at(0x14), "unbond_at", collections.PairKeyCodec(u64, text)),
		oldKeys:    collections.NewMap(b, at(0x15), "old_keys", raw, codec.CollValue[OldKey](cdc)),
		oldUntil:   collections.NewKeySet(b, at(0x16), "old_until", collections.PairKeyCodec(u64, raw)),
		penalties:  collections.NewMap(b, at(0x17), "penalties", u64, codec.CollValue[Penalty](cdc)),
		missed:     collections.NewMap(b, at(0x18), "missed", text, collections.BytesValue),
		sent:       collections.NewMap(b, at(0x19), "sent", raw, codec.CollValue[Sent](cdc)),
	}
	var err error
	s.schema, err = b.Build()
	return s, err
}

// load reads what almost everything needs.
func (s store) load(ctx context.Context) (Params, State, error) {
	p, err := s.params.Get(ctx)
	if err != nil {
		return p, State{}, fmt.Errorf("read the parameters of power: %w", err)
	}
	st, err := s.state.Get(ctx)
	if err != nil {
		return p, st, fmt.Errorf("read the state of power: %w", err)
	}
	return p, st, nil
}

// validator reads one, and says so if there is none.
func (s store) validator(ctx context.Context, operator string) (Validator, error) {
	v, err := s.validators.Get(ctx, operator)
	if absent(err) {
		return v, ErrNotFound.Wrapf("%q", operator)
	}
	if err != nil {
		return v, fmt.Errorf("read validator %s: %w", operator, err)
	}
	return v, nil
}

// find returns the validator of a consensus address, that it has or had.
func (s store) find(ctx context.Context, address []byte) (Validator, bool, error) {
	operator, err := s.byAddress.Get(ctx, address)
	if absent(err) {
		old, err := s.oldKeys.Get(ctx, address)
		if absent(err) {
			return Validator{}, false, nil
		}
		if err != nil {
			return Validator{}, false, fmt.Errorf("read who had the key %x: %w", address, err)
		}
		operator = old.Operator
	} else if err != nil {
		return Validator{}, false, fmt.Errorf("read who has the key %x: %w", address, err)
	}
	v, err := s.validators.Get(ctx, operator)
	if absent(err) { // it left for good
		return v, false, nil
	}
	if err != nil {
		return v, false, fmt.Errorf("read validator %s: %w", operator, err)
	}
	return v, true, nil
}

// all returns the validators in the order of their operators.
func (s store) all(ctx context.Context) ([]Validator, error) {
	vs, err := values(ctx, s.validators)
	if err != nil {
		return nil, fmt.Errorf("read the validators: %w", err)
	}
	return vs, nil
}

func setOf(vs []Validator) (set weight.Set) {
	for _, v := range vs {
		if v.Power > 0 {
			set = append(set, weight.Share{Operator: v.Operator, Power: v.Power})
		}
	}
	return set
}

// miner reads one; who is not there has done nothing yet.
func (s store) miner(ctx context.Context, owner string, day int64) (Miner, error) {
	m, err := s.miners.Get(ctx, owner)
	if absent(err) {
		return Miner{Owner: owner, Day: day}, nil
	}
	if err != nil {
		return m, fmt.Errorf("read the work of %s: %w", owner, err)
	}
	return m, nil
}

// unbondingsOf lists what an operator has on its way out, soonest first.
func (s store) unbondingsOf(ctx context.Context, operator string) ([]Unbonding, error) {
	var out []Unbonding
	err := s.unbondings.Walk(ctx, collections.NewPrefixedPairRange[string, uint64](operator),
		func(_ collections.Pair[string, uint64], u Unbonding) (bool, error) {
			out = append(out, u)
			return false, nil
		})
	if err != nil {
		return nil, fmt.Errorf("read the unbondings of %s: %w", operator, err)
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

// key returns the consensus key in a message or record.
func key(packed *codectypes.Any) (cryptotypes.PubKey, error) {
	if packed == nil {
		return nil, ErrKey.Wrap("there is none")
	}
	k, ok := packed.GetCachedValue().(cryptotypes.PubKey)
	if !ok {
		return nil, ErrKey.Wrapf("%s is not a consensus key", packed.TypeUrl)
	}
	return k, nil
}

// unpack makes the keys in records readable.
func unpack(u codectypes.AnyUnpacker, packed *codectypes.Any) error {
	if packed == nil {
		return nil
	}
	var k cryptotypes.PubKey
	return u.UnpackAny(packed, &k)
}

// UnpackInterfaces implements [codectypes.UnpackInterfacesMessage].
func (v Validator) UnpackInterfaces(u codectypes.AnyUnpacker) error { return unpack(u, v.PubKey) }

// UnpackInterfaces implements [codectypes.UnpackInterfacesMessage].
func (s Sent) UnpackInterfaces(u codectypes.AnyUnpacker) error { return unpack(u, s.PubKey) }

// UnpackInterfaces implements [codectypes.UnpackInterfacesMessage].
func (m MsgRegister) UnpackInterfaces(u codectypes.AnyUnpacker) error { return unpack(u, m.PubKey) }

// UnpackInterfaces implements [codectypes.UnpackInterfacesMessage].
func (m MsgRotateKey) UnpackInterfaces(u codectypes.AnyUnpacker) error { return unpack(u, m.PubKey) }

// UnpackInterfaces implements [codectypes.UnpackInterfacesMessage].
func (g GenesisState) UnpackInterfaces(u codectypes.AnyUnpacker) error {
	for _, v := range g.Validators {
		if err := v.UnpackInterfaces(u); err != nil {
			return err
		}
	}
	return nil
}

// UnpackInterfaces implements [codectypes.UnpackInterfacesMessage].
func (r QueryValidatorResponse) UnpackInterfaces(u codectypes.AnyUnpacker) error {
	return r.Validator.UnpackInterfaces(u)
}

// UnpackInterfaces implements [codectypes.UnpackInterfacesMessage].
func (r QueryValidatorsResponse) UnpackInterfaces(u codectypes.AnyUnpacker) error {
	for _, v := range r.Validators {
		if err := v.UnpackInterfaces(u); err != nil {
			return err
		}
	}
	return nil
}
