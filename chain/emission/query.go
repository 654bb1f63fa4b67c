package emission

import (
	"context"

	"cosmossdk.io/collections"
	"github.com/cosmos/cosmos-sdk/types/query"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"hearth/chain/coin"
	"hearth/chain/emission/schedule"
)

// queries is what anybody may ask.
type queries struct{ *Keeper }

// Status is how much there is and what the epoch under way will release.
func (k queries) Status(ctx context.Context, _ *QueryStatusRequest) (*QueryStatusResponse, error) {
	p, s, err := k.store.load(ctx)
	if err != nil {
		return nil, err
	}
	curve, err := schedule.NewCurve(p.HalfLifeEpochs)
	if err != nil {
		return nil, err
	}
	supply, err := coin.Read(k.bank.GetSupply(ctx, coin.Denom).Amount)
	return &QueryStatusResponse{Params: p, State: s, Cap: schedule.Cap, Pot: curve.Epoch(s.Released), Supply: supply}, err
}

// Epochs lists what the last epochs minted.
func (k queries) Epochs(ctx context.Context, req *QueryEpochsRequest) (*QueryEpochsResponse, error) {
	if req == nil {
		return nil, status.Error(codes.InvalidArgument, "the request is empty")
	}
	es, page, err := query.CollectionPaginate(ctx, k.store.epochs, req.Pagination,
		func(_ uint64, e Epoch) (Epoch, error) { return e, nil })
	return &QueryEpochsResponse{Epochs: es, Pagination: page}, err
}

// Earned is what an owner has earned, what vests and what is not paid yet. An
// owner that earned nothing has zeros.
func (k queries) Earned(ctx context.Context, req *QueryEarnedRequest) (*QueryEarnedResponse, error) {
	if req == nil {
		return nil, status.Error(codes.InvalidArgument, "the request is empty")
	}
	_, s, err := k.store.load(ctx)
	if err != nil {
		return nil, err
	}
	var r QueryEarnedResponse
	if r.Earned, err = k.store.account(ctx, req.Owner); err != nil {
		return nil, err
	}
	if r.Vestings, err = k.store.vestingOf(ctx, req.Owner); err != nil {
		return nil, err
	}
	// Epochs that wait to be paid are few: the oldest, and the one under way.
	for e := s.Settled; e <= s.Epoch && len(r.Credits) < 100; e++ {
		c, err := k.store.credits.Get(ctx, collections.Join(e, req.Owner))
		if absent(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		r.Credits = append(r.Credits, c)
	}
	return &r, nil
}
