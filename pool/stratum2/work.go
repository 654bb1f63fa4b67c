package stratum2

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"hearth/pool/job"
	"hearth/pool/stratum"
	"hearth/pool/stratum2/message"
)

// work is a job as the pool described it.
type work struct {
	number  uint32
	version uint32
	rolling bool
	time    uint32

	root job.Hash // on a standard channel

	path           []job.Hash // on an extended one
	prefix, suffix []byte
	place          place

	again uint32 // how often it was given out before
}

// issued is what must be known of a job to send its shares.
type issued struct {
	id, number    uint32
	version, mask uint32
	extranonce    int // bytes that a share has
	room          int // bytes that the pool wants
}

func (c *Client) standardJob(m *message.NewMiningJob, now time.Time) error {
	return c.take(&work{number: m.Job, version: m.Version, rolling: true, time: m.MinTime, root: m.Root}, m.Active, now)
}

func (c *Client) extendedJob(m *message.NewExtendedMiningJob, now time.Time) error {
	size := len(m.Prefix) + len(c.place.prefix) + c.place.room + len(m.Suffix)
	switch {
	case len(m.Path) > job.MaxBranch:
		return fmt.Errorf("take a job of the pool: its merkle branch has %d steps, more than %d", len(m.Path), job.MaxBranch)
	case size > job.MaxCoinbase:
		return fmt.Errorf("take a job of the pool: its coinbase has %d bytes, more than %d", size, job.MaxCoinbase)
	}
	prefix, suffix, err := stripped(m.Prefix, m.Suffix)
	if err != nil {
		return fmt.Errorf("take a job of the pool: %w", err)
	}
	return c.take(&work{
		number: m.Job, version: m.Version, rolling: m.VersionRolling, time: m.MinTime,
		path: m.Path, prefix: prefix, suffix: suffix, place: c.place,
	}, m.Active, now)
}

// stripped copies the parts of a coinbase without the witness of BIP 141. The
// protocol forbids it there, and pools sent it for years.
func stripped(prefix, suffix []byte) (_, _ []byte, err error) {
	const (
		version  = 4
		witness  = 1 + 1 + 32 // one item of 32 bytes
		lockTime = 4
	)
	if len(prefix) < version+2 || prefix[version] != 0 || prefix[version+1] == 0 {
		return slices.Clone(prefix), slices.Clone(suffix), nil
	}
	at := len(suffix) - lockTime - witness
	if prefix[version+1] != 1 || at < 0 || suffix[at] != 1 || suffix[at+1] != 32 {
		return nil, nil, errors.New("its coinbase carries a witness of a kind that a coinbase never has")
	}
	return slices.Concat(prefix[:version], prefix[version+2:]), slices.Concat(suffix[:at], suffix[at+witness:]), nil
}

// take gives a job out, or keeps it until its block is named.
func (c *Client) take(w *work, active bool, now time.Time) error {
	if active {
		if !c.block {
			return fmt.Errorf("take job %d of the pool: it is to be mined at once, but on which block was never said", w.number)
		}
		return c.issue(w, false, now)
	}
	// A number that is used again drops the job that it named.
	c.future = slices.DeleteFunc(c.future, func(f *work) bool { return f.number == w.number })
	if len(c.future) == maxFuture {
		c.future = slices.Delete(c.future, 0, 1)
	}
	c.future = append(c.future, w)
	return nil
}

// setPrev begins with the next block: the job that is named is to be mined, and
// all others are void.
func (c *Client) setPrev(m *message.SetNewPrevHash, now time.Time) error {
	network, err := job.CompactTarget(m.Bits)
	if err != nil {
		return fmt.Errorf("take a block of the pool: %w", err)
	}
	i := slices.IndexFunc(c.future, func(f *work) bool { return f.number == m.Job })
	if i < 0 {
		return fmt.Errorf("take a block of the pool: its job %d is unknown", m.Job)
	}
	w := c.future[i]
	w.time = m.MinTime
	c.future = nil
	c.block, c.prev, c.bits, c.network = true, m.Prev, m.Bits, network
	return c.issue(w, true, now)
}

// setTarget holds for the jobs to come, those that wait for their block
// included; what is being mined keeps the target that it has.
func (c *Client) setTarget(t job.Target) error {
	if t == (job.Target{}) {
		return errors.New("take a target of the pool: no hash meets it")
	}
	c.target = t
	return nil
}

// issue gives a job out.
func (c *Client) issue(w *work, clean bool, now time.Time) error {
	if err := c.pace.Take(now, clean, c.network); err != nil {
		return err
	}
	mask := uint32(0)
	if w.rolling {
		mask = c.Mask()
	}
	// The same bytes once more would be the same search once more; a second later
	// they are others.
	begin := w.time + min(w.again, 600)
	i := issued{id: c.config.Next(), number: w.number, version: w.version &^ mask, mask: mask, room: w.place.room}
	n := News{Kind: NewJob}
	if c.config.Standard {
		n.Header = &Header{
			ID: i.id, Version: i.version, Mask: mask, Prev: c.prev, Root: w.root, Time: begin,
			Bits: c.bits, Network: c.network, Goal: c.target, Clean: clean,
		}
	} else {
		i.extranonce = min(c.shape, w.place.room)
		n.Job = &job.Job{
			ID: i.id, Source: c.config.Source, Foreign: strconv.FormatUint(uint64(w.number), 10),
			Version: i.version, Mask: mask, Prev: c.prev, Bits: c.bits, Time: begin, MinTime: w.time,
			Prefix: slices.Concat(w.prefix, w.place.prefix, make([]byte, w.place.room-i.extranonce)),
			Suffix: w.suffix, Extranonce: i.extranonce, Branch: w.path,
			Clean: clean, Network: c.network, Goal: c.target,
		}
	}
	if clean {
		c.issued = c.issued[:0]
	} else if len(c.issued) == maxIssued {
		c.issued = slices.Delete(c.issued, 0, 1)
	}
	c.issued = append(c.issued, i)
	c.latest = w
	c.tell(n)
	return nil
}

// Shape changes how many bytes of extranonce the jobs leave, from 1 to 32, and
// gives the current job out again if that changes it. The news is valid until
// the next call.
func (c *Client) Shape(n int, now time.Time) ([]News, error) {
	clear(c.news)
	c.news = c.news[:0]
	c.shape = min(max(n, 1), job.MaxExtranonce)
	if c.config.Standard || c.latest == nil || c.issued[len(c.issued)-1].extranonce == min(c.shape, c.latest.place.room) {
		return nil, nil
	}
	c.latest.again++
	err := c.issue(c.latest, true, now)
	return c.news, err
}

// Submit appends the submission of a share. The answer comes as News with the
// cookie, or from Lost. The errors are ErrGone, ErrBusy, ErrRefused, and others
// for a share that cannot be right.
func (c *Client) Submit(dst []byte, s stratum.Share, cookie uint64, now time.Time) ([]byte, error) {
	at := slices.IndexFunc(c.issued, func(i issued) bool { return i.id == s.Job })
	if at < 0 {
		return dst, fmt.Errorf("submit a share of job %08x: %w", s.Job, ErrGone)
	}
	of := c.issued[at]
	switch {
	case len(s.Extranonce) != of.extranonce:
		return dst, fmt.Errorf("submit a share of job %08x: its extranonce has %d bytes, not %d", s.Job, len(s.Extranonce), of.extranonce)
	case (s.Version^of.version)&^of.mask != 0:
		return dst, fmt.Errorf("submit a share of job %08x: version %08x rolls bits outside %08x", s.Job, s.Version, of.mask)
	case !c.named && s.Worker != "" && s.Worker != c.config.User:
		return dst, fmt.Errorf("submit a share of %s: %w: on this connection it credits %s only", s.Worker, ErrRefused, c.config.User)
	case len(c.sent) >= maxUnanswered:
		return dst, fmt.Errorf("submit a share: %w: %d of them", ErrBusy, len(c.sent))
	}
	if s.Worker == "" {
		s.Worker = c.config.User
	}
	out, err := c.write(dst, s, of)
	if err != nil {
		return dst, fmt.Errorf("submit a share of job %08x: %w", s.Job, err)
	}
	c.sent = append(c.sent, sent{sequence: c.sequence, cookie: cookie, worker: s.Worker, at: now})
	c.sequence++
	return out, nil
}

func (c *Client) write(dst []byte, s stratum.Share, of issued) ([]byte, error) {
	if c.config.Standard {
		return message.Append(dst, &message.SubmitSharesStandard{
			Channel: c.channel, Sequence: c.sequence, Job: of.number, Nonce: s.Nonce, Time: s.Time, Version: s.Version,
		})
	}
	m := message.SubmitSharesExtended{
		Channel: c.channel, Sequence: c.sequence, Job: of.number, Nonce: s.Nonce, Time: s.Time, Version: s.Version,
		Extranonce: append(make([]byte, of.room-of.extranonce, of.room), s.Extranonce...),
	}
	if !c.named {
		return message.Append(dst, &m)
	}
	name, err := message.WorkerName(s.Worker)
	if err != nil && s.Worker == c.config.User {
		// The channel's own name, an address with a worker behind it, may be longer
		// than the field has room for. It is credited without being named.
		return message.Append(dst, &m)
	}
	if err != nil {
		return dst, err
	}
	return message.Append(dst, &m, name)
}

// accept takes the answer to the shares up to a sequence, the latest count of
// which are accepted. Those left over were refused or are still being looked
// at; if the next answer does not name them either, nobody ever will.
func (c *Client) accept(last, count uint32, now time.Time) {
	n := 0
	for n < len(c.sent) && int32(last-c.sent[n].sequence) >= 0 {
		n++
	}
	skip := n - int(min(uint32(n), max(count, 1)))
	left := c.sent[:0]
	for i, s := range c.sent {
		switch {
		case i >= n:
			left = append(left, s)
		case i >= skip:
			c.tell(News{Kind: Answered, Answer: stratum.Answer{Cookie: s.cookie, Worker: s.worker, Outcome: stratum.Accepted, Took: now.Sub(s.at)}})
		case s.passed:
			c.tell(News{Kind: Answered, Answer: stratum.Answer{Cookie: s.cookie, Worker: s.worker, Reason: "the pool passed it over"}})
		default:
			s.passed = true
			left = append(left, s)
		}
	}
	c.sent = left
}

func (c *Client) reject(sequence uint32, why string, now time.Time) {
	i := slices.IndexFunc(c.sent, func(s sent) bool { return s.sequence == sequence })
	if i < 0 {
		return
	}
	s := c.sent[i]
	c.sent = slices.Delete(c.sent, i, i+1)
	if why == "" {
		why = "no reason given"
	}
	c.tell(News{Kind: Answered, Answer: stratum.Answer{Cookie: s.cookie, Worker: s.worker, Outcome: stratum.Rejected, Reason: why, Took: now.Sub(s.at)}})
}
