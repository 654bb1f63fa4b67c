package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hearth/ledger"
)

// world is a disk and a ledger that live through what happens to a journal.
type world struct {
	disk  *memory
	books *books
	clock *clock
	added int // shares
	j     *Journal
	// Of the shares, those that were promised, and those that are in memory
	// and will be by the next sync.
	promised map[int]bool
	waiting  []int
}

func newWorld(t failer) *world {
	w := &world{disk: newMemory(), books: &books{}, clock: &clock{now: noon}, promised: map[int]bool{}}
	w.open(t)
	return w
}

type failer interface{ Fatal(...any) }

func (w *world) config() Config {
	return Config{Now: w.clock.Now, files: w.disk, Interval: time.Minute}
}

func (w *world) open(t failer) {
	j, err := Open("", w.books, w.config())
	if err != nil {
		t.Fatal(err)
	}
	w.j, w.waiting = j, nil
}

func (w *world) add() {
	s := share(w.added)
	s.At = w.clock.Now()
	w.j.Add(s)
	w.waiting = append(w.waiting, w.added)
	w.added++
	w.clock.forward(7 * time.Second)
}

func (w *world) sync() {
	if w.j.Sync(context.Background()) == nil {
		for _, n := range w.waiting {
			w.promised[n] = true
		}
		w.waiting = nil
	}
}

// counted reports whether each share that was promised is in the ledger just
// once and none of the others more often.
func (w *world) counted(records []ledger.Record) error {
	times := map[string]int64{}
	for _, r := range records {
		body, err := r.Decode()
		if err != nil {
			return err
		}
		if s, ok := body.(ledger.Shares); ok {
			times[r.Subject] += s.Count
		}
	}
	for i := range w.added {
		n := times[share(i).Worker]
		if n > 1 || w.promised[i] && n != 1 {
			return fmt.Errorf("share %d of %d is in the ledger %d times (promised: %t)", i, w.added, n, w.promised[i])
		}
	}
	return nil
}

// live adds shares, syncs and folds for a while, at random.
func (w *world) live(t failer, rnd *rand.Rand, steps int, each func()) {
	for range steps {
		switch rnd.IntN(6) {
		case 0, 1, 2:
			w.add()
		case 3:
			w.sync()
		case 4:
			_ = w.j.Fold(context.Background())
		case 5:
			if rnd.IntN(10) == 0 { // killed, and started again
				w.open(t)
			}
		}
		each()
	}
}

// TestPowerCut lets a journal live on a disk that loses, tears and reorders
// what was not synced, takes the power away at every operation, and starts
// again with what is left: what was promised is in the ledger once, what was
// not at most once, and each segment says what the ledger says.
func TestPowerCut(t *testing.T) {
	lives, cutsEach := 40, 4
	if testing.Short() {
		lives, cutsEach = 8, 2
	}
	cuts := 0
	for seed := range uint64(lives) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(t)
		check := func() {
			for range cutsEach {
				cuts++
				after(t, w, w.disk.cut(rnd))
			}
		}
		killed := false
		w.disk.before = func(o op) error { // the power goes before an operation
			w.disk.mu.Unlock()
			defer w.disk.mu.Lock()
			if rnd.IntN(4) == 0 {
				check()
			}
			if killed = killed || o.kind == opSync && rnd.IntN(15) == 0; killed {
				return errFull // a kill between a write and its sync: nothing more is done
			}
			return nil
		}
		w.live(t, rnd, 60, func() {
			if killed {
				killed = false
				w.open(t)
			}
		})
		check()
	}
	t.Logf("%d power cuts", cuts)
}

// after starts a journal on what a power cut left.
func after(t *testing.T, w *world, disk *memory) {
	t.Helper()
	if err := resume(w, disk); err != nil {
		t.Fatal(err)
	}
}

func resume(w *world, disk *memory) error {
	b := &books{records: w.books.all()}
	j, err := Open("", b, Config{Now: w.clock.Now, files: disk, Interval: time.Minute})
	if err != nil {
		return err
	}
	if err := j.Fold(context.Background()); err != nil {
		return err
	}
	if err := w.counted(b.all()); err != nil {
		return err
	}
	// Every record is borne out by a segment that is still there.
	has := map[ledger.Hash]bool{}
	for name, n := range disk.names {
		if _, _, ok := parseName(name); !ok {
			return fmt.Errorf("%s is left behind", name)
		}
		sum, err := newAdding(bytes.NewReader(n.now))
		if err != nil {
			return err
		}
		has[sum.digest] = true
		if left, err := missing(sum.entries, each(b.all())); err != nil || len(left) > 0 {
			return fmt.Errorf("%s makes %d records that are not in the ledger, %w", name, len(left), err)
		}
	}
	for _, r := range b.all() {
		body, err := r.Decode()
		if err != nil {
			return err
		}
		if s, ok := body.(ledger.Shares); ok && !has[s.Digest] {
			return fmt.Errorf("record %d is of a segment that is gone", r.Seq)
		}
	}
	return nil
}

// TestPowerCutBites is the control: without syncs the same cuts lose what was
// promised, or the simulation proves nothing.
func TestPowerCutBites(t *testing.T) {
	lost, cuts := 0, 0
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(t)
		w.disk = newMemory()
		j, err := Open("", w.books, Config{Now: w.clock.Now, files: unsynced{w.disk}, Interval: time.Minute})
		must(t, err)
		w.j = j
		for range 20 {
			w.add()
			w.sync()
		}
		cuts++
		if resume(w, w.disk.cut(rnd)) != nil {
			lost++
		}
	}
	if lost < cuts/2 {
		t.Errorf("of %d cuts without syncs only %d lost anything", cuts, lost)
	}
	t.Logf("%d cuts without syncs, %d lost something", cuts, lost)
}

// unsynced is a disk that says it has synced and has not.
type unsynced struct{ *memory }

func (u unsynced) syncDir() error { return nil }

func (u unsynced) create(name string) (file, error) {
	f, err := u.memory.create(name)
	return unsyncedFile{f}, err
}

type unsyncedFile struct{ file }

func (unsyncedFile) Sync() error { return nil }

// TestEveryOperationFails lets each operation of the disk fail, in turn, alone
// or with those after it, also half way through a write, and with a kill in
// between. In the end each share is in the ledger once.
func TestEveryOperationFails(t *testing.T) {
	for _, kill := range []bool{false, true} {
		for first := 0; ; first++ {
			if !failAt(t, first, kill) {
				t.Logf("kill %t: %d operations", kill, first)
				break
			}
		}
	}
}

// failAt reports whether there was an operation with that number.
func failAt(t *testing.T, first int, kill bool) bool {
	t.Helper()
	rnd := rand.New(rand.NewPCG(3, 3))
	w := newWorld(t)
	n := 0
	w.disk.before = func(o op) error {
		if n++; n <= first || n > first+1+first%4 {
			return nil
		}
		if o.kind == opWrite && n%2 == 0 {
			return errShort
		}
		return errFull
	}
	w.live(t, rnd, 40, func() {
		if kill && n > first {
			w.open(t) // what was not promised may be lost
			kill = false
		}
	})
	reached := n > first
	w.disk.before = nil
	if err := w.j.Fold(t.Context()); err != nil {
		t.Fatalf("failing at %d: %v", first, err)
	}
	if err := w.counted(w.books.all()); err != nil {
		t.Fatalf("failing at %d: %v", first, err)
	}
	if s := w.j.Status(); s.Waiting+s.Unfolded > 0 || s.Dropped > 0 || s.Paused != nil || s.Unfit != nil || s.Damaged > 0 {
		t.Fatalf("failing at %d: %+v", first, s)
	}
	return reached
}

// TestFullDisk: while the disk takes nothing shares are counted in bounded
// memory, first one by one, then added up, then by number alone; the journal
// says so; and when there is room again all of it is in the ledger.
func TestFullDisk(t *testing.T) {
	const buffer = 50
	w := newWorld(t)
	cfg := w.config()
	cfg.Buffer = buffer
	j, err := Open("", w.books, cfg)
	must(t, err)
	w.disk.before = func(op) error { return errFull }
	add := func(worker string, n int) {
		for range n {
			j.Add(Share{At: w.clock.Now(), Worker: worker, Source: "pool", Work: 10})
		}
	}
	add("first", buffer)
	if err := j.Sync(t.Context()); !errors.Is(err, ErrPaused) || !errors.Is(err, errFull) {
		t.Errorf("synced on a full disk: %v", err)
	}
	add("bitaxe", 1000)
	j.Add(Share{At: w.clock.Now(), Worker: "bitaxe", Source: "pool", Verdict: Stale})
	if err := j.Fold(t.Context()); !errors.Is(err, ErrPaused) {
		t.Errorf("folded on a full disk: %v", err)
	}
	if s := j.Status(); s.Waiting != buffer || s.Added != 1001 || s.Dropped != 0 || s.Paused == nil {
		t.Errorf("%+v", s)
	}
	for i := range maxCells + 100 { // a multitude of workers
		add(fmt.Sprint("crowd", i), 1)
	}
	s := j.Status()
	if s.Added+s.Dropped != 1001+maxCells+100 || s.Dropped != 101 || len(j.pending) != buffer || len(j.cells) != maxCells {
		t.Errorf("%+v", s)
	}
	_ = j.Sync(t.Context()) // keeps what it could not write
	if again := j.Status(); again.Added != s.Added || again.Dropped != s.Dropped || again.Waiting != s.Waiting {
		t.Errorf("after another try: %+v, before it %+v", again, s)
	}
	w.disk.before = nil
	must(t, j.Fold(t.Context()))
	if s := j.Status(); s.Waiting != 0 || s.Added != 0 || s.Dropped != 0 || s.Paused != nil || s.Unfit != nil {
		t.Errorf("with room again: %+v", s)
	}
	got := sums(t, w.books.all())
	if x := got["bitaxe"]; x.Count != 1000 || x.Work != 10_000 || x.Stale != 1 {
		t.Errorf("%+v", x)
	}
	if x := got["first"]; x.Count != buffer {
		t.Errorf("%+v", x)
	}
	var gap ledger.Gap
	for _, r := range w.books.all() {
		if body, err := r.Decode(); err == nil && r.Kind == ledger.KindGap {
			gap = body.(ledger.Gap)
		}
	}
	if gap.Dropped != 101 || len(got) != maxCells+1 {
		t.Errorf("%d workers, %+v", len(got), gap)
	}
}

// TestCloseOnAFullDisk says how much is lost.
func TestCloseOnAFullDisk(t *testing.T) {
	w := newWorld(t)
	w.add()
	w.add()
	w.disk.before = func(op) error { return errFull }
	if err := w.j.Close(t.Context()); !errors.Is(err, errFull) || !bytes.Contains([]byte(err.Error()), []byte("2 shares in memory are lost")) {
		t.Errorf("closed on a full disk: %v", err)
	}
}

// TestClockJumps: a clock that goes back and forth ends segments, and loses
// nothing.
func TestClockJumps(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(r)
		for range rapid.IntRange(1, 30).Draw(r, "shares") {
			w.clock.forward(time.Duration(rapid.Int64Range(-1e12, 1e12).Draw(r, "jump")))
			w.add()
			w.sync()
			if rapid.IntRange(0, 3).Draw(r, "fold") == 0 {
				if err := w.j.Fold(context.Background()); err != nil {
					r.Fatal(err)
				}
			}
		}
		if err := w.j.Fold(context.Background()); err != nil {
			r.Fatal(err)
		}
		if err := w.counted(w.books.all()); err != nil || len(w.promised) != w.added {
			r.Fatal(err)
		}
	})
}

// TestDamagedWhileOpen: a segment that is not as it was written when it is
// folded is folded as far as it is whole, and told of.
func TestDamagedWhileOpen(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.add()
		w.sync()
	}
	for _, n := range maps.All(w.disk.names) {
		n.now[len(n.now)-1] ^= 1
	}
	must(t, w.j.Fold(t.Context()))
	if got := len(w.books.all()); got != 2 || w.j.Status().Damaged != 1 {
		t.Errorf("%d records, %+v", got, w.j.Status())
	}
	if err := resume(w, w.disk.cut(rand.New(rand.NewPCG(1, 1)))); err == nil {
		t.Error("the third share is back")
	}
}

// TestDamagedAtRest: a frame in the middle of a segment that was left behind
// has gone bad. What comes before it is folded, the file is kept as it is, and
// the journal says so. A torn end is no damage.
func TestDamagedAtRest(t *testing.T) {
	for _, c := range []struct {
		frame            int // that is damaged, of three
		records, damaged int
	}{{0, 0, 1}, {1, 1, 1}, {2, 2, 0}} {
		w := newWorld(t)
		var ends []int
		var name string
		for range 3 {
			w.add()
			w.sync()
			for n, f := range w.disk.names {
				name, ends = n, append(ends, len(f.now))
			}
		}
		b := bytes.Clone(w.disk.names[name].now)
		b[ends[c.frame]-1] ^= 1
		w.disk.names[name] = &inode{durable: b, now: b}
		w.open(t)
		must(t, w.j.Fold(t.Context()))
		if s := w.j.Status(); len(w.books.all()) != c.records || s.Damaged != c.damaged || s.Cut == 0 {
			t.Errorf("frame %d is damaged: %d records, %+v", c.frame, len(w.books.all()), s)
		}
		for n, f := range w.disk.names {
			if cut := len(f.now) < len(b); cut != (c.damaged == 0) {
				t.Errorf("frame %d is damaged: %s has %d bytes of %d", c.frame, n, len(f.now), len(b))
			}
		}
	}
}
