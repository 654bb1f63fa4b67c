package agreement

import "slices"

// till follows what one payer owes for the work it was given, and to which
// intervals what it pays belongs.
//
// What comes in is spread over the shares that were recorded since the payer
// last paid, in their order and by their work: each gets the amount up to its end
// less the amount up to its beginning, both rounded down. So every agreement
// over miners of the same payer sees the same spread, and together they have
// every thousandth of a satoshi once.
type till struct {
	due  []work // not paid for yet
	wait int64  // came in before there was any work to be paid for
	next []work // the work of one span that wait pays for
	came int64  // was spread so far and not taken back
	got  int64  // and how much of that was ours
}

// work is one record of shares, as far as income goes.
type work struct {
	interval int64 // it belongs to
	from     int64 // of its span
	seq      uint64
	amount   int64
	ours     bool
	others   int64 // in a lump brought forward: how much of amount is not ours
}

// portion is income of an interval.
type portion struct{ interval, msat int64 }

// work takes in a record of shares. Where sats were waiting for work it yields
// what they pay for once their span is over.
func (t *till) work(w work) []portion {
	var out []portion
	if t.wait != 0 {
		if len(t.next) == 0 || t.next[0].from == w.from {
			t.next = append(t.next, w)
			return nil
		}
		out = t.flush()
	}
	t.due = append(t.due, w)
	return out
}

// earn takes in what the payer paid.
func (t *till) earn(msat int64) []portion {
	out := t.flush()
	if len(t.due) == 0 {
		t.wait += msat
		return out
	}
	out = append(out, t.spread(msat, t.due)...)
	t.due = nil
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
	if len(t.next) == 0 {
		return nil
	}
	out := t.spread(t.wait, t.next)
	t.wait, t.next = 0, nil
	return out
}

func (t *till) spread(msat int64, over []work) []portion {
	out := spread(msat, over)
	t.came += msat
	for _, p := range out {
		t.got += p.msat
	}
	return out
}

// provisional is what flush would yield now.
func (t *till) provisional() []portion {
	if len(t.next) == 0 {
		return nil
	}
	return spread(t.wait, t.next)
}

func spread(msat int64, over []work) []portion {
	var total int64
	for _, w := range over {
		total += w.amount
	}
	var out []portion
	var end, before int64
	for _, w := range over {
		end += w.amount
		upTo, _ := mulDiv(msat, end, total)
		part := upTo - before
		before = upTo
		switch {
		case w.ours && w.others > 0:
			part, _ = mulDiv(part, w.amount-w.others, w.amount)
		case !w.ours:
			part = 0
		}
		if part != 0 {
			out = append(out, portion{w.interval, part})
		}
	}
	return out
}

// outstanding is our work that is not paid for.
func (t *till) outstanding() int64 {
	var sum int64
	for _, w := range t.due {
		if w.ours {
			sum += w.amount - w.others
		}
	}
	return sum
}

// clone returns a copy that changes on its own.
func (t *till) clone() till {
	return till{slices.Clone(t.due), t.wait, slices.Clone(t.next), t.came, t.got}
}

// lump puts the work that was recorded up to a number into one, which counts in
// the interval before an index.
func (t *till) lump(upTo uint64, first int64) {
	t.due, t.next = lump(t.due, upTo, first), lump(t.next, upTo, first)
}

func lump(list []work, upTo uint64, first int64) []work {
	var sum work
	n := 0
	for ; n < len(list) && list[n].seq <= upTo; n++ {
		w := list[n]
		if n == 0 {
			sum = work{interval: first - 1, from: w.from, seq: w.seq, ours: true}
		}
		sum.amount += w.amount
		if w.ours {
			sum.others += w.others
		} else {
			sum.others += w.amount
		}
	}
	if n == 0 {
		return list
	}
	return append([]work{sum}, list[n:]...)
}
