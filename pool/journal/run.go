package journal

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"slices"
	"time"

	"hearth/ledger"
)

// Run keeps the journal until the context ends: it writes what is added, ends
// each segment with its interval, and folds it into the ledger. At the end it
// does so with the last, and closes the journal. The error then says what was
// in memory and could not be written; what only could not be folded is in the
// journal and will be by the next that opens it.
func (j *Journal) Run(ctx context.Context) error {
	ticker := time.NewTicker(j.cfg.Commit)
	defer ticker.Stop()
	var again time.Time // when the ledger is tried again after a failure
	for {
		select {
		case <-ctx.Done():
			return j.Close(ctx)
		case <-ticker.C:
		case <-j.wake:
		}
		j.writing.Lock()
		err := j.commit()
		if err == nil && j.current != nil && j.current.over(moment(j.cfg.Now())) {
			j.note(j.end())
		}
		j.writing.Unlock()
		if now := j.cfg.Now(); j.unfolded() && (now.After(again) || now.Before(again.Add(-retry))) {
			if j.fold(ctx) != nil {
				again = now.Add(retry)
			}
		}
	}
}

// retry is how long a ledger that takes nothing is left alone.
const retry = 5 * time.Second

// finish bounds how long the ledger is waited for at the end.
const finish = 10 * time.Second

// note keeps an error of the disk for the status.
func (j *Journal) note(err error) {
	if err == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.status.Paused = fmt.Errorf("%w: %w", ErrPaused, err)
}

func (j *Journal) unfolded() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.closed) > 0
}

// Close writes what is in memory, folds what can be folded, and closes the
// journal. It is what [Journal.Run] ends with, and needed only without it. The
// context's end is passed over: there is a bound of ten seconds.
func (j *Journal) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finish)
	defer cancel()
	j.writing.Lock()
	if j.isShut {
		j.writing.Unlock()
		return nil
	}
	err := j.commit()
	if err == nil {
		err = j.end()
	}
	j.writing.Unlock()
	_ = j.fold(ctx) // what stays is folded by the next that opens the journal
	j.writing.Lock()
	defer j.writing.Unlock()
	j.isShut = true
	if j.current != nil {
		j.current.file.Close()
		j.current = nil
	}
	if j.lock != nil {
		j.lock.Close()
	}
	if err == nil {
		return nil
	}
	s := j.Status()
	return fmt.Errorf("close the journal of shares: %d shares in memory are lost: %w", int64(s.Waiting)+s.Added+s.Dropped, err)
}

// Fold brings everything that was added into the ledger, without waiting for
// the interval's end: so that what was earned now is shared by those who
// worked for it.
func (j *Journal) Fold(ctx context.Context) error {
	j.writing.Lock()
	err := j.commit()
	if err == nil {
		err = j.end()
	}
	j.writing.Unlock()
	if err != nil {
		return fmt.Errorf("fold the journal of shares: %w", err)
	}
	if err := j.fold(ctx); err != nil {
		return fmt.Errorf("fold the journal of shares: %w", err)
	}
	return nil
}

// fold folds the segments that are closed, oldest first. One that cannot be
// read does not keep back the others.
func (j *Journal) fold(ctx context.Context) error {
	j.folding.Lock()
	defer j.folding.Unlock()
	var trouble error
	for i := 0; ; {
		c, ok := j.nth(i)
		if !ok {
			break
		}
		fits, err := j.foldOne(ctx, &c)
		j.mu.Lock()
		if err == nil {
			j.closed = slices.Delete(j.closed, i, i+1)
		} else {
			j.closed[i] = c
			trouble = fmt.Errorf("%w: %s: %w", ErrPaused, c.name, err)
			i++
		}
		j.mu.Unlock()
		if !fits {
			break
		}
	}
	j.drop()
	j.mu.Lock()
	defer j.mu.Unlock()
	if trouble != nil && j.status.Unfit == nil {
		j.cfg.Log.Warn("shares not in the ledger yet", "cause", trouble)
	}
	j.status.Unfit = trouble
	return trouble
}

// nth is the i-th of the segments that are closed. Only [Journal.fold] takes
// any away.
func (j *Journal) nth(i int) (closed, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if i >= len(j.closed) {
		return closed{}, false
	}
	return j.closed[i], true
}

// foldOne brings a segment's records into the ledger, once. It reports whether
// the ledger takes anything.
func (j *Journal) foldOne(ctx context.Context, c *closed) (fits bool, err error) {
	entries, err := j.read(c)
	if err != nil {
		return true, err
	}
	if c.tried && len(entries) > 0 {
		// What an earlier attempt left in doubt must be settled before it can
		// be looked for.
		if _, err := j.ledger.Append(ctx); err != nil {
			return false, err
		}
		records := j.ledger.Since(ctx, earliestOf(entries), ledger.KindShares, ledger.KindGap)
		if entries, err = missing(entries, records); err != nil {
			return false, err
		}
	}
	if len(entries) > 0 {
		c.tried = true
		if _, err := j.ledger.Append(ctx, entries...); err != nil {
			return false, err
		}
	}
	// If the new name is lost in a power cut the segment is looked for in the
	// ledger once more, and found.
	return true, j.fs.rename(c.name, base(c.number)+foldedEnd)
}

// read adds up a segment from what is on the disk: what the ledger is told is
// what the journal holds.
func (j *Journal) read(c *closed) ([]ledger.Entry, error) {
	f, err := j.fs.open(c.name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if c.left {
		// Of what a kill left, not everything need be on the disk yet. The
		// ledger must not know of it before it is.
		if c.cut {
			if err := f.Truncate(c.size); err != nil {
				return nil, err
			}
		}
		if err := f.Sync(); err != nil {
			return nil, err
		}
		c.left = false
	}
	d, err := newAdding(f)
	if err != nil {
		return nil, err
	}
	if d.digest != c.digest {
		j.cfg.Log.Warn("segment of shares is not as it was written", "file", c.name)
		j.mu.Lock()
		j.status.Damaged++
		j.mu.Unlock()
		c.digest, c.size = d.digest, d.size
	}
	return d.entries, nil
}

// drop removes the oldest of the folded segments beyond what is kept.
func (j *Journal) drop() {
	names, err := j.fs.list()
	if err != nil {
		return // it is tried again after the next
	}
	folded := slices.DeleteFunc(slices.Collect(maps.Keys(names)), func(name string) bool {
		_, folded, ok := parseName(name)
		return !folded || !ok
	})
	slices.SortFunc(folded, func(a, b string) int {
		x, _, _ := parseName(a)
		y, _, _ := parseName(b)
		return cmp.Compare(y, x)
	})
	var total int64
	for i, name := range folded {
		// The newest stays: the numbers go on from it.
		if total += names[name]; total > j.cfg.Keep && i > 0 {
			_ = j.fs.remove(name) // what cannot be removed stays
		}
	}
}

// Shares yields the shares that are on the disk one by one, from a time on, in
// the order in which they were written: with them what was kept of a split
// before a crash is brought up to date. It ends at the first error.
func (j *Journal) Shares(from time.Time) iter.Seq2[Share, error] {
	return func(yield func(Share, error) bool) {
		names, err := j.fs.list()
		if err != nil {
			yield(Share{}, fmt.Errorf("list the journal of shares: %w", err))
			return
		}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if _, _, ok := parseName(name); !ok {
				continue
			}
			more := true
			err := j.each(name, from, func(s Share) bool {
				more = yield(s, nil)
				return more
			})
			if err != nil && more {
				more = yield(Share{}, fmt.Errorf("read the shares in %s: %w", name, err))
			}
			if !more || err != nil {
				return
			}
		}
	}
}

// each reads the single shares of a segment from a time on.
func (j *Journal) each(name string, from time.Time, yield func(Share) bool) error {
	f, err := j.fs.open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReaderSize(io.NewSectionReader(f, 0, math.MaxInt64), 64<<10)
	d, err := newDecoder(in)
	more := true
	for err == nil && more && at(d.head.begun).Add(d.head.interval).After(from) {
		err = d.next(func(it item) {
			if more && it.single && !it.At.Before(from) {
				more = yield(it.Share)
			}
		})
	}
	if errors.Is(err, errTorn) {
		return nil
	}
	return err
}
