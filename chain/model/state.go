package model

import (
	"context"
	"errors"
	"fmt"

	"cosmossdk.io/collections"
	corestore "cosmossdk.io/core/store"
	"github.com/cosmos/cosmos-sdk/codec"
)

// store is the module's state; spec/network/model.md has its keys.
type store struct {
	schema       collections.Schema
	params       collections.Item[Params]
	models       collections.Map[[]byte, Model]
	manifests    collections.Map[[]byte, []byte]
	roots        collections.Map[[]byte, []byte] // of whose model
	attestations collections.Map[collections.Pair[[]byte, string], Attestation]
	expiring     collections.KeySet[collections.Pair[uint64, []byte]]
}

func newStore(cdc codec.BinaryCodec, service corestore.KVStoreService) (store, error) {
	b := collections.NewSchemaBuilder(service)
	id := collections.BytesKey
	s := store{
		params:    collections.NewItem(b, collections.NewPrefix(0x00), "params", codec.CollValue[Params](cdc)),
		models:    collections.NewMap(b, collections.NewPrefix(0x10), "models", id, codec.CollValue[Model](cdc)),
		manifests: collections.NewMap(b, collections.NewPrefix(0x11), "manifests", id, collections.BytesValue),
		roots:     collections.NewMap(b, collections.NewPrefix(0x12), "roots", id, collections.BytesValue),
		attestations: collections.NewMap(b, collections.NewPrefix(0x13), "attestations",
			collections.PairKeyCodec(id, collections.StringKey), codec.CollValue[Attestation](cdc)),
		expiring: collections.NewKeySet(b, collections.NewPrefix(0x14), "expiring", collections.PairKeyCodec(collections.Uint64Key, id)),
	}
	var err error
	s.schema, err = b.Build()
	return s, err
}

// model reads one model; ErrUnknown says that there is none.
func (s store) model(ctx context.Context, id []byte) (Model, error) {
	m, err := s.models.Get(ctx, id)
	if absent(err) {
		return m, ErrUnknown.Wrapf("%x", id)
	}
	if err != nil {
		return m, fmt.Errorf("read model %x: %w", id, err)
	}
	return m, nil
}

// words returns what validators said of a model, by operator.
func (s store) words(ctx context.Context, id []byte) ([]Attestation, error) {
	var all []Attestation
	err := s.attestations.Walk(ctx, collections.NewPrefixedPairRange[[]byte, string](id),
		func(_ collections.Pair[[]byte, string], a Attestation) (bool, error) {
			all = append(all, a)
			return false, nil
		})
	return all, err
}

// forget removes what validators said of a model.
func (s store) forget(ctx context.Context, id []byte) error {
	return s.attestations.Clear(ctx, collections.NewPrefixedPairRange[[]byte, string](id))
}

// expired lists the proposals whose time is over with a block, at most so many.
func (s store) expired(ctx context.Context, height int64, most int) ([][]byte, error) {
	var ids [][]byte
	err := s.expiring.Walk(ctx, nil, func(k collections.Pair[uint64, []byte]) (bool, error) {
		if k.K1() > uint64(height) || len(ids) == most {
			return true, nil
		}
		ids = append(ids, k.K2())
		return false, nil
	})
	return ids, err
}

// proposed counts the models that wait for attestations, up to most.
func (s store) proposed(ctx context.Context, most int) (n int, err error) {
	err = s.expiring.Walk(ctx, nil, func(collections.Pair[uint64, []byte]) (bool, error) {
		n++
		return n >= most, nil
	})
	return n, err
}

// absent tells whether a read failed for nothing being there.
func absent(err error) bool { return errors.Is(err, collections.ErrNotFound) }
