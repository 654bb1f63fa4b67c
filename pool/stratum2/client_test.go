package stratum2

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hearth/pool/job"
	"hearth/pool/share"
	"hearth/pool/stratum"
	"hearth/pool/stratum2/message"
)

// counter gives the ids of jobs.
func counter() func() uint32 {
	var n uint32
	return func() uint32 { n++; return n }
}

// script is a Client whose pool a dialogue plays.
type script struct {
	c      *Client
	now    time.Time
	memory memory
	heads  []message.Header
	bodies [][]byte
	news   []string
	failed error
}

func newScript(config ClientConfig) *script {
	return &script{c: NewClient(config), now: noon(), memory: memory{}}
}

func (s *script) take(t testing.TB, out []byte, news []News, err error) {
	heads, bodies := split(t, out)
	s.heads, s.bodies = append(s.heads, heads...), append(s.bodies, bodies...)
	for _, n := range news {
		s.news = append(s.news, n.describe())
	}
	s.failed = err
}

func (n News) describe() string {
	switch n.Kind {
	case LoggedIn:
		return "logged in"
	case Reconnect:
		return fmt.Sprintf("reconnect to %q, port %d", n.Host, n.Port)
	case Answered:
		out := fmt.Sprintf("%d of %s %v", n.Answer.Cookie, n.Answer.Worker, n.Answer.Outcome)
		if n.Answer.Reason != "" {
			out += ": " + n.Answer.Reason
		}
		return out
	}
	clean := ""
	if n.Header != nil {
		h := n.Header
		if h.Clean {
			clean = ", clean"
		}
		return fmt.Sprintf("header %d: version %x mask %x, on %x from %d, root %x, bits %x, goal %.4g%s",
			h.ID, h.Version, h.Mask, h.Prev[:1], h.Time, h.Root[:1], h.Bits, float64(h.Goal.Difficulty()), clean)
	}
	j := n.Job
	if j.Clean {
		clean = ", clean"
	}
	from := fmt.Sprint(j.Time)
	if j.MinTime != j.Time {
		from += fmt.Sprintf(", not before %d", j.MinTime)
	}
	return fmt.Sprintf("job %d of %s/%s: version %x mask %x, on %x from %s, %x + %d + %x, %d steps, bits %x, goal %.4g%s",
		j.ID, j.Source, j.Foreign, j.Version, j.Mask, j.Prev[:1], from, j.Prefix, j.Extranonce, j.Suffix, len(j.Branch), j.Bits, float64(j.Goal.Difficulty()), clean)
}

func (s *script) settled(t testing.TB) error {
	switch {
	case len(s.heads) > 0:
		return fmt.Errorf("the client also said %v", s.heads[0])
	case len(s.news) > 0:
		return fmt.Errorf("more news: %s", s.news[0])
	case s.failed != nil:
		return fmt.Errorf("it ended: %w", s.failed)
	}
	return nil
}

func (s *script) line(t testing.TB, text string) error {
	sign, rest, _ := strings.Cut(text, " ")
	switch sign {
	case "<":
		if err := s.settled(t); err != nil {
			return err
		}
		m, err := s.memory.compose(rest)
		if err != nil {
			return err
		}
		b, err := message.Append(nil, m)
		if err != nil {
			return err
		}
		h, err := message.ParseHeader(b[:message.HeaderSize])
		if err != nil {
			return err
		}
		out, news, failed := s.c.Receive(nil, h, b[message.HeaderSize:], s.now)
		spoil(b)
		s.take(t, out, news, failed)
		return nil
	case ">":
		if len(s.heads) == 0 {
			return errors.New("the client said nothing")
		}
		h, body := s.heads[0], s.bodies[0]
		s.heads, s.bodies = s.heads[1:], s.bodies[1:]
		rest, worker, named := strings.Cut(rest, " by ")
		m := message.New(h)
		left, err := message.Parse(m, body)
		if err != nil {
			return err
		}
		name, there, err := message.FindWorkerName(left)
		if err != nil || there != named || string(name) != worker {
			return fmt.Errorf("it is by %q, %v", name, err)
		}
		return s.memory.expect(m, h, rest)
	case "=":
		if len(s.news) == 0 {
			return errors.New("no news")
		}
		got := s.news[0]
		s.news = s.news[1:]
		if got != rest {
			return fmt.Errorf("news %s", got)
		}
		return nil
	case "x":
		if s.failed == nil || !strings.Contains(s.failed.Error(), rest) {
			return fmt.Errorf("ended with: %v", s.failed)
		}
		s.failed = nil
		return nil
	case "!":
		if err := s.settled(t); err != nil {
			return err
		}
		return s.act(t, words(rest))
	}
	return fmt.Errorf("a line begins with %q", sign)
}

func (s *script) act(t testing.TB, w []string) error {
	switch w[0] {
	case "login":
		out, err := s.c.Login(nil)
		s.take(t, out, nil, err)
	case "tick":
		out, err := s.c.Tick(nil, s.now)
		s.take(t, out, nil, err)
	case "wait":
		d, err := time.ParseDuration(w[1])
		s.now = s.now.Add(d)
		return err
	case "shape":
		n, err := strconv.Atoi(w[1])
		if err != nil {
			return err
		}
		news, err := s.c.Shape(n, s.now)
		s.take(t, nil, news, err)
	case "announce":
		out, err := s.c.Announce(nil, 5e13)
		s.take(t, out, nil, err)
	case "lost":
		for _, a := range s.c.Lost() {
			s.news = append(s.news, News{Kind: Answered, Answer: a}.describe())
		}
	case "submit": // COOKIE JOB EXTRANONCE [version] [worker]
		cookie, err := strconv.ParseUint(w[1], 10, 64)
		if err != nil {
			return err
		}
		id, err := strconv.ParseUint(w[2], 10, 32)
		if err != nil {
			return err
		}
		found := stratum.Share{Job: uint32(id), Version: 0x20000000, Time: 7, Nonce: 8}
		for _, o := range w[3:] {
			name, value, _ := strings.Cut(o, "=")
			switch name {
			case "extranonce":
				if found.Extranonce, err = unhex(value); err != nil {
					return err
				}
			case "version":
				v, bad := strconv.ParseUint(value, 0, 32)
				if bad != nil {
					return bad
				}
				found.Version = uint32(v)
			case "by":
				found.Worker = value
			}
		}
		out, err := s.c.Submit(nil, found, cookie, s.now)
		s.take(t, out, nil, err)
	default:
		return fmt.Errorf("nobody knows how to %q", w[0])
	}
	return nil
}

func TestClientDialogues(t *testing.T) {
	dialogues(t, "client", func(t *testing.T) (func(string) error, func() error) {
		config := ClientConfig{
			Source: "pool", Vendor: "Hearth", Hardware: "proxy", Firmware: "1", Host: "pool.example", Port: 3333, User: "me",
			Hash: 1e14, Mask: job.MaskV2, Extranonce: 4, Next: counter(),
		}
		s := newScript(config)
		return func(text string) error {
			switch text {
			case "! standard":
				config.Standard = true
			case "! named":
				config.Named = true
			default:
				return s.line(t, text)
			}
			s.c = NewClient(config)
			return nil
		}, func() error { return s.settled(t) }
	})
}

// couple is a Client and a Session that talk with each other in plain frames.
type couple struct {
	c       *Client
	s       *Session
	now     time.Time
	current *job.Job
	news    []News
	events  []Event
	refuse  string
}

// carry takes frames from one to the other and back until both are silent.
func (p *couple) carry(t testing.TB, toPool []byte) error {
	for len(toPool) > 0 {
		var toMiner []byte
		heads, bodies := split(t, toPool)
		for i, h := range heads {
			out, e, err := p.s.Receive(toMiner, h, bodies[i], p.now)
			spoil(bodies[i])
			toMiner = out
			if err != nil {
				return err
			}
			switch {
			case e.Kind == Open && p.refuse != "":
				toMiner = p.s.Refuse(toMiner, e.Request, p.refuse)
			case e.Kind == Open:
				prefix, room := []byte{9, 8}, 6
				if !e.Extended {
					prefix, room = []byte{9, 8, 7, 6, 5, 4, 3, 2}, 0
				}
				var id uint32
				if toMiner, id, err = p.s.Opened(toMiner, e.Request, prefix, room); err != nil {
					return err
				}
				toMiner = p.s.Offer(toMiner, id, p.current, p.now)
			case e.Kind != None:
				p.events = append(p.events, e)
			}
		}
		var err error
		if toPool, err = p.deliver(t, p.s.Flush(toMiner)); err != nil {
			return err
		}
	}
	return nil
}

// deliver takes the pool's frames to the client, and returns what it answers.
func (p *couple) deliver(t testing.TB, frames []byte) (answer []byte, err error) {
	heads, bodies := split(t, frames)
	for i, h := range heads {
		out, news, err := p.c.Receive(answer, h, bodies[i], p.now)
		spoil(bodies[i])
		if err != nil {
			return nil, err
		}
		answer = out
		p.news = append(p.news, news...)
	}
	return answer, nil
}

// latest is the last job that the client gave out, as a header to mine.
func (p *couple) latest() (id uint32, goal job.Target, header func(extranonce []byte) job.Header) {
	for _, n := range slices.Backward(p.news) {
		switch {
		case n.Job != nil:
			j := n.Job
			return j.ID, j.Goal, func(e []byte) job.Header { return j.Header(e, j.Version, j.Time, 0) }
		case n.Header != nil:
			h := n.Header
			return h.ID, h.Goal, func([]byte) job.Header {
				return job.Header{Version: h.Version, Prev: h.Prev, Root: h.Root, Time: h.Time, Bits: h.Bits}
			}
		}
	}
	return 0, job.Target{}, nil
}

// Whatever the pool does, a share that meets the goal of the client's newest job
// is accepted by the pool, is work on the job that the pool meant, is credited
// to who found it, and has its answer once.
func TestClientAndSession(t *testing.T) {
	for name, config := range map[string]ClientConfig{
		"extended": {}, "narrow": {Extranonce: 2}, "standard": {Standard: true}, "named": {Named: true},
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				config := config
				config.User, config.Source, config.Mask, config.Next = "me", "upstream", job.MaskV2, counter()
				p := &couple{c: NewClient(config), s: NewSession(easy()), now: noon(), current: jobOn(1, "one", 1, true)}
				out, err := p.c.Login(nil)
				if err == nil {
					err = p.carry(t, out)
				}
				if err != nil {
					rt.Fatal(err)
				}
				if !p.c.Ready() || p.c.Named() != config.Named {
					rt.Fatalf("logged in: %v, names: %v", p.c.Ready(), p.c.Named())
				}
				size := p.c.Room()
				if !config.Standard {
					size = 6
					if config.Extranonce > 0 {
						size = config.Extranonce
					}
				}
				block, cookies, next := byte(1), uint64(0), uint32(2)
				for range rapid.IntRange(1, 15).Draw(rt, "steps") {
					switch rapid.SampledFrom([]string{"job", "block", "target", "again", "shape"}).Draw(rt, "step") {
					case "job":
						p.current = jobOn(next, "one", block, false)
					case "block":
						block++
						p.current = jobOn(next, "one", block, true)
					case "target":
						p.s.Channel(2).Suggest(tiny * rapid.SampledFrom([]job.Difficulty{0.25, 1, 4}).Draw(rt, "difficulty"))
					case "again":
						p.now = p.now.Add(time.Minute)
					case "shape":
						if !config.Standard {
							size = rapid.IntRange(1, 6).Draw(rt, "size")
							news, err := p.c.Shape(size, p.now)
							if err != nil {
								rt.Fatal(err)
							}
							p.news = append(p.news, news...)
						}
						continue
					}
					next++
					answer, err := p.deliver(t, p.s.Offer(nil, 2, p.current, p.now))
					if err != nil || len(answer) > 0 {
						rt.Fatalf("the client answers %x, %v", answer, err)
					}
					id, goal, header := p.latest()
					found := stratum.Share{Job: id, Worker: "me"}
					if !config.Standard {
						found.Extranonce = make([]byte, size)
						found.Extranonce[0] = byte(cookies)
					}
					if config.Named {
						found.Worker = fmt.Sprintf("heater-%d", cookies%3)
					}
					h := header(found.Extranonce)
					for !h.Hash().Meets(goal) {
						h.Nonce++
					}
					found.Version, found.Time, found.Nonce = h.Version, h.Time, h.Nonce
					before := len(p.events)
					cookies++
					if out, err = p.c.Submit(nil, found, cookies, p.now); err == nil {
						err = p.carry(t, out)
					}
					if err != nil {
						rt.Fatal(err)
					}
					if len(p.events) != before+1 {
						rt.Fatalf("%d events", len(p.events)-before)
					}
					e := p.events[before]
					if v := e.Verdict; v.Reason != share.Accepted || v.Job.ID != p.current.ID || v.Header != h {
						rt.Fatalf("%s of job %d with header %+v; want job %d with %+v", v.Reason, v.Job.ID, v.Header, p.current.ID, h)
					}
					if config.Named && e.Name != found.Worker {
						rt.Fatalf("it is credited to %q, want %q", e.Name, found.Worker)
					}
				}
				answered := map[uint64]bool{}
				for _, n := range p.news {
					if n.Kind == Answered {
						if answered[n.Answer.Cookie] || n.Answer.Outcome != stratum.Accepted {
							rt.Fatalf("answer %+v", n.Answer)
						}
						answered[n.Answer.Cookie] = true
					}
				}
				if n, _ := p.c.Unanswered(); n > 0 || len(answered) != int(cookies) {
					rt.Fatalf("%d of %d shares have an answer, %d wait", len(answered), cookies, n)
				}
			})
		})
	}
}

func TestClientRefused(t *testing.T) {
	p := &couple{
		c: NewClient(ClientConfig{User: "me", Next: counter()}), s: NewSession(easy()), now: noon(),
		refuse: "nobody paired it",
	}
	out, err := p.c.Login(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.carry(t, out); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "nobody paired it") {
		t.Errorf("the client is told: %v", err)
	}
}

// A pool that never answers, and one that sends job after job, are left alone in
// the end; neither takes memory without bound.
func TestClientBounds(t *testing.T) {
	p := &couple{c: NewClient(ClientConfig{User: "me", Next: counter()}), s: NewSession(easy()), now: noon(), current: jobOn(1, "one", 1, true)}
	out, err := p.c.Login(nil)
	if err == nil {
		err = p.carry(t, out)
	}
	if err != nil {
		t.Fatal(err)
	}
	id, _, header := p.latest()
	h := header(make([]byte, 6))
	for n := range maxUnanswered + 1 {
		_, err = p.c.Submit(nil, stratum.Share{Job: id, Extranonce: make([]byte, 6), Version: h.Version}, uint64(n), p.now)
		if (err != nil) != (n == maxUnanswered) {
			t.Fatalf("share %d: %v", n, err)
		}
	}
	if !errors.Is(err, ErrBusy) {
		t.Errorf("the last share: %v", err)
	}
	if n, since := p.c.Unanswered(); n != maxUnanswered || !since.Equal(noon()) {
		t.Errorf("%d wait since %v", n, since)
	}
	if lost := p.c.Lost(); len(lost) != maxUnanswered || lost[7].Cookie != 7 {
		t.Errorf("%d are lost", len(lost))
	}
	for n := range uint32(2 * maxIssued) {
		p.now = p.now.Add(stratum.JobInterval)
		if _, err = p.deliver(t, p.s.Offer(nil, 2, jobOn(1000+n, "one", 1, false), p.now)); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.c.issued) != maxIssued {
		t.Errorf("%d jobs are remembered", len(p.c.issued))
	}
	for n := range uint32(stratum.JobBurst + 1) {
		if _, err = p.deliver(t, p.s.Offer(nil, 2, jobOn(10+n, "one", 1, false), p.now)); err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "in a row") {
		t.Errorf("after %d jobs: %v", stratum.JobBurst, err)
	}
	p.now = p.now.Add(stratum.JobInterval)
	if _, err := p.deliver(t, p.s.Offer(nil, 2, jobOn(100, "one", 1, false), p.now)); err != nil {
		t.Errorf("after a while: %v", err)
	}
}
