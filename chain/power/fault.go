package power

import (
	"context"
	"fmt"

	"cosmossdk.io/core/comet"
	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/coin"
)

// keepPenalties is how many penalties are remembered.
const keepPenalties = 10_000

// BeginBlock looks who signed the last block and who signed two of one height.
func (k *Keeper) BeginBlock(ctx context.Context) error {
	c := sdk.UnwrapSDKContext(ctx)
	for _, vote := range c.VoteInfos() {
		if err := k.present(ctx, c.BlockHeight(), vote); err != nil {
			return fmt.Errorf("note who signed block %d: %w", c.BlockHeight()-1, err)
		}
	}
	info := c.CometInfo()
	if info == nil {
		return nil
	}
	evidence := info.GetEvidence()
	for i := range evidence.Len() {
		e := evidence.Get(i)
		if e.Type() != comet.DuplicateVote && e.Type() != comet.LightClientAttack {
			continue
		}
		if err := k.signedTwice(ctx, e.Validator().Address(), e.Height()); err != nil {
			return fmt.Errorf("act on evidence of height %d: %w", e.Height(), err)
		}
	}
	return nil
}

// present notes in a validator's window whether it signed the last block.
// Absence is written down only when it changes something, so that a network in
// which all sign writes nothing here.
func (k *Keeper) present(ctx context.Context, height int64, vote abci.VoteInfo) error {
	v, found, err := k.store.find(ctx, vote.Validator.Address)
	if err != nil || !found || v.Power == 0 || v.Jailed {
		return err
	}
	absentNow := vote.BlockIdFlag != cmtproto.BlockIDFlagCommit && vote.BlockIdFlag != cmtproto.BlockIDFlagNil
	if !absentNow && v.Missed == 0 {
		return nil
	}
	p, s, err := k.store.load(ctx)
	if err != nil {
		return err
	}
	window, err := k.store.missed.Get(ctx, v.Operator)
	if err != nil && !absent(err) {
		return err
	}
	if n := int((p.DowntimeWindow + 7) / 8); len(window) != n { // new, or the window was changed
		window, v.Missed = make([]byte, n), 0
	}
	at := height % p.DowntimeWindow
	bit := byte(1) << (at % 8)
	was := window[at/8]&bit != 0
	if was == absentNow {
		return nil
	}
	window[at/8] ^= bit
	if absentNow {
		v.Missed++
	} else {
		v.Missed--
	}
	if v.Missed*1000 > p.DowntimeWindow*int64(p.DowntimeMissed) {
		return k.away(ctx, p, s, v, height)
	}
	if err := k.store.missed.Set(ctx, v.Operator, window); err != nil {
		return err
	}
	return k.store.validators.Set(ctx, v.Operator, v)
}

// away takes out a validator that was absent for too long. In an outage that
// hits many it stays: whoever cut the others off must not be left with all
// power.
func (k *Keeper) away(ctx context.Context, p Params, s State, v Validator, height int64) error {
	v.Missed = 0
	if err := k.store.missed.Remove(ctx, v.Operator); err != nil {
		return err
	}
	frozen := s.fails(p, &v)
	if !frozen {
		if err := k.out(ctx, &s, &v); err != nil {
			return err
		}
		v.Jailed, v.JailedUntil = true, height+p.Jail
	}
	if err := k.store.validators.Set(ctx, v.Operator, v); err != nil {
		return err
	}
	if err := k.store.state.Set(ctx, s); err != nil {
		return err
	}
	_, err := k.slash(ctx, v.Operator, p.SlashDowntime, "absent", frozen)
	return err
}

// signedTwice acts on evidence that CometBFT has checked.
func (k *Keeper) signedTwice(ctx context.Context, address []byte, at int64) error {
	v, found, err := k.store.find(ctx, address)
	if err != nil || !found || v.Tombstoned {
		return err
	}
	p, s, err := k.store.load(ctx)
	if err != nil {
		return err
	}
	s.fails(p, &v)
	if err := k.out(ctx, &s, &v); err != nil {
		return err
	}
	v.Jailed, v.Tombstoned, v.Lost = true, true, 0
	if err := k.store.validators.Set(ctx, v.Operator, v); err != nil {
		return err
	}
	if err := k.store.state.Set(ctx, s); err != nil {
		return err
	}
	// No outage makes anybody sign twice: the breaker does not hold this back.
	_, err = k.slash(ctx, v.Operator, p.SlashDoubleSign, fmt.Sprintf("signed twice at height %d", at), false)
	return err
}

// fails counts a validator's power as failed, once in a day, and says whether
// slashing is frozen.
func (s *State) fails(p Params, v *Validator) (frozen bool) {
	if v.FailedDay != s.Day+1 {
		v.FailedDay = s.Day + 1
		s.FailedPower += v.Power
		s.FailedLargest = max(s.FailedLargest, v.Power)
	}
	s.Breaker = s.Breaker || p.Rules().Frozen(s.FailedPower, s.FailedLargest, max(s.DayPower, s.TotalPower))
	return s.Breaker
}

// out takes a validator's power, unless nobody would be left.
func (k *Keeper) out(ctx context.Context, s *State, v *Validator) error {
	if v.Power == 0 {
		return nil
	}
	vs, err := k.store.all(ctx)
	if err != nil {
		return err
	}
	if left, stays := setOf(vs).Without(v.Operator); stays == "" && len(left) > 0 {
		s.TotalPower -= v.Power
		v.Lost, v.Power, v.Pending = v.Power, 0, 0
		s.Dirty = true
	}
	return nil
}

// Punish burns a part of a validator's bond for a fault in its duties, and
// counts its power as failed. Where much power fails in a day nothing is
// burned, and one that has left with its bond has nothing to burn. What was done, and why, can be looked up ([Penalty]).
func (k *Keeper) Punish(ctx context.Context, operator string, permille uint32, reason string) (burned uint64, err error) {
	p, s, err := k.store.load(ctx)
	if err != nil {
		return 0, err
	}
	v, err := k.store.validators.Get(ctx, operator)
	if absent(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read validator %s: %w", operator, err)
	}
	frozen := s.fails(p, &v)
	if err := k.store.validators.Set(ctx, operator, v); err != nil {
		return 0, err
	}
	if err := k.store.state.Set(ctx, s); err != nil {
		return 0, err
	}
	return k.slash(ctx, operator, permille, reason, frozen)
}

// slash burns a part of a bond, that on its way out included, and writes the
// penalty down.
func (k *Keeper) slash(ctx context.Context, operator string, permille uint32, reason string, frozen bool) (burned uint64, err error) {
	if !frozen {
		v, err := k.store.validator(ctx, operator)
		if err != nil {
			return 0, err
		}
		burned = part(v.Bond, permille)
		v.Bond -= burned
		if err := k.store.validators.Set(ctx, operator, v); err != nil {
			return 0, err
		}
		leaving, err := k.store.unbondingsOf(ctx, operator)
		if err != nil {
			return 0, err
		}
		for _, u := range leaving {
			lost := part(u.Amount, permille)
			u.Amount -= lost
			burned += lost
			if err := k.store.unbondings.Set(ctx, u.key(), u); err != nil {
				return 0, err
			}
		}
		if err := k.burn(ctx, burned); err != nil {
			return 0, fmt.Errorf("burn a part of the bond of %s: %w", operator, err)
		}
	}
	s, err := k.store.state.Get(ctx)
	if err != nil {
		return 0, err
	}
	height := sdk.UnwrapSDKContext(ctx).BlockHeight()
	penalty := Penalty{Id: s.NextPenalty, Who: operator, Reason: reason, Amount: burned, Height: height, Frozen: frozen}
	if err := k.store.penalties.Set(ctx, penalty.Id, penalty); err != nil {
		return 0, err
	}
	if penalty.Id >= keepPenalties {
		if err := k.store.penalties.Remove(ctx, penalty.Id-keepPenalties); err != nil {
			return 0, err
		}
	}
	s.NextPenalty++
	emit(ctx, "penalty", "operator", operator, "reason", reason, "burned", fmt.Sprint(burned), "frozen", fmt.Sprint(frozen))
	return burned, k.store.state.Set(ctx, s)
}

func (k *Keeper) burn(ctx context.Context, amount uint64) error {
	if amount == 0 {
		return nil
	}
	return k.bank.BurnCoins(ctx, ModuleName, coin.Of(amount))
}
