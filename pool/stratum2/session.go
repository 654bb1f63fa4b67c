package stratum2

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hearth/pool/job"
	"hearth/pool/share"
	"hearth/pool/stratum2/message"
	"hearth/units"
)

// Limits of what a miner may say of itself.
const (
	// MaxUser is the longest user name, in bytes. A longer one is refused, never
	// cut: cut, it might be another's.
	MaxUser  = 127
	maxAgent = 64
	maxCode  = 200 // bytes of a reason

	// maxNuisance is how many messages that nobody needs a miner may send, and as
	// many again as it had shares accepted.
	maxNuisance = 100
)

// Config is what a Session needs to begin.
type Config struct {
	// Mask is the bits of the version that miners may roll, as far as a job allows
	// it: [job.MaskV2], or 0 for none.
	Mask uint32
	// Vardiff and Start are those of every [share.Channel].
	Vardiff share.Vardiff
	Start   job.Difficulty
	// Channels is how many channels a connection may have. Zero: 16.
	Channels int
}

// Kind says what an Event is.
type Kind uint8

// The kinds of events.
const (
	// None: nothing that the owner must know.
	None Kind = iota
	// Open: a miner asks for a channel. The owner answers, at once or later, with
	// [Session.Opened] or [Session.Refuse].
	Open
	// Closed: the miner gave a channel up.
	Closed
	// Share: a share was checked.
	Share
)

// Event is what one message asks or tells the owner of a Session.
type Event struct {
	Kind Kind
	// User is the name that asks for the channel, or asked for it.
	User string

	// Request, Agent, Hash, Extended and Extranonce come with Open. Extranonce is
	// how many bytes an extended channel wants to turn over at least. Hash is the
	// rate that the miner claims, which is not to be relied on.
	Request    uint32
	Agent      string
	Hash       units.Known[units.HashRate]
	Extended   bool
	Extranonce int

	// Channel comes with Closed and Share.
	Channel uint32

	// Verdict comes with Share; its Extranonce is valid until the next message.
	// Name is who of those behind the channel found it, if the miner says so
	// (extension 2).
	Verdict share.Verdict
	Name    string
}

// Session is the pool's end of a connection with one miner, after the
// handshake. It is not safe for concurrent use, and its memory is bounded.
//
// What it appends to the dst of a call are plain frames, for
// [Transport.Seal].
type Session struct {
	config Config

	ready    bool // SetupConnection was accepted
	standard bool // the miner knows no extended jobs
	named    bool // extension 2 is in use
	agent    string

	waiting  []opening
	channels []*channel
	size     int    // of every channel's whole extranonce; 0: not known yet
	last     uint32 // number of a channel
	lastJob  uint32 // number of a job, as the miner knows it

	nuisance, accepted int
	err                error // what ended the session outside of Receive

	// Room for the messages of every share and job.
	scratch           job.Scratch
	submitted         message.SubmitSharesStandard
	submittedExtended message.SubmitSharesExtended
	success           message.SubmitSharesSuccess
	failure           message.SubmitSharesError
	plain             message.NewMiningJob
	extended          message.NewExtendedMiningJob
	prev              message.SetNewPrevHash
	target            message.SetTarget
}

// group is the number of the group that all channels of a connection belong to.
// Channels are numbered from the next one on.
const group = 1

// opening is a request for a channel that is not yet answered.
type opening struct {
	request    uint32
	user       string
	most       job.Target
	extended   bool
	extranonce int
}

// NewSession returns the session of a connection that has said nothing yet.
func NewSession(c Config) *Session {
	if c.Channels <= 0 {
		c.Channels = 16
	}
	c.Mask &= job.MaskV2
	if !(c.Start > 0) {
		c.Start = 1024
	}
	return &Session{config: c, last: group}
}

// Agent is what the miner runs, as it says, at most 64 bytes.
func (s *Session) Agent() string { return s.agent }

// Ready reports whether the connection was set up.
func (s *Session) Ready() bool { return s.ready }

// Channel is where the shares of a channel are checked, for its statistics; nil
// if there is no such channel.
func (s *Session) Channel(id uint32) *share.Channel {
	if c := s.channel(id); c != nil {
		return c.share
	}
	return nil
}

func (s *Session) channel(id uint32) *channel {
	for _, c := range s.channels {
		if c.id == id {
			return c
		}
	}
	return nil
}

// Receive takes one message of the miner, appends the answer to dst and says
// what the owner must know. An error ends the connection: send what was
// appended and close.
//
// Accepted shares are answered by Flush.
func (s *Session) Receive(dst []byte, h message.Header, payload []byte, now time.Time) ([]byte, Event, error) {
	if s.err != nil {
		return dst, Event{}, s.err
	}
	if h.Defines() == message.Core {
		switch h.Kind {
		case message.KindSubmitSharesStandard:
			return s.submitStandard(dst, payload, now)
		case message.KindSubmitSharesExtended:
			return s.submitExtended(dst, payload, now)
		}
	}
	m := message.New(h)
	if _, first := m.(*message.SetupConnection); first == s.ready {
		if first {
			return dst, Event{}, errors.New("receive from the miner: it set up the connection twice")
		}
		return dst, Event{}, fmt.Errorf("receive from the miner: its first message is a %v", h)
	}
	if m == nil {
		return dst, Event{}, s.bother("sends messages that nobody knows")
	}
	if _, err := message.Parse(m, payload); err != nil {
		return dst, Event{}, fmt.Errorf("receive from the miner: %w", err)
	}
	switch m := m.(type) {
	case *message.SetupConnection:
		return s.setup(dst, m)
	case *message.RequestExtensions:
		return s.extend(dst, m)
	case *message.OpenStandardMiningChannel:
		return s.open(dst, opening{request: m.Request, user: m.User, most: m.MaxTarget}, m.HashRate, now)
	case *message.OpenExtendedMiningChannel:
		return s.open(dst, opening{m.Request, m.User, m.MaxTarget, true, int(m.MinExtranonce)}, m.HashRate, now)
	case *message.UpdateChannel:
		return s.update(dst, m)
	case *message.CloseChannel:
		return s.close(dst, m)
	case *message.SetCustomMiningJob:
		dst, err := message.Append(dst, &message.SetCustomMiningJobError{Channel: m.Channel, Request: m.Request, Code: "jd-not-supported"})
		return dst, Event{}, errors.Join(err, s.bother("sends jobs of its own"))
	}
	return dst, Event{}, s.bother("sends messages that are a pool's")
}

// bother counts a message that is of no use, and says when there were too many.
func (s *Session) bother(how string) error {
	if s.nuisance++; s.nuisance <= maxNuisance+s.accepted {
		return nil
	}
	return fmt.Errorf("receive from the miner: it %s, and keeps doing so", how)
}

func (s *Session) setup(dst []byte, m *message.SetupConnection) ([]byte, Event, error) {
	unsupported := m.Flags &^ (message.RequiresStandardJobs | message.RequiresVersionRolling)
	if s.config.Mask == 0 {
		unsupported |= m.Flags & message.RequiresVersionRolling
	}
	refusal := message.SetupConnectionError{}
	switch {
	case m.Protocol != message.Protocol:
		refusal.Code = "unsupported-protocol"
	case m.MinVersion > message.Version || m.MaxVersion < message.Version:
		refusal.Code = "protocol-version-mismatch"
	case unsupported != 0:
		refusal.Flags, refusal.Code = unsupported, "unsupported-feature-flags"
	}
	if refusal.Code != "" {
		dst, err := message.Append(dst, &refusal)
		return dst, Event{}, errors.Join(err, fmt.Errorf("set up a connection: %s: protocol %d, versions %d to %d, flags %#x",
			refusal.Code, m.Protocol, m.MinVersion, m.MaxVersion, m.Flags))
	}
	s.ready = true
	s.standard = m.Flags&message.RequiresStandardJobs != 0
	s.agent = printable(strings.Join(slices.DeleteFunc([]string{m.Vendor, m.Hardware, m.Firmware}, func(t string) bool { return t == "" }), " "), maxAgent)
	answer := message.SetupConnectionSuccess{Version: message.Version}
	if s.config.Mask == 0 {
		answer.Flags = message.RequiresFixedVersion
	}
	dst, err := message.Append(dst, &answer)
	return dst, Event{}, err
}

// extend answers which extensions are in use.
func (s *Session) extend(dst []byte, m *message.RequestExtensions) ([]byte, Event, error) {
	var known, unknown []uint16
	for _, e := range m.Extensions {
		switch {
		case e == message.WorkerNames && len(known) == 0:
			known = append(known, e)
		case e != message.WorkerNames:
			unknown = append(unknown, e)
		}
	}
	s.named = s.named || len(known) > 0
	var answer message.Message = &message.RequestExtensionsSuccess{Request: m.Request, Extensions: known}
	if len(known) == 0 && len(unknown) > 0 {
		answer = &message.RequestExtensionsError{Request: m.Request, Unsupported: unknown}
	}
	dst, err := message.Append(dst, answer)
	return dst, Event{}, errors.Join(err, s.bother("asks for extensions"))
}

// printable is at most most bytes of s, with '?' for what is not printable
// ASCII.
func printable(s string, most int) string {
	b := []byte(s[:min(len(s), most)])
	for i, c := range b {
		if c < 0x20 || c > 0x7e {
			b[i] = '?'
		}
	}
	return string(b)
}

// clean reports whether s is printable ASCII.
func clean[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}
