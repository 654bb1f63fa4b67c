package pool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"hearth/internal/durable"
	"hearth/pool/agreement"
	"hearth/pool/job"
	"hearth/pool/node"
	"hearth/pool/reward"
	"hearth/pool/server"
	"hearth/pool/share"
)

// mint makes blocks on a Bitcoin node. All heaters work on the same block,
// except in a pool that pays the finder: there each account has its own.
type mint struct {
	s       *Service
	client  *node.Client
	network job.Network
	found   *foundBlocks

	// offering is held while jobs are made: those of a source go out one after the
	// other, and none of an older template behind one of a newer. It is taken
	// before the locks of the service and of mu.
	offering sync.Mutex

	mu       sync.Mutex
	template *job.Template
	lines    map[string]*line // by account, "" where all work on the same
	// window and credits are of the role pool: who worked lately, and what
	// coinbases carried over.
	window  *reward.Window
	credits reward.Credits
	carries []carry         // of the newest jobs
	handing map[string]bool // blocks that are being handed to the node
}

// carry is what the coinbase of a job changes in the credits.
type carry struct {
	job uint32
	by  reward.Credits
}

// maxCarries is how many jobs' carries are kept: those that a miner may still
// find a block of.
const maxCarries = 64

// NodeSource is the name of the source that a Bitcoin node is, and who pays for
// blocks.
const NodeSource = "node"

// Limits of a pool that pays in the coinbase.
const (
	maxAccounts = 64
	// maxOutputs keeps the coinbase within what all firmware takes: see
	// job.CoinbaseSpec.
	maxOutputs = 18
)

// firstWindow is the work that is kept before the node has told how much is
// divided: all of it, in effect.
const firstWindow = job.Work(1) << 62

// reach is how the Bitcoin node is reached.
func (s *Service) reach() (node.Config, error) {
	c := node.Config{URL: s.cfg.Node.URL, User: s.cfg.Node.User, Cookie: s.rooted(s.cfg.Node.Cookie), Network: job.Network(s.cfg.Network), Log: s.opt.Log}
	var err error
	if file := s.cfg.Node.Certificate; file != "" {
		if c.Certificate, err = os.ReadFile(s.rooted(file)); err != nil {
			return c, fmt.Errorf("pool: node: certificate: %w", err)
		}
	}
	if p := s.cfg.Node.Password; p != "" {
		if c.Password, err = s.opt.Secret(p); err != nil {
			return c, fmt.Errorf("pool: node: %w", err)
		}
	}
	return c, nil
}

func (s *Service) makeMint() error {
	c, err := s.reach()
	if err != nil {
		return err
	}
	client, err := node.New(c)
	if err != nil {
		return fmt.Errorf("pool: node: %w", err)
	}
	m := &mint{s: s, client: client, network: job.Network(s.cfg.Network), handing: map[string]bool{}, lines: map[string]*line{}, credits: s.memory.Credits}
	if s.cfg.Address != "" {
		if _, err := job.Script(s.cfg.Address, m.network); err != nil {
			return fmt.Errorf("pool: address: %w", err)
		}
	}
	if s.mode() == agreement.Coinbase {
		payees, err := s.contract.payees(1_000_000, s.contract.parts(), m.network)
		if err != nil {
			return fmt.Errorf("pool: %w", err)
		}
		if size := sizeOf(payees); size > m.outputRoom(nil) {
			return fmt.Errorf("pool: the agreement %s pays %d parties in a block: that makes its coinbase larger than some miners take; use mode ledger, or fewer parties", s.contract.Name, len(payees))
		}
	}
	if m.credits == nil {
		m.credits = reward.Credits{}
	}
	if s.cfg.Role == Open && s.cfg.Scheme != PaySolo {
		m.window = reward.NewWindow(firstWindow)
	}
	if !m.finder() {
		m.add("")
	}
	s.mint = m
	return nil
}

// finder says that each account has work of its own.
func (m *mint) finder() bool { return m.s.cfg.Role == Open && m.s.cfg.Scheme == PaySolo }

// add makes a line. The caller holds the service's lock, or nobody else knows
// the mint yet.
func (m *mint) add(account string) *line {
	name := NodeSource
	if account != "" {
		name = NodeSource + "/" + account
	}
	l := &line{name: name, kind: "node", where: bare(m.s.cfg.Node.URL), payer: NodeSource, since: m.s.opt.Now(), why: "It has not answered yet."}
	l.deliver = func(w server.Worker, v share.Verdict) { m.deliver(l, w, v) }
	m.lines[account] = l
	m.s.addLine(l)
	return l
}

// lineFor is where a miner of an account works; nil if there is no room for
// another account. The caller holds the service's lock.
func (m *mint) lineFor(account string) *line {
	if !m.finder() {
		return m.lines[""]
	}
	if account == "" {
		account = m.s.cfg.Address
	}
	if l := m.lines[account]; l != nil {
		return l
	}
	if len(m.lines) >= maxAccounts {
		return nil
	}
	l := m.add(account)
	go m.offerAll(true, account)
	return l
}

// run follows the node until ctx ends.
func (m *mint) run(ctx context.Context) {
	m.client.Watch(ctx, m)
	// A block that was found in the last moment is worth a moment; what is not
	// handed over by then is with the next start.
	for end := time.Now().Add(submitParting); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		m.mu.Lock()
		under := len(m.handing)
		m.mu.Unlock()
		if under == 0 {
			return
		}
	}
}

const submitParting = 5 * time.Second

// Template implements [node.Follower]: there is something new to work on. A
// template without transactions comes at once with a new block, the whole one a
// moment later.
func (m *mint) Template(t *job.Template, clean bool) {
	m.mu.Lock()
	m.template = t
	if m.window != nil {
		// Twice what is divided: the difficulty may rise.
		if span, err := windowOf(2*reward.TIDES, t.Target); err == nil {
			m.window.Keep(span)
		}
	}
	m.mu.Unlock()
	m.offerAll(clean)
}

// offerAll makes the jobs of these accounts, or of all, by the newest template.
func (m *mint) offerAll(clean bool, accounts ...string) {
	m.offering.Lock()
	defer m.offering.Unlock()
	m.mu.Lock()
	t := m.template
	m.mu.Unlock()
	if t == nil {
		return // the node has not answered yet
	}
	m.s.mu.Lock()
	lines := make(map[string]*line, len(m.lines))
	for account, l := range m.lines {
		if len(accounts) == 0 || slices.Contains(accounts, account) {
			lines[account] = l
		}
	}
	m.s.mu.Unlock()
	for account, l := range lines {
		m.offer(l, account, t, clean)
	}
}

// Down implements [node.Follower].
func (m *mint) Down(err error) {
	m.s.mu.Lock()
	lines := make([]*line, 0, len(m.lines))
	for _, l := range m.lines {
		lines = append(lines, l)
	}
	m.s.mu.Unlock()
	for _, l := range lines {
		m.s.lost(l, err.Error())
	}
}

// offer makes the job of a line.
func (m *mint) offer(l *line, account string, t *job.Template, clean bool) {
	payees, carried, err := m.payees(account, t)
	if err == nil {
		var j *job.Job
		if j, err = job.New(t, job.CoinbaseSpec{Tag: m.s.cfg.Tag, Payees: payees, Extranonce: m.s.roomNow()}, m.s.next(), l.name); err == nil {
			if clean != j.Clean {
				c := *j
				c.Clean = clean
				j = &c
			}
			m.carrying(j.ID, carried)
			m.s.take(l, j)
			return
		}
	}
	m.s.lost(l, "No block can be made: "+err.Error())
}

// payees is who a block pays, and how much, and what that changes in the credits.
func (m *mint) payees(account string, t *job.Template) ([]job.Payee, reward.Credits, error) {
	c := m.s.cfg
	if c.Role == Open && c.Scheme == TIDES {
		return m.tides(t)
	}
	var payees []job.Payee
	var err error
	switch {
	case m.s.mode() == agreement.Coinbase:
		payees, err = m.s.contract.payees(t.Coinbase, m.s.contract.parts(), m.network)
	case m.finder() && account != "":
		fee := c.fee(t.Coinbase)
		sats := map[string]int64{account: t.Coinbase - fee}
		sats[c.Address] += fee // the pool's own miners are paid there too
		payees, err = m.pay(sats)
	default:
		payees, err = m.pay(map[string]int64{c.Address: t.Coinbase})
	}
	return payees, nil, err
}

// carrying remembers what a job's coinbase changes in the credits.
func (m *mint) carrying(id uint32, by reward.Credits) {
	if len(by) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.carries) == maxCarries {
		m.carries = slices.Delete(m.carries, 0, 1)
	}
	m.carries = append(m.carries, carry{id, by})
}

// sizeOf is how many bytes outputs have in a coinbase.
func sizeOf(payees []job.Payee) int {
	size := 0
	for _, p := range payees {
		size += 8 + 1 + len(p.Script)
	}
	return size
}

// outputRoom is how many bytes of a coinbase are there for outputs: of those that
// all firmware takes, what is left by the parts that are the same in all, the
// commitment to witnesses, and what the node and the pool write into the input.
func (m *mint) outputRoom(flags []byte) int {
	const most, same, commitment, input = 755, 56, 47, 24
	return most - same - commitment - input - max(len(flags), 20) - len(m.s.cfg.Tag)
}

// pay makes payees of sats by address. Nobody is paid nothing.
func (m *mint) pay(sats map[string]int64) ([]job.Payee, error) {
	var out []job.Payee
	for _, address := range sorted(sats) {
		if sats[address] <= 0 {
			continue
		}
		script, err := job.Script(address, m.network)
		if err != nil {
			return nil, fmt.Errorf("pay %s: %w", address, err)
		}
		out = append(out, job.Payee{Script: script, Sats: sats[address]})
	}
	return out, nil
}

// tides pays whoever worked lately, in the block itself.
func (m *mint) tides(t *job.Template) ([]job.Payee, reward.Credits, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for most := maxOutputs; ; most-- {
		outputs, after, err := m.outputs(t.Coinbase, t.Target, most)
		if err != nil {
			return nil, nil, err
		}
		payees, err := m.pay(outputs)
		if err != nil {
			return nil, nil, err
		}
		if most == 1 || sizeOf(payees) <= m.outputRoom(t.Flags) {
			return payees, less(after, m.credits), nil
		}
	}
}

// less is by how much credits differ.
func less(after, before reward.Credits) reward.Credits {
	by := reward.Credits{}
	for miner, msat := range after {
		by[miner] += msat
	}
	for miner, msat := range before {
		by[miner] -= msat
	}
	maps.DeleteFunc(by, func(_ string, msat int64) bool { return msat == 0 })
	return by
}

// outputs divides a block by the window. The caller holds the lock.
func (m *mint) outputs(total int64, target job.Target, most int) (map[string]int64, reward.Credits, error) {
	sats := map[string]int64{}
	fee := m.s.cfg.fee(total)
	span, err := windowOf(reward.TIDES, target)
	if err != nil {
		return nil, nil, fmt.Errorf("divide a block: %w", err)
	}
	work := m.window.Last(span)
	if len(work) == 0 { // nobody has worked yet: the pool's own
		sats[m.s.cfg.Address] = total
		return sats, m.credits, nil
	}
	dues, err := reward.Proportional(work, (total-fee)*1000)
	if err != nil {
		return nil, nil, fmt.Errorf("divide a block: %w", err)
	}
	coinbase := reward.Coinbase{Most: most, Dust: func(address string) int64 {
		script, err := job.Script(address, m.network)
		if err != nil {
			return total // never paid
		}
		return job.Dust(script)
	}}
	outputs, credits, err := coinbase.Outputs(dues, m.credits)
	if err != nil {
		return nil, nil, fmt.Errorf("divide a block: %w", err)
	}
	for _, o := range outputs {
		sats[o.Miner] += o.Sats
	}
	sats[m.s.cfg.Address] += fee
	return sats, credits, nil
}

// worked notes work for the window of a pool.
func (m *mint) worked(account string, work job.Work) {
	if m.window == nil || work == 0 {
		return
	}
	if account == "" {
		account = m.s.cfg.Address
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.window.Add(reward.Batch{Miner: account, Work: work})
}

// deliver hands a block to the node.
func (m *mint) deliver(l *line, w server.Worker, v share.Verdict) {
	if !v.Block {
		return
	}
	now := m.s.opt.Now()
	extranonce := append([]byte(nil), v.Extranonce...)
	raw, err := v.Job.Assemble(extranonce, v.Header.Version, v.Header.Time, v.Header.Nonce)
	if err != nil {
		m.s.tell("error", "block_lost", "A block was found and could not be put together: "+err.Error())
		return
	}
	b := foundBlock{
		Hash: v.Hash.String(), Height: v.Job.Height, At: now, Finder: string(w), Line: l.name,
		Reward: m.s.rewardOf(v.Job), State: blockFound,
	}
	switch {
	case m.s.cfg.Role != Open:
	case m.s.cfg.Scheme == PPLNS:
		if b.Dues, err = m.pplns(b.Reward, v.Job.Network); err != nil {
			m.s.opt.Log.Error("a found block cannot be divided", "block", b.Hash, "error", err)
		}
	case m.s.cfg.Scheme == TIDES:
		m.mu.Lock()
		for _, c := range m.carries {
			if c.job == v.Job.ID {
				b.Carried = c.by
			}
		}
		m.mu.Unlock()
	}
	if err := m.found.add(b); err != nil {
		m.s.opt.Log.Error("a found block could not be noted", "block", b.Hash, "error", err)
	}
	// The answer may take longer than a share may wait.
	m.hand(b, func() ([]byte, error) { return raw, nil })
	go m.keepRaw(b, raw)
}

// keepRaw keeps a block until the node has said what it makes of it.
func (m *mint) keepRaw(b foundBlock, raw []byte) {
	if err := durable.Replace(m.found.raw(b.Hash), raw, 0o600); err != nil {
		m.s.opt.Log.Error("a found block could not be kept until the node has it", "block", b.Hash, "error", err)
	}
	if !m.found.waits(b.Hash) { // it was quicker
		_ = os.Remove(m.found.raw(b.Hash))
	}
}

// hand hands a block to the node, unless that is under way.
func (m *mint) hand(b foundBlock, raw func() ([]byte, error)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.handing[b.Hash] {
		return
	}
	m.handing[b.Hash] = true
	go func() {
		if block, err := raw(); err == nil {
			m.submit(block, b)
		}
		m.mu.Lock()
		delete(m.handing, b.Hash)
		m.mu.Unlock()
	}()
}

// handAgain hands over a block that the node did not take before the process
// ended, or while it was away.
func (m *mint) handAgain(b foundBlock) {
	m.hand(b, func() ([]byte, error) { return os.ReadFile(m.found.raw(b.Hash)) })
}

// submitLimit is how long the node may take to check a block.
const submitLimit = 2 * time.Minute

func (m *mint) submit(raw []byte, b foundBlock) {
	ctx, cancel := context.WithTimeout(context.Background(), submitLimit)
	defer cancel()
	err := m.client.SubmitBlock(ctx, raw)
	refused, no := errors.AsType[*node.Refusal](err)
	switch {
	case no && refused.Reason == inconclusive:
		// Good, but another came first: the chain will tell which of them stays.
	case no:
		m.s.tell("error", "block_refused", fmt.Sprintf("Block %d, found by %s, was not taken by the node: %v", b.Height, b.Finder, err))
		m.over(b, blockRefused)
		return
	case err != nil:
		m.s.tell("error", "block_waiting", fmt.Sprintf("Block %d, found by %s, could not be handed to the node yet, which is tried again: start the node. %v", b.Height, b.Finder, err))
		return
	}
	m.over(b, blockAccepted)
	m.carried(b.Carried, 1)
	m.s.tell("info", "block_found", fmt.Sprintf("%s found block %d (%s), worth %s. Its coins can be spent after 100 more blocks.", b.Finder, b.Height, b.Hash, satsText(b.Reward)))
}

// inconclusive is what Bitcoin Core says of a block beside the best chain.
const inconclusive = "inconclusive"

// over notes what the node said of a block, which need not be kept any more.
func (m *mint) over(b foundBlock, s blockState) {
	if err := m.found.set(b.Hash, s); err != nil {
		m.s.opt.Log.Error("what became of a block could not be noted", "block", b.Hash, "state", s, "error", err)
		return
	}
	if err := os.Remove(m.found.raw(b.Hash)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.s.opt.Log.Warn("a block that the node has cannot be removed", "block", b.Hash, "error", err)
	}
}

// lose gives a block up whose place another took.
func (m *mint) lose(b foundBlock) error {
	m.s.tell("warning", "block_lost", fmt.Sprintf("Block %d (%s) is not in the chain: another took its place, and it pays nothing.", b.Height, b.Hash))
	if err := m.found.set(b.Hash, blockLost); err != nil {
		return err
	}
	if b.State == blockAccepted {
		m.carried(b.Carried, -1)
	}
	return nil
}

// carried takes over what the coinbase of a block changed in the credits, or
// takes it back.
func (m *mint) carried(by reward.Credits, times int64) {
	if len(by) == 0 {
		return
	}
	m.mu.Lock()
	credits := maps.Clone(m.credits)
	for miner, msat := range by {
		if credits[miner] += times * msat; credits[miner] == 0 {
			delete(credits, miner)
		}
	}
	m.credits = credits
	m.mu.Unlock()
	m.s.books.troubled("standing", m.s.keep())
}

// rewardOf is what a job's coinbase pays, in sats.
func (s *Service) rewardOf(j *job.Job) int64 {
	if j.Block == nil {
		return 0
	}
	return j.Block.Reward()
}

func satsText(sats int64) string { return fmt.Sprintf("%d sat", sats) }

// again makes all jobs anew, in another shape.
func (m *mint) again() {
	m.offerAll(true)
}
