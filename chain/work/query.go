package work

import (
	"context"
	"encoding/hex"
	"fmt"

	"cosmossdk.io/collections"
	"github.com/cosmos/cosmos-sdk/types/query"
)

// mostListed bounds the page of a list.
const mostListed = 200

// queries answers questions about the state.
type queries struct{ keeper *Keeper }

var _ QueryServer = queries{}

// Queries answers questions about the state.
func (k *Keeper) Queries() QueryServer { return queries{k} }

// hash reads a hash of a request.
func hash(text string) ([]byte, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 32 {
		return nil, ErrNotFound.Wrapf("%q: want 64 hexadecimal digits", text)
	}
	return b, nil
}

// page bounds what is asked for. Lists are in the order of blocks, and the
// newest come first if nothing is said.
func page(p *query.PageRequest) *query.PageRequest {
	if p == nil {
		return &query.PageRequest{Limit: mostListed, Reverse: true}
	}
	bounded := *p
	bounded.Limit = min(bounded.Limit, mostListed)
	bounded.CountTotal = false // it would walk the whole list
	return &bounded
}

// Params implements [QueryServer].
func (q queries) Params(ctx context.Context, _ *QueryParamsRequest) (*QueryParamsResponse, error) {
	p, err := q.keeper.Params(ctx)
	return &QueryParamsResponse{Params: p}, err
}

// Market implements [QueryServer].
func (q queries) Market(ctx context.Context, _ *QueryMarketRequest) (*QueryMarketResponse, error) {
	m, err := q.keeper.Market(ctx)
	return &QueryMarketResponse{Market: m}, err
}

// Tally implements [QueryServer].
func (q queries) Tally(ctx context.Context, _ *QueryTallyRequest) (*QueryTallyResponse, error) {
	t, err := q.keeper.Tally(ctx)
	return &QueryTallyResponse{Tally: t}, err
}

// Miner implements [QueryServer]: by owner, or by hot key.
func (q queries) Miner(ctx context.Context, r *QueryMinerRequest) (*QueryMinerResponse, error) {
	m, err := q.keeper.minerOf(ctx, r.Owner)
	if err != nil {
		m, err = q.keeper.Miner(ctx, r.Owner)
	}
	return &QueryMinerResponse{Miner: m}, err
}

// Miners implements [QueryServer].
func (q queries) Miners(ctx context.Context, r *QueryMinersRequest) (*QueryMinersResponse, error) {
	all, next, err := query.CollectionPaginate(ctx, q.keeper.store.miners, page(r.Pagination),
		func(_ string, m Miner) (Miner, error) { return m, nil })
	return &QueryMinersResponse{Miners: all, Pagination: next}, err
}

// Job implements [QueryServer].
func (q queries) Job(ctx context.Context, r *QueryJobRequest) (*QueryJobResponse, error) {
	id, err := hash(r.Id)
	if err != nil {
		return nil, err
	}
	k := q.keeper
	job, err := k.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	out := &QueryJobResponse{Job: job}
	if out.Encoding, err = k.store.encodings.Get(ctx, id); err != nil && !absent(err) {
		return nil, err
	}
	if len(job.Claim) == 0 {
		return out, nil
	}
	c, err := k.store.claims.Get(ctx, job.Claim)
	if absent(err) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	out.Claim = &c
	if out.Receipt, err = k.store.receipts.Get(ctx, c.Key); err != nil && !absent(err) {
		return nil, err
	}
	return out, nil
}

// Jobs implements [QueryServer].
func (q queries) Jobs(ctx context.Context, r *QueryJobsRequest) (*QueryJobsResponse, error) {
	k := q.keeper
	if r.Status == JOB_STATUS_OPEN {
		all, next, err := query.CollectionPaginate(ctx, k.store.offers, page(r.Pagination),
			func(id []byte, _ collections.NoValue) (Job, error) { return k.Job(ctx, id) })
		return &QueryJobsResponse{Jobs: all, Pagination: next}, err
	}
	all, next, err := query.CollectionFilteredPaginate(ctx, k.store.posted, page(r.Pagination),
		func(key at, _ collections.NoValue) (bool, error) {
			if r.Status == JOB_STATUS_UNSPECIFIED {
				return true, nil
			}
			j, err := k.Job(ctx, key.K2())
			return j.Status == r.Status, err
		},
		func(key at, _ collections.NoValue) (Job, error) { return k.Job(ctx, key.K2()) })
	return &QueryJobsResponse{Jobs: all, Pagination: next}, err
}

// Assignments implements [QueryServer].
func (q queries) Assignments(ctx context.Context, r *QueryAssignmentsRequest) (*QueryAssignmentsResponse, error) {
	ids, err := keys(ctx, q.keeper.store.assigned, within[string, uint64](r.Owner), mostListed)
	if err != nil {
		return nil, err
	}
	var out QueryAssignmentsResponse
	for _, id := range ids {
		a, err := q.keeper.store.assignments.Get(ctx, id.K2())
		if err != nil {
			return nil, fmt.Errorf("read assignment %d: %w", id.K2(), err)
		}
		out.Assignments = append(out.Assignments, a)
	}
	return &out, nil
}

// Claim implements [QueryServer].
func (q queries) Claim(ctx context.Context, r *QueryClaimRequest) (*QueryClaimResponse, error) {
	key, err := hash(r.Key)
	if err != nil {
		return nil, err
	}
	var out QueryClaimResponse
	if out.Claim, err = q.keeper.Claim(ctx, key); err != nil {
		return nil, err
	}
	if out.Tickets, err = q.keeper.ticketsOf(ctx, key); err != nil {
		return nil, err
	}
	if out.Receipt, err = q.keeper.store.receipts.Get(ctx, key); err != nil && !absent(err) {
		return nil, err
	}
	return &out, nil
}

// Claims implements [QueryServer].
func (q queries) Claims(ctx context.Context, r *QueryClaimsRequest) (*QueryClaimsResponse, error) {
	k := q.keeper
	if r.Owner == "" {
		all, next, err := query.CollectionPaginate(ctx, k.store.made, page(r.Pagination),
			func(key at, _ collections.NoValue) (Claim, error) { return k.Claim(ctx, key.K2()) })
		return &QueryClaimsResponse{Claims: all, Pagination: next}, err
	}
	all, next, err := query.CollectionPaginate(ctx, k.store.claimants, page(r.Pagination),
		func(key collections.Pair[string, []byte], _ collections.NoValue) (Claim, error) {
			return k.Claim(ctx, key.K2())
		},
		query.WithCollectionPaginationPairPrefix[string, []byte](r.Owner))
	return &QueryClaimsResponse{Claims: all, Pagination: next}, err
}

// Ticket implements [QueryServer].
func (q queries) Ticket(ctx context.Context, r *QueryTicketRequest) (*QueryTicketResponse, error) {
	id, err := hash(r.Nullifier)
	if err != nil {
		return nil, err
	}
	t, err := q.keeper.store.tickets.Get(ctx, id)
	if absent(err) {
		return nil, ErrNotFound.Wrapf("ticket %s", r.Nullifier)
	}
	if err != nil {
		return nil, err
	}
	c, err := q.keeper.Claim(ctx, t.Claim)
	return &QueryTicketResponse{Ticket: t, Claim: c}, err
}

// Tickets implements [QueryServer].
func (q queries) Tickets(ctx context.Context, r *QueryTicketsRequest) (*QueryTicketsResponse, error) {
	all, next, err := query.CollectionPaginate(ctx, q.keeper.store.recent, page(r.Pagination),
		func(key at, _ collections.NoValue) (Ticket, error) { return q.keeper.store.tickets.Get(ctx, key.K2()) })
	return &QueryTicketsResponse{Tickets: all, Pagination: next}, err
}

// Trials implements [QueryServer].
func (q queries) Trials(ctx context.Context, r *QueryTrialsRequest) (*QueryTrialsResponse, error) {
	list, p := q.keeper.store.held, page(r.Pagination)
	if r.Open {
		list = q.keeper.store.deadlines
		p.Reverse = r.Pagination.GetReverse()
	}
	all, next, err := query.CollectionPaginate(ctx, list, p,
		func(key at, _ collections.NoValue) (Trial, error) { return q.keeper.Trial(ctx, key.K2()) })
	if err != nil || r.Validator == "" {
		return &QueryTrialsResponse{Trials: all, Pagination: next}, err
	}
	own := make([]Verdict, len(all))
	for i, t := range all {
		if own[i], err = q.keeper.store.verdicts.Get(ctx, collections.Join(t.Claim, r.Validator)); err != nil && !absent(err) {
			return nil, err
		}
	}
	return &QueryTrialsResponse{Trials: all, Pagination: next, Own: own}, nil
}

// Trial implements [QueryServer], with all that it takes to run the job again.
func (q queries) Trial(ctx context.Context, r *QueryTrialRequest) (*QueryTrialResponse, error) {
	key, err := hash(r.Claim)
	if err != nil {
		return nil, err
	}
	k := q.keeper
	var out QueryTrialResponse
	if out.Trial, err = k.Trial(ctx, key); err != nil {
		return nil, err
	}
	if out.Verdicts, err = k.verdicts(ctx, key); err != nil {
		return nil, err
	}
	c, err := k.Claim(ctx, key)
	if err != nil {
		return nil, err
	}
	out.Claim = c
	if out.Encoding, err = k.store.encodings.Get(ctx, c.Job); err != nil && !absent(err) {
		return nil, err
	}
	if out.Receipt, err = k.store.receipts.Get(ctx, key); err != nil && !absent(err) {
		return nil, err
	}
	ids, err := keys(ctx, k.store.ticketsOf, within[[]byte, []byte](key), -1)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		b, err := k.store.messages.Get(ctx, id.K2())
		if absent(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out.Tickets = append(out.Tickets, b)
	}
	if len(out.Trial.Against) > 0 {
		against, err := k.Claim(ctx, out.Trial.Against)
		if err == nil {
			out.Against = &against
		}
	}
	return &out, nil
}
