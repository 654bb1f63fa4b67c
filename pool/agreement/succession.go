package agreement

import "time"

// Term is the first and the last day on which the text holds, as far as the
// ledger says so. The last is zero if there is none. It reports false if the text
// holds on no day, as when another took over before it began.
func (e *Evidence) Term() (first, last Date, ok bool) {
	first, last = later(e.a.Start, e.Begins), e.a.End
	if !e.Ends.IsZero() {
		last = sooner(e.Ends, last)
	}
	return first, last, last.IsZero() || !last.before(first)
}

// Holds reports whether the text holds at some time from one on and before
// another.
func (e *Evidence) Holds(from, to time.Time) bool {
	first, last, ok := e.Term()
	return ok && first.In(e.loc).Before(to) && (last.IsZero() || from.Before(last.next().In(e.loc)))
}

// Held is what the ledger has set aside by this text, in msat: less what was
// taken back and is not made good. It is below zero where that is more.
func (e *Evidence) Held() int64 { return e.booked.Held }

// Settled reports whether the text is over and the books of all its days are
// closed: nothing comes of it any more.
func (e *Evidence) Settled() bool {
	over := e.over()
	return !over.IsZero() && e.opening.after > 0 && !e.opening.until.Before(over)
}

// sooner returns the sooner of two dates, of which the second may be missing.
func sooner(d, e Date) Date {
	if e.IsZero() || d.before(e) {
		return d
	}
	return e
}
