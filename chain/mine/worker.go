package mine

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"hearth/chain/commons/library"
	"hearth/chain/commons/tree"
	"hearth/chain/keys"
	"hearth/chain/light"
	"hearth/chain/mine/record"
	"hearth/chain/weights"
	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/work"
)

// Heat is the heat that work is to make. A worker without one makes as much as it
// can.
type Heat struct {
	// Wanted tells whether heat is wanted now: only then are jobs claimed.
	Wanted func() bool
	// Turn waits for the next moment at which heat is wanted.
	Turn func(ctx context.Context) error
	// Enter says that there is work now, until leave is called.
	Enter func() (leave func())
	// Ran counts a job that was run.
	Ran func()
}

// Config says for whom and with what to work.
type Config struct {
	Chain   *Chain
	Keys    keys.Hot
	Journal *Journal
	Weights *weights.Store
	Level   kernel.Level
	// Threads compute; 0 is one for each processor.
	Threads int
	// Ahead is how many jobs are claimed before they are run, 0 for 4: while some
	// wait for their beacons, others are run.
	Ahead int
	// Price is what a million units of gas cost, in uhth. Granter is the account
	// that pays fees, empty where the hot account does.
	Price   uint64
	Granter string
	Heat    *Heat
	// Poll is how often nodes are asked for news, 0 for twice a second.
	Poll time.Duration
	// Tell, if set, is handed every event until it takes it: each once, unless the
	// worker is killed in between.
	Tell func(ctx context.Context, e Event) error
	Log  *slog.Logger
}

// Worker is a worker of the network.
type Worker struct {
	Config
	wallet   *Wallet
	library  *lender
	executor work.Key
	owner    string
	news     chan struct{} // holds one if something is to be looked at now
	ready    chan struct{} // holds one if something is to be run
	finish   chan struct{} // closed when nothing more is to be claimed
	finished sync.Once     // closes finish

	// Of the goroutine that follows the chain.
	at       int64 // height of the last round
	params   record.Params
	market   record.Market
	read     int64   // height at which parameters and claims were last read
	summed   Summary // that was written last
	summedAt time.Time
	turns    Turns
	passed   map[model.Hash]int64 // jobs that are not looked at again before a height

	mu       sync.Mutex
	view     View
	orders   []order
	models   map[model.Hash]*work.Model // that were read and may be run
	broken   map[model.Hash]int64       // claims whose run failed, not to be tried before a height
	fetching map[model.Hash]bool        // models whose weights are on their way
	clock    clock
}

// New prepares a worker.
func New(c Config) *Worker {
	if c.Ahead <= 0 {
		c.Ahead = 4
	}
	if c.Threads <= 0 {
		c.Threads = runtime.GOMAXPROCS(0)
	}
	if c.Poll <= 0 {
		c.Poll = 500 * time.Millisecond
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	chain := c.Chain.network.Chain
	public := c.Keys.Public()
	return &Worker{
		Config: c, owner: public.Owner.String(), executor: work.Key(public.Executor),
		wallet:  c.Chain.Wallet(c.Keys.Account(), c.Price, c.Granter),
		library: &lender{client: library.Client{Inside: c.Chain.network.inside()}, now: time.Now, failed: map[tree.Hash]time.Time{}},
		news:    make(chan struct{}, 1), ready: make(chan struct{}, 1), finish: make(chan struct{}),
		passed: map[model.Hash]int64{}, fetching: map[model.Hash]bool{}, models: map[model.Hash]*work.Model{}, broken: map[model.Hash]int64{},
		view: View{Chain: chain, Test: c.Chain.network.Test, Public: public},
	}
}

// poke puts a token into a channel that holds one.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Finish lets the worker claim nothing more. What is claimed is run and delivered,
// heat or not, since it would cost its deposit; then Run returns.
func (w *Worker) Finish() {
	w.finished.Do(func() { close(w.finish) })
	poke(w.news)
}

func (w *Worker) finishing() bool {
	select {
	case <-w.finish:
		return true
	default:
		return false
	}
}

// Undelivered is how many claims would be lost if the worker were not there.
func (w *Worker) Undelivered() int {
	w.mu.Lock()
	at := w.view.Height - 1
	w.mu.Unlock()
	n := 0
	for _, h := range w.Journal.Held() {
		if h.Undelivered(at) {
			n++
		}
	}
	return n
}

// Run works until the context ends or all is finished, which is no error, or until
// the chain cannot be followed any more: it forked, or the newest trusted block is
// too old.
func (w *Worker) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	group.Go(func() { w.smith(ctx) })
	tick := time.NewTicker(w.Poll)
	defer tick.Stop()
	for {
		err := w.round(ctx)
		if ctx.Err() != nil {
			return nil
		}
		var fork *light.Fork
		if errors.As(err, &fork) || errors.Is(err, light.ErrExpired) {
			return err
		}
		w.trouble(err)
		w.summarise()
		if err == nil && w.finishing() && w.Undelivered() == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-w.news:
			w.at = 0 // something was made: it is to be sent at once
		}
	}
}

// summaryEvery is how often a worker writes down how it is: not so often that it
// wears the disk.
const summaryEvery = 10 * time.Second

func (w *Worker) summarise() {
	s := w.View().Summary()
	now := time.Now()
	if s.Trouble == w.summed.Trouble && s.Idle == w.summed.Idle && now.Before(w.summedAt.Add(summaryEvery)) {
		return
	}
	w.summed, w.summedAt = s, now
	if err := w.Journal.put("", summaryFile, s); err != nil {
		w.Log.Warn("the worker cannot write down how it is", "error", err)
	}
}

// rereads is after how many blocks parameters and the list of claims are read
// again.
const rereads = 100

// round looks at the chain once and does what follows.
func (w *Worker) round(ctx context.Context) error {
	if _, err := w.Chain.follower.Advance(ctx); err != nil {
		return err
	}
	header, at := w.Chain.latest()
	if at == w.at {
		return w.tell(ctx)
	}
	w.tick(header)
	miner, err := w.registered(ctx)
	if err != nil {
		return err
	}
	if w.read == 0 || at >= w.read+rereads {
		if w.params, err = must(ctx, w.Chain, record.Work, record.ParamsKey(), record.ReadParams); err != nil {
			return err
		}
		if err := w.adopt(ctx); err != nil {
			return err
		}
		w.read = at
	}
	if w.market, err = must(ctx, w.Chain, record.Work, record.MarketKey(), record.ReadMarket); err != nil {
		return err
	}
	// What is held comes first; one that fails must not hold the others back.
	var causes []error
	var orders []order
	for _, h := range w.Journal.Held() {
		o, err := w.attend(ctx, h, at)
		if err != nil {
			causes = append(causes, fmt.Errorf("claim %v: %w", h.Claim, err))
		}
		if o != nil {
			orders = append(orders, *o)
		}
	}
	w.order(orders)
	if err := w.claim(ctx, miner, at); err != nil {
		causes = append(causes, err)
	}
	if err := w.income(ctx); err != nil {
		causes = append(causes, err)
	}
	causes = append(causes, w.tell(ctx))
	if err := errors.Join(causes...); err != nil {
		return err
	}
	w.at = at
	return nil
}

// ErrUnregistered says that the chain knows no miner with the worker's keys.
var ErrUnregistered = errors.New("the chain knows no miner with these keys")

// registered reads the miner's record, and tells why it cannot work with the keys
// that are here.
func (w *Worker) registered(ctx context.Context) (record.Miner, error) {
	p, err := get(ctx, w.Chain, record.Work, record.MinerKey(w.owner), record.ReadMiner)
	if err != nil {
		return record.Miner{}, err
	}
	m := p.record
	switch {
	case !p.found:
		return m, fmt.Errorf("%w: \"hearth mine register\" registers owner %s", ErrUnregistered, w.owner)
	case m.Hot != w.Keys.Public().Account.String() || m.Executor != w.executor:
		return m, fmt.Errorf("%w: owner %s has registered the hot account %s and executor %v; these are account %s and executor %v: \"hearth mine register\" registers them instead",
			ErrUnregistered, w.owner, m.Hot, m.Executor, w.Keys.Public().Account, w.executor)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.view.Miner, w.view.Registered = m, true
	return m, nil
}

// adopt takes up claims of this executor that the journal does not know: it was
// lost, or a node said that it would not send what it sent. Nodes may keep some
// back; what was claimed from here is in the journal.
func (w *Worker) adopt(ctx context.Context) error {
	names, err := w.Chain.claims(ctx, w.owner, 4*max(1, w.params.MostClaims))
	if err != nil {
		return err
	}
	for _, name := range names {
		if w.Journal.Get(name) != nil {
			continue
		}
		p, err := w.Chain.claim(ctx, name)
		if err != nil {
			return err
		}
		c := p.record
		if !p.found || c.Executor != w.executor || c.Status != record.Waiting && c.Status != record.Open {
			continue
		}
		job, encoding, found, err := w.Chain.job(ctx, c.Job)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		w.Log.Info("taking up a claim that the journal does not know", "claim", name)
		h := &Held{Claim: name, Job: c.Job, Class: c.Class, Model: c.Model, Encoding: encoding, Last: &c}
		if c.Class == record.Paid {
			h.Tip = job.Tip
		}
		if err := w.Journal.Keep(h); err != nil {
			return err
		}
	}
	return nil
}

// attend does what is to be done about one claim. A job to be run comes back as an
// order.
func (w *Worker) attend(ctx context.Context, h *Held, at int64) (*order, error) {
	p, err := w.Chain.claim(ctx, h.Claim)
	if err != nil {
		return nil, err
	}
	var c *record.Claim
	if p.found {
		c = &p.record
		if h.Last == nil || *h.Last != *c {
			if h, err = w.Journal.Change(h.Claim, func(h *Held) { h.Last = c }); err != nil || h == nil {
				return nil, err
			}
		}
	}
	step, err := h.Next(c, at)
	if err != nil {
		return nil, err
	}
	switch step {
	case Lapse:
		w.Log.Info("a claim was not made", "claim", h.Claim, "job", h.Job)
		w.passed[h.Job] = at + rereads
		return nil, w.Journal.Drop(h.Claim)
	case Run:
		return w.ordered(ctx, h, c, at)
	case Send:
		return nil, w.deliver(ctx, h, at)
	case End:
		return nil, w.end(ctx, h, p)
	}
	return nil, nil
}

// trouble notes what is wrong, and logs it when it is new.
func (w *Worker) trouble(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	w.mu.Lock()
	changed := w.view.Trouble != text
	w.view.Trouble = text
	w.mu.Unlock()
	switch {
	case changed && err != nil:
		w.Log.Warn("the worker meets trouble", "error", err)
	case changed:
		w.Log.Info("the worker goes on")
	}
}

// income notes what the chain has paid the owner since the last look.
func (w *Worker) income(ctx context.Context) error {
	p, err := get(ctx, w.Chain, record.Emission, record.EarnedKey(w.owner), record.ReadEarned)
	if err != nil {
		return err
	}
	earned := p.record
	sum := earned.PaidOut + earned.Vesting
	before, known := w.Journal.earned()
	w.mu.Lock()
	w.view.Earned = earned
	w.mu.Unlock()
	if known && sum == before {
		return nil
	}
	if known && sum > before {
		e := Event{Kind: Income, At: p.proof.Header.Time, Amount: sum - before, Sum: sum, Proof: proofOf(p.proof)}
		if _, err := w.Journal.Note(e); err != nil {
			return err
		}
	}
	return w.Journal.setEarned(sum)
}

// end notes what became of a claim and lets it go.
func (w *Worker) end(ctx context.Context, h *Held, p proven[record.Claim]) error {
	e := Event{
		Kind: Ended, At: p.proof.Header.Time, Claim: h.Claim, Job: h.Job, Model: h.Model, Class: h.Class,
		Status: "forgotten by the chain", Tickets: len(h.Tickets), Proof: proofOf(p.proof),
	}
	if p.found {
		e.Status, e.Reason, e.JobMACs = p.record.Status.String(), p.record.Reason, p.record.MACs
		if p.record.Status == record.Settled && h.Class == record.Paid {
			e.Amount = h.Tip
		}
	}
	for _, b := range h.Tickets {
		t, err := work.DecodeTicket(b)
		if err != nil {
			return fmt.Errorf("read a ticket of the journal: %w", err)
		}
		kept, err := get(ctx, w.Chain, record.Work, record.TicketKey(t.Nullifier()), record.ReadTicket)
		if err != nil {
			return err
		}
		if kept.found && kept.record.Status == record.TicketCredited {
			e.Credited += kept.record.MACs
		}
	}
	if !w.Journal.noted(h.Claim) {
		if _, err := w.Journal.Note(e); err != nil {
			return err
		}
	}
	w.Log.Info("a claim has ended", "claim", h.Claim, "status", e.Status, "reason", e.Reason, "credited", e.Credited, "tip", e.Amount)
	return w.Journal.Drop(h.Claim)
}

// tell hands on the events that were not taken yet.
func (w *Worker) tell(ctx context.Context) error {
	if w.Tell == nil {
		return nil
	}
	for _, e := range w.Journal.Events() {
		if e.Told {
			continue
		}
		if err := w.Tell(ctx, e); err != nil {
			return fmt.Errorf("write down what was earned: %w", err)
		}
		if err := w.Journal.Told(e.Number); err != nil {
			return err
		}
	}
	return nil
}

// private is the executor's secret key.
func (w *Worker) private() ed25519.PrivateKey { return w.Keys.Executor() }
