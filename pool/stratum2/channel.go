package stratum2

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"hearth/pool/job"
	"hearth/pool/share"
	"hearth/pool/stratum2/message"
	"hearth/units"
)

// channel is one that is open.
type channel struct {
	id       uint32
	user     string
	extended bool
	prefix   []byte     // the pool's part of the extranonce; all of it if standard
	most     job.Target // the easiest that the miner takes
	target   job.Target // as it was told
	share    *share.Channel
	name     string // of who found the last share (extension 2)

	known [numbers]number
	next  int

	// The block that the channel builds on.
	begun bool
	prev  job.Hash
	bits  uint32
	least uint32 // the time that it was set from

	// Shares accepted and not answered yet.
	sequence, count uint32
	sum             job.Work
}

// numbers is how many numbers of jobs a channel remembers: more than its
// share.Channel remembers jobs, since a job may have several.
const numbers = 16

// number is a job's number on this connection.
type number struct {
	number, id uint32
	first      int64  // when it was offered first, under whatever number
	time       uint32 // the time it began with under this one
}

func (c *channel) remember(n number) {
	c.known[c.next] = n
	c.next = (c.next + 1) % numbers
}

// numbered is the job that the miner knows by a number.
func (c *channel) numbered(n uint32) (id uint32, ok bool) {
	for _, k := range c.known {
		if k.number == n && n != 0 {
			return k.id, true
		}
	}
	return 0, false
}

// latest is how the job was offered last.
func (c *channel) latest(id uint32) (latest number, ok bool) {
	for _, k := range c.known {
		if k.id == id && k.number > latest.number {
			latest, ok = k, true
		}
	}
	return latest, ok
}

// open takes a request for a channel.
func (s *Session) open(dst []byte, o opening, rate float32, now time.Time) ([]byte, Event, error) {
	why := ""
	switch {
	case len(s.waiting)+len(s.channels) >= s.config.Channels:
		why = "channel-capacity-exhausted"
	case slices.ContainsFunc(s.waiting, func(w opening) bool { return w.request == o.request }):
		why = "invalid-request-id"
	case o.extended && s.standard:
		why = "extended-channels-not-supported-for-standard-jobs"
	case o.extranonce > job.MaxExtranonce:
		why = "min-extranonce-size-too-large"
	case o.most == job.Target{}:
		why = "max-target-out-of-range"
	case o.user == "":
		why = "unknown-user: set a user name in the miner"
	case len(o.user) > MaxUser:
		why = fmt.Sprintf("unknown-user: the name has %d bytes; use at most %d, better 63", len(o.user), MaxUser)
	case !clean(o.user):
		why = "unknown-user: the name is not plain text"
	}
	if why != "" {
		dst, err := message.Append(dst, &message.OpenMiningChannelError{Request: o.request, Code: why})
		return dst, Event{}, errors.Join(err, s.bother("asks for channels that it cannot have"))
	}
	s.waiting = append(s.waiting, o)
	hash := units.Unknown[units.HashRate]("the miner claims no hash rate", now)
	if rate > 0 && !math.IsInf(float64(rate), 1) {
		hash = units.Know(units.HashRate(rate), now, units.Estimate)
	}
	return dst, Event{
		Kind: Open, User: o.user, Request: o.request, Agent: s.agent, Hash: hash, Extended: o.extended, Extranonce: o.extranonce,
	}, nil
}

// take ends the waiting of a request.
func (s *Session) take(request uint32) (opening, bool) {
	i := slices.IndexFunc(s.waiting, func(w opening) bool { return w.request == request })
	if i < 0 {
		return opening{}, false
	}
	o := s.waiting[i]
	s.waiting = slices.Delete(s.waiting, i, i+1)
	return o, true
}

// Opened opens the channel that was requested. Its extranonce begins with
// prefix, which no other channel of the pool may have while jobs live that this
// one gets. The miner turns over the extranonce bytes behind it: none on a
// standard channel, whose prefix is the whole extranonce.
//
// If the miner wants more bytes than that, or the channels of this connection
// have another size in all, it is refused and an error returned.
func (s *Session) Opened(dst []byte, request uint32, prefix []byte, extranonce int) (out []byte, id uint32, err error) {
	o, ok := s.take(request)
	if !ok {
		return dst, 0, fmt.Errorf("open a channel: nobody waits for the answer to request %d", request)
	}
	size := len(prefix) + extranonce
	switch {
	case extranonce < 0 || size > job.MaxExtranonce || s.size > 0 && size != s.size || !o.extended && extranonce > 0:
		err = fmt.Errorf("open a channel for %s: an extranonce of %d bytes with %d for the miner does not fit", o.user, size, extranonce)
	case extranonce < o.extranonce:
		err = fmt.Errorf("open a channel for %s: the miner wants %d bytes of extranonce and there are %d", o.user, o.extranonce, extranonce)
	}
	if err != nil {
		dst, refused := message.Append(dst, &message.OpenMiningChannelError{Request: request, Code: "min-extranonce-size-too-large"})
		return dst, 0, errors.Join(err, refused)
	}
	s.last++
	c := &channel{id: s.last, user: o.user, extended: o.extended, prefix: slices.Clone(prefix), most: o.most}
	c.share = share.NewChannel(share.Config{
		Extranonce1: c.prefix, Extranonce2: extranonce, Vardiff: s.config.Vardiff, Start: s.config.Start, Mask: s.config.Mask,
	})
	c.share.AtLeast(o.most.Difficulty())
	c.target = harder(s.config.Start.Target(), o.most)
	var m message.Message = &message.OpenStandardMiningChannelSuccess{
		Request: request, Channel: c.id, Target: c.target, ExtranoncePrefix: c.prefix, Group: group,
	}
	if o.extended {
		m = &message.OpenExtendedMiningChannelSuccess{
			Request: request, Channel: c.id, Target: c.target, Extranonce: uint16(extranonce), ExtranoncePrefix: c.prefix, Group: group,
		}
	}
	if dst, err = message.Append(dst, m); err != nil {
		return dst, 0, err
	}
	s.size = size
	s.channels = append(s.channels, c)
	return dst, c.id, nil
}

// Refuse refuses the channel that was requested. The reason goes to the miner.
func (s *Session) Refuse(dst []byte, request uint32, why string) []byte {
	if _, ok := s.take(request); !ok {
		return dst
	}
	code := "unknown-user"
	if why != "" {
		code += ": " + printable(why, maxCode)
	}
	dst = s.send(dst, &message.OpenMiningChannelError{Request: request, Code: code})
	s.err = errors.Join(s.err, s.bother("asks for channels that it cannot have"))
	return dst
}

// Close closes a channel from the pool's side. Firmware may not notice: to be
// rid of a miner, close its connection.
func (s *Session) Close(dst []byte, id uint32, why string) []byte {
	if !s.drop(id) {
		return dst
	}
	return s.send(dst, &message.CloseChannel{Channel: id, Reason: printable(why, maxCode)})
}

func (s *Session) drop(id uint32) bool {
	n := len(s.channels)
	s.channels = slices.DeleteFunc(s.channels, func(c *channel) bool { return c.id == id })
	return len(s.channels) < n
}

// send appends a message that cannot be too long; if one is all the same, the
// session ends with the next message of the miner.
func (s *Session) send(dst []byte, m message.Message) []byte {
	dst, err := message.Append(dst, m)
	s.err = errors.Join(s.err, err)
	return dst
}

func (s *Session) update(dst []byte, m *message.UpdateChannel) ([]byte, Event, error) {
	var code string
	c := s.channel(m.Channel)
	switch {
	case c == nil:
		code = "invalid-channel-id"
	case m.MaxTarget == job.Target{}:
		code = "max-target-out-of-range"
	default:
		// Tick then finds that the miner is to be told another difficulty, if so.
		c.most = m.MaxTarget
		c.share.AtLeast(m.MaxTarget.Difficulty())
		return dst, Event{}, nil
	}
	dst, err := message.Append(dst, &message.UpdateChannelError{Channel: m.Channel, Code: code})
	return dst, Event{}, errors.Join(err, s.bother("changes channels that it does not have"))
}

func (s *Session) close(dst []byte, m *message.CloseChannel) ([]byte, Event, error) {
	if m.Channel == group {
		return dst, Event{}, errors.New("receive from the miner: it closed all its channels")
	}
	c := s.channel(m.Channel)
	if c == nil {
		return dst, Event{}, s.bother("closes channels that it does not have")
	}
	dst = s.flush(dst, c)
	s.drop(m.Channel)
	return dst, Event{Kind: Closed, Channel: c.id, User: c.user}, s.err
}

// harder is the lower of two targets.
func harder(a, b job.Target) job.Target {
	if job.Hash(a).Meets(b) {
		return a
	}
	return b
}
