package explorer

import (
	"context"
	"net/http"
	"strings"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/bech32"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"hearth/chain/coin"
	"hearth/chain/emission"
	"hearth/chain/model"
	"hearth/chain/power"
	"hearth/chain/work"
)

// prefix begins every address.
const prefix = "hearth"

// encoded writes an address.
func encoded(b []byte) string {
	s, err := bech32.ConvertAndEncode(prefix, b)
	if err != nil {
		return ""
	}
	return s
}

// address reads an address of an account.
func address(s string) (string, error) {
	begins, b, err := bech32.DecodeAndConvert(s)
	if err != nil || begins != prefix || len(b) == 0 || len(b) > 255 || s != strings.ToLower(s) {
		return "", malformed("%q is not an address of this chain: they begin with hearth1.", plain(s))
	}
	return s, nil
}

func (e *explorer) account(ctx context.Context, r *http.Request) (*sheet, error) {
	at, err := address(r.PathValue("address"))
	if err != nil {
		return nil, err
	}
	balances, err := e.bank.AllBalances(ctx, &banktypes.QueryAllBalancesRequest{Address: at})
	if err != nil {
		return nil, err
	}
	s := &sheet{Title: "Account", Facts: []fact{{"Address", cell{Text: at, Code: true}}, {"Balance", balance(balances.Balances)}}}
	if res, err := e.work.Miner(ctx, &work.QueryMinerRequest{Owner: at}); err == nil {
		s.Facts = append(s.Facts, fact{"Mines as", miner(res.Miner.Owner)})
	}
	if res, err := e.power.Validator(ctx, &power.QueryValidatorRequest{Operator: at}); err == nil {
		c := validator(at)
		c.Note = plain(res.Validator.Moniker)
		s.Facts = append(s.Facts, fact{"Validates as", c})
	}
	s.Facts = append(s.Facts, e.earnings(ctx, at)...)
	s.Tables = []table{e.ofAccount(ctx, at)}
	return s, nil
}

func balance(coins sdk.Coins) cell {
	if n, err := coin.Amount(coins); err == nil {
		return amount(n)
	}
	return said(coins.String())
}

// earnings says what an owner has earned by work; nothing, if it never did.
func (e *explorer) earnings(ctx context.Context, owner string) []fact {
	res, err := e.emission.Earned(ctx, &emission.QueryEarnedRequest{Owner: owner})
	if err != nil || res.Earned == (emission.Earned{}) && len(res.Credits) == 0 && len(res.Vestings) == 0 {
		return nil
	}
	var unpaid uint64
	for _, c := range res.Credits {
		unpaid += c.Paid + c.Audit + c.Commons
	}
	return []fact{
		{"Earned and paid out", amount(res.Earned.PaidOut)},
		{"Earned and vesting", cell{Text: hth(res.Earned.Vesting), Note: "still lost if its work turns out wrong"}},
		{"Lost again", amount(res.Earned.Lost)},
		{"Credited and not paid yet", millions(unpaid)},
	}
}

func (e *explorer) miner(ctx context.Context, r *http.Request) (*sheet, error) {
	at, err := address(r.PathValue("owner"))
	if err != nil {
		return nil, err
	}
	res, err := e.work.Miner(ctx, &work.QueryMinerRequest{Owner: at})
	if err != nil {
		return nil, err
	}
	m := &res.Miner
	s := &sheet{
		Title: "Miner", Crumb: &entry{"/miners", "Miners"}, Live: true,
		Facts: []fact{
			{"Owner", cell{Text: plain(m.Owner), Code: true, Href: "/accounts/" + plain(m.Owner), Note: "receives what is earned"}},
			{"State", minerState(m)},
			{"Hot key", account(m.Hot)},
			{"Executor", whole(m.Executor, "")},
			{"Credited, paid", millions(m.MegaPaid)},
			{"Credited, audits", millions(m.MegaAudit)},
			{"Credited, commons", millions(m.MegaCommons)},
			{"Void, ever", millions(m.MegaVoided)},
			{"Bond", cell{Text: hth(m.Bond), Note: hth(m.Locked) + " locked in deposits"}},
			{"Unbonding", amount(m.Unbonding)},
			{"Open claims", count(m.OpenClaims)},
			{"Registered in block", heightAt(m.Registered)},
		},
	}
	if p, err := e.power.Miner(ctx, &power.QueryMinerRequest{Owner: m.Owner}); err == nil && p.Miner.Owner != "" {
		s.Facts = append(s.Facts,
			fact{"Its work votes through", validator(p.Miner.Validator)},
			fact{"Work a day, smoothed", millions(p.Miner.Smoothed)},
			fact{"Counted towards power", millions(p.Miner.Counted)},
		)
	}
	s.Facts = append(s.Facts, e.earnings(ctx, m.Owner)...)
	claims, err := e.work.Claims(ctx, &work.QueryClaimsRequest{Owner: m.Owner, Pagination: latest()})
	if err != nil {
		s.Tables = []table{{Title: "Claims", Note: "They could not be read: " + failureOf(err).Said}}
		return s, nil
	}
	k := e.known()
	t := table{Title: "Claims", Head: []string{"Claim", "Job", "Class", "Model", "Block", "Tickets", "Status"}, Empty: "None that the chain remembers."}
	for i := range claims.Claims {
		c := &claims.Claims[i]
		t.Rows = append(t.Rows, []cell{digest(c.Key, "/claims/"), digest(c.Job, "/jobs/"), words(class(c.Class)), k.model(ctx, c.Model), heightAt(c.Height), count(c.Tickets), claimStatus(c)})
	}
	if claims.Pagination != nil && len(claims.Pagination.NextKey) > 0 {
		t.Next = "/claims?owner=" + m.Owner
	}
	s.Tables = []table{t}
	return s, nil
}

func (e *explorer) validators(ctx context.Context, r *http.Request) (*sheet, error) {
	p, err := pageKey(r)
	if err != nil {
		return nil, err
	}
	state, err := e.power.Status(ctx, &power.QueryStatusRequest{})
	if err != nil {
		return nil, err
	}
	res, err := e.power.Validators(ctx, &power.QueryValidatorsRequest{Pagination: p})
	if err != nil {
		return nil, err
	}
	total := uint64(max(0, state.State.TotalPower))
	t := table{Head: []string{"Validator", "Power", "Share", "Moves towards", "Work a day", "Bond", "Missed", "State"}, Empty: "There is no validator.", Next: next(r, res.Pagination)}
	for i := range res.Validators {
		v := &res.Validators[i]
		t.Rows = append(t.Rows, []cell{
			called(v), count(v.Power), words(share(uint64(max(0, v.Power)), total)), count(v.Pending), millions(v.Work), amount(v.Bond), count(v.Missed), validatorState(v),
		})
	}
	limit := state.Params.Cap
	if uint32(len(res.Validators)) < state.Params.Few { //nolint:gosec // a page of a list
		limit = state.Params.CapFew
	}
	s := &sheet{
		Title: "Power", Live: true,
		Lead: "Votes follow work: what a miner was credited counts for the validator it has chosen, after days of smoothing and waiting, with a cap for each and a bound on what may change in a day.",
		Facts: []fact{
			{"Largest share", cell{Text: permille(state.LargestPermille), Note: "the cap is " + permille(limit)}},
			{"Fewest that could stop the chain", cell{Text: number(state.Nakamoto), Note: "validators with more than a third of all power"}},
			{"All power", count(state.State.TotalPower)},
			{"Day", cell{Text: number(state.State.Day), Note: "since block " + number(state.State.DayBegan)}},
			{"Changed in this day", words(share(uint64(max(0, state.State.Churned)), total) + " of " + permille(state.Params.Churn) + " at most")},
			{"Work of the day before", millions(state.State.WorkYesterday)},
		},
		Tables: []table{t},
	}
	if state.Params.GuardianSunset > 0 {
		s.Facts = append(s.Facts, fact{"Guardians' extra power ends", heightAt(state.Params.GuardianSunset)})
	}
	if state.State.Breaker {
		s.Facts = append(s.Facts, fact{"Penalties", toned("held back", "bad", "so much power failed in this day that a fault of all is likelier than many cheats")})
	}
	if state.State.Kept {
		s.Facts = append(s.Facts, fact{"The set", toned("kept as it was", "bad", "the last day's work fell so far that its power was not applied")})
	}
	return s, nil
}

func called(v *power.Validator) cell {
	c := validator(v.Operator)
	if v.Moniker != "" {
		c.Text, c.Code = plain(v.Moniker), false
	}
	if v.Guardian {
		c.Note = "guardian"
	}
	return c
}

func validatorState(v *power.Validator) cell {
	switch {
	case v.Tombstoned:
		return toned("removed for ever", "bad", "it signed two blocks of one height")
	case v.Jailed:
		return toned("jailed", "bad", "until block "+number(v.JailedUntil))
	case v.Power == 0:
		return toned("waits", "quiet", "")
	}
	return toned("validates", "good", "")
}

func (e *explorer) validator(ctx context.Context, r *http.Request) (*sheet, error) {
	at, err := address(r.PathValue("operator"))
	if err != nil {
		return nil, err
	}
	res, err := e.power.Validator(ctx, &power.QueryValidatorRequest{Operator: at})
	if err != nil {
		return nil, err
	}
	v := &res.Validator
	s := &sheet{
		Title: "Validator", Crumb: &entry{"/validators", "Power"}, Live: true,
		Facts: []fact{
			{"Name", said(v.Moniker)},
			{"Operator", cell{Text: plain(v.Operator), Code: true, Href: "/accounts/" + plain(v.Operator)}},
			{"State", validatorState(v)},
			{"Power", count(v.Power)},
			{"Moves towards", count(v.Pending)},
			{"Work a day behind it", millions(v.Work)},
			{"Bond", amount(v.Bond)},
			{"Guardian", yes(v.Guardian)},
			{"Blocks missed in the window", count(v.Missed)},
			{"Address in blocks", whole(consensusAddress(v.PubKey), "")},
			{"Key for the beacon's fallback", whole(v.BeaconKey, "")},
			{"Joined in block", heightAt(v.Joined)},
			{"Key changed in block", heightAt(v.Rotated)},
		},
	}
	if key := v.PubKey; key != nil {
		s.Facts = append(s.Facts, fact{"Kind of key", said(strings.TrimSuffix(strings.TrimPrefix(key.TypeUrl, "/cosmos.crypto."), ".PubKey"))})
	}
	return s, nil
}

func (e *explorer) penalties(ctx context.Context, r *http.Request) (*sheet, error) {
	p, err := newestFirst(r)
	if err != nil {
		return nil, err
	}
	res, err := e.power.Penalties(ctx, &power.QueryPenaltiesRequest{Pagination: p})
	if err != nil {
		return nil, err
	}
	t := table{Head: []string{"Number", "Validator", "Reason", "Burned", "Block", "State"}, Empty: "No validator was ever punished.", Next: next(r, res.Pagination)}
	for _, f := range res.Penalties {
		state := toned("applied", "", "")
		if f.Frozen {
			state = toned("held back", "quiet", "too much power failed in that day")
		}
		t.Rows = append(t.Rows, []cell{count(f.Id), validator(f.Who), said(f.Reason), amount(f.Amount), heightAt(f.Height), state})
	}
	s := &sheet{
		Title: "Penalties", Live: true,
		Lead:   "What validators lost, and why. A miner's penalties stand with its claims: a claim that was lost, a ticket that is void.",
		Tables: []table{t},
	}
	if tally, err := e.work.Tally(ctx, &work.QueryTallyRequest{}); err == nil {
		s.Facts = []fact{
			{"Tickets void, ever", cell{Text: number(tally.Tally.TicketsVoided), Note: mega(tally.Tally.MegaVoided)}},
			{"Jobs claimed and not delivered", count(tally.Tally.JobsLost)},
		}
	}
	return s, nil
}

// kind is something that has a hash and a page.
type kind struct {
	page string
	has  func(ctx context.Context, id string) error
}

// hashed lists what a hash may be of, besides blocks and transactions.
func (e *explorer) hashed() []kind {
	return []kind{
		{"/tickets/", func(ctx context.Context, id string) error {
			_, err := e.work.Ticket(ctx, &work.QueryTicketRequest{Nullifier: id})
			return err
		}},
		{"/jobs/", func(ctx context.Context, id string) error {
			_, err := e.work.Job(ctx, &work.QueryJobRequest{Id: id})
			return err
		}},
		{"/claims/", func(ctx context.Context, id string) error {
			_, err := e.work.Claim(ctx, &work.QueryClaimRequest{Key: id})
			return err
		}},
		{"/models/", func(ctx context.Context, id string) error {
			_, err := e.modules.model.Model(ctx, &model.QueryModelRequest{Id: id})
			return err
		}},
	}
}
