package work_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/cosmos/cosmos-sdk/types/query"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"hearth/chain/work"
)

func TestWhatCanBeAsked(t *testing.T) {
	r := delivered(t, easy())
	r.block(func() {
		for n := range 5 {
			r.post("client", r.m.text(n+2, 30), 5000, 0)
		}
	})
	ctx, q := r.ctx, r.asks
	if got, err := q.Market(ctx, nil); err != nil || got.Market.OpenJobs != 5 || got.Market.OpenTrials != 1 {
		t.Errorf("the market: %+v, %v", got, err)
	}
	if got, err := q.Tally(ctx, nil); err != nil || got.Tally.Burned == 0 {
		t.Errorf("the tally: %+v, %v", got, err)
	}
	if got, err := q.Params(ctx, nil); err != nil || got.Params != easy() {
		t.Errorf("the parameters: %+v, %v", got, err)
	}
	for _, who := range []string{address("miner"), address("hot miner")} {
		if got, err := q.Miner(ctx, &work.QueryMinerRequest{Owner: who}); err != nil || got.Miner.Owner != address("miner") {
			t.Errorf("the miner by %s: %+v, %v", who, got, err)
		}
	}
	if got, err := q.Miners(ctx, &work.QueryMinersRequest{}); err != nil || len(got.Miners) != 1 {
		t.Errorf("miners: %+v, %v", got, err)
	}
	// The newest first, and page by page to the oldest.
	var seen []int64
	page := &query.PageRequest{Limit: 2, Reverse: true}
	for {
		got, err := q.Jobs(ctx, &work.QueryJobsRequest{Pagination: page})
		if err != nil || len(got.Jobs) > 2 {
			t.Fatalf("%d jobs, %v", len(got.Jobs), err)
		}
		for _, j := range got.Jobs {
			seen = append(seen, j.Posted)
		}
		if page.Key = got.Pagination.NextKey; page.Key == nil {
			break
		}
	}
	slices.Reverse(seen)
	if len(seen) != 6 || !slices.IsSorted(seen) {
		t.Errorf("jobs were posted at %v", seen)
	}
	if got, err := q.Jobs(ctx, &work.QueryJobsRequest{Status: work.JOB_STATUS_CLAIMED}); err != nil || len(got.Jobs) != 1 {
		t.Errorf("claimed jobs: %v, %v", got, err)
	}
	if got, err := q.Jobs(ctx, &work.QueryJobsRequest{Status: work.JOB_STATUS_OPEN, Pagination: &query.PageRequest{Limit: 1 << 40, CountTotal: true}}); err != nil || len(got.Jobs) != 5 {
		t.Errorf("open jobs: %v, %v", got, err)
	}
	if got, err := q.Claims(ctx, &work.QueryClaimsRequest{Owner: address("miner")}); err != nil || len(got.Claims) != 1 {
		t.Errorf("claims: %v, %v", got, err)
	}
	got, err := q.Tickets(ctx, &work.QueryTicketsRequest{})
	if err != nil || len(got.Tickets) != 3 {
		t.Fatalf("tickets: %v, %v", got, err)
	}
	one, err := q.Ticket(ctx, &work.QueryTicketRequest{Nullifier: hexed(got.Tickets[0].Nullifier)})
	if err != nil || string(one.Claim.Key) != string(r.key) {
		t.Errorf("a ticket: %v, %v", one, err)
	}
	if got, err := q.Job(ctx, &work.QueryJobRequest{Id: hexed(r.job)}); err != nil || got.Claim == nil || len(got.Encoding) == 0 || len(got.Receipt) == 0 {
		t.Errorf("the job: %+v, %v", got, err)
	}
	v := r.verdict(r.m, r.key)
	r.block(func() { r.judges(v, 2) })
	for who, want := range map[int]string{1: "", 2: validator(2)} {
		got, err := q.Trials(r.ctx, &work.QueryTrialsRequest{Open: true, Validator: validator(who)})
		if err != nil || len(got.Trials) != 1 || len(got.Own) != 1 || got.Own[0].Validator != want {
			t.Errorf("open trials with the verdicts of %d: %+v, %v", who, got, err)
		}
	}
	r.blocks(int(easy().VerdictPeriod + easy().RevealPeriod))
	if got, err := q.Trials(r.ctx, &work.QueryTrialsRequest{Open: true}); err != nil || len(got.Trials) != 0 {
		t.Errorf("open trials: %+v, %v", got, err)
	}
	if got, err := q.Trials(r.ctx, &work.QueryTrialsRequest{}); err != nil || len(got.Trials) != 1 {
		t.Errorf("trials: %+v, %v", got, err)
	}

	nothing := strings.Repeat("ab", 32)
	for name, ask := range map[string]func() error{
		"job":          func() error { _, err := q.Job(ctx, &work.QueryJobRequest{Id: nothing}); return err },
		"claim":        func() error { _, err := q.Claim(ctx, &work.QueryClaimRequest{Key: nothing}); return err },
		"ticket":       func() error { _, err := q.Ticket(ctx, &work.QueryTicketRequest{Nullifier: nothing}); return err },
		"trial":        func() error { _, err := q.Trial(ctx, &work.QueryTrialRequest{Claim: nothing}); return err },
		"miner":        func() error { _, err := q.Miner(ctx, &work.QueryMinerRequest{Owner: address("nobody")}); return err },
		"what is none": func() error { _, err := q.Job(ctx, &work.QueryJobRequest{Id: "zz"}); return err },
	} {
		if err := ask(); status.Code(err) != codes.NotFound {
			t.Errorf("%s: got %v, %v", name, status.Code(err), err)
		}
	}
}

func TestWithWhatAChainMayBegin(t *testing.T) {
	r := delivered(t, easy())
	m := work.NewAppModule(r.keep)
	good := m.ExportGenesis(r.ctx, r.cdc)
	if err := m.ValidateGenesis(r.cdc, nil, good); err != nil {
		t.Fatal(err)
	}
	if err := m.ValidateGenesis(r.cdc, nil, m.DefaultGenesis(r.cdc)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*work.GenesisState){
		"parameters that make no sense": func(g *work.GenesisState) { g.Params.ClaimDeposit = 0 },
		"a miner twice":                 func(g *work.GenesisState) { g.Miners = append(g.Miners, g.Miners[0]) },
		"a miner without a key":         func(g *work.GenesisState) { g.Miners[0].Executor = nil },
		"a job twice":                   func(g *work.GenesisState) { g.Jobs = append(g.Jobs, g.Jobs[0]) },
		"a claim twice":                 func(g *work.GenesisState) { g.Claims = append(g.Claims, g.Claims[0]) },
		"a ticket twice":                func(g *work.GenesisState) { g.Tickets = append(g.Tickets, g.Tickets[0]) },
		"the encoding of another job":   func(g *work.GenesisState) { g.Encodings[0].Id[0]++ },
		"no encoding at all":            func(g *work.GenesisState) { g.Encodings[0].Encoding = []byte("job") },
	} {
		var g work.GenesisState
		r.cdc.MustUnmarshalJSON(good, &g)
		change(&g)
		if err := m.ValidateGenesis(r.cdc, nil, r.cdc.MustMarshalJSON(&g)); err == nil {
			t.Errorf("a chain may begin with %s", name)
		}
	}
	if err := m.ValidateGenesis(r.cdc, nil, json.RawMessage(`{"params":7}`)); err == nil {
		t.Error("a chain may begin with parameters that are a number")
	}
	r.again()
	r.try(r.m, r.key)
	if got := r.tally().TicketsCredited; got != 3 {
		t.Errorf("%d tickets were credited after a new beginning", got)
	}
}
