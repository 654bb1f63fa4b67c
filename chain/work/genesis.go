package work

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"cosmossdk.io/collections"

	format "hearth/work"
)

// DefaultGenesis begins without miners and jobs.
func DefaultGenesis() *GenesisState { return Opening(DefaultParams()) }

// Opening is a genesis without miners and jobs.
func Opening(p Params) *GenesisState {
	return &GenesisState{Params: p, Market: openingMarket(p)}
}

// Validate tells whether a chain can begin with a state.
func (g *GenesisState) Validate() error {
	if err := g.Params.Validate(); err != nil {
		return err
	}
	unique := map[string]bool{}
	once := func(kind string, key []byte) error {
		if k := kind + " " + string(key); unique[k] {
			return fmt.Errorf("work genesis: %s %x stands there twice", kind, key)
		} else {
			unique[k] = true
		}
		return nil
	}
	for _, m := range g.Miners {
		if err := once("miner", []byte(m.Owner)); err != nil {
			return err
		}
		if len(m.Executor) != ed25519.PublicKeySize {
			return fmt.Errorf("work genesis: the executor's key of miner %s has %d bytes", m.Owner, len(m.Executor))
		}
		if err := format.Key(m.Executor).Check(); err != nil {
			return fmt.Errorf("work genesis: the executor's key of miner %s: %w", m.Owner, err)
		}
	}
	for _, j := range g.Jobs {
		if err := once("job", j.Id); err != nil {
			return err
		}
	}
	for _, c := range g.Claims {
		if err := once("claim", c.Key); err != nil {
			return err
		}
	}
	for _, t := range g.Tickets {
		if err := once("ticket", t.Nullifier); err != nil {
			return err
		}
	}
	for _, e := range g.Encodings {
		j, err := decodeJob(e.Encoding)
		if err != nil {
			return fmt.Errorf("work genesis: %w", err)
		}
		if !sameHash(e.Id, j.ID()) {
			return fmt.Errorf("work genesis: encoding %x is that of job %v", e.Id, j.ID())
		}
	}
	return nil
}

// InitGenesis makes the state of a chain that begins. Queues follow from the
// records.
func (k *Keeper) InitGenesis(ctx context.Context, g *GenesisState) error {
	if err := g.Validate(); err != nil {
		return err
	}
	if g.Market.BaseFee == 0 {
		g.Market = openingMarket(g.Params)
	}
	for _, do := range []func() error{
		func() error { return k.store.params.Set(ctx, g.Params) },
		func() error { return k.store.market.Set(ctx, g.Market) },
		func() error { return k.store.tally.Set(ctx, g.Tally) },
		func() error { return each(g.Miners, func(m Miner) error { return k.initMiner(ctx, m) }) },
		func() error {
			return each(g.Executors, func(e ExecutorOwner) error { return k.store.executors.Set(ctx, e.Executor, e.Owner) })
		},
		func() error {
			return each(g.Encodings, func(e JobBytes) error { return k.store.encodings.Set(ctx, e.Id, e.Encoding) })
		},
		func() error { return each(g.Jobs, func(j Job) error { return k.keepJob(ctx, j) }) },
		func() error { return each(g.Done, func(id []byte) error { return k.store.done.Set(ctx, id) }) },
		func() error { return each(g.Assignments, func(a Assignment) error { return k.initAssignment(ctx, a) }) },
		func() error {
			return each(g.Prefixes, func(p PrefixUse) error {
				return k.store.names.Set(ctx, collections.Join(p.Model, p.Name), uint64(p.Claims))
			})
		},
		func() error {
			return each(g.Receipts, func(r ReceiptBytes) error { return k.store.receipts.Set(ctx, r.Claim, r.Receipt) })
		},
		func() error { return each(g.Tickets, func(t Ticket) error { return k.keepTicket(ctx, t) }) },
		func() error {
			return each(g.TicketBytes, func(t TicketBytes) error { return k.store.messages.Set(ctx, t.Nullifier, t.Message) })
		},
		func() error { return each(g.Trials, func(t Trial) error { return k.keepTrial(ctx, t) }) },
		func() error {
			return each(g.Verdicts, func(v Verdict) error {
				return k.store.verdicts.Set(ctx, collections.Join(v.Claim, v.Validator), v)
			})
		},
		func() error { return each(g.Claims, func(c Claim) error { return k.initClaim(ctx, c) }) },
	} {
		if err := do(); err != nil {
			return fmt.Errorf("begin with the state of work: %w", err)
		}
	}
	return nil
}

func each[T any](all []T, do func(T) error) error {
	for _, v := range all {
		if err := do(v); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) initMiner(ctx context.Context, m Miner) error {
	if err := k.store.hots.Set(ctx, m.Hot, m.Owner); err != nil {
		return err
	}
	if err := k.store.executors.Set(ctx, m.Executor, m.Owner); err != nil {
		return err
	}
	if m.Unbonding > 0 {
		if err := k.store.unbonding.Set(ctx, collections.Join(uint64(m.UnbondsAt), m.Owner)); err != nil {
			return err
		}
	}
	if m.Seat > 0 {
		if err := k.store.seats.Set(ctx, m.Seat, m.Owner); err != nil {
			return err
		}
		return k.store.miners.Set(ctx, m.Owner, m)
	}
	return k.keepMiner(ctx, m) // of a genesis made by hand: it gets the next seat
}

func (k *Keeper) initAssignment(ctx context.Context, a Assignment) error {
	var err error
	if a.Expires > 0 {
		err = k.store.lapsing.Set(ctx, collections.Join(uint64(a.Expires), a.Id))
	} else {
		err = k.store.undrawn.Set(ctx, collections.Join(uint64(a.Awaits), a.Id))
	}
	if err != nil {
		return err
	}
	if a.Owner != "" {
		if err := k.store.assigned.Set(ctx, collections.Join(a.Owner, a.Id)); err != nil {
			return err
		}
	}
	return k.store.assignments.Set(ctx, a.Id, a)
}

func (k *Keeper) initClaim(ctx context.Context, c Claim) error {
	var err error
	switch {
	case c.Status == CLAIM_STATUS_WAITING:
		err = k.store.waiting.Set(ctx, join(c.Height, c.Key))
	case c.Status == CLAIM_STATUS_OPEN:
		err = k.store.closing.Set(ctx, join(c.Closes, c.Key))
	case c.Status == CLAIM_STATUS_DELIVERED:
		var tried bool
		if tried, err = k.store.trials.Has(ctx, c.Key); err == nil && !tried {
			err = k.store.docket.Set(ctx, join(c.Delivered, c.Key))
		}
	case c.ended():
		err = k.store.fading.Set(ctx, join(c.Forgotten, c.Key))
	}
	if err != nil {
		return err
	}
	if c.Draw > 0 {
		if err := k.store.draws.Set(ctx, join(c.Draw, c.Key)); err != nil {
			return err
		}
	}
	return k.keepClaim(ctx, c)
}

// ExportGenesis returns the state, from which a chain could go on.
func (k *Keeper) ExportGenesis(ctx context.Context) (*GenesisState, error) {
	g := &GenesisState{}
	var err error
	keep := func(e error) {
		if err == nil {
			err = e
		}
	}
	var e error
	g.Params, e = k.Params(ctx)
	keep(e)
	g.Market, e = k.Market(ctx)
	keep(e)
	g.Tally, e = k.Tally(ctx)
	keep(e)
	g.Miners, e = values(ctx, k.store.miners)
	keep(e)
	g.Jobs, e = values(ctx, k.store.jobs)
	keep(e)
	g.Assignments, e = values(ctx, k.store.assignments)
	keep(e)
	g.Claims, e = values(ctx, k.store.claims)
	keep(e)
	g.Tickets, e = values(ctx, k.store.tickets)
	keep(e)
	g.Trials, e = values(ctx, k.store.trials)
	keep(e)
	g.Verdicts, e = values(ctx, k.store.verdicts)
	keep(e)
	g.Done, e = keys(ctx, k.store.done, nil, -1)
	keep(e)
	keep(k.store.executors.Walk(ctx, nil, func(key []byte, owner string) (bool, error) {
		g.Executors = append(g.Executors, ExecutorOwner{Executor: key, Owner: owner})
		return false, nil
	}))
	keep(k.store.encodings.Walk(ctx, nil, func(id, b []byte) (bool, error) {
		g.Encodings = append(g.Encodings, JobBytes{Id: id, Encoding: b})
		return false, nil
	}))
	keep(k.store.receipts.Walk(ctx, nil, func(claim, b []byte) (bool, error) {
		g.Receipts = append(g.Receipts, ReceiptBytes{Claim: claim, Receipt: b})
		return false, nil
	}))
	keep(k.store.messages.Walk(ctx, nil, func(id, b []byte) (bool, error) {
		g.TicketBytes = append(g.TicketBytes, TicketBytes{Nullifier: id, Message: b})
		return false, nil
	}))
	keep(k.store.names.Walk(ctx, nil, func(key collections.Pair[[]byte, []byte], n uint64) (bool, error) {
		g.Prefixes = append(g.Prefixes, PrefixUse{Model: key.K1(), Name: key.K2(), Claims: uint32(n)})
		return false, nil
	}))
	if err != nil {
		return nil, fmt.Errorf("export the state of work: %w", err)
	}
	return g, nil
}
