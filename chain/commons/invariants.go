package commons

import (
	"context"
	"fmt"

	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"hearth/chain/coin"
	"hearth/chain/invariant"
)

// Invariants are what holds of the projects after every block.
func (k *Keeper) Invariants() []invariant.Invariant {
	return []invariant.Invariant{
		{Name: "commons: the account holds the bonds, and nothing else", Check: k.bonded},
		{Name: "commons: every job that was drawn is done, failed or under way", Check: k.counted},
		{Name: "commons: no project goes beyond its budget", Check: k.budgeted},
		{Name: "commons: each project is listed where its status says", Check: k.listed},
		{Name: "commons: challenges and votes belong to challenged projects", Check: k.challenged},
	}
}

func (k *Keeper) bonded(ctx context.Context) error {
	projects, err := values(ctx, k.store.projects, nil)
	if err != nil {
		return err
	}
	challenges, err := values(ctx, k.store.challenges, nil)
	if err != nil {
		return err
	}
	var owed uint64
	for _, p := range projects {
		if p.over() && p.Bond != 0 {
			return fmt.Errorf("project %d is over and still has a bond of %d", p.Id, p.Bond)
		}
		owed += p.Bond
	}
	for _, c := range challenges {
		owed += c.Bond
	}
	held := k.Bank.GetAllBalances(ctx, authtypes.NewModuleAddress(ModuleName))
	if !held.Equal(coin.Of(owed)) {
		return fmt.Errorf("it holds %q, and the bonds are %d%s", held, owed, coin.Denom)
	}
	return nil
}

func (k *Keeper) counted(ctx context.Context) error {
	projects, err := values(ctx, k.store.projects, nil)
	if err != nil {
		return err
	}
	all, err := values(ctx, k.store.places, nil)
	if err != nil {
		return err
	}
	under, assigned := map[uint64]uint64{}, map[uint64]uint64{}
	waiting := 0
	for _, p := range all {
		under[p.Project]++
		if p.Assigned {
			assigned[p.Project]++
			continue
		}
		waiting++
		if has, err := k.store.again.Has(ctx, join(p.Project, p.Index)); err != nil || !has {
			return fmt.Errorf("job %d of project %d waits and is not listed: %w", p.Index, p.Project, err)
		}
	}
	for _, p := range projects {
		if n := p.Done + p.Failed + under[p.Id]; n != p.Drawn || p.Drawn > p.Jobs || assigned[p.Id] != p.Assigned {
			return fmt.Errorf("project %d has drawn %d of %d: %d done, %d failed, %d under way, of them %d assigned (it says %d)",
				p.Id, p.Drawn, p.Jobs, p.Done, p.Failed, under[p.Id], assigned[p.Id], p.Assigned)
		}
		if (p.Status == STATUS_COMPLETE || p.over()) && under[p.Id] > 0 {
			return fmt.Errorf("project %d is %v with %d jobs under way", p.Id, p.Status, under[p.Id])
		}
		delete(under, p.Id)
	}
	if len(under) > 0 {
		return fmt.Errorf("there are jobs of %d projects that are not there", len(under))
	}
	listed, err := keys(ctx, k.store.again, nil, -1)
	if err != nil || len(listed) != waiting {
		return fmt.Errorf("%d jobs are listed to be assigned again, and %d wait: %w", len(listed), waiting, err)
	}
	return nil
}

func (k *Keeper) budgeted(ctx context.Context) error {
	projects, err := values(ctx, k.store.projects, nil)
	if err != nil {
		return err
	}
	for _, p := range projects {
		if p.Spent+p.Assigned*p.JobMacs > p.Budget {
			return fmt.Errorf("project %d has spent %d and set %d jobs of %d aside, of a budget of %d", p.Id, p.Spent, p.Assigned, p.JobMacs, p.Budget)
		}
	}
	return nil
}

func (k *Keeper) listed(ctx context.Context) error {
	projects, err := values(ctx, k.store.projects, nil)
	if err != nil {
		return err
	}
	var due, working, keyless, ordered, open int
	for _, p := range projects {
		has, err := k.store.working.Has(ctx, p.Id)
		if err != nil {
			return err
		}
		if is := p.Status == STATUS_ACTIVE; has != is {
			return fmt.Errorf("project %d is %v, listed as working: %t", p.Id, p.Status, has)
		}
		if has {
			working++
		}
		if !p.over() {
			open++
		}
		if p.Decides > 0 {
			due++
			if has, err := k.store.due.Has(ctx, join(uint64(p.Decides), p.Id)); err != nil || !has {
				return fmt.Errorf("project %d has its time at height %d and is not listed: %w", p.Id, p.Decides, err)
			}
		}
		o, err := k.store.orders.Get(ctx, p.Id)
		if absent(err) {
			continue
		}
		if err != nil {
			return err
		}
		ordered++
		if len(o.Key) == 0 {
			keyless++
		}
		if p.Drawn > 0 && len(o.Key) == 0 {
			return fmt.Errorf("project %d has drawn %d jobs without an order", p.Id, p.Drawn)
		}
	}
	times, err := keys(ctx, k.store.due, nil, -1)
	if err != nil {
		return err
	}
	active, err := keys(ctx, k.store.working, nil, -1)
	if err != nil {
		return err
	}
	waiting, err := keys(ctx, k.store.keyless, nil, -1)
	if err != nil {
		return err
	}
	orders, err := values(ctx, k.store.orders, nil)
	if err != nil {
		return err
	}
	counted, err := counter(ctx, k.store.open)
	if err != nil {
		return err
	}
	if len(times) != due || len(active) != working || len(waiting) != keyless || len(orders) != ordered || counted != uint64(open) {
		return fmt.Errorf("lists have %d times, %d working, %d without a key, %d orders, %d open; the projects %d, %d, %d, %d, %d",
			len(times), len(active), len(waiting), len(orders), counted, due, working, keyless, ordered, open)
	}
	return nil
}

func (k *Keeper) challenged(ctx context.Context) error {
	projects, err := values(ctx, k.store.projects, nil)
	if err != nil {
		return err
	}
	status := make(map[uint64]Status, len(projects))
	for _, p := range projects {
		status[p.Id] = p.Status
		if has, err := k.store.challenges.Has(ctx, p.Id); err != nil || has != (p.Status == STATUS_CHALLENGED) {
			return fmt.Errorf("project %d is %v, with a challenge: %t: %w", p.Id, p.Status, has, err)
		}
	}
	challenges, err := values(ctx, k.store.challenges, nil)
	if err != nil {
		return err
	}
	votes, err := values(ctx, k.store.votes, nil)
	if err != nil {
		return err
	}
	for _, c := range challenges {
		if status[c.Project] != STATUS_CHALLENGED {
			return fmt.Errorf("a challenge of project %d, which is %v", c.Project, status[c.Project])
		}
	}
	for _, v := range votes {
		if status[v.Project] != STATUS_CHALLENGED {
			return fmt.Errorf("a vote of %s on project %d, which is %v", v.Validator, v.Project, status[v.Project])
		}
	}
	return nil
}
