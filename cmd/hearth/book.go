package main

import (
	"context"
	"time"

	"hearth/site"
	"hearth/store"
)

// book is the store as a site wants it.
type book struct{ *store.Store }

// History implements [site.Book].
func (b book) History(ctx context.Context, q site.HistoryQuery) ([]site.Point, time.Duration, error) {
	points, span, err := b.Store.History(ctx, q.Subject, string(q.Metric), q.From, q.To, q.Points)
	if err != nil {
		return nil, 0, err
	}
	out := make([]site.Point, len(points))
	sums := q.Metric == site.MetricElectricity || q.Metric == site.MetricHeat
	for i, p := range points {
		out[i] = site.Point{At: p.At, Mean: p.Mean, Min: p.Min, Max: p.Max, Provenance: p.Provenance}
		if sums {
			out[i].Mean, out[i].Min, out[i].Max = p.Sum, p.Sum, p.Sum
		}
	}
	return out, span, nil
}
