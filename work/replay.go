package work

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"hearth/infer/kernel"
	"hearth/infer/model"
)

// See is shown every product of a pass through a model: its sums, its rows of
// activations and whose they are. An error ends the pass. It may be called from
// several goroutines at a time.
type See func(c []int32, a []uint8, rows []model.Row, at model.Operation) error

// A Rerun runs a job's prompt and as much of its answer as is given through the
// model again, all of it, and shows every product to see. It checks that each
// token of the answer is what the job's settings draw after those before it,
// and returns an error that wraps [ErrDiverges] where one is not. If see
// returns an error, the pass ends and the error comes back, wrapped. Package
// engine does it; this package knows nothing of how.
type Rerun func(ctx context.Context, job *Job, answer []int32, see See) (Pass, error)

// Pass is what comes out of a job that is run again.
type Pass struct {
	Vector []int32 // of a text, in units of 2^-30
	Next   int32   // the token that the job draws after the answer it was given
}

// ErrDiverges says that an answer has a token that the job's settings do not
// draw.
var ErrDiverges = errors.New("the answer has a token that the job does not yield")

// Replay is tier 1: it runs the job again up to the ticket's row and returns
// the [Rejection] it finds, or nil. The ticket must have passed
// [Verifier.Check]. Its cost is at most [MaxJobWork] multiply-accumulates. An
// error that is no Rejection says that the pass could not be made, and nothing
// about the ticket.
func (v *Verifier) Replay(ctx context.Context, c *Claim, t *Ticket, rerun Rerun) error {
	if err := c.Check(v.model); err != nil {
		return err
	}
	x, err := v.place(c, t)
	if err != nil {
		return err
	}
	w := witness{level: v.level, ticket: t, k: x.K, seen: make([]bool, t.Position+1), rows: make([]words, t.Position+1)}
	_, err = rerun(ctx, &c.Job, t.Answer, w.see)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case errors.Is(err, ErrDiverges):
		return reject(ReasonDiverges, "%v", err)
	case w.rejection != nil:
		return w.rejection
	case err != nil:
		return fmt.Errorf("replay the job of a ticket: %w", err)
	}
	for p, seen := range w.seen {
		if !seen {
			return reject(ReasonNotReached, "the replay has no row of %v at position %d", t.At, p)
		}
	}
	for p, row := range w.rows[:t.Position] {
		if row == w.rows[t.Position] {
			return reject(ReasonRepeated, "the row of %v at position %d is that of position %d", t.At, t.Position, p)
		}
	}
	return nil
}

// witness watches a pass for the row of a ticket.
type witness struct {
	level  kernel.Level
	ticket *Ticket
	k      int

	mu        sync.Mutex
	seen      []bool
	rows      []words // hashes of the operation's rows, by position
	rejection error
}

func (w *witness) see(_ []int32, a []uint8, rows []model.Row, at model.Operation) error {
	if at != w.ticket.At {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, r := range rows {
		if r.Position < 0 || r.Position > w.ticket.Position {
			continue
		}
		row := a[i*kernel.Stride(w.k):][:w.k]
		kernel.HashRows(w.level, w.rows[r.Position:r.Position+1], row, w.k)
		w.seen[r.Position] = true
		if r.Position == w.ticket.Position && !bytes.Equal(row, w.ticket.Row) {
			w.rejection = reject(ReasonOtherRow, "the job's row of %v at position %d is another", at, r.Position)
			if len(w.ticket.Answer) == 0 {
				return w.rejection
			}
			// The answer is looked at first, whatever the rerun sees first: it
			// ends with this row, so what is left of the pass is little.
		}
	}
	return nil
}
