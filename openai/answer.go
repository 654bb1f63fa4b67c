package openai

import (
	"context"
	"encoding/binary"

	"hearth/infer/engine"
	"hearth/infer/text"
	"hearth/work"
)

// delta is what a choice has come to: a piece of its text, or its end.
type delta struct {
	choice int
	text   string
	tokens []scored // those whose text begins in it, if they are scored
	end    string   // "stop" or "length"; empty while it goes on
}

// scored is a token with the logarithms of probabilities, in units of 2^-16.
type scored struct {
	token  int32
	log    int32
	likely []engine.Likely
	at     int // where its text begins
}

// result is a choice that is over.
type result struct {
	tokens []int32
	text   string
	scored []scored
	end    string
	cut    bool // a stop string ended it
	// What the engine was asked, and the rows on the way if they are wanted.
	request engine.Request
	trace   *work.Trace
}

// choice writes one answer: it turns tokens into text and looks for the end.
type choice struct {
	number int
	words  *text.Reader
	stop   *text.Stop
	emit   func(delta) error
	scores bool

	result
	came    int // bytes of text that tokens have made
	sent    int // of those, sent on
	pending []scored
}

// token takes the next token. Done reports that a stop string has come.
func (c *choice) token(e engine.Written) (done bool, err error) {
	if e.Token < 0 {
		return false, nil
	}
	c.tokens = append(c.tokens, e.Token)
	if c.scores {
		c.pending = append(c.pending, scored{e.Token, e.Log, append([]engine.Likely(nil), e.Likely...), c.came})
	}
	piece := c.words.Push(e.Token)
	c.came += len(piece)
	certain, done := c.stop.Push(piece)
	return done, c.send(certain, "")
}

// finish sends what was held back, and the end.
func (c *choice) finish(end engine.End, stopped bool) error {
	rest := ""
	if !stopped {
		piece := c.words.Flush()
		c.came += len(piece)
		rest, stopped = c.stop.Push(piece)
		if !stopped {
			rest += c.stop.Flush()
			stopped = c.stop.Found() != ""
		}
	}
	c.end, c.cut = "stop", stopped
	if end == engine.Length && !stopped {
		c.end = "length"
	}
	return c.send(rest, c.end)
}

func (c *choice) send(piece, end string) error {
	c.sent += len(piece)
	c.text += piece
	n := 0
	for n < len(c.pending) && (c.pending[n].at < c.sent || end != "" && c.stop.Found() == "") {
		n++
	}
	if piece == "" && n == 0 && end == "" {
		return nil
	}
	d := delta{choice: c.number, text: piece, tokens: c.pending[:n:n], end: end}
	c.pending = c.pending[n:]
	c.scored = append(c.scored, d.tokens...)
	return c.emit(d)
}

// seedOf is the engine's seed of a choice: the request's seed and the choice's
// number, eight bytes each, little endian, then zeros. So the choices of one
// request differ, and each can be asked for again.
func seedOf(seed uint64, choice int) (s [32]byte) {
	binary.LittleEndian.PutUint64(s[:], seed)
	binary.LittleEndian.PutUint64(s[8:], uint64(choice))
	return s
}

// request is what the engine is asked for one choice.
func (g *generation) request(m *Model, prompt []int32, choice int, stops []int32) engine.Request {
	r := engine.Request{
		Sequence: m.Numbers(1), Prompt: prompt, Most: g.most(m, len(prompt)), Stop: stops, Log: g.logprobs,
		Sampling: engine.Sampling{
			Temperature: uint32(g.temperature),
			Presence:    int32(g.presence), Frequency: int32(g.frequency),
		},
	}
	// In the one form that receipts know: what has no effect is zero.
	if g.temperature > 0 {
		r.Seed = seedOf(g.seed, choice)
		if g.topP < one {
			r.Sampling.TopP = uint32(g.topP)
		}
	}
	if g.logprobs {
		r.Likely = g.top
	}
	return r
}

// defaultTokens is the longest answer when the request does not say.
const defaultTokens = 1024

// most is how many tokens the answer may have: as many as were asked for, or
// as fit.
func (g *generation) most(m *Model, prompt int) int {
	room := max(m.Config.Context-prompt, 0)
	if g.maxTokens == 0 {
		return min(room, defaultTokens)
	}
	return min(g.maxTokens, room)
}

// run writes one answer and hands on what it comes to.
func (m *Model) run(ctx context.Context, req engine.Request, c *choice, traced, later bool) error {
	// Rows that come from the cache would be missing in the trace.
	req.Whole = traced
	end := m.trace(traced, req.Sequence)
	defer func() { c.request, c.trace = req, end() }()
	// Whoever ends here gives the rest of the answer up.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	decoder := m.Decoder
	if later && m.Later != nil {
		defer m.Later.Enter()()
		decoder = m.Later.Decoder
	}
	stream, err := decoder.Submit(ctx, req)
	if err != nil {
		return err
	}
	for {
		e, err := stream.Next(ctx)
		if err != nil {
			return err
		}
		stopped, err := c.token(e)
		if err != nil {
			return err
		}
		if stopped || e.End != engine.Going {
			return c.finish(e.End, stopped)
		}
	}
}

// tokenText is a token as text and as bytes, for lists of probabilities. Of a
// token that is only part of a character the bytes are not told, as the API
// allows.
func (m *Model) tokenText(token int32) (s string, raw []int) {
	s, whole := m.Words.Token(token)
	if !whole {
		return s, nil
	}
	raw = make([]int, len(s))
	for i := range len(s) {
		raw[i] = int(s[i])
	}
	return s, raw
}
