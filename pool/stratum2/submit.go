package stratum2

import (
	"errors"
	"fmt"
	"math"
	"time"

	"hearth/pool/job"
	"hearth/pool/share"
	"hearth/pool/stratum2/message"
)

// codes is what a miner is told when a share is refused. The first four are the
// specification's, the others those that the reference implementation uses, or
// plain words.
var codes = [...]string{
	share.Stale:         "stale-share",
	share.UnknownJob:    "invalid-job-id",
	share.Duplicate:     "duplicate-share",
	share.LowDifficulty: "difficulty-too-low",
	share.BadVersion:    "invalid-non-rollable-version-bit",
	share.BadTime:       "invalid-ntime",
	share.BadExtranonce: "bad-extranonce-size",
	share.Flood:         "too-many-shares",
}

// code is the code of a reason.
func code(r share.Reason) string {
	if int(r) < len(codes) && codes[r] != "" {
		return codes[r]
	}
	return "invalid-share"
}

func (s *Session) submitStandard(dst, payload []byte, now time.Time) ([]byte, Event, error) {
	m := &s.submitted
	if _, err := message.Parse(m, payload); err != nil {
		return dst, Event{}, fmt.Errorf("receive from the miner: %w", err)
	}
	c := s.channel(m.Channel)
	if c == nil || c.extended {
		return s.nowhere(dst, m.Channel, m.Sequence)
	}
	return s.check(dst, c, m.Sequence, share.Submission{Job: m.Job, Time: m.Time, Nonce: m.Nonce, Version: m.Version}, now)
}

func (s *Session) submitExtended(dst, payload []byte, now time.Time) ([]byte, Event, error) {
	m := &s.submittedExtended
	rest, err := message.Parse(m, payload)
	if err != nil {
		return dst, Event{}, fmt.Errorf("receive from the miner: %w", err)
	}
	c := s.channel(m.Channel)
	if c == nil || !c.extended {
		return s.nowhere(dst, m.Channel, m.Sequence)
	}
	if s.named {
		name, _, err := message.FindWorkerName(rest)
		if err != nil || !clean(name) {
			dst = s.refuse(dst, m.Channel, m.Sequence, "invalid-user-identity")
			return dst, Event{}, errors.Join(s.err, s.bother("names workers that have no name"))
		}
		if c.name != string(name) {
			c.name = string(name)
		}
	}
	return s.check(dst, c, m.Sequence, share.Submission{
		Job: m.Job, Extranonce2: m.Extranonce, Time: m.Time, Nonce: m.Nonce, Version: m.Version,
	}, now)
}

// nowhere answers a share of a channel that does not exist, or is of the other
// kind.
func (s *Session) nowhere(dst []byte, id, sequence uint32) ([]byte, Event, error) {
	if !s.ready {
		return dst, Event{}, errors.New("receive from the miner: its first message is a share")
	}
	dst = s.refuse(dst, id, sequence, "invalid-channel-id")
	return dst, Event{}, errors.Join(s.err, s.bother("sends shares of channels that it does not have"))
}

func (s *Session) refuse(dst []byte, id, sequence uint32, code string) []byte {
	s.failure = message.SubmitSharesError{Channel: id, Sequence: sequence, Code: code}
	return s.send(dst, &s.failure)
}

// check judges a share whose job is the number that the miner knows.
func (s *Session) check(dst []byte, c *channel, sequence uint32, sub share.Submission, now time.Time) ([]byte, Event, error) {
	e := Event{Kind: Share, Channel: c.id, User: c.user, Name: c.name}
	if id, ok := c.numbered(sub.Job); ok {
		sub.Job = id
		e.Verdict = c.share.Check(sub, now)
	} else {
		e.Verdict.Reason = share.UnknownJob
	}
	if e.Verdict.Reason != share.Accepted {
		why := code(e.Verdict.Reason)
		if e.Verdict.Reason == share.BadVersion && e.Verdict.Job.Mask&s.config.Mask == 0 {
			why = "version-rolling-not-allowed"
		}
		dst = s.refuse(dst, c.id, sequence, why)
		return dst, e, s.err
	}
	s.accepted = min(s.accepted+1, math.MaxInt32)
	if c.owe(sequence, e.Verdict.Credit); c.count == math.MaxUint32 {
		dst = s.flush(dst, c)
	}
	return dst, e, s.err
}

// owe notes that an accepted share has no answer yet.
func (c *channel) owe(sequence uint32, credit job.Work) {
	c.sequence = sequence
	c.count++
	if c.sum += credit; c.sum < credit {
		c.sum = math.MaxUint64
	}
}

// Flush answers the accepted shares that have no answer yet, those of a channel
// with one message. Call it when nothing more of the miner is waiting to be
// received.
func (s *Session) Flush(dst []byte) []byte {
	for _, c := range s.channels {
		dst = s.flush(dst, c)
	}
	return dst
}

func (s *Session) flush(dst []byte, c *channel) []byte {
	if c.count == 0 {
		return dst
	}
	s.success = message.SubmitSharesSuccess{
		Channel: c.id, Sequence: c.sequence, Count: c.count, Sum: uint64(math.Round(float64(c.sum.Difficulty()))),
	}
	c.count, c.sum = 0, 0
	return s.send(dst, &s.success)
}
