package token

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxText is the most bytes of one text, also where the caller sets no limit.
const MaxText = 16 << 20

// Tokenizer turns texts into numbers and back. It is safe for concurrent use.
type Tokenizer struct {
	vocabulary *vocabulary
	model      model
	normalize  normalizer
	split      splitter
	process    processor
	decode     decoder

	added       map[int32]addedToken
	special     bars
	raw, normal *trie // added tokens looked for before and after normalisation
	size        int
}

// Options say how a text is encoded.
type Options struct {
	// AddSpecial puts the tokens around the text that the tokenizer's template
	// has, such as [CLS] and [SEP] or a begin of text.
	AddSpecial bool
	// AllowSpecial takes the names of special tokens in the text for those
	// tokens. Without it no text, whatever is in it, gives a special token but
	// the one for the unknown: leave it off for what a user wrote. Where both
	// meet, as in a chat template, use [Tokenizer.EncodeParts].
	AllowSpecial bool
	// Limit is the most bytes the text may have; 0 is [MaxText].
	Limit int
}

// ErrTooLong is in the error for a text over the limit.
var ErrTooLong = errors.New("the text is too long")

// Encode returns the tokens of a text, which must be UTF-8. The work is at
// most n log n in its length.
func (t *Tokenizer) Encode(text string, o Options) ([]int32, error) {
	return t.EncodeParts([]Part{{text, o.AllowSpecial}}, o)
}

// Part is a stretch of a text that comes from one source.
type Part struct {
	Text string
	// AllowSpecial is as in [Options], for this part alone.
	AllowSpecial bool
}

// EncodeParts returns the tokens of a text in parts: those of the parts joined,
// but that a special token is taken for one only where it lies within a part
// that allows it. So a template's turns can neither be ended nor begun by what
// is put into it. The options' own AllowSpecial is not looked at.
func (t *Tokenizer) EncodeParts(parts []Part, o Options) ([]int32, error) {
	text, err := join(parts, o.Limit)
	if err != nil {
		return nil, fmt.Errorf("tokenise: %w", err)
	}
	if len(parts) == 0 {
		parts = []Part{{}}
	}
	e := encoder{t: t, ids: make([]int32, 0, len(text)/4+8)}
	if slices.ContainsFunc(parts, func(p Part) bool { return !p.AllowSpecial && p.Text != "" }) {
		e.barred = t.special
	}
	part, end := 0, len(parts[0].Text)
	may := func(from, to int) bool { // it is asked from left to right
		for from >= end {
			part++
			end += len(parts[part].Text)
		}
		return parts[part].AllowSpecial && to <= end
	}
	err = t.cut(text, t.raw, may, e.token, func(from, to int) error {
		return e.text(text[from:to], from == 0)
	})
	if err != nil {
		return nil, fmt.Errorf("tokenise %d bytes: %w", len(text), err)
	}
	if o.AddSpecial {
		return t.process(e.ids), nil
	}
	return e.ids, nil
}

// MaxParts is the most parts of one text.
const MaxParts = 1 << 10

// join checks the parts and joins them.
func join(parts []Part, limit int) (string, error) {
	if limit <= 0 || limit > MaxText {
		limit = MaxText
	}
	if len(parts) > MaxParts {
		return "", fmt.Errorf("%d parts: %w: the limit is %d parts", len(parts), ErrTooLong, MaxParts)
	}
	size := 0
	for _, p := range parts {
		if size += len(p.Text); size > limit {
			return "", fmt.Errorf("%d bytes and more: %w: the limit is %d bytes", size, ErrTooLong, limit)
		}
		if !utf8.ValidString(p.Text) {
			return "", errors.New("the text is not valid UTF-8; convert it first")
		}
	}
	if len(parts) == 1 {
		return parts[0].Text, nil
	}
	var b strings.Builder
	b.Grow(size)
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String(), nil
}

// encoder is one text on its way through a tokenizer.
type encoder struct {
	t        *Tokenizer
	barred   bars
	ids      []int32
	sections []section
}

func (e *encoder) token(id int32) { e.ids = append(e.ids, id) }

// text encodes what lies between added tokens; first tells that the whole text
// begins with it.
func (e *encoder) text(s string, first bool) error {
	s, err := e.t.normalize(s)
	if err != nil || s == "" {
		return err
	}
	// Normalised text no longer tells its parts, so there it is all or nothing.
	may := func(int, int) bool { return e.barred == nil }
	return e.t.cut(s, e.t.normal, may, e.token, func(from, to int) error {
		e.sections, err = e.t.split(e.sections[:0], section{s[from:to], first && from == 0})
		if err != nil {
			return err
		}
		for _, p := range e.sections {
			if e.ids, err = e.t.model.encode(e.ids, p.text, e.barred); err != nil {
				return err
			}
		}
		return nil
	})
}

// Decode returns the text of tokens. Numbers that are no tokens are left out,
// and with skipSpecial special tokens too. What is not UTF-8 becomes U+FFFD.
func (t *Tokenizer) Decode(ids []int32, skipSpecial bool) string {
	texts := make([]string, 0, len(ids))
	for _, id := range ids {
		if skipSpecial && id >= 0 && t.special.has(id) {
			continue
		}
		if s, ok := t.Token(id); ok {
			texts = append(texts, s)
		}
	}
	return strings.Join(t.decode(texts), "")
}

// ID returns the number of a token.
func (t *Tokenizer) ID(token string) (int32, bool) {
	if id, ok := t.vocabulary.ids[token]; ok {
		return id, true
	}
	for id, a := range t.added {
		if a.Content == token {
			return id, true
		}
	}
	return 0, false
}

// Token returns the token of a number, as the file writes it.
func (t *Tokenizer) Token(id int32) (string, bool) {
	if id < 0 || int(id) >= t.size {
		return "", false
	}
	if a, ok := t.added[id]; ok {
		return a.Content, true
	}
	if int(id) < len(t.vocabulary.texts) && t.vocabulary.has[id] {
		return t.vocabulary.texts[id], true
	}
	return "", false
}

// Size returns one more than the largest number of a token: the rows that a
// model's table of embeddings must have at least.
func (t *Tokenizer) Size() int { return t.size }

// Specials returns the numbers of the special tokens, in order.
func (t *Tokenizer) Specials() []int32 {
	var ids []int32
	for id, special := range t.special {
		if special {
			ids = append(ids, int32(id))
		}
	}
	return ids
}
