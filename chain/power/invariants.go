package power

import (
	"context"
	"fmt"

	"hearth/chain/coin"
	"hearth/chain/invariant"
)

// Invariants is what holds after every block.
func (k *Keeper) Invariants() []invariant.Invariant {
	return []invariant.Invariant{
		{Name: "power/set", Check: k.checkSet},
		{Name: "power/told", Check: k.checkTold},
		{Name: "power/bonds", Check: k.checkBonds},
	}
}

// checkSet: somebody has power, nobody too much, and the sums are right.
func (k *Keeper) checkSet(ctx context.Context) error {
	vs, err := k.store.all(ctx)
	if err != nil {
		return err
	}
	s, err := k.store.state.Get(ctx)
	if err != nil {
		return err
	}
	set := setOf(vs)
	if err := set.Check(); err != nil {
		return err
	}
	if sum := set.Sum(); sum != s.TotalPower {
		return fmt.Errorf("all power is %d, and noted as %d", sum, s.TotalPower)
	}
	if int(s.Registered) != len(vs) {
		return fmt.Errorf("%d validators are registered, and noted are %d", len(vs), s.Registered)
	}
	for _, v := range vs {
		if v.Tombstoned && v.Power > 0 && len(set) > 1 {
			return fmt.Errorf("%s signed twice and has a power of %d", v.Operator, v.Power)
		}
	}
	return nil
}

// checkTold: CometBFT has the powers that the state has.
func (k *Keeper) checkTold(ctx context.Context) error {
	s, err := k.store.state.Get(ctx)
	if err != nil || s.Dirty { // told at the end of the block
		return err
	}
	vs, err := k.store.all(ctx)
	if err != nil {
		return err
	}
	told := 0
	for _, v := range vs {
		pub, err := key(v.PubKey)
		if err != nil {
			return err
		}
		sent, err := k.store.sent.Get(ctx, pub.Address())
		if err != nil && !absent(err) {
			return err
		}
		if sent.Power != v.Power {
			return fmt.Errorf("%s has a power of %d, and CometBFT was told %d", v.Operator, v.Power, sent.Power)
		}
		if v.Power > 0 {
			told++
		}
	}
	all, err := values(ctx, k.store.sent)
	if err == nil && len(all) != told {
		err = fmt.Errorf("CometBFT has %d keys for %d validators", len(all), told)
	}
	return err
}

// checkBonds: the module's account holds the bonds and nothing else.
func (k *Keeper) checkBonds(ctx context.Context) error {
	vs, err := k.store.all(ctx)
	if err != nil {
		return err
	}
	us, err := values(ctx, k.store.unbondings)
	if err != nil {
		return err
	}
	var owed uint64
	for _, v := range vs {
		owed += v.Bond
	}
	for _, u := range us {
		owed += u.Amount
	}
	held, err := coin.Read(k.bank.GetBalance(ctx, k.account, coin.Denom).Amount)
	if err == nil && held != owed {
		err = fmt.Errorf("bonds are %d uhth and the account holds %d", owed, held)
	}
	return err
}
