package govern

import (
	"context"
	"fmt"

	"cosmossdk.io/core/address"
	"cosmossdk.io/errors"
	sdk "github.com/cosmos/cosmos-sdk/types"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
)

// ErrNoPower refuses the vote of who is no validator with power.
var ErrNoPower = errors.Register("govern", 2, "only validators with voting power vote: lend your work to one that votes as you would")

// Voters returns what x/gov asks of every vote, however it was sent: that its
// voter has power now. All votes on a proposal are counted in one block, which
// anybody could make endless otherwise. Votes are not weighed here: power may
// change until the voting ends.
func Voters(p Powers, addresses address.Codec) govtypes.GovHooks { return voters{p, addresses} }

type voters struct {
	powers    Powers
	addresses address.Codec
}

// AfterProposalVote undoes a vote, with the message that cast it, by its error.
func (v voters) AfterProposalVote(ctx context.Context, proposal uint64, voter sdk.AccAddress) error {
	who, err := v.addresses.BytesToString(voter)
	if err != nil {
		return fmt.Errorf("write the address of a voter: %w", err)
	}
	power, err := v.powers.Power(ctx, who)
	if err != nil {
		return fmt.Errorf("vote of %s on proposal %d: %w", who, proposal, err)
	}
	if power <= 0 {
		return ErrNoPower.Wrapf("vote of %s on proposal %d", who, proposal)
	}
	return nil
}

// What else happens to a proposal needs nothing here.

func (voters) AfterProposalSubmission(context.Context, uint64, sdk.AccAddress) error { return nil }
func (voters) AfterProposalDeposit(context.Context, uint64, sdk.AccAddress) error    { return nil }
func (voters) AfterProposalFailedMinDeposit(context.Context, uint64) error           { return nil }
func (voters) AfterProposalVotingPeriodEnded(context.Context, uint64) error          { return nil }
