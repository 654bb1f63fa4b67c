package emission

import (
	"context"
	"fmt"

	"hearth/chain/emission/schedule"
	"hearth/chain/invariant"
)

// Invariants is what holds after every block.
func (k *Keeper) Invariants() []invariant.Invariant {
	return []invariant.Invariant{
		{Name: "emission/cap", Check: k.checkCap},
		{Name: "emission/vesting", Check: k.checkVesting},
		{Name: "emission/credits", Check: k.checkCredits},
	}
}

// checkCap: what was minted and what never will be is what was released, less
// what is still to be paid, and all is below the cap.
func (k *Keeper) checkCap(ctx context.Context) error {
	s, err := k.store.state.Get(ctx)
	if err != nil {
		return err
	}
	if s.Minted+s.Unminted > s.Released || s.Released > schedule.Cap {
		return fmt.Errorf("%d minted, %d unminted, %d released, and the cap is %d", s.Minted, s.Unminted, s.Released, schedule.Cap)
	}
	if s.Settled == s.Epoch && s.Minted+s.Unminted != s.Released {
		return fmt.Errorf("all is paid: %d minted and %d unminted are not the %d released", s.Minted, s.Unminted, s.Released)
	}
	return nil
}

// checkVesting: the module's account holds what vests and nothing else, and
// owners are owed as much.
func (k *Keeper) checkVesting(ctx context.Context) error {
	vs, err := values(ctx, k.store.vesting)
	if err != nil {
		return err
	}
	es, err := values(ctx, k.store.earned)
	if err != nil {
		return err
	}
	var vests, owed uint64
	for _, v := range vs {
		vests += v.Amount
	}
	for _, e := range es {
		owed += e.Vesting
	}
	held, err := k.held(ctx)
	if err == nil && (vests != owed || vests != held) {
		err = fmt.Errorf("%d uhth vest, owners wait for %d, the account holds %d", vests, owed, held)
	}
	return err
}

// checkCredits: what is credited in the epoch under way adds up.
func (k *Keeper) checkCredits(ctx context.Context) error {
	s, err := k.store.state.Get(ctx)
	if err != nil {
		return err
	}
	cs, err := values(ctx, k.store.credits)
	if err != nil {
		return err
	}
	var paid, audit, commons uint64
	for _, c := range cs {
		if c.Epoch < s.Settled || c.Epoch > s.Epoch {
			return fmt.Errorf("%s has a credit of epoch %d, and those from %d to %d are open", c.Owner, c.Epoch, s.Settled, s.Epoch)
		}
		if c.Epoch == s.Epoch {
			paid, audit, commons = paid+c.Paid, audit+c.Audit, commons+c.Commons
		}
	}
	if paid != s.MegaPaid || audit != s.MegaAudit || commons != s.MegaCommons {
		return fmt.Errorf("credited are %d, %d and %d, noted %d, %d and %d", paid, audit, commons, s.MegaPaid, s.MegaAudit, s.MegaCommons)
	}
	return nil
}
