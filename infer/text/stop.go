package text

import "strings"

// Stop watches a text that comes in pieces for the first of some strings, and
// holds back what may yet turn out to be one. The zero value watches for
// nothing. It serves one goroutine.
type Stop struct {
	strings []string
	held    string
	found   string
	done    bool
}

// NewStop watches for the given strings, none of which may be empty.
func NewStop(list []string) *Stop { return &Stop{strings: list} }

// Push takes the next piece and returns what of the text is certain by now.
// Done reports that one of the strings has come: what is in front of it has
// been returned, and what follows does not matter. Of two strings the one that
// begins first counts, however the text was cut into pieces.
func (s *Stop) Push(piece string) (certain string, done bool) {
	if s.done {
		return "", true
	}
	all := s.held + piece
	open := len(all) - s.open(all)
	if at, which := s.first(all); which != "" && at <= open {
		s.held, s.found, s.done = "", which, true
		return all[:at], true
	}
	s.held = all[open:]
	return all[:open], false
}

// Flush returns what was held back when the text is over.
func (s *Stop) Flush() string {
	held := s.held
	s.held = ""
	if at, which := s.first(held); which != "" {
		s.found, s.done = which, true
		return held[:at]
	}
	return held
}

// Found is the string that came, or "".
func (s *Stop) Found() string { return s.found }

// first finds the string that begins first in t; of two that begin at one
// place, the shorter one ends first.
func (s *Stop) first(t string) (at int, which string) {
	at = len(t)
	for _, x := range s.strings {
		if i := strings.Index(t, x); i >= 0 && (i < at || i == at && len(x) < len(which)) {
			at, which = i, x
		}
	}
	return at, which
}

// open is the length of the longest end of t that one of the strings begins
// with.
func (s *Stop) open(t string) int {
	longest := 0
	for _, x := range s.strings {
		for n := min(len(x)-1, len(t)); n > longest; n-- {
			if strings.HasSuffix(t, x[:n]) {
				longest = n
				break
			}
		}
	}
	return longest
}
