package adversary_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/adversary"
	"hearth/chain/beacon"
	"hearth/chain/beacon/drand"
	"hearth/chain/judge"
	chainmodel "hearth/chain/model"
	"hearth/chain/power"
	"hearth/chain/stage"
	chainwork "hearth/chain/work"
	"hearth/infer/mini"
	"hearth/infer/model"
	"hearth/work"
)

// manner is how a validator judges.
type manner int

const (
	honestly manner = iota
	lazily          // without running the job: nothing is ever wrong
	lying           // everything is wrong, with a seal of the real run
)

// network is four validators, and whoever a test brings.
type network struct {
	*adversary.Kit
	t         *testing.T
	chain     *stage.Chain
	operators []*stage.Operator
	manners   [4]manner
	client    *stage.Person
	miner     *stage.Miner // an honest one
	rogue     *stage.Miner
	relay     drand.SecretKey
	rounds    drand.Chain
	verdicts  map[string]*judge.Verdict // by claim: all who run a job find the same
	jobs      int
}

// open begins a network whose parameters of work a test may change.
func open(t *testing.T, k *adversary.Kit, change func(*chainwork.Params)) *network {
	t.Helper()
	n := &network{
		Kit: k, t: t, client: stage.NewPerson("client"), miner: stage.NewMiner("honest miner"), rogue: stage.NewMiner("rogue"),
		verdicts: map[string]*judge.Verdict{},
	}
	var err error
	if n.relay, err = drand.NewSecretKey([]byte("the relay of the network with adversaries")); err != nil {
		t.Fatal(err)
	}
	n.rounds = drand.Local(n.relay.Public(), stage.Start().Unix()-60, 1)
	g, err := stage.NewWriter()
	if err != nil {
		t.Fatal(err)
	}
	people := []*stage.Person{n.client, n.miner.Owner, n.miner.Hot, n.rogue.Owner, n.rogue.Hot}
	var names []string
	for i := range 4 {
		o, err := stage.NewOperator(fmt.Sprintf("validator %d", i))
		if err != nil {
			t.Fatal(err)
		}
		n.operators = append(n.operators, o)
		people = append(people, o.Person)
		names = append(names, o.Address)
	}
	slices.Sort(names)
	g.People(people)
	g.Found(n.operators, nil)
	stage.Edit(g, power.ModuleName, func(s *power.GenesisState) error {
		s.Params = power.FastParams()
		s.Params.DayBlocks = 10_000
		return nil
	})
	stage.Edit(g, beacon.ModuleName, func(s *beacon.GenesisState) error {
		s.Params = beacon.LocalParams(n.rounds)
		return nil
	})
	stage.Edit(g, chainmodel.ModuleName, func(s *chainmodel.GenesisState) error {
		s.Params = chainmodel.FastParams()
		_, err := s.Founded(k.Manifest, mini.Name, "Apache-2.0", []string{"https://example.org/hearth-mini"}, names)
		return err
	})
	stage.Edit(g, chainwork.ModuleName, func(s *chainwork.GenesisState) error {
		s.Params = chainwork.FastParams()
		s.Params.Window, s.Params.VerdictPeriod, s.Params.RevealPeriod, s.Params.AuditPermille = 6, 4, 3, 0
		if change != nil {
			change(&s.Params)
		}
		return nil
	})
	state, err := g.Finish()
	if err != nil {
		t.Fatal(err)
	}
	n.chain, err = stage.NewChain(state, stage.Start(), func(*work.Model) (chainwork.Bench, bool) { return k.Bench, true })
	if err != nil {
		t.Fatal(err)
	}
	n.block()
	for _, m := range []*stage.Miner{n.miner, n.rogue} {
		n.takes(m.Owner, &chainwork.MsgRegisterMiner{Owner: m.Owner.Address, Hot: m.Hot.Address, Executor: m.Key(), Proof: m.Proof(), Bond: 20e6})
	}
	return n
}

// know brings somebody's account number up to date.
func (n *network) know(p *stage.Person) {
	n.t.Helper()
	a := n.chain.Nodes[0].Account.GetAccount(n.chain.Ctx(), sdk.AccAddress(p.Key.PubKey().Address()))
	if a == nil {
		n.t.Fatalf("%s has no account", p.Name)
	}
	p.Number, p.Sequence = a.GetAccountNumber(), a.GetSequence()
}

func (n *network) sign(p *stage.Person, msgs ...sdk.Msg) []byte {
	n.t.Helper()
	n.know(p)
	b, err := p.Transaction(0, 20_000_000, msgs...)
	if err != nil {
		n.t.Fatal(err)
	}
	return b
}

// block makes one of transactions and of what the validators owe; the results
// are those of the transactions, nil where the proposer left one out.
func (n *network) block(txs ...[]byte) []*abci.ExecTxResult {
	n.t.Helper()
	h := stage.Happening{
		Wait: time.Second, Proposer: n.chain.Current[int(n.chain.Height)%len(n.chain.Current)].Address,
		Absent: func([]byte) bool { return false }, Txs: slices.Clone(txs),
	}
	if n.chain.Height > 0 {
		h.Txs = append(h.Txs, n.duties()...)
	}
	now := n.chain.Now.Add(h.Wait).Unix()
	h.Beacon.Rounds = func(first uint64, most int) (out []drand.Signature) {
		for i := first; len(out) < most && n.rounds.TimeOf(i) <= now; i++ {
			r, err := n.relay.SignRound(i)
			if err != nil {
				n.t.Fatal(err)
			}
			out = append(out, r.Signature)
		}
		return out
	}
	in, results, err := n.chain.Block(h)
	if err == nil {
		err = n.chain.Sound()
	}
	if err != nil {
		n.t.Fatalf("block %d: %v", n.chain.Height, err)
	}
	out := make([]*abci.ExecTxResult, len(txs))
	for i, tx := range txs {
		for j := range in {
			if string(in[j]) == string(tx) {
				out[i] = results[j]
			}
		}
	}
	return out
}

// takes sends messages that must be taken.
func (n *network) takes(p *stage.Person, msgs ...sdk.Msg) *abci.ExecTxResult {
	n.t.Helper()
	r := n.block(n.sign(p, msgs...))[0]
	if r == nil || r.Code != 0 {
		n.t.Fatalf("%T of %s is not taken: %v", msgs[0], p.Name, r)
	}
	return r
}

// refused sends messages that a block may hold and that must fail, with a
// reason.
func (n *network) refused(says string, p *stage.Person, msgs ...sdk.Msg) {
	n.t.Helper()
	r := n.block(n.sign(p, msgs...))[0]
	if r == nil || r.Code == 0 || !strings.Contains(r.Log, says) {
		n.t.Errorf("%T of %s: %v, not refused for %q", msgs[0], p.Name, r, says)
	}
}

// kept sends messages that no node takes into its pool, no honest proposer into
// its block, and for which every validator refuses a block.
func (n *network) kept(says string, p *stage.Person, msgs ...sdk.Msg) {
	n.t.Helper()
	tx := n.sign(p, msgs...)
	for _, a := range n.chain.Nodes {
		r, err := a.CheckTx(&abci.RequestCheckTx{Tx: tx})
		if err == nil && (r.Code == 0 || !strings.Contains(r.Log, says)) {
			n.t.Errorf("the pool: code %d, %q, not refused for %q", r.Code, r.Log, says)
		}
		if err != nil && !strings.Contains(err.Error(), says) {
			n.t.Errorf("the pool: %v, not refused for %q", err, says)
		}
		res, err := a.ProcessProposal(&abci.RequestProcessProposal{
			Txs: [][]byte{tx}, Height: n.chain.Height + 1, Time: n.chain.Now.Add(time.Second), ProposerAddress: n.chain.Current[0].Address,
		})
		if err != nil || res.Status != abci.ResponseProcessProposal_REJECT {
			n.t.Errorf("a block with it: %v, %v, not refused", res, err)
		}
	}
	if r := n.block(tx)[0]; r != nil {
		n.t.Errorf("an honest proposer takes it: %v", r)
	}
}

func (n *network) ask() chainwork.QueryClient { return chainwork.NewQueryClient(n.chain.Asked()) }

func (n *network) claim(key []byte) chainwork.Claim {
	n.t.Helper()
	res, err := n.ask().Claim(context.Background(), &chainwork.QueryClaimRequest{Key: fmt.Sprintf("%x", key)})
	if err != nil {
		n.t.Fatal(err)
	}
	return res.Claim
}

func (n *network) ticket(b []byte) chainwork.Ticket {
	n.t.Helper()
	t, err := work.DecodeTicket(b)
	if err != nil {
		n.t.Fatal(err)
	}
	res, err := n.ask().Ticket(context.Background(), &chainwork.QueryTicketRequest{Nullifier: t.Nullifier().String()})
	if err != nil {
		n.t.Fatal(err)
	}
	return res.Ticket
}

func (n *network) minerNow(m *stage.Miner) chainwork.Miner {
	n.t.Helper()
	res, err := n.ask().Miner(context.Background(), &chainwork.QueryMinerRequest{Owner: m.Owner.Address})
	if err != nil {
		n.t.Fatal(err)
	}
	return res.Miner
}

// penalties are the reasons for which a validator was punished.
func (n *network) penalties(o *stage.Operator) (reasons []string) {
	n.t.Helper()
	res, err := power.NewQueryClient(n.chain.Asked()).Penalties(context.Background(), &power.QueryPenaltiesRequest{})
	if err != nil {
		n.t.Fatal(err)
	}
	for _, p := range res.Penalties {
		if p.Who == o.Address {
			if p.Amount == 0 {
				n.t.Errorf("%s is punished by nothing: %s", o.Name, p.Reason)
			}
			reasons = append(reasons, p.Reason)
		}
	}
	return reasons
}

// newJob is one that nobody has posted, to go on from sentences of Conan Doyle's.
func (n *network) newJob() *work.Job {
	n.t.Helper()
	n.jobs++
	j, err := n.Job(n.jobs)
	if err != nil {
		n.t.Fatal(err)
	}
	return j
}

// post offers a job.
func (n *network) post(j *work.Job) {
	n.t.Helper()
	n.takes(n.client, &chainwork.MsgPostJob{Client: n.client.Address, Job: j.Encode(), MaxFee: 1e6, Tip: 1000})
}

// take claims a posted job and waits until it may be mined.
func (n *network) take(m *stage.Miner, j *work.Job) chainwork.Claim {
	n.t.Helper()
	n.takes(m.Hot, taking(m, j))
	id := j.ID()
	key := chainwork.ClaimKey(id[:], m.Key())
	for range 10 {
		if c := n.claim(key[:]); c.Status == chainwork.CLAIM_STATUS_OPEN {
			return c
		}
		n.block()
	}
	n.t.Fatalf("claim %v does not open: %v", key, n.claim(key[:]))
	return chainwork.Claim{}
}

// taking claims jobs.
func taking(m *stage.Miner, jobs ...*work.Job) *chainwork.MsgClaim {
	msg := &chainwork.MsgClaim{Hot: m.Hot.Address}
	for _, j := range jobs {
		id := j.ID()
		msg.Takes = append(msg.Takes, chainwork.Take{Job: id[:]})
	}
	return msg
}

// mine runs a claimed job and returns what came of it.
func (n *network) mine(m *stage.Miner, c chainwork.Claim, j *work.Job) (tickets [][]byte, receipt []byte) {
	n.t.Helper()
	tickets, receipt, err := n.Mine(n.t.Context(), m, c, j)
	if err != nil {
		n.t.Fatal(err)
	}
	return tickets, receipt
}

// honest mines a claim as it should be.
func (n *network) honest(m *stage.Miner, c chainwork.Claim, j *work.Job) (tickets [][]byte, receipt []byte) {
	n.t.Helper()
	tickets, receipt = n.mine(m, c, j)
	if len(tickets) < 2 {
		n.t.Fatalf("the job has %d tickets: too few to try anything with", len(tickets))
	}
	return tickets[:2], receipt
}

func (n *network) submit(m *stage.Miner, c chainwork.Claim, tickets ...[]byte) *chainwork.MsgSubmitTickets {
	return &chainwork.MsgSubmitTickets{Hot: m.Hot.Address, Claim: c.Key, Tickets: tickets}
}

func (n *network) deliver(m *stage.Miner, c chainwork.Claim, receipt []byte) *chainwork.MsgDeliver {
	return &chainwork.MsgDeliver{Hot: m.Hot.Address, Claim: c.Key, Receipt: receipt}
}

// settled waits for the end of a claim.
func (n *network) settled(key []byte) chainwork.Claim {
	n.t.Helper()
	for range 30 {
		switch c := n.claim(key); c.Status {
		case chainwork.CLAIM_STATUS_SETTLED, chainwork.CLAIM_STATUS_LOST, chainwork.CLAIM_STATUS_RETURNED:
			return c
		}
		n.block()
	}
	n.t.Fatalf("claim %x has no end", key)
	return chainwork.Claim{}
}

// earns mines a job honestly and looks that it is credited: whatever happens
// beside, honest work goes on.
func (n *network) earns() {
	n.t.Helper()
	j := n.newJob()
	n.post(j)
	c := n.take(n.miner, j)
	tickets, receipt := n.honest(n.miner, c, j)
	n.takes(n.miner.Hot, n.submit(n.miner, c, tickets...))
	n.takes(n.miner.Hot, n.deliver(n.miner, c, receipt))
	if end := n.settled(c.Key); end.Status != chainwork.CLAIM_STATUS_SETTLED {
		n.t.Errorf("an honest claim ends %v: %s", end.Status, end.Reason)
	}
	for _, b := range tickets {
		if kept := n.ticket(b); kept.Status != chainwork.TICKET_STATUS_CREDITED {
			n.t.Errorf("an honest ticket ends %v: %s", kept.Status, kept.Reason)
		}
	}
}

// duties are the verdicts and reveals that validators owe.
func (n *network) duties() (txs [][]byte) {
	n.t.Helper()
	ctx := context.Background()
	trials, err := n.ask().Trials(ctx, &chainwork.QueryTrialsRequest{})
	if err != nil {
		n.t.Fatal(err)
	}
	var owed [4][]sdk.Msg
	for _, trial := range trials.Trials {
		if trial.Closed {
			continue
		}
		res, err := n.ask().Trial(ctx, &chainwork.QueryTrialRequest{Claim: fmt.Sprintf("%x", trial.Claim)})
		if err != nil {
			n.t.Fatal(err)
		}
		v := n.try(res)
		for i, o := range n.operators {
			given := slices.ContainsFunc(res.Verdicts, func(v chainwork.Verdict) bool { return v.Validator == o.Address })
			switch {
			case trial.RevealsUntil == 0 && !given:
				owed[i] = append(owed[i], n.verdict(i, res, v))
			case trial.RevealsUntil > 0 && i == 0 && len(trial.Digest) == 0:
				owed[i] = append(owed[i], &chainwork.MsgReveal{Validator: o.Address, Claim: trial.Claim, Digest: v.Digest[:]})
			}
		}
	}
	for i, msgs := range owed {
		if len(msgs) > 0 {
			txs = append(txs, n.sign(n.operators[i].Person, msgs...))
		}
	}
	return txs
}

// try runs a claim, once for all validators.
func (n *network) try(res *chainwork.QueryTrialResponse) *judge.Verdict {
	n.t.Helper()
	if v := n.verdicts[string(res.Trial.Claim)]; v != nil {
		return v
	}
	v, err := n.Try(n.t.Context(), res)
	if err != nil {
		n.t.Fatal(err)
	}
	n.verdicts[string(res.Trial.Claim)] = v
	return v
}

// verdict is what a validator says in its manner.
func (n *network) verdict(i int, res *chainwork.QueryTrialResponse, v *judge.Verdict) sdk.Msg {
	n.t.Helper()
	o := n.operators[i]
	switch n.manners[i] {
	case lazily:
		return adversary.Lazy(o.Address, res.Trial.Claim)
	case lying:
		lie, err := adversary.Lie(o.Address, res, v)
		if err != nil {
			n.t.Fatal(err)
		}
		return lie
	}
	seal := judge.Seal(o.Address, v.Digest)
	m := &chainwork.MsgJudge{Validator: o.Address, Claim: res.Trial.Claim, ReceiptWrong: v.Receipt != nil, Seal: seal[:]}
	if res.Against != nil {
		j, err := work.DecodeJob(res.Encoding)
		if err != nil {
			n.t.Fatal(err)
		}
		m.AgainstWrong = work.OutputHash(j, v.Output) != model.Hash(res.Against.Output)
	}
	for _, f := range v.Faults {
		m.Faults = append(m.Faults, chainwork.Fault{Nullifier: slices.Clone(f.Nullifier[:]), Reason: string(f.Reason)})
	}
	return m
}
