package devnet_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cosmos/cosmos-sdk/types/query"

	"hearth/chain/beacon"
	"hearth/chain/emission"
	"hearth/chain/mine"
	registry "hearth/chain/model"
	"hearth/chain/power"
	"hearth/chain/weights"
	"hearth/chain/work"
	"hearth/chain/work/market"
	"hearth/infer/importer"
	"hearth/infer/kernel"
	"hearth/infer/mini"
	"hearth/infer/model"
	"hearth/infer/token"
	format "hearth/work"
	"hearth/work/rerun"
)

// unarmed is the validator that cannot fetch weights.
const unarmed = 3

// Four validators, each a process of its own; two miners; clients who pay for
// texts and for embeddings; a project of the commons. Then what can fail does:
// a validator, the beacon, the server of weights, and at last everything.
func TestANetworkWorksAndGoesOnWorking(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a network of processes for a minute or two")
	}
	s := newScene(t)
	e := newEmbedder(t, filepath.Join(s.Dir, "weights"))
	s.forgetSources(unarmed)
	stopBeacon := s.beside("beacon", s.ServeBeacon)
	stopContent := s.beside("content", s.ServeContent)
	for i := range s.Nodes {
		s.launch(i)
	}
	s.reach(t, 0, 2)

	var second string
	for _, part := range []struct {
		name string
		do   func(t *testing.T)
	}{
		{"a model is registered, fetched and attested", func(t *testing.T) { s.register(t, e) }},
		{"jobs are paid, mined, tried, audited and credited", func(t *testing.T) {
			second = s.join(t, 1)
			s.beside("the network's miner", func(ctx context.Context) error {
				return s.Mine(ctx, 1, func(mine.Event) {}, s.log)
			})
			s.beside("the client", func(ctx context.Context) error { return s.Order(ctx, s.log) })
			s.flows(t, e)
			s.accounts(t, s.account("miner"), second)
		}},
		{"a validator is killed and comes back", s.losesOne},
		{"the beacon falls silent, and nobody serves weights", func(t *testing.T) {
			stopContent()
			stopBeacon()
			s.silence(t)
			s.beside("beacon", s.ServeBeacon)
			s.sound(t)
		}},
		{"all are killed and come back", func(t *testing.T) { s.losesAll(t, s.account("miner"), second) }},
	} {
		if !t.Run(part.name, part.do) {
			return
		}
	}
}

// embedder is a model that embeds texts, which the network is to learn of.
type embedder struct {
	name     string
	id       model.Hash
	manifest []byte
	store    *weights.Store
	model    *format.Model
	prompt   func(n int) []int32 // of the n-th text
}

// verse is what is embedded: Emily Dickinson, "Hope is the thing with feathers"
// (1861), in the public domain.
const verse = `Hope is the thing with feathers that perches in the soul and sings the tune without the words and never
stops at all and sweetest in the gale is heard and sore must be the storm that could abash the little bird that kept so
many warm I have heard it in the chillest land and on the strangest sea yet never in extremity it asked a crumb of me`

// newEmbedder puts a model where the network serves weights: all-MiniLM-L6-v2
// if HEARTH_MINILM_DIR names the folder that it was published as, and otherwise
// one of random weights that is small enough for any computer.
func newEmbedder(t *testing.T, dir string) *embedder {
	t.Helper()
	e := &embedder{name: "random"}
	var m *model.Model
	var f *model.Manifest
	var err error
	tokenizer := []byte("{}")
	if folder := os.Getenv("HEARTH_MINILM_DIR"); folder != "" {
		e.name = "all-MiniLM-L6-v2"
		imported, err := importer.Import(t.Context(), os.DirFS(folder), importer.Options{})
		if err != nil {
			t.Fatal(err)
		}
		m, f, tokenizer = imported.Model, imported.Manifest, imported.Tokenizer
		words, err := token.Parse(tokenizer)
		if err != nil {
			t.Fatal(err)
		}
		e.prompt = func(n int) []int32 {
			all := strings.Fields(verse)
			n %= len(all)
			ids, err := words.Encode(strings.Join(append(slices.Clone(all[n:]), all[:n]...), " "), token.Options{AddSpecial: true})
			if err != nil {
				t.Error(err)
			}
			return ids
		}
	} else {
		m, err = model.Random(11, model.Config{
			Kind: model.Encoder, Family: model.BERT, Layers: 2, Width: 256, Heads: 4, KVHeads: 4, HeadSize: 64, Inner: 512,
			Vocab: 120, Context: 96, ResidualBits: 16, ActivationLimit: 95, Epsilon: 4295, BOS: 1, EOS: []int32{2}, PAD: 0, Pooling: model.Mean,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Permute(); err != nil {
			t.Fatal(err)
		}
		if f, err = model.NewManifest(m, tokenizer); err != nil {
			t.Fatal(err)
		}
		e.prompt = func(n int) []int32 {
			ids := make([]int32, 80)
			for i := range ids {
				ids[i] = int32(3 + (i*i*7+i*13+n*(i+1))%110)
			}
			return ids
		}
	}
	file := filepath.Join(t.TempDir(), "embedder"+weights.Extension)
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(model.Write(out, m, f, tokenizer), out.Close()); err != nil {
		t.Fatal(err)
	}
	if e.store, err = weights.Open(weights.Options{Dir: dir, Carried: []weights.Carried{mini.File()}, Level: kernel.Best()}); err != nil {
		t.Fatal(err)
	}
	if e.id, err = e.store.Add(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	// With the blocks that admission refuses, which came when it was taken in.
	if f, err = e.store.Manifest(e.id); err != nil {
		t.Fatal(err)
	}
	if e.manifest, err = f.Encode(); err != nil {
		t.Fatal(err)
	}
	if e.model, err = format.NewModel(f); err != nil {
		t.Fatal(err)
	}
	return e
}

// forgetSources takes from a node the addresses that weights are fetched from.
func (s *scene) forgetSources(i int) {
	s.t.Helper()
	file := s.Files(i).AppConfig()
	b, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	with := []byte(`weights = ["http://` + s.Content + `/weights"]`)
	if !bytes.Contains(b, with) {
		s.t.Fatalf("%s does not say where weights are fetched from", file)
	}
	if err := os.WriteFile(file, bytes.Replace(b, with, []byte("weights = []"), 1), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// register proposes the embedder, and waits until validators that fetched it by
// its hash found it fit.
func (s *scene) register(t *testing.T, e *embedder) {
	// The source is on this machine, where validators fetch from nobody but whom
	// their own operators name.
	msg := &registry.MsgRegister{
		Registrant: s.alice.Address, Name: e.name, Licence: "Apache-2.0",
		Sources: []string{"https://example.org/weights"}, Manifest: e.manifest,
	}
	if err := s.alice.Send(t.Context(), 50_000_000, msg); err != nil {
		t.Fatal(err)
	}
	var found *registry.QueryModelResponse
	s.until(t, "the model is active", func(ctx context.Context) (ok bool, err error) {
		found, err = registry.NewQueryClient(s.conns[1]).Model(ctx, &registry.QueryModelRequest{Id: e.id.String()})
		return err == nil && found.Model.Status == registry.Status_STATUS_ACTIVE, err
	})
	for _, a := range found.Attestations {
		if !a.Fit || a.Validator == s.Nodes[unarmed].Operator {
			t.Errorf("%s says of the model: fit %v, %q", a.Validator, a.Fit, a.Reason)
		}
	}
	if len(found.Attestations) != unarmed {
		t.Errorf("%d validators have attested", len(found.Attestations))
	}
	for i := range s.Nodes {
		_, err := os.Stat(filepath.Join(s.Files(i).Home, "weights", e.id.String()+weights.Extension))
		if has := !errors.Is(err, fs.ErrNotExist); has != (i != unarmed) {
			t.Errorf("%s has the weights: %v", s.Nodes[i].Name, has)
		}
	}
	s.reach(t, 0, found.Model.ActiveFrom)
}

// embeddings posts so many jobs to embed texts, from the n-th on.
func (s *scene) embeddings(t *testing.T, e *embedder, n, many int) {
	t.Helper()
	now := answer(s.at(t, 0, 0), bound(work.NewQueryClient(s.conns[0]).Market), &work.QueryMarketRequest{})
	for i := range many {
		job := format.Job{Model: e.id, Public: true, Prompt: e.prompt(n + i)}
		fee := market.Cost(now.Market.BaseFee, format.Cost(e.model.Config(), len(job.Prompt), 0))
		msg := &work.MsgPostJob{Client: s.alice.Address, Job: job.Encode(), MaxFee: 4*fee + 1, Tip: 5000}
		if err := s.alice.Send(t.Context(), 2_000_000, msg); err != nil {
			t.Fatal(err)
		}
	}
}

// flows waits until a text, an embedding, a commons job and an audit were
// credited, and holds each against a run of its own.
func (s *scene) flows(t *testing.T, e *embedder) {
	posted := 0
	more := func() {
		s.embeddings(t, e, posted, 3)
		posted += 3
	}
	more()
	ask := work.NewQueryClient(s.conns[2])
	var text, embedding, audit *work.QueryClaimResponse
	s.until(t, "a text, an embedding and an audit are credited", func(ctx context.Context) (bool, error) {
		out, err := ask.Claims(ctx, &work.QueryClaimsRequest{Pagination: &query.PageRequest{Limit: 1000, Reverse: true}})
		if err != nil {
			return false, err
		}
		for _, c := range out.Claims {
			embeds := bytes.Equal(c.Model, e.id[:])
			var to **work.QueryClaimResponse
			switch {
			case c.Status != work.CLAIM_STATUS_SETTLED || c.Tickets == 0 || c.Pending > 0:
				continue
			case c.Class == work.CLASS_AUDIT:
				to = &audit
			case c.Class == work.CLASS_PAID && embeds:
				to = &embedding
			case c.Class == work.CLASS_PAID:
				to = &text
			default:
				continue
			}
			if *to == nil {
				found, err := ask.Claim(ctx, &work.QueryClaimRequest{Key: hexed(c.Key)})
				if err != nil {
					return false, err
				}
				if whole(found) {
					*to = found
				}
			}
		}
		open, err := ask.Jobs(ctx, &work.QueryJobsRequest{Status: work.JOB_STATUS_OPEN})
		if err != nil {
			return false, err
		}
		if !slices.ContainsFunc(open.Jobs, func(j work.Job) bool { return bytes.Equal(j.Model, e.id[:]) }) && posted < 48 {
			more()
		}
		return text != nil && embedding != nil && audit != nil, nil
	})
	for name, c := range map[string]*work.QueryClaimResponse{"text": text, "embedding": embedding, "audit": audit} {
		s.same(t, e, name, c)
	}
	first := answer(s.at(t, 2, 0), bound(ask.Job), &work.QueryJobRequest{Id: hexed(audit.Claim.Job)})
	if first.Claim == nil || first.Claim.Owner == audit.Claim.Owner || !bytes.Equal(first.Claim.Output, audit.Claim.Output) {
		t.Errorf("the audit of %x found %x by %s, the claim %+v", audit.Claim.Job, audit.Claim.Output, audit.Claim.Owner, first.Claim)
	}
	s.until(t, "a commons job is credited", func(ctx context.Context) (bool, error) {
		out, err := ask.Tally(ctx, &work.QueryTallyRequest{})
		return err == nil && out.Tally.MegaCommons > 0, err
	})
	s.tried(t, embedding.Claim.Key)
}

// bound is a question of a query client without its options.
func bound[Q, A, O any](ask func(context.Context, *Q, ...O) (*A, error)) func(context.Context, *Q) (*A, error) {
	return func(ctx context.Context, q *Q) (*A, error) { return ask(ctx, q) }
}

// whole tells whether all tickets of a claim were credited.
func whole(c *work.QueryClaimResponse) bool {
	for _, ticket := range c.Tickets {
		if ticket.Status != work.TICKET_STATUS_CREDITED || ticket.Macs == 0 {
			return false
		}
	}
	return len(c.Tickets) > 0
}

// same runs the job of a claim here: the receipt on the chain must say what
// comes of it.
func (s *scene) same(t *testing.T, e *embedder, name string, c *work.QueryClaimResponse) {
	t.Helper()
	r, err := format.ParseReceipt(c.Receipt)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if r.Disclosed == nil {
		t.Fatalf("%s: the receipt discloses nothing", name)
	}
	job, err := format.DecodeJob(r.Disclosed.Job)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	m, plain, err := e.store.Weights(t.Context(), job.Model)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	want, err := rerun.Runner{Model: m, Product: plain, Level: kernel.Best()}.Run(t.Context(), job)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if !slices.Equal(r.Disclosed.Output, want) {
		t.Errorf("%s: the receipt says %v, running the job gives %v", name, r.Disclosed.Output, want)
	}
}

// tried checks that those who have the weights judged a claim, and the one
// without did not.
func (s *scene) tried(t *testing.T, claim []byte) {
	t.Helper()
	out := answer(s.at(t, 0, 0), bound(work.NewQueryClient(s.conns[0]).Trial), &work.QueryTrialRequest{Claim: hexed(claim)})
	if !out.Trial.Closed || len(out.Trial.Digest) == 0 || len(out.Verdicts) < unarmed {
		t.Errorf("the trial: %+v, %d verdicts", out.Trial, len(out.Verdicts))
	}
	for _, v := range out.Verdicts {
		if v.Standing != work.STANDING_STOOD || v.Validator == s.Nodes[unarmed].Operator {
			t.Errorf("a verdict of %s: %v", v.Validator, v.Standing)
		}
	}
}

// accounts checks the coins after one block: what was minted and burned, and
// what the owners of miners got.
func (s *scene) accounts(t *testing.T, owners ...string) {
	t.Helper()
	var height int64
	s.until(t, "the audit is counted and both owners are paid", func(ctx context.Context) (bool, error) {
		height = s.height(t, 0) - 1
		for _, o := range owners {
			out, err := emission.NewQueryClient(s.conns[0].WithHeight(height)).Earned(ctx, &emission.QueryEarnedRequest{Owner: o})
			if err != nil || out.Earned.PaidOut == 0 {
				return false, err
			}
		}
		out, err := work.NewQueryClient(s.conns[0].WithHeight(height)).Tally(ctx, &work.QueryTallyRequest{})
		return err == nil && out.Tally.MegaAudit > 0, err
	})
	before, now := s.at(t, 0, 1), s.at(t, 0, height)
	tally := now.tally()
	minted := answer(now, bound(emission.NewQueryClient(now.conn).Status), &emission.QueryStatusRequest{}).State.Minted
	// What is gone besides was burned as fees of transactions, of which the hot
	// account paid some: it does nothing but pay them.
	gone := before.supply() + int64(minted) - int64(tally.Burned) - now.supply()
	fees := before.balance(s.account("miner-hot")) - now.balance(s.account("miner-hot"))
	if tally.Burned == 0 || minted == 0 || fees <= 0 || gone < fees {
		t.Errorf("at block %d there are %d uhth: there were %d, %d were minted, %d burned for work, and %d as fees of one account",
			height, now.supply(), before.supply(), minted, tally.Burned, fees)
	}
	if tally.TicketsVoided > 0 || tally.JobsLost > 0 || tally.MegaPaid == 0 || tally.MegaAudit == 0 || tally.MegaCommons == 0 {
		t.Errorf("the tally: %+v", tally)
	}
	// The owner's key was never used: what it has more than in the beginning was
	// earned, by emission or as tips.
	paid := answer(now, bound(emission.NewQueryClient(now.conn).Earned), &emission.QueryEarnedRequest{Owner: owners[0]}).Earned.PaidOut
	if more := now.balance(owners[0]) - before.balance(owners[0]); more < int64(paid) {
		t.Errorf("the owner was paid %d uhth and has %d more", paid, more)
	}
	if out := answer(now, bound(power.NewQueryClient(now.conn).Penalties), &power.QueryPenaltiesRequest{}); len(out.Penalties) > 0 {
		t.Errorf("validators were punished: %+v", out.Penalties)
	}
	t.Logf("at block %d: %+v, %d uhth minted", height, tally, minted)
}

// silence waits until the fallback decides claims.
func (s *scene) silence(t *testing.T) {
	var since int64
	s.until(t, "the chain notices that the beacon is silent", func(ctx context.Context) (bool, error) {
		out, err := beacon.NewQueryClient(s.conns[0]).Status(ctx, &beacon.QueryStatusRequest{})
		if err != nil || !out.State.Stale || out.State.Reveals == 0 {
			return false, err
		}
		since = s.height(t, 0)
		return true, nil
	})
	ask := work.NewQueryClient(s.conns[1])
	s.until(t, "a claim is settled whose beacon validators made", func(ctx context.Context) (bool, error) {
		out, err := ask.Claims(ctx, &work.QueryClaimsRequest{Pagination: &query.PageRequest{Limit: 200, Reverse: true}})
		if err != nil {
			return false, err
		}
		for _, c := range out.Claims {
			if c.Height < since || c.Status != work.CLAIM_STATUS_SETTLED {
				continue
			}
			v, err := beacon.NewQueryClient(s.conns[1]).Value(ctx, &beacon.QueryValueRequest{Height: c.Height})
			if err != nil {
				return false, err
			}
			if v.Value.Reveal > 0 && v.Value.Round == 0 && len(v.Value.Value) == 32 {
				return true, nil
			}
		}
		return false, nil
	})
}

// sound waits until the chain follows the beacon again.
func (s *scene) sound(t *testing.T) {
	before := answer(s.at(t, 0, 0), bound(beacon.NewQueryClient(s.conns[0]).Status), &beacon.QueryStatusRequest{}).State.LastRound
	s.until(t, "the chain follows the beacon again", func(ctx context.Context) (bool, error) {
		out, err := beacon.NewQueryClient(s.conns[0]).Status(ctx, &beacon.QueryStatusRequest{})
		return err == nil && !out.State.Stale && out.State.LastRound > before, err
	})
}
