package govern

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"
	sdk "github.com/cosmos/cosmos-sdk/types"
	govkeeper "github.com/cosmos/cosmos-sdk/x/gov/keeper"
	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"
)

// Powers says how much verified work stands behind an operator, and behind
// all. An operator that is no validator has none.
type Powers interface {
	Power(ctx context.Context, operator string) (int64, error)
	TotalPower(ctx context.Context) (int64, error)
}

// Tally counts the votes on a proposal by the power that their voters have
// now, when the voting ends, and removes them, as x/gov wants it.
func Tally(p Powers) govkeeper.CalculateVoteResultsAndVotingPowerFn {
	return func(ctx context.Context, k govkeeper.Keeper, proposal govv1.Proposal) (math.LegacyDec, math.Int, map[govv1.VoteOption]math.LegacyDec, error) {
		c := count{voted: math.LegacyZeroDec(), results: map[govv1.VoteOption]math.LegacyDec{}}
		for _, o := range [...]govv1.VoteOption{govv1.OptionYes, govv1.OptionAbstain, govv1.OptionNo, govv1.OptionNoWithVeto} {
			c.results[o] = math.LegacyZeroDec()
		}
		total, err := p.TotalPower(ctx)
		if err == nil {
			err = c.votes(ctx, k, p, proposal.Id)
		}
		if err != nil {
			return math.LegacyZeroDec(), math.ZeroInt(), nil, fmt.Errorf("count the votes on proposal %d: %w", proposal.Id, err)
		}
		return c.voted, math.NewInt(total), c.results, nil
	}
}

// count is a tally under way.
type count struct {
	voted   math.LegacyDec
	results map[govv1.VoteOption]math.LegacyDec
}

func (c *count) votes(ctx context.Context, k govkeeper.Keeper, p Powers, proposal uint64) error {
	var counted []collections.Pair[uint64, sdk.AccAddress]
	of := collections.NewPrefixedPairRange[uint64, sdk.AccAddress](proposal)
	err := k.Votes.Walk(ctx, of, func(key collections.Pair[uint64, sdk.AccAddress], vote govv1.Vote) (stop bool, err error) {
		counted = append(counted, key)
		return false, c.add(ctx, p, vote)
	})
	for _, key := range counted {
		if err == nil {
			err = k.Votes.Remove(ctx, key)
		}
	}
	return err
}

func (c *count) add(ctx context.Context, p Powers, vote govv1.Vote) error {
	power, err := p.Power(ctx, vote.Voter)
	if err != nil {
		return err
	}
	if power <= 0 {
		return nil
	}
	for _, o := range vote.Options {
		weight, err := math.LegacyNewDecFromStr(o.Weight)
		if err != nil {
			return fmt.Errorf("the weight %q of a vote: %w", o.Weight, err)
		}
		c.results[o.Option] = c.results[o.Option].Add(weight.MulInt64(power))
	}
	c.voted = c.voted.Add(math.LegacyNewDec(power))
	return nil
}
