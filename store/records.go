package store

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"strings"
	"time"

	"hearth/ledger"
)

// querier is a database or a transaction in it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

const (
	recordColumns = "seq, at, kind, subject, simulated, body, prev, hash, sig"
	insertRecord  = "insert into record (" + recordColumns + ") values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

func recordValues(r ledger.Record) []any {
	return []any{
		int64(r.Seq), r.At.UnixNano(), string(r.Kind), r.Subject, r.Simulated, string(r.Body),
		r.Prev[:], r.Hash[:], r.Sig[:],
	}
}

func scanRecord(row interface{ Scan(...any) error }) (ledger.Record, error) {
	var (
		r               ledger.Record
		seq, at         int64
		prev, hash, sig []byte
	)
	if err := row.Scan(&seq, &at, &r.Kind, &r.Subject, &r.Simulated, (*[]byte)(&r.Body), &prev, &hash, &sig); err != nil {
		return r, err
	}
	r.Seq, r.At = uint64(seq), time.Unix(0, at).UTC()
	if len(prev) != len(r.Prev) || len(hash) != len(r.Hash) || len(sig) != len(r.Sig) {
		return r, fmt.Errorf("read record %d: a hash or signature has the wrong length", seq)
	}
	r.Prev, r.Hash, r.Sig = ledger.Hash(prev), ledger.Hash(hash), ledger.Signature(sig)
	return r, nil
}

func one(ctx context.Context, q querier, seq uint64) (ledger.Record, error) {
	return scanRecord(q.QueryRowContext(ctx, "select "+recordColumns+" from record where seq = ?", int64(seq)))
}

func lastRecord(ctx context.Context, q querier) (ledger.Record, error) {
	return scanRecord(q.QueryRowContext(ctx, "select "+recordColumns+" from record order by seq desc limit 1"))
}

// each yields the records that the condition selects, in order of number.
func each(ctx context.Context, q querier, condition string, args ...any) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		rows, err := q.QueryContext(ctx, "select "+recordColumns+" from record "+condition, args...)
		if err != nil {
			yield(ledger.Record{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			r, err := scanRecord(rows)
			if !yield(r, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(ledger.Record{}, err)
		}
	}
}

// Filter selects records. The zero Filter selects the first thousand.
type Filter struct {
	FromSeq uint64        // this number and above
	Kinds   []ledger.Kind // any of these; empty: every kind
	Subject string        // empty: every subject
	From    time.Time     // this time and later; zero: no bound
	To      time.Time     // before this time; zero: no bound
	Limit   int           // at most so many; 0: 1,000; -1: all
	Newest  bool          // the last that fit, newest first, rather than the first
}

func (f Filter) condition() (string, []any) {
	where := []string{"seq >= ?"}
	args := []any{int64(f.FromSeq)}
	if len(f.Kinds) > 0 {
		where = append(where, "kind in (?"+strings.Repeat(", ?", len(f.Kinds)-1)+")")
		for _, k := range f.Kinds {
			args = append(args, string(k))
		}
	}
	if f.Subject != "" {
		where, args = append(where, "subject = ?"), append(args, f.Subject)
	}
	if !f.From.IsZero() {
		where, args = append(where, "at >= ?"), append(args, f.From.UnixNano())
	}
	if !f.To.IsZero() {
		where, args = append(where, "at < ?"), append(args, f.To.UnixNano())
	}
	order := " order by seq"
	if f.Newest {
		order += " desc"
	}
	if f.Limit == 0 {
		f.Limit = 1000
	}
	return "where " + strings.Join(where, " and ") + order + " limit ?", append(args, f.Limit)
}

// Find returns the records that the filter selects, in order of number unless
// the filter says otherwise.
func (s *Store) Find(ctx context.Context, f Filter) ([]ledger.Record, error) {
	where, args := f.condition()
	var list []ledger.Record
	for r, err := range each(ctx, s.read.Load(), where, args...) {
		if err != nil {
			return nil, fmt.Errorf("find records: %w", classify(err))
		}
		list = append(list, r)
	}
	return list, nil
}

// Since yields the records of these kinds that are of a time or later, in
// order of number; of every kind if none is named.
func (s *Store) Since(ctx context.Context, from time.Time, kinds ...ledger.Kind) iter.Seq2[ledger.Record, error] {
	where, args := Filter{Kinds: kinds, From: from, Limit: -1}.condition()
	return func(yield func(ledger.Record, error) bool) {
		for r, err := range each(ctx, s.read.Load(), where, args...) {
			if err != nil {
				err = fmt.Errorf("find records: %w", classify(err))
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// Records returns at most limit records from the number fromSeq on, in order.
func (s *Store) Records(ctx context.Context, fromSeq uint64, limit int) ([]ledger.Record, error) {
	return s.Find(ctx, Filter{FromSeq: fromSeq, Limit: limit})
}

// Events returns at most limit records after the number afterSeq that belong
// in the log a person reads, in order: events, trips, commands and gaps.
func (s *Store) Events(ctx context.Context, afterSeq uint64, limit int) ([]ledger.Record, error) {
	return s.Find(ctx, Filter{
		FromSeq: afterSeq + 1, Limit: limit,
		Kinds: []ledger.Kind{ledger.KindEvent, ledger.KindTrip, ledger.KindCommand, ledger.KindGap},
	})
}

// snapshot runs do on one state of the file, whatever is written meanwhile.
func (s *Store) snapshot(ctx context.Context, do func(querier) error) error {
	tx, err := s.read.Load().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return do(tx)
}

// Verify reads the whole ledger and holds it against the key, the first
// record and the head outside the file, and has SQLite look the file over. The
// error is for what kept it from
// looking; what it found is in the report.
func (s *Store) Verify(ctx context.Context) (ledger.Report, error) {
	var report ledger.Report
	var want ledger.Expect
	if want, report.Problem = s.expect(); !report.OK() {
		return report, nil
	}
	err := s.snapshot(ctx, func(q querier) error {
		report = ledger.Verify(each(ctx, q, "order by seq"), want)
		if err := ctx.Err(); err != nil || !report.OK() {
			return err
		}
		// The records are sound, but what finds them may not be.
		var text string
		if err := q.QueryRowContext(ctx, "pragma integrity_check(1)").Scan(&text); err != nil {
			return err
		}
		if text != "ok" {
			report.Problem = &ledger.Problem{Fault: ledger.FaultUnreadable, Text: "The records are sound, but the file is damaged: " + text + "."}
		}
		return nil
	})
	if err != nil {
		return ledger.Report{}, fmt.Errorf("verify ledger: %w", classify(err))
	}
	return report, nil
}
