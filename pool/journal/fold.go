package journal

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"hearth/ledger"
)

// adder adds a segment up.
type adder struct {
	interval time.Duration
	groups   map[group]*tally
	full     []part // groups that grew beyond what one record can say
	gaps     []item
}

// part is what becomes one record.
type part struct {
	group
	tally
}

func newAdder(interval time.Duration) *adder {
	return &adder{interval: interval, groups: map[group]*tally{}}
}

func (a *adder) add(it item) {
	if it.dropped > 0 {
		a.gaps = append(a.gaps, it)
		return
	}
	g := it.group(a.interval)
	t := a.groups[g]
	if t == nil {
		t = &tally{}
		a.groups[g] = t
	}
	if max(t.work+it.work, t.count+it.count, t.stale+it.stale, t.rejected+it.rejected) > maxAmount {
		a.full = append(a.full, part{g, *t})
		*t = tally{}
	}
	t.add(it.tally)
}

// entries are the records that the segment makes, always the same.
func (a *adder) entries(h head, digest ledger.Hash) ([]ledger.Entry, error) {
	parts := a.full
	for g, t := range a.groups {
		parts = append(parts, part{g, *t})
	}
	slices.SortStableFunc(parts, func(x, y part) int {
		return cmp.Or(
			cmp.Compare(x.interval, y.interval), cmp.Compare(x.worker, y.worker), cmp.Compare(x.source, y.source),
			cmp.Compare(x.party, y.party), compareBools(x.unpaid, y.unpaid), cmp.Compare(x.work, y.work), cmp.Compare(x.count, y.count),
		)
	})
	var list []ledger.Entry
	for _, p := range parts {
		from := at(p.interval)
		e, err := ledger.NewEntry(at(p.to), p.worker, h.simulated, ledger.Shares{
			From: from, To: from.Add(h.interval),
			Work: int64(p.work), Count: int64(p.count), Stale: int64(p.stale), Rejected: int64(p.rejected),
			Source: p.source, Party: p.party, Unpaid: p.unpaid, Digest: digest,
		})
		if err != nil {
			return nil, fmt.Errorf("fold the shares of %q: %w", p.worker, err)
		}
		list = append(list, e)
	}
	for i, g := range a.gaps {
		e, err := ledger.NewEntry(at(g.to), "", h.simulated, ledger.Gap{
			From: at(g.from), To: at(g.to), Dropped: int64(g.dropped),
			Why: fmt.Sprintf("the disk took no shares for longer than memory could hold them (journal %s, gap %d)", digest, i+1),
		})
		if err != nil {
			return nil, fmt.Errorf("fold what was lost: %w", err)
		}
		list = append(list, e)
	}
	return list, nil
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// bearing is an entry as it is told from others.
type bearing struct {
	kind    ledger.Kind
	subject string
	body    string
}

// counter counts entries of one segment that are in the ledger.
type counter map[bearing]int

func count(entries []ledger.Entry) counter {
	c := counter{}
	for _, e := range entries {
		c[bearing{e.Kind, e.Subject, string(e.Body)}]++
	}
	return c
}

// missing returns the entries that are not among the records.
func missing(entries []ledger.Entry, records func(yield func(ledger.Record, error) bool)) ([]ledger.Entry, error) {
	want := count(entries)
	for r, err := range records {
		if err != nil {
			return nil, err
		}
		if b := (bearing{r.Kind, r.Subject, string(r.Body)}); want[b] > 0 {
			want[b]--
		}
	}
	var out []ledger.Entry
	for _, e := range entries {
		if b := (bearing{e.Kind, e.Subject, string(e.Body)}); want[b] > 0 {
			want[b]--
			out = append(out, e)
		}
	}
	return out, nil
}

// earliestOf is when the first of the entries happened.
func earliestOf(entries []ledger.Entry) time.Time {
	first := entries[0].At
	for _, e := range entries {
		if e.At.Before(first) {
			first = e.At
		}
	}
	return first
}
