package node

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	"github.com/cosmos/cosmos-sdk/types/query"

	"hearth/chain/app"
	"hearth/chain/judge/court"
	registry "hearth/chain/model"
	"hearth/chain/weights"
	"hearth/chain/work"
	"hearth/infer/model"
	format "hearth/work"
)

// Judge does what a validator owes the chain beside blocks, until the context
// ends: it runs again what others claim to have run, and reads the weights of
// proposed models. The settings name the operator's key in the keyring.
func Judge(ctx context.Context, a *app.App, conn client.Context, ring keyring.Keyring, settings Hearth, store *weights.Store, log *slog.Logger) error {
	s, err := NewSigner(conn, ring, settings.Operator)
	if err != nil {
		return err
	}
	if _, err := followed(ctx, a); err != nil { // nothing can be asked before the first block
		return err
	}
	b := bar{app: a, signer: s, operator: s.Address, work: work.NewQueryClient(conn), models: registry.NewQueryClient(conn)}
	options := court.Options{Operator: b.operator, Chain: b, Store: store, Duty: settings.Duty, Log: log}
	if err := court.New(options).Run(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("judge: %w", err)
	}
	return nil
}

// bar is the chain as a court sees it.
type bar struct {
	app      *app.App
	signer   *Signer
	operator string
	work     work.QueryClient
	models   registry.QueryClient
}

const (
	// pageSize is how many entries of a list are asked for at a time.
	pageSize = 100
	// Gas of a validator's words. What they declare counts in a block, and 64
	// validators speak about every claim: so it is near what they take. An
	// attestation may free the roots of a large model.
	wordGas   = 250_000
	faultGas  = 6_000 // of each ticket that a verdict names
	attestGas = 3_000_000
)

// height is that of the latest block.
func (b bar) height() int64 { return b.app.LastBlockHeight() }

// Trials implements [court.Chain]. The chain keeps trials long after they are
// closed: the list is read from the newest to the oldest that can be open.
func (b bar) Trials(ctx context.Context) ([]court.Trial, int64, error) {
	height := b.height()
	rules, err := b.work.Params(ctx, &work.QueryParamsRequest{})
	if err != nil {
		return nil, 0, err
	}
	oldest := height - rules.Params.VerdictPeriod - rules.Params.RevealPeriod - 1
	var open []court.Trial
	for page := new(query.PageRequest{Limit: pageSize, Reverse: true}); page != nil; {
		res, err := b.work.Trials(ctx, &work.QueryTrialsRequest{Pagination: page})
		if err != nil {
			return nil, 0, err
		}
		page = following(res.Pagination)
		for _, t := range res.Trials {
			if t.Opened < oldest {
				page = nil
			}
			if t.Closed || len(t.Claim) != len(model.Hash{}) {
				continue
			}
			one := court.Trial{Claim: model.Hash(t.Claim), VerdictsUntil: t.VerdictsUntil, RevealsUntil: t.RevealsUntil, Revealed: len(t.Digest) > 0}
			if err := b.own(ctx, &one); err != nil {
				return nil, 0, err
			}
			open = append(open, one)
		}
		if page != nil {
			page.Reverse = true
		}
	}
	return open, height, nil
}

// own fills in what this validator has said in a trial.
func (b bar) own(ctx context.Context, t *court.Trial) error {
	res, err := b.work.Trial(ctx, &work.QueryTrialRequest{Claim: hex.EncodeToString(t.Claim[:])})
	if err != nil {
		return err
	}
	for _, v := range res.Verdicts {
		if v.Validator == b.operator && len(v.Seal) == len(model.Hash{}) {
			t.Judged, t.Seal = true, model.Hash(v.Seal)
		}
	}
	return nil
}

// Case implements [court.Chain].
func (b bar) Case(ctx context.Context, claim model.Hash) (*court.Case, error) {
	res, err := b.work.Trial(ctx, &work.QueryTrialRequest{Claim: hex.EncodeToString(claim[:])})
	if err != nil {
		return nil, err
	}
	c := &res.Claim
	for _, part := range [...]struct {
		name string
		b    []byte
	}{{"model", c.Model}, {"executor", c.Executor}, {"beacon", c.Beacon}, {"target", c.Target}} {
		if len(part.b) != 32 {
			return nil, fmt.Errorf("claim %s has a %s of %d bytes", claim, part.name, len(part.b))
		}
	}
	var against model.Hash
	if other := res.Against; other != nil {
		if len(other.Output) != len(against) {
			return nil, fmt.Errorf("the claim that %s is tried against has an output hash of %d bytes", claim, len(other.Output))
		}
		against = model.Hash(other.Output)
	}
	return &court.Case{
		Against: against, Job: res.Encoding, Model: model.Hash(c.Model), Executor: [32]byte(c.Executor), Beacon: model.Hash(c.Beacon),
		Prefix: int(c.Prefix), Target: [32]byte(c.Target), Tickets: res.Tickets, Receipt: res.Receipt,
	}, nil
}

// Models implements [court.Chain].
func (b bar) Models(ctx context.Context) ([]court.Model, int64, error) {
	height := b.height()
	var all []court.Model
	for page := new(query.PageRequest{Limit: pageSize}); page != nil; {
		res, err := b.models.Models(ctx, &registry.QueryModelsRequest{Pagination: page})
		if err != nil {
			return nil, 0, err
		}
		for _, m := range res.Models {
			if len(m.Id) != len(model.Hash{}) || m.Status == registry.Status_STATUS_REJECTED || m.Status == registry.Status_STATUS_BROKEN {
				continue
			}
			one := court.Model{ID: model.Hash(m.Id), Sources: m.Sources, Proposed: m.Status == registry.Status_STATUS_PROPOSED}
			said, err := b.models.Model(ctx, &registry.QueryModelRequest{Id: hex.EncodeToString(m.Id)})
			if err != nil {
				return nil, 0, err
			}
			for _, a := range said.Attestations {
				one.Attested = one.Attested || a.Validator == b.operator
			}
			all = append(all, one)
		}
		page = following(res.Pagination)
	}
	return all, height, nil
}

// Manifest implements [court.Chain].
func (b bar) Manifest(ctx context.Context, id model.Hash) ([]byte, error) {
	res, err := b.models.Manifest(ctx, &registry.QueryManifestRequest{Id: hex.EncodeToString(id[:])})
	if err != nil {
		return nil, err
	}
	return res.Manifest, nil
}

// Judge implements [court.Chain].
func (b bar) Judge(ctx context.Context, v *court.Verdict) error {
	msg := &work.MsgJudge{Validator: b.operator, Claim: v.Claim[:], ReceiptWrong: v.ReceiptWrong, AgainstWrong: v.AgainstWrong, Seal: v.Seal[:]}
	for _, f := range v.Faults {
		msg.Faults = append(msg.Faults, work.Fault{Nullifier: f.Nullifier[:], Reason: string(f.Reason)})
	}
	return b.signer.Send(ctx, wordGas+faultGas*uint64(len(v.Faults)), msg)
}

// Reveal implements [court.Chain].
func (b bar) Reveal(ctx context.Context, claim, digest model.Hash) error {
	return b.signer.Send(ctx, wordGas, &work.MsgReveal{Validator: b.operator, Claim: claim[:], Digest: digest[:]})
}

// Attest implements [court.Chain].
func (b bar) Attest(ctx context.Context, id model.Hash, fit bool, reason string) error {
	return b.signer.Send(ctx, attestGas, &registry.MsgAttest{Validator: b.operator, Model: id[:], Fit: fit, Reason: reason})
}

// following is the request for the page after an answer's, nil if that was the
// last.
func following(p *query.PageResponse) *query.PageRequest {
	if p == nil || len(p.NextKey) == 0 {
		return nil
	}
	return &query.PageRequest{Key: p.NextKey, Limit: pageSize}
}

// Weigh lets an application weigh tickets with the weights that a store has
// loaded.
func Weigh(a *app.App, store *weights.Store) {
	a.SetBenches(func(m *format.Model) (work.Bench, bool) { return store.Ready(m) })
}
