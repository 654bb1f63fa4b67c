package pool

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"hearth/internal/durable"
	"hearth/ledger"
	"hearth/pool/job"
	"hearth/pool/reconcile"
	"hearth/units"
)

// watches hold what pools report against what was handed to them. The reports are
// kept in a file, and the watches made of them anew at each start.
type watches struct {
	mu      sync.Mutex
	path    string
	list    []judged
	watch   map[string]*reconcile.Watch
	verdict map[string]verdict
}

// judged is a report and what came of it.
type judged struct {
	Source  string            `json:"source"`
	At      time.Time         `json:"at"`
	Finding reconcile.Finding `json:"finding"`
}

// verdict is what is to be said of a source.
type verdict struct {
	text  string
	alarm bool
}

// keptReports is how many reports are kept: some years of days.
const keptReports = 1500

func openWatches(dir string) (*watches, error) {
	w := &watches{path: filepath.Join(dir, "reports.json"), watch: map[string]*reconcile.Watch{}, verdict: map[string]verdict{}}
	if err := readKept(w.path, &w.list); err != nil {
		return nil, fmt.Errorf("read what pools reported: %w; put a backup of %s in its place", err, w.path)
	}
	for _, j := range w.list {
		w.judge(j)
	}
	return w, nil
}

// judge takes a finding in. The caller holds the lock, or nobody else knows w yet.
func (w *watches) judge(j judged) verdict {
	watch := w.watch[j.Source]
	if watch == nil {
		watch = &reconcile.Watch{}
		w.watch[j.Source] = watch
	}
	v := verdict{text: j.Finding.Sentence(j.Source), alarm: j.Finding.Alarm()}
	if d, drifts := watch.Add(j.Finding); drifts {
		v = verdict{text: d.Sentence(j.Source), alarm: true}
	}
	w.verdict[j.Source] = v
	return v
}

// Report compares what a pool says that work earned with the work itself, and
// raises an alarm where they drift apart.
func (s *Service) Report(ctx context.Context, r Reported, _ string) error {
	if !s.pays(r.Source) {
		return fmt.Errorf("nobody called %q pays here: name one of the upstreams", r.Source)
	}
	if err := s.books.fold(ctx); err != nil {
		return err
	}
	if err := s.books.follow(ctx); err != nil {
		return err
	}
	span, err := s.books.span(ctx, r)
	if err != nil {
		return err
	}
	found := reconcile.Judge(span)
	f, ok := found.Get()
	if !ok {
		return fmt.Errorf("the report of %s cannot be judged: %s", r.Source, found.Why())
	}
	w := s.books.watches
	w.mu.Lock()
	j := judged{Source: r.Source, At: s.opt.Now(), Finding: f}
	v := w.judge(j)
	w.list = append(w.list, j)
	if len(w.list) > keptReports {
		w.list = w.list[1:]
	}
	b, err := json.Marshal(w.list)
	if err == nil {
		err = durable.Replace(w.path, b, 0o600)
	}
	w.mu.Unlock()
	if v.alarm {
		s.tell("warning", "pool_drift", v.text)
	}
	if err != nil {
		return fmt.Errorf("keep what %s reported: %w", r.Source, err)
	}
	return nil
}

// span adds up the work for a source between two times, at what it was worth.
func (b *books) span(ctx context.Context, r Reported) (reconcile.Span, error) {
	now := b.s.opt.Now()
	yield := units.Unknown[reconcile.Yield]("nothing was written down of what work for "+r.Source+" is worth", now)
	var pieces []reconcile.Piece
	var work job.Work
	err := b.each(ctx, 1, func(rec ledger.Record) error {
		if rec.Kind != ledger.KindShares && rec.Kind != ledger.KindYield || rec.Simulated {
			return nil
		}
		body, err := rec.Decode()
		if err != nil {
			return err
		}
		switch x := body.(type) {
		case ledger.Yield:
			if rec.Subject == r.Source && rec.At.Before(r.To) {
				yield = units.Know(reconcile.Yield{Work: job.Work(x.Work), Millisats: x.Millisats}, rec.At, units.Estimate)
			}
		case ledger.Shares:
			if x.Source == r.Source && !x.Unpaid && x.Work > 0 && x.From.Before(r.To) && x.To.After(r.From) {
				w := within(job.Work(x.Work), x.From, x.To, r.From, r.To)
				work += w
				pieces = append(pieces, reconcile.Piece{Work: w, Yield: yield})
			}
		}
		return nil
	})
	if err != nil {
		return reconcile.Span{}, fmt.Errorf("read the ledger: %w", err)
	}
	b.s.mu.Lock()
	difficulty := job.Difficulty(0)
	for _, l := range b.s.lines {
		if l.payer == r.Source {
			difficulty = l.difficulty
		}
	}
	b.s.mu.Unlock()
	s := reconcile.Span{
		From: r.From, To: r.To, Expected: reconcile.Expected(pieces, 0),
		Reported: units.Know(r.Millisats, now, units.Chosen),
	}
	if difficulty > 0 {
		s.Shares = float64(work.Difficulty() / difficulty)
	}
	return s, nil
}

// within is the part of work, done evenly between two times, that lies between two
// others.
func within(w job.Work, from, to, least, most time.Time) job.Work {
	whole := to.Sub(from)
	a, z := from, to
	if a.Before(least) {
		a = least
	}
	if z.After(most) {
		z = most
	}
	if whole <= 0 || a.Equal(from) && z.Equal(to) {
		return w
	}
	return job.Work(float64(w) * float64(z.Sub(a)) / float64(whole))
}
