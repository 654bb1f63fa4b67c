package commons

import (
	"context"
	"fmt"

	corestore "cosmossdk.io/core/store"
	"github.com/cosmos/cosmos-sdk/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/coin"
	"hearth/chain/commons/tree"
	"hearth/chain/work"
	hwork "hearth/work"
)

// Bank holds the bonds.
type Bank interface {
	SendCoinsFromAccountToModule(ctx context.Context, from sdk.AccAddress, to string, amount sdk.Coins) error
	SendCoinsFromModuleToAccount(ctx context.Context, from string, to sdk.AccAddress, amount sdk.Coins) error
	BurnCoins(ctx context.Context, module string, amount sdk.Coins) error
	GetAllBalances(ctx context.Context, of sdk.AccAddress) sdk.Coins
}

// Work assigns jobs to miners.
type Work interface {
	// Assign lets a beacon draw a miner for a job. What it wrote is dropped if it
	// fails.
	Assign(ctx context.Context, a work.Assignment) (id uint64, err error)
}

// Models says which models there are.
type Models interface {
	Work(ctx context.Context, id [32]byte) (*hwork.Model, error)
	// Claimable is nil if jobs of the model may be claimed now.
	Claimable(ctx context.Context, id [32]byte) error
}

// Powers says how much verified work stands behind a validator, and behind all.
type Powers interface {
	Power(ctx context.Context, operator string) (int64, error)
	TotalPower(ctx context.Context) (int64, error)
}

// Beacon gives values that nobody could know when they were asked for.
type Beacon interface {
	Await(ctx context.Context, height int64) error
	Value(ctx context.Context, height int64) (value [32]byte, knownAt int64, known bool, err error)
}

// Neighbours are what the module needs of others.
type Neighbours struct {
	Bank   Bank
	Work   Work
	Models Models
	Powers Powers
	Beacon Beacon
}

// Keeper holds the projects.
type Keeper struct {
	Neighbours
	store     store
	authority string
}

// NewKeeper returns a keeper over a store. authority is the account that may
// change parameters and pause projects.
func NewKeeper(cdc codec.BinaryCodec, service corestore.KVStoreService, authority string, n Neighbours) (*Keeper, error) {
	s, err := newStore(cdc, service)
	if err != nil {
		return nil, fmt.Errorf("lay out the store of commons: %w", err)
	}
	return &Keeper{Neighbours: n, store: s, authority: authority}, nil
}

// Params are the parameters in force.
func (k *Keeper) Params(ctx context.Context) (Params, error) { return k.store.params.Get(ctx) }

// Project returns a project; the error wraps [ErrUnknown] if there is none.
func (k *Keeper) Project(ctx context.Context, id uint64) (Project, error) {
	return k.store.project(ctx, id)
}

// ProveJob tells whether an encoding is the job of an index that is assigned
// to a miner now, and within what the project said of its jobs. Package work
// asks it before it takes the claim. The error wraps [ErrJob].
func (k *Keeper) ProveJob(ctx context.Context, project, index uint64, encoding []byte, proof [][]byte) error {
	p, err := k.store.project(ctx, project)
	if err != nil {
		return err
	}
	place, err := k.place(ctx, project, index)
	if err != nil {
		return err
	}
	if !place.Assigned {
		return ErrJob.Wrapf("job %d of project %d is not assigned", index, project)
	}
	if len(encoding) > tree.MaxEncoding {
		return ErrJob.Wrapf("an encoding of %d bytes: one that can be claimed has %d at most", len(encoding), tree.MaxEncoding)
	}
	if err := tree.Check(tree.Hash(p.JobsRoot), p.Jobs, index, encoding, proof); err != nil {
		return ErrJob.Wrapf("project %d: %v", project, err)
	}
	job, err := hwork.DecodeJob(encoding)
	if err != nil {
		return ErrJob.Wrapf("job %d of project %d: %v", index, project, err)
	}
	if job.Model != [32]byte(p.Model) {
		return ErrJob.Wrapf("job %d of project %d is for model %v, the project for %x", index, project, job.Model, p.Model)
	}
	m, err := k.Models.Work(ctx, [32]byte(p.Model))
	if err != nil {
		return fmt.Errorf("job %d of project %d: %w", index, project, err)
	}
	if err := job.Check(m); err != nil {
		return ErrJob.Wrapf("job %d of project %d: %v", index, project, err)
	}
	if macs := hwork.Cost(m.Config(), len(job.Prompt)+job.Most, job.Most); macs > p.JobMacs {
		return ErrJob.Wrapf("job %d of project %d costs %d multiply-accumulates: the project said %d at most", index, project, macs, p.JobMacs)
	}
	return nil
}

func (k *Keeper) place(ctx context.Context, project, index uint64) (Place, error) {
	place, err := k.store.places.Get(ctx, join(project, index))
	if absent(err) {
		return place, ErrJob.Wrapf("job %d of project %d is not under way", index, project)
	}
	return place, err
}

// JobSettled takes how an assignment ended: done, at a cost of macs, or not.
// Package work tells it once for every assignment, whatever its end.
func (k *Keeper) JobSettled(ctx context.Context, project, index uint64, macs uint64, ok bool) error {
	params, err := k.store.params.Get(ctx)
	if err != nil {
		return err
	}
	p, err := k.store.project(ctx, project)
	if err != nil {
		return err
	}
	place, err := k.place(ctx, project, index)
	if err != nil {
		return err
	}
	if !place.Assigned {
		return ErrJob.Wrapf("job %d of project %d is settled and was not assigned", index, project)
	}
	p.Assigned--
	switch {
	case ok:
		p.Done++
		p.Spent += macs
		err = k.store.removePlace(ctx, place)
	case place.Attempts+1 >= params.MaxAttempts:
		p.Failed++
		err = k.store.removePlace(ctx, place)
	default:
		place.Attempts++
		place.Assigned = false
		err = k.store.putPlace(ctx, place)
	}
	if err != nil {
		return fmt.Errorf("settle job %d of project %d: %w", index, project, err)
	}
	if !ok {
		greylist(ctx, params, &p)
	}
	if err := k.complete(ctx, params, &p); err != nil {
		return err
	}
	return k.store.put(ctx, p)
}

// pay gives a bond back to who brought it.
func (k *Keeper) pay(ctx context.Context, to string, amount uint64) error {
	address, err := sdk.AccAddressFromBech32(to)
	if err != nil {
		return fmt.Errorf("pay a bond back to %q: %w", to, err)
	}
	if amount == 0 {
		return nil
	}
	return k.Bank.SendCoinsFromModuleToAccount(ctx, ModuleName, address, coin.Of(amount))
}

// take locks a bond.
func (k *Keeper) take(ctx context.Context, from string, amount uint64) error {
	address, err := sdk.AccAddressFromBech32(from)
	if err != nil {
		return fmt.Errorf("take a bond of %q: %w", from, err)
	}
	return k.Bank.SendCoinsFromAccountToModule(ctx, address, ModuleName, coin.Of(amount))
}

// burn ends a bond.
func (k *Keeper) burn(ctx context.Context, amount uint64) error {
	if amount == 0 {
		return nil
	}
	return k.Bank.BurnCoins(ctx, ModuleName, coin.Of(amount))
}

// tell says what became of a project to those who watch the node's events.
func tell(ctx context.Context, p *Project) {
	sdk.UnwrapSDKContext(ctx).EventManager().EmitEvent(sdk.NewEvent("project",
		sdk.NewAttribute("id", fmt.Sprint(p.Id)),
		sdk.NewAttribute("status", p.Status.String()),
		sdk.NewAttribute("reason", p.Reason),
	))
}
