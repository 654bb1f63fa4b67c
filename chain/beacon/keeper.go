package beacon

import (
	"context"
	"fmt"
	"sync"

	corestore "cosmossdk.io/core/store"
	"github.com/cosmos/cosmos-sdk/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/beacon/drand"
	"hearth/chain/beacon/rule"
)

const (
	// diverts bounds the values that one block sends to the fallback.
	diverts = 256
	// forgets bounds the records of each kind that one block forgets, beyond
	// what it may add.
	forgets = 8
)

// Validators knows the keys with which proposers reveal: package power.
type Validators interface {
	// BeaconKey is the registered key of a validator, by consensus address.
	BeaconKey(ctx context.Context, address []byte) (key []byte, found bool, err error)
}

// Keeper holds the beacon's state.
type Keeper struct {
	store      store
	authority  string
	validators Validators

	// The key of the beacon ready to verify with. It follows from the
	// parameters, so that nodes agree whether they have it ready or not.
	mu       sync.Mutex
	verifier *drand.Verifier
}

// NewKeeper returns a keeper over a store. authority is the account that may
// change parameters.
func NewKeeper(cdc codec.BinaryCodec, service corestore.KVStoreService, authority string, validators Validators) (*Keeper, error) {
	s, err := newStore(cdc, service)
	if err != nil {
		return nil, fmt.Errorf("lay out the beacon's store: %w", err)
	}
	return &Keeper{store: s, authority: authority, validators: validators}, nil
}

// Await registers that something in this block waits for a value. The height
// is the block's own: what the value is for must be fixed before anybody can
// know it.
func (k *Keeper) Await(ctx context.Context, height int64) error {
	if own := sdk.UnwrapSDKContext(ctx).BlockHeight(); height != own {
		return ErrLate.Wrapf("height %d in block %d", height, own)
	}
	has, err := k.store.values.Has(ctx, uint64(height))
	if err != nil || has {
		return err
	}
	return k.store.values.Set(ctx, uint64(height), Value{Height: height})
}

// Value is what the claims of the block at a height are mined with, and the
// height of the block in which it became known. It is the same for all of that
// block: who draws for several things hashes it with the thing.
func (k *Keeper) Value(ctx context.Context, height int64) (value [32]byte, knownAt int64, known bool, err error) {
	v, err := k.store.values.Get(ctx, uint64(height))
	if absent(err) {
		return value, 0, false, ErrNoValue.Wrapf("height %d", height)
	}
	if err != nil {
		return value, 0, false, fmt.Errorf("read the beacon's value for height %d: %w", height, err)
	}
	if len(v.Value) != len(value) {
		return value, 0, false, nil
	}
	copy(value[:], v.Value)
	return value, v.KnownAt, true, nil
}

// Latest is the newest randomness that was recorded, and where; before the
// first it is a constant of the chain, at height 0. A proposer can choose how
// many of the newest rounds its block records, and so among two or three of
// them: for what is worth that, use [Keeper.Await].
func (k *Keeper) Latest(ctx context.Context) (value [32]byte, height int64, err error) {
	s, err := k.store.state.Get(ctx)
	if err != nil {
		return value, 0, fmt.Errorf("read the beacon's state: %w", err)
	}
	copy(value[:], s.Latest)
	return value, s.LatestHeight, nil
}

// Params are the parameters in force.
func (k *Keeper) Params(ctx context.Context) (Params, error) { return k.store.params.Get(ctx) }

// Sources are what a proposer can put into its block, from its own node.
type Sources struct {
	// Rounds gives signatures of the rounds first, first+1, … as far as the
	// node has them, without waiting: (*relay.Feed).Rounds.
	Rounds func(first uint64, most int) []drand.Signature
	// Reveal signs with the validator's beacon key, under [drand.Reveals]; nil
	// if the node has none.
	Reveal func(message []byte) (drand.Signature, error)
}

// Prepare returns what the proposer of a block puts before its transactions,
// or nil for nothing. What the node's sources give is checked as others will
// check it: a relay of the wrong chain costs the beacon's part, not the block.
func (k *Keeper) Prepare(ctx context.Context, b rule.Block, from Sources) ([]byte, error) {
	_, p, s, err := k.store.load(ctx)
	if err != nil {
		return nil, err
	}
	first, count, reveal := s.Wanted(p, b)
	var in rule.Injection
	if from.Rounds != nil && count > 0 {
		if in.Rounds = from.Rounds(first, count); len(in.Rounds) > 0 {
			in.First = first
		}
		if len(in.Rounds) > 0 && k.check(ctx, p, s, b, in) != nil {
			in = rule.Injection{}
		}
	}
	if from.Reveal != nil && reveal {
		if sig, err := from.Reveal(rule.RevealMessage(b.ChainID, b.Height, s.Fallback)); err == nil &&
			k.check(ctx, p, s, b, rule.Injection{Reveal: &sig}) == nil {
			in.Reveal = &sig
		}
	}
	if len(in.Rounds) == 0 && in.Reveal == nil {
		return nil, nil
	}
	return encode(in)
}

// Check tells whether a block may hold an injection. Its error wraps
// [ErrInjection] if the injection is at fault.
func (k *Keeper) Check(ctx context.Context, b rule.Block, tx []byte) error {
	_, p, s, err := k.store.load(ctx)
	if err != nil {
		return err
	}
	in, err := decode(tx)
	if err != nil {
		return err
	}
	return k.check(ctx, p, s, b, in)
}

func (k *Keeper) check(ctx context.Context, p rule.Params, s rule.State, b rule.Block, in rule.Injection) error {
	v, err := k.ready(p.Chain.PublicKey)
	if err != nil {
		return err
	}
	var revealer *drand.PublicKey
	if in.Reveal != nil {
		key, found, err := k.validators.BeaconKey(ctx, b.Proposer)
		if err != nil {
			return fmt.Errorf("look up the proposer's beacon key: %w", err)
		}
		if found && len(key) == len(drand.PublicKey{}) {
			own := drand.PublicKey(key)
			revealer = &own
		}
	}
	if err := s.Check(p, b, in, v, revealer); err != nil {
		return ErrInjection.Wrap(err.Error())
	}
	return nil
}

// ready is the beacon's key, prepared once.
func (k *Keeper) ready(key drand.PublicKey) (*drand.Verifier, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.verifier == nil || k.verifier.Key() != key {
		v, err := drand.NewVerifier(key)
		if err != nil {
			return nil, fmt.Errorf("the beacon's key: %w", err)
		}
		k.verifier = v
	}
	return k.verifier, nil
}

// PreBlock records what stands before the transactions of a decided block; tx
// is nil if nothing does. It has to run in every block, before everything that
// asks for values. What honest validators would have refused is passed over:
// a decided block cannot be refused any more.
func (k *Keeper) PreBlock(ctx context.Context, b rule.Block, tx []byte) error {
	params, p, s, err := k.store.load(ctx)
	if err != nil {
		return err
	}
	var in rule.Injection
	if tx != nil {
		if in, err = decode(tx); err == nil {
			err = k.check(ctx, p, s, b, in)
		}
		if err != nil {
			in = rule.Injection{}
			refused(ctx, err)
		}
	}
	if s, err = k.record(ctx, s, b, in); err != nil {
		return fmt.Errorf("record the beacon's part of block %d: %w", b.Height, err)
	}
	if s, err = k.decide(ctx, p, s, b); err != nil {
		return fmt.Errorf("decide what waits for the beacon in block %d: %w", b.Height, err)
	}
	if err := k.store.state.Set(ctx, stateOf(s, s.Stale(p, b))); err != nil {
		return err
	}
	return k.store.prune(ctx, b.Height-int64(params.Keep), p.MaxRounds+forgets)
}

// record keeps rounds and reveal, and gives values to those who waited.
func (k *Keeper) record(ctx context.Context, s rule.State, b rule.Block, in rule.Injection) (rule.State, error) {
	s = s.Apply(b, in)
	if in.Reveal != nil {
		r := Reveal{Height: b.Height, Proposer: b.Proposer, Signature: in.Reveal[:], Value: s.Fallback[:], Number: s.Reveals}
		if err := k.store.reveals.Set(ctx, s.Reveals, r); err != nil {
			return s, err
		}
		if err := k.store.give(ctx, k.store.byReveal, s.Reveals, b, s.Fallback); err != nil {
			return s, err
		}
	}
	for i, sig := range in.Rounds {
		number := in.First + uint64(i)
		if err := k.store.rounds.Set(ctx, number, Round{Number: number, Signature: sig[:], Height: b.Height}); err != nil {
			return s, err
		}
		if err := k.store.give(ctx, k.store.byRound, number, b, sig.Randomness()); err != nil {
			return s, err
		}
	}
	if len(in.Rounds) > 0 || in.Reveal != nil {
		recorded(ctx, s)
	}
	return s, nil
}

// decide settles what the block before waits for and, in silence, sends those
// who wait for rounds to the fallback.
func (k *Keeper) decide(ctx context.Context, p rule.Params, s rule.State, b rule.Block) (rule.State, error) {
	v, err := k.store.values.Get(ctx, uint64(b.Height-1))
	if err != nil && !absent(err) {
		return s, err
	}
	if err == nil && v.Round == 0 && v.Reveal == 0 {
		var a rule.Awaits
		s, a = s.Settle(p, b)
		if err := k.store.settle(ctx, v, a); err != nil {
			return s, err
		}
	}
	if !s.Stale(p, b) {
		return s, nil
	}
	keys, err := waiting(ctx, k.store.byRound, nil, diverts)
	if err != nil {
		return s, err
	}
	for _, key := range keys {
		v, err := k.store.values.Get(ctx, key.K2())
		if err != nil {
			return s, fmt.Errorf("height %d waits for a value and has no record: %w", key.K2(), err)
		}
		var a rule.Awaits
		s, a = s.Divert(p)
		if err := k.store.byRound.Remove(ctx, key); err != nil {
			return s, err
		}
		if err := k.store.settle(ctx, v, a); err != nil {
			return s, err
		}
	}
	return s, nil
}

// recorded tells those who watch the node's events.
func recorded(ctx context.Context, s rule.State) {
	sdk.UnwrapSDKContext(ctx).EventManager().EmitEvent(sdk.NewEvent("beacon",
		sdk.NewAttribute("last_round", fmt.Sprint(s.LastRound)),
		sdk.NewAttribute("reveals", fmt.Sprint(s.Reveals)),
	))
}

func refused(ctx context.Context, why error) {
	sdk.UnwrapSDKContext(ctx).EventManager().EmitEvent(sdk.NewEvent("beacon_refused", sdk.NewAttribute("reason", why.Error())))
}
