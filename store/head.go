package store

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"hearth/ledger"
)

func (s *Store) public() ed25519.PublicKey { return s.opts.Key.Public().(ed25519.PublicKey) }

// found makes the genesis.
func (s *Store) found(ctx context.Context) error {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails, by its documentation
	e, err := ledger.NewGenesis(s.opts.Now(), s.public(), id)
	if err != nil {
		return err
	}
	_, err = s.transact(ctx, func(tx *sql.Tx) (ledger.Record, error) {
		r, err := e.Seal(1, ledger.Hash{}, s.opts.Key)
		if err != nil {
			return r, err
		}
		_, err = tx.ExecContext(ctx, insertRecord, recordValues(r)...)
		return r, err
	})
	return err
}

// checkKey reports whether the ledger goes on with the key it began with.
func (s *Store) checkKey(first ledger.Record) error {
	body, err := first.Decode()
	g, ok := body.(ledger.Genesis)
	if err != nil || !ok {
		return fmt.Errorf("%w: its first record is not a genesis; %s", ErrDamaged, whatToDo)
	}
	if have := hex.EncodeToString(s.public()); g.Key != have {
		return fmt.Errorf("%w: it was made with %s…, the key at hand is %s…; put the right key file back", ErrKey, g.Key[:16], have[:16])
	}
	return nil
}

// readHead returns the head kept outside the file.
func (s *Store) readHead() (ledger.Head, error) {
	b, err := os.ReadFile(s.opts.HeadPath)
	if err != nil {
		return ledger.Head{}, err
	}
	h, err := ledger.ParseHead(b)
	if err != nil {
		return ledger.Head{}, err
	}
	return h, h.Verify(s.public())
}

// expect says what the ledger is to be held against, or that the head outside
// the file is missing or broken.
func (s *Store) expect() (ledger.Expect, *ledger.Problem) {
	want := ledger.Expect{Key: s.public(), Genesis: s.genesis}
	if s.opts.HeadPath == "" {
		return want, nil
	}
	h, err := s.readHead()
	if err != nil {
		return want, &ledger.Problem{Fault: ledger.FaultHead, Text: fmt.Sprintf("The signed head outside the file (%s) cannot be used: %v. A cut end would not show.", s.opts.HeadPath, err)}
	}
	want.Head = &h
	return want, nil
}

// compareHead holds the ledger against the head outside the file when the
// store is opened. Where they disagree the head is put aside, as evidence,
// and the disagreement becomes a record: the ledger goes on, since a home
// must, but never in silence.
func (s *Store) compareHead(ctx context.Context) error {
	if s.opts.HeadPath == "" {
		return nil
	}
	head := s.Head()
	outside, err := s.readHead()
	var why string
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if head.Seq == 1 { // new, or killed before the first head was written
			s.writeHead(head)
			return nil
		}
		why = "The signed head that is kept outside the ledger is missing. Whether the ledger's end was cut off cannot be told."
	case err != nil && isDisk(err):
		s.state.Lock()
		defer s.state.Unlock()
		s.stale = fmt.Errorf("read head %s: %w", s.opts.HeadPath, err)
		return nil
	case err != nil:
		why = "The signed head that is kept outside the ledger cannot be used: " + err.Error() + "."
	default:
		why, err = s.disagreement(ctx, outside)
		if err != nil {
			return err
		}
	}
	if why == "" {
		if outside.Seq < head.Seq { // killed between the record and the head
			s.writeHead(head)
		}
		return nil
	}
	return s.dispute(ctx, why)
}

// disagreement returns "" if the ledger contains what the head vouches for.
func (s *Store) disagreement(ctx context.Context, outside ledger.Head) (string, error) {
	last := s.Head()
	switch {
	case outside.Genesis != s.genesis:
		return fmt.Sprintf("The signed head that is kept outside the ledger belongs to another ledger, which had %d records.", outside.Seq), nil
	case outside.Seq > last.Seq:
		return fmt.Sprintf("The ledger ends with record %d, but had %d records: its end was cut off, or an older copy was put back.", last.Seq, outside.Seq), nil
	}
	r, err := one(ctx, s.read.Load(), outside.Seq)
	if errors.Is(err, sql.ErrNoRows) { // pruned; Verify looks at the checkpoint
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if r.Hash != outside.Hash {
		return fmt.Sprintf("Record %d is not the one that the signed head outside the ledger vouches for: the ledger was rewritten.", outside.Seq), nil
	}
	return "", nil
}

func (s *Store) dispute(ctx context.Context, why string) error {
	s.log.Warn("ledger and its head disagree", "why", why)
	s.state.Lock()
	s.disputed = errors.New(why)
	s.state.Unlock()
	aside := fmt.Sprintf("%s.disputed-%s", s.opts.HeadPath, s.opts.Now().UTC().Format("20060102T150405.000000000Z"))
	kept := ""
	if err := os.Rename(s.opts.HeadPath, aside); err == nil {
		kept = " The old head was kept beside the new one."
	}
	e, err := ledger.NewEntry(s.opts.Now(), "", false, ledger.Event{Severity: "alarm", Code: "ledger_head", Text: why + kept})
	if err != nil {
		return err
	}
	if err := s.commit(ctx, []ledger.Entry{e}); err != nil && !isPause(err) {
		return err
	}
	return nil
}

// writeHead renews the head outside the file. The records are on the disk by
// then, so a failure here pauses nothing; it is shown as trouble until a
// later head is written.
func (s *Store) writeHead(h ledger.Head) {
	if s.opts.HeadPath == "" {
		return
	}
	err := func() error {
		line, err := h.MarshalLine()
		if err != nil {
			return err
		}
		return s.opts.files.replace(s.opts.HeadPath, line, 0o644)
	}()
	if err != nil {
		err = fmt.Errorf("renew head %s: %w", s.opts.HeadPath, err)
		s.log.Warn("head not renewed", "cause", err)
	}
	s.state.Lock()
	defer s.state.Unlock()
	s.stale = err
}
