package stratum2

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"hearth/pool/job"
	"hearth/pool/stratum"
	"hearth/pool/stratum2/message"
	"hearth/units"
)

// The errors of a Client that a caller may want to tell apart.
var (
	// ErrRefused: the pool refuses the user, or has not what the client needs.
	// Trying again will not help; another name or pool may.
	ErrRefused = errors.New("the pool refuses")
	// ErrGone: the job is not one of the pool's, or no longer. The share is worth
	// nothing.
	ErrGone = errors.New("the job is over")
	// ErrBusy: too many shares wait for their answer. Drop the share; if it goes
	// on, the pool hangs.
	ErrBusy = errors.New("too many shares wait for an answer")
)

// ClientConfig is what a Client needs to begin.
type ClientConfig struct {
	// Source names the jobs: see [job.Job].
	Source string
	// Vendor, Hardware and Firmware say what the client is.
	Vendor, Hardware, Firmware string
	// Host and Port are where the pool was called.
	Host string
	Port uint16
	// User is who gets the credit. V2 has no password.
	User string
	// Hash is the rate to announce; unknown or 0 before any miner is there.
	Hash units.HashRate
	// Standard opens a standard channel, for a miner that works itself: its jobs
	// come as [Header]. Otherwise the channel is extended and jobs come as
	// [job.Job], which any number of miners can share.
	Standard bool
	// Mask is the bits of the version to roll, [job.MaskV2] or fewer. Zero: none.
	Mask uint32
	// Extranonce is how many bytes of extranonce a job should leave. A job has
	// fewer if the pool gives fewer; with fewer than Least the pool is of no use.
	// Zero: 8 and 2.
	Extranonce, Least int
	// MaxTarget is the easiest target to take. Zero: any.
	MaxTarget job.Target
	// Named asks for extension 2, so that shares carry the name of their worker.
	Named bool
	// Next gives the ids of jobs.
	Next func() uint32
}

// NewsKind says what News is.
type NewsKind uint8

// The kinds of news.
const (
	// LoggedIn: jobs follow, shares may be sent.
	LoggedIn NewsKind = iota + 1
	// NewJob: there is a job, which replaces the one before it.
	NewJob
	// Answered: a share has its answer.
	Answered
	// Reconnect: the pool asks the client to connect anew. It also says where;
	// go there only if what answers has a certificate of the same authority.
	Reconnect
)

// News is what a message of the pool means to the owner of a Client.
type News struct {
	Kind   NewsKind
	Job    *job.Job       // NewJob, on an extended channel
	Header *Header        // NewJob, on a standard channel
	Answer stratum.Answer // Answered
	Host   string         // Reconnect; empty: the same
	Port   uint16         // Reconnect; 0: the same
}

// Header is a job of a standard channel: a block header of which the version
// (in Mask), the time and the nonce are to be found.
type Header struct {
	ID      uint32 // unique in this process, as a job's
	Version uint32 // with the bits of Mask cleared
	Mask    uint32
	Prev    job.Hash
	Root    job.Hash
	Time    uint32 // to begin with
	Bits    uint32
	Network job.Target // of a block
	Goal    job.Target // of a share
	Clean   bool       // earlier jobs are stale
}

// Limits of what is taken from a pool.
const (
	maxUnanswered = 512
	maxIssued     = 64 // jobs: half an hour of them at one every 30 s
	maxFuture     = 16
	maxRoom       = 32
	// How long a pool may take to say which extensions it knows. Those that know
	// of none never answer.
	patience = 5 * time.Second
)

// stage is how far a Client's login is.
type stage uint8

const (
	silent    stage = iota
	setting         // SetupConnection was sent
	asking          // RequestExtensions was sent
	requested       // a channel was asked for
	mining
)

// request is the number of the client's requests; there is one of each kind.
const request = 1

// Client is the miner's end of a connection to a pool, after the handshake. It
// has one channel. It is not safe for concurrent use, and its memory is bounded.
//
// What it appends to the dst of a call are plain frames, for [Transport.Seal].
type Client struct {
	config ClientConfig
	stage  stage
	asked  time.Time // when RequestExtensions was sent
	named  bool
	fixed  bool // the pool lets no version be rolled

	channel, group uint32
	place          place // of the jobs to come
	shape          int
	target         job.Target

	future  []*work
	block   bool // the three below are known
	prev    job.Hash
	bits    uint32
	network job.Target

	latest *work // that was given out last
	issued []issued
	pace   stratum.Pace

	sequence uint32
	sent     []sent // in the order of their sequence

	news []News
}

// place is what the pool gives of the extranonce: its own bytes, and room for
// the client's.
type place struct {
	prefix []byte
	room   int
}

// sent is a share without an answer.
type sent struct {
	sequence uint32
	cookie   uint64
	worker   string
	at       time.Time
	passed   bool // the pool accepted later ones and not this one
}

// NewClient returns a client that has said nothing yet.
func NewClient(c ClientConfig) *Client {
	if c.Extranonce <= 0 {
		c.Extranonce = 8
	}
	if c.Least <= 0 {
		c.Least = 2
	}
	if c.MaxTarget == (job.Target{}) {
		for i := range c.MaxTarget {
			c.MaxTarget[i] = 0xff
		}
	}
	c.Mask &= job.MaskV2
	return &Client{config: c, shape: min(c.Extranonce, job.MaxExtranonce), pace: stratum.NewPace()}
}

// Login appends the message that begins a connection; Receive appends those
// that follow.
func (c *Client) Login(dst []byte) ([]byte, error) {
	m := message.SetupConnection{
		Protocol: message.Protocol, MinVersion: message.Version, MaxVersion: message.Version,
		Host: c.config.Host, Port: c.config.Port,
		Vendor: c.config.Vendor, Hardware: c.config.Hardware, Firmware: c.config.Firmware,
	}
	if c.config.Standard {
		m.Flags = message.RequiresStandardJobs
	}
	c.stage = setting
	return message.Append(dst, &m)
}

// Ready reports whether the client is logged in.
func (c *Client) Ready() bool { return c.stage == mining }

// Room is how many bytes of extranonce the pool gives; 0 before it said so, and
// on a standard channel.
func (c *Client) Room() int { return c.place.room }

// Named reports whether shares may carry the name of their worker.
func (c *Client) Named() bool { return c.named }

// Mask is the bits of the version that jobs may let roll.
func (c *Client) Mask() uint32 {
	if c.fixed {
		return 0
	}
	return c.config.Mask
}

// Target is what the pool asks of the shares of the jobs to come.
func (c *Client) Target() job.Target { return c.target }

// Receive takes one message of the pool, appends what must be answered to dst
// and says what it means. The news is valid until the next call. After an error
// the connection is of no use: close it, and ask Lost what it cost.
func (c *Client) Receive(dst []byte, h message.Header, payload []byte, now time.Time) ([]byte, []News, error) {
	clear(c.news)
	c.news = c.news[:0]
	m := message.New(h)
	if m == nil {
		return dst, nil, nil
	}
	if _, err := message.Parse(m, payload); err != nil {
		return dst, nil, fmt.Errorf("receive from the pool: %w", err)
	}
	var err error
	switch m := m.(type) {
	case *message.SetupConnectionSuccess:
		dst, err = c.setUp(dst, m, now)
	case *message.SetupConnectionError:
		err = fmt.Errorf("set up a connection: %w: %q, flags %#x", ErrRefused, printable(m.Code, maxCode), m.Flags)
	case *message.RequestExtensionsSuccess:
		c.named = c.named || c.config.Named && slices.Contains(m.Extensions, message.WorkerNames)
		dst, err = c.extended(dst)
	case *message.RequestExtensionsError:
		if len(m.Required) > 0 {
			return dst, nil, fmt.Errorf("set up a connection: %w: it wants extensions %v", ErrRefused, m.Required[:min(len(m.Required), 8)])
		}
		dst, err = c.extended(dst)
	case *message.OpenStandardMiningChannelSuccess:
		if c.config.Standard {
			err = c.opened(m.Request, m.Channel, m.Group, m.Target, place{m.ExtranoncePrefix, 0})
		}
	case *message.OpenExtendedMiningChannelSuccess:
		if !c.config.Standard {
			err = c.opened(m.Request, m.Channel, m.Group, m.Target, place{m.ExtranoncePrefix, int(m.Extranonce)})
		}
	case *message.OpenMiningChannelError:
		err = fmt.Errorf("open a channel for %s: %w: %q: check the name", c.config.User, ErrRefused, printable(m.Code, maxCode))
	case *message.Reconnect:
		c.tell(News{Kind: Reconnect, Host: printable(m.Host, maxCode), Port: m.Port})
	case *message.SetGroupChannel:
		if c.stage == mining && slices.Contains(m.Channels, c.channel) {
			c.group = m.Group
		}
	default:
		if c.stage == mining {
			dst, err = c.order(dst, m, now)
		}
	}
	return dst, c.news, err
}

func (c *Client) tell(n News) { c.news = append(c.news, n) }

// order does what the pool wants of the channel.
func (c *Client) order(dst []byte, m message.Message, now time.Time) ([]byte, error) {
	switch m := m.(type) {
	case *message.NewMiningJob:
		if c.mine(m.Channel) && c.config.Standard {
			return dst, c.standardJob(m, now)
		}
	case *message.NewExtendedMiningJob:
		if c.mine(m.Channel) && !c.config.Standard {
			return dst, c.extendedJob(m, now)
		}
	case *message.SetNewPrevHash:
		if c.mine(m.Channel) {
			return dst, c.setPrev(m, now)
		}
	case *message.SetTarget:
		if c.mine(m.Channel) {
			return dst, c.setTarget(m.Target)
		}
	case *message.SetExtranoncePrefix:
		if m.Channel == c.channel {
			c.place.prefix = slices.Clone(m.ExtranoncePrefix)
		}
	case *message.SubmitSharesSuccess:
		if m.Channel == c.channel {
			c.accept(m.Sequence, m.Count, now)
		}
	case *message.SubmitSharesError:
		if m.Channel == c.channel {
			c.reject(m.Sequence, printable(m.Code, maxCode), now)
		}
	case *message.CloseChannel:
		if c.mine(m.Channel) {
			return dst, fmt.Errorf("the pool closed the channel: %q", printable(m.Reason, maxCode))
		}
	case *message.ChannelEndpointChanged:
		if m.Channel == c.channel && c.config.Named {
			c.named = false
			return message.Append(dst, &message.RequestExtensions{Request: request, Extensions: []uint16{message.WorkerNames}})
		}
	}
	return dst, nil
}

// mine reports whether a message for a channel or a group is for this one.
func (c *Client) mine(id uint32) bool { return id == c.channel || id == c.group }

func (c *Client) setUp(dst []byte, m *message.SetupConnectionSuccess, now time.Time) ([]byte, error) {
	switch {
	case c.stage != setting:
		return dst, errors.New("set up a connection: the pool says yes to nothing")
	case m.Version != message.Version:
		return dst, fmt.Errorf("set up a connection: %w: it wants version %d of the protocol", ErrRefused, m.Version)
	case m.Flags&message.RequiresExtendedChannels != 0 && c.config.Standard:
		return dst, fmt.Errorf("set up a connection: %w: it has no standard channels", ErrRefused)
	}
	c.fixed = m.Flags&message.RequiresFixedVersion != 0
	if !c.config.Named {
		return c.open(dst)
	}
	c.stage, c.asked = asking, now
	return message.Append(dst, &message.RequestExtensions{Request: request, Extensions: []uint16{message.WorkerNames}})
}

// extended goes on when the pool said which extensions it knows.
func (c *Client) extended(dst []byte) ([]byte, error) {
	if c.stage != asking {
		return dst, nil
	}
	return c.open(dst)
}

// Tick is to be called every few seconds: some questions are never answered.
func (c *Client) Tick(dst []byte, now time.Time) ([]byte, error) {
	if c.stage == asking && now.Sub(c.asked) >= patience {
		return c.open(dst)
	}
	return dst, nil
}

func (c *Client) open(dst []byte) ([]byte, error) {
	c.stage = requested
	if c.config.Standard {
		return message.Append(dst, &message.OpenStandardMiningChannel{
			Request: request, User: c.config.User, HashRate: float32(c.config.Hash), MaxTarget: c.config.MaxTarget,
		})
	}
	return message.Append(dst, &message.OpenExtendedMiningChannel{
		Request: request, User: c.config.User, HashRate: float32(c.config.Hash), MaxTarget: c.config.MaxTarget,
		MinExtranonce: uint16(min(c.config.Least, maxRoom)),
	})
}

func (c *Client) opened(answers, id, group uint32, target job.Target, at place) error {
	switch {
	case c.stage != requested || answers != request:
		return errors.New("open a channel: the pool says yes to nothing")
	case !c.config.Standard && (at.room < c.config.Least || at.room > maxRoom):
		return fmt.Errorf("open a channel: %w %d bytes of extranonce, and gives %d", ErrRefused, c.config.Least, at.room)
	}
	at.prefix = slices.Clone(at.prefix)
	c.stage, c.channel, c.group, c.place = mining, id, group, at
	c.tell(News{Kind: LoggedIn})
	return c.setTarget(target)
}

// Announce appends what the pool is to know of the miners behind the channel.
// Proxies owe it whenever that changes, at most once a second.
func (c *Client) Announce(dst []byte, hash units.HashRate) ([]byte, error) {
	c.config.Hash = hash
	if c.stage != mining {
		return dst, nil
	}
	return message.Append(dst, &message.UpdateChannel{Channel: c.channel, HashRate: float32(hash), MaxTarget: c.config.MaxTarget})
}

// Unanswered returns how many shares wait for an answer and when the first of
// them was sent.
func (c *Client) Unanswered() (n int, since time.Time) {
	if len(c.sent) > 0 {
		since = c.sent[0].at
	}
	return len(c.sent), since
}

// Lost takes out the shares that will not be answered any more because the
// connection has ended, in the order they were sent. What became of them is
// unknown.
func (c *Client) Lost() []stratum.Answer {
	lost := make([]stratum.Answer, 0, len(c.sent))
	for _, s := range c.sent {
		lost = append(lost, stratum.Answer{Cookie: s.cookie, Worker: s.worker, Reason: "the connection ended before the pool answered"})
	}
	c.sent = nil
	return lost
}
