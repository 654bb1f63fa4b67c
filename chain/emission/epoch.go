package emission

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/coin"
	"hearth/chain/emission/schedule"
)

const (
	// perBlock is how many owners are paid in one block.
	perBlock = 100
	// keepEpochs is for how many epochs the record stays: three months of hours.
	keepEpochs = 2160
)

// BeginBlock notes who signed the last block.
func (k *Keeper) BeginBlock(ctx context.Context) error {
	votes := sdk.UnwrapSDKContext(ctx).VoteInfos()
	if len(votes) == 0 {
		return nil
	}
	s, err := k.store.state.Get(ctx)
	if err != nil {
		return fmt.Errorf("read the state of the emission: %w", err)
	}
	for _, v := range votes {
		power := uint64(max(v.Validator.Power, 0))
		s.Signable += power
		if v.BlockIdFlag != cmtproto.BlockIDFlagCommit {
			continue
		}
		operator, found, err := k.validators.Operator(ctx, v.Validator.Address)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		j, err := orNew(k.store.judged.Get(ctx, operator))(Judged{Operator: operator})
		if err != nil {
			return err
		}
		j.Signed += power
		s.Signed += power
		if err := k.store.judged.Set(ctx, operator, j); err != nil {
			return err
		}
	}
	return k.store.state.Set(ctx, s)
}

// EndBlock ends an epoch whose time has come, and pays some of those who wait.
func (k *Keeper) EndBlock(ctx context.Context) error {
	p, s, err := k.store.load(ctx)
	if err != nil {
		return err
	}
	if sdk.UnwrapSDKContext(ctx).BlockHeight() >= s.Began+p.EpochBlocks {
		if err := k.end(ctx, p, &s); err != nil {
			return fmt.Errorf("end epoch %d: %w", s.Epoch, err)
		}
	}
	if s.Settled < s.Epoch {
		if err := k.settle(ctx, p, &s); err != nil {
			return fmt.Errorf("pay the miners of epoch %d: %w", s.Settled, err)
		}
	}
	if err := k.vest(ctx, s); err != nil {
		return fmt.Errorf("pay what has vested: %w", err)
	}
	return k.store.state.Set(ctx, s)
}

// end closes an epoch: it fixes the pots, pays validators and the community,
// and leaves the miners to be paid one after the other.
func (k *Keeper) end(ctx context.Context, p Params, s *State) error {
	curve, err := schedule.NewCurve(p.HalfLifeEpochs)
	if err != nil {
		return err
	}
	e := Epoch{
		Number: s.Epoch, Height: sdk.UnwrapSDKContext(ctx).BlockHeight(), Pot: curve.Epoch(s.Released),
		MegaPaid: s.MegaPaid, MegaAudit: s.MegaAudit, MegaCommons: s.MegaCommons,
	}
	s.Released += e.Pot
	pots := p.Shares().Split(e.Number, e.Pot)
	if e.Validators, err = k.payValidators(ctx, s, pots.Validators); err != nil {
		return err
	}
	if e.Community = pots.Community; e.Community > 0 {
		if err := k.mint(ctx, s, e.Community); err != nil {
			return err
		}
		if err := k.bank.SendCoinsFromModuleToModule(ctx, ModuleName, CommunityName, coin.Of(e.Community)); err != nil {
			return err
		}
	}
	if err := k.store.epochs.Set(ctx, e.Number, e); err != nil {
		return err
	}
	if e.Number >= keepEpochs {
		if err := k.store.epochs.Remove(ctx, e.Number-keepEpochs); err != nil {
			return err
		}
	}
	s.Epoch, s.Began = s.Epoch+1, e.Height
	s.MegaPaid, s.MegaAudit, s.MegaCommons = 0, 0, 0
	s.Signable, s.Signed, s.Verdicts = 0, 0, 0
	return nil
}

// payValidators pays half of the validators' pot for signing and half for
// verdicts. The first is of all power that could have signed, so that nobody
// gains by leaving another's vote out.
func (k *Keeper) payValidators(ctx context.Context, s *State, pot uint64) (paid uint64, err error) {
	all, err := values(ctx, k.store.judged)
	if err != nil {
		return 0, err
	}
	for _, j := range all {
		due := schedule.Pay(pot/2, j.Signed, s.Signable, 0) + schedule.Pay(pot-pot/2, j.Verdicts, s.Verdicts, 0)
		if err := k.store.judged.Remove(ctx, j.Operator); err != nil {
			return 0, err
		}
		if due == 0 {
			continue
		}
		if err := k.mint(ctx, s, due); err != nil {
			return 0, err
		}
		if err := k.pay(ctx, j.Operator, due); err != nil {
			return 0, err
		}
		a, err := k.store.account(ctx, j.Operator)
		if err != nil {
			return 0, err
		}
		a.PaidOut += due
		if err := k.store.earned.Set(ctx, j.Operator, a); err != nil {
			return 0, err
		}
		paid += due
	}
	return paid, nil
}

// settle pays some of the miners of the oldest epoch that is not settled.
func (k *Keeper) settle(ctx context.Context, p Params, s *State) error {
	e, err := k.store.epochs.Get(ctx, s.Settled)
	if err != nil {
		return err
	}
	pots := p.Shares().Split(e.Number, e.Pot)
	var batch []Credit
	err = k.store.credits.Walk(ctx, collections.NewPrefixedPairRange[uint64, string](e.Number),
		func(_ collections.Pair[uint64, string], c Credit) (bool, error) {
			batch = append(batch, c)
			return len(batch) == perBlock, nil
		})
	if err != nil {
		return err
	}
	for _, c := range batch {
		work := schedule.Pay(pots.Work, c.Paid, e.MegaPaid, p.FullMega)
		audits := schedule.Pay(pots.Audits, c.Audit, e.MegaAudit, p.FullMega)
		commons := schedule.Pay(pots.Commons, c.Commons, e.MegaCommons, p.FullMega)
		// The shares may have been changed since the epoch ended, and others were
		// paid by the old ones.
		left := e.Pot - e.Validators - e.Community - e.Work - e.Audits - e.Commons
		work = min(work, left)
		audits = min(audits, left-work)
		commons = min(commons, left-work-audits)
		e.Work, e.Audits, e.Commons = e.Work+work, e.Audits+audits, e.Commons+commons
		if err := k.store.credits.Remove(ctx, collections.Join(e.Number, c.Owner)); err != nil {
			return err
		}
		if err := k.earn(ctx, p, s, c.Owner, e.Number, work+audits+commons); err != nil {
			return err
		}
	}
	if len(batch) < perBlock {
		e.Settled = true
		s.Settled++
		s.Unminted += e.Pot - e.Work - e.Audits - e.Commons - e.Validators - e.Community
	}
	return k.store.epochs.Set(ctx, e.Number, e)
}

// earn mints what an owner earned: a part is paid, the rest vests.
func (k *Keeper) earn(ctx context.Context, p Params, s *State, owner string, epoch, amount uint64) error {
	if amount == 0 {
		return nil
	}
	if err := k.mint(ctx, s, amount); err != nil {
		return err
	}
	vests := schedule.Pay(amount, uint64(p.VestingShare), 1000, 0)
	if p.VestingEpochs == 0 {
		vests = 0
	}
	a, err := k.store.account(ctx, owner)
	if err != nil {
		return err
	}
	a.PaidOut += amount - vests
	a.Vesting += vests
	if err := k.store.earned.Set(ctx, owner, a); err != nil {
		return err
	}
	if err := k.pay(ctx, owner, amount-vests); err != nil || vests == 0 {
		return err
	}
	// Not before the epoch under way: those who pay have passed the others.
	pays := max(p.bucket(epoch), s.Epoch)
	v, err := orNew(k.store.vesting.Get(ctx, collections.Join(owner, pays)))(Vesting{Owner: owner, Pays: pays})
	if err != nil {
		return err
	}
	v.Amount += vests
	if err := k.store.vesting.Set(ctx, collections.Join(owner, pays), v); err != nil {
		return err
	}
	return k.store.vestAt.Set(ctx, collections.Join(pays, owner))
}

// vest pays what was earned long enough ago, to some in every block.
func (k *Keeper) vest(ctx context.Context, s State) error {
	var due []collections.Pair[uint64, string]
	err := k.store.vestAt.Walk(ctx, nil, func(at collections.Pair[uint64, string]) (bool, error) {
		if at.K1() >= s.Epoch {
			return true, nil
		}
		due = append(due, at)
		return len(due) == perBlock, nil
	})
	if err != nil {
		return err
	}
	for _, at := range due {
		v, err := k.store.vesting.Get(ctx, collections.Join(at.K2(), at.K1()))
		if err != nil {
			return err
		}
		a, err := k.store.account(ctx, v.Owner)
		if err != nil {
			return err
		}
		a.Vesting -= min(v.Amount, a.Vesting)
		a.PaidOut += v.Amount
		if err := k.store.earned.Set(ctx, v.Owner, a); err != nil {
			return err
		}
		if err := k.pay(ctx, v.Owner, v.Amount); err != nil {
			return err
		}
		if err := k.store.vesting.Remove(ctx, collections.Join(at.K2(), at.K1())); err != nil {
			return err
		}
		if err := k.store.vestAt.Remove(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

// mint is the only way in which coins come to be.
func (k *Keeper) mint(ctx context.Context, s *State, amount uint64) error {
	if amount > schedule.Cap-min(s.Minted, schedule.Cap) {
		return fmt.Errorf("mint %d uhth after %d: the cap is %d", amount, s.Minted, schedule.Cap)
	}
	s.Minted += amount
	return k.bank.MintCoins(ctx, ModuleName, coin.Of(amount))
}
