package stratum2

import (
	"time"

	"hearth/pool/job"
	"hearth/pool/stratum2/message"
)

// parcel is how a job goes out.
type parcel struct {
	fresh bool   // as a future job, with its previous hash behind it
	time  uint32 // to begin with
	first int64  // when it was offered first
}

// Offer gives a channel a job to mine at once: its target, if that changed, and
// the job in the form that the channel needs. A job may be offered again, to
// change its target or after another one; it then goes out under a new number
// and with a later time, so that no hash is tried twice.
func (s *Session) Offer(dst []byte, id uint32, j *job.Job, now time.Time) []byte {
	c := s.channel(id)
	if c == nil {
		return dst
	}
	dst, p := s.prepare(dst, c, j, now)
	if c.extended {
		dst = s.sendExtended(dst, c.id, j, p)
	} else {
		dst = s.sendStandard(dst, c, j, p)
	}
	c.took(j, s.lastJob, p)
	return dst
}

// prepare offers the job, sends the target it is offered at, and reckons how it
// has to go out.
func (s *Session) prepare(dst []byte, c *channel, j *job.Job, now time.Time) ([]byte, parcel) {
	d, _ := c.share.Offer(j, now)
	if t := harder(d.Target(), c.most); t != c.target {
		c.target = t
		dst = s.sendTarget(dst, c)
	}
	_, last := j.Times()
	begin, first := j.Time, now.Unix()
	had, again := c.latest(j.ID)
	if again {
		first = had.first
		// The second term also holds if the clock was set back.
		begin = uint32(min(max(int64(j.Time)+now.Unix()-first, int64(had.time)+1), int64(last)))
	}
	fresh := !c.begun || j.Prev != c.prev || j.Bits != c.bits || j.Clean && !again || c.least > last
	if !fresh {
		begin = max(begin, c.least) // others refuse a job from before its block was set
	}
	return dst, parcel{fresh, begin, first}
}

// took notes what the miner has now.
func (c *channel) took(j *job.Job, n uint32, p parcel) {
	c.remember(number{n, j.ID, p.first, p.time})
	c.begun, c.prev, c.bits = true, j.Prev, j.Bits
	if p.fresh {
		c.least = p.time
	}
}

func (s *Session) sendTarget(dst []byte, c *channel) []byte {
	s.target = message.SetTarget{Channel: c.id, Target: c.target}
	return s.send(dst, &s.target)
}

func (s *Session) sendStandard(dst []byte, c *channel, j *job.Job, p parcel) []byte {
	s.lastJob++
	s.plain = message.NewMiningJob{
		Channel: c.id, Job: s.lastJob, Active: !p.fresh, Version: j.Version, Root: j.RootInto(&s.scratch, c.prefix),
	}
	if s.plain.Active {
		s.plain.MinTime = p.time
	}
	return s.sendPrev(s.send(dst, &s.plain), c.id, j, p)
}

func (s *Session) sendExtended(dst []byte, to uint32, j *job.Job, p parcel) []byte {
	s.lastJob++
	s.extended = message.NewExtendedMiningJob{
		Channel: to, Job: s.lastJob, Active: !p.fresh, Version: j.Version,
		// The protocol allows all bits of MaskV2 or none; miners that are sold use
		// those of MaskV1.
		VersionRolling: j.Mask&s.config.Mask&job.MaskV1 == job.MaskV1,
		Path:           j.Branch, Prefix: j.Prefix, Suffix: j.Suffix,
	}
	if s.extended.Active {
		s.extended.MinTime = p.time
	}
	dst = s.send(dst, &s.extended)
	s.extended.Path, s.extended.Prefix, s.extended.Suffix = nil, nil, nil
	return s.sendPrev(dst, to, j, p)
}

// sendPrev sets the block that a future job builds on.
func (s *Session) sendPrev(dst []byte, to uint32, j *job.Job, p parcel) []byte {
	if !p.fresh {
		return dst
	}
	s.prev = message.SetNewPrevHash{Channel: to, Job: s.lastJob, Prev: j.Prev, MinTime: p.time, Bits: j.Bits}
	return s.send(dst, &s.prev)
}

// Tick is to be called for each channel every few seconds. It lets the
// difficulty fall when no shares come, and reports whether the miner mines at
// another one than it should: offer the job again then, or a new one.
func (s *Session) Tick(id uint32, now time.Time) (changed bool) {
	c := s.channel(id)
	return c != nil && c.share.Tick(now)
}

// Keepalive appends something that any miner takes and that changes nothing.
// ESP-Miner gives a pool up that is silent for three minutes.
func (s *Session) Keepalive(dst []byte) []byte {
	if len(s.channels) == 0 {
		return dst
	}
	return s.sendTarget(dst, s.channels[0])
}
