package commons

import (
	"context"
	"fmt"
	"net/url"
	"unicode"
	"unicode/utf8"

	"cosmossdk.io/collections"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/work"
)

// Bounds of what people write, in bytes.
const (
	maxTitle    = 100
	maxSummary  = 2000
	maxLicence  = 64
	maxSources  = 8
	maxAddress  = 200
	maxReason   = 500
	maxManifest = 4000
	// maxArtefacts of a project: each may name a whole folder.
	maxArtefacts = 16
)

// messages answers the module's transactions.
type messages struct{ keeper *Keeper }

var _ MsgServer = messages{}

// Propose puts a project before everybody.
func (m messages) Propose(ctx context.Context, msg *MsgPropose) (*MsgProposeResponse, error) {
	k := m.keeper
	params, err := k.store.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	height := sdk.UnwrapSDKContext(ctx).BlockHeight()
	p := Project{
		Proposer: msg.Proposer, Title: msg.Title, Summary: msg.Summary, Licence: msg.Licence, Model: msg.Model,
		JobsRoot: msg.JobsRoot, Jobs: msg.Jobs, Sources: msg.Sources, Budget: msg.Budget, JobMacs: msg.JobMacs,
		Bond: params.Bond, Status: STATUS_PROPOSED, Proposed: height, Decides: height + params.ChallengePeriod,
	}
	if err := p.check(); err != nil {
		return nil, ErrProposal.Wrap(err.Error())
	}
	if p.Jobs > params.MaxJobs {
		return nil, ErrProposal.Wrapf("%d jobs: a project may have %d", p.Jobs, params.MaxJobs)
	}
	if err := k.Models.Claimable(ctx, [32]byte(p.Model)); err != nil {
		return nil, ErrProposal.Wrapf("its model: %v", err)
	}
	open, err := counter(ctx, k.store.open)
	if err != nil {
		return nil, err
	}
	if open >= uint64(params.MaxProjects) {
		return nil, ErrFull.Wrapf("%d", open)
	}
	if err := k.take(ctx, p.Proposer, p.Bond); err != nil {
		return nil, err
	}
	last, err := counter(ctx, k.store.next)
	if err != nil {
		return nil, err
	}
	p.Id = max(1, last)
	if err := k.store.next.Set(ctx, p.Id+1); err != nil {
		return nil, err
	}
	tell(ctx, &p)
	return &MsgProposeResponse{Id: p.Id}, k.store.put(ctx, p)
}

// check tells what no project may say of itself.
func (p *Project) check() error {
	if len(p.Model) != 32 || len(p.JobsRoot) != 32 {
		return fmt.Errorf("a model of %d bytes and a root of %d: both are hashes of 32", len(p.Model), len(p.JobsRoot))
	}
	if p.Jobs == 0 {
		return fmt.Errorf("it has no jobs")
	}
	if p.JobMacs == 0 || p.JobMacs > work.MaxJobWork {
		return fmt.Errorf("its dearest job costs %d multiply-accumulates: one that can be claimed 1 to %d", p.JobMacs, uint64(work.MaxJobWork))
	}
	if p.Budget < p.JobMacs || p.Budget > 1<<62 {
		return fmt.Errorf("its budget of %d multiply-accumulates: it must be enough for the dearest job, %d, and at most %d", p.Budget, p.JobMacs, uint64(1<<62))
	}
	if len(p.Sources) == 0 || len(p.Sources) > maxSources {
		return fmt.Errorf("%d sources of its jobs: it must name 1 to %d", len(p.Sources), maxSources)
	}
	for _, s := range p.Sources {
		if err := address(s); err != nil {
			return fmt.Errorf("source %q: %w", s, err)
		}
	}
	for _, c := range []struct {
		what, text string
		most       int
	}{{"title", p.Title, maxTitle}, {"summary", p.Summary, maxSummary}, {"licence", p.Licence, maxLicence}} {
		if err := words(c.text, c.most); err != nil {
			return fmt.Errorf("its %s: %w", c.what, err)
		}
	}
	return nil
}

// words checks a text that people will be shown.
func words(s string, most int) error {
	if s == "" || len(s) > most {
		return fmt.Errorf("%d bytes: it has 1 to %d", len(s), most)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("not UTF-8")
	}
	for _, r := range s {
		if r != '\n' && !unicode.IsPrint(r) {
			return fmt.Errorf("it has the control character %U", r)
		}
	}
	return nil
}

// address checks where something can be fetched.
func address(s string) error {
	if err := words(s, maxAddress); err != nil {
		return err
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("not an address that begins with http:// or https://")
	}
	return nil
}

// Challenge stops a project that was proposed until the validators have voted.
func (m messages) Challenge(ctx context.Context, msg *MsgChallenge) (*MsgChallengeResponse, error) {
	k := m.keeper
	params, err := k.store.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	p, err := k.store.project(ctx, msg.Project)
	if err != nil {
		return nil, err
	}
	if p.Status != STATUS_PROPOSED {
		return nil, ErrStatus.Wrapf("project %d is %v: only one that was just proposed can be challenged", p.Id, p.Status)
	}
	if err := words(msg.Reason, maxReason); err != nil {
		return nil, ErrProposal.Wrapf("the reason of a challenge: %v", err)
	}
	if err := k.take(ctx, msg.Challenger, params.ChallengeBond); err != nil {
		return nil, err
	}
	height := sdk.UnwrapSDKContext(ctx).BlockHeight()
	c := Challenge{Project: p.Id, Challenger: msg.Challenger, Reason: msg.Reason, Bond: params.ChallengeBond, Height: height}
	if err := k.store.challenges.Set(ctx, p.Id, c); err != nil {
		return nil, err
	}
	p.Status, p.Decides, p.Reason = STATUS_CHALLENGED, height+params.VotePeriod, "challenged: "+msg.Reason
	tell(ctx, &p)
	return &MsgChallengeResponse{}, k.store.put(ctx, p)
}

// Vote says whether a challenged project shall work. The last vote of a
// validator counts, with its power when the challenge is decided.
func (m messages) Vote(ctx context.Context, msg *MsgVote) (*MsgVoteResponse, error) {
	k := m.keeper
	p, err := k.store.project(ctx, msg.Project)
	if err != nil {
		return nil, err
	}
	if p.Status != STATUS_CHALLENGED {
		return nil, ErrStatus.Wrapf("project %d is %v: there is nothing to vote on", p.Id, p.Status)
	}
	power, err := k.Powers.Power(ctx, msg.Validator)
	if err != nil {
		return nil, err
	}
	if power <= 0 {
		return nil, ErrVoter.Wrap(msg.Validator)
	}
	v := Vote{Project: p.Id, Validator: msg.Validator, Uphold: msg.Uphold}
	return &MsgVoteResponse{}, k.store.votes.Set(ctx, collections.Join(p.Id, msg.Validator), v)
}

// Publish says where something that came of a project can be had.
func (m messages) Publish(ctx context.Context, msg *MsgPublish) (*MsgPublishResponse, error) {
	k := m.keeper
	p, err := k.store.project(ctx, msg.Project)
	if err != nil {
		return nil, err
	}
	switch {
	case p.Proposer != msg.Proposer:
		return nil, ErrProposer.Wrapf("%s did not propose project %d", msg.Proposer, p.Id)
	case p.Status != STATUS_ACTIVE && p.Status != STATUS_PAUSED && p.Status != STATUS_COMPLETE:
		return nil, ErrStatus.Wrapf("project %d is %v", p.Id, p.Status)
	case p.Artefacts == maxArtefacts:
		return nil, ErrArtefact.Wrapf("project %d has %d already", p.Id, maxArtefacts)
	}
	a := Artefact{Project: p.Id, Content: msg.Content, Uri: msg.Uri, Manifest: msg.Manifest, Height: sdk.UnwrapSDKContext(ctx).BlockHeight()}
	if err := a.check(); err != nil {
		return nil, ErrArtefact.Wrap(err.Error())
	}
	key := collections.Join(p.Id, a.Content)
	if has, err := k.store.artefacts.Has(ctx, key); err != nil || has {
		if err == nil {
			err = ErrArtefact.Wrapf("project %d published %x already", p.Id, a.Content)
		}
		return nil, err
	}
	if err := k.store.artefacts.Set(ctx, key, a); err != nil {
		return nil, err
	}
	p.Artefacts++
	p.Published = a.Height
	return &MsgPublishResponse{}, k.store.put(ctx, p)
}

func (a *Artefact) check() error {
	if len(a.Content) != 32 {
		return fmt.Errorf("a hash of %d bytes: BLAKE3 has 32", len(a.Content))
	}
	if err := address(a.Uri); err != nil {
		return fmt.Errorf("where it is: %w", err)
	}
	if err := words(a.Manifest, maxManifest); err != nil {
		return fmt.Errorf("how it is made again: %w", err)
	}
	return nil
}

// Pause stops a project, or lets one that was stopped go on.
func (m messages) Pause(ctx context.Context, msg *MsgPause) (*MsgPauseResponse, error) {
	k := m.keeper
	if msg.Authority != k.authority {
		return nil, ErrAuthority.Wrapf("%q is not %s", msg.Authority, k.authority)
	}
	params, err := k.store.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	p, err := k.store.project(ctx, msg.Project)
	if err != nil {
		return nil, err
	}
	if err := words(msg.Reason, maxReason); err != nil {
		return nil, ErrProposal.Wrapf("the reason of a pause: %v", err)
	}
	switch {
	case msg.Pause && p.Status == STATUS_ACTIVE:
		pause(ctx, params, &p, msg.Reason)
	case !msg.Pause && p.Status == STATUS_PAUSED:
		p.Status, p.Decides, p.Reason = STATUS_ACTIVE, 0, msg.Reason
		tell(ctx, &p)
	default:
		return nil, ErrStatus.Wrapf("project %d is %v: only one that works is paused, and only one that is paused goes on", p.Id, p.Status)
	}
	return &MsgPauseResponse{}, k.store.put(ctx, p)
}

// UpdateParams changes the parameters. Bonds that are locked and times that are
// set stay as they are.
func (m messages) UpdateParams(ctx context.Context, msg *MsgUpdateParams) (*MsgUpdateParamsResponse, error) {
	k := m.keeper
	if msg.Authority != k.authority {
		return nil, ErrAuthority.Wrapf("%q is not %s", msg.Authority, k.authority)
	}
	if err := msg.Params.Validate(); err != nil {
		return nil, err
	}
	return &MsgUpdateParamsResponse{}, k.store.params.Set(ctx, msg.Params)
}
