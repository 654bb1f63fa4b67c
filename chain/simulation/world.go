package simulation

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/beacon"
	"hearth/chain/beacon/drand"
	"hearth/chain/commons/tree"
	"hearth/chain/stage"
	chainwork "hearth/chain/work"
	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/work"
)

// world is a network with the people in it, and what only the simulation knows.
type world struct {
	r      *rand.Rand
	chain  *stage.Chain
	report Report

	model     *work.Model
	clients   []*stage.Person
	miners    []*miner
	operators []*operator // those that are validators come first to begin with
	relay     drand.SecretKey
	rounds    drand.Chain

	jobs   map[[32]byte]*work.Job // all there are
	lists  map[uint64]*tree.List  // of projects
	made   []*tree.List           // in the order of proposals
	madeUp map[[32]byte]bool      // nullifiers of tickets that hold nothing
	old    [][]byte               // tickets that were sent, for sending them again
	silent int                    // blocks that the beacon stays away for
	taken  bool                   // those who cheat had a third of power once
	sent   []sending              // of the block under way
}

// sending is a transaction and what is in it.
type sending struct {
	bytes []byte
	what  []string
}

func newWorld(seed uint64) (*world, error) {
	w := &world{
		r:      rand.New(rand.NewPCG(seed, 0x68656172_7468)),
		report: Report{}, jobs: map[[32]byte]*work.Job{}, lists: map[uint64]*tree.List{}, madeUp: map[[32]byte]bool{},
	}
	f, err := newManifest()
	if err != nil {
		return nil, err
	}
	if w.model, err = work.NewModel(f); err != nil {
		return nil, err
	}
	if w.relay, err = drand.NewSecretKey([]byte("the relay of a simulated network")); err != nil {
		return nil, err
	}
	w.rounds = drand.Local(w.relay.Public(), stage.Start().Unix()-60, uint32(1+w.r.IntN(3)))
	if err := w.populate(); err != nil {
		return nil, err
	}
	state, err := w.genesis(f, w.operators[:4+w.r.IntN(3)])
	if err != nil {
		return nil, err
	}
	w.chain, err = stage.NewChain(state, stage.Start(), func(*work.Model) (chainwork.Bench, bool) {
		return scale{work.NewVerifier(w.model, kernel.Best())}, true
	})
	return w, err
}

// populate makes the people: most are honest.
func (w *world) populate() error {
	for i := range 8 {
		c := honest
		if i > 2 && w.chance(300) {
			c = lazy + character(w.r.IntN(2))
		}
		o, err := stage.NewOperator(fmt.Sprintf("operator %d", i))
		if err != nil {
			return err
		}
		w.operators = append(w.operators, &operator{Operator: o, character: c})
	}
	for i := range 4 {
		c := honest
		if i > 1 && w.chance(500) {
			c = lazy + character(w.r.IntN(2))
		}
		w.miners = append(w.miners, &miner{stage.NewMiner(fmt.Sprintf("miner %d", i)), c})
	}
	for i := range 3 {
		w.clients = append(w.clients, stage.NewPerson(fmt.Sprintf("client %d", i)))
	}
	return nil
}

func (w *world) everybody() []*stage.Person {
	all := slices.Clone(w.clients)
	for _, m := range w.miners {
		all = append(all, m.Owner, m.Hot)
	}
	for _, o := range w.operators {
		all = append(all, o.Person)
	}
	return all
}

// chance is true so many times in a thousand.
func (w *world) chance(permille int) bool { return w.r.IntN(1000) < permille }

// one picks.
func one[E any](w *world, of []E) E { return of[w.r.IntN(len(of))] }

// send puts messages of somebody into the next block.
func (w *world) send(p *stage.Person, msgs ...sdk.Msg) error {
	fee := uint64(0)
	if w.chance(200) {
		fee = 1 + w.r.Uint64N(1000)
	}
	b, err := p.Transaction(fee, 6_000_000, msgs...)
	if err != nil {
		return err
	}
	s := sending{bytes: b}
	for _, m := range msgs {
		s.what = append(s.what, sdk.MsgTypeURL(m)[1:])
	}
	w.sent = append(w.sent, s)
	return nil
}

// block lets people act, makes a block of it and looks whether all is well.
func (w *world) block() error {
	w.sent = nil
	if err := w.know(); err != nil {
		return err
	}
	for _, act := range []func() error{w.trade, w.mine, w.judge, w.govern, w.propose, w.validate} {
		if w.chain.Height < 1 {
			break // there is no state to read yet
		}
		if err := act(); err != nil {
			return err
		}
	}
	if w.chance(50) && len(w.sent) > 0 { // the pool of a proposer may hold nonsense
		w.sent = append(w.sent, sending{bytes: []byte("no transaction"), what: []string{"nonsense"}})
	}
	h := w.happening()
	for _, s := range w.sent {
		h.Txs = append(h.Txs, s.bytes)
	}
	txs, results, err := w.chain.Block(h)
	if err != nil {
		return err
	}
	if err := w.count(txs, results); err != nil {
		return err
	}
	return w.chain.Sound()
}

// know brings accounts' numbers up to date.
func (w *world) know() error {
	if w.chain.Height == 0 {
		return nil
	}
	ctx, accounts := w.chain.Ctx(), w.chain.Nodes[0].Account
	for _, p := range w.everybody() {
		a := accounts.GetAccount(ctx, sdk.AccAddress(p.Key.PubKey().Address()))
		if a == nil {
			return fmt.Errorf("the account of %s is gone", p.Name)
		}
		p.Number, p.Sequence = a.GetAccountNumber(), a.GetSequence()
	}
	return nil
}

// count notes what became of the messages.
func (w *world) count(txs [][]byte, results []*abci.ExecTxResult) error {
	if len(txs) != len(results) {
		return fmt.Errorf("%d transactions have %d results", len(txs), len(results))
	}
	for _, s := range w.sent {
		if s.what[0] == "nonsense" && !slices.ContainsFunc(txs, func(tx []byte) bool { return bytes.Equal(tx, s.bytes) }) {
			w.report["nonsense left out"]++
		}
	}
	for i, tx := range txs {
		at := slices.IndexFunc(w.sent, func(s sending) bool { return string(s.bytes) == string(tx) })
		if at < 0 {
			return errors.New("the block has a transaction that nobody sent")
		}
		outcome := "ok"
		if results[i].Code != 0 {
			outcome = "refused"
		}
		for _, what := range w.sent[at].what {
			w.report[what+" "+outcome]++
		}
		if results[i].Codespace == "undefined" || strings.Contains(results[i].Log, "panic") {
			return fmt.Errorf("a transaction of %v fails without a reason of its module: %s", w.sent[at].what, results[i].Log)
		}
	}
	return nil
}

// happening decides what comes with the next block beside transactions.
func (w *world) happening() stage.Happening {
	c := w.chain
	proposer := one(w, c.Current)
	h := stage.Happening{
		Wait: time.Duration(1+w.r.IntN(2)) * time.Second, Proposer: proposer.Address,
		Absent: func(address []byte) bool {
			o, _ := w.operatorAt(address)
			return o == nil || o.asleep
		},
	}
	if w.silent > 0 {
		w.silent--
	} else if w.chance(20) {
		w.silent = 1 + w.r.IntN(12)
	}
	now := c.Now.Add(h.Wait).Unix()
	h.Beacon = beacon.Sources{
		Rounds: func(first uint64, most int) []drand.Signature { return w.published(first, most, now) },
	}
	if _, i := w.operatorAt(proposer.Address); i != nil {
		h.Beacon.Reveal = func(m []byte) (drand.Signature, error) { return i.Beacon.Sign(drand.Reveals, m) }
	}
	if w.chance(15) && c.Height > 3 {
		twice := one(w, c.Last)
		w.report["evidence of signing twice"]++
		h.Evidence = []abci.Misbehavior{{
			Type: abci.MisbehaviorType_DUPLICATE_VOTE, Validator: abci.Validator{Address: twice.Address, Power: twice.Power},
			Height: c.Height - int64(w.r.IntN(3)), Time: c.Now, TotalVotingPower: twice.Power,
		}}
	}
	return h
}

// published are the rounds that are out, unless the beacon is silent.
func (w *world) published(first uint64, most int, now int64) (out []drand.Signature) {
	if w.silent > 0 {
		return nil
	}
	for n := first; len(out) < most && w.rounds.TimeOf(n) <= now; n++ {
		r, err := w.relay.SignRound(n)
		if err != nil {
			return out
		}
		out = append(out, r.Signature)
	}
	return out
}

// operatorAt finds who signs with a consensus address, and with what else.
func (w *world) operatorAt(address []byte) (*operator, *stage.Identity) {
	for _, o := range w.operators {
		for k := range o.Keys {
			if string(o.Keys[k].Consensus.PubKey().Address()) == string(address) {
				return o, &o.Keys[k]
			}
		}
	}
	return nil, nil
}

// newJobs are jobs that nobody has posted.
func (w *world) newJobs(n int) []*work.Job {
	out := make([]*work.Job, n)
	for i := range out {
		out[i] = newJob(w.r, w.model.ID())
		w.jobs[out[i].ID()] = out[i]
	}
	return out
}

func (w *world) job(id []byte) *work.Job { return w.jobs[model.Hash(id)] }
