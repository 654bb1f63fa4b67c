package court

import (
	"context"

	"hearth/infer/model"
	"hearth/work"
)

// Chain is the network as a court sees it: what its node knows, and what its
// validator signs.
type Chain interface {
	// Trials lists the trials that are not closed, and the latest height.
	Trials(ctx context.Context) (open []Trial, height int64, err error)
	// Case is what it takes to judge the claim of a trial.
	Case(ctx context.Context, claim model.Hash) (*Case, error)
	// Models lists the models whose weights a validator must have: those that
	// are proposed and those whose claims may be open, and the latest height.
	Models(ctx context.Context) (all []Model, height int64, err error)
	// Manifest is the registered manifest of a model.
	Manifest(ctx context.Context, id model.Hash) ([]byte, error)
	// Judge, Reveal and Attest send the validator's word. An error means that it
	// may not have arrived: it is sent again if the chain does not show it.
	Judge(ctx context.Context, v *Verdict) error
	Reveal(ctx context.Context, claim, digest model.Hash) error
	Attest(ctx context.Context, id model.Hash, fit bool, reason string) error
}

// Trial is an open trial. Claims are named by their keys on the chain.
type Trial struct {
	Claim model.Hash
	// VerdictsUntil is the last height for verdicts, RevealsUntil that for
	// reveals, 0 as long as verdicts are taken.
	VerdictsUntil, RevealsUntil int64
	// Judged says that this validator's verdict stands, under Seal.
	Judged bool
	Seal   model.Hash
	// Revealed says that a digest was accepted.
	Revealed bool
}

// Case is what the chain keeps of a claim that is tried.
type Case struct {
	Job      []byte // encoding
	Model    model.Hash
	Executor [32]byte
	Beacon   model.Hash
	Prefix   int
	Target   [32]byte
	Tickets  [][]byte // messages
	Receipt  []byte
	// Against is the output, by hash, that another claim of the same job
	// delivered, if the trial is against one.
	Against model.Hash
}

// Verdict is a validator's word about a claim.
type Verdict struct {
	Claim        model.Hash
	Faults       []Fault // by nullifier, rising
	ReceiptWrong bool
	AgainstWrong bool // the other claim's output is not the job's
	Seal         model.Hash
}

// Fault is a ticket that does not hold.
type Fault struct {
	Nullifier model.Hash
	Reason    work.Reason
}

// Model is a registered model.
type Model struct {
	ID       model.Hash
	Sources  []string
	Proposed bool // and attestations are taken
	Attested bool // this validator has given its word
}
