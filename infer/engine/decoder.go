package engine

import (
	"errors"
	"fmt"

	"hearth/infer/kernel"
	"hearth/infer/model"
)

// Decoder computes the scores of next tokens for many sequences at a time,
// whose keys and values it keeps. It serves one goroutine.
type Decoder struct {
	*lane
	cache *cache
	tiles []tile // what attention has to do in the layer in hand

	rooms    chan *attention // one for each goroutine of the team
	room     int             // queries times tokens that each has
	shares   int             // parts of the tiles that are handed out
	runTiles func(part int)

	pieces []piece
	wanted []want  // rows that go through the head
	logits []int32 // rows of the head's product
	asked  []model.Row
}

// Settings are what a decoder may use.
type Settings struct {
	Level kernel.Level
	// Team divides the work of a step; nil is one goroutine. Products are shared
	// out by whoever made the product.
	Team *kernel.Team
	// Rows is the most tokens of one step.
	Rows int
	// CacheBytes bounds the keys and values of all sequences together; the
	// memory is taken at once.
	CacheBytes int64
}

// Sequence is a text that a decoder has begun: tokens, and room in the cache.
type Sequence struct {
	number uint64
	tokens []int32 // those computed
	room   int     // most there can be
	blocks []int32
	runs   []run
}

// Len is how many tokens of the sequence have been computed.
func (s *Sequence) Len() int { return len(s.tokens) }

// Chunk is what a step shall do for a sequence: append tokens, and tell what may
// follow.
type Chunk struct {
	Sequence *Sequence
	Tokens   []int32
	// Logits has room for the scores of the last len(Logits)/Vocab of the
	// tokens, each for the token behind it: a row of Vocab numbers in units of
	// 2^-16 for each. It may be empty.
	Logits []int32
}

// piece is a chunk in a step.
type piece struct {
	*Sequence
	from, to int // rows of the step
}

// tile is the work of attention that is done in one go: rows of a piece and one
// head of keys.
type tile struct {
	*piece
	from, to, head int
}

// want is a row whose logits go to dst.
type want struct {
	row int
	dst []int32
}

const (
	decoderBlock = 128     // rows of a product
	headRows     = 16      // rows of the head's product
	attentionRow = 32      // queries of a tile
	attentionMax = 1 << 16 // queries times tokens of a tile, if one row takes no more
)

// NewDecoder returns a decoder with room for its cache and for steps.
func NewDecoder(m *model.Model, p model.Product, s Settings) (*Decoder, error) {
	c := &m.Config
	switch {
	case c.Kind != "decoder":
		return nil, fmt.Errorf("make a decoder of a model whose kind is %q: choose one that writes text", c.Kind)
	case s.Rows < 1:
		return nil, fmt.Errorf("make a decoder with steps of %d tokens: use some hundreds", s.Rows)
	}
	cache, err := newCache(c.Layers, c.KVHeads, c.HeadSize, s.CacheBytes)
	if err != nil {
		return nil, err
	}
	group := c.Heads / c.KVHeads
	d := &Decoder{
		lane:   newLane(m, p, s.Level, s.Team, s.Rows, decoderBlock),
		cache:  cache,
		rooms:  make(chan *attention, s.Team.Size()),
		room:   max(attentionMax, group*kernel.BlockTokens(min(c.Context, len(cache.blocks)*blockTokens))),
		logits: make([]int32, min(headRows, s.Rows)*c.Vocab),
	}
	for range s.Team.Size() {
		d.rooms <- newAttention(max(attentionRow, group), d.room, c.HeadSize)
	}
	d.runTiles = func(part int) {
		a := <-d.rooms
		n := len(d.tiles)
		for _, t := range d.tiles[part*n/d.shares : (part+1)*n/d.shares] {
			d.look(a, t)
		}
		d.rooms <- a
	}
	return d, nil
}

// ErrCacheFull says that the cache has no room for another sequence until some
// end.
var ErrCacheFull = errors.New("no room in the cache for the keys and values of another sequence")

// Begin starts a sequence with room for so many tokens. Of the prompt, have
// tokens are in the cache already, from a sequence that began alike: the first
// step goes on behind them. Without a prompt there are none. Rows of the sequence carry the given number in what
// the product sees. It fails with [ErrCacheFull] where room must be waited for.
func (d *Decoder) Begin(number uint64, prompt []int32, room int) (s *Sequence, have int, err error) {
	switch {
	case room < len(prompt) || room > d.config.Context:
		return nil, 0, fmt.Errorf("begin a sequence of %d tokens with room for %d: the model takes %d: %w",
			len(prompt), room, d.config.Context, ErrRequest)
	case room > d.Capacity():
		return nil, 0, fmt.Errorf("begin a sequence with room for %d tokens: the whole cache has room for %d: %w",
			room, d.Capacity(), ErrRequest)
	}
	s = &Sequence{number: number, room: room, tokens: make([]int32, 0, room)}
	have, ok := d.cache.begin(s, prompt, room)
	if !ok {
		return nil, 0, ErrCacheFull
	}
	s.tokens = append(s.tokens, prompt[:have]...)
	return s, have, nil
}

// Capacity is the most tokens that one sequence can have: what the model takes,
// if the cache has that much room.
func (d *Decoder) Capacity() int {
	return min(d.config.Context, len(d.cache.blocks)*blockTokens)
}

// Room returns how many blocks of 16 tokens the cache has, and how many of them
// no sequence uses.
func (d *Decoder) Room() (blocks, unused int) { return len(d.cache.blocks), d.cache.unused }

// End gives a sequence's room back. The sequence is not used after it.
func (d *Decoder) End(s *Sequence) { d.cache.end(s) }

// Step computes the tokens of all chunks, whose sequences differ. What comes
// out for a sequence depends on its tokens alone: neither on how they were
// divided into steps nor on other chunks. A step that fails leaves all
// sequences as they were.
func (d *Decoder) Step(chunks []Chunk) error {
	if err := d.begin(chunks); err != nil {
		return fmt.Errorf("step: %w", err)
	}
	if err := d.run(); err != nil {
		return fmt.Errorf("step of %d tokens: %w", len(d.rows), err)
	}
	for _, c := range chunks {
		c.Sequence.tokens = append(c.Sequence.tokens, c.Tokens...)
	}
	return nil
}

// begin lays out the rows of a step and writes their embeddings into the
// residual stream.
func (d *Decoder) begin(chunks []Chunk) error {
	d.rows, d.pieces, d.wanted = d.rows[:0], d.pieces[:0], d.wanted[:0]
	vocab := d.config.Vocab
	for _, c := range chunks {
		s, n, from := c.Sequence, len(c.Tokens), len(d.rows)
		switch {
		case from+n > cap(d.rows):
			return fmt.Errorf("more than %d tokens", cap(d.rows))
		case s.Len()+n > s.room:
			return fmt.Errorf("sequence %d has %d tokens and room for %d: %d more do not fit", s.number, s.Len(), s.room, n)
		case len(c.Logits)%vocab != 0 || len(c.Logits)/vocab > n:
			return fmt.Errorf("sequence %d wants %d logits of %d tokens: there are %d for each", s.number, len(c.Logits), n, vocab)
		}
		for i, t := range c.Tokens {
			if t < 0 || int(t) >= vocab {
				return fmt.Errorf("token %d is not one of the model's %d: %w", t, vocab, ErrRequest)
			}
			lookUp(d.level, d.residual(from+i), &d.model.Embedding, int(t))
			d.rows = append(d.rows, model.Row{Sequence: s.number, Position: s.Len() + i})
		}
		d.pieces = append(d.pieces, piece{s, from, from + n})
		for i := range len(c.Logits) / vocab {
			d.wanted = append(d.wanted, want{len(d.rows) - len(c.Logits)/vocab + i, c.Logits[i*vocab:][:vocab]})
		}
	}
	d.divide()
	return nil
}
