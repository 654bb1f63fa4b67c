package mine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hearth/chain/light"
	"hearth/chain/light/follower"
	"hearth/chain/light/node"
	"hearth/chain/mine/record"
	"hearth/chain/wire"
	"hearth/infer/model"
	"hearth/work"
)

// Chain is the chain as a worker sees it: what is proven, and what nodes say. It
// is safe for concurrent use.
type Chain struct {
	follower *follower.Follower
	nodes    []*node.Node
	network  Network
	folder   string
}

// proven is a record with what proves it.
type proven[T any] struct {
	record T
	found  bool
	proof  follower.Proven
}

// get reads one record with its proof.
func get[T any](ctx context.Context, c *Chain, store string, key []byte, read func([]byte) (T, error)) (proven[T], error) {
	v, err := c.follower.Value(ctx, store, key)
	if err != nil {
		return proven[T]{}, err
	}
	p := proven[T]{found: v.Found, proof: v}
	if v.Found {
		p.record, err = read(v.Value)
	}
	return p, err
}

// whole reads a value as it is.
func whole(b []byte) ([]byte, error) { return b, nil }

// must is get for what every chain has.
func must[T any](ctx context.Context, c *Chain, store string, key []byte, read func([]byte) (T, error)) (T, error) {
	p, err := get(ctx, c, store, key, read)
	if err == nil && !p.found {
		err = fmt.Errorf("the chain's state has nothing under %x of %s: is it a chain of Hearth?", key, store)
	}
	return p.record, err
}

// latest is the height after which records are read.
func (c *Chain) latest() (light.Header, int64) {
	h := c.follower.Latest().Header
	return h, h.Height - 1
}

// hint asks the nodes a question of the gRPC interface, one after the other until
// one answers. Nothing is known by the answer.
func (c *Chain) hint(ctx context.Context, method string, request wire.Message) ([]byte, error) {
	var causes []error
	for _, n := range c.nodes {
		b, err := n.Hint(ctx, method, request.Bytes())
		if err == nil {
			return b, nil
		}
		causes = append(causes, err)
	}
	return nil, errors.Join(causes...)
}

const queries = "/hearth.work.v1.Query/"

// page asks for so many entries.
func page(most int) wire.Message {
	var m wire.Message
	m.Uint(3, uint64(most))
	return m
}

// listed reads the elements of field 1 of an answer, at most so many.
func listed[T any](answer []byte, most int, read func([]byte) (T, error)) ([]T, error) {
	var all []T
	for f, err := range wire.Fields(answer) {
		if err != nil {
			return nil, err
		}
		if f.Number != 1 || len(all) >= most {
			continue
		}
		b, err := f.Element()
		if err != nil {
			return nil, err
		}
		one, err := read(b)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// openJobs are ids of jobs that a node says are open.
func (c *Chain) openJobs(ctx context.Context, most int) ([]model.Hash, error) {
	var m wire.Message
	m.Uint(1, record.JobOpen)
	m.Sub(2, page(most))
	answer, err := c.hint(ctx, queries+"Jobs", m)
	if err != nil {
		return nil, fmt.Errorf("ask for open jobs: %w", err)
	}
	jobs, err := listed(answer, most, record.ReadJob)
	ids := make([]model.Hash, len(jobs))
	for i, j := range jobs {
		ids[i] = j.ID
	}
	return ids, err
}

// assignments are numbers of what a node says is assigned to a miner.
func (c *Chain) assignments(ctx context.Context, owner string, most int) ([]uint64, error) {
	var m wire.Message
	m.Text(1, owner)
	answer, err := c.hint(ctx, queries+"Assignments", m)
	if err != nil {
		return nil, fmt.Errorf("ask for what is assigned: %w", err)
	}
	all, err := listed(answer, most, record.ReadAssignment)
	ids := make([]uint64, len(all))
	for i, a := range all {
		ids[i] = a.ID
	}
	return ids, err
}

// claims are names of what a node says a miner has claimed.
func (c *Chain) claims(ctx context.Context, owner string, most int) ([]model.Hash, error) {
	var m wire.Message
	m.Text(1, owner)
	m.Sub(2, page(most))
	answer, err := c.hint(ctx, queries+"Claims", m)
	if err != nil {
		return nil, fmt.Errorf("ask for claims: %w", err)
	}
	all, err := listed(answer, most, record.ReadClaim)
	names := make([]model.Hash, 0, len(all))
	for _, one := range all {
		names = append(names, one.Name)
	}
	return names, err
}

// job reads a job and its encoding. Found is false where the chain does not have
// both.
func (c *Chain) job(ctx context.Context, id model.Hash) (j record.Job, encoding []byte, found bool, err error) {
	p, err := get(ctx, c, record.Work, record.JobKey(id), record.ReadJob)
	if err != nil || !p.found {
		return j, nil, false, err
	}
	if p.record.ID != id {
		return j, nil, false, fmt.Errorf("the record of job %v is of job %v", id, p.record.ID)
	}
	e, err := get(ctx, c, record.Work, record.EncodingKey(id), whole)
	if err != nil || !e.found {
		return j, nil, false, err
	}
	return p.record, e.record, true, nil
}

// claim reads a claim by its name.
func (c *Chain) claim(ctx context.Context, name model.Hash) (proven[record.Claim], error) {
	p, err := get(ctx, c, record.Work, record.ClaimKey(name), record.ReadClaim)
	if err == nil && p.found && p.record.Name != name {
		err = fmt.Errorf("the record of claim %v is of claim %v", name, p.record.Name)
	}
	return p, err
}

// manifest reads what is registered of a model, and where its weights are.
func (c *Chain) manifest(ctx context.Context, id model.Hash) (*model.Manifest, *work.Model, []string, error) {
	b, err := must(ctx, c, record.Models, record.ManifestKey(id), whole)
	if err != nil {
		return nil, nil, nil, err
	}
	f, err := model.ParseManifest(slices.Clone(b))
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read the manifest of model %v: %w", id, err)
	}
	m, err := work.NewModel(f)
	if err == nil && m.ID() != id {
		err = fmt.Errorf("the manifest is that of model %v", m.ID())
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read the manifest of model %v: %w", id, err)
	}
	entry, err := must(ctx, c, record.Models, record.ModelKey(id), record.ReadModel)
	return f, m, entry.Sources, err
}

// beacon holds a claim against itself and against the value that the chain
// recorded for its block: a node's mistake must not cost a run, nor a receipt for
// a claim that is another tomorrow.
func (c *Chain) beacon(ctx context.Context, claim *record.Claim, form *work.Claim) error {
	if claim.Beacon == (model.Hash{}) || form.ID() != claim.ID {
		return fmt.Errorf("claim %v: its id %v does not follow from its job, executor, prefix and beacon", claim.Name, claim.ID)
	}
	v, err := get(ctx, c, record.Beacon, record.BeaconKey(claim.Height), record.ReadBeaconValue)
	if err != nil {
		return err
	}
	// Values are forgotten after a while; claims that old have ended.
	if v.found && v.record.Value != claim.Beacon {
		return fmt.Errorf("claim %v: the chain recorded the beacon %v for block %d, the claim has %v", claim.Name, v.record.Value, claim.Height, claim.Beacon)
	}
	return nil
}

// Check checks a proof again: its header is one of the chain that is followed, and
// the state under it holds the value. Headers of long ago are found by going back,
// a question for each.
func (c *Chain) Check(ctx context.Context, p Proof) error {
	if p.Chain != c.network.Chain {
		return fmt.Errorf("check a proof: it is of the chain %q, followed is %q", p.Chain, c.network.Chain)
	}
	h, err := c.follower.Header(ctx, p.Height)
	if err != nil {
		return fmt.Errorf("check a proof: %w", err)
	}
	if got := h.Hash().String(); got != p.Header {
		return fmt.Errorf("check a proof: block %d is %s, the proof has %s", p.Height, got, p.Header)
	}
	if err := h.Holds(p.Store, p.Key, p.Value, p.Path); err != nil {
		return fmt.Errorf("check a proof: %w", err)
	}
	return nil
}
