package work

import (
	"crypto/ed25519"

	"hearth/infer/kernel"
	"hearth/infer/model"
)

// Verifier checks tickets of one model. It is safe for concurrent use.
type Verifier struct {
	model *Model
	level kernel.Level
}

// NewVerifier makes a verifier that computes with the given level.
func NewVerifier(m *Model, level kernel.Level) *Verifier { return &Verifier{model: m, level: level} }

// Check is tier 0: it computes the one tile of a ticket again and returns the
// [Rejection] it finds, or nil. weights are the 128 rows of the tile: of the
// verifier's own copy of the model, or from [CheckOpening].
//
// Whatever the ticket, it costs at most one signature, the hash of a row and a
// tile of [MaxTileWork] multiply-accumulates, and some KiB of memory. What it
// does not see is whether the row is that of the job: that is Replay's part.
func (v *Verifier) Check(c *Claim, target Target, t *Ticket, weights []int8) error {
	if err := c.Check(v.model); err != nil {
		return err
	}
	x, err := v.place(c, t)
	if err != nil {
		return err
	}
	if len(weights) != TileColumns*x.K {
		return reject(ReasonWeights, "%d weights were given for a tile of %d", len(weights), TileColumns*x.K)
	}
	if err := checkSignature(c, t); err != nil {
		return err
	}
	hash, err := v.ticket(c, x, t, weights)
	if err != nil {
		return err
	}
	if !target.Accepts(hash, TileWork(x.K)) {
		return reject(ReasonTarget, "the hash %v is above the target", hash)
	}
	return nil
}

// Look is the part of [Verifier.Check] that needs no weights: whether a ticket is
// of the claim, says a place where it can have been found, and is signed. A chain
// whose nodes do not all have every model's weights includes tickets by it.
func (v *Verifier) Look(c *Claim, t *Ticket) error {
	if err := c.Check(v.model); err != nil {
		return err
	}
	if _, err := v.place(c, t); err != nil {
		return err
	}
	return checkSignature(c, t)
}

func checkSignature(c *Claim, t *Ticket) error {
	if !ed25519.Verify(c.Executor[:], t.signed(), t.Signature[:]) {
		return reject(ReasonSignature, "the ticket is not signed by the executor of its claim")
	}
	return nil
}

// place checks all that is said about where the ticket was found.
func (v *Verifier) place(c *Claim, t *Ticket) (Matrix, error) {
	prompt := len(c.Job.Prompt)
	if id := c.ID(); t.Claim != id {
		return Matrix{}, reject(ReasonClaim, "the ticket is for claim %v, not %v", t.Claim, id)
	}
	x, err := v.model.Mined(t.At)
	if err != nil {
		return x, err
	}
	switch {
	case t.Tile < 0 || t.Tile >= x.N/TileColumns:
		return x, reject(ReasonTile, "%v has %d tiles, and the ticket is for number %d", t.At, x.N/TileColumns, t.Tile)
	case x.Refused(t.Tile):
		return x, reject(ReasonTile, "admission refused tile %d of %v", t.Tile, t.At)
	case t.Position < 0 || t.Position >= prompt+max(0, c.Job.Most-1): // the last token is written and not read
		return x, reject(ReasonPosition, "position %d of a job that reads %d tokens", t.Position, prompt+max(0, c.Job.Most-1))
	case t.Position < c.Prefix:
		return x, reject(ReasonPosition, "position %d lies in a prefix of %d tokens that others claimed", t.Position, c.Prefix)
	case len(t.Answer) != max(0, t.Position+1-prompt):
		return x, reject(ReasonAnswer, "position %d behind a prompt of %d needs %d tokens of the answer, not %d",
			t.Position, prompt, max(0, t.Position+1-prompt), len(t.Answer))
	case len(t.Row) != x.K:
		return x, reject(ReasonRow, "rows of %v have %d activations, not %d", t.At, x.K, len(t.Row))
	}
	for i, token := range t.Answer {
		if token < 0 || int(token) >= v.model.config.Vocab {
			return x, reject(ReasonAnswer, "token %d of the answer is number %d of a vocabulary of %d", i+1, token, v.model.config.Vocab)
		}
		if c.Job.stops(v.model.config, token) {
			return x, reject(ReasonAnswer, "token %d of the answer ends it, and nothing is read after it", i+1)
		}
	}
	for i, a := range t.Row {
		if a < 128-ActivationLimit || a > 128+ActivationLimit {
			return x, reject(ReasonRow, "activation %d is %d: none is beyond ±%d", i, int(a)-128, ActivationLimit)
		}
	}
	return x, nil
}

// ticket computes the hash of a ticket from its row and weights.
func (v *Verifier) ticket(c *Claim, x Matrix, t *Ticket, weights []int8) (model.Hash, error) {
	a := newAttempt(v.level, operationKey(c, c.Job.ID(), t.At, x), t.Position, t.Row)
	noisy := make([]uint8, x.K)
	kernel.Noise(v.level, noisy, t.Row, a.noise, Permutation(v.level, x.Root, x.K))
	a.state[0] += uint32(t.Tile)
	if err := kernel.Tile(v.level, &a.state, noisy, weights); err != nil {
		return model.Hash{}, reject(ReasonWeights, "%v", err)
	}
	var out [states]uint32
	kernel.HashBlocks(v.level, out[:], a.seed[:], a.state[:], 64)
	return fromWords(out[:]), nil
}
