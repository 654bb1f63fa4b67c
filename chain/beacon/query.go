package beacon

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type queries struct{ keeper *Keeper }

// Queries answers who asks a node.
func (k *Keeper) Queries() QueryServer { return queries{k} }

// Status returns parameters and state.
func (q queries) Status(ctx context.Context, _ *QueryStatusRequest) (*QueryStatusResponse, error) {
	p, err := q.keeper.store.params.Get(ctx)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	s, err := q.keeper.store.state.Get(ctx)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &QueryStatusResponse{Params: p, State: s}, nil
}

// Round returns a recorded round.
func (q queries) Round(ctx context.Context, r *QueryRoundRequest) (*QueryRoundResponse, error) {
	round, err := q.keeper.store.rounds.Get(ctx, r.GetNumber())
	if err != nil {
		return nil, missing(err, "round %d is not recorded, or no longer kept", r.GetNumber())
	}
	return &QueryRoundResponse{Round: round}, nil
}

// Value returns what the claims of a block wait for or are mined with.
func (q queries) Value(ctx context.Context, r *QueryValueRequest) (*QueryValueResponse, error) {
	v, err := q.keeper.store.values.Get(ctx, uint64(r.GetHeight()))
	if err != nil {
		return nil, missing(err, "nothing of height %d waits for a value, or it is no longer kept", r.GetHeight())
	}
	return &QueryValueResponse{Value: v}, nil
}

func missing(err error, format string, a any) error {
	if absent(err) {
		return status.Errorf(codes.NotFound, format, a)
	}
	return status.Error(codes.Internal, err.Error())
}
