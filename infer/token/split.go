package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// section is a stretch of normalised text on its way to the model.
type section struct {
	text  string
	first bool // it begins where the whole text begins
}

// splitter appends the parts of a section to dst. Empty parts are left out.
type splitter func(dst []section, s section) ([]section, error)

func parseSplitter(raw json.RawMessage, depth int) (splitter, error) {
	if absent(raw) {
		return func(dst []section, s section) ([]section, error) { return append(dst, s), nil }, nil
	}
	k, err := kind(raw)
	if err != nil {
		return nil, err
	}
	s, err := newSplitter(k, raw, depth)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k, err)
	}
	return s, nil
}

func newSplitter(kind string, raw json.RawMessage, depth int) (splitter, error) {
	var simple struct {
		Type string `json:"type"`
	}
	switch kind {
	case "Sequence":
		var c struct {
			Type  string            `json:"type"`
			Parts []json.RawMessage `json:"pretokenizers"`
		}
		if err := strict(raw, &c); err != nil {
			return nil, err
		}
		return splitterSequence(c.Parts, depth)
	case "BertPreTokenizer":
		return splitBert, strict(raw, &simple)
	case "Whitespace":
		return splitWords, strict(raw, &simple)
	case "WhitespaceSplit":
		return splitAt(matching(unicode.IsSpace), removed), strict(raw, &simple)
	case "Digits":
		var c struct {
			Type       string `json:"type"`
			Individual bool   `json:"individual_digits"`
		}
		if err := strict(raw, &c); err != nil {
			return nil, err
		}
		if c.Individual {
			return splitAt(matching(unicode.IsNumber), isolated), nil
		}
		return splitAt(matching(unicode.IsNumber), contiguous), nil
	case "Punctuation":
		c := struct {
			Type     string   `json:"type"`
			Behavior behavior `json:"behavior"`
		}{Behavior: isolated}
		if err := strict(raw, &c); err != nil {
			return nil, err
		}
		return splitAt(matching(punctuation), c.Behavior), c.Behavior.check()
	case "CharDelimiterSplit":
		var c struct {
			Type      string `json:"type"`
			Delimiter string `json:"delimiter"`
		}
		if err := strict(raw, &c); err != nil {
			return nil, err
		}
		if utf8.RuneCountInString(c.Delimiter) != 1 {
			return nil, fmt.Errorf("delimiter %q is not one character", c.Delimiter)
		}
		return splitAt(literal(c.Delimiter), removed), nil
	case "Split":
		return parseSplit(raw)
	case "ByteLevel":
		c := struct {
			Type     string `json:"type"`
			Prefix   bool   `json:"add_prefix_space"`
			Trim     bool   `json:"trim_offsets"`
			UseRegex bool   `json:"use_regex"`
		}{UseRegex: true}
		if err := strict(raw, &c); err != nil {
			return nil, err
		}
		return splitByteLevel(c.Prefix, c.UseRegex), nil
	case "Metaspace":
		m, err := parseMetaspace(raw)
		return m.divide, err
	}
	return nil, errors.New("this type is not known")
}

func splitterSequence(raw []json.RawMessage, depth int) (splitter, error) {
	var all []splitter
	err := members(raw, depth, func(r json.RawMessage, depth int) error {
		s, err := parseSplitter(r, depth)
		all = append(all, s)
		return err
	})
	if err != nil {
		return nil, err
	}
	return func(dst []section, s section) ([]section, error) {
		now := []section{s}
		for _, split := range all {
			var next []section
			for _, s := range now {
				var err error
				if next, err = split(next, s); err != nil {
					return nil, err
				}
			}
			now = next
		}
		return append(dst, now...), nil
	}, nil
}

// behavior says what becomes of the matches that a text is split at.
type behavior string

const (
	removed    behavior = "Removed"
	isolated   behavior = "Isolated"
	withBefore behavior = "MergedWithPrevious"
	withNext   behavior = "MergedWithNext"
	contiguous behavior = "Contiguous"
)

func (b behavior) check() error {
	switch b {
	case removed, isolated, withBefore, withNext, contiguous:
		return nil
	}
	return fmt.Errorf("behavior %q is not known", b)
}

// part is a stretch of a text: a match, or what lies between matches.
type part struct {
	from, to int
	match    bool
}

// divide covers a text of n bytes with matches and what lies between them.
func divide(n int, found [][2]int) []part {
	parts := make([]part, 0, 2*len(found)+1)
	at := 0
	for _, m := range found {
		if at < m[0] {
			parts = append(parts, part{at, m[0], false})
		}
		parts = append(parts, part{m[0], m[1], true})
		at = m[1]
	}
	if at < n {
		parts = append(parts, part{at, n, false})
	}
	return parts
}

// merge joins neighbours as the behaviour has it.
func (b behavior) merge(parts []part) []part {
	if b == removed {
		return slices.DeleteFunc(parts, func(p part) bool { return p.match })
	}
	if b == isolated {
		return parts
	}
	if b == withNext {
		slices.Reverse(parts)
	}
	out := parts[:0]
	last := false // whether the part before was a match
	for i, p := range parts {
		join := i > 0 && p.match && !last
		if b == contiguous {
			join = i > 0 && p.match == last
		}
		last = p.match
		if !join {
			out = append(out, p)
			continue
		}
		o := &out[len(out)-1]
		o.from, o.to = min(o.from, p.from), max(o.to, p.to)
	}
	if b == withNext {
		slices.Reverse(out)
	}
	return out
}

// splitAt splits at what find finds.
func splitAt(find finder, b behavior) splitter {
	return func(dst []section, s section) ([]section, error) {
		found, err := find(s.text)
		if err != nil {
			return nil, err
		}
		return appendParts(dst, s, b.merge(divide(len(s.text), found))), nil
	}
}

func appendParts(dst []section, s section, parts []part) []section {
	for _, p := range parts {
		dst = append(dst, section{s.text[p.from:p.to], s.first && p.from == 0})
	}
	return dst
}

// matching finds single characters.
func matching(is func(rune) bool) finder {
	return func(text string) (found [][2]int, err error) {
		for i, r := range text {
			if is(r) {
				found = append(found, [2]int{i, i + utf8.RuneLen(r)})
			}
		}
		return found, nil
	}
}

func parseSplit(raw json.RawMessage) (splitter, error) {
	var c struct {
		Type     string   `json:"type"`
		Pattern  pattern  `json:"pattern"`
		Behavior behavior `json:"behavior"`
		Invert   bool     `json:"invert"`
	}
	if err := strict(raw, &c); err != nil {
		return nil, err
	}
	if err := c.Behavior.check(); err != nil {
		return nil, err
	}
	find, err := c.Pattern.finder()
	if err != nil {
		return nil, err
	}
	return func(dst []section, s section) ([]section, error) {
		found, err := find(s.text)
		if err != nil {
			return nil, err
		}
		parts := divide(len(s.text), found)
		if c.Invert {
			for i := range parts {
				parts[i].match = !parts[i].match
			}
		}
		return appendParts(dst, s, c.Behavior.merge(parts)), nil
	}, nil
}

// punctuation is ASCII's, which has symbols too, and Unicode's.
func punctuation(r rune) bool {
	if r < utf8.RuneSelf {
		return r > ' ' && r < 0x7f && !(r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z')
	}
	return unicode.IsPunct(r)
}

// splitBert drops white space and sets punctuation apart.
func splitBert(dst []section, s section) ([]section, error) {
	start := 0
	cut := func(to int) {
		if start < to {
			dst = append(dst, section{s.text[start:to], s.first && start == 0})
		}
	}
	for i, r := range s.text {
		switch {
		case unicode.IsSpace(r):
			cut(i)
			start = i + utf8.RuneLen(r)
		case punctuation(r):
			cut(i)
			start = i
			i += utf8.RuneLen(r)
			cut(i)
			start = i
		}
	}
	cut(len(s.text))
	return dst, nil
}

// splitWords is the pattern \w+|[^\w\s]+ with all else dropped.
func splitWords(dst []section, s section) ([]section, error) {
	class := func(r rune) int {
		switch {
		case word(r):
			return 1
		case unicode.IsSpace(r):
			return 0
		}
		return 2
	}
	start, last := 0, 0
	for i, r := range s.text {
		if c := class(r); c != last {
			if last != 0 {
				dst = append(dst, section{s.text[start:i], s.first && start == 0})
			}
			start, last = i, c
		}
	}
	if last != 0 {
		dst = append(dst, section{s.text[start:], s.first && start == 0})
	}
	return dst, nil
}

// word is \w of UTS 18.
func word(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '_'
	}
	return r == 0x200c || r == 0x200d ||
		unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic)
}

// metaspace writes spaces as another character, and puts one before the text.
type metaspace struct {
	char   string
	scheme string // always, first or never
	split  bool
}

func parseMetaspace(raw json.RawMessage) (metaspace, error) {
	c := struct {
		Type        string  `json:"type"`
		Replacement string  `json:"replacement"`
		Scheme      string  `json:"prepend_scheme"`
		Prefix      *bool   `json:"add_prefix_space"` // older files
		Text        *string `json:"str_rep"`          // older files; the replacement again
		Split       *bool   `json:"split"`
	}{}
	if err := strict(raw, &c); err != nil {
		return metaspace{}, err
	}
	m := metaspace{char: c.Replacement, scheme: c.Scheme, split: c.Split == nil || *c.Split}
	if utf8.RuneCountInString(m.char) != 1 {
		return m, fmt.Errorf("replacement %q is not one character", m.char)
	}
	if c.Text != nil && *c.Text != m.char {
		return m, fmt.Errorf("str_rep %q is not the replacement %q", *c.Text, m.char)
	}
	if m.scheme == "" {
		m.scheme = "always"
	}
	if c.Prefix != nil && !*c.Prefix {
		if c.Scheme != "" && c.Scheme != "never" {
			return m, fmt.Errorf("add_prefix_space is false and prepend_scheme is %q", c.Scheme)
		}
		m.scheme = "never"
	}
	if m.scheme != "always" && m.scheme != "first" && m.scheme != "never" {
		return m, fmt.Errorf("prepend_scheme %q is not known", m.scheme)
	}
	return m, nil
}

func (m metaspace) divide(dst []section, s section) ([]section, error) {
	s.text = strings.ReplaceAll(s.text, " ", m.char)
	if (m.scheme == "always" || m.scheme == "first" && s.first) && !strings.HasPrefix(s.text, m.char) {
		s.text = m.char + s.text
	}
	if !m.split {
		return append(dst, s), nil
	}
	found, err := literal(m.char)(s.text)
	if err != nil {
		return nil, err
	}
	return appendParts(dst, s, withNext.merge(divide(len(s.text), found))), nil
}
