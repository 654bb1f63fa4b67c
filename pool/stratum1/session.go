package stratum1

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"hearth/pool/job"
	"hearth/pool/share"
)

// Limits of what a miner may say of itself.
const (
	// MaxUser is the longest user name, in bytes. Avalon sends at most 63 of
	// them, and above 127 some Whatsminer firmware breaks, so give out shorter
	// ones. A longer name is refused, never cut: cut, it might be another's.
	MaxUser  = 127
	maxPass  = 256
	maxAgent = 64
	maxID    = 128 // bytes of a request's id that are echoed
	// maxDifficulty is above what any miner can ask for in earnest: the whole
	// network's is some 2^47.
	maxDifficulty = 1 << 60

	maxNames = 64 // names that one connection may authorise, whatever Config says
)

// Config is what a Session needs to begin.
type Config struct {
	// Extranonce1 is the miner's own and is not changed while the connection
	// lasts.
	Extranonce1 []byte
	// Extranonce2 is how many bytes the miner turns over.
	Extranonce2 int
	// Mask is the bits of the version that miners may roll, at most
	// [job.MaskV1].
	Mask uint32
	// Vardiff and Start are those of the [share.Channel].
	Vardiff share.Vardiff
	Start   job.Difficulty
	// Workers is how many names one connection may authorise. Zero: one.
	Workers int
}

// Kind says what an Event is.
type Kind uint8

// The kinds of events.
const (
	// None: nothing that the owner must know.
	None Kind = iota
	// Login: a miner names itself. The owner decides with [Session.Admit], at
	// once or later; until then its shares are refused.
	Login
	// Share: a share was checked, and answered.
	Share
)

// Event is what one line asks or tells the owner of a Session.
type Event struct {
	Kind Kind
	// User is the name that asks to be admitted, or under which a share was
	// sent.
	User string
	// Password and Agent come with a Login. The password has no difficulty
	// hints any more ("d=", "diff="); the agent is empty if the miner did not
	// say, or has not said yet.
	Password, Agent string
	// Verdict comes with a Share. Its Extranonce is valid until the next line.
	Verdict share.Verdict
}

// Session is the pool's end of a connection with one miner. It is not safe for
// concurrent use, and its memory is bounded.
type Session struct {
	channel *share.Channel
	e1      []byte
	e2      int
	offered uint32 // bits that the house lets roll
	asked   uint32 // bits that the miner asked for
	source  uint32 // bits that the current job lets roll
	holds   uint32 // bits that the miner was last told
	rolling bool   // the miner knows version rolling

	subscribed bool
	agent      string
	names      []string
	waiting    []login
	most       int

	scratch [job.MaxExtranonce]byte
}

// login is a request for admission that is not yet answered.
type login struct {
	id   string
	user string
}

// NewSession returns the session of a connection that has said nothing yet.
func NewSession(c Config) *Session {
	return &Session{
		channel: share.NewChannel(share.Config{
			Extranonce1: c.Extranonce1, Extranonce2: c.Extranonce2,
			Vardiff: c.Vardiff, Start: c.Start,
		}),
		e1: c.Extranonce1, e2: c.Extranonce2,
		offered: c.Mask & job.MaskV1, source: job.MaskV1,
		most: min(max(c.Workers, 1), maxNames),
	}
}

// Channel is where the session checks shares, for its statistics.
func (s *Session) Channel() *share.Channel { return s.channel }

// Agent is what the miner calls itself, at most 64 bytes; empty if it does not.
func (s *Session) Agent() string { return s.agent }

// Ready reports whether the miner can be given jobs: it has subscribed and a
// name of it was admitted.
func (s *Session) Ready() bool { return s.subscribed && len(s.names) > 0 }

// Receive takes one line of the miner, appends the answer to dst and says what
// the owner must know. An error means that this is no Stratum: send what was
// appended and close.
func (s *Session) Receive(dst, line []byte, now time.Time) ([]byte, Event, error) {
	if space(line, 0) == len(line) {
		return dst, Event{}, nil
	}
	m, err := parse(line)
	if err != nil {
		return appendError(dst, nil, Other, "not a JSON object"), Event{}, fmt.Errorf("receive from the miner: %w", err)
	}
	if len(m.id) > maxID {
		m.id = nil
	}
	switch string(m.method) {
	case "mining.submit":
		dst, e := s.submit(dst, m, now)
		return dst, e, nil
	case "mining.authorize":
		dst, e := s.authorize(dst, m)
		return dst, e, nil
	case "mining.subscribe":
		return s.subscribe(dst, m), Event{}, nil
	case "mining.configure":
		return s.configure(dst, m), Event{}, nil
	case "mining.suggest_difficulty":
		s.suggest(m, func(raw []byte) (job.Difficulty, bool) {
			d, ok := number(raw)
			return job.Difficulty(d), ok
		})
		return reply(dst, m.id, "true"), Event{}, nil
	case "mining.suggest_target":
		s.suggest(m, targetOf)
		return reply(dst, m.id, "true"), Event{}, nil
	case "mining.extranonce.subscribe", "mining.subscribe.extranonce":
		// The extranonce never changes here, so there is nothing to promise.
		return reply(dst, m.id, "true"), Event{}, nil
	case "mining.ping":
		return reply(dst, m.id, `"pong"`), Event{}, nil
	case "":
		// An answer, to a version or a ping that another pool would have asked for.
		return dst, Event{}, nil
	}
	// mining.get_transactions, mining.multi_version and whatever comes next year.
	if isNull(m.id) {
		return dst, Event{}, nil
	}
	return appendError(dst, m.id, Other, "unknown method"), Event{}, nil
}

// reply answers a request; what has no id wants no answer.
func reply(dst, id []byte, result string) []byte {
	if isNull(id) {
		return dst
	}
	return appendResult(dst, id, result)
}

func (s *Session) subscribe(dst []byte, m message) []byte {
	var p [1][]byte
	if n, _ := split(m.params, p[:]); n > 0 {
		if ua, ok := text(p[0]); ok {
			s.agent = printable(ua, maxAgent)
		}
	}
	s.subscribed = true
	dst = appendID(dst, m.id)
	dst = append(dst, `,"result":[[["mining.set_difficulty","`...)
	dst = hex.AppendEncode(dst, s.e1)
	dst = append(dst, `"],["mining.notify","`...)
	dst = hex.AppendEncode(dst, s.e1)
	dst = append(dst, `"]],"`...)
	dst = hex.AppendEncode(dst, s.e1)
	dst = append(dst, `",`...)
	dst = fmt.Append(dst, s.e2)
	return append(dst, "],\"error\":null}\n"...)
}

func (s *Session) authorize(dst []byte, m message) ([]byte, Event) {
	var p [2][]byte
	n, _ := split(m.params, p[:])
	var user, pass []byte
	if n > 0 {
		user, _ = text(p[0])
	}
	if n > 1 {
		pass, _ = text(p[1])
	}
	switch {
	case len(user) == 0:
		return appendError(dst, m.id, Unauthorized, "no user name: set one in the miner"), Event{}
	case len(user) > MaxUser:
		return appendError(dst, m.id, Unauthorized, fmt.Sprintf("the user name has %d bytes: use at most %d, better 63", len(user), MaxUser)), Event{}
	case len(pass) > maxPass:
		return appendError(dst, m.id, Unauthorized, fmt.Sprintf("the password has %d bytes: use at most %d", len(pass), maxPass)), Event{}
	case !clean(user):
		return appendError(dst, m.id, Unauthorized, "the user name has characters that do not print"), Event{}
	case s.known(user) != "":
		return appendResult(dst, m.id, "true"), Event{}
	case len(s.names)+len(s.waiting) >= s.most:
		return appendError(dst, m.id, Unauthorized, fmt.Sprintf("this connection takes %d user name(s): open another for %s", s.most, user)), Event{}
	}
	pass = s.hints(pass)
	s.waiting = append(s.waiting, login{id: string(m.id), user: string(user)})
	return dst, Event{Kind: Login, User: string(user), Password: string(pass), Agent: s.agent}
}

// Admit answers the oldest Login that has no answer yet: with why empty the
// miner is admitted, else it is told why not. Without such a Login it does
// nothing.
func (s *Session) Admit(dst []byte, why string) []byte {
	if len(s.waiting) == 0 {
		return dst
	}
	l := s.waiting[0]
	s.waiting = slices.Delete(s.waiting, 0, 1)
	if len(s.waiting) == 0 {
		s.waiting = nil
	}
	if why != "" {
		return appendError(dst, []byte(l.id), Unauthorized, why)
	}
	if s.known([]byte(l.user)) == "" {
		s.names = append(s.names, l.user)
	}
	return appendResult(dst, []byte(l.id), "true")
}

// known returns the admitted name user, empty if it is none.
func (s *Session) known(user []byte) string {
	for _, name := range s.names {
		if name == string(user) {
			return name
		}
	}
	return ""
}

// hints takes difficulty hints ("d=512", "diff=512", set off by commas or
// semicolons) out of a password, heeds them and returns the rest.
func (s *Session) hints(pass []byte) []byte {
	var rest []byte
	cut := func(c rune) bool { return c == ',' || c == ';' }
	found := false
	for part := range bytes.FieldsFuncSeq(pass, cut) {
		value, ok := bytes.CutPrefix(part, []byte("d="))
		if !ok {
			value, ok = bytes.CutPrefix(part, []byte("diff="))
		}
		if d, sound := number(value); ok && sound {
			s.prefer(job.Difficulty(d))
			found = true
			continue
		}
		if len(rest) > 0 {
			rest = append(rest, ',')
		}
		rest = append(rest, part...)
	}
	if !found {
		return pass
	}
	return rest
}

func (s *Session) suggest(m message, read func([]byte) (job.Difficulty, bool)) {
	var p [1][]byte
	if n, _ := split(m.params, p[:]); n > 0 {
		if d, ok := read(p[0]); ok {
			s.prefer(d)
		}
	}
}

// prefer passes a suggestion on if it can be a difficulty.
func (s *Session) prefer(d job.Difficulty) {
	if d > 0 && d < maxDifficulty {
		s.channel.Suggest(d)
	}
}

// targetOf reads a target as miners suggest it: hexadecimal, most significant
// first.
func targetOf(raw []byte) (job.Difficulty, bool) {
	s, ok := text(raw)
	if !ok {
		return 0, false
	}
	t, err := job.ParseTarget(string(s))
	if err != nil {
		return 0, false
	}
	return t.Difficulty(), true
}

// submit checks a share and answers it. It does not allocate unless the line
// is spelt in an uncommon way.
func (s *Session) submit(dst []byte, m message, now time.Time) ([]byte, Event) {
	if !s.subscribed {
		return appendError(dst, m.id, NotSubscribed, "not subscribed"), Event{}
	}
	var p [6][]byte
	n, _ := split(m.params, p[:])
	if n < 5 {
		return appendError(dst, m.id, Other, "a share has five or six parameters"), Event{}
	}
	var f [6][]byte
	for i := range n {
		var ok bool
		if f[i], ok = text(p[i]); !ok && !(i == 5 && isNull(p[i])) {
			return appendError(dst, m.id, Other, "the parameters of a share are strings"), Event{}
		}
	}
	user := s.known(f[0])
	if user == "" {
		return appendError(dst, m.id, Unauthorized, "unauthorized worker"), Event{}
	}
	sub, ok := s.read(f)
	if !ok {
		return appendError(dst, m.id, Other, "not hexadecimal, or of the wrong length"), Event{}
	}
	v := s.channel.Check(sub, now)
	if v.Reason == share.Accepted {
		dst = appendResult(dst, m.id, "true")
	} else {
		code, why := refusal(v.Reason)
		dst = appendError(dst, m.id, code, why)
	}
	return dst, Event{Kind: Share, User: user, Verdict: v}
}

// read makes a submission of the parameters. An unknown way to write a job is an
// unknown job: 0 is nobody's.
func (s *Session) read(f [6][]byte) (share.Submission, bool) {
	var sub share.Submission
	if len(f[1]) == 8 {
		sub.Job, _ = word(f[1])
	}
	if len(f[2]) > 2*len(s.scratch) {
		return sub, false
	}
	n, err := hex.Decode(s.scratch[:], f[2])
	if err != nil {
		return sub, false
	}
	sub.Extranonce2 = s.scratch[:n]
	var ok [3]bool
	sub.Time, ok[0] = word(f[3])
	sub.Nonce, ok[1] = word(f[4])
	ok[2], sub.HasBits = true, true
	if len(f[5]) > 0 {
		sub.Bits, ok[2] = word(f[5])
	}
	return sub, ok == [3]bool{true, true, true}
}

// refusal is what a miner is told of a share that does not count.
func refusal(r share.Reason) (Code, string) {
	switch r {
	case share.Stale:
		return Stale, "stale share"
	case share.UnknownJob:
		return Stale, "job not found"
	case share.Duplicate:
		return Duplicate, "duplicate share"
	case share.LowDifficulty:
		return LowDifficulty, "low difficulty share"
	case share.BadVersion:
		return Other, "version bits outside the mask"
	case share.BadTime:
		return Other, "ntime out of range"
	case share.BadExtranonce:
		return Other, "extranonce2 has the wrong length"
	case share.Flood:
		return Other, "too many shares of this job"
	}
	return Other, "share refused"
}

// Offer lets the miner work on j: it appends what must go before the
// notification, and the caller appends the bytes of [AppendNotify] behind it.
// Before the session is Ready nothing happens.
func (s *Session) Offer(dst []byte, j *job.Job, now time.Time) []byte {
	if !s.Ready() {
		return dst
	}
	d, changed := s.channel.Offer(j, now)
	s.source = j.Mask
	dst = s.mask(dst)
	if changed {
		dst = AppendDifficulty(dst, d)
	}
	return dst
}

// Keepalive appends the difficulty that holds anyway: something to hear, for
// miners that take silence for a dead pool. Before the first Offer it appends
// nothing.
func (s *Session) Keepalive(dst []byte) []byte {
	d := s.channel.Difficulty()
	if d == 0 {
		return dst
	}
	return AppendDifficulty(dst, d)
}

// Tick lets time pass for the difficulty: see [share.Channel.Tick]. When it
// changed, offer the current job again.
func (s *Session) Tick(now time.Time) (changed bool) { return s.Ready() && s.channel.Tick(now) }

// printable cuts s and replaces what a page or a log should not have.
func printable(s []byte, most int) string {
	b := slices.Clone(s[:min(len(s), most)])
	for i, c := range b {
		if c < 0x20 || c > 0x7e {
			b[i] = '?'
		}
	}
	return string(b)
}

// clean reports whether s is printable ASCII.
func clean(s []byte) bool {
	for _, c := range s {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return true
}
