package stratum1

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearth/pool/job"
	"hearth/pool/stratum"
)

// The errors of a Client that a caller may want to tell apart.
var (
	// ErrRefused: the pool does not know the first worker, or refuses it. Trying
	// again will not help; another name or password may.
	ErrRefused = errors.New("the pool refuses the worker")
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
	// Agent is what the client calls itself.
	Agent string
	// Workers are authorised when the connection begins. The first must be let
	// in, the others may be refused.
	Workers []stratum.Credential
	// Mask is the bits of the version that the client would like to roll. Zero:
	// it does not ask, for pools that end a connection over the question.
	Mask uint32
	// Extranonce is how many bytes of extranonce a job should leave. A job has
	// fewer if the pool gives fewer. Zero: 8.
	Extranonce int
	// Suggest is the difficulty to ask for. Zero: none.
	Suggest job.Difficulty
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
	// WorkerIn and WorkerOut: another worker than the first was let in, or not.
	WorkerIn
	WorkerOut
	// Reconnect: the pool asks the client to connect anew. It also says where;
	// never believe that, it is how hash rate is stolen.
	Reconnect
	// Message: the pool has something to say to a person.
	Message
)

// News is what a line of the pool means to the owner of a Client.
type News struct {
	Kind   NewsKind
	Job    *job.Job       // NewJob
	Answer stratum.Answer // Answered
	User   string         // WorkerIn, WorkerOut
	Text   string         // WorkerOut: why; Message; Reconnect: where to, as the pool has it
	Wait   time.Duration  // Reconnect: how long to wait before it, at most 10 minutes
}

// Ids of the client's own requests. Shares count on from firstShare.
const (
	idConfigure = iota + 1
	idSubscribe
	idSuggest
	firstWorker = 10
	firstShare  = 1000
)

// Limits of what is taken from a pool.
const (
	maxUnanswered = 512
	maxWorkers    = firstShare - firstWorker
	maxWait       = 10 * time.Minute
	// What the pool gives of an extranonce; see also job.MaxExtranonce.
	maxExtranonce1 = 32
	maxRoom        = 32
)

// Client is the miner's end of a connection to a pool. It is not safe for
// concurrent use, and its memory is bounded.
type Client struct {
	config  ClientConfig
	workers []worker
	sent    map[uint64]sent
	nextID  uint64

	subscribed, admitted bool

	mask       uint32
	difficulty job.Difficulty
	told       bool // a difficulty came
	place      place
	shape      int

	work    *work // of the last notification
	current *job.Job
	issued  []issued
	pace    stratum.Pace
	heard   time.Time // of the last notification

	news []News
}

// worker is a name at the pool.
type worker struct {
	stratum.Credential
	refused string
}

// sent is a share without an answer.
type sent struct {
	cookie uint64
	worker string
	at     time.Time
}

// NewClient returns a client that has said nothing yet.
func NewClient(c ClientConfig) *Client {
	shape := c.Extranonce
	if shape <= 0 {
		shape = 8
	}
	cl := &Client{
		config: c, sent: make(map[uint64]sent), nextID: firstShare,
		difficulty: 1, shape: min(shape, job.MaxExtranonce), pace: stratum.NewPace(),
	}
	for _, w := range c.Workers {
		cl.workers = append(cl.workers, worker{Credential: w})
	}
	return cl
}

// Login appends the requests that begin a connection, all at once: a login then
// takes one round trip.
func (c *Client) Login(dst []byte) []byte {
	if c.config.Mask != 0 {
		dst = fmt.Appendf(dst, `{"id":%d,"method":"mining.configure","params":[["version-rolling","subscribe-extranonce"],{"version-rolling.mask":"%08x","version-rolling.min-bit-count":2}]}`+"\n", idConfigure, c.config.Mask)
	}
	dst = fmt.Appendf(dst, `{"id":%d,"method":"mining.subscribe","params":[%s]}`+"\n", idSubscribe, quote(c.config.Agent))
	if c.config.Suggest > 0 {
		dst = fmt.Appendf(dst, `{"id":%d,"method":"mining.suggest_difficulty","params":[`, idSuggest)
		dst = strconv.AppendFloat(dst, float64(c.config.Suggest), 'f', -1, 64)
		dst = append(dst, "]}\n"...)
	}
	for i := range c.workers {
		dst = c.authorize(dst, i)
	}
	return dst
}

// Authorize appends the request to let another worker in on this connection.
// Some pools refuse that, and some drop the connection.
func (c *Client) Authorize(dst []byte, w stratum.Credential) ([]byte, error) {
	if len(c.workers) >= maxWorkers {
		return dst, fmt.Errorf("authorise %s: there are %d workers on this connection already", w.User, len(c.workers))
	}
	c.workers = append(c.workers, worker{Credential: w})
	return c.authorize(dst, len(c.workers)-1), nil
}

func (c *Client) authorize(dst []byte, i int) []byte {
	w := c.workers[i]
	return fmt.Appendf(dst, `{"id":%d,"method":"mining.authorize","params":[%s,%s]}`+"\n", firstWorker+i, quote(w.User), quote(w.Password))
}

// quote is s as a JSON string.
func quote(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always has a form
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Ready reports whether the client is logged in.
func (c *Client) Ready() bool { return c.subscribed && c.admitted }

// Room is how many bytes of extranonce2 the pool gives; 0 before it said so.
func (c *Client) Room() int { return c.place.room }

// Mask is the bits of the version that the pool lets roll.
func (c *Client) Mask() uint32 { return c.mask }

// Difficulty is what the pool asks of the shares of the jobs to come.
func (c *Client) Difficulty() job.Difficulty { return c.difficulty }

// Current is the newest job; nil before there is one.
func (c *Client) Current() *job.Job { return c.current }

// Notified is when the pool last said what to work on, also if that was nothing
// new; zero before it did.
func (c *Client) Notified() time.Time { return c.heard }

// Receive takes one line of the pool, appends what must be answered to dst and
// says what it means. The news is valid until the next call. After an error the
// connection is of no use: close it, and ask Lost what it cost.
func (c *Client) Receive(dst, line []byte, now time.Time) ([]byte, []News, error) {
	clear(c.news)
	c.news = c.news[:0]
	if space(line, 0) == len(line) {
		return dst, nil, nil
	}
	m, err := parse(line)
	if err != nil {
		return dst, nil, fmt.Errorf("receive from the pool: %w", err)
	}
	if len(m.method) == 0 {
		err = c.answer(m, now)
	} else {
		dst, err = c.order(dst, m, now)
	}
	return dst, c.news, err
}

func (c *Client) tell(n News) { c.news = append(c.news, n) }

// order does what the pool wants.
func (c *Client) order(dst []byte, m message, now time.Time) ([]byte, error) {
	var p [24][]byte
	n, _ := split(m.params, p[:])
	switch string(m.method) {
	case "mining.notify":
		return dst, c.notify(p[:n], now)
	case "mining.set_difficulty":
		return dst, c.setDifficulty(p[:n], now)
	case "mining.set_extranonce":
		return dst, c.setExtranonce(p[:n])
	case "mining.set_version_mask":
		return dst, c.setMask(p[:n], now)
	case "client.reconnect":
		c.reconnect(p[:n])
	case "client.show_message":
		if n > 0 {
			s, _ := text(p[0])
			c.tell(News{Kind: Message, Text: printable(s, maxWhy)})
		}
	case "client.get_version":
		return reply(dst, bounded(m.id), string(quote(c.config.Agent))), nil
	case "mining.ping":
		// With an id it is a request; without one ESP-Miner's way of answering is
		// the only one known.
		if isNull(m.id) {
			return append(dst, `{"id":null,"method":"pong","params":[]}`+"\n"...), nil
		}
		return reply(dst, bounded(m.id), `"pong"`), nil
	default:
		if !isNull(m.id) {
			return appendError(dst, bounded(m.id), Other, "unknown method"), nil
		}
	}
	return dst, nil
}

// bounded is an id that may be echoed.
func bounded(id []byte) []byte {
	if len(id) > maxID {
		return nil
	}
	return id
}

func (c *Client) reconnect(p [][]byte) {
	n := News{Kind: Reconnect}
	var host []string
	for i, raw := range p[:min(len(p), 2)] {
		s, ok := text(raw)
		if !ok {
			s = raw
		}
		if i == 0 && len(s) == 0 {
			break
		}
		host = append(host, printable(s, maxAgent))
	}
	n.Text = strings.Join(host, ":")
	if len(p) > 2 {
		if s, ok := number(p[2]); ok && s > 0 {
			n.Wait = time.Duration(min(s, maxWait.Seconds()) * float64(time.Second))
		}
	}
	c.tell(n)
}

// answer takes the answer to one of the client's requests. What answers nothing
// is passed over.
func (c *Client) answer(m message, now time.Time) error {
	id, ok := requestID(m.id)
	if !ok {
		return nil
	}
	switch {
	case id == idConfigure:
		return c.configured(m, now)
	case id == idSubscribe:
		return c.subscribe(m, now)
	case id >= firstWorker && id < firstWorker+uint64(len(c.workers)):
		return c.authorized(int(id-firstWorker), m, now)
	}
	s, ok := c.sent[id]
	if !ok {
		return nil
	}
	delete(c.sent, id)
	o, code, why := outcome(m)
	c.tell(News{Kind: Answered, Answer: stratum.Answer{
		Cookie: s.cookie, Worker: s.worker, Outcome: o, Code: int(code), Reason: why, Took: now.Sub(s.at),
	}})
	return nil
}

// requestID reads the id of an answer. Some pools make a string of a number.
func requestID(raw []byte) (uint64, bool) {
	if s, ok := text(raw); ok {
		raw = s
	}
	id, err := strconv.ParseUint(string(raw), 10, 64)
	return id, err == nil
}

// outcome reads an answer as cgminer does: what is not false and comes without
// an error is accepted. No result and no error says nothing.
func outcome(m message) (stratum.Outcome, Code, string) {
	code, why := fault(m.fault)
	switch {
	case why != "":
		return stratum.Rejected, code, why
	case string(m.result) == "false":
		s, _ := text(m.reason)
		return stratum.Rejected, 0, printable(s, maxWhy)
	case isNull(m.result):
		return stratum.Unknown, 0, "the pool gave neither a result nor an error"
	}
	return stratum.Accepted, 0, ""
}

// fault reads an error as a list of code and text, as an object of them, or as
// a text. The text is empty only if there is no error.
func fault(raw []byte) (Code, string) {
	if isNull(raw) || string(raw) == "false" {
		return 0, ""
	}
	var code, why []byte
	if s, ok := text(raw); ok {
		why = s
	} else if raw[0] == '{' {
		var v struct{ Code, Message json.RawMessage }
		_ = json.Unmarshal(raw, &v) // what cannot be read has no code and no text
		code = v.Code
		why, _ = text(v.Message)
	} else {
		var p [2][]byte
		if n, all := split(raw, p[:]); all == 0 && raw[0] == '[' {
			return 0, "" // an empty list is no error
		} else if n == 2 {
			code = p[0]
			why, _ = text(p[1])
		}
	}
	n, ok := number(code)
	if !ok || math.Abs(n) > 1e6 {
		n = 0
	}
	if len(why) == 0 {
		why = raw
	}
	return Code(n), printable(why, maxWhy)
}

// configured takes the answer to configure. A pool that does not know it, or
// says null, lets nothing be rolled.
func (c *Client) configured(m message, now time.Time) error {
	var v map[string]json.RawMessage
	_ = json.Unmarshal(m.result, &v) // what is no map grants nothing
	if string(v["version-rolling"]) != "true" {
		return nil
	}
	mask := c.config.Mask
	if raw, ok := v["version-rolling.mask"]; ok {
		hex, _ := text(raw)
		theirs, _ := word(hex)
		mask &= theirs
	}
	return c.roll(mask, now)
}

func (c *Client) subscribe(m message, now time.Time) error {
	if c.subscribed {
		return nil
	}
	if _, why := fault(m.fault); why != "" {
		return fmt.Errorf("subscribe at the pool: it says %q", why)
	}
	var p [3][]byte
	n, _ := split(m.result, p[:])
	if n < 3 {
		return fmt.Errorf("subscribe at the pool: its answer has %d of three parts", n)
	}
	at, err := placeOf(p[1], p[2])
	if err != nil {
		return fmt.Errorf("subscribe at the pool: %w", err)
	}
	c.place, c.subscribed = at, true
	return c.enter(now)
}

func (c *Client) authorized(i int, m message, now time.Time) error {
	o, _, why := outcome(m)
	w := &c.workers[i]
	if o == stratum.Accepted {
		w.refused = ""
		if i > 0 {
			c.tell(News{Kind: WorkerIn, User: w.User})
			return nil
		}
		if c.admitted {
			return nil
		}
		c.admitted = true
		return c.enter(now)
	}
	if why == "" {
		why = "no reason given"
	}
	w.refused = why
	if i > 0 {
		c.tell(News{Kind: WorkerOut, User: w.User, Text: why})
		return nil
	}
	return fmt.Errorf("authorise %s at the pool: %w: it says %q: check the name and the password", w.User, ErrRefused, why)
}

// enter says that the login is done, and gives out the job that came before it
// was.
func (c *Client) enter(now time.Time) error {
	if !c.Ready() {
		return nil
	}
	c.tell(News{Kind: LoggedIn})
	if c.work == nil {
		return nil
	}
	return c.issue(true, now)
}

// Unanswered returns how many shares wait for an answer and when the first of
// them was sent.
func (c *Client) Unanswered() (n int, since time.Time) {
	for _, s := range c.sent {
		if since.IsZero() || s.at.Before(since) {
			since = s.at
		}
	}
	return len(c.sent), since
}

// Lost takes out the shares that will not be answered any more because the
// connection has ended, in the order they were sent. What became of them is
// unknown.
func (c *Client) Lost() []stratum.Answer {
	ids := make([]uint64, 0, len(c.sent))
	for id := range c.sent {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	lost := make([]stratum.Answer, 0, len(ids))
	for _, id := range ids {
		s := c.sent[id]
		lost = append(lost, stratum.Answer{Cookie: s.cookie, Worker: s.worker, Reason: "the connection ended before the pool answered"})
	}
	clear(c.sent)
	return lost
}
