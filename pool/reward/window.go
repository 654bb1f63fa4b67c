package reward

import (
	"fmt"
	"math"
	"slices"

	"hearth/pool/job"
)

// Span is the work of so many blocks at a difficulty: the N·D of a window.
func Span(blocks int, network job.Difficulty) (job.Work, error) {
	w := float64(blocks) * float64(network) * float64(job.Difficulty(1).Work())
	if !(w >= 1 && w < 1<<63) {
		return 0, fmt.Errorf("the window of %d blocks at difficulty %v is no amount of work", blocks, float64(network))
	}
	return job.Work(math.Round(w)), nil
}

// TIDES is how many blocks' worth of work a TIDES window has.
const TIDES = 8

// Window is the newest work of a pool, in the order in which it was done. It is
// not limited in time: only newer work pushes work out.
type Window struct {
	batches []Batch // oldest first
	total   job.Work
	keep    job.Work
	coarse  int // how many batches make the old ones be added up
}

// maxBatches is how many batches a window has before old ones are added up;
// grains is into how many pieces, each with its miners, they then are.
const (
	maxBatches = 1 << 17
	grains     = 1 << 10
)

// NewWindow returns an empty window that keeps so much work. It should be more
// than will be asked for: the difficulty may rise, and work that was dropped is
// gone.
func NewWindow(keep job.Work) *Window { return &Window{keep: keep, coarse: maxBatches} }

// Keep sets how much work is kept from now on.
func (w *Window) Keep(work job.Work) {
	w.keep = work
	w.drop()
}

// Total is how much work there is.
func (w *Window) Total() job.Work { return w.total }

// Add puts work behind all that there is.
func (w *Window) Add(b Batch) {
	b.Work = min(b.Work, math.MaxUint64-w.total)
	if b.Work == 0 {
		return
	}
	w.total += b.Work
	if n := len(w.batches); n > 0 && w.batches[n-1].Miner == b.Miner {
		w.batches[n-1].Work += b.Work
	} else {
		w.batches = append(w.batches, b)
	}
	w.drop()
	if len(w.batches) > w.coarse {
		w.condense()
		w.coarse = max(maxBatches, 2*len(w.batches))
	}
}

// drop lets go of the batches that are wholly beyond what is kept.
func (w *Window) drop() {
	n := 0
	for n < len(w.batches) && w.total-w.batches[n].Work >= w.keep {
		w.total -= w.batches[n].Work
		n++
	}
	w.batches = w.batches[n:]
}

// condense adds up the older half of the batches in pieces, so that a window
// that takes decades to fill stays small. Only if a window ends within a piece
// is the order within it missed: by less than a thousandth of the older half.
func (w *Window) condense() {
	half := len(w.batches) / 2
	var old job.Work
	for _, b := range w.batches[:half] {
		old += b.Work
	}
	var out, piece []Batch
	var had job.Work
	flush := func() {
		miners, sums, _ := byMiner(piece) // of less than 2^64 in all
		for i, m := range miners {
			out = append(out, Batch{m, job.Work(sums[i])})
		}
		piece, had = piece[:0], 0
	}
	for _, b := range w.batches[:half] {
		piece = append(piece, b)
		if had += b.Work; had >= old/grains {
			flush()
		}
	}
	flush()
	w.batches = append(out, w.batches[half:]...)
}

// Last returns the newest work, oldest first: exactly so much of it, with the
// oldest batch cut to fit, or all if there is no more.
func (w *Window) Last(work job.Work) []Batch {
	if w.total <= work {
		return slices.Clone(w.batches)
	}
	_, last := cut(w.batches, w.total-work)
	return last
}
