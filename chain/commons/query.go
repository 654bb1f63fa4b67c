package commons

import (
	"context"
	"errors"

	"github.com/cosmos/cosmos-sdk/types/query"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// queries answers who asks a node.
type queries struct{ keeper *Keeper }

var _ QueryServer = queries{}

// Params returns the parameters in force.
func (q queries) Params(ctx context.Context, _ *QueryParamsRequest) (*QueryParamsResponse, error) {
	p, err := q.keeper.store.params.Get(ctx)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &QueryParamsResponse{Params: p}, nil
}

// Project returns all that is known of a project but its places.
func (q queries) Project(ctx context.Context, r *QueryProjectRequest) (*QueryProjectResponse, error) {
	s, id := q.keeper.store, r.GetId()
	var out QueryProjectResponse
	var err error
	if out.Project, err = s.project(ctx, id); err != nil {
		code := codes.Internal
		if errors.Is(err, ErrUnknown) {
			code = codes.NotFound
		}
		return nil, status.Error(code, err.Error())
	}
	c, err := s.challenges.Get(ctx, id)
	if err == nil {
		out.Challenge = &c
	}
	if err == nil || absent(err) {
		out.Votes, err = s.votesOn(ctx, id)
	}
	if err == nil {
		out.Artefacts, err = s.artefactsOf(ctx, id)
	}
	if err == nil {
		var o Order
		if o, err = s.orders.Get(ctx, id); err == nil {
			out.Order = &o
		}
	}
	if err != nil && !absent(err) {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &out, nil
}

// Projects lists projects by number.
func (q queries) Projects(ctx context.Context, r *QueryProjectsRequest) (*QueryProjectsResponse, error) {
	list, page, err := query.CollectionPaginate(ctx, q.keeper.store.projects, r.GetPagination(),
		func(_ uint64, p Project) (Project, error) { return p, nil })
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	return &QueryProjectsResponse{Projects: list, Pagination: page}, nil
}

// Places lists the jobs of a project that are under way.
func (q queries) Places(ctx context.Context, r *QueryPlacesRequest) (*QueryPlacesResponse, error) {
	list, page, err := query.CollectionPaginate(ctx, q.keeper.store.places, r.GetPagination(),
		func(_ pair, p Place) (Place, error) { return p, nil },
		query.WithCollectionPaginationPairPrefix[uint64, uint64](r.GetProject()))
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	return &QueryPlacesResponse{Places: list, Pagination: page}, nil
}
