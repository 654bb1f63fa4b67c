package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hearth/ledger"
	"hearth/units"
)

// Point is one span of history. Mean, Min, Max and Sum are nil where nothing
// is known of the span: a gap, not zero.
type Point struct {
	At                  time.Time // start of the span
	Mean, Min, Max, Sum *float64
	Provenance          units.Provenance
	Known               time.Duration // how much of the span is known
}

// MaxPoints bounds the answer of [Store.History].
const MaxPoints = 10_000

// spans are the lengths of a point that people can read an axis by.
func spans() []time.Duration {
	const day = 24 * time.Hour
	return []time.Duration{
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 6 * time.Hour, 8 * time.Hour, 12 * time.Hour,
		day, 2 * day, 7 * day, 14 * day, 28 * day, 91 * day, 182 * day, 364 * day,
	}
}

// History returns a metric of a subject from one time to another as at most
// so many points, each of the same span, which is returned too: the shortest
// that fits, from a minute up. Points of a day or more begin at midnight at
// the home's place. The points have no holes: a span of which nothing is
// known is a point without numbers. Times of which no minutes are kept any
// more are answered by the hour.
func (s *Store) History(ctx context.Context, subject, metric string, from, to time.Time, points int) ([]Point, time.Duration, error) {
	if !from.Before(to) {
		return nil, 0, fmt.Errorf("read history: the time from %s to %s is empty", from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	points = min(max(points, 1), MaxPoints)
	var list []Point
	var span time.Duration
	err := s.snapshot(ctx, func(q querier) error {
		id, err := series(ctx, q, subject, metric)
		if err != nil {
			return err
		}
		shortest := time.Minute
		if pruned, err := s.minutesPruned(ctx, q, id, from); err != nil {
			return err
		} else if pruned {
			shortest = time.Hour
		}
		var starts []time.Time
		starts, span = s.axis(from, to, shortest, points)
		list, err = s.fill(ctx, q, id, starts, to, span)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read history of %s of %s: %w", metric, subject, classify(err))
	}
	return list, span, nil
}

// series returns the number of a series, 0 if it has no samples.
func series(ctx context.Context, q querier, subject, metric string) (int64, error) {
	var id int64
	err := q.QueryRowContext(ctx, "select id from series where subject = ? and metric = ?", subject, metric).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return id, err
}

// minutesPruned reports whether there are hours after from whose minutes are
// gone.
func (s *Store) minutesPruned(ctx context.Context, q querier, id int64, from time.Time) (bool, error) {
	var pruned bool
	err := q.QueryRowContext(ctx, `select coalesce(
  (select min(at) from sample_hour where series = ?1 and at >= ?2) + 3600 <=
  coalesce((select min(at) from sample_minute where series = ?1 and at >= ?2), 9223372036854775807), false)`,
		id, ledger.Hour(from).Unix()).Scan(&pruned)
	return pruned, err
}

// axis returns the starts of the points and their span.
func (s *Store) axis(from, to time.Time, shortest time.Duration, points int) ([]time.Time, time.Duration) {
	var starts []time.Time
	var span time.Duration
	for _, span = range spans() {
		if span < shortest || to.Sub(from)/span > time.Duration(points) {
			continue
		}
		starts = starts[:0]
		for t := s.firstStart(from, span); t.Before(to) && len(starts) <= points; t = s.nextStart(t, span) {
			starts = append(starts, t)
		}
		if len(starts) <= points {
			return starts, span
		}
	}
	// More years than points: the last span, from the beginning on.
	for t := s.firstStart(from, span); t.Before(to); t = s.nextStart(t, span) {
		starts = append(starts, t)
	}
	return starts[:min(len(starts), points)], span
}

const day = 24 * time.Hour

func (s *Store) firstStart(from time.Time, span time.Duration) time.Time {
	if span < day {
		return from.UTC().Truncate(span)
	}
	return ledger.Day(from, s.opts.Location)
}

// nextStart adds days by the calendar, since one in spring has 23 hours.
func (s *Store) nextStart(t time.Time, span time.Duration) time.Time {
	if span < day {
		return t.Add(span)
	}
	y, m, d := t.In(s.opts.Location).Date()
	return time.Date(y, m, d+int(span/day), 0, 0, 0, 0, s.opts.Location).UTC()
}

// fill reads the samples between the first start and the time to and puts
// each into its point.
func (s *Store) fill(ctx context.Context, q querier, id int64, starts []time.Time, to time.Time, span time.Duration) ([]Point, error) {
	table := "sample_minute"
	switch {
	case span >= day:
		table = "sample_day"
	case span >= time.Hour:
		table = "sample_hour"
	}
	merged := make([]Sample, len(starts))
	rows, err := q.QueryContext(ctx, "select at, mean, min, max, sum, provenance, known from "+table+
		" where series = ? and at >= ? and at < ? order by at", id, starts[0].Unix(), to.Unix())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	i := 0
	for rows.Next() {
		x, err := scanSample(rows)
		if err != nil {
			return nil, err
		}
		for i+1 < len(starts) && !x.At.Before(starts[i+1]) {
			i++
		}
		merged[i] = merged[i].Merge(x)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	list := make([]Point, len(starts))
	for i, x := range merged {
		list[i] = Point{At: starts[i], Provenance: x.Provenance, Known: x.Known}
		if x.IsKnown() {
			list[i].Mean, list[i].Min, list[i].Max, list[i].Sum = &x.Mean, &x.Min, &x.Max, &x.Sum
		}
	}
	return list, nil
}

// Totals returns what all samples of a metric of a subject that begin from
// one time on and before another say together: their mean, least, most and
// sum, the worst provenance, and how much of the time is known (nothing, if
// Known is 0). Whole hours come from the table of hours; of an hour that is
// only in part between the times, the minutes count as far as they are kept.
func (s *Store) Totals(ctx context.Context, subject, metric string, from, to time.Time) (Sample, error) {
	total := Sample{At: from.UTC(), Subject: subject, Metric: metric}
	if !from.Before(to) {
		return total, nil
	}
	err := s.snapshot(ctx, func(q querier) error {
		id, err := series(ctx, q, subject, metric)
		if err != nil {
			return err
		}
		first, last := ledger.Hour(from.Add(time.Hour-1)), ledger.Hour(to)
		parts := []struct {
			table    string
			from, to time.Time
		}{{"sample_minute", from, first}, {"sample_hour", first, last}, {"sample_minute", last, to}}
		if last.Before(first) {
			parts = parts[:1]
			parts[0].to = to
		}
		for _, p := range parts {
			x, err := aggregate(ctx, q, p.table, id, p.from, p.to)
			if err != nil {
				return err
			}
			x.Subject, x.Metric = subject, metric
			total = total.Merge(x)
		}
		return nil
	})
	total.At = from.UTC()
	if err != nil {
		return Sample{}, fmt.Errorf("total %s of %s: %w", metric, subject, classify(err))
	}
	return total, nil
}

func aggregate(ctx context.Context, q querier, table string, id int64, from, to time.Time) (Sample, error) {
	// A span belongs to the time it begins at; from may lie within a second.
	begin, end := from.Add(time.Second-1).Unix(), to.Add(time.Second-1).Unix()
	rows, err := q.QueryContext(ctx, `select coalesce(min(at), 0), coalesce(sum(mean * known) / sum(known), 0),
  coalesce(min(min), 0), coalesce(max(max), 0), coalesce(sum(sum), 0), coalesce(max(provenance), 0), coalesce(sum(known), 0)
  from `+table+` where series = ? and at >= ? and at < ?`, id, begin, end)
	if err != nil {
		return Sample{}, err
	}
	defer rows.Close()
	if !rows.Next() {
		return Sample{}, rows.Err()
	}
	return scanSample(rows)
}
