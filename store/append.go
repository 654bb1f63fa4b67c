package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"hearth/ledger"
)

// Append writes the entries as the next records of the ledger, all or none,
// and returns the new head once they are on the disk.
//
// If the disk takes nothing now, the error wraps [ErrPaused]: the entries
// wait in memory and go in, in order, before those of the next Append that
// succeeds. They must not be appended again. An entry that makes no sense
// (see [ledger.Entry.Check]) is an error and nothing is kept.
func (s *Store) Append(ctx context.Context, entries ...ledger.Entry) (ledger.Head, error) {
	if err := ctx.Err(); err != nil {
		return ledger.Head{}, fmt.Errorf("append to ledger: %w", err)
	}
	for i, e := range entries {
		if err := e.Check(); err != nil {
			return ledger.Head{}, fmt.Errorf("append %s about %q to ledger (entry %d of %d): %w", e.Kind, e.Subject, i+1, len(entries), err)
		}
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return ledger.Head{}, fmt.Errorf("append to ledger: %w", ErrClosed)
	}
	if err := s.commit(context.WithoutCancel(ctx), entries); err != nil {
		return s.Head(), fmt.Errorf("append to ledger: %w", err)
	}
	return s.Head(), nil
}

// Flush tries to write what waits in memory, records and samples. It returns
// nil if nothing waits afterwards.
func (s *Store) Flush(ctx context.Context) error {
	if _, err := s.Append(ctx); err != nil {
		return err
	}
	return s.PutSamples(ctx, nil)
}

// commit writes what waits and then the entries. When the disk does not take
// them they wait too.
func (s *Store) commit(ctx context.Context, entries []ledger.Entry) error {
	batch := append(s.waiting.all(), entries...)
	if len(batch) == 0 {
		return nil
	}
	last, err := s.transact(ctx, func(tx *sql.Tx) (ledger.Record, error) { return s.chain(ctx, tx, batch) })
	if err != nil {
		if err = classify(err); isPause(err) && !s.viewing {
			s.waiting.put(entries, s.opts.Buffer, err)
		}
		return err
	}
	if n := s.waiting.dropped; n > 0 {
		s.log.Warn("ledger goes on with a gap", "dropped", n)
	}
	s.waiting = backlog{}
	s.advance(last)
	return nil
}

// transact runs a write in one transaction and keeps account of whether the
// disk takes writes.
func (s *Store) transact(ctx context.Context, do func(*sql.Tx) (ledger.Record, error)) (ledger.Record, error) {
	r, err := s.attempt(ctx, do)
	switch {
	case err == nil:
		s.resume()
	case isDisk(err):
		s.pause(err)
		if c := code(err); s.write != nil && c != sqlite3.SQLITE_FULL && c != sqlite3.SQLITE_BUSY {
			// After an I/O error nothing that the connection remembers of the
			// file is to be trusted.
			s.write.Close()
			s.write = nil
		}
	}
	return r, err
}

func (s *Store) attempt(ctx context.Context, do func(*sql.Tx) (ledger.Record, error)) (ledger.Record, error) {
	if s.viewing {
		return ledger.Record{}, errView
	}
	if s.write == nil {
		if err := s.reconnect(ctx); err != nil {
			return ledger.Record{}, err
		}
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return ledger.Record{}, err
	}
	defer tx.Rollback()
	r, err := do(tx)
	if err != nil {
		return ledger.Record{}, err
	}
	return r, tx.Commit()
}

func (s *Store) resume() {
	s.state.Lock()
	defer s.state.Unlock()
	if s.paused != nil {
		s.log.Info("ledger is written again")
	}
	s.paused = nil
}

// chain seals the entries behind the last record of the file and returns the
// last of them. The place is always read from the file: after a commit that
// failed, memory may be wrong about it.
func (s *Store) chain(ctx context.Context, tx *sql.Tx, entries []ledger.Entry) (ledger.Record, error) {
	last, err := lastRecord(ctx, tx)
	if err != nil {
		return ledger.Record{}, err
	}
	insert, err := tx.PrepareContext(ctx, insertRecord)
	if err != nil {
		return ledger.Record{}, err
	}
	defer insert.Close()
	for _, e := range entries {
		if last, err = e.Seal(last.Seq+1, last.Hash, s.opts.Key); err != nil {
			return ledger.Record{}, err
		}
		if _, err := insert.ExecContext(ctx, recordValues(last)...); err != nil {
			return ledger.Record{}, err
		}
	}
	return last, nil
}

// advance makes the record the head, in memory and in the head's file.
func (s *Store) advance(last ledger.Record) {
	h := last.Head(s.genesis, s.opts.Key)
	s.setHead(h)
	s.writeHead(h)
}

// backlog is what waits in memory for the disk.
type backlog struct {
	entries   []ledger.Entry
	dropped   int64
	from, to  time.Time // of what was dropped
	simulated bool      // all of it
	why       string
}

// all returns the entries that wait, with a gap record before them if some
// were dropped.
func (b *backlog) all() []ledger.Entry {
	if b.dropped == 0 {
		return slices.Clone(b.entries)
	}
	gap, err := ledger.NewEntry(b.to, "", b.simulated, ledger.Gap{From: b.from, To: b.to, Dropped: b.dropped, Why: b.why})
	if err != nil {
		panic(err) // every field was checked when its entry came in
	}
	return append([]ledger.Entry{gap}, b.entries...)
}

// put takes the entries in and drops the oldest beyond size.
func (b *backlog) put(entries []ledger.Entry, size int, why error) {
	b.entries = append(b.entries, entries...)
	for len(b.entries) > size {
		e := b.entries[0]
		b.entries = b.entries[1:]
		at := e.At.UTC()
		if b.dropped == 0 {
			b.from, b.to, b.simulated = at, at, true
		}
		if at.Before(b.from) {
			b.from = at
		}
		if at.After(b.to) {
			b.to = at
		}
		b.simulated = b.simulated && e.Simulated
		b.dropped++
		b.why = why.Error()
	}
}
