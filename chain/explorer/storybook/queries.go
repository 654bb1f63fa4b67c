package storybook

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"cosmossdk.io/log/v2"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cosmos/cosmos-sdk/baseapp"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	gogogrpc "github.com/cosmos/gogoproto/grpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"hearth/chain/beacon"
	"hearth/chain/commons"
	"hearth/chain/emission"
	"hearth/chain/model"
	"hearth/chain/power"
	"hearth/chain/work"
)

// State is what the modules of a story know.
type State struct {
	Balances sdk.Coins // of every account

	Tally    work.Tally
	Market   work.Market
	Jobs     []work.Job
	Claims   []work.Claim
	Tickets  []work.Ticket
	Trials   []work.Trial
	Verdicts []work.Verdict
	Miners   []work.Miner
	Encoding []byte // of every job

	Power      power.QueryStatusResponse
	Validators []power.Validator
	Counted    []power.Miner
	Penalties  []power.Penalty

	Emission emission.QueryStatusResponse
	Epochs   []emission.Epoch
	Earned   []emission.Earned

	Beacon beacon.QueryStatusResponse
	Rounds []beacon.Round

	Models       []model.Model
	Attestations []model.Attestation

	Projects  []commons.Project
	Challenge *commons.Challenge
	Votes     []commons.Vote
	Artefacts []commons.Artefact

	// Failing names services that answer nothing, such as hearth.work.v1.Query.
	Failing []string
}

// conn answers queries out of a state.
type conn struct {
	*baseapp.QueryServiceTestHelper
	failing []string
}

func newConn(s *State, e encoding) gogogrpc.ClientConn {
	h := baseapp.NewQueryServerTestHelper(sdk.NewContext(nil, cmtproto.Header{}, false, log.NewNopLogger()), e.registry)
	banktypes.RegisterQueryServer(h, &bankQueries{State: s})
	work.RegisterQueryServer(h, &workQueries{State: s})
	power.RegisterQueryServer(h, &powerQueries{State: s})
	emission.RegisterQueryServer(h, &emissionQueries{State: s})
	beacon.RegisterQueryServer(h, &beaconQueries{State: s})
	model.RegisterQueryServer(h, &modelQueries{State: s})
	commons.RegisterQueryServer(h, &commonsQueries{State: s})
	return conn{h, s.Failing}
}

// Invoke implements gogogrpc.ClientConn.
func (c conn) Invoke(ctx context.Context, method string, args, reply any, options ...grpc.CallOption) error {
	for _, service := range c.failing {
		if len(method) > len(service) && method[1:len(service)+1] == service {
			return ErrSilent
		}
	}
	return c.QueryServiceTestHelper.Invoke(ctx, method, args, reply, options...)
}

// paged cuts a list as the SDK does.
func paged[T any](list []T, p *query.PageRequest) ([]T, *query.PageResponse) {
	if p.GetReverse() {
		list = slices.Clone(list)
		slices.Reverse(list)
	}
	from, most := 0, 100
	if len(p.GetKey()) == 8 {
		from = int(min(binary.BigEndian.Uint64(p.Key), uint64(len(list)))) //nolint:gosec // an index
	}
	if n := p.GetLimit(); n > 0 {
		most = int(n) //nolint:gosec // of a test
	}
	res := &query.PageResponse{}
	if to := from + most; to < len(list) {
		res.NextKey = binary.BigEndian.AppendUint64(nil, uint64(to)) //nolint:gosec // an index
		return list[from:to], res
	}
	return list[from:], res
}

// one returns what fits, or that nothing does.
func one[T any](list []T, fits func(*T) bool) (T, error) {
	for i := range list {
		if fits(&list[i]) {
			return list[i], nil
		}
	}
	var none T
	return none, status.Error(codes.NotFound, "not found")
}

type bankQueries struct {
	banktypes.UnimplementedQueryServer
	*State
}

func (q *bankQueries) AllBalances(context.Context, *banktypes.QueryAllBalancesRequest) (*banktypes.QueryAllBalancesResponse, error) {
	return &banktypes.QueryAllBalancesResponse{Balances: q.Balances}, nil
}

type workQueries struct {
	work.UnimplementedQueryServer
	*State
}

func (q *workQueries) Tally(context.Context, *work.QueryTallyRequest) (*work.QueryTallyResponse, error) {
	return &work.QueryTallyResponse{Tally: q.State.Tally}, nil
}

func (q *workQueries) Market(context.Context, *work.QueryMarketRequest) (*work.QueryMarketResponse, error) {
	return &work.QueryMarketResponse{Market: q.State.Market}, nil
}

func (q *workQueries) Jobs(_ context.Context, r *work.QueryJobsRequest) (*work.QueryJobsResponse, error) {
	list := slices.DeleteFunc(slices.Clone(q.State.Jobs), func(j work.Job) bool { return r.Status != 0 && j.Status != r.Status })
	jobs, p := paged(list, r.Pagination)
	return &work.QueryJobsResponse{Jobs: jobs, Pagination: p}, nil
}

func (q *workQueries) Job(_ context.Context, r *work.QueryJobRequest) (*work.QueryJobResponse, error) {
	j, err := one(q.State.Jobs, func(j *work.Job) bool { return hex.EncodeToString(j.Id) == r.Id })
	return &work.QueryJobResponse{Job: j, Encoding: q.Encoding}, err
}

func (q *workQueries) Claims(_ context.Context, r *work.QueryClaimsRequest) (*work.QueryClaimsResponse, error) {
	list := slices.DeleteFunc(slices.Clone(q.State.Claims), func(c work.Claim) bool { return r.Owner != "" && c.Owner != r.Owner })
	claims, p := paged(list, r.Pagination)
	return &work.QueryClaimsResponse{Claims: claims, Pagination: p}, nil
}

func (q *workQueries) Claim(_ context.Context, r *work.QueryClaimRequest) (*work.QueryClaimResponse, error) {
	c, err := one(q.State.Claims, func(c *work.Claim) bool { return hex.EncodeToString(c.Key) == r.Key })
	res := &work.QueryClaimResponse{Claim: c}
	for _, t := range q.State.Tickets {
		if string(t.Claim) == string(c.Key) {
			res.Tickets = append(res.Tickets, t)
		}
	}
	return res, err
}

func (q *workQueries) Tickets(_ context.Context, r *work.QueryTicketsRequest) (*work.QueryTicketsResponse, error) {
	tickets, p := paged(q.State.Tickets, r.Pagination)
	return &work.QueryTicketsResponse{Tickets: tickets, Pagination: p}, nil
}

func (q *workQueries) Ticket(_ context.Context, r *work.QueryTicketRequest) (*work.QueryTicketResponse, error) {
	t, err := one(q.State.Tickets, func(t *work.Ticket) bool { return hex.EncodeToString(t.Nullifier) == r.Nullifier })
	if err != nil {
		return nil, err
	}
	c, err := one(q.State.Claims, func(c *work.Claim) bool { return string(c.Key) == string(t.Claim) })
	return &work.QueryTicketResponse{Ticket: t, Claim: c}, err
}

func (q *workQueries) Trials(_ context.Context, r *work.QueryTrialsRequest) (*work.QueryTrialsResponse, error) {
	trials, p := paged(q.State.Trials, r.Pagination)
	return &work.QueryTrialsResponse{Trials: trials, Pagination: p}, nil
}

func (q *workQueries) Trial(_ context.Context, r *work.QueryTrialRequest) (*work.QueryTrialResponse, error) {
	t, err := one(q.State.Trials, func(t *work.Trial) bool { return hex.EncodeToString(t.Claim) == r.Claim })
	if err != nil {
		return nil, err
	}
	res := &work.QueryTrialResponse{Trial: t}
	for _, v := range q.Verdicts {
		if string(v.Claim) == string(t.Claim) {
			res.Verdicts = append(res.Verdicts, v)
		}
	}
	res.Claim, err = one(q.State.Claims, func(c *work.Claim) bool { return string(c.Key) == string(t.Claim) })
	return res, err
}

func (q *workQueries) Miners(_ context.Context, r *work.QueryMinersRequest) (*work.QueryMinersResponse, error) {
	miners, p := paged(q.State.Miners, r.Pagination)
	return &work.QueryMinersResponse{Miners: miners, Pagination: p}, nil
}

func (q *workQueries) Miner(_ context.Context, r *work.QueryMinerRequest) (*work.QueryMinerResponse, error) {
	m, err := one(q.State.Miners, func(m *work.Miner) bool { return m.Owner == r.Owner || m.Hot == r.Owner })
	return &work.QueryMinerResponse{Miner: m}, err
}

type powerQueries struct {
	power.UnimplementedQueryServer
	*State
}

func (q *powerQueries) Status(context.Context, *power.QueryStatusRequest) (*power.QueryStatusResponse, error) {
	return &q.Power, nil
}

func (q *powerQueries) Validators(_ context.Context, r *power.QueryValidatorsRequest) (*power.QueryValidatorsResponse, error) {
	validators, p := paged(q.State.Validators, r.Pagination)
	return &power.QueryValidatorsResponse{Validators: validators, Pagination: p}, nil
}

func (q *powerQueries) Validator(_ context.Context, r *power.QueryValidatorRequest) (*power.QueryValidatorResponse, error) {
	v, err := one(q.State.Validators, func(v *power.Validator) bool { return v.Operator == r.Operator })
	return &power.QueryValidatorResponse{Validator: v}, err
}

func (q *powerQueries) Miner(_ context.Context, r *power.QueryMinerRequest) (*power.QueryMinerResponse, error) {
	m, err := one(q.Counted, func(m *power.Miner) bool { return m.Owner == r.Owner })
	return &power.QueryMinerResponse{Miner: m}, err
}

func (q *powerQueries) Penalties(_ context.Context, r *power.QueryPenaltiesRequest) (*power.QueryPenaltiesResponse, error) {
	penalties, p := paged(q.State.Penalties, r.Pagination)
	return &power.QueryPenaltiesResponse{Penalties: penalties, Pagination: p}, nil
}

type emissionQueries struct {
	emission.UnimplementedQueryServer
	*State
}

func (q *emissionQueries) Status(context.Context, *emission.QueryStatusRequest) (*emission.QueryStatusResponse, error) {
	return &q.Emission, nil
}

func (q *emissionQueries) Epochs(_ context.Context, r *emission.QueryEpochsRequest) (*emission.QueryEpochsResponse, error) {
	epochs, p := paged(q.State.Epochs, r.Pagination)
	return &emission.QueryEpochsResponse{Epochs: epochs, Pagination: p}, nil
}

func (q *emissionQueries) Earned(_ context.Context, r *emission.QueryEarnedRequest) (*emission.QueryEarnedResponse, error) {
	v, err := one(q.State.Earned, func(v *emission.Earned) bool { return v.Owner == r.Owner })
	return &emission.QueryEarnedResponse{Earned: v}, err
}

type beaconQueries struct {
	beacon.UnimplementedQueryServer
	*State
}

func (q *beaconQueries) Status(context.Context, *beacon.QueryStatusRequest) (*beacon.QueryStatusResponse, error) {
	return &q.Beacon, nil
}

func (q *beaconQueries) Round(_ context.Context, r *beacon.QueryRoundRequest) (*beacon.QueryRoundResponse, error) {
	round, err := one(q.Rounds, func(v *beacon.Round) bool { return v.Number == r.Number })
	return &beacon.QueryRoundResponse{Round: round}, err
}

type modelQueries struct {
	model.UnimplementedQueryServer
	*State
}

func (q *modelQueries) Models(_ context.Context, r *model.QueryModelsRequest) (*model.QueryModelsResponse, error) {
	models, p := paged(q.State.Models, r.Pagination)
	return &model.QueryModelsResponse{Models: models, Pagination: p}, nil
}

func (q *modelQueries) Model(_ context.Context, r *model.QueryModelRequest) (*model.QueryModelResponse, error) {
	m, err := one(q.State.Models, func(m *model.Model) bool { return hex.EncodeToString(m.Id) == r.Id })
	return &model.QueryModelResponse{Model: m, Attestations: q.Attestations}, err
}

type commonsQueries struct {
	commons.UnimplementedQueryServer
	*State
}

func (q *commonsQueries) Projects(_ context.Context, r *commons.QueryProjectsRequest) (*commons.QueryProjectsResponse, error) {
	projects, p := paged(q.State.Projects, r.Pagination)
	return &commons.QueryProjectsResponse{Projects: projects, Pagination: p}, nil
}

func (q *commonsQueries) Project(_ context.Context, r *commons.QueryProjectRequest) (*commons.QueryProjectResponse, error) {
	p, err := one(q.State.Projects, func(p *commons.Project) bool { return p.Id == r.Id })
	return &commons.QueryProjectResponse{Project: p, Challenge: q.Challenge, Votes: q.Votes, Artefacts: q.Artefacts}, err
}
