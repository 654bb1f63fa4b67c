package site

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"hearth/control"
	"hearth/ledger"
	"hearth/units"
)

// scribe gathers what one step brought and writes it in one go, so that a
// step costs at most one sync of the disk. While the disk takes nothing,
// heating goes on and the scribe says that the ledger is paused.
type scribe struct {
	book    Book
	log     *slog.Logger
	entries []ledger.Entry
	samples []ledger.Sample
	head    ledger.Head
	paused  string // why nothing can be written; empty while all is well
}

func newScribe(b Book, log *slog.Logger) *scribe {
	return &scribe{book: b, log: log, head: b.Head()}
}

// put adds a body, if it can stand in a ledger at all.
func (w *scribe) put(at time.Time, subject string, simulated bool, body ledger.Body) {
	e, err := ledger.NewEntry(at, subject, simulated, body)
	if err != nil {
		w.log.Error("a record cannot be written", "subject", subject, "kind", string(body.Kind()), "error", err)
		return
	}
	w.entries = append(w.entries, e)
}

func (w *scribe) event(e control.Event, simulated bool) {
	w.put(e.At, e.Subject, simulated, ledger.Event{Severity: string(e.Severity), Code: e.Code, Text: e.Text})
}

func (w *scribe) trip(t control.Trip, simulated bool) {
	w.put(t.Since, t.Subject, simulated, ledger.Trip{ID: t.ID, Rule: t.Rule, Cause: t.Cause, Did: t.Did, Clears: t.Clears, Latched: t.Latched})
}

func (w *scribe) command(u *unit, now time.Time) {
	c := u.command
	w.put(now, u.ID, u.simulated(), ledger.Command{
		Verb: string(c.Demand.Verb), Power: c.Demand.Power, Level: c.Demand.Level, Why: c.Demand.Why,
		Confirmed: c.Confirmed, Trouble: strings.ToValidUTF8(c.Trouble, "?"),
	})
}

func (w *scribe) setting(at time.Time, subject, name, from, to, by string, simulated bool) {
	w.put(at, subject, simulated, ledger.Setting{Name: name, From: from, To: to, By: by})
}

func (w *scribe) energy(kind ledger.Kind, subject, zone string, t sum, simulated bool) {
	e := ledger.Energy{From: t.from, To: t.to, Joules: max(t.energy, 0), Provenance: t.source, Zone: zone}
	if kind == ledger.KindHeat {
		w.put(t.to, subject, simulated || t.source == units.Simulated, ledger.Heat(e))
		return
	}
	w.put(t.to, subject, simulated || t.source == units.Simulated, ledger.Electricity(e))
}

// keep bounds what waits in memory while the disk takes nothing.
const keep = 10000

// flush writes what waits. The store keeps records that it could not write
// yet; samples wait here.
func (w *scribe) flush(ctx context.Context) {
	if len(w.entries) > 0 {
		head, err := w.book.Append(ctx, w.entries...)
		w.entries = w.entries[:0]
		if err != nil {
			w.pause(err)
			return
		}
		w.head, w.paused = head, ""
	}
	if len(w.samples) == 0 {
		return
	}
	if err := w.book.PutSamples(ctx, w.samples); err != nil {
		if extra := len(w.samples) - keep; extra > 0 {
			w.samples = append(w.samples[:0], w.samples[extra:]...)
		}
		w.pause(err)
		return
	}
	w.samples, w.paused = w.samples[:0], ""
}

// pause says once why the ledger stands still.
func (w *scribe) pause(err error) {
	if w.paused == "" {
		w.log.Warn("ledger paused, heating goes on", "error", err)
	}
	w.paused = plain(err)
}

func sample(at time.Time, subject, metric string, s *span) ledger.Sample {
	return ledger.Sample{
		At: at, Subject: subject, Metric: metric, Mean: s.mean, Min: s.min, Max: s.max,
		Provenance: s.source, Known: min(s.known, time.Minute),
	}
}

// energySample puts the energy of a minute, in watt-hours, in the sum.
func energySample(at time.Time, subject string, m Metric, t sum) ledger.Sample {
	wh := float64(t.energy) / 3600
	return ledger.Sample{
		At: at, Subject: subject, Metric: string(m), Mean: wh, Min: wh, Max: wh, Sum: wh,
		Provenance: t.source, Known: min(t.known, time.Minute),
	}
}
