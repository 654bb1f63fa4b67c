package engine

import (
	"context"
	"io"
	"slices"
	"sync"
)

// Runner is the edge around a [Scheduler]: it waits for requests, steps while
// there are some and hands out what is written. Submit is safe for concurrent
// use.
type Runner struct {
	scheduler *Scheduler
	pace      func(context.Context) error
	wake      chan struct{} // something was submitted or given up

	mu      sync.Mutex
	inbox   []*Stream
	gone    []*Stream // given up
	waiting int       // in the scheduler
	running int
	closed  error // why Run has ended
}

// Stream is an answer as it is being written. Next serves one goroutine.
type Stream struct {
	request Request
	task    *Task       // nil until the scheduler has it
	forget  func() bool // the context

	mu      sync.Mutex
	written []Written // not yet taken
	reused  int
	err     error         // after them
	more    chan struct{} // there is something new
}

// NewRunner returns a runner. Before each step it calls pace, if it is not nil,
// which may wait: so somebody keeps the engine to a duty.
func NewRunner(s *Scheduler, pace func(context.Context) error) *Runner {
	return &Runner{scheduler: s, pace: pace, wake: make(chan struct{}, 1)}
}

// Run steps until ctx is done or a step or pace fails, and returns why. All
// answers under way end with that error. It is called once.
func (r *Runner) Run(ctx context.Context) error {
	streams := map[*Task]*Stream{}
	err := r.loop(ctx, streams)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = err
	for task, s := range streams {
		r.scheduler.Cancel(task)
		s.finish(err)
	}
	for _, s := range r.inbox {
		s.finish(err)
	}
	r.inbox, r.gone = nil, nil
	return err
}

func (r *Runner) loop(ctx context.Context, streams map[*Task]*Stream) error {
	for {
		r.receive(streams)
		if r.scheduler.Idle() {
			select {
			case <-r.wake:
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if r.pace != nil {
			if err := r.pace(ctx); err != nil {
				return err
			}
			r.receive(streams) // it may have taken long
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		events, err := r.scheduler.Step()
		if err != nil {
			return err
		}
		for _, e := range events {
			s := streams[e.Task]
			if e.End != Going {
				delete(streams, e.Task)
			}
			s.put(e)
		}
	}
}

// receive takes in what was submitted and lets go of what was given up.
func (r *Runner) receive(streams map[*Task]*Stream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.inbox {
		task, err := r.scheduler.Add(s.request)
		if err != nil {
			s.finish(err)
			continue
		}
		s.task = task
		streams[task] = s
	}
	for _, s := range r.gone {
		if s.task != nil {
			r.scheduler.Cancel(s.task)
			delete(streams, s.task)
		}
	}
	clear(r.inbox) // or they would keep what was said until as many come again
	clear(r.gone)
	r.inbox, r.gone = r.inbox[:0], r.gone[:0]
	r.running, r.waiting = r.scheduler.Load()
}

// Submit hands in a request. It fails at once with [ErrRequest] where the
// request could never be served and with [ErrBusy] where too many wait. When ctx
// is done the request is given up.
func (r *Runner) Submit(ctx context.Context, request Request) (*Stream, error) {
	if _, err := r.scheduler.decoder.check(&request); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.scheduler.limits
	switch {
	case r.closed != nil:
		return nil, r.closed
	case len(r.inbox)+r.waiting+r.running >= l.Waiting+l.Running:
		return nil, ErrBusy
	}
	request.Prompt, request.Stop = slices.Clone(request.Prompt), slices.Clone(request.Stop) // the caller's to change
	s := &Stream{request: request, more: make(chan struct{}, 1)}
	r.inbox = append(r.inbox, s)
	s.forget = context.AfterFunc(ctx, func() { r.giveUp(s, context.Cause(ctx)) })
	r.rouse()
	return s, nil
}

func (r *Runner) rouse() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// giveUp ends a stream that nobody reads any more.
func (r *Runner) giveUp(s *Stream, err error) {
	r.mu.Lock() // Submit holds it until the stream is whole
	defer r.mu.Unlock()
	s.finish(err)
	if r.closed == nil {
		r.gone = append(r.gone, s)
	}
	r.rouse()
}

// Load is how many requests are being answered and how many wait.
func (r *Runner) Load() (running, waiting int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running, r.waiting + len(r.inbox)
}

// Next waits for what is written next. Behind the end of the answer it returns
// [io.EOF]; where the answer was cut short, why.
func (s *Stream) Next(ctx context.Context) (Written, error) {
	for {
		if w, err, ok := s.take(); ok {
			return w, err
		}
		select {
		case <-s.more:
		case <-ctx.Done():
			return Written{}, context.Cause(ctx)
		}
	}
}

// Reused is how many tokens of the prompt were in the cache already, known once
// Next has returned a token.
func (s *Stream) Reused() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reused
}

func (s *Stream) take() (w Written, err error, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(s.written) > 0:
		w = s.written[0]
		s.written = s.written[1:]
		return w, nil, true
	case s.err != nil:
		return Written{}, s.err, true
	}
	return Written{}, nil, false
}

func (s *Stream) put(e Event) {
	s.mu.Lock()
	s.written = append(s.written, e.Written)
	s.reused = e.Task.Reused()
	s.mu.Unlock()
	if e.End != Going {
		s.finish(io.EOF)
	}
	s.rouse()
}

// finish lets the stream end with an error, if it has not ended yet.
func (s *Stream) finish(err error) {
	s.forget()
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	s.rouse()
}

func (s *Stream) rouse() {
	select {
	case s.more <- struct{}{}:
	default:
	}
}
