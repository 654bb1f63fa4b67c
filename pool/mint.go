package pool

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

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

	mu       sync.Mutex
	template *job.Template
	lines    map[string]*line // by account, "" where all work on the same
	// window and credits are of the role pool: who worked lately, and what
	// coinbases carried over.
	window  *reward.Window
	credits reward.Credits
}

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

func (s *Service) makeMint() error {
	c := node.Config{URL: s.cfg.Node.URL, User: s.cfg.Node.User, Cookie: s.rooted(s.cfg.Node.Cookie), Network: job.Network(s.cfg.Network), Log: s.opt.Log}
	if file := s.cfg.Node.Certificate; file != "" {
		var err error
		if c.Certificate, err = os.ReadFile(s.rooted(file)); err != nil {
			return fmt.Errorf("pool: node: certificate: %w", err)
		}
	}
	if p := s.cfg.Node.Password; p != "" {
		var err error
		if c.Password, err = s.opt.Secret(p); err != nil {
			return fmt.Errorf("pool: node: %w", err)
		}
	}
	client, err := node.New(c)
	if err != nil {
		return fmt.Errorf("pool: node: %w", err)
	}
	m := &mint{s: s, client: client, network: job.Network(s.cfg.Network), lines: map[string]*line{}, credits: s.memory.Credits}
	if s.cfg.Address != "" {
		if _, err := job.Script(s.cfg.Address, m.network); err != nil {
			return fmt.Errorf("pool: address: %w", err)
		}
	}
	if s.mode() == agreement.Coinbase {
		if _, err := s.contract.payees(1_000_000, s.contract.parts(), m.network); err != nil {
			return fmt.Errorf("pool: %w", err)
		}
	}
	if m.credits == nil {
		m.credits = reward.Credits{}
	}
	if m.found, err = openFound(s.opt.Dir); err != nil {
		return err
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
	l := &line{name: name, kind: "node", where: m.s.cfg.Node.URL, payer: NodeSource, since: m.s.opt.Now(), why: "It has not answered yet."}
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
	m.mu.Lock()
	t := m.template
	m.mu.Unlock()
	if t != nil {
		go m.offer(l, account, t, true)
	}
	return l
}

// run follows the node until ctx ends.
func (m *mint) run(ctx context.Context) {
	m.client.Watch(ctx, m)
}

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
	m.s.mu.Lock()
	lines := make(map[string]*line, len(m.lines))
	for account, l := range m.lines {
		lines[account] = l
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
	payees, err := m.payees(account, t)
	if err == nil {
		var j *job.Job
		if j, err = job.New(t, job.CoinbaseSpec{Tag: m.s.cfg.Tag, Payees: payees, Extranonce: m.s.roomNow()}, m.s.next(), l.name); err == nil {
			if clean != j.Clean {
				c := *j
				c.Clean = clean
				j = &c
			}
			m.s.take(l, j)
			return
		}
	}
	m.s.lost(l, "No block can be made: "+err.Error())
}

// payees is who a block pays, and how much.
func (m *mint) payees(account string, t *job.Template) ([]job.Payee, error) {
	c := m.s.cfg
	switch {
	case m.s.mode() == agreement.Coinbase:
		return m.s.contract.payees(t.Coinbase, m.s.contract.parts(), m.network)
	case c.Role == Open && c.Scheme == TIDES:
		return m.tides(t)
	case m.finder() && account != "":
		fee := c.fee(t.Coinbase)
		return m.pay(map[string]int64{account: t.Coinbase - fee, c.Address: fee})
	}
	return m.pay(map[string]int64{c.Address: t.Coinbase})
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
func (m *mint) tides(t *job.Template) ([]job.Payee, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	outputs, _, err := m.outputs(t.Coinbase, t.Target)
	if err != nil {
		return nil, err
	}
	return m.pay(outputs)
}

// outputs divides a block by the window. The caller holds the lock.
func (m *mint) outputs(total int64, target job.Target) (map[string]int64, reward.Credits, error) {
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
	coinbase := reward.Coinbase{Most: maxOutputs, Dust: func(address string) int64 {
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
		m.s.tell("pool", "error", "block_lost", "A block was found and could not be put together: "+err.Error())
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
		m.carry(v.Job)
	}
	if err := m.found.add(b); err != nil {
		m.s.opt.Log.Error("a found block could not be noted", "block", b.Hash, "error", err)
	}
	// The answer may take longer than a share may wait.
	go m.submit(raw, b)
}

// submitLimit is how long the node may take to check a block.
const submitLimit = 2 * time.Minute

func (m *mint) submit(raw []byte, b foundBlock) {
	ctx, cancel := context.WithTimeout(context.Background(), submitLimit)
	defer cancel()
	err := m.client.SubmitBlock(ctx, raw)
	if err != nil {
		m.s.tell("pool", "error", "block_refused", fmt.Sprintf("Block %d, found by %s, was not taken by the node: %v", b.Height, b.Finder, err))
		_ = m.found.set(b.Hash, blockRefused)
		return
	}
	_ = m.found.set(b.Hash, blockAccepted)
	m.s.tell("pool", "info", "block_found", fmt.Sprintf("%s found block %d (%s), worth %s. Its coins can be spent after 100 more blocks.", b.Finder, b.Height, b.Hash, satsText(b.Reward)))
}

// carry takes over what a coinbase carries, once its block is found.
func (m *mint) carry(j *job.Job) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, credits, err := m.outputs(m.s.rewardOf(j), j.Network); err == nil {
		m.credits = credits
	}
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
	m.mu.Lock()
	t := m.template
	m.mu.Unlock()
	if t != nil {
		m.Template(t, true)
	}
}
