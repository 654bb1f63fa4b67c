package follower

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"hearth/chain/light"
	"hearth/chain/light/node"
	"hearth/internal/filelock"
)

// A Source answers for one node of the chain; see [node.Node]. Nothing it says is
// believed.
type Source interface {
	fmt.Stringer
	Status(ctx context.Context) (node.Status, error)
	Block(ctx context.Context, height int64) (light.Block, error)
	Value(ctx context.Context, store string, key []byte, height int64) (node.Answer, error)
}

// Config says what to follow.
type Config struct {
	Rules light.Rules
	// Sources are the nodes to ask. With one there is no witness, and a fork is
	// not seen: that is for networks of one's own.
	Sources []Source
	// File is where trust is kept.
	File string
	// Height and Hash are those of a block to start from. They are needed where
	// the file is not there yet, or is too old to go on from.
	Height int64
	Hash   light.Digest
	// Clock tells the time; nil means the computer's.
	Clock func() time.Time
}

// A Follower follows one chain. It is safe for concurrent use; calls that ask
// nodes wait for each other.
type Follower struct {
	rules   light.Rules
	sources []Source
	file    string
	lock    *os.File
	clock   func() time.Time

	asking sync.Mutex  // held while trust may move
	lead   int         // the source that leads; guarded by asking
	saved  light.Block // the newest in the file; guarded by asking

	mu    sync.Mutex
	trust trust // guarded by mu
}

// Open reads what is trusted, or starts from the configured block, which it asks
// the nodes for.
func Open(ctx context.Context, c Config) (*Follower, error) {
	if err := c.Rules.Check(); err != nil {
		return nil, err
	}
	if len(c.Sources) == 0 {
		return nil, errors.New("follow the chain: no node is named to ask")
	}
	f := &Follower{rules: c.Rules, sources: c.Sources, file: c.File, clock: c.Clock}
	if f.clock == nil {
		f.clock = time.Now
	}
	if err := f.hold(); err != nil {
		return nil, err
	}
	if err := f.start(ctx, c); err != nil {
		f.lock.Close()
		return nil, err
	}
	return f, nil
}

func (f *Follower) hold() error {
	name := f.file + ".lock"
	lock, err := filelock.Open(name)
	if err == nil {
		if err = filelock.Take(lock); err != nil {
			lock.Close()
		}
	}
	if err != nil {
		if filelock.IsBusy(err) {
			return fmt.Errorf("another process keeps the trusted blocks in %s: stop it first", f.file)
		}
		return fmt.Errorf("lock %s: %w", name, err)
	}
	f.lock = lock
	return nil
}

// Close writes what is trusted and lets the file go.
func (f *Follower) Close() error {
	f.asking.Lock()
	defer f.asking.Unlock()
	var err error
	if t := f.now(); f.saved.Header.Height < t.newest().Header.Height {
		err = f.save(t)
	}
	return errors.Join(err, f.lock.Close())
}

func (f *Follower) start(ctx context.Context, c Config) error {
	t, found, err := load(f.file)
	if err != nil {
		return err
	}
	if found && t.chain != f.rules.Chain {
		return fmt.Errorf("the trusted blocks in %s are of the chain %q, not %q", f.file, t.chain, f.rules.Chain)
	}
	for _, b := range t.blocks {
		if got := b.Header.Hash(); b.Header.Height == c.Height && got != c.Hash {
			return fmt.Errorf("block %d to start from is %s, trusted so far is %s: one of them is of another chain; find out which, and move %s away if it is the file", c.Height, c.Hash, got, f.file)
		}
	}
	f.trust = t
	if found {
		f.saved = t.newest()
	}
	if found && (t.forked() || c.Height <= t.newest().Header.Height) {
		return nil
	}
	if c.Height < 1 {
		return errors.New("follow the chain: give the height and the hash of a block to start from, as the network or somebody you trust publishes it")
	}
	var causes []error
	for _, s := range f.sources {
		b, err := s.Block(ctx, c.Height)
		if err == nil {
			err = f.rules.Root(b, c.Hash)
		}
		if err != nil {
			causes = append(causes, fmt.Errorf("node %s: %w", s, err))
			continue
		}
		return f.keep(trust{chain: f.rules.Chain}.with(b))
	}
	return fmt.Errorf("start from block %d: %w", c.Height, errors.Join(causes...))
}

// saveEvery is how much of the chain's time passes between two writes of the
// file. A card in a small computer does not last long if every block is written,
// and what is lost is only the work of verifying these blocks again.
const saveEvery = 10 * time.Minute

// keep trusts what the walk found.
func (f *Follower) keep(t trust) error {
	if t.newest().Header.Time.Sub(f.saved.Header.Time) >= saveEvery {
		if err := f.save(t); err != nil {
			return err
		}
	}
	f.set(t)
	return nil
}

func (f *Follower) save(t trust) error {
	if err := t.save(f.file); err != nil {
		return err
	}
	f.saved = t.newest()
	return nil
}

func (f *Follower) set(t trust) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trust = t
}

func (f *Follower) now() trust {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.trust
}

// Latest is the newest trusted block.
func (f *Follower) Latest() light.Block { return f.now().newest() }

// ErrUnconfirmed says that no witness has shown the block that the leading node
// shows. Later one may.
var ErrUnconfirmed = errors.New("no witness shows the same block")

// Advance goes to the newest block that the leading node and a witness show, and
// returns it; where there is none, the one that is trusted already. A
// [*light.Fork] is final: it stays the answer until the file is moved away.
func (f *Follower) Advance(ctx context.Context) (light.Block, error) {
	f.asking.Lock()
	defer f.asking.Unlock()
	if fork := f.now().fork; fork != nil {
		return light.Block{}, fork
	}
	var causes []error
	before := f.Latest()
	answered := false
	for range f.sources {
		b, err := f.advance(ctx)
		if err == nil && b.Header.Height > before.Header.Height {
			return b, nil
		}
		if err == nil {
			// Nothing new, it says. One that lies must not hold the others back.
			answered = true
			f.lead = (f.lead + 1) % len(f.sources)
			continue
		}
		var fork *light.Fork
		if errors.As(err, &fork) || errors.Is(err, light.ErrExpired) || ctx.Err() != nil {
			return light.Block{}, err
		}
		causes = append(causes, fmt.Errorf("node %s leading: %w", f.sources[f.lead], err))
		f.lead = (f.lead + 1) % len(f.sources)
	}
	if answered {
		return before, nil
	}
	return light.Block{}, fmt.Errorf("go on from block %d: %w", before.Header.Height, errors.Join(causes...))
}

// advance lets the leading node lead.
func (f *Follower) advance(ctx context.Context) (light.Block, error) {
	t := f.now()
	leader := f.sources[f.lead]
	target, err := f.target(ctx, leader)
	if err != nil {
		return light.Block{}, err
	}
	if target <= t.newest().Header.Height {
		if f.rules.Expired(t.newest(), f.clock()) {
			return light.Block{}, fmt.Errorf("%w, and there is no newer", light.ErrExpired)
		}
		return t.newest(), nil
	}
	walk, err := f.walk(ctx, leader, t.newest(), target)
	if err != nil {
		return light.Block{}, err
	}
	if err := f.confirm(ctx, leader, walk); err != nil {
		if fork, ok := errors.AsType[*light.Fork](err); ok {
			// It is known from now on, even if it cannot be written down.
			t.fork = fork
			f.set(t)
			return light.Block{}, errors.Join(err, f.save(t))
		}
		return light.Block{}, err
	}
	for _, b := range walk.Trace()[1:] {
		t = t.with(b)
	}
	return t.newest(), f.keep(t)
}

// target is the newest height that the leader has and, where there are
// witnesses, one of them.
func (f *Follower) target(ctx context.Context, leader Source) (int64, error) {
	own, err := leader.Status(ctx)
	if err != nil {
		return 0, err
	}
	if own.Chain != f.rules.Chain {
		return 0, fmt.Errorf("it is a node of the chain %q", own.Chain)
	}
	if len(f.sources) == 1 {
		return own.Height, nil
	}
	var best int64
	var causes []error
	for _, s := range f.sources {
		if s == leader {
			continue
		}
		status, err := s.Status(ctx)
		if err != nil {
			causes = append(causes, err)
			continue
		}
		best = max(best, status.Height)
	}
	if best == 0 {
		return 0, fmt.Errorf("%w: %w", ErrUnconfirmed, errors.Join(causes...))
	}
	return min(own.Height, best), nil
}

// mostSteps is how many blocks a node may be asked for on one way. Halving finds
// its way in far fewer; one that shows false blocks ahead would have every block
// on the way verified, and kept in memory.
const mostSteps = 1000

func (f *Follower) walk(ctx context.Context, s Source, from light.Block, target int64) (*light.Walk, error) {
	walk, err := f.rules.Walk(from, target)
	if err != nil {
		return nil, err
	}
	steps := 0
	for height, more := walk.Next(); more; height, more = walk.Next() {
		if steps++; steps > mostSteps && !f.rules.Sequential {
			return nil, fmt.Errorf("node %s: block %d was not reached from block %d in %d steps: a block between, trusted for other reasons, would help", s, target, from.Header.Height, mostSteps)
		}
		b, err := s.Block(ctx, height)
		if err != nil {
			return nil, err
		}
		if err := walk.Offer(b, f.clock()); err != nil {
			return nil, err
		}
	}
	return walk, nil
}

// confirm compares the leader's newest block with the witnesses'. One has to
// show the same, and none another that can be verified.
func (f *Follower) confirm(ctx context.Context, leader Source, walk *light.Walk) error {
	trace := walk.Trace()
	last := trace[len(trace)-1]
	confirmed := len(f.sources) == 1
	var causes []error
	for _, s := range f.sources {
		if s == leader {
			continue
		}
		b, err := s.Block(ctx, last.Header.Height)
		if err != nil {
			causes = append(causes, fmt.Errorf("witness %s: %w", s, err))
			continue
		}
		if b.Header.Hash() == last.Header.Hash() {
			confirmed = true
			continue
		}
		fork, err := f.diverge(ctx, leader, s, trace)
		if fork != nil {
			return fork
		}
		causes = append(causes, fmt.Errorf("witness %s shows another block, which is not verified: %w", s, err))
	}
	if !confirmed {
		return fmt.Errorf("block %d: %w: %w", last.Header.Height, ErrUnconfirmed, errors.Join(causes...))
	}
	return nil
}

// diverge looks for the first step of the leader's trace on which the witness
// disagrees, and verifies both sides of it from the last common block. A nil
// fork with an error says that the witness cannot show its side.
func (f *Follower) diverge(ctx context.Context, leader, witness Source, trace []light.Block) (*light.Fork, error) {
	for i, b := range trace[1:] {
		other, err := witness.Block(ctx, b.Header.Height)
		if err != nil {
			return nil, err
		}
		if other.Header.Hash() == b.Header.Hash() {
			continue
		}
		common := trace[i]
		theirs, err := f.walk(ctx, witness, common, b.Header.Height)
		if err != nil {
			return nil, err
		}
		ours, err := f.walk(ctx, leader, common, b.Header.Height)
		if err != nil {
			return nil, err
		}
		return light.NewFork(ours, theirs)
	}
	return nil, errors.New("it changed its mind")
}
