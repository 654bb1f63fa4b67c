package agreement

import "slices"

// till follows what one payer owes for the work it was given, and to which
// intervals what it pays belongs.
//
// What comes in pays for the work that was recorded since the payer last paid.
// Our part of it is what our work is of all that work, rounded down; it is
// spread over our work in the order of the ledger, each record getting the
// amount up to its end less the amount up to its beginning. So agreements over
// miners of the same payer share what comes in, and nothing is shared twice.
type till struct {
	due  pile  // not paid for yet
	wait int64 // came in before there was any work to be paid for
	next pile  // the work of one span that wait pays for
	from int64 // when that span began, nanoseconds since 1970
	came int64 // was spread so far and not taken back
	got  int64 // and how much of that was ours
}

// pile is work that one payment pays for.
type pile struct {
	ours   []work
	others int64 // done by miners that are not ours
}

// work is one record of our shares, as far as income goes.
type work struct {
	interval int64 // it belongs to
	seq      uint64
	amount   int64
}

// portion is income of an interval.
type portion struct{ interval, msat int64 }

func (p *pile) add(w work, ours bool) {
	if ours {
		p.ours = append(p.ours, w)
	} else {
		p.others += w.amount
	}
}

func (p *pile) empty() bool { return len(p.ours) == 0 && p.others == 0 }

// sum is our work in the pile.
func (p *pile) sum() int64 {
	var sum int64
	for _, w := range p.ours {
		sum += w.amount
	}
	return sum
}

// spread spreads a payment, and returns our part of it too.
func (p *pile) spread(msat int64) (out []portion, ours int64) {
	of := p.sum()
	if of == 0 {
		return nil, 0
	}
	ours, _ = mulDiv(msat, of, of+p.others)
	var end, before int64
	for _, w := range p.ours {
		end += w.amount
		upTo, _ := mulDiv(ours, end, of)
		if upTo > before {
			out = append(out, portion{w.interval, upTo - before})
		}
		before = upTo
	}
	return out, ours
}

// lump puts our work that was recorded up to a number into one, which counts in
// an interval.
func (p *pile) lump(upTo uint64, interval int64) {
	n := 0
	sum := work{interval: interval}
	for ; n < len(p.ours) && p.ours[n].seq <= upTo; n++ {
		sum.amount += p.ours[n].amount
		sum.seq = p.ours[n].seq
	}
	if n > 0 {
		p.ours = append([]work{sum}, p.ours[n:]...)
	}
}

func (p *pile) clone() pile { return pile{slices.Clone(p.ours), p.others} }

// work takes in a record of shares, whose span began at a time. Where sats were
// waiting for work it returns what they pay for once their span is over.
func (t *till) work(w work, ours bool, from int64) []portion {
	if t.wait == 0 {
		t.due.add(w, ours)
		return nil
	}
	if t.next.empty() || t.from == from {
		t.next.add(w, ours)
		t.from = from
		return nil
	}
	out := t.flush()
	t.due.add(w, ours)
	return out
}

// earn takes in what the payer paid.
func (t *till) earn(msat int64) []portion {
	out := t.flush()
	if t.due.empty() {
		t.wait += msat
		return out
	}
	out = append(out, t.spread(msat, &t.due)...)
	t.due = pile{}
	return out
}

// takeBack takes in that the payer took back what it had paid: first what no
// work explains yet, then of what was spread. It returns how much of that was
// ours, in the proportion of what is ours of all that it paid, rounded up; and
// what was waiting for its span to be over.
func (t *till) takeBack(msat int64) (ours int64, out []portion) {
	out = t.flush()
	unspread := min(t.wait, msat)
	t.wait -= unspread
	if msat = min(msat-unspread, t.came); msat == 0 {
		return 0, out
	}
	rest, _ := mulDiv(msat, t.came-t.got, t.came)
	ours = msat - rest
	t.came -= msat
	t.got -= ours
	return ours, out
}

// flush spreads what was waiting over the work that came after it.
func (t *till) flush() []portion {
	if t.next.empty() {
		return nil
	}
	out := t.spread(t.wait, &t.next)
	t.wait, t.next = 0, pile{}
	return out
}

func (t *till) spread(msat int64, over *pile) []portion {
	out, ours := over.spread(msat)
	t.came += msat
	t.got += ours
	return out
}

// provisional is what flush would return now.
func (t *till) provisional() []portion {
	out, _ := t.next.spread(t.wait)
	return out
}

// clone returns a copy that changes on its own.
func (t *till) clone() till {
	c := *t
	c.due, c.next = t.due.clone(), t.next.clone()
	return c
}

// lump puts the work that was recorded up to a number into one, which counts in
// an interval.
func (t *till) lump(upTo uint64, interval int64) {
	t.due.lump(upTo, interval)
	t.next.lump(upTo, interval)
}
