package node

import (
	"context"
	"sync"
	"time"

	"hearth/pool/job"
)

// Follower is told what the node proposes to work on. Its methods are called one
// after the other and should not take long.
type Follower interface {
	// Template tells of something new to work on. Clean: there is a new block, and
	// what was worked on before is stale. Often the first template after a new
	// block has no transactions; the whole one follows, which is not clean.
	Template(t *job.Template, clean bool)
	// Down tells that the node cannot be asked, also at a second try, and why in
	// words for people. It is told again only if the reason changes. The next
	// Template ends it.
	Down(err error)
}

// Pauses of a Watch.
const (
	firstPause = 250 * time.Millisecond // after a mistake, twice as long after each further one
	lastPause  = 10 * time.Second
	// A long poll that comes back with nothing new is not asked again sooner.
	pace = time.Second
	// Nodes that know no long poll are asked this often.
	poll = 5 * time.Second
)

// Watch follows the node until ctx ends.
func (c *Client) Watch(ctx context.Context, f Follower) {
	w := &watch{client: c, follower: f}
	pause := firstPause
	for {
		begin := time.Now()
		err := w.session(ctx)
		if ctx.Err() != nil {
			return
		}
		w.down(err)
		if time.Since(begin) > lastPause {
			pause = firstPause
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		pause = min(2*pause, lastPause)
	}
}

// watch is what a Watch knows of the node.
type watch struct {
	client   *Client
	follower Follower
	network  job.Network

	mu       sync.Mutex // held while the follower is told
	prev     job.Hash   // the newest block
	turn     int        // counts new blocks
	version  uint32     // of the last template
	longPoll string
	at       time.Time // of the last template
	renew    context.CancelFunc
	reason   string // why the node is down; empty: it is not
	up       bool   // a template came since the last mistake
}

// down takes note of a mistake. The follower is told only if it is not the first
// after a template: btcd, for one, refuses a template while a new block comes in.
func (w *watch) down(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.client.cfg.Log.Debug("the Bitcoin node gives no work", "error", err)
	if w.up {
		w.up = false
		return
	}
	if text := err.Error(); text != w.reason {
		w.reason = text
		w.follower.Down(err)
	}
}

// session follows the node until something goes wrong.
func (w *watch) session(ctx context.Context) error {
	n, _, err := w.client.Chain(ctx)
	if err != nil {
		return err
	}
	w.network = n
	if err := w.fetch(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var both sync.WaitGroup
	for _, loop := range []func(context.Context) error{w.wait, w.refresh} {
		both.Go(func() { cancel(loop(ctx)) })
	}
	both.Wait()
	return context.Cause(ctx)
}

// request is a question for a template that is under way.
type request struct {
	turn int  // when it was asked, or when it told of a block
	told bool // it told of a block
}

func (w *watch) ask() *request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &request{turn: w.turn}
}

// fetch asks for a template now.
func (w *watch) fetch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	r := w.ask()
	t, err := w.client.template(ctx, "", func(b []byte) { w.peek(r, b) })
	if err != nil {
		return err
	}
	w.tell(r, t, true)
	return nil
}

// refresh asks for a template whenever the last one is old.
func (w *watch) refresh(ctx context.Context) error {
	for {
		w.mu.Lock()
		due := w.client.cfg.Refresh
		if w.longPoll == "" {
			due = min(due, poll)
		}
		due -= time.Since(w.at)
		w.mu.Unlock()
		if due > 0 {
			select {
			case <-time.After(due):
			case <-ctx.Done():
				return ctx.Err()
			}
			continue
		}
		if err := w.fetch(ctx); err != nil {
			return err
		}
	}
}

// wait asks to be told of the next template, again and again.
func (w *watch) wait(ctx context.Context) error {
	for {
		w.mu.Lock()
		id := w.longPoll
		polling, renew := context.WithCancel(ctx)
		w.renew = renew
		w.mu.Unlock()
		err := w.once(polling, id)
		renewed := polling.Err() != nil
		renew()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !renewed:
			return err
		}
	}
}

// once waits for one template.
func (w *watch) once(ctx context.Context, id string) error {
	if id == "" { // the node cannot wait; refresh asks it
		<-ctx.Done()
		return nil
	}
	begin := time.Now()
	r := w.ask()
	t, err := w.client.template(ctx, id, func(b []byte) { w.peek(r, b) })
	if err != nil {
		return err
	}
	if w.tell(r, t, false) || time.Since(begin) > pace {
		return nil
	}
	select {
	case <-time.After(pace):
	case <-ctx.Done():
	}
	return nil
}

// peek tells of a new block as soon as its head is known, with a template that
// has no transactions.
func (w *watch) peek(r *request, part []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.turn != w.turn || w.prev == (job.Hash{}) {
		return // it is known already, or there is nothing to compare with
	}
	h, ok := job.Peek(part)
	if !ok || h.Prev == w.prev {
		return
	}
	if h.Version == 0 {
		h.Version = w.version
	}
	t, err := job.Empty(h, w.network)
	if err != nil {
		return // the whole template tells
	}
	w.block(r, h.Prev)
	w.reason, w.up = "", true
	w.follower.Template(t, true)
}

// block takes note of a new block that a request told of.
func (w *watch) block(r *request, prev job.Hash) {
	w.turn++
	r.turn, r.told = w.turn, true
	w.prev = prev
}

// tell tells the follower of a template, and reports whether the request told of
// a new block. What a request of before the latest block says of an older one is
// dropped. With renew the long poll is asked anew if it did not tell of the block
// itself: it may hang.
func (w *watch) tell(r *request, t *job.Template, renew bool) (fresh bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.Prev != w.prev && r.turn != w.turn {
		return false
	}
	clean := t.Prev != w.prev
	if clean {
		w.block(r, t.Prev)
	}
	if renew && w.renew != nil && (r.told || w.longPoll == "") {
		w.renew()
	}
	w.version, w.longPoll, w.at = t.Version, t.LongPoll, time.Now()
	w.reason, w.up = "", true
	w.follower.Template(t, clean)
	return r.told
}
