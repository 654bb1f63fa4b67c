package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"time"

	"hearth/ledger"
	"hearth/units"
)

// Sample is what is known of one metric of one subject in one minute.
type Sample = ledger.Sample

type seriesKey struct{ subject, metric string }

// PutSamples keeps samples of minutes and rolls them up to hours and days. A
// second sample for the same minute adds to the first, as after a restart
// within the minute; see [ledger.Sample.Merge]. Samples of which nothing is
// known are left out.
//
// When the disk takes nothing the error wraps [ErrPaused]; the samples wait
// in memory and must not be put again. The oldest are dropped when there are
// too many: history then has a gap.
func (s *Store) PutSamples(ctx context.Context, samples []Sample) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("put samples: %w", err)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return fmt.Errorf("put samples: %w", ErrClosed)
	}
	if s.viewing {
		return fmt.Errorf("put samples: %w", errView)
	}
	s.samples = append(s.samples, samples...)
	if len(s.samples) == 0 {
		return nil
	}
	if err := s.flushSamples(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("put samples: %w", err)
	}
	return nil
}

// flushSamples writes the samples that wait.
func (s *Store) flushSamples(ctx context.Context) error {
	made := map[seriesKey]int64{}
	_, err := s.transact(ctx, func(tx *sql.Tx) (ledger.Record, error) {
		return ledger.Record{}, s.insertSamples(ctx, tx, made)
	})
	if err != nil {
		err = classify(err)
		keep := 0
		if isPause(err) {
			keep = min(len(s.samples), 4*s.opts.Buffer)
		}
		if n := len(s.samples) - keep; n > 0 {
			s.log.Warn("samples dropped", "count", n)
		}
		s.samples = s.samples[len(s.samples)-keep:]
		return err
	}
	maps.Copy(s.series, made)
	s.samples = nil
	return nil
}

// resolutions are the tables of samples, finest first.
func (s *Store) resolutions() [3]resolution {
	return [3]resolution{
		{"sample_minute", func(t time.Time) time.Time { return t.UTC().Truncate(time.Minute) }},
		{"sample_hour", ledger.Hour},
		{"sample_day", func(t time.Time) time.Time { return ledger.Day(t, s.opts.Location) }},
	}
}

type resolution struct {
	table string
	start func(time.Time) time.Time // of the span that a time is in
}

func (s *Store) insertSamples(ctx context.Context, tx *sql.Tx, made map[seriesKey]int64) error {
	var list []numbered
	for _, x := range s.samples {
		if !x.IsKnown() {
			continue
		}
		id, err := s.seriesID(ctx, tx, made, seriesKey{x.Subject, x.Metric})
		if err != nil {
			return err
		}
		list = append(list, numbered{id, x})
	}
	for _, r := range s.resolutions() {
		if err := r.merge(ctx, tx, list); err != nil {
			return err
		}
	}
	return nil
}

// numbered is a sample with the number of its series.
type numbered struct {
	series int64
	sample Sample
}

// merge merges samples into the rows of the spans that they are in, as
// [ledger.Sample.Merge] does.
func (r resolution) merge(ctx context.Context, tx *sql.Tx, list []numbered) error {
	stmt, err := tx.PrepareContext(ctx, "insert into "+r.table+" (series, at, mean, min, max, sum, provenance, known) values (?, ?, ?, ?, ?, ?, ?, ?)"+`
on conflict do update set
  mean = (mean * known + excluded.mean * excluded.known) / (known + excluded.known),
  min = min(min, excluded.min), max = max(max, excluded.max), sum = sum + excluded.sum,
  provenance = max(provenance, excluded.provenance), known = known + excluded.known`)
	if err != nil {
		return err
	}
	defer stmt.Close()
	for _, n := range list {
		x := n.sample
		_, err := stmt.ExecContext(ctx, n.series, r.start(x.At).Unix(), x.Mean, x.Min, x.Max, x.Sum, int64(x.Provenance), x.Known.Seconds())
		if err != nil {
			return err
		}
	}
	return nil
}

// seriesID finds or makes the number of a series. Numbers made in a
// transaction count only once it is committed.
func (s *Store) seriesID(ctx context.Context, tx *sql.Tx, made map[seriesKey]int64, k seriesKey) (int64, error) {
	if id, ok := s.series[k]; ok {
		return id, nil
	}
	if id, ok := made[k]; ok {
		return id, nil
	}
	var id int64
	err := tx.QueryRowContext(ctx, "select id from series where subject = ? and metric = ?", k.subject, k.metric).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = tx.QueryRowContext(ctx, "insert into series (subject, metric) values (?, ?) returning id", k.subject, k.metric).Scan(&id)
	}
	if err != nil {
		return 0, err
	}
	made[k] = id
	return id, nil
}

// placeSetting is where the name of the place is kept whose days the table of
// days has.
const placeSetting = "store.location"

// samePlace rolls the hours up to days anew when the home's place has
// changed.
func (s *Store) samePlace(ctx context.Context) error {
	name := s.opts.Location.String()
	was, known, err := s.Get(ctx, placeSetting)
	if err != nil || known && string(was) == name || s.write == nil {
		return err
	}
	_, err = s.transact(ctx, func(tx *sql.Tx) (ledger.Record, error) { return ledger.Record{}, s.rebuildDays(ctx, tx, name) })
	if isDisk(err) {
		return nil // paused: the days are those of the old place until then
	}
	return err
}

func (s *Store) rebuildDays(ctx context.Context, tx *sql.Tx, place string) error {
	if _, err := tx.ExecContext(ctx, "delete from sample_day"); err != nil {
		return err
	}
	var last int64
	if err := tx.QueryRowContext(ctx, "select coalesce(max(id), 0) from series").Scan(&last); err != nil {
		return err
	}
	for id := range last { // one series at a time: years of all would fill a small computer
		hours, err := hoursOf(ctx, tx, id+1)
		if err != nil {
			return err
		}
		if err := s.resolutions()[2].merge(ctx, tx, hours); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, "insert into setting (key, value) values (?, ?) on conflict do update set value = excluded.value", placeSetting, []byte(place))
	return err
}

func hoursOf(ctx context.Context, q querier, series int64) ([]numbered, error) {
	rows, err := q.QueryContext(ctx, "select at, mean, min, max, sum, provenance, known from sample_hour where series = ? order by at", series)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []numbered
	for rows.Next() {
		x, err := scanSample(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, numbered{series, x})
	}
	return list, rows.Err()
}

// scanSample reads the columns at to known.
func scanSample(rows *sql.Rows) (Sample, error) {
	var x Sample
	var at int64
	var from uint8
	var known float64
	err := rows.Scan(&at, &x.Mean, &x.Min, &x.Max, &x.Sum, &from, &known)
	x.At, x.Provenance = time.Unix(at, 0).UTC(), units.Provenance(from)
	x.Known = time.Duration(known * float64(time.Second))
	return x, err
}
