package model

import (
	"context"
	"encoding/hex"

	"github.com/cosmos/cosmos-sdk/types/query"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// queries answers who asks a node.
type queries struct{ keeper *Keeper }

// Queries answers who asks a node.
func (k *Keeper) Queries() QueryServer { return queries{k} }

// Params returns the parameters.
func (q queries) Params(ctx context.Context, _ *QueryParamsRequest) (*QueryParamsResponse, error) {
	p, err := q.keeper.store.params.Get(ctx)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &QueryParamsResponse{Params: p}, nil
}

// Model returns one model with what validators said of it.
func (q queries) Model(ctx context.Context, r *QueryModelRequest) (*QueryModelResponse, error) {
	id, err := readID(r.GetId())
	if err != nil {
		return nil, err
	}
	m, err := q.keeper.store.models.Get(ctx, id)
	if err != nil {
		return nil, missing(err, "no model %x is registered", id)
	}
	words, err := q.keeper.store.words(ctx, id)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &QueryModelResponse{Model: m, Attestations: words}, nil
}

// Models lists the models by id.
func (q queries) Models(ctx context.Context, r *QueryModelsRequest) (*QueryModelsResponse, error) {
	models, page, err := query.CollectionPaginate(ctx, q.keeper.store.models, r.GetPagination(),
		func(_ []byte, m Model) (Model, error) { return m, nil })
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	return &QueryModelsResponse{Models: models, Pagination: page}, nil
}

// Manifest returns the manifest of a model that was not rejected.
func (q queries) Manifest(ctx context.Context, r *QueryManifestRequest) (*QueryManifestResponse, error) {
	id, err := readID(r.GetId())
	if err != nil {
		return nil, err
	}
	b, err := q.keeper.store.manifests.Get(ctx, id)
	if err != nil {
		return nil, missing(err, "no manifest of a model %x is kept", id)
	}
	return &QueryManifestResponse{Manifest: b}, nil
}

func readID(s string) ([]byte, error) {
	id, err := hex.DecodeString(s)
	if err != nil || len(id) != 32 {
		return nil, status.Errorf(codes.InvalidArgument, "%q is no model id: it has 64 hexadecimal digits", s)
	}
	return id, nil
}

func missing(err error, format string, a any) error {
	if absent(err) {
		return status.Errorf(codes.NotFound, format, a)
	}
	return status.Error(codes.Internal, err.Error())
}
