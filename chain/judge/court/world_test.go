package court_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"hearth/chain/judge"
	"hearth/chain/judge/court"
	"hearth/chain/weights"
	"hearth/infer/engine"
	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/work"
	"hearth/work/rerun"
)

const operator = "hearth1validator"

var small = model.Config{
	Kind: model.Encoder, Family: model.BERT, Layers: 2, Width: 256, Heads: 4, KVHeads: 4, HeadSize: 64, Inner: 512,
	Vocab: 120, Context: 96, ResidualBits: 16, ActivationLimit: 95, Epsilon: 4295, BOS: 1, EOS: []int32{2}, PAD: 0, Pooling: model.Mean,
}

// example is a model with its file.
type example struct {
	id       model.Hash
	manifest []byte
	file     []byte
	weights  *model.Model
	plain    *engine.Plain
	work     *work.Model
}

func newExample(t *testing.T, seed uint64, change func(*model.Manifest)) *example {
	t.Helper()
	m, err := model.Random(seed, small)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Permute(); err != nil {
		t.Fatal(err)
	}
	f, err := model.NewManifest(m, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := model.Write(&b, m, f, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	e := &example{file: b.Bytes(), weights: m}
	if change != nil {
		change(f)
	}
	if e.manifest, err = f.Encode(); err != nil {
		t.Fatal(err)
	}
	if e.work, err = work.NewModel(f); err != nil {
		t.Fatal(err)
	}
	e.id = e.work.ID()
	if e.plain, err = engine.NewPlain(m, kernel.Best(), nil); err != nil {
		t.Fatal(err)
	}
	return e
}

func easy() work.Target { return work.TargetFor(work.MaxTileWork) }

func key(n byte) ed25519.PrivateKey {
	var seed [ed25519.SeedSize]byte
	seed[0] = n
	return ed25519.NewKeyFromSeed(seed[:])
}

// mine makes a case of an honest miner's, with the digest of its trial.
func (e *example) mine(t *testing.T, tokens ...int32) (*court.Case, []*work.Ticket, model.Hash) {
	t.Helper()
	c := work.Claim{Job: work.Job{Model: e.id, Public: true, Prompt: tokens}, Beacon: model.Hash{9}}
	copy(c.Executor[:], key(1).Public().(ed25519.PublicKey))
	miner, err := work.NewMiner(e.work, e.plain, e.plain.Matrix, nil)
	if err != nil {
		t.Fatal(err)
	}
	miner.Aim(easy())
	if err := miner.Begin(0, &c); err != nil {
		t.Fatal(err)
	}
	tracer := work.NewTracer(small, kernel.Best())
	tracer.Begin(0)
	output, err := rerun.Runner{Model: e.weights, Product: engine.Watched{Product: miner, See: tracer.See}, Level: kernel.Best()}.Run(t.Context(), &c.Job)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := work.NewReceipt(e.work, &c.Job, output, tracer.End(0), key(1))
	if err != nil {
		t.Fatal(err)
	}
	text, err := receipt.Encode()
	if err != nil {
		t.Fatal(err)
	}
	tickets := miner.End(0, nil)
	of := &court.Case{Job: c.Job.Encode(), Model: e.id, Executor: c.Executor, Beacon: c.Beacon, Target: easy().Bytes(), Receipt: text}
	for _, x := range tickets {
		x.Sign(key(1))
		of.Tickets = append(of.Tickets, x.Encode())
	}
	v, err := judge.New(e.work, e.weights, e.plain, kernel.Best(), nil).Try(t.Context(), &judge.Trial{Claim: c, Target: easy()})
	if err != nil {
		t.Fatal(err)
	}
	return of, tickets, v.Digest
}

// network is a chain in memory with one validator. Transactions are included at
// once unless it loses them.
type network struct {
	mu        sync.Mutex
	height    int64
	trials    []court.Trial
	cases     map[model.Hash]*court.Case
	models    []court.Model
	manifests map[model.Hash][]byte
	loses     int // how many transactions are lost

	judged   []*court.Verdict
	revealed map[model.Hash]model.Hash
	attested map[model.Hash]string // "fit", or why not
	news     chan struct{}
}

var errAbsent = errors.New("there is none")

func newNetwork() *network {
	return &network{
		height: 10, cases: map[model.Hash]*court.Case{}, manifests: map[model.Hash][]byte{},
		revealed: map[model.Hash]model.Hash{}, attested: map[model.Hash]string{}, news: make(chan struct{}, 100),
	}
}

func (n *network) add(e *example, m court.Model) {
	m.ID = e.id
	n.models, n.manifests[e.id] = append(n.models, m), e.manifest
}

func (n *network) open(claim byte, until int64, of *court.Case) model.Hash {
	id := model.Hash{claim}
	n.trials = append(n.trials, court.Trial{Claim: id, VerdictsUntil: until})
	n.cases[id] = of
	return id
}

// close ends the time for verdicts.
func (n *network) close(claim model.Hash, until int64) {
	i := slices.IndexFunc(n.trials, func(t court.Trial) bool { return t.Claim == claim })
	n.trials[i].RevealsUntil = until
}

func (n *network) trial(claim model.Hash) *court.Trial {
	i := slices.IndexFunc(n.trials, func(t court.Trial) bool { return t.Claim == claim })
	return &n.trials[i]
}

// lost tells whether a transaction is lost on its way.
func (n *network) lost() bool {
	if n.loses > 0 {
		n.loses--
		return true
	}
	select {
	case n.news <- struct{}{}:
	default:
	}
	return false
}

func (n *network) Trials(context.Context) ([]court.Trial, int64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.trials), n.height, nil
}

func (n *network) Case(_ context.Context, claim model.Hash) (*court.Case, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if c := n.cases[claim]; c != nil {
		return c, nil
	}
	return nil, errAbsent
}

func (n *network) Models(context.Context) ([]court.Model, int64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.models), n.height, nil
}

func (n *network) Manifest(_ context.Context, id model.Hash) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if b := n.manifests[id]; b != nil {
		return b, nil
	}
	return nil, errAbsent
}

func (n *network) Judge(_ context.Context, v *court.Verdict) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.judged = append(n.judged, v)
	if !n.lost() {
		t := n.trial(v.Claim)
		t.Judged, t.Seal = true, v.Seal
	}
	return nil
}

func (n *network) Reveal(_ context.Context, claim, digest model.Hash) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.lost() {
		n.revealed[claim] = digest
		n.trial(claim).Revealed = true
	}
	return nil
}

func (n *network) Attest(_ context.Context, id model.Hash, fit bool, reason string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if fit {
		reason = "fit"
	}
	if !n.lost() {
		n.attested[id] = reason
		for i := range n.models {
			n.models[i].Attested = n.models[i].Attested || n.models[i].ID == id
		}
	}
	return nil
}

// newCourt is a court with the weights of some models.
func newCourt(t *testing.T, n *network, sources []string, has ...*example) *court.Court {
	t.Helper()
	dir := t.TempDir()
	for _, e := range has {
		if err := os.WriteFile(filepath.Join(dir, e.id.String()+weights.Extension), e.file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	store, err := weights.Open(weights.Options{Dir: dir, Sources: sources, Level: kernel.Best(), Pause: func(int) time.Duration { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	return court.New(court.Options{Operator: operator, Chain: n, Store: store, Every: time.Millisecond})
}

// serve serves the files of models.
func serve(t *testing.T, all ...*example) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, e := range all {
			if r.URL.Path == "/"+e.id.String()+weights.Extension {
				_, _ = w.Write(e.file)
				return
			}
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}
