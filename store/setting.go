package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"hearth/ledger"
)

// Get returns what was put under the key, and whether anything was.
func (s *Store) Get(ctx context.Context, key string) ([]byte, bool, error) {
	var value []byte
	err := s.read.Load().QueryRowContext(ctx, "select value from setting where key = ?", key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("get %q: %w", key, classify(err))
	}
	return value, true, nil
}

// Put keeps value under the key, in place of what was there, and returns once
// it is on the disk. When that takes nothing the error wraps [ErrPaused] and
// nothing is kept for later: put the newest value again.
func (s *Store) Put(ctx context.Context, key string, value []byte) error {
	if value == nil {
		value = []byte{}
	}
	return s.set(ctx, "put "+key, "insert into setting (key, value) values (?, ?) on conflict do update set value = excluded.value", key, value)
}

// Delete forgets what was put under the key.
func (s *Store) Delete(ctx context.Context, key string) error {
	return s.set(ctx, "delete "+key, "delete from setting where key = ?", key)
}

func (s *Store) set(ctx context.Context, what, statement string, args ...any) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return fmt.Errorf("%s: %w", what, ErrClosed)
	}
	ctx = context.WithoutCancel(ctx)
	_, err := s.transact(ctx, func(tx *sql.Tx) (ledger.Record, error) {
		_, err := tx.ExecContext(ctx, statement, args...)
		return ledger.Record{}, err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, classify(err))
	}
	return nil
}
