package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds of a body.
const (
	// MaxBody is the most bytes a record's body may have.
	MaxBody = 64 << 10
	// maxDepth bounds nesting, so that no body can exhaust the stack.
	maxDepth = 16
	// maxInteger is the largest integer that every JSON reader keeps exact
	// (RFC 7493, 2.2).
	maxInteger = 1<<53 - 1
)

// Canonical returns the one canonical form of the JSON object in b: RFC 8785,
// narrowed to integers of at most 2^53-1 and keys of [a-z0-9_]. Fractions,
// exponents, repeated keys, lone surrogates and bytes after the object are
// errors. The result shares no memory with b.
func Canonical(b []byte) ([]byte, error) {
	if len(b) > MaxBody {
		return nil, fmt.Errorf("body of %d bytes is longer than %d", len(b), MaxBody)
	}
	p := parser{in: b}
	p.space()
	if p.peek() != '{' {
		return nil, errors.New("body is not a JSON object")
	}
	out, err := p.value(nil, 0)
	if err != nil {
		return nil, fmt.Errorf("body at byte %d: %w", p.at, err)
	}
	if p.space(); p.at != len(b) {
		return nil, fmt.Errorf("body at byte %d: bytes after the object", p.at)
	}
	if len(out) > MaxBody {
		return nil, fmt.Errorf("body of %d bytes is longer than %d", len(out), MaxBody)
	}
	return out, nil
}

// checkCanonical reports whether b is in canonical form already.
func checkCanonical(b []byte) error {
	c, err := Canonical(b)
	if err != nil {
		return err
	}
	if !bytes.Equal(b, c) {
		return errors.New("body is not in canonical form")
	}
	return nil
}

// canonicalJSON encodes v in canonical form.
func canonicalJSON(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return Canonical(b)
}

// parser reads JSON and writes it in canonical form as it goes. It is written
// out, rather than taken from encoding/json, because that takes repeated
// keys and mends broken UTF-8.
type parser struct {
	in []byte
	at int
}

func (p *parser) peek() byte {
	if p.at < len(p.in) {
		return p.in[p.at]
	}
	return 0
}

func (p *parser) space() {
	for p.at < len(p.in) {
		switch p.in[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) expect(c byte) error {
	if p.peek() != c {
		return fmt.Errorf("want %q", c)
	}
	p.at++
	return nil
}

func (p *parser) value(out []byte, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(out, depth)
	case c == '[':
		return p.array(out, depth)
	case c == '"':
		s, err := p.text()
		if err != nil {
			return nil, err
		}
		return quote(out, s), nil
	case c == '-' || c >= '0' && c <= '9':
		return p.integer(out)
	}
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(p.in[p.at:], []byte(word)) {
			p.at += len(word)
			return append(out, word...), nil
		}
	}
	return nil, errors.New("want a value")
}

func (p *parser) object(out []byte, depth int) ([]byte, error) {
	p.at++ // {
	members := map[string][]byte{}
	for p.space(); p.peek() != '}'; p.space() {
		if len(members) > 0 {
			if err := p.expect(','); err != nil {
				return nil, err
			}
			p.space()
		}
		if p.peek() != '"' {
			return nil, errors.New("want a key")
		}
		key, err := p.text()
		if err != nil {
			return nil, err
		}
		if !isKey(key) {
			return nil, fmt.Errorf("key %q: want only a-z, 0-9 and _", key)
		}
		if _, twice := members[key]; twice {
			return nil, fmt.Errorf("key %q appears twice", key)
		}
		p.space()
		if err := p.expect(':'); err != nil {
			return nil, err
		}
		p.space()
		if members[key], err = p.value(nil, depth+1); err != nil {
			return nil, err
		}
	}
	p.at++ // }
	out = append(out, '{')
	for i, key := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(quote(out, key), ':')
		out = append(out, members[key]...)
	}
	return append(out, '}'), nil
}

func (p *parser) array(out []byte, depth int) ([]byte, error) {
	p.at++ // [
	out = append(out, '[')
	first := true
	for p.space(); p.peek() != ']'; p.space() {
		if !first {
			if err := p.expect(','); err != nil {
				return nil, err
			}
			p.space()
			out = append(out, ',')
		}
		first = false
		var err error
		if out, err = p.value(out, depth+1); err != nil {
			return nil, err
		}
	}
	p.at++ // ]
	return append(out, ']'), nil
}

func (p *parser) integer(out []byte) ([]byte, error) {
	start := p.at
	if p.peek() == '-' {
		p.at++
	}
	digits := p.at
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	text := string(p.in[start:p.at])
	switch {
	case p.at == digits || p.in[digits] == '0' && p.at > digits+1 || text == "-0":
		return nil, fmt.Errorf("%q is not an integer", text)
	case p.peek() == '.' || p.peek() == 'e' || p.peek() == 'E':
		return nil, errors.New("a fraction: count in a smaller unit")
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > maxInteger || n < -maxInteger {
		return nil, fmt.Errorf("%s is beyond 2^53-1", text)
	}
	return append(out, text...), nil
}

// text reads a string literal and returns what it stands for.
func (p *parser) text() (string, error) {
	p.at++ // "
	var s []byte
	for p.at < len(p.in) {
		switch c := p.in[p.at]; {
		case c == '"':
			p.at++
			return string(s), nil
		case c < 0x20:
			return "", errors.New("a control character in a string")
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			s = utf8.AppendRune(s, r)
		default:
			r, size := utf8.DecodeRune(p.in[p.at:])
			if r == utf8.RuneError && size == 1 {
				return "", errors.New("a string is not valid UTF-8")
			}
			s = append(s, p.in[p.at:p.at+size]...)
			p.at += size
		}
	}
	return "", errors.New("a string without end")
}

func (p *parser) escape() (rune, error) {
	p.at++ // backslash
	c := p.peek()
	p.at++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		r, err := p.hex4()
		if err != nil || !utf16.IsSurrogate(r) {
			return r, err
		}
		if p.peek() == '\\' {
			if p.at++; p.peek() == 'u' {
				p.at++
				low, err := p.hex4()
				if err != nil {
					return 0, err
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					return r, nil
				}
			}
		}
		return 0, errors.New("half of a surrogate pair")
	}
	return 0, errors.New("an unknown escape")
}

func (p *parser) hex4() (rune, error) {
	if p.at+4 > len(p.in) {
		return 0, errors.New("a string without end")
	}
	n, err := strconv.ParseUint(string(p.in[p.at:p.at+4]), 16, 16)
	if err != nil {
		return 0, errors.New("an unknown escape")
	}
	p.at += 4
	return rune(n), nil
}

func isKey(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return s != ""
}

// quote appends s as RFC 8785, 3.2.2.2 has it: only what must be escaped is.
func quote(out []byte, s string) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c == '\b':
			out = append(out, '\\', 'b')
		case c == '\t':
			out = append(out, '\\', 't')
		case c == '\n':
			out = append(out, '\\', 'n')
		case c == '\f':
			out = append(out, '\\', 'f')
		case c == '\r':
			out = append(out, '\\', 'r')
		case c < 0x20:
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}
