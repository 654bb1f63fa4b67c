package simulation

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cosmos/cosmos-sdk/types/query"
	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"
	"github.com/zeebo/blake3"

	"hearth/chain/commons"
	"hearth/chain/judge"
	"hearth/chain/power"
	"hearth/chain/work"
	"hearth/infer/model"
	format "hearth/work"
)

// judge is what validators do about trials.
func (w *world) judge() error {
	if err := w.weigh(); err != nil {
		return err
	}
	ctx, q := context.Background(), work.NewQueryClient(w.chain.Asked())
	open, err := q.Trials(ctx, &work.QueryTrialsRequest{Pagination: &query.PageRequest{Limit: 100}})
	if err != nil {
		return err
	}
	for _, t := range open.Trials {
		if t.Closed {
			continue
		}
		all, err := q.Trial(ctx, &work.QueryTrialRequest{Claim: fmt.Sprintf("%x", t.Claim)})
		if err != nil {
			return fmt.Errorf("ask for the trial of claim %x: %w", t.Claim, err)
		}
		for _, o := range w.operators {
			if o.asleep || !w.chance(700) || o.power == 0 && !w.chance(20) {
				continue
			}
			if err := w.speak(o, all); err != nil {
				return err
			}
		}
	}
	return nil
}

// weigh notes whether those who cheat have a third of power.
func (w *world) weigh() error {
	ctx, keeper := w.chain.Ctx(), w.chain.Nodes[0].Power
	total, err := keeper.TotalPower(ctx)
	if err != nil {
		return err
	}
	var bad int64
	for _, o := range w.operators {
		p, err := keeper.Power(ctx, o.Address)
		if err != nil {
			return err
		}
		if o.power = p; o.character != honest {
			bad += p
		}
	}
	w.taken = w.taken || 3*bad >= total
	return nil
}

// speak gives a verdict, or reveals what it was given on.
func (w *world) speak(o *operator, t *work.QueryTrialResponse) error {
	key := digest(t.Trial.Claim)
	given := slices.ContainsFunc(t.Verdicts, func(v work.Verdict) bool { return v.Validator == o.Address })
	if t.Trial.RevealsUntil > 0 {
		if !given || o.character == lazy || len(t.Trial.Digest) > 0 || !w.chance(300) {
			return nil
		}
		return w.send(o.Person, &work.MsgReveal{Validator: o.Address, Claim: t.Trial.Claim, Digest: key[:]})
	}
	if given && !w.chance(30) {
		return nil
	}
	msg := &work.MsgJudge{Validator: o.Address, Claim: t.Trial.Claim}
	seal := judge.Seal(o.Address, key)
	if o.character == lazy {
		seal = blake3.Sum256([]byte(o.Address))
	} else if err := w.find(msg, t, o.character == lying); err != nil {
		return err
	}
	msg.Seal = seal[:]
	return w.send(o.Person, msg)
}

// find lists what is wrong with a claim, or, for who lies, what is right.
func (w *world) find(msg *work.MsgJudge, t *work.QueryTrialResponse, lies bool) error {
	j := w.job(t.Claim.Job)
	if j == nil {
		return fmt.Errorf("claim %x is of a job that nobody made", t.Claim.Key)
	}
	right := format.OutputHash(j, truth(j))
	msg.ReceiptWrong = (model.Hash(t.Claim.Output) != right) != lies
	if len(t.Trial.Against) > 0 {
		if t.Against == nil {
			return fmt.Errorf("the trial of claim %x does not show what it is against", t.Claim.Key)
		}
		msg.AgainstWrong = (model.Hash(t.Against.Output) != right) != lies
	}
	for _, b := range t.Tickets {
		ticket, err := format.DecodeTicket(b)
		if err != nil {
			return fmt.Errorf("a ticket in the chain cannot be read: %w", err)
		}
		id := ticket.Nullifier()
		if w.madeUp[id] != lies {
			msg.Faults = append(msg.Faults, work.Fault{Nullifier: bytes.Clone(id[:]), Reason: string(format.ReasonOtherRow)})
		}
	}
	slices.SortFunc(msg.Faults, func(a, b work.Fault) int { return bytes.Compare(a.Nullifier, b.Nullifier) })
	return nil
}

// justice looks at what became of everything: unless those who cheat had a
// third of power, nothing made up was credited, nothing honest was void for
// itself, and no honest validator was punished for a verdict.
func (w *world) justice() error {
	ctx, q := context.Background(), work.NewQueryClient(w.chain.Asked())
	if err := w.outcomes(ctx, q); err != nil {
		return err
	}
	if w.taken {
		w.report["runs in which those who cheat had a third of power"]++
		return nil
	}
	tickets, err := q.Tickets(ctx, &work.QueryTicketsRequest{Pagination: &query.PageRequest{Limit: 10_000}})
	if err != nil {
		return err
	}
	for _, t := range tickets.Tickets {
		made := w.madeUp[model.Hash(t.Nullifier)]
		w.report[fmt.Sprintf("%v, made up %t", t.Status, made)]++
		if made && t.Status == work.TICKET_STATUS_CREDITED {
			return fmt.Errorf("ticket %x was made up and is credited", t.Nullifier)
		}
		if !made && t.Reason == string(format.ReasonOtherRow) && t.Status == work.TICKET_STATUS_VOID {
			return fmt.Errorf("ticket %x was honest and is void", t.Nullifier)
		}
	}
	punished, err := power.NewQueryClient(w.chain.Asked()).Penalties(ctx, &power.QueryPenaltiesRequest{Pagination: &query.PageRequest{Limit: 10_000}})
	if err != nil {
		return err
	}
	for _, p := range punished.Penalties {
		for _, o := range w.operators {
			if o.Address == p.Who {
				w.report[fmt.Sprintf("penalty of a validator that is %v: %.12s", o.character, p.Reason)]++
				if o.character == honest && !excused(p.Reason) {
					return fmt.Errorf("%s judged honestly and is punished: %s", o.Name, p.Reason)
				}
			}
		}
	}
	return nil
}

// outcomes notes what became of claims, projects and proposals.
func (w *world) outcomes(ctx context.Context, q work.QueryClient) error {
	all := &query.PageRequest{Limit: 10_000}
	claims, err := q.Claims(ctx, &work.QueryClaimsRequest{Pagination: all})
	if err != nil {
		return err
	}
	for _, c := range claims.Claims {
		w.report[fmt.Sprintf("claim of %v: %v", c.Class, c.Status)]++
	}
	projects, err := commons.NewQueryClient(w.chain.Asked()).Projects(ctx, &commons.QueryProjectsRequest{Pagination: all})
	if err != nil {
		return err
	}
	for _, p := range projects.Projects {
		w.report[fmt.Sprintf("project %v", p.Status)]++
	}
	proposals, err := govv1.NewQueryClient(w.chain.Asked()).Proposals(ctx, &govv1.QueryProposalsRequest{Pagination: all})
	if err != nil {
		return err
	}
	for _, p := range proposals.Proposals {
		w.report[p.Status.String()]++
	}
	return nil
}

// excused are faults that have nothing to do with verdicts.
func excused(reason string) bool {
	return reason == "absent" || strings.HasPrefix(reason, "signed twice")
}
