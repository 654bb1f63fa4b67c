package judge

import (
	"fmt"
	"slices"
	"sync"

	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/work"
)

// witness watches a run for the rows of tickets.
type witness struct {
	level   kernel.Level
	tickets []*work.Ticket

	mu sync.Mutex
	at map[model.Operation]*operation
}

// operation is what is remembered of one product with tickets: the hashes of
// its rows up to the last position of a ticket.
type operation struct {
	k    int
	rows []hash
	seen []bool
}

type hash = [8]uint32

func newWitness(level kernel.Level) *witness {
	return &witness{level: level, at: map[model.Operation]*operation{}}
}

// expect has the rows watched that a ticket is about. It has passed tier 0.
func (w *witness) expect(t *work.Ticket) {
	o := w.at[t.At]
	if o == nil {
		o = &operation{k: len(t.Row)}
		w.at[t.At] = o
	}
	if n := t.Position + 1 - len(o.rows); n > 0 {
		o.rows, o.seen = append(o.rows, make([]hash, n)...), append(o.seen, make([]bool, n)...)
	}
	w.tickets = append(w.tickets, t)
}

// see remembers the rows of a product.
func (w *witness) see(a []uint8, rows []model.Row, at model.Operation) {
	o := w.at[at]
	if o == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, r := range rows {
		if r.Position < len(o.rows) {
			o.rows[r.Position], o.seen[r.Position] = w.hash(a[i*kernel.Stride(o.k):][:o.k]), true
		}
	}
}

func (w *witness) hash(row []uint8) hash {
	var h [1]hash
	kernel.HashRows(w.level, h[:], row, len(row))
	return h[0]
}

// look tells why a ticket that passed tier 0 does not hold, given the job's
// answer, in the order in which a replay of the ticket alone looks for it.
func (w *witness) look(t *work.Ticket, answer []int32) (work.Reason, string) {
	if n := agreed(answer, t.Answer); n < len(t.Answer) {
		return work.ReasonDiverges, fmt.Sprintf("token %d of the answer is not what the job yields", n+1)
	}
	o := w.at[t.At]
	if i := slices.Index(o.seen[:t.Position+1], false); i >= 0 {
		return work.ReasonNotReached, fmt.Sprintf("the job has no row of %v at position %d", t.At, i)
	}
	row := o.rows[t.Position]
	if w.hash(t.Row) != row {
		return work.ReasonOtherRow, fmt.Sprintf("the job's row of %v at position %d is another", t.At, t.Position)
	}
	if p := slices.Index(o.rows[:t.Position], row); p >= 0 {
		return work.ReasonRepeated, fmt.Sprintf("the row of %v at position %d is that of position %d", t.At, t.Position, p)
	}
	return "", ""
}
