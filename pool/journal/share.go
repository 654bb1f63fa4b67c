package journal

import (
	"cmp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hearth/ledger"
	"hearth/pool/job"
)

// Verdict is what became of a share.
type Verdict uint8

// The verdicts.
const (
	Accepted Verdict = iota
	Stale
	Rejected
)

// Share is one share that a miner submitted.
type Share struct {
	At time.Time
	// Worker did it, Source gave the job, Party is whom it is credited to,
	// empty where that is not decided share by share. Control characters and
	// what exceeds 255 bytes are not kept.
	Worker, Source, Party string
	// Work is the credit, of an accepted share only; at most 2^53−1.
	Work    job.Work
	Verdict Verdict
	Unpaid  bool // nobody pays for it: a local job
	// Header is what was hashed: the proof of the work. The zero header is
	// none, which saves 80 bytes a share.
	Header job.Header
}

// Times that a clock may reasonably show, in nanoseconds since 1970: the years
// 2000 to 2199. What is outside is brought to the nearest of them, so that
// intervals can always be written.
const (
	earliest = 946_684_800 * int64(time.Second)
	latest   = 7_258_118_399 * int64(time.Second)
)

// moment is a time as a segment has it.
func moment(t time.Time) int64 {
	switch year := t.UTC().Year(); {
	case year < 2000:
		return earliest
	case year > 2199:
		return latest
	}
	return t.UnixNano()
}

// maxAmount is the most that one number in the ledger may be.
const maxAmount = 1<<53 - 1

// tidy returns the share such that it surely fits into the ledger.
func (s Share) tidy() Share {
	s.Worker, s.Party = text(s.Worker), text(s.Party)
	s.Source = cmp.Or(text(s.Source), "unknown")
	if s.Verdict > Stale {
		s.Verdict = Rejected
	}
	if s.Verdict != Accepted {
		s.Work = 0
	}
	s.Work = min(s.Work, maxAmount)
	return s
}

// text is such as a ledger's subject may be.
func text(s string) string {
	plain := len(s) <= ledger.MaxSubject
	for i := 0; plain && i < len(s); i++ {
		plain = s[i] >= ' ' && s[i] < 0x7f
	}
	if plain {
		return s
	}
	s = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return '?'
		}
		return c
	}, strings.ToValidUTF8(s, "?"))
	for len(s) > ledger.MaxSubject {
		_, n := utf8.DecodeLastRuneInString(s[:ledger.MaxSubject+1])
		s = s[:ledger.MaxSubject+1-n]
	}
	return s
}

// tally is shares added up.
type tally struct {
	from, to                     int64 // nanoseconds since 1970, of the first and the last
	work, count, stale, rejected uint64
}

// item is what a segment holds, one after the other: a share, shares that were
// added up while the disk took nothing, or how many were lost altogether.
type item struct {
	Share          // worker, source, party, unpaid; of a single share all of it
	tally          // of a single share too
	dropped uint64 // how many were lost; then nothing else is set but the times
	single  bool
}

func (s Share) item() item {
	at := moment(s.At)
	it := item{Share: s, single: true, tally: tally{from: at, to: at}}
	switch s.Verdict {
	case Accepted:
		it.work, it.count = uint64(s.Work), 1
	case Stale:
		it.stale = 1
	default:
		it.rejected = 1
	}
	return it
}

func (t *tally) add(u tally) {
	if *t == (tally{}) {
		*t = u
		return
	}
	t.from, t.to = min(t.from, u.from), max(t.to, u.to)
	t.work += u.work
	t.count += u.count
	t.stale += u.stale
	t.rejected += u.rejected
}

// group is whose shares are added up together.
type group struct {
	interval              int64 // its start, nanoseconds since 1970
	worker, source, party string
	unpaid                bool
}

func (it *item) group(interval time.Duration) group {
	return group{floor(it.from, interval), it.Worker, it.Source, it.Party, it.Unpaid}
}

// floor is the start of the interval that a moment lies in.
func floor(ns int64, interval time.Duration) int64 {
	rest := ns % int64(interval)
	if rest < 0 {
		rest += int64(interval)
	}
	return ns - rest
}
