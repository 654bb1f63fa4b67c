package app

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	govkeeper "github.com/cosmos/cosmos-sdk/x/gov/keeper"
	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"
)

// powers returns the power of an operator and of all.
type powers interface {
	Power(ctx context.Context, operator string) (int64, error)
	TotalPower(ctx context.Context) (int64, error)
}

// tally counts the votes on a proposal by the power of who cast them: verified
// work votes, and nothing else does.
func tally(p powers) govkeeper.CalculateVoteResultsAndVotingPowerFn {
	return func(ctx context.Context, k govkeeper.Keeper, proposal govv1.Proposal) (math.LegacyDec, math.Int, map[govv1.VoteOption]math.LegacyDec, error) {
		voted := math.LegacyZeroDec()
		results := map[govv1.VoteOption]math.LegacyDec{}
		for _, o := range [...]govv1.VoteOption{govv1.OptionYes, govv1.OptionAbstain, govv1.OptionNo, govv1.OptionNoWithVeto} {
			results[o] = math.LegacyZeroDec()
		}
		fail := func(err error) (math.LegacyDec, math.Int, map[govv1.VoteOption]math.LegacyDec, error) {
			return voted, math.ZeroInt(), nil, fmt.Errorf("count the votes on proposal %d: %w", proposal.Id, err)
		}
		total, err := p.TotalPower(ctx)
		if err != nil {
			return fail(err)
		}
		var counted []collections.Pair[uint64, sdk.AccAddress]
		votes := collections.NewPrefixedPairRange[uint64, sdk.AccAddress](proposal.Id)
		if err := k.Votes.Walk(ctx, votes, func(key collections.Pair[uint64, sdk.AccAddress], vote govv1.Vote) (bool, error) {
			counted = append(counted, key)
			power, err := p.Power(ctx, vote.Voter)
			if err != nil || power == 0 {
				return false, err
			}
			for _, o := range vote.Options {
				weight, err := math.LegacyNewDecFromStr(o.Weight)
				if err != nil {
					return false, err
				}
				results[o.Option] = results[o.Option].Add(weight.MulInt64(power))
			}
			voted = voted.Add(math.LegacyNewDec(power))
			return false, nil
		}); err != nil {
			return fail(err)
		}
		for _, key := range counted {
			if err := k.Votes.Remove(ctx, key); err != nil {
				return fail(err)
			}
		}
		return voted, math.NewInt(total), results, nil
	}
}
