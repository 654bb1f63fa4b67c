package engine

import (
	"context"
	"errors"
	"fmt"
)

// ErrDiffers is in the chain of the error of a [Replay] that comes to another
// answer.
var ErrDiffers = errors.New("the answer does not follow from the request")

// Replay checks that an answer is what follows from a request: it computes all
// tokens again, in steps as large as they can be, and makes each choice from
// prompt, settings and seed. The answer must end as the request says: at its
// length or before a token that ends it.
//
// The product of the decoder sees every row of the prompt and of the answer but
// its last, none taken from the cache.
func Replay(ctx context.Context, d *Decoder, r Request, answer []int32) error {
	room, err := d.check(&r)
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	if n := room - len(r.Prompt); len(answer) > n {
		return fmt.Errorf("replay: %d tokens of at most %d: %w", len(answer), n, ErrDiffers)
	}
	text := make([]int32, 0, room)
	text = append(append(text, r.Prompt...), answer...)
	if err := checkTokens(d.config, text); err != nil {
		return fmt.Errorf("replay: the answer: %w", err)
	}
	s, _, err := d.Begin(r.Sequence, nil, room)
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	defer d.End(s)
	p := replay{d: d, r: &r, text: text, answer: answer, rows: min(headRows, cap(d.rows))}
	p.logits = make([]int32, p.rows*d.config.Vocab)
	if len(text) == room {
		text = text[:room-1] // nothing follows the last
	}
	last := len(r.Prompt) - 1 // the first token whose logits matter
	for s.Len() < len(text) {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		at := s.Len()
		to := min(at+cap(d.rows), last)
		if at >= last {
			to = min(at+p.rows, len(text))
		}
		if err := p.step(s, at, to, at >= last); err != nil {
			return fmt.Errorf("replay: %w", err)
		}
	}
	return nil
}

// replay is a Replay under way.
type replay struct {
	d            *Decoder
	r            *Request
	text, answer []int32
	chooser      Chooser
	rows         int
	logits       []int32
}

// step computes tokens of the text and, if asked, checks what follows each.
func (p *replay) step(s *Sequence, from, to int, check bool) error {
	vocab := p.d.config.Vocab
	c := Chunk{Sequence: s, Tokens: p.text[from:to]}
	if check {
		c.Logits = p.logits[:(to-from)*vocab]
	}
	if err := p.d.Step([]Chunk{c}); err != nil || !check {
		return err
	}
	for at := from; at < to; at++ {
		n := at + 1 - len(p.r.Prompt) // of the answer's tokens before the choice
		chosen := p.chooser.Choose(p.logits[(at-from)*vocab:][:vocab], p.r.Sampling, p.answer[:n], &p.r.Seed, at+1)
		stops := p.r.stops(p.d.config, chosen)
		switch {
		case n == len(p.answer) && !stops:
			return fmt.Errorf("token %d of the answer is missing, it is %d: %w", n+1, chosen, ErrDiffers)
		case n < len(p.answer) && (stops || chosen != p.answer[n]):
			return fmt.Errorf("token %d of the answer is %d, it should be %d: %w", n+1, p.answer[n], chosen, ErrDiffers)
		}
	}
	return nil
}
