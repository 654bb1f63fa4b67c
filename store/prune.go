package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hearth/ledger"
)

// Pruned is what [Store.Prune] removed.
type Pruned struct {
	Records int64 // and a checkpoint stands for them
	Minutes int64 // samples; hours and days stay for good
}

// Prune removes the detail from before a time: records, behind a signed
// checkpoint with their hash and sums, which is written in the same
// transaction, and samples by the minute. The genesis stays, and so does
// every record that follows one of that time or later. The records to be
// removed are held against their hashes first; if one is not as it was
// written, nothing is removed.
func (s *Store) Prune(ctx context.Context, olderThan time.Time) (Pruned, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return Pruned{}, fmt.Errorf("prune ledger: %w", ErrClosed)
	}
	// What waits goes first, so that the checkpoint finds the disk writable.
	if err := s.commit(ctx, nil); err != nil {
		return Pruned{}, fmt.Errorf("prune ledger: %w", err)
	}
	var done Pruned
	last, err := s.transact(ctx, func(tx *sql.Tx) (ledger.Record, error) {
		var err error
		done.Minutes, err = remove(ctx, tx, "delete from sample_minute where at < ?", ledger.Hour(olderThan).Unix())
		if err != nil {
			return ledger.Record{}, err
		}
		return s.condense(ctx, tx, olderThan, &done)
	})
	if err != nil {
		return Pruned{}, fmt.Errorf("prune ledger: %w", classify(err))
	}
	if done.Records > 0 {
		s.advance(last)
	}
	return done, nil
}

func remove(ctx context.Context, tx *sql.Tx, statement string, args ...any) (int64, error) {
	res, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// condense appends a checkpoint for the records before the first of that time
// or later, and removes them.
func (s *Store) condense(ctx context.Context, tx *sql.Tx, olderThan time.Time, done *Pruned) (ledger.Record, error) {
	var end int64 // the first record that stays
	err := tx.QueryRowContext(ctx, `select coalesce(
  (select min(seq) from record where at >= ? and seq > 1), (select max(seq) + 1 from record))`,
		olderThan.UnixNano()).Scan(&end)
	if err != nil {
		return ledger.Record{}, err
	}
	before, first, err := standing(ctx, tx)
	if err != nil || int64(first) >= end {
		return ledger.Record{}, err
	}
	removed := each(ctx, tx, "where seq > 1 and seq < ? order by seq", end)
	c, err := ledger.Condense(s.genesis, before, removed)
	if err != nil {
		return ledger.Record{}, err
	}
	// The first record that stays vouches for those that go.
	if stays, err := one(ctx, tx, uint64(end)); err == nil && stays.Prev != c.Hash {
		return ledger.Record{}, fmt.Errorf("record %d does not follow record %d: run `hearth ledger verify`", end, c.Last)
	} else if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return ledger.Record{}, err
	}
	e, err := ledger.NewEntry(s.opts.Now(), "", false, c)
	if err != nil {
		return ledger.Record{}, err
	}
	last, err := s.chain(ctx, tx, []ledger.Entry{e})
	if err != nil {
		return ledger.Record{}, err
	}
	done.Records, err = remove(ctx, tx, "delete from record where seq > 1 and seq < ?", end)
	return last, err
}

// standing returns the checkpoint that stands for the records behind the
// genesis that are gone, nil if none are, and the first number after them.
func standing(ctx context.Context, q querier) (*ledger.Checkpoint, uint64, error) {
	var first uint64
	if err := q.QueryRowContext(ctx, "select coalesce(min(seq), 2) from record where seq > 1").Scan(&first); err != nil {
		return nil, 0, err
	}
	if first == 2 {
		return nil, first, nil
	}
	for r, err := range each(ctx, q, "where kind = ? order by seq", string(ledger.KindCheckpoint)) {
		if err != nil {
			return nil, 0, err
		}
		body, err := r.Decode()
		if err != nil {
			return nil, 0, err
		}
		if c, ok := body.(ledger.Checkpoint); ok && c.Last == first-1 {
			return &c, first, nil
		}
	}
	return nil, 0, errors.New("records are missing and no checkpoint stands for them: run `hearth ledger verify`")
}
