package pool

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hearth/pool/job"
	"hearth/pool/server"
	"hearth/pool/share"
	"hearth/pool/upstream"
)

// probeLimit is how long a probe may take: its shares are found by the home's own
// heaters, one of which works for it meanwhile.
const probeLimit = 2 * time.Hour

// probe finds out whether a pool credits several parties on one connection, since
// an agreement that divides shares rests on it, and says so.
func (r *relay) probe(ctx context.Context) {
	workers := r.first.Workers
	if len(workers) < 2 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	p := &probing{s: r.s, line: r.line, shares: make(chan upstream.Share, 1)}
	if !p.ready(ctx) {
		return
	}
	defer p.end()
	c := r.first
	c.Workers = workers[:1]
	found, err := upstream.Probe(ctx, c, workers[1], p.find)
	if err != nil {
		if ctx.Err() == nil {
			r.s.opt.Log.Info("a pool could not be probed", "pool", c.Name, "error", err)
		}
		return
	}
	r.s.mu.Lock()
	r.line.probe = found.Why
	one := found.Crediting == upstream.OneWorker
	if known := one || found.Crediting == upstream.ByName; known {
		several := !one
		r.line.several = &several
	}
	r.s.mu.Unlock()
	if one {
		r.s.tell("warning", "pool_one_worker", fmt.Sprintf("%s does not credit several parties on one connection: %s. Use mode slices in the agreement, with an account for each party.", c.Name, found.Why))
	}
}

// probing is a probe under way, and the heater that works for it.
type probing struct {
	s      *Service
	line   *line
	worker server.Worker
	shares chan upstream.Share
}

// source is the name of a probe's jobs.
func (p *probing) source() string { return "probe/" + p.line.name }

// ready waits for the pool and for a heater to work.
func (p *probing) ready(ctx context.Context) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(time.Second):
		}
		p.s.mu.Lock()
		if p.line.up {
			for w, h := range p.s.heaters {
				if h.conns > 0 && h.accepted > 0 {
					p.worker = w
				}
			}
		}
		if p.worker != "" {
			l := &line{name: p.source(), kind: "pool", payer: p.line.payer, deliver: p.deliver, counted: true}
			p.s.bySource[l.name] = l
		}
		p.s.mu.Unlock()
		if p.worker != "" {
			return true
		}
	}
}

// find has the heater search a share of a job.
func (p *probing) find(ctx context.Context, j *job.Job) (upstream.Share, error) {
	for len(p.shares) > 0 {
		<-p.shares
	}
	own := *j
	own.Source, own.Clean = p.source(), true
	p.s.server.Publish(&own)
	p.s.mu.Lock()
	h := p.s.heaters[p.worker]
	if h != nil {
		h.probe = p.source()
	}
	p.s.mu.Unlock()
	if h == nil {
		return upstream.Share{}, errors.New("the heater that works for the probe is gone")
	}
	p.s.steerSoon()
	select {
	case <-ctx.Done():
		return upstream.Share{}, ctx.Err()
	case sh := <-p.shares:
		return sh, nil
	}
}

// deliver takes a share that the heater found.
func (p *probing) deliver(_ server.Worker, v share.Verdict) {
	out := upstream.Share{
		Job: v.Job.ID, Extranonce: append([]byte(nil), v.Extranonce...), Time: v.Header.Time, Nonce: v.Header.Nonce, Version: v.Header.Version,
	}
	select {
	case p.shares <- out:
	default:
	}
}

// end gives the heater back. The line of the probe stays known: a share of it may
// still be on its way, and is nobody's.
func (p *probing) end() {
	p.s.mu.Lock()
	if h := p.s.heaters[p.worker]; h != nil {
		h.probe = ""
	}
	p.s.mu.Unlock()
	p.s.steerSoon()
}
