//go:build unix

package store_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/store"
	"hearth/units"
)

// sector is what a disk writes in one piece.
const sector = 512

// inode is a file on the simulated disk: what is surely there, and what was
// changed since the last sync, of which a power cut keeps what it likes.
type inode struct {
	durable []byte
	pending []op
}

// platter is a disk as a power cut finds it. Names behave as on a journaling
// file system: changes of names since the directory was synced are kept up to
// some point and then lost. Contents behave as badly as they may: of the
// writes that were not synced any may be lost, and any may be torn into
// sectors of which any may be lost.
type platter struct {
	names   map[string]*inode // as programs see them
	durable map[string]*inode // as they surely are
	renames []op              // changes of names since then
}

func newPlatter() *platter {
	return &platter{names: map[string]*inode{}, durable: map[string]*inode{}}
}

func rename(names map[string]*inode, o op, made *inode) {
	switch o.kind {
	case opCreate:
		names[o.path] = made
	case opUnlink:
		delete(names, o.path)
	case opRename:
		names[o.to] = names[o.path]
		delete(names, o.path)
	}
}

func (p *platter) do(o op) {
	switch o.kind {
	case opCreate, opUnlink, opRename:
		n := &inode{}
		if o.kind == opCreate {
			o.made = n
		}
		rename(p.names, o, n)
		p.renames = append(p.renames, o)
	case opWrite, opTruncate:
		n := p.names[o.path]
		n.pending = append(n.pending, o)
	case opSync:
		n := p.names[o.path]
		for _, w := range n.pending {
			n.durable = apply(n.durable, w)
		}
		n.pending = nil
	case opSyncDir:
		p.durable, p.renames = maps.Clone(p.names), nil
	}
}

func apply(b []byte, o op) []byte {
	if o.kind == opTruncate {
		if int64(len(b)) >= o.off {
			return b[:o.off:o.off]
		}
		return append(bytes.Clone(b), make([]byte, o.off-int64(len(b)))...)
	}
	end := o.off + int64(len(o.data))
	out := make([]byte, max(int64(len(b)), end))
	copy(out, b)
	copy(out[o.off:], o.data)
	return out
}

// cut returns what is on the disk after a power cut now.
func (p *platter) cut(rnd *rand.Rand) map[string][]byte {
	names := maps.Clone(p.durable)
	for _, o := range p.renames[:rnd.IntN(len(p.renames)+1)] {
		rename(names, o, o.made)
	}
	out := map[string][]byte{}
	for path, n := range names {
		if n != nil {
			out[path] = n.cut(rnd)
		}
	}
	return out
}

func (n *inode) cut(rnd *rand.Rand) []byte {
	b := n.durable
	style := rnd.IntN(4) // how the disk treated this file
	for _, o := range n.pending {
		fate := style
		if style == 3 {
			fate = rnd.IntN(3)
		}
		switch fate {
		case 0: // kept
			b = apply(b, o)
		case 1: // lost
		case 2: // torn
			if o.kind == opTruncate {
				continue
			}
			for from := int64(0); from < int64(len(o.data)); {
				to := min(int64(len(o.data)), (o.off+from)/sector*sector+sector-o.off)
				piece := op{off: o.off + from, data: o.data[from:to]}
				switch rnd.IntN(8) {
				case 0, 1, 2, 3:
					b = apply(b, piece)
				case 4: // a sector that was allocated but never written
					piece.data = make([]byte, to-from)
					for i := range piece.data {
						piece.data[i] = byte(rnd.Uint32())
					}
					if piece.off >= int64(len(b)) {
						b = apply(b, piece)
					}
				}
				from = to
			}
		}
	}
	return b
}

// promise is what has been acknowledged.
type promise struct {
	hashes  map[uint64]ledger.Hash // of the records
	setting int                    // the newest value of the counter
	sum     float64                // of the samples
}

func (p promise) clone() *promise {
	p.hashes = maps.Clone(p.hashes)
	return &p
}

// kept reports whether what was promised is in the folder.
func (p *promise) kept(ctx context.Context, dir string, opts store.Options) error {
	s, err := store.Open(ctx, filepath.Join(dir, "hearth.db"), opts)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Trouble(); err != nil {
		return err
	}
	// And the ledger goes on, and is whole.
	if _, err := s.Append(ctx, event(noon, "after the cut")); err != nil {
		return err
	}
	report, err := s.Verify(ctx)
	if err != nil {
		return err
	}
	if !report.OK() {
		return report.Problem
	}
	records, err := s.Find(ctx, store.Filter{Limit: -1})
	if err != nil {
		return err
	}
	have := map[uint64]ledger.Hash{}
	for _, r := range records {
		have[r.Seq] = r.Hash
	}
	for seq, h := range p.hashes {
		if have[seq] != h && (seq == 1 || seq > report.Pruned+1) {
			return fmt.Errorf("record %d was acknowledged and is lost", seq)
		}
	}
	value, _, err := s.Get(ctx, "counter")
	if err != nil {
		return err
	}
	var n int
	fmt.Sscan(string(value), &n)
	if n < p.setting {
		return fmt.Errorf("setting is %d, but %d was acknowledged", n, p.setting)
	}
	total, err := s.Totals(ctx, "heater", "heat", time.Time{}, noon.Add(1000*time.Hour))
	if err != nil {
		return err
	}
	if total.Sum < p.sum {
		return fmt.Errorf("samples add up to %v, but %v was acknowledged", total.Sum, p.sum)
	}
	return nil
}

// work is a life of a store in short: records in batches, settings, samples,
// pruning, and a restart now and then. It logs a promise whenever one was
// made.
func work(t *testing.T, d *disk, opts store.Options, rounds int) {
	t.Helper()
	ctx := t.Context()
	path := filepath.Join(d.dir, "hearth.db")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	made := promise{hashes: map[uint64]ledger.Hash{}}
	promised := func() {
		p := made.clone()
		d.mu.Lock()
		d.log = append(d.log, op{kind: opAck, promise: p})
		d.mu.Unlock()
	}
	s, err := store.Open(ctx, path, opts)
	must(err)
	made.hashes[1] = s.Head().Hash
	promised()
	for i := range rounds {
		batch := []ledger.Entry{heat(i), heat(i), event(noon, "round")}[:1+i%3]
		head, err := s.Append(ctx, batch...)
		must(err)
		records, err := s.Records(ctx, head.Seq-uint64(len(batch))+1, len(batch))
		must(err)
		for _, r := range records {
			made.hashes[r.Seq] = r.Hash
		}
		promised()
		switch {
		case i%4 == 1:
			must(s.Put(ctx, "counter", fmt.Append(nil, i)))
			made.setting = i
			promised()
		case i%4 == 2:
			must(s.PutSamples(ctx, []store.Sample{{
				At: noon.Add(time.Duration(i) * time.Minute), Subject: "heater", Metric: "heat",
				Sum: 1, Provenance: units.Meter, Known: time.Minute,
			}}))
			made.sum++
			promised()
		case i%20 == 15:
			_, err := s.Prune(ctx, noon.Add(time.Duration(i-10)*time.Minute))
			must(err)
			promised()
		case i%30 == 28:
			must(s.Close())
			s, err = store.Open(ctx, path, opts)
			must(err)
		}
	}
	must(s.Close())
}

// cuts takes the power away at many points of the log and returns what went
// wrong, at most a few of it, and how many cuts there were.
func cuts(t *testing.T, log []op, from string, opts store.Options, count int, seed uint64) (problems []string, done int) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 0))
	at := map[int]int{} // cuts before the operation with this number
	for range count {
		at[rnd.IntN(len(log)+1)]++
	}
	root := memoryDir(t)
	p := newPlatter()
	p.do(op{kind: opSyncDir})
	promised := &promise{}
	for i := range len(log) + 1 {
		for range at[i] {
			dir := filepath.Join(root, fmt.Sprint(done))
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			for path, data := range p.cut(rnd) {
				name, err := filepath.Rel(from, path)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			// The lock file of a machine that lost its power names a process.
			if err := os.WriteFile(filepath.Join(dir, "hearth.db.lock"), []byte("1\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			o := opts
			o.HeadPath, o.Unsynced = filepath.Join(dir, "head"), true
			if err := promised.kept(t.Context(), dir, o); err != nil {
				problems = append(problems, fmt.Sprintf("cut before operation %d: %v", i, err))
			}
			done++
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}
		if i == len(log) {
			break
		}
		if o := log[i]; o.kind == opAck {
			promised = o.promise
		} else {
			p.do(o)
		}
	}
	return problems, done
}

// TestPowerCut lets a store live on a disk whose every operation is logged,
// takes the power away at many points of that log, with what was not synced
// lost, torn or kept as the disk likes, and opens what is left: all that was
// acknowledged is there, and the file is whole.
func TestPowerCut(t *testing.T) {
	rounds, count := 100, 500
	if testing.Short() {
		rounds, count = 60, 60
	}
	d := newDisk(t, realDir(t))
	opts := store.Options{Key: testKey(), HeadPath: filepath.Join(d.dir, "head")}
	work(t, d, opts.Through(d.name, d, 12), rounds)
	t.Logf("%d operations: %s", len(d.log), tally(d.log))

	problems, done := cuts(t, d.log, d.dir, opts, count, 1)
	for _, p := range problems[:min(len(problems), 10)] {
		t.Error(p)
	}
	t.Logf("%d cuts, %d problems", done, len(problems))
}

// TestPowerCutBites is the control of TestPowerCut: when commits are not
// synced the same cuts must lose what was promised, or the simulation proves
// nothing. The file stays whole even so.
func TestPowerCutBites(t *testing.T) {
	d := newDisk(t, realDir(t))
	opts := store.Options{Key: testKey(), HeadPath: filepath.Join(d.dir, "head"), Unsynced: true}
	work(t, d, opts.Through(d.name, d, 12), 60)
	problems, done := cuts(t, d.log, d.dir, opts, 40, 1)
	for _, p := range problems {
		if strings.Contains(p, "damaged") {
			t.Error(p)
		}
	}
	if len(problems) < done/4 {
		t.Errorf("of %d cuts without syncs only %d lost anything", done, len(problems))
	}
	t.Logf("%d cuts, %d lost something", done, len(problems))
}

// realDir returns a new folder by the name that SQLite will give it.
func realDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// memoryDir returns a new folder in memory where there is such a thing: what
// is tried in it needs no real disk, and syncs cost nothing there.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "hearth-store") //nolint:usetesting // t.TempDir is on a disk
	if err != nil {
		return realDir(t)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func tally(log []op) string {
	names := []string{"writes", "truncates", "syncs", "creates", "unlinks", "renames", "directory syncs", "promises"}
	n := make([]int, len(names))
	for _, o := range log {
		n[o.kind]++
	}
	var parts []string
	for i, name := range names {
		parts = append(parts, fmt.Sprintf("%d %s", n[i], name))
	}
	return strings.Join(parts, ", ")
}
