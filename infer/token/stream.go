package token

import "strings"

// Stream decodes tokens one at a time, as a model gives them. What it returns
// joins up to what [Tokenizer.Decode] gives for all of them, and no character
// is returned before all its bytes are there. It is for one goroutine.
type Stream struct {
	t           *Tokenizer
	skipSpecial bool
	ids         []int32 // the window: tokens before which all is returned
	context     int     // how many of them are only there to decode the rest
	sent        int     // bytes of the window's text that are returned
}

// maxPending is how many tokens may wait for a character to end: more than any
// character has bytes, so what waits longer never was UTF-8.
const maxPending = 16

// Stream returns a new stream.
func (t *Tokenizer) Stream(skipSpecial bool) *Stream {
	return &Stream{t: t, skipSpecial: skipSpecial}
}

// Next returns the text that the token completes; often it is empty.
func (s *Stream) Next(id int32) string {
	if _, ok := s.t.Token(id); !ok || s.skipSpecial && s.t.special.has(id) {
		return ""
	}
	s.ids = append(s.ids, id)
	text := s.t.Decode(s.ids, s.skipSpecial)
	whole := text
	if len(s.ids)-s.context <= maxPending {
		whole = strings.TrimRight(text, "\ufffd")
	}
	out := whole[min(s.sent, len(whole)):]
	s.sent = max(s.sent, len(whole))
	if len(whole) == len(text) && (out != "" || len(s.ids)-s.context > maxPending) {
		// All is returned: keep only the tokens of this return, because what
		// the next one looks like may depend on there being one before it.
		// Tokens without a text are not kept for ever either.
		s.ids = append(s.ids[:0], s.ids[s.context:]...)
		s.context = len(s.ids)
		s.sent = len(s.t.Decode(s.ids, s.skipSpecial))
	}
	return out
}

// Flush returns what is left when no more tokens come, and starts anew.
func (s *Stream) Flush() string {
	text := s.t.Decode(s.ids, s.skipSpecial)
	out := text[min(s.sent, len(text)):]
	*s = Stream{t: s.t, skipSpecial: s.skipSpecial}
	return out
}
