package commons

import (
	"context"
	"errors"
	"fmt"

	"cosmossdk.io/collections"
	corestore "cosmossdk.io/core/store"
	"github.com/cosmos/cosmos-sdk/codec"
)

type (
	pair = collections.Pair[uint64, uint64]
	// voted is a project and a validator, published a project and a content.
	voted     = collections.Pair[uint64, string]
	published = collections.Pair[uint64, []byte]
)

// store is the module's state. Heights are keys without sign.
type store struct {
	schema     collections.Schema
	params     collections.Item[Params]
	next       collections.Item[uint64] // number of the next project
	served     collections.Item[uint64] // project that was given a job last
	open       collections.Item[uint64] // how many are not over
	projects   collections.Map[uint64, Project]
	challenges collections.Map[uint64, Challenge]
	votes      collections.Map[voted, Vote]
	artefacts  collections.Map[published, Artefact]
	orders     collections.Map[uint64, Order]
	places     collections.Map[pair, Place]

	// What follows from the above, for finding it in order.
	due     collections.KeySet[pair]   // height, project
	working collections.KeySet[uint64] // active projects
	keyless collections.KeySet[uint64] // active ones whose order is not known yet
	again   collections.KeySet[pair]   // project, index: to be assigned once more
}

func newStore(cdc codec.BinaryCodec, service corestore.KVStoreService) (store, error) {
	b := collections.NewSchemaBuilder(service)
	u64 := collections.Uint64Key
	two := collections.PairKeyCodec(u64, u64)
	at := func(n byte) collections.Prefix { return collections.NewPrefix([]byte{n}) }
	s := store{
		params:     collections.NewItem(b, at(0x00), "params", codec.CollValue[Params](cdc)),
		next:       collections.NewItem(b, at(0x01), "next", collections.Uint64Value),
		served:     collections.NewItem(b, at(0x02), "served", collections.Uint64Value),
		open:       collections.NewItem(b, at(0x03), "open", collections.Uint64Value),
		projects:   collections.NewMap(b, at(0x10), "projects", u64, codec.CollValue[Project](cdc)),
		challenges: collections.NewMap(b, at(0x11), "challenges", u64, codec.CollValue[Challenge](cdc)),
		votes:      collections.NewMap(b, at(0x12), "votes", collections.PairKeyCodec(u64, collections.StringKey), codec.CollValue[Vote](cdc)),
		artefacts:  collections.NewMap(b, at(0x13), "artefacts", collections.PairKeyCodec(u64, collections.BytesKey), codec.CollValue[Artefact](cdc)),
		orders:     collections.NewMap(b, at(0x14), "orders", u64, codec.CollValue[Order](cdc)),
		places:     collections.NewMap(b, at(0x15), "places", two, codec.CollValue[Place](cdc)),
		due:        collections.NewKeySet(b, at(0x16), "due", two),
		working:    collections.NewKeySet(b, at(0x17), "working", u64),
		keyless:    collections.NewKeySet(b, at(0x18), "keyless", u64),
		again:      collections.NewKeySet(b, at(0x19), "again", two),
	}
	var err error
	s.schema, err = b.Build()
	return s, err
}

func absent(err error) bool { return errors.Is(err, collections.ErrNotFound) }

// counter reads a number that begins at 0.
func counter(ctx context.Context, of collections.Item[uint64]) (uint64, error) {
	n, err := of.Get(ctx)
	if absent(err) {
		return 0, nil
	}
	return n, err
}

// project reads one. If there is none the error wraps [ErrUnknown].
func (s store) project(ctx context.Context, id uint64) (Project, error) {
	p, err := s.projects.Get(ctx, id)
	if absent(err) {
		return p, ErrUnknown.Wrapf("project %d", id)
	}
	if err != nil {
		return p, fmt.Errorf("read project %d: %w", id, err)
	}
	return p, nil
}

// over tells whether nothing can happen to a project any more.
func (p *Project) over() bool { return p.Status == STATUS_REJECTED || p.Status == STATUS_CLOSED }

// put writes a project and keeps what follows from it.
func (s store) put(ctx context.Context, p Project) error {
	before, err := s.projects.Get(ctx, p.Id)
	if absent(err) {
		before, err = Project{Id: p.Id, Status: STATUS_CLOSED}, nil
	}
	if err != nil {
		return fmt.Errorf("read project %d: %w", p.Id, err)
	}
	if before.Decides != p.Decides {
		if before.Decides > 0 {
			err = s.due.Remove(ctx, collections.Join(uint64(before.Decides), p.Id))
		}
		if err == nil && p.Decides > 0 {
			err = s.due.Set(ctx, collections.Join(uint64(p.Decides), p.Id))
		}
	}
	if is, was := p.Status == STATUS_ACTIVE, before.Status == STATUS_ACTIVE; err == nil && is != was {
		if is {
			err = s.working.Set(ctx, p.Id)
		} else {
			err = s.working.Remove(ctx, p.Id)
		}
	}
	if err == nil && p.over() != before.over() {
		err = s.count(ctx, p.over())
	}
	if err == nil {
		err = s.projects.Set(ctx, p.Id, p)
	}
	if err != nil {
		return fmt.Errorf("write project %d: %w", p.Id, err)
	}
	return nil
}

// count counts a project that is open now, or over.
func (s store) count(ctx context.Context, over bool) error {
	n, err := counter(ctx, s.open)
	if err != nil {
		return err
	}
	if over {
		return s.open.Set(ctx, n-1)
	}
	return s.open.Set(ctx, n+1)
}

// putOrder writes an order and whether its key is still awaited.
func (s store) putOrder(ctx context.Context, o Order) error {
	if err := s.orders.Set(ctx, o.Project, o); err != nil {
		return err
	}
	if len(o.Key) == 0 {
		return s.keyless.Set(ctx, o.Project)
	}
	return s.keyless.Remove(ctx, o.Project)
}

// putPlace writes a place and whether it waits to be assigned again.
func (s store) putPlace(ctx context.Context, p Place) error {
	key := collections.Join(p.Project, p.Index)
	if err := s.places.Set(ctx, key, p); err != nil {
		return err
	}
	if p.Assigned {
		return s.again.Remove(ctx, key)
	}
	return s.again.Set(ctx, key)
}

func (s store) removePlace(ctx context.Context, p Place) error {
	key := collections.Join(p.Project, p.Index)
	if err := s.again.Remove(ctx, key); err != nil {
		return err
	}
	return s.places.Remove(ctx, key)
}

// keys lists at most so many keys of a set, in their order; all if most is
// negative.
func keys[K any](ctx context.Context, of collections.KeySet[K], within collections.Ranger[K], most int) ([]K, error) {
	var out []K
	err := of.Walk(ctx, within, func(k K) (bool, error) {
		if len(out) == most {
			return true, nil
		}
		out = append(out, k)
		return false, nil
	})
	return out, err
}

// values lists what a map holds, in the order of its keys.
func values[K, V any](ctx context.Context, of collections.Map[K, V], within collections.Ranger[K]) ([]V, error) {
	var out []V
	err := of.Walk(ctx, within, func(_ K, v V) (bool, error) {
		out = append(out, v)
		return false, nil
	})
	return out, err
}

func (s store) votesOn(ctx context.Context, project uint64) ([]Vote, error) {
	return values(ctx, s.votes, collections.NewPrefixedPairRange[uint64, string](project))
}

func (s store) artefactsOf(ctx context.Context, project uint64) ([]Artefact, error) {
	return values(ctx, s.artefacts, collections.NewPrefixedPairRange[uint64, []byte](project))
}
