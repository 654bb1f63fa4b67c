package commons

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"cosmossdk.io/collections"
)

// DefaultGenesis is without projects.
func DefaultGenesis() *GenesisState { return &GenesisState{Params: DefaultParams(), NextProject: 1} }

// Validate tells whether a chain can begin with a state.
func (g GenesisState) Validate() error {
	if err := g.Params.Validate(); err != nil {
		return err
	}
	known := make(map[uint64]Project, len(g.Projects))
	for i, p := range g.Projects {
		if p.Id == 0 || p.Id >= g.NextProject || i > 0 && p.Id <= g.Projects[i-1].Id {
			return fmt.Errorf("commons genesis: project %d at place %d, the next is %d: want them in order", p.Id, i, g.NextProject)
		}
		if err := p.check(); err != nil {
			return fmt.Errorf("commons genesis: project %d: %w", p.Id, err)
		}
		if waits := p.Status != STATUS_ACTIVE && !p.over(); waits != (p.Decides > 0) {
			return fmt.Errorf("commons genesis: project %d is %v and is decided at height %d", p.Id, p.Status, p.Decides)
		}
		known[p.Id] = p
	}
	find := func(what string, id uint64) error {
		if _, ok := known[id]; !ok {
			return fmt.Errorf("commons genesis: %s of project %d, which is not there", what, id)
		}
		return nil
	}
	var err error
	for i, c := range g.Challenges {
		err = errors.Join(err, find("challenge", c.Project), rising("challenges", i, g.Challenges, func(a, b Challenge) int { return cmp.Compare(a.Project, b.Project) }))
	}
	for i, v := range g.Votes {
		err = errors.Join(err, find("vote", v.Project), rising("votes", i, g.Votes, func(a, b Vote) int {
			return cmp.Or(cmp.Compare(a.Project, b.Project), cmp.Compare(a.Validator, b.Validator))
		}))
	}
	for i, a := range g.Artefacts {
		err = errors.Join(err, find("artefact", a.Project), a.check(), rising("artefacts", i, g.Artefacts, func(a, b Artefact) int {
			return cmp.Or(cmp.Compare(a.Project, b.Project), slices.Compare(a.Content, b.Content))
		}))
	}
	for i, o := range g.Orders {
		if len(o.Key) != 0 && len(o.Key) != 32 {
			err = errors.Join(err, fmt.Errorf("commons genesis: the key of project %d's order has %d bytes", o.Project, len(o.Key)))
		}
		err = errors.Join(err, find("order", o.Project), rising("orders", i, g.Orders, func(a, b Order) int { return cmp.Compare(a.Project, b.Project) }))
	}
	for i, p := range g.Places {
		err = errors.Join(err, find("place", p.Project), rising("places", i, g.Places, func(a, b Place) int {
			return cmp.Or(cmp.Compare(a.Project, b.Project), cmp.Compare(a.Index, b.Index))
		}))
	}
	return err
}

// rising tells if an element does not come behind the one before.
func rising[E any](what string, i int, of []E, compare func(a, b E) int) error {
	if i > 0 && compare(of[i-1], of[i]) >= 0 {
		return fmt.Errorf("commons genesis: %s are not in order at place %d", what, i)
	}
	return nil
}

// InitGenesis makes the state of a chain that begins. The account of the module
// must hold the bonds.
func (k *Keeper) InitGenesis(ctx context.Context, g GenesisState) error {
	if err := g.Validate(); err != nil {
		return err
	}
	s := k.store
	err := s.params.Set(ctx, g.Params)
	if err == nil {
		err = s.next.Set(ctx, g.NextProject)
	}
	if err == nil {
		err = s.served.Set(ctx, g.Served)
	}
	if err != nil {
		return err
	}
	for _, p := range g.Projects {
		if err := s.put(ctx, p); err != nil {
			return err
		}
	}
	for _, c := range g.Challenges {
		if err := s.challenges.Set(ctx, c.Project, c); err != nil {
			return err
		}
	}
	for _, v := range g.Votes {
		if err := s.votes.Set(ctx, collections.Join(v.Project, v.Validator), v); err != nil {
			return err
		}
	}
	for _, a := range g.Artefacts {
		if err := s.artefacts.Set(ctx, collections.Join(a.Project, a.Content), a); err != nil {
			return err
		}
	}
	for _, p := range g.Places {
		if err := s.putPlace(ctx, p); err != nil {
			return err
		}
	}
	return k.orders(ctx, g)
}

// orders writes those of a genesis, and new ones for projects that work from
// the first block.
func (k *Keeper) orders(ctx context.Context, g GenesisState) error {
	for _, o := range g.Orders {
		if err := k.store.putOrder(ctx, o); err != nil {
			return err
		}
	}
	for _, p := range g.Projects {
		has, err := k.store.orders.Has(ctx, p.Id)
		if err == nil && !has && p.Status == STATUS_ACTIVE {
			err = k.store.putOrder(ctx, Order{Project: p.Id})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ExportGenesis returns the state, from which a chain could go on.
func (k *Keeper) ExportGenesis(ctx context.Context) (*GenesisState, error) {
	s := k.store
	var g GenesisState
	err := func() (err error) {
		if g.Params, err = s.params.Get(ctx); err != nil {
			return err
		}
		if g.NextProject, err = counter(ctx, s.next); err != nil {
			return err
		}
		if g.Served, err = counter(ctx, s.served); err != nil {
			return err
		}
		if g.Projects, err = values(ctx, s.projects, nil); err != nil {
			return err
		}
		if g.Challenges, err = values(ctx, s.challenges, nil); err != nil {
			return err
		}
		if g.Votes, err = values(ctx, s.votes, nil); err != nil {
			return err
		}
		if g.Artefacts, err = values(ctx, s.artefacts, nil); err != nil {
			return err
		}
		if g.Orders, err = values(ctx, s.orders, nil); err != nil {
			return err
		}
		g.Places, err = values(ctx, s.places, nil)
		return err
	}()
	if err != nil {
		return nil, fmt.Errorf("export the state of commons: %w", err)
	}
	return &g, nil
}
