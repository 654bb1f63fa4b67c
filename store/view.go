package store

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"
)

// errView is why a view takes nothing.
var errView = fmt.Errorf("%w: it was opened for reading only", ErrPaused)

// View opens the data file at path for reading, also while another process
// writes it: to verify, show, export or copy the ledger of a running home.
// Whatever writes returns [ErrPaused]. The errors are those of [Open].
func View(ctx context.Context, path string, opts Options) (*Store, error) {
	s, err := view(ctx, path, opts)
	if err != nil {
		return nil, fmt.Errorf("open ledger %s for reading: %w", path, classify(err))
	}
	return s, nil
}

func view(ctx context.Context, path string, opts Options) (_ *Store, err error) {
	if len(opts.Key) != ed25519.PrivateKeySize {
		return nil, errors.New("no key to check it with")
	}
	if opts.Location == nil {
		opts.Location = time.UTC
	}
	opts.Log, opts.files = slog.New(slog.DiscardHandler), osFiles{}
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	s := &Store{path: path, opts: opts, log: opts.Log, series: map[seriesKey]int64{}, viewing: true}
	s.pause(errView)
	defer func() {
		if err != nil {
			s.shut(false)
		}
	}()
	db, err := s.openRead(ctx)
	if err != nil {
		return nil, err
	}
	s.read.Store(db)
	first, err := one(ctx, db, 1)
	if err != nil {
		return nil, err
	}
	if err := s.checkKey(first); err != nil {
		return nil, err
	}
	s.genesis = first.Hash
	last, err := lastRecord(ctx, db)
	if err != nil {
		return nil, err
	}
	s.setHead(last.Head(s.genesis, opts.Key))
	return s, nil
}
