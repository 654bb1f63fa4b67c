package upstream

import (
	"fmt"
	"slices"
	"time"

	"hearth/pool/job"
	"hearth/pool/stratum"
	"hearth/pool/stratum1"
)

// protocol is the talk with a pool over one connection, in one version of
// Stratum. It does not wait and has no clock; its owner locks it.
type protocol interface {
	// begin appends what is said first.
	begin(dst []byte) ([]byte, error)
	// take hears what came, appends what is to be said to it, and returns what it
	// means, valid until the next call. After an error the connection is of no
	// use; what it means up to there counts.
	take(dst, came []byte, now time.Time) ([]byte, []news, error)
	submit(dst []byte, s Share, cookie uint64, now time.Time) ([]byte, error)
	authorize(dst []byte, w Credential) ([]byte, error)
	// shape changes how many bytes of extranonce jobs leave.
	shape(n int, now time.Time) ([]news, error)
	// tick is for what is due by time; it appends what is to be said.
	tick(dst []byte, now time.Time) ([]byte, error)
	// pulse is when the pool last said what to work on, zero before it did; how
	// many shares wait for an answer, and since when.
	pulse() (notified time.Time, waiting int, since time.Time)
	// lost takes out the shares that wait.
	lost() []stratum.Answer
}

// news is one thing that a pool says: the one part that is set.
type news struct {
	login  *Login
	job    *job.Job
	answer *stratum.Answer
	notice *Notice
	// away: the pool wants the connection to end, and another not before so long.
	away bool
	wait time.Duration
}

// version1 is Stratum V1.
type version1 struct {
	name  string
	way   Login        // what the way to the pool is like
	left  []Credential // workers that the pool is not asked to let in: see Client.alone
	lines stratum1.Lines
	c     *stratum1.Client
	heard []news
}

func newVersion1(c Config, way Login) *version1 {
	return &version1{
		name: c.Name, way: way,
		lines: stratum1.Lines{Max: stratum1.PoolLine},
		c: stratum1.NewClient(stratum1.ClientConfig{
			Source: c.Source, Agent: c.Agent, Workers: c.Workers, Mask: c.Mask & job.MaskV1,
			Extranonce: c.Extranonce, Suggest: c.Suggest, Next: c.Next,
		}),
	}
}

func (v *version1) begin(dst []byte) ([]byte, error) { return v.c.Login(dst), nil }

func (v *version1) take(dst, came []byte, now time.Time) ([]byte, []news, error) {
	v.heard = v.heard[:0]
	for len(came) > 0 {
		n := copy(v.lines.Space(), came)
		v.lines.Wrote(n)
		came = came[n:]
		for {
			line, ok, err := v.lines.Next()
			if err != nil {
				return dst, v.heard, fmt.Errorf("hear pool %s: %w", v.name, err)
			}
			if !ok {
				break
			}
			var said []stratum1.News
			dst, said, err = v.c.Receive(dst, line, now)
			v.hear(said)
			if err != nil {
				return dst, v.heard, fmt.Errorf("hear pool %s: %w", v.name, err)
			}
		}
	}
	return dst, v.heard, nil
}

func (v *version1) hear(said []stratum1.News) {
	for _, s := range said {
		switch s.Kind {
		case stratum1.LoggedIn:
			l := v.way
			l.Room = v.c.Room()
			v.heard = append(v.heard, news{login: &l})
			for _, w := range v.left {
				v.note(Notice{Kind: WorkerOut, User: w.User, Text: alone})
			}
		case stratum1.NewJob:
			v.heard = append(v.heard, news{job: s.Job})
		case stratum1.Answered:
			v.heard = append(v.heard, news{answer: &s.Answer})
		case stratum1.WorkerIn:
			v.note(Notice{Kind: WorkerIn, User: s.User})
		case stratum1.WorkerOut:
			v.note(Notice{Kind: WorkerOut, User: s.User, Text: s.Text})
		case stratum1.Message:
			v.note(Notice{Kind: Message, Text: s.Text})
		case stratum1.Reconnect:
			v.note(Notice{Kind: Sent, Text: s.Text})
			v.heard = append(v.heard, news{away: true, wait: s.Wait})
		}
	}
}

func (v *version1) note(n Notice) {
	n.Upstream = v.name
	v.heard = append(v.heard, news{notice: &n})
}

// alone is why a worker was left out.
const alone = "the pool ends the connection when several workers are to be let in"

func (v *version1) submit(dst []byte, s Share, cookie uint64, now time.Time) ([]byte, error) {
	if slices.ContainsFunc(v.left, func(w Credential) bool { return w.User == s.Worker }) {
		return dst, fmt.Errorf("%w %s: %s", stratum1.ErrRefused, s.Worker, alone)
	}
	return v.c.Submit(dst, s, cookie, now)
}

func (v *version1) authorize(dst []byte, w Credential) ([]byte, error) {
	return v.c.Authorize(dst, w)
}

func (v *version1) shape(n int, now time.Time) ([]news, error) {
	said, err := v.c.Shape(n, now)
	v.heard = v.heard[:0]
	v.hear(said)
	return v.heard, err
}

func (v *version1) tick(dst []byte, _ time.Time) ([]byte, error) { return dst, nil }

func (v *version1) pulse() (notified time.Time, waiting int, since time.Time) {
	waiting, since = v.c.Unanswered()
	return v.c.Notified(), waiting, since
}

func (v *version1) lost() []stratum.Answer { return v.c.Lost() }
