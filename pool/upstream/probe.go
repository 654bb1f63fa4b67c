package upstream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"hearth/pool/job"
	"hearth/pool/stratum"
)

// Crediting is whom a pool credits shares to that come over one connection and
// name different workers.
type Crediting uint8

// What a probe can find.
const (
	// Untold: it could not be found out.
	Untold Crediting = iota
	// OneWorker: a second worker is refused, or its shares are, or the pool ends
	// the connection. Give each worker a connection of its own.
	OneWorker
	// ByName: the second worker's shares are accepted, and those of a name that
	// was never let in are refused. So the pool looks at the name.
	ByName
	// AnyName: shares are accepted whatever name they bear. Either the pool
	// credits any name, or it looks at none and credits the first worker.
	AnyName
)

var creditings = [...]string{"untold", "one worker", "by name", "any name"}

// String is the finding in a word or two.
func (c Crediting) String() string {
	if int(c) < len(creditings) {
		return creditings[c]
	}
	return fmt.Sprintf("crediting(%d)", uint8(c))
}

// Finding is what a probe found out.
type Finding struct {
	Crediting Crediting
	// Why is for a person: what the pool did, and what that leaves open.
	Why string
}

// Probe finds out, over a connection of its own, whether a pool credits several
// workers on one connection: it lets a second worker in beside the first of the
// Config, sends a share for it, and a share under a name that nobody has. find
// searches a share of a job that meets its Goal; it may take long, as at a real
// pool only the house's miners can do it. Up to six shares are asked for; what
// they earn goes to the second worker, but for one, which may be lost.
//
// What a probe can know is what the pool says. That a share was accepted under a
// name is not yet a sat for that name: only the pool's own page or its payouts
// show whom it credits. ByName is strong evidence, AnyName is none.
//
// The error is of a pool that cannot be mined at all, and of ctx.
func Probe(ctx context.Context, c Config, second Credential, find func(context.Context, *job.Job) (Share, error)) (Finding, error) {
	client, err := New(c)
	if err != nil {
		return Finding{}, fmt.Errorf("probe pool %s: %w", c.Name, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	p := &probe{client: client, second: second, find: find, happened: make(chan struct{}, 1)}
	var running sync.WaitGroup
	running.Go(func() { _ = client.Run(ctx, p) }) // it ends because the probe has
	defer running.Wait()
	defer cancel()
	f, err := p.run(ctx)
	if err != nil {
		return Finding{}, fmt.Errorf("probe pool %s: %w", c.Name, err)
	}
	return f, nil
}

// probe hears a pool and remembers what matters.
type probe struct {
	client *Client
	second Credential
	find   func(context.Context, *job.Job) (Share, error)

	happened chan struct{}

	mu      sync.Mutex
	named   bool
	job     *job.Job
	seen    seen
	answers []stratum.Answer
}

func (p *probe) note(f func()) {
	p.mu.Lock()
	f()
	p.mu.Unlock()
	select {
	case p.happened <- struct{}{}:
	default:
	}
}

func (p *probe) Up(l Login) { p.note(func() { p.named = l.Named }) }
func (p *probe) Down(_ string, why error) {
	p.note(func() { p.seen.downs++; p.seen.why, p.job = why, nil })
}
func (p *probe) Job(j *job.Job)  { p.note(func() { p.job = j }) }
func (p *probe) Answer(a Answer) { p.note(func() { p.answers = append(p.answers, a.Answer) }) }
func (p *probe) Notice(n Notice) {
	p.note(func() {
		if n.User == p.second.User {
			p.seen.in = p.seen.in || n.Kind == WorkerIn
			if n.Kind == WorkerOut {
				p.seen.out = n.Text
			}
		}
	})
}

// until waits for something to be so.
func (p *probe) until(ctx context.Context, so func() bool) error {
	for {
		p.mu.Lock()
		ok := so()
		p.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-p.happened:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// seen is what a pool has done so far.
type seen struct {
	downs int    // how often it could not be mined at
	why   error  // the last time
	in    bool   // the second worker was let in
	out   string // or was not, and why
}

func (p *probe) state() seen {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}

func (p *probe) run(ctx context.Context) (Finding, error) {
	err := p.until(ctx, func() bool { return p.job != nil || errors.Is(p.seen.why, ErrRefused) })
	before := p.state()
	switch {
	case errors.Is(before.why, ErrRefused):
		return Finding{}, before.why
	case err != nil && before.why != nil:
		return Finding{}, fmt.Errorf("%w; the last attempt: %w", err, before.why)
	case err != nil:
		return Finding{}, err
	}
	err = p.client.Authorize(p.second)
	if errors.Is(err, ErrRefused) {
		return Finding{OneWorker, err.Error()}, nil
	}
	if err != nil {
		return Finding{}, err
	}
	// In V2 the share itself names the worker, and nothing is asked before.
	silence := p.wait(ctx, func() bool { return p.seen.in || p.seen.out != "" || p.seen.downs > before.downs || p.named })
	after := p.state()
	switch {
	case ctx.Err() != nil:
		return Finding{}, ctx.Err()
	case silence:
		return Finding{Untold, fmt.Sprintf("the pool did not answer when %s was to be let in", p.second.User)}, nil
	case !after.in && after.out != "":
		return Finding{OneWorker, fmt.Sprintf("the pool does not let %s in beside the first: it says %q", p.second.User, after.out)}, nil
	case after.downs > before.downs:
		return Finding{OneWorker, fmt.Sprintf("the pool ended the connection when %s was to be let in beside the first: %v", p.second.User, after.why)}, nil
	}
	return p.compare(ctx)
}

// wait waits as long as a pool may take to answer, and reports whether it has
// not.
func (p *probe) wait(ctx context.Context, so func() bool) (silence bool) {
	ctx, cancel := context.WithTimeout(ctx, 2*p.client.config.Timing.Answer+time.Second)
	defer cancel()
	return p.until(ctx, so) != nil
}

// compare sends a share for the second worker, and one for nobody.
func (p *probe) compare(ctx context.Context) (Finding, error) {
	known, err := p.try(ctx, p.second.User)
	if err != nil {
		return Finding{}, err
	}
	switch known.Outcome {
	case Unknown:
		return Finding{Untold, fmt.Sprintf("the pool did not say what it makes of a share of %s: %s", p.second.User, known.Reason)}, nil
	case Rejected:
		return Finding{OneWorker, fmt.Sprintf("the pool refuses the shares of %s beside the first: it says %q", p.second.User, known.Reason)}, nil
	}
	nobody, err := p.try(ctx, stranger(p.second.User))
	if err != nil {
		return Finding{}, err
	}
	switch nobody.Outcome {
	case Unknown:
		return Finding{Untold, fmt.Sprintf("the pool accepts shares of %s beside the first, and did not say what it makes of one of a name that nobody has", p.second.User)}, nil
	case Rejected:
		return Finding{ByName, fmt.Sprintf("the pool accepts shares of %s beside the first, and refuses a name that nobody has (%q): it looks at the name. Its own page shows whether it credits it", p.second.User, nobody.Reason)}, nil
	}
	return Finding{AnyName, fmt.Sprintf("the pool accepts shares of %s beside the first, and of a name that nobody has just so: what it says does not show whom it credits. Look at its own page", p.second.User)}, nil
}

// stranger is a name beside user that nobody has.
func stranger(user string) string {
	const nobody = "-nobody"
	return user[:min(len(user), 32-len(nobody))] + nobody
}

// try sends a share under a name. If it was refused for what may happen to any
// share, another is tried, three in all.
func (p *probe) try(ctx context.Context, worker string) (stratum.Answer, error) {
	var last stratum.Answer
	for cookie := range uint64(3) {
		if err := p.until(ctx, func() bool { return p.job != nil }); err != nil {
			return last, err
		}
		p.mu.Lock()
		j := p.job
		p.answers = p.answers[:0]
		p.mu.Unlock()
		s, err := p.find(ctx, j)
		if err != nil {
			return last, fmt.Errorf("find a share of job %08x: %w", j.ID, err)
		}
		s.Worker = worker
		if err := p.client.Submit(s, cookie); err != nil {
			if last = (stratum.Answer{Reason: err.Error()}); errors.Is(err, ErrGone) || errors.Is(err, ErrDown) {
				continue
			}
			return last, err
		}
		silence := p.wait(ctx, func() bool {
			for _, a := range p.answers {
				if a.Cookie == cookie {
					last = a
					return true
				}
			}
			return false
		})
		switch {
		case ctx.Err() != nil:
			return last, ctx.Err()
		case silence:
			last = stratum.Answer{Reason: "no answer came"}
		case last.Outcome == Accepted || last.Outcome == Rejected && !common(last):
			return last, nil
		}
	}
	if last.Outcome == Rejected {
		last.Outcome = Unknown
	}
	return last, nil
}

// common reports whether a share was refused for what has nothing to do with its
// name: it came late, or again, or was too easy.
func common(a stratum.Answer) bool {
	switch a.Code {
	case 21, 22, 23:
		return true
	}
	switch a.Reason {
	case "stale-share", "invalid-job-id", "difficulty-too-low", "duplicate-share":
		return true
	}
	return false
}
