package pool

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"hearth/pool/agreement"
	"hearth/pool/job"
	"hearth/pool/server"
	"hearth/pool/share"
	"hearth/pool/split"
	"hearth/pool/upstream"
)

// relay stands between heaters and a pool, or a pool and those behind it in case
// it fails.
type relay struct {
	s     *Service
	line  *line
	group *upstream.Group
	// parties divides shares among the parties' own names at the pool; nil
	// where all go under one name. names is by upstream, then party.
	parties *split.Deficit
	names   map[string]map[string]string
	first   upstream.Config // of the preferred pool, to be probed

	cookie atomic.Uint64
	// sent is what waits for an answer, by cookie; misses counts how many shares
	// in a row the pool did not take, by party; told is when an event was last
	// written, by what it is about. Guarded by the service's lock.
	sent   map[uint64]handed
	misses map[string]int
	told   map[string]time.Time
}

// handed is a share that a pool was handed.
type handed struct {
	worker server.Worker
	payer  string
	party  string
	work   job.Work
}

// makeRelays prepares the lines of a proxy: one for each party where heaters
// work in turns, else one.
func (s *Service) makeRelays() error {
	if s.mode() != agreement.Slices {
		r, err := s.newRelay("pool", "", s.cfg.Upstreams)
		if err != nil || s.mode() != agreement.PerShare {
			return err
		}
		r.line.counted = true
		if len(s.memory.Shares) == 0 {
			r.parties, err = split.NewDeficit(s.contract.parts())
		} else {
			r.parties, err = split.Resume(s.contract.parts(), s.memory.Shares)
		}
		return err
	}
	d := &lending{every: s.cfg.Slice, turns: map[server.Worker]*turns{}, lines: map[string]*line{}, parts: s.contract.parts()}
	for _, p := range d.parts {
		of := s.contract.poolsOf(p.Name, s.cfg.Upstreams)
		if len(of) == 0 {
			return fmt.Errorf("pool: the agreement gives %s a share, and no upstream is theirs: name one as the agreement does, or set party: %s at one", p.Name, p.Name)
		}
		r, err := s.newRelay("pool/"+p.Name, p.Name, of)
		if err != nil {
			return err
		}
		d.lines[p.Name] = r.line
	}
	s.lend = d
	return nil
}

func (s *Service) newRelay(name, party string, of []Upstream) (*relay, error) {
	r := &relay{s: s, sent: map[uint64]handed{}, misses: map[string]int{}, told: map[string]time.Time{}, names: map[string]map[string]string{}}
	r.line = &line{name: name, kind: "pool", party: party, payer: of[0].Name, since: s.opt.Now(), why: "It has not answered yet.", deliver: r.deliver}
	group := upstream.GroupConfig{Source: name}
	var where []string
	for _, u := range of {
		password := u.Password
		if strings.HasPrefix(password, "file:") {
			var err error
			if password, err = s.opt.Secret(password); err != nil {
				return nil, fmt.Errorf("pool: upstream %s: %w", u.Name, err)
			}
		}
		c := upstream.Config{
			Name: u.Name, URL: u.URL, Agent: s.opt.Agent, Extranonce: extranonceBytes, Mask: job.MaskV1,
			Workers: []upstream.Credential{{User: u.User, Password: password}},
			Next:    s.next, Random: s.chance,
		}
		if s.mode() == agreement.PerShare {
			c.Workers, r.names[u.Name] = nil, map[string]string{}
			for _, p := range s.contract.parts() {
				user := s.contract.userOf(p.Name, u)
				if user == "" {
					return nil, fmt.Errorf("pool: upstream %s: the agreement gives %s a share, and it has no name there: workers: {%s: …}", u.Name, p.Name, p.Name)
				}
				r.names[u.Name][p.Name] = user
				c.Workers = append(c.Workers, upstream.Credential{User: user, Password: password})
			}
		}
		where = append(where, bare(u.URL))
		group.Members = append(group.Members, c)
	}
	r.line.where, r.first = strings.Join(where, ", then "), group.Members[0]
	var err error
	if r.group, err = upstream.NewGroup(group); err != nil {
		return nil, fmt.Errorf("pool: %w", err)
	}
	r.line.owner = r.group.Owner
	s.relays = append(s.relays, r)
	s.addLine(r.line)
	return r, nil
}

// extranonceBytes is what miners have of the coinbase: four bytes that tell them
// apart and four that they count through.
const extranonceBytes = 8

// run keeps the relay's pools until ctx ends.
func (r *relay) run(ctx context.Context) { _ = r.group.Run(ctx, r) }

// Up implements [upstream.Handler].
func (r *relay) Up(l upstream.Login) {
	r.s.mu.Lock()
	r.line.payer = l.Upstream
	if l.Named {
		yes := true
		r.line.several, r.line.probe = &yes, "The pool says that it credits the worker that a share names."
	}
	r.s.mu.Unlock()
}

// Down implements [upstream.Handler].
func (r *relay) Down(name string, err error) {
	r.s.opt.Log.Info("no pool of a line can be mined at", "line", r.line.name, "pool", name, "error", err)
	r.s.lost(r.line, err.Error())
}

// Job implements [upstream.Handler].
func (r *relay) Job(j *job.Job) { r.s.take(r.line, j) }

// Notice implements [upstream.Handler].
func (r *relay) Notice(n upstream.Notice) {
	switch n.Kind {
	case upstream.WorkerOut:
		r.s.mu.Lock()
		no := false
		r.line.several, r.line.probe = &no, "The pool does not let "+clipped(n.User)+" in: "+clipped(n.Text)
		r.s.mu.Unlock()
		if !r.mayTell("out " + n.Upstream + " " + n.User) {
			return
		}
		r.s.tell("warning", "pool_worker_refused", fmt.Sprintf("%s does not let %s in: %s. Shares for it are lost: check the name in the agreement.", n.Upstream, clipped(n.User), clipped(n.Text)))
	case upstream.Message:
		if !r.mayTell("message " + n.Upstream) {
			return
		}
		r.s.tell("info", "pool_message", fmt.Sprintf("%s says: %s", n.Upstream, clipped(n.Text)))
	case upstream.Trouble:
		r.s.opt.Log.Info("a pool cannot be mined at", "pool", n.Upstream, "why", n.Text)
	case upstream.WorkerIn, upstream.Sent:
	}
}

// tellEvery is how often a pool may have the same thing written into the ledger:
// what it says, and how often it hangs up, is its own affair.
const tellEvery = time.Hour

// mayTell bounds what a pool has written into the ledger.
func (r *relay) mayTell(what string) bool {
	now := r.s.opt.Now()
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if last, ok := r.told[what]; ok && now.Sub(last) < tellEvery && !now.Before(last) {
		return false
	}
	r.told[what] = now
	return true
}

// deliver hands a share that the pool wants to it.
func (r *relay) deliver(w server.Worker, v share.Verdict) {
	if v.Reason != share.Accepted {
		return
	}
	h := handed{worker: w, work: v.Job.Goal.Difficulty().Work()}
	out := upstream.Share{Job: v.Job.ID, Extranonce: v.Extranonce, Time: v.Header.Time, Nonce: v.Header.Nonce, Version: v.Header.Version}
	cookie := r.cookie.Add(1)
	r.s.mu.Lock()
	// A late share goes to the pool whose job it was, under the name there.
	h.payer = r.line.pays(v.Job.ID)
	if r.parties != nil {
		h.party = r.parties.Assign(h.work)
		out.Worker = r.names[h.payer][h.party]
	}
	full := len(r.sent) >= maxUnanswered
	if !full {
		r.sent[cookie] = h
	}
	r.s.mu.Unlock()
	err := upstream.ErrBusy
	if !full {
		err = r.group.Submit(out, cookie)
	}
	if err == nil {
		return
	}
	r.s.opt.Log.Debug("a share could not be handed on", "pool", h.payer, "error", err)
	r.s.mu.Lock()
	delete(r.sent, cookie)
	r.line.rejected++
	r.giveBack(h)
	r.s.mu.Unlock()
}

// maxUnanswered bounds what is remembered of shares that a pool does not answer.
const maxUnanswered = 10_000

// Answer implements [upstream.Handler]: what the pool says of a share.
func (r *relay) Answer(a upstream.Answer) {
	r.s.mu.Lock()
	h, ok := r.sent[a.Cookie]
	delete(r.sent, a.Cookie)
	if !ok {
		r.s.mu.Unlock()
		return
	}
	switch a.Outcome {
	case upstream.Accepted:
		r.line.accepted++
		r.line.credited += h.work
		delete(r.misses, h.party)
	case upstream.Rejected:
		r.line.rejected++
		r.giveBack(h)
	case upstream.Unknown:
		// It may have been credited: nothing is given back, and reconciliation
		// will tell.
		r.line.unanswered++
	}
	r.s.mu.Unlock()
	if r.parties == nil {
		return
	}
	e := entry{worker: string(h.worker), source: h.payer, party: h.party, at: r.s.opt.Now()}
	if a.Outcome == upstream.Accepted {
		e.work = h.work
	} else {
		e.rejected = true
	}
	r.s.books.note(e)
}

// maxMisses is how many shares in a row a pool may refuse to a party before
// what the party misses is its own loss.
const maxMisses = 8

// giveBack takes the credit of a refused share back, for the party to get
// another. A party of which the pool takes nothing keeps it: else it would be
// furthest behind for ever, and everybody's shares would be sent under its name
// and lost. The caller holds the lock.
func (r *relay) giveBack(h handed) {
	if r.parties == nil {
		return
	}
	if r.misses[h.party]++; r.misses[h.party] <= maxMisses {
		r.parties.Return(h.party, h.work)
	}
}
