package main

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"hearth/pool/job"
	"hearth/pool/miner"
	"hearth/pool/upstream"
	"hearth/units"
)

// hashEvent is what happened while a computer mined, for programs.
type hashEvent struct {
	At    time.Time  `json:"at"`
	Kind  string     `json:"kind"` // up, down, message, refused, tally, end
	Pool  string     `json:"pool,omitempty"`
	Text  string     `json:"text,omitempty"`
	Tally *hashTally `json:"tally,omitempty"`
}

// hashTally is what came of mining since it began.
type hashTally struct {
	Rate     float64 `json:"hash_rate"` // per second, since the last tally
	Hashes   uint64  `json:"hashes"`
	Found    int64   `json:"found"`
	Accepted int64   `json:"accepted"`
	Rejected int64   `json:"rejected"`
	Unknown  int64   `json:"unknown"`
	Late     int64   `json:"late"`
	Credit   float64 `json:"credit"` // difficulties of the accepted, summed
	Best     float64 `json:"best_difficulty"`
	Blocks   int64   `json:"blocks"`
}

// hashReport tells a person or a program how mining goes. It implements
// [upstream.Handler].
type hashReport struct {
	program *program
	json    bool

	mu      sync.Mutex
	trouble string         // told last
	working bool           // there is a job
	late    time.Time      // when it was last told that a share came late
	refused chan error     // the pool refuses the worker
	network job.Difficulty // of a block; 0: no job has come yet
	last    miner.Tally
	at      time.Time // of last
	began   time.Time
}

func newHashReport(p *program, json bool) *hashReport {
	now := time.Now()
	return &hashReport{program: p, json: json, at: now, began: now, refused: make(chan error, 1)}
}

// say prints an event. The caller holds the mutex.
func (r *hashReport) say(e hashEvent, colour, text string) {
	e.At = time.Now()
	if r.json {
		_ = printLine(r.program.out, e)
		return
	}
	fmt.Fprintln(r.program.out, r.program.paint(colour, e.At.Format(time.TimeOnly)+"  "+oneLine(text)))
}

// Up implements [upstream.Handler].
func (r *hashReport) Up(l upstream.Login) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trouble, r.working = "", false
	how := "in the open"
	if l.Encrypted {
		how = "encrypted"
	}
	text := fmt.Sprintf("Stratum V%d, %s", l.Version, how)
	r.say(hashEvent{Kind: "up", Pool: l.Upstream, Text: text}, "", "The pool lets this computer in ("+text+").")
}

// Down implements [upstream.Handler].
func (r *hashReport) Down(name string, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.working = false
	if errors.Is(why, upstream.ErrRefused) {
		select {
		case r.refused <- why:
		default: // it was said before
		}
		return
	}
	if text := why.Error(); text != r.trouble {
		r.trouble = text
		r.say(hashEvent{Kind: "down", Pool: name, Text: text}, bad, "There is no work: "+text+".")
	}
}

// Job implements [upstream.Handler].
func (r *hashReport) Job(j *job.Job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.network, r.working = j.Network.Difficulty(), true
}

// Answer implements [upstream.Handler].
func (r *hashReport) Answer(a upstream.Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case a.Outcome != upstream.Rejected:
	case r.json || !strings.Contains(strings.ToLower(a.Reason), "stale"):
		r.say(hashEvent{Kind: "refused", Pool: a.Upstream, Text: a.Reason}, bad, "The pool refuses a share: "+a.Reason+".")
	case time.Since(r.late) >= tallyEvery: // they are counted, and often come together
		r.late = time.Now()
		r.say(hashEvent{}, "", "A share came late: there is newer work.")
	}
}

// Notice implements [upstream.Handler].
func (r *hashReport) Notice(n upstream.Notice) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n.Text != "" {
		r.say(hashEvent{Kind: "message", Pool: n.Upstream, Text: n.Text}, "", "From "+n.Upstream+": "+n.Text)
	}
}

// tally says how it goes.
func (r *hashReport) tally(t miner.Tally) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rate := hashRate(t.Hashes-r.last.Hashes, time.Since(r.at))
	r.last, r.at = t, time.Now()
	text := rate.String() + "; " + sharesText(t)
	if !r.working {
		text += "; there is no work: " + cmp.Or(r.trouble, "the pool has given none yet")
	}
	if r.network > 0 && rate > 0 {
		text += "; a block in " + ages(r.network.Hashes()/float64(rate)) + " on average"
	}
	r.say(hashEvent{Kind: "tally", Tally: tallyOf(t, rate)}, "", text)
}

// end says what came of it all.
func (r *hashReport) end(t miner.Tally) {
	r.mu.Lock()
	defer r.mu.Unlock()
	passed := time.Since(r.began)
	rate := hashRate(t.Hashes, passed)
	text := fmt.Sprintf("Stopped after %s: %s on average; %s.", passed.Round(time.Second), rate, sharesText(t))
	if t.Accepted > 0 {
		text += fmt.Sprintf(" Shares like the accepted take %s hashes on average; %s were computed.", inWords(t.Credit.Hashes()), inWords(float64(t.Hashes)))
	}
	if t.Blocks > 0 {
		text += " " + count(int(t.Blocks), "block") + " found."
	}
	r.say(hashEvent{Kind: "end", Tally: tallyOf(t, rate)}, bold, text)
}

func hashRate(hashes uint64, passed time.Duration) units.HashRate {
	if passed <= 0 {
		return 0
	}
	return units.HashRate(float64(hashes) / passed.Seconds())
}

func tallyOf(t miner.Tally, rate units.HashRate) *hashTally {
	return &hashTally{
		Rate: float64(rate), Hashes: t.Hashes, Found: t.Found, Accepted: t.Accepted, Rejected: t.Rejected,
		Unknown: t.Unknown, Late: t.Late, Credit: float64(t.Credit), Best: float64(t.Best), Blocks: t.Blocks,
	}
}

// sharesText says what became of the shares.
func sharesText(t miner.Tally) string {
	parts := []string{count(int(t.Accepted), "share") + " accepted"}
	for _, other := range []struct {
		n    int64
		what string
	}{{t.Rejected, "refused"}, {t.Late, "too late"}, {t.Unknown, "without an answer"}} {
		if other.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", other.n, other.what))
		}
	}
	if t.Best > 0 {
		parts = append(parts, "the best of difficulty "+inWords(float64(t.Best)))
	}
	return strings.Join(parts, ", ")
}

// ages is a time in seconds that may be longer than the world is old.
func ages(seconds float64) string {
	const day, year = 86400, 365.25 * 86400
	switch {
	case seconds < day:
		return (time.Duration(seconds) * time.Second).String()
	case seconds < 2*year:
		return fmt.Sprintf("%.0f days", seconds/day)
	case seconds < 1e3*year:
		return fmt.Sprintf("%.3g years", seconds/year)
	case seconds < 1e9*year:
		return fmt.Sprintf("%.3g million years", seconds/year/1e6)
	}
	return fmt.Sprintf("%.3g billion years", seconds/year/1e9)
}

// inWords writes a number as people do, with three digits that count.
func inWords(v float64) string {
	for _, of := range []struct {
		size float64
		name string
	}{{1e15, "million billion"}, {1e12, "thousand billion"}, {1e9, "billion"}, {1e6, "million"}} {
		if v >= of.size {
			return inWords(v/of.size) + " " + of.name
		}
	}
	digits := 0
	for size := v; size > 0 && size < 99.95 && digits < 12; size *= 10 {
		digits++
	}
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if digits > 0 {
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return text
}
