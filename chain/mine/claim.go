package mine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hearth/chain/commons/library"
	"hearth/chain/commons/tree"
	"hearth/chain/mine/record"
	"hearth/chain/wire"
	"hearth/chain/work/market"
	"hearth/infer/model"
	"hearth/work"
)

const (
	// looks is how many jobs that nodes offer are looked at in a round.
	looks = 32
	// claimGas is what a claim needs at least, over what a node says: a claim made
	// before it in the block can make its prefix longer to find.
	claimGas = 200_000
)

// claim claims jobs, as many as there is room and heat for.
func (w *Worker) claim(ctx context.Context, miner record.Miner, at int64) error {
	held := w.Journal.Held()
	unfinished := 0
	for _, h := range held {
		if h.Unfinished() {
			unfinished++
		}
	}
	room := min(w.Ahead-unfinished, w.params.MostClaims-len(held), w.params.MostClaims-miner.OpenClaims, w.params.MostClaimsPerTx)
	if w.params.ClaimDeposit > 0 {
		room = min(room, int((miner.Bond-min(miner.Bond, miner.Locked))/w.params.ClaimDeposit))
	}
	idle := ""
	switch {
	case w.finishing():
		idle = "what is claimed is being finished, then the worker stops"
	case miner.Retired:
		idle = "the miner is retired: its owner takes it back with \"hearth mine register --back\""
	case miner.Barred:
		idle = fmt.Sprintf("the miner's bond of %d %s is below the least, %d: its owner adds to it with \"hearth mine register\"", miner.Bond, Denom, w.params.LeastBond)
	case w.Heat != nil && !w.Heat.Wanted():
		idle = "no heat is wanted"
	case room <= 0:
		idle = "as many jobs are claimed as there is room for"
	}
	w.mu.Lock()
	w.view.Idle = idle
	w.mu.Unlock()
	if idle != "" {
		return nil
	}
	offers, err := w.offers(ctx, at, room)
	if err != nil {
		return err
	}
	chosen := w.turns.Choose(offers, room, at, func(job model.Hash) model.Hash { return record.ClaimName(job, w.executor) })
	if len(chosen) == 0 {
		return nil
	}
	return w.take(ctx, chosen, at)
}

// take claims offers in one transaction or, where the chain has something against
// one of them, each in its own.
func (w *Worker) take(ctx context.Context, offers []Offer, at int64) error {
	until := Deadline(at)
	for _, o := range offers {
		// Written down before anything is sent: what can come into being is never
		// unknown here.
		h := &Held{
			Claim: record.ClaimName(o.Job, w.executor), Job: o.Job, Class: o.Class, Model: o.Model,
			Assignment: o.Assignment, Tip: o.Tip, Encoding: o.Encoding, Until: until,
		}
		if err := w.Journal.Keep(h); err != nil {
			return err
		}
	}
	hot := w.Keys.Public().Account
	takes := make([]wire.Take, len(offers))
	for i, o := range offers {
		takes[i] = o.take()
	}
	_, err := w.wallet.Send(ctx, until, claimGas, wire.Claim(hot, takes...))
	if err == nil || !errors.Is(err, ErrUnsent) {
		return err
	}
	for i, o := range offers {
		if len(offers) > 1 {
			_, err = w.wallet.Send(ctx, until, claimGas, wire.Claim(hot, takes[i]))
		}
		if !errors.Is(err, ErrUnsent) {
			continue // it is made, or may be: what is held waits for it
		}
		w.Log.Info("a job cannot be claimed", "job", o.Job, "error", err)
		w.passed[o.Job] = at + rereads
		if err := w.Journal.Drop(record.ClaimName(o.Job, w.executor)); err != nil {
			return err
		}
	}
	if len(offers) == 1 && errors.Is(err, ErrNoAccount) {
		return err
	}
	return nil
}

func (o Offer) take() wire.Take {
	switch {
	case o.Assignment == 0:
		return wire.Take{Job: o.Job[:]}
	case o.Class == record.Audit:
		return wire.Take{Assignment: o.Assignment}
	}
	return wire.Take{Assignment: o.Assignment, Encoding: o.Encoding, Proof: o.Proof}
}

// offers finds jobs that can be claimed: nodes say which, and each is then read
// with its proof.
func (w *Worker) offers(ctx context.Context, at int64, most int) ([]Offer, error) {
	for job, until := range w.passed {
		if at >= until {
			delete(w.passed, job)
		}
	}
	numbers, err := w.Chain.assignments(ctx, w.owner, looks)
	if err != nil {
		return nil, err
	}
	var out []Offer
	commons := 0
	for _, n := range numbers {
		o, err := w.assigned(ctx, n, at, commons < most)
		if err != nil {
			w.Log.Info("an assignment cannot be taken", "assignment", n, "error", err)
			continue
		}
		if o == nil {
			continue
		}
		out = append(out, *o)
		if o.Class == record.Common {
			commons++
		}
	}
	ids, err := w.Chain.openJobs(ctx, looks)
	if err != nil {
		return nil, err
	}
	// Several workers see the same list. Each looks at it in an order of its own.
	slices.SortFunc(ids, func(a, b model.Hash) int {
		x, y := record.ClaimName(a, w.executor), record.ClaimName(b, w.executor)
		return slices.Compare(x[:], y[:])
	})
	paid := 0
	for _, id := range ids {
		if paid >= 2*most { // enough to choose among
			break
		}
		o, err := w.paid(ctx, id, at)
		if err != nil {
			return nil, err
		}
		if o != nil {
			out = append(out, *o)
			paid++
		}
	}
	return out, nil
}

// skips tells whether a job is not to be looked at: it is held, or it was passed
// over a short while ago.
func (w *Worker) skips(job model.Hash) bool {
	_, passed := w.passed[job]
	return passed || w.Journal.Get(record.ClaimName(job, w.executor)) != nil
}

// paid looks at a job that a client pays for. Nil says that it is none for this
// worker.
func (w *Worker) paid(ctx context.Context, id model.Hash, at int64) (*Offer, error) {
	if w.skips(id) {
		return nil, nil
	}
	j, encoding, found, err := w.Chain.job(ctx, id)
	if err != nil || !found || j.Status != record.JobOpen || j.Class != record.Paid {
		return nil, err
	}
	o := &Offer{Job: id, Class: j.Class, Model: j.Model, Encoding: encoding, Tip: j.Tip, MACs: j.MACs}
	if market.Cost(w.market.BaseFee, j.MACs) > j.MaxFee {
		w.passed[id] = at + 5 // the base fee moves
		return nil, nil
	}
	w.mu.Lock()
	earned, credited := w.view.Earned.PaidOut+w.view.Earned.Vesting, w.view.Miner.Mega()
	w.mu.Unlock()
	if !o.Pays(earned, credited, w.fees()) {
		w.passed[id] = at + rereads
		return nil, nil
	}
	if err := w.able(ctx, o); err != nil {
		w.Log.Info("a job is passed over", "job", id, "error", err)
		w.passed[id] = at + rereads
		return nil, nil
	}
	return o, nil
}

// fees are what a job's two transactions cost at least, its claim and its delivery.
// Somebody else may have agreed to pay them.
func (w *Worker) fees() uint64 {
	if w.Granter != "" {
		return 0
	}
	return 2 * claimGas * w.Price / 1e6
}

// assigned looks at what a beacon gave the miner. A job of the commons that is left
// to others costs nothing but its turn: it is drawn anew.
func (w *Worker) assigned(ctx context.Context, number uint64, at int64, commons bool) (*Offer, error) {
	p, err := get(ctx, w.Chain, record.Work, record.AssignmentKey(number), record.ReadAssignment)
	a := p.record
	if err != nil || !p.found || a.Owner != w.owner || a.Expires < at+ahead {
		return nil, err
	}
	o := &Offer{Class: a.Class, Assignment: a.ID, Expires: a.Expires}
	switch a.Class {
	case record.Audit:
		j, encoding, found, err := w.Chain.job(ctx, a.Job)
		if err != nil || !found {
			return nil, err
		}
		o.Job, o.Model, o.Encoding, o.MACs = a.Job, j.Model, encoding, j.MACs
	case record.Common:
		if !commons {
			return nil, nil
		}
		if err := w.common(ctx, a, o); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("its class %d is not known here: update this program", a.Class)
	}
	if w.skips(o.Job) {
		return nil, nil
	}
	return o, w.able(ctx, o)
}

// common fetches a job of the commons from where its project has it.
func (w *Worker) common(ctx context.Context, a record.Assignment, o *Offer) error {
	p, err := must(ctx, w.Chain, record.Commons, record.ProjectKey(a.Project), record.ReadProject)
	if err != nil {
		return err
	}
	encoding, proof, err := w.library.Job(ctx, library.Project{Root: tree.Hash(p.Root), Jobs: p.Jobs, Sources: p.Sources}, a.Index)
	if err != nil {
		return err
	}
	job, err := work.DecodeJob(encoding)
	if err != nil {
		return err
	}
	o.Job, o.Model, o.Encoding = job.ID(), job.Model, encoding
	for _, h := range proof {
		o.Proof = append(o.Proof, slices.Clone(h[:]))
	}
	return nil
}

// able tells why a job cannot be run here: it is not what its id says, nobody may
// claim it, or the model's weights are not here yet. Then they are fetched.
func (w *Worker) able(ctx context.Context, o *Offer) error {
	job, err := work.DecodeJob(o.Encoding)
	if err != nil {
		return err
	}
	if job.ID() != o.Job || job.Model != o.Model {
		return errors.New("its encoding is of another job")
	}
	m, err := w.model(ctx, o.Model)
	if err != nil {
		return err
	}
	return job.Check(m)
}

// errFetching says that a model's weights are on their way.
var errFetching = errors.New("the model's weights are being fetched")

// model returns a registered model whose weights are here.
func (w *Worker) model(ctx context.Context, id model.Hash) (*work.Model, error) {
	w.mu.Lock()
	m := w.models[id]
	w.mu.Unlock()
	if m != nil {
		return m, nil
	}
	f, m, sources, err := w.Chain.manifest(ctx, id)
	if err != nil {
		return nil, err
	}
	if !w.Weights.Has(id) {
		w.fetch(ctx, f, id, sources)
		return nil, errFetching
	}
	if err := w.Weights.Fit(f); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.models[id] = m
	return m, nil
}

// fetch brings a model's weights here, beside the rounds.
func (w *Worker) fetch(ctx context.Context, f *model.Manifest, id model.Hash, sources []string) {
	w.mu.Lock()
	busy := w.fetching[id]
	w.fetching[id] = true
	w.mu.Unlock()
	if busy {
		return
	}
	w.Log.Info("fetching a model", "model", id)
	go func() {
		err := w.Weights.Fetch(ctx, f, sources)
		if err != nil && ctx.Err() == nil {
			w.Log.Warn("a model cannot be fetched; its jobs are left to others", "model", id, "error", err)
		}
		w.mu.Lock()
		delete(w.fetching, id)
		w.mu.Unlock()
		poke(w.news)
	}()
}
