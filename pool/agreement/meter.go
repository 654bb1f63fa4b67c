package agreement

import (
	"cmp"
	"container/heap"
	"slices"
	"time"

	"hearth/units"
)

// reading is an energy in a span of time, as a record has it. Its amount lies
// evenly over its span.
type reading struct {
	from, to int64 // nanoseconds since 1970
	seq      uint64
	mj       int64
	source   units.Provenance
}

// upTo is the part of the reading before an instant. Rounded down like this, the
// parts between any instants add up to the whole.
func (r reading) upTo(at int64) int64 {
	switch {
	case at <= r.from:
		return 0
	case at >= r.to:
		return r.mj
	}
	mj, _ := mulDiv(r.mj, at-r.from, r.to-r.from) // below r.mj
	return mj
}

// piece is a part of a reading's span in which no earlier record speaks.
type piece struct {
	from, to int64
	of       reading
}

// gauge holds the readings of one meter.
type gauge struct {
	readings []reading
	pieces   []piece // of the readings, in order of time, none over another
	settled  bool
}

func (g *gauge) add(r reading) {
	g.readings = append(g.readings, r)
	g.settled = false
}

// forget drops what lies before an instant altogether.
func (g *gauge) forget(before int64) {
	g.readings = slices.DeleteFunc(g.readings, func(r reading) bool { return r.to <= before })
	g.settled = false
}

// settle cuts the readings into pieces. Where two speak of the same time the one
// that was recorded first is believed, so that a later one can fill a gap and
// never count anything twice.
func (g *gauge) settle() {
	if g.settled {
		return
	}
	g.settled = true
	g.pieces = g.pieces[:0]
	slices.SortFunc(g.readings, func(a, b reading) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.seq, b.seq)) })
	var open earliest // readings whose span has begun
	for i := 0; i < len(g.readings) || len(open) > 0; {
		if len(open) == 0 {
			heap.Push(&open, g.readings[i])
			i++
			continue
		}
		at := g.end()
		top := open[0]
		if top.to <= at {
			heap.Pop(&open)
			continue
		}
		at = max(at, top.from)
		until := top.to
		if i < len(g.readings) && g.readings[i].from < until {
			until = g.readings[i].from // what begins there may have been recorded earlier
			if until <= at {
				heap.Push(&open, g.readings[i])
				i++
				continue
			}
		}
		g.pieces = append(g.pieces, piece{at, until, top})
	}
}

// end is where the last piece ends.
func (g *gauge) end() int64 {
	if n := len(g.pieces); n > 0 {
		return g.pieces[n-1].to
	}
	return -1 << 63
}

// earliest is a heap of readings, the one recorded first on top.
type earliest []reading

func (h earliest) Len() int           { return len(h) }
func (h earliest) Less(i, j int) bool { return h[i].seq < h[j].seq }
func (h earliest) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements [heap.Interface].
func (h *earliest) Push(x any) { *h = append(*h, x.(reading)) }

// Pop implements [heap.Interface].
func (h *earliest) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

// measured is what a meter says of a span of time.
type measured struct {
	mj      int64
	covered time.Duration // of the span
	source  units.Provenance
}

// in returns what was measured between two instants. The gauge must be settled.
func (g *gauge) in(from, to int64) measured {
	m := measured{source: units.Chosen}
	i, _ := slices.BinarySearchFunc(g.pieces, from, func(p piece, at int64) int {
		if p.to <= at {
			return -1
		}
		return 1
	})
	for ; i < len(g.pieces) && g.pieces[i].from < to; i++ {
		p := g.pieces[i]
		a, b := max(p.from, from), min(p.to, to)
		m.mj += p.of.upTo(b) - p.of.upTo(a)
		m.covered += time.Duration(b - a)
		m.source = max(m.source, p.of.source)
	}
	return m
}

// at returns the amount of the reading that an instant lies in. The gauge must
// be settled.
func (g *gauge) at(at int64) (int64, bool) {
	i, _ := slices.BinarySearchFunc(g.pieces, at, func(p piece, at int64) int {
		if p.to <= at {
			return -1
		}
		return 1
	})
	if i == len(g.pieces) || g.pieces[i].from > at {
		return 0, false
	}
	return g.pieces[i].of.mj, true
}
