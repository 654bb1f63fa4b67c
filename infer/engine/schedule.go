package engine

import (
	"errors"
	"fmt"
	"slices"
)

// Scheduler forms steps from requests: one row for each answer that is being
// written, and as much of the prompts that wait to be read as a step has room
// for, in the order they came. It serves one goroutine.
//
// A request is begun when there is room for all its tokens, so none that has
// begun is ever pushed out; those behind it wait. What is written for a request
// depends on the request alone.
type Scheduler struct {
	decoder *Decoder
	limits  Limits
	waiting []*Task // in the order they came
	running []*Task // likewise
	chooser Chooser

	chunks []Chunk
	active []*Task // whose chunks they are
	logits []int32
	events []Event
}

// Limits are how many requests a scheduler takes.
type Limits struct {
	Running int // at a time: at most the rows of a step
	Waiting int // for their turn
}

// Task is a request under way.
type Task struct {
	request  Request
	room     int // tokens of prompt and answer
	sequence *Sequence
	reused   int
	answer   []int32
	ended    bool
}

// Answer is what has been written so far.
func (t *Task) Answer() []int32 { return t.answer }

// Reused is how many tokens of the prompt were in the cache already.
func (t *Task) Reused() int { return t.reused }

// Event is something a task has come to.
type Event struct {
	Task *Task
	Written
}

// Written is a token of an answer, its end, or both.
type Written struct {
	Token int32 // or -1: an end without a token
	End   End
	// Log is the natural logarithm of the token's probability and Likely are the
	// most likely tokens, in units of 2^-16, if the request asks for them.
	Log    int32
	Likely []Likely
}

// End is why an answer ended.
type End uint8

// How answers end.
const (
	Going  End = iota // not yet
	Stop              // at a token that ends it
	Length            // at the number of tokens it may have
)

// NewScheduler returns a scheduler that steps a decoder.
func NewScheduler(d *Decoder, l Limits) (*Scheduler, error) {
	if l.Running < 1 || l.Running > cap(d.rows) || l.Waiting < 0 {
		return nil, fmt.Errorf("schedule %d requests at a time and %d waiting: a step has %d rows, one for each at a time",
			l.Running, l.Waiting, cap(d.rows))
	}
	return &Scheduler{decoder: d, limits: l}, nil
}

// Add puts a request behind those that wait. It fails with [ErrRequest] where
// the request could never be served, and with [ErrBusy] where too many wait.
func (s *Scheduler) Add(r Request) (*Task, error) {
	room, err := s.decoder.check(&r)
	if err != nil {
		return nil, err
	}
	if len(s.waiting) >= s.limits.Waiting+max(0, s.limits.Running-len(s.running)) {
		return nil, ErrBusy
	}
	r.Prompt, r.Stop = slices.Clone(r.Prompt), slices.Clone(r.Stop)
	t := &Task{request: r, room: room, answer: make([]int32, 0, min(room-len(r.Prompt), 1<<12))}
	s.waiting = append(s.waiting, t)
	return t, nil
}

// Cancel ends a task, whatever it has come to.
func (s *Scheduler) Cancel(t *Task) {
	if t.ended {
		return
	}
	s.waiting = slices.DeleteFunc(s.waiting, func(o *Task) bool { return o == t })
	s.end(t)
}

// Idle tells whether there is nothing to do.
func (s *Scheduler) Idle() bool { return len(s.waiting)+len(s.running) == 0 }

// Load is how many tasks run and how many wait.
func (s *Scheduler) Load() (running, waiting int) { return len(s.running), len(s.waiting) }

// Step computes one step and returns what came of it, valid until the next.
// After an error, which comes from the product, all is as it was before.
func (s *Scheduler) Step() ([]Event, error) {
	if err := s.admit(); err != nil {
		return nil, err
	}
	s.form()
	s.events = s.events[:0]
	if err := s.decoder.Step(s.chunks); err != nil {
		return nil, err
	}
	for i, c := range s.chunks {
		if len(c.Logits) > 0 {
			s.events = append(s.events, s.write(s.active[i], c.Logits))
		}
	}
	return s.events, nil
}

// admit begins requests while there is room for them.
func (s *Scheduler) admit() error {
	for len(s.waiting) > 0 && len(s.running) < s.limits.Running {
		t := s.waiting[0]
		known := t.request.Prompt
		if t.request.Whole {
			known = nil
		}
		sequence, have, err := s.decoder.Begin(t.request.Sequence, known, t.room)
		if errors.Is(err, ErrCacheFull) {
			return nil // some that run will end
		}
		if err != nil {
			return err
		}
		t.sequence, t.reused = sequence, have
		s.waiting = slices.Delete(s.waiting, 0, 1)
		s.running = append(s.running, t)
	}
	return nil
}

// form lays out the chunks of a step. Answers go first, with a row each; what is
// left of the rows, one at least, goes to prompts.
func (s *Scheduler) form() {
	s.chunks, s.active = s.chunks[:0], s.active[:0]
	vocab := s.decoder.config.Vocab
	s.logits = grown(s.logits, len(s.running)*vocab)
	rows := cap(s.decoder.rows)
	put := func(t *Task, tokens []int32, last bool) {
		c := Chunk{Sequence: t.sequence, Tokens: tokens}
		if last {
			c.Logits = s.logits[len(s.chunks)*vocab:][:vocab]
		}
		s.chunks, s.active = append(s.chunks, c), append(s.active, t)
		rows -= len(tokens)
	}
	for _, t := range s.running {
		if n := len(t.answer); n > 0 {
			put(t, t.answer[n-1:], true)
		}
	}
	for _, t := range s.running {
		if len(t.answer) == 0 && rows > 0 {
			rest := t.request.Prompt[t.sequence.Len():]
			n := min(rows, len(rest))
			put(t, rest[:n], n == len(rest))
		}
	}
}

// write chooses a task's next token.
func (s *Scheduler) write(t *Task, logits []int32) Event {
	r := &t.request
	e := Event{Task: t}
	e.Token = s.chooser.Choose(logits, r.Sampling, t.answer, &r.Seed, t.sequence.Len())
	if r.stops(s.decoder.config, e.Token) {
		e.Token, e.End = -1, Stop
		s.end(t)
		return e
	}
	if r.Log {
		e.Log = logarithm(logits[e.Token], LogSum(logits))
	}
	if r.Likely > 0 {
		e.Likely = s.chooser.Likeliest(nil, logits, r.Likely)
	}
	t.answer = append(t.answer, e.Token)
	if len(r.Prompt)+len(t.answer) == t.room {
		e.End = Length
		s.end(t)
	}
	return e
}

// end gives back what a task has.
func (s *Scheduler) end(t *Task) {
	t.ended = true
	if t.sequence != nil {
		s.decoder.End(t.sequence)
		t.sequence = nil
		s.running = slices.DeleteFunc(s.running, func(o *Task) bool { return o == t })
	}
}
