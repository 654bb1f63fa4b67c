package simulation

import (
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"

	"github.com/zeebo/blake3"

	"hearth/infer/model"
	"hearth/work"
)

// tiny is a decoder whose products can be mined and whose manifest takes no
// time to make. Nobody runs it.
func tiny() model.Config {
	return model.Config{
		Kind: model.Decoder, Family: model.Llama, Layers: 2, Width: 256, Heads: 4, KVHeads: 2, HeadSize: 64, Inner: 384,
		Vocab: 120, Context: 96, ResidualBits: 16, ActivationLimit: 95, Epsilon: 4295, BOS: 1, EOS: []int32{2}, PAD: 0,
	}
}

func newManifest() (*model.Manifest, error) {
	m, err := model.Random(7, tiny())
	if err != nil {
		return nil, err
	}
	if err := m.Permute(); err != nil {
		return nil, err
	}
	return model.NewManifest(m, []byte("{}"))
}

// newJob is one that anybody may claim.
func newJob(r *rand.Rand, id model.Hash) *work.Job {
	prompt := make([]int32, 1+r.IntN(12))
	for i := range prompt {
		prompt[i] = int32(3 + r.IntN(100))
	}
	return &work.Job{Model: id, Public: true, Prompt: prompt, Most: 1 + r.IntN(5)}
}

// truth is what a job's output is: in this world, what follows from its hash.
func truth(j *work.Job) []int32 {
	id := j.ID()
	out := make([]int32, j.Most)
	for i := range out {
		out[i] = 3 + int32(id[i])%100
	}
	return out
}

// digest is what a judge knows that ran a claim.
func digest(claim []byte) [32]byte { return blake3.Sum256(append([]byte("run "), claim...)) }

// newTicket makes a ticket up of which all is right that shows without weights.
func newTicket(r *rand.Rand, m *work.Model, j *work.Job, claim []byte, prefix int, key ed25519.PrivateKey) (*work.Ticket, error) {
	at := model.Operation{Layer: 1, Kind: model.OperationKind(r.IntN(4))}
	x, err := m.Mined(at)
	if err != nil {
		return nil, fmt.Errorf("make up a ticket: %w", err)
	}
	t := &work.Ticket{Claim: model.Hash(claim), At: at, Tile: r.IntN(x.N / work.TileColumns), Row: make([]uint8, x.K)}
	t.Position = prefix + r.IntN(len(j.Prompt)+j.Most-1-prefix)
	if n := t.Position + 1 - len(j.Prompt); n > 0 {
		t.Answer = truth(j)[:n]
	}
	for i := range t.Row {
		t.Row[i] = uint8(128 - 95 + r.IntN(191))
	}
	t.Sign(key)
	return t, nil
}

// newReceipt makes a receipt up, with a trace that nobody took.
func newReceipt(m *work.Model, j *work.Job, output []int32, key ed25519.PrivateKey) ([]byte, error) {
	r, err := work.NewReceipt(m, j, output, nil, key)
	if err != nil {
		return nil, err
	}
	r.Trace, r.Signature = blake3.Sum256(j.Encode()), work.Signature{}
	unsigned, err := r.Encode()
	if err != nil {
		return nil, err
	}
	hash := blake3.Sum256(unsigned)
	copy(r.Signature[:], ed25519.Sign(key, append([]byte("hearth receipt signature 1\n"), hash[:]...)))
	return r.Encode()
}

// scale weighs tickets that are made up: it looks at all but whether they win.
type scale struct{ *work.Verifier }

// Check implements the chain's bench.
func (s scale) Check(c *work.Claim, _ work.Target, t *work.Ticket) error { return s.Look(c, t) }
