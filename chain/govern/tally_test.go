package govern_test

import (
	"context"
	"errors"
	"testing"

	"cosmossdk.io/collections"
	"cosmossdk.io/log/v2"
	"github.com/cosmos/cosmos-sdk/baseapp"
	"github.com/cosmos/cosmos-sdk/codec"
	addresscodec "github.com/cosmos/cosmos-sdk/codec/address"
	"github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/runtime"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	"github.com/cosmos/cosmos-sdk/testutil"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authkeeper "github.com/cosmos/cosmos-sdk/x/auth/keeper"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	bankkeeper "github.com/cosmos/cosmos-sdk/x/bank/keeper"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	govkeeper "github.com/cosmos/cosmos-sdk/x/gov/keeper"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"

	"hearth/chain/govern"
)

// powers is a list of validators with what stands behind them.
type powers map[string]int64

func (p powers) Power(_ context.Context, operator string) (int64, error) {
	if p[operator] < 0 {
		return 0, errors.New("its record cannot be read")
	}
	return p[operator], nil
}

func (p powers) TotalPower(context.Context) (total int64, err error) {
	for _, n := range p {
		total += n
	}
	return total, nil
}

func voter(n byte) sdk.AccAddress { return []byte{n, 19: n} }

func name(n byte) string { return sdk.MustBech32ifyAddressBytes("hearth", voter(n)) }

func governance(t *testing.T, p powers) (sdk.Context, *govkeeper.Keeper) {
	t.Helper()
	keys := storetypes.NewKVStoreKeys(authtypes.StoreKey, banktypes.StoreKey, govtypes.StoreKey)
	ctx := testutil.DefaultContextWithKeys(keys, nil, nil)
	registry := types.NewInterfaceRegistry()
	authtypes.RegisterInterfaces(registry)
	cdc := codec.NewProtoCodec(registry)
	addresses := addresscodec.NewBech32Codec("hearth")
	authority, err := addresses.BytesToString(authtypes.NewModuleAddress(govtypes.ModuleName))
	if err != nil {
		t.Fatal(err)
	}
	accounts := authkeeper.NewAccountKeeper(cdc, runtime.NewKVStoreService(keys[authtypes.StoreKey]), authtypes.ProtoBaseAccount,
		map[string][]string{govtypes.ModuleName: {authtypes.Burner}}, addresses, "hearth", authority)
	bank := bankkeeper.NewBaseKeeper(cdc, runtime.NewKVStoreService(keys[banktypes.StoreKey]), accounts, nil, authority, log.NewNopLogger())
	k := govkeeper.NewKeeper(cdc, runtime.NewKVStoreService(keys[govtypes.StoreKey]), accounts, bank, nil, baseapp.NewMsgServiceRouter(),
		govtypes.DefaultConfig(), authority, govern.Tally(p)).SetHooks(govern.Voters(p, addresses))
	params := govv1.DefaultParams()
	params.Quorum, params.Threshold, params.VetoThreshold = "0.334", "0.5", "0.334"
	if err := k.Params.Set(ctx, params); err != nil {
		t.Fatal(err)
	}
	return ctx, k
}

func TestVotesWeighWhatTheirVotersDid(t *testing.T) {
	yes := govv1.NewNonSplitVoteOption(govv1.OptionYes)
	no := govv1.NewNonSplitVoteOption(govv1.OptionNo)
	veto := govv1.NewNonSplitVoteOption(govv1.OptionNoWithVeto)
	for _, c := range []struct {
		what     string
		votes    map[byte]govv1.WeightedVoteOptions
		passes   bool
		yes, no  string
		abstains string
	}{
		{"nobody votes", nil, false, "0", "0", "0"},
		{"a majority of power", map[byte]govv1.WeightedVoteOptions{1: no, 3: yes}, true, "40", "10", "0"},
		{"a majority of heads", map[byte]govv1.WeightedVoteOptions{1: yes, 2: yes, 3: no}, false, "30", "40", "0"},
		{"too little power for a quorum", map[byte]govv1.WeightedVoteOptions{1: yes, 2: yes}, false, "30", "0", "0"},
		{"people without power", map[byte]govv1.WeightedVoteOptions{3: yes, 8: no, 9: no}, true, "40", "0", "0"},
		{"a veto", map[byte]govv1.WeightedVoteOptions{2: veto, 3: yes}, true, "40", "0", "0"},
		{"a veto of more than a third", map[byte]govv1.WeightedVoteOptions{1: yes, 2: veto}, false, "10", "0", "0"},
		{"a divided vote", map[byte]govv1.WeightedVoteOptions{3: {
			{Option: govv1.OptionYes, Weight: "0.75"}, {Option: govv1.OptionAbstain, Weight: "0.25"},
		}}, true, "30", "0", "10"},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := powers{name(1): 10, name(2): 20, name(3): 40, name(4): 25}
			if c.what == "a veto of more than a third" {
				p = powers{name(1): 10, name(2): 20}
			}
			ctx, k := governance(t, p)
			for n, options := range c.votes {
				if err := k.Votes.Set(ctx, collections.Join(uint64(1), voter(n)), govv1.Vote{ProposalId: 1, Voter: name(n), Options: options}); err != nil {
					t.Fatal(err)
				}
			}
			passes, _, r, err := k.Tally(ctx, govv1.Proposal{Id: 1})
			if err != nil {
				t.Fatal(err)
			}
			if passes != c.passes || r.YesCount != c.yes || r.NoCount != c.no || r.AbstainCount != c.abstains {
				t.Errorf("passes: %t, with %s for it, %s against, %s abstaining", passes, r.YesCount, r.NoCount, r.AbstainCount)
			}
			if err := k.Votes.Walk(ctx, nil, func(key collections.Pair[uint64, sdk.AccAddress], _ govv1.Vote) (bool, error) {
				t.Errorf("the vote of %v is left", key.K2())
				return false, nil
			}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestACountThatCannotBeMadeIsNone(t *testing.T) {
	ctx, k := governance(t, powers{name(1): -1})
	vote := govv1.Vote{ProposalId: 1, Voter: name(1), Options: govv1.NewNonSplitVoteOption(govv1.OptionYes)}
	if err := k.Votes.Set(ctx, collections.Join(uint64(1), voter(1)), vote); err != nil {
		t.Fatal(err)
	}
	if passes, _, _, err := k.Tally(ctx, govv1.Proposal{Id: 1}); err == nil || passes {
		t.Errorf("counted without the power of a voter: %t, %v", passes, err)
	}
}

func TestOnlyWhoHasPowerVotes(t *testing.T) {
	ctx, k := governance(t, powers{name(1): 10, name(2): 0, name(4): -1})
	if err := k.VotingPeriodProposals.Set(ctx, 1, []byte{1}); err != nil {
		t.Fatal(err)
	}
	messages := govkeeper.NewMsgServerImpl(k)
	for _, c := range []struct {
		what  string
		voter byte
		votes bool
	}{
		{"a validator", 1, true},
		{"a validator without power", 2, false},
		{"anybody else", 3, false},
		{"whose power cannot be read", 4, false},
	} {
		cast := map[string]func(context.Context) error{
			"plain": func(ctx context.Context) error {
				_, err := messages.Vote(ctx, &govv1.MsgVote{ProposalId: 1, Voter: name(c.voter), Option: govv1.OptionYes})
				return err
			},
			"divided": func(ctx context.Context) error {
				_, err := messages.VoteWeighted(ctx, &govv1.MsgVoteWeighted{ProposalId: 1, Voter: name(c.voter), Options: govv1.NewNonSplitVoteOption(govv1.OptionNo)})
				return err
			},
		}
		for how, vote := range cast {
			// As with a transaction, an error leaves nothing behind.
			branch, write := ctx.CacheContext()
			err := vote(branch)
			if err == nil {
				write()
			}
			if (err == nil) != c.votes || c.voter < 4 && !c.votes && !errors.Is(err, govern.ErrNoPower) {
				t.Errorf("%s, %s: %v", c.what, how, err)
			}
		}
		if has, err := k.Votes.Has(ctx, collections.Join(uint64(1), voter(c.voter))); err != nil || has != c.votes {
			t.Errorf("%s: a vote is there: %t, %v", c.what, has, err)
		}
	}
}
