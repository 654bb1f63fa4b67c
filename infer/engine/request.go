package engine

import (
	"errors"
	"fmt"
	"slices"

	"hearth/infer/model"
)

// ErrRequest is in the chain of every error that tells what is wrong with a
// request, as opposed to the engine: sending it again will not help.
var ErrRequest = errors.New("the request cannot be served as it is")

// ErrBusy says that as many requests wait as may: try again later.
var ErrBusy = errors.New("too many requests are waiting: try again later")

// Request is a prompt and how to go on from it.
type Request struct {
	// Sequence is what the product is told whose rows it sees.
	Sequence uint64
	Prompt   []int32
	// Most tokens to write; 0 is as many as there is room for.
	Most int
	// Stop are the tokens that end the answer, which are not part of it; nil
	// means those of the model.
	Stop     []int32
	Sampling Sampling
	// Seed and position decide what is drawn: see [Chooser.Choose].
	Seed [32]byte
	// Whole asks that every token of the prompt is computed, even where the cache
	// has it: for a product that must see all rows.
	Whole bool
	// Log asks for the logarithm of the probability of each token written, and
	// Likely for so many of the most likely ones with theirs, both as they are
	// before temperature and penalties.
	Log    bool
	Likely int
}

// mostLikely bounds Likely: what comes with each token must stay small.
const mostLikely = 20

// check tells what is wrong with a request to a decoder, and returns for how
// many tokens it needs room.
func (d *Decoder) check(r *Request) (room int, err error) {
	if err := checkTokens(d.config, r.Prompt); err != nil {
		return 0, fmt.Errorf("the prompt: %w", err)
	}
	if err := r.Sampling.Check(); err != nil {
		return 0, err
	}
	n, capacity := len(r.Prompt), d.Capacity()
	switch {
	case r.Most < 0:
		return 0, fmt.Errorf("an answer of %d tokens: %w", r.Most, ErrRequest)
	case r.Likely < 0 || r.Likely > mostLikely:
		return 0, fmt.Errorf("the %d most likely tokens are asked for, 0 to %d are told: %w", r.Likely, mostLikely, ErrRequest)
	case n >= d.config.Context:
		return 0, fmt.Errorf("a prompt of %d tokens leaves no room for an answer: the model takes %d in all: %w", n, d.config.Context, ErrRequest)
	case r.Most > d.config.Context-n:
		return 0, fmt.Errorf("a prompt of %d tokens and an answer of %d: the model takes %d in all: %w", n, r.Most, d.config.Context, ErrRequest)
	case n >= capacity || r.Most > capacity-n:
		return 0, fmt.Errorf("a prompt of %d tokens and an answer of %d: the cache has room for %d in all: shorten them or give the cache more memory: %w",
			n, r.Most, capacity, ErrRequest)
	case r.Most == 0:
		return capacity, nil
	}
	return n + r.Most, nil
}

// stops tells whether a token ends the answer to a request.
func (r *Request) stops(c *model.Config, token int32) bool {
	if r.Stop == nil {
		return slices.Contains(c.EOS, token)
	}
	return slices.Contains(r.Stop, token)
}

// checkTokens tells what is wrong with the tokens of a text or a prompt.
func checkTokens(c *model.Config, tokens []int32) error {
	switch n := len(tokens); {
	case n == 0:
		return fmt.Errorf("it has no tokens: %w", ErrRequest)
	case n > c.Context:
		return fmt.Errorf("it has %d tokens and the model takes %d: shorten or divide it: %w", n, c.Context, ErrRequest)
	}
	for i, t := range tokens {
		if t < 0 || int(t) >= c.Vocab {
			return fmt.Errorf("token %d is number %d of a vocabulary of %d: use the model's own tokenizer: %w", i+1, t, c.Vocab, ErrRequest)
		}
	}
	return nil
}
