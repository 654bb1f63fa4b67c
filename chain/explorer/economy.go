package explorer

import (
	"context"
	"encoding/hex"
	"math"
	"math/bits"
	"net/http"
	"strconv"
	"time"

	"github.com/cosmos/cosmos-sdk/types/query"

	"hearth/chain/beacon"
	"hearth/chain/commons"
	"hearth/chain/emission"
	"hearth/chain/model"
)

func (e *explorer) minting(ctx context.Context, r *http.Request) (*sheet, error) {
	p, err := newestFirst(r)
	if err != nil {
		return nil, err
	}
	state, err := e.emission.Status(ctx, &emission.QueryStatusRequest{})
	if err != nil {
		return nil, err
	}
	res, err := e.emission.Epochs(ctx, &emission.QueryEpochsRequest{Pagination: p})
	if err != nil {
		return nil, err
	}
	t := table{
		Title: "Epochs", Head: []string{"Epoch", "Ended in block", "Pot", "Paid work", "Commons", "Audits", "Validators", "Community", "Not minted"},
		Empty: "No epoch has ended yet.", Next: next(r, res.Pagination),
	}
	for _, v := range res.Epochs {
		minted := v.Work + v.Commons + v.Audits + v.Validators + v.Community
		rest := amount(v.Pot - min(minted, v.Pot))
		if !v.Settled {
			rest = toned("being paid", "quiet", "")
		}
		t.Rows = append(t.Rows, []cell{
			count(v.Number), heightAt(v.Height), amount(v.Pot),
			{Text: hth(v.Work), Note: mega(v.MegaPaid)},
			{Text: hth(v.Commons), Note: mega(v.MegaCommons)},
			{Text: hth(v.Audits), Note: mega(v.MegaAudit)},
			amount(v.Validators), amount(v.Community), rest,
		})
	}
	s := &sheet{
		Title: "Emission", Live: true,
		Lead: "Coins are minted at the end of an epoch, for work that was verified in it, and only as far as it was earned. What nobody earned is never minted. Declared hardware and joules mint nothing.",
		Facts: []fact{
			{"Minted, ever", cell{Text: hth(state.State.Minted), Note: share(state.State.Minted, state.Cap) + " of the cap"}},
			{"Cap", amount(state.Cap)},
			{"In existence", cell{Text: hth(state.Supply), Note: "with those of the genesis, less what was burned"}},
			{"Never minted", cell{Text: hth(state.State.Unminted), Note: "of pots that nobody earned"}},
			{"Epoch under way", cell{Text: number(state.State.Epoch), Note: "since block " + number(state.State.Began)}},
			{"Its pot", amount(state.Pot)},
			{"Credited in it", millions(sum(state.State.MegaPaid, state.State.MegaCommons, state.State.MegaAudit))},
			{"Work that earns the whole of a pot", millions(state.Params.FullMega)},
		},
		Tables: []table{t},
	}
	split := table{Title: "How a pot is split", Head: []string{"For", "Share"}}
	for _, part := range []struct {
		name  string
		share uint32
	}{
		{"paid work", state.Params.ShareWork},
		{"commons", state.Params.ShareCommons},
		{"audits", state.Params.ShareAudits},
		{"validators", state.Params.ShareValidators},
		{"community", state.Params.ShareCommunity},
	} {
		split.Rows = append(split.Rows, []cell{words(part.name), words(permille(part.share))})
	}
	s.Tables = append(s.Tables, split)
	return s, nil
}

func (e *explorer) randomness(ctx context.Context, _ *http.Request) (*sheet, error) {
	res, err := e.beacon.Status(ctx, &beacon.QueryStatusRequest{})
	if err != nil {
		return nil, err
	}
	p, state := &res.Params, &res.State
	s := &sheet{
		Title: "Beacon", Live: true,
		Lead: "Numbers that nobody could know when a job was claimed: rounds of drand, which a threshold of independent servers signs. Who mines a job, and what wins, follows from them.",
		Facts: []fact{
			{"Source", source(p)},
			{"State", beaconState(state)},
			{"Last round", cell{Text: number(state.LastRound), Note: "published " + when(published(p, state.LastRound))}},
			{"Recorded in block", heightAt(state.LastRoundHeight)},
			{"Newest value", whole(state.Latest, "")},
			{"Seconds between rounds", count(p.Period)},
			{"Seconds without a round before proposers reveal", count(p.StaleAfter)},
			{"Group key", whole(p.PublicKey, "")},
		},
	}
	if state.Stale {
		s.Facts = append(s.Facts, fact{"Reveals since", count(state.Reveals)}, fact{"Value after the last reveal", whole(state.Fallback, "")})
	}
	t := table{Title: "Last rounds", Head: []string{"Round", "Published", "Recorded in block", "Signature"}, Empty: "No round was recorded yet."}
	for n := state.LastRound; n > 0 && len(t.Rows) < 20; n-- {
		round, err := e.beacon.Round(ctx, &beacon.QueryRoundRequest{Number: n})
		if err != nil {
			if !notFound(err) {
				t.Note = "Older ones could not be read: " + failureOf(err).Said
			}
			break
		}
		t.Rows = append(t.Rows, []cell{count(n), words(when(published(p, n))), heightAt(round.Round.Height), digest(round.Round.Signature, "")})
	}
	s.Tables = []table{t}
	return s, nil
}

func source(p *beacon.Params) cell {
	if p.Local {
		return toned("local", "bad", "one machine signs these rounds and could know them all beforehand: good for trying things out, worth nothing as proof")
	}
	return toned("drand", "good", "")
}

func beaconState(s *beacon.State) cell {
	if s.Stale {
		return toned("silent", "bad", "proposers reveal in turn until rounds come again")
	}
	return toned("running", "good", "")
}

// published returns when a round was due.
func published(p *beacon.Params, round uint64) time.Time {
	if round == 0 || p.Period == 0 || round > 1<<40 {
		return time.Time{}
	}
	return time.Unix(p.GenesisTime+int64(round-1)*int64(p.Period), 0) //nolint:gosec // at most 2^40
}

func (e *explorer) projects(ctx context.Context, r *http.Request) (*sheet, error) {
	p, err := newestFirst(r)
	if err != nil {
		return nil, err
	}
	res, err := e.commons.Projects(ctx, &commons.QueryProjectsRequest{Pagination: p})
	if err != nil {
		return nil, err
	}
	k := e.known()
	t := table{Head: []string{"Number", "Title", "Model", "Licence", "Jobs done", "Work done", "Status"}, Empty: "No project was proposed yet.", Next: next(r, res.Pagination)}
	for i := range res.Projects {
		v := &res.Projects[i]
		title := said(v.Title)
		title.Href = "/projects/" + strconv.FormatUint(v.Id, 10)
		t.Rows = append(t.Rows, []cell{
			count(v.Id), title, k.model(ctx, v.Model), said(v.Licence), words(number(v.Done) + " of " + number(v.Jobs)),
			words(macs(v.Spent) + " of " + macs(v.Budget)), projectStatus(v),
		})
	}
	return &sheet{
		Title: "Projects", Live: true,
		Lead:   "Work for everybody: anyone proposes a list of jobs whose results will be open, with a bond. If nobody's challenge holds, the beacon hands the jobs out, and emission pays them like any work that was verified.",
		Tables: []table{t},
	}, nil
}

func (e *explorer) project(ctx context.Context, r *http.Request) (*sheet, error) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, malformed("%q is no number of a project.", plain(r.PathValue("id")))
	}
	res, err := e.commons.Project(ctx, &commons.QueryProjectRequest{Id: id})
	if err != nil {
		return nil, err
	}
	p := &res.Project
	s := &sheet{
		Title: "Project " + number(id), Crumb: &entry{"/projects", "Projects"}, Live: true,
		Facts: []fact{
			{"Title", said(p.Title)},
			{"Summary", said(p.Summary)},
			{"Status", projectStatus(p)},
			{"Licence of the results", said(p.Licence)},
			{"Proposed by", account(p.Proposer)},
			{"Proposed in block", heightAt(p.Proposed)},
			{"Decided at block", heightAt(p.Decides)},
			{"Bond", amount(p.Bond)},
			{"Model", e.known().model(ctx, p.Model)},
			{"Jobs", words(number(p.Jobs) + ": " + number(p.Drawn) + " drawn, " + number(p.Done) + " done, " + number(p.Failed) + " failed")},
			{"Work", words(macs(p.Spent) + " of " + macs(p.Budget))},
			{"Root of its jobs", whole(p.JobsRoot, "")},
		},
	}
	for _, v := range p.Sources {
		s.Facts = append(s.Facts, fact{"Jobs can be fetched at", said(v)})
	}
	if c := res.Challenge; c != nil && c.Challenger != "" {
		s.Facts = append(s.Facts, fact{"Challenged by", account(c.Challenger)}, fact{"Because", said(c.Reason)})
	}
	if len(res.Votes) > 0 {
		t := table{Title: "Votes on the challenge", Head: []string{"Validator", "Would keep the project"}}
		for _, v := range res.Votes {
			t.Rows = append(t.Rows, []cell{validator(v.Validator), yes(v.Uphold)})
		}
		s.Tables = append(s.Tables, t)
	}
	t := table{Title: "Results", Head: []string{"Hash of the content", "Where", "How to make it again", "Block"}, Empty: "Nothing was published yet."}
	for _, a := range res.Artefacts {
		t.Rows = append(t.Rows, []cell{digest(a.Content, ""), said(a.Uri), said(a.Manifest), heightAt(a.Height)})
	}
	s.Tables = append(s.Tables, t)
	return s, nil
}

func (e *explorer) models(ctx context.Context, r *http.Request) (*sheet, error) {
	p, err := pageKey(r)
	if err != nil {
		return nil, err
	}
	res, err := e.modules.model.Models(ctx, &model.QueryModelsRequest{Pagination: p})
	if err != nil {
		return nil, err
	}
	t := table{Head: []string{"Name", "Id", "Licence", "Does", "Weights", "Mineable", "Status"}, Empty: "No model is registered yet.", Next: next(r, res.Pagination)}
	for i := range res.Models {
		m := &res.Models[i]
		title := said(m.Name)
		title.Href = "/models/" + hex.EncodeToString(m.Id)
		t.Rows = append(t.Rows, []cell{title, digest(m.Id, ""), said(m.Licence), words(task(m)), count(m.Weights), words(share(m.Mineable, m.Weights)), modelStatus(m)})
	}
	return &sheet{
		Title: "Models", Live: true,
		Lead:   "Which models jobs may be for. A model is registered with a hash of every matrix, tested block by block so that no part of it is cheaper to compute than it looks, and attested by validators that have read its weights.",
		Tables: []table{t},
	}, nil
}

func task(m *model.Model) string {
	if m.Decoder {
		return "answers"
	}
	return "embeddings"
}

func (e *explorer) oneModel(ctx context.Context, r *http.Request) (*sheet, error) {
	id, err := hash(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	res, err := e.modules.model.Model(ctx, &model.QueryModelRequest{Id: id})
	if err != nil {
		return nil, err
	}
	m := &res.Model
	s := &sheet{
		Title: "Model", Crumb: &entry{"/models", "Models"},
		Facts: []fact{
			{"Name", said(m.Name)},
			{"Id", whole(m.Id, "")},
			{"Status", modelStatus(m)},
			{"Licence", said(m.Licence)},
			{"Does", words(task(m))},
			{"Weights", count(m.Weights)},
			{"Of them mineable", cell{Text: share(m.Mineable, m.Weights), Note: "the rest is in blocks that admission refused"}},
			{"Registered by", account(m.Registrant)},
			{"Registered in block", heightAt(m.Registered)},
			{"May be claimed from block", heightAt(m.ActiveFrom)},
			{"Deposit", cell{Text: hth(m.Deposit), Note: "the bounty for whoever shows a cheap block"}},
		},
	}
	for _, v := range m.Sources {
		s.Facts = append(s.Facts, fact{"Weights can be fetched at", said(v)})
	}
	t := table{Title: "Attestations", Head: []string{"Validator", "Fit", "Reason", "Block"}, Empty: "No validator has attested it."}
	for _, a := range res.Attestations {
		t.Rows = append(t.Rows, []cell{validator(a.Validator), yes(a.Fit), said(a.Reason), heightAt(a.Height)})
	}
	s.Tables = []table{t}
	return s, nil
}

// recount brings the sums over epochs up to date, and returns what was paid for
// by class, with the epoch under way, in MACs. Epochs are read from the newest
// back to the last one known.
func (e *explorer) recount(ctx context.Context) (mega [3]uint64, latest []emission.Epoch, err error) {
	const most = 200 // pages: more epochs than there are in a year
	state, err := e.emission.Status(ctx, &emission.QueryStatusRequest{})
	if err != nil {
		return mega, nil, err
	}
	c := &e.paid
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh := counted{last: c.last, epochs: c.epochs, mega: c.mega}
	req := &query.PageRequest{Limit: perPage, Reverse: true}
	for range most {
		res, err := e.emission.Epochs(ctx, &emission.QueryEpochsRequest{Pagination: req})
		if err != nil {
			return mega, nil, err
		}
		if latest == nil {
			latest = res.Epochs
		}
		done := false
		for i := range res.Epochs {
			v := &res.Epochs[i]
			if done = c.epochs > 0 && v.Number <= c.last; done {
				break
			}
			fresh.last = max(fresh.last, v.Number)
			fresh.epochs++
			fresh.mega = plus(fresh.mega, [3]uint64{v.MegaPaid, v.MegaCommons, v.MegaAudit})
		}
		if done || res.Pagination == nil || len(res.Pagination.NextKey) == 0 {
			break
		}
		req = &query.PageRequest{Key: res.Pagination.NextKey, Limit: perPage, Reverse: true}
	}
	c.last, c.epochs, c.mega = fresh.last, fresh.epochs, fresh.mega
	s := &state.State
	return plus(c.mega, [3]uint64{s.MegaPaid, s.MegaCommons, s.MegaAudit}), latest, nil
}

func plus(a, b [3]uint64) [3]uint64 {
	return [3]uint64{sum(a[0], b[0]), sum(a[1], b[1]), sum(a[2], b[2])}
}

// sum adds. It stays at the largest number, as the chain's sums do.
func sum(all ...uint64) uint64 {
	var total, carry uint64
	for _, n := range all {
		if total, carry = bits.Add64(total, n, 0); carry > 0 {
			return math.MaxUint64
		}
	}
	return total
}
