package journal

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"hearth/internal/durable"
	"hearth/internal/filelock"
	"hearth/ledger"
)

// ErrPaused says that the disk or the ledger takes nothing now. Shares wait in memory
// or in the journal, and go in when it does.
var ErrPaused = errors.New("journal paused")

// Ledger is where segments are folded into: a store.
type Ledger interface {
	// Append writes entries, all or none. What an error leaves in doubt must
	// be settled by the next call that succeeds, which has written it or never
	// will.
	Append(ctx context.Context, entries ...ledger.Entry) (ledger.Head, error)
	// Since yields the records of these kinds from a time on.
	Since(ctx context.Context, from time.Time, kinds ...ledger.Kind) iter.Seq2[ledger.Record, error]
}

// Config is how a journal is kept. Its zero values are sensible.
type Config struct {
	Interval time.Duration // of the ledger's records; 0: 15 minutes
	Commit   time.Duration // the longest that a share waits to be written; 0: 0.5 s
	Buffer   int           // shares that wait in memory one by one; 0: 65,536
	Keep     int64         // bytes of folded segments that are kept; 0: 256 MiB
	// Simulated marks the ledger's records as of no real work.
	Simulated bool
	Log       *slog.Logger     // nil: nobody is told
	Now       func() time.Time // nil: [time.Now]

	files files
}

func (c Config) filled(dir string) Config {
	c.Interval = or(c.Interval, 15*time.Minute)
	c.Commit = or(c.Commit, 500*time.Millisecond)
	c.Buffer = or(c.Buffer, 1<<16)
	c.Keep = or(c.Keep, 256<<20)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = c.Log.With("component", "journal")
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.files == nil {
		c.files = folder(dir)
	}
	return c
}

func or[N int | int64 | time.Duration](n, instead N) N {
	if n > 0 {
		return n
	}
	return instead
}

// Journal is an open journal. Its methods may be called from any goroutine.
type Journal struct {
	cfg    Config
	fs     files
	ledger Ledger
	lock   *os.File
	wake   chan struct{}

	folding sync.Mutex // one fold at a time; taken first
	writing sync.Mutex // one writer; taken second; guards what follows
	current *segment   // nil until there is something to write
	next    uint64
	prev    ledger.Hash // digest of the segment before the next
	isShut  bool

	mu      sync.Mutex // taken last; guards what follows
	pending []Share
	cells   map[group]tally
	lost    item
	added   uint64 // shares so far
	safe    uint64 // of them, those on the disk
	closed  []closed
	status  Status
}

// maxCells is how many groups are kept in memory when shares are added up
// there.
const maxCells = 1 << 14

// Status is how the journal is.
type Status struct {
	Waiting  int   // shares in memory, one by one
	Added    int64 // shares in memory, added up
	Dropped  int64 // shares of which only the number is known, not yet on the disk
	Unfolded int   // segments that are not in the ledger yet, besides the current one
	Paused   error // why the disk takes nothing now; wraps [ErrPaused]
	Unfit    error // why the ledger takes nothing now; wraps [ErrPaused]
	// Cut is how many bytes at the ends of segments could not be read when the
	// journal was opened: of shares that nobody was promised, if none of the
	// segments was damaged.
	Cut int64
	// Damaged is how many segments were not as they had been written. Their
	// files are kept; what cannot be read of them counts for nobody.
	Damaged int
}

// Open opens the journal in a folder, which is made if it is not there, and
// looks over what an earlier process left. [Journal.Run] then keeps it.
func Open(dir string, l Ledger, cfg Config) (*Journal, error) {
	j, err := open(dir, l, cfg)
	if err != nil {
		return nil, fmt.Errorf("open the journal of shares in %s: %w", dir, err)
	}
	return j, nil
}

func open(dir string, l Ledger, cfg Config) (_ *Journal, err error) {
	locks := cfg.files == nil
	cfg = cfg.filled(dir)
	if cfg.Interval > maxInterval {
		return nil, fmt.Errorf("an interval of %v is longer than %v", cfg.Interval, maxInterval)
	}
	j := &Journal{cfg: cfg, fs: cfg.files, ledger: l, wake: make(chan struct{}, 1)}
	if locks {
		if err := j.hold(dir); err != nil {
			return nil, err
		}
	}
	j.recover()
	return j, nil
}

// hold makes the folder and takes its lock. Only another owner is an error: on
// a disk that takes nothing shares are counted all the same.
func (j *Journal) hold(dir string) error {
	name := folder(dir).path("lock")
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		if j.lock, err = filelock.Open(name); err == nil {
			err = filelock.Take(j.lock)
		}
	}
	if err == nil {
		err = durable.SyncDir(dir)
	}
	if filelock.IsBusy(err) {
		j.lock.Close()
		return fmt.Errorf("another process has it (%s): stop that one first", name)
	}
	j.note(err)
	return nil
}

// recover finds the segments that an earlier process left.
func (j *Journal) recover() {
	j.next = 1
	names, err := j.fs.list()
	if err != nil {
		j.note(err)
		return
	}
	var last string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		number, folded, ok := parseName(name)
		if !ok {
			continue
		}
		if number >= j.next {
			j.next, last = number+1, name
		}
		if folded {
			continue
		}
		if err := j.left(name, number, names[name]); err != nil {
			j.status.Damaged++
			j.cfg.Log.Warn("segment of shares cannot be read", "file", name, "cause", err)
		}
	}
	if last == "" {
		return
	}
	if n := len(j.closed); n > 0 && j.closed[n-1].name == last {
		j.prev = j.closed[n-1].digest
		return
	}
	f, err := j.fs.open(last)
	if err != nil {
		return // the next segment then names none before it
	}
	defer f.Close()
	if d, err := scan(f, func(item) {}); err == nil {
		j.prev = d.chain
	}
}

// left looks over a segment that was not folded.
func (j *Journal) left(name string, number uint64, size int64) error {
	f, err := j.fs.open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	items := 0
	d, err := scan(f, func(item) { items++ })
	headless := errors.Is(err, errTorn)
	if err != nil && !headless {
		return err
	}
	c := closed{number: number, name: name, left: true, tried: true, cut: true}
	if !headless {
		// The digest is that of what is whole, now and whenever it is read again.
		c.digest, c.size = d.chain, d.size
	}
	cut := size - c.size
	j.status.Cut += cut
	switch damaged := headless && size > int64(headerSize) || !headless && followed(f, c.size); {
	case damaged:
		c.cut = false // what is damaged is kept as evidence
		j.status.Damaged++
		j.cfg.Log.Warn("segment of shares is damaged", "file", name, "unreadable_bytes", cut)
		if items == 0 {
			return j.fs.rename(name, base(number)+brokenEnd)
		}
	case items == 0: // nothing in it was promised
		_ = j.fs.remove(name) // else by the next that opens the journal
		return nil
	case cut > 0:
		j.cfg.Log.Info("torn tail of shares cut", "file", name, "bytes", cut)
	}
	j.closed = append(j.closed, c)
	return nil
}

// Add takes a share in. It never waits and never fails: a share that finds the
// disk full and memory too is at least counted.
func (j *Journal) Add(s Share) {
	s = s.tidy()
	j.mu.Lock()
	j.added++
	n := len(j.pending)
	if n < j.cfg.Buffer {
		j.pending = append(j.pending, s)
	} else {
		it := s.item()
		j.tally(it.group(j.cfg.Interval), it.tally, 1)
	}
	j.mu.Unlock()
	if n == j.cfg.Buffer/2 {
		select {
		case j.wake <- struct{}{}:
		default:
		}
	}
}

// tally adds up what there is no room for one by one.
func (j *Journal) tally(g group, t tally, shares uint64) {
	have, ok := j.cells[g]
	fits := max(have.work+t.work, have.count+t.count, have.stale+t.stale, have.rejected+t.rejected) <= maxAmount
	if !fits || !ok && len(j.cells) >= maxCells {
		j.lose(t.from, t.to, shares)
		return
	}
	if j.cells == nil {
		j.cells = map[group]tally{}
	}
	have.add(t)
	j.cells[g] = have
}

func (j *Journal) lose(from, to int64, shares uint64) {
	if j.lost.dropped == 0 {
		j.lost.from, j.lost.to = from, to
	}
	j.lost.from, j.lost.to = min(j.lost.from, from), max(j.lost.to, to)
	j.lost.dropped = min(j.lost.dropped+shares, maxAmount)
}

// Status returns how the journal is.
func (j *Journal) Status() Status {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.status
	s.Waiting, s.Dropped, s.Unfolded = len(j.pending), int64(j.lost.dropped), len(j.closed)
	for _, t := range j.cells {
		s.Added += int64(t.count + t.stale + t.rejected)
	}
	return s
}

// Sync returns when every share that was added before is on the disk, or with
// an error that wraps [ErrPaused] when it takes nothing. Several callers at a
// time share one sync.
func (j *Journal) Sync(ctx context.Context) error {
	j.mu.Lock()
	target := j.added
	j.mu.Unlock()
	j.writing.Lock()
	defer j.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("sync the journal of shares: %w", err)
	}
	if j.safeUpTo(target) {
		return nil
	}
	if err := j.commit(); err != nil {
		return fmt.Errorf("sync the journal of shares: %w", err)
	}
	return nil
}

func (j *Journal) safeUpTo(target uint64) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.safe >= target
}

// commit brings everything in memory to the disk. Called with writing held.
func (j *Journal) commit() error {
	j.mu.Lock()
	batch, cells, lost, target := j.pending, j.cells, j.lost, j.added
	j.cells, j.lost = nil, item{}
	j.mu.Unlock()
	var err error
	switch {
	case j.isShut:
		err = errors.New("the journal is closed")
	case len(batch)+len(cells) > 0 || lost.dropped > 0:
		err = j.put(items(batch, cells, lost))
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		for g, t := range cells {
			j.tally(g, t, t.count+t.stale+t.rejected)
		}
		if lost.dropped > 0 {
			j.lose(lost.from, lost.to, lost.dropped)
		}
		err = fmt.Errorf("%w: %w", ErrPaused, err)
		if j.status.Paused == nil {
			j.cfg.Log.Warn("journal of shares paused", "cause", err)
		}
		j.status.Paused = err
		return err
	}
	if j.status.Paused != nil {
		j.cfg.Log.Info("journal of shares is written again")
	}
	j.status.Paused = nil
	j.pending, j.safe = j.pending[len(batch):], target
	if len(j.pending) == 0 {
		j.pending = nil
	}
	return nil
}

// items are the shares in memory as a segment has them.
func items(shares []Share, cells map[group]tally, lost item) func(yield func(item) bool) {
	return func(yield func(item) bool) {
		for _, s := range shares {
			if !yield(s.item()) {
				return
			}
		}
		for g, t := range cells {
			if !yield(item{Share: Share{Worker: g.worker, Source: g.source, Party: g.party, Unpaid: g.unpaid}, tally: t}) {
				return
			}
		}
		if lost.dropped > 0 {
			yield(lost)
		}
	}
}

// put writes items to the current segment, or to the next if that is over.
func (j *Journal) put(items func(yield func(item) bool)) error {
	now := moment(j.cfg.Now())
	if j.current != nil && j.current.over(now) {
		if err := j.end(); err != nil {
			return err
		}
	}
	if j.current == nil {
		s, err := newSegment(j.fs, j.cfg.begin(j.next, now, j.prev))
		if err != nil {
			j.next++ // a file that was made in spite of the error is not written to
			return err
		}
		j.current = s
		j.next++
	}
	return j.current.write(j.fs, items)
}

// end closes the current segment, which is then to be folded. Called with
// writing held.
func (j *Journal) end() error {
	s := j.current
	if s == nil {
		return nil
	}
	if err := s.clean(); err != nil {
		return err
	}
	s.file.Close()
	j.current = nil
	if s.size <= int64(headerSize) { // nothing came
		return j.fs.remove(s.name)
	}
	j.prev = s.enc.chain
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = append(j.closed, closed{number: s.head.number, name: s.name, digest: s.enc.chain, size: s.size})
	return nil
}
