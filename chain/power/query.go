package power

import (
	"context"

	"github.com/cosmos/cosmos-sdk/types/query"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// queries is what anybody may ask.
type queries struct{ *Keeper }

// Status is the state of all, with how concentrated power is.
func (k queries) Status(ctx context.Context, _ *QueryStatusRequest) (*QueryStatusResponse, error) {
	p, s, err := k.store.load(ctx)
	if err != nil {
		return nil, err
	}
	vs, err := k.store.all(ctx)
	if err != nil {
		return nil, err
	}
	set := setOf(vs)
	r := &QueryStatusResponse{Params: p, State: s, Nakamoto: uint32(set.Nakamoto())}
	if sum := set.Sum(); sum > 0 {
		for _, v := range set {
			r.LargestPermille = max(r.LargestPermille, uint32(v.Power*1000/sum))
		}
	}
	return r, nil
}

// Validators lists the registered ones by operator.
func (k queries) Validators(ctx context.Context, req *QueryValidatorsRequest) (*QueryValidatorsResponse, error) {
	if req == nil {
		return nil, status.Error(codes.InvalidArgument, "the request is empty")
	}
	vs, page, err := query.CollectionPaginate(ctx, k.store.validators, req.Pagination,
		func(_ string, v Validator) (Validator, error) { return v, nil })
	return &QueryValidatorsResponse{Validators: vs, Pagination: page}, err
}

// Validator is one of them.
func (k queries) Validator(ctx context.Context, req *QueryValidatorRequest) (*QueryValidatorResponse, error) {
	if req == nil {
		return nil, status.Error(codes.InvalidArgument, "the request is empty")
	}
	v, err := k.store.validator(ctx, req.Operator)
	if err != nil {
		return nil, status.Error(codes.NotFound, err.Error())
	}
	return &QueryValidatorResponse{Validator: v}, nil
}

// Miner is a miner's work and what stands behind it.
func (k queries) Miner(ctx context.Context, req *QueryMinerRequest) (*QueryMinerResponse, error) {
	if req == nil {
		return nil, status.Error(codes.InvalidArgument, "the request is empty")
	}
	p, s, err := k.store.load(ctx)
	if err != nil {
		return nil, err
	}
	m, err := k.store.miners.Get(ctx, req.Owner)
	if absent(err) {
		return nil, status.Errorf(codes.NotFound, "nothing was credited to %q, and it lends nothing", req.Owner)
	}
	if err != nil {
		return nil, err
	}
	_, collateral, err := k.backing(ctx, p, s, req.Owner)
	return &QueryMinerResponse{Miner: m, Collateral: collateral}, err
}

// Penalties lists what was burned and what was frozen, oldest first.
func (k queries) Penalties(ctx context.Context, req *QueryPenaltiesRequest) (*QueryPenaltiesResponse, error) {
	if req == nil {
		return nil, status.Error(codes.InvalidArgument, "the request is empty")
	}
	ps, page, err := query.CollectionPaginate(ctx, k.store.penalties, req.Pagination,
		func(_ uint64, p Penalty) (Penalty, error) { return p, nil })
	return &QueryPenaltiesResponse{Penalties: ps, Pagination: page}, err
}
